"""Builds the line items of an order, from an ordinary product to a custom item without a product.

Discounts and taxes are computed in the smallest unit of the currency. Writes Shopify's ``LineItem``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.world.identifiers import Ids, gid
from airflow_provider_partners.sandbox.world.money import Currencies, MoneyBag, priced, total
from airflow_provider_partners.sandbox.world.orders.discounts import (
    Discount,
    allocate,
    allocated_amount,
    is_product_code,
    is_whole_order,
)
from airflow_provider_partners.sandbox.world.products import ShopProducts
from airflow_provider_partners.sandbox.world.shops import Shop


@dataclass(kw_only=True)
class Merchant:
    """A shop with everything that is needed to create an order.

    :param rng: source of its random numbers
    :param number: number of its latest order
    """

    shop: Shop
    rng: Random
    ids: Ids
    products: ShopProducts
    customers: list[Document]
    now: datetime
    number: int = 1000


@dataclass(frozen=True, kw_only=True)
class PriceTerms:
    """Price rules for all lines of an order.

    :param discounts: in the order in which they apply
    """

    money: Currencies
    tax_rate: Decimal
    taxes_included: bool
    discounts: Sequence[Discount] = ()

    @property
    def codes(self) -> list[str]:
        """The discount codes that the buyer entered."""
        return [discount.name for discount in self.discounts if discount.kind == "code"]

    @property
    def applications(self) -> list[Document]:
        """Shopify's ``DiscountApplication`` of each discount."""
        return [discount.application(index, self.money) for index, discount in enumerate(self.discounts)]


@dataclass(frozen=True, kw_only=True)
class Item:
    """A line before it has an id and prices in two currencies."""

    title: str
    price: Decimal
    quantity: int = 1
    product: Document | None = None
    variant: Document | None = None
    deleted: bool = False
    ships: bool = True
    gift_card: bool = False
    attributes: Sequence[tuple[str, str | None]] = field(default=())


Builder = Callable[[Merchant], list[Item]]


def usual(merchant: Merchant) -> list[Item]:
    """One or two units of an ordinary product."""
    return [_of(merchant, merchant.rng.choice(merchant.products.products), merchant.rng.choice((1, 1, 1, 2)))]


def variants(merchant: Merchant) -> list[Item]:
    """Two variants of one product."""
    product = merchant.rng.choice([item for item in merchant.products.products if len(item["variants"]) > 1])
    first, second = merchant.rng.sample(product["variants"], k=2)
    return [_item(product, first, 1), _item(product, second, 2)]


def twice(merchant: Merchant) -> list[Item]:
    """The same variant on two lines, with different engravings."""
    product = merchant.rng.choice(merchant.products.products)
    variant = product["variants"][0]
    return [_item(product, variant, 1, ("Engraving", name)) for name in ("For Zoë", "Für Jürgen & Søn")]


def deleted(merchant: Merchant) -> list[Item]:
    """A product that the shop deleted later."""
    product = merchant.rng.choice(merchant.products.deleted)
    return [Item(title=product["title"], price=_price(product["variants"][0]), product=product, deleted=True)]


def unpublished(merchant: Merchant) -> list[Item]:
    """An archived product, a draft, or one without an online store URL or picture."""
    product = merchant.rng.choice(merchant.products.not_for_sale)
    return [_item(product, product["variants"][0], 1)]


def gift_card(merchant: Merchant) -> list[Item]:
    """A gift card."""
    product = merchant.products.gift_card
    return [_item(product, merchant.rng.choice(product["variants"]), 1)]


def zero(merchant: Merchant) -> list[Item]:
    """A line with zero units, as some apps create it."""
    return [_of(merchant, merchant.rng.choice(merchant.products.products), 0)]


def custom(merchant: Merchant) -> list[Item]:
    """A custom item that the merchant typed in; it has no product."""
    return [Item(title="Gift wrapping — à la main", price=priced(Decimal(4), merchant.shop.currency), ships=False)]


def long(merchant: Merchant) -> list[Item]:
    """A product whose title is longer than 255 characters."""
    return [_of(merchant, merchant.products.long_title, 1)]


def hundreds(merchant: Merchant) -> list[Item]:
    """Four hundred lines: a wholesale order in which each piece has its own label."""
    variants_by_product = [
        (product, variant) for product in merchant.products.products for variant in product["variants"]
    ]
    return [
        _item(*variants_by_product[index % len(variants_by_product)], 1, ("Label", f"{index + 1}"))
        for index in range(400)
    ]


