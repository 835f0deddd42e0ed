"""Voucherify's Exports API as its OpenAPI description documents it, and a client that uses it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
from clocks import TurningClock

from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.api.voucherify.exports.job import ExportJob
from fakes.voucherify import voucherify_client

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
ALLOWED = (
    "id, object, date, voucher_code, campaign, promotion_tier_id, customer_id, customer_source_id, customer_name, "
    "tracking_id, order_amount, gift_amount, loyalty_points, result, failure_code, failure_message, metadata"
)
"""The allowed fields of the documented 400 answer. It lacks ``order_id``."""
TOKEN = "eyJ0b2tlbi1vZi10aGUtZmlsZQ"
URL = f"https://download.voucherify.io/v1/exports/exp_1?token={TOKEN}"


class ExportsServer:
    """The Exports API, as documented; stores the requests.

    :param damaged: files that arrive before the right one, each once
    """

    def __init__(
        self,
        file: str | bytes = "",
        *,
        statuses: str = "DONE",
        url: str = URL,
        allowed: str | None = None,
        damaged: Sequence[bytes] = (),
    ) -> None:
        self.file = file.encode() if isinstance(file, str) else file
        self.damaged = list(damaged)
        self.statuses = statuses.split()
        self.url = url
        self.allowed = allowed
        self.exports: dict[str, dict[str, Any]] = {}
        self.requests: list[httpx.Request] = []
        self.files = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path
        if request.url.host.endswith("download.voucherify.io") or "token" in request.url.params:
            return self._download(request)
        if request.method == "POST":
            return self._create(json.loads(request.content))
        if path == "/v1/exports":
            return self._list(request)
        export = self.exports.get(path.rpartition("/")[2])
        if export is None:
            return not_found(path.rpartition("/")[2])
        if request.method == "DELETE":
            del self.exports[export["id"]]
            return httpx.Response(204)
        export["status"] = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        done = export["status"] == "DONE"
        return httpx.Response(200, json={**export, "result": {"url": self.url} if done else None})

    def _create(self, body: dict[str, Any]) -> httpx.Response:
        fields = body["parameters"]["fields"]
        if self.allowed is not None and set(fields) - set(self.allowed.split(", ")):
            error = {
                "code": 400,
                "key": "invalid_export_fields",
                "message": "Invalid Export",
                "details": f"Unsupported field used. Allowed fields: {self.allowed}",
                "request_id": "v-0afdb603910a1a14e0",
            }
            return httpx.Response(400, json=error)
        self.add(f"exp_{len(self.exports) + 1}", **body)
        return httpx.Response(200, json=self.exports[f"exp_{len(self.exports)}"])

    def add(self, id_: str, *, created_at: str = "2026-05-03T00:00:00.000Z", **body: Any) -> None:
        self.exports[id_] = {
            "id": id_,
            "object": "export",
            "created_at": created_at,
            "status": "SCHEDULED",
            "channel": "API",
            "result": None,
            "user_id": None,
            **body,
        }

    def _list(self, request: httpx.Request) -> httpx.Response:
        assert request.url.params["order"] == "-created_at"
        number, limit = int(request.url.params["page"]), int(request.url.params["limit"])
        exports = sorted(self.exports.values(), key=lambda export: export["created_at"], reverse=True)
        page = exports[(number - 1) * limit : number * limit]
        return httpx.Response(
            200, json={"object": "list", "data_ref": "exports", "exports": page, "total": len(exports)}
        )

    def _download(self, request: httpx.Request) -> httpx.Response:
        if "X-App-Token" not in request.headers or parse_qs(request.url.query.decode())["token"] != [TOKEN]:
            return httpx.Response(401, json={"code": 401, "message": "Unauthorized", "key": "unauthorized"})
        self.files += 1
        content = self.damaged.pop(0) if self.damaged else self.file
        return httpx.Response(200, content=content, headers={"Content-Type": "text/plain"})

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests if request.method == "POST"]


def not_found(id_: str) -> httpx.Response:
    body = {
        "code": 404,
        "key": "not_found",
        "message": "Resource not found",
        "details": f"Cannot find export with id {id_}",
        "request_id": "v-0b029305af4524cf42",
        "resource_id": id_,
        "resource_type": "export",
    }
    return httpx.Response(404, json=body)


def client(server: Callable[[httpx.Request], httpx.Response], **options: Any) -> VoucherifyClient:
    return voucherify_client(server, **{"clock": TurningClock(), **options})


def csv_text(*rows: str, header: str) -> str:
    """Return a file with the line ends of the API."""
    return "\r\n".join([header, *rows]) + "\r\n"


def exported_records(server: ExportsServer, resource: str, **arguments: Any) -> list[dict[str, Any]]:
    job = client(server).job(resource, **arguments)
    return list(job.extraction(job.submit()).records())


def add_export_of(server: ExportsServer, job: ExportJob, id_: str, **changed: Any) -> None:
    """Add an export with the parameters of a job, and those that Voucherify adds."""
    fields = changed.pop("fields", list(job.requested_fields))
    parameters = {**job.parameters, "fields": fields, "response_format": "CSV", **changed.pop("parameters", {})}
    parameters["filters"] = {"junction": "and", **parameters.get("filters", {})}
    server.add(id_, **{"exported_object": job.export_object.api_name, "parameters": parameters, **changed})
