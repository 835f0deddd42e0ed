"""A list of Voucherify that pages, sorts and filters by time, for tests of its client.

It knows nothing of the client's tables: which time a list goes by, and whether bounds are counted in, is said by the
test.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx

_TIMES = re.compile(
    r"(?P<name>\w+)\[(?P<side>after|before)\]|filters\[(?P<field>\w+)\]\[conditions\]\[\$(?P<edge>after|before)\]"
)


class FakeList:
    """One list; remembers the queries.

    :param rows: its rows; more may be added, or taken away, while it is read
    :param key: where an answer has them
    :param time: from the name of a filter to the row's field
    :param inclusive: whether bounds belong to what they bound
    :param cap: the highest page served
    :param total: whether answers tell it
    :param has_more: whether answers tell it
    :param meanwhile: called with the number of the request before it is answered
    """

    def __init__(
        self,
        rows: list[dict[str, Any]],
        *,
        key: str = "data",
        time: dict[str, str] | None = None,
        inclusive: bool = False,
        cap: int = 99,
        total: bool = True,
        has_more: bool = False,
        meanwhile: Callable[[int], None] = lambda number: None,
    ) -> None:
        self.rows = rows
        self.key = key
        self.time = time or {}
        self.inclusive = inclusive
        self.cap = cap
        self.total = total
        self.has_more = has_more
        self.meanwhile = meanwhile
        self.queries: list[dict[str, str]] = []
        self.paths: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        self.queries.append(query)
        self.paths.append(request.url.raw_path.decode().partition("?")[0])
        self.meanwhile(len(self.queries))
        limit, page = int(query.get("limit", 10)), int(query.get("page", 1))
        if page > self.cap or limit > 100:
            return refusal("invalid_query_params", f"Property .page cannot be higher than {self.cap}")
        found = [row for row in self.rows if self._within(row, query)]
        order = query.get("order", "-created_at")
        field = self.time.get(order.lstrip("-"), order.lstrip("-"))
        found = sorted(found, key=lambda row: row.get(field) or "", reverse=order.startswith("-"))
        total = len(found)
        found, more = self._placed(found, query, limit, page, field, descending=order.startswith("-"))
        body: dict[str, Any] = {"object": "list", "data_ref": self.key, self.key: found}
        if self.total:
            body["total"] = total
        if self.has_more:
            body["has_more"] = more
            if more and "starting_after" not in query:
                body["more_starting_after"] = found[-1]["id"]
        return httpx.Response(200, json=body)

    def _placed(
        self, found: list[dict[str, Any]], query: dict[str, str], limit: int, page: int, field: str, *, descending: bool
    ) -> tuple[list[dict[str, Any]], bool]:
        if "starting_after_id" in query:
            ids = [row["id"] for row in found]
            found = found[ids.index(query["starting_after_id"]) + 1 :]
        if "starting_after" in query:
            side = "before" if descending else "after"
            found = [row for row in found if self._beyond(row[field], query["starting_after"], side)]
        begin = (page - 1) * limit
        return found[begin : begin + limit], len(found) > begin + limit

    def _within(self, row: dict[str, Any], query: dict[str, str]) -> bool:
        for name, value in query.items():
            found = _TIMES.fullmatch(name)
            if found:
                time, side = found["name"] or found["field"], found["side"] or found["edge"]
            elif name in {"start_date", "end_date"}:
                time, side = "created_at", "after" if name == "start_date" else "before"
            else:
                continue
            at = row.get(self.time.get(time, time))
            if not at or not self._beyond(at, value, side):
                return False
        return True

    def _beyond(self, at: str, bound: str, side: str) -> bool:
        if at == bound:
            return self.inclusive
        return at > bound if side == "after" else at < bound


def refusal(key: str, details: str, status: int = 400) -> httpx.Response:
    """An error as Voucherify words it."""
    body = {"code": status, "key": key, "message": "Invalid query params", "details": details, "request_id": "v-1"}
    return httpx.Response(status, json=body)


def at(milliseconds: int, day: str = "2026-05-01") -> str:
    """A time of a day, in milliseconds since its midnight."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{day}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z"
