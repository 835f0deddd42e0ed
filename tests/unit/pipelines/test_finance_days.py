"""The days that a run of the finance Dag reads, their sums, and the history of the days."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import UnexpectedResponseError
from airflow_provider_partners.pipelines import finance_days
from airflow_provider_partners.windows import Window

NOW = datetime(2026, 5, 20, 1, 30, tzinfo=UTC)
RUN_WINDOW = Window(datetime(2026, 5, 19, tzinfo=UTC), datetime(2026, 5, 20, tzinfo=UTC), "data interval")
RESYNCED = "2026-05-02"


def history(*missing: int, resynced: str | None = RESYNCED) -> dict[str, Any]:
    """A history in which every day since April 1 was read on the next day, except the missing ones."""
    first = date(2026, 4, 1)
    days = {
        day.isoformat(): {"read_at": f"{day + timedelta(days=1)}T01:30:00Z"}
        for back in range(48)
        if (day := first + timedelta(days=back)) and (date(2026, 5, 19) - day).days not in missing
    }
    return {"days": days, **({"resynced": resynced} if resynced else {})}


def planned_days(read_history: dict[str, Any], **options: Any) -> list[int]:
    """The planned days, as days before the run's own."""
    arguments = {"lookback_days": 3, "resync_days": 35, "now": NOW, **options}
    return [
        (date(2026, 5, 19) - day).days for day in finance_days.plan_days(RUN_WINDOW, read_history, **arguments).days
    ]


def test_a_run_reads_its_day_and_the_latest_days_again() -> None:
    assert planned_days(history()) == [3, 2, 1, 0]
    assert planned_days(history(), lookback_days=0) == [0]


def test_the_first_run_ever_reads_the_longer_range() -> None:
    assert planned_days({}) == list(range(35, -1, -1))


@pytest.mark.parametrize(("resynced", "is_resync"), [("2026-04-30", True), ("2026-05-01", False), ("2025-12-01", True)])
def test_the_first_run_of_a_month_reads_the_longer_range(resynced: str, is_resync: bool) -> None:
    assert len(planned_days(history(resynced=resynced))) == (36 if is_resync else 4)


def test_unread_days_are_read() -> None:
    assert planned_days(history(9, 8, 7)) == [9, 8, 7, 3, 2, 1, 0]


def test_a_day_that_was_read_before_its_end_is_read_again() -> None:
    read_history = history()
    read_history["days"]["2026-05-10"]["read_at"] = "2026-05-10T23:59:59Z"

    assert planned_days(read_history) == [9, 3, 2, 1, 0]


def test_unread_days_before_the_longer_range_are_reported() -> None:
    read_history = history()
    del read_history["days"]["2026-04-05"]

    plan = finance_days.plan_days(RUN_WINDOW, read_history, lookback_days=3, resync_days=35, now=NOW)

    assert plan.unread_days == (date(2026, 4, 5),)
    assert len(plan.days) == 4


def test_no_day_of_the_future_is_read() -> None:
    window = Window(RUN_WINDOW.since, RUN_WINDOW.until + timedelta(days=9))

    assert finance_days.plan_days(window, history(), lookback_days=0, resync_days=0, now=NOW).days[-1] == date(
        2026, 5, 20
    )
    assert finance_days.days_in(window, now=NOW) == (date(2026, 5, 19), date(2026, 5, 20))


def test_every_day_that_a_window_touches_is_read_completely() -> None:
    window = Window(datetime(2026, 5, 1, 23, tzinfo=UTC), datetime(2026, 5, 3, 0, 1, tzinfo=UTC))

    assert finance_days.days_in(window, now=NOW) == (date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 3))
    assert finance_days.extract_arguments(date(2026, 5, 31), "s3://bucket/finance/", "transactions") == {
        "since": "2026-05-31T00:00:00Z",
        "until": "2026-06-01T00:00:00Z",
        "uri": "s3://bucket/finance/transactions/day=2026-05-31",
    }


def money(amount: str, currency: str = "USD") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


def totals_of(*records: dict[str, Any]) -> finance_days.Totals:
    totals = finance_days.Totals()
    for record in records:
        totals.add(record)
    return totals


def test_amounts_are_summed_as_decimals_by_type_and_currency() -> None:
    sale = {"__typename": "AppSubscriptionSale", "grossAmount": money("0.1"), "shopifyFee": money("0.02")}
    totals = totals_of(
        {**sale, "netAmount": money("0.1")},
        {**sale, "netAmount": money("0.2")},
        {**sale, "netAmount": money("5", "EUR"), "grossAmount": None, "shopifyFee": None},
        {"__typename": "TaxTransaction", "type": "SALE_SHOPIFY_FEE", "amount": money("-7.35")},
    )

    assert totals.to_dict() == {
        "counts": {"AppSubscriptionSale": 3, "TaxTransaction": 1},
        "sums": {
            "AppSubscriptionSale": {
                "EUR": {"net": "5"},
                "USD": {"fee": "0.04", "gross": "0.2", "net": "0.3"},
            },
            "TaxTransaction": {"USD": {"net": "-7.35"}},
        },
    }


