"""The freshness sensor: how old the newest record of a published dataset, or a watermark, may be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from airflow.sdk import Asset
from airflow.sdk.exceptions import TaskDeferred
from fakes.sensor import context

from airflow_provider_partners import DatasetFreshnessSensor
from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.datasets.freshness import DatasetTimes, default_time_field
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.triggers.freshness import FreshnessTrigger

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def write(
    folder: Path, *records: dict[str, Any], source: str = "yofi", resource: str = "claims", **options: Any
) -> str:
    writer = DatasetWriter(str(folder), source=source, resource=resource, **options)
    writer.append(records)
    writer.commit()
    return str(folder)


def sensor(**arguments: Any) -> DatasetFreshnessSensor:
    return DatasetFreshnessSensor(task_id="fresh", **{"max_age": timedelta(hours=3), **arguments})


def poke(**arguments: Any) -> tuple[bool, Any]:
    result = sensor(**arguments).poke({"ti": SimpleNamespace()})
    return result.is_done, result.xcom_value


@pytest.mark.parametrize(("hour", "met"), [(9, True), (8, False)])
def test_the_newest_record_decides(tmp_path: Path, hour: int, met: bool) -> None:
    uri = write(tmp_path / "d", {"at": f"2026-05-01T{hour:02}:00:00Z"}, {"at": "2026-04-01T00:00:00Z"}, {})
    expected = {"newest": f"2026-05-01T{hour:02}:00:00Z", "age_seconds": (12 - hour) * 3600, "records": 3}
    assert poke(uri=uri, time_field="at") == (met, expected)


def test_the_time_field_of_the_list_is_the_default(tmp_path: Path) -> None:
    """Yofi's claims have seconds since 1970 in ``created_at_epoch`` (the sample of Yofi's page)."""
    uri = write(tmp_path / "d", {"created_at_epoch": int(NOON.timestamp()) - 60})
    assert poke(uri=uri)[1]["age_seconds"] == 60


@pytest.mark.parametrize(
    ("source", "resource", "field"),
    [
        ("shopify_admin", "orders", "updatedAt"),
        ("voucherify", "redemptions", "date"),
        ("yofi", "returns", "return_created_at_epoch"),
        ("yotpo", "orders", "order_date"),
    ],
)
def test_each_list_has_its_documented_time(source: str, resource: str, field: str) -> None:
    assert default_time_field(source, resource) == field


def test_parquet_is_read_too(tmp_path: Path) -> None:
    uri = write(tmp_path / "d", {"at": "2026-05-01T11:00:00Z"}, file_format="parquet")
    assert poke(uri=uri, time_field="at")[1]["age_seconds"] == 3600


def test_a_dataset_that_does_not_exist_or_is_empty_is_too_old(tmp_path: Path) -> None:
    assert poke(uri=str(tmp_path / "none"), time_field="at") == (False, {"newest": None, "age_seconds": None})
    uri = write(tmp_path / "empty")
    assert poke(uri=uri) == (False, {"newest": None, "age_seconds": None, "records": 0})


def test_an_unchanged_dataset_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri, read = write(tmp_path / "d", {"at": "2026-05-01T11:00:00Z"}), []
    records = DatasetFolder.read_records
    monkeypatch.setattr(DatasetFolder, "read_records", lambda *args: read.append(args) or records(*args))
    times = DatasetTimes()
    assert times.newest(uri, "at")[1] == times.newest(uri, "at")[1] == datetime(2026, 5, 1, 11, tzinfo=UTC)
    assert len(read) == 1
    write(tmp_path / "d", {"at": "2026-05-01T11:30:00Z"})
    assert times.newest(uri, "at")[1] == datetime(2026, 5, 1, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "'uri' and 'watermark' are not given"),
        ({"uri": "/x", "watermark": "w"}, "'uri' and 'watermark' are both given"),
        ({"watermark": "w"}, "'watermark' needs 'asset'"),
        ({"uri": "/x", "max_age": 3}, "'max_age' is 3, and a duration is needed"),
        ({"uri": "day"}, "'uri' is the text 'day', and an absolute path or a URI is needed"),
        ({"uri": "/x", "max_age": None}, "'max_age' is not given"),
    ],
)
def test_wrong_arguments_fail_for_good(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(AirflowFailException, match=problem):
        poke(**arguments)


def test_a_field_that_no_record_has_fails_for_good(tmp_path: Path) -> None:
    uri = write(tmp_path / "d", {"at": "2026-05-01T11:00:00Z"})
    with pytest.raises(AirflowFailException, match=r"No record of .* has a time in 'when'"):
        poke(uri=uri, time_field="when")
    with pytest.raises(ConfigurationError, match="mine things has no time field"):
        default_time_field("mine", "things")


def test_a_rendered_duration_is_read(tmp_path: Path) -> None:
    uri = write(tmp_path / "d", {"at": "2026-05-01T11:00:00Z"})
    assert poke(uri=uri, time_field="at", max_age="PT30M")[0] is False
    assert poke(uri=uri, time_field="at", max_age="PT2H")[0] is True


def test_it_defers_and_the_trigger_sees_the_same(tmp_path: Path) -> None:
    uri = write(tmp_path / "d", {"at": "2026-05-01T08:00:00Z"})
    waiting = sensor(uri=uri, time_field="at", deferrable=True)
    with pytest.raises(TaskDeferred) as deferral:
        waiting.execute({"ti": SimpleNamespace()})
    trigger = deferral.value.trigger
    path, arguments = trigger.serialize()
    assert path == "airflow_provider_partners.triggers.freshness.FreshnessTrigger"
    rebuilt = FreshnessTrigger(**arguments)
    assert asyncio.run(rebuilt.poll_in_thread()) is None
    write(tmp_path / "d", {"at": "2026-05-01T11:00:00Z"})
    event = asyncio.run(rebuilt.poll_in_thread())
    assert waiting.execute_complete({}, event)["age_seconds"] == 3600


class Store:
    def __init__(self, **values: str) -> None:
        self.values = values

    def get(self, key: str) -> str | None:
        return self.values.get(key)


@pytest.mark.parametrize(
    ("stored", "met"), [("2026-05-01T10:00:00Z", True), ("2026-05-01T08:00:00Z", False), (None, False)]
)
def test_a_watermark_is_read_from_its_asset(stored: str | None, met: bool) -> None:
    asset = Asset("orders")
    waiting = sensor(watermark="a.myshopify.com:orders", asset=asset, deferrable=True)
    assert (waiting.inlets, waiting.deferrable, waiting.mode) == ([asset], False, "reschedule")
    values = {"watermark:a.myshopify.com:orders": stored} if stored else {}
    result = waiting.poke({**context(), "asset_state_store": {asset: Store(**values)}})
    assert (result.is_done, result.xcom_value["newest"]) == (met, stored)


def test_a_shop_of_the_order_sync_has_its_watermark_among_those_of_all_shops() -> None:
    asset = Asset("partner_order_sync")
    waiting = sensor(watermark="a.myshopify.com", asset=asset)
    store: Any = Store()
    store.values["watermark:*"] = {"a.myshopify.com": "2026-05-01T10:00:00Z", "b.myshopify.com": "2026-05-01T08:00:00Z"}
    result = waiting.poke({**context(), "asset_state_store": {asset: store}})
    assert (result.is_done, result.xcom_value["newest"]) == (True, "2026-05-01T10:00:00Z")


def test_without_a_state_store_the_error_names_the_version() -> None:
    waiting = sensor(watermark="w", asset=Asset("orders"))
    with pytest.raises(AirflowFailException, match=r"it takes Airflow 3\.3"):
        waiting.poke({"ti": SimpleNamespace()})
