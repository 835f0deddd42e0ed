"""The part of the Admin API's client that sends documents of users: at once, page by page, or as a bulk operation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.async_job import JobRefusedError
from airflow_provider_partners.api.client import ApiClient
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.shopify.graphql import GraphQLCaller, execute_document
from airflow_provider_partners.api.shopify_admin.bulk.operations import BulkOperations
from airflow_provider_partners.api.shopify_admin.bulk.records import RECORDS_PER_PAGE
from airflow_provider_partners.api.shopify_admin.query import resolve_range
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.shopify_admin.bulk.document_job import DocumentBulkJob
    from airflow_provider_partners.api.shopify_admin.document_query import DocumentQuery

__all__ = ["DocumentClient"]

SOURCE = "shopify_admin"

DEFAULT_PAGE_SIZE = 50
"""Records of a page, where neither the document nor the user says how many."""

MAX_RESULTS = 25_000
"""Shopify returns no more objects of one paged query (https://shopify.dev/docs/api/usage/limits)."""


class DocumentClient(ApiClient):
    """Sends documents of users. A subclass sets the attributes."""

    shop: str
    _caller: GraphQLCaller
    _clock: Clock
    _bulk_operations: BulkOperations

    def execute(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        operation_name: str | None = None,
        idempotent: bool | None = None,
    ) -> dict[str, Any]:
        """Send any document as it is, and return its ``data``.

        ::

            shop = client.execute("{ shop { name plan { publicDisplayName } } }")["shop"]

        A mutation is not sent again after its response is lost, unless ``idempotent`` says that a second one has no
        further effect. Read its ``userErrors``: Shopify reports there what it refuses.

        :param document: a query or a mutation
        :param variables: its variables, by name
        :param operation_name: which operation runs, where the document has several
        :param idempotent: the same document may be sent twice; by default only a query may
        :raises ConfigurationError: if Shopify refuses the document
        :raises UnknownOutcomeError: if the response of a mutation is lost
        """
        return execute_document(self._caller, document, variables, operation_name=operation_name, idempotent=idempotent)

    def query(
        self,
        document: str,
        *,
        variables: Mapping[str, Any] | None = None,
        connection: str | None = None,
        resource: str = "query",
        key: tuple[str, ...] = ("id",),
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        time_field: str | None = None,
        page_size: int | None = None,
        paged: bool | None = None,
        operation_name: str | None = None,
    ) -> Extraction:
        """Read the records of any query page by page.

        A record is a node of the document's connection. The connections inside of it are read to their end, and are
        plain lists. What paging needs is added to the document, and taken out of the records. A query without a
        connection, and one for the ``last`` nodes of a connection, is sent once as it is.

        :param document: one GraphQL query
        :param variables: its variables, by name
        :param connection: dotted path below ``data`` of the connection, or of what the records are; found by itself
            where there is one
        :param resource: name of the dataset
        :param key: the fields that identify a record
        :param since: start of the window (inclusive), ISO 8601 text or ``datetime``
        :param until: end of the window (exclusive); now if not given
        :param time_field: the search field of the window, such as ``updated_at``. It is added to the connection's
            ``query``. Without it the document takes the window as ``$since`` and ``$until``
        :param page_size: records per page; by default what the document says, or 50. It is reduced if a page costs too
            much, or takes too long
        :param paged: True to read all pages, also those before the ``last`` nodes; False to send the document once as
            it is
        :param operation_name: which query runs, where the document has several
        :raises ConfigurationError: if an argument doesn't fit the document
        """
        from airflow_provider_partners.api.shopify.document_pages import document_segment

        query = self._document_query(
            document, variables, connection, operation_name, since, until, time_field, paged=paged
        )
        segment, added = document_segment(
            self._caller,
            query.document,
            label=resource,
            path=connection,
            paged=paged,
            page_size=page_size,
            default_size=DEFAULT_PAGE_SIZE,
            max_results=MAX_RESULTS,
        )
        return Extraction(
            source=SOURCE,
            resource=resource,
            key=key,
            request={**self._account_request(), **query.request, **added},
            segments=[segment],
            account=self.shop,
            window=query.time_range.to_window(),
            declared_types={},  # The records are what the document says, whatever their name is.
        )

    def query_job(
        self,
        document: str,
        *,
        variables: Mapping[str, Any] | None = None,
        connection: str | None = None,
        resource: str = "query",
        key: tuple[str, ...] = ("id",),
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        time_field: str | None = None,
        page_size: int | None = None,
        operation_name: str | None = None,
    ) -> DocumentBulkJob:
        """Return the bulk operation for any query; its records are those of :meth:`query`.

        Sends nothing. The document is rewritten as Shopify needs it: without variables, through ``edges``, and with the
        ids of all objects.

        :param document: one GraphQL query of one connection at its root
        :param page_size: records per page of the result
        :raises JobRefusedError: if a bulk operation can't read the document
        """
        from airflow_provider_partners.api.shopify_admin.bulk.document_job import DocumentBulkJob

        query = self._document_query(document, variables, connection, operation_name, since, until, time_field)
        bulk = query.bulk_text()
        return DocumentBulkJob(
            source=SOURCE,
            name=resource,
            key=key,
            request={**self._account_request(), "query": bulk.text},
            time_range=query.time_range,
            operations=self._bulk_operations,
            download=partial(self._transport.download, label="bulk.file"),
            max_bytes=self._transport.max_response_size,
            complete=bulk.complete,
            places=bulk.places,
            before_submit=lambda: None,
            clock=self._clock,
            page_size=page_size or RECORDS_PER_PAGE,
        )

    def prefers_query_job(
        self,
        document: str,
        *,
        variables: Mapping[str, Any] | None = None,
        connection: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        time_field: str | None = None,
        operation_name: str | None = None,
        **job_options: object,
    ) -> bool:
        """Return True if a bulk operation can read the document, and it is worth one.

        It is, if Shopify counts 10,000 objects or more, or doesn't count them and there is more than one page of 250.

        :param job_options: other arguments of :meth:`query_job`; ignored here
        """
        query = self._document_query(document, variables, connection, operation_name, since, until, time_field)
        try:
            query.bulk_text()
        except JobRefusedError:
            return False
        return query.is_large(self._caller)

    def _document_query(
        self,
        document: str,
        variables: Mapping[str, Any] | None,
        connection: str | None,
        operation_name: str | None,
        since: str | datetime | None,
        until: str | datetime | None,
        time_field: str | None,
        *,
        paged: bool | None = None,
    ) -> DocumentQuery:
        from airflow_provider_partners.api.shopify.user_document import UserDocument
        from airflow_provider_partners.api.shopify_admin.document_query import DocumentQuery

        read = UserDocument.read(
            document, variables=variables, path=connection, operation_name=operation_name, paged=paged
        )
        is_bounded = since is not None or until is not None
        time_range = resolve_range(since, until, now=self._clock.time()) if is_bounded else TimeRange()
        return DocumentQuery.read(read, time_range, time_field)

    def _account_request(self) -> dict[str, Any]:
        return {"shop": self.shop, "api_version": self._caller.api_version}
