"""The reference of a dataset: it travels through XCom in place of the records."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict, cast

from airflow_provider_partners.exceptions import DatasetError


class WindowDict(TypedDict):
    """A half-open time range as ISO 8601 text."""

    since: str
    until: str


class DatasetRefDict(TypedDict):
    """A dataset reference as it travels through XCom; see :class:`DatasetRef` for the fields."""

    uri: str
    source: str
    resource: str
    account: str | None
    window: WindowDict | None
    read_at: str | None
    records: int
    parts: int
    bytes: int
    sha256: str
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRef:
    """A finished dataset.

    :param uri: the folder with the part files and ``manifest.json``
    :param source: the partner, such as ``shopify_admin``
    :param resource: the list, such as ``orders``
    :param account: the shop, store, organization or project; ``None`` if it is unknown
    :param window: ``{"since": …, "until": …}``, or ``None`` if the records have no time range
    :param read_at: the timestamp at which reading began: what the records hold is as new as this, or newer
    :param records: number of records
    :param parts: number of part files
    :param bytes: compressed size of all parts
    :param sha256: hash of the parts' hashes, in order; a reader checks the files against it
    :param extra: counts of the task that wrote it, such as API calls and rejects: small, without customers' data
    :param fields: the records' columns with their types, for lineage. They are in the manifest and do not travel
        through XCom
    """

    uri: str
    source: str
    resource: str
    account: str | None = None
    window: dict[str, str] | None = None
    read_at: str | None = field(default=None, compare=False)
    records: int = 0
    parts: int = 0
    bytes: int = 0
    sha256: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Refuse a reference that names no dataset.

        :raises DatasetError: when a field that every dataset has holds something else than text
        """
        for name in ("uri", "source", "resource"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                found = "empty" if value == "" else f"a {type(value).__name__}"
                message = f"'{name}' of a dataset reference is {found}, and text is needed"
                raise DatasetError(message, remedy="Pass the output of an extract or build operator as it is.")

    def to_dict(self) -> DatasetRefDict:
        """Return the reference as it travels through XCom."""
        value = asdict(self)
        del value["fields"]
        return cast("DatasetRefDict", value)

    @classmethod
    def from_dict(cls, value: Any) -> DatasetRef:
        """Return the reference that :meth:`to_dict` has written.

        :raises DatasetError: when the value is not a dataset reference
        """
        if isinstance(value, DatasetRef):
            return value
        try:
            return cls(**value)
        except TypeError:
            message = f"A dataset reference was expected, not {type(value).__name__}"
            raise DatasetError(message, remedy="Pass the output of an extract or build operator.") from None
