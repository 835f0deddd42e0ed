"""The sandbox's server of Voucherify's API: lists, single objects, exports and tokens, with keys and a rate limit.

API: https://docs.voucherify.io/api-reference. A behaviour that the documentation leaves open is a switch. The download
host is the path ``/download``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from airflow_provider_partners.sandbox.voucherify.auth import Authenticator, api_family
from airflow_provider_partners.sandbox.voucherify.errors import PAYLOAD_MAX, ApiError
from airflow_provider_partners.sandbox.voucherify.rate_limits import RateLimiter, RateLimitStatus
from airflow_provider_partners.sandbox.voucherify.records import PARTNER
from airflow_provider_partners.sandbox.voucherify.routes import DOWNLOAD, ApiRequest, Operations, find

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_partners.sandbox.store import Sandbox

SWITCHES: dict[str, Any] = {
    "voucherify.rate_limit": 2000,  # calls per period and project; 0: none, and no headers
    "voucherify.rate_period": "minute",  # or "hour", or seconds
    "voucherify.rate_type": "api_calls",  # or "api_calls_cycle": the bucket lasts a month; or "webhook_calls"
    "voucherify.rate_retry_after": None,  # seconds to send in Retry-After instead of the real ones
    "voucherify.bulk_rate_limit": 0,  # exports per period, in their own bucket; 0: they count like any call
    "voucherify.bulk_rate_period": "hour",
    "voucherify.client_rate_limit": 0,  # client-side calls per 5 seconds and address; documented: 5
    "voucherify.token_seconds": 900,  # lifetime of a token; documented: 900
    "voucherify.tokens_max": 1000,  # tokens of a project; documented: 1000
    "voucherify.project_version": "v2018-08-01",  # API version of a request without a version header
    "voucherify.missing_features": [],  # kinds that the plan does not have: 402
    "voucherify.missing_permissions": [],  # kinds that the key's role may not read: 403
    "voucherify.unknown_parameter": "ignore",  # or 400
    "voucherify.created_at_everywhere": False,  # lists that do not document created_at, such as orders, accept it
    "voucherify.time_bounds": "exclusive",  # limits of before and after; or "inclusive"
    "voucherify.starting_after": "strict",  # for customers; or "inclusive": records with that timestamp come again
    "voucherify.long_lists": "refuse",  # a filter's index above 20; or "accept"
    "voucherify.orders_default_order": "created_at",  # the documentation's text; its example has "-created_at"
    "voucherify.publications_page_max": 100,  # the OpenAPI schema; the documentation's text has 1000
    "voucherify.optional_members": True,  # send total and has_more where they are optional in the schema
    "voucherify.data_ref_mismatch": True,  # skus and segments have another key than their data_ref
    "voucherify.cursor_seconds": 600,  # until a cursor of the second loyalty API expires
    "voucherify.export_objects": [
        *("voucher", "redemption", "customer", "publication", "order"),
        *("points_expiration", "voucher_transactions", "product", "sku"),
    ],
    "voucherify.export_refused_fields": {},  # {"redemption": ["order_id"]}: in the schema, but not in the text
    "voucherify.export_polls": 2,  # GETs until an export is done
    "voucherify.export_seconds": None,  # seconds of the sandbox's clock until an export is done, instead of GETs
    "voucherify.export_outcome": "DONE",  # or "ERROR"
    "voucherify.export_echo": "sent",  # show the parameters as sent; or "filled": with the defaults
    "voucherify.export_header": "labels",  # or "names"
    "voucherify.export_amounts": "decimal",  # or "minor": minor units, as in JSON
    "voucherify.export_file_seconds": None,  # seconds of the sandbox's clock until a file expires
    "voucherify.download_ranges": True,  # range requests work
    "voucherify.download_breaks": 0,  # number of transfers of each file that stop halfway
}
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def routes(sandbox: Sandbox, *, clock: Callable[[], float] = time.time) -> list[BaseRoute]:
    """Return the routes below Voucherify's prefix.

    :param clock: epoch seconds for the rate limit
    """
    api = VoucherifyApi(sandbox=sandbox, clock=clock)
    # One route for all paths: an id may contain an escaped slash, which Starlette's routes read as a slash.
    return [Route("/{path:path}", api.handle, methods=_METHODS)]


class VoucherifyApi:
    """Answers requests: finds the operation, checks the credentials, counts the call, runs the operation."""

    def __init__(self, *, sandbox: Sandbox, clock: Callable[[], float]) -> None:
        self._sandbox = sandbox
        self._authenticator = Authenticator(sandbox)
        self._limiter = RateLimiter(clock=clock, switches=sandbox.switches)
        self._operations = Operations(sandbox=sandbox, authenticator=self._authenticator)

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        content = bytearray()
        async for chunk in request.stream():
            if len(content) <= PAYLOAD_MAX:
                content += chunk
        return await run_in_threadpool(self._answer, ApiRequest.from_request(request, bytes(content)))

    def _answer(self, request: ApiRequest) -> Response:
        name = "unknown"
        try:
            operation, path_values = find(request.method, request.parts)
            name = operation.name
            self._authenticator.check(request.headers, request.parts[1:] if name == DOWNLOAD else request.parts)
            self._count_against_limit(request, name)
            response = self._operations.run(operation, path_values, request)
        except ApiError as error:
            response = error.response()
        rate_limit = self._limiter.calls(consume=False)
        for header, value in rate_limit.headers().items() if rate_limit else ():
            response.headers.setdefault(header, value)
        self._sandbox.count(PARTNER, "", f"{name}.throttled" if response.status_code == 429 else name)
        return response

    def _count_against_limit(self, request: ApiRequest, operation: str) -> None:
        """Count a call in each of its buckets. Downloads come from another host and do not count.

        :raises ApiError: 429
        """
        if operation == DOWNLOAD:
            return
        buckets: list[Callable[[], RateLimitStatus | None]] = [self._limiter.calls]
        if operation == "exports.create":
            # Voucherify does not document which calls are bulk calls. Of those in the sandbox, exports are likely.
            buckets.append(self._limiter.bulk)
        if api_family(request.parts) == "client":
            buckets.append(lambda: self._limiter.client_side(request.address))
        for count_call in buckets:
            rate_limit = count_call()
            if rate_limit is not None and not rate_limit.allowed:
                raise rate_limit.error(self._sandbox.switches["voucherify.rate_retry_after"])
