"""The store's cache of parsed documents: what it keeps, when it reads again, what it drops."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_partners.sandbox.store import ListCache, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIND = ("yotpo", "store-a", "order")


def filled(count: int = 3, **options: int) -> Store:
    store = Store(**options)
    store.put_many(*KIND, [(f"o{n}", f"2026-01-0{9 - n}T00:00:00Z", {"id": f"o{n}", "n": n}) for n in range(count)])
    return store


def test_each_write_and_delete_makes_a_new_revision():
    store = filled()
    seen = [store.revision(*KIND)]
    store.put(*KIND, "o0", {"id": "o0"}, at="")
    seen.append(store.revision(*KIND))
    store.delete(*KIND, "o0")
    seen.append(store.revision(*KIND))
    assert seen == sorted(set(seen))


def test_reading_makes_no_new_revision():
    store = filled()
    before = store.revision(*KIND)
    store.cached(*KIND)
    store.select(*KIND)
    assert store.revision(*KIND) == before


def test_a_write_to_another_shop_leaves_the_revision_alone():
    store = filled()
    before = store.revision(*KIND)
    store.put("yotpo", "store-b", "order", "o0", {}, at="")
    store.put("yotpo", "store-a", "product", "p0", {}, at="")
    assert store.revision(*KIND) == before


def test_cached_documents_are_ordered_by_time_then_id():
    store = filled()
    store.put(*KIND, "a1", {"id": "a1"}, at="2026-01-08T00:00:00Z")
    assert [row["id"] for row in store.cached(*KIND)] == ["o2", "a1", "o1", "o0"]
    assert store.cached(*KIND) == store.select(*KIND)


def test_documents_are_parsed_once_until_one_is_written():
    store = filled()
    first = store.cached(*KIND)
    assert store.cached(*KIND) is first
    store.put(*KIND, "o1", {"id": "o1", "n": 10}, at="2026-01-08T00:00:00Z")
    assert store.cached(*KIND) is not first
    assert [row["n"] for row in store.cached(*KIND)] == [2, 10, 0]


def test_a_second_process_that_writes_the_same_file_is_noticed(tmp_path: Path):
    with closing(Store(tmp_path / "state.sqlite")) as store, closing(Store(tmp_path / "state.sqlite")) as other:
        store.put(*KIND, "o1", {"n": 1}, at="")
        assert store.cached(*KIND) == [{"n": 1}]
        other.put(*KIND, "o1", {"n": 2}, at="")
        assert store.cached(*KIND) == [{"n": 2}]


def test_a_shape_keeps_part_of_each_document():
    store = filled()
    shape = "json_object('n', json_extract(body, '$.n'))"
    assert store.cached(*KIND, shape=shape) == [{"n": 2}, {"n": 1}, {"n": 0}]
    assert store.cached(*KIND)[0] == {"id": "o2", "n": 2}


def test_a_list_longer_than_the_cache_is_cached_alone():
    store = filled(9, max_cached=5)
    store.put("yotpo", "store-b", "order", "o0", {}, at="")
    small = store.cached("yotpo", "store-b", "order")
    large = store.cached(*KIND)
    assert store.cached(*KIND) is large
    assert store.cached("yotpo", "store-b", "order") is not small


def test_the_least_recently_used_list_is_dropped_first():
    lists = ListCache(5)
    a, b = lists.get("a", 1, lambda: [1, 2]), lists.get("b", 1, lambda: [1, 2])
    assert lists.get("a", 1, list) is a
    lists.get("c", 1, lambda: [1, 2])
    assert lists.get("a", 1, list) is a
    assert lists.get("b", 1, list) is not b


def test_a_list_of_another_revision_is_rebuilt():
    lists = ListCache(5)
    assert lists.get("a", 1, lambda: ["old"]) == ["old"]
    assert lists.get("a", 2, lambda: ["new"]) == ["new"]


def test_documents_have_the_order_of_the_ids_and_missing_ones_are_skipped():
    store = filled()
    assert [row["n"] for row in store.iterate(*KIND, ["o1", "missing", "o2", "o0", "o1"])] == [1, 2, 0, 1]


def test_more_ids_than_are_read_at_a_time_are_all_read():
    store = filled(0)
    store.put_many(*KIND, [(f"o{n}", "", {"n": n}) for n in range(1_201)])
    wanted = [f"o{n}" for n in reversed(range(1_201))]
    assert [row["n"] for row in store.iterate(*KIND, wanted)] == list(reversed(range(1_201)))


def test_a_store_in_memory_deletes_its_files():
    store = filled()
    folder = store.folder()
    (folder / "a.jsonl").write_text("{}\n")
    assert store.folder() == folder
    del store
    assert not folder.exists()


def test_the_files_of_a_store_on_disk_are_beside_it(tmp_path: Path):
    with closing(Store(tmp_path / "state.sqlite")) as store:
        (store.folder() / "a.jsonl").write_text("{}\n")
    with closing(Store(tmp_path / "state.sqlite")) as again:
        assert (again.folder() / "a.jsonl").read_text() == "{}\n"


def test_the_parent_of_an_inner_object_is_found_until_its_document_changes() -> None:
    store = Store()
    store.put("p", "s", "order", "o-1", {"lines": [{"id": "l-1"}, {"id": "l-2"}]}, at="2026-01-01T00:00:00Z")
    store.put("p", "s", "order", "o-2", {"lines": [{"id": "l-3"}]}, at="2026-01-01T00:00:00Z")
    store.put("p", "other", "order", "o-3", {"lines": [{"id": "l-4"}]}, at="2026-01-01T00:00:00Z")
    assert store.parent_ids("p", "s", "order", "lines") == {"l-1": "o-1", "l-2": "o-1", "l-3": "o-2"}
    assert store.parent_ids("p", "s", "order", "refunds") == {}

    store.put("p", "s", "order", "o-1", {"lines": [{"id": "l-5"}]}, at="2026-01-02T00:00:00Z")

    assert store.parent_ids("p", "s", "order", "lines") == {"l-3": "o-2", "l-5": "o-1"}


def test_documents_are_counted_by_kind_and_the_last_ones_come_first() -> None:
    store = Store()
    for number in range(3):
        store.put("yofi", "a", "return", str(number), {"n": number}, at=f"2026-05-0{number + 1}T00:00:00Z")
    store.put("yofi", "b", "claim", "1", {}, at="")
    assert store.counts() == {("yofi", "a", "return"): 3, ("yofi", "b", "claim"): 1}
    assert store.latest("yofi", "a", "return", 2) == [
        ("2026-05-03T00:00:00Z", {"n": 2}),
        ("2026-05-02T00:00:00Z", {"n": 1}),
    ]


@contextmanager
def written_meanwhile(store: Store) -> Iterator[threading.Event]:
    """Another thread is writing when the block begins; the event says that it has written."""
    writing, written = threading.Event(), threading.Event()

    def documents() -> Iterator[tuple[str, str, dict[str, Any]]]:
        writing.set()
        time.sleep(0.2)
        yield "new", "", {"id": "new"}
        written.set()

    writer = threading.Thread(target=store.put_many, args=(*KIND, documents()))
    writer.start()
    writing.wait(5)
    yield written
    writer.join(5)


def test_a_store_closes_only_between_two_statements() -> None:
    """Python's connections must not be used by two threads at once: https://docs.python.org/3/library/sqlite3.html.

    A thread of a bulk operation may write when a test closes the store.
    """
    store = filled()
    with written_meanwhile(store) as written:
        store.close()
        assert written.is_set()

    with pytest.raises(sqlite3.ProgrammingError):
        store.get(*KIND, "o1")


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 warns of the thread.
def test_a_process_that_is_forked_while_a_thread_writes_can_use_the_store() -> None:
    store = filled()
    with written_meanwhile(store):
        process = os.fork()
        if process == 0:
            signal.alarm(5)  # Its default ends the process.
            os._exit(store.get(*KIND, "new") != {"id": "new"})
    assert os.waitpid(process, 0)[1] == 0
    assert store.get(*KIND, "new") == {"id": "new"}
