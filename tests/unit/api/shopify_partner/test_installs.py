"""Which shops have an app, derived from its events."""

from __future__ import annotations

import pytest

from airflow_provider_partners.api.shopify_partner.installs import replay_installs

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
def test_the_last_event_gives_the_state_and_since_is_its_last_change(
    kinds: str, installed: bool, state: str, since: int
) -> None:
    history = [event(kind, f"2026-05-0{day}T00:00:00Z") for day, kind in enumerate(kinds.split(), 1)]
    (shop,) = replay_installs(reversed(history))
    assert (shop["installed"], shop["state"], shop["since"]) == (installed, state, f"2026-05-0{since}T00:00:00Z")


def test_timestamps_with_and_without_fractions_are_compared_by_value() -> None:
    (shop,) = replay_installs([
        event("UNINSTALLED", "2026-05-01T00:00:00.500000Z"),
        event("INSTALLED", "2026-05-01T00:00:00Z"),
    ])
    assert shop["installed"] is False


@pytest.mark.parametrize(
    ("before", "after"),
    [(["INSTALLED"], True), ([], False), (["INSTALLED", "UNINSTALLED"], False)],
)
def test_events_of_the_same_time_are_sorted_so_that_each_changes_the_state(before: list[str], after: bool) -> None:
    earlier = [event(kind, f"2026-04-0{day}T00:00:00Z") for day, kind in enumerate(before, 1)]
    simultaneous = [event("INSTALLED", "2026-05-01T00:00:00Z"), event("UNINSTALLED", "2026-05-01T00:00:00Z")]
    for together in (simultaneous, simultaneous[::-1]):
        (shop,) = replay_installs(earlier + together)
        assert shop["installed"] is after


def test_a_shop_is_the_same_in_every_form_of_its_domain() -> None:
    forms = ["a.myshopify.com", "https://A.myshopify.com", "https://a.myshopify.com/admin"]
    events = [event("INSTALLED", f"2026-05-0{day}T00:00:00Z", shop=form) for day, form in enumerate(forms, 1)]
    assert [shop["shop"] for shop in replay_installs(events)] == ["a.myshopify.com"]


def test_shops_are_sorted_by_domain() -> None:
    shops = replay_installs(event("INSTALLED", "2026-05-01T00:00:00Z", shop=f"{name}.myshopify.com") for name in "cab")
    assert [shop["shop"][0] for shop in shops] == ["a", "b", "c"]
