from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from fakes.claims import NINE, RECORDS, TEN, Client, run

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import StorageError
from airflow_provider_partners.task_errors import PartnerTaskError


@pytest.fixture
def context(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    task = SimpleNamespace(dag_id="dag", task_id="extract", run_id="run", map_index=-1)
    return {"ti": task, "data_interval_start": NINE, "data_interval_end": TEN}


def test_records_are_stored_in_a_dataset_and_its_reference_is_returned(context, tmp_path):
    _, reference = run(context)
    assert reference["uri"] == f"{tmp_path}/dag/extract/run/-1"
    assert (reference["source"], reference["resource"], reference["records"]) == ("yofi", "claims", 6)
    assert reference["window"] == {"since": "2026-05-01T09:00:00Z", "until": "2026-05-01T10:00:00Z"}
    assert list(read_dataset(reference)) == RECORDS


def test_the_reference_counts_the_calls(context):
    assert run(context)[1]["extra"]["api"]["requests"] == 3


def test_the_data_interval_is_the_window_and_a_lookback_widens_it(context):
    client, _ = run(context, lookback=timedelta(hours=2))
    assert (client.query["since"], client.query["until"]) == (NINE - timedelta(hours=2), TEN)


def test_arguments_override_the_data_interval(context):
    client, _ = run(context, since="2026-01-01T00:00:00Z", until="2026-02-01T00:00:00Z", lookback=timedelta(hours=2))
    assert (client.query["since"], client.query["until"]) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 2, 1, tzinfo=UTC),
    )


def test_an_argument_that_renders_to_nothing_counts_as_not_given(context):
    client, _ = run(context, since="None", until="")
    assert (client.query["since"], client.query["until"]) == (NINE, TEN)


@pytest.mark.parametrize("interval", [(None, None), (TEN, TEN)])
def test_without_a_window_the_task_fails_at_once_saying_what_to_set(context, interval):
    context |= {"data_interval_start": interval[0], "data_interval_end": interval[1]}
    with pytest.raises(AirflowFailException, match="'since' and 'until'"):
        run(context)


def test_a_list_without_a_time_filter_has_no_window(context):
    client, reference = run(context, resource="customers")
    assert reference["window"] is None
    assert "since" not in client.query


def test_the_error_about_an_unknown_list_names_the_known_ones(context):
    with pytest.raises(AirflowFailException, match=r"'orders'.*claims, customers"):
        run(context, resource="orders")


def test_a_misspelt_list_comes_with_the_nearest_known_one(context):
    with pytest.raises(AirflowFailException, match=r"There is no list 'claim': did you mean 'claims'\? Use one of"):
        run(context, resource="claim")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"resource": ["claims"]}, "'resource' is a list of 1, and one name is needed"),
        ({"lookback": 2}, r"'lookback' is 2, and a duration is needed\. Write lookback=timedelta\(hours=2\)"),
        ({"page_size": "fifty"}, "'page_size' is the text 'fifty', and a whole number of 1 or more is needed"),
        ({"page_size": 0}, "'page_size' is 0"),
        ({"match": ["1"]}, "'match' is a list, and a field with its ids is needed"),
        ({"match": {"order_id": "1,2"}}, r"'match\['order_id'\]' is the text '1,2'.*Write \['1', '2'\]"),
        ({"match": {"order_id": [{"uri": "x"}]}}, r"'match\['order_id'\]' holds a dict, and ids are needed"),
    ],
)
def test_a_wrong_argument_fails_for_good_and_names_itself_and_the_remedy(context, arguments, problem):
    with pytest.raises(AirflowFailException, match=problem):
        run(context, **arguments)


def test_only_given_filters_are_passed_on(context):
    assert "filters" not in run(context)[0].query
    assert run(context, filters="x==1")[0].query["filters"] == "x==1"


def test_each_id_is_read_once_and_needs_no_window(context):
    client, _ = run(context, match={"order_id": [3, "1", "3"]})
    assert client.query["match"] == {"order_id": ["3", "1"]}
    assert "since" not in client.query


def test_ids_may_come_from_all_outputs_of_a_mapped_task(context, tmp_path):
    """Airflow passes them as a sequence, see ``airflow.sdk.execution_time.lazy_sequence``."""

    class Outputs(Sequence):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return references[index]

    references = []
    for number in range(2):
        writer = DatasetWriter(str(tmp_path / str(number)), source="shopify_admin", resource="orders")
        writer.append([{"legacyResourceId": str(number)}])
        references.append(writer.commit().to_dict())
    match = {"order_id": {"dataset": Outputs(), "field": "legacyResourceId"}}
    assert run(context, match=match)[0].query["match"] == {"order_id": ["0", "1"]}


