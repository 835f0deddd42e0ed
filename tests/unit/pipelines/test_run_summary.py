"""The summary of an order run: lanes, totals, and the table."""

from __future__ import annotations

from airflow_provider_partners.failures import LINE_WIDTH
from airflow_provider_partners.pipelines.run_summary import build_lane_summary, build_run_summary, with_table

A, B = "a.myshopify.com", "b.myshopify.com"
BOTH = [(A, ""), (B, "")]


def results(**changes):
    """The results of a lane's tasks: 10 orders read, 1 unmappable, 1 excluded, 2 suppressed, 1 refused by Yotpo."""
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


def test_every_read_order_is_counted_once():
    summary = build_lane_summary(A, results())
    columns = ("created", "updated", "unchanged", "left_out", "rejected")
    assert [summary[column] for column in columns] == [4, 2, 1, 1, 2]
    assert summary["read"] == sum(summary[column] for column in columns)


def test_the_calls_of_all_tasks_are_summed():
    assert build_lane_summary(A, results())["api_calls"] == 21


def test_reasons_of_the_build_and_of_yotpo_are_summed():
    summary = build_lane_summary(A, results())
    assert summary["rejections"] == {"no line items": 2}
    assert summary["suppressions"] == {"returned": 2}


def test_the_first_task_without_a_reference_has_failed():
    summary = build_lane_summary(A, results(build=None, upsert_products=None, upsert_orders=None))
    assert summary["failed"] == "build"
    assert (summary["read"], summary["created"]) == (10, 0)


def test_totals_are_sums_over_all_shops():
    summary = build_run_summary([build_lane_summary(A, results()), build_lane_summary(B, results())], BOTH)
    assert summary["total"]["created"] == 8
    assert summary["total"]["api_calls"] == 42
    assert summary["total"]["suppressions"] == {"returned": 4}
    assert summary["failed"] == {}


def test_a_shop_without_a_summary_is_in_the_table_as_failed():
    summary = build_run_summary([None, build_lane_summary(B, results())], BOTH)
    assert summary["failed"] == {A: "summarize_lane"}
    assert [lane["shop"] for lane in summary["lanes"]] == [A, B]
    assert f"{A}" in summary["table"]


def test_without_shops_the_summary_shows_zeros():
    summary = build_run_summary([], [])
    assert all(summary["total"][name] == 0 for name in ("read", "created", "updated", "unchanged", "rejected"))
    assert "total" in summary["table"]


def test_the_table_has_a_line_for_each_shop_the_total_and_the_reasons():
    lines = build_run_summary(
        [build_lane_summary(A, results()), build_lane_summary(B, results(upsert_orders=None))], BOTH
    )["table"].splitlines()
    assert lines[0].split() == [
        "lane",
        "state",
        "read",
        "created",
        "updated",
        "unchanged",
        "of",
        "which",
        "suppressed",
        "left",
        "out",
        "rejected",
        "api",
        "calls",
    ]
    assert lines[2].split() == [A, "done", "10", "4", "2", "1", "2", "1", "2", "21"]
    assert "failed at upsert_orders" in lines[3][:LINE_WIDTH]
    assert lines[4].split() == ["total", "1", "failed", "20", "4", "2", "1", "4", "2", "3", "33"]
    assert f"       2  {A}: returned" in lines
    assert f"       2  {A}: no line items" in lines


def test_a_dry_run_shows_the_planned_writes():
    dry_run_results = results()
    dry_run_results["upsert_orders"]["extra"]["summary"] = {"would_create": 4, "would_update": 3, "unchanged": 2}
    summary = build_run_summary([build_lane_summary(A, dry_run_results, dry_run=True)], [(A, "")], dry_run=True)
    assert summary["total"]["created"] == 0
    assert summary["total"]["would_create"] == 4
    assert "would create" in summary["table"]
    assert summary["table"].endswith("Dry run: nothing was written.")


def test_several_lanes_of_a_shop_are_distinguished_by_their_windows():
    windows = ["2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"]
    summary = build_run_summary([build_lane_summary(A, results(), since=windows[0])], [(A, since) for since in windows])
    assert [lane["lane"] for lane in summary["lanes"]] == [f"{A} 2026-05-01T00:00", f"{A} 2026-06-01T00:00"]
    assert summary["failed"] == {f"{A} 2026-06-01T00:00": "summarize_lane"}
    assert summary["total"]["read"] == 10


