"""Operations of Voucherify's API: which path and method is which, and what runs for it.

It must not know who may call, nor how often.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, Response

from airflow_provider_partners.sandbox.store import Sandbox
from airflow_provider_partners.sandbox.voucherify.auth import Authenticator, form_of
from airflow_provider_partners.sandbox.voucherify.exports.download import file_response
from airflow_provider_partners.sandbox.voucherify.exports.jobs import Exports
from airflow_provider_partners.sandbox.voucherify.lists.endpoint import Lists
from airflow_provider_partners.sandbox.voucherify.lists.paths import Listing, match_path, most_literal_first, segments
from airflow_provider_partners.sandbox.voucherify.lists.tables import LISTS
from airflow_provider_partners.sandbox.voucherify.records import Records
from airflow_provider_partners.sandbox.voucherify.errors import (
    PAYLOAD_MAX,
    ApiError,
    framework_error,
    missing_feature,
    missing_permission,
    wrong_method,
)
from airflow_provider_partners.sandbox.voucherify.single_objects import SINGLES, Single, read_one

if TYPE_CHECKING:
    from starlette.requests import Request

DOWNLOAD = "exports.download"
_TOO_LARGE = f"Payload content length greater than maximum allowed: {PAYLOAD_MAX}"
_NO_JSON = "Invalid request payload JSON format"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation.

    :param name: by which its calls are counted
    :param about: the list or the object that it reads, if it does
    """

    method: str
    path: str
    name: str
    about: Listing | Single | None = None


_OWN: tuple[tuple[str, str, str], ...] = (
    ("POST", "/v1/oauth/token", "token"),
    ("POST", "/v1/oauth/introspect", "introspect"),
    ("POST", "/v1/oauth/token/revoke", "revoke"),
    ("POST", "/v1/exports", "exports.create"),
    ("GET", "/v1/exports/{exportId}", "exports.get"),
    ("DELETE", "/v1/exports/{exportId}", "exports.delete"),
    ("POST", "/v1/orders/export", "exports.create"),
    ("GET", "/download/v1/exports/{exportId}", DOWNLOAD),
)
OPERATIONS: tuple[Operation, ...] = tuple(
    most_literal_first([
        *(Operation(method=method, path=path, name=name) for method, path, name in _OWN),
        *(Operation(method="GET", path=each.path, name=f"{each.kind}.list", about=each) for each in LISTS),
        *(Operation(method="GET", path=each.path, name=f"{each.kind}.get", about=each) for each in SINGLES),
    ])
)


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """A request as the worker thread needs it.

    :param parts: of the path below the prefix, decoded one by one
    :param files: the address below which files are
    """

    method: str
    parts: list[str]
    query: str
    headers: Mapping[str, str]
    content: bytes
    files: str
    address: str

    @classmethod
    def from_request(cls, request: Request, content: bytes) -> ApiRequest:
        """Take what is needed of a request."""
        root = request.scope.get("root_path", "")
        raw = request.scope.get("raw_path") or request.scope["path"].encode()
        path = raw.decode("ascii", errors="replace").partition("?")[0].removeprefix(root)
        return cls(
            method=request.method,
            parts=segments(path),
            query=request.url.query,
            headers=request.headers,
            content=content,
            files=f"{request.url.scheme}://{request.url.netloc}{root}/download",
            address=request.client.host if request.client else "",
        )

    def json(self) -> Any:
        """The body.

        :raises Refused: 413, 415 or 400, in the framework's own words
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
        """The body of a form.

        :raises Refused: 413 or 415
        """
        if len(self.content) > PAYLOAD_MAX:
            raise framework_error(413, _TOO_LARGE)
        return form_of(self.headers.get("content-type", ""), self.content)


def find(method: str, parts: Sequence[str]) -> tuple[Operation, dict[str, str]]:
    """The operation that a path and a method name, and the values of its placeholders.

    :raises Refused: 404 for an unknown path, 405 for a method that it hasn't
    """
    allowed: dict[str, None] = {}
    for operation in OPERATIONS:
        given = match_path(operation.path, parts)
        if given is None:
            continue
        if operation.method == method:
            return operation, given
        allowed[operation.method] = None
    if allowed:
        raise wrong_method(method, list(allowed))
    raise framework_error(404)


def operation_name(method: str, path: str) -> str:
    """By what a request's calls are counted; for an unknown one ``unknown``.

    >>> operation_name("GET", "/v1/vouchers/SPRING/transactions")
    'voucher_transactions.list'
    """
    try:
        return find(method, segments(path))[0].name
    except ApiError:
        return "unknown"


class Operations:
    """Runs operations."""

    def __init__(self, *, sandbox: Sandbox, gate: Authenticator) -> None:
        self._sandbox = sandbox
        self._gate = gate
        self._records = Records(sandbox)
        self._lists = Lists(sandbox=sandbox, records=self._records)
        self._exports = Exports(sandbox=sandbox, records=self._records)
        self._own: Mapping[str, Callable[[ApiRequest, dict[str, str]], Response]] = {
            "token": lambda asked, _: JSONResponse(gate.token(asked.form())),
            "introspect": lambda asked, _: JSONResponse(gate.introspect(asked.form())),
            "revoke": self._revoke,
            "exports.create": self._create_export,
            "exports.get": lambda asked, given: JSONResponse(self._exports.read(given["exportId"], asked.files)),
            "exports.delete": self._delete_export,
            DOWNLOAD: self._download,
        }

    def run(self, operation: Operation, path_values: dict[str, str], request: ApiRequest) -> Response:
        """Run one operation.

        :param path_values: values of its path's placeholders
        :raises Refused: whatever it refuses
        """
        about = operation.about
        if about is None:
            return self._own[operation.name](request, path_values)
        if about.kind in self._sandbox.switches["voucherify.missing_features"]:
            raise missing_feature()
        if about.kind in self._sandbox.switches["voucherify.missing_permissions"]:
            raise missing_permission()
        if isinstance(about, Single):
            return JSONResponse(read_one(self._records, about, path_values))
        body = self._lists.list_page(about, path_values, request.query)
        if about.kind == "exports":
            body |= {"exports": [self._exports.document(row, request.files) for row in body["exports"]]}
        return JSONResponse(body)

    def _revoke(self, asked: ApiRequest, _: dict[str, str]) -> Response:
        self._gate.revoke(asked.form())
        return Response(status_code=204)

    def _create_export(self, asked: ApiRequest, _: dict[str, str]) -> Response:
        object_ = "order" if asked.parts[1] == "orders" else None
        return JSONResponse(self._exports.create(asked.json(), object_=object_))

    def _delete_export(self, _: ApiRequest, given: dict[str, str]) -> Response:
        self._exports.delete(given["exportId"])
        return Response(status_code=204)

    def _download(self, asked: ApiRequest, given: dict[str, str]) -> Response:
        token = parse_qs(asked.query).get("token", [None])[0]
        text, breaks = self._exports.download(given["exportId"], token)
        ranges = self._sandbox.switches["voucherify.download_ranges"]
        return file_response(text, headers=asked.headers, ranges=ranges, truncate=breaks)