def test_ids_may_come_from_a_column_of_a_dataset(context, tmp_path):
    writer = DatasetWriter(str(tmp_path / "orders"), source="shopify_admin", resource="orders")
    writer.append([{"legacyResourceId": "11"}, {"legacyResourceId": "12"}, {"legacyResourceId": "11"}])
    match = {"order_id": {"dataset": writer.commit().to_dict(), "field": "legacyResourceId"}}
    assert run(context, match=match)[0].query["match"] == {"order_id": ["11", "12"]}


@pytest.mark.parametrize("wrong", ["1,2", {"dataset": {}}, 7])
def test_wrong_ids_are_refused_by_their_field(context, wrong):
    with pytest.raises(AirflowFailException, match="'order_id'"):
        run(context, match={"order_id": wrong})


def test_a_second_try_resumes_after_the_last_complete_page(context):
    first = Client(fails_at=2)
    with pytest.raises(PartnerTaskError):
        run(context, first)
    second, reference = run(context)
    assert first.fetched == [0, 1]
    assert second.fetched == [2]
    assert list(read_dataset(reference)) == RECORDS


def test_a_finished_dataset_is_fetched_again_when_the_task_is_cleared(context):
    run(context)
    client, reference = run(context)
    assert client.fetched == [0, 1, 2]
    assert list(read_dataset(reference)) == RECORDS


def test_a_dataset_can_be_published_to_a_folder_where_it_replaces_the_previous_one(context, tmp_path):
    place = str(tmp_path / "days" / "day=2026-05-01")
    _, first = run(context, uri=place)
    _, second = run(context, uri=place)
    assert (first["uri"], first["extra"]["changed"], second["extra"]["changed"]) == (place, True, False)
    assert list(read_dataset(second)) == RECORDS


@pytest.mark.parametrize("uri", [5, "days", "./days", "~/days", ["s3://bucket/days"]])
def test_a_folder_that_depends_on_where_a_worker_runs_is_refused(context, tmp_path, monkeypatch, uri):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AirflowFailException, match=r"'uri' is .*, and an absolute path or a URI is needed"):
        run(context, uri=uri)
    assert not (tmp_path / str(uri)).exists()


def test_a_folder_that_renders_to_nothing_leaves_the_dataset_in_the_runs_folder(context, tmp_path):
    assert run(context, uri="None")[1]["uri"] == f"{tmp_path}/dag/extract/run/-1"


def test_a_failed_fetch_keeps_the_published_dataset(context, tmp_path):
    _, before = run(context, uri=str(tmp_path / "place"))
    with pytest.raises(PartnerTaskError):
        run(context, Client(fails_at=1), uri=str(tmp_path / "place"))
    assert list(read_dataset(before)) == RECORDS


def test_after_publication_no_second_copy_stays_in_the_runs_folder(context, tmp_path):
    _, reference = run(context, uri=str(tmp_path / "place"))
    assert not (tmp_path / "dag" / "extract" / "run" / "-1").exists()
    assert list(read_dataset(reference)) == RECORDS


def test_a_target_that_cannot_be_written_fails_the_task_before_anything_is_read(context):
    client = Client()
    with pytest.raises(AirflowFailException, match=r"Install apache-airflow-providers-google on every worker"):
        run(context, client, uri="gs://bucket/place")
    assert (client.query, client.fetched) == (None, [])


