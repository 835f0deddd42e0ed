"""Yotpo's lists as a table, what its refusals mean, and how it writes times and ids.

From the documentation of the Core API v3 and from recorded exchanges with it. Must not know how anything is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.http.errors import (
    DEFAULT_ERROR_HANDLER,
    ErrorResolution,
    ResponseAction,
    default_message,
    retry_after,
)
from airflow_provider_partners.api.pagination.strategies import TokenPaginator
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.exceptions import RejectedError, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_partners.api.http.messages import Response
    from airflow_provider_partners.api.http.rate_limit import RateLimit
    from airflow_provider_partners.records import Record

EXTERNAL_IDS_PARAM = "external_ids"
"""The filter that orders and products take by the merchant's ids."""

MAX_LOOKUP_IDS = 100
"""The most ids of one look-up, so that its answer fits on one page."""

_DOCS_URL = "https://core-api.yotpo.com/reference"
_EQUALITY = frozenset({"=="})


@dataclass(frozen=True, slots=True, kw_only=True)
class YotpoResource(Resource):
    """A list of a Yotpo store.

    :param envelope: the name around one record, in what is written and read
    """

    envelope: str = ""


_RESOURCES = (
    YotpoResource(
        name="orders",
        path="/orders",
        records_path="orders",
        envelope="order",
        paginator=TokenPaginator(size=100),
        key=("yotpo_id",),
        time_field="order_date",
        filters={"external_id": _EQUALITY},
        max_page_size=100,
        doc="Orders by order date, with line items and fulfillments; by external ids.",
        url=f"{_DOCS_URL}/orders",
    ),
    YotpoResource(
        name="products",
        path="/products",
        records_path="products",
        envelope="product",
        paginator=TokenPaginator(size=100),
        key=("yotpo_id",),
        filters={"external_id": _EQUALITY},
        max_page_size=100,
        doc="Products; by external ids.",
        url=f"{_DOCS_URL}/products",
    ),
    YotpoResource(
        name="customers",
        path="/customers",
        records_path="customers",
        envelope="customer",
        paginator=TokenPaginator(size=100),
        # What identifies a customer without an external id (a guest) is not documented; such rows are all kept.
        key=("external_id",),
        max_page_size=100,
        doc="Customers; written ones appear within about a minute.",
        url=f"{_DOCS_URL}/customers",
    ),
    YotpoResource(
        name="fulfillments",
        path="/orders/{order_id}/fulfillments",
        records_path="fulfillments",
        envelope="fulfillment",
        paginator=TokenPaginator(size=100),
        key=("yotpo_id",),
        parents=("order_id",),
        max_page_size=100,
        doc="Fulfillments of orders, by Yotpo's order ids.",
        url=f"{_DOCS_URL}/order-fulfillments",
    ),
    YotpoResource(
        name="variants",
        path="/products/{product_id}/variants",
        records_path="variants",
        envelope="variant",
        paginator=TokenPaginator(size=100),
        key=("yotpo_id",),
        parents=("product_id",),
        max_page_size=100,
        doc="Variants of products, by Yotpo's product ids.",
        url=f"{_DOCS_URL}/products",
    ),
)

RESOURCES: Mapping[str, YotpoResource] = {row.name: row for row in _RESOURCES}
"""Yotpo's lists by name."""


class UnknownProductsError(RejectedError):
    """An order names products that the store doesn't have: create them, then send the order again.

    :param products: their external ids
    """

    def __init__(self, message: str, *, products: Sequence[str], **details: Any) -> None:
        super().__init__(message, **details)
        self.products = list(products)


_UNKNOWN_PRODUCTS_TEXT = "products not found:"


def parse_unknown_products(response: Response) -> list[str]:
    """The external ids that a refusal names as unknown.

    ``{"errors": [{"message": "products not found: p-1, p-2"}]}``: Yotpo's own Magento connector reads this text on 404,
    the documentation speaks of 400. The text decides, not the status.

    :param response: the refusal
    """
    try:
        errors = json.loads(response.content).get("errors")
    except (ValueError, AttributeError):
        return []
    entries = errors if isinstance(errors, list) else [errors]
    texts = [entry.get("message") if isinstance(entry, Mapping) else entry for entry in entries]
    named: list[str] = []
    for text in texts:
        _, mark, listed = str(text).partition(_UNKNOWN_PRODUCTS_TEXT)
        named += [name.strip(" \t\r\n.\"'[]") for name in listed.split(",")] if mark else []
    return [name for name in dict.fromkeys(named) if name]


def _classify(response: Response) -> ErrorResolution | None:
    if response.status in {400, 404} and (products := parse_unknown_products(response)):
        raises = partial(UnknownProductsError, products=products)
        return ErrorResolution(ResponseAction.REJECT, default_message(response), raises=raises)
    if response.status == 429 and retry_after(response, 0) is None:
        # The gateway's own refusals may lack Retry-After; the window is a second (recorded headers, guidelines).
        reset = _to_float(response.headers.get("ratelimit-reset"))
        return ErrorResolution(
            ResponseAction.THROTTLE, default_message(response), retry_after=1.0 if reset is None else reset
        )
    return None


YOTPO_ERRORS = DEFAULT_ERROR_HANDLER.with_overrides(
    # Yotpo's Magento connector takes a 403 for an invalid token just as a 401.
    {403: ResponseAction.REAUTHENTICATE},
    inspect=_classify,
    remedies={
        401: "Check store id (login) and API secret (password) of the connection.",
        403: "Check that store id (login) and API secret (password) of the connection belong together.",
    },
)
"""What Yotpo's refusals mean."""


YOTPO_TOKEN_ERRORS = YOTPO_ERRORS.with_overrides(
    {400: ResponseAction.REFUSE_CREDENTIALS, 404: ResponseAction.REFUSE_CREDENTIALS},
    remedies=dict.fromkeys((400, 404), "Check store id (login) and API secret (password) of the connection."),
)
"""The same for the token's exchange, where whatever is refused is the store id or the secret."""


def update_rate_limit(response: Response, rate_limit: RateLimit) -> None:
    """Believe what an answer says of the present second.

    :param response: any answer
    :param rate_limit: of the store
    """
    remaining = response.headers.get("ratelimit-remaining", response.headers.get("x-ratelimit-remaining-second"))
    if remaining is not None:
        rate_limit.update_from_server(available=float(remaining))


def parse_yotpo_time(text: str) -> datetime:
    """A time as Yotpo gives it back: without a zone, and in UTC (recorded answers).

    :param text: such as ``2024-05-01T10:20:30``; one with a zone is taken as it is
    :raises UnexpectedResponseError: when it is no time
    """
    try:
        value = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        message = "Yotpo gave something else where a time belongs"
        raise UnexpectedResponseError(message, partner="Yotpo") from None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def with_yotpo_id(record: Record) -> Record:
    """A record with Yotpo's id under ``yotpo_id``: fulfillments are read back with ``id`` instead (recorded answers).

    :param record: as read
    """
    if record.get("yotpo_id") is None and record.get("id") is not None:
        return {**record, "yotpo_id": record["id"]}
    return record


def _to_float(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
