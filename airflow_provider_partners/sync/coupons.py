"""The coupons of an order, from Voucherify's redemptions and Shopify's discount codes: codes, and for which products.

Redemptions refer to each other. A checkout with several codes is a parent redemption with one child per code. A
rollback is a redemption of its own, and so is a failed attempt. So each redemption is first reduced to what matters
(``CouponPolicy.relevant``). All that belong to one order are then judged together (``CouponPolicy.coupons_of``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, TypedDict

from airflow_provider_partners import timestamps
from airflow_provider_partners.records import Record, get_path
from airflow_provider_partners.sync.options import Options
from airflow_provider_partners.sync.values import id_tail, items, shopify_id, text, to_count

CHECKOUT_LEAD = timedelta(hours=1)
"""How long before the order a coupon may be redeemed: the checkout comes before the order."""

RedemptionKind = Literal["discount", "gift", "loyalty", "promotion"]
CouponSource = Literal["voucherify_first", "shopify_first", "both", "voucherify", "shopify"]

_KINDS: Mapping[str, RedemptionKind] = {
    "DISCOUNT_VOUCHER": "discount",
    "GIFT_VOUCHER": "gift",
    "LOYALTY_CARD": "loyalty",
}


class Coupon(TypedDict):
    """One coupon of an order.

    ``products`` are external ids, ``None`` for a coupon of all products, empty for one of none (free shipping). A
    promotion has no ``code``.
    """

    code: str | None
    products: list[str] | None


class CondensedRedemption(TypedDict):
    """What matters of a redemption or a rollback.

    ``keys`` join it with the shop's order. ``products`` are the ids of discounted items. ``rolled_back`` are the
    redemptions that it shows to be rolled back, and ``listed`` those that its order lists.
    """

    id: str
    keys: list[str]
    is_redemption: bool
    parent: str | None
    kind: str
    code: str | None
    products: list[str] | None
    rolled_back: list[str]
    listed: list[str]


class CouponPolicy(Options):
    """Which redemptions and discount codes make an order one with a coupon.

    :param source: whose coupons count. ``voucherify_first`` (default): those of Voucherify; of an order for which it
        has none, Shopify's discount codes. ``shopify_first``: the other way round. ``both``: all of them.
        ``voucherify`` or ``shopify``: those of one alone. Without redemptions, Shopify's codes count alone. An order
        has no coupon only if every source that counts knows of none
    :param kinds: ``discount`` (the default: a code that lowers the price), ``gift``, ``loyalty``, ``promotion``. A gift
        card or a loyalty card is a means of payment and a promotion has no code, so these count only if named here
    :param order_id_metadata: a key of the Voucherify order's metadata that holds the shop's order id, for projects
        whose ``source_id`` is something else
    """

    title: ClassVar[str] = "coupon policy"

    source: CouponSource = "voucherify_first"
    kinds: frozenset[RedemptionKind] = frozenset({"discount"})
    order_id_metadata: str | None = None

    def relevant(self, redemptions: Iterable[Record]) -> Iterator[CondensedRedemption]:
        """Yield what matters of each successful redemption and rollback that names an order.

        :param redemptions: records of ``GET /v1/redemptions``, of both kinds
        """
        for redemption in redemptions:
            if condensed := self._condense(redemption):
                yield condensed

    def coupons_of(
        self, order: Record, redemptions: Iterable[CondensedRedemption] | None, read_from: datetime | None
    ) -> list[Coupon] | None:
        """Return the coupons that an order was bought with.

        :param order: of Shopify's Admin API
        :param redemptions: those of :meth:`relevant` that belong to the order; ``None`` when they were not read
        :param read_from: earlier redemptions were not read; ``None`` when all were
        :returns: empty for an order without a coupon; ``None`` when that is unknown
        """
        found: dict[str, list[Coupon] | None] = {}
        if redemptions is not None:
            found["voucherify"] = self._redeemed_coupons(order, redemptions, read_from)
        # An order of another extraction may lack the field.
        if order.get("discountCodes") is not None:
            found["shopify"] = discount_code_coupons(order)
        if self.source in {"voucherify", "shopify"}:
            return found.get(self.source)
        names = sorted(found, reverse=self.source != "shopify_first")
        with_coupons = [coupons for name in names if (coupons := found[name])]
        if with_coupons and self.source == "both":
            return _unique_coupons(coupon for coupons in with_coupons for coupon in coupons)
        if with_coupons:
            return with_coupons[0]
        return None if not found or None in found.values() else []

    def _redeemed_coupons(
        self, order: Record, redemptions: Iterable[CondensedRedemption], read_from: datetime | None
    ) -> list[Coupon] | None:
        """Return the coupons of an order's redemptions; ``None`` when it is unknown whether it has any."""
        latest = {redemption["id"]: redemption for redemption in redemptions}
        if not latest:
            return [] if _was_read_from_start(order, read_from) else None
        rolled_back = {id_ for redemption in latest.values() for id_ in redemption["rolled_back"]}
        redeemed = [redemption for redemption in latest.values() if redemption["is_redemption"]]
        # The parent of a stacked redemption has no code of its own; its children have them.
        parents = {redemption["parent"] for redemption in redeemed}
        products = _products_by_any_id(order) if redeemed else {}
        coupons: dict[str | None, Coupon] = {}
        for redemption in redeemed:
            stands = not rolled_back & {redemption["id"], redemption["parent"]}
            if redemption["kind"] in self.kinds and redemption["id"] not in parents and stands:
                code = redemption["code"]
                coupons[code] = {"code": code, "products": _shop_products(redemption["products"], products)}
        if coupons or _was_read_from_start(order, read_from) or _has_all_redemptions(latest, rolled_back):
            return list(coupons.values())
        return None

    def _condense(self, redemption: Record) -> CondensedRedemption | None:
        """Return what matters of a redemption; ``None`` when it names no order, or failed."""
        keys = join_keys_of_order(redemption.get("order"), self.order_id_metadata)
        id_ = text(redemption.get("id"))
        if not keys or not id_ or redemption.get("result") == "FAILURE" or redemption.get("status") == "FAILED":
            return None
        is_redemption = redemption.get("object") != "redemption_rollback"
        parent = text(redemption.get("redemption"))
        return {
            "id": id_,
            "keys": keys,
            "is_redemption": is_redemption,
            "parent": parent,
            "kind": _kind(redemption),
            "code": text(get_path(redemption, "voucher.code"), 255),
            "products": _discounted_products(redemption),
            "rolled_back": _rolled_back_ids(redemption, is_redemption=is_redemption, parent=parent),
            "listed": list(_redemptions_of_order(redemption.get("order"))),
        }