def test_events_are_counted_by_their_type() -> None:
    event = {"__typename": "RelationshipInstalled", "type": "RELATIONSHIP_INSTALLED", "occurredAt": "x"}

    assert totals_of(event, event).to_dict() == {"counts": {"RELATIONSHIP_INSTALLED": 2}, "sums": {}}


def test_totals_of_days_are_added_together() -> None:
    record = {"__typename": "ServiceSale", "netAmount": money("0.1")}
    sums = totals_of(record)
    sums += totals_of(record, record, {**record, "netAmount": money("1", "EUR")})

    assert sums.counts == {"ServiceSale": 4}
    assert sums.sums["ServiceSale"]["USD"]["net"] == Decimal("0.3")
    assert sums.sums["ServiceSale"]["EUR"]["net"] == 1


def test_large_and_small_sums_are_never_written_with_an_exponent() -> None:
    totals = totals_of({"__typename": "ServiceSale", "netAmount": money("1E+3")}).to_dict()

    assert totals["sums"]["ServiceSale"]["USD"]["net"] == "1000"


def reference(folder: Path, *amounts: str) -> dict[str, Any]:
    writer = DatasetWriter(str(folder), source="shopify_partner", resource="transactions")
    writer.resume()
    writer.append([{"__typename": "ServiceSale", "netAmount": money(amount)} for amount in amounts])
    return writer.commit().to_dict()


@pytest.mark.parametrize("amount", ["1E+9999999", "many", None, "NaN"])
def test_an_amount_that_is_not_a_number_is_a_clear_error(amount: Any) -> None:
    record = {"__typename": "AppSubscriptionSale", "netAmount": {"amount": amount, "currencyCode": "USD"}}

    with pytest.raises(UnexpectedResponseError, match="of type AppSubscriptionSale has an amount that is not a number"):
        finance_days.Totals().add(record)


def test_a_changed_day_is_reported_as_restated(tmp_path: Path) -> None:
    destination = str(tmp_path)

    def update(*amounts: str, now: datetime = NOW) -> dict[str, list[str]]:
        dataset = reference(tmp_path / "day", *amounts)
        return finance_days.update_history(
            destination, "transactions", {"2026-05-18": (dataset, finance_days.total_dataset(dataset))}, now=now
        )

    assert update("1.0") == {"new": ["2026-05-18"], "restated": []}
    assert update("1.0") == {"new": [], "restated": []}
    assert update("1.0", "2.0") == {"new": [], "restated": ["2026-05-18"]}
    day = finance_days.load_history(destination)["transactions"]["days"]["2026-05-18"]
    assert day["records"] == 2
    assert day["sums"] == {"ServiceSale": {"USD": {"net": "3.0"}}}
    assert day["read_at"] == "2026-05-20T01:30:00Z"


def test_a_day_that_grew_before_its_end_is_not_restated(tmp_path: Path) -> None:
    early = datetime(2026, 5, 18, 12, tzinfo=UTC)
    for now, amounts in ((early, ["1.0"]), (NOW, ["1.0", "2.0"])):
        dataset = reference(tmp_path / "day", *amounts)
        changes = finance_days.update_history(
            str(tmp_path), "transactions", {"2026-05-18": (dataset, finance_days.Totals())}, now=now
        )
        assert changes == {"new": ["2026-05-18"], "restated": []}


def test_the_history_keeps_other_days_and_lists(tmp_path: Path) -> None:
    dataset = reference(tmp_path / "day", "1")
    finance_days.update_history(str(tmp_path), "app_events", {"2026-05-18": (dataset, finance_days.Totals())}, now=NOW)
    finance_days.update_history(
        str(tmp_path), "transactions", {"2026-05-18": (dataset, finance_days.Totals())}, now=NOW
    )
    finance_days.update_history(
        str(tmp_path),
        "transactions",
        {"2026-05-17": (dataset, finance_days.Totals())},
        now=NOW,
        resynced=date(2026, 5, 18),
    )

    stored = json.loads((tmp_path / "days.json").read_text())
    assert list(stored["transactions"]["days"]) == ["2026-05-17", "2026-05-18"]
    assert stored["transactions"]["resynced"] == "2026-05-18"
    assert list(stored["app_events"]["days"]) == ["2026-05-18"]


def test_without_a_history_nothing_was_read(tmp_path: Path) -> None:
    assert finance_days.load_history(str(tmp_path / "nowhere")) == {}
