"""Tests of a report's page. It is read by Python's own HTML parser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from airflow_provider_partners.observability.report import html as page_module
from airflow_provider_partners.observability.report.html import render_page
from airflow_provider_partners.observability.report.model import (
    ApiCalls,
    DatasetEntry,
    FieldChange,
    Gap,
    LaneReport,
    Reason,
    RecordSample,
    RunReport,
    ScoreBand,
    StepReport,
    TaskError,
)

A, B = "a.myshopify.com", "b.myshopify.com"
ATTACK = "<script>alert('x')</script>\"'&"
VOID = {"meta", "br", "rect", "line"}


class Page(HTMLParser):
    """The elements of a page, and its text without its style. Fails for markup that is not closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += f"{data}\n"

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [
            found
            for name, found in self.elements
            if name == tag and all(found.get(key.rstrip("_")) == value for key, value in attributes.items())
        ]

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def lane(shop: str = A, **fields: Any) -> LaneReport:
    values: dict[str, Any] = {
        "shop": shop,
        "name": shop,
        "window": {"since": "2026-05-01T10:00:00Z", "until": "2026-05-01T11:00:00Z"},
        "counts": {"read": 10, "created": 4, "updated": 2, "unchanged": 3, "rejected": 1, "suppressed": 2},
        "suppressed_by_action": {"created": 2},
        "suppressions": [Reason(text="return_abuse >= 0.8 (return_predictions)", count=2, examples=["77"])],
        "scores": [
            ScoreBand(
                category="return_abuse",
                source="return_predictions",
                threshold=0.8,
                orders=2,
                lowest=0.85,
                highest=0.93,
                histogram=[0] * 17 + [1, 1, 0],
            )
        ],
        "changed": {"payment_status": 2},
        "samples": [
            RecordSample(
                external_id="77",
                action="updated",
                changes=[
                    FieldChange(name="payment_status", before="paid", after="refunded"),
                    FieldChange(name="customer.email", before="•••", after="•••"),
                ],
            )
        ],
        "steps": [
            StepReport(
                task="extract_orders",
                started_at="2026-05-01T11:00:00Z",
                ended_at="2026-05-01T11:00:30Z",
                seconds=30,
                tries=1,
            ),
            StepReport(
                task="upsert_orders",
                started_at="2026-05-01T11:00:30Z",
                ended_at="2026-05-01T11:02:00Z",
                seconds=90,
                tries=2,
            ),
            StepReport(task="extract_returns", state="skipped", note="the route has no 'yofi_conn_id'"),
        ],
        "api": [
            ApiCalls(
                partner="yotpo", account="store1", requests=12, waited=3.0, seconds=10, used=20, limit_per_second=4,
                throttled=1, by_operation={"orders.create": 4},
            )
        ],
        "datasets": [DatasetEntry(task="upsert_orders", uri="/s/1-rejects", resource="orders rejects", records=1)],
        **fields,
    }  # fmt: skip
    return LaneReport(**values)


def report(*lanes: LaneReport, **fields: Any) -> RunReport:
    return RunReport(**{
        "dag_id": "orders",
        "run_id": "manual__1",
        "title": "Orders to Yotpo",
        "written_at": "2026-05-01T11:03:00Z",
        "lanes": list(lanes or [lane()]),
        **fields,
    })


def page(*lanes: LaneReport, **fields: Any) -> Page:
    return Page(render_page(report(*lanes, **fields)))


def test_a_report_shows_counts_reasons_scores_values_steps_calls_and_datasets() -> None:
    words = page().words

    for expected in (
        "Report: Orders to Yotpo",
        "2026-05-01 10:00 to 2026-05-01 11:00",
        "4 created, 2 updated, 3 unchanged, 1 rejected",
        "return_abuse >= 0.8 (return_predictions) 2 77",
        "return_abuse · 2 orders · 0.85 to 0.93",
        "payment_status paid → refunded",
        "2 min 00 s from the first start to the last end.",
        "1 min 30 s, 2 tries",
        "the route has no 'yofi_conn_id'",
        "12 calls, 50% of the limit (4 per second)",
        "1 refused by the limit",
        "orders rejects",
        "/s/1-rejects",
    ):
        assert expected in words


def test_the_page_loads_and_runs_nothing() -> None:
    source = render_page(report())
    found = Page(source)

    assert not found.all("script")
    assert not found.all("link")
    assert not [
        tag for tag, attributes in found.elements if "src" in attributes or tag in {"iframe", "object", "embed"}
    ]
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    assert not re.findall(r"https?://|url\(|@import", source)
    (policy,) = found.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert str(policy["content"]).startswith("default-src 'none'")


@pytest.mark.parametrize("dry_run", [False, True])
def test_every_text_is_escaped(dry_run: bool) -> None:
    bad = lane(
        ATTACK,
        name=ATTACK,
        window={"since": ATTACK, "until": ATTACK},
        state="failed",
        error=TaskError(task=ATTACK, message=ATTACK, remedy=ATTACK, log_url=ATTACK),
        suppressions=[Reason(text=ATTACK, count=1, examples=[ATTACK])],
        scores=[ScoreBand(category=ATTACK, source=ATTACK, threshold=0.5, orders=1)],
        changed={ATTACK: 1},
        samples=[
            RecordSample(
                external_id=ATTACK,
                action=ATTACK,
                reason=ATTACK,
                suppressed=[ATTACK],
                notes=[ATTACK],
                changes=[FieldChange(name=ATTACK, before=ATTACK, after=ATTACK)],
            )
        ],
        steps=[StepReport(task=ATTACK, state=ATTACK, note=ATTACK)],
        api=[ApiCalls(partner=ATTACK, account=ATTACK, requests=1, by_operation={ATTACK: 1})],
        datasets=[DatasetEntry(task=ATTACK, uri=ATTACK, resource=ATTACK, source=ATTACK)],
    )
    found = page(
        bad, dag_id=ATTACK, run_id=ATTACK, title=ATTACK, dry_run=dry_run, params={"shops": ATTACK},
        gaps=[Gap(shop=ATTACK, since=ATTACK, until=ATTACK)], run_url="/dags/1",
    )  # fmt: skip

    assert not found.all("script")
    assert ATTACK in found.text
    assert {attributes["href"] for attributes in found.all("a")} == {ATTACK, "/dags/1"}