def test_stale_orders_and_notes_are_counted_where_there_are_any():
    upserted = results()
    upserted["upsert_orders"]["extra"]["summary"] |= {
        "stale": 2,
        "notes": {"a product that Yotpo didn't know was created": 3, "a coupon code stays": 1},
    }
    summary = build_run_summary([build_lane_summary(A, upserted), build_lane_summary(B, results())], BOTH)
    assert (summary["total"]["stale"], summary["total"]["noted"]) == (2, 4)
    assert summary["total"]["notes"] == {"a product that Yotpo didn't know was created": 3, "a coupon code stays": 1}
    lines = summary["table"].splitlines()
    assert {"stale", "noted"} <= set(lines[0].split())
    assert f"       1  {A}: a coupon code stays" in lines


def test_gaps_are_named_below_the_table():
    gap = {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}
    summary = with_table(build_run_summary([build_lane_summary(A, results())], [(A, "")]), gaps={A: [gap], B: []})
    assert summary["gaps"] == {A: [gap], B: []}
    assert summary["table"].endswith(
        f"Read by no run:\n          {A} from 2026-05-01T00:00:00Z to 2026-05-02T00:00:00Z"
    )


def test_orders_that_are_too_old_for_a_review_request_are_counted_where_there_are_any():
    build = results()["build"]
    old = {**build, "extra": {**build["extra"], "too_old": 3}}
    summary = build_run_summary([build_lane_summary(A, results(build=old)), build_lane_summary(B, results())], BOTH)
    assert summary["total"]["too_old"] == 3
    assert "too old" in summary["table"].splitlines()[0]
    without = build_run_summary([build_lane_summary(B, results())], [(B, "")])
    assert "too old" not in without["table"]


def test_each_failed_lane_has_its_task_its_cause_and_what_to_do():
    failed = build_lane_summary(A, results(upsert_orders=None))
    failed["error"] = {"task": "upsert_orders", "message": "Yotpo: The secret is invalid (HTTP 401)", "remedy": "Fix."}
    stopped = build_lane_summary(B, results(build=None, upsert_products=None, upsert_orders=None))
    table = build_run_summary([failed, stopped], BOTH)["table"]
    assert table[table.index("Failed:") :].splitlines()[:5] == [
        "Failed:",
        "  a.myshopify.com at upsert_orders: Yotpo: The secret is invalid (HTTP 401)",
        "    What to do: Fix.",
        "  b.myshopify.com at build: it left no error. It was stopped from outside, or it never started.",
        "    What to do: See the log of that task.",
    ]


def test_a_run_without_failures_has_no_such_section():
    assert "Failed:" not in build_run_summary([build_lane_summary(A, results())], [(A, "")])["table"]


def test_the_window_and_what_the_counts_mean_fit_into_the_log_viewer():
    lane = build_lane_summary(A, results()) | {"since": "2026-05-14T13:47:02Z", "until": "2026-11-30T13:48:02Z"}
    lines = build_run_summary([lane], [(A, "2026-05-14T13:47:02Z")])["table"].splitlines()
    assert lines[0] == "Window: 2026-05-14T13:47:02Z to 2026-11-30T13:48:02Z"
    assert all(len(line) <= LINE_WIDTH for line in lines[:3])


def idle(shop):
    return {"shop": shop, "since": "", "until": "", "no_changes": True, "found_by": "shopify_admin", "api_calls": 1}


def test_a_shop_without_changes_is_named_with_its_one_call():
    summary = build_run_summary([build_lane_summary(A, results()), idle(B)], BOTH)
    assert [(lane["no_changes"], lane["api_calls"], lane["created"]) for lane in summary["lanes"]] == [
        (False, 21, 4),
        (True, 1, 0),
    ]
    assert summary["total"]["api_calls"] == 22
    (line,) = [line for line in summary["table"].splitlines() if line.startswith(B)]
    assert line.split()[1:4] == ["no", "changes", "0"]


def test_many_shops_without_changes_are_one_line_of_the_table():
    shops = [f"{number}.myshopify.com" for number in range(950)]
    lanes = [(A, ""), *((shop, "") for shop in shops)]
    summary = build_run_summary([build_lane_summary(A, results()), *map(idle, shops)], lanes)
    lines = summary["table"].splitlines()
    assert len(lines) < 20
    assert [line.split()[-1] for line in lines if line.startswith("950 lanes")] == ["950"]
    assert len(summary["lanes"]) == 951


def test_the_table_says_how_many_lanes_ran_without_knowing_whether_there_was_something_to_do():
    shops = ("a.myshopify.com", "b.myshopify.com", "c.myshopify.com")
    lanes = [{**build_lane_summary(shop, results()), "warning": "Shopify answers no more"} for shop in shops[:2]]
    summaries = [*lanes, build_lane_summary(shops[2], results())]
    table = build_run_summary(summaries, [(shop, "") for shop in shops])["table"]
    assert table.partition("Warnings:\n")[2].splitlines()[:2] == [
        "  2 of 3 lanes ran without knowing whether orders have changed: Shopify answers no more",
        "    a.myshopify.com, b.myshopify.com",
    ]
