"""RSQL, the language of Yofi's filters, with the rules of rsql-parser 2.1.0.

Grammar: https://github.com/jirutka/rsql-parser. The longest token wins; of two equally long ones, the first in the
grammar. AND binds tighter than OR. A value with a reserved character is quoted. The caller chooses the selectors, their
operators and the kinds of their values.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# In the order of the grammar: of tokens with the same length, the first one wins.
_TOKENS = (
    ("skip", re.compile(r"[ \t]")),
    ("text", re.compile(r"""[^"'();,=<>!~ ]+""")),
    ("quoted", re.compile(r"'(?:\\.|[^'\\])*'", re.DOTALL)),
    ("quoted", re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)),
    ("and", re.compile(r";| and ")),
    ("or", re.compile(r",| or ")),
    ("(", re.compile(r"\(")),
    (")", re.compile(r"\)")),
    ("operator", re.compile(r"=[A-Za-z]*=|!=|[<>]=?")),
)
OPERATORS = {
    "==": "==",
    "!=": "!=",
    "=gt=": ">",
    ">": ">",
    "=ge=": ">=",
    ">=": ">=",
    "=lt=": "<",
    "<": "<",
    "=le=": "<=",
    "<=": "<=",
    "=in=": "=in=",
    "=out=": "=out=",
}
_MANY_VALUES = frozenset({"=in=", "=out="})
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
# Nested groups. The original parser has no limit: it ends in a stack overflow.
_MAX_DEPTH = 100


class RsqlError(ValueError):
    """The expression is invalid, or the endpoint does not support it."""


@dataclass(frozen=True)
class Comparison:
    """``selector operator value``. The operator has its short form: ``>`` for ``=gt=``."""

    selector: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Logical:
    """Nodes joined by ``and`` or ``or``."""

    operator: str
    nodes: tuple[Node, ...]


Node = Comparison | Logical


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text):
        matches = [(name, match) for name, rule in _TOKENS if (match := rule.match(text, at))]
        if not matches:
            msg = f"Lexical error at column {at + 1}: unexpected {text[at]!r}"
            raise RsqlError(msg)
        name, match = max(matches, key=lambda item: item[1].end())  # max returns the first of equals
        if name != "skip":
            tokens.append(_Token(name, match.group(), at))
        at = match.end()
    return [*tokens, _Token("end", "", at)]


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def _take(self, *kinds: str) -> _Token:
        token = self._tokens[self._at]
        if token.kind not in kinds:
            text = repr(token.text) if token.text else "<EOF>"
            msg = f"Encountered {text} at column {token.at + 1}, expected {' or '.join(kinds)}"
            raise RsqlError(msg)
        self._at += 1
        return token

    def _next_is(self, kind: str) -> bool:
        return self._tokens[self._at].kind == kind

    def parse(self) -> Node:
        node = self._or()
        self._take("end")
        return node

    def _or(self) -> Node:
        return self._joined("or", self._and)

    def _and(self) -> Node:
        return self._joined("and", self._constraint)

    def _joined(self, kind: str, part: Callable[[], Node]) -> Node:
        nodes = [part()]
        while self._next_is(kind):
            self._take(kind)
            nodes.append(part())
        return nodes[0] if len(nodes) == 1 else Logical(kind, tuple(nodes))

    def _constraint(self) -> Node:
        if not self._next_is("("):
            return self._comparison()
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            msg = f"Groups are nested more than {_MAX_DEPTH} deep"
            raise RsqlError(msg)
        self._take("(")
        node = self._or()
        self._take(")")
        self._depth -= 1
        return node

    def _comparison(self) -> Comparison:
        selector = self._take("text").text
        symbol = self._take("operator").text
        if symbol not in OPERATORS:
            msg = f"Unknown operator: {symbol}"
            raise RsqlError(msg)
        values = self._values()
        if len(values) != 1 and OPERATORS[symbol] not in _MANY_VALUES:
            msg = f"Operator {symbol} takes exactly one value, {len(values)} given"
            raise RsqlError(msg)
        return Comparison(selector, OPERATORS[symbol], values)

    def _values(self) -> tuple[str, ...]:
        if not self._next_is("("):
            return (self._value(),)
        self._take("(")
        values = [self._value()]
        while self._next_is("or"):
            self._take("or")
            values.append(self._value())
        self._take(")")
        return tuple(values)

    def _value(self) -> str:
        token = self._take("text", "quoted")
        return token.text if token.kind == "text" else _ESCAPE.sub(r"\1", token.text[1:-1])


def parse(text: str) -> Node:
    """Return the expression as a tree.

    :param text: for example ``created_at_epoch>=1746757960;created_at_epoch<1746758000``
    :raises RsqlError: the text is no RSQL
    """
    return _Parser(text).parse()


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    if not re.fullmatch(r"-?\d{1,18}(\.\d+)?", text):
        raise ValueError(text)
    return float(text)


def _timestamp(text: str) -> datetime:
    timestamp = datetime.fromisoformat(text)
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)


_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "whole number": _integer,
    "number": _number,
    "ISO 8601 time": _timestamp,
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Selector:
    """A field that an endpoint can filter by.

    :param kind: ``text``, ``whole number``, ``number`` or ``ISO 8601 time``
    :param operators: allowed operators, in their short form
    """

    kind: str
    operators: Collection[str] = frozenset(OPERATORS.values())


Predicate = Callable[[Mapping[str, Any]], bool]


def predicate(text: str, selectors: Mapping[str, Selector]) -> Predicate:
    """Return a test of a record's attributes.

    A null or missing attribute satisfies no comparison, as in SQL. ``*`` is a plain character: the grammar gives it no
    meaning.

    :raises RsqlError: the text is no RSQL, or a selector, operator or value is not allowed
    """
    return _bind(parse(text), selectors)


def _bind(node: Node, selectors: Mapping[str, Selector]) -> Predicate:
    if isinstance(node, Logical):
        parts = [_bind(each, selectors) for each in node.nodes]
        join = all if node.operator == "and" else any
        return lambda record: join(part(record) for part in parts)
    allowed = selectors.get(node.selector)
    if allowed is None:
        msg = f"Selector {node.selector!r} is not supported; supported: {', '.join(sorted(selectors))}"
        raise RsqlError(msg)
    if node.operator not in allowed.operators:
        supported = " ".join(sorted(allowed.operators))
        msg = f"Operator {node.operator} is not supported for {node.selector!r}; supported: {supported}"
        raise RsqlError(msg)
    convert = _CONVERTERS[allowed.kind]
    try:
        values = [convert(value) for value in node.values]
    except ValueError:
        msg = f"{node.selector!r} is compared with a {allowed.kind}, and the value given is none"
        raise RsqlError(msg) from None
    return lambda record: _matches(record.get(node.selector), convert, node.operator, values)


def _matches(attribute: Any, convert: Callable[[str], Any], symbol: str, values: list[Any]) -> bool:
    if attribute is None:
        return False
    try:
        value = convert(str(attribute))
    except ValueError:
        return False
    if symbol in _MANY_VALUES:
        return (value in values) == (symbol == "=in=")
    return _COMPARISONS[symbol](value, values[0])
