"""What is known about one order besides the order itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_partners.records import Record

if TYPE_CHECKING:
    from airflow_provider_partners.sync.coupons import CondensedRedemption


@dataclass(frozen=True, slots=True)
class OrderContext:
    """The records that belong to an order.

    :param returns: Yofi's returns of the order
    :param claims: Yofi's claims, with ``of_order``: True if the claim names this order, False if only its customer made
        it
    :param customer: Yofi's customer
    :param redemptions: Voucherify's redemptions of the order, as ``CouponPolicy.relevant`` yields them
    :param predictions: predictions from elsewhere, each with ``category`` and ``score``
    """

    returns: tuple[Record, ...] = ()
    claims: tuple[Record, ...] = ()
    customer: Record | None = None
    redemptions: tuple[CondensedRedemption, ...] = ()
    predictions: tuple[Record, ...] = ()


NOTHING_KNOWN = OrderContext()
"""What most orders have: no return, claim, customer, redemption or prediction."""
