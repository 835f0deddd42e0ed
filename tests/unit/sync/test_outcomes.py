"""Outcomes, their summary, and the threshold of rejects."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from airflow_provider_partners.exceptions import ConfigurationError, RejectedError, RejectThresholdError
from airflow_provider_partners.sync.outcomes import (
    Outcome,
    OutcomeSummary,
    check_threshold,
    format_summary,
    rejected_outcome,
)
from airflow_provider_partners.sync.payload.base import PayloadError
from airflow_provider_partners.sync.payload.models import Order


def refused(number: int, reason: str = "bad") -> Outcome:
    return Outcome("order", str(number), "rejected", reason=reason)


def test_a_reject_holds_all_that_a_replay_needs_and_stays_out_of_the_outcome() -> None:
    record = {"external_id": "1", "order": {"customer": {"email": "zoe@example.com"}}}

    outcome = rejected_outcome("order", "1", record, RejectedError("no such product", status=400, request_id="abc"))

    assert outcome.reject == {
        **record,
        "rejected": {
            "kind": "order",
            "external_id": "1",
            "reason": "no such product",
            "status": 400,
            "request_id": "abc",
        },
    }
    assert "zoe@" not in json.dumps(outcome.to_dict())
    assert "zoe@" not in repr(outcome)


def test_a_summary_counts_and_groups() -> None:
    summary = OutcomeSummary.of([
        Outcome("order", "1", "created", suppressed=["return_abuse 0.93 >= 0.8 (return_predictions)"]),
        Outcome("order", "2", "updated", changed=["fulfillments"], suppressed=[
            "return_abuse 0.81 >= 0.8 (return_predictions)",
            "return_abuse 0.99 >= 0.8 (return_predictions)",
        ]),
        refused(3, "Order 1003 has 'x' wrong"),
        refused(4, "Order 1004 has 'y' wrong"),
    ])  # fmt: skip

    as_dict = summary.to_dict()

    assert as_dict["total"] == 4
    assert (as_dict["created"], as_dict["updated"], as_dict["unchanged"], as_dict["rejected"]) == (1, 1, 0, 2)
    assert as_dict["suppressed"] == 2
    assert as_dict["suppressions"] == {"return_abuse >= 0.8 (return_predictions)": 2}
    assert as_dict["rejections"] == {"Order … has … wrong": 2}
    assert as_dict["examples"] == {"Order … has … wrong": ["3", "4"]}
    assert as_dict["changes"] == {"fulfillments": 1}


def broken_order(number: int, **fields: Any) -> Outcome:
    payload = {"external_id": str(number), "order_date": "2026-03-01T10:20:30Z", "line_items": [line(1)], **fields}
    with pytest.raises(PayloadError) as caught:
        Order.validate_body(payload)
    return rejected_outcome("order", str(number), payload, caught.value)


def line(product: int, quantity: int = 1) -> dict[str, Any]:
    return {"external_product_id": str(product), "quantity": quantity}


def test_rejects_are_counted_by_the_rule_and_field_that_they_break() -> None:
    """Pydantic gives field and rule (``loc`` and ``type``, https://docs.pydantic.dev/latest/errors/errors/)."""
    summary = OutcomeSummary.of([
        broken_order(1, line_items=[line(1), line(2, 0)]),
        broken_order(2, line_items=[line(1, 0), line(2, 0), line(3)]),
        broken_order(3, line_items=[line(1001), line(1001)]),
        broken_order(4, line_items=[line(1002), line(1002), line(7), line(7)]),
        broken_order(5, payment_method="x" * 65),
        broken_order(6, customer={"first_name": "x" * 256}),
        broken_order(7, payment_status="bartered"),
        broken_order(8, line_items=[]),
    ])

    begin = "The order breaks Yotpo's rules: "
    assert {reason.removeprefix(begin): count for reason, count in summary.rejections.items()} == {
        "line_items[].quantity: Input should be greater than or equal to 1": 2,
        "value: must name each product once, but repeats …": 2,
        "payment_method: String should have at most 64 characters": 1,
        "customer.first_name: String should have at most 255 characters": 1,
        "payment_status: Input should be 'pending', 'authorized', 'partially_paid', 'paid', 'partially_refunded', "
        "'refunded' or 'voided'": 1,
        "line_items: List should have at least 1 item": 1,
    }
    assert summary.examples[f"{begin}value: must name each product once, but repeats …"] == ["3", "4"]


def test_a_resumed_task_counts_rejects_by_the_same_rules() -> None:
    outcome = broken_order(3, line_items=[line(1001), line(1001)])

    again = Outcome(**json.loads(json.dumps(outcome.to_dict())))

    assert OutcomeSummary.of([again]).rejections == OutcomeSummary.of([outcome]).rejections


def test_a_summary_makes_a_round_trip_through_json_and_merges() -> None:
    one, two = OutcomeSummary.of([refused(1), Outcome("order", "2", "created")]), OutcomeSummary.of([refused(3)])

    one.merge(OutcomeSummary.from_dict(json.loads(json.dumps(two.to_dict()))))

    assert one.counts == {"rejected": 2, "created": 1}
    assert one.examples == {"bad": ["1", "3"]}


def test_a_summary_of_many_reasons_stays_small() -> None:
    words = [f"reason {chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(500)]

    summary = OutcomeSummary.of(refused(number, word) for number, word in enumerate(words))

    assert len(summary.rejections) == 21
    assert summary.rejections["other reasons"] == 480
    assert all(len(ids) <= 5 for ids in summary.examples.values())


@pytest.mark.parametrize(
    ("max_rejects", "fails"), [(0, True), (1, True), (2, False), (0.0, True), (0.19, True), (0.2, False), (1.0, False)]
)
def test_max_rejects_is_a_count_or_a_share(max_rejects: float, fails: bool) -> None:
    summary = OutcomeSummary.of([*map(refused, range(2)), *(Outcome("order", str(n), "unchanged") for n in range(8))])

    if fails:
        with pytest.raises(RejectThresholdError, match=r"2 of 10 records were rejected.*2x bad"):
            check_threshold(summary, max_rejects)
    else:
        check_threshold(summary, max_rejects)


def test_an_empty_summary_is_within_any_threshold() -> None:
    check_threshold(OutcomeSummary(), 0)
    check_threshold(OutcomeSummary(), 0.0)


@pytest.mark.parametrize("wrong", [-1, -0.1, 1.5, True])
def test_an_invalid_max_rejects_is_an_error(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_rejects"):
        check_threshold(OutcomeSummary(), wrong)


def test_the_table_has_a_line_per_shop_one_for_all_and_the_reasons() -> None:
    table = format_summary({
        "a.myshopify.com": OutcomeSummary.of([Outcome("order", "1", "created", suppressed=["return is refunded"])]),
        "b.myshopify.com": OutcomeSummary.of([refused(7), Outcome("order", "2", "unchanged")]).to_dict(),
    })

    assert table.splitlines() == [
        "shop             created  updated  unchanged  rejected  suppressed  total",
        "a.myshopify.com        1        0          0         0           1      1",
        "b.myshopify.com        0        0          1         1           0      2",
        "all                    1        0          1         1           1      3",
        "Rejected: 1x bad (such as 7)",
        "Suppressed: 1x return is refunded",
    ]


def test_one_summary_is_a_table_too() -> None:
    table = format_summary(OutcomeSummary.of([Outcome("order", "1", "would_create")]))

    assert table.splitlines()[1].split() == ["all", "0", "0", "0", "0", "1", "0", "1"]


def test_notes_are_counted_by_their_text_without_ids() -> None:
    notes = ["Yotpo keeps line items that the order no longer has: 7, 8", "products created first: 9"]
    summary = OutcomeSummary.of([
        Outcome("order", "1", "updated", notes=notes),
        Outcome("order", "2", "unchanged", notes=["Yotpo keeps line items that the order no longer has: 4"]),
        Outcome("order", "3", "stale", reason="newer data was written"),
    ])
    summary.merge(OutcomeSummary.from_dict(json.loads(json.dumps(summary.to_dict()))))

    as_dict = summary.to_dict()

    assert as_dict["stale"] == 2
    assert as_dict["notes"] == {
        "Yotpo keeps line items that the order no longer has": 4,
        "products created first": 2,
    }
    assert "Note: 4x Yotpo keeps line items" in format_summary(summary)


@pytest.mark.parametrize(
    ("rejected", "total", "max_rejects", "fails"),
    [
        (1, 8, 0.1, False),
        (5, 8, 0.1, False),
        (6, 8, 0.1, True),
        (6, 100, 0.1, False),
        (11, 100, 0.1, True),
        (1, 8, 0.0, True),
        (1, 8, 0, True),
        (2, 8, 1, True),
    ],
)
def test_a_share_has_a_floor(rejected: int, total: int, max_rejects: float, fails: bool) -> None:
    """More than 10 % and more than 5: one reject of eight is no reason to fail. A count, and none at all, are exact."""
    summary = OutcomeSummary(counts=Counter(rejected=rejected, created=total - rejected))
    if fails:
        with pytest.raises(RejectThresholdError):
            check_threshold(summary, max_rejects, floor=5)
    else:
        check_threshold(summary, max_rejects, floor=5)


def test_the_error_names_the_floor() -> None:
    summary = OutcomeSummary(counts=Counter(rejected=6, created=2))
    with pytest.raises(RejectThresholdError, match=r"6 of 8 records were rejected, and 10.0%, or 5 in any case, are"):
        check_threshold(summary, 0.1, floor=5)
