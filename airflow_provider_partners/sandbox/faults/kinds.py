"""The named kinds of faults: what gateways, networks and the partners themselves are known to do.

Statuses are those of the partners' pages: https://shopify.dev/docs/api/usage/response-codes,
https://core-api.yotpo.com/reference/guidelines-and-conventions, https://docs.voucherify.io/guides/limits; those above
520 are Cloudflare's (https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/).
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_provider_partners.sandbox.faults.answers import INTERNAL_ERROR

__all__ = ["KINDS", "FaultKind"]

JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html; charset=utf-8"}
_PAGE = "<!doctype html><html><head><title>{}</title></head><body><h1>{}</h1></body></html>"
_API = r"^/(?!shopify-files/|voucherify/download/)"
"""All but the files that jobs write: those are no JSON."""
_FILES = r"^/(shopify-files/|voucherify/download/)"
_GRAPHQL = r"graphql\.json$"
_ADMIN = rf"^/shopify-admin/.*{_GRAPHQL}"
_PARTNER = rf"^/shopify-partner/.*{_GRAPHQL}"
_YOTPO = r"^/yotpo/core/v3/stores/[^/]+/(?!access_tokens)"
_YOTPO_RECORDS = r"^/yotpo/core/v3/stores/[^/]+/(orders|products)$"
_LISTS = rf"{_ADMIN}|{_PARTNER}|^/yofi/ecommerce/|^/voucherify/v\d/(?!exports|oauth)|{_YOTPO_RECORDS}"

Healing = Literal["same_try", "next_try", "next_run", "never"]


@dataclass(frozen=True, kw_only=True)
class FaultKind:
    """A kind of fault.

    :param text: what happens
    :param rule: fields of :class:`~airflow_provider_partners.sandbox.faults.rules.FaultRule`
    :param paths: pattern of the paths that it can happen to
    :param methods: HTTP methods that it can happen to; all by default
    :param heals: what is enough for a client that does all it can: the same try, the next try once the fault is over,
        or the next run, because nobody can see that something went wrong. ``never`` is for what changes the world
    :param headers: headers that depend on the time, computed per response
    """

    text: str
    rule: Mapping[str, Any]
    paths: str = ""
    methods: frozenset[str] = frozenset()
    heals: Healing = "same_try"
    headers: Callable[[], Mapping[str, str]] | None = field(default=None, repr=False)


def _status(status: int, text: str, **fields: Any) -> FaultKind:
    return FaultKind(
        text=f"{status} {text}, with a page of HTML",
        rule={
            "status": status,
            "body": _PAGE.format(f"{status} {text}", text),
            "headers": _HTML,
            **fields,
        },
    )


def _json(status: int, body: Any, text: str, **fields: Any) -> FaultKind:
    """Return a kind that answers with JSON."""
    return FaultKind(
        text=text, rule={"status": status, "body": body, "headers": JSON, **fields.pop("rule", {})}, **fields
    )


def _throttled(
    text: str,
    headers: Mapping[str, str] | None = None,
    *,
    computed: Callable[[], Mapping[str, str]] | None = None,
    heals: Healing = "same_try",
) -> FaultKind:
    rule = {"status": 429, "body": {"errors": [{"message": "Too many requests"}]}, "headers": dict(headers or {})}
    return FaultKind(text=text, rule=rule, headers=computed, heals=heals)


def _graphql(text: str, *errors: Mapping[str, Any], paths: str = f"{_ADMIN}|{_PARTNER}", **others: Any) -> FaultKind:
    return FaultKind(text=text, rule={"status": 200, "body": {"errors": list(errors), **others}}, paths=paths)


def _date(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


_THROTTLED = {
    "message": "Throttled",
    "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
}
_COST = {
    "requestedQueryCost": 752,
    "actualQueryCost": None,
    "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": 666, "restoreRate": 50.0},
}
KINDS: Mapping[str, FaultKind] = {
    # connections
    "refused": FaultKind(text="the connection is reset, and new ones are refused for 20 ms", rule={"refuse": 0.02}),
    "connect_timeout": FaultKind(
        text="the connection is reset, and for a second nobody accepts new ones", rule={"refuse": 1.0, "silent": True}
    ),
    "reset": FaultKind(text="the connection is reset before the partner sees the request", rule={"reset": True}),
    "closed": FaultKind(text="the connection is closed before the partner sees the request", rule={"drop": True}),
    "reset_after": FaultKind(
        text="the partner does what is requested, and the connection is reset", rule={"reset": True, "at": "after"}
    ),
    "closed_after": FaultKind(
        text="the partner does what is requested, and the connection is closed", rule={"drop": True, "at": "after"}
    ),
    "reset_in_body": FaultKind(
        text="the partner answers, and the connection is reset in mid-body", rule={"broken": 0.5, "reset": True}
    ),
    "closed_in_body": FaultKind(
        text="the partner answers, and the connection is closed in mid-body", rule={"broken": 0.5}
    ),
    "no_answer": FaultKind(
        text="nothing comes back until the client ends its wait", rule={"delay": 600.0, "drop": True}
    ),
    "no_answer_after": FaultKind(
        text="the partner does what is requested, and nothing comes back",
        rule={"delay": 600.0, "drop": True, "at": "after"},
    ),
    "slow_answer": FaultKind(text="the answer comes 200 ms late", rule={"delay": 0.2}),
    "slow_body": FaultKind(text="the body takes 200 ms, in small pieces", rule={"drip": 0.2}),
    # bodies
    "cut_json": FaultKind(text="the partner answers, and a part of the JSON is missing", rule={"cut": 0.6}, paths=_API),
    "cut_file": FaultKind(
        text="a job's file ends in the middle of a line, and its length fits",
        rule={"cut": 0.6, "within_line": True},
        paths=_FILES,
    ),
    "empty_body": FaultKind(text="the partner answers, and the body is lost", rule={"cut": 0.0}, paths=_API),
    "json_list": _json(200, [], "200 with a list instead of the partner's JSON", paths=_API),
    "json_null": _json(200, "null", "200 with null instead of the partner's JSON", paths=_API),
    "json_number": _json(200, "17", "200 with a number instead of the partner's JSON", paths=_API),
    "json_text": _json(200, '"ok"', "200 with a text instead of the partner's JSON", paths=_API),
    "json_object": _json(200, {"message": "OK"}, "200 with another object than the partner's", paths=_API),
    "html": FaultKind(
        text="200 with a page of HTML, as a gateway under maintenance sends it",
        rule={"status": 200, "body": _PAGE.format("Maintenance", "Back soon"), "headers": _HTML},
        paths=_API,
    ),
    # statuses
    "status_408": _status(408, "Request Timeout"),
    "status_425": _status(425, "Too Early"),
    "status_500": _json(500, {"errors": "Internal Server Error"}, "500 with JSON"),
    "status_500_html": _status(500, "Internal Server Error"),
    "status_501": FaultKind(
        text="501 Not Implemented: the shop does not have this", rule={"status": 501, "body": ""}, heals="next_try"
    ),
    "status_502": _status(502, "Bad Gateway"),
    "status_503": _json(
        503,
        {"message": "later"},
        "503 with Retry-After",
        rule={
            "headers": {**JSON, "Retry-After": "1"},
        },
    ),
    "status_503_html": _status(503, "Service Unavailable"),
    "status_504": _status(504, "Gateway Timeout", at="after"),
    **{
        f"status_{status}": _status(status, text)
        for status, text in {
            520: "Web server returns an unknown error",
            521: "Web server is down",
            522: "Connection timed out",
            523: "Origin is unreachable",
            525: "SSL handshake failed",
            526: "Invalid SSL certificate",
            530: "Origin DNS error",
        }.items()
    },
    "status_524": _status(524, "A timeout occurred", at="after"),
    # rate limits
    "throttled": _throttled("429 without a wait"),
    "throttled_seconds": _throttled("429 with Retry-After: 1", {"Retry-After": "1"}),
    "throttled_fraction": _throttled("429 with Retry-After: 0.5", {"Retry-After": "0.5"}),
    "throttled_zero": _throttled("429 with Retry-After: 0", {"Retry-After": "0"}),
    "throttled_date": _throttled("429 with a Retry-After that is a date", computed=lambda: {"Retry-After": _date(1)}),
    "throttled_past": _throttled(
        "429 with a Retry-After that is a date in the past", computed=lambda: {"Retry-After": _date(-60)}
    ),
    "throttled_strange": _throttled("429 with a Retry-After that is no time", {"Retry-After": "soon"}),
    "throttled_long": _throttled("429 with a wait of 30 minutes", {"Retry-After": "1800"}, heals="next_try"),
    "status_430": _status(430, "Shopify Security Rejection"),
    "shopify_throttled": _graphql(
        "200 with THROTTLED and the cost", _THROTTLED, paths=_ADMIN, extensions={"cost": _COST}
    ),
    "shopify_throttled_bare": _graphql("200 with THROTTLED alone", _THROTTLED, paths=_ADMIN),
    "shopify_partner_throttled": _graphql(
        "200 with the Partner API's error 429",
        {"message": "Too many requests", "extensions": {"code": "429"}},
        paths=_PARTNER,
    ),
    "voucherify_throttled": FaultKind(
        text="429 with Voucherify's headers",
        rule={"status": 429, "body": {"code": 429, "message": "Too many requests hit the API too quickly."}},
        paths=r"^/voucherify/",
        headers=lambda: {
            "X-Rate-Limit-Limit": "2000",
            "X-Rate-Limit-Remaining": "0",
            "X-Rate-Limit-Retry": str(int(time.time()) + 1),
            "X-Rate-Limit-Type": "api_calls",
        },
    ),
    "yotpo_throttled": FaultKind(
        text="429 of Yotpo's gateway",
        rule={
            "status": 429,
            "body": {"message": "API rate limit exceeded"},
            "headers": {"RateLimit-Limit": "5", "RateLimit-Remaining": "0", "RateLimit-Reset": "1"},
        },
        paths=r"^/yotpo/core/",
    ),
    # GraphQL's own errors
    "shopify_internal_error": _graphql("200 with an internal error", INTERNAL_ERROR, data=None),
    "shopify_partial": FaultKind(
        text="200 with an internal error beside a part of the data",
        rule={"rewrite": "partial_data"},
        paths=f"{_ADMIN}|{_PARTNER}",
    ),
    "shopify_timeout": _graphql("200 with the error 'Timeout'", {"message": "Timeout"}, paths=_ADMIN),
    "shopify_max_cost": FaultKind(
        text="200 with MAX_COST_EXCEEDED for a page of more than one record",
        rule={"rewrite": "max_cost"},
        paths=_ADMIN,
    ),
    # credentials
    "refused_once": _json(
        401, {"errors": [{"message": "The access token is invalid"}]}, "401, though the credentials are right"
    ),
    "dead_token": _json(
        401,
        {"errors": [{"message": "The access token has expired"}]},
        "the token dies: 401 to each request with it, until there is another",
        rule={"until_other_token": True},
        paths=r"^/yotpo/core/v3/stores/[^/]+/(?!access_tokens)|^/yofi/",
    ),
    # lists
    "shifting_rows": FaultKind(
        text="a newer record comes before a page is read",
        rule={"switches": {"yofi.drift": True}},
        paths=r"^/yofi/ecommerce/",
        heals="never",
    ),
    "leaving_rows": FaultKind(
        text="the list's first record goes before a page is read",
        rule={"switches": {"yofi.removal": True}},
        paths=r"^/yofi/ecommerce/",
        heals="never",
    ),
    "same_cursor": FaultKind(
        text="the next page's cursor is this page's", rule={"rewrite": "same_cursor"}, paths=_LISTS, heals="next_try"
    ),
    "endless_list": FaultKind(
        text="each page has a next one, and no records from some page on",
        rule={"rewrite": "endless_list"},
        paths=_LISTS,
        heals="next_try",
    ),
    "empty_page": FaultKind(
        text="a page without its records, that has a next one",
        rule={"rewrite": "empty_page"},
        paths=_LISTS,
        heals="next_try",
    ),
    "repeated_page": FaultKind(
        text="a numbered page has the records of the page before",
        rule={"earlier_page": True},
        paths=r"^/yofi/ecommerce/|^/voucherify/v1/",
        heals="next_try",
    ),
    # look-ups and writes
    "lagging_lookup": FaultKind(
        text="a look-up doesn't find what the store has",
        rule={"rewrite": "no_records", "with_params": ["external_ids"]},
        paths=_YOTPO_RECORDS,
        methods=frozenset({"GET"}),
    ),
    "unfiltered_lookup": FaultKind(
        text="a look-up ignores its filter, and returns others",
        rule={"without_params": ["external_ids"], "with_params": ["external_ids"]},
        paths=_YOTPO_RECORDS,
        methods=frozenset({"GET"}),
    ),
    "other_writer": FaultKind(
        text="another writer has just sent the same",
        rule={"twice": True},
        paths=_YOTPO,
        methods=frozenset({"POST", "PATCH"}),
    ),
    "lost_write": FaultKind(
        text="a write is acknowledged, and not stored",
        rule={"lost": True},
        paths=_YOTPO_RECORDS + r"|^/yotpo/core/v3/stores/[^/]+/(orders|products)/\d+$",
        methods=frozenset({"POST", "PATCH"}),
        heals="next_run",
    ),
}
"""The kinds by name."""
