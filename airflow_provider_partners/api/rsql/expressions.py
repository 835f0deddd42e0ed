r"""RSQL filters: from Python values or from a user's own text, and always checked before they are sent.

::

    claims = (field("created_at_epoch") >= 1746757960) & (field("created_at_epoch") < 1746844360)
    str(claims)  # created_at_epoch>=1746757960;created_at_epoch<1746844360
    str(field("order_name").in_(["#1001", "it's"]))  # order_name=in=('#1001','it\'s')

The language is that of rsql-parser 2.1 (README and grammar): ``;`` binds tighter than ``,``, and its eight
operators are all there are. What a selector means, and which of them a list takes, is the list's business. Must
not know URLs: the transport encodes the text.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.rsql.parser import OPERATOR_FORMS, RESERVED_CHARACTERS, Argument, parse_tree
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OPERATORS = frozenset(OPERATOR_FORMS.values())
"""``==  !=  >  >=  <  <=  =in=  =out=``: all operators of the language, in their short form."""

_MULTI_VALUE_OPERATORS = frozenset({"=in=", "=out="})


class Expression(ABC):
    """A filter, or a part of one; ``&`` and ``|`` put two together, ``str`` writes it down."""

    __slots__ = ()

    def __and__(self, other: Expression) -> Expression:
        """Both must hold."""
        return CompoundExpression(";", (*_operands(self, ";"), *_operands(other, ";")))

    def __or__(self, other: Expression) -> Expression:
        """Either must hold."""
        return CompoundExpression(",", (*_operands(self, ","), *_operands(other, ",")))

    @abstractmethod
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every comparison in it, from left to right."""

    def check(self, allowed: Mapping[str, frozenset[str]], *, hint: str = "") -> None:
        """Refuse what the list can't be filtered by, before anything is sent.

        :param allowed: selector to its operators
        :param hint: added to the error's remedy
        :raises ConfigurationError: naming the selector or operator, and listing those that are allowed
        """
        listed = "; ".join(f"{name} ({' '.join(sorted(operators))})" for name, operators in allowed.items())
        remedy = f"Allowed: {listed or 'no filter at all'}. {hint}".rstrip()
        for comparison in self.comparisons():
            operators = allowed.get(comparison.selector)
            if operators is None:
                message = f"the filter uses '{comparison.selector}', which this list can't be filtered by"
                raise ConfigurationError(message, remedy=remedy)
            if comparison.operator not in operators:
                used = f"{comparison.selector}{comparison.operator}"
                message = f"the filter uses '{used}', an operator that this selector doesn't take"
                raise ConfigurationError(message, remedy=remedy)


@dataclass(frozen=True, slots=True)
class Comparison(Expression):
    """One selector compared with one value, or with several by ``=in=`` and ``=out=``.

    :param selector: what is compared
    :param operator: one of :data:`OPERATORS`
    :param arguments: the values
    """

    selector: str
    operator: str
    arguments: tuple[Argument, ...]

    def __post_init__(self) -> None:
        """Refuse what can't be written down."""
        if not self.selector or any(letter in RESERVED_CHARACTERS or letter.isspace() for letter in self.selector):
            message = f"{self.selector!r} can't be the selector of a filter"
            raise ConfigurationError(message, remedy="A selector is a field's name, without spaces or quotes.")
        if self.operator not in _MULTI_VALUE_OPERATORS and len(self.arguments) != 1:
            message = f"'{self.selector}{self.operator}' is compared with {len(self.arguments)} values"
            raise ConfigurationError(message, remedy="Use =in= or =out= to compare with several values.")
        if not self.arguments:
            message = f"'{self.selector}{self.operator}' has no values, so it says nothing"
            raise ConfigurationError(message, remedy="Give at least one value, or leave the comparison out.")

    def __str__(self) -> str:
        """As RSQL."""
        listed = ",".join(str(argument) for argument in self.arguments)
        return f"{self.selector}{self.operator}{f'({listed})' if self.operator in _MULTI_VALUE_OPERATORS else listed}"

    def comparisons(self) -> tuple[Comparison, ...]:
        """Itself."""
        return (self,)


