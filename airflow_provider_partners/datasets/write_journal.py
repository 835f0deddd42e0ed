"""What a task is about to write to a store, for the outcomes of its next try.

Outcomes are stored every few seconds. Of the calls since then, a killed try leaves none, and its retry finds their
records as they should be. So a task stores what it is about to write, with the outcome that this will have. Its next
try looks here before it calls a record unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_partners.datasets.storage import JOURNAL_FILE, DatasetFolder
from airflow_provider_partners.records import Record

__all__ = ["WriteJournal"]


class WriteJournal:
    """The writes of a task whose outcomes are not stored yet. It reads and writes nothing before it is used.

    :param uri: the folder of the task's outcomes
    :param work: identifies what the task does; the writes of other work do not count
    """

    def __init__(self, uri: str, *, work: str) -> None:
        self._folder = DatasetFolder(uri)
        self._work = work
        self._begun: dict[str, Record] = {}
        self._of_earlier_tries: dict[str, Record] | None = None

    def earlier(self, key: str) -> Record | None:
        """Return the outcome that an earlier try was about to reach for a record; ``None`` if it has not begun it."""
        return self._earlier().get(key)

    def begin(self, outcomes: Mapping[str, Record]) -> None:
        """Store what is about to be written.

        :param outcomes: by the record's key, the outcome that the write will have
        """
        if outcomes:
            self._begun.update(outcomes)
            self._folder.write_json(JOURNAL_FILE, {"work": self._work, "outcomes": {**self._earlier(), **self._begun}})

    def settle(self, keys: Iterable[str]) -> None:
        """Forget records whose outcomes are stored. The next :meth:`begin` writes the file without them."""
        for key in keys:
            self._begun.pop(key, None)
            self._earlier().pop(key, None)

    def _earlier(self) -> dict[str, Record]:
        if self._of_earlier_tries is None:
            stored: Any = self._folder.read_json(JOURNAL_FILE)
            is_own = isinstance(stored, Mapping) and stored.get("work") == self._work
            self._of_earlier_tries = dict(stored["outcomes"]) if is_own else {}
        return self._of_earlier_tries
