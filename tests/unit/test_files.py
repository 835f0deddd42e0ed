"""Scratch folders are private, and a killed task's folder is removed by the next task."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.api.http.rate_limit_store import FileStore
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.exceptions import ConfigurationError, StorageError
from airflow_provider_partners.files import ScratchFolder, remove_abandoned_folders, storage_errors, write_file
from airflow_provider_partners.sync.join import join_orders
from airflow_provider_partners.sync.reconcile import reconcile_orders

KILLED_TASK = """
import sys, time
from airflow_provider_partners.files import ScratchFolder
scratch = ScratchFolder("join", base=sys.argv[1])
folder = scratch.open()
(folder / "related.sqlite").write_bytes(b"customers")
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def killed_task(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A task of another process that is at work in its folder."""
    command = [sys.executable, "-c", KILLED_TASK, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_the_folder_of_a_killed_task_is_removed_by_the_next(tmp_path: Path, killed_task: subprocess.Popen[str]) -> None:
    (folder,) = tmp_path.iterdir()
    with ScratchFolder("join", base=tmp_path):
        assert folder.exists(), "its task is still at work"

    killed_task.send_signal(signal.SIGKILL)
    killed_task.wait()
    with ScratchFolder("export", base=tmp_path):
        assert not folder.exists()


def test_a_folder_that_another_task_removes_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    mkdtemp = tempfile.mkdtemp

    def make_and_lose(**arguments: Any) -> str:
        made.append(mkdtemp(**arguments))
        if len(made) == 1:
            remove_abandoned_folders(tmp_path)
        return made[-1]

    monkeypatch.setattr("airflow_provider_partners.files.tempfile.mkdtemp", make_and_lose)
    with ScratchFolder("join", base=tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]
        remove_abandoned_folders(tmp_path)
        assert folder.exists()
    assert len(made) == 2


KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
from airflow_provider_partners.files import write_file
os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
write_file(Path(sys.argv[1]) / "part-00000.jsonl.gz", b"customers")
"""


def test_the_temporary_file_of_a_killed_writer_is_removed_by_the_next_look(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1

    assert DatasetFolder(str(tmp_path)).file_names() == []
    assert list(tmp_path.iterdir()) == []


def test_the_hidden_files_of_other_tools_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".upload.tmp").touch()
    assert DatasetFolder(str(tmp_path)).file_names() == [".upload.tmp"]


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def look_and_replace(*paths: Any) -> None:
        assert DatasetFolder(str(tmp_path)).file_names() == []
        replace(*paths)

    monkeypatch.setattr(os, "replace", look_and_replace)
    write_file(tmp_path / "manifest.json", b"{}")
    assert DatasetFolder(str(tmp_path)).file_names() == ["manifest.json"]


def test_a_temporary_file_that_another_task_removes_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    mkstemp = tempfile.mkstemp

    def make_and_lose(**arguments: Any) -> tuple[int, str]:
        descriptor, name = mkstemp(**arguments)
        made.append(name)
        if len(made) == 1:
            DatasetFolder(str(tmp_path)).file_names()
        return descriptor, name

    monkeypatch.setattr("airflow_provider_partners.files.tempfile.mkstemp", make_and_lose)
    write_file(tmp_path / "manifest.json", b"{}")
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
    assert len(made) == 2


def test_the_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "pytest-of-root"
    folder.mkdir()
    with ScratchFolder("join", base=tmp_path):
        assert folder.exists()


def test_a_folder_is_removed_at_the_end_and_twice_is_harmless(tmp_path: Path) -> None:
    scratch = ScratchFolder("join", base=tmp_path)
    path = scratch.open()
    (path / "file").write_bytes(b"x")
    scratch.close()
    scratch.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_nobody_closed_is_removed_with_its_object(tmp_path: Path) -> None:
    ScratchFolder("join", base=tmp_path).open()
    assert list(tmp_path.iterdir()) == []


def modes(base: Path) -> tuple[set[int], set[int]]:
    made = [(path, stat.S_IMODE(path.stat().st_mode)) for path in base.rglob("*")]
    return {mode for path, mode in made if path.is_dir()}, {mode for path, mode in made if path.is_file()}


def test_the_database_of_a_join_is_private(tmp_path: Path) -> None:
    joined = join_orders([{"id": "1"}, {"id": "2"}], returns=[{"id": "r", "order_id": "1"}], spill_dir=tmp_path)
    next(joined)
    assert modes(tmp_path) == ({0o700}, {0o600})
    joined.close()
    assert list(tmp_path.iterdir()) == []


def test_the_database_of_a_comparison_is_private(tmp_path: Path) -> None:
    compared = reconcile_orders([], [{"external_id": "1"}, {"external_id": "2"}], spill_dir=tmp_path)
    next(compared)
    assert modes(tmp_path) == ({0o700}, {0o600})


def test_the_files_of_a_shared_rate_limit_are_private(tmp_path: Path) -> None:
    FileStore(tmp_path / "new" / "folder" / "a.budget").update(lambda value: 1.0)
    assert modes(tmp_path) == ({0o700}, {0o600})


def test_a_full_disk_is_one_line() -> None:
    """The text is that of SQLITE_FULL, see https://www.sqlite.org/rescode.html#full."""
    text = r"The join can't be .*database or disk is full\. Free or add space"
    with pytest.raises(StorageError, match=text) as error, storage_errors("The join"):
        raise sqlite3.OperationalError("database or disk is full")
    assert "\n" not in str(error.value)


def test_a_disk_that_is_full_fails_the_join_with_one_line(tmp_path: Path) -> None:
    def too_large() -> Iterator[dict[str, str]]:
        yield {"id": "r", "order_id": "1"}
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StorageError, match=f"temporary files of the join in {tmp_path} .*No space left on device"):
        list(join_orders([], returns=too_large(), spill_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_wrong_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**arguments: object) -> str:
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("airflow_provider_partners.files.tempfile.mkdtemp", refuse)
    with pytest.raises(ConfigurationError, match=r"Read-only file system\. Choose a place"):
        ScratchFolder("join", base=tmp_path).open()
