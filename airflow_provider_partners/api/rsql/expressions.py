r"""RSQL filters, built from Python values or parsed from text, and checked before they are sent.

::

    claims = (field("created_at_epoch") >= 1746757960) & (field("created_at_epoch") < 1746844360)
    str(claims)  # created_at_epoch>=1746757960;created_at_epoch<1746844360
    str(field("order_name").in_(["#1001", "it's"]))  # order_name=in=('#1001','it\'s')

The language is that of rsql-parser 2.1 (https://github.com/jirutka/rsql-parser): eight operators, and ``;``
binds tighter than ``,``. The list decides which selectors and operators it allows. The transport encodes the
text for the URL.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.rsql.parser import OPERATOR_FORMS, RESERVED_CHARACTERS, Argument, parse_tree
from airflow_provider_partners.arguments import check_text
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OPERATORS = frozenset(OPERATOR_FORMS.values())
"""All operators in their short form: ``==  !=  >  >=  <  <=  =in=  =out=``."""

_MULTI_VALUE_OPERATORS = frozenset({"=in=", "=out="})


class Expression(ABC):
    """A filter or a part of one. ``&`` and ``|`` combine two of them, and ``str`` returns the RSQL text."""

    __slots__ = ()

    def __and__(self, other: Expression) -> Expression:
        """Both must match."""
        return CompoundExpression(";", (*_operands(self, ";"), *_operands(other, ";")))

    def __or__(self, other: Expression) -> Expression:
        """At least one must match."""
        return CompoundExpression(",", (*_operands(self, ","), *_operands(other, ",")))

    @abstractmethod
    def comparisons(self) -> tuple[Comparison, ...]:
        """Return every comparison, from left to right."""

    def check(self, allowed: Mapping[str, frozenset[str]], *, hint: str = "") -> None:
        """Check that the list allows every selector and operator.

        :param allowed: allowed operators by selector
        :param hint: added to the error's remedy
        :raises ConfigurationError: names the selector or operator, and lists the allowed ones
        """
        allowed_text = "; ".join(f"{name} ({' '.join(sorted(operators))})" for name, operators in allowed.items())
        remedy = f"Allowed: {allowed_text or 'no filter at all'}. {hint}".rstrip()
        for comparison in self.comparisons():
            operators = allowed.get(comparison.selector)
            if operators is None:
                message = f"the filter uses '{comparison.selector}', which this list can't be filtered by"
                raise ConfigurationError(message, remedy=remedy)
            if comparison.operator not in operators:
                used = f"{comparison.selector}{comparison.operator}"
                message = f"the filter uses '{used}', an operator that this selector does not support"
                raise ConfigurationError(message, remedy=remedy)


@dataclass(frozen=True, slots=True)
class Comparison(Expression):
    """One selector compared with one value, or with several values by ``=in=`` and ``=out=``.

    :param operator: one of :data:`OPERATORS`
    """

    selector: str
    operator: str
    arguments: tuple[Argument, ...]

    def __post_init__(self) -> None:
        """Check that RSQL can express the comparison."""
        if not self.selector or any(letter in RESERVED_CHARACTERS or letter.isspace() for letter in self.selector):
            message = f"{self.selector!r} can't be the selector of a filter"
            raise ConfigurationError(message, remedy="A selector is a field's name, without spaces or quotes.")
        if self.operator not in _MULTI_VALUE_OPERATORS and len(self.arguments) != 1:
            message = f"'{self.selector}{self.operator}' is compared with {len(self.arguments)} values"
            raise ConfigurationError(message, remedy="Use =in= or =out= to compare with several values.")
        if not self.arguments:
            message = f"'{self.selector}{self.operator}' has no values"
            raise ConfigurationError(message, remedy="Add at least one value, or remove the comparison.")

    def __str__(self) -> str:
        """Return the RSQL text."""
        values = ",".join(str(argument) for argument in self.arguments)
        return f"{self.selector}{self.operator}{f'({values})' if self.operator in _MULTI_VALUE_OPERATORS else values}"

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return the comparison itself."""
        return (self,)


