"""Calls of Voucherify's Exports API: create, list, get and delete; and the hosts that serve its files.

https://docs.voucherify.io/api-reference/exports/export-object
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.api.http.errors import (
    ErrorHandler,
    ErrorResolution,
    ResponseAction,
    default_message,
)
from airflow_provider_partners.api.http.messages import Request, check_object
from airflow_provider_partners.api.http.urls import path_segment
from airflow_provider_partners.exceptions import NotFoundError, RejectedError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.messages import Response
    from airflow_provider_partners.api.http.transport import Transport

log = logging.getLogger(__name__)

PARTNER = "Voucherify"
PATH = "/v1/exports"

STATES: Mapping[str, JobState] = {
    "SCHEDULED": JobState.RUNNING,
    "IN_PROGRESS": JobState.RUNNING,
    "DONE": JobState.DONE,
    "ERROR": JobState.FAILED,
}
"""The state of an export by its ``status``. An unknown status counts as running."""

_PAGE_SIZE, _MAX_PAGES = 100, 100
"""Of the list of exports: records per page, and the highest page number that the API serves."""

_ALLOWED_FIELDS = re.compile(r"allowed fields:\s*(.+)", re.IGNORECASE | re.DOTALL)
_API_HOST = re.compile(r"((?:[\w-]+\.)*)api(\.voucherify\.io)", re.IGNORECASE)


class FieldsRefusedError(RejectedError):
    """Voucherify does not export some of the fields.

    :param allowed: the fields that it exports; empty when the answer does not list them
    """

    def __init__(self, message: str, *, allowed: Sequence[str] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.allowed = frozenset(allowed)


def download_hosts(base_url: str) -> tuple[str, ...]:
    """Return the hosts, besides the API's own, that serve files and require the credentials.

    :param base_url: ``https://us1.api.voucherify.io`` has ``us1.download.voucherify.io``; other hosts have none
    """
    match = _API_HOST.fullmatch(urlsplit(base_url).hostname or "")
    return (f"{match.group(1)}download{match.group(2)}".lower(),) if match else ()


def create_export(transport: Transport, error_handler: ErrorHandler, body: Mapping[str, Any]) -> str:
    """Create an export and return its id.

    :param error_handler: the client's own table of errors
    :raises FieldsRefusedError: when the project does not export some of the fields
    :raises UnknownOutcomeError: when the response is lost, so that the export may exist
    """
    request = Request(method="POST", path=PATH, json=body, label="exports.create", check=_check_new, repeatable=False)
    response = transport.send(request, error_handler=_with_refused_fields(error_handler))
    return _required_text(response.json(), "id")


def list_exports(transport: Transport) -> Iterator[Mapping[str, Any]]:
    """Yield all exports of the project, the newest first."""
    for number in range(1, _MAX_PAGES + 1):
        params = (("order", "-created_at"), ("limit", str(_PAGE_SIZE)), ("page", str(number)))
        request = Request(method="GET", path=PATH, params=params, label="exports.list", check=_check_list)
        exports = transport.send(request).json()["exports"]
        yield from (export for export in exports if isinstance(export, Mapping))
        if len(exports) < _PAGE_SIZE:
            return


def get_export(transport: Transport, job_id: str) -> Mapping[str, Any]:
    """Return an export.

    :raises NotFoundError: when it does not exist
    """
    request = Request(method="GET", path=_path(job_id), label="exports.get", check=_check_export)
    return cast("Mapping[str, Any]", transport.send(request).json())


def export_status(transport: Transport, job_id: str) -> JobStatus:
    """Return the status of an export; one that does not exist counts as failed."""
    try:
        export = get_export(transport, job_id)
    except NotFoundError:
        return JobStatus(
            job_id=job_id, state=JobState.FAILED, partner_status="NOT_FOUND", reason="there is no such export"
        )
    state = export_state(export)
    reason = "Voucherify could not make the file; try again" if state is JobState.FAILED else ""
    return JobStatus(job_id=job_id, state=state, partner_status=str(export.get("status")), reason=reason)


def cancel_export(transport: Transport, job_id: str) -> None:
    """Delete an export; a missing one is not an error."""
    try:
        transport.send(Request(method="DELETE", path=_path(job_id), label="exports.delete", expects_json=False))
    except NotFoundError:
        log.debug("export %s does not exist, so it is not deleted", job_id)


def export_state(export: Mapping[str, Any]) -> JobState:
    """Return the state of an export."""
    return STATES.get(str(export.get("status")), JobState.RUNNING)


def file_url(export: Mapping[str, Any]) -> str:
    """Return the URL of a finished export's file. It is a secret: it holds a token.

    :raises UnexpectedResponseError: when there is no file, or more than one
    """
    result = export.get("result")
    names = result if isinstance(result, Mapping) else {}
    # "When the data volume is large, the system may split the results into multiple files" (export of transactions in
    # https://github.com/voucherifyio/voucherify-openapi). Where the others would be named is not documented.
    others = [name for name, value in names.items() if name != "url" and (isinstance(value, list) or _is_url(value))]
    if others:
        message = f"the export has further files, at {others}"
        remedy = "Read a shorter window, so that Voucherify writes one file."
        raise UnexpectedResponseError(message[:300], remedy=remedy, partner=PARTNER)
    return _required_text(names, "url")


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http:", "https:"))


def _path(job_id: str) -> str:
    return f"{PATH}/{path_segment(job_id)}"


def _check_new(body: Any) -> None:
    """Refuse what is no answer to a new export."""
    check_object(body)
    _required_text(body, "id")


def _check_list(body: Any) -> None:
    """Refuse what is no list of exports."""
    check_object(body)
    if not isinstance(body.get("exports"), list):
        message = "the list of exports has no exports"
        raise UnexpectedResponseError(message, partner=PARTNER)


def _check_export(body: Any) -> None:
    """Refuse what is no export, such as a gateway's own JSON: its status would count as an unfinished one."""
    check_object(body)
    for name in ("exported_object", "status"):
        _required_text(body, name)


def _required_text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        message = f"the export has no '{name}'"
        raise UnexpectedResponseError(message, partner=PARTNER)
    return value


def _with_refused_fields(error_handler: ErrorHandler) -> ErrorHandler:
    """Return a table that raises :class:`FieldsRefusedError` with the allowed fields.

    ``{"key": "invalid_export_fields", "details": "Unsupported field used. Allowed fields: id, object, …"}``
    """

    def inspect(response: Response) -> ErrorResolution | None:
        if response.status == 400 and b"invalid_export_fields" in response.content:
            match = _ALLOWED_FIELDS.search(default_message(response))
            allowed = [name.strip() for name in match.group(1).split(",")] if match else []
            raises = partial(FieldsRefusedError, allowed=allowed)
            return ErrorResolution(ResponseAction.REJECT, error_handler.message(response), raises=raises)
        return error_handler.inspect(response) if error_handler.inspect else None

    return error_handler.with_overrides(inspect=inspect)
