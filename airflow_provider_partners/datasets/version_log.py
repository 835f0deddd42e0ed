"""The versions of records that the tasks of one store have written, or are about to write.

Tasks of several runs and workers share the log, and object storage can neither lock nor append. So each claim is a file
of its own that never changes, and the log is the set of all claims without those that are older in everything. This
doesn't depend on the order in which files are read, or on how often. So any task may merge the files that it has read.

A claim comes before the write, and a task looks again right before each call. A call may be on its way while a newer
build is claimed, and arrive last. So a task looks once more after its calls, and writes the newer build again. This is
why each claim names the datasets that it was made from. What a task has not looked after yet is open. It lists this in
a file of its own, and the next try finds it there. Without a next try, a merge removes the file when all is too old.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import sqlite3
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_partners import timestamps
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.exceptions import DatasetError, FatalError
from airflow_provider_partners.versions import Version, is_older

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

__all__ = ["VersionLog"]

log = logging.getLogger("airflow_provider_partners.datasets")

KEPT = timedelta(days=30)
"""How long a version is kept after its last source was read. A record that is older than this is never written."""

SOURCES_KEPT = timedelta(days=1)
"""How long a claim names its datasets: longer than a call of an older build can be on its way."""

MAX_FILES = 64
"""Files from which on they are merged into one; more in a log of many records."""

RECORDS_PER_FILE = 2000
"""With so many records per file, merging costs little compared with the calls in between."""

LOOK_INTERVAL = 1.0
"""Seconds between two looks for new claims of other tasks."""

MAX_LOOKS = 10
"""Lists of files that are read when other tasks merge files at the same time."""

_CLAIM_SUFFIX, _OPEN_SUFFIX = ".jsonl.gz", ".open.json"

_CLAIMS = "SELECT key, version, content FROM claim JOIN sources ON sources.id = claim.sources"

_TIMESTAMP_LENGTH = len("2026-05-01T00:00:00.000000Z")


class VersionLog:
    """The versions of one store's records. It reads and writes nothing before the first claim.

    :param uri: the log's folder
    :param sources: the datasets with the records that are claimed
    :param owner: names the task, the same for every try of it; without it, no later try learns what is open
    :param clock: returns the current time
    """

    def __init__(
        self,
        uri: str,
        *,
        sources: Sequence[DatasetRef] = (),
        owner: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._uri = uri
        self._folder = DatasetFolder(uri)
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at = 0.0
        self._read_files: set[str] = set()
        # A database without a name is temporary: SQLite keeps it in memory, and on disk when it grows.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute(
            "CREATE TABLE claim (key TEXT, version TEXT, sources INTEGER, PRIMARY KEY (key, version)) WITHOUT ROWID"
        )
        self._database.execute("CREATE TABLE sources (id INTEGER PRIMARY KEY, content TEXT UNIQUE)")
        self._sources = json.dumps([{**source.to_dict(), "extra": {}} for source in sources])
        self._open_file = f"{hashlib.sha256(owner.encode()).hexdigest()[:32]}{_OPEN_SUFFIX}" if owner else ""
        self._open: dict[str, Version] | None = None

    def __enter__(self) -> Self:
        """Return the log."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Remove the temporary database, once no thread of a failed batch reads it."""
        with self._lock:
            self._database.close()
        if kind is None and self._open_file:
            # Also that of a killed try which had looked after all of its calls.
            self._folder.remove(self._open_file)

    @property
    def kept_since(self) -> str:
        """Versions that were read before this timestamp may be forgotten."""
        return timestamps.isoformat(self._clock() - KEPT, "microseconds")

    def claim(self, versions: Mapping[str, Version], *, dry_run: bool = False) -> dict[str, list[Version]]:
        """Remember versions that are about to be written.

        :param versions: by key; each is a value per source, and a later value sorts behind an earlier one as text. It
            ends with the timestamp at which the source was read
        :param dry_run: remember nothing
        :returns: for each key, the versions that any task has claimed, without those that are older in everything
        """
        with self._lock:
            if versions and not dry_run:
                self._write((key, version, self._sources) for key, version in versions.items())
            self._read_new_files()
            if not dry_run:
                self._merge_files()
            return {key: self._stored(key) for key in versions}

    def look(self) -> None:
        """Read the claims that other tasks have made since."""
        with self._lock:
            self._read_new_files()

    def newest(self, key: str) -> list[Version]:
        """Return the versions of one record that any task has claimed by now, or a second ago."""
        with self._lock:
            if time.monotonic() - self._looked_at >= LOOK_INTERVAL:
                self._read_new_files()
            return self._stored(key)

    def records(self, keys: Collection[str]) -> Iterator[Record]:
        """Yield the records of the datasets from which the newest versions of some keys were claimed, and others.

        Those of the task itself are left out: they have nothing that is newer.

        :param keys: as in :meth:`claim`
        """
        with self._lock:
            found = [
                sources
                for key in keys
                for _, _, sources in self._database.execute(f"{_CLAIMS} WHERE key = ?", (key,)).fetchall()
            ]
        others = (sources for sources in dict.fromkeys(found) if sources != self._sources)
        datasets = {source["uri"]: source for sources in others for source in json.loads(sources or "[]")}
        for source in datasets.values():
            try:
                yield from read_dataset(source)
            except (DatasetError, FatalError) as error:
                # It was removed, or lies where only the other task may read. No retry mends that.
                log.warning("A newer build can't be compared with what was just written: %s", error)

    def begin(self, versions: Mapping[str, Version]) -> None:
        """List what is about to be sent as open, for the next try of this task.

        :param versions: by key
        """
        if self._open_file and versions:
            self._open = {**self._open_versions(), **versions}
            self._folder.write_json(self._open_file, self._open)

    def settle(self, keys: Iterable[str]) -> None:
        """List these records as open no more: their calls have ended, and no older one has replaced a newer build."""
        if self._open is not None:
            for key in keys:
                self._open.pop(key, None)

    def was_sent(self, key: str, version: Version) -> bool:
        """Return True if an earlier try of this task may have sent this version, and did not look after it."""
        return bool(self._open_file) and self._open_versions().get(key) == version

    def _open_versions(self) -> dict[str, Any]:
        if self._open is None:
            stored = self._folder.read_json(self._open_file)
            self._open = dict(stored) if isinstance(stored, dict) else {}
        return self._open

    def _stored(self, key: str) -> list[Version]:
        rows = self._database.execute("SELECT version FROM claim WHERE key = ?", (key,))
        return [json.loads(version) for (version,) in rows]

    def _store(self, key: str, version: Version, sources: str) -> None:
        """Add a version, unless another is newer in everything; remove those that are older in everything."""
        others = self._stored(key)
        if any(is_older(version, other) for other in others) or (version in others and sources == "[]"):
            return
        older = [(key, _to_json(other)) for other in others if is_older(other, version)]
        self._database.executemany("DELETE FROM claim WHERE key = ? AND version = ?", older)
        # Of two claims of one version, the later names datasets that are kept longer.
        self._database.execute("INSERT OR IGNORE INTO sources (content) VALUES (?)", (sources,))
        self._database.execute(
            "INSERT OR REPLACE INTO claim SELECT ?, ?, id FROM sources WHERE content = ?",
            (key, _to_json(version), sources),
        )

    def _write(self, claims: Iterable[tuple[str, Version, str]]) -> str:
        name = f"{uuid.uuid4().hex}{_CLAIM_SUFFIX}"
        places: dict[str, int] = {}
        lines = "".join(
            f"{json.dumps([key, version, places.setdefault(sources, len(places))])}\n"
            for key, version, sources in claims
        )
        # The last line has the datasets, which thousands of claims share.
        lines += json.dumps(list(places))
        self._folder.write(name, gzip.compress(lines.encode(), compresslevel=6, mtime=0))
        return name

    def _read_new_files(self) -> None:
        self._looked_at = time.monotonic()
        for _ in range(MAX_LOOKS):
            names = sorted(set(self._folder.file_names()) - self._read_files)
            if not names:
                return
            self._read_files.update(name for name in names if self._read(name))
        message = f"The files of {self._uri} change while they are read"
        raise DatasetError(message, remedy="Try again, with fewer runs at once.")

    def _read(self, name: str) -> bool:
        """Read a file. Return False if another task has merged it since: its content is in a file of another name."""
        if not name.endswith(_CLAIM_SUFFIX):
            return True
        try:
            content = self._folder.read(name)
        except DatasetError:
            return False
        try:
            # gzip takes an empty file for an empty text.
            *claims, places = [json.loads(line) for line in gzip.decompress(content or b"empty").splitlines()]
        except (OSError, EOFError, zlib.error, ValueError):
            # Without it, an older build could replace a newer one.
            message = f"{name} of {self._uri} is damaged"
            raise DatasetError(message, remedy="Remove it when no older run is left that could write.") from None
        self._database.execute("BEGIN")
        for key, version, place in claims:
            self._store(key, version, places[place])
        self._database.execute("COMMIT")
        return True

    def _merge_files(self) -> None:
        """Write one file in place of all that were read, without what is too old."""
        names = {name for name in self._read_files if name.endswith(_CLAIM_SUFFIX)}
        ((records,),) = self._database.execute("SELECT count(*) FROM claim").fetchall()
        if len(names) <= max(MAX_FILES, records // RECORDS_PER_FILE):
            return
        kept_since = self.kept_since
        sources_since = timestamps.isoformat(self._clock() - SOURCES_KEPT, "microseconds")
        stored = self._database.execute(_CLAIMS)
        versions = ((key, json.loads(version), sources) for key, version, sources in stored)
        aged = ((_read_at(claim[1]), *claim) for claim in versions)
        merged = self._write(
            (key, version, sources if age >= sources_since else "[]")
            for age, key, version, sources in aged
            if age >= kept_since
        )
        self._folder.remove(*names, *self._old_open_files(kept_since))
        self._read_files = {merged}

    def _old_open_files(self, kept_since: str) -> list[str]:
        """Return the files of tasks that were never tried again. A later try would write nothing of what is open."""
        files = {name: self._folder.read_json(name) for name in self._read_files if name.endswith(_OPEN_SUFFIX)}
        return [name for name, listed in files.items() if listed and max(map(_read_at, listed.values())) < kept_since]


def _read_at(version: Version) -> str:
    """Return when the last source of a version was read; empty for an empty version, which nobody compares."""
    return max(map(_newest_timestamp, version.values()), default="")


def _newest_timestamp(value: str) -> str:
    """Return when a source was read; if that is unknown, when its record changed."""
    return max(value[:_TIMESTAMP_LENGTH], value[-_TIMESTAMP_LENGTH:])


def _to_json(version: Version) -> str:
    return json.dumps(version, sort_keys=True)
