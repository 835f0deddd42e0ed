"""Shopify's bulk operations as such: begun, found, watched and stopped, and what Shopify says when it won't.

Versions differ: before 2026-01 a shop runs one bulk query of an app at a time and shows the latest alone; since then
five, and a list of all. Must not know what an operation asks for, nor its file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.api.shopify.graphql import GraphQLCaller, is_at_least
from airflow_provider_partners.api.shopify.shops import parse_timestamp
from airflow_provider_partners.api.shopify_admin import documents
from airflow_provider_partners.exceptions import (
    ConfigurationError,
    PagingError,
    PartnersError,
    ThrottledError,
    UnexpectedResponseError,
)

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

PARTNER = "Shopify Admin"

FIRST_LISTING_VERSION = "2026-01"
"""The first version that lists bulk operations."""

MAX_QUERY_BYTES = 65_535
"""Bytes that Shopify takes of a bulk operation's text."""

BUSY_WAIT = 60.0
"""Seconds until it is worth asking again when others are in the way."""

_LIST_PAGE_SIZE = 50
_ID = re.compile(r"gid://shopify/BulkOperation/\d+")
_GROUPED = re.compile(rf"\s*query\s+\w*{documents.GROUPED_SUFFIX}\b")

ACTIVE_STATUSES = frozenset({"CREATED", "RUNNING"})
USABLE_STATUSES = ACTIVE_STATUSES | {"COMPLETED"}
"""What a bulk operation that is found again must be; the others ended without a result, or are about to."""

STATE_BY_STATUS = dict.fromkeys((*ACTIVE_STATUSES, "CANCELING"), JobState.RUNNING) | {
    "COMPLETED": JobState.DONE,
    "FAILED": JobState.FAILED,
    "CANCELED": JobState.FAILED,
    "EXPIRED": JobState.FAILED,
}

FAILURE_REASONS = {
    "ACCESS_DENIED": "the app lost its access while the bulk operation ran, or lacks a scope for one of the fields: "
    "check its scopes and its approval for protected customer data",
    "INTERNAL_SERVER_ERROR": "Shopify failed at it; another try may pass",
    "TIMEOUT": "it took Shopify too long: ask for a shorter window, for fewer 'fields', or page by page",
    "FAILED": "it failed, and Shopify doesn't say why",
    "CANCELED": "it was cancelled, by someone or by Shopify, which stops what doesn't get on",
    "EXPIRED": "its result is older than the seven days that Shopify keeps it",
}
"""Why there is no result, by error code or else by status, with the next step."""

BUSY_REMEDY = (
    "It is tried again. Only operations of this same app count: another integration that uses the app, or another Dag "
    "of yours, has them under way."
)


class BulkOperations:
    """The bulk operations of one app in one shop; threads share one.

    :param caller: sends the documents
    """

    def __init__(self, caller: GraphQLCaller) -> None:
        self._caller = caller

    def run(self, query: str) -> tuple[str | None, list[Record]]:
        """Begin one.

        :param query: what it asks for
        :returns: its id, or what Shopify has against it
        :raises ConfigurationError: when the text is too long
        """
        if (size := len(query.encode())) > MAX_QUERY_BYTES:
            message = f"the bulk operation's query has {size:,} bytes, Shopify takes {MAX_QUERY_BYTES:,}"
            raise ConfigurationError(message, remedy="Shorten 'query' or 'fields'.", partner=PARTNER)
        variables = {"query": query, "groupObjects": is_grouped(query)}
        answer = self._caller.execute(documents.BULK_RUN, variables, label="bulk.run").data
        payload = answer.get("bulkOperationRunQuery") or {}
        begun, errors = payload.get("bulkOperation") or {}, payload.get("userErrors") or []
        if not begun.get("id") and not errors:
            message = "Shopify neither began a bulk operation nor said why"
            raise UnexpectedResponseError(message, partner=PARTNER)
        return (None if errors else str(begun["id"])), errors

    def get(self, *job_ids: str) -> list[Record]:
        """Those of some ids that exist.

        :param job_ids: global ids
        """
        data = self._caller.execute(documents.BULK_BY_ID, {"ids": list(job_ids)}, label="bulk.status").data
        return [node for node in data.get("nodes") or [] if node and node.get("id")]

    def created_since(self, timestamp: datetime) -> Iterator[Record]:
        """Queries begun from some moment on, as far as the version shows them.

        :param timestamp: an aware time
        """
        shown = (
            self._list_operations(timestamp)
            if is_at_least(self._caller.api_version, FIRST_LISTING_VERSION)
            else self._current_operation()
        )
        return (each for each in shown if parse_timestamp(each["createdAt"]) >= timestamp)

    def cancel(self, job_id: str) -> str:
        """Stop one, unless it has ended.

        :param job_id: its global id
        :returns: what Shopify has against it; empty when it stops
        """
        answer = self._caller.execute(documents.BULK_CANCEL, {"id": job_id}, label="bulk.cancel").data
        errors = (answer.get("bulkOperationCancel") or {}).get("userErrors") or []
        return "; ".join(str(error.get("message")) for error in errors)

    def status(self, job_id: str) -> JobStatus:
        """Where one stands.

        :param job_id: its global id
        """
        return parse_status(job_id, next(iter(self.get(job_id)), None))

    def _list_operations(self, timestamp: datetime) -> Iterator[Record]:
        since = timestamp.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        query = f"operation_type:query AND created_at:>='{since}'"
        after: str | None = None
        while True:
            variables = {"first": _LIST_PAGE_SIZE, "after": after, "query": query}
            data = self._caller.execute(documents.BULK_RECENT, variables, label="bulk.list").data
            yield from data["bulkOperations"]["nodes"]
            info = data["bulkOperations"]["pageInfo"]
            if not info["hasNextPage"]:
                return
            if info["endCursor"] in {None, after}:
                message = "the list of bulk operations goes on without getting on"
                raise PagingError(message, remedy="Shopify's paging loops; try again.", partner=PARTNER)
            after = info["endCursor"]

    def _current_operation(self) -> Iterator[Record]:
        if found := self._caller.execute(documents.BULK_CURRENT, label="bulk.current").data["currentBulkOperation"]:
            yield found


