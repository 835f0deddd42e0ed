"""Shopify's Admin API: a shop's orders with all their line items and fulfillments, and its products.

Read only, of one shop. Lists are read in order of change within half-open windows of ``updated_at``, so that
what changes meanwhile moves behind the window and is found by the next one. Must not know Airflow, nor where
records go.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.auth import tell_nobody
from airflow_provider_partners.api.budget import RateBudget
from airflow_provider_partners.api.client import ApiClient
from airflow_provider_partners.api.clock import SYSTEM_CLOCK, Clock
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.graphql import GraphQLCaller
from airflow_provider_partners.api.resources import find
from airflow_provider_partners.api.shopify_admin_auth import admin_auth, shop_url
from airflow_provider_partners.api.shopify_admin_documents import LISTINGS, SHOP, Listing
from airflow_provider_partners.api.shopify_admin_question import Question
from airflow_provider_partners.api.shopify_admin_resources import RESOURCES, frozen, further, ids_of, refuse_both
from airflow_provider_partners.api.shopify_bulk import BulkJob, fits, refuse_misfits
from airflow_provider_partners.api.shopify_bulk_operations import BulkOperations
from airflow_provider_partners.api.shopify_bulk_rows import OBJECTS_AT_ONCE, BulkCompleter
from airflow_provider_partners.api.shopify_cost import PageSize, observe_cost
from airflow_provider_partners.api.shopify_faults import ADMIN_FAULTS
from airflow_provider_partners.api.shopify_nested import Completer
from airflow_provider_partners.api.shopify_search import checked, search, whole_seconds
from airflow_provider_partners.api.shopify_shops import shop_domain
from airflow_provider_partners.api.transport import Transport
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_partners.api.jobs import JobStatus
    from airflow_provider_partners.api.ledgers import Ledger

__all__ = ["RESOURCES", "ShopifyAdminClient"]

log = logging.getLogger(__name__)

SOURCE = "shopify_admin"
DEFAULT_VERSION = "2026-07"
DEFAULT_URL = "https://{shop}.myshopify.com"

RESTORE_RATE = 100.0
BUCKET = 2_000.0
"""Points a second and at most, of the standard plan; from the first answer on the shop's own figures count."""

VISIBLE = timedelta(days=60)
"""How far back ``read_orders`` alone sees; older orders are absent without a word."""


