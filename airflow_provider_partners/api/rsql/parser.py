"""Parser and quoting of RSQL text, for filters that users write themselves.

Tokens and grammar follow rsql-parser 2.1 (https://github.com/jirutka/rsql-parser), plus line breaks and tabs where a
space is allowed. Other blanks of Unicode are letters of a value, as in that grammar. The parser returns plain tuples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

RESERVED_CHARACTERS = frozenset("\"'();,=!~<> ")
"""Characters that a selector or an unquoted value must not contain."""

OPERATOR_FORMS = {
    "==": "==",
    "!=": "!=",
    ">": ">",
    "=gt=": ">",
    ">=": ">=",
    "=ge=": ">=",
    "<": "<",
    "=lt=": "<",
    "<=": "<=",
    "=le=": "<=",
    "=in=": "=in=",
    "=out=": "=out=",
}
"""Every spelling of an operator, and its short form."""

_MAX_DEPTH = 50
"""Maximum nesting of parentheses. The parser is recursive, so it needs a limit."""

_TOKEN = re.compile(
    r"""(?P<and>;|[ \t\r\n]++and(?=[ \t\r\n]))
    | (?P<or>,|[ \t\r\n]++or(?=[ \t\r\n]))
    | (?P<space>[ \t\r\n]++)
    | (?P<open>\()
    | (?P<close>\))
    | (?P<operator>=[A-Za-z]*=|!=|[<>]=?)
    | (?P<quoted>'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")
    | (?P<bare>[^"'();,=!~<> \t\r\n]+)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Argument:
    """One value of a comparison.

    :param text: the value itself
    :param quoted: write the value in quotes; servers read both forms alike
    """

    text: str
    quoted: bool

    def __str__(self) -> str:
        """Return the RSQL text. Escape backslashes before quotes."""
        if not self.quoted:
            return self.text
        escaped = self.text.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def parse_tree(text: str) -> tuple[Any, ...]:
    """Parse a filter.

    :returns: ``(selector, operator, arguments)`` or ``(separator, branches)``
    :raises ConfigurationError: the text is not RSQL; the error names the character
    """
    parser = _Parser(text)
    tree = parser.parse_or()
    if parser.token.kind != "end":
        parser.fail("';', ',' or the end")
    return tree


class _Parser:
    """A recursive descent parser of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._depth = 0
        self.token = self._next_token()

    def parse_or(self) -> tuple[Any, ...]:
        return self._parse_operands(",", "or", lambda: self._parse_operands(";", "and", self._parse_constraint))

    def fail(self, expected: str) -> NoReturn:
        place = "the end" if self.token.kind == "end" else f"character {self.token.position + 1}"
        message = f"the filter is not RSQL at {place}: expected {expected}"
        remedy = (
            "Write it as in state=='open';order_id=in=('1','2'), and quote values that contain spaces or any of "
            "\"'();,=!~<>."
        )
        raise ConfigurationError(message, remedy=remedy)

    def _parse_operands(self, separator: str, kind: str, part: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
        branches = [part()]
        while self.token.kind == kind:
            self._advance()
            branches.append(part())
        return branches[0] if len(branches) == 1 else (separator, branches)

    def _parse_constraint(self) -> tuple[Any, ...]:
        if self.token.kind != "open":
            return self._parse_comparison()
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self.fail(f"at most {_MAX_DEPTH} parentheses within each other")
        self._advance()
        inner = self.parse_or()
        self._expect("close", "')'")
        self._depth -= 1
        return inner

    def _parse_comparison(self) -> tuple[Any, ...]:
        selector = self._expect("bare", "the name of a field").text
        operator = OPERATOR_FORMS.get(self.token.text) if self.token.kind == "operator" else None
        if operator is None:
            self.fail(f"one of the operators {' '.join(OPERATOR_FORMS)}")
        self._advance()
        if self.token.kind != "open":
            return selector, operator, (self._parse_value(),)
        self._advance()
        values = [self._parse_value()]
        while self.token.kind == "or":
            self._advance()
            values.append(self._parse_value())
        self._expect("close", "',' or ')'")
        return selector, operator, tuple(values)

    def _parse_value(self) -> Argument:
        if self.token.kind == "quoted":
            return Argument(re.sub(r"\\(.)", r"\1", self._advance().text[1:-1], flags=re.DOTALL), quoted=True)
        return Argument(self._expect("bare", "a value").text, quoted=False)

    def _expect(self, kind: str, expected: str) -> _Token:
        if self.token.kind != kind:
            self.fail(expected)
        return self._advance()

    def _advance(self) -> _Token:
        taken, self.token = self.token, self._next_token()
        return taken

    def _next_token(self) -> _Token:
        while self._position < len(self._text):
            match = _TOKEN.match(self._text, self._position)
            if match is None:
                return _Token("wrong", self._text[self._position], self._position)
            start, self._position = self._position, match.end()
            if match.lastgroup != "space":
                return _Token(str(match.lastgroup), match.group(), start)
        return _Token("end", "", self._position)
