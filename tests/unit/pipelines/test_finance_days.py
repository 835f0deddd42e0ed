"""Which days of the partner's money are read, what they add up to, and the record of it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.pipelines import partner_finance
from airflow_provider_partners.windows import Window

NOW = datetime(2026, 5, 20, 1, 30, tzinfo=UTC)
OWN = Window(datetime(2026, 5, 19, tzinfo=UTC), datetime(2026, 5, 20, tzinfo=UTC), "data interval")
RESYNCED = "2026-05-02"


def record(*missing: int, resynced: str | None = RESYNCED) -> dict[str, Any]:
    """Every day since the beginning of April was read on the next day; some were not."""
    first = date(2026, 4, 1)
    days = {
        day.isoformat(): {"read_at": f"{day + timedelta(days=1)}T01:30:00Z"}
        for back in range(48)
        if (day := first + timedelta(days=back)) and (date(2026, 5, 19) - day).days not in missing
    }
    return {"days": days, **({"resynced": resynced} if resynced else {})}


def planned(known: dict[str, Any], **options: Any) -> list[int]:
    """How many days before the run's own each is."""
    given = {"lookback_days": 3, "resync_days": 35, "now": NOW, **options}
    return [(date(2026, 5, 19) - day).days for day in partner_finance.plan_days(OWN, known, **given).days]


def test_a_run_reads_its_day_and_the_latest_again() -> None:
    assert planned(record()) == [3, 2, 1, 0]
    assert planned(record(), lookback_days=0) == [0]


def test_the_first_run_of_all_reads_the_longer_stretch() -> None:
    assert planned({}) == list(range(35, -1, -1))


@pytest.mark.parametrize(("resynced", "whole"), [("2026-04-30", True), ("2026-05-01", False), ("2025-12-01", True)])
def test_the_first_run_of_a_month_reads_the_longer_stretch_whenever_it_comes(resynced: str, whole: bool) -> None:
    assert len(planned(record(resynced=resynced))) == (36 if whole else 4)


def test_days_that_were_never_read_are_read() -> None:
    assert planned(record(9, 8, 7)) == [9, 8, 7, 3, 2, 1, 0]


def test_a_day_that_was_read_before_it_was_over_is_read_again() -> None:
    known = record()
    known["days"]["2026-05-10"]["read_at"] = "2026-05-10T23:59:59Z"

    assert planned(known) == [9, 3, 2, 1, 0]


def test_days_that_were_never_read_and_lie_too_far_back_are_told() -> None:
    known = record()
    del known["days"]["2026-04-05"]

    found = partner_finance.plan_days(OWN, known, lookback_days=3, resync_days=35, now=NOW)

    assert found.unread_days == (date(2026, 4, 5),)
    assert len(found.days) == 4


def test_no_day_of_the_future_is_read() -> None:
    window = Window(OWN.since, OWN.until + timedelta(days=9))

    assert partner_finance.plan_days(window, record(), lookback_days=0, resync_days=0, now=NOW).days[-1] == date(
        2026, 5, 20
    )
    assert partner_finance.days_in(window, now=NOW) == (date(2026, 5, 19), date(2026, 5, 20))


def test_a_window_touches_days_and_they_are_read_whole() -> None:
    window = Window(datetime(2026, 5, 1, 23, tzinfo=UTC), datetime(2026, 5, 3, 0, 1, tzinfo=UTC))

    assert partner_finance.days_in(window, now=NOW) == (date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 3))
    assert partner_finance.extract_arguments(date(2026, 5, 31), "s3://bucket/finance/", "transactions") == {
        "since": "2026-05-31T00:00:00Z",
        "until": "2026-06-01T00:00:00Z",
        "uri": "s3://bucket/finance/transactions/day=2026-05-31",
    }


def money(amount: str, currency: str = "USD") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


def added(*rows: dict[str, Any]) -> partner_finance.Totals:
    found = partner_finance.Totals()
    for row in rows:
        found.add(row)
    return found