class ShopifyAdminClient(ApiClient):
    """Reads from the Admin API of one shop.

    ::

        with ShopifyAdminClient(shop="a.myshopify.com", access_token=token) as client:
            for order in client.extract("orders", since=since, until=until).records():
                print(order["name"], len(order["lineItems"]))

    :param shop: its permanent domain
    :param access_token: for ``auth="token"``
    :param client_id: for ``auth="client_credentials"``
    :param client_secret: for ``auth="client_credentials"``
    :param auth: ``token`` or ``client_credentials``
    :param token_provider: gives the shop's current token, for apps whose tokens expire and are kept elsewhere; asked
        again when a token is refused
    :param api_version: dated version, or ``unstable``
    :param base_url: scheme and host, with a path prefix if need be; ``{shop}`` stands for the shop's name
    :param strict_version: an answer of another version is an error instead of a warning
    :param ledger: where the budget is kept; give one that parallel tasks share
    :param on_secret: told every secret before it is used
    :param deadline: seconds for a whole call with all its waits
    :param max_wait: seconds of the longest wait that is sat out
    :param bulk_grouping: whether files of bulk operations are grouped: slower, and likelier to take Shopify too long,
        but what an operation wrote before it failed can be used
    """

    def __init__(
        self,
        *,
        shop: str,
        access_token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        auth: str = "token",
        token_provider: Callable[[], str] | None = None,
        api_version: str = DEFAULT_VERSION,
        base_url: str = DEFAULT_URL,
        strict_version: bool = False,
        ledger: Ledger | None = None,
        handler: Any = None,
        clock: Clock = SYSTEM_CLOCK,
        on_secret: Callable[[str], None] = tell_nobody,
        deadline: float = 300.0,
        max_wait: float = 60.0,
        bulk_grouping: bool = False,
    ) -> None:
        self.shop = shop_domain(shop)
        self._clock = clock
        self._transport = Transport(
            partner="Shopify Admin",
            base_url=shop_url(base_url or DEFAULT_URL, self.shop),
            auth=admin_auth(
                auth=auth,
                access_token=access_token,
                client_id=client_id,
                client_secret=client_secret,
                token_provider=token_provider,
                transport=lambda: self._transport,
                clock=clock,
                on_secret=on_secret,
            ),
            budget=RateBudget(rate=RESTORE_RATE, capacity=BUCKET, ledger=ledger, clock=clock),
            faults=ADMIN_FAULTS,
            observe=observe_cost,
            handler=handler,
            clock=clock,
            deadline=deadline,
            max_wait=max_wait,
        )
        self._caller = GraphQLCaller(
            transport=self._transport,
            path=f"/admin/api/{api_version}/graphql.json",
            api_version=api_version,
            strict_version=strict_version,
        )
        self._completer = Completer(self._caller)
        self._operations = BulkOperations(self._caller)
        self._bulk_grouping = bulk_grouping

    def ping(self) -> str:
        """Ask for the shop's name and what the token may do."""
        answer = self._caller.execute(SHOP, label="shop").data
        scopes = ", ".join(sorted(_scopes(answer)))
        return f"{answer['shop']['myshopifyDomain']} answers; the token's scopes: {scopes or 'none'}."

    def extract(
        self,
        resource: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query: str | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        personal_data: bool = True,
        page_size: int | None = None,
        fields: str | None = None,
    ) -> Extraction:
        """Orders or products that changed in a half-open window, or those of known ids, each of them whole.

        Connections come as plain lists; :meth:`Completer.order
        <airflow_provider_partners.api.shopify_nested.Completer.order>` shows an order. A window that holds 10,000
        objects or more is read in pieces, since Shopify gives at most 25,000 of one query.

        :param resource: ``orders`` or ``products``
        :param since: first moment of change; from the beginning without it
        :param until: first moment of change that no longer counts; now without it
        :param query: a filter in Shopify's search syntax, which must hold too, such as ``financial_status:paid``
        :param match: ``{"id": […]}``: global ids or their numbers, in place of a search
        :param personal_data: whether customers' data are asked for
        :param page_size: objects per request; lowered by itself where a page costs too much
        :param fields: further fields of each object, in GraphQL
        :raises ConfigurationError: when an argument doesn't fit
        """
        asking = self._question(resource, query, personal_data, fields, page_size)
        listing = asking.listing
        wanted: dict[str, Any]
        if match is not None:
            ids = ids_of(match, listing.node)
            refuse_both(query)
            span = (since and whole_seconds(since), until and whole_seconds(until))
            segments = asking.matched(ids, span)
            wanted = {"ids": ids, "span": span}
        else:
            span = frozen(since, until, now=self._clock.time())
            self._tell_what_is_hidden(listing, span[0])
            # The pieces depend on how much a window holds; other pieces are another walk.
            parts = asking.pieces(span)
            segments = asking.searched(parts)
            wanted = {"spans": parts, "query": asking.extra}
        return Extraction(
            source=SOURCE,
            resource=resource,
            key=RESOURCES[resource].key,
            request={
                "shop": self.shop,
                "api_version": self._caller.api_version,
                "selection": asking.selection,
                **wanted,
            },
            segments=segments,
            window=Window(span[0], span[1]) if span[0] and span[1] else None,
        )

    def job(
        self,
        resource: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query: str | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        personal_data: bool = True,
        page_size: int | None = None,
        fields: str | None = None,
    ) -> BulkJob:
        """The same list as one bulk operation; its rows are those of :meth:`extract`.

        Sends nothing. Without ``until`` the window ends now: another call asks another question, so a job that is to be
        found again needs both bounds.

        :param resource: ``orders`` or ``products``
        :param since: first moment of change; from the beginning without it
        :param until: first moment of change that no longer counts; now without it
        :param query: a filter in Shopify's search syntax, which must hold too
        :param match: refused, since there are no bulk operations of ids
        :param personal_data: whether customers' data are asked for
        :param page_size: objects per page of rows
        :param fields: further fields of each object, in GraphQL, without connections
        :raises ConfigurationError: when an argument doesn't fit
        """
        asking = self._question(resource, query, personal_data, fields)
        refuse_misfits(match, further(fields))
        listing, span = asking.listing, frozen(since, until, now=self._clock.time())
        selection = listing.selection(personal_data=personal_data, extra=further(fields), bulk=True)
        return BulkJob(
            source=SOURCE,
            listing=listing,
            request={
                "shop": self.shop,
                "api_version": self._caller.api_version,
                "query": listing.bulk(selection, search(span, asking.extra), grouped=self._bulk_grouping),
            },
            span=span,
            operations=self._operations,
            download=partial(self._transport.download, label="bulk.file"),
            complete=BulkCompleter(self._caller, self._completer, listing, asking.read),
            rest=asking,
            before=partial(self._tell_what_is_hidden, listing, span[0]),
            now=self._clock.time,
            size=page_size or OBJECTS_AT_ONCE,
        )

    def worth_a_job(
        self,
        resource: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query: str | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        fields: str | None = None,
        **others: object,
    ) -> bool:
        """Whether a bulk operation fits, and the window holds 10,000 objects or more, as many as Shopify counts.

        :param resource: ``orders`` or ``products``
        :param others: what :meth:`job` takes besides; it doesn't matter here
        """
        asking = self._question(resource, query, fields=fields)
        span = frozen(since, until, now=self._clock.time())
        return fits(match, further(fields)) and asking.crowded(span)

    def job_status(self, job_id: str) -> JobStatus:
        """Where a bulk operation stands.

        :param job_id: its global id
        """
        return self._operations.status(job_id)

    def cancel_job(self, job_id: str) -> None:
        """Have a bulk operation stop, if it hasn't ended yet.

        :param job_id: its global id
        """
        self._operations.cancel(job_id)

    def _question(
        self,
        resource: str,
        query: str | None,
        personal_data: bool = True,
        fields: str | None = None,
        page_size: int | None = None,
    ) -> Question:
        found, listing = find(RESOURCES, resource), LISTINGS[resource]
        return Question(
            caller=self._caller,
            completer=self._completer,
            listing=listing,
            selection=listing.selection(personal_data=personal_data, extra=further(fields)),
            size=PageSize(found.pages(page_size).size),
            extra=checked(query),
        )

    def _tell_what_is_hidden(self, listing: Listing, since: datetime | None) -> None:
        horizon = datetime.fromtimestamp(self._clock.time(), UTC) - VISIBLE
        if listing.name != "orders" or (since is not None and since >= horizon):
            return
        if "read_all_orders" not in _scopes(self._caller.execute(SHOP, label="shop").data):
            log.warning(
                "%s: the window begins before %s, but without the scope read_all_orders Shopify leaves out orders "
                "that are older than 60 days, without saying so",
                self.shop,
                horizon.date(),
            )


def _scopes(shop: Mapping[str, Any]) -> set[str]:
    return {scope["handle"] for scope in shop["currentAppInstallation"]["accessScopes"]}
