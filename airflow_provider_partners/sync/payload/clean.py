"""Values that are already as Yotpo takes them, found out without pydantic.

The mapping makes most values in the right form. A look at their types and lengths shows that, and costs a third of the
model's validation. ``Clean`` is the last entry of a type's annotation, after the rules that it covers. What it accepts,
the model accepts, and sends unchanged. Anything else is the model's to repair or to refuse.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from airflow_provider_partners.records import repair_text
from airflow_provider_partners.sync.values import E164, format_utc

__all__ = ["Clean", "clean_body"]

Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Clean:
    """Says in an annotation when a value is sent as it is.

    :param check: returns True for such a value
    :param order: the names of a dict's first keys, in the order in which they are sent
    """

    check: Check
    order: tuple[str, ...] = ()


def text(limit: int = sys.maxsize) -> Clean:
    """Return the check of a text that is not empty."""

    def check(value: Any) -> bool:
        if type(value) is not str or not 0 < len(value) <= limit or "\x00" in value:
            return False
        return value.isascii() or repair_text(value) is value

    return Clean(check)


def identifier(*, without: str = "") -> Clean:
    """Return the check of an id.

    :param without: a character that it must not have
    """
    clean = text(255).check
    return Clean(lambda value: clean(value) and value == value.strip() and not (without and without in value))


def pattern(expression: re.Pattern[str], limit: int = sys.maxsize) -> Clean:
    """Return the check of a text that begins with a pattern."""
    clean = text(limit).check
    return Clean(lambda value: clean(value) and expression.match(value) is not None)


def word(words: Callable[[], Collection[str]]) -> Clean:
    """Return the check of a word from a list."""
    return Clean(lambda value: type(value) is str and value in words())


def number(kind: type[float], lowest: float = -math.inf, below: float = math.inf) -> Clean:
    """Return the check of a number of one type."""
    return Clean(lambda value: type(value) is kind and lowest <= value < below and value != -math.inf)


flag = Clean(lambda value: type(value) is bool)
timestamp = Clean(lambda value: type(value) is str and format_utc(value) == value)
phone = Clean(lambda value: type(value) is str and E164.fullmatch(value) is not None)


member = Clean(lambda value: type(value) is dict and bool(value))
"""The check of an object that has been through :func:`clean_body` itself."""


def members(key: str, limit: int = sys.maxsize) -> Clean:
    """Return the check of a list of such objects.

    :param key: what is different in each of them
    """

    def check(value: Any) -> bool:
        return type(value) is list and 0 < len(value) <= limit and len({each.get(key) for each in value}) == len(value)

    return Clean(check)


def properties(documented: Mapping[str, Any], limit: int, largest: int) -> Clean:
    """Return the check of custom properties.

    :param documented: the annotations of the documented ones
    :param limit: how many an object has at most
    :param largest: the largest whole number that stays one
    """
    checks = {name: _clean_of(annotation).check for name, annotation in documented.items()}
    clean_text = text().check

    def is_scalar(value: Any) -> bool:
        kind = type(value)
        if kind is str:
            return clean_text(value)
        return (
            kind is bool or (kind is int and -largest <= value <= largest) or (kind is float and math.isfinite(value))
        )

    def check(value: Any) -> bool:
        if type(value) is not dict or not 0 < len(value) <= limit:
            return False
        for name, content in value.items():
            if not checks.get(name, is_scalar)(content) or not (name in checks or clean_text(name)):
                return False
        return True

    return Clean(check, tuple(documented))


def clean_body(model: type[BaseModel], fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a body as the model would send it; ``None`` if the model has to look at it.

    :param fields: by name, ``None`` for one that is not given. Their objects have been through here themselves
    """
    names, checks = _checks(model)
    if not fields.keys() <= names:
        return None
    body: dict[str, Any] = {}
    for name, check, order, is_required in checks:
        value = fields.get(name)
        if value is None:
            if is_required:
                return None
        elif not check(value):
            return None
        else:
            body[name] = _sorted(value, order) if order else value
    return body


def _sorted(value: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    if len(value) == 1:
        return value
    first = {name: value[name] for name in order if name in value}
    return first if len(first) == len(value) else {**first, **value}


@cache
def _checks(model: type[BaseModel]) -> tuple[frozenset[str], list[tuple[str, Check, tuple[str, ...], bool]]]:
    """Return the names of a model's fields; and name, check and order of each, with True for a required one."""
    checks = []
    for name, field in model.model_fields.items():
        last = field.metadata[-1] if field.metadata else _clean_of(field.annotation)
        clean = last if isinstance(last, Clean) else _NEVER
        checks.append((name, clean.check, clean.order, field.is_required()))
    return frozenset(model.model_fields), checks


def _clean_of(annotation: Any) -> Clean:
    """Return the check of an annotation such as ``Text255 | None``. A model looks at a value of a type without one."""
    rules = getattr(annotation, "__metadata__", ())
    if rules and isinstance(rules[-1], Clean):
        return rules[-1]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return member
    if get_origin(annotation) is Literal:
        # Yotpo's own word in its spelling: a repair leads to it, and never away from it.
        words = frozenset(get_args(annotation))
        return word(lambda: words)
    if get_origin(annotation) in {Union, UnionType} and len(get_args(annotation)) == 2:
        return next(_clean_of(each) for each in get_args(annotation) if each is not type(None))
    return _clean_of(get_args(annotation)[0]) if rules and get_origin(get_args(annotation)[0]) is Literal else _NEVER


_NEVER = Clean(lambda value: False)