def test_a_plan_says_so_and_has_a_place_for_the_sign_off() -> None:
    planned = lane(counts={"read": 10, "would_create": 6, "would_update": 4}, suppressed_by_action={"would_create": 2})
    words = page(planned, dry_run=True).words

    assert "Plan: Orders to Yotpo plan, nothing written" in words
    assert "6 to create, 4 to update" in words
    assert "run orders with the same params and with dry_run off" in words
    assert "Approved by" in words
    assert "Sign-off" not in page().words


def test_a_failed_lane_is_first_with_its_cause_and_remedy() -> None:
    error = TaskError(task="upsert_orders", message="Yotpo: refused", remedy="Renew the secret.", log_url="/log")
    failed = lane(B, state="failed", failed_at="upsert_orders", error=error, counts={"read": 9, "created": 2})
    found = page(lane(), failed, state="failed")

    assert f"Failed {B} at upsert_orders : Yotpo: refused Renew the secret. Its log" in found.words
    assert "2 created, 7 not reached" in found.words
    assert found.words.rindex(f"{B} ✕ failed") < found.words.rindex(f"{A} ✓ done")


def test_a_run_that_could_choose_no_lane_says_why() -> None:
    error = TaskError(task="choose_windows", message="'since' is not a timestamp", remedy="Write it in ISO 8601.")
    found = Page(render_page(RunReport(dag_id="orders", run_id="1", state="failed", error=error)))

    assert "At choose_windows : 'since' is not a timestamp Write it in ISO 8601." in found.words
    assert "no shop to sync" in Page(render_page(RunReport(dag_id="orders", run_id="1", state="skipped"))).words


def test_gaps_are_shown() -> None:
    gap = Gap(shop=A, since="2026-01-09T10:00:00Z", until="2026-01-17T10:00:00Z")

    assert f"Gaps No run has read the orders that changed in these time ranges. A backfill reads them. {A} : 2026-01-09 10:00 to 2026-01-17 10:00" in page(gaps=[gap]).words  # fmt: skip  # noqa: E501


def test_the_same_warning_of_several_lanes_is_shown_once() -> None:
    times: Any = {"started_at": "2026-05-01T11:00:00Z", "ended_at": "2026-05-01T11:00:30Z", "seconds": 30, "tries": 1}
    step = StepReport(task="find_changes", state="warning", note="Shopify <answers> no more", **times)
    shown = page(lane(A, steps=[step]), lane("b.myshopify.com", steps=[step]), lane("c.myshopify.com")).words
    assert f"Warnings {A}, b.myshopify.com at find_changes : Shopify <answers> no more" in shown
    assert "! warning" in shown
    assert "Warnings" not in page().words


def test_pictures_have_words() -> None:
    """WCAG 2.2, 1.1.1: a picture has a text alternative, or is hidden because the text beside it says the same."""
    found = page()

    pictures = found.all("svg")
    assert len(pictures) > 4
    for picture in pictures:
        assert picture.get("aria-hidden") == "true" or (picture["role"] == "img" and picture["aria-label"])
    assert "return_abuse: 2 orders with 0.85 to 0.93, from 0.8 on" in {each.get("aria-label") for each in pictures}


def test_tables_name_their_columns_and_rows() -> None:
    """WCAG 2.2, 1.3.1; https://www.w3.org/WAI/tutorials/tables/two-headers/."""
    heads = page().all("th")

    assert {head["scope"] for head in heads} == {"col", "row"}


def test_bars_are_as_long_as_their_share() -> None:
    """All three outcomes of 8 of 16 orders: the longest bar is 16 orders wide, 100 units."""
    small = lane(B, counts={"read": 8, "created": 2, "updated": 4, "rejected": 2})
    big = lane(A, counts={"read": 16, "created": 16})
    bars = [each for each in page(big, small).all("rect") if each["class"] in {"created", "updated", "rejected"}][:4]

    assert [(bar["class"], float(str(bar["x"]))) for bar in bars] == [
        ("created", 0), ("created", 0), ("updated", 12.5), ("rejected", 37.5),
    ]  # fmt: skip
    # A little less, so that segments can be distinguished.
    assert [float(str(bar["width"])) for bar in bars] == pytest.approx([100, 12.5, 25, 12.5], abs=0.5)


def test_a_page_of_many_lanes_shows_some_in_detail_and_all_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MAX_LANES", 2)
    lanes = [lane(f"{number}.myshopify.com") for number in range(5)]
    found = page(*lanes)

    assert len(found.all("details")) == 2
    assert "3 more lanes are in the table above" in found.words
    assert all(each.shop in found.words for each in lanes)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (9.96, "10.0 s"), (59.4, "59 s"), (65, "1 min 05 s"), (7800, "2 h 10 min")]
)
def test_durations_have_the_unit_that_fits(seconds: float, words: str) -> None:
    from airflow_provider_partners.observability.report.words import format_seconds

    assert format_seconds(seconds) == words
