"""Validation of a body: kinds of values, lengths, enumerations, required keys, list sizes.

The rules of each property are in :mod:`~airflow_provider_partners.sandbox.yotpo.properties`. A null means "not given",
as Yotpo's connector expects (https://github.com/YotpoLtd/magento2-module-core). A key without a rule is dropped, as in
recorded live calls (https://github.com/ldgnoack/yotpo-ruby, ``spec/cassettes``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pycountry

from airflow_provider_partners.sandbox.yotpo.errors import ApiError

if TYPE_CHECKING:
    from airflow_provider_partners.sandbox.store import Document


@dataclass(frozen=True, kw_only=True)
class PropertyRule:
    """The rule of one property.

    :param kind: a key of ``KINDS``, ``object`` or ``array``
    :param max_length: maximum characters of a string
    :param choices: the values of an enumeration
    :param required: must be there when a record is created
    :param fields: rules of an object, or of each object in an array
    :param free: the object keeps keys that have no rule
    :param minimum: minimum members of an array
    :param maximum: maximum members of an array, or keys of an object
    """

    kind: str = "string"
    max_length: int | None = None
    choices: frozenset[str] | None = None
    required: bool = False
    fields: Mapping[str, PropertyRule] = field(default_factory=dict)
    free: bool = False
    minimum: int = 0
    maximum: int | None = None


Rules = Mapping[str, PropertyRule]


class InvalidValueError(ValueError):
    """A value breaks its rule. The text completes "<property> …"."""


def format_timestamp_naive(timestamp: datetime) -> str:
    """Return a timestamp as Yotpo returns it: UTC, whole seconds, without a zone.

    Recorded: https://github.com/ldgnoack/yotpo-ruby, ``spec/cassettes``.
    """
    return timestamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def parse_timestamp(text: str) -> str:
    """Return an ISO 8601 time in the form that Yotpo returns.

    :raises InvalidValueError: the text is no date and time
    """
    msg = "must be an ISO 8601 date and time"
    if "T" not in text.upper():
        raise InvalidValueError(msg)
    try:
        timestamp = datetime.fromisoformat(text)
        return format_timestamp_naive(timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC))
    except (ValueError, OverflowError):  # OverflowError: the first and the last day of the calendar
        raise InvalidValueError(msg) from None


def _string(value: Any, lenient: bool) -> str:
    if lenient and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        msg = "must be a string"
        raise InvalidValueError(msg)
    return value


def _number(value: Any, lenient: bool) -> int | float:
    if lenient and isinstance(value, str) and re.fullmatch(r"-?\d{1,18}(\.\d+)?", value):
        value = float(value)
    finite = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    if isinstance(value, bool) or not finite:
        msg = "must be a number"
        raise InvalidValueError(msg)
    index: int | float = value
    return index


def _integer(value: Any, lenient: bool) -> int:
    if lenient and isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        msg = "must be an integer"
        raise InvalidValueError(msg)
    return value


def _quantity(value: Any, lenient: bool) -> int:
    count = _integer(value, lenient)
    if count < 0:
        msg = "must not be negative"
        raise InvalidValueError(msg)
    return count


def _boolean(value: Any, lenient: bool) -> bool:
    if lenient and isinstance(value, str) and value in {"true", "false"}:
        value = value == "true"
    if not isinstance(value, bool):
        msg = "must be a boolean"
        raise InvalidValueError(msg)
    return value


def _matching(pattern: str, expected: str) -> Callable[[Any, bool], str]:
    def convert(value: Any, lenient: bool) -> str:
        text = _string(value, lenient)
        if not re.fullmatch(pattern, text):
            msg = f"must be {expected}"
            raise InvalidValueError(msg)
        return text

    return convert


def _listed(database: Callable[[], Any], name: str, expected: str, *others: str) -> Callable[[Any, bool], str]:
    @cache
    def codes() -> frozenset[str]:
        return frozenset({*others, *(getattr(entry, name) for entry in database() if hasattr(entry, name))})

    def convert(value: Any, lenient: bool) -> str:
        text = _string(value, lenient)
        if text not in codes():
            msg = f"must be {expected}"
            raise InvalidValueError(msg)
        return text

    return convert


def _scalar(value: Any, lenient: bool) -> Any:
    if isinstance(value, dict | list):
        msg = "must be a single value"
        raise InvalidValueError(msg)
    return value


KINDS: dict[str, Callable[[Any, bool], Any]] = {
    "string": _string,
    "number": _number,
    "integer": _integer,
    "quantity": _quantity,
    "boolean": _boolean,
    "scalar": _scalar,
    "datetime": lambda value, lenient: parse_timestamp(_string(value, lenient)),
    "currency": _listed(lambda: pycountry.currencies, "alpha_3", "an ISO 4217 code of three letters"),
    # XK is no official code, and ISO leaves it to users.
    "country": _listed(lambda: pycountry.countries, "alpha_2", "an ISO 3166 code of two letters", "XK"),
    "language": _listed(lambda: pycountry.languages, "alpha_2", "an ISO 639-1 code of two letters"),
    "phone": _matching(r"\+[0-9]{7,15}", "an E.164 number"),
}


class BodyValidator:
    """Validates one body and collects every problem.

    :param lenient: accept numbers and booleans as strings, and numbers as strings' values
    :param any_phone: accept phone numbers in any form
    :param refuse_unknown: refuse a key without a rule instead of dropping it
    """

    def __init__(self, *, lenient: bool, any_phone: bool, refuse_unknown: bool) -> None:
        self._lenient = lenient
        self._any_phone = any_phone
        self._refuse_unknown = refuse_unknown
        self.problems: list[str] = []

    def validate(self, rules: Rules, payload: Any, *, partial: bool = False) -> Document:
        """Return the valid properties of a body.

        :param partial: an update: no top-level property is required
        :raises ApiError: 400 with every problem
        """
        body = self._object(rules, payload, path="", required=not partial, free=False)
        if self.problems:
            raise ApiError(400, *self.problems)
        return body

    def _object(self, rules: Rules, payload: Any, *, path: str, required: bool, free: bool) -> Document:
        valid: Document = {}
        for name, rule in rules.items():
            value = payload.get(name)
            if value is None or (value == "" and rule.required):
                if rule.required and (required or value == ""):
                    self.problems.append(f"{path}{name} can't be blank")
            else:
                self._validate_property(valid, rule, name, value, path)
        for name in (each for each in payload if each not in rules):
            if free and payload[name] is not None:
                valid[name] = payload[name]
            elif not free and self._refuse_unknown:
                self.problems.append(f"{path}{name} is unknown")
        return valid

    def _validate_property(self, valid: Document, rule: PropertyRule, name: str, value: Any, path: str) -> None:
        try:
            valid[name] = self._value(rule, value, f"{path}{name}")
        except InvalidValueError as error:
            self.problems.append(f"{path}{name} {error}")

    def _value(self, rule: PropertyRule, value: Any, path: str) -> Any:
        if rule.kind == "object":
            return self._nested(rule, value, path)
        if rule.kind == "array":
            return self._members(rule, value, path)
        kind = "string" if rule.kind == "phone" and self._any_phone else rule.kind
        converted = KINDS[kind](value, self._lenient)
        if rule.max_length is not None and len(converted) > rule.max_length:
            msg = f"is too long (maximum is {rule.max_length} characters)"
            raise InvalidValueError(msg)
        if rule.choices is not None and converted not in rule.choices:
            msg = f"is not one of {', '.join(sorted(rule.choices))}"
            raise InvalidValueError(msg)
        return converted

    def _nested(self, rule: PropertyRule, value: Any, path: str) -> Document:
        if not isinstance(value, dict):
            msg = "must be an object"
            raise InvalidValueError(msg)
        if rule.maximum is not None and len(value) > rule.maximum:
            msg = f"has too many keys (maximum is {rule.maximum})"
            raise InvalidValueError(msg)
        return self._object(rule.fields, value, path=f"{path}.", required=True, free=rule.free)

    def _members(self, rule: PropertyRule, value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            msg = "must be an array"
            raise InvalidValueError(msg)
        if len(value) < rule.minimum:
            msg = "can't be empty"
            raise InvalidValueError(msg)
        if rule.maximum is not None and len(value) > rule.maximum:
            msg = f"has too many members (maximum is {rule.maximum})"
            raise InvalidValueError(msg)
        member_rule = PropertyRule(kind="object", fields=rule.fields)
        members = []
        for index, each in enumerate(value):
            try:
                members.append(self._nested(member_rule, each, f"{path}[{index}]"))
            except InvalidValueError as error:
                self.problems.append(f"{path}[{index}] {error}")
        return members
