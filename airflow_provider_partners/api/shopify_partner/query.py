"""A user's arguments for a Partner API list, checked and turned into the requests that read it.

A wrong argument is refused before it costs a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.extraction import Segment
from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.api.shopify_partner.pages import ConnectionFetcher, restore_aliases
from airflow_provider_partners.arguments import check_names, suggest
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator
    from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
    from airflow_provider_partners.api.shopify_partner.model import PartnerResource


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """One validated query of a Partner API list.

    :param arguments: the arguments that the API filters by, as the API writes them; ``None`` means not given
    :param shop: the shop's domain. The API filters by it if the list has such a variable, otherwise this client does
    :param parts: the parts of the time range that one request each can read
    """

    resource: PartnerResource
    arguments: Mapping[str, Any]
    shop: str | None
    time_range: TimeRange
    parts: tuple[TimeRange, ...]
    paginator: ConnectionPaginator

    def request(self) -> dict[str, Any]:
        """Return everything that decides the result, as JSON."""
        return {
            "values": dict(self.arguments),
            "until": _api_timestamp(self.time_range.until),
            "shop": self.shop,
            "document": self.resource.document,
        }

    def segments(self, caller: GraphQLCaller) -> list[Segment]:
        """Return the segments that read the parts of the time range."""
        page_size = AdaptivePageSize(self.paginator.size)
        return [
            Segment(name=f"{self.resource.name} {number}", fetch=self._fetcher(part, caller, page_size).fetch)
            for number, part in enumerate(self.parts, 1)
        ]

    def _fetcher(self, part: TimeRange, caller: GraphQLCaller, page_size: AdaptivePageSize) -> ConnectionFetcher:
        bounds = {"since": _api_timestamp(part.since), "until": _api_timestamp(part.until)}
        return ConnectionFetcher(
            caller=caller,
            label=self.resource.name,
            document=self.resource.document,
            variables=self.resource.bind_variables({**self.arguments, **bounds}),
            paginator=self.paginator,
            page_size=page_size,
            time_field=self.resource.time_field,
            time_range=part,
            shop=None if "shop" in self.resource.variables else self.shop,
            transform=restore_aliases,
            removal_notice=self.resource.removal_notice(),
        )


def build_query(
    resource: PartnerResource,
    *,
    api_version: str,
    now: datetime,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    app_id: str | int | None = None,
    types: str | Iterable[str] | None = None,
    shop: str | None = None,
    shop_id: str | int | None = None,
    conversation_id: str | int | None = None,
    page_size: int | None = None,
) -> ListQuery:
    """Check the arguments of ``ShopifyPartnerClient.extract`` and return the query.

    :param now: the end of a range without ``until``, so that every page uses the same bounds
    :raises ConfigurationError: if an argument or the API version does not fit the resource
    """
    given = TimeRange.parse(since, until)
    time_range = TimeRange(given.since, given.until or now)
    domain = shop_domain(shop) if shop else None

    def id_of(type_name: str, value: str | int | None, argument: str) -> str | int | None:
        return value and global_id(value, type_name, resource.id_namespace, argument=argument)

    arguments: dict[str, Any] = {
        "since": _api_timestamp(time_range.since),
        "app_id": id_of("App", app_id, "app_id"),
        "shop_id": id_of("Shop", shop_id, "shop_id"),
        "conversation_id": id_of("Conversation", conversation_id, "conversation_id"),
        "types": None if types is None else validate_types(types, resource),
        "shop": domain if "shop" in resource.variables else None,
    }
    resource.check_arguments({**arguments, "shop": domain}, api_version)
    return ListQuery(
        resource=resource,
        arguments=arguments,
        shop=domain,
        time_range=time_range,
        parts=tuple(resource.split_range(time_range, now=now)),
        paginator=resource.connection_paginator(page_size),
    )


def validate_types(types: str | Iterable[str], resource: PartnerResource) -> list[str]:
    """Return types as the API spells them.

    :param types: one or several in any case, also separated by commas
    :raises ConfigurationError: naming the unknown types and the allowed ones
    """
    values = check_names("types", types)
    names = {name.strip().upper() for value in values for name in value.split(",") if name.strip()}
    unknown = sorted(names - resource.allowed_types)
    if unknown or not names:
        nearest = suggest(unknown[0], resource.allowed_types) if unknown else ""
        message = f"'types' of '{resource.name}' holds {', '.join(unknown) or 'nothing'}{nearest}"
        raise ConfigurationError(message, remedy=f"The types are: {', '.join(sorted(resource.allowed_types))}.")
    return sorted(names)


def global_id(value: str | int, type_name: str, namespace: str, *, argument: str) -> str:
    """Return a global id.

    :param value: ``gid://partners/App/1`` or ``1``
    :param type_name: ``App``, ``Shop`` or ``Conversation``
    :param namespace: ``partners`` or ``shopify``
    :param argument: for the error
    :raises ConfigurationError: if the id is of another type or namespace
    """
    text = str(value).strip()
    prefix = f"gid://{namespace}/{type_name}/"
    number = text.removeprefix(prefix)
    if not (number.isascii() and number.isdigit()):
        message = f"'{argument}' is {text!r}"
        remedy = f"Use {prefix}<number> or the number alone; this list does not accept the API's other namespace."
        raise ConfigurationError(message, remedy=remedy)
    return prefix + number


def _api_timestamp(timestamp: datetime | None) -> str | None:
    # The API's timestamps have microseconds, so the bounds have them too.
    return timestamps.isoformat(timestamp, "microseconds") if timestamp else None
