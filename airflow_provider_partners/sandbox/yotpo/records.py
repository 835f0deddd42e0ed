"""One Yotpo store's records: ids, uniqueness of external ids, visibility, and the pages of a list.

Everything is in the sandbox's documents, so that it survives a restart on a file. A record keeps what only the sandbox
needs under keys that begin with an underscore; no answer shows them. It must not know which properties records have.
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
from airflow_provider_partners.sandbox.yotpo.validation import InvalidValueError, naive, read_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# Live ids have ten digits and exceed 32 bits; each store has a range of its own.
_FIRST_ID = 4_300_000_000
_RANGE = 1_000_000


class Records:
    """The records of one store.

    :param clock: epoch seconds by which new records become visible
    """

    def __init__(self, *, sandbox: Sandbox, store_id: str, clock: Callable[[], float]) -> None:
        self.store_id = store_id
        self.switches = sandbox.switches
        self._sandbox = sandbox
        self._store = sandbox.store
        self._clock = clock

    def now(self) -> str:
        """The time written into ``created_at`` and ``updated_at``."""
        return naive(self._sandbox.clock())

    def days_since(self, text: str) -> float:
        """Days from a stored time to now, negative for the future."""
        then = datetime.fromisoformat(f"{text}+00:00")
        return (self._sandbox.clock() - then).total_seconds() / 86400

    def new_id(self, count: int = 1) -> int:
        """The next id of this store, the first of ``count`` taken at once."""
        counter = self._store.get("yotpo", self.store_id, "counter", "ids")
        start = _FIRST_ID + zlib.crc32(self.store_id.encode()) % 5000 * _RANGE
        number: int = counter["next"] if counter else start
        self._write("counter", "ids", {"next": number + count})
        return number

    def add(self, kind: str, record: Document, *, lag: float = 0) -> None:
        """Store a new record and claim its external id.

        :param lag: seconds until it can be read
        """
        self.save(kind, record | {"_visible": self._clock() + lag, "_created": self._clock()})
        if external_id := record.get("external_id"):
            self._write(f"{kind}_key", external_id, {"yotpo_id": record["_id"]})

    def save(self, kind: str, *records: Document) -> None:
        """Add or replace records, by their ``_id``."""
        at = format_timestamp(self._sandbox.clock())
        rows = [(str(record["_id"]), at, record) for record in records]
        self._store.put_many("yotpo", self.store_id, kind, rows)

    def rename(self, kind: str, number: int, old: str, new: str) -> None:
        """Give a record another external id."""
        self._store.delete("yotpo", self.store_id, f"{kind}_key", old)
        self._write(f"{kind}_key", new, {"yotpo_id": number})

    def number_of(self, kind: str, external_id: str) -> int | None:
        """The id of the record with this external id, visible or not."""
        found = self._store.get("yotpo", self.store_id, f"{kind}_key", external_id)
        return int(found["yotpo_id"]) if found else None

    def find(self, kind: str, number: str | int, *, hidden: bool = False) -> Document | None:
        """A record by its id; ``hidden`` ones too, for writes."""
        record = self._store.get("yotpo", self.store_id, kind, str(number))
        return record if record and (hidden or self._visible(record)) else None

    def get_record(self, kind: str, number: str | int, *, hidden: bool = False) -> Document:
        """A record by its id.

        :raises Refusal: 404 if there is none
        """
        record = self.find(kind, number, hidden=hidden)
        if record is None:
            raise ApiError(404, f"{kind.capitalize()} {number} was not found")
        return record

    def list_records(self, kind: str, numbers: Sequence[int]) -> list[Document]:
        """Records by their ids, in that order."""
        ids = [str(each) for each in numbers]
        found = {record["_id"]: record for record in self._store.select("yotpo", self.store_id, kind, ids=ids)}
        return [found[number] for number in numbers if number in found]

    def settled(self, record: Document, seconds: float) -> bool:
        """Whether a record was made at least ``seconds`` ago."""
        return bool(self._clock() - record["_created"] >= seconds)

    def select(self, kind: str, external_ids: Sequence[str] | None, *, hidden: bool = False) -> list[Document]:
        """Records by rising id, all or those with the external ids; ``hidden`` ones too, for writes."""
        if external_ids is None:
            found = self._store.select("yotpo", self.store_id, kind)
        else:
            numbers = [self.number_of(kind, each) for each in dict.fromkeys(external_ids)]
            found = self.list_records(kind, [each for each in numbers if each is not None])
        return sorted((each for each in found if hidden or self._visible(each)), key=_number)

    def _visible(self, record: Document) -> bool:
        return bool(record.get("_visible", 0) <= self._clock())

    def _write(self, kind: str, id_: str, record: Document) -> None:
        self._store.put("yotpo", self.store_id, kind, id_, record, at=format_timestamp(self._sandbox.clock()))


def _number(record: Document) -> int:
    return int(record["_id"])


def ended(cursor: str | None) -> Document:
    """``pagination`` as orders and fulfillments have it: empty at the end of the list (recorded)."""
    return {"next_page_info": cursor} if cursor else {}


def merge_fields(present: Any, given: Any) -> Any:
    """Objects key by key, anything else replaced."""
    if not (isinstance(present, dict) and isinstance(given, dict)):
        return given
    return present | {key: merge_fields(present.get(key), value) for key, value in given.items()}


def visible_fields(record: Document, keys: Iterable[str] | None = None) -> Document:
    """A record as it is answered: without what is the sandbox's own.

    :param keys: all keys to show, null where unset, as products do; without it, those that are set
    """
    if keys is not None:
        return {key: record.get(key) for key in keys}
    return {key: value for key, value in record.items() if not key.startswith("_")}


class ListQuery:
    """Which page of a list is asked for, by ``limit`` and ``page_info`` or by filters.

    :param resource: a cursor is good for the list that gave it alone
    :param filters: the filters the list has; parameters it doesn't know are ignored, as Yotpo seems to do
    :raises Refusal: 400 for a limit out of bounds, a cursor that is none, or a cursor beside filters
    """

    def __init__(
        self, params: Sequence[tuple[str, str]], *, resource: str, filters: Sequence[str], switches: Mapping[str, Any]
    ) -> None:
        given = dict(params)
        self._resource = resource
        self._switches = switches
        self.after = 0
        self.limit = self._read_limit(given.get("limit"))
        if "page_info" not in given:
            self.filters = {name: value for name, value in given.items() if name in filters}
            return
        if others := given.keys() - {"page_info", "limit"}:
            raise ApiError(400, f"page_info can't be combined with {', '.join(sorted(others))}")
        self.after, self.filters = self._read_cursor(given["page_info"])

    def external_ids(self) -> list[str] | None:
        """The external ids filtered by, ``None`` without that filter."""
        text = self.filters.get("external_ids")
        if text is None:
            return None
        form = self._switches["yotpo.external_ids_list"]
        if form == "nothing":  # a list is taken for one id, which nobody has
            return [text]
        found = [each.strip() for each in text.split(",")]
        return found[:1] if form == "first" else found

    def time(self, name: str) -> str | None:
        """A time filtered by, as records keep it."""
        text = self.filters.get(name)
        try:
            return None if text is None else read_time(text)
        except InvalidValueError as wrong:
            raise ApiError(400, f"{name} {wrong}") from None

    def take_page(self, records: Sequence[Document]) -> tuple[list[Document], str | None]:
        """The records of the page asked for, and the cursor of the next if there is one."""
        rest = [each for each in records if each["_id"] > self.after]
        page = rest[: self.limit]
        return page, self._cursor(page[-1]["_id"]) if len(rest) > self.limit else None

    def _read_limit(self, text: str | None) -> int:
        if text is None:
            return int(self._switches["yotpo.default_limit"])
        if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 100):
            raise ApiError(400, "limit must be a number from 1 to 100")
        return int(text)

    def _cursor(self, after: int) -> str:
        text = json.dumps([self._resource, after, self.filters], ensure_ascii=False)
        cursor = base64.b64encode(text.encode()).decode()
        # One client found cursors already URL-encoded, which must be decoded once before they are sent again.
        return quote(cursor, safe="") if self._switches["yotpo.cursor"] == "encoded" else cursor

    def _read_cursor(self, cursor: str) -> tuple[int, dict[str, str]]:
        try:
            resource, after, filters = json.loads(base64.b64decode(cursor, validate=True))
        except (binascii.Error, ValueError, TypeError):
            resource, after, filters = None, 0, {}
        if resource != self._resource or not isinstance(after, int) or not isinstance(filters, dict):
            raise ApiError(400, "page_info is invalid")
        return after, filters
