"""What a fault makes of a request or of a partner's answer: lists that loop, look-ups that miss, writes that are lost.

Each partner's way to page is documented: https://shopify.dev/docs/api/usage/pagination-graphql,
https://core-api.yotpo.com/reference/guidelines-and-conventions, https://docs.voucherify.io/api-reference/pagination,
https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/partner-data-api.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

__all__ = ["INTERNAL_ERROR", "REWRITES", "SeenRequest", "acknowledgement", "change_query"]

INTERNAL_ERROR = {
    "message": "Internal error. Looks like something went wrong on our end.\n"
    "Request ID: 0 (include this in support requests).",
    "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "0"},
}
_MAX_COST = {
    "message": "Query cost is 2003, which exceeds the single query max cost limit (1000).",
    "extensions": {"code": "MAX_COST_EXCEEDED", "cost": 2003, "maxCost": 1000},
}
_ENVELOPES = {"orders": "order", "products": "product", "fulfillments": "fulfillment", "variants": "variant"}
_PAGE_PARAMS = ("page[number]", "page")


@dataclass(frozen=True, kw_only=True)
class SeenRequest:
    """A request as a fault sees it.

    :param query: the parameters, each with its last value
    :param body: the JSON body; ``None`` without one
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: Any

    @property
    def cursor(self) -> str | None:
        """The cursor of the requested page; ``None`` for a first page, and for numbered pages."""
        variables = self.body.get("variables") if isinstance(self.body, dict) else None
        after = variables.get("after") if isinstance(variables, dict) else None
        named = (self.query.get(name) for name in ("page_info", "starting_after_id", "cursor"))
        return after or next((value for value in named if value), None)


Rewrite = Callable[[SeenRequest, Any], Any]
"""Returns another body for a partner's; ``None`` where the fault has nothing to change."""


def partial_data(_request: SeenRequest, body: Any) -> Any:
    """Take the first field out of GraphQL's data, with an internal error beside it."""
    data = body.get("data") if isinstance(body, dict) else None
    if not data:
        return None
    name = next(iter(data))
    return {**body, "data": {**data, name: None}, "errors": [{**INTERNAL_ERROR, "path": [name]}]}


def max_cost(request: SeenRequest, body: Any) -> Any:
    """Refuse a page of more than one record as too costly. A client can request a smaller one.

    A list without pages, such as an order's fulfillments, has no smaller request: Shopify never refuses what it allows.
    """
    variables = request.body.get("variables") if isinstance(request.body, dict) else None
    size = variables.get("first") if isinstance(variables, dict) else None
    return {"errors": [_MAX_COST]} if isinstance(size, int) and size > 1 and _is_page(body) else None


def same_cursor(request: SeenRequest, body: Any) -> Any:
    """Let a later page name itself as the next one."""
    return None if request.cursor is None else _with_next(body, request.cursor)


def endless_list(request: SeenRequest, body: Any) -> Any:
    """Let each page have a next one."""
    return _with_next(body, request.cursor)


def empty_page(request: SeenRequest, body: Any) -> Any:
    """Take the records out of a page, and let it have a next one."""
    changed = no_records(request, body)
    return None if changed is None else _with_next(changed, request.cursor) or changed


def no_records(_request: SeenRequest, body: Any) -> Any:
    """Take the records out of an answer."""
    changed = _map_lists(body)
    return None if changed == body else changed


REWRITES: Mapping[str, Rewrite] = {
    each.__name__: each for each in (partial_data, max_cost, same_cursor, endless_list, empty_page, no_records)
}
"""The changes of an answer, by name."""


def acknowledgement(request: SeenRequest) -> tuple[int, Any]:
    """Return how Yotpo acknowledges a write: the new id and nothing else, or an empty body after an update."""
    if request.method == "PATCH":
        return 200, None
    name = request.path.rsplit("/", 1)[-1]
    return 201, {_ENVELOPES.get(name, name): {"yotpo_id": 9_999_999_999}}


def change_query(query: str, *, without: Sequence[str] = (), earlier_page: bool = False) -> str:
    """Return a query string without some parameters, or with the number of the page before.

    :param without: names of parameters to leave out
    :param earlier_page: request the page before
    """
    params = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in without]
    if earlier_page:
        params = [(name, _number_before(value) if name in _PAGE_PARAMS else value) for name, value in params]
    return urlencode(params)


def is_later_page(query: Mapping[str, str]) -> bool:
    """Return True for a numbered page after the first."""
    return any(query.get(name, "").isdecimal() and int(query[name]) > 1 for name in _PAGE_PARAMS)


def seen_request(method: str, path: str, query: str, content: bytes) -> SeenRequest:
    """Return a request as faults see it."""
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = None
    return SeenRequest(method=method, path=path, query=dict(parse_qsl(query, keep_blank_values=True)), body=body)


def _number_before(text: str) -> str:
    return str(max(1, int(text) - 1)) if text.isdecimal() else text


def _is_page(body: Any) -> bool:
    """Return True for an answer of GraphQL with a page of a connection outside of its records."""
    return isinstance(body, dict) and ("pageInfo" in body or any(_is_page(each) for each in body.values()))


def _with_next(body: Any, cursor: str | None) -> Any:
    """Return a page that has a next one at a cursor; ``None`` if it cannot have one."""
    changed = _map_paging(body, cursor)
    return None if changed == body else changed


def _map_paging(value: Any, cursor: str | None) -> Any:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return value
    result = {name: _map_paging(each, cursor) for name, each in value.items()}
    if isinstance(info := value.get("pageInfo"), dict):
        result["pageInfo"] = {
            **info,
            "hasNextPage": True,
            **({"endCursor": cursor} if cursor and "endCursor" in info else {}),
        }
        if cursor and isinstance(edges := value.get("edges"), list):
            result["edges"] = [{**edge, "cursor": cursor} if "cursor" in edge else edge for edge in edges]
    if isinstance(value.get("pagination"), dict) and cursor:
        result["pagination"] = {**value["pagination"], "next_page_info": cursor}
    if "has_more" in value:
        result["has_more"] = True
        if cursor:
            result["more_starting_after"] = cursor
    return result


def _map_lists(value: Any) -> Any:
    """Empty the lists of records of an answer: GraphQL's nodes and edges, or each list at the top."""
    if not isinstance(value, dict):
        return value
    if isinstance(data := value.get("data"), dict):
        return {**value, "data": {name: _empty_connection(each) for name, each in data.items()}}
    return {name: [] if isinstance(each, list) else each for name, each in value.items()}


def _empty_connection(value: Any) -> Any:
    if not (isinstance(value, dict) and "pageInfo" in value):
        return value
    return {name: [] if name in {"nodes", "edges"} else each for name, each in value.items()}


def is_token(name: str) -> bool:
    """Return True for a header that carries credentials."""
    return bool(re.fullmatch(r"authorization|x-yotpo-token|x-shopify-access-token", name))
