"""The rules of faults: which requests fail, and how. Safe to use from several threads."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from typing import Any, Literal
from urllib.parse import parse_qs

from airflow_provider_partners.sandbox.faults.answers import REWRITES, is_later_page
from airflow_provider_partners.sandbox.faults.door import Door
from airflow_provider_partners.sandbox.faults.kinds import KINDS, FaultKind

__all__ = ["FaultRule", "FaultRules"]

_EFFECTS = (
    *("status", "drop", "reset", "delay", "cut", "broken", "drip", "refuse", "rewrite"),
    *("twice", "lost", "without_params", "earlier_page", "switches"),
)
"""The fields that make something fail; a rule needs one of them."""


@dataclass(kw_only=True)
class FaultRule:
    """Which requests fail, and how.

    :param kind: name of a kind of :data:`~airflow_provider_partners.sandbox.faults.kinds.KINDS`. It sets the other
        fields, apart from those that the rule sets itself
    :param path_prefix: prefix of the whole path, such as ``/yotpo``
    :param path_regex: pattern to search in the whole path, in addition to the prefix
    :param method: HTTP method, such as ``POST``; ``None`` matches any
    :param with_params: only requests with one of these query parameters
    :param times: number of requests that fail before the rule is used up; ``None`` means all
    :param after: number of matching requests that succeed first
    :param share: share of the other matching requests that fail, from 0 to 1; the same ones for the same ``seed``
    :param seed: of the choice that ``share`` makes
    :param status: status of the response; without it and the fields below, the partner answers (after ``delay``)
    :param body: body of that response: JSON for an object or a list, plain text for a string
    :param headers: headers of that response
    :param delay: seconds to wait before anything else; it ends when the client closes the connection
    :param drop: close the connection without a response
    :param reset: close it with a reset; alone, without a response
    :param refuse: reset the connection, and refuse new ones for some seconds
    :param silent: with ``refuse``: leave new connections unanswered instead
    :param cut: the partner answers, and only this share of its body arrives, from 0 to 1
    :param within_line: with ``cut``: the part ends within a line, and not after one
    :param broken: the partner answers, and the connection closes after this share of its body
    :param drip: seconds over which the body arrives
    :param rewrite: change of the partner's answer: a name of
        :data:`~airflow_provider_partners.sandbox.faults.answers.REWRITES`
    :param twice: the partner gets the request twice, as from two writers, and its second answer arrives
    :param lost: acknowledge a write, and lose it
    :param without_params: the partner gets the request without these query parameters
    :param earlier_page: the partner gets the number of the page before
    :param switches: switches that are set while the request is answered
    :param until_other_token: every later request with the same token fails too
    :param at: ``before``: the partner never sees the request; ``after``: it sees the request, but its response is lost
    """

    kind: str | None = None
    path_prefix: str = "/"
    path_regex: str | None = None
    method: str | None = None
    with_params: tuple[str, ...] | list[str] = ()
    times: int | None = 1
    after: int = 0
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    reset: bool = False
    refuse: float = 0.0
    silent: bool = False
    cut: float | None = None
    within_line: bool = False
    broken: float | None = None
    drip: float = 0.0
    rewrite: str | None = None
    twice: bool = False
    lost: bool = False
    without_params: tuple[str, ...] | list[str] = ()
    earlier_page: bool = False
    switches: dict[str, Any] = field(default_factory=dict)
    until_other_token: bool = False
    share: float = 1.0
    seed: int = 0
    at: Literal["before", "after"] = "before"
    seen: int = field(default=0, init=False)
    used: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._kind = self._apply_kind()
        if all(getattr(self, name) in (None, False, 0.0, (), [], {}) for name in _EFFECTS if name != "cut") and (
            self.cut is None and self.broken is None
        ):
            msg = f"a fault needs a kind, or one of {', '.join(_EFFECTS)}"
            raise ValueError(msg)
        if not all(0 <= (each or 0) <= 1 for each in (self.share, self.cut, self.broken)):
            msg = "share, cut and broken are numbers from 0 to 1"
            raise ValueError(msg)
        if self.at not in {"before", "after"}:
            msg = f"at is 'before' or 'after', not {self.at!r}"
            raise ValueError(msg)
        if self.rewrite is not None and self.rewrite not in REWRITES:
            msg = f"rewrite is one of {', '.join(REWRITES)}, not {self.rewrite!r}"
            raise ValueError(msg)
        self._pattern = re.compile(self.path_regex or "")
        self._kind_pattern = re.compile(self._kind.paths if self._kind else "")
        # A text is hashed. The first numbers of neighbouring whole numbers' streams would be alike.
        self._random = random.Random(f"{self.kind} {self.seed}")
        self._dead_tokens: set[str] = set()

    def _apply_kind(self) -> FaultKind | None:
        """Set the fields of the kind that the rule doesn't set itself."""
        if self.kind is None:
            return None
        kind = KINDS.get(self.kind)
        if kind is None:
            near = get_close_matches(self.kind, KINDS, n=1)
            msg = f"there is no kind '{self.kind}'" + (f": did you mean '{near[0]}'?" if near else "")
            raise ValueError(msg)
        defaults = {each.name: each for each in fields(self)}
        for name, value in kind.rule.items():
            if getattr(self, name) in (defaults[name].default, {}):
                setattr(self, name, dict(value) if isinstance(value, Mapping) and name != "body" else value)
        return kind

    @property
    def answers_itself(self) -> bool:
        """Whether the partner's answer, if there is one, never arrives."""
        return (
            self.status is not None
            or self.drop
            or self.lost
            or bool(self.refuse)
            or (self.reset and self.broken is None)
        )

    def response_headers(self) -> dict[str, str]:
        """Return the headers of the response, with those that depend on the time."""
        return {**self.headers, **(self._kind.headers() if self._kind and self._kind.headers else {})}

    def claim(self, method: str, path: str, *, query: str = "", token: str = "") -> bool:
        """Return True if this rule makes the request fail; count the request.

        :param query: the query string
        :param token: the request's credentials
        """
        if not self._fits(method, path, query):
            return False
        if token in self._dead_tokens:
            self.used += 1
            return True
        if self.times is not None and self.used >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.after or (self.share < 1 and self._random.random() >= self.share):
            return False
        self.used += 1
        if self.until_other_token and token:
            self._dead_tokens.add(token)
        return True

    def _fits(self, method: str, path: str, query: str) -> bool:
        if self.method not in {None, method} or not path.startswith(self.path_prefix):
            return False
        if self._kind and self._kind.methods and method not in self._kind.methods:
            return False
        if not (self._pattern.search(path) and self._kind_pattern.search(path)):
            return False
        if not (self.with_params or self.earlier_page):
            return True
        params = {name: values[-1] for name, values in parse_qs(query).items()}
        if self.earlier_page and not is_later_page(params):
            return False
        return not self.with_params or any(name in params for name in self.with_params)

    def document(self) -> dict[str, Any]:
        """Return the rule's fields, as the control API shows them."""
        return asdict(self)


class FaultRules:
    """The active rules; the first that matches a request applies. Safe to use from several threads."""

    def __init__(self) -> None:
        self.door = Door()
        self._lock = threading.Lock()
        self._rules: list[FaultRule] = []
        self.watch_tokens = False
        """Whether a rule needs the requests' tokens."""

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
            self.watch_tokens = self.watch_tokens or added.until_other_token
        return added

    def clear(self) -> None:
        """Remove all rules, and let new connections in again."""
        with self._lock:
            self._rules.clear()
        self.door.open()

    def rules(self) -> list[FaultRule]:
        """Return all rules, including those that are used up."""
        with self._lock:
            return list(self._rules)

    def claim(self, method: str, path: str, *, query: str = "", token: str = "") -> FaultRule | None:
        """Return the rule that makes this request fail, if there is one.

        :param query: the query string
        :param token: the request's credentials
        """
        with self._lock:
            return next((rule for rule in self._rules if rule.claim(method, path, query=query, token=token)), None)