def discount_code_coupons(order: Record) -> list[Coupon]:
    """Return the discount codes of a Shopify order, with the products that each lowered.

    A code that lowered no line is one of the whole order, such as a code for free shipping: it counts for the order and
    for none of its products (https://shopify.dev/docs/api/admin-graphql/latest/objects/DiscountAllocation).
    """
    lines = items(order.get("lineItems"))
    if not order.get("discountCodes") and not any(line.get("discountAllocations") for line in lines):
        return []
    lines = [line for line in lines if to_count(line.get("quantity")) > 0]
    codes = {code.casefold(): code for value in order.get("discountCodes") or () if (code := text(value, 255))}
    lines_of: dict[str, list[Record]] = {key: [] for key in codes}
    is_known = True
    for line in lines:
        allocations = items(line.get("discountAllocations"))
        is_known = is_known and all("discountApplication" in allocation for allocation in allocations)
        applied = (text(get_path(allocation, "discountApplication.code"), 255) for allocation in allocations)
        for code in filter(None, applied):
            codes.setdefault(code.casefold(), code)
            lines_of.setdefault(code.casefold(), []).append(line)
    coupons: list[Coupon] = []
    for key, code in codes.items():
        products = (shopify_id(line.get("product")) for line in lines_of[key])
        of_all = not is_known or len(lines_of[key]) >= len(lines) > 0
        coupons.append({"code": code, "products": None if of_all else list(dict.fromkeys(filter(None, products)))})
    return coupons


