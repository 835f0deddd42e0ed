"""Injects faults: it delays a request, answers it with an error, changes its answer, or breaks its connection.

It runs before all partners. It knows only their paths, because faults are counted per operation. Rules come from the
control API, or from a test that runs the sandbox in its own process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_partners.sandbox.faults import answers, wire
from airflow_provider_partners.sandbox.faults.operations import operation
from airflow_provider_partners.sandbox.faults.rules import FaultRule, FaultRules
from airflow_provider_partners.sandbox.store import Sandbox

CONTROL_PREFIX = "/_sandbox"
_MISSING = object()


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
        query = scope.get("query_string", b"").decode("latin-1")
        token = _token(scope) if self._fault_rules.watch_tokens else ""
        rule = self._fault_rules.claim(scope["method"], path, query=query, token=token)
        if rule is None:
            await self._app(scope, receive, send)
            return
        self._sandbox.count(*operation(scope["method"], path, dict(scope["headers"])))
        content = await _read_request(receive)
        if rule.delay and rule.at == "before" and not await wire.wait(rule.delay, receive):
            return
        request = answers.seen_request(scope["method"], path, query, content)
        with self._switched(rule.switches):
            if rule.answers_itself:
                await self._answer(rule, request, scope, receive, send, content)
            else:
                await self._pass_on(rule, request, scope, receive, send, content)

    async def _answer(
        self, rule: FaultRule, request: answers.SeenRequest, scope: Scope, receive: Receive, send: Send, content: bytes
    ) -> None:
        """Answer in the partner's place, or not at all."""
        if rule.at == "after":
            await self._app({**scope}, _replay(content, receive), _discard)
            if rule.delay and not await wire.wait(rule.delay, receive):
                return
        if rule.refuse:
            await self._fault_rules.door.close(rule.refuse, silent=rule.silent)
        if rule.status is not None:
            await _send_response(rule.status, rule.body, rule.response_headers(), send)
        elif rule.lost:
            await _send_response(*answers.acknowledgement(request), {}, send)
        else:
            await wire.break_connection(receive, send, reset=rule.reset or bool(rule.refuse))

    async def _pass_on(
        self, rule: FaultRule, request: answers.SeenRequest, scope: Scope, receive: Receive, send: Send, content: bytes
    ) -> None:
        """Let the partner answer, and change the request or the answer."""
        if rule.without_params or rule.earlier_page:
            text = scope["query_string"].decode("latin-1")
            text = answers.change_query(text, without=rule.without_params, earlier_page=rule.earlier_page)
            scope = {**scope, "query_string": text.encode("latin-1")}
        if rule.twice:
            await self._app({**scope}, _replay(content, receive), _discard)
        await self._app(scope, _replay(content, receive), _answer_through(rule, request, send))

    @contextmanager
    def _switched(self, switches: dict[str, Any]) -> Iterator[None]:
        before = {name: self._sandbox.switches.get(name, _MISSING) for name in switches}
        self._sandbox.switches.update(switches)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is _MISSING:
                    self._sandbox.switches.pop(name, None)
                else:
                    self._sandbox.switches[name] = value


def _answer_through(rule: FaultRule, request: answers.SeenRequest, send: Send) -> Send:
    """Return what takes the partner's answer on its way to the client."""
    if rule.broken is not None:
        return wire.BrokenBody(send, rule.broken, reset=rule.reset)
    if rule.cut is not None:
        return _CutAnswer(send, rule.cut, within_line=rule.within_line)
    if rule.rewrite is not None:
        return _RewrittenAnswer(send, rule, request)
    return wire.DripBody(send, rule.drip) if rule.drip else send


def _token(scope: Scope) -> str:
    values = (value.decode("latin-1") for name, value in scope["headers"] if answers.is_token(name.decode().lower()))
    return next(values, "")


async def _send_response(status: int, body: Any, own_headers: dict[str, str], send: Send) -> None:
    plain = isinstance(body, str) or body is None
    content = (body or "") if plain else json.dumps(body)
    headers = {
        "content-type": "text/plain; charset=utf-8" if plain else "application/json",
        **{name.lower(): value for name, value in own_headers.items()},
        "content-length": str(len(content.encode())),
    }
    pairs = [(name.encode(), str(value).encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": content.encode()})


class _CutAnswer(wire.BufferedAnswer):
    """Sends a part of a response's body, with headers that fit this part, as a broken gateway does.

    :param share: of the body that arrives
    :param within_line: let the part end within a line
    """

    def __init__(self, send: Send, share: float, *, within_line: bool) -> None:
        super().__init__(send)
        self._share = share
        self._within_line = within_line

    async def deliver(self) -> None:
        """Send the part."""
        self.body = self.body[: int(len(self.body) * self._share)]
        if self._within_line:
            self.body = self.body.rstrip(b"\r\n")
        await super().deliver()


class _RewrittenAnswer(wire.BufferedAnswer):
    """Sends another body than the partner's, where it is JSON and there is something to change."""

    def __init__(self, send: Send, rule: FaultRule, request: answers.SeenRequest) -> None:
        super().__init__(send)
        self._rule = rule
        self._rewrite = answers.REWRITES[rule.rewrite or ""]
        self._request = request

    async def deliver(self) -> None:
        """Send the other body."""
        try:
            changed = self._rewrite(self._request, json.loads(self.body))
        except ValueError:
            changed = None
        if changed is None:
            # Nothing has happened, so another request may meet the rule.
            self._rule.used -= 1
        else:
            self.body = json.dumps(changed).encode()
        await super().deliver()


async def _read_request(receive: Receive) -> bytes:
    """Read the whole request, so that the connection stays usable."""
    content = b""
    while (message := await receive())["type"] == "http.request":
        content += message.get("body", b"")
        if not message.get("more_body"):
            break
    return content


def _replay(content: bytes, receive: Receive) -> Receive:
    """Return a function that gives the read request to the application, and then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


async def _discard(message: Message) -> None:
    """Ignore a message of a lost response."""
