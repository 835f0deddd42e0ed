"""Yofi's Partner Data API on this machine: five read-only operations on the records of one shop per request.

Paths, shapes and meanings that the published page leaves open are switches. It must not know how records
come about.
"""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from airflow_provider_partners.sandbox.store import Document, Sandbox, format_timestamp
from airflow_provider_partners.sandbox.yofi.auth import ApiError, Authenticator
from airflow_provider_partners.sandbox.yofi.documents import DocumentWriter, Key, error_body, related, targets
from airflow_provider_partners.sandbox.yofi.query import OPERATIONS, Operation, Query, read_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

SWITCHES: dict[str, Any] = {
    # Only the path of the claims is published; the others follow its pattern.
    "yofi.path.claims.list": "/ecommerce/claims/",
    "yofi.path.customers.list": "/ecommerce/customers/",
    "yofi.path.customers.get": "/ecommerce/customers/{id}",
    "yofi.path.returns.list": "/ecommerce/unified-returns/",
    "yofi.path.notification_events.list": "/ecommerce/notification-events/",
    "yofi.trailing_slash": "accept",  # a path with a slash too many or too few: or "redirect" (307)
    "yofi.profiles": ["service_account", "legacy"],
    "yofi.token_max_lifetime": None,  # seconds from iat to exp; None: no cap
    "yofi.prediction_filter": "filter[EcommerceUnifiedReturnPrediction]",
    # Drops included predictions that don't match; or "returns": drops returns without one that does; or "ignored".
    "yofi.prediction_filter_semantics": "included",
    "yofi.fields": "only",  # what is asked for; or "additional" to a usual set
    "yofi.sortable": {},  # operation to more fields than the page names, e.g. {"returns.list": [...]}
    "yofi.sort": "obey",  # or "ignore": every list in the order of its making, whatever is asked for
    "yofi.customers_or": "accept",  # several customers joined by "or"; or "refuse" (400), or "first": the first alone
    "yofi.unknown_parameter": 400,  # or "ignore"
    "yofi.page_size_max": 100,
    "yofi.body": "jsonapi",  # or "trace": trace_id at the top, data a list even for one record
    "yofi.meta": True,
    "yofi.links": True,
    "yofi.media_type": "application/json",  # or "application/vnd.api+json"
    "yofi.unknown_customer": 404,  # or 400: the page lists no 404
    "yofi.errors": "jsonapi",  # or "detail", "message", "text"
    "yofi.drift": False,  # a newer row arrives before every page but the first
    "yofi.removal": False,  # the newest row is removed before every page but the first
}
# The times a new row bears, by kind: in the list's order it comes first.
_TIMES: dict[str, dict[str, str]] = {
    "claim": {"created_at_epoch": "epoch"},
    "customer": {},
    "return": {"order_created_at_epoch": "epoch", "return_created_at_epoch": "epoch"},
    "notification_event": {"created_at": "iso"},
}


