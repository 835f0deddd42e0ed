"""Voucherify's exports: jobs that write a CSV file, which is fetched from another path with a token in its address.

How fast a job gets on, how it ends and how its file comes are switches. It must not know what a row means.
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
from airflow_provider_partners.sandbox.voucherify.errors import (
    INVALID_PAYLOAD,
    api_error,
    invalid,
    not_found,
    not_one_of,
    unauthorized,
)

_KIND, _JOBS = "exports", "export_jobs"
_ENDED = frozenset({"DONE", "ERROR"})


class Exports:
    """Takes, shows and deletes exports; writes their files when they are fetched."""

    def __init__(self, *, sandbox: Sandbox, records: Records) -> None:
        self._sandbox = sandbox
        self._records = records
        self._lock = threading.Lock()

    def create(self, body: Any, *, object_: str | None = None) -> Document:
        """``POST /v1/exports``; or of one kind of object, ``POST /v1/orders/export``.

        :raises Refused: 400 for a body that is turned down
        """
        given = body if isinstance(body, dict) else {}
        name = object_ or given.get("exported_object")
        allowed = self._sandbox.switches["voucherify.export_objects"]
        if name not in allowed or name not in EXPORT_OBJECTS:
            raise not_one_of(INVALID_PAYLOAD, "exported_object", allowed)
        parameters = given.get("parameters") or {}
        if not isinstance(parameters, dict):
            raise invalid(INVALID_PAYLOAD, "Property .parameters should be object")
        self._check(str(name), parameters)
        now, id_ = self._sandbox.clock(), f"exp_{secrets.token_hex(12)}"
        at = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"
        row: Document = {
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
            self._sandbox.store.put(PARTNER, "", _KIND, id_, row, at=at)
            self._save(id_, {"polls": 0, "downloads": 0, "parameters": parameters}, at)
        return row

    def _check(self, name: str, parameters: Mapping[str, Any]) -> None:
        exported = EXPORT_OBJECTS[name]
        order = parameters.get("order")
        orders = [sign + each for each in exported.orders for sign in ("-", "")]
        if order and order not in orders:
            raise not_one_of(INVALID_PAYLOAD, "parameters.order", orders)
        fields = parameters.get("fields")
        if fields is not None and not isinstance(fields, list):
            raise invalid(INVALID_PAYLOAD, "Property .parameters.fields should be array")
        refused_here = self._sandbox.switches["voucherify.export_refused_fields"].get(name, ())
        known = [each for each in exported.fields if each not in refused_here]
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
        """The parameters as the object shows them: as sent, or with what was filled in."""
        if self._sandbox.switches["voucherify.export_echo"] == "sent":
            return dict(parameters)
        filters = {"junction": "and", **(parameters.get("filters") or {})}
        return {"order": "-created_at", **parameters, "filters": filters}

    def read(self, id_: str, base: str) -> Document:
        """``GET /v1/exports/{exportId}``: gets the job on, too, where jobs get on by being asked about.

        :param base: the address below which files are
        :raises Refused: 404
        """
        with self._lock:
            row = self._row(id_)
            if row["status"] not in _ENDED:
                row = self._advance(row)
        return self.document(row, base)

    def _row(self, id_: str) -> Document:
        row = self._sandbox.store.get(PARTNER, "", _KIND, id_)
        if row is None:
            raise not_found(id_, "export")
        return row

    def _advance(self, row: Document) -> Document:
        switches = self._sandbox.switches
        job = self._job(row["id"])
        job["polls"] += 1
        self._save(row["id"], job, row["created_at"])
        seconds = switches["voucherify.export_seconds"]
        if seconds is not None:
            age = self._sandbox.clock().timestamp() - (timestamp(row["created_at"]) or 0.0)
            done, begun = age >= seconds, age > 0
        else:
            polls = switches["voucherify.export_polls"]
            done, begun = job["polls"] >= polls, True
        if done or begun:
            status = switches["voucherify.export_outcome"] if done else "IN_PROGRESS"
            row = row | {"status": status}
            self._sandbox.store.put(PARTNER, "", _KIND, row["id"], row, at=row["created_at"])
        return row

    def _job(self, id_: str) -> Document:
        return self._sandbox.store.get(PARTNER, "", _JOBS, id_) or {"polls": 0, "downloads": 0, "parameters": None}

    def _save(self, id_: str, job: Document, at: str) -> None:
        self._sandbox.store.put(PARTNER, "", _JOBS, id_, job, at=at)

    def document(self, row: Document, base: str) -> Document:
        """An export as it is sent: one that is done has the address of its file."""
        if row.get("status") != "DONE":
            return row | {"result": None}
        return row | {"result": {"url": f"{base}/v1/exports/{row['id']}?token={self._token(row['id'])}"}}

    def delete(self, id_: str) -> None:
        """``DELETE /v1/exports/{exportId}``: its file goes, too.

        :raises Refused: 404
        """
        with self._lock:
            self._row(id_)
            for kind in (_KIND, _JOBS):
                self._sandbox.store.delete(PARTNER, "", kind, id_)

    def download(self, id_: str, token: str | None) -> tuple[str, bool]:
        """The file, and whether its transfer is to break off.

        :raises Refused: 401 for a wrong token, 404 for a file that isn't there (any more)
        """
        with self._lock:
            if not token or not hmac.compare_digest(token.encode(), self._token(id_).encode()):
                raise unauthorized()
            row = self._row(id_)
            if row["status"] != "DONE" or self._file_has_expired(row):
                raise not_found(id_, "export")
            job = self._job(id_)
            job["downloads"] += 1
            self._save(id_, job, row["created_at"])
        breaks = job["downloads"] <= self._sandbox.switches["voucherify.download_breaks"]
        return self._file(row, job["parameters"] or row.get("parameters") or {}), breaks

    def _file_has_expired(self, row: Document) -> bool:
        seconds = self._sandbox.switches["voucherify.export_file_seconds"]
        age = self._sandbox.clock().timestamp() - (timestamp(row["created_at"]) or 0.0)
        return seconds is not None and age >= seconds

    def _token(self, id_: str) -> str:
        secret = str(self._sandbox.credentials[PARTNER]["secret_key"])
        return hashlib.sha256(f"{secret}/{id_}".encode()).hexdigest()[:40]

    def _file(self, row: Document, parameters: Mapping[str, Any]) -> str:
        name = str(row["exported_object"])
        exported = EXPORT_OBJECTS[name]
        rows = self._rows(exported, parameters)
        wanted = columns(parameters.get("fields") or exported.default_fields, self._metadata_keys(name, rows))
        switches = self._sandbox.switches
        labels = [label(each) if switches["voucherify.export_header"] == "labels" else each for each in wanted]
        decimals = switches["voucherify.export_amounts"] == "decimal"
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(labels)
        for each in rows:
            found = (value_of(name, column, each) for column in wanted)
            writer.writerow([cell(value, money=money and decimals) for value, money in found])
        return file.getvalue()

    def _rows(self, exported: ExportObject, parameters: Mapping[str, Any]) -> list[Document]:
        takes = self._reader(exported).predicate(parameters.get("filters") or {})
        found = {str(row.get("id")): row for kind in exported.kinds for row in self._records.across_parents(kind)}
        rows = [row for row in found.values() if takes(row)]
        usual = "-expires_at" if exported.orders == ("expires_at",) else "-created_at"
        return sorted_view(
            self._with_customers(exported, rows), exported.kind, parameters.get("order") or usual
        ).records

    def _with_customers(self, exported: ExportObject, rows: list[Document]) -> list[Document]:
        """Vouchers have their holder's id alone; the file may have the source id, too."""
        if exported.kind != "vouchers":
            return rows
        sources = {row["id"]: row.get("source_id") for row in self._records.list_records("customers")}
        return [row | {"holder": {"source_id": sources.get(row.get("holder_id"))}} for row in rows]

    def _metadata_keys(self, name: str, rows: list[Document]) -> set[str]:
        """One column per key of the metadata schema; without a schema, per key that a row has."""
        schema = self._records.find("metadata_schemas", "", name, ("related_object",))
        if schema is not None and schema.get("properties"):
            return set(schema["properties"])
        return {key for row in rows for key in row.get("metadata") or {}}
