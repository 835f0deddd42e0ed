"""One page of a Partner API connection: asked for, taken apart, and cut to its half-open window.

Must not know arguments or resources' rules; it is handed a document, variables and a window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator, Cursor, Page
from airflow_provider_partners.api.shopify.errors import PARTNER_PERMISSION_REMEDY
from airflow_provider_partners.api.shopify.shops import normalize_domain, parse_timestamp
from airflow_provider_partners.api.shopify_partner.documents import ALIASES
from airflow_provider_partners.exceptions import ConfigurationError, PagingError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
    from airflow_provider_partners.records import Record


def _unchanged(record: Record) -> Record:
    return record


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFetcher:
    """Fetches the pages of one connection, for any thread.

    :param caller: sends the document
    :param label: what is fetched, for logs and errors
    :param document: in GraphQL
    :param variables: the same for every page
    :param paginator: the connection's place and the page size
    :param time_field: the field of a row that ``since`` and ``until`` bound
    :param since: first moment that counts
    :param until: first moment that no longer counts
    :param shop: only rows of this domain, where the API can't filter by it
    :param sends_page_size: whether the document declares ``$first``
    :param transform: makes a record of a node
    :param removal_notice: what to say where the API turns out not to have the field any more
    """

    caller: GraphQLCaller
    label: str
    document: str
    variables: Mapping[str, Any]
    paginator: ConnectionPaginator
    time_field: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    shop: str | None = None
    sends_page_size: bool = True
    transform: Callable[[Record], Record] = _unchanged
    removal_notice: str = ""

    def fetch(self, cursor: Cursor) -> Page:
        """The page at a cursor.

        :param cursor: ``{}`` or ``{"after": …}``
        :raises ConfigurationError: when the connection is not there
        :raises PagingError: when the page says that more remain but not where
        """
        paging = {
            name: value for name, value in self.paginator.params(cursor).items() if self._is_declared(name, value)
        }
        data = self._execute({**self.variables, **paging})
        rows = self._nodes(data)
        if not rows and get_path(data, f"{self.paginator.connection_path}.pageInfo.hasNextPage"):
            message = f"'{self.label}' gave an empty page and says that more remain"
            raise PagingError(message, remedy="Try again, or ask for a shorter window.")
        following = self.paginator.next(cursor, body=data, records=rows)
        return Page([record for record in map(self.transform, rows) if self._is_included(record)], following)

    def _execute(self, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self.caller.execute(self.document, variables, label=self.label).data
        except ConfigurationError as error:
            if self.removal_notice and "doesn't exist on type" in str(error):
                message = f"the API has no '{self.label}'"
                raise ConfigurationError(message, remedy=self.removal_notice) from error
            raise

    def _is_declared(self, name: str, value: Any) -> bool:
        return value is not None and (self.sends_page_size or name != self.paginator.size_variable)

    def _nodes(self, data: Mapping[str, Any]) -> list[Record]:
        at: Any = data
        for depth, step in enumerate(self.paginator.connection_path.split("."), 1):
            above, at = at, at.get(step) if isinstance(at, Mapping) else None
            if at is None:
                raise _missing_connection_error(
                    above, step, ".".join(self.paginator.connection_path.split(".")[:depth]), self.label
                )
        edges, nodes = get_path(at, "edges"), get_path(at, "nodes")
        if isinstance(edges, list):
            return [edge["node"] for edge in edges if isinstance(edge, Mapping) and edge.get("node")]
        if isinstance(nodes, list):
            return [node for node in nodes if node]
        message = f"'{self.paginator.connection_path}' in the answer of '{self.label}' is no connection"
        raise ConfigurationError(message, remedy="Name the field that has 'edges', and ask for edges { node { … } }.")

    def _is_included(self, record: Record) -> bool:
        if self.shop and normalize_domain(str(get_path(record, "shop.myshopifyDomain") or "")) != self.shop:
            return False
        if self.time_field is None or record.get(self.time_field) is None:
            return True
        moment = parse_timestamp(record[self.time_field])
        # The API's upper bound is inclusive: its last moment is the first one of the next window.
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)


def restore_aliases(record: Record) -> Record:
    """A node with the API's own field names, and with a ``chargeId`` where it has no id to be told apart by.

    :param record: a node, as our documents ask for it
    """
    named = {ALIASES.get(name, name): value for name, value in record.items()}
    if "id" not in named:
        named["chargeId"] = get_path(named, "charge.id") or get_path(named, "appCredit.id") or ""
    return named


def _missing_connection_error(above: Any, step: str, path: str, label: str) -> ConfigurationError:
    if not isinstance(above, Mapping) or step not in above:
        held = ", ".join(sorted(above)) if isinstance(above, Mapping) else "nothing"
        message = f"the answer of '{label}' has no '{path}', it holds {held}"
        return ConfigurationError(message, remedy="Correct the path of the connection; it begins below 'data'.")
    message = f"'{path}' is null in the answer of '{label}'"
    return ConfigurationError(
        message,
        remedy=f"The id is unknown here, or hidden from the token. {PARTNER_PERMISSION_REMEDY}",
    )
