"""The sandbox's server of Yofi's Partner Data API: five read-only operations on the records of one shop.

API: https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/partner-data-api. Every path, shape and meaning
that this page leaves open is a switch.
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
from airflow_provider_partners.sandbox.yofi.auth import Authenticator
from airflow_provider_partners.sandbox.yofi.documents import DocumentWriter, Key, related, targets
from airflow_provider_partners.sandbox.yofi.errors import ApiError, error_body
from airflow_provider_partners.sandbox.yofi.query import OPERATIONS, Operation, Query, read_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

SWITCHES: dict[str, Any] = {
    # The page gives the path of the claims only; the others follow its pattern.
    "yofi.path.claims.list": "/ecommerce/claims/",
    "yofi.path.customers.list": "/ecommerce/customers/",
    "yofi.path.customers.get": "/ecommerce/customers/{id}",
    "yofi.path.returns.list": "/ecommerce/unified-returns/",
    "yofi.path.notification_events.list": "/ecommerce/notification-events/",
    "yofi.trailing_slash": "accept",  # for a path with a slash too many or too few; or "redirect" (307)
    "yofi.profiles": ["service_account", "legacy"],
    "yofi.token_max_lifetime": None,  # maximum seconds from iat to exp; None: no maximum
    "yofi.prediction_filter": "filter[EcommerceUnifiedReturnPrediction]",
    # Keep only the included predictions that match; or "returns": only the returns with one that matches; or "ignored".
    "yofi.prediction_filter_semantics": "included",
    "yofi.fields": "only",  # `fields` names all fields; or "additional": it names fields besides a default set
    "yofi.fields_of": "page",  # any field of the page; or "operation": only those it lists for the operation (else 400)
    "yofi.sortable": {},  # sort fields that the page does not name, by operation: {"returns.list": [...]}
    "yofi.sort": "obey",  # or "ignore": every list comes in the order in which its records were stored
    "yofi.customers_or": "accept",  # filters by several customers; or "refuse" (400); or "first": use the first one
    "yofi.unknown_parameter": 400,  # or "ignore"
    "yofi.page_size_max": 100,
    "yofi.body": "jsonapi",  # or "trace": trace_id at the top level, and data is a list even for one record
    "yofi.meta": True,
    "yofi.links": True,
    "yofi.media_type": "application/json",  # or "application/vnd.api+json"
    "yofi.unknown_customer": 404,  # or 400: the page names no 404
    "yofi.errors": "jsonapi",  # or "detail", "message", "text"
    "yofi.drift": False,  # adds a newest record before every page except the first
    "yofi.removal": False,  # removes the first record before every page except the first
}
# Time fields of a record that "yofi.drift" adds, by kind.
_TIMES: dict[str, dict[str, str]] = {
    "claim": {"created_at_epoch": "epoch"},
    "customer": {},
    "return": {"order_created_at_epoch": "epoch", "return_created_at_epoch": "epoch"},
    "notification_event": {"created_at": "iso"},
}


def routes(sandbox: Sandbox, *, clock: Callable[[], float] = time.time) -> list[BaseRoute]:
    """Return the routes below Yofi's prefix.

    :param clock: epoch seconds; tokens expire by it
    """
    api = YofiApi(sandbox=sandbox, clock=clock)
    # One route for all paths: the paths are switches, which may change while the sandbox runs.
    return [Route("/{path:path}", api.handle, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]


class YofiApi:
    """Answers requests: finds the operation, authenticates, reads the query, returns the records."""

    def __init__(self, *, sandbox: Sandbox, clock: Callable[[], float]) -> None:
        self._sandbox = sandbox
        self._authenticator = Authenticator(sandbox=sandbox, clock=clock)
        self._lock = threading.Lock()

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        return await run_in_threadpool(self._answer, request)

    def _answer(self, request: Request) -> Response:
        try:
            operation, id_, wrong_slash = self._operation(request.method, "/" + request.path_params["path"])
            if wrong_slash and self._sandbox.switches["yofi.trailing_slash"] == "redirect":
                return RedirectResponse(str(_correct_url(request)), status_code=307)
            shop = self._authenticator.shop(request.headers)
        except ApiError as error:
            return error_body(error, self._sandbox.switches["yofi.errors"])
        self._sandbox.count("yofi", shop, operation.name)
        try:
            if operation.listed:
                body = self._list_records(request, shop, operation)
            else:
                body = self._get_record(request, shop, operation, id_)
        except ApiError as error:
            return error_body(error, self._sandbox.switches["yofi.errors"])
        return JSONResponse(body, media_type=self._sandbox.switches["yofi.media_type"])

    def _operation(self, method: str, path: str) -> tuple[Operation, str, bool]:
        """Return a path's operation, the id in it, and whether its trailing slash differs from the documented one."""
        for operation in OPERATIONS:
            documented: str = self._sandbox.switches[f"yofi.path.{operation.name}"]
            pattern = re.escape(documented.rstrip("/")).replace(r"\{id\}", "(?P<id>[^/]+)")
            if match := re.fullmatch(rf"{pattern}/?", path):
                if method != "GET":
                    raise ApiError(405, "The API is read-only")
                wrong_slash = path.endswith("/") != documented.endswith("/")
                return operation, match.groupdict().get("id", ""), wrong_slash
        raise ApiError(404, "No such path")

    def _list_records(self, request: Request, shop: str, operation: Operation) -> Document:
        params = request.query_params.multi_items()
        query = read_query(operation, params, self._sandbox.switches)
        if self._sandbox.switches["yofi.drift"] and query.number > 1:
            self._add_newer_record(shop, operation.kind)
        if self._sandbox.switches["yofi.removal"] and query.number > 1:
            self._remove_first_record(shop, operation.kind, query)
        records = self._sandbox.store.select("yofi", shop, operation.kind)
        if query.matches is not None:
            records = [each for each in records if query.matches(each["attributes"])]
        records = self._filter_by_prediction(shop, records, query)
        sort = query.sort if self._sandbox.switches["yofi.sort"] == "obey" else ()
        for name, descending in reversed(sort):
            records.sort(key=lambda each: _sort_key(each, name), reverse=descending)
        page = records[(query.number - 1) * query.size : query.number * query.size]
        writer = DocumentWriter(query=query, switches=self._sandbox.switches)
        body = writer.document(page, self._included(shop, page, query))
        url = str(request.url.replace(query=""))
        return writer.add_paging(body, total=len(records), url=url, params=params)

    def _get_record(self, request: Request, shop: str, operation: Operation, id_: str) -> Document:
        query = read_query(operation, request.query_params.multi_items(), self._sandbox.switches)
        record = self._find_customer(shop, id_)
        if record is None:
            raise ApiError(self._sandbox.switches["yofi.unknown_customer"], "No such customer", parameter="customer_id")
        return DocumentWriter(query=query, switches=self._sandbox.switches).document(
            record, self._included(shop, [record], query)
        )

    def _find_customer(self, shop: str, id_: str) -> Document | None:
        """Find a customer by Shopify's numeric id, as the page's sample has it, or by Yofi's own id."""
        customers = self._sandbox.store.select("yofi", shop, "customer")
        matching = (each for each in customers if str(each["attributes"].get("customer_id")) == id_)
        return next(matching, None) or self._sandbox.store.get("yofi", shop, "customer", id_)

    def _included(self, shop: str, records: list[Document], query: Query) -> dict[Key, Document]:
        included = related(self._sandbox.store, shop, records, query.include)
        matches = query.matches_prediction
        if matches is None or self._sandbox.switches["yofi.prediction_filter_semantics"] != "included":
            return included
        return {
            key: record
            for key, record in included.items()
            if key[0] != "return_prediction" or matches(record["attributes"])
        }

    def _filter_by_prediction(self, shop: str, records: list[Document], query: Query) -> list[Document]:
        """Keep the returns that have a matching prediction, where the second filter means that."""
        matches = query.matches_prediction
        if matches is None or self._sandbox.switches["yofi.prediction_filter_semantics"] != "returns":
            return records
        predictions = {
            key: matches(record["attributes"])
            for key, record in related(self._sandbox.store, shop, records, ["return_predictions"]).items()
        }
        return [record for record in records if any(predictions.get(key) for key in _predictions_of(record))]

    def _add_newer_record(self, shop: str, kind: str) -> None:
        """Add a copy of the newest record, one second newer than any."""
        with self._lock:
            records = self._sandbox.store.select("yofi", shop, kind)
            if not records:
                return
            now = self._sandbox.clock()
            record = records[-1] | {"id": f"{records[-1]['id'].split('-drift-')[0]}-drift-{len(records) + 1}"}
            record["attributes"] = dict(record["attributes"])
            for name, form in _TIMES[kind].items():
                times = [each["attributes"][name] for each in records if each["attributes"].get(name)]
                record["attributes"][name] = max(times, default=0) + 1 if form == "epoch" else format_timestamp(now)
            self._sandbox.store.put("yofi", shop, kind, record["id"], record, at=format_timestamp(now))

    def _remove_first_record(self, shop: str, kind: str, query: Query) -> None:
        """Remove the record that comes first in the query's order."""
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


def _correct_url(request: Request) -> Any:
    path = request.url.path
    return request.url.replace(path=path[:-1] if path.endswith("/") else f"{path}/")
