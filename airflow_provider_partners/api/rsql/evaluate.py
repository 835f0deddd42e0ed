"""Evaluate RSQL filters on records, for lists whose server may ignore the filter.

Numbers are compared as numbers, everything else as text. A missing value matches nothing, as in SQL. In
equality comparisons ``*`` matches itself and any text, because some servers use it as a wildcard.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_provider_partners.api.rsql.expressions import Comparison, CompoundExpression, Expression

_ORDER_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def matches(expression: Expression, record: Mapping[str, Any]) -> bool:
    """Return True if the record matches the filter.

    :param record: values by selector
    """
    if isinstance(expression, CompoundExpression):
        combine = all if expression.separator == ";" else any
        return combine(matches(part, record) for part in expression.parts)
    if not isinstance(expression, Comparison):
        message = f"a filter can't be {type(expression).__name__}"
        raise TypeError(message)
    value = record.get(expression.selector)
    return value is not None and _matches_comparison(expression, value)


def _matches_comparison(comparison: Comparison, value: Any) -> bool:
    texts = [argument.text for argument in comparison.arguments]
    match comparison.operator:
        case "==" | "=in=":
            return any(_equal(value, text) for text in texts)
        case "!=" | "=out=":
            return not any(_equal(value, text) for text in texts)
        case other:
            return _ORDER_OPERATORS[other](*_comparable(value, texts[0]))


def _equal(value: Any, text: str) -> bool:
    first, second = _comparable(value, text)
    if first == second:
        return True
    return "*" in text and _matches_wildcards(_to_text(value), text)


def _matches_wildcards(value: str, pattern: str) -> bool:
    """Return True if the value matches the pattern. Each part is found once, so hostile values take no longer."""
    first, *middle, last = pattern.split("*")
    if not value.startswith(first):
        return False
    position = len(first)
    for part in middle:
        found = value.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return value.endswith(last) and len(value) - len(last) >= position


def _comparable(value: Any, text: str) -> tuple[Any, Any]:
    """Return both as numbers if both are numbers, otherwise both as text."""
    numbers = _to_decimal(value), _to_decimal(text)
    return numbers if None not in numbers else (_to_text(value), text)


def _to_decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _to_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
