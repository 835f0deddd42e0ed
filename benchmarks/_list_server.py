"""A fast Yotpo for :mod:`growth`: a list of any length, and look-ups of the orders of a built dataset.

It speaks the part of Yotpo's Core API v3 that is measured (https://core-api.yotpo.com/reference/orders), and counts the
requests. Nothing is kept in memory: a page is made when it is requested, and look-ups follow the dataset's order, as an
upsert sends them. As a program it serves until its standard input is closed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 100


@contextmanager
def serve(count: int, reference: Any = None) -> Iterator[str]:
    """Serve in a process of its own until the end of the block, and return the URL.

    :param count: records of the list
    :param reference: the built dataset whose orders Yotpo has
    """
    command = [sys.executable, __file__, str(count), json.dumps(reference)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def calls(url: str) -> int:
    """Return the number of requests so far."""
    with urllib.request.urlopen(f"{url}/.calls") as response:
        return int(response.read())


def listed_order(number: int) -> dict[str, Any]:
    """Return an order as Yotpo lists it, of about one kilobyte."""
    return {
        "yotpo_id": number,
        "external_id": str(number),
        "order_name": f"#{number}",
        "order_date": "2026-03-01T10:20:30Z",
        "total_price": 19.9,
        "currency": "EUR",
        "payment_status": "paid",
        "customer": {"external_id": str(number % 40_000), "first_name": "Zoë", "email": f"zoe{number}@example.com"},
        "line_items": [
            {"external_product_id": str((number + place) % 500), "quantity": 1, "total_price": 9.95}
            for place in range(2)
        ],
        "custom_properties": {"note": f"{number * 2654435761 % 2**64:x}" * 20},
        "created_at": "2026-03-01T10:20:30Z",
        "updated_at": "2026-03-01T10:20:30Z",
    }


class Stored:
    """The orders that Yotpo has, read in the order of the dataset."""

    def __init__(self, reference: Any) -> None:
        self._reference = reference
        self._records: Iterator[Any] | None = None

    def find(self, ids: list[str]) -> list[dict[str, Any]]:
        """Return the orders with these ids, which are the next ones of the dataset."""
        from airflow_provider_partners.datasets.reader import read_dataset

        if self._records is None:
            self._records = read_dataset(self._reference)
        missing, found = set(ids), []
        while missing:
            order = next(self._records)["order"]
            missing.discard(order["external_id"])
            found.append({**order, "yotpo_id": int(order["external_id"]) + 1})
        return found


def main() -> None:
    """Serve a list of so many records."""
    count, stored = int(sys.argv[1]), Stored(json.loads(sys.argv[2]))
    seen = [0]

    def answer(target: str) -> bytes:
        parts = urlsplit(target)
        if parts.path == "/.calls":
            return str(seen[0]).encode()
        seen[0] += 1
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.endswith("/access_tokens"):
            return b'{"access_token": "token"}'
        if "external_ids" in query:
            return json.dumps({"orders": stored.find(query["external_ids"].split(","))}).encode()
        start = int(query.get("page_info", 0))
        end = min(start + int(query.get("limit", PAGE)), count)
        pagination = {"next_page_info": str(end)} if end < count else {}
        return json.dumps({"orders": list(map(listed_order, range(start, end))), "pagination": pagination}).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer."""
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = answer(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