def parse_status(job_id: str, operation: Record | None) -> JobStatus:
    """What an operation's fields say.

    :param job_id: its id
    :param operation: as Shopify shows it; ``None`` when there is none of this id
    """
    if operation is None:
        return JobStatus(
            job_id=job_id, state=JobState.FAILED, partner_status="", reason="Shopify has no bulk operation of this id"
        )
    said = str(operation["status"])
    state = STATE_BY_STATUS.get(said)
    if state is None:
        message = f"the bulk operation {job_id} has the status {said!r}, which isn't known"
        raise UnexpectedResponseError(message, partner=PARTNER)
    reason = ""
    if state is JobState.DONE and not operation.get("url") and object_count(operation):
        # Taking this for an empty result would lose all of it without a word.
        state, reason = JobState.FAILED, f"Shopify counted {object_count(operation)} objects, but gives no file of them"
    elif is_partial(operation):
        state, reason = JobState.DONE, f"in part; the rest is read page by page ({_failure_reason(operation)})"
    elif state is JobState.FAILED:
        reason = _failure_reason(operation)
    return JobStatus(
        job_id=job_id,
        state=state,
        partner_status=said,
        record_count=_parse_count(operation, "rootObjectCount"),
        reason=reason,
    )


def is_partial(operation: Record) -> bool:
    """Whether an operation failed, but left a file of which all but the last object is known to be whole.

    :param operation: as Shopify shows it
    """
    usable = operation.get("partialDataUrl") and is_grouped(str(operation.get("query") or ""))
    return operation["status"] == "FAILED" and bool(usable)


def is_grouped(query: str) -> bool:
    """Whether each object's inner lines follow right behind it in the file; the operation's name tells.

    :param query: what an operation asks for
    """
    return bool(_GROUPED.match(query))


def object_count(operation: Record) -> int:
    """How many lines the operation's file has to have.

    :param operation: as Shopify shows it
    """
    return _parse_count(operation, "objectCount") or 0


def root_count(operation: Record) -> int:
    """How many of them are objects of the list itself.

    :param operation: as Shopify shows it
    """
    return _parse_count(operation, "rootObjectCount") or 0


def blocking_operations(errors: list[Record]) -> list[str]:
    """The ids of operations that keep another one from beginning.

    :param errors: what Shopify has against it
    """
    return [found for error in errors for found in _ID.findall(str(error.get("message") or ""))]


def refusal_error(errors: list[Record]) -> PartnersError:
    """What it means that Shopify refuses an operation: others are in the way, or its text is wrong.

    :param errors: what Shopify has against it
    """
    told = "; ".join(str(error.get("message") or "no explanation given") for error in errors)
    codes = {str(error.get("code") or "") for error in errors}
    if codes & {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}:
        message = f"there is no room for another bulk operation: {told}"
        return ThrottledError(message, retry_after=BUSY_WAIT, remedy=BUSY_REMEDY, partner=PARTNER)
    message = f"Shopify refused the bulk operation: {told}"
    if codes <= {"INVALID", ""}:
        remedy = "Correct 'query' or 'fields': a bulk operation takes no connections inside of lists, for instance."
        return ConfigurationError(message, remedy=remedy, partner=PARTNER)
    return UnexpectedResponseError(message, partner=PARTNER)


def _failure_reason(operation: Record) -> str:
    said, code = str(operation["status"]), str(operation.get("errorCode") or "")
    return f"{code or said}: {FAILURE_REASONS.get(code) or FAILURE_REASONS[said]}"


def _parse_count(operation: Record, name: str) -> int | None:
    value: Any = operation.get(name)
    return int(value) if str(value or "").isdigit() else None
