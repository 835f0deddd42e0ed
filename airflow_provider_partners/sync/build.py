"""From extracted records to built orders: join, map, and decide on the review request.

A built order is the record that travels in a dataset from the build task to the upsert task.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.coupons import Coupon, CouponPolicy
from airflow_provider_partners.sync.join import OrderContext, join_orders
from airflow_provider_partners.sync.mapping.order import UnmappableOrder, map_order
from airflow_provider_partners.sync.options import MappingOptions
from airflow_provider_partners.sync.staleness import order_version
from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy, add_suppression
from airflow_provider_partners.sync.values import format_utc, shopify_id

__all__ = ["BuiltOrder", "UnmappableOrder", "build_order", "build_orders"]

log = logging.getLogger("airflow_provider_partners.sync")

_SHAPE_ERRORS = (AttributeError, TypeError, LookupError, ValueError, ArithmeticError, RecursionError)
"""What Python raises for JSON of another shape than the documented one."""


@dataclass(frozen=True, slots=True)
class BuiltOrder:
    """An order that is ready for :func:`~airflow_provider_partners.sync.upsert.orders.upsert_orders`.

    :param order: Yotpo's payload
    :param products: payloads of the products it names
    :param suppressed: why the review request is suppressed; empty when it is not
    :param notes: what the mapping left out
    :param changed_at: when the order last changed in the shop
    :param version: what it was built from, see :mod:`airflow_provider_partners.sync.staleness`
    """

    external_id: str
    order: dict[str, Any]
    products: list[dict[str, Any]]
    suppressed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changed_at: str | None = None
    version: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the record of a built dataset."""
        return {
            "external_id": self.external_id,
            "order": self.order,
            "products": self.products,
            "suppressed": self.suppressed,
            "notes": self.notes,
            "changed_at": self.changed_at,
            "version": self.version,
        }


def build_orders(
    orders: Iterable[Record],
    returns: Iterable[Record] = (),
    claims: Iterable[Record] = (),
    *,
    customers: Iterable[Record] = (),
    redemptions: Iterable[Record] | None = None,
    redemptions_from: datetime | None = None,
    read_at: Mapping[str, Any] | None = None,
    shop: str,
    options: MappingOptions | Mapping[str, Any] | None = None,
    policy: SuppressionPolicy | Mapping[str, Any] | None = None,
    coupon_policy: CouponPolicy | Mapping[str, Any] | None = None,
    spill_dir: str | Path | None = None,
) -> Iterator[BuiltOrder | UnmappableOrder]:
    """Map each Shopify order to a Yotpo payload, or to the reason why it is not sent.

    Memory does not grow with the number of records.

    :param orders: of Shopify's Admin API
    :param returns: of Yofi, with customer, order and predictions included
    :param claims: of Yofi
    :param customers: of Yofi, for orders without a return
    :param redemptions: of Voucherify; ``None`` leaves the coupon fields out
    :param redemptions_from: earlier redemptions were not read, so an older order without any may still have had one
    :param read_at: when reading each list began, by the names of these parameters. An upsert compares it, so that an
        older build never replaces a newer one. Without it, orders are compared by their changes in the shop alone
    :param shop: the shop's domain
    :param options: of the mapping
    :param policy: of the suppression; ``None`` is the default policy
    :param coupon_policy: which redemptions count as coupons; ``None`` is the default policy
    :param spill_dir: where the temporary database is made; the system's temporary folder by default
    :raises ConfigurationError: when options or a policy are wrong
    """
    mapping_options = MappingOptions.parse(options)
    suppression_policy = SuppressionPolicy.parse(policy)
    coupon_rules = CouponPolicy.parse(coupon_policy)
    knows_coupons = redemptions is not None
    joined = join_orders(
        orders,
        returns=_objects("returns", returns),
        claims=_objects("claims", claims),
        customers=_objects("customers", customers),
        redemptions=coupon_rules.relevant(_objects("redemptions", redemptions or ())),
        spill_dir=spill_dir,
    )

    def build(order: Record, context: OrderContext) -> BuiltOrder | UnmappableOrder:
        return build_order(
            order,
            context,
            shop=shop,
            options=mapping_options,
            policy=suppression_policy,
            read_at=read_at,
            coupons=coupon_rules.coupons_of(order, context.redemptions, redemptions_from) if knows_coupons else None,
        )

    return (_build_or_reject(build, order, context) for order, context in joined)


def _build_or_reject(
    build: Callable[[Record, OrderContext], BuiltOrder | UnmappableOrder], order: Record, context: OrderContext
) -> BuiltOrder | UnmappableOrder:
    """Build an order. An order of an undocumented shape is a reject, and does not end the build."""
    if not isinstance(order, dict):
        return UnmappableOrder("", "the record is not an object")
    try:
        return build(order, context)
    except _SHAPE_ERRORS as error:
        # Not the error's text: it may quote a customer's data.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        return UnmappableOrder(
            shopify_id(order) or "", f"the order, or what belongs to it, has an unknown shape ({where})"
        )


def _objects(name: str, records: Iterable[Record]) -> Iterator[Record]:
    """Yield the records that are objects. The others name no order that they could belong to."""
    malformed = 0
    for record in records:
        if isinstance(record, dict):
            yield record
        else:
            malformed += 1
    if malformed:
        log.warning("%d records of %s are not objects, and are left out", malformed, name)


def build_order(
    order: Record,
    context: OrderContext,
    *,
    shop: str,
    options: MappingOptions,
    policy: SuppressionPolicy,
    read_at: Mapping[str, Any] | None = None,
    coupons: list[Coupon] | None = None,
) -> BuiltOrder | UnmappableOrder:
    """Map one order with its context.

    :param read_at: when reading each list began
    :param coupons: the coupons it was bought with; ``None`` when that is unknown
    """
    mapped = map_order(order, shop=shop, options=options, coupons=coupons)
    if isinstance(mapped, UnmappableOrder):
        return mapped
    decision = policy.decide(order, returns=context.returns, claims=context.claims, customer=context.customer)
    payload = add_suppression(mapped.order, decision, level=policy.level)
    return BuiltOrder(
        mapped.external_id,
        payload,
        mapped.products,
        list(decision.reasons),
        mapped.notes,
        format_utc(order.get("updatedAt")),
        order_version(order.get("updatedAt"), read_at or {}),
    )
