"""The calls of Voucherify's Exports API: begin, look, list, remove; and which hosts serve its files.

Must not know what is exported, nor what the file holds.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.api.http.errors import ErrorHandler, ErrorResolution, ResponseAction, default_message
from airflow_provider_partners.api.http.messages import Request
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
"""What Voucherify says of an export; a word that is new goes for one under way."""

_PAGE_SIZE, _MAX_PAGES = 100, 100
"""The list of exports: rows of a page, and the last page that is served."""

_ALLOWED_FIELDS = re.compile(r"allowed fields:\s*(.+)", re.IGNORECASE | re.DOTALL)
_API_HOST = re.compile(r"((?:[\w-]+\.)*)api(\.voucherify\.io)", re.IGNORECASE)


class FieldsRefusedError(RejectedError):
    """Voucherify doesn't export some of the fields.

    :param allowed: those that it does, where it says so
    """

    def __init__(self, message: str, *, allowed: Sequence[str] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.allowed = frozenset(allowed)


def download_hosts(base_url: str) -> tuple[str, ...]:
    """The hosts besides the API's own that serve its files and want the credentials for it.

    :param base_url: ``https://us1.api.voucherify.io`` has ``us1.download.voucherify.io``; any other address has none
    """
    match = _API_HOST.fullmatch(urlsplit(base_url).hostname or "")
    return (f"{match.group(1)}download{match.group(2)}".lower(),) if match else ()


def create_export(transport: Transport, error_handler: ErrorHandler, body: Mapping[str, Any]) -> str:
    """Begin an export.

    :param transport: sends
    :param error_handler: what refusals mean
    :param body: what to export
    :returns: its id
    :raises FieldsRefusedError: when some of the fields aren't exported here
    """
    request = Request(method="POST", path=PATH, json=body, label="exports.create")
    return _required_text(
        _json_object(transport.send(request, error_handler=_with_refused_fields(error_handler))), "id"
    )


def list_exports(transport: Transport) -> Iterator[Mapping[str, Any]]:
    """All exports of the project, the latest first.

    :param transport: sends
    """
    for number in range(1, _MAX_PAGES + 1):
        params = (("order", "-created_at"), ("limit", str(_PAGE_SIZE)), ("page", str(number)))
        body = _json_object(transport.send(Request(method="GET", path=PATH, params=params, label="exports.list")))
        exports = body.get("exports")
        if not isinstance(exports, list):
            message = "the list of exports has no exports"
            raise UnexpectedResponseError(message, partner=PARTNER)
        yield from (export for export in exports if isinstance(export, Mapping))
        if len(exports) < _PAGE_SIZE:
            return


def export_status(transport: Transport, job_id: str) -> JobStatus:
    """Where an export stands.

    :param transport: sends
    :param job_id: its id
    """
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
    """Remove an export; none there is none to remove.

    :param transport: sends
    :param job_id: its id
    """
    try:
        transport.send(Request(method="DELETE", path=_path(job_id), label="exports.delete"))
    except NotFoundError:
        log.debug("there is no export %s to remove", job_id)


def get_export(transport: Transport, job_id: str) -> Mapping[str, Any]:
    """An export.

    :param transport: sends
    :param job_id: its id
    :raises NotFoundError: when there is none
    """
    return _json_object(transport.send(Request(method="GET", path=_path(job_id), label="exports.get")))


def _path(job_id: str) -> str:
    return f"{PATH}/{quote(job_id, safe='')}"


def export_state(export: Mapping[str, Any]) -> JobState:
    """Where it stands.

    :param export: as Voucherify tells it
    """
    return STATES.get(str(export.get("status")), JobState.RUNNING)


def file_url(export: Mapping[str, Any]) -> str:
    """Where its file is; a secret, since it holds a token.

    :param export: one that is done
    """
    result = export.get("result")
    return _required_text(result if isinstance(result, Mapping) else {}, "url")


def _json_object(response: Response) -> Mapping[str, Any]:
    body = response.json()
    if not isinstance(body, Mapping):
        message = f"the answer is no object but {type(body).__name__}"
        raise UnexpectedResponseError(message, partner=PARTNER)
    return body


def _required_text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        message = f"the export has no '{name}'"
        raise UnexpectedResponseError(message, partner=PARTNER)
    return value


def _with_refused_fields(error_handler: ErrorHandler) -> ErrorHandler:
    """A table that tells which fields are possible when some aren't.

    ``{"key": "invalid_export_fields", "details": "Unsupported field used. AllowedOperators fields: id, object, …"}``
    """

    def inspect(response: Response) -> ErrorResolution | None:
        if response.status == 400 and b"invalid_export_fields" in response.content:
            found = _ALLOWED_FIELDS.search(default_message(response))
            allowed = [name.strip() for name in found.group(1).split(",")] if found else []
            raises = partial(FieldsRefusedError, allowed=allowed)
            return ErrorResolution(ResponseAction.REJECT, error_handler.message(response), raises=raises)
        return error_handler.inspect(response) if error_handler.inspect else None

    return error_handler.with_overrides(inspect=inspect)
