from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from fake_claims import NINE, ROWS, TEN, Client, run

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.operators.base import PartnerTaskError


@pytest.fixture
def context(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    task = SimpleNamespace(dag_id="dag", task_id="extract", run_id="run", map_index=-1)
    return {"ti": task, "data_interval_start": NINE, "data_interval_end": TEN}


def test_records_rest_in_a_dataset_and_its_reference_is_returned(context, tmp_path):
    _, reference = run(context)
    assert reference["uri"] == f"{tmp_path}/dag/extract/run/-1"
    assert (reference["source"], reference["resource"], reference["records"]) == ("yofi", "claims", 6)
    assert reference["window"] == {"since": "2026-05-01T09:00:00Z", "until": "2026-05-01T10:00:00Z"}
    assert list(read_dataset(reference)) == ROWS


def test_the_reference_counts_the_calls(context):
    assert run(context)[1]["extra"]["api"]["requests"] == 3


def test_the_data_interval_is_the_window_and_a_lookback_widens_it(context):
    client, _ = run(context, lookback=timedelta(hours=2))
    assert (client.asked["since"], client.asked["until"]) == (NINE - timedelta(hours=2), TEN)


def test_arguments_go_before_the_data_interval(context):
    client, _ = run(context, since="2026-01-01T00:00:00Z", until="2026-02-01T00:00:00Z", lookback=timedelta(hours=2))
    assert (client.asked["since"], client.asked["until"]) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 2, 1, tzinfo=UTC),
    )


def test_an_argument_that_renders_to_nothing_counts_as_not_given(context):
    client, _ = run(context, since="None", until="")
    assert (client.asked["since"], client.asked["until"]) == (NINE, TEN)


@pytest.mark.parametrize("interval", [(None, None), (TEN, TEN)])
def test_without_a_window_the_task_fails_at_once_saying_what_to_set(context, interval):
    context |= {"data_interval_start": interval[0], "data_interval_end": interval[1]}
    with pytest.raises(AirflowFailException, match="'since' and 'until'"):
        run(context)


def test_a_list_that_cannot_be_asked_by_time_has_no_window(context):
    client, reference = run(context, resource="customers")
    assert reference["window"] is None
    assert "since" not in client.asked


def test_an_unknown_list_is_an_error_that_names_the_known(context):
    with pytest.raises(AirflowFailException, match=r"'orders'.*claims, customers"):
        run(context, resource="orders")


def test_only_filters_that_were_given_are_passed_on(context):
    assert "filter" not in run(context)[0].asked
    assert run(context, wanted="x==1")[0].asked["filter"] == "x==1"


def test_ids_are_asked_for_each_once_and_need_no_window(context):
    client, _ = run(context, match={"order_id": [3, "1", "3"]})
    assert client.asked["match"] == {"order_id": ["3", "1"]}
    assert "since" not in client.asked


def test_ids_may_come_from_a_column_of_a_dataset(context, tmp_path):
    writer = DatasetWriter(str(tmp_path / "orders"), source="shopify_admin", resource="orders")
    writer.append([{"legacyResourceId": "11"}, {"legacyResourceId": "12"}, {"legacyResourceId": "11"}])
    match = {"order_id": {"dataset": writer.commit().to_dict(), "field": "legacyResourceId"}}
    assert run(context, match=match)[0].asked["match"] == {"order_id": ["11", "12"]}


@pytest.mark.parametrize("wrong", ["1,2", {"dataset": {}}, 7])
def test_wrong_ids_are_refused_by_their_field(context, wrong):
    with pytest.raises(AirflowFailException, match="'order_id'"):
        run(context, match={"order_id": wrong})


def test_a_second_try_goes_on_behind_the_last_whole_page(context):
    first = Client(fails_at=2)
    with pytest.raises(PartnerTaskError):
        run(context, first)
    second, reference = run(context)
    assert first.fetched == [0, 1]
    assert second.fetched == [2]
    assert list(read_dataset(reference)) == ROWS


def test_a_finished_dataset_is_fetched_anew_when_the_task_is_cleared(context):
    run(context)
    client, reference = run(context)
    assert client.fetched == [0, 1, 2]
    assert list(read_dataset(reference)) == ROWS


def test_a_dataset_can_be_put_to_a_place_of_its_own_in_place_of_the_one_before(context, tmp_path):
    place = str(tmp_path / "days" / "day=2026-05-01")
    _, first = run(context, uri=place)
    _, second = run(context, uri=place)
    assert (first["uri"], first["extra"]["changed"], second["extra"]["changed"]) == (place, True, False)
    assert list(read_dataset(second)) == ROWS


def test_a_place_that_renders_to_nothing_leaves_the_dataset_with_its_run(context, tmp_path):
    assert run(context, uri="None")[1]["uri"] == f"{tmp_path}/dag/extract/run/-1"


def test_a_fetch_that_fails_leaves_what_was_there(context, tmp_path):
    _, before = run(context, uri=str(tmp_path / "place"))
    with pytest.raises(PartnerTaskError):
        run(context, Client(fails_at=1), uri=str(tmp_path / "place"))
    assert list(read_dataset(before)) == ROWS