@dataclass(frozen=True, slots=True)
class CompoundExpression(Expression):
    """Expressions combined by ``;`` (and) or ``,`` (or).

    :param separator: ``;`` or ``,``
    :param parts: at least two expressions
    """

    separator: str
    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        """Return the RSQL text. An *or* inside of an *and* gets parentheses, because *and* binds tighter."""
        return self.separator.join(
            f"({part})"
            if self.separator == ";" and isinstance(part, CompoundExpression) and part.separator == ","
            else str(part)
            for part in self.parts
        )

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return the comparisons of all parts."""
        return tuple(comparison for part in self.parts for comparison in part.comparisons())


def _operands(expression: Expression, separator: str) -> tuple[Expression, ...]:
    return (
        expression.parts
        if isinstance(expression, CompoundExpression) and expression.separator == separator
        else (expression,)
    )


class Selector:
    """A field to compare: ``field("state") != "closed"``."""

    __slots__ = ("name",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, selector: str) -> None:
        self.name = selector

    def __eq__(self, value: object) -> Comparison:  # type: ignore[override]
        """Equal to the value."""
        return self._compare("==", [value])

    def __ne__(self, value: object) -> Comparison:  # type: ignore[override]
        """Not equal to the value."""
        return self._compare("!=", [value])

    def __gt__(self, value: object) -> Comparison:
        """Greater than the value."""
        return self._compare(">", [value])

    def __ge__(self, value: object) -> Comparison:
        """Greater than or equal to the value."""
        return self._compare(">=", [value])

    def __lt__(self, value: object) -> Comparison:
        """Less than the value."""
        return self._compare("<", [value])

    def __le__(self, value: object) -> Comparison:
        """Less than or equal to the value."""
        return self._compare("<=", [value])

    def in_(self, values: Iterable[Any]) -> Comparison:
        """Equal to one of the values; there must be at least one."""
        return self._compare("=in=", values)

    def not_in(self, values: Iterable[Any]) -> Comparison:
        """Equal to none of the values; there must be at least one."""
        return self._compare("=out=", values)

    def equals_any(self, values: Iterable[Any]) -> Expression:
        """Equal to one of the values, for selectors without ``=in=``: ``a==1,a==2``."""
        parts: tuple[Expression, ...] = tuple(self == value for value in values)
        if not parts:
            return self.in_([])
        return parts[0] if len(parts) == 1 else CompoundExpression(",", parts)

    def _compare(self, operator: str, values: Iterable[Any]) -> Comparison:
        return Comparison(self.name, operator, tuple(_to_argument(value, self.name) for value in values))


def field(selector: str) -> Selector:
    """Return a selector, so that it can be compared.

    :param selector: name of the field
    """
    return Selector(selector)


def _to_argument(value: Any, selector: str) -> Argument:
    """Convert a Python value. Text is always quoted; numbers, booleans and timestamps are not.

    :raises ConfigurationError: RSQL cannot express the value, such as ``None``
    """
    match value:
        case str():
            return Argument(value, quoted=True)
        case bool():
            return Argument("true" if value else "false", quoted=False)
        case int():
            return Argument(str(value), quoted=False)
        case float() | Decimal() if math.isfinite(value):
            # Without an exponent, because servers parse 1e-7 differently.
            return Argument(format(Decimal(str(value)), "f"), quoted=False)
        case datetime():
            aware = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
            exact = aware.isoformat(timespec="microseconds" if aware.microsecond else "seconds")
            # Z instead of +00:00: a plus sign that loses its URL encoding becomes a space.
            return Argument(exact.replace("+00:00", "Z"), quoted=False)
    message = f"'{selector}' can't be compared with a value of type {type(value).__name__}"
    raise ConfigurationError(message, remedy="Use text, a finite number, true or false, or a datetime.")


def parse(text: str) -> Expression:
    """Parse RSQL text.

    :param text: RSQL, also over several lines
    :raises ConfigurationError: the text is not RSQL; the error names the character and repeats no values
    """
    tree = parse_tree(text)
    return _from_tree(tree)


def to_expression(value: Expression | str, argument: str = "filters") -> Expression:
    """Return the filter as an expression; parse it if it is text.

    :param argument: its name, for the error
    :raises ConfigurationError: the text is not RSQL, or it is neither
    """
    if isinstance(value, Expression):
        return value
    check_text(argument, value)
    return parse(value)


def _from_tree(tree: Any) -> Expression:
    if len(tree) == 3:
        return Comparison(*tree)
    separator, branches = tree
    parts = (part for branch in branches for part in _operands(_from_tree(branch), separator))
    return CompoundExpression(separator, tuple(parts))
