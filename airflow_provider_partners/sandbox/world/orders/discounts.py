"""Discounts of an order, and each line's share of them.

A discount of products applies to each unit. A discount of the order is spread over all lines, so a line's share need
not be a multiple of its units. Writes Shopify's ``DiscountApplication`` and ``DiscountAllocation``. A line has one
allocation of every discount (https://shopify.dev/docs/api/admin-graphql/latest/objects/DiscountAllocation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.world.money import ZERO, Currencies, MoneyBag, parse_money_bag, total

_TYPES = {
    "automatic": "AutomaticDiscountApplication",
    "manual": "ManualDiscountApplication",
    "code": "DiscountCodeApplication",
}


@dataclass(frozen=True, kw_only=True)
class Discount:
    """One discount: a fraction of the price, or an amount.

    :param kind: ``automatic`` or ``manual`` with a title, or ``code``
    :param name: its code or title
    :param whole_order: True if it is spread over all lines, False if it applies to each unit
    :param fraction: of the price that earlier discounts leave
    :param amount: in the shop's currency, for a discount of the whole order
    """

    kind: Literal["automatic", "manual", "code"]
    name: str
    whole_order: bool
    fraction: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)

    def application(self, index: int, money: Currencies) -> Document:
        """Return Shopify's ``DiscountApplication``.

        :param index: its position in the order's list
        """
        percentage = {"__typename": "PricingPercentageValue", "percentage": float(self.fraction * 100)}
        amount = {"__typename": "MoneyV2", **money.render(money.bag(self.amount))["presentmentMoney"]}
        return {
            "__typename": _TYPES[self.kind],
            ("code" if self.kind == "code" else "title"): self.name,
            "index": index,
            "allocationMethod": "ACROSS" if self.whole_order else "EACH",
            "targetSelection": "ALL" if self.whole_order else "ENTITLED",
            "targetType": "LINE_ITEM",
            "value": amount if self.amount else percentage,
        }


def allocate(
    discounts: Sequence[Discount], units: Sequence[tuple[MoneyBag, int]], money: Currencies
) -> list[list[MoneyBag]]:
    """Return each line's share of each discount, one list per line.

    :param units: the price of one unit, and the number of units, for each line
    """
    shares: list[list[MoneyBag]] = [[] for _ in units]
    for discount in discounts:
        if discount.whole_order:
            left = [unit * count - total(taken) for (unit, count), taken in zip(units, shares, strict=True)]
            allocated = money.spread(_amount_off(discount, total(left), money), left)
        else:
            allocated = [
                money.share(_unit_left(unit, count, taken), discount.fraction) * count
                for (unit, count), taken in zip(units, shares, strict=True)
            ]
        for taken, share in zip(shares, allocated, strict=True):
            taken.append(share)
    return shares


def _amount_off(discount: Discount, price: MoneyBag, money: Currencies) -> MoneyBag:
    if not discount.amount:
        return money.share(price, discount.fraction)
    amount = money.bag(discount.amount)
    return MoneyBag(min(amount.shop, price.shop), min(amount.presentment, price.presentment))


def _unit_left(unit: MoneyBag, count: int, taken: Sequence[MoneyBag]) -> MoneyBag:
    return unit - total(taken) // count if count else unit


def allocated_amount(
    line: Document, is_included: Callable[[dict[str, Any]], bool] = lambda application: True
) -> MoneyBag:
    """Return a line's share of its discounts.

    :param is_included: chooses discounts by their application; all by default
    """
    return total(
        parse_money_bag(allocation["allocatedAmountSet"])
        for allocation in line.get("discountAllocations") or ()
        if is_included(allocation.get("discountApplication") or {})
    )


def is_whole_order(application: Document) -> bool:
    """Return True for a discount at the level of the order. It is spread across all lines.

    See https://shopify.dev/docs/api/admin-graphql/latest/enums/DiscountApplicationLevel.
    """
    return application.get("allocationMethod") == "ACROSS" and application.get("targetSelection") == "ALL"


def is_product_code(application: Document) -> bool:
    """Return True for a code at the level of lines."""
    return application.get("__typename") == "DiscountCodeApplication" and not is_whole_order(application)


def price_after_discounts(line: Document) -> MoneyBag:
    """Return the price of a line's ordered units after every discount, without a tax that is added on top."""
    return parse_money_bag(line["originalTotalSet"]) - allocated_amount(line) if line["quantity"] else ZERO
