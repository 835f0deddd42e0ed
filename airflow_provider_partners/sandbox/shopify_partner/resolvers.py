"""The Partner API's resolvers: transactions, app events and historical events, filtered and paged.

All other fields come unchanged from the document.
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
#: The largest page of each list. 100 and 250 were confirmed by a real client; 250 for ``events`` is documented.
MAX_PAGE = {
    "transactions": 100,
    "app.events": 250,
    "events": 250,
    **dict.fromkeys(("jobs", "conversations", "conversation.messages"), 100),
}
MONTH, YEAR = timedelta(days=30), timedelta(days=365)

#: Type names that are not the PascalCase form of the ``TransactionType`` value.
_TYPE_NAMES = {"REFERRAL": "ReferralTransaction", "TAX": "TaxTransaction", "LEGACY": "LegacyTransaction"}


class PartnerRequest(RequestContext):
    """What one request to one organization can read."""

    def __init__(self, *, sandbox: Sandbox, table: Mapping[tuple[str, str], Resolver]) -> None:
        self.sandbox = sandbox
        self.table = table
        self.now = sandbox.clock()

    def switch(self, name: str) -> Any:
        """Return a switch of this API."""
        return self.sandbox.switches[f"{PARTNER}.{name}"]

    def authorize(self, type_name: str, info: Info) -> None:
        """Reject mutations. The API's own wording is not known; this is the Admin API's."""
        if type_name == "MutationRoot":
            message = f"Access denied for {info.field_name} field. The sandbox only reads."
            raise GraphQLError(message, extensions={"code": "ACCESS_DENIED"})

    def app(self, gid: str) -> Document | None:
        """Return the app with an id, or ``None`` if it is not the organization's."""
        return self.sandbox.store.get(PARTNER, "", "app", gid)

    def visible(self, records: Iterable[Document], field: str) -> list[Document]:
        """Return the records that have arrived by now; a switch can delay them."""
        until = self.now - timedelta(seconds=self.switch("arrival_delay_seconds"))
        return [record for record in records if parse_timestamp(record[field]) <= until]

    def list_connection(
        self, records: list[Document], sort: Sort, arguments: Arguments, name: str, *, default: int | None = None
    ) -> Document:
        """Return a page as a connection; without ``first`` and ``last`` it has the default size."""
        max_size = MAX_PAGE[name]
        for argument in ("first", "last"):
            size = arguments.get(argument)
            if size is not None and not 0 <= size <= max_size:
                # The real API rejects this, too; its wording is not known.
                message = f"{argument} must be between 0 and {max_size}"
                raise GraphQLError(message)
        if arguments.get("first") is not None and arguments.get("last") is not None:
            message = "providing both first and last is not supported"
            raise GraphQLError(message)
        if arguments.get("first") is None and arguments.get("last") is None:
            arguments = {**arguments, "first": default or self.switch("default_page_size")}
        return connection(take_page(records, sort, arguments), sort)


def parse_timestamp(text: str) -> datetime:
    """Parse an ISO time; the result is aware, in UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def micros(text: str) -> str:
    """Format a time so that its text sorts chronologically."""
    return parse_timestamp(text).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def in_range(text: str, low: str | None, high: str | None) -> bool:
    """Return True if a time is in a range; both ends belong to it ("on or after", "on or before")."""
    at = parse_timestamp(text)
    return (low is None or at >= parse_timestamp(low)) and (high is None or at <= parse_timestamp(high))


def _number(gid: str) -> str:
    """Return the number of a GID: the same app is ``gid://partners/App/1`` here and ``gid://shopify/App/1`` there."""
    return gid.rpartition("/")[2]


def _charge(event: Document) -> str:
    charge = event.get("charge") or event.get("appCredit") or {}
    return str(charge.get("id", ""))