def _unique_coupons(coupons: Iterable[Coupon]) -> list[Coupon]:
    """Return each code once, with the products of the first source that has it."""
    unique: dict[str, Coupon] = {}
    for coupon in coupons:
        unique.setdefault((coupon["code"] or "").casefold(), coupon)
    return list(unique.values())


def join_keys_of_order(order: Any, metadata_key: str | None = None) -> list[str]:
    """Return the keys by which the shop's order of a redemption may be found.

    ``source_id`` is free text (Voucherify documents no form). A global id is the shop's order id. A number is the
    shop's order id, or the order's name without its ``#``. Anything else is a name.

    >>> join_keys_of_order({"source_id": "gid://shopify/Order/1001"})
    ['order:1001']
    >>> join_keys_of_order({"source_id": "#EN7"})
    ['name:#EN7', 'name:EN7']

    :param order: of Voucherify
    :param metadata_key: the key of its metadata that goes before ``source_id``
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
    """Return the redemptions that an order lists, by id."""
    listed = get_path(order, "redemptions")
    if not isinstance(listed, Mapping):
        return {}
    return {str(key): value for key, value in listed.items() if isinstance(value, Mapping)}


def _rolled_back_ids(redemption: Record, *, is_redemption: bool, parent: str | None) -> list[str]:
    """Return the ids of the redemptions that this record shows to be rolled back."""
    listed = _redemptions_of_order(redemption.get("order"))
    rolled_back = [key for key, entry in listed.items() if entry.get("rollback_id")]
    children = (listed[key].get("stacked") for key in rolled_back)
    rolled_back += [str(child) for stacked in children if isinstance(stacked, list) for child in stacked]
    if is_redemption and redemption.get("status") == "ROLLED_BACK":
        rolled_back.append(str(redemption["id"]))
    if not is_redemption and parent:
        rolled_back.append(parent)
    return rolled_back


def _has_all_redemptions(latest: Mapping[str, CondensedRedemption], rolled_back: set[str]) -> bool:
    """Return True if every redemption that the order lists was read or is rolled back."""
    listed = {id_ for redemption in latest.values() for id_ in redemption["listed"]}
    return bool(listed) and listed <= rolled_back | set(latest)


def _discounted_products(redemption: Record) -> list[str] | None:
    """Return the ids of the products that a code lowered; ``None`` when it counts for the whole order."""
    order, effect = redemption.get("order"), get_path(redemption, "voucher.discount.effect")
    if "ITEM" not in effect if isinstance(effect, str) else to_count(get_path(order, "discount_amount")) > 0:
        return None
    # An item shows what all codes took off together, so a code that works on the order counts for no single item.
    products = []
    for item in items(get_path(order, "items")):
        amounts = (item.get(name) for name in ("discount_amount", "applied_discount_amount"))
        if any(to_count(amount) > 0 for amount in amounts):
            ids = (item.get("source_id"), get_path(item, "product.source_id"), get_path(item, "sku.source_id"))
            products += [tail for value in ids if (tail := id_tail(value))]
    return products or None


def _products_by_any_id(order: Record) -> dict[str, str]:
    """Return a Shopify order's products by every id that Voucherify may use: of product, variant, line, or SKU."""
    products: dict[str, str] = {}
    for line in items(order.get("lineItems")):
        if product := shopify_id(line.get("product")):
            variant = line.get("variant")
            ids = (product, shopify_id(variant), id_tail(line.get("id")), get_path(variant, "sku"), line.get("sku"))
            products |= {id_: product for value in ids if (id_ := text(value))}
    return products


def _shop_products(item_ids: Iterable[str] | None, products: Mapping[str, str]) -> list[str] | None:
    """Return the shop's products of discounted items; ``None`` (all) when none is recognised."""
    return list(dict.fromkeys(products[id_] for id_ in item_ids or () if id_ in products)) or None


def _was_read_from_start(order: Record, read_from: datetime | None) -> bool:
    """Return True if redemptions were read from before the order, so that finding none means that there is none."""
    if read_from is None:
        return True
    created_at = timestamps.try_parse(order.get("createdAt"))
    # The sum and not the difference: the order's date may be the first that there is.
    return created_at is not None and created_at >= read_from + CHECKOUT_LEAD
