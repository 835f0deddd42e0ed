"""Draft orders, open ones and completed ones, and abandoned checkouts, recovered ones as well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random

from airflow_provider_partners.sandbox.store import Document, format_timestamp
from airflow_provider_partners.sandbox.world import customers as people
from airflow_provider_partners.sandbox.world.identifiers import Ids, gid
from airflow_provider_partners.sandbox.world.money import Currencies, MoneyBag, total
from airflow_provider_partners.sandbox.world.orders.lines import Merchant
from airflow_provider_partners.sandbox.world.products import metafield

_DRAFTS, _CHECKOUTS = 14, 16
#: Number of lines of the longest draft order and checkout: they need more than one page.
_LONGEST = 23


def draft_orders(rng: Random, ids: Ids, merchant: Merchant, orders: Sequence[Document]) -> list[Document]:
    """Return a shop's draft orders; every third one became an order.

    :param orders: the shop's orders, for the completed drafts
    """
    return [_draft_order(rng, ids, merchant, orders, index) for index in range(_DRAFTS)]


def _draft_order(rng: Random, ids: Ids, merchant: Merchant, orders: Sequence[Document], index: int) -> Document:
    number, money = ids.take(), _money(merchant)
    created = merchant.now - timedelta(days=rng.uniform(2, 120))
    changed = created + timedelta(days=rng.uniform(0, 2))
    lines = [
        _draft_line(rng, ids, merchant, custom=turn == 1) for turn in range(_LONGEST if index == 0 else 1 + index % 3)
    ]
    order = orders[index] if index % 3 == 1 and index < len(orders) else None
    status = "COMPLETED" if order else "INVOICE_SENT" if index % 3 == 2 else "OPEN"
    customer = rng.choice(merchant.customers)
    price = total(_bag(line["originalTotalSet"]) for line in lines)
    nothing = money.render(money.bag(Decimal(0)))
    address = people.address(rng, ids, merchant.shop.country, customer) if customer["firstName"] else None
    return {
        "id": gid("DraftOrder", number),
        "legacyResourceId": str(number),
        "name": f"#D{index + 1}",
        "status": status,
        "createdAt": format_timestamp(created),
        "updatedAt": format_timestamp(changed),
        "completedAt": format_timestamp(changed) if order else None,
        "invoiceSentAt": format_timestamp(created) if status == "INVOICE_SENT" else None,
        "invoiceUrl": f"https://{merchant.shop.domain}/invoices/{number}",
        "currencyCode": money.shop,
        "presentmentCurrencyCode": money.presentment,
        "taxesIncluded": merchant.shop.taxes_included,
        "taxExempt": False,
        "tags": ["wholesale"] if index % 4 == 0 else [],
        "poNumber": f"PO-{index}" if index % 2 else None,
        "note2": "Call before delivery" if index % 5 == 0 else None,
        "discountCodes": [],
        "totalQuantityOfLineItems": sum(line["quantity"] for line in lines),
        "lineItems": lines,
        "subtotalPriceSet": money.render(price),
        "totalLineItemsPriceSet": money.render(price),
        "totalPriceSet": money.render(price),
        "totalTaxSet": nothing,
        "totalDiscountsSet": nothing,
        "totalShippingPriceSet": nothing,
        "customAttributes": [{"key": "channel", "value": "fair"}] if index % 2 else [],
        "email": customer["email"],
        "phone": customer["phone"],
        "customer": customer,
        "billingAddress": address,
        "shippingAddress": address,
        "order": {"id": order["id"]} if order else None,
        "metafields": [
            metafield(number, 1, "custom.quote", "single_line_text_field", f"Q-{index}", format_timestamp(created))
        ],
    }


def _draft_line(rng: Random, ids: Ids, merchant: Merchant, *, custom: bool) -> Document:
    product = rng.choice(merchant.products.products)
    variant, money, quantity = product["variants"][0], _money(merchant), rng.randint(1, 4)
    unit = money.bag(Decimal(variant["price"]))
    nothing = money.render(money.bag(Decimal(0)))
    return {
        "id": gid("DraftOrderLineItem", ids.take()),
        "title": "Gift wrapping" if custom else product["title"],
        "name": "Gift wrapping" if custom else f"{product['title']} - {variant['title']}",
        "quantity": quantity,
        "sku": None if custom else variant["sku"],
        "variantTitle": None if custom else variant["title"],
        "vendor": None if custom else product["vendor"],
        "custom": custom,
        "isGiftCard": False,
        "requiresShipping": not custom,
        "taxable": True,
        "originalUnitPriceSet": money.render(unit),
        "originalTotalSet": money.render(unit * quantity),
        "discountedTotalSet": money.render(unit * quantity),
        "totalDiscountSet": nothing,
        "customAttributes": [],
        "product": None if custom else {"id": product["id"]},
        "variant": None if custom else {"id": variant["id"]},
    }


def abandoned_checkouts(rng: Random, ids: Ids, merchant: Merchant) -> list[Document]:
    """Return a shop's abandoned checkouts; every fourth one was completed later."""
    return [_checkout(rng, ids, merchant, index) for index in range(_CHECKOUTS)]


