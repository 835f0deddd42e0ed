from __future__ import annotations

from airflow_provider_partners.pipelines.run_summary import build_lane_summary, build_run_summary

A, B = "a.myshopify.com", "b.myshopify.com"
BOTH = [(A, ""), (B, "")]


def steps(**changes):
    """What the tasks of a lane return: 10 orders read, 1 unmappable, 1 left out, 2 suppressed, 1 refused by Yotpo."""
    return {
        "extract_orders": {"records": 10, "extra": {"api": {"requests": 3}}},
        "extract_returns": {"records": 4, "extra": {"api": {"requests": 2}}},
        "extract_claims": {"records": 0, "extra": {"api": {"requests": 1}}},
        "build": {
            "records": 8,
            "extra": {
                "rejected": 1,
                "rejections": {"no line items": 1},
                "left_out": 1,
                "left_outs": {"a test order": 1},
                "suppressed": 2,
                "suppressions": {"returned": 2},
            },
        },
        "upsert_products": {"records": 5, "extra": {"summary": {"created": 5}, "api": {"requests": 6}}},
        "upsert_orders": {
            "records": 8,
            "extra": {
                "summary": {
                    "created": 4,
                    "updated": 2,
                    "unchanged": 1,
                    "rejected": 1,
                    "rejections": {"no line items": 1},
                },
                "api": {"requests": 9},
            },
        },
        **changes,
    }


def test_every_order_that_was_read_is_accounted_for():
    report = build_lane_summary(A, steps())
    ends = ("created", "updated", "unchanged", "left_out", "rejected")
    assert [report[end] for end in ends] == [4, 2, 1, 1, 2]
    assert report["read"] == sum(report[end] for end in ends)


def test_calls_of_all_steps_are_added_up():
    assert build_lane_summary(A, steps())["api_calls"] == 21


def test_reasons_of_building_and_of_yotpo_are_added_up():
    report = build_lane_summary(A, steps())
    assert report["rejections"] == {"no line items": 2}
    assert report["suppressions"] == {"returned": 2}


def test_the_first_step_without_a_reference_has_failed():
    report = build_lane_summary(A, steps(build=None, upsert_products=None, upsert_orders=None))
    assert report["failed"] == "build"
    assert (report["read"], report["created"]) == (10, 0)


def test_totals_are_over_all_shops():
    report = build_run_summary([build_lane_summary(A, steps()), build_lane_summary(B, steps())], BOTH)
    assert report["total"]["created"] == 8
    assert report["total"]["api_calls"] == 42
    assert report["total"]["suppressions"] == {"returned": 4}
    assert report["failed"] == {}


def test_a_shop_without_a_report_is_in_the_table_as_failed():
    report = build_run_summary([None, build_lane_summary(B, steps())], BOTH)
    assert report["failed"] == {A: "summarize_lane"}
    assert [row["shop"] for row in report["lanes"]] == [A, B]
    assert f"{A}" in report["table"]


def test_without_shops_the_summary_shows_zeros():
    report = build_run_summary([], [])
    assert all(report["total"][name] == 0 for name in ("read", "created", "updated", "unchanged", "rejected"))
    assert "total" in report["table"]


def test_the_table_has_a_line_for_each_shop_the_total_and_the_reasons():
    lines = build_run_summary([build_lane_summary(A, steps()), build_lane_summary(B, steps(upsert_orders=None))], BOTH)[
        "table"
    ].splitlines()
    assert lines[0].split() == [
        "lane",
        "read",
        "created",
        "updated",
        "unchanged",
        "suppressed",
        "left",
        "out",
        "rejected",
        "api",
        "calls",
        "state",
    ]
    assert lines[2].split() == [A, "10", "4", "2", "1", "2", "1", "2", "21", "done"]
    assert lines[3].endswith("failed at upsert_orders")
    assert lines[4].split() == ["total", "20", "4", "2", "1", "4", "2", "3", "33", "1", "failed"]
    assert f"       2  {A}: returned" in lines
    assert f"       2  {A}: no line items" in lines


def test_a_dry_run_shows_what_would_be_written_and_says_so():
    planned = steps()
    planned["upsert_orders"]["extra"]["summary"] = {"would_create": 4, "would_update": 3, "unchanged": 2}
    report = build_run_summary([build_lane_summary(A, planned, dry_run=True)], [(A, "")], dry_run=True)
    assert report["total"]["created"] == 0
    assert report["total"]["would_create"] == 4
    assert "would create" in report["table"]
    assert report["table"].endswith("Dry run: nothing was written.")


def test_several_lanes_of_a_shop_are_told_apart_by_their_windows():
    windows = ["2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"]
    report = build_run_summary([build_lane_summary(A, steps(), since=windows[0])], [(A, since) for since in windows])
    assert [row["lane"] for row in report["lanes"]] == [f"{A} 2026-05-01T00:00", f"{A} 2026-06-01T00:00"]
    assert report["failed"] == {f"{A} 2026-06-01T00:00": "summarize_lane"}
    assert report["total"]["read"] == 10
