"""Yofi behind the HTTP library: a server that answers with one body, and one that sorts, filters and pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jwt
from client_options import gather_options
from clocks import TurningClock

from airflow_provider_partners.api.rsql.evaluate import matches
from airflow_provider_partners.api.rsql.expressions import parse
from airflow_provider_partners.api.yofi.client import YofiClient

SECRET = "a-signing-secret-of-more-than-32-bytes"
SHOP = "a.myshopify.com"
NOW = 1_780_000_000.0
Resource = dict[str, Any]


class FakeYofiApi:
    """Answers every request with one body, or by a function; remembers the requests."""

    def __init__(self, respond: Any = None) -> None:
        self.respond = {"data": []} if respond is None else respond
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        body = self.respond(request) if callable(self.respond) else self.respond
        return body if isinstance(body, httpx.Response) else httpx.Response(200, json=body)

    @property
    def query(self) -> dict[str, str]:
        """The last request's parameters."""
        return dict(parse_qsl(self.requests[-1].url.query.decode()))


class FakeYofiList:
    """One list that sorts, filters by ids and pages; it refuses anything else with a 400.

    :param sortable: the fields that it sorts by
    :param alternatives: what it does with ids that are joined by *or*: ``taken``, ``refused``, ``first`` (the others
        are ignored), ``ignored`` (the whole filter is)
    """

    def __init__(
        self, resources: list[Resource], *, sortable: tuple[str, ...] = (), alternatives: str = "taken"
    ) -> None:
        self.resources = resources
        self.sortable = sortable
        self.alternatives = alternatives
        self.included: list[Resource] = []
        self.queries: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(request.url.query.decode()))
        self.queries.append(query)
        found = list(self.resources)
        if sort := query.get("sort"):
            if sort.lstrip("-") not in self.sortable:
                return httpx.Response(400, json={"detail": f"can't sort by {sort}"})
            found.sort(key=lambda item: item["attributes"].get(sort.lstrip("-")) or 0, reverse=sort.startswith("-"))
        if text := query.get("filter"):
            first, *others = text.split(",")
            if others and self.alternatives == "refused":
                return httpx.Response(400, json={"detail": "no alternatives"})
            used = {"taken": text, "first": first, "ignored": ""}.get(self.alternatives if others else "taken", text)
            found = [item for item in found if not used or matches(parse(used), item["attributes"])]
        size, number = int(query["page[size]"]), int(query["page[number]"])
        page = found[(number - 1) * size : number * size]
        return httpx.Response(200, json={"data": page, "included": self.included})


def yofi_client(api: Callable[[httpx.Request], httpx.Response], **arguments: Any) -> YofiClient:
    """A client of the shop; arguments of the client and of ``ClientOptions`` together."""
    defaults = {"secret": SECRET, "issuer": "partner-7", "subject": "svc-7", "shop": SHOP, "clock": TurningClock(NOW)}
    return YofiClient(
        **gather_options(handler=httpx.MockTransport(api), **{**defaults, "requests_per_second": 1e6, **arguments})
    )


def token_claims(request: httpx.Request) -> dict[str, Any]:
    token = request.headers["authorization"].removeprefix("Bearer ")
    options = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
    return jwt.decode(token, SECRET, algorithms=["HS256"], options=options)


def a_return(number: int, returned: int | None, ordered: int | None = None, **more: Any) -> Resource:
    """A return with the dates of return and order, in epoch seconds."""
    attributes = {"order_id": str(number), "order_created_at_epoch": ordered, "return_created_at_epoch": returned}
    return {"type": "EcommerceUnifiedReturn", "id": f"r{number}", "attributes": attributes, **more}


def customers(*numbers: int) -> list[Resource]:
    return [{"type": "EcommerceCustomer", "id": f"c{n}", "attributes": {"customer_id": n}} for n in numbers]


def numbers(records: Any) -> list[int]:
    """The numbers of returns or customers."""
    return [int(record["id"][1:]) for record in records]
