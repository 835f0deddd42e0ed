"""Which shops a world has and what became of the app in each: installed, uninstalled, come back, never routed.

Names and domains are a fixed table, not drawn: they end up in connection ids and routes, which must outlive a change of
seed. This module knows nothing of orders, credentials or any partner's format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

APP_NUMBER = 1001
ORGANIZATION_ID = "12345"
FIRST_SHOP_NUMBER = 501


@dataclass(frozen=True, kw_only=True)
class Shop:
    """One merchant.

    :param domain: ``x.myshopify.com``
    :param vertical: what it sells, a key of the catalogue
    :param presentments: currencies its buyers may pay in, other than its own
    :param order_name: how it numbers orders, with ``{}`` for the number
    :param tax_rate: what is taxed, as a fraction; ``taxes_included`` says whether prices contain it
    :param number: its id at the partner organization and at Shopify
    :param installed: whether the app is installed now
    :param routed: whether the Dags have a route for it
    :param reactivated: it was deactivated once and came back
    :param reinstalled: it uninstalled the app once and installed it again
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
        """Its domain's own part, as connection ids carry it: ``aurora_apparel``."""
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
    """The shops of a world: so many that are installed and routed, then one uninstalled (routed still), one unrouted.

    The second was deactivated and reactivated, the third uninstalled and installed again, counting round when there are
    fewer.

    :param shops: how many are installed and routed, at least one
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
    """The profile at this place of the table, which starts again with a number in the name when it is used up."""
    turn, place = divmod(index, len(_PROFILES))
    profile = _PROFILES[place]
    if not turn:
        return profile
    handle = profile.domain.removesuffix(".myshopify.com")
    return replace(profile, name=f"{profile.name} {turn + 1}", domain=f"{handle}-{turn + 1}.myshopify.com")
