"""How far a dataset has come, and its lines in a task's log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_partners import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a dataset has come.

    :param records: records written so far, also by earlier tries
    :param parts: part files so far
    :param total: records in all, where the API returns it
    :param seconds: since this try started
    :param resumed_records: records that an earlier try had written
    """

    records: int
    parts: int
    total: int | None
    seconds: float
    resumed_records: int

    @property
    def rate(self) -> float:
        """Records per second of this try."""
        return (self.records - self.resumed_records) / self.seconds if self.seconds > 0 else 0.0


class ProgressLog:
    """Logs a task's progress at once, and then in a fixed rhythm. Pass it as ``on_page`` to ``write_dataset``.

    :param info: the logger's method
    :param unit: what is counted, such as ``orders``
    :param total: how many there are, if known
    :param resumed_records: how many an earlier try had processed
    :param interval: seconds between two lines; ``[partners] log_every`` by default
    :param clock: returns the time in seconds
    """

    def __init__(
        self,
        info: Callable[..., None],
        unit: str,
        *,
        total: int | None = None,
        resumed_records: int = 0,
        interval: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._info = info
        self._unit = unit
        self._total = total
        self._resumed_records = resumed_records
        self._interval = settings.log_every() if interval is None else interval
        self._clock = clock
        self._started = self._due = clock()

    def __call__(self, progress: Progress) -> None:
        """Log the progress if a line is due: at the first call, and at each multiple of the interval since then."""
        now = self._clock()
        if now >= self._due:
            if self._interval > 0:
                # A slow page may miss some of these times, and does not shift those that follow.
                self._due += self._interval * ((now - self._due) // self._interval + 1)
            self._info("%s so far: %s", self._unit, format_progress(progress))

    def count(self, records: int, parts: int) -> None:
        """Log the number of records and parts if a line is due."""
        seconds = self._clock() - self._started
        progress = Progress(
            records=records,
            parts=parts,
            total=self._total,
            seconds=seconds,
            resumed_records=self._resumed_records,
        )
        self(progress)


def format_progress(progress: Progress) -> str:
    """Return records, parts, rate and, if the total is known, the time left, as one line."""
    of_total = f" of {progress.total}" if progress.total is not None else ""
    line = f"{progress.records}{of_total} records in {progress.parts} parts, {progress.rate:.1f} records/s"
    if progress.resumed_records:
        line += f", {progress.resumed_records} of them by an earlier try"
    if progress.total is not None and progress.rate > 0 and progress.total > progress.records:
        line += f", about {(progress.total - progress.records) / progress.rate:.0f} s left"
    return line
