"""From extracted records to built orders: join, map, and decide on the review request.

A built order is the record that travels in a dataset from the build task to the upsert task.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.context import OrderContext
from airflow_provider_partners.sync.coupons import Coupon, CouponPolicy
from airflow_provider_partners.sync.join import join_orders
from airflow_provider_partners.sync.mapping.order import MappedOrder, UnmappableOrder, map_order
from airflow_provider_partners.sync.old_orders import TOO_OLD, age_note, is_too_old
from airflow_provider_partners.sync.options import MappingOptions
from airflow_provider_partners.sync.outcomes import mask_numbers
from airflow_provider_partners.sync.payload.base import PayloadError
from airflow_provider_partners.sync.spill import RecordSpill
from airflow_provider_partners.sync.staleness import order_version
from airflow_provider_partners.sync.suppression.mapped import add_mapped_suppression
from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy, add_suppression
from airflow_provider_partners.sync.suppression.predictions import check_predictions
from airflow_provider_partners.sync.transform import LeaveOut, Transform, apply_transform, parse_transform
from airflow_provider_partners.sync.user_code import UserCodeError, describe_place
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
    :param outcome_notes: what the outcome of the order's upsert says besides
    :param changed_at: when the order last changed in the shop
    :param version: what it was built from, see :mod:`airflow_provider_partners.sync.staleness`
    """

    external_id: str
    order: dict[str, Any]
    products: list[dict[str, Any]]
    suppressed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    outcome_notes: list[str] = field(default_factory=list)
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
            "outcome_notes": self.outcome_notes,
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
    predictions: Iterable[Record] = (),
    read_at: Mapping[str, Any] | None = None,
    shop: str,
    options: MappingOptions | Mapping[str, Any] | str | None = None,
    policy: SuppressionPolicy | Mapping[str, Any] | str | None = None,
    coupon_policy: CouponPolicy | Mapping[str, Any] | str | None = None,
    transform: Transform | str | None = None,
    now: datetime | None = None,
    spill_dir: str | Path | None = None,
) -> Iterator[BuiltOrder | UnmappableOrder]:
    """Map each Shopify order to a Yotpo payload, or to the reason why it is not sent.

    Memory does not grow with the number of records.

    :param orders: of Shopify's Admin API
    :param returns: of Yofi, with customer, order and predictions included
    :param claims: of Yofi
    :param customers: of Yofi, for orders without a return
    :param redemptions: of Voucherify; ``None`` when there are none to read, then Shopify's discount codes count alone
    :param redemptions_from: earlier redemptions were not read, so an older order without any may still have had one
    :param predictions: from elsewhere, each with ``order_id``, ``category`` and ``score``. The policy judges them as
        Yofi's predictions of the order
    :param read_at: when reading each list began, by the names of these parameters. An upsert compares it, so that an
        older build never replaces a newer one. Without it, orders are compared by their changes in the shop alone
    :param shop: the shop's domain
    :param options: of the mapping: an object, a dict or JSON text
    :param policy: of the suppression, likewise, or the import path of a policy; ``None`` is the default policy
    :param coupon_policy: which redemptions and discount codes count as coupons, likewise
    :param transform: a function, or its import path, that gets each order with its payload, and returns the payload to
        send; see :data:`~airflow_provider_partners.sync.transform.Transform`. Of several orders with one external id,
        the first is built and the others are rejects
    :param now: the time from which an order's age counts
    :param spill_dir: where the temporary database is made; the system's temporary folder by default
    :raises ConfigurationError: when options or a policy are wrong
    """
    mapping_options = MappingOptions.parse(options)
    suppression_policy = SuppressionPolicy.parse(policy)
    suppression_policy.load_functions()
    function = parse_transform(transform)
    counted_from = now or datetime.now(UTC)
    coupon_rules = CouponPolicy.parse(coupon_policy)
    joined = join_orders(
        orders,
        returns=_objects("returns", returns),
        claims=_objects("claims", claims),
        customers=_objects("customers", customers),
        redemptions=coupon_rules.relevant(_objects("redemptions", redemptions or ())),
        predictions=check_predictions(predictions),
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
            coupons=coupon_rules.coupons_of(
                order, context.redemptions if redemptions is not None else None, redemptions_from
            ),
            transform=function,
            now=counted_from,
        )

    results = ((order, _build_or_reject(build, order, context)) for order, context in joined)
    return (one for _, one in results) if function is None else _with_ids_of_their_own(results, spill_dir)


