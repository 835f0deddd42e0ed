"""What travels through XCom instead of records: where a dataset is, and what was counted while writing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from airflow_provider_partners.exceptions import DatasetError


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRef:
    """A finished dataset.

    :param uri: the folder that holds its parts and ``manifest.json``
    :param source: the partner, such as ``shopify_admin``
    :param resource: the list, such as ``orders``
    :param window: ``{"since": …, "until": …}``, or ``None`` where no window applies
    :param records: how many records it holds
    :param parts: how many part files
    :param bytes: their compressed size together
    :param sha256: hash over the parts' hashes, in order
    :param extra: counts of the task that wrote it (API calls, set-aside records); small, and free of customers' data
    :param fields: the records' fields with their JSON types, for lineage; known to whoever wrote it, and in the
        manifest, but not part of what travels
    """

    uri: str
    source: str
    resource: str
    window: dict[str, str] | None = None
    records: int = 0
    parts: int = 0
    bytes: int = 0
    sha256: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """As it travels through XCom."""
        travels = asdict(self)
        del travels["fields"]
        return travels

    @classmethod
    def from_dict(cls, value: Mapping[str, Any] | DatasetRef) -> DatasetRef:
        """Back from :meth:`to_dict`.

        :raises DatasetError: when the value is no dataset reference
        """
        if isinstance(value, DatasetRef):
            return value
        try:
            return cls(**value)
        except TypeError:
            message = f"A dataset reference was expected, not {type(value).__name__}"
            raise DatasetError(message, remedy="Pass the output of an extract or build operator.") from None
