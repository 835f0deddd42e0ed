"""Voucherify's API on this machine: its lists, single objects, exports and tokens, behind keys and a rate limit.

What the documentation leaves open is a switch. The path of the download host is below ``/download``. It must not know
how rows come about.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from airflow_provider_partners.sandbox.voucherify.auth import Authenticator, family
from airflow_provider_partners.sandbox.voucherify.rate_limits import RateLimiter, RateLimitStatus
from airflow_provider_partners.sandbox.voucherify.records import PARTNER
from airflow_provider_partners.sandbox.voucherify.errors import PAYLOAD_MAX, ApiError
from airflow_provider_partners.sandbox.voucherify.routes import DOWNLOAD, ApiRequest, Operations, find

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_partners.sandbox.store import Sandbox

SWITCHES: dict[str, Any] = {
    "voucherify.rate_limit": 2000,  # calls per period and project; 0: none, and no headers
    "voucherify.rate_period": "minute",  # or "hour", or seconds
    "voucherify.rate_type": "api_calls",  # or "api_calls_cycle": the bucket lasts a month; or "webhook_calls"
    "voucherify.rate_retry_after": None,  # other seconds in Retry-After than those left
    "voucherify.bulk_rate_limit": 0,  # exports per period of their own bucket; 0: they count as any call
    "voucherify.bulk_rate_period": "hour",
    "voucherify.client_rate_limit": 0,  # client-side calls per 5 seconds and address; documented: 5
    "voucherify.token_seconds": 900,
    "voucherify.tokens_max": 1000,
    "voucherify.project_version": "v2018-08-01",  # of the API, where a request names none
    "voucherify.missing_features": [],  # kinds that the plan has not: 402
    "voucherify.missing_permissions": [],  # kinds that the key's role may not read: 403
    "voucherify.unknown_parameter": "ignore",  # or 400
    "voucherify.created_at_everywhere": False,  # also on lists that don't declare created_at, such as orders
    "voucherify.time_bounds": "exclusive",  # of before and after; or "inclusive"
    "voucherify.starting_after": "strict",  # of customers; or "inclusive": rows of that very time come again
    "voucherify.long_lists": "refuse",  # a filter's index above 20; or "accept"
    "voucherify.orders_default_order": "created_at",  # the text says: oldest first; the example: "-created_at"
    "voucherify.publications_page_max": 100,  # the schema says; the text: 1000
    "voucherify.optional_members": True,  # total and has_more where the schema has them as optional
    "voucherify.data_ref_mismatch": True,  # skus and segments are not where data_ref says
    "voucherify.cursor_seconds": 600,  # until a cursor of the second loyalty API expires
    "voucherify.export_objects": [
        *("voucher", "redemption", "customer", "publication", "order"),
        *("points_expiration", "voucher_transactions", "product", "sku"),
    ],
    "voucherify.export_refused_fields": {},  # {"redemption": ["order_id"]}: it is in the schema, not in the texts
    "voucherify.export_polls": 2,  # GETs until an export is done
    "voucherify.export_seconds": None,  # the sandbox's seconds until then, instead of GETs
    "voucherify.export_outcome": "DONE",  # or "ERROR"
    "voucherify.export_echo": "sent",  # parameters as sent; or "filled": with the defaults
    "voucherify.export_header": "labels",  # or "names"
    "voucherify.export_amounts": "decimal",  # or "minor": as in JSON
    "voucherify.export_file_seconds": None,  # the sandbox's seconds that a file is kept
    "voucherify.download_ranges": True,  # a file may be fetched in part
    "voucherify.download_breaks": 0,  # so many first transfers of each file break off halfway
}
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def routes(sandbox: Sandbox, *, clock: Callable[[], float] = time.time) -> list[BaseRoute]:
    """The routes below Voucherify's prefix.

    :param clock: epoch seconds for the rate limit
    """
    api = VoucherifyApi(sandbox=sandbox, clock=clock)
    # One route for all: ids in paths may hold an escaped slash, which Starlette's routes would take for a slash.
    return [Route("/{path:path}", api.handle, methods=_METHODS)]


class VoucherifyApi:
    """Answers requests: finds the operation, checks the keys, counts the call against the limit, runs it."""

    def __init__(self, *, sandbox: Sandbox, clock: Callable[[], float]) -> None:
        self._sandbox = sandbox
        self._gate = Authenticator(sandbox)
        self._limiter = RateLimiter(clock=clock, switches=sandbox.switches)
        self._operations = Operations(sandbox=sandbox, gate=self._gate)

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        content = bytearray()
        async for chunk in request.stream():
            if len(content) <= PAYLOAD_MAX:
                content += chunk
        return await run_in_threadpool(self._answer, ApiRequest.from_request(request, bytes(content)))

    def _answer(self, asked: ApiRequest) -> Response:
        operation = "unknown"
        try:
            found, parents = find(asked.method, asked.parts)
            operation = found.name
            self._gate.check(asked.headers, asked.parts[1:] if found.name == DOWNLOAD else asked.parts)
            self._count_against_limit(asked, found.name)
            response = self._operations.run(found, parents, asked)
        except ApiError as refused:
            response = refused.response()
        allowance = self._limiter.calls(consume=False)
        for name, value in allowance.headers().items() if allowance else ():
            response.headers.setdefault(name, value)
        self._sandbox.count(PARTNER, "", f"{operation}.throttled" if response.status_code == 429 else operation)
        return response

    def _count_against_limit(self, asked: ApiRequest, operation: str) -> None:
        """Take a call from every bucket that it belongs to; files come from another host and count nowhere.

        :raises Refused: 429
        """
        if operation == DOWNLOAD:
            return
        buckets: list[Callable[[], RateLimitStatus | None]] = [self._limiter.calls]
        if operation == "exports.create":
            # Which calls are bulk ones is not documented; exports are the likeliest among those served here.
            buckets.append(self._limiter.bulk)
        if family(asked.parts) == "client":
            buckets.append(lambda: self._limiter.client_side(asked.address))
        for take in buckets:
            allowance = take()
            if allowance is not None and not allowance.allowed:
                raise allowance.refusal(self._sandbox.switches["voucherify.rate_retry_after"])
