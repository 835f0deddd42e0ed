"""The lists of Shopify's Partner API, one row each, and how a user's arguments become a document's variables.

Must not send anything: wrong arguments are refused here, with the ones that exist, before a request is spent
on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.api.shopify.graphql import UNSTABLE, is_at_least
from airflow_provider_partners.api.shopify_partner import documents, legacy
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_DOCS = "https://shopify.dev/docs/api/partner"

_LAST_LEGACY_VERSION = "2025-04"
"""Published schemas of 2025-07 disagree about jobs and conversations; later ones don't have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerResource(Resource):
    """A list of the Partner API.

    :param document: its GraphQL
    :param variables: argument to variable: ``app_id``, ``shop_id``, ``conversation_id``, ``shop``, ``allowed_types``,
        ``since``, ``until``
    :param input_object: the input object that holds these variables, empty where they stand alone
    :param allowed_types: what ``allowed_types`` may name
    :param id_namespace: of the global ids it takes; the API has two, and doesn't say that their numbers agree
    :param required_arguments: arguments it can't do without, with the reason
    :param shop_needs_app: whether ``shop_id`` is taken only with ``app_id``
    :param names_shop: whether its rows name a shop, so that they can be sifted by it where the API can't
    :param first_version: the API version in which it came
    :param last_version: the last one that is known to have it; ``unstable`` is behind all
    :param max_window: the longest window that one query takes
    """

    document: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    input_object: str = ""
    allowed_types: frozenset[str] = frozenset()
    id_namespace: str = "partners"
    required_arguments: Mapping[str, str] = field(default_factory=dict)
    shop_needs_app: bool = False
    names_shop: bool = True
    first_version: str = ""
    last_version: str = ""
    max_window: timedelta | None = None

    def connection_paginator(self, size: int | None) -> ConnectionPaginator:
        """How the connection is walked with pages of a size.

        :param size: rows per page; this list's own by default
        """
        return cast("ConnectionPaginator", self.sized_paginator(size))

    def bind_variables(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The variables for the arguments that are given.

        :param values: by argument
        """
        given = {self.variables[name]: value for name, value in values.items() if value is not None}
        return {self.input_object: given} if self.input_object else given

    def split_range(
        self, since: datetime | None, until: datetime, *, now: datetime
    ) -> Iterator[tuple[datetime | None, datetime]]:
        """The window in pieces that one query takes, half open and without gaps.

        Where pieces are bounded, none reaches into the future: nothing has happened there, and how the API takes such a
        bound isn't documented.

        :param since: its beginning
        :param until: its end
        :param now: the present
        """
        if self.max_window is not None and until > now:
            until = now
            if since is not None and since >= until:
                return
        while since is not None and self.max_window is not None and until - since > self.max_window:
            yield since, since + self.max_window
            since += self.max_window
        yield since, until

    def removal_notice(self) -> str:
        """What to say where the API no longer has the list."""
        if not self.last_version:
            return ""
        return (
            f"Shopify took '{self.name}' out of its Partner API around 2025-07, without a successor. Versions up to "
            f"{self.last_version} had it, but Shopify answers for a version that has expired with a later one."
        )

    def check_arguments(self, values: Mapping[str, Any], api_version: str) -> None:
        """Refuse what the API would refuse, or silently misunderstand.

        :param values: by argument
        :param api_version: the version in use
        :raises ConfigurationError: naming the argument
        """
        if self.first_version and not is_at_least(api_version, self.first_version):
            message = f"'{self.name}' came with API version {self.first_version}, but {api_version} is asked for"
            remedy = f"Set 'api_version' to {self.first_version} or later, or extract an app's 'app_events'."
            raise ConfigurationError(message, remedy=remedy)
        if self.last_version and (api_version == UNSTABLE or api_version > self.last_version):
            message = f"'{self.name}' went with API version {self.last_version}, but {api_version} is asked for"
            raise ConfigurationError(message, remedy=self.removal_notice())
        for name in values.keys() - self.variables.keys() - {"shop"}:
            if values[name] is not None and name not in {"since", "until"}:
                message = f"'{self.name}' can't be filtered by '{name}'"
                raise ConfigurationError(message, remedy=f"It takes: {', '.join(self.variables)}.")
        for name, reason in self.required_arguments.items():
            if values.get(name) is None:
                message = f"'{self.name}' needs '{name}': {reason}"
                raise ConfigurationError(message, remedy=f"Give '{name}'.")
        if values.get("shop") is not None and not self.names_shop:
            message = f"'{self.name}' can't be sifted by 'shop': its rows name none"
            raise ConfigurationError(message, remedy="Leave 'shop' out.")
        if self.shop_needs_app and values.get("shop_id") is not None and values.get("app_id") is None:
            message = f"'{self.name}' takes 'shop_id' only together with 'app_id'"
            raise ConfigurationError(message, remedy="Give 'app_id' too, or 'shop', which is sifted here.")


RESOURCES: Mapping[str, PartnerResource] = MappingProxyType({
    "transactions": PartnerResource(
        name="transactions",
        doc="What the organization earned and paid: sales, fees, adjustments, referrals, taxes.",
        url=f"{_DOCS}/latest/queries/transactions",
        document=documents.TRANSACTIONS,
        paginator=ConnectionPaginator(100, "transactions"),
        key=("id",),
        time_field="createdAt",
        variables=MappingProxyType({
            "since": "createdAtMin", "until": "createdAtMax", "types": "types", "app_id": "appId",
            "shop": "myshopifyDomain", "shop_id": "shopId",
        }),
        allowed_types=documents.TRANSACTION_TYPES,
        page_size=100,
        # Larger pages are refused, as clients found against the live API.
        max_page_size=100,
    ),
    "app_events": PartnerResource(
        name="app_events",
        doc="What happened to one app: installs, charges, credits.",
        url=f"{_DOCS}/latest/objects/App",
        document=documents.APP_EVENTS,
        paginator=ConnectionPaginator(100, "app.events"),
        # App events have no id.
        key=("app.id", "type", "occurredAt", "shop.id", "chargeId"),
        time_field="occurredAt",
        variables=MappingProxyType({
            "since": "occurredAtMin", "until": "occurredAtMax", "types": "types", "app_id": "appId",
            "shop_id": "shopId",
        }),
        allowed_types=documents.APP_EVENT_TYPES,
        required_arguments=MappingProxyType({"app_id": "the API lists the events of one app, and has no list of apps"}),
        page_size=100,
        max_page_size=250,
    ),
    "events": PartnerResource(
        name="events",
        doc="The organization's historical events, with plans, balances and earnings (2026-07 and later).",
        url=f"{_DOCS}/2026-07/historical-events",
        document=documents.EVENTS,
        paginator=ConnectionPaginator(250, "events"),
        key=("id",),
        time_field="occurredAt",
        variables=MappingProxyType({
            "since": "occurredAtMin", "until": "occurredAtMax", "types": "eventTypes", "app_id": "subjectId",
            "shop_id": "shopId",
        }),
        input_object="filter",
        allowed_types=documents.EVENT_TYPES,
        id_namespace="shopify",
        required_arguments=MappingProxyType({"since": "without it the API gives the last 30 days only"}),
        shop_needs_app=True,
        first_version="2026-07",
        # A longer span is an error; both bounds are inclusive.
        max_window=timedelta(days=365),
        page_size=250,
        max_page_size=250,
    ),
    "jobs": PartnerResource(
        name="jobs",
        doc="What merchants asked of the organization by Shopify Experts, by their last event (until 2025-04).",
        url=f"{_DOCS}/2025-04/queries/jobs",
        document=legacy.JOBS,
        paginator=ConnectionPaginator(100, "jobs"),
        time_field="lastEventAt",
        variables=MappingProxyType({
            "since": "lastEventAtMin", "until": "lastEventAtMax", "types": "statuses", "shop_id": "shopId",
        }),
        allowed_types=legacy.JOB_STATUSES,
        last_version=_LAST_LEGACY_VERSION,
        page_size=100,
        max_page_size=100,
    ),
    "conversations": PartnerResource(
        name="conversations",
        doc="Conversations with merchants, by their last event (until 2025-04).",
        url=f"{_DOCS}/2025-04/queries/conversations",
        document=legacy.CONVERSATIONS,
        paginator=ConnectionPaginator(100, "conversations"),
        time_field="lastEventAt",
        variables=MappingProxyType({"since": "lastEventAtMin", "until": "lastEventAtMax", "types": "statuses"}),
        allowed_types=legacy.CONVERSATION_STATUSES,
        names_shop=False,
        last_version=_LAST_LEGACY_VERSION,
        page_size=100,
        max_page_size=100,
    ),
    "messages": PartnerResource(
        name="messages",
        doc="The messages of one conversation (until 2025-04).",
        url=f"{_DOCS}/2025-04/objects/Conversation",
        document=legacy.MESSAGES,
        paginator=ConnectionPaginator(100, "conversation.messages"),
        time_field="sentAt",
        variables=MappingProxyType({
            "since": "sentAtMin", "until": "sentAtMax", "conversation_id": "conversationId",
        }),
        required_arguments=MappingProxyType({"conversation_id": "messages are listed by conversation"}),
        names_shop=False,
        last_version=_LAST_LEGACY_VERSION,
        page_size=100,
        max_page_size=100,
    ),
})  # fmt: skip
"""The lists by name."""


def validate_types(types: str | Iterable[str], resource: PartnerResource) -> list[str]:
    """Types as the API spells them.

    :param types: one or several, in any case; commas separate too
    :param resource: whose types
    :raises ConfigurationError: naming the unknown ones, and those that exist
    """
    given = [types] if isinstance(types, str) else list(types)
    wanted = {part.strip().upper() for text in given for part in str(text).split(",") if part.strip()}
    unknown = sorted(wanted - resource.allowed_types)
    if unknown or not wanted:
        message = f"'types' of '{resource.name}' holds {', '.join(unknown) or 'nothing'}"
        raise ConfigurationError(message, remedy=f"The types are: {', '.join(sorted(resource.allowed_types))}.")
    return sorted(wanted)


def global_id(value: str | int, type_name: str, namespace: str, *, argument: str) -> str:
    """A global id from itself or its number.

    :param value: ``gid://partners/App/1`` or ``1``
    :param type_name: ``App``, ``Shop`` or ``Conversation``
    :param namespace: ``partners`` or ``shopify``
    :param argument: for the error
    :raises ConfigurationError: when it is of another kind or namespace
    """
    text = str(value).strip()
    start = f"gid://{namespace}/{type_name}/"
    number = text.removeprefix(start)
    if not (number.isascii() and number.isdigit()):
        message = f"'{argument}' is {text!r}"
        remedy = f"Give {start}<number> or the number alone; the API's other namespace is not taken here."
        raise ConfigurationError(message, remedy=remedy)
    return start + number


def format_timestamp(timestamp: datetime) -> str:
    """A moment as the API takes it, in UTC and to the microsecond.

    :param timestamp: an aware time, or a naive one in UTC
    """
    aware = timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
