from __future__ import annotations

from airflow_provider_partners.report import lane_report, run_report

A, B = "a.myshopify.com", "b.myshopify.com"


def steps(**changes):
    """What the tasks of a lane return: 10 orders read, 1 unmappable, 2 suppressed, 1 refused by Yotpo."""
    return {
        "extract_orders": {"records": 10, "extra": {"api": {"requests": 3}}},
        "extract_returns": {"records": 4, "extra": {"api": {"requests": 2}}},
        "extract_claims": {"records": 0, "extra": {"api": {"requests": 1}}},
        "build": {
            "records": 9,
            "extra": {
                "rejected": 1,
                "rejected_reasons": {"no line items": 1},
                "suppressed": 2,
                "suppressed_reasons": {"returned": 2},
            },
        },
        "upsert_products": {"records": 5, "extra": {"counts": {"created": 5}, "api": {"requests": 6}}},
        "upsert_orders": {
            "records": 9,
            "extra": {
                "counts": {"created": 4, "updated": 3, "unchanged": 1, "rejected": 1},
                "rejected_reasons": {"no line items": 1},
                "api": {"requests": 9},
            },
        },
        **changes,
    }


def test_every_order_that_was_read_is_accounted_for():
    report = lane_report(A, steps())
    assert (report["read"], report["created"], report["updated"], report["unchanged"], report["rejected"]) == (10, 4, 3, 1, 2)
    assert report["read"] == report["created"] + report["updated"] + report["unchanged"] + report["rejected"]


def test_calls_of_all_steps_are_added_up():
    assert lane_report(A, steps())["api_calls"] == 21


def test_reasons_of_building_and_of_yotpo_are_added_up():
    report = lane_report(A, steps())
    assert report["rejected_reasons"] == {"no line items": 2}
    assert report["suppressed_reasons"] == {"returned": 2}


def test_the_first_step_without_a_reference_has_failed():
    report = lane_report(A, steps(build=None, upsert_products=None, upsert_orders=None))
    assert report["failed"] == "build"
    assert (report["read"], report["created"]) == (10, 0)


def test_totals_are_over_all_shops():
    report = run_report([lane_report(A, steps()), lane_report(B, steps())], [A, B])
    assert report["total"]["created"] == 8
    assert report["total"]["api_calls"] == 42
    assert report["total"]["suppressed_reasons"] == {"returned": 4}
    assert report["failed"] == {}


def test_a_shop_without_a_report_is_in_the_table_as_failed():
    report = run_report([None, lane_report(B, steps())], [A, B])
    assert report["failed"] == {A: "summarize_shop"}
    assert [row["shop"] for row in report["shops"]] == [A, B]
    assert f"{A}" in report["table"]


def test_without_shops_the_summary_shows_zeros():
    report = run_report([], [])
    assert all(report["total"][name] == 0 for name in ("read", "created", "updated", "unchanged", "rejected"))
    assert "total" in report["table"]


def test_the_table_has_a_line_for_each_shop_the_total_and_the_reasons():
    lines = run_report([lane_report(A, steps()), lane_report(B, steps(upsert_orders=None))], [A, B])["table"].splitlines()
    assert lines[0].split() == ["shop", "read", "created", "updated", "unchanged", "suppressed", "rejected", "api", "calls", "state"]
    assert lines[2].split() == [A, "10", "4", "3", "1", "2", "2", "21", "done"]
    assert lines[3].endswith("failed at upsert_orders")
    assert lines[4].split() == ["total", "20", "4", "3", "1", "4", "3", "33", "1", "failed"]
    assert f"       2  {A}: returned" in lines
    assert f"       2  {A}: no line items" in lines


def test_a_dry_run_shows_what_would_be_written_and_says_so():
    planned = steps()
    planned["upsert_orders"]["extra"]["counts"] = {"would_create": 4, "would_update": 3, "unchanged": 2}
    report = run_report([lane_report(A, planned, dry_run=True)], [A], dry_run=True)
    assert report["total"]["created"] == 0
    assert report["total"]["would_create"] == 4
    assert "would create" in report["table"]
    assert report["table"].endswith("Dry run: nothing was written.")
