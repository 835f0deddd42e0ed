"""What Yotpo's error responses mean, and how its headers set the rate limit.

Yotpo documents the statuses in its guidelines (https://core-api.yotpo.com/reference/guidelines-and-conventions). Where
it is silent, this follows Yotpo's own Magento module (https://github.com/YotpoLtd/magento2-module-core).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.http.errors import (
    DEFAULT_ERROR_HANDLER,
    ErrorResolution,
    ResponseAction,
    default_message,
    retry_after,
)
from airflow_provider_partners.exceptions import RejectedError
from airflow_provider_partners.records import parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_partners.api.http.messages import Response
    from airflow_provider_partners.api.http.rate_limit import RateLimit

_UNKNOWN_PRODUCTS_TEXT = "products not found:"


class UnknownProductsError(RejectedError):
    """An order names products that the store doesn't have: create them, then send the order again.

    :param products: their external ids
    """

    def __init__(self, message: str, *, products: Sequence[str], **details: Any) -> None:
        super().__init__(message, **details)
        self.products = list(products)


def parse_unknown_products(response: Response) -> list[str]:
    """Return the external ids of the products that an error response calls unknown.

    ``{"errors": [{"message": "products not found: p-1, p-2"}]}`` gives ``["p-1", "p-2"]``.

    :param response: the error response
    """
    try:
        errors = parse_json(response.content).get("errors")
    except (ValueError, AttributeError):
        return []
    entries = errors if isinstance(errors, list) else [errors]
    texts = [entry.get("message") if isinstance(entry, Mapping) else entry for entry in entries]
    products: list[str] = []
    for text in texts:
        _, label, listed = str(text).partition(_UNKNOWN_PRODUCTS_TEXT)
        products += [name.strip(" \t\r\n.\"'[]") for name in listed.split(",")] if label else []
    return [product for product in dict.fromkeys(products) if product]


def _classify(response: Response) -> ErrorResolution | None:
    # The text decides, not the status: the Magento module reads it on 404, the documentation speaks of 400.
    if response.status in {400, 404} and (products := parse_unknown_products(response)):
        raises = partial(UnknownProductsError, products=products)
        return ErrorResolution(ResponseAction.REJECT, default_message(response), raises=raises)
    if response.status == 429 and retry_after(response, 0) is None:
        # The gateway's own 429 may lack Retry-After. The limit counts per second (guidelines, "rate limiting").
        reset = _to_float(response.headers.get("ratelimit-reset"))
        return ErrorResolution(
            ResponseAction.THROTTLE, default_message(response), retry_after=1.0 if reset is None else reset
        )
    return None


YOTPO_ERRORS = DEFAULT_ERROR_HANDLER.with_overrides(
    # The Magento module takes a 403 for an invalid token, just as a 401.
    {403: ResponseAction.REAUTHENTICATE},
    inspect=_classify,
    remedies={
        401: "Check store id (login) and API secret (password) of the connection.",
        403: "Check that store id (login) and API secret (password) of the connection belong together.",
    },
)
"""Error handling of every request but the one for a token."""

YOTPO_TOKEN_ERRORS = YOTPO_ERRORS.with_overrides(
    dict.fromkeys((400, 404), ResponseAction.REAUTHENTICATE),
    remedies=dict.fromkeys((400, 404), "Check store id (login) and API secret (password) of the connection."),
)
"""Error handling of the token request: every rejection means a wrong store id or secret."""


def update_rate_limit(response: Response, rate_limit: RateLimit) -> None:
    """Set the rate limit to the number of calls that Yotpo still allows in this second.

    :param response: any response, errors included
    :param rate_limit: the store's rate limit
    """
    remaining = response.headers.get("ratelimit-remaining", response.headers.get("x-ratelimit-remaining-second"))
    if remaining is not None:
        rate_limit.update_from_server(available=float(remaining))


def _to_float(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
