"""The Partner API's fields that need a rule: transactions, app events and historical events, filtered and paged.

Every other field is read from its document as it is. It must not know HTTP, tokens and limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import GraphQLError

from airflow_provider_partners.sandbox.shopify.cursors import Sort, connection, take_page
from airflow_provider_partners.sandbox.shopify.graphql.resolvers import (
    Arguments,
    Document,
    Info,
    RequestContext,
    Resolver,
)
from airflow_provider_partners.sandbox.shopify.graphql.schema import public_api_versions
from airflow_provider_partners.sandbox.store import Sandbox

PARTNER = "shopify_partner"
#: The largest page of each list. 100 and 250 were confirmed live by a client; 250 for ``events`` is documented.
MAX_PAGE = {
    "transactions": 100,
    "app.events": 250,
    "events": 250,
    **dict.fromkeys(("jobs", "conversations", "conversation.messages"), 100),
}
MONTH, YEAR = timedelta(days=30), timedelta(days=365)

#: ``TransactionType`` where it is not the PascalCase of the enum value.
_TYPE_NAMES = {"REFERRAL": "ReferralTransaction", "TAX": "TaxTransaction", "LEGACY": "LegacyTransaction"}


class PartnerRequest(RequestContext):
    """What one request to one organization sees."""

    def __init__(self, *, sandbox: Sandbox, table: Mapping[tuple[str, str], Resolver]) -> None:
        self.sandbox = sandbox
        self.table = table
        self.now = sandbox.clock()

    def switch(self, name: str) -> Any:
        """A switch of this API."""
        return self.sandbox.switches[f"{PARTNER}.{name}"]

    def authorize(self, type_name: str, info: Info) -> None:
        """Mutations are refused; the wording of a missing permission is not established, this is the Admin API's."""
        if type_name == "MutationRoot":
            message = f"Access denied for {info.field_name} field. The sandbox only reads."
            raise GraphQLError(message, extensions={"code": "ACCESS_DENIED"})

    def app(self, gid: str) -> Document | None:
        """The app of an id; ``None`` for one that is not the organization's."""
        return self.sandbox.store.get(PARTNER, "", "app", gid)

    def visible(self, rows: Iterable[Document], field: str) -> list[Document]:
        """The rows that have arrived by now; some may be switched to arrive late."""
        until = self.now - timedelta(seconds=self.switch("arrival_delay_seconds"))
        return [row for row in rows if parse_timestamp(row[field]) <= until]

    def list_connection(
        self, rows: list[Document], sort: Sort, arguments: Arguments, name: str, *, default: int | None = None
    ) -> Document:
        """A page as a connection; without ``first`` and ``last`` a page of the default size."""
        most = MAX_PAGE[name]
        for argument in ("first", "last"):
            asked = arguments.get(argument)
            if asked is not None and not 0 <= asked <= most:
                # refused live, in words that are not known
                message = f"{argument} must be between 0 and {most}"
                raise GraphQLError(message)
        if arguments.get("first") is not None and arguments.get("last") is not None:
            message = "providing both first and last is not supported"
            raise GraphQLError(message)
        if arguments.get("first") is None and arguments.get("last") is None:
            arguments = {**arguments, "first": default or self.switch("default_page_size")}
        return connection(take_page(rows, sort, arguments), sort)


def parse_timestamp(text: str) -> datetime:
    """An ISO time, aware, in UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def micros(text: str) -> str:
    """A time in the form whose text sorts as the times do."""
    return parse_timestamp(text).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def in_range(text: str, low: str | None, high: str | None) -> bool:
    """Both bounds belong to the stretch: "on or after", "on or before"."""
    at = parse_timestamp(text)
    return (low is None or at >= parse_timestamp(low)) and (high is None or at <= parse_timestamp(high))


def _number(gid: str) -> str:
    """The number of a GID: the same app is ``gid://partners/App/1`` here and ``gid://shopify/App/1`` there."""
    return gid.rpartition("/")[2]


def _charge(event: Document) -> str:
    charge = event.get("charge") or event.get("appCredit") or {}
    return str(charge.get("id", ""))


