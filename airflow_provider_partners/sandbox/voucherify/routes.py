"""The operations of Voucherify's API: their methods and paths, and the code that runs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, Response

from airflow_provider_partners.sandbox.store import Sandbox
from airflow_provider_partners.sandbox.voucherify.auth import Authenticator, parse_form
from airflow_provider_partners.sandbox.voucherify.errors import (
    PAYLOAD_MAX,
    ApiError,
    framework_error,
    missing_feature,
    missing_permission,
    not_found,
    wrong_method,
)
from airflow_provider_partners.sandbox.voucherify.exports.download import file_response
from airflow_provider_partners.sandbox.voucherify.exports.jobs import Exports
from airflow_provider_partners.sandbox.voucherify.lists.endpoint import Lists
from airflow_provider_partners.sandbox.voucherify.lists.paths import Listing, match_path, most_literal_first, segments
from airflow_provider_partners.sandbox.voucherify.lists.tables import LISTS
from airflow_provider_partners.sandbox.voucherify.qualifications import Qualifications
from airflow_provider_partners.sandbox.voucherify.records import PARTNER, Records
from airflow_provider_partners.sandbox.voucherify.single_objects import SINGLES, Single, read_one
from airflow_provider_partners.timestamps import isoformat

if TYPE_CHECKING:
    from starlette.requests import Request

DOWNLOAD = "exports.download"
_TOO_LARGE = f"Payload content length greater than maximum allowed: {PAYLOAD_MAX}"
_NO_JSON = "Invalid request payload JSON format"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation.

    :param name: the name in call counts
    :param resource: the list or the single object that it reads
    """

    method: str
    path: str
    name: str
    resource: Listing | Single | None = None


_CALLS: tuple[tuple[str, str, str], ...] = (
    ("POST", "/v1/oauth/token", "token"),
    ("POST", "/v1/oauth/introspect", "introspect"),
    ("POST", "/v1/oauth/token/revoke", "revoke"),
    ("POST", "/v1/exports", "exports.create"),
    ("GET", "/v1/exports/{exportId}", "exports.get"),
    ("DELETE", "/v1/exports/{exportId}", "exports.delete"),
    ("POST", "/v1/orders/export", "exports.create"),
    ("POST", "/v1/vouchers/{code}/disable", "vouchers.disable"),
    ("POST", "/v1/vouchers/{code}/enable", "vouchers.enable"),
    ("POST", "/v1/qualifications", "qualifications.list"),
    ("POST", "/client/v1/qualifications", "qualifications.list"),
    ("GET", "/download/v1/exports/{exportId}", DOWNLOAD),
)
OPERATIONS: tuple[Operation, ...] = tuple(
    most_literal_first([
        *(Operation(method=method, path=path, name=name) for method, path, name in _CALLS),
        *(Operation(method="GET", path=each.path, name=f"{each.kind}.list", resource=each) for each in LISTS),
        *(Operation(method="GET", path=each.path, name=f"{each.kind}.get", resource=each) for each in SINGLES),
    ])
)


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """A request as the worker thread gets it.

    :param parts: parts of the path below the prefix, each one URL-decoded
    :param file_url: address of the export files
    :param address: the client's IP address
    """

    method: str
    parts: list[str]
    query: str
    headers: Mapping[str, str]
    content: bytes
    file_url: str
    address: str

    @classmethod
    def from_request(cls, request: Request, content: bytes) -> ApiRequest:
        """Copy what an operation needs from a request."""
        root = request.scope.get("root_path", "")
        raw = request.scope.get("raw_path") or request.scope["path"].encode()
        path = raw.decode("ascii", errors="replace").partition("?")[0].removeprefix(root)
        return cls(
            method=request.method,
            parts=segments(path),
            query=request.url.query,
            headers=request.headers,
            content=content,
            file_url=f"{request.url.scheme}://{request.url.netloc}{root}/download",
            address=request.client.host if request.client else "",
        )

    def json(self) -> Any:
        """Return the JSON body.

        :raises ApiError: 413, 415 or 400, in the web framework's words
        """
        if len(self.content) > PAYLOAD_MAX:
            raise framework_error(413, _TOO_LARGE)
        if not self.content:
            return None
        if "json" not in self.headers.get("content-type", ""):
            raise framework_error(415)
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise framework_error(400, _NO_JSON) from None

    def form(self) -> dict[str, str]:
        """Return the form of the body.

        :raises ApiError: 413 or 415
        """
        if len(self.content) > PAYLOAD_MAX:
            raise framework_error(413, _TOO_LARGE)
        return parse_form(self.headers.get("content-type", ""), self.content)


