"""Client of Shopify's Admin API: the lists of one shop, with everything inside of their records.

The client only reads. It reads lists by the time of the last change, within half-open time ranges. If a record changes
during a read, it leaves the range and belongs to the next one. This module knows neither Airflow nor files.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.shopify.field_caller import FieldCaller
from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.api.shopify_admin.access import Access
from airflow_provider_partners.api.shopify_admin.auth import make_auth, shop_url
from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob, fits_bulk_operation, require_bulk_fit
from airflow_provider_partners.api.shopify_admin.bulk.operations import BulkOperations
from airflow_provider_partners.api.shopify_admin.bulk.records import RECORDS_PER_PAGE, BulkRecordLoader
from airflow_provider_partners.api.shopify_admin.document_client import DocumentClient
from airflow_provider_partners.api.shopify_admin.documents import SHOP, ListDocuments, documents_of
from airflow_provider_partners.api.shopify_admin.errors import ADMIN_ERROR_HANDLER
from airflow_provider_partners.api.shopify_admin.nested import NestedListLoader
from airflow_provider_partners.api.shopify_admin.query import (
    ListQuery,
    parse_ids,
    range_as_json,
    reject_query_with_match,
)
from airflow_provider_partners.api.shopify_admin.query_cost import update_rate_limit
from airflow_provider_partners.api.shopify_admin.resources import RESOURCES
from airflow_provider_partners.api.shopify_admin.search import in_whole_seconds, validate_query
from airflow_provider_partners.arguments import check_count
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_partners.api.async_job import JobStatus
    from airflow_provider_partners.api.shopify.selections import ExtraFields
    from airflow_provider_partners.api.shopify_admin.resources.model import AdminResource

__all__ = ["RESOURCES", "ShopifyAdminClient"]

log = logging.getLogger(__name__)

SOURCE = "shopify_admin"
DEFAULT_VERSION = "2026-07"
DEFAULT_URL = "https://{shop}.myshopify.com"
FILE_HOSTS = ("storage.googleapis.com", "*.storage.googleapis.com", "*.shopify.com", "*.shopifycloud.com")
"""Hosts of the files of bulk operations. Shopify's samples show the first, and it documents none:
https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries#download-result-data."""

RESTORE_RATE = 100.0
BUCKET_SIZE = 2_000.0
"""Points of the standard plan; ``RESTORE_RATE`` is in points a second.

The first answer replaces both by the shop's own figures.
See https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits.
"""

DEFAULT_ORDER_HISTORY = timedelta(days=60)
"""Age of the orders that ``read_orders`` alone can see; Shopify omits older ones without an error.

See https://shopify.dev/docs/api/usage/access-scopes (``read_all_orders``).
"""


