"""Injects faults: a rule delays a request, answers it with an error, or cuts or drops its response.

It runs before all partners. It knows only their paths, because faults are counted per operation. Rules come from the
control API, or from a test that runs the sandbox in its own process.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_partners.sandbox.store import Sandbox
from airflow_provider_partners.sandbox.voucherify.routes import operation_name

CONTROL_PREFIX = "/_sandbox"


@dataclass(kw_only=True)
class FaultRule:
    """Which requests fail, and how.

    :param path_prefix: prefix of the whole path, such as ``/yotpo``
    :param path_regex: pattern to search in the whole path, in addition to the prefix
    :param method: HTTP method, such as ``POST``; ``None`` matches any
    :param times: number of requests that fail before the rule is used up; ``None`` means all
    :param after: number of matching requests that succeed first
    :param share: share of the other matching requests that fail, from 0 to 1; the same ones for the same ``seed``
    :param seed: of the choice that ``share`` makes
    :param status: status of the response; without it, ``drop`` and ``cut`` the partner answers (after ``delay``)
    :param body: body of that response: JSON for an object or a list, plain text for a string
    :param headers: headers of that response
    :param delay: seconds to wait before anything else
    :param drop: close the connection without a response
    :param cut: the partner answers, and only this share of its body arrives, from 0 to 1
    :param at: ``before``: the partner never sees the request; ``after``: it sees the request, but its response is lost
    """

    path_prefix: str = "/"
    path_regex: str | None = None
    method: str | None = None
    times: int | None = 1
    after: int = 0
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    cut: float | None = None
    share: float = 1.0
    seed: int = 0
    at: Literal["before", "after"] = "before"
    seen: int = field(default=0, init=False)
    used: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.status is None and not self.drop and not self.delay and self.cut is None:
            msg = "a fault needs one of status, drop and delay, or cut"
            raise ValueError(msg)
        if not (0 <= self.share <= 1 and 0 <= (self.cut or 0) <= 1):
            msg = "share and cut are numbers from 0 to 1"
            raise ValueError(msg)
        if self.at not in {"before", "after"}:
            msg = f"at is 'before' or 'after', not {self.at!r}"
            raise ValueError(msg)
        self._pattern = re.compile(self.path_regex or "")
        self._random = random.Random(self.seed)

    def claim(self, method: str, path: str) -> bool:
        """Return True if this rule makes the request fail; count the request."""
        fits = path.startswith(self.path_prefix) and self._pattern.search(path)
        if not fits or self.method not in {None, method} or (self.times is not None and self.used >= self.times):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.share < 1 and self._random.random() >= self.share):
            return False
        self.used += 1
        return True

    def document(self) -> dict[str, Any]:
        """Return the rule as the control API shows it."""
        return asdict(self)


class FaultRules:
    """The active rules; the first that matches a request applies. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[FaultRule] = []

    def add(self, **rule: Any) -> FaultRule:
        """Add a rule, described by the fields of :class:`FaultRule`.

        :raises ValueError: a field is unknown or wrong
        """
        try:
            added = FaultRule(**rule)
        except (TypeError, re.error) as error:
            known = ", ".join(name for name, entry in FaultRule.__dataclass_fields__.items() if entry.init)
            msg = f"not a fault: {error}; the fields are {known}"
            raise ValueError(msg) from error
        with self._lock:
            self._rules.append(added)
        return added

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[FaultRule]:
        """Return all rules, including those that are used up."""
        with self._lock:
            return list(self._rules)

    def claim(self, method: str, path: str) -> FaultRule | None:
        """Return the rule that makes this request fail, if there is one."""
        with self._lock:
            return next((rule for rule in self._rules if rule.claim(method, path)), None)


class FaultInjection:
    """ASGI middleware that applies the rules. It never affects the control API.

    :param app: the application that serves the partners
    """

    def __init__(self, app: ASGIApp, *, rules: FaultRules, sandbox: Sandbox) -> None:
        self._app = app
        self._fault_rules = rules
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or make it fail."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        rule = self._fault_rules.claim(scope["method"], path)
        if rule is None:
            await self._app(scope, receive, send)
            return
        self._sandbox.count(*operation(scope["method"], path, dict(scope["headers"])))
        if rule.delay:
            await asyncio.sleep(rule.delay)
        if rule.status is None and not rule.drop:
            await self._app(scope, receive, send if rule.cut is None else _CutResponse(send, rule.cut))
            return
        if rule.at == "after":
            await self._app(scope, receive, _discard)
        else:
            await _read_request(receive)
        await (_drop_connection(receive, send) if rule.drop else _send_response(rule, send))


