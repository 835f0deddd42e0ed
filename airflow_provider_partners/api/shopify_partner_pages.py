"""One page of a Partner API connection: asked for, taken apart, and cut to its half-open window.

Must not know arguments or resources' rules; it is handed a document, variables and a window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.paging import Cursor, EdgeCursor, Page, dig
from airflow_provider_partners.api.shopify_faults import PARTNER_PERMISSION_REMEDY
from airflow_provider_partners.api.shopify_partner_documents import ALIASES
from airflow_provider_partners.api.shopify_shops import bare_domain, instant
from airflow_provider_partners.exceptions import ConfigurationError, PagingError

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_partners.api.graphql import GraphQLCaller
    from airflow_provider_partners.api.messages import Record


def _as_it_is(record: Record) -> Record:
    return record


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPages:
    """Fetches the pages of one connection, for any thread.

    :param caller: sends the document
    :param label: what is fetched, for logs and errors
    :param document: in GraphQL
    :param variables: the same for every page
    :param paging: the connection's place and the page size
    :param time_field: the field of a row that ``since`` and ``until`` bound
    :param since: first moment that counts
    :param until: first moment that no longer counts
    :param shop: only rows of this domain, where the API can't filter by it
    :param sized: whether the document declares ``$first``
    :param shape: makes a record of a node
    :param gone: what to say where the API turns out not to have the field any more
    """

    caller: GraphQLCaller
    label: str
    document: str
    variables: Mapping[str, Any]
    paging: EdgeCursor
    time_field: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    shop: str | None = None
    sized: bool = True
    shape: Callable[[Record], Record] = _as_it_is
    gone: str = ""

    def fetch(self, cursor: Cursor) -> Page:
        """The page at a cursor.

        :param cursor: ``{}`` or ``{"after": …}``
        :raises ConfigurationError: when the connection is not there
        :raises PagingError: when the page says that more remain but not where
        """
        paging = {name: value for name, value in self.paging.params(cursor).items() if self._declared(name, value)}
        data = self._answer({**self.variables, **paging})
        rows = self._rows(data)
        if not rows and dig(data, f"{self.paging.connection}.pageInfo.hasNextPage"):
            message = f"'{self.label}' gave an empty page and says that more remain"
            raise PagingError(message, remedy="Try again, or ask for a shorter window.")
        following = self.paging.next(cursor, body=data, records=rows)
        return Page([record for record in map(self.shape, rows) if self._wanted(record)], following)

    def _answer(self, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self.caller.execute(self.document, variables, label=self.label).data
        except ConfigurationError as error:
            if self.gone and "doesn't exist on type" in str(error):
                message = f"the API has no '{self.label}'"
                raise ConfigurationError(message, remedy=self.gone) from error
            raise

    def _declared(self, name: str, value: Any) -> bool:
        return value is not None and (self.sized or name != self.paging.first)

    def _rows(self, data: Mapping[str, Any]) -> list[Record]:
        at: Any = data
        for depth, step in enumerate(self.paging.connection.split("."), 1):
            above, at = at, at.get(step) if isinstance(at, Mapping) else None
            if at is None:
                raise _missing(above, step, ".".join(self.paging.connection.split(".")[:depth]), self.label)
        edges, nodes = dig(at, "edges"), dig(at, "nodes")
        if isinstance(edges, list):
            return [edge["node"] for edge in edges if isinstance(edge, Mapping) and edge.get("node")]
        if isinstance(nodes, list):
            return [node for node in nodes if node]
        message = f"'{self.paging.connection}' in the answer of '{self.label}' is no connection"
        raise ConfigurationError(message, remedy="Name the field that has 'edges', and ask for edges { node { … } }.")

    def _wanted(self, record: Record) -> bool:
        if self.shop and bare_domain(str(dig(record, "shop.myshopifyDomain") or "")) != self.shop:
            return False
        if self.time_field is None or record.get(self.time_field) is None:
            return True
        moment = instant(record[self.time_field])
        # The API's upper bound is inclusive: its last moment is the first one of the next window.
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)


def own_names(record: Record) -> Record:
    """A node with the API's own field names, and with a ``chargeId`` where it has no id to be told apart by.

    :param record: a node, as our documents ask for it
    """
    named = {ALIASES.get(name, name): value for name, value in record.items()}
    if "id" not in named:
        named["chargeId"] = dig(named, "charge.id") or dig(named, "appCredit.id") or ""
    return named


def _missing(above: Any, step: str, path: str, label: str) -> ConfigurationError:
    if not isinstance(above, Mapping) or step not in above:
        held = ", ".join(sorted(above)) if isinstance(above, Mapping) else "nothing"
        message = f"the answer of '{label}' has no '{path}', it holds {held}"
        return ConfigurationError(message, remedy="Correct the path of the connection; it begins below 'data'.")
    message = f"'{path}' is null in the answer of '{label}'"
    return ConfigurationError(
        message,
        remedy=f"The id is unknown here, or hidden from the token. {PARTNER_PERMISSION_REMEDY}",
    )
