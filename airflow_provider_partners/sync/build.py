"""From extracted records to orders that can be sent: join, map, decide on the review request.

The steps are elsewhere; this is their order, and the record that goes into a file between two tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.coupons import CouponPolicy
from airflow_provider_partners.sync.join import OrderContext, join_orders
from airflow_provider_partners.sync.mapping.order import UnmappableOrder, map_order
from airflow_provider_partners.sync.options import MappingOptions
from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy, add_suppression
from airflow_provider_partners.sync.values import format_utc

__all__ = ["BuiltOrder", "UnmappableOrder", "build_order", "build_orders"]


@dataclass(frozen=True, slots=True)
class BuiltOrder:
    """An order ready for :func:`~airflow_provider_partners.sync.upsert.orders.upsert_orders`.

    :param order: Yotpo's payload
    :param products: payloads of the products it names
    :param suppressed: why no review is asked for; empty when one is
    :param notes: what was left out on the way
    :param changed_at: when the order last changed in the shop
    """

    external_id: str
    order: dict[str, Any]
    products: list[dict[str, Any]]
    suppressed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changed_at: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it rests in a file."""
        return {
            "external_id": self.external_id,
            "order": self.order,
            "products": self.products,
            "suppressed": self.suppressed,
            "notes": self.notes,
            "changed_at": self.changed_at,
        }


def build_orders(
    orders: Iterable[Record],
    returns: Iterable[Record] = (),
    claims: Iterable[Record] = (),
    *,
    customers: Iterable[Record] = (),
    redemptions: Iterable[Record] | None = None,
    redemptions_from: datetime | None = None,
    shop: str,
    options: MappingOptions | Mapping[str, Any] | None = None,
    policy: SuppressionPolicy | Mapping[str, Any] | None = None,
    coupon_policy: CouponPolicy | Mapping[str, Any] | None = None,
    spill_dir: str | Path | None = None,
) -> Iterator[BuiltOrder | UnmappableOrder]:
    """Each order as it should be in Yotpo, or why it shan't be there. Memory doesn't grow with the number of records.

    :param orders: of Shopify's Admin API
    :param returns: of Yofi, with customer, order and predictions included
    :param claims: of Yofi
    :param customers: of Yofi, for orders that nothing was returned of
    :param redemptions: of Voucherify; None leaves the coupon fields alone
    :param redemptions_from: earlier ones were not read, so that an older order without any may still have had one
    :param shop: the shop's domain
    :param options: of the mapping
    :param policy: of the suppression; None is the default policy
    :param coupon_policy: which redemptions count as coupons; None is the default policy
    :raises ConfigurationError: when options or policy are wrong
    """
    chosen, rules, counted = (
        MappingOptions.parse(options),
        SuppressionPolicy.parse(policy),
        CouponPolicy.parse(coupon_policy),
    )
    asked = redemptions is not None
    joined = join_orders(
        orders,
        returns=returns,
        claims=claims,
        customers=customers,
        redemptions=counted.relevant(redemptions or ()),
        spill_dir=spill_dir,
    )
    return (
        build_order(
            order,
            context,
            shop=shop,
            options=chosen,
            policy=rules,
            coupons=counted.coupons_of(order, context.redemptions, redemptions_from) if asked else None,
        )
        for order, context in joined
    )


def build_order(
    order: Record,
    context: OrderContext,
    *,
    shop: str,
    options: MappingOptions,
    policy: SuppressionPolicy,
    coupons: list[Record] | None = None,
) -> BuiltOrder | UnmappableOrder:
    """One order with its context.

    :param coupons: those it was bought with; None where that isn't known
    """
    mapped = map_order(order, shop=shop, options=options, coupons=coupons)
    if isinstance(mapped, UnmappableOrder):
        return mapped
    decision = policy.decide(order, returns=context.returns, claims=context.claims, customer=context.customer)
    payload = add_suppression(mapped.order, decision, level=policy.level)
    changed_at = format_utc(order.get("updatedAt"))
    return BuiltOrder(mapped.external_id, payload, mapped.products, list(decision.reasons), mapped.notes, changed_at)