def find(method: str, parts: Sequence[str]) -> tuple[Operation, dict[str, str]]:
    """Return the operation of a path and a method, and the values of the path's placeholders.

    :raises ApiError: 404 for an unknown path, 405 for another method
    """
    allowed: dict[str, None] = {}
    for operation in OPERATIONS:
        path_values = match_path(operation.path, parts)
        if path_values is None:
            continue
        if operation.method == method:
            return operation, path_values
        allowed[operation.method] = None
    if allowed:
        raise wrong_method(method, list(allowed))
    raise framework_error(404)


def operation_name(method: str, path: str) -> str:
    """Return the name in call counts; ``unknown`` for an unknown path.

    >>> operation_name("GET", "/v1/vouchers/SPRING/transactions")
    'voucher_transactions.list'
    """
    try:
        return find(method, segments(path))[0].name
    except ApiError:
        return "unknown"


class Operations:
    """Runs the operations."""

    def __init__(self, *, sandbox: Sandbox, authenticator: Authenticator) -> None:
        self._sandbox = sandbox
        self._authenticator = authenticator
        self._records = Records(sandbox)
        self._lists = Lists(sandbox=sandbox, records=self._records)
        self._exports = Exports(sandbox=sandbox, records=self._records)
        self._qualifications = Qualifications(sandbox=sandbox, records=self._records)
        self._handlers: Mapping[str, Callable[[ApiRequest, dict[str, str]], Response]] = {
            "token": lambda request, _: JSONResponse(authenticator.token(request.form())),
            "introspect": lambda request, _: JSONResponse(authenticator.introspect(request.form())),
            "revoke": self._revoke,
            "exports.create": self._create_export,
            "exports.get": lambda request, path_values: JSONResponse(
                self._exports.read(path_values["exportId"], request.file_url)
            ),
            "exports.delete": self._delete_export,
            "vouchers.disable": lambda _, path_values: self._set_active(path_values["code"], active=False),
            "vouchers.enable": lambda _, path_values: self._set_active(path_values["code"], active=True),
            "qualifications.list": lambda request, _: JSONResponse(self._qualifications.answer(request.json())),
            DOWNLOAD: self._download,
        }

    def run(self, operation: Operation, path_values: dict[str, str], request: ApiRequest) -> Response:
        """Run one operation.

        :param path_values: values of the path's placeholders
        :raises ApiError: the operation refuses the request
        """
        resource = operation.resource
        if resource is None:
            return self._handlers[operation.name](request, path_values)
        if resource.kind in self._sandbox.switches["voucherify.missing_features"]:
            raise missing_feature()
        if resource.kind in self._sandbox.switches["voucherify.missing_permissions"]:
            raise missing_permission()
        if isinstance(resource, Single):
            return JSONResponse(read_one(self._records, resource, path_values))
        body = self._lists.list_page(resource, path_values, request.query)
        if resource.kind == "exports":
            body |= {"exports": [self._exports.document(export, request.file_url) for export in body["exports"]]}
        return JSONResponse(body)

    def _revoke(self, request: ApiRequest, _: dict[str, str]) -> Response:
        self._authenticator.revoke(request.form())
        return Response(status_code=204)

    def _create_export(self, request: ApiRequest, _: dict[str, str]) -> Response:
        object_ = "order" if request.parts[1] == "orders" else None
        return JSONResponse(self._exports.create(request.json(), object_=object_))

    def _set_active(self, code: str, *, active: bool) -> Response:
        voucher = self._records.find("vouchers", "", code, ("code",))
        if voucher is None:
            raise not_found(code, "voucher")
        now = isoformat(self._sandbox.clock(), timespec="milliseconds")
        voucher = {**voucher, "active": active, "updated_at": now}
        self._sandbox.store.put(PARTNER, "", "vouchers", voucher["id"], voucher, at=voucher["created_at"])
        return JSONResponse(voucher)

    def _delete_export(self, _: ApiRequest, path_values: dict[str, str]) -> Response:
        self._exports.delete(path_values["exportId"])
        return Response(status_code=204)

    def _download(self, request: ApiRequest, path_values: dict[str, str]) -> Response:
        token = parse_qs(request.query).get("token", [None])[0]
        text, truncate = self._exports.download(path_values["exportId"], token)
        ranges = self._sandbox.switches["voucherify.download_ranges"]
        return file_response(text, headers=request.headers, ranges=ranges, truncate=truncate)
