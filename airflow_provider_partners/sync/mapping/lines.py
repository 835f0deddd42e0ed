"""Line items grouped by parent product, and the products they name.

Yotpo refuses an order that names a product twice and wants the parent product, not the variant; so quantities and
prices of a product's lines are added up, as Yotpo's own Magento module does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from airflow_provider_partners.records import Record, get_path
from airflow_provider_partners.sync.options import MappingOptions
from airflow_provider_partners.sync.payload.base import WEB_URL
from airflow_provider_partners.sync.payload.models import LineItem, Product
from airflow_provider_partners.sync.values import (
    id_tail,
    items,
    shopify_id,
    text,
    text_within_limit,
    to_count,
    to_decimal,
)


@dataclass(slots=True)
class ProductLine:
    """All lines of one product.

    :param price: what the lines cost after their discounts; None where no line tells
    """

    product: str
    quantity: int = 0
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderCoupons:
    """The coupons of an order by product.

    :param codes: the code of each product that had one, None where the code isn't known; under ``""`` that of all
    """

    codes: Mapping[str, str | None]

    @classmethod
    def from_coupons(cls, coupons: Sequence[Record]) -> OrderCoupons:
        """Of several coupons of one product, the first that has a code is named: Yotpo takes one.

        :param coupons: each ``{"code": …, "products": [ids] or None}``
        """
        codes: dict[str, str | None] = {}
        for coupon in coupons:
            for product in coupon.get("products") or [""]:
                key = id_tail(product) or ""
                codes[key] = codes.get(key) or text(coupon.get("code"), 255)
        return cls(codes)

    def code_for(self, product: str) -> str | None:
        """The code that a product was bought with."""
        return self.codes.get(product) or self.codes.get("")

    def has_coupon(self, product: str) -> bool:
        """Whether a product was bought with a coupon."""
        return product in self.codes or "" in self.codes


@dataclass(slots=True)
class OrderLines:
    """The lines of an order as Yotpo takes them.

    :param by_product: by product, in the order's own order
    :param product_of: Shopify's line item id to the product it is booked on; lines that were left out are missing
    :param products: payloads of the products named
    """

    by_product: dict[str, ProductLine] = field(default_factory=dict)
    product_of: dict[str, str] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def payload(self, coupons: OrderCoupons | None) -> list[LineItem]:
        """The line items.

        :param coupons: those of the order; None where they aren't known, which leaves the lines' fields alone
        """
        found = []
        for group in self.by_product.values():
            # Shopify's price of a line after its discounts. Taxes of single lines are not asked for, so both are it.
            price = float(group.price) if group.price is not None else None
            found.append(
                LineItem(
                    external_product_id=group.product,
                    quantity=group.quantity,
                    total_price=price,
                    subtotal_price=price,
                    coupon_code=coupons.code_for(group.product) if coupons else None,
                    custom_properties={"coupon_used": coupons.has_coupon(group.product)} if coupons else None,
                )
            )
        return found


def group_by_product(order: Record, *, shop: str, options: MappingOptions) -> OrderLines:
    """The order's lines by product. What has no product, no units, or is a gift card is left out, by the options.

    The quantity is the one ordered, also where units were removed since: Yotpo can't remove a line, so what was sent
    once must not depend on when it was sent (see ``fulfillments.removed``).
    """
    lines = OrderLines()
    left_out = {"units": 0, "gift": 0, "product": 0}
    for row in items(order.get("lineItems")):
        units = to_count(row.get("quantity"))
        product = _product_of(row, shop, options)
        if units < 1:
            left_out["units"] += 1
        elif row.get("isGiftCard") and options.gift_cards == "exclude":
            left_out["gift"] += 1
        elif product is None or not product.external_id:
            left_out["product"] += 1
        else:
            _add_line(lines, row, product, product.external_id, units)
    for cause, words in _EXCLUSION_NOTES.items():
        if left_out[cause]:
            lines.notes.append(f"{left_out[cause]} {words}")
    return lines


_EXCLUSION_NOTES = {
    "units": "lines without units were left out",
    "gift": "lines of gift cards were left out",
    "product": "lines of deleted products or custom items were left out",
}


def _add_line(lines: OrderLines, line: Record, product: Product, external_id: str, units: int) -> None:
    lines.products.setdefault(external_id, product)
    if line_id := text(line.get("id")):
        lines.product_of[line_id] = external_id
    booked = lines.by_product.setdefault(external_id, ProductLine(external_id))
    booked.quantity += units
    price = to_decimal(get_path(line, "discountedTotalSet.shopMoney.amount"))
    if price is None and (unit := to_decimal(get_path(line, "originalUnitPriceSet.shopMoney.amount"))) is not None:
        price = unit * units
    if price is not None:
        booked.price = (booked.price or Decimal(0)) + price


def _product_of(line: Record, shop: str, options: MappingOptions) -> Product | None:
    """The parent product of a line; the placeholder or None for a deleted product or a custom item."""
    record = line.get("product")
    key = shopify_id(record)
    if key:
        return map_product(record, shop=shop)
    if options.missing_products == "placeholder":
        return Product(external_id=options.placeholder_id, name=options.placeholder_name, url=f"https://{shop}/")
    return None


def map_product(record: Any, *, shop: str) -> Product:
    """A Shopify product as Yotpo's, from what an order's line or the list of products tells of it.

    A product without a page in the online store gets the address it would have there: Yotpo's e-mails link to it.

    :param shop: the shop's domain
    """
    handle = text_within_limit(get_path(record, "handle"), 255)
    page = f"https://{shop}/products/{handle}" if handle else None
    return Product(
        external_id=shopify_id(record),
        name=text(get_path(record, "title"), 255),
        url=_web_url(get_path(record, "onlineStoreUrl")) or _web_url(page),
        image_url=_web_url(get_path(record, "featuredMedia.preview.image.url")),
        brand=text(get_path(record, "vendor"), 255),
        handle=handle,
    )


def _web_url(value: Any) -> str | None:
    found = text_within_limit(value, 2048)
    return found if found and WEB_URL.match(found) else None
