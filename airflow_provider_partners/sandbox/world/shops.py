"""The shops of a world, and whether the app is installed, uninstalled, reinstalled or without a route in each.

Names and domains are a fixed table. They are part of connection ids and routes, which must not change with the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

APP_NUMBER = 1001
ORGANIZATION_ID = "12345"
FIRST_SHOP_NUMBER = 501


@dataclass(frozen=True, kw_only=True)
class Shop:
    """One shop.

    :param domain: ``x.myshopify.com``
    :param vertical: what it sells, a key of the product table
    :param presentments: currencies its buyers may pay in, other than its own
    :param order_name: format of its order names, with ``{}`` for the number
    :param tax_rate: tax rate as a fraction; ``taxes_included`` shows whether prices include it
    :param number: its id at the partner organization and at Shopify
    :param installed: True if the app is installed now
    :param routed: True if the Dags have a route for it
    :param reactivated: True if it was deactivated once and reactivated
    :param reinstalled: True if it uninstalled the app once and installed it again
    """

    name: str
    domain: str
    vertical: str
    currency: str
    presentments: tuple[str, ...]
    country: str
    locale: str
    plan: str = "standard"
    order_name: str = "#{}"
    tax_rate: str = "0.2"
    taxes_included: bool = True
    number: int = FIRST_SHOP_NUMBER
    installed: bool = True
    routed: bool = True
    reactivated: bool = False
    reinstalled: bool = False

    @property
    def handle(self) -> str:
        """Return the first part of the domain in the form of connection ids: ``aurora_apparel``."""
        return self.domain.removesuffix(".myshopify.com").replace("-", "_")


_PROFILES: Sequence[Shop] = (
    Shop(
        name="Aurora Apparel",
        domain="aurora-apparel.myshopify.com",
        vertical="apparel",
        currency="USD",
        presentments=("CAD", "EUR"),
        country="US",
        locale="en-US",
        plan="plus",
        tax_rate="0.0825",
        taxes_included=False,
    ),
    Shop(
        name="Maison Lumière",
        domain="maison-lumiere.myshopify.com",
        vertical="beauty",
        currency="EUR",
        presentments=("CHF", "GBP"),
        country="FR",
        locale="fr-FR",
        order_name="ML-{}",
    ),
    Shop(
        name="Kettle & Crumb",
        domain="kettle-and-crumb.myshopify.com",
        vertical="kitchen",
        currency="GBP",
        presentments=("EUR", "USD"),
        country="GB",
        locale="en-GB",
    ),
    Shop(
        name="月見グッズ Tsukimi Goods",
        domain="tsukimi-goods.myshopify.com",
        vertical="home",
        currency="JPY",
        presentments=("USD",),
        country="JP",
        locale="ja-JP",
        order_name="#{}-JP",
        tax_rate="0.1",
    ),
    Shop(
        name="Nordlicht Outdoor",
        domain="nordlicht-outdoor.myshopify.com",
        vertical="outdoor",
        currency="EUR",
        presentments=("CHF", "DKK"),
        country="DE",
        locale="de-DE",
        tax_rate="0.19",
    ),
    Shop(
        name="Prairie Pets",
        domain="prairie-pets.myshopify.com",
        vertical="pets",
        currency="CAD",
        presentments=("USD",),
        country="CA",
        locale="en-CA",
        tax_rate="0.13",
        taxes_included=False,
    ),
)

_UNINSTALLED = Shop(
    name="Velvet Ember",
    domain="velvet-ember.myshopify.com",
    vertical="home",
    currency="USD",
    presentments=("CAD",),
    country="US",
    locale="en-US",
    tax_rate="0.07",
    taxes_included=False,
    installed=False,
)

_UNROUTED = Shop(
    name="Orchard Toys & Games",
    domain="orchard-toys-and-games.myshopify.com",
    vertical="pets",
    currency="GBP",
    presentments=("EUR",),
    country="GB",
    locale="en-GB",
    routed=False,
)


def world(shops: int) -> list[Shop]:
    """Return the shops of a world: installed and routed ones, an uninstalled one with a route, one without a route.

    The second shop was deactivated and reactivated, the third uninstalled and reinstalled. In smaller worlds the first
    shops take these roles.

    :param shops: number of shops that are installed and have a route, at least one
    """
    if shops < 1:
        msg = f"a world needs at least one shop, not {shops}"
        raise ValueError(msg)
    members = [_installed(index) for index in range(shops)]
    members[1 % shops] = replace(members[1 % shops], reactivated=True)
    members[2 % shops] = replace(members[2 % shops], reinstalled=True)
    members += [_UNINSTALLED, _UNROUTED]
    return [replace(member, number=FIRST_SHOP_NUMBER + index) for index, member in enumerate(members)]


def _installed(index: int) -> Shop:
    """Return the shop at this index of the table; after the last row the table repeats, with a number in the name."""
    turn, place = divmod(index, len(_PROFILES))
    profile = _PROFILES[place]
    if not turn:
        return profile
    handle = profile.domain.removesuffix(".myshopify.com")
    return replace(profile, name=f"{profile.name} {turn + 1}", domain=f"{handle}-{turn + 1}.myshopify.com")
