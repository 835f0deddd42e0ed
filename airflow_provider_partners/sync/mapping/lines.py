"""Group an order's line items by parent product, and map the products they name.

Yotpo refuses an order that names a product twice, and wants the parent product, not the variant. So the lines of one
product become one line, with their quantities and prices added up. Yotpo's Magento module does the same
(https://github.com/YotpoLtd/magento2-module-core).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from airflow_provider_partners.records import Record, get_path
from airflow_provider_partners.sync.coupons import Coupon
from airflow_provider_partners.sync.mapping.properties import (
    Properties,
    map_properties,
    merge_line_properties,
    with_coupon_flag,
)
from airflow_provider_partners.sync.options import MappingOptions
from airflow_provider_partners.sync.payload.base import WEB_URL
from airflow_provider_partners.sync.payload.models import LineItem, Product
from airflow_provider_partners.sync.values import (
    id_tail,
    items,
    percent_encoded,
    shopify_id,
    text,
    text_within_limit,
    to_count,
    to_decimal,
)


@dataclass(slots=True)
class ProductLine:
    """All lines of one product.

    :param price: the price of the lines after every discount; ``None`` when that of one line is unknown
    :param properties: the custom properties of each line
    """

    product: str
    quantity: int = 0
    price: Decimal | None = Decimal(0)
    properties: list[Properties] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OrderCoupons:
    """The coupons of an order by product.

    :param codes: the coupon code of each product, ``None`` when the code is unknown. The key ``""`` is a coupon of all
        products
    """

    codes: Mapping[str, str | None]

    @classmethod
    def from_coupons(cls, coupons: Sequence[Coupon]) -> OrderCoupons:
        """Return the coupons by product. Yotpo takes one per product: the first that has a code."""
        codes: dict[str, str | None] = {}
        for coupon in coupons:
            products = coupon.get("products")
            for product in [""] if products is None else products:
                key = id_tail(product) or ""
                codes[key] = codes.get(key) or text(coupon.get("code"), 255)
        return cls(codes)

    def code_for(self, product: str) -> str | None:
        """Return the code that a product was bought with."""
        return self.codes.get(product) or self.codes.get("")

    def has_coupon(self, product: str) -> bool:
        """Return True if a product was bought with a coupon."""
        return product in self.codes or "" in self.codes


@dataclass(slots=True)
class OrderLines:
    """The lines of an order as Yotpo takes them.

    :param by_product: one line per product, in the order's own order
    :param product_of: from Shopify's line item id to the product; without the lines that were left out
    :param products: payloads of the products
    :param notes: which lines were left out
    :param causes: the notes without the number of lines
    """

    by_product: dict[str, ProductLine] = field(default_factory=dict)
    product_of: dict[str, str] = field(default_factory=dict)
    products: dict[str, Record] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)

    def payload(self, coupons: OrderCoupons | None, options: MappingOptions) -> list[Record]:
        """Return Yotpo's line items. What their custom properties lack is added to the notes.

        :param coupons: the order's coupons; ``None`` when they are unknown, which leaves the coupon fields out
        """
        mapping = options.property_mappings["line"]
        line_items = []
        for line in self.by_product.values():
            # Total and subtotal are Shopify's price after discounts: taxes of single lines are not extracted.
            price = float(line.price) if line.price is not None else None
            properties = merge_line_properties(line.properties, options.differing_lines, self.notes)
            coupon_used = coupons.has_coupon(line.product) if coupons else None
            line_items.append(
                LineItem.payload_of({
                    "external_product_id": line.product,
                    "quantity": line.quantity,
                    "total_price": price,
                    "subtotal_price": price,
                    "coupon_code": coupons.code_for(line.product) if coupons else None,
                    "custom_properties": with_coupon_flag(properties, mapping, coupon_used),
                })
            )
        return line_items


def group_by_product(order: Record, *, shop: str, options: MappingOptions) -> OrderLines:
    """Return the order's lines by product. The options decide about gift cards and lines without a product.

    The quantity is the ordered one, even if units were removed later. Yotpo can't remove a line, so a line must not
    depend on when it is sent. ``fulfillments.map_removed_units`` reports removed units.
    """
    lines = OrderLines()
    left_out = dict.fromkeys(_EXCLUSION_NOTES, 0)
    for line in items(order.get("lineItems")):
        units = to_count(line.get("quantity"))
        product = _product_of(line, order, shop, options, lines.notes)
        if units < 1:
            left_out["units"] += 1
        elif line.get("isGiftCard") and options.gift_cards == "exclude":
            left_out["gift"] += 1
        elif product is None or not product.get("external_id"):
            left_out["product"] += 1
        else:
            product_line = _add_line(lines, line, product, units)
            properties = map_properties(options.property_mappings["line"], line, order, lines.notes)
            product_line.properties.append(properties)
    for cause, note in _EXCLUSION_NOTES.items():
        if left_out[cause]:
            lines.notes.append(f"{left_out[cause]} {note}")
            lines.causes.append(note)
    return lines


_EXCLUSION_NOTES = {
    "units": "lines without units were left out",
    "gift": "lines of gift cards were left out",
    "product": "lines of deleted products or custom items were left out",
}


def _add_line(lines: OrderLines, line: Record, product: Record, units: int) -> ProductLine:
    external_id = product["external_id"]
    lines.products.setdefault(external_id, product)
    if line_id := text(line.get("id")):
        lines.product_of[line_id] = external_id
    product_line = lines.by_product.setdefault(external_id, ProductLine(external_id))
    product_line.quantity += units
    price = _price_after_discounts(line)
    if price is None or product_line.price is None:
        product_line.price = None
    else:
        product_line.price += price
    return product_line


def _price_after_discounts(line: Record) -> Decimal | None:
    """Return what was paid for a line's ordered units, before tax is added; ``None`` when it is unknown.

    Shopify's ``discountAllocations`` hold the share of every discount: automatic ones, codes, and those of the whole
    order. ``discountedTotalSet`` leaves out the codes by default and those of the whole order always
    (https://shopify.dev/docs/api/admin-graphql/latest/objects/LineItem). The sum over an order's lines is its
    ``subtotalPriceSet``.
    """
    original = to_decimal(get_path(line, "originalTotalSet.shopMoney.amount"))
    if original is None or not isinstance(line.get("discountAllocations"), list):
        return None
    allocated = [
        to_decimal(get_path(allocation, "allocatedAmountSet.shopMoney.amount"))
        for allocation in line["discountAllocations"]
    ]
    return None if None in allocated else original - sum(filter(None, allocated), Decimal(0))


def _product_of(line: Record, order: Record, shop: str, options: MappingOptions, notes: list[str]) -> Record | None:
    """Return the parent product of a line. A deleted product or a custom item gives the placeholder, or ``None``."""
    record = line.get("product")
    if record is not None and shopify_id(record):
        properties = map_properties(options.property_mappings["product"], record, order, notes)
        return map_product(record, shop=shop, custom_properties=properties)
    if options.missing_products == "placeholder":
        placeholder = {"external_id": options.placeholder_id, "name": options.placeholder_name}
        return Product.payload_of({**placeholder, "url": f"https://{shop}/"})
    return None


def map_product(record: Mapping[str, Any], *, shop: str, custom_properties: Properties | None = None) -> Record:
    """Return a Shopify product as the payload of Yotpo's product.

    A product without a page in the online store gets the URL it would have there, because Yotpo's e-mails link to it.

    :param record: of an order's line, or of the list of products
    :param shop: the shop's domain
    :param custom_properties: Yotpo's custom properties of the product
    """
    image = get_path(record, "featuredMedia.preview.image.url")
    fields = (*map(record.get, _PRODUCT_FIELDS), image)
    # Only texts: a list can't be in the cache, and there 1 would be the same as True.
    if custom_properties or not _TEXTS.issuperset(map(type, fields)):
        return _product(shop, shopify_id(record), fields, custom_properties)
    return dict(_cached_product(shop, shopify_id(record), fields))


_PRODUCT_FIELDS = ("title", "handle", "onlineStoreUrl", "vendor")
_TEXTS = frozenset({str, type(None)})


def _product(
    shop: str,
    external_id: str | None,
    fields: tuple[Any, ...],
    custom_properties: Properties | None = None,
) -> Record:
    title, handle, page, vendor, image = fields
    handle = text_within_limit(handle, 255)
    # A handle may have the letters of any script, and it is one segment of the path.
    own_page = f"https://{shop}/products/{quote(handle, safe='')}" if handle else None
    return Product.payload_of({
        "external_id": external_id,
        "name": text(title, 255),
        "url": _web_url(page) or _web_url(own_page),
        "image_url": _web_url(image),
        "brand": text(vendor, 255),
        "handle": handle,
        "custom_properties": custom_properties,
    })


# Most orders of a shop name the same products.
_cached_product = lru_cache(maxsize=2048)(_product)


def _web_url(value: Any) -> str | None:
    url = percent_encoded(value, 2048)
    return url if url and WEB_URL.match(url) else None