def routes(sandbox: Sandbox, *, clock: Callable[[], float] = time.time) -> list[BaseRoute]:
    """The routes below Yofi's prefix.

    :param clock: epoch seconds by which tokens are judged
    """
    api = YofiApi(sandbox=sandbox, clock=clock)
    # One route for all: the paths are switches, which are read when a request comes.
    return [Route("/{path:path}", api.handle, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]


class YofiApi:
    """Answers requests: finds the operation, lets the gate decide, reads the query, lists the records."""

    def __init__(self, *, sandbox: Sandbox, clock: Callable[[], float]) -> None:
        self._sandbox = sandbox
        self._gate = Authenticator(sandbox=sandbox, clock=clock)
        self._lock = threading.Lock()

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        return await run_in_threadpool(self._answer, request)

    def _answer(self, request: Request) -> Response:
        try:
            operation, id_, misspelt = self._operation(request.method, "/" + request.path_params["path"])
            if misspelt and self._sandbox.switches["yofi.trailing_slash"] == "redirect":
                return RedirectResponse(str(_route_hint(request)), status_code=307)
            shop = self._gate.shop(request.headers)
        except ApiError as refused:
            return error_body(refused, self._sandbox.switches["yofi.errors"])
        self._sandbox.count("yofi", shop, operation.name)
        try:
            if operation.listed:
                body = self._list_records(request, shop, operation)
            else:
                body = self._one(request, shop, operation, id_)
        except ApiError as refused:
            return error_body(refused, self._sandbox.switches["yofi.errors"])
        return JSONResponse(body, media_type=self._sandbox.switches["yofi.media_type"])

    def _operation(self, method: str, path: str) -> tuple[Operation, str, bool]:
        """The operation of a path, the id in it, and whether its last slash is not as documented."""
        for operation in OPERATIONS:
            documented: str = self._sandbox.switches[f"yofi.path.{operation.name}"]
            pattern = re.escape(documented.rstrip("/")).replace(r"\{id\}", "(?P<id>[^/]+)")
            if found := re.fullmatch(rf"{pattern}/?", path):
                if method != "GET":
                    raise ApiError(405, "The API is read-only")
                misspelt = path.endswith("/") != documented.endswith("/")
                return operation, found.groupdict().get("id", ""), misspelt
        raise ApiError(404, "No such path")

    def _list_records(self, request: Request, shop: str, operation: Operation) -> Document:
        given = request.query_params.multi_items()
        query = read_query(operation, given, self._sandbox.switches)
        if self._sandbox.switches["yofi.drift"] and query.number > 1:
            self._show_late_records(shop, operation.kind)
        if self._sandbox.switches["yofi.removal"] and query.number > 1:
            self._remove(shop, operation.kind, query)
        records = self._sandbox.store.select("yofi", shop, operation.kind)
        if query.matches is not None:
            records = [each for each in records if query.matches(each["attributes"])]
        records = self._with_prediction(shop, records, query)
        obeyed = query.sort if self._sandbox.switches["yofi.sort"] == "obey" else ()
        for name, descending in reversed(obeyed):
            records.sort(key=lambda each: _sort_key(each, name), reverse=descending)
        page = records[(query.number - 1) * query.size : query.number * query.size]
        writer = DocumentWriter(query=query, switches=self._sandbox.switches)
        body = writer.document(page, self._included(shop, page, query))
        url = str(request.url.replace(query=""))
        return writer.paged(body, total=len(records), url=url, given=given)

    def _one(self, request: Request, shop: str, operation: Operation, id_: str) -> Document:
        query = read_query(operation, request.query_params.multi_items(), self._sandbox.switches)
        record = self._customer(shop, id_)
        if record is None:
            raise ApiError(self._sandbox.switches["yofi.unknown_customer"], "No such customer", parameter="customer_id")
        return DocumentWriter(query=query, switches=self._sandbox.switches).document(
            record, self._included(shop, [record], query)
        )

    def _customer(self, shop: str, id_: str) -> Document | None:
        """By the store's numeric id, which the page's sample shows, or by the resource's own."""
        customers = self._sandbox.store.select("yofi", shop, "customer")
        matching = (each for each in customers if str(each["attributes"].get("customer_id")) == id_)
        return next(matching, None) or self._sandbox.store.get("yofi", shop, "customer", id_)

    def _included(self, shop: str, records: list[Document], query: Query) -> dict[Key, Document]:
        found = related(self._sandbox.store, shop, records, query.include)
        matches = query.matches_prediction
        if matches is None or self._sandbox.switches["yofi.prediction_filter_semantics"] != "included":
            return found
        return {
            key: record
            for key, record in found.items()
            if key[0] != "return_prediction" or matches(record["attributes"])
        }

    def _with_prediction(self, shop: str, records: list[Document], query: Query) -> list[Document]:
        """Where the second filter filters returns: those that have a prediction that matches."""
        matches = query.matches_prediction
        if matches is None or self._sandbox.switches["yofi.prediction_filter_semantics"] != "returns":
            return records
        predictions = {
            key: matches(record["attributes"])
            for key, record in related(self._sandbox.store, shop, records, ["return_predictions"]).items()
        }
        return [record for record in records if any(predictions.get(key) for key in _predictions_of(record))]

    def _show_late_records(self, shop: str, kind: str) -> None:
        """A row like the newest one, one second newer than any, comes in between two pages."""
        with self._lock:
            records = self._sandbox.store.select("yofi", shop, kind)
            if not records:
                return
            now = self._sandbox.clock()
            row = records[-1] | {"id": f"{records[-1]['id'].split('-drift-')[0]}-drift-{len(records) + 1}"}
            row["attributes"] = dict(row["attributes"])
            for name, form in _TIMES[kind].items():
                times = [each["attributes"][name] for each in records if each["attributes"].get(name)]
                row["attributes"][name] = max(times, default=0) + 1 if form == "epoch" else format_timestamp(now)
            self._sandbox.store.put("yofi", shop, kind, row["id"], row, at=format_timestamp(now))

    def _remove(self, shop: str, kind: str, query: Query) -> None:
        """The row that comes first in the order that is asked for goes away between two pages."""
        with self._lock:
            records = self._sandbox.store.select("yofi", shop, kind)
            for name, descending in reversed(query.sort):
                records.sort(key=lambda each: _sort_key(each, name), reverse=descending)
            if records:
                self._sandbox.store.delete("yofi", shop, kind, records[0]["id"])


def _predictions_of(record: Document) -> list[Key]:
    return targets(record.get("relationships", {}).get("return_predictions"))


def _sort_key(record: Document, name: str) -> tuple[bool, Any]:
    value = record["attributes"].get(name)
    return (value is None, 0 if value is None else value)


def _route_hint(request: Request) -> Any:
    path = request.url.path
    return request.url.replace(path=path[:-1] if path.endswith("/") else f"{path}/")
