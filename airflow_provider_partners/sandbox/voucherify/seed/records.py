"""The sheets that Voucherify's records are written on before they are stored, and how its ids and times look.

A list of the API is a kind and, below another record, a scope: what the path names the parents by, joined by slashes.
That is the code for a voucher's own lists and the id elsewhere. Knows nothing of what is in a record.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.random_streams import hexadecimal, stream
from airflow_provider_partners.sandbox.store import Document, Store

PARTNER = "voucherify"
#: A kind of list and the scope it is kept under.
Place = tuple[str, str]
_ALPHABET = string.digits + string.ascii_letters
# Kinds of records that the OpenAPI file shows with ids of letters and digits, by prefix.
_LENGTHS = {"v": 32, "pub": 32, "user": 32, "track": 32, "val": 12, "asgm": 16}
_USUAL_LENGTH = 24


def letter_id(chance: Random, prefix: str) -> str:
    """An id of letters and digits, as most records of the first years have: ``cust_ypePCF6IU6fnUvec6RMXZuH4``."""
    return f"{prefix}_{''.join(chance.choices(_ALPHABET, k=_LENGTHS.get(prefix, _USUAL_LENGTH)))}"


def digit_id(chance: Random, prefix: str, at: datetime) -> str:
    """An id of 18 hexadecimal digits, which grows with time: ``r_0bc92f81a6801f9bca``."""
    return f"{prefix}_{int(at.timestamp() * 1000):012x}{hexadecimal(chance, 6)}"


def format_timestamp_ms(at: datetime) -> str:
    """A time as the API writes it, in milliseconds: ``2026-05-20T13:59:59.120Z``."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def parse_timestamp(text: str) -> datetime:
    """A time as the API, or Shopify, writes it."""
    return datetime.fromisoformat(text)


def project_id(seed: int) -> str:
    """The id of the one project of a world."""
    return f"proj_{hexadecimal(stream(seed, PARTNER, 'project'), 18)}"


class SeedRecords:
    """Voucherify's records of one project while they are made.

    Each subject has a stream of chance of its own, so that one more kind of record leaves the others as they were.

    :param seed: of the world
    :param shop: the domain of the shop whose project it is
    :param now: the day of the world
    """

    def __init__(self, *, seed: int, shop: str, now: datetime) -> None:
        self.seed, self.shop, self.now = seed, shop, now
        self._lists: dict[Place, dict[str, tuple[str, Document]]] = {}

    @property
    def project_id(self) -> str:
        """The project's id at the management API."""
        return project_id(self.seed)

    def random_stream(self, *subject: str | int) -> Random:
        """The random numbers of one subject."""
        return stream(self.seed, PARTNER, *subject)

    def days_ago(self, days: float) -> datetime:
        """So many days before the day of the world, in whole milliseconds."""
        at = self.now - timedelta(days=days)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def add(self, kind: str, body: Document, *, scope: str = "", key: str = "", at: str = "") -> Document:
        """Write a record into a list; the record, which may still be changed.

        :param scope: where the list is below other records
        :param key: its id, where the record has none of its own
        :param at: its time, where it has none
        """
        row = (at or body.get("created_at") or body["date"], body)
        self._lists.setdefault((kind, scope), {})[key or body["id"]] = row
        return body

    def list_records(self, kind: str, scope: str = "") -> list[Document]:
        """The records of a list, as they were written."""
        return [body for _, body in self._lists.get((kind, scope), {}).values()]

    def store(self, store: Store) -> None:
        """Store all."""
        store_lists(
            store,
            {place: ((key, at, body) for key, (at, body) in rows.items()) for place, rows in self._lists.items()},
        )


def store_lists(store: Store, lists: Mapping[Place, Iterable[tuple[str, str, Document]]]) -> None:
    """Store rows, ``(id, at, record)``, of many lists at once; a file would take long to be written list by list."""
    texts = {
        (scope, kind): [(key, at, json.dumps(body, ensure_ascii=False)) for key, at, body in rows]
        for (kind, scope), rows in lists.items()
    }
    store.put_lists(PARTNER, texts)
