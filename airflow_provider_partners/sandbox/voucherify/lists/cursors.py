"""Cursors of Voucherify's second loyalty API: opaque, valid for one query of one list, and for a limited time."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace
from datetime import timedelta

from airflow_provider_partners.sandbox.store import Document, Sandbox
from airflow_provider_partners.sandbox.voucherify.errors import ApiError, api_error
from airflow_provider_partners.sandbox.voucherify.lists.paths import Listing
from airflow_provider_partners.sandbox.voucherify.query import Query
from airflow_provider_partners.timestamps import isoformat

# The documentation's examples have these prefixes; those of other lists are unknown.
_PREFIXES = {
    "loyalty_programs": "prg",
    "loyalty_program_members": "mbr",
    "loyalty_program_card_transactions": "ctx",
}


@dataclass(frozen=True, kw_only=True)
class _Position:
    """The query that a cursor belongs to, and the last record before it."""

    kind: str
    scope: str
    query: Query
    last: str
    expires_at: float


class Cursors:
    """Issues cursors and resolves them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._positions: dict[str, _Position] = {}

    def issue(self, listing: Listing, scope: str, query: Query, last: Document) -> Document:
        """Return the envelope's cursor after a record."""
        id_ = _record_id(last)
        expires = self._sandbox.clock() + timedelta(seconds=self._sandbox.switches["voucherify.cursor_seconds"])
        digest = hashlib.sha256("/".join((listing.kind, scope, query.identity(), id_)).encode()).hexdigest()[:18]
        token = f"lcrs{_PREFIXES.get(listing.kind, 'lst')}_{digest}"
        position = _Position(kind=listing.kind, scope=scope, query=query, last=id_, expires_at=expires.timestamp())
        with self._lock:
            self._positions[token] = position
        return {"next": token, "expires_at": isoformat(expires, timespec="milliseconds")}

    def resolve(self, token: str, listing: Listing, scope: str, query: Query) -> tuple[Query, str]:
        """Return the query that a cursor continues, with this request's page size, and the id of the record before it.

        :raises ApiError: 400 for a cursor of another list, or an expired one
        """
        with self._lock:
            position = self._positions.get(token)
        if position is None or (position.kind, position.scope) != (listing.kind, scope):
            raise _stale_cursor_error()
        if self._sandbox.clock().timestamp() >= position.expires_at:
            raise _stale_cursor_error()
        limit = query.limit if "limit" in query.parameters else position.query.limit
        return replace(position.query, limit=limit), position.last

    @staticmethod
    def start_index(records: list[Document], last: str) -> int:
        """Return the index of the first record after the cursor.

        :raises ApiError: 400 if the record before the cursor was removed
        """
        for number, record in enumerate(records):
            if _record_id(record) == last:
                return number + 1
        raise _stale_cursor_error()


def _record_id(record: Document) -> str:
    """Return a record's id, or for an assignment to a program, which has none, the id of the assigned object."""
    return str(record.get("id") or next(value for name, value in record.items() if name.endswith("_id")))


def _stale_cursor_error() -> ApiError:
    return api_error(
        400,
        "invalid_or_expired_cursor",
        "Invalid or expired cursor",
        "The provided cursor is invalid or has expired",
    )
