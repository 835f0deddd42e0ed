"""Cursors of Voucherify's second loyalty API: opaque, bound to one walk of one list, good for a while.

It must not know how rows are chosen.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace
from datetime import timedelta

from airflow_provider_partners.sandbox.store import Document, Sandbox
from airflow_provider_partners.sandbox.voucherify.lists.paths import Listing
from airflow_provider_partners.sandbox.voucherify.query import Query
from airflow_provider_partners.sandbox.voucherify.errors import ApiError, api_error

# Two prefixes are documented by example; the others follow them.
_PREFIXES = {
    "loyalty_programs": "prg",
    "loyalty_program_members": "mbr",
    "loyalty_program_card_transactions": "ctx",
}


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a walk stands."""

    kind: str
    scope: str
    query: Query
    last: str
    expires_at: float


class Cursors:
    """Gives cursors and knows them again."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}

    def issue(self, listing: Listing, scope: str, query: Query, last: Document) -> Document:
        """The cursor after a row, as the envelope has it."""
        id_ = _identity(last)
        expires = self._sandbox.clock() + timedelta(seconds=self._sandbox.switches["voucherify.cursor_seconds"])
        digest = hashlib.sha256("/".join((listing.kind, scope, query.identity(), id_)).encode()).hexdigest()[:18]
        token = f"lcrs{_PREFIXES.get(listing.kind, 'lst')}_{digest}"
        place = _Place(kind=listing.kind, scope=scope, query=query, last=id_, expires_at=expires.timestamp())
        with self._lock:
            self._places[token] = place
        return {
            "next": token,
            "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%S.") + f"{expires.microsecond // 1000:03}Z",
        }

    def resolve(self, token: str, listing: Listing, scope: str, query: Query) -> tuple[Query, str]:
        """The walk that a cursor goes on with, its page size as asked for now, and the row it stands after.

        :raises Refused: 400 if it is of another list, or expired
        """
        with self._lock:
            place = self._places.get(token)
        if place is None or (place.kind, place.scope) != (listing.kind, scope):
            raise _stale_cursor_error()
        if self._sandbox.clock().timestamp() >= place.expires_at:
            raise _stale_cursor_error()
        return replace(place.query, limit=query.limit if "limit" in query.parameters else place.query.limit), place.last

    @staticmethod
    def position(rows: list[Document], last: str) -> int:
        """The first row after the one that a cursor stands after.

        :raises Refused: 400 if that one is gone
        """
        for number, row in enumerate(rows):
            if _identity(row) == last:
                return number + 1
        raise _stale_cursor_error()


def _identity(row: Document) -> str:
    """A row's id; what is assigned to a program has none, but comes first with that of what it is: ``reward_id``."""
    return str(row.get("id") or next(value for name, value in row.items() if name.endswith("_id")))


def _stale_cursor_error() -> ApiError:
    return api_error(
        400,
        "invalid_or_expired_cursor",
        "Invalid or expired cursor",
        "The provided cursor is invalid or has expired",
    )
