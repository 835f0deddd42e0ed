"""From Voucherify's redemptions to the coupons of an order: which still count, which code, and for which products.

Redemptions come one by one and tell of each other: a checkout with several codes has a parent and a child per code, a
rollback is a row of its own, a failed try is one too. So rows are first cut down to what matters (``of_row``), joined
with their order, and weighed together (``CouponPolicy.coupons_of``). Knows no API and sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from airflow_provider_partners.records import Record, get_path
from airflow_provider_partners.sync.options import Options
from airflow_provider_partners.sync.values import id_tail, items, parse_timestamp, shopify_id, text, to_count

CHECKOUT_LEAD = timedelta(hours=1)
"""A coupon may be redeemed in the checkout, shortly before its order exists."""

RedemptionKind = Literal["discount", "gift", "loyalty", "promotion"]

_KINDS: Mapping[str, RedemptionKind] = {
    "DISCOUNT_VOUCHER": "discount",
    "GIFT_VOUCHER": "gift",
    "LOYALTY_CARD": "loyalty",
}


class CouponPolicy(Options):
    """Which redemptions make an order one with a coupon.

    :param kinds: ``discount`` (the default: a code that lowers the price); a ``gift`` card or a ``loyalty`` card is a
        way to pay, and a ``promotion`` has no code, so these count on request
    :param order_id_metadata: a key of the Voucherify order's metadata that holds the shop's order id, for projects
        whose ``source_id`` is something else
    """

    title: ClassVar[str] = "coupon policy"

    kinds: frozenset[RedemptionKind] = frozenset({"discount"})
    order_id_metadata: str | None = None

    def relevant(self, redemptions: Iterable[Record]) -> Iterator[Record]:
        """What matters of each redemption and rollback that names an order and went through.

        :param redemptions: rows of ``GET /v1/redemptions``, of both kinds
        """
        for redemption in redemptions:
            if row := self._condense(redemption):
                yield row

    def coupons_of(
        self, order: Record, redemptions: Iterable[Record], read_from: datetime | None
    ) -> list[Record] | None:
        """The coupons that an order was bought with.

        :param order: of Shopify's Admin API
        :param redemptions: those of :meth:`redemptions` that belong to it
        :param read_from: redemptions before this moment were not read; None where all were
        :returns: each ``{"code", "products"}`` (``products`` is None where it counts for all of them); nothing for an
            order without a coupon; None where that isn't known
        """
        latest = {row["id"]: row for row in redemptions}
        back = _all_rolled_back_ids(latest.values())
        redeemed = [row for row in latest.values() if row["redeemed"]]
        # A stacked redemption's parent stands for its children, which have the codes.
        parents = {row["parent"] for row in redeemed}
        products = _products_by_any_id(order)
        coupons = {
            row["code"]: {"code": row["code"], "products": _shop_products(row["products"], products)}
            for row in redeemed
            if row["kind"] in self.kinds and row["id"] not in parents and not back & {row["id"], row["parent"]}
        }
        if coupons or _was_read_from_start(order, read_from) or _has_all_redemptions(latest, back):
            return list(coupons.values())
        return None

    def _condense(self, redemption: Record) -> Record | None:
        """What matters of one row; None where it has no order, or failed and so changed nothing."""
        keys = join_keys_of_order(redemption.get("order"), self.order_id_metadata)
        identity = text(redemption.get("id"))
        if not keys or not identity or redemption.get("result") == "FAILURE" or redemption.get("status") == "FAILED":
            return None
        redeemed = redemption.get("object") != "redemption_rollback"
        parent = text(redemption.get("redemption"))
        return {
            "id": identity,
            "keys": keys,
            "redeemed": redeemed,
            "parent": parent,
            "kind": _kind(redemption),
            "code": text(get_path(redemption, "voucher.code"), 255),
            "products": _discounted_products(redemption),
            "undone": _rolled_back_ids(redemption, is_redemption=redeemed, parent=parent),
            "known": list(_redemptions_of_order(redemption.get("order"))),
        }


def join_keys_of_order(order: Any, metadata_key: str | None = None) -> list[str]:
    """What the shop's order of a redemption may be found by; ``source_id`` is whatever the integration wrote.

    A global id or a number is the shop's id of it. A number may also be its name without the sign, and anything else is
    a name (Voucherify documents the field as free text).

    >>> order_keys({"source_id": "gid://shopify/Order/1001"})
    ['order:1001']
    >>> order_keys({"source_id": "#EN7"})
    ['name:#EN7', 'name:EN7']

    :param order: of Voucherify
    :param metadata_key: the key of its metadata to believe first
    """
    value = text(get_path(order, f"metadata.{metadata_key}")) if metadata_key else None
    value = value or text(get_path(order, "source_id"))
    if value is None:
        return []
    if value.startswith("gid://"):
        return [f"order:{tail}"] if (tail := id_tail(value)) else []
    bare = value.removeprefix("#").strip()
    names = [f"name:#{bare}", f"name:{bare}"] if bare else []
    return [f"order:{bare}", *names] if re.fullmatch(r"\d+", value) else names


def _kind(redemption: Record) -> str:
    if redemption.get("related_object_type") == "promotion_tier":
        return "promotion"
    if redemption.get("related_object_type") == "redemption":
        return "stack"
    return _KINDS.get(str(get_path(redemption, "voucher.type") or "DISCOUNT_VOUCHER"), "discount")


def _redemptions_of_order(order: Any) -> dict[str, Any]:
    """The redemptions that an order knows of, by id."""
    known = get_path(order, "redemptions")
    return {str(key): value for key, value in known.items() if isinstance(value, Mapping)} if known else {}


def _rolled_back_ids(redemption: Record, *, is_redemption: bool, parent: str | None) -> list[str]:
    """The redemptions that this row shows to be rolled back."""
    known = _redemptions_of_order(redemption.get("order"))
    undone = [key for key, entry in known.items() if entry.get("rollback_id")]
    undone += [child for key in undone for child in known[key].get("stacked") or ()]
    if is_redemption and redemption.get("status") == "ROLLED_BACK":
        undone.append(str(redemption["id"]))
    if not is_redemption and parent:
        undone.append(parent)
    return undone


def _all_rolled_back_ids(redemptions: Iterable[Record]) -> set[str]:
    return {undone for row in redemptions for undone in row["undone"]}


def _has_all_redemptions(latest: Mapping[str, Record], rolled_back: set[str]) -> bool:
    """Whether every redemption that the order knows of was read, or is rolled back, though the order is an old one."""
    known = {identity for row in latest.values() for identity in row["known"]}
    return bool(known) and known <= rolled_back | set(latest)


def _discounted_products(redemption: Record) -> list[str] | None:
    """The products of the lines that a redemption's code lowered; None where it counts for the order as a whole.

    An order's items show what all of its codes took off together, so a code that works on the order has none of them.
    """
    order, effect = redemption.get("order"), get_path(redemption, "voucher.discount.effect")
    if "ITEM" not in effect if isinstance(effect, str) else to_count(get_path(order, "discount_amount")) > 0:
        return None
    found = []
    for item in items(get_path(order, "items")):
        amounts = (item.get(name) for name in ("discount_amount", "applied_discount_amount"))
        if any(to_count(amount) > 0 for amount in amounts):
            named = (item.get("source_id"), get_path(item, "product.source_id"), get_path(item, "sku.source_id"))
            found += [tail for value in named if (tail := id_tail(value))]
    return found or None


def _products_by_any_id(order: Record) -> dict[str, str]:
    """A Shopify order's products, by the ids that an item of Voucherify may name: of product, variant or line; SKUs."""
    found: dict[str, str] = {}
    for line in items(order.get("lineItems")):
        if product := shopify_id(line.get("product")):
            variant = line.get("variant")
            names = (product, shopify_id(variant), id_tail(line.get("id")), get_path(variant, "sku"), line.get("sku"))
            found |= {name: product for value in names if (name := text(value))}
    return found


def _shop_products(item_ids: Iterable[str] | None, products: Mapping[str, str]) -> list[str] | None:
    """The shop's products that discounted items stand for; None (all) where that can't be told."""
    return list(dict.fromkeys(products[name] for name in item_ids or () if name in products)) or None


def _was_read_from_start(order: Record, read_from: datetime | None) -> bool:
    """Whether redemptions were read from before the order was made, so that finding none means that there is none."""
    made = parse_timestamp(order.get("createdAt"))
    return read_from is None or (made is not None and made - CHECKOUT_LEAD >= read_from)
