"""The files of the Dags: those of the repository, written without replacing anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_partners import pipelines
from airflow_provider_partners.cli.dags import DAG_FILES

ROOT = Path(__file__).parents[3]
HAND_WRITTEN = {"returns_overview.py"}
"""An example of @task functions, which no factory makes."""


def test_the_files_are_those_of_the_repository(command, tmp_path):
    printed = command("dags", str(tmp_path / "new"), "--json")
    written = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    assert printed.code == 0
    assert written == {
        path.name: path.read_text() for path in (ROOT / "dags").glob("*.py") if path.name not in HAND_WRITTEN
    }
    assert set(printed.document["files"].values()) == {"written"}


def test_every_factory_has_a_file():
    assert sorted(factory for factory, _ in DAG_FILES.values()) == sorted(pipelines.__all__)


def test_a_file_with_other_content_stays_unless_it_is_forced(command, tmp_path):
    mine = tmp_path / "yotpo_reconcile.py"
    mine.write_text("# mine\n")
    printed = command("dags", str(tmp_path))
    assert printed.code == 1
    assert "yotpo_reconcile.py" in printed.err
    assert "--force" in printed.err
    assert mine.read_text() == "# mine\n"

    again = command("dags", str(tmp_path), "--force", "--json")
    assert again.code == 0
    files = again.document["files"]
    assert files.pop("yotpo_reconcile.py") == "replaced"
    assert set(files.values()) == {"unchanged"}
    assert "order_reconcile_dag()" in mine.read_text()


def test_one_dag_is_written_alone(command, tmp_path):
    assert command("dags", str(tmp_path), "--only", "voucherify_extract").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["voucherify_extract.py"]


def test_an_unknown_dag_is_wrong_usage_with_the_nearest_name(command, tmp_path):
    printed = command("dags", str(tmp_path), "--only", "voucherify_extrakt")
    assert printed.code == 2
    assert "did you mean 'voucherify_extract'?" in printed.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_failure(command, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    printed = command("dags", str(file))
    assert printed.code == 3
    assert "can't be written" in printed.err


@pytest.mark.parametrize("dag_id", DAG_FILES)
def test_a_written_file_makes_the_dag_of_its_name(dag_id, command, tmp_path):
    command("dags", str(tmp_path), "--only", dag_id)
    names: dict = {}
    exec(compile((tmp_path / f"{dag_id}.py").read_text(), f"{dag_id}.py", "exec"), names)
    assert names["dag"].dag_id == dag_id
