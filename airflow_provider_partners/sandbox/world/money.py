"""Amounts in a shop's currency and in the buyer's, added up side by side, and written as Shopify writes them.

Both sides are carried through every sum, so that totals are exact in either currency. This module knows currencies and
nothing of orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_PER_DOLLAR = {
    "USD": Decimal(1),
    "CAD": Decimal("1.37"),
    "EUR": Decimal("0.92"),
    "GBP": Decimal("0.79"),
    "CHF": Decimal("0.88"),
    "DKK": Decimal("6.87"),
    "JPY": Decimal(151),
}
_STEP = {"JPY": Decimal(1)}
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class MoneyBag:
    """One amount in both currencies of an order."""

    shop: Decimal
    presentment: Decimal

    def __add__(self, other: MoneyBag) -> MoneyBag:
        return MoneyBag(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: MoneyBag) -> MoneyBag:
        return MoneyBag(self.shop - other.shop, self.presentment - other.presentment)

    def __mul__(self, count: int) -> MoneyBag:
        return MoneyBag(self.shop * count, self.presentment * count)

    def __floordiv__(self, count: int) -> MoneyBag:
        """An equal part of an amount that is known to be a multiple."""
        return MoneyBag(self.shop / count, self.presentment / count)

    def __bool__(self) -> bool:
        return bool(self.shop)


ZERO = MoneyBag(Decimal(0), Decimal(0))


def total(bags: Iterable[MoneyBag]) -> MoneyBag:
    """The sum, nothing for none."""
    return sum(bags, ZERO)


def format_amount(amount: Decimal) -> str:
    """An amount as the Admin API serializes decimals: without padding, with one digit at least.

    >>> text(Decimal("55.00")), text(Decimal("7.25")), text(Decimal(0))
    ('55.0', '7.25', '0.0')
    """
    plain = f"{amount.normalize():f}" if amount else "0"
    return plain if "." in plain else f"{plain}.0"


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole coins of its currency."""
    return amount.quantize(_STEP.get(currency, _CENT), ROUND_HALF_UP)


def priced(dollars: Decimal, currency: str) -> Decimal:
    """A shop price of about so many dollars: ending in .50 or .00, in yen in full tens."""
    amount = dollars * _PER_DOLLAR[currency]
    if currency in _STEP:
        return (amount / 10).quantize(Decimal(1), ROUND_HALF_UP) * 10
    return (amount * 2).quantize(Decimal(1), ROUND_HALF_UP) / 2


@dataclass(frozen=True)
class Currencies:
    """The two currencies of an order."""

    shop: str
    presentment: str

    @classmethod
    def of(cls, order: Mapping[str, Any]) -> Currencies:
        """Those of an order document."""
        return cls(order["currencyCode"], order["presentmentCurrencyCode"])

    def bag(self, amount: Decimal) -> MoneyBag:
        """An amount of the shop's currency, converted for the buyer."""
        rate = _PER_DOLLAR[self.presentment] / _PER_DOLLAR[self.shop]
        return MoneyBag(rounded(amount, self.shop), rounded(amount * rate, self.presentment))

    def share(self, bag: MoneyBag, fraction: Decimal) -> MoneyBag:
        """A fraction of an amount, in whole coins."""
        return MoneyBag(rounded(bag.shop * fraction, self.shop), rounded(bag.presentment * fraction, self.presentment))

    def render(self, bag: MoneyBag) -> dict[str, Any]:
        """The amount as a ``MoneyBag``."""
        return {
            "shopMoney": {"amount": format_amount(bag.shop), "currencyCode": self.shop},
            "presentmentMoney": {"amount": format_amount(bag.presentment), "currencyCode": self.presentment},
        }


def parse_money_bag(money: Mapping[str, Any]) -> MoneyBag:
    """The amount of a ``MoneyBag``."""
    return MoneyBag(Decimal(money["shopMoney"]["amount"]), Decimal(money["presentmentMoney"]["amount"]))
