"""Shopify's ids: numbers that grow and never meet in two shops, and the global ids made of them."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_partners.sandbox.world.shops import FIRST_SHOP_NUMBER, Shop

# Shopify hands ids out in strides of this width (seen in public ids of consecutive records).
_STRIDE = 32_768
_IDS_PER_SHOP = 10**11
_FIRST = 50 * _IDS_PER_SHOP


@dataclass
class Ids:
    """The ids one shop has left.

    :param next: the number that is handed out next
    """

    next: int

    @classmethod
    def of(cls, shop: Shop) -> Ids:
        """The range of one shop, of 13 digits as in reality."""
        return cls(_FIRST + (shop.number - FIRST_SHOP_NUMBER) * _IDS_PER_SHOP + 1)

    def take(self) -> int:
        """A new id."""
        number, self.next = self.next, self.next + _STRIDE
        return number


def gid(kind: str, number: int | str) -> str:
    """The global id of a Shopify record."""
    return f"gid://shopify/{kind}/{number}"
