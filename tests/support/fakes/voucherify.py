"""A Voucherify list that pages, sorts and filters by time, and a client without limits, for unit tests.

The list does not use the client's tables: a test sets which time filters it, and whether bounds are inclusive.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx
from client_options import gather_options
from clocks import TurningClock

from airflow_provider_partners.api.voucherify.client import VoucherifyClient

NOW = 1_780_000_000.0  # 2026-05-28

_TIMES = re.compile(
    r"(?P<name>\w+)\[(?P<side>after|before)\]|filters\[(?P<field>\w+)\]\[conditions\]\[\$(?P<edge>after|before)\]"
)


def voucherify_client(handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> VoucherifyClient:
    """Return a client with a key pair and a rate limit that no test reaches; the handler answers its requests."""
    defaults = {
        "application_id": "app-id-1234",
        "secret_key": "the-secret-key",
        "requests_per_minute": 6_000_000.0,
        "clock": TurningClock(NOW),
    }
    arguments = gather_options(handler=httpx.MockTransport(handler), **{**defaults, **options})
    return VoucherifyClient(**arguments)


class FakeList:
    """One list; stores the queries it receives.

    :param records: its records; a test may add and remove some while the client reads
    :param key: the key of the records in an answer
    :param time: time filter to the field of a record
    :param inclusive: include the bounds of a time range
    :param max_page: the highest page number served
    :param total: answers hold the total
    :param has_more: answers hold ``has_more``
    :param before_answer: called with the number of each request before it is answered
    """

    def __init__(
        self,
        records: list[dict[str, Any]],
        *,
        key: str = "data",
        time: dict[str, str] | None = None,
        inclusive: bool = False,
        max_page: int = 99,
        total: bool = True,
        has_more: bool = False,
        before_answer: Callable[[int], None] = lambda number: None,
    ) -> None:
        self.records = records
        self.key = key
        self.time = time or {}
        self.inclusive = inclusive
        self.max_page = max_page
        self.total = total
        self.has_more = has_more
        self.before_answer = before_answer
        self.queries: list[dict[str, str]] = []
        self.paths: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        self.queries.append(query)
        self.paths.append(request.url.raw_path.decode().partition("?")[0])
        self.before_answer(len(self.queries))
        limit, page = int(query.get("limit", 10)), int(query.get("page", 1))
        if page > self.max_page or limit > 100:
            return refusal("invalid_query_params", f"Property .page cannot be higher than {self.max_page}")
        matching = [record for record in self.records if self._within(record, query)]
        order = query.get("order", "-created_at")
        field = self.time.get(order.lstrip("-"), order.lstrip("-"))
        matching = sorted(matching, key=lambda record: record.get(field) or "", reverse=order.startswith("-"))
        total = len(matching)
        selected, more = self._page(matching, query, limit, page, field, descending=order.startswith("-"))
        body: dict[str, Any] = {"object": "list", "data_ref": self.key, self.key: selected}
        if self.total:
            body["total"] = total
        if self.has_more:
            body["has_more"] = more
            if more and "starting_after" not in query:
                body["more_starting_after"] = selected[-1]["id"]
        return httpx.Response(200, json=body)

    def _page(
        self,
        records: list[dict[str, Any]],
        query: dict[str, str],
        limit: int,
        page: int,
        field: str,
        *,
        descending: bool,
    ) -> tuple[list[dict[str, Any]], bool]:
        if "starting_after_id" in query:
            ids = [record["id"] for record in records]
            records = records[ids.index(query["starting_after_id"]) + 1 :]
        if "starting_after" in query:
            side = "before" if descending else "after"
            records = [record for record in records if self._beyond(record[field], query["starting_after"], side)]
        begin = (page - 1) * limit
        return records[begin : begin + limit], len(records) > begin + limit

    def _within(self, record: dict[str, Any], query: dict[str, str]) -> bool:
        for name, value in query.items():
            match = _TIMES.fullmatch(name)
            if match:
                time, side = match["name"] or match["field"], match["side"] or match["edge"]
            elif name in {"start_date", "end_date"}:
                time, side = "created_at", "after" if name == "start_date" else "before"
            else:
                continue
            at = record.get(self.time.get(time, time))
            if not at or not self._beyond(at, value, side):
                return False
        return True

    def _beyond(self, at: str, bound: str, side: str) -> bool:
        if at == bound:
            return self.inclusive
        return at > bound if side == "after" else at < bound


def refusal(key: str, details: str, status: int = 400) -> httpx.Response:
    """Return an error response with Voucherify's body."""
    body = {"code": status, "key": key, "message": "Invalid query params", "details": details, "request_id": "v-1"}
    return httpx.Response(status, json=body)


def at(milliseconds: int, day: str = "2026-05-01") -> str:
    """Return the timestamp at a number of milliseconds after midnight."""
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{day}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"