def _checkout(rng: Random, ids: Ids, merchant: Merchant, index: int) -> Document:
    number, money = ids.take(), _money(merchant)
    created = merchant.now - timedelta(days=rng.uniform(1, 90))
    changed = created + timedelta(hours=rng.uniform(0, 20))
    lines = [_checkout_line(rng, ids, merchant) for _ in range(_LONGEST if index == 0 else 1 + index % 4)]
    customer = rng.choice(merchant.customers)
    price = total(_bag(line["originalTotalPriceSet"]) for line in lines)
    nothing = money.render(money.bag(Decimal(0)))
    return {
        "id": gid("AbandonedCheckout", number),
        "name": f"#{number}",
        "createdAt": format_timestamp(created),
        "updatedAt": format_timestamp(changed),
        "completedAt": format_timestamp(changed) if index % 4 == 3 else None,
        "abandonedCheckoutUrl": f"https://{merchant.shop.domain}/checkouts/{number}/recover?key={rng.getrandbits(64):016x}",
        "note": "",
        "discountCodes": [],
        "customAttributes": [],
        "taxesIncluded": merchant.shop.taxes_included,
        "lineItems": lines,
        "subtotalPriceSet": money.render(price),
        "totalPriceSet": money.render(price),
        "totalLineItemsPriceSet": money.render(price),
        "totalDiscountSet": nothing,
        "totalTaxSet": nothing,
        "totalDutiesSet": None,
        "defaultCursor": str(number),
        "customer": customer,
        "billingAddress": None,
        "shippingAddress": people.address(rng, ids, merchant.shop.country, customer) if customer["firstName"] else None,
    }


def _checkout_line(rng: Random, ids: Ids, merchant: Merchant) -> Document:
    product = rng.choice(merchant.products.products)
    variant, money, quantity = product["variants"][-1], _money(merchant), rng.randint(1, 3)
    unit = money.bag(Decimal(variant["price"]))
    prices = {"Total": money.render(unit * quantity), "Unit": money.render(unit)}
    return {
        "id": gid("AbandonedCheckoutLineItem", ids.take()),
        "title": product["title"],
        "quantity": quantity,
        "sku": variant["sku"],
        "variantTitle": variant["title"],
        **{f"{kind}{what}PriceSet": price for kind in ("original", "discounted") for what, price in prices.items()},
        "discountedTotalPriceWithCodeDiscount": prices["Total"],
        "discountedUnitPriceWithCodeDiscount": prices["Unit"],
        "customAttributes": [],
        "product": {"id": product["id"]},
        "variant": {"id": variant["id"]},
    }


def _money(merchant: Merchant) -> Currencies:
    return Currencies(merchant.shop.currency, merchant.shop.currency)


def _bag(money: Document) -> MoneyBag:
    return MoneyBag(*(Decimal(money[side]["amount"]) for side in ("shopMoney", "presentmentMoney")))
