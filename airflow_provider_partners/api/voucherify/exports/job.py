"""A Voucherify export as an asynchronous job, of any size; its file becomes records.

A record holds the requested fields as text, and ``None`` for an empty cell. Amounts are decimals, such as ``2000.00``;
the lists have integers of minor units instead.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.async_job import JobState, JobStatus, submit_once
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.job_files import download_from
from airflow_provider_partners.api.voucherify.exports.csv_file import METADATA, ExportCsv
from airflow_provider_partners.api.voucherify.exports.endpoints import (
    PARTNER,
    FieldsRefusedError,
    cancel_export,
    create_export,
    export_state,
    export_status,
    file_url,
    get_export,
    list_exports,
)
from airflow_provider_partners.api.voucherify.exports.objects import ExportObject, find_export
from airflow_provider_partners.api.voucherify.exports.request import (
    check_known,
    normalize_filters,
    resolve_fields,
    resolve_filters,
    resolve_sort,
    resolve_time_field,
)
from airflow_provider_partners.exceptions import (
    ExpiredError,
    NotFoundError,
    TransientError,
    UnexpectedResponseError,
)
from airflow_provider_partners.windows import TimeRange, Window

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from airflow_provider_partners.api.http.errors import ErrorHandler
    from airflow_provider_partners.api.http.transport import Transport
    from airflow_provider_partners.api.voucherify.filters import Filter
    from airflow_provider_partners.records import Record

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """One export; an :class:`~airflow_provider_partners.api.async_job.AsyncJob`, made by :func:`export_job`.

    :param output_fields: the fields of its records
    :param requested_fields: the fields of the export: also the one that the window applies to
    :param parameters: the export's parameters besides the fields
    :param time_range: the range of the records
    :param record_time_field: the field of a record that the range applies to; empty without a range
    :param error_handler: the client's table of errors
    """

    export_object: ExportObject
    output_fields: tuple[str, ...]
    requested_fields: tuple[str, ...]
    parameters: Mapping[str, Any]
    application_id: str
    transport: Transport = field(repr=False)
    error_handler: ErrorHandler = field(repr=False)
    time_range: TimeRange = field(default_factory=TimeRange)
    record_time_field: str = ""
    source: str = "voucherify"

    @property
    def resource(self) -> str:
        """The list."""
        return self.export_object.name

    @property
    def window(self) -> Window | None:
        """The window; ``None`` when the range is open."""
        since, until = self.time_range.since, self.time_range.until
        return Window(since, until) if since and until else None

    @property
    def request(self) -> Mapping[str, Any]:
        """Everything that determines the result."""
        since, until = self.time_range.since, self.time_range.until
        return {
            "account": self.application_id,
            "exported_object": self.export_object.api_name,
            "parameters": self.parameters,
            "fields": list(self.output_fields),
            "since": since and timestamps.isoformat(since, "microseconds"),
            "until": until and timestamps.isoformat(until, "microseconds"),
        }

    @property
    def fingerprint(self) -> str:
        """A hash of the request: equal requests have equal fingerprints."""
        extraction = Extraction(source=self.source, resource=self.resource, request=self.request, segments=())
        return extraction.fingerprint

    def find(self, since: datetime) -> str | None:
        """Return the id of the newest export with the same request that has not failed.

        :param since: ignore exports that were created earlier
        """
        for export in list_exports(self.transport):
            created_at = timestamps.try_parse(export.get("created_at"))
            if created_at is not None and created_at < since:
                return None
            if created_at is not None and self._is_same_request(export):
                return str(export["id"])
        return None

    def submit(self) -> str:
        """Create the export and return its id.

        Fields that Voucherify refuses are left out, with a warning. They are ``None`` in the records.
        """
        fields = list(self.requested_fields)
        while True:
            try:
                create = partial(create_export, self.transport, self.error_handler, self._body(fields))
                job_id = submit_once(create, self.find, self.transport.clock)
            except FieldsRefusedError as error:
                remaining = [name for name in fields if self._is_allowed(name, error.allowed)]
                lacks_time = self.record_time_field and self.record_time_field not in remaining
                if remaining == fields or not remaining or lacks_time:
                    raise
                fields = remaining
            else:
                break
        self._warn_refused_fields(fields)
        return job_id

    def status(self, job_id: str) -> JobStatus:
        """Return the export's status."""
        return export_status(self.transport, job_id)

    def cancel(self, job_id: str) -> None:
        """Delete the export and its file."""
        cancel_export(self.transport, job_id)

    def extraction(self, job_id: str) -> Extraction:
        """Return the records of a finished export.

        :raises ExpiredError: when the export no longer exists
        :raises TransientError: when it is not finished
        """
        export = self._finished_export(job_id)
        parameters = export.get("parameters")
        named = parameters.get("fields") if isinstance(parameters, Mapping) else None
        exported = tuple(map(str, named)) if isinstance(named, list) and named else self.export_object.default_fields
        if self.record_time_field and self.record_time_field not in exported:
            message = f"the export {job_id} has no '{self.record_time_field}', so the window can't be applied to it"
            raise UnexpectedResponseError(message, partner=PARTNER)
        self._warn_refused_fields(exported)
        csv_file = ExportCsv(
            fetch=partial(self._download, job_id, file_url(export)),
            name=job_id,
            fields=exported,
            transform=self._select,
        )
        key = next(
            (name for name in self.export_object.key_candidates if name in exported and name in self.output_fields),
            None,
        )
        return Extraction(
            source=self.source,
            resource=self.resource,
            key=(key,) if key else (),
            request={**self.request, "export": job_id, "exported": list(exported)},
            segments=[Segment(name=f"{self.resource}, exported", fetch=csv_file.page)],
            account=self.application_id,
            window=self.window,
            # A file holds the export's own fields, as text, and not those of the list.
            declared_types={name: "json" if name == METADATA else "string" for name in self.output_fields},
        )

    def _body(self, fields: list[str]) -> Mapping[str, Any]:
        parameters = {**self.parameters, "fields": fields}
        return {"exported_object": self.export_object.api_name, "parameters": parameters}

    def _is_same_request(self, export: Mapping[str, Any]) -> bool:
        """Whether an export has the parameters of this one. The server returns them with defaults added."""
        parameters = export.get("parameters")
        if not isinstance(parameters, Mapping) or export.get("exported_object") != self.export_object.api_name:
            return False
        if export.get("status") == "ERROR" or not isinstance(export.get("id"), str):
            return False
        named = parameters.get("fields")
        missing = [name for name in self.requested_fields if name not in (named or ())]
        expected = [name for name in self.requested_fields if name not in missing]
        if named != expected or set(missing) - self.export_object.unreliable_fields:
            return False
        # Without a requested order, the server returns its own default.
        compared = {"order"} & set(self.parameters) | self.export_object.parameters
        if any((parameters.get(name) or None) != self.parameters.get(name) for name in compared):
            return False
        return normalize_filters(parameters.get("filters")) == normalize_filters(self.parameters.get("filters"))

    def _is_allowed(self, name: str, allowed: frozenset[str]) -> bool:
        if not allowed:
            return name not in self.export_object.unreliable_fields
        return name in allowed or (name.startswith(f"{METADATA}.") and METADATA in allowed)

    def _warn_refused_fields(self, exported: Sequence[str]) -> None:
        refused = [name for name in self.output_fields if name not in exported]
        if refused:
            log.warning("%s: Voucherify does not export %s here; it is None in all records", self.resource, refused)

    def _finished_export(self, job_id: str) -> Mapping[str, Any]:
        try:
            export = get_export(self.transport, job_id)
        except NotFoundError:
            message = f"the export {job_id} no longer exists"
            raise ExpiredError(message, remedy="The next try submits another one.", partner=PARTNER) from None
        if export.get("exported_object") != self.export_object.api_name:
            message = f"the export {job_id} is not one of '{self.resource}'"
            raise UnexpectedResponseError(message, partner=PARTNER)
        if export_state(export) is not JobState.DONE:
            message = f"the export {job_id} is not done but {export.get('status')}"
            raise TransientError(message, partner=PARTNER)
        return export

    def _download(self, job_id: str, url: str, to: Path) -> None:
        def renew() -> str:
            return file_url(self._finished_export(job_id))

        def download(address: str) -> None:
            self.transport.download(address, to, label="exports.download", authenticated=True)

        download_from(url, download, renew=renew, clock=self.transport.clock)

    def _select(self, record: Record) -> Record | None:
        """Return the output fields of a record; ``None`` for one outside of the range."""
        if self.record_time_field and (text := record.get(self.record_time_field)):
            timestamp = timestamps.try_parse(text)
            if timestamp is None:
                message = f"a record of '{self.resource}' has a '{self.record_time_field}' that is not a time"
                raise UnexpectedResponseError(message, partner=PARTNER)
            if not self.time_range.contains(timestamp):
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
    """Return the export of one list; sends nothing before one of its methods is called.

    :param transport: its ``file_hosts`` are :func:`~.endpoints.download_hosts`
    :param resource: the list's name, such as ``redemptions``, or the API's own, such as ``redemption``
    :param error_handler: the client's table of errors
    :param since: start of the range, included
    :param until: end of the range, excluded
    :param time_field: the time of the range: ``created_at`` by default, or ``updated_at`` where the list has one
    :param fields: of the records; metadata as ``metadata.x``; by default all documented ones, without metadata
    :param filters: as for lists, see ``voucherify.filters``
    :param sort: a field, with ``-`` for descending; ascending by time by default
    :param parameters: further ones, such as ``{"campaign_id": "camp_…"}`` for vouchers
    :raises ConfigurationError: for what Voucherify cannot export, with what it can
    """
    export_object = find_export(resource)
    time_range = TimeRange(
        timestamps.parse(since, "since") if since else None, timestamps.parse(until, "until") if until else None
    )
    has_range = time_range != TimeRange()
    if time_range.since and time_range.until:
        Window(time_range.since, time_range.until)  # raises for an empty one
    time_filter, record_time_field = resolve_time_field(export_object, time_field) if has_range else ("", "")
    output_fields = resolve_fields(export_object, fields)
    lacks_time = record_time_field and record_time_field not in output_fields
    requested_fields = (*output_fields, record_time_field) if lacks_time else output_fields
    export_parameters: dict[str, Any] = {}
    if order := resolve_sort(export_object, sort):
        export_parameters["order"] = order
    if body := resolve_filters(export_object, filters, time_filter, time_range.since, time_range.until):
        export_parameters["filters"] = body
    for name in parameters or {}:
        check_known("parameter", name, export_object.parameters, export_object)
    return ExportJob(
        export_object=export_object,
        output_fields=output_fields,
        # Metadata comes last: it may become several columns, or none.
        requested_fields=tuple(sorted(requested_fields, key=METADATA.__eq__)),
        parameters={**export_parameters, **(parameters or {})},
        time_range=time_range,
        record_time_field=record_time_field,
        application_id=application_id,
        transport=transport,
        error_handler=error_handler,
    )