def test_amounts_are_added_up_as_decimals_by_type_and_currency() -> None:
    sale = {"__typename": "AppSubscriptionSale", "grossAmount": money("0.1"), "shopifyFee": money("0.02")}
    found = added(
        {**sale, "netAmount": money("0.1")},
        {**sale, "netAmount": money("0.2")},
        {**sale, "netAmount": money("5", "EUR"), "grossAmount": None, "shopifyFee": None},
        {"__typename": "TaxTransaction", "type": "SALE_SHOPIFY_FEE", "amount": money("-7.35")},
    )

    assert found.to_dict() == {
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

    assert added(event, event).to_dict() == {"counts": {"RELATIONSHIP_INSTALLED": 2}, "sums": {}}


def test_totals_of_days_are_added_together() -> None:
    row = {"__typename": "ServiceSale", "netAmount": money("0.1")}
    sums = added(row)
    sums += added(row, row, {**row, "netAmount": money("1", "EUR")})

    assert sums.counts == {"ServiceSale": 4}
    assert sums.sums["ServiceSale"]["USD"]["net"] == Decimal("0.3")
    assert sums.sums["ServiceSale"]["EUR"]["net"] == 1


def test_large_and_small_sums_are_never_written_with_an_exponent() -> None:
    found = added({"__typename": "ServiceSale", "netAmount": money("1E+3")}).to_dict()

    assert found["sums"]["ServiceSale"]["USD"]["net"] == "1000"


def reference(folder: Path, *amounts: str) -> dict[str, Any]:
    writer = DatasetWriter(str(folder), source="shopify_partner", resource="transactions")
    writer.resume()
    writer.append([{"__typename": "ServiceSale", "netAmount": money(amount)} for amount in amounts])
    return writer.commit().to_dict()


def test_a_day_that_is_not_what_it_was_is_told_as_restated(tmp_path: Path) -> None:
    destination = str(tmp_path)

    def noted(*amounts: str, now: datetime = NOW) -> dict[str, list[str]]:
        found = reference(tmp_path / "day", *amounts)
        return partner_finance.update_history(
            destination, "transactions", {"2026-05-18": (found, partner_finance.total_dataset(found))}, now=now
        )

    assert noted("1.0") == {"new": ["2026-05-18"], "restated": []}
    assert noted("1.0") == {"new": [], "restated": []}
    assert noted("1.0", "2.0") == {"new": [], "restated": ["2026-05-18"]}
    day = partner_finance.load_history(destination)["transactions"]["days"]["2026-05-18"]
    assert day["records"] == 2
    assert day["sums"] == {"ServiceSale": {"USD": {"net": "3.0"}}}
    assert day["read_at"] == "2026-05-20T01:30:00Z"


def test_a_day_that_has_grown_since_it_began_is_not_restated(tmp_path: Path) -> None:
    early = datetime(2026, 5, 18, 12, tzinfo=UTC)
    for now, amounts in ((early, ["1.0"]), (NOW, ["1.0", "2.0"])):
        found = reference(tmp_path / "day", *amounts)
        told = partner_finance.update_history(
            str(tmp_path), "transactions", {"2026-05-18": (found, partner_finance.Totals())}, now=now
        )
        assert told == {"new": ["2026-05-18"], "restated": []}


def test_the_record_keeps_other_days_and_lists(tmp_path: Path) -> None:
    found = reference(tmp_path / "day", "1")
    partner_finance.update_history(
        str(tmp_path), "app_events", {"2026-05-18": (found, partner_finance.Totals())}, now=NOW
    )
    partner_finance.update_history(
        str(tmp_path), "transactions", {"2026-05-18": (found, partner_finance.Totals())}, now=NOW
    )
    partner_finance.update_history(
        str(tmp_path),
        "transactions",
        {"2026-05-17": (found, partner_finance.Totals())},
        now=NOW,
        resynced=date(2026, 5, 18),
    )

    whole = json.loads((tmp_path / "days.json").read_text())
    assert list(whole["transactions"]["days"]) == ["2026-05-17", "2026-05-18"]
    assert whole["transactions"]["resynced"] == "2026-05-18"
    assert list(whole["app_events"]["days"]) == ["2026-05-18"]


def test_without_a_record_nothing_was_read(tmp_path: Path) -> None:
    assert partner_finance.load_history(str(tmp_path / "nowhere")) == {}
