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

from airflow_provider_partners.api.client import ApiClient
from airflow_provider_partners.api.clock import SYSTEM_CLOCK, Clock
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.http.auth import ignore_secret
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.shopify.errors import ADMIN_ERROR_HANDLER
from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.api.shopify_admin.auth import make_auth, shop_url
from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob, fits_bulk_operation, require_bulk_fit
from airflow_provider_partners.api.shopify_admin.bulk.operations import BulkOperations
from airflow_provider_partners.api.shopify_admin.bulk.records import RECORDS_PER_PAGE, BulkRecordLoader
from airflow_provider_partners.api.shopify_admin.documents import LIST_DOCUMENTS, SHOP, ListDocuments
from airflow_provider_partners.api.shopify_admin.nested import NestedConnectionLoader
from airflow_provider_partners.api.shopify_admin.query import ListQuery
from airflow_provider_partners.api.shopify_admin.query_cost import AdaptivePageSize, update_rate_limit
from airflow_provider_partners.api.shopify_admin.resources import (
    RESOURCES,
    extra_fields,
    parse_ids,
    reject_query_with_match,
    resolve_range,
)
from airflow_provider_partners.api.shopify_admin.search import build_search, ceil_to_second, validate_query
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_partners.api.async_job import JobStatus
    from airflow_provider_partners.api.http.rate_limit_store import RateLimitStore

__all__ = ["RESOURCES", "ShopifyAdminClient"]

log = logging.getLogger(__name__)

SOURCE = "shopify_admin"
DEFAULT_VERSION = "2026-07"
DEFAULT_URL = "https://{shop}.myshopify.com"

RESTORE_RATE = 100.0
BUCKET_SIZE = 2_000.0
"""Points a second and at most, of the standard plan; from the first answer on the shop's own figures count."""

