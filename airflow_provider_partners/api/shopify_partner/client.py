"""Shopify's Partner API: an organization's transactions, its apps' events, and the shops that have an app.

Read only. Windows are half open here while the API's bounds are both inclusive, so the rows of the last
moment are left to the next window. Must not know Airflow, nor where records go.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.client import ApiClient
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.http.auth import RotatingHeader
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.shopify.errors import PARTNER_ERROR_HANDLER
from airflow_provider_partners.api.shopify.graphql import GraphQLCaller, validate_paged_document
from airflow_provider_partners.api.shopify.shops import INSTALLED_AFTER_EVENT, replay_installs, shop_domain
from airflow_provider_partners.api.shopify_partner.connection import ConnectionFetcher, restore_aliases
from airflow_provider_partners.api.shopify_partner.documents import VERSIONS
from airflow_provider_partners.api.shopify_partner.resources import (
    RESOURCES,
    format_timestamp,
    global_id,
    validate_types,
)
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


__all__ = ["RESOURCES", "ShopifyPartnerClient"]

SOURCE = "shopify_partner"
DEFAULT_VERSION = "2026-07"
DEFAULT_URL = "https://partners.shopify.com"

MAX_QUERY_LENGTH = 50_000
"""Characters; the API refuses more."""

REQUESTS_PER_SECOND = 3.5
"""The API takes 4 a second per API client; a little less leaves room for its clock."""


class ShopifyPartnerClient(ApiClient):
    """Reads from the Partner API of one organization.

    ::

        with ShopifyPartnerClient(organization_id="1234", access_token=token) as client:
            for sale in client.extract("transactions", since=since, until=until).records():
                print(sale["__typename"], sale["netAmount"]["amount"])

    :param organization_id: the number in the Partner Dashboard's address
    :param access_token: of an API client of that organization
    :param secondary_access_token: tried when the first is refused, while tokens are rotated
    :param api_version: dated version, or ``unstable``
    :param base_url: scheme and host, with a path prefix if need be
    :param locale: language of the API's error messages
    :param requests_per_second: the budget
    :param strict_version: an answer of another version is an error instead of a warning
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
            auth=RotatingHeader(
                "X-Shopify-Access-Token", [access_token, secondary_access_token], on_secret=options.on_secret
            ),
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
        """Ask which versions there are, the cheapest question that needs the token."""
        answer = self._caller.execute(VERSIONS, label="versions").data
        versions = [version["handle"] for version in answer["publicApiVersions"] if version.get("supported")]
        return (
            f"Organization {self._organization_id} answers, asked for version {self._caller.api_version}; "
            f"supported: {', '.join(versions)}."
        )

    def extract(
        self,
        resource: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        app_id: str | int | None = None,
        types: str | Iterable[str] | None = None,
        shop: str | None = None,
        shop_id: str | int | None = None,
        conversation_id: str | int | None = None,
        page_size: int | None = None,
    ) -> Extraction:
        """Rows of one list, complete for a half-open window.

        Records are the API's nodes with ``__typename``; app events, which have no id, get ``chargeId`` (of
        the charge or credit, else empty), which with app, type, time and shop tells them apart.

        :param resource: ``transactions``, ``app_events`` (of one app), ``events`` (of version 2026-07 and later), or
            ``jobs``, ``conversations`` and ``messages`` (of one conversation; versions up to 2025-04)
        :param since: first moment; all history without it (``events`` need it)
        :param until: first moment that no longer counts; now without it
        :param app_id: ``gid://partners/App/…`` or its number; ``events`` use ``gid://shopify/App/…``
        :param types: of transactions or events, such as ``RELATIONSHIP_INSTALLED``; statuses of jobs or conversations
        :param shop: ``myshopifyDomain``; sifted here where the API can't
        :param shop_id: ``gid://partners/Shop/…`` or its number; for ``events`` ``gid://shopify/Shop/…``, with
            ``app_id``
        :param conversation_id: ``gid://partners/Conversation/…`` or its number
        :param page_size: rows per request
        :raises ConfigurationError: when an argument or the API version doesn't fit the resource
        """
        found = find_resource(RESOURCES, resource)
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        until = _as_utc(until) or now
        since = _as_utc(since)
        domain = shop_domain(shop) if shop else None
        values: dict[str, Any] = {
            "since": since and format_timestamp(since),
            "app_id": app_id and global_id(app_id, "App", found.id_namespace, argument="app_id"),
            "shop_id": shop_id and global_id(shop_id, "Shop", found.id_namespace, argument="shop_id"),
            "conversation_id": conversation_id
            and global_id(conversation_id, "Conversation", found.id_namespace, argument="conversation_id"),
            "types": None if types is None else validate_types(types, found),
            "shop": domain if "shop" in found.variables else None,
        }
        found.check_arguments({**values, "shop": domain}, self._caller.api_version)
        paging = found.connection_paginator(page_size)
        parts = [
            ConnectionFetcher(
                caller=self._caller,
                label=resource,
                document=found.document,
                variables=found.bind_variables({
                    **values,
                    "since": begin and format_timestamp(begin),
                    "until": format_timestamp(end),
                }),
                paginator=paging,
                time_field=found.time_field,
                since=begin,
                until=end,
                shop=None if "shop" in found.variables else domain,
                transform=restore_aliases,
                removal_notice=found.removal_notice(),
            )
            for begin, end in found.split_range(since, until, now=now)
        ]
        return Extraction(
            source=SOURCE,
            resource=resource,
            key=found.key,
            request=self._request(values=values, until=format_timestamp(until), shop=domain, document=found.document),
            segments=[Segment(name=f"{resource} {number}", fetch=part.fetch) for number, part in enumerate(parts, 1)],
            window=Window(since, until) if since else None,
        )

    def query(
        self,
        document: str,
        *,
        variables: Mapping[str, Any] | None = None,
        connection: str,
        resource: str = "query",
        key: tuple[str, ...] = ("id",),
        page_size: int = 100,
    ) -> Extraction:
        """Rows of any connection, by a document of one's own.

        The document declares ``$after: String``, passes ``after: $after`` and ``first`` to the connection,
        and asks for ``pageInfo { hasNextPage }`` and ``edges { cursor node { … } }``.

        :param document: one GraphQL query
        :param variables: its variables, other than the cursor
        :param connection: dotted path below ``data``, such as ``app.events``
        :param resource: what the dataset is called
        :param key: the fields that identify a row
        :param page_size: given as ``$first`` where the document declares it
        :raises ConfigurationError: when the document can't be walked
        """
        checked = validate_paged_document(document, max_length=MAX_QUERY_LENGTH)
        given = {name: value for name, value in (variables or {}).items() if name not in {"first", "after"}}
        pages = ConnectionFetcher(
            caller=self._caller,
            label=resource,
            document=document,
            variables=given,
            paginator=ConnectionPaginator((variables or {}).get("first", page_size), connection),
            sends_page_size=checked.declares_first,
        )
        return Extraction(
            source=SOURCE,
            resource=resource,
            key=key,
            request=self._request(document=document, variables=given, connection=connection),
            segments=[Segment(name=resource, fetch=pages.fetch)],
        )

    def installed_shops(self, app_id: str | int, *, until: datetime | None = None) -> list[dict[str, Any]]:
        """Every shop that ever had the app, with its state.

        :param app_id: ``gid://partners/App/…`` or its number
        :param until: the state at this moment; now without it
        :returns: by domain: ``{"shop": "a.myshopify.com", "shop_id", "name", "installed", "since", "state"}``
        """
        return replay_installs(
            self.extract("app_events", app_id=app_id, types=INSTALLED_AFTER_EVENT, until=until).records()
        )

    def _request(self, **arguments: Any) -> dict[str, Any]:
        return {"organization": self._organization_id, "api_version": self._caller.api_version, **arguments}


def _parse_organization_id(value: str | int) -> str:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()):
        message = f"'organization_id' is {text!r}, not a number"
        raise ConfigurationError(message, remedy="It is the number after partners.shopify.com/ in the dashboard.")
    return text


def _as_utc(timestamp: datetime | None) -> datetime | None:
    return timestamp.replace(tzinfo=UTC) if timestamp is not None and timestamp.tzinfo is None else timestamp