# Partner, path and operation; the path contains the shop where the API has one there. The first match wins.
_OPERATIONS: tuple[tuple[str, str, str], ...] = (
    ("yotpo", r"^/yotpo/core/v3/stores/(?P<shop>[^/]+)/access_tokens$", "token"),
    ("yotpo", r"^/yotpo/oauth/token$", "token"),
    ("yotpo", r"^/yotpo/core/v3/stores/(?P<shop>[^/]+)/(?:.+/)?(?P<thing>[a-z_]+)(?P<id>/\d+)?$", "{thing}.{verb}"),
    ("yofi", r"^/yofi/ecommerce/customers/(?P<id>[^/]+)/?$", "customers.get"),
    ("yofi", r"^/yofi/ecommerce/(?:unified[-_])?(?P<thing>[a-z_-]+)/?$", "{thing}.list"),
    ("shopify_admin", r"^/shopify-admin/(?P<shop>[^/]+)/admin/oauth/", "token"),
    ("shopify_admin", r"^/shopify-admin/(?P<shop>[^/]+)/.*graphql\.json$", "graphql"),
    ("shopify_partner", r"^/shopify-partner/.*graphql\.json$", "graphql"),
)
_VOUCHERIFY = "/voucherify"
_VERBS: Mapping[tuple[str, bool], str] = {
    ("POST", False): "create",
    ("PATCH", True): "update",
    ("GET", True): "get",
    ("GET", False): "list",
}


def operation(method: str, path: str, headers: Mapping[bytes, bytes]) -> tuple[str, str, str]:
    """Return partner, shop and operation under which a fault of this request is counted.

    >>> operation("POST", "/yotpo/core/v3/stores/s1/orders", {})
    ('yotpo', 's1', 'orders.create.fault')
    """
    if path.startswith(f"{_VOUCHERIFY}/"):
        # Voucherify has too many paths for patterns.
        return "voucherify", "", f"{operation_name(method, path.removeprefix(_VOUCHERIFY))}.fault"
    for partner, pattern, name in _OPERATIONS:
        if match := re.match(pattern, path):
            parts = {key: value or "" for key, value in match.groupdict().items()}
            # Yofi names the shop in a request header. The Partner API names none.
            shop = headers.get(b"app_id", b"").decode() if partner == "yofi" else parts.get("shop", "")
            verb = _VERBS.get((method, bool(parts.get("id"))), method.lower())
            thing = parts.get("thing", "").replace("-", "_")
            return partner, shop, f"{name.format(thing=thing, verb=verb)}.fault"
    return path.split("/")[1].replace("-", "_"), "", "other.fault"


async def _send_response(rule: FaultRule, send: Send) -> None:
    plain = isinstance(rule.body, str) or rule.body is None
    content = (rule.body or "") if plain else json.dumps(rule.body)
    headers = {
        "content-type": "text/plain; charset=utf-8" if plain else "application/json",
        **{name.lower(): value for name, value in rule.headers.items()},
        "content-length": str(len(content.encode())),
    }
    pairs = [(name.encode(), str(value).encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": rule.status, "headers": pairs})
    await send({"type": "http.response.body", "body": content.encode()})


class _CutResponse:
    """Sends a part of a response's body, with headers that fit this part, as a broken gateway does."""

    def __init__(self, send: Send, share: float) -> None:
        self._send = send
        self._share = share
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        """Collect the response, and send its part after the last message."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        part = self._body[: int(len(self._body) * self._share)]
        headers = [(name, value) for name, value in self._start["headers"] if name.lower() != b"content-length"]
        await self._send({**self._start, "headers": [*headers, (b"content-length", str(len(part)).encode())]})
        await self._send({"type": "http.response.body", "body": part})


async def _drop_connection(receive: Receive, send: Send) -> None:
    """Close the connection without sending a byte.

    ASGI has no message for this, so uvicorn's transport is taken from the object that ``send`` is bound to.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        msg = "only uvicorn's connections can be dropped, and only by the outermost middleware"
        raise RuntimeError(msg)
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_request(receive: Receive) -> None:
    """Read the whole request, so that the connection stays usable."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


async def _discard(message: Message) -> None:
    """Ignore a message of a lost response."""