def _with_ids_of_their_own(
    results: Iterable[tuple[Record, BuiltOrder | UnmappableOrder]], spill_dir: str | Path | None
) -> Iterator[BuiltOrder | UnmappableOrder]:
    """Reject an order whose external id another order has before it: in Yotpo it would replace that order."""
    with RecordSpill("ids", base=spill_dir) as spill:
        for order, one in results:
            own = shopify_id(order) or ""
            if isinstance(one, UnmappableOrder) or (owner := spill.claim(one.external_id, own)) == own:
                yield one
                continue
            # Not the external id itself: a function may have made it from a customer's data.
            rule = "after the transform: external_id: another order has the same one"
            yield UnmappableOrder(own, f"{rule}, order {owner}", rule)


def _build_or_reject(
    build: Callable[[Record, OrderContext], BuiltOrder | UnmappableOrder], order: Record, context: OrderContext
) -> BuiltOrder | UnmappableOrder:
    """Build an order. An order of an undocumented shape is a reject, and does not end the build."""
    if not isinstance(order, dict):
        return UnmappableOrder("", "the record is not an object")
    try:
        return build(order, context)
    except UserCodeError as error:
        return UnmappableOrder(shopify_id(order) or "", error.reason)
    except _SHAPE_ERRORS as error:
        # Not the error's text: it may quote a customer's data.
        where = describe_place(error)
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
    transform: Transform | None = None,
    now: datetime | None = None,
) -> BuiltOrder | UnmappableOrder:
    """Map one order with its context.

    :param read_at: when reading each list began
    :param coupons: the coupons it was bought with; ``None`` when that is unknown
    :param transform: changes the payload, or leaves the order out
    :param now: the time from which the order's age counts
    :raises UserCodeError: when the transform, or a rule's function, fails
    """
    mapped = map_order(order, shop=shop, options=options, coupons=coupons)
    if isinstance(mapped, UnmappableOrder):
        return mapped
    decision = add_mapped_suppression(policy.decide(order, context), mapped.order)
    payload = add_suppression(mapped.order, decision, level=policy.level)
    reasons = list(decision.reasons)
    if transform is not None:
        try:
            transformed = apply_transform(transform, payload, order=order, context=context)
        except PayloadError as error:
            return UnmappableOrder(mapped.external_id, f"after the transform: {error.message}", error.rule)
        if isinstance(transformed, LeaveOut):
            rule = mask_numbers(transformed.reason)
            return UnmappableOrder(mapped.external_id, transformed.reason, rule, is_excluded=True)
        payload, reasons = transformed, _reasons_after_transform(transformed, reasons)
    changed_at = timestamps.try_parse(order.get("updatedAt"))
    note = age_note(options.old_after_months)
    is_old = is_too_old(payload.get("order_date"), now=now or datetime.now(UTC), months=options.old_after_months)
    if is_old and options.old_orders == "exclude":
        return UnmappableOrder(mapped.external_id, note, TOO_OLD, is_excluded=True)
    return BuiltOrder(
        str(payload["external_id"]),
        payload,
        _named_products(mapped, payload),
        reasons,
        mapped.notes,
        [note] if is_old else [],
        format_utc(changed_at),
        order_version(changed_at, read_at or {}),
    )


def _named_products(mapped: MappedOrder, payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the products that the payload names: a transform may remove lines."""
    named = {line["external_product_id"] for line in payload.get("line_items") or ()}
    return [product for product in mapped.products if product["external_id"] in named]


def _reasons_after_transform(payload: Mapping[str, Any], reasons: list[str]) -> list[str]:
    """Return the reasons of the suppression that the payload has: a transform may add or lift it."""
    records = [payload, *(payload.get("line_items") or ())]
    properties = [record.get("custom_properties") or {} for record in records]
    if not any(each.get("suppress_review_request") for each in properties):
        return []
    return reasons or ["the transform"]
