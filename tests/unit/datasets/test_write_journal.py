from __future__ import annotations

from pathlib import Path

from airflow_provider_partners.datasets.write_journal import WriteJournal
from airflow_provider_partners.datasets.writer import DatasetWriter


def test_the_next_try_knows_what_an_earlier_one_has_begun(tmp_path: Path) -> None:
    killed = WriteJournal(str(tmp_path), work="orders")
    killed.begin({"1": {"action": "created"}})
    killed.begin({"2": {"action": "updated"}})
    assert killed.earlier("1") is None  # It is of this try.

    retry = WriteJournal(str(tmp_path), work="orders")
    assert [retry.earlier(key) for key in "123"] == [{"action": "created"}, {"action": "updated"}, None]


def test_a_second_kill_loses_nothing_that_the_first_has_begun(tmp_path: Path) -> None:
    WriteJournal(str(tmp_path), work="orders").begin({"1": {"action": "created"}})
    WriteJournal(str(tmp_path), work="orders").begin({"2": {"action": "created"}})

    retry = WriteJournal(str(tmp_path), work="orders")
    assert [bool(retry.earlier(key)) for key in "12"] == [True, True]


def test_what_is_stored_is_forgotten_with_the_next_batch(tmp_path: Path) -> None:
    WriteJournal(str(tmp_path), work="orders").begin({"0": {}})
    journal = WriteJournal(str(tmp_path), work="orders")
    journal.begin({"1": {"action": "created"}, "2": {"action": "created"}})
    journal.settle(["0", "1", "unknown"])
    journal.begin({"3": {"action": "created"}})

    retry = WriteJournal(str(tmp_path), work="orders")
    assert [bool(retry.earlier(key)) for key in "0123"] == [False, False, True, True]


def test_the_journal_of_other_work_does_not_count(tmp_path: Path) -> None:
    WriteJournal(str(tmp_path), work="orders").begin({"1": {"action": "created"}})
    assert WriteJournal(str(tmp_path), work="products").earlier("1") is None


def test_nothing_is_written_when_nothing_is_sent(tmp_path: Path) -> None:
    WriteJournal(str(tmp_path), work="orders").begin({})
    assert list(tmp_path.iterdir()) == []


def test_the_journal_outlives_a_try_without_progress_and_ends_with_the_dataset(tmp_path: Path) -> None:
    WriteJournal(str(tmp_path), work="orders").begin({"1": {"action": "created"}})
    writer = DatasetWriter(str(tmp_path), source="s", resource="r", has_journal=True)
    writer.resume()
    assert WriteJournal(str(tmp_path), work="orders").earlier("1") == {"action": "created"}
    writer.append([{"id": 1}])
    assert not writer.is_saved

    writer.commit()

    assert writer.is_saved
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "part-00000.jsonl.gz"]