class ShopifyAdminClient(DocumentClient):
    """Reads from the Admin API of one shop.

    ::

        with ShopifyAdminClient(shop="a.myshopify.com", access_token=token) as client:
            for order in client.extract("orders", since="2026-05-01", until="2026-05-02").records():
                print(order["name"], len(order["lineItems"]))

    :param shop: the shop's permanent domain
    :param access_token: for ``auth="token"``
    :param client_id: for ``auth="client_credentials"``
    :param client_secret: for ``auth="client_credentials"``
    :param auth: ``token`` or ``client_credentials``
    :param token_provider: returns the shop's current token, for an app that stores expiring tokens elsewhere. It is
        called again after Shopify refuses a token
    :param api_version: dated version such as ``2026-07``, or ``unstable``
    :param base_url: scheme and host, with an optional path prefix; ``{shop}`` is replaced by the shop's name
    :param strict_version: raise if another version answers; log a warning otherwise
    :param bulk_grouping: group the lines of each object in the files of bulk operations. Grouping is slower and more
        likely to time out, but the partial file of a failed operation can then be used
    :param options: deadlines, rate limit store, clock and other options of every client
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
        options: ClientOptions | None = None,
        bulk_grouping: bool = False,
    ) -> None:
        options = options or ClientOptions()
        self.shop = shop_domain(shop)
        self._clock = options.clock
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
                clock=options.clock,
                on_secret=options.on_secret,
                slot=options.token_slot(
                    "shopify_admin", shop_url(base_url or DEFAULT_URL, self.shop), self.shop, client_id, client_secret
                ),
            ),
            rate_limit=RateLimiter(
                rate=RESTORE_RATE, capacity=BUCKET_SIZE, store=options.rate_limit_store, clock=options.clock
            ),
            error_handler=ADMIN_ERROR_HANDLER,
            rate_limit_observer=update_rate_limit,
            options=options,
            download_hosts=FILE_HOSTS,
        )
        self._caller = GraphQLCaller(
            transport=self._transport,
            path=f"/admin/api/{api_version}/graphql.json",
            api_version=api_version,
            strict_version=strict_version,
        )
        self._bulk_operations = BulkOperations(self._caller)
        self._bulk_grouping = bulk_grouping

    def ping(self) -> str:
        """Return the shop's domain and the scopes of the token."""
        access = self.access()
        return f"{access.shop} answers; the token's scopes: {', '.join(sorted(access.scopes)) or 'none'}."

    def access(self) -> Access:
        """Return which shop the token is for, and its access scopes."""
        return Access.parse(self._caller.execute(SHOP, label="shop").data)

    def extract(
        self,
        resource: str,
        *,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        query: str | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        personal_data: bool = True,
        page_size: int | None = None,
        fields: str | Sequence[str] | None = None,
    ) -> Extraction:
        """Read the complete records that changed in a half-open time range, or those with given ids.

        Connections become plain lists, see :mod:`~airflow_provider_partners.api.shopify_admin.nested`, which shows an
        order. Where Shopify counts 10,000 objects or more, a range is read in parts, because Shopify returns at most
        25,000 objects of one query.

        :param resource: name of the list, such as ``orders``
        :param since: start of the range (inclusive), ISO 8601 text or ``datetime``; all history if not given
        :param until: end of the range (exclusive), in the same forms; now if not given
        :param query: an additional filter in Shopify's search syntax, such as ``financial_status:paid``
        :param match: ``{"id": […]}`` with global ids or their numbers, instead of a search. For records inside of other
            objects also the ids of these: ``{"order_id": […]}`` for refunds
        :param personal_data: whether to request customers' data
        :param page_size: objects per request; reduced automatically if a page costs too much, or takes too long
        :param fields: further fields of each record: a list of paths (``shippingLine.title``,
            ``lineItems.product.metafield:custom.model``) or of selections in GraphQL, or its JSON text. A path after a
            minus sign leaves a field out. See :mod:`~airflow_provider_partners.api.shopify.selections`
        :raises ConfigurationError: if an argument is not valid
        """
        arguments: dict[str, Any] = {"since": since, "until": until, "query": query, "match": match}
        parts = find_resource(RESOURCES, resource).parts or (resource,)
        if len(parts) > 1 and (query or match is not None):
            message = f"'{resource}' joins several lists, so it takes neither 'query' nor 'match'"
            raise ConfigurationError(message, remedy=f"Read one of the lists: {', '.join(parts)}.")
        extractions = [
            self._extract_list(name, personal_data=personal_data, page_size=page_size, fields=fields, **arguments)
            for name in parts
        ]
        if len(extractions) == 1:
            return extractions[0]
        return replace(
            extractions[0],
            resource=resource,
            request={"parts": [each.request for each in extractions]},
            segments=[segment for each in extractions for segment in each.segments],
        )

    def _extract_list(
        self,
        resource: str,
        *,
        since: str | datetime | None,
        until: str | datetime | None,
        query: str | None,
        match: Mapping[str, Iterable[Any]] | None,
        personal_data: bool,
        page_size: int | None,
        fields: str | Sequence[str] | None,
    ) -> Extraction:
        list_query = self._list_query(resource, query, personal_data, fields, page_size)
        if match is not None:
            ids, of_parents = parse_ids(match, list_query.resource)
            reject_query_with_match(query)
            time_range = in_whole_seconds(TimeRange.parse(since, until))
            segments = list_query.id_segments(ids, time_range, of_parents=of_parents)
            selected: dict[str, Any] = {"ids": ids, "time_range": range_as_json(time_range)}
        else:
            time_range = list_query.resolve_range(since, until, now=self._clock.time())
            self._warn_about_hidden_orders(list_query.resource, time_range.since)
            segments, selected = list_query.all_segments(time_range)
        return Extraction(
            source=SOURCE,
            resource=resource,
            key=list_query.resource.key,
            request={
                "shop": self.shop,
                "api_version": self._caller.api_version,
                "selection": list_query.documents.selection(),
                **_further_names(list_query.documents),
                **selected,
            },
            segments=segments,
            account=self.shop,
            window=time_range.to_window(),
        )

    def job(
        self,
        resource: str,
        *,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        query: str | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        personal_data: bool = True,
        page_size: int | None = None,
        fields: str | Sequence[str] | None = None,
    ) -> BulkJob:
        """Return the bulk operation for a list; its records are those of :meth:`extract`.

        Sends nothing. Without ``until`` the range ends now, so a second call gives another fingerprint. Set both
        ends if the job must be found again.

        :param resource: name of the list; some are read page by page only
        :param since: start of the range (inclusive), ISO 8601 text or ``datetime``; all history if not given
        :param until: end of the range (exclusive), in the same forms; now if not given
        :param query: an additional filter in Shopify's search syntax
        :param match: refused, because a bulk operation cannot read ids
        :param personal_data: whether to request customers' data
        :param page_size: records per page of the result
        :param fields: further fields of each record, without further connections
        :raises ConfigurationError: if an argument is not valid
        """
        if page_size is not None:
            check_count("page_size", page_size)
        list_query = self._list_query(resource, query, personal_data, fields)
        described = list_query.resource
        documents = list_query.documents
        require_bulk_fit(described, match, documents.extra)
        time_range = list_query.resolve_range(since, until, now=self._clock.time())
        return BulkJob(
            source=SOURCE,
            request={
                "shop": self.shop,
                "api_version": self._caller.api_version,
                "query": documents.bulk_query(
                    list_query.search(time_range),
                    # Only a list in order of change can be completed after a failure.
                    grouped=self._bulk_grouping and described.is_in_order_of_change,
                ),
                **_further_names(documents),
            },
            time_range=time_range,
            operations=self._bulk_operations,
            download=partial(self._transport.download, label="bulk.file"),
            max_bytes=self._transport.max_response_size,
            complete=BulkRecordLoader(list_query, time_range),
            list_query=list_query,
            before_submit=partial(self._warn_about_hidden_orders, described, time_range.since),
            clock=self._clock,
            page_size=page_size or RECORDS_PER_PAGE,
            **({"explain": list_query.caller.explain} if isinstance(list_query.caller, FieldCaller) else {}),
        )

    def prefers_job(
        self,
        resource: str,
        *,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        query: str | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        fields: str | Sequence[str] | None = None,
        **job_options: object,
    ) -> bool:
        """Return True if a bulk operation can serve the arguments and the range holds 10,000 objects or more.

        Shopify counts no further than 10,000. A list that Shopify does not count prefers a bulk operation if it is read
        from its beginning.

        :param job_options: other arguments of :meth:`job`; ignored here
        """
        described = find_resource(RESOURCES, resource)
        if not fits_bulk_operation(described, match, _parse_fields(fields)):
            return False
        list_query = self._list_query(resource, query, fields=fields)
        return list_query.is_large(list_query.resolve_range(since, until, now=self._clock.time()))

    def has_records(
        self,
        resource: str,
        *,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        query: str | None = None,
    ) -> bool:
        """Return False if a list has no record in a time range, by one request; two, if orders are older than 60 days.

        The search is that of :meth:`extract`, so False means that it reads nothing. For records inside of other
        objects, True says only that one of these objects has changed.

        :param resource: a list that Shopify searches by time, such as ``orders``
        :raises ConfigurationError: if Shopify can't search the list by time
        """
        list_query = self._list_query(resource, query)
        if not list_query.resource.search_field:
            message = f"Shopify can't search '{resource}' by time"
            raise ConfigurationError(message, remedy="Read the list.")
        time_range = list_query.resolve_range(since, until, now=self._clock.time())
        self._warn_about_hidden_orders(list_query.resource, time_range.since)
        return list_query.has_records(time_range)

    def job_status(self, job_id: str) -> JobStatus:
        """Return the status of a bulk operation.

        :param job_id: its global id
        """
        return self._bulk_operations.status(job_id)

    def cancel_job(self, job_id: str) -> None:
        """Cancel a bulk operation that has not ended yet.

        :param job_id: its global id
        """
        self._bulk_operations.cancel(job_id)

    def _list_query(
        self,
        resource: str,
        query: str | None,
        personal_data: bool = True,
        fields: str | Sequence[str] | None = None,
        page_size: int | None = None,
    ) -> ListQuery:
        described = find_resource(RESOURCES, resource)
        paginator = described.sized_paginator(page_size)
        if query and not described.takes_query:
            message = f"'{resource}' cannot be searched, but 'query' is set"
            raise ConfigurationError(message, remedy="Remove 'query'.")
        extra = _parse_fields(fields)
        caller = FieldCaller(self._caller, extra) if extra else self._caller
        return ListQuery(
            caller=caller,
            loader=NestedListLoader(caller),
            documents=documents_of(described, self._caller.api_version, personal_data=personal_data, extra=extra),
            page_size=AdaptivePageSize(paginator.size),
            user_query=validate_query(query),
        )

    def _warn_about_hidden_orders(self, resource: AdminResource, since: datetime | None) -> None:
        horizon = timestamps.from_epoch(self._clock.time()) - DEFAULT_ORDER_HISTORY
        if resource.root != "orders" or (since is not None and since >= horizon):
            return
        if not self.access().allows("read_all_orders"):
            log.warning(
                "%s: the window begins before %s, but the token lacks the scope read_all_orders. Shopify omits orders "
                "older than 60 days without an error",
                self.shop,
                horizon.date(),
            )


def _parse_fields(fields: str | Sequence[str] | None) -> ExtraFields | None:
    """Return a user's further fields; ``None`` when there are none, which loads no parser."""
    if fields is None or fields == "":
        return None
    from airflow_provider_partners.api.shopify.selections import parse_fields

    return parse_fields(fields) or None


def _further_names(documents: ListDocuments) -> dict[str, list[str]]:
    """Return the names of a user's further fields as records have them, for the request of an extraction."""
    return {"fields": documents.extra.record_keys} if documents.extra else {}
