"""A server that only counts: Yotpo's stores and Shopify's Partner API with their request limits, and nothing else.

The sandbox does more for each call, and would be what is measured. The limits are those that the partners document:

- Yotpo: 5 requests a second and store (https://core-api.yotpo.com/reference/guidelines-and-conventions). Its headers
  are those of Kong, whose counters are fixed windows of a second.
- Shopify Partner: 4 requests a second and API client (https://shopify.dev/docs/api/partner#rate-limits). The page names
  no window, so this one is the strictest: never more than 4 in any second.

``GET /report`` returns the arrival times of all requests and the number of those that were refused, by client.
``python benchmarks/_limit_server.py PORT_FILE`` serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import defaultdict, deque
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

YOTPO_LIMIT, PARTNER_LIMIT = 5, 4
LATENCY = 0.03
"""Seconds until an answer. Recorded calls to Yotpo took 5 to 60 ms."""
_VERSIONS = {"data": {"publicApiVersions": [{"handle": "2026-07", "supported": True}]}}


class Limits:
    """Counts the requests of each client, and refuses those above its limit."""

    def __init__(self) -> None:
        self.arrivals: dict[str, list[float]] = defaultdict(list)
        self.refused: dict[str, int] = defaultdict(int)
        self._windows: dict[str, tuple[int, int]] = {}
        self._latest: dict[str, deque[float]] = defaultdict(deque)

    def fixed(self, client: str, now: float) -> bool:
        """Count a request by seconds of the clock, as Kong does; return False above the limit."""
        self.arrivals[client].append(now)
        second, used = self._windows.get(client, (0, 0))
        used = used + 1 if second == int(now) else 1
        self._windows[client] = (int(now), used)
        self.refused[client] += used > YOTPO_LIMIT
        return used <= YOTPO_LIMIT

    def sliding(self, client: str, now: float) -> bool:
        """Count a request; return False if the last second had as many as the limit allows."""
        self.arrivals[client].append(now)
        latest = self._latest[client]
        while latest and latest[0] <= now - 1:
            latest.popleft()
        if len(latest) >= PARTNER_LIMIT:
            self.refused[client] += 1
            return False
        latest.append(now)
        return True


class Connection(asyncio.Protocol):
    """One connection; its requests are answered one after the other."""

    def __init__(self, limits: Limits, ids: list[int]) -> None:
        self._limits = limits
        self._ids = ids
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self._buffer += data
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            method, target, _ = lines[0].split(" ")
            status, body, extra = self._answer(method, target)
            asyncio.get_running_loop().call_later(LATENCY, self._send, status, body, extra)

    def _send(self, status: int, body: object, extra: str) -> None:
        content = json.dumps(body).encode() if body is not None else b""
        head = (
            f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n{extra}\r\n"
        )
        if not self._transport.is_closing():
            self._transport.write(head.encode() + content)

    def _answer(self, method: str, target: str) -> tuple[int, object, str]:
        parts = urlsplit(target)
        path = parts.path.strip("/").split("/")
        now = time.time()
        if path == ["report"]:
            return 200, {"arrivals": self._limits.arrivals, "refused": self._limits.refused}, ""
        if path[-1] == "graphql.json":
            if self._limits.sliding(f"partner {path[0]}", now):
                return 200, _VERSIONS, "X-Shopify-API-Version: 2026-07\r\n"
            return 429, {"errors": [{"message": "Too many requests", "extensions": {"code": "429"}}]}, ""
        allowed = self._limits.fixed(f"store {path[3]}", now)
        if not allowed:
            return 429, {"message": "API rate limit exceeded"}, "RateLimit-Remaining: 0\r\nRateLimit-Reset: 1\r\n"
        return self._store(method, path[4], parse_qs(parts.query))

    def _store(self, method: str, name: str, query: dict[str, list[str]]) -> tuple[int, object, str]:
        if name == "access_tokens":
            return 200, {"access_token": "a-token", "token_type": "bearer"}, ""
        if method == "GET":
            # Every product exists, and no order.
            ids = query.get("external_ids", [""])[0].split(",") if name == "products" else []
            records = [{"external_id": id_, "yotpo_id": 1, "name": "Mug"} for id_ in ids if id_]
            return 200, {name: records, "pagination": {"next_page_info": ""}}, ""
        self._ids[0] += 1
        return 201, {name[:-1]: {"yotpo_id": self._ids[0]}}, ""


async def serve(port_file: Path) -> None:
    """Serve on loopback, and write the port into a file."""
    limits, ids = Limits(), [0]
    server = await asyncio.get_running_loop().create_server(lambda: Connection(limits, ids), "127.0.0.1", 0)
    temporary = port_file.with_suffix(".new")
    temporary.write_text(str(server.sockets[0].getsockname()[1]))
    temporary.rename(port_file)
    await server.serve_forever()


if __name__ == "__main__":
    # A partner's server is another machine: what keeps this one busy must not delay its clock.
    with suppress(PermissionError):
        os.nice(-15)
    asyncio.run(serve(Path(sys.argv[1])))
