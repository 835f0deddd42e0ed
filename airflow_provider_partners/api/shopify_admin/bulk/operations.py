"""Start, list, check and cancel Shopify's bulk operations, and read their errors.

Before version 2026-01 a shop runs one bulk query of an app at a time and shows only the latest. Later versions run five
and list them all. See https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.async_job import JobRefusedError, JobState, JobStatus
from airflow_provider_partners.api.shopify.graphql import GraphQLCaller, is_at_least
from airflow_provider_partners.api.shopify.timestamps import record_timestamp
from airflow_provider_partners.api.shopify_admin import documents
from airflow_provider_partners.exceptions import (
    PagingError,
    PartnersError,
    ThrottledError,
    UnexpectedResponseError,
)
from airflow_provider_partners.records import encode_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from airflow_provider_partners.records import Record

PARTNER = "Shopify Admin"

FIRST_LISTING_VERSION = "2026-01"
"""The first version that lists bulk operations."""

MAX_QUERY_BYTES = 65_535
"""Size limit of a bulk operation's query."""

BUSY_WAIT = 60.0
"""Seconds to wait while other operations are running."""

_LIST_PAGE_SIZE = 50
_ID = re.compile(r"gid://shopify/BulkOperation/\d+")
_BUSY_MESSAGE = re.compile(r"\balready (in progress|running)\b", re.IGNORECASE)
"""``code`` is nullable, and Shopify's examples have refusals without one."""
_GROUPED = re.compile(rf"\s*query\s+\w*{documents.GROUPED_SUFFIX}\b")

ACTIVE_STATUSES = frozenset({"CREATED", "RUNNING"})
USABLE_STATUSES = ACTIVE_STATUSES | {"COMPLETED"}
"""Statuses of an operation that can be used again. All other operations have no result, or will have none."""

STATE_BY_STATUS = dict.fromkeys((*ACTIVE_STATUSES, "CANCELING"), JobState.RUNNING) | {
    "COMPLETED": JobState.DONE,
    "FAILED": JobState.FAILED,
    "CANCELED": JobState.FAILED,
    "EXPIRED": JobState.FAILED,
}

FAILURE_REASONS = {
    "ACCESS_DENIED": "the app lost its access while the bulk operation ran, or lacks a scope for one of the fields: "
    "check its scopes and its approval for protected customer data",
    "INTERNAL_SERVER_ERROR": "Shopify had an internal error; another try may succeed",
    "TIMEOUT": "it took Shopify too long: use a shorter window or fewer 'fields', or read page by page",
    "FAILED": "it failed, and Shopify gives no reason",
    "CANCELED": "it was cancelled, by a user or by Shopify, which stops operations without progress",
    "EXPIRED": "Shopify keeps a result for seven days, and this one is older",
}
"""The reason for a missing result and the next step, by error code or else by status."""

BUSY_REMEDY = (
    "The task tries again. Only operations of the same app count: another integration that uses the app, or another "
    "Dag, has started them."
)


class BulkOperations:
    """The bulk operations of one app in one shop. Thread-safe."""

    def __init__(self, caller: GraphQLCaller) -> None:
        self._caller = caller

    def run(self, query: str) -> tuple[str | None, list[Record]]:
        """Start an operation.

        :param query: the GraphQL text
        :returns: its id or ``None``, and Shopify's ``userErrors``
        :raises ConfigurationError: if the query is too long
        :raises UnknownOutcomeError: if the answer is lost, so that the operation may have started
        """
        if (size := len(encode_text(query))) > MAX_QUERY_BYTES:
            message = f"the bulk operation's query has {size:,} bytes, but Shopify accepts {MAX_QUERY_BYTES:,}"
            raise JobRefusedError(message, remedy="Shorten 'query' or 'fields'.", partner=PARTNER)
        variables = {"query": query, "groupObjects": is_grouped(query)}
        data = self._caller.execute(documents.BULK_RUN, variables, label="bulk.run", repeatable=False).data
        payload = data.get("bulkOperationRunQuery") or {}
        operation, errors = payload.get("bulkOperation") or {}, payload.get("userErrors") or []
        if not operation.get("id") and not errors:
            message = "Shopify neither started a bulk operation nor gave a reason"
            raise UnexpectedResponseError(message, partner=PARTNER)
        return (None if errors else str(operation["id"])), errors

    def get(self, *job_ids: str) -> list[Record]:
        """Return the operations with the given ids that exist.

        :param job_ids: global ids
        """
        data = self._caller.execute(documents.BULK_BY_ID, {"ids": list(job_ids)}, label="bulk.status").data
        return [node for node in data.get("nodes") or [] if node and node.get("id")]

    def created_since(self, timestamp: datetime) -> Iterator[Record]:
        """Yield the bulk queries created at or after a timestamp, as far as the version shows them."""
        can_list = is_at_least(self._caller.api_version, FIRST_LISTING_VERSION)
        operations = self._list_operations(timestamp) if can_list else self._current_operation()
        return (operation for operation in operations if record_timestamp(operation, "createdAt") >= timestamp)

    def cancel(self, job_id: str) -> str:
        """Cancel an operation that has not ended yet.

        :param job_id: its global id
        :returns: Shopify's error messages; empty if it is being cancelled
        """
        data = self._caller.execute(documents.BULK_CANCEL, {"id": job_id}, label="bulk.cancel").data
        errors = (data.get("bulkOperationCancel") or {}).get("userErrors") or []
        return "; ".join(str(error.get("message")) for error in errors)

    def status(self, job_id: str) -> JobStatus:
        """Return the status of an operation.

        :param job_id: its global id
        """
        return parse_status(job_id, next(iter(self.get(job_id)), None))

    def _list_operations(self, timestamp: datetime) -> Iterator[Record]:
        query = f"operation_type:query AND created_at:>='{timestamps.isoformat(timestamp, 'seconds')}'"
        after: str | None = None
        while True:
            variables = {"first": _LIST_PAGE_SIZE, "after": after, "query": query}
            data = self._caller.execute(documents.BULK_RECENT, variables, label="bulk.list").data
            yield from data["bulkOperations"]["nodes"]
            info = data["bulkOperations"]["pageInfo"]
            if not info["hasNextPage"]:
                return
            if info["endCursor"] in {None, after}:
                message = "the list of bulk operations repeats its cursor"
                raise PagingError(message, remedy="Shopify's paging loops; try again.", partner=PARTNER)
            after = info["endCursor"]

    def _current_operation(self) -> Iterator[Record]:
        data = self._caller.execute(documents.BULK_CURRENT, label="bulk.current").data
        if operation := data["currentBulkOperation"]:
            yield operation


