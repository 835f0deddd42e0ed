"""Amounts in a shop's currency and in the buyer's, added in parallel, and formatted as Shopify formats them.

Every sum is computed in both currencies, so that totals are exact in each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
        """Return an equal share of an amount that is a multiple of ``count``."""
        return MoneyBag(self.shop / count, self.presentment / count)

    def __bool__(self) -> bool:
        return bool(self.shop)


ZERO = MoneyBag(Decimal(0), Decimal(0))


def total(bags: Iterable[MoneyBag]) -> MoneyBag:
    """Return the sum, zero for an empty list."""
    return sum(bags, ZERO)


def format_amount(amount: Decimal) -> str:
    """Format an amount as the Admin API serializes decimals: without padding, with at least one decimal.

    >>> format_amount(Decimal("55.00")), format_amount(Decimal("7.25")), format_amount(Decimal(0))
    ('55.0', '7.25', '0.0')
    """
    plain = f"{amount.normalize():f}" if amount else "0"
    return plain if "." in plain else f"{plain}.0"


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Round an amount to the smallest unit of its currency."""
    return amount.quantize(_STEP.get(currency, _CENT), ROUND_HALF_UP)


def priced(dollars: Decimal, currency: str) -> Decimal:
    """Return a shop price near an amount in dollars: it ends in .50 or .00; in yen it is a multiple of ten."""
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
        """Return the currencies of an order document."""
        return cls(order["currencyCode"], order["presentmentCurrencyCode"])

    def bag(self, amount: Decimal) -> MoneyBag:
        """Return an amount in the shop's currency together with its conversion for the buyer."""
        rate = _PER_DOLLAR[self.presentment] / _PER_DOLLAR[self.shop]
        return MoneyBag(rounded(amount, self.shop), rounded(amount * rate, self.presentment))

    def share(self, bag: MoneyBag, fraction: Decimal) -> MoneyBag:
        """Return a fraction of an amount, rounded to the smallest unit."""
        return MoneyBag(rounded(bag.shop * fraction, self.shop), rounded(bag.presentment * fraction, self.presentment))

    def spread(self, bag: MoneyBag, weights: Sequence[MoneyBag]) -> list[MoneyBag]:
        """Return an amount spread over weights, in smallest units that add up to it."""
        shop = _spread(bag.shop, [weight.shop for weight in weights], self.shop)
        presentment = _spread(bag.presentment, [weight.presentment for weight in weights], self.presentment)
        return [MoneyBag(*amounts) for amounts in zip(shop, presentment, strict=True)]

    def render(self, bag: MoneyBag) -> dict[str, Any]:
        """Format the amount as a GraphQL ``MoneyBag``."""
        return {
            "shopMoney": {"amount": format_amount(bag.shop), "currencyCode": self.shop},
            "presentmentMoney": {"amount": format_amount(bag.presentment), "currencyCode": self.presentment},
        }


def _spread(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    whole, passed, spent = sum(weights), Decimal(0), Decimal(0)
    shares = []
    for weight in weights:
        passed += weight
        until_here = rounded(amount * passed / whole, currency) if whole else Decimal(0)
        shares.append(until_here - spent)
        spent = until_here
    return shares


def parse_money_bag(money: Mapping[str, Any]) -> MoneyBag:
    """Parse a GraphQL ``MoneyBag``."""
    return MoneyBag(Decimal(money["shopMoney"]["amount"]), Decimal(money["presentmentMoney"]["amount"]))