def test_staging_that_cannot_be_written_fails_the_task_before_a_page_is_read(context, monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", "gs://bucket/staging")
    client = Client()
    with pytest.raises(AirflowFailException, match="Install apache-airflow-providers-google on every worker"):
        run(context, client)
    assert client.fetched == []


def test_a_retry_publishes_what_an_earlier_try_has_finished(context, tmp_path, monkeypatch):
    place = str(tmp_path / "place")

    def fail(*args, **kwargs):
        raise StorageError("the storage is down")

    with monkeypatch.context() as patch:
        patch.setattr("airflow_provider_partners.operators.extract.publish_dataset", fail)
        with pytest.raises(PartnerTaskError, match="the storage is down"):
            run(context, uri=place)
    client, reference = run(context, uri=place)
    assert client.fetched == []
    assert (reference["uri"], reference["records"], reference["extra"]["resumed"]) == (place, 6, 6)
    assert list(read_dataset(reference)) == RECORDS


def test_a_retry_with_another_query_reads_again(context, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("airflow_provider_partners.operators.extract.publish_dataset", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(context, uri=str(tmp_path / "place"))
    assert run(context, uri=str(tmp_path / "place"), filters="x==1")[0].fetched == [0, 1, 2]


def test_a_task_that_is_cleared_after_its_publication_reads_again(context, tmp_path):
    run(context, uri=str(tmp_path / "place"))
    client, reference = run(context, uri=str(tmp_path / "place"))
    assert client.fetched == [0, 1, 2]
    assert reference["extra"]["changed"] is False


def tried(context, number, max_tries):
    """The context of a try. Airflow raises ``max_tries`` when a task is cleared.

    See ``clear_task_instances`` in Airflow's ``models/taskinstance.py``.
    """
    return {**context, "ti": SimpleNamespace(**{**vars(context["ti"]), "try_number": number, "max_tries": max_tries})}


@pytest.mark.parametrize("published", [True, False])
def test_the_retry_of_a_killed_task_reads_no_finished_dataset_again(context, tmp_path, published):
    """The first try ended, and its worker died before Airflow heard of it."""
    place = {"uri": str(tmp_path / "place")} if published else {}
    _, first = run(tried(context, 1, 2), **place)
    client, second = run(tried(context, 2, 2), **place)
    assert client.fetched == []
    assert list(read_dataset(second)) == RECORDS
    for reference in (first, second):
        del reference["extra"]["api"]
    assert second == {**first, "extra": {**first["extra"], "resumed": 6}}


@pytest.mark.parametrize("published", [True, False])
def test_a_cleared_task_reads_again(context, tmp_path, published):
    place = {"uri": str(tmp_path / "place")} if published else {}
    run(tried(context, 1, 2), **place)
    assert run(tried(context, 2, 3), **place)[0].fetched == [0, 1, 2]


def test_the_retry_of_a_killed_task_reads_another_query(context):
    run(tried(context, 1, 2))
    assert run(tried(context, 2, 2), filters="x==1")[0].fetched == [0, 1, 2]


def test_a_kill_between_publication_and_success_hides_no_change(context, tmp_path, monkeypatch):
    place = str(tmp_path / "place")
    with monkeypatch.context() as patch:
        patch.setattr("airflow_provider_partners.operators.extract.DatasetFolder.remove_all", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(tried(context, 1, 2), uri=place)
    client, reference = run(tried(context, 2, 2), uri=place)
    assert client.fetched == []
    assert reference["extra"]["changed"] is True


def test_the_retry_of_a_task_that_was_killed_while_it_removed_the_staged_copy_removes_the_rest(context, tmp_path):
    run(tried(context, 1, 2), uri=str(tmp_path / "place"))
    left = tmp_path / "dag/extract/run/-1/part-00000.jsonl.gz"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    assert run(tried(context, 2, 2), uri=str(tmp_path / "place"))[0].fetched == []
    assert not left.exists()


def test_the_retry_of_a_killed_task_removes_what_it_has_left(context, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    scratch = tmp_path / "temporary" / "partners-export-a1"
    scratch.mkdir(parents=True)
    left = [
        tmp_path / folder / ".file.json.abcdef12.tmp"
        for folder in ("dag/extract/run/-1", "dag/extract/run/-1-window", "dag/extract/run/-1-rejects", ".leases")
    ]
    for path in left:
        path.parent.mkdir(parents=True)
        path.touch()
    run(tried(context, 2, 2))
    assert not scratch.exists()
    assert [path for path in left if path.exists()] == []


def test_of_two_tasks_mapped_over_one_folder_the_second_fails_and_replaces_nothing(context, tmp_path):
    task = vars(context["ti"])
    context["ti"] = SimpleNamespace(**{**task, "map_index": 0})
    _, first = run(context, uri=str(tmp_path / "place"))
    context["ti"] = SimpleNamespace(**{**task, "map_index": 1})
    client = Client()
    with pytest.raises(AirflowFailException, match="of map index 0 of this run"):
        run(context, client, uri=str(tmp_path / "place"))
    assert client.fetched == []
    assert list(read_dataset(first)) == RECORDS
