"""What is older never replaces what is newer, in whatever order builds and writes arrive.

The rules are those of the product's own design (``docs/explanation/decisions.md``), so the right values are stated here
in plain words: the order has the state of the build that read it last, and a review request that Yofi's newest findings
suppress stays suppressed.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import order_builders as make
import pytest
from fakes.yotpo_store import FakeYotpoStore

from airflow_provider_partners.datasets.version_log import VersionLog
from airflow_provider_partners.sync.build import build_orders
from airflow_provider_partners.sync.staleness import Comparison, order_version, product_version
from airflow_provider_partners.sync.upsert import upsert_fulfillments, upsert_orders, upsert_products

STATUSES = ("PENDING", "PAID", "PARTIALLY_REFUNDED", "REFUNDED")
YOTPO_STATUSES = ("pending", "paid", "partially_refunded", "refunded")


@pytest.fixture
def store() -> FakeYotpoStore:
    return FakeYotpoStore()


def at(minutes: float) -> str:
    return (datetime(2026, 5, 1, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat()


def clock() -> datetime:
    return datetime(2026, 5, 2, tzinfo=UTC)


def build(state: int, read: float, returns_read: float, *, is_abuse: bool, level: str = "order") -> dict[str, Any]:
    """An order built from its state at Shopify and from what Yofi knew.

    :param state: how often the order has changed
    :param read: the minute at which Shopify was read
    :param returns_read: the minute at which Yofi was read
    """
    order = make.order(1, updatedAt=at(state), displayFinancialStatus=STATUSES[state])
    returns = [{"id": "r", "order_id": "1", "state": "refunded" if is_abuse else "requested"}]
    read_at = {"orders": at(read), "returns": at(returns_read)}
    (built,) = build_orders([order], returns, shop="a.myshopify.com", policy={"level": level}, read_at=read_at)
    return built.to_dict()  # type: ignore[union-attr]


def write(store: FakeYotpoStore, folder: Path, *records: dict[str, Any], **options: Any) -> list[str]:
    """Write records as a task of its own does."""
    with VersionLog(str(folder), clock=clock) as versions:
        outcomes = upsert_orders(store, records, versions=versions, sleep=store.slept.append, **options)  # type: ignore[arg-type]
        return [outcome.action for outcome in outcomes]


def state_of(store: FakeYotpoStore) -> tuple[str, bool]:
    order = store.get("order", "1")
    return order["payment_status"], order["custom_properties"]["suppress_review_request"]


def test_a_late_write_of_an_older_build_ends_as_stale(store: FakeYotpoStore, tmp_path: Path) -> None:
    paid = build(1, 10, 11, is_abuse=False)
    refunded = build(3, 70, 71, is_abuse=True)

    assert write(store, tmp_path, refunded) == ["created"]
    store.sent.clear()

    assert write(store, tmp_path, paid) == ["stale"]
    assert write(store, tmp_path, paid, dry_run=True) == ["stale"]
    assert store.sent == []
    assert state_of(store) == ("refunded", True)
    assert write(store, tmp_path, refunded) == ["unchanged"]


@pytest.mark.parametrize("level", ["order", "line"])
def test_runs_that_follow_each_other_end_in_the_newest_state_in_every_order_of_arrival(
    tmp_path: Path, level: str
) -> None:
    suppressed = (False, True, False, True)
    builds = [build(n, 60 * n, 60 * n + 5, is_abuse=suppressed[n], level=level) for n in range(4)]

    for number, arrivals in enumerate(itertools.permutations(range(4))):
        store, folder = FakeYotpoStore(), tmp_path / str(number)
        for position, index in enumerate(arrivals):
            (action,) = write(store, folder, builds[index])
            is_stale = index < max(arrivals[: position + 1])
            assert (action == "stale") is is_stale, (arrivals, index, action)
        assert state_of(store) == ("refunded", True)


def overlapping_builds(rng: random.Random) -> Iterator[tuple[int, int, bool]]:
    """Runs that overlap: one may read Shopify earlier and Yofi later than another."""
    for order_read, returns_read in zip(rng.sample(range(4), 4), rng.sample(range(4), 4), strict=True):
        yield order_read, returns_read, rng.random() < 0.5


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("level", ["order", "line"])
def test_runs_that_overlap_keep_the_newest_order_and_lift_no_newer_suppression(
    tmp_path: Path, seed: int, level: str
) -> None:
    rng = random.Random(seed)
    known = list(overlapping_builds(rng))
    builds = [build(state, 60 * state, 300 + 60 * yofi, is_abuse=abuse, level=level) for state, yofi, abuse in known]
    newest = [
        (state, yofi, abuse)
        for state, yofi, abuse in known
        if not any(a >= state and b >= yofi and (a, b) != (state, yofi) for a, b, _ in known)
    ]

    for number, arrivals in enumerate(itertools.permutations(range(4))):
        store, folder = FakeYotpoStore(), tmp_path / str(number)
        store.nested = rng.choice(["merge", "replace"])
        for index in arrivals:
            write(store, folder, builds[index])
            if rng.random() < 0.3:  # a cleared task, or a replay
                write(store, folder, builds[rng.choice(arrivals[: arrivals.index(index) + 1])])

        status, is_suppressed = state_of(store)
        assert status == "refunded"
        if any(abuse for _, _, abuse in newest):
            assert is_suppressed
        if len(newest) == 1:
            assert is_suppressed is newest[0][2]


def test_a_build_with_newer_findings_on_an_older_order_adds_its_suppression_alone(
    store: FakeYotpoStore, tmp_path: Path
) -> None:
    write(store, tmp_path, build(3, 70, 71, is_abuse=False, level="line"))
    store.sent.clear()

    assert write(store, tmp_path, build(1, 10, 90, is_abuse=True, level="line")) == ["updated"]

    ((_, payload),) = store.sent
    assert payload["custom_properties"]["suppress_review_request"] is True
    assert set(payload) <= {"custom_properties", "line_items"}
    assert state_of(store) == ("refunded", True)


def test_a_newer_claim_during_the_batch_is_noticed_right_before_the_write(
    store: FakeYotpoStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_partners.datasets.version_log.LOOK_INTERVAL", 0.0)
    refunded = build(3, 70, 71, is_abuse=True)
    others: list[list[str]] = []

    def write_the_newer_build(resource: str) -> None:
        store.after_lookup = lambda resource: None
        others.append(write(store, tmp_path, refunded))

    store.after_lookup = write_the_newer_build

    assert write(store, tmp_path, build(1, 10, 11, is_abuse=False)) == ["stale"]
    assert others == [["created"]]
    assert state_of(store) == ("refunded", True)


def test_a_reject_of_a_newer_build_is_not_overtaken_by_an_older_one(store: FakeYotpoStore, tmp_path: Path) -> None:
    newer = build(3, 70, 71, is_abuse=True)
    broken = {**newer, "order": {**newer["order"], "currency": "euro"}}

    assert write(store, tmp_path, broken) == ["rejected"]
    assert write(store, tmp_path, build(1, 10, 11, is_abuse=False)) == ["stale"]
    assert write(store, tmp_path, newer) == ["created"]


def test_an_order_without_a_version_is_written_as_before(store: FakeYotpoStore, tmp_path: Path) -> None:
    write(store, tmp_path, build(3, 70, 71, is_abuse=True))

    assert write(store, tmp_path, {**build(1, 10, 11, is_abuse=False), "version": {}}) == ["updated"]


def test_a_build_that_is_older_than_the_log_is_not_written(store: FakeYotpoStore, tmp_path: Path) -> None:
    with VersionLog(str(tmp_path), clock=lambda: datetime(2026, 7, 1, tzinfo=UTC)) as versions:
        (outcome,) = upsert_orders(store, [build(1, 10, 11, is_abuse=False)], versions=versions)  # type: ignore[arg-type]

    assert (outcome.action, outcome.reason) == (
        "stale",
        "it was built longer ago than versions are kept; build it again",
    )


def test_older_coupons_leave_the_coupon_fields_as_they_are() -> None:
    lines = [{"external_product_id": "1", "coupon_code": "TEN", "custom_properties": {"coupon_used": True}}]
    payload = {"external_id": "1", "line_items": lines, "custom_properties": {"coupon_used": True, "other": 1}}
    version = order_version(at(2), {"orders": at(3), "redemptions": at(1)})
    earlier = order_version(at(1), {"orders": at(2), "redemptions": at(4)})

    part = Comparison.of(version, [version, earlier]).newer_part(payload, None)

    assert part == {"external_id": "1", "line_items": [{"external_product_id": "1"}], "custom_properties": {"other": 1}}


def test_older_products_and_fulfillments_end_as_stale(store: FakeYotpoStore, tmp_path: Path) -> None:
    shipment = {
        "external_id": "10",
        "fulfillment_date": "2026-03-02T08:00:00Z",
        "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}],
    }
    delivered = make.built(1, fulfillments=[{**shipment, "status": "success"}])
    opened = make.built(1, fulfillments=[{**shipment, "status": "open"}])
    newer, older = (order_version(at(minute), {"orders": at(minute)}) for minute in (60, 1))
    list(upsert_orders(store, [make.built(1)]))  # type: ignore[arg-type]

    with VersionLog(str(tmp_path), clock=clock) as log:
        for version, record, product, expected in (
            (newer, delivered, {"external_id": "p-1", "name": "New"}, {"created", "updated"}),
            (older, opened, {"external_id": "p-1", "name": "Old"}, {"stale"}),
        ):
            fulfillments = upsert_fulfillments(store, [{**record, "version": version}], versions=log)  # type: ignore[arg-type]
            products = upsert_products(store, [{**product, "version": product_version(version)}], versions=log)  # type: ignore[arg-type]
            assert {outcome.action for outcome in (*fulfillments, *products)} == expected

    assert store.get("product", "p-1")["name"] == "New"
    assert store.get("order", "1")["fulfillments"][0]["status"] == "success"


@pytest.mark.parametrize("is_suppressed", [True, False])
def test_newer_coupons_are_written_without_an_older_suppression(is_suppressed: bool) -> None:
    properties = {"coupon_used": True, "suppress_review_request": is_suppressed}
    version = order_version(at(1), {"orders": at(2), "returns": at(3), "redemptions": at(9)})
    other = order_version(at(1), {"orders": at(2), "returns": at(4), "redemptions": at(5)})

    part = Comparison.of(version, [version, other]).newer_part(
        {"external_id": "1", "custom_properties": properties}, None
    )

    assert part == {"external_id": "1", "custom_properties": {"coupon_used": True}}


def test_a_build_that_does_not_know_when_its_sources_were_read_is_never_too_old(
    store: FakeYotpoStore, tmp_path: Path
) -> None:
    paid, refunded = (
        build_orders(
            [make.order(1, updatedAt=at(state), displayFinancialStatus=STATUSES[state])], shop="a.myshopify.com"
        )
        for state in (1, 3)
    )
    records = [next(each).to_dict() for each in (paid, refunded)]  # type: ignore[union-attr]

    assert write(store, tmp_path, records[0]) == ["created"]
    assert write(store, tmp_path, records[1]) == ["updated"]
    assert write(store, tmp_path, records[0]) == ["stale"]
    assert state_of(store) == ("refunded", False)
