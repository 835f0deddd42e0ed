"""Shopify's ids: increasing numbers that never repeat in another shop, and the global ids made of them."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_partners.sandbox.world.shops import FIRST_SHOP_NUMBER, Shop

# Distance between consecutive ids of Shopify, observed in public ids of consecutive records.
_STRIDE = 32_768
_IDS_PER_SHOP = 10**11
_FIRST = 50 * _IDS_PER_SHOP


@dataclass
class Ids:
    """The unused ids of one shop.

    :param next: the next number
    """

    next: int

    @classmethod
    def of(cls, shop: Shop) -> Ids:
        """Return the id range of one shop, 13 digits as in reality."""
        return cls(_FIRST + (shop.number - FIRST_SHOP_NUMBER) * _IDS_PER_SHOP + 1)

    @classmethod
    def apart(cls, shop: Shop) -> Ids:
        """Return the last tenth of a shop's range, for objects whose number must not change the others' ids."""
        return cls(cls.of(shop).next + _IDS_PER_SHOP * 9 // 10)

    def take(self) -> int:
        """Return a new id."""
        number, self.next = self.next, self.next + _STRIDE
        return number


def gid(kind: str, number: int | str) -> str:
    """Return the global id of a Shopify record."""
    return f"gid://shopify/{kind}/{number}"
