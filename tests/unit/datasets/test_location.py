from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_provider_partners.datasets.location import dataset_uri, folder_name, read_folder_name


@pytest.fixture(autouse=True)
def _staging(monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", "file:///staging/")


def context(run_id="run-1", task_id="group.extract", map_index=2):
    return {"ti": SimpleNamespace(dag_id="dag", task_id=task_id, run_id=run_id, map_index=map_index)}


def test_the_folder_of_a_dataset_names_dag_task_run_and_map_index():
    assert dataset_uri(context()) == "file:///staging/dag/group.extract/run-1/2"
    assert dataset_uri(context(map_index=-1)) == "file:///staging/dag/group.extract/run-1/-1"
    assert dataset_uri(context(), "rejects") == "file:///staging/dag/group.extract/run-1/2-rejects"


def test_a_run_id_becomes_a_safe_and_unique_folder_name():
    uris = {
        dataset_uri(context(run_id=run_id))
        for run_id in ("manual__2026-05-01T10:00:00+00:00", "a/b", "a:b", "a_b", "..", "x" * 300)
    }
    folders = {uri.split("/")[-2] for uri in uris}
    assert len(folders) == 6
    assert all(folder.strip(".") and len(folder) < 170 and not set(folder) & set(":+/%") for folder in folders)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("run-1", "run-1"),
        ("scheduled__2026-05-01T10:00:00+00:00", "scheduled__2026-05-01T10~3A00~3A00~2B00~3A00"),
        ("..", "~2E."),
        ("a~b%c", "a~7Eb~25c"),
        ("Zoë", "Zo~C3~AB"),
    ],
)
def test_a_folder_name_gives_its_text_back(text, name):
    """The bytes are those of percent-encoding, RFC 3986, section 2.1."""
    assert folder_name(text) == name
    assert read_folder_name(name) == text


def test_the_text_of_a_long_folder_name_is_unknown():
    assert read_folder_name(folder_name("x" * 300)) is None