def _app(answer: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document | None:
    return answer.app(arguments["id"])


def _app_events(answer: PartnerRequest, app: Document, _info: Info, arguments: Arguments) -> Document:
    types, shop, charge = arguments.get("types"), arguments.get("shopId"), arguments.get("chargeId")
    rows = [
        {**event, "app": app}
        for event in answer.visible(answer.sandbox.store.select(PARTNER, app["id"], "app_event"), "occurredAt")
        if (types is None or event["type"] in types)
        and (shop is None or event["shop"]["id"] == shop)
        and (charge is None or _charge(event) == charge)
        and in_range(event["occurredAt"], arguments.get("occurredAtMin"), arguments.get("occurredAtMax"))
    ]
    sort = Sort(
        value=lambda event: micros(event["occurredAt"]),
        # an app event has no id: type, shop and charge tell the events of one instant apart
        tie_breaker=lambda event: f"{event['type']} {event['shop']['id']} {_charge(dict(event))}",
        reverse=answer.switch("newest_first"),
    )
    return answer.list_connection(rows, sort, arguments, "app.events")


def _transactions(answer: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
    types = arguments.get("types")
    names = None if types is None else {_TYPE_NAMES.get(name) or name.title().replace("_", "") for name in types}
    wanted = {
        ("app", "id"): arguments.get("appId"),
        ("shop", "id"): arguments.get("shopId"),
        ("shop", "myshopifyDomain"): arguments.get("myshopifyDomain"),
    }
    rows = [
        _current_transaction(answer, row)
        for row in answer.visible(answer.sandbox.store.select(PARTNER, "", "transaction"), "createdAt")
        if (names is None or row["__typename"] in names)
        and all(value is None or (row.get(name) or {}).get(key) == value for (name, key), value in wanted.items())
        and in_range(row["createdAt"], arguments.get("createdAtMin"), arguments.get("createdAtMax"))
    ]
    sort = Sort(
        value=lambda row: micros(row["createdAt"]),
        tie_breaker=lambda row: str(row["id"]),
        reverse=answer.switch("newest_first"),
    )
    return answer.list_connection(rows, sort, arguments, "transactions")


def _current_transaction(answer: PartnerRequest, transaction: Document) -> Document:
    return {**transaction, **answer.switch("restatements").get(transaction["id"], {})}


def _transaction(answer: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document | None:
    found = answer.sandbox.store.get(PARTNER, "", "transaction", arguments["id"])
    return _current_transaction(answer, found) if found and answer.visible([found], "createdAt") else None


def _its_app(answer: PartnerRequest, source: Document, _info: Info, _arguments: Arguments) -> Document | None:
    app = source.get("app")
    return {**(answer.app(app["id"]) or {}), **app} if app else None


def _events(answer: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
    wanted = arguments.get("filter") or {}
    if wanted.get("shopId") and not wanted.get("subjectId"):
        message = "shopId requires subjectId"
        raise GraphQLError(message)
    if wanted.get("subjectType", "APP") != "APP":
        message = "Only APP events are supported"
        raise GraphQLError(message)
    low, high = _parse_range(wanted.get("occurredAtMin"), wanted.get("occurredAtMax"), answer.now)
    types = wanted.get("eventTypes")
    rows = [
        event
        for event in answer.visible(answer.sandbox.store.select(PARTNER, "", "event"), "occurredAt")
        if low <= parse_timestamp(event["occurredAt"]) <= high
        and (types is None or event["eventType"] in types)
        and (not wanted.get("subjectId") or (event.get("subject") or {}).get("id") == wanted["subjectId"])
        and (not wanted.get("shopId") or (event.get("shop") or {}).get("id") == wanted["shopId"])
    ]
    sort = Sort(
        value=lambda event: micros(event["occurredAt"]),
        tie_breaker=lambda event: str(event["id"]),
        reverse=arguments.get("orderBy") != "OCCURRED_AT_ASC",
    )
    return answer.list_connection(rows, sort, arguments, "events")


def _parse_range(low: str | None, high: str | None, now: datetime) -> tuple[datetime, datetime]:
    """The stretch of time a filter means: 30 days where a bound is missing, never more than 365."""
    if low and high:
        start, end = parse_timestamp(low), parse_timestamp(high)
    elif low:
        start = parse_timestamp(low)
        end = min(start + MONTH, now)
    else:
        end = parse_timestamp(high) if high else now
        start = end - MONTH
    if end - start > YEAR:
        message = "The date range between occurredAtMin and occurredAtMax must not exceed 365 days"
        raise GraphQLError(message)
    return start, end


def _active_subscription(answer: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document | None:
    """``None`` without a subscription; an unknown app is an error without ``extensions`` (recorded live)."""
    app_number, shop_number = _number(arguments["appId"]), _number(arguments["shopId"])
    if not any(_number(app["id"]) == app_number for app in answer.sandbox.store.select(PARTNER, "", "app")):
        message = "App not found"
        raise GraphQLError(message)
    return answer.sandbox.store.get(PARTNER, "", "active_subscription", f"{app_number}/{shop_number}")


def _versions(answer: PartnerRequest, _source: Any, _info: Info, _arguments: Arguments) -> list[dict[str, object]]:
    return public_api_versions(PARTNER, oldest=answer.switch("oldest_version"))


#: Types of transaction that name their app.
_WITH_APP = ("AppSubscriptionSale", "AppOneTimeSale", "AppUsageSale", "AppSaleAdjustment", "AppSaleCredit")

TABLE: dict[tuple[str, str], Resolver] = {
    ("QueryRoot", "app"): _app,
    ("QueryRoot", "transaction"): _transaction,
    ("QueryRoot", "transactions"): _transactions,
    ("QueryRoot", "events"): _events,
    ("QueryRoot", "activeSubscription"): _active_subscription,
    ("QueryRoot", "publicApiVersions"): _versions,
    ("App", "events"): _app_events,
    **{(name, "app"): _its_app for name in _WITH_APP},
}