def _app(request: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document | None:
    return request.app(arguments["id"])


def _app_events(request: PartnerRequest, app: Document, _info: Info, arguments: Arguments) -> Document:
    types, shop, charge = arguments.get("types"), arguments.get("shopId"), arguments.get("chargeId")
    records = [
        {**event, "app": app}
        for event in request.visible(request.sandbox.store.select(PARTNER, app["id"], "app_event"), "occurredAt")
        if (types is None or event["type"] in types)
        and (shop is None or event["shop"]["id"] == shop)
        and (charge is None or _charge(event) == charge)
        and in_range(event["occurredAt"], arguments.get("occurredAtMin"), arguments.get("occurredAtMax"))
    ]
    sort = Sort(
        value=lambda event: micros(event["occurredAt"]),
        # An app event has no id: type, shop and charge distinguish events with the same timestamp.
        tie_breaker=lambda event: f"{event['type']} {event['shop']['id']} {_charge(dict(event))}",
        reverse=request.switch("newest_first"),
    )
    return request.list_connection(records, sort, arguments, "app.events")


def _transactions(request: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
    types = arguments.get("types")
    names = None if types is None else {_TYPE_NAMES.get(name) or name.title().replace("_", "") for name in types}
    filters = {
        ("app", "id"): arguments.get("appId"),
        ("shop", "id"): arguments.get("shopId"),
        ("shop", "myshopifyDomain"): arguments.get("myshopifyDomain"),
    }
    records = [
        _current_transaction(request, record)
        for record in request.visible(request.sandbox.store.select(PARTNER, "", "transaction"), "createdAt")
        if (names is None or record["__typename"] in names)
        and all(value is None or (record.get(name) or {}).get(key) == value for (name, key), value in filters.items())
        and in_range(record["createdAt"], arguments.get("createdAtMin"), arguments.get("createdAtMax"))
    ]
    sort = Sort(
        value=lambda record: micros(record["createdAt"]),
        tie_breaker=lambda record: str(record["id"]),
        reverse=request.switch("newest_first"),
    )
    return request.list_connection(records, sort, arguments, "transactions")


def _current_transaction(request: PartnerRequest, transaction: Document) -> Document:
    return {**transaction, **request.switch("restatements").get(transaction["id"], {})}


def _transaction(request: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document | None:
    transaction = request.sandbox.store.get(PARTNER, "", "transaction", arguments["id"])
    return (
        _current_transaction(request, transaction)
        if transaction and request.visible([transaction], "createdAt")
        else None
    )


def _its_app(request: PartnerRequest, source: Document, _info: Info, _arguments: Arguments) -> Document | None:
    app = source.get("app")
    return {**(request.app(app["id"]) or {}), **app} if app else None


def _events(request: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
    filters = arguments.get("filter") or {}
    if filters.get("shopId") and not filters.get("subjectId"):
        message = "shopId requires subjectId"
        raise GraphQLError(message)
    if filters.get("subjectType", "APP") != "APP":
        message = "Only APP events are supported"
        raise GraphQLError(message)
    low, high = _parse_range(filters.get("occurredAtMin"), filters.get("occurredAtMax"), request.now)
    types = filters.get("eventTypes")
    records = [
        event
        for event in request.visible(request.sandbox.store.select(PARTNER, "", "event"), "occurredAt")
        if low <= parse_timestamp(event["occurredAt"]) <= high
        and (types is None or event["eventType"] in types)
        and (not filters.get("subjectId") or (event.get("subject") or {}).get("id") == filters["subjectId"])
        and (not filters.get("shopId") or (event.get("shop") or {}).get("id") == filters["shopId"])
    ]
    sort = Sort(
        value=lambda event: micros(event["occurredAt"]),
        tie_breaker=lambda event: str(event["id"]),
        reverse=arguments.get("orderBy") != "OCCURRED_AT_ASC",
    )
    return request.list_connection(records, sort, arguments, "events")


def _parse_range(low: str | None, high: str | None, now: datetime) -> tuple[datetime, datetime]:
    """Return the time range of a filter: 30 days if an end is missing, 365 days at most."""
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


def _active_subscription(request: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document | None:
    """Return ``None`` without a subscription; an unknown app is an error without ``extensions`` (recorded)."""
    app_number, shop_number = _number(arguments["appId"]), _number(arguments["shopId"])
    if not any(_number(app["id"]) == app_number for app in request.sandbox.store.select(PARTNER, "", "app")):
        message = "App not found"
        raise GraphQLError(message)
    return request.sandbox.store.get(PARTNER, "", "active_subscription", f"{app_number}/{shop_number}")


def _versions(request: PartnerRequest, _source: Any, _info: Info, _arguments: Arguments) -> list[dict[str, object]]:
    return public_api_versions(PARTNER, oldest=request.switch("oldest_version"))


#: Types of transactions that contain their app.
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
