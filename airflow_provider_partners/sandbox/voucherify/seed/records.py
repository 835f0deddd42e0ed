"""Voucherify's records before they are stored, and the form of its ids and timestamps.

A list of the API is a kind and a scope. The scope is what the path names the parents by, joined by slashes: the code
for a voucher's own lists, the id for all others.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.random_streams import hexadecimal, stream
from airflow_provider_partners.sandbox.store import Document, Store
from airflow_provider_partners.timestamps import isoformat

PARTNER = "voucherify"
#: Kind and scope of a list.
ListKey = tuple[str, str]
_ALPHABET = string.digits + string.ascii_letters
# Length of an id by prefix, as in the examples of https://github.com/voucherifyio/voucherify-openapi.
_LENGTHS = {"v": 32, "pub": 32, "user": 32, "track": 32, "val": 12, "asgm": 16}
_DEFAULT_LENGTH = 24


def letter_id(rng: Random, prefix: str) -> str:
    """Return an id of letters and digits, as most older objects have: ``cust_ypePCF6IU6fnUvec6RMXZuH4``."""
    return f"{prefix}_{''.join(rng.choices(_ALPHABET, k=_LENGTHS.get(prefix, _DEFAULT_LENGTH)))}"


def digit_id(rng: Random, prefix: str, at: datetime) -> str:
    """Return an id of 18 hexadecimal digits that grows with time: ``r_0bc92f81a6801f9bca``."""
    return f"{prefix}_{int(at.timestamp() * 1000):012x}{hexadecimal(rng, 6)}"


def format_timestamp_ms(at: datetime) -> str:
    """Return a timestamp as the API has it, with milliseconds: ``2026-05-20T13:59:59.120Z``."""
    return isoformat(at, timespec="milliseconds")


def project_id(seed: int) -> str:
    """Return the id of a world's project."""
    return f"proj_{hexadecimal(stream(seed, PARTNER, 'project'), 18)}"


class SeedRecords:
    """The records of one project while they are made.

    Each subject has its own random numbers. A new subject therefore leaves the other records as they are.

    :param seed: the world's seed
    :param shop: domain of the project's shop
    :param now: the world's current time
    """

    def __init__(self, *, seed: int, shop: str, now: datetime) -> None:
        self.seed, self.shop, self.now = seed, shop, now
        self._lists: dict[ListKey, dict[str, tuple[str, Document]]] = {}

    @property
    def project_id(self) -> str:
        """The project's id in the management API."""
        return project_id(self.seed)

    def random_stream(self, *subject: str | int) -> Random:
        """Return the random numbers of one subject."""
        return stream(self.seed, PARTNER, *subject)

    def days_ago(self, days: float) -> datetime:
        """Return the time some days before the world's current time, in whole milliseconds."""
        at = self.now - timedelta(days=days)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def add(self, kind: str, body: Document, *, scope: str = "", key: str = "", at: str = "") -> Document:
        """Add a record to a list and return it. The record may still change.

        :param scope: scope of a list with parents
        :param key: id of a record without one
        :param at: timestamp of a record without one
        """
        record = (at or body.get("created_at") or body["date"], body)
        self._lists.setdefault((kind, scope), {})[key or body["id"]] = record
        return body

    def list_records(self, kind: str, scope: str = "") -> list[Document]:
        """Return the records of a list in the order in which they were added."""
        return [body for _, body in self._lists.get((kind, scope), {}).values()]

    def store(self, store: Store) -> None:
        """Store all records."""
        store_lists(
            store,
            {index: ((key, at, body) for key, (at, body) in records.items()) for index, records in self._lists.items()},
        )


def store_lists(store: Store, lists: Mapping[ListKey, Iterable[tuple[str, str, Document]]]) -> None:
    """Store the records of many lists in one transaction, which is much faster than list by list.

    :param lists: ``(id, timestamp, record)`` by list
    """
    json_lists = {
        (scope, kind): [(key, at, json.dumps(body, ensure_ascii=False)) for key, at, body in records]
        for (kind, scope), records in lists.items()
    }
    store.put_lists(PARTNER, json_lists)
