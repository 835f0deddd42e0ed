"""The records of one Yotpo store: ids, unique external ids, delayed visibility, and the pages of a list.

Everything is in the sandbox's store, so it survives a restart. Keys that begin with an underscore belong to the
sandbox; no response shows them.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_partners.sandbox.store import Document, Sandbox, format_timestamp
from airflow_provider_partners.sandbox.yotpo.errors import ApiError
from airflow_provider_partners.sandbox.yotpo.validation import (
    InvalidValueError,
    format_timestamp_naive,
    parse_timestamp,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# Live ids have ten digits and exceed 32 bits. Each store has a range of its own.
_FIRST_ID = 4_300_000_000
_IDS_PER_STORE = 1_000_000


class Records:
    """The records of one store.

    :param clock: epoch seconds; new records become visible by it
    """

    def __init__(self, *, sandbox: Sandbox, store_id: str, clock: Callable[[], float]) -> None:
        self.store_id = store_id
        self.switches = sandbox.switches
        self._sandbox = sandbox
        self._store = sandbox.store
        self._clock = clock

    def updated(self, present: Document, payload: Document) -> Document:
        """Return a record with the properties of an update. Whether nested objects are merged is not documented."""
        return merge_fields(present, payload) if self.switches["yotpo.nested_objects"] == "merge" else present | payload

    def now(self) -> str:
        """Return the timestamp for ``created_at`` and ``updated_at``."""
        return format_timestamp_naive(self._sandbox.clock())

    def days_since(self, text: str) -> float:
        """Return the days from a stored timestamp to now; negative for the future."""
        timestamp = datetime.fromisoformat(f"{text}+00:00")
        return (self._sandbox.clock() - timestamp).total_seconds() / 86400

    def new_id(self, count: int = 1) -> int:
        """Reserve ``count`` ids of this store and return the first."""
        counter = self._store.get("yotpo", self.store_id, "counter", "ids")
        start = _FIRST_ID + zlib.crc32(self.store_id.encode()) % 5000 * _IDS_PER_STORE
        first: int = counter["next"] if counter else start
        self._write("counter", "ids", {"next": first + count})
        return first

    def add(self, kind: str, record: Document, *, lag: float = 0) -> None:
        """Save a new record and its external id.

        :param lag: seconds until the record becomes visible
        """
        self.save(kind, record | {"_visible": self._clock() + lag, "_created": self._clock()})
        if external_id := record.get("external_id"):
            self._write(f"{kind}_key", external_id, {"yotpo_id": record["_id"]})

    def save(self, kind: str, *records: Document) -> None:
        """Add or replace records by their ``_id``."""
        at = format_timestamp(self._sandbox.clock())
        documents = [(str(record["_id"]), at, record) for record in records]
        self._store.put_many("yotpo", self.store_id, kind, documents)

    def rename(self, kind: str, yotpo_id: int, old: str, new: str) -> None:
        """Give a record another external id."""
        self._store.delete("yotpo", self.store_id, f"{kind}_key", old)
        self._write(f"{kind}_key", new, {"yotpo_id": yotpo_id})

    def id_of(self, kind: str, external_id: str) -> int | None:
        """Return the id of the record with this external id, visible or not."""
        key = self._store.get("yotpo", self.store_id, f"{kind}_key", external_id)
        return int(key["yotpo_id"]) if key else None

    def find(self, kind: str, yotpo_id: str | int, *, hidden: bool = False) -> Document | None:
        """Return a record by its id, or ``None``.

        :param hidden: include records that are not visible yet, as writes do
        """
        record = self._store.get("yotpo", self.store_id, kind, str(yotpo_id))
        return record if record and (hidden or self._visible(record)) else None

    def get_record(self, kind: str, yotpo_id: str | int, *, hidden: bool = False) -> Document:
        """Return a record by its id.

        :raises ApiError: 404 if there is none
        """
        record = self.find(kind, yotpo_id, hidden=hidden)
        if record is None:
            raise ApiError(404, f"{kind.capitalize()} {yotpo_id} was not found")
        return record

    def list_records(self, kind: str, yotpo_ids: Sequence[int]) -> list[Document]:
        """Return records by their ids, in that order."""
        ids = [str(each) for each in yotpo_ids]
        by_id = {record["_id"]: record for record in self._store.select("yotpo", self.store_id, kind, ids=ids)}
        return [by_id[yotpo_id] for yotpo_id in yotpo_ids if yotpo_id in by_id]

    def is_older_than(self, record: Document, seconds: float) -> bool:
        """Return True if a record was created at least ``seconds`` ago."""
        return bool(self._clock() - record["_created"] >= seconds)

    def select(self, kind: str, external_ids: Sequence[str] | None, *, hidden: bool = False) -> list[Document]:
        """Return records by ascending id: all, or those with these external ids.

        :param hidden: include records that are not visible yet, as writes do
        """
        if external_ids is None:
            records = self._store.select("yotpo", self.store_id, kind)
        else:
            yotpo_ids = [self.id_of(kind, each) for each in dict.fromkeys(external_ids)]
            records = self.list_records(kind, [each for each in yotpo_ids if each is not None])
        return sorted((each for each in records if hidden or self._visible(each)), key=lambda each: int(each["_id"]))

    def _visible(self, record: Document) -> bool:
        return bool(record.get("_visible", 0) <= self._clock())

    def _write(self, kind: str, id_: str, record: Document) -> None:
        self._store.put("yotpo", self.store_id, kind, id_, record, at=format_timestamp(self._sandbox.clock()))


def omit_null_cursor(cursor: str | None) -> Document:
    """Return ``pagination`` of orders and fulfillments, which is empty on the last page, as recorded."""
    return {"next_page_info": cursor} if cursor else {}


def merge_fields(present: Any, values: Any) -> Any:
    """Merge objects key by key, and replace anything else."""
    if not (isinstance(present, dict) and isinstance(values, dict)):
        return values
    return present | {key: merge_fields(present.get(key), value) for key, value in values.items()}


def visible_fields(record: Document, keys: Iterable[str] | None = None) -> Document:
    """Return a record without the sandbox's own keys.

    :param keys: show exactly these keys, with null where nothing is set; otherwise the keys that are set
    """
    if keys is not None:
        return {key: record.get(key) for key in keys}
    return {key: value for key, value in record.items() if not key.startswith("_")}


class ListQuery:
    """The query of one page: ``limit``, and ``page_info`` or filters.

    :param resource: the list; a cursor is valid for the list that issued it
    :param filters: filters of the list; other parameters are ignored
    :raises ApiError: 400 for a wrong limit, an invalid cursor, or a cursor together with filters
    """

    def __init__(
        self, params: Sequence[tuple[str, str]], *, resource: str, filters: Sequence[str], switches: Mapping[str, Any]
    ) -> None:
        values = dict(params)
        self._resource = resource
        self._switches = switches
        self.after = 0
        self.limit = self._read_limit(values.get("limit"))
        if "page_info" not in values:
            self.filters = {name: value for name, value in values.items() if name in filters}
            return
        if others := values.keys() - {"page_info", "limit"}:
            raise ApiError(400, f"page_info can't be combined with {', '.join(sorted(others))}")
        self.after, self.filters = self._read_cursor(values["page_info"])

    def external_ids(self) -> list[str] | None:
        """Return the external ids of the filter, or ``None`` without that filter."""
        text = self.filters.get("external_ids")
        form = self._switches["yotpo.external_ids_list"]
        if text is None or form == "ignored":
            return None
        if form == "nothing":  # a list is read as one id, which no record has
            return [text]
        ids = [each.strip() for each in text.split(",")]
        return ids[:1] if form == "first" else ids

    def timestamp(self, name: str) -> str | None:
        """Return the timestamp of a filter, in the form of the records."""
        text = self.filters.get(name)
        try:
            return None if text is None else parse_timestamp(text)
        except InvalidValueError as error:
            raise ApiError(400, f"{name} {error}") from None

    def take_page(self, records: Sequence[Document]) -> tuple[list[Document], str | None]:
        """Return the records of this page, and the cursor of the next page if there is one."""
        following = [each for each in records if each["_id"] > self.after]
        page = following[: self.limit]
        return page, self._cursor(page[-1]["_id"]) if len(following) > self.limit else None

    def _read_limit(self, text: str | None) -> int:
        if text is None:
            return int(self._switches["yotpo.default_limit"])
        if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 100):
            raise ApiError(400, "limit must be a number from 1 to 100")
        return int(text)

    def _cursor(self, after: int) -> str:
        text = json.dumps([self._resource, after, self.filters], ensure_ascii=False)
        cursor = base64.b64encode(text.encode()).decode()
        # One client got cursors that are URL-encoded already and must be decoded once before they are sent again:
        # https://github.com/singer-io/tap-yotpo
        return quote(cursor, safe="") if self._switches["yotpo.cursor"] == "encoded" else cursor

    def _read_cursor(self, cursor: str) -> tuple[int, dict[str, str]]:
        try:
            resource, after, filters = json.loads(base64.b64decode(cursor, validate=True))
        except (binascii.Error, ValueError, TypeError):
            resource, after, filters = None, 0, {}
        if resource != self._resource or not isinstance(after, int) or not isinstance(filters, dict):
            raise ApiError(400, "page_info is invalid")
        return after, filters
