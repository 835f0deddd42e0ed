"""Client of Shopify's Partner API: an organization's transactions and events, and the shops that have an app.

Lists are only read; ``execute`` sends any document. Time ranges are half open, but the API includes both bounds. So
records at the exact end are dropped and belong to the next range. This module knows neither Airflow nor files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.client import ApiClient
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.shopify.graphql import GraphQLCaller, execute_document
from airflow_provider_partners.api.shopify_partner.auth import make_auth
from airflow_provider_partners.api.shopify_partner.documents import VERSIONS
from airflow_provider_partners.api.shopify_partner.errors import PARTNER_ERROR_HANDLER
from airflow_provider_partners.api.shopify_partner.installs import INSTALLED_AFTER_EVENT, replay_installs
from airflow_provider_partners.api.shopify_partner.permissions import permission_remedy
from airflow_provider_partners.api.shopify_partner.query import build_query
from airflow_provider_partners.api.shopify_partner.resources import RESOURCES
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from airflow_provider_partners.api.shopify_partner.installs import InstalledShop


__all__ = ["RESOURCES", "ShopifyPartnerClient"]

SOURCE = "shopify_partner"
DEFAULT_VERSION = "2026-07"
DEFAULT_URL = "https://partners.shopify.com"

MAX_QUERY_LENGTH = 50_000
"""Size limit of a document, in characters."""

DEFAULT_PAGE_SIZE = 100
"""The most that ``transactions`` accept."""

REQUESTS_PER_SECOND = 3.7
"""A little less than the API's limit of 4 requests a second per API client.

