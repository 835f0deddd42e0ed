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

from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.jobs import JobState, JobStatus
from airflow_provider_partners.api.voucherify_export_calls import (
    PARTNER,
    FieldsRefusedError,
    address,
    cancel,
    create,
    download_hosts,
    get,
    job_status,
    listed,
    state,
)
from airflow_provider_partners.api.voucherify_export_question import (
    canonical,
    chosen_fields,
    chosen_filters,
    chosen_order,
    chosen_time,
    instant,
    iso,
    possible,
)
from airflow_provider_partners.api.voucherify_export_rows import METADATA, ExportRows
from airflow_provider_partners.api.voucherify_export_table import EXPORTS, Exported, find_export
from airflow_provider_partners.exceptions import ExpiredError, NotFoundError, TransientError, UnexpectedResponseError
from airflow_provider_partners.windows import Window, moment

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from airflow_provider_partners.api.faults import FaultTable
    from airflow_provider_partners.api.messages import Record
    from airflow_provider_partners.api.transport import Transport
    from airflow_provider_partners.api.voucherify_conditions import Filter

__all__ = ["EXPORTS", "ExportJob", "cancel", "download_hosts", "export_job", "find_export", "job_status"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """One export; a :class:`~airflow_provider_partners.api.jobs.Job`, made by :func:`export_job`.

    :param source: the partner
    :param exported: what is exported
    :param wanted: the fields of its rows
    :param fields: the fields asked for, with the one that the window goes by
    :param parameters: of the export, but for the fields
    :param since: the first moment wanted
    :param until: the first moment not wanted
    :param row_time: the field that the window goes by
    :param application: whose project it is
    :param faults: what refusals mean
    :param transport: sends
    """

    exported: Exported
    wanted: tuple[str, ...]
    fields: tuple[str, ...]
    parameters: Mapping[str, Any]
    application: str
    transport: Transport = field(repr=False)
    faults: FaultTable = field(repr=False)
    since: datetime | None = None
    until: datetime | None = None
    row_time: str = ""
    source: str = "voucherify"

    @property
    def resource(self) -> str:
        """The list."""
        return self.exported.name

    @property
    def window(self) -> Window | None:
        """The stretch of time it covers."""
        return Window(self.since, self.until) if self.since and self.until else None

    @property
    def request(self) -> Mapping[str, Any]:
        """Everything that decides the result."""
        return {
            "account": self.application,
            "exported_object": self.exported.object,
            "parameters": self.parameters,
            "fields": list(self.wanted),
            "since": self.since and iso(self.since, "microseconds"),
            "until": self.until and iso(self.until, "microseconds"),
        }

    @property
    def fingerprint(self) -> str:
        """The same for the same question."""
        asked = Extraction(source=self.source, resource=self.resource, request=self.request, segments=())
        return asked.fingerprint

    def find(self, since: datetime) -> str | None:
        """The id of the latest such export that Voucherify took on, and that hasn't failed.

        :param since: older ones don't count
        """
        for export in listed(self.transport):
            created = instant(export.get("created_at"))
            if created is not None and created < since:
                return None
            if created is not None and self._same(export):
                return str(export["id"])
        return None

    def submit(self) -> str:
        """Have Voucherify begin; fields that it refuses are left out, with a warning, and are ``None`` in the rows.

        :returns: the export's id
        """
        fields = list(self.fields)
        while True:
            try:
                job_id = create(self.transport, self.faults, self._body(fields))
            except FieldsRefusedError as error:
                left = [name for name in fields if self._possible(name, error.allowed)]
                if left == fields or not left or (self.row_time and self.row_time not in left):
                    raise
                fields = left
            else:
                break
        self._warn(fields)
        return job_id

    def status(self, job_id: str) -> JobStatus:
        """Where it stands.

        :param job_id: of :meth:`submit` or :meth:`find`
        """
        return job_status(self.transport, job_id)

    def cancel(self, job_id: str) -> None:
        """Remove it, with its file.

        :param job_id: of :meth:`submit` or :meth:`find`
        """
        cancel(self.transport, job_id)

    def rows(self, job_id: str) -> Extraction:
        """The rows of an export that is done.

        :param job_id: of :meth:`submit` or :meth:`find`
        :raises ExpiredError: when there is no such export any more
        :raises TransientError: when it isn't done
        """
        export = self._done(job_id)
        parameters = export.get("parameters")
        named = parameters.get("fields") if isinstance(parameters, Mapping) else None
        used = tuple(map(str, named)) if isinstance(named, list) and named else self.exported.usual
        if self.row_time and self.row_time not in used:
            message = f"the export {job_id} has no '{self.row_time}', so its rows can't be cut to the window"
            raise UnexpectedResponseError(message, partner=PARTNER)
        self._warn(used)
        rows = ExportRows(
            fetch=partial(self._fetch, job_id, [address(export)]), name=job_id, columns=used, keep=self._kept
        )
        key = next((name for name in self.exported.keys if name in used and name in self.wanted), None)
        return Extraction(
            source=self.source,
            resource=self.resource,
            key=(key,) if key else (),
            request={**self.request, "export": job_id, "exported": list(used)},
            segments=[Segment(name=f"{self.resource}, exported", fetch=rows.page)],
            window=self.window,
        )

    def _body(self, fields: list[str]) -> Mapping[str, Any]:
        return {"exported_object": self.exported.object, "parameters": {**self.parameters, "fields": fields}}

    def _same(self, export: Mapping[str, Any]) -> bool:
        """Whether an export asks what this one does; the server tells its parameters with some added."""
        told = export.get("parameters")
        if not isinstance(told, Mapping) or export.get("exported_object") != self.exported.object:
            return False
        if export.get("status") == "ERROR" or not isinstance(export.get("id"), str):
            return False
        named = told.get("fields")
        missing = [name for name in self.fields if name not in (named or ())]
        if named != [name for name in self.fields if name not in missing] or set(missing) - self.exported.doubtful:
            return False
        # An order that wasn't asked for is told as the server's own.
        compared = {"order"} & set(self.parameters) | self.exported.parameters
        if any((told.get(name) or None) != self.parameters.get(name) for name in compared):
            return False
        return canonical(told.get("filters")) == canonical(self.parameters.get("filters"))

    def _possible(self, name: str, allowed: frozenset[str]) -> bool:
        if not allowed:
            return name not in self.exported.doubtful
        return name in allowed or (name.startswith(f"{METADATA}.") and METADATA in allowed)

    def _warn(self, used: Sequence[str]) -> None:
        refused = [name for name in self.wanted if name not in used]
        if refused:
            log.warning("%s: Voucherify doesn't export %s here; it is None in all rows", self.resource, refused)

    def _done(self, job_id: str) -> Mapping[str, Any]:
        try:
            export = get(self.transport, job_id)
        except NotFoundError:
            message = f"there is no export {job_id} any more"
            raise ExpiredError(message, remedy="The next try submits another one.", partner=PARTNER) from None
        if export.get("exported_object") != self.exported.object:
            message = f"the export {job_id} is not one of '{self.resource}'"
            raise UnexpectedResponseError(message, partner=PARTNER)
        if state(export) is not JobState.DONE:
            message = f"the export {job_id} isn't done but {export.get('status')}"
            raise TransientError(message, partner=PARTNER)
        return export

    def _fetch(self, job_id: str, known: list[str], to: Path) -> None:
        """Fetch the file, once by the address that is known, later by a new one."""
        url = known.pop() if known else address(self._done(job_id))
        self.transport.download(url, to, label="exports.download", authenticated=True)

    def _kept(self, row: Record) -> Record | None:
        if self.row_time and (text := row.get(self.row_time)):
            at = instant(text)
            if at is None:
                message = f"a row of '{self.resource}' has a '{self.row_time}' that is no time"
                raise UnexpectedResponseError(message, partner=PARTNER)
            if (self.since and at < self.since) or (self.until and at >= self.until):
                return None
        return {name: row.get(name) for name in self.wanted}


def export_job(
    transport: Transport,
    resource: str,
    *,
    application: str,
    faults: FaultTable,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    time_field: str | None = None,
    fields: Sequence[str] | None = None,
    filters: Filter | Mapping[str, Any] | None = None,
    order: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> ExportJob:
    """An export of one list; nothing is sent before one of its methods is called.

    :param transport: sends; its ``file_hosts`` are :func:`download_hosts`
    :param resource: the list's name, such as ``redemptions``, or the API's own, such as ``redemption``
    :param application: the project's application id
    :param faults: the client's table of refusals
    :param since: the first moment, where the list can be asked by time
    :param until: the first moment not asked for
    :param time_field: which time they are of: ``created_at`` by default, or ``updated_at`` where it has one
    :param fields: of the rows, with ``metadata.x`` for metadata; by default all that are documented, without metadata
    :param filters: as for lists, see ``voucherify_filters``
    :param order: a field, with ``-`` for descending; ascending by time by default
    :param parameters: further ones, such as ``{"campaign_id": "camp_…"}`` for vouchers
    :raises ConfigurationError: for what can't be exported, naming what can
    """
    exported = find_export(resource)
    begin, end = (moment(value, name) if value else None for value, name in ((since, "since"), (until, "until")))
    if begin and end:
        Window(begin, end)  # refuses one that holds no moment
    asked_by, row_time = chosen_time(exported, time_field) if begin or end else ("", "")
    wanted = chosen_fields(exported, fields)
    sent = wanted if not row_time or row_time in wanted else (*wanted, row_time)
    asked: dict[str, Any] = {}
    if chosen := chosen_order(exported, order):
        asked["order"] = chosen
    if body := chosen_filters(exported, filters, asked_by, begin, end):
        asked["filters"] = body
    for name in parameters or {}:
        possible("parameter", name, exported.parameters, exported)
    return ExportJob(
        exported=exported,
        wanted=wanted,
        # The field that may become several columns, or none, comes last.
        fields=tuple(sorted(sent, key=METADATA.__eq__)),
        parameters={**asked, **(parameters or {})},
        since=begin,
        until=end,
        row_time=row_time,
        application=application,
        transport=transport,
        faults=faults,
    )