@dataclass(frozen=True, slots=True)
class CompoundExpression(Expression):
    """Parts put together by ``;`` (and) or ``,`` (or).

    :param separator: which of the two
    :param parts: at least two expressions
    """

    separator: str
    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        """As RSQL; an *or* within an *and* needs parentheses, since *and* binds tighter."""
        return self.separator.join(
            f"({part})"
            if self.separator == ";" and isinstance(part, CompoundExpression) and part.separator == ","
            else str(part)
            for part in self.parts
        )

    def comparisons(self) -> tuple[Comparison, ...]:
        """Those of its parts."""
        return tuple(comparison for part in self.parts for comparison in part.comparisons())


def _operands(expression: Expression, separator: str) -> tuple[Expression, ...]:
    return (
        expression.parts
        if isinstance(expression, CompoundExpression) and expression.separator == separator
        else (expression,)
    )


class Selector:
    """A selector to be compared: ``field("state") != "closed"``.

    :param name: the field's name
    """

    __slots__ = ("name",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, selector: str) -> None:
        self.name = selector

    def __eq__(self, value: object) -> Comparison:  # type: ignore[override]
        """Is the value."""
        return self._compare("==", [value])

    def __ne__(self, value: object) -> Comparison:  # type: ignore[override]
        """Is not the value."""
        return self._compare("!=", [value])

    def __gt__(self, value: object) -> Comparison:
        """Lies above the value."""
        return self._compare(">", [value])

    def __ge__(self, value: object) -> Comparison:
        """Lies above the value, or is it."""
        return self._compare(">=", [value])

    def __lt__(self, value: object) -> Comparison:
        """Lies below the value."""
        return self._compare("<", [value])

    def __le__(self, value: object) -> Comparison:
        """Lies below the value, or is it."""
        return self._compare("<=", [value])

    def in_(self, values: Iterable[Any]) -> Comparison:
        """Is one of the values.

        :param values: at least one
        """
        return self._compare("=in=", values)

    def out(self, values: Iterable[Any]) -> Comparison:
        """Is none of the values.

        :param values: at least one
        """
        return self._compare("=out=", values)

    def equals_any(self, values: Iterable[Any]) -> Expression:
        """Is one of the values, for selectors that don't know ``=in=``: ``a==1,a==2``.

        :param values: at least one
        """
        parts: tuple[Expression, ...] = tuple(self == value for value in values)
        if not parts:
            return self.in_([])
        return parts[0] if len(parts) == 1 else CompoundExpression(",", parts)

    def _compare(self, operator: str, values: Iterable[Any]) -> Comparison:
        return Comparison(self.name, operator, tuple(_to_argument(value, self.name) for value in values))


def field(selector: str) -> Selector:
    """A selector to be compared.

    :param selector: the field's name
    """
    return Selector(selector)


def _to_argument(value: Any, selector: str) -> Argument:
    """How a Python value is written: text always quoted; numbers, truth values and times bare.

    :raises ConfigurationError: for what RSQL has no form for, such as ``None``
    """
    match value:
        case str():
            return Argument(value, quoted=True)
        case bool():
            return Argument("true" if value else "false", quoted=False)
        case int():
            return Argument(str(value), quoted=False)
        case float() | Decimal() if math.isfinite(value):
            # Never with an exponent: servers read 1e-7 in different ways.
            return Argument(format(Decimal(str(value)), "f"), quoted=False)
        case datetime():
            aware = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
            exact = aware.isoformat(timespec="microseconds" if aware.microsecond else "seconds")
            # Z and not +00:00: a plus sign that loses its encoding on the way becomes a space.
            return Argument(exact.replace("+00:00", "Z"), quoted=False)
    message = f"'{selector}' can't be compared with a value of type {type(value).__name__}"
    raise ConfigurationError(message, remedy="Use text, a finite number, true or false, or a datetime.")


def parse(text: str) -> Expression:
    """Read a user's own filter.

    :param text: RSQL, also over several lines
    :raises ConfigurationError: saying at which character it stops being RSQL; the values are not repeated
    """
    tree = parse_tree(text)
    return _from_tree(tree)


def to_expression(value: Expression | str) -> Expression:
    """A filter as arguments give it: built already, or text.

    :param value: an expression, or RSQL
    :raises ConfigurationError: when the text is not RSQL
    """
    return parse(value) if isinstance(value, str) else value


def _from_tree(tree: Any) -> Expression:
    if len(tree) == 3:
        return Comparison(*tree)
    mark, parts = tree
    return CompoundExpression(mark, tuple(part for branch in parts for part in _operands(_from_tree(branch), mark)))