def sixty(merchant: Merchant) -> list[Item]:
    """Sixty units, which are shipped one by one."""
    first, second = merchant.rng.sample(merchant.products.products, k=2)
    return [_of(merchant, first, 45), _of(merchant, second, 15)]


LINES: Mapping[str, Builder] = {
    "usual": usual,
    "variants": variants,
    "twice": twice,
    "deleted": deleted,
    "unpublished": unpublished,
    "gift card": gift_card,
    "zero": zero,
    "custom": custom,
    "long": long,
    "hundreds": hundreds,
    "sixty": sixty,
}


def line_items(ids: Ids, items: Sequence[Item], terms: PriceTerms) -> list[Document]:
    """Build the line items of an order with its price rules."""
    shares = allocate(terms.discounts, [(terms.money.bag(item.price), item.quantity) for item in items], terms.money)
    return [_line(ids, item, terms, share) for item, share in zip(items, shares, strict=True)]


def _line(ids: Ids, item: Item, terms: PriceTerms, shares: Sequence[MoneyBag]) -> Document:
    money, count, variant, product = terms.money, item.quantity, item.variant, item.product
    unit = money.bag(item.price)
    allocations = [
        {"allocatedAmountSet": money.render(share), "discountApplication": application}
        for share, application in zip(shares, terms.applications, strict=True)
        if share
    ]
    of_line = {"discountAllocations": allocations}
    of_products = allocated_amount(of_line, lambda application: not is_whole_order(application))
    # What Shopify's fields without order-wide discounts and codes show.
    shown = unit * count - (of_products - allocated_amount(of_line, is_product_code))
    net = unit * count - total(shares)
    # Shopify calls it approximate: an order-wide discount rarely divides by the units.
    net_unit = money.share(net, 1 / Decimal(count)) if count else unit
    rate = terms.tax_rate if not item.gift_card else Decimal(0)
    tax = money.share(net, rate / (1 + rate) if terms.taxes_included else rate)
    option = variant["title"] if variant and variant["title"] != "Default Title" else None
    exists = product is not None and not item.deleted
    return {
        "id": gid("LineItem", ids.take()),
        "title": item.title,
        "name": f"{item.title} - {option}" if option else item.title,
        "variantTitle": option,
        "sku": (variant or {}).get("sku") or None,
        "vendor": product["vendor"] if product else None,
        "quantity": count,
        "currentQuantity": count,
        "unfulfilledQuantity": count,
        "refundableQuantity": count,
        "nonFulfillableQuantity": 0,
        "requiresShipping": item.ships,
        "isGiftCard": item.gift_card,
        "taxable": bool(rate),
        "restockable": exists,
        "merchantEditable": True,
        "product": {"id": product["id"]} if product and exists else None,
        "variant": {"id": variant["id"]} if variant and exists else None,
        "customAttributes": [{"key": key, "value": value} for key, value in item.attributes],
        "originalUnitPriceSet": money.render(unit),
        "originalTotalSet": money.render(unit * count),
        "discountedUnitPriceSet": money.render(shown // count if count else unit),
        "discountedUnitPriceAfterAllDiscountsSet": money.render(net_unit),
        "discountedTotalSet": money.render(shown),
        "totalDiscountSet": money.render(of_products),
        "discountAllocations": allocations,
        "taxLines": [
            {
                "title": "VAT" if terms.taxes_included else "Sales tax",
                "rate": float(rate),
                "ratePercentage": float(rate * 100),
                "source": "Shopify",
                "priceSet": money.render(tax),
            }
        ]
        if rate
        else [],
    }


def _of(merchant: Merchant, product: Document, quantity: int) -> Item:
    return _item(product, merchant.rng.choice(product["variants"]), quantity)


def _item(product: Document, variant: Document, quantity: int, *attributes: tuple[str, str | None]) -> Item:
    return Item(
        title=product["title"],
        price=_price(variant),
        quantity=quantity,
        product=product,
        variant=variant,
        ships=not product["isGiftCard"],
        gift_card=product["isGiftCard"],
        attributes=attributes,
    )


def _price(variant: Document) -> Decimal:
    return Decimal(variant["price"])
