"""Where a task's records come from: one dataset, several, or the records themselves.

What takes a dataset takes any of these, by :func:`parse_source`: the reference of a dataset, the outputs of a mapped
task, or a plain list of records.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_partners.arguments import parse_structure
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError
from airflow_provider_partners.records import Record
from airflow_provider_partners.windows import Window

REFERENCE_KEYS = ("uri", "source", "resource")
"""What every reference has."""

REMEDY = "Pass the output of an extract or build operator, or a list of records."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSource:
    """The records that an argument names.

    :param references: of datasets, which are read one after the other
    :param plain: records that were passed as they are; ``None`` when references were
    """

    references: tuple[DatasetRef, ...] = ()
    plain: tuple[Record, ...] | None = None

    def read(self) -> Iterator[Record]:
        """Yield the records. Of datasets, one part is in memory at a time."""
        if self.plain is not None:
            yield from self.plain
        for reference in self.references:
            yield from read_dataset(reference)

    @property
    def records(self) -> int:
        """The number of records."""
        return len(self.plain or ()) + sum(reference.records for reference in self.references)

    @property
    def account(self) -> str | None:
        """The account of the records; ``None`` when it is unknown, or differs between datasets."""
        accounts = {reference.account for reference in self.references}
        return accounts.pop() if len(accounts) == 1 else None

    @property
    def extra(self) -> Mapping[str, Any]:
        """The entries of ``extra`` on which all datasets agree."""
        first, *others = self.references or (None,)
        if first is None:
            return {}
        return {
            name: value
            for name, value in first.extra.items()
            if all(other is not None and other.extra.get(name) == value for other in others)
        }

    @property
    def read_at(self) -> str | None:
        """When reading the oldest of the datasets began; ``None`` if that is unknown of one."""
        times = [reference.read_at for reference in self.references]
        return min((time for time in times if time), default=None) if all(times) else None

    @property
    def window(self) -> dict[str, str] | None:
        """The time range that the datasets cover without a gap until their end; ``None`` for the whole list."""
        windows = [Window.from_dict(each.window) for each in self.references if each.window]
        if not windows or len(windows) < len(self.references):
            return None
        last, *earlier = sorted(windows, key=lambda window: (window.until, window.since), reverse=True)
        since = last.since
        for window in earlier:
            if window.until < since:
                break
            since = min(since, window.since)
        return Window(since, last.until).to_dict()

    @property
    def since(self) -> datetime | None:
        """The start of :attr:`window`."""
        window = self.window
        return Window.from_dict(window).since if window else None

    @property
    def sha256(self) -> str:
        """A hash of the records, by which a retry recognizes its input."""
        if len(self.references) == 1:
            return self.references[0].sha256
        content = [reference.sha256 for reference in self.references] if self.plain is None else self.plain
        return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode("utf-8", "replace")).hexdigest()


def parse_source(name: str, value: Any) -> RecordSource:
    """Return the records that an argument names.

    :param name: the argument's name, for errors
    :param value: a reference, a list of references, a list of records, or the text of one of these
    :raises ConfigurationError: when it is something else
    """
    value = parse_structure(value) if isinstance(value, str) else value
    if value is None:
        message = f"'{name}' is None, and the reference of a dataset is needed"
        raise ConfigurationError(message, remedy=f"{REMEDY} A skipped task has no output.")
    if isinstance(value, Mapping | DatasetRef):
        return RecordSource(references=(parse_reference(name, value),))
    if isinstance(value, str) or not isinstance(value, Sequence):
        message = f"'{name}' is a {type(value).__name__}, and a dataset or a list of records is needed"
        raise ConfigurationError(message, remedy=REMEDY)
    members = list(value)
    is_reference = [is_reference_of_dataset(member) for member in members]
    if not any(is_reference):
        return RecordSource(plain=tuple(members))
    if not all(is_reference):
        message = f"'{name}' is a list of datasets and of other values"
        raise ConfigurationError(message, remedy="Pass a list of datasets, or a list of records.")
    return RecordSource(references=tuple(parse_reference(name, member) for member in members))


def parse_reference(name: str, value: Any) -> DatasetRef:
    """Return the reference that a value is.

    :param name: the argument's name, for errors
    :raises ConfigurationError: when it is none, or lacks a part
    """
    missing = [key for key in REFERENCE_KEYS if key not in value] if isinstance(value, Mapping) else []
    if missing:
        message = f"'{name}' is no reference of a dataset: it has no {' and no '.join(map(repr, missing))}"
        raise ConfigurationError(message, remedy=f"{REMEDY} Write [{{…}}] for a list of one record.")
    try:
        return DatasetRef.from_dict(value)
    except DatasetError as error:
        message = f"'{name}' is no reference of a dataset: {error.message}"
        raise ConfigurationError(message, remedy=REMEDY) from None


def is_reference_of_dataset(value: Any) -> bool:
    """Return True if a value is the reference of a dataset, and no record."""
    return isinstance(value, DatasetRef) or (isinstance(value, Mapping) and value.keys() >= set(REFERENCE_KEYS))