DEFAULT_ORDER_HISTORY = timedelta(days=60)
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
    :param rate_limit_store: where the budget is kept; give one that parallel tasks share
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
        rate_limit_store: RateLimitStore | None = None,
        handler: Any = None,
        clock: Clock = SYSTEM_CLOCK,
        on_secret: Callable[[str], None] = ignore_secret,
        deadline: float = 300.0,
        max_wait: float = 60.0,
        bulk_grouping: bool = False,
    ) -> None:
        self.shop = shop_domain(shop)
        self._clock = clock
        self._transport = Transport(
            partner="Shopify Admin",
            base_url=shop_url(base_url or DEFAULT_URL, self.shop),
            auth=make_auth(
                auth=auth,
                access_token=access_token,
                client_id=client_id,
                client_secret=client_secret,
                token_provider=token_provider,
                transport=lambda: self._transport,
                clock=clock,
                on_secret=on_secret,
            ),
            rate_limit=RateLimiter(rate=RESTORE_RATE, capacity=BUCKET_SIZE, store=rate_limit_store, clock=clock),
            error_handler=ADMIN_ERROR_HANDLER,
            rate_limit_observer=update_rate_limit,
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
        self._loader = NestedConnectionLoader(self._caller)
        self._bulk_operations = BulkOperations(self._caller)
        self._bulk_grouping = bulk_grouping

    def ping(self) -> str:
        """Ask for the shop's name and what the token may do."""
        answer = self._caller.execute(SHOP, label="shop").data
        scopes = ", ".join(sorted(_granted_scopes(answer)))
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
        <airflow_provider_partners.api.shopify_admin.nested.Completer.order>` shows an order. A window that holds 10,000
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
        list_query = self._list_query(resource, query, personal_data, fields, page_size)
        documents = list_query.documents
        selection_request: dict[str, Any]
        if match is not None:
            ids = parse_ids(match, documents.node_type)
            reject_query_with_match(query)
            time_range = (since and ceil_to_second(since), until and ceil_to_second(until))
            segments = list_query.id_segments(ids, time_range)
            selection_request = {"ids": ids, "span": time_range}
        else:
            time_range = resolve_range(since, until, now=self._clock.time())
            self._warn_about_hidden_orders(documents, time_range[0])
            # The pieces depend on how much a window holds; other pieces are another walk.
            time_ranges = list_query.split_range(time_range)
            segments = list_query.search_segments(time_ranges)
            selection_request = {"spans": time_ranges, "query": list_query.user_query}
        return Extraction(
            source=SOURCE,
            resource=resource,
            key=RESOURCES[resource].key,
            request={
                "shop": self.shop,
                "api_version": self._caller.api_version,
                "selection": list_query.selection,
                **selection_request,
            },
            segments=segments,
            window=Window(time_range[0], time_range[1]) if time_range[0] and time_range[1] else None,
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
        list_query = self._list_query(resource, query, personal_data, fields)
        require_bulk_fit(match, extra_fields(fields))
        documents, time_range = list_query.documents, resolve_range(since, until, now=self._clock.time())
        selection = documents.selection(personal_data=personal_data, extra_fields=extra_fields(fields), bulk=True)
        return BulkJob(
            source=SOURCE,
            documents=documents,
            request={
                "shop": self.shop,
                "api_version": self._caller.api_version,
                "query": documents.bulk_query(
                    selection, build_search(time_range, list_query.user_query), grouped=self._bulk_grouping
                ),
            },
            time_range=time_range,
            operations=self._bulk_operations,
            download=partial(self._transport.download, label="bulk.file"),
            complete=BulkRecordLoader(self._caller, self._loader, documents, list_query.fetch_by_ids),
            list_query=list_query,
            before_submit=partial(self._warn_about_hidden_orders, documents, time_range[0]),
            now=self._clock.time,
            page_size=page_size or RECORDS_PER_PAGE,
        )

    def prefers_job(
        self,
        resource: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query: str | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        fields: str | None = None,
        **job_options: object,
    ) -> bool:
        """Whether a bulk operation fits, and the window holds 10,000 objects or more, as many as Shopify counts.

        :param resource: ``orders`` or ``products``
        :param job_options: what :meth:`job` takes besides; it doesn't matter here
        """
        list_query = self._list_query(resource, query, fields=fields)
        time_range = resolve_range(since, until, now=self._clock.time())
        return fits_bulk_operation(match, extra_fields(fields)) and list_query.is_capped(time_range)

    def job_status(self, job_id: str) -> JobStatus:
        """Where a bulk operation stands.

        :param job_id: its global id
        """
        return self._bulk_operations.status(job_id)

    def cancel_job(self, job_id: str) -> None:
        """Have a bulk operation stop, if it hasn't ended yet.

        :param job_id: its global id
        """
        self._bulk_operations.cancel(job_id)

    def _list_query(
        self,
        resource: str,
        query: str | None,
        personal_data: bool = True,
        fields: str | None = None,
        page_size: int | None = None,
    ) -> ListQuery:
        found, listing = find_resource(RESOURCES, resource), LIST_DOCUMENTS[resource]
        return ListQuery(
            caller=self._caller,
            loader=self._loader,
            documents=listing,
            selection=listing.selection(personal_data=personal_data, extra_fields=extra_fields(fields)),
            page_size=AdaptivePageSize(found.sized_paginator(page_size).size),
            user_query=validate_query(query),
        )

    def _warn_about_hidden_orders(self, documents: ListDocuments, since: datetime | None) -> None:
        horizon = datetime.fromtimestamp(self._clock.time(), UTC) - DEFAULT_ORDER_HISTORY
        if documents.name != "orders" or (since is not None and since >= horizon):
            return
        if "read_all_orders" not in _granted_scopes(self._caller.execute(SHOP, label="shop").data):
            log.warning(
                "%s: the window begins before %s, but without the scope read_all_orders Shopify leaves out orders "
                "that are older than 60 days, without saying so",
                self.shop,
                horizon.date(),
            )


def _granted_scopes(shop: Mapping[str, Any]) -> set[str]:
    return {scope["handle"] for scope in shop["currentAppInstallation"]["accessScopes"]}