The API counts arrivals. At this rate, five fall into a second only if the way of one takes 80 ms longer than that of
another. See https://shopify.dev/docs/api/partner#rate-limits.
"""


class ShopifyPartnerClient(ApiClient):
    """Reads from the Partner API of one organization.

    ::

        with ShopifyPartnerClient(organization_id="1234", access_token=token) as client:
            for sale in client.extract("transactions", since="2026-05-01", until="2026-06-01").records():
                print(sale["__typename"], sale["netAmount"]["amount"])

    :param organization_id: the number in the Partner Dashboard's URL
    :param access_token: of an API client of that organization
    :param secondary_access_token: used after Shopify refuses the first one, while tokens are rotated
    :param api_version: dated version such as ``2026-07``, or ``unstable``
    :param base_url: scheme and host, with an optional path prefix
    :param locale: language of the API's error messages, such as ``de``
    :param requests_per_second: the rate limit
    :param strict_version: raise if another version answers; log a warning otherwise
    :param options: deadlines, rate limit store, clock and other options of every client
    """

    def __init__(
        self,
        *,
        organization_id: str | int,
        access_token: str,
        secondary_access_token: str | None = None,
        api_version: str = DEFAULT_VERSION,
        base_url: str = DEFAULT_URL,
        locale: str | None = None,
        requests_per_second: float = REQUESTS_PER_SECOND,
        strict_version: bool = False,
        options: ClientOptions | None = None,
    ) -> None:
        options = options or ClientOptions()
        self._organization_id = _parse_organization_id(organization_id)
        self._clock = options.clock
        self._transport = Transport(
            partner="Shopify Partner",
            base_url=base_url or DEFAULT_URL,
            auth=make_auth(access_token, secondary_access_token, on_secret=options.on_secret),
            rate_limit=RateLimiter(rate=requests_per_second, store=options.rate_limit_store, clock=options.clock),
            error_handler=PARTNER_ERROR_HANDLER,
            headers={"Accept-Language": locale} if locale else {},
            options=options,
        )
        self._caller = GraphQLCaller(
            transport=self._transport,
            path=f"/{self._organization_id}/api/{api_version}/graphql.json",
            api_version=api_version,
            strict_version=strict_version,
        )

    def ping(self) -> str:
        """Request the supported API versions, the cheapest query that needs the token."""
        data = self._caller.execute(VERSIONS, label="versions").data
        versions = [version["handle"] for version in data["publicApiVersions"] if version.get("supported")]
        return (
            f"Organization {self._organization_id} answers; API version {self._caller.api_version} requested; "
            f"supported: {', '.join(versions)}."
        )

    def extract(
        self,
        resource: str,
        *,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        app_id: str | int | None = None,
        types: str | Iterable[str] | None = None,
        shop: str | None = None,
        shop_id: str | int | None = None,
        conversation_id: str | int | None = None,
        page_size: int | None = None,
    ) -> Extraction:
        """Read the records of one list, complete for a half-open time range.

        Records are the API's nodes with ``__typename``. App events have no id. They get ``chargeId`` (of the charge or
        credit, else empty), which identifies them together with app, type, time and shop.

        :param resource: ``transactions``, ``app_events`` (of one app), ``events`` (version 2026-07 and later), or
            ``jobs``, ``conversations`` and ``messages`` (of one conversation; versions up to 2025-04)
        :param since: start of the range (inclusive), ISO 8601 text or ``datetime``; all history if not given
            (``events`` require it)
        :param until: end of the range (exclusive), in the same forms; now if not given
        :param app_id: ``gid://partners/App/…`` or its number; ``events`` use ``gid://shopify/App/…``
        :param types: types of transactions or events, such as ``RELATIONSHIP_INSTALLED``; statuses of jobs or
            conversations
        :param shop: ``myshopifyDomain``; records are filtered here where the API cannot
        :param shop_id: ``gid://partners/Shop/…`` or its number; for ``events`` ``gid://shopify/Shop/…``, together with
            ``app_id``
        :param conversation_id: ``gid://partners/Conversation/…`` or its number
        :param page_size: records per request
        :raises ConfigurationError: if an argument or the API version does not fit the resource
        """
        list_query = build_query(
            find_resource(RESOURCES, resource),
            api_version=self._caller.api_version,
            now=timestamps.from_epoch(self._clock.time()),
            since=since,
            until=until,
            app_id=app_id,
            types=types,
            shop=shop,
            shop_id=shop_id,
            conversation_id=conversation_id,
            page_size=page_size,
        )
        return Extraction(
            source=SOURCE,
            resource=resource,
            key=list_query.resource.key,
            request=self._request(**list_query.request()),
            segments=list_query.segments(self._caller),
            account=self._organization_id,
            window=list_query.time_range.to_window(),
        )

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

            data = client.execute("query App($id: ID!) { app(id: $id) { name apiKey } }", {"id": "gid://partners/App/1"})

        A mutation is not sent again after its response is lost, unless ``idempotent`` says that a second one has no
        further effect. Read its ``userErrors``: Shopify reports there what it refuses.

        :param document: a query or a mutation, at most 50,000 characters
        :param variables: its variables, by name
        :param operation_name: which operation runs, where the document has several
        :param idempotent: the same document may be sent twice; by default only a query may
        :raises ConfigurationError: if Shopify refuses the document
        :raises UnknownOutcomeError: if the response of a mutation is lost
        """
        return execute_document(
            self._caller,
            document,
            variables,
            operation_name=operation_name,
            idempotent=idempotent,
            max_length=MAX_QUERY_LENGTH,
        )

    def query(
        self,
        document: str,
        *,
        variables: Mapping[str, Any] | None = None,
        connection: str | None = None,
        resource: str = "query",
        key: tuple[str, ...] = ("id",),
        page_size: int | None = None,
        paged: bool | None = None,
        operation_name: str | None = None,
    ) -> Extraction:
        """Read the records of any query.

        The nodes of its connection are read page by page. What paging needs is added to the document: the page size,
        the cursor and ``pageInfo``. A query without a connection, and one for the ``last`` nodes of a connection, is
        sent once as it is.

        :param document: one GraphQL query, at most 50,000 characters
        :param variables: its variables, by name
        :param connection: dotted path below ``data`` of the connection, such as ``app.events``, or of what the records
            are; found by itself where there is one
        :param resource: name of the dataset
        :param key: the fields that identify a record
        :param page_size: records per page; by default what the document says, or 100
        :param paged: True to read all pages, also those before the ``last`` nodes; False to send the document once as
            it is
        :param operation_name: which query runs, where the document has several
        :raises ConfigurationError: if the document can't be read, or has no such connection
        """
        from airflow_provider_partners.api.shopify.document_pages import document_segment
        from airflow_provider_partners.api.shopify.user_document import UserDocument

        user_document = UserDocument.read(
            document,
            variables=variables,
            path=connection,
            operation_name=operation_name,
            max_length=MAX_QUERY_LENGTH,
            paged=paged,
        )
        request: dict[str, Any] = {"document": document, "variables": user_document.variables, "connection": connection}
        segment, added = document_segment(
            self._caller,
            user_document,
            label=resource,
            path=connection,
            paged=paged,
            page_size=page_size,
            default_size=DEFAULT_PAGE_SIZE,
            inner=False,
            null_remedy=permission_remedy(user_document.root_name),
        )
        return Extraction(
            source=SOURCE,
            resource=resource,
            key=key,
            request=self._request(**request, **added),
            segments=[segment],
            account=self._organization_id,
            declared_types={},  # The records are what the document says, whatever their name is.
        )

    def installed_shops(self, app_id: str | int, *, until: str | datetime | None = None) -> list[InstalledShop]:
        """Return every shop that has or had the app, with its state.

        :param app_id: ``gid://partners/App/…`` or its number
        :param until: the state at this time; now if not given
        :returns: sorted by domain
        """
        return replay_installs(
            self.extract("app_events", app_id=app_id, types=tuple(INSTALLED_AFTER_EVENT), until=until).records()
        )

    def _request(self, **arguments: Any) -> dict[str, Any]:
        return {"organization": self._organization_id, "api_version": self._caller.api_version, **arguments}


def _parse_organization_id(value: str | int) -> str:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()):
        message = f"'organization_id' is {text!r}, not a number"
        raise ConfigurationError(message, remedy="It is the number after partners.shopify.com/ in the dashboard.")
    return text
