"""Voucherify's exports: jobs that write a CSV file. The file's address has a token.

Source: https://docs.voucherify.io/api-reference/exports/export-object. Switches choose how long a job takes, how it
ends and how its file is sent.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import secrets
import threading
from collections.abc import Mapping
from typing import Any

from airflow_provider_partners.sandbox.store import Document, Sandbox
from airflow_provider_partners.sandbox.voucherify.errors import (
    INVALID_PAYLOAD,
    api_error,
    invalid,
    not_found,
    not_one_of,
    unauthorized,
)
from airflow_provider_partners.sandbox.voucherify.exports.objects import (
    EXPORT_OBJECTS,
    ExportObject,
    cell,
    columns,
    label,
    value_of,
)
from airflow_provider_partners.sandbox.voucherify.filters import FilterReader
from airflow_provider_partners.sandbox.voucherify.records import PARTNER, Records, sorted_view, timestamp
from airflow_provider_partners.timestamps import isoformat

_KIND, _JOBS = "exports", "export_jobs"
_FINAL_STATUSES = frozenset({"DONE", "ERROR"})


class Exports:
    """Creates, shows and deletes exports. A download writes the file."""

    def __init__(self, *, sandbox: Sandbox, records: Records) -> None:
        self._sandbox = sandbox
        self._records = records
        self._lock = threading.Lock()

    def create(self, body: Any, *, object_: str | None = None) -> Document:
        """``POST /v1/exports``, or ``POST /v1/orders/export`` for one kind of object.

        :raises ApiError: 400 for an invalid body
        """
        payload = body if isinstance(body, dict) else {}
        name = object_ or payload.get("exported_object")
        allowed = self._sandbox.switches["voucherify.export_objects"]
        if name not in allowed or name not in EXPORT_OBJECTS:
            raise not_one_of(INVALID_PAYLOAD, "exported_object", allowed)
        parameters = payload.get("parameters") or {}
        if not isinstance(parameters, dict):
            raise invalid(INVALID_PAYLOAD, "Property .parameters should be object")
        self._check(str(name), parameters)
        now, id_ = self._sandbox.clock(), f"exp_{secrets.token_hex(12)}"
        at = isoformat(now, timespec="milliseconds")
        export: Document = {
            "id": id_,
            "object": "export",
            "created_at": at,
            "status": "SCHEDULED",
            "channel": "API",
            "exported_object": name,
            "parameters": self._echo(parameters),
            "result": None,
            "user_id": None,
        }
        with self._lock:
            self._sandbox.store.put(PARTNER, "", _KIND, id_, export, at=at)
            self._save(id_, {"polls": 0, "downloads": 0, "parameters": parameters}, at)
        return export

    def _check(self, name: str, parameters: Mapping[str, Any]) -> None:
        exported = EXPORT_OBJECTS[name]
        order = parameters.get("order")
        orders = [sign + each for each in exported.orders for sign in ("-", "")]
        if order and order not in orders:
            raise not_one_of(INVALID_PAYLOAD, "parameters.order", orders)
        fields = parameters.get("fields")
        if fields is not None and not isinstance(fields, list):
            raise invalid(INVALID_PAYLOAD, "Property .parameters.fields should be array")
        refused_fields = self._sandbox.switches["voucherify.export_refused_fields"].get(name, ())
        known = [each for each in exported.fields if each not in refused_fields]
        for each in fields or ():
            if each not in known and not (str(each).startswith("metadata.") and "metadata" in known):
                details = f"Unsupported field used. Allowed fields: {', '.join(known)}"
                raise api_error(400, "invalid_export_fields", "Invalid Export", details)
        self._reader(exported).predicate(parameters.get("filters") or {})

    def _reader(self, exported: ExportObject) -> FilterReader:
        inclusive = self._sandbox.switches["voucherify.time_bounds"] == "inclusive"
        now = self._sandbox.clock()
        return FilterReader(kind=exported.kind, now=now, inclusive=inclusive, any_field=True, key=INVALID_PAYLOAD)

    def _echo(self, parameters: Mapping[str, Any]) -> Document:
        """Return the parameters that the export shows: as sent, or with the defaults."""
        if self._sandbox.switches["voucherify.export_echo"] == "sent":
            return dict(parameters)
        filters = {"junction": "and", **(parameters.get("filters") or {})}
        return {"order": "-created_at", **parameters, "filters": filters}

    def read(self, id_: str, file_url: str) -> Document:
        """``GET /v1/exports/{exportId}``. Each call also advances the job, unless a switch gives it a time.

        :param file_url: address of the export files
        :raises ApiError: 404
        """
        with self._lock:
            export = self._get_export(id_)
            if export["status"] not in _FINAL_STATUSES:
                export = self._advance(export)
        return self.document(export, file_url)

    def _get_export(self, id_: str) -> Document:
        export = self._sandbox.store.get(PARTNER, "", _KIND, id_)
        if export is None:
            raise not_found(id_, "export")
        return export

    def _advance(self, export: Document) -> Document:
        switches = self._sandbox.switches
        job = self._job(export["id"])
        job["polls"] += 1
        self._save(export["id"], job, export["created_at"])
        seconds = switches["voucherify.export_seconds"]
        if seconds is not None:
            age = self._sandbox.clock().timestamp() - (timestamp(export["created_at"]) or 0.0)
            done, started = age >= seconds, age > 0
        else:
            polls = switches["voucherify.export_polls"]
            done, started = job["polls"] >= polls, True
        if done or started:
            status = switches["voucherify.export_outcome"] if done else "IN_PROGRESS"
            export = export | {"status": status}
            self._sandbox.store.put(PARTNER, "", _KIND, export["id"], export, at=export["created_at"])
        return export

    def _job(self, id_: str) -> Document:
        return self._sandbox.store.get(PARTNER, "", _JOBS, id_) or {"polls": 0, "downloads": 0, "parameters": None}

    def _save(self, id_: str, job: Document, at: str) -> None:
        self._sandbox.store.put(PARTNER, "", _JOBS, id_, job, at=at)

    def document(self, export: Document, file_url: str) -> Document:
        """Return an export as the API sends it: a finished one has the address of its file."""
        if export.get("status") != "DONE":
            return export | {"result": None}
        return export | {"result": {"url": f"{file_url}/v1/exports/{export['id']}?token={self._token(export['id'])}"}}

    def delete(self, id_: str) -> None:
        """``DELETE /v1/exports/{exportId}``, with its file.

        :raises ApiError: 404
        """
        with self._lock:
            self._get_export(id_)
            for kind in (_KIND, _JOBS):
                self._sandbox.store.delete(PARTNER, "", kind, id_)

    def download(self, id_: str, token: str | None) -> tuple[str, bool]:
        """Return the file, and whether to stop its transfer halfway.

        :raises ApiError: 401 for a wrong token, 404 without a file or for an expired one
        """
        with self._lock:
            if not token or not hmac.compare_digest(token.encode(), self._token(id_).encode()):
                raise unauthorized()
            export = self._get_export(id_)
            if export["status"] != "DONE" or self._file_has_expired(export):
                raise not_found(id_, "export")
            job = self._job(id_)
            job["downloads"] += 1
            self._save(id_, job, export["created_at"])
        truncate = job["downloads"] <= self._sandbox.switches["voucherify.download_breaks"]
        return self._file(export, job["parameters"] or export.get("parameters") or {}), truncate

    def _file_has_expired(self, export: Document) -> bool:
        seconds = self._sandbox.switches["voucherify.export_file_seconds"]
        age = self._sandbox.clock().timestamp() - (timestamp(export["created_at"]) or 0.0)
        return seconds is not None and age >= seconds

    def _token(self, id_: str) -> str:
        secret = str(self._sandbox.credentials[PARTNER]["secret_key"])
        return hashlib.sha256(f"{secret}/{id_}".encode()).hexdigest()[:40]

    def _file(self, export: Document, parameters: Mapping[str, Any]) -> str:
        name = str(export["exported_object"])
        exported = EXPORT_OBJECTS[name]
        records = self._selected(exported, parameters)
        names = columns(parameters.get("fields") or exported.default_fields, self._metadata_keys(name, records))
        switches = self._sandbox.switches
        labels = [label(each) if switches["voucherify.export_header"] == "labels" else each for each in names]
        decimals = switches["voucherify.export_amounts"] == "decimal"
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(labels)
        for each in records:
            values = (value_of(name, column, each) for column in names)
            writer.writerow([cell(value, money=money and decimals) for value, money in values])
        return file.getvalue()

    def _selected(self, exported: ExportObject, parameters: Mapping[str, Any]) -> list[Document]:
        matches = self._reader(exported).predicate(parameters.get("filters") or {})
        by_id = {str(each.get("id")): each for kind in exported.kinds for each in self._records.across_parents(kind)}
        records = self._with_customers(exported, [each for each in by_id.values() if matches(each)])
        default_order = "-expires_at" if exported.orders == ("expires_at",) else "-created_at"
        return sorted_view(records, exported.kind, parameters.get("order") or default_order).records

    def _with_customers(self, exported: ExportObject, records: list[Document]) -> list[Document]:
        """Add the holder's source id to vouchers, which have the holder's id only."""
        if exported.kind != "vouchers":
            return records
        customers = self._records.list_records("customers")
        source_ids = {each["id"]: each.get("source_id") for each in customers}
        return [each | {"holder": {"source_id": source_ids.get(each.get("holder_id"))}} for each in records]

    def _metadata_keys(self, name: str, records: list[Document]) -> set[str]:
        """Return the keys of the metadata schema; without a schema, the keys of the records."""
        schema = self._records.find("metadata_schemas", "", name, ("related_object",))
        if schema is not None and schema.get("properties"):
            return set(schema["properties"])
        return {key for each in records for key in each.get("metadata") or {}}
