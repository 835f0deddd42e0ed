"""Voucherify's errors: those of the API and those of its web framework, which have another shape.

Source: https://docs.voucherify.io/api-reference/errors
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from starlette.responses import JSONResponse, Response

from airflow_provider_partners.sandbox.store import Document

INVALID_QUERY = "invalid_query_params"
INVALID_PAYLOAD = "invalid_payload"
_MESSAGES = {INVALID_QUERY: "Invalid query params", INVALID_PAYLOAD: "Invalid payload"}
_PHRASES = {400: "Bad Request", 404: "Not Found", 413: "Request Entity Too Large", 415: "Unsupported Media Type"}
#: Maximum bytes of a request's body.
PAYLOAD_MAX = 10_485_760


class ApiError(Exception):
    """The request fails with this status and body."""

    def __init__(self, status: int, body: Document | None, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(str(status))
        self.status = status
        self.body = body
        self.headers = headers or {}

    def response(self) -> Response:
        """Return the response."""
        if self.body is None:
            return Response(status_code=self.status, headers=self.headers)
        return JSONResponse(self.body, status_code=self.status, headers=self.headers)


def api_error(status: int, key: str, message: str, details: str | None = None, **more: str) -> ApiError:
    """Return an error of the API itself, with a request id."""
    body: Document = {"code": status, "key": key, "message": message}
    if details is not None:
        body["details"] = details
    return ApiError(status, {**body, "request_id": request_id(), **more})


def invalid(key: str, details: str) -> ApiError:
    """Return the 400 for a parameter or a body that the validator refuses.

    :param key: ``INVALID_QUERY`` or ``INVALID_PAYLOAD``
    """
    return api_error(400, key, _MESSAGES[key], details)


def not_one_of(key: str, name: str, allowed: Sequence[str]) -> ApiError:
    """Return the 400 for a value that is not allowed, in the words documented for ``exported_object``."""
    return invalid(key, f"Property .{name} should be equal to one of the allowed values [ {', '.join(allowed)} ]")


def not_found(id_: str, type_: str) -> ApiError:
    """Return the 404 for an unknown object."""
    details = f"Cannot find {type_.replace('_', ' ')} with id {id_}"
    return api_error(404, "not_found", "Resource not found", details, resource_id=id_, resource_type=type_)


def unauthorized() -> ApiError:
    """Return the 401, which is documented without a request id."""
    return ApiError(401, {"code": 401, "message": "Unauthorized", "key": "unauthorized"})


def missing_permission() -> ApiError:
    """Return the 403 for a key or a token without the permission."""
    return ApiError(
        403,
        {
            "code": 403,
            "message": "Missing permission",
            "details": "User does not have a required permission to perform this operation.",
            "key": "missing_required_permission",
        },
    )


def missing_feature() -> ApiError:
    """Return the 402 for a feature that the plan does not have."""
    return api_error(
        402, "missing_required_feature", "Missing required feature", "The feature is not part of the current plan."
    )


def wrong_method(method: str, allowed: Sequence[str]) -> ApiError:
    """Return the 405, with the documented hint at the methods that exist."""
    hint = " or ".join(allowed)
    details = f"{method} is not supported by this endpoint. Did you mean {hint}?"
    body = {"code": 405, "message": "HTTP Method Not Allowed", "details": details}
    return ApiError(405, body, headers={"Allow": ", ".join(allowed)})


def framework_error(status: int, message: str | None = None) -> ApiError:
    """Return an error of the web framework, which has another shape and no request id."""
    phrase = _PHRASES[status]
    return ApiError(status, {"statusCode": status, "error": phrase, "message": message or phrase})


def request_id() -> str:
    """Return a new request id: ``v-`` and 18 hexadecimal digits."""
    return f"v-{secrets.token_hex(9)}"
