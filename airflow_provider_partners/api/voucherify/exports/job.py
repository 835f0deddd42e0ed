"""Voucherify's exports: a list of any size as one job, whose rows come as a file.

A row holds the fields that were asked for, as text (amounts in decimals, such as ``2000.00``, where lists have integers
of minor units), ``None`` where a cell is empty. Must not know Airflow, nor where records go.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.voucherify.exports.csv_file import METADATA, ExportCsv
from airflow_provider_partners.api.voucherify.exports.endpoints import (
    PARTNER,
    FieldsRefusedError,
    cancel_export,
    create_export,
    download_hosts,
    export_state,
    export_status,
    file_url,
    get_export,
    list_exports,
)
from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS, ExportObject, find_export
from airflow_provider_partners.api.voucherify.exports.request import (
    check_known,
    format_export_timestamp,
    normalize_filters,
    parse_export_timestamp,
    resolve_fields,
    resolve_filters,
    resolve_sort,
    resolve_time_field,
)
from airflow_provider_partners.exceptions import ExpiredError, NotFoundError, TransientError, UnexpectedResponseError
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from airflow_provider_partners.api.http.errors import ErrorHandler
    from airflow_provider_partners.api.http.transport import Transport
    from airflow_provider_partners.api.voucherify.filters import Filter
    from airflow_provider_partners.records import Record

__all__ = ["EXPORTS", "ExportJob", "cancel_export", "download_hosts", "export_job", "export_status", "find_export"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """One export; a :class:`~airflow_provider_partners.api.async_job.Job`, made by :func:`export_job`.

    :param source: the partner
    :param export_object: what is exported
    :param output_fields: the fields of its rows
    :param requested_fields: the fields asked for, with the one that the window goes by
    :param parameters: of the export, but for the fields
    :param since: the first moment wanted
    :param until: the first moment not wanted
    :param record_time_field: the field that the window goes by
    :param application_id: whose project it is
    :param error_handler: what refusals mean
    :param transport: sends
    """

    export_object: ExportObject
    output_fields: tuple[str, ...]
    requested_fields: tuple[str, ...]
    parameters: Mapping[str, Any]
    application_id: str
    transport: Transport = field(repr=False)
    error_handler: ErrorHandler = field(repr=False)
    since: datetime | None = None
    until: datetime | None = None
    record_time_field: str = ""
    source: str = "voucherify"

    @property
    def resource(self) -> str:
        """The list."""
        return self.export_object.name

    @property
    def window(self) -> Window | None:
        """The stretch of time it covers."""
        return Window(self.since, self.until) if self.since and self.until else None

    @property
    def request(self) -> Mapping[str, Any]:
        """Everything that decides the result."""
        return {
            "account": self.application_id,
            "exported_object": self.export_object.api_name,
            "parameters": self.parameters,
            "fields": list(self.output_fields),
            "since": self.since and format_export_timestamp(self.since, "microseconds"),
            "until": self.until and format_export_timestamp(self.until, "microseconds"),
        }

    @property
    def fingerprint(self) -> str:
        """The same for the same question."""
        extraction = Extraction(source=self.source, resource=self.resource, request=self.request, segments=())
        return extraction.fingerprint

    def find(self, since: datetime) -> str | None:
        """The id of the latest such export that Voucherify took on, and that hasn't failed.

        :param since: older ones don't count
        """
        for export in list_exports(self.transport):
            created = parse_export_timestamp(export.get("created_at"))
            if created is not None and created < since:
                return None
            if created is not None and self._is_same_request(export):
                return str(export["id"])
        return None

    def submit(self) -> str:
        """Have Voucherify begin; fields that it refuses are left out, with a warning, and are ``None`` in the rows.

        :returns: the export's id
        """
        fields = list(self.requested_fields)
        while True:
            try:
                job_id = create_export(self.transport, self.error_handler, self._body(fields))
            except FieldsRefusedError as error:
                allowed_fields = [name for name in fields if self._is_allowed(name, error.allowed)]
                if (
                    allowed_fields == fields
                    or not allowed_fields
                    or (self.record_time_field and self.record_time_field not in allowed_fields)
                ):
                    raise
                fields = allowed_fields
            else:
                break
        self._warn_refused_fields(fields)
        return job_id

    def status(self, job_id: str) -> JobStatus:
        """Where it stands.

        :param job_id: of :meth:`submit` or :meth:`find`
        """
        return export_status(self.transport, job_id)

    def cancel(self, job_id: str) -> None:
        """Remove it, with its file.

        :param job_id: of :meth:`submit` or :meth:`find`
        """
        cancel_export(self.transport, job_id)

    def extraction(self, job_id: str) -> Extraction:
        """The rows of an export that is done.

        :param job_id: of :meth:`submit` or :meth:`find`
        :raises ExpiredError: when there is no such export any more
        :raises TransientError: when it isn't done
        """
        export = self._finished_export(job_id)
        parameters = export.get("parameters")
        named = parameters.get("fields") if isinstance(parameters, Mapping) else None
        used = tuple(map(str, named)) if isinstance(named, list) and named else self.export_object.default_fields
        if self.record_time_field and self.record_time_field not in used:
            message = f"the export {job_id} has no '{self.record_time_field}', so its rows can't be cut to the window"
            raise UnexpectedResponseError(message, partner=PARTNER)
        self._warn_refused_fields(used)
        csv_file = ExportCsv(
            fetch=partial(self._download, job_id, [file_url(export)]), name=job_id, fields=used, transform=self._select
        )
        key = next(
            (name for name in self.export_object.key_candidates if name in used and name in self.output_fields), None
        )
        return Extraction(
            source=self.source,
            resource=self.resource,
            key=(key,) if key else (),
            request={**self.request, "export": job_id, "exported": list(used)},
            segments=[Segment(name=f"{self.resource}, exported", fetch=csv_file.page)],
            window=self.window,
        )

    def _body(self, fields: list[str]) -> Mapping[str, Any]:
        return {"exported_object": self.export_object.api_name, "parameters": {**self.parameters, "fields": fields}}

    def _is_same_request(self, export: Mapping[str, Any]) -> bool:
        """Whether an export asks what this one does; the server tells its parameters with some added."""
        parameters = export.get("parameters")
        if not isinstance(parameters, Mapping) or export.get("exported_object") != self.export_object.api_name:
            return False
        if export.get("status") == "ERROR" or not isinstance(export.get("id"), str):
            return False
        named = parameters.get("fields")
        missing = [name for name in self.requested_fields if name not in (named or ())]
        if (
            named != [name for name in self.requested_fields if name not in missing]
            or set(missing) - self.export_object.unreliable_fields
        ):
            return False
        # An order that wasn't asked for is told as the server's own.
        compared = {"order"} & set(self.parameters) | self.export_object.parameters
        if any((parameters.get(name) or None) != self.parameters.get(name) for name in compared):
            return False
        return normalize_filters(parameters.get("filters")) == normalize_filters(self.parameters.get("filters"))

    def _is_allowed(self, name: str, allowed: frozenset[str]) -> bool:
        if not allowed:
            return name not in self.export_object.unreliable_fields
        return name in allowed or (name.startswith(f"{METADATA}.") and METADATA in allowed)

    def _warn_refused_fields(self, used: Sequence[str]) -> None:
        refused = [name for name in self.output_fields if name not in used]
        if refused:
            log.warning("%s: Voucherify doesn't export %s here; it is None in all rows", self.resource, refused)

    def _finished_export(self, job_id: str) -> Mapping[str, Any]:
        try:
            export = get_export(self.transport, job_id)
        except NotFoundError:
            message = f"there is no export {job_id} any more"
            raise ExpiredError(message, remedy="The next try submits another one.", partner=PARTNER) from None
        if export.get("exported_object") != self.export_object.api_name:
            message = f"the export {job_id} is not one of '{self.resource}'"
            raise UnexpectedResponseError(message, partner=PARTNER)
        if export_state(export) is not JobState.DONE:
            message = f"the export {job_id} isn't done but {export.get('status')}"
            raise TransientError(message, partner=PARTNER)
        return export

    def _download(self, job_id: str, known: list[str], to: Path) -> None:
        """Fetch the file, once by the address that is known, later by a new one."""
        url = known.pop() if known else file_url(self._finished_export(job_id))
        self.transport.download(url, to, label="exports.download", authenticated=True)

    def _select(self, record: Record) -> Record | None:
        if self.record_time_field and (text := record.get(self.record_time_field)):
            at = parse_export_timestamp(text)
            if at is None:
                message = f"a row of '{self.resource}' has a '{self.record_time_field}' that is no time"
                raise UnexpectedResponseError(message, partner=PARTNER)
            if (self.since and at < self.since) or (self.until and at >= self.until):
                return None
        return {name: record.get(name) for name in self.output_fields}


def export_job(
    transport: Transport,
    resource: str,
    *,
    application_id: str,
    error_handler: ErrorHandler,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    time_field: str | None = None,
    fields: Sequence[str] | None = None,
    filters: Filter | Mapping[str, Any] | None = None,
    sort: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> ExportJob:
    """An export of one list; nothing is sent before one of its methods is called.

    :param transport: sends; its ``file_hosts`` are :func:`download_hosts`
    :param resource: the list's name, such as ``redemptions``, or the API's own, such as ``redemption``
    :param application_id: the project's application id
    :param error_handler: the client's table of refusals
    :param since: the first moment, where the list can be asked by time
    :param until: the first moment not asked for
    :param time_field: which time they are of: ``created_at`` by default, or ``updated_at`` where it has one
    :param fields: of the rows, with ``metadata.x`` for metadata; by default all that are documented, without metadata
    :param filters: as for lists, see ``voucherify_filters``
    :param sort: a field, with ``-`` for descending; ascending by time by default
    :param parameters: further ones, such as ``{"campaign_id": "camp_…"}`` for vouchers
    :raises ConfigurationError: for what can't be exported, naming what can
    """
    export_object = find_export(resource)
    begin, end = (
        timestamps.parse(value, name) if value else None for value, name in ((since, "since"), (until, "until"))
    )
    if begin and end:
        Window(begin, end)  # refuses one that holds no moment
    time_filter, record_time_field = resolve_time_field(export_object, time_field) if begin or end else ("", "")
    output_fields = resolve_fields(export_object, fields)
    requested_fields = (
        output_fields
        if not record_time_field or record_time_field in output_fields
        else (*output_fields, record_time_field)
    )
    export_parameters: dict[str, Any] = {}
    if chosen := resolve_sort(export_object, sort):
        export_parameters["order"] = chosen
    if body := resolve_filters(export_object, filters, time_filter, begin, end):
        export_parameters["filters"] = body
    for name in parameters or {}:
        check_known("parameter", name, export_object.parameters, export_object)
    return ExportJob(
        export_object=export_object,
        output_fields=output_fields,
        # The field that may become several columns, or none, comes last.
        requested_fields=tuple(sorted(requested_fields, key=METADATA.__eq__)),
        parameters={**export_parameters, **(parameters or {})},
        since=begin,
        until=end,
        record_time_field=record_time_field,
        application_id=application_id,
        transport=transport,
        error_handler=error_handler,
    )
