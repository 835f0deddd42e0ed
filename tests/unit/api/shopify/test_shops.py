"""Which shops have an app, replayed from its events; and the forms of a shop's domain."""

from __future__ import annotations

import pytest

from airflow_provider_partners.api.shopify.shops import replay_installs, shop_domain
from airflow_provider_partners.exceptions import ConfigurationError

APP = "gid://partners/App/7"


def event(kind: str, at: str, shop: str = "a.myshopify.com", **fields: object) -> dict:
    return {
        "__typename": "RelationshipInstalled",
        "type": f"RELATIONSHIP_{kind}",
        "occurredAt": at,
        "app": {"id": APP, "name": "App"},
        "shop": {"id": "gid://partners/Shop/1", "name": "A", "myshopifyDomain": shop},
        **fields,
    }


@pytest.mark.parametrize(
    ("kinds", "installed", "state", "since"),
    [
        ("INSTALLED", True, "INSTALLED", 1),
        ("INSTALLED UNINSTALLED", False, "UNINSTALLED", 2),
        ("INSTALLED UNINSTALLED INSTALLED", True, "INSTALLED", 3),
        ("INSTALLED DEACTIVATED", False, "DEACTIVATED", 2),
        ("INSTALLED DEACTIVATED REACTIVATED", True, "REACTIVATED", 3),
        ("INSTALLED DEACTIVATED UNINSTALLED", False, "UNINSTALLED", 2),
        ("UNINSTALLED", False, "UNINSTALLED", 1),
    ],
)
def test_the_last_event_decides_and_the_state_lasts_since_it_changed(
    kinds: str, installed: bool, state: str, since: int
) -> None:
    history = [event(kind, f"2026-05-0{day}T00:00:00Z") for day, kind in enumerate(kinds.split(), 1)]
    (shop,) = replay_installs(reversed(history))
    assert (shop["installed"], shop["state"], shop["since"]) == (installed, state, f"2026-05-0{since}T00:00:00Z")


def test_times_are_compared_as_times() -> None:
    (shop,) = replay_installs([
        event("UNINSTALLED", "2026-05-01T00:00:00.500000Z"),
        event("INSTALLED", "2026-05-01T00:00:00Z"),
    ])
    assert shop["installed"] is False


@pytest.mark.parametrize(
    ("before", "after"),
    [(["INSTALLED"], True), ([], False), (["INSTALLED", "UNINSTALLED"], False)],
)
def test_events_of_one_moment_are_put_in_an_order_that_makes_sense(before: list[str], after: bool) -> None:
    earlier = [event(kind, f"2026-04-0{day}T00:00:00Z") for day, kind in enumerate(before, 1)]
    moment = [event("INSTALLED", "2026-05-01T00:00:00Z"), event("UNINSTALLED", "2026-05-01T00:00:00Z")]
    for together in (moment, moment[::-1]):
        (shop,) = replay_installs(earlier + together)
        assert shop["installed"] is after


def test_a_shop_is_the_same_in_every_form_of_its_domain() -> None:
    forms = ["a.myshopify.com", "https://A.myshopify.com", "https://a.myshopify.com/admin"]
    shops = replay_installs(
        event("INSTALLED", f"2026-05-0{day}T00:00:00Z", shop=form) for day, form in enumerate(forms, 1)
    )
    assert [shop["shop"] for shop in shops] == ["a.myshopify.com"]
    assert {shop_domain(form) for form in [*forms, "a", " A.MyShopify.com "]} == {"a.myshopify.com"}


@pytest.mark.parametrize("text", ["", "a b", "shop.example.com", "a.myshopify.com.evil.test"])
def test_what_is_no_shop_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="permanent domain"):
        shop_domain(text)


def test_shops_come_in_the_order_of_their_domains() -> None:
    shops = replay_installs(event("INSTALLED", "2026-05-01T00:00:00Z", shop=f"{name}.myshopify.com") for name in "cab")
    assert [shop["shop"][0] for shop in shops] == ["a", "b", "c"]
