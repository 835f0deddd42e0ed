"""A mapping of one's own: a function that gets each order with its payload, and returns the payload to send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.context import OrderContext
from airflow_provider_partners.sync.payload.models import Order
from airflow_provider_partners.sync.user_code import (
    UserCodeError,
    call_user_code,
    check_signature,
    load_object,
)
from airflow_provider_partners.windows import is_given

__all__ = ["LeaveOut", "Transform", "apply_transform", "parse_transform"]

_SIGNATURE = "transform(payload, *, order, context)"


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """What a transform returns for an order that is not to be sent.

    :param reason: why. It is counted and shown in summaries, so it must not contain a customer's data
    """

    reason: str

    def __post_init__(self) -> None:
        if not isinstance(self.reason, str) or not self.reason.strip():
            message = "LeaveOut needs a reason, as text"
            raise TypeError(message)


Transform = Callable[..., Mapping[str, Any] | LeaveOut]
"""``transform(payload, *, order, context)``: the payload to send, or a :class:`LeaveOut`.

``payload`` is Yotpo's order as it would be sent, with coupons and suppression; it may be changed in place. ``order`` is
Shopify's order. ``context`` is an :class:`~airflow_provider_partners.sync.context.OrderContext`.
"""


def parse_transform(value: Transform | str | None) -> Transform | None:
    """Return the function of an argument ``transform``.

    :param value: a function, or its import path ``package.module:function``
    :raises ConfigurationError: when there is no such function, or it takes other arguments
    """
    if value is None or (isinstance(value, str) and not is_given(value.strip())):
        return None
    function: Transform = load_object(value.strip(), "'transform'") if isinstance(value, str) else value
    check_signature(function, "'transform'", _SIGNATURE, {}, order={}, context=OrderContext())
    return function


def apply_transform(
    transform: Transform, payload: dict[str, Any], *, order: Record, context: OrderContext
) -> dict[str, Any] | LeaveOut:
    """Return what a transform makes of an order's payload.

    :raises UserCodeError: when it fails, or returns neither a payload nor a :class:`LeaveOut`
    :raises PayloadError: when the payload breaks Yotpo's rules
    """
    result = call_user_code("the transform", transform, payload, order=order, context=context)
    if isinstance(result, LeaveOut):
        return result
    if not isinstance(result, Mapping):
        reason = f"the transform returned a {type(result).__name__}, and a payload or LeaveOut is needed"
        raise UserCodeError(reason)
    return Order.validate_body(dict(result)).payload()
