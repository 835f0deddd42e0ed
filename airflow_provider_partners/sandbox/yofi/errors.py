"""Yofi's errors, and the bodies they are sent with."""

from __future__ import annotations

from starlette.responses import JSONResponse, PlainTextResponse, Response

from airflow_provider_partners.sandbox.store import Document

#: Title of an error by status.
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
}


class ApiError(Exception):
    """The request fails with this status.

    :param detail: a sentence for the caller
    :param parameter: the query parameter at fault
    """

    def __init__(self, status: int, detail: str, *, parameter: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.parameter = parameter


def error_body(error: ApiError, shape: str) -> Response:
    """Return the response of an error. Yofi publishes no error body, so this offers those of its sister APIs.

    :param shape: ``jsonapi``, ``detail``, ``message`` or ``text``
    """
    title = _TITLES.get(error.status, "Error")
    if shape == "text":
        return PlainTextResponse(f"{title}: {error.detail}", status_code=error.status)
    if shape == "detail":
        body: Document = {"detail": error.detail}
    elif shape == "message":  # as a gateway in front of the API: the title of the status alone
        body = {"message": title}
    else:
        member: Document = {"status": str(error.status), "title": title, "detail": error.detail}
        if error.parameter:
            member["source"] = {"parameter": error.parameter}
        body = {"errors": [member]}
    return JSONResponse(body, status_code=error.status)
