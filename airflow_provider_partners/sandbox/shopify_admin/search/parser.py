"""Parses Shopify's search syntax: ``updated_at:>='2026-01-31T00:00:00Z' AND -tag:wholesale``.

Adjacent terms mean AND; ``AND``, ``OR``, ``NOT`` and ``-`` are operators; AND binds tighter than OR; parentheses group.
A term is ``field:value`` with an optional comparator, or a bare word
(https://shopify.dev/docs/api/usage/search-syntax).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

COMPARATORS = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt", "=": "eq"}

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\()
      | (?P<close>\))
      | (?P<not>-(?=\S)|NOT\b(?=[\s(]))
      | (?P<joint>(?:AND|OR)\b(?=[\s(]|$))
      | (?P<term>(?:(?P<field>[A-Za-z_][\w.]*):\s*(?P<comparator>>=|<=|>|<|=)?\s*)?
          (?:'(?P<single>(?:\\.|[^'\\])*)'|"(?P<double>(?:\\.|[^"\\])*)"|(?P<bare>(?:\\.|[^\s()\\])+)))
      | (?P<rest>\S)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, kw_only=True)
class Term:
    """One ``field:value``; ``field`` is ``None`` for a bare word."""

    field: str | None
    comparator: str
    value: str
    quoted: bool


@dataclass(frozen=True, kw_only=True)
class AllOf:
    """All parts must match."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, kw_only=True)
class AnyOf:
    """At least one part must match."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, kw_only=True)
class Not:
    """The part must not match."""

    part: Node


Node = Term | AllOf | AnyOf | Not


def parse_search(text: str) -> Node | None:
    """Parse a search string; return ``None`` for an empty one.

    The syntax is as tolerant as Shopify's: it ignores stray parentheses and operators.
    """
    return _Parser(text).parse()


def terms(node: Node | None) -> list[Term]:
    """Yield every term of a tree, in the order of the text."""
    match node:
        case Term():
            return [node]
        case AllOf() | AnyOf():
            return [term for part in node.parts for term in terms(part)]
        case Not():
            return terms(node.part)
    return []


def describe(node: Node) -> dict[str, Any]:
    """Return the tree as ``extensions.search[].parsed`` shows it."""
    match node:
        case AllOf():
            return {"and": [describe(part) for part in node.parts]}
        case AnyOf():
            return {"or": [describe(part) for part in node.parts]}
        case Not():
            return {"not": describe(node.part)}
    field = node.field or "default"
    if node.comparator == "eq":
        return {"field": field, "match_all": node.value}
    return {"field": field, "range": {node.comparator: node.value}}


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = [match for match in _TOKEN.finditer(text) if match.lastgroup]
        self._next = 0

    def parse(self) -> Node | None:
        parts = []
        while self._next < len(self._tokens):
            if (node := self._either()) is not None:
                parts.append(node)
            else:
                self._next += 1
        return _joined(AllOf, parts)

    def _peek(self, group: str) -> str | None:
        return self._tokens[self._next].group(group) if self._next < len(self._tokens) else None

    def _accept(self, group: str, text: str | None = None) -> bool:
        token = self._peek(group)
        if token is None or (text is not None and token != text):
            return False
        self._next += 1
        return True

    def _either(self) -> Node | None:
        parts = [self._both()]
        while self._accept("joint", "OR"):
            parts.append(self._both())
        return _joined(AnyOf, [part for part in parts if part is not None])

    def _both(self) -> Node | None:
        parts: list[Node] = []
        while True:
            self._accept("joint", "AND")
            node = self._single()
            if node is None:
                return _joined(AllOf, parts)
            parts.append(node)

    def _single(self) -> Node | None:
        if self._accept("not"):
            inner = self._single()
            return Not(part=inner) if inner is not None else None
        if self._accept("open"):
            group = self._either()
            self._accept("close")
            return group
        if self._peek("term") is None:
            return None
        match = self._tokens[self._next]
        self._next += 1
        return _term(match)


def _joined(kind: type[AllOf | AnyOf], parts: list[Node]) -> Node | None:
    if len(parts) <= 1:
        return parts[0] if parts else None
    return kind(parts=tuple(parts))


def _term(match: re.Match[str]) -> Term:
    quoted = next((match.group(name) for name in ("single", "double") if match.group(name) is not None), None)
    # A backslash escapes a special character: a colon, a parenthesis, itself, and a quote inside of a phrase.
    value = re.sub(r"\\(.)", r"\1", match.group("bare") if quoted is None else quoted, flags=re.DOTALL)
    comparator = COMPARATORS[match.group("comparator") or "="]
    return Term(field=match.group("field"), comparator=comparator, value=value, quoted=quoted is not None)