def parse_status(job_id: str, operation: Record | None) -> JobStatus:
    """Return the status that an operation's fields describe.

    :param operation: as Shopify returned it; ``None`` if it does not exist
    :raises UnexpectedResponseError: if the status is unknown
    """
    if operation is None:
        return JobStatus(
            job_id=job_id, state=JobState.FAILED, partner_status="", reason="Shopify has no bulk operation of this id"
        )
    partner_status = str(operation["status"])
    state = STATE_BY_STATUS.get(partner_status)
    if state is None:
        message = f"the bulk operation {job_id} has the unknown status {partner_status!r}"
        raise UnexpectedResponseError(message, partner=PARTNER)
    reason = ""
    if state is JobState.DONE and not operation.get("url") and object_count(operation):
        # Treating this as an empty result would lose all records silently.
        state, reason = JobState.FAILED, f"Shopify counted {object_count(operation)} objects, but has no file of them"
    elif is_partial(operation):
        state, reason = (
            JobState.DONE,
            f"partial file; other records are read page by page ({_failure_reason(operation)})",
        )
    elif state is JobState.FAILED:
        reason = _failure_reason(operation)
    return JobStatus(
        job_id=job_id,
        state=state,
        partner_status=partner_status,
        record_count=_parse_count(operation, "rootObjectCount"),
        reason=reason,
        is_access_denied=state is JobState.FAILED and operation.get("errorCode") == "ACCESS_DENIED",
    )


def is_partial(operation: Record) -> bool:
    """Return True if an operation failed but left a grouped file.

    Only the last object of that file may be incomplete.
    """
    has_usable_file = operation.get("partialDataUrl") and is_grouped(str(operation.get("query") or ""))
    return operation["status"] == "FAILED" and bool(has_usable_file)


def is_grouped(query: str) -> bool:
    """Return True if the nested lines of each object follow it directly in the file.

    The operation's name has a suffix for it.

    :param query: the operation's GraphQL text
    """
    return bool(_GROUPED.match(query))


def object_count(operation: Record) -> int:
    """Return the number of lines that the operation's file must have."""
    return _parse_count(operation, "objectCount") or 0


def root_count(operation: Record) -> int:
    """Return the number of lines that are objects of the list itself."""
    return _parse_count(operation, "rootObjectCount") or 0


def file_size(operation: Record) -> int:
    """Return the number of bytes that the operation's file must have at least; 0 if Shopify does not say it."""
    return _parse_count(operation, "fileSize") or 0


def blocking_operations(errors: list[Record]) -> list[str]:
    """Return the ids of the operations that prevent a new one from starting.

    :param errors: Shopify's ``userErrors``
    """
    return [job_id for error in errors for job_id in _ID.findall(str(error.get("message") or ""))]


def refusal_error(errors: list[Record]) -> PartnersError:
    """Return the error for a refused operation: others are running, or its query is wrong.

    :param errors: Shopify's ``userErrors``
    """
    reasons = "; ".join(str(error.get("message") or "no explanation given") for error in errors)
    codes = {str(error.get("code") or "") for error in errors}
    is_busy = bool(_BUSY_MESSAGE.search(reasons) or blocking_operations(errors))
    if codes & {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"} or (codes == {""} and is_busy):
        message = f"other bulk operations prevent a new one: {reasons}"
        return ThrottledError(message, retry_after=BUSY_WAIT, remedy=BUSY_REMEDY, partner=PARTNER)
    message = f"Shopify refused the bulk operation: {reasons}"
    # The validator names the argument; other refusals have no field.
    if codes == {"INVALID"} or all(error.get("field") == ["query"] for error in errors):
        remedy = "Correct the document, 'query' or 'fields'. For example, it accepts no connection inside of a list."
        return JobRefusedError(message, remedy=remedy, partner=PARTNER)
    return UnexpectedResponseError(message, partner=PARTNER)


def _failure_reason(operation: Record) -> str:
    status, code = str(operation["status"]), str(operation.get("errorCode") or "")
    return f"{code or status}: {FAILURE_REASONS.get(code) or FAILURE_REASONS[status]}"


def _parse_count(operation: Record, name: str) -> int | None:
    value: Any = operation.get(name)
    return int(value) if str(value or "").isdecimal() else None
