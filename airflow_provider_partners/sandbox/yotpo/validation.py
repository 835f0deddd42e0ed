"""How a body written to Yotpo is checked: kinds of values, lengths, enumerations, required keys, list sizes.

The engine only; which property obeys which rule is told by the tables of ``yotpo_properties``. A null counts as
not given, as Yotpo's own connector relies on; keys without a rule are dropped, as a recorded call shows for stray
ones beside the envelope.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.sandbox.yotpo.errors import ApiError

if TYPE_CHECKING:
    from airflow_provider_partners.sandbox.store import Document


@dataclass(frozen=True, kw_only=True)
class PropertyRule:
    """What a property may hold.

    :param kind: a key of ``KINDS``, or ``object``, ``array``
    :param max_length: characters of a string
    :param choices: the values of an enumeration
    :param required: when something is created
    :param fields: of an object, or of each object in an array
    :param free: an object keeps keys that have no rule
    :param minimum: members of an array
    :param maximum: members of an array, keys of an object
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
    """A value breaks its rule; the text completes "<property> …"."""


def naive(timestamp: datetime) -> str:
    """A time as Yotpo returns it: UTC, whole seconds, no zone suffix (recorded live responses)."""
    return timestamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def read_time(text: str) -> str:
    """An ISO 8601 time as Yotpo keeps it.

    :raises Wrong: if it is none
    """
    msg = "must be an ISO 8601 date and time"
    if "T" not in text.upper():
        raise InvalidValueError(msg)
    try:
        moment = datetime.fromisoformat(text)
        return naive(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):  # the latter for the first and last day of the calendar
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
    number: int | float = value
    return number


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
    "datetime": lambda value, lenient: read_time(_string(value, lenient)),
    "currency": _matching(r"[A-Z]{3}", "an ISO 4217 code of three letters"),
    "country": _matching(r"[A-Z]{2}", "an ISO 3166 code of two letters"),
    "language": _matching(r"[a-z]{2}", "an ISO 639-1 code of two letters"),
    "phone": _matching(r"\+[0-9]{7,15}", "an E.164 number"),
}


class Check:
    """Checks one body and gathers everything wrong with it.

    :param lenient: numbers and booleans given as strings, and strings given as numbers, are taken
    :param any_phone: phone numbers may have any form
    :param refuse_unknown: a key without a rule is an error instead of being dropped
    """

    def __init__(self, *, lenient: bool, any_phone: bool, refuse_unknown: bool) -> None:
        self._lenient = lenient
        self._any_phone = any_phone
        self._refuse_unknown = refuse_unknown
        self.problems: list[str] = []

    def body(self, rules: Rules, given: Any, *, partial: bool = False) -> Document:
        """What is kept of a body.

        :param partial: an update: nothing is required at the top
        :raises Refusal: 400 with every problem
        """
        kept = self._object(rules, given, at="", required=not partial, free=False)
        if self.problems:
            raise ApiError(400, *self.problems)
        return kept

    def _object(self, rules: Rules, given: Any, *, at: str, required: bool, free: bool) -> Document:
        kept: Document = {}
        for name, rule in rules.items():
            value = given.get(name)
            if value is None or (value == "" and rule.required):
                if rule.required and (required or value == ""):
                    self.problems.append(f"{at}{name} can't be blank")
            else:
                self._keep(kept, rule, name, value, at)
        for name in (each for each in given if each not in rules):
            if free and given[name] is not None:
                kept[name] = given[name]
            elif not free and self._refuse_unknown:
                self.problems.append(f"{at}{name} is unknown")
        return kept

    def _keep(self, kept: Document, rule: PropertyRule, name: str, value: Any, at: str) -> None:
        try:
            kept[name] = self._value(rule, value, f"{at}{name}")
        except InvalidValueError as wrong:
            self.problems.append(f"{at}{name} {wrong}")

    def _value(self, rule: PropertyRule, value: Any, at: str) -> Any:
        if rule.kind == "object":
            return self._nested(rule, value, at)
        if rule.kind == "array":
            return self._members(rule, value, at)
        kind = "string" if rule.kind == "phone" and self._any_phone else rule.kind
        found = KINDS[kind](value, self._lenient)
        if rule.max_length is not None and len(found) > rule.max_length:
            msg = f"is too long (maximum is {rule.max_length} characters)"
            raise InvalidValueError(msg)
        if rule.choices is not None and found not in rule.choices:
            msg = f"is not one of {', '.join(sorted(rule.choices))}"
            raise InvalidValueError(msg)
        return found

    def _nested(self, rule: PropertyRule, value: Any, at: str) -> Document:
        if not isinstance(value, dict):
            msg = "must be an object"
            raise InvalidValueError(msg)
        if rule.maximum is not None and len(value) > rule.maximum:
            msg = f"has too many keys (maximum is {rule.maximum})"
            raise InvalidValueError(msg)
        return self._object(rule.fields, value, at=f"{at}.", required=True, free=rule.free)

    def _members(self, rule: PropertyRule, value: Any, at: str) -> list[Any]:
        if not isinstance(value, list):
            msg = "must be an array"
            raise InvalidValueError(msg)
        if len(value) < rule.minimum:
            msg = "can't be empty"
            raise InvalidValueError(msg)
        if rule.maximum is not None and len(value) > rule.maximum:
            msg = f"has too many members (maximum is {rule.maximum})"
            raise InvalidValueError(msg)
        member = PropertyRule(kind="object", fields=rule.fields)
        kept = []
        for number, each in enumerate(value):
            try:
                kept.append(self._nested(member, each, f"{at}[{number}]"))
            except InvalidValueError as wrong:
                self.problems.append(f"{at}[{number}] {wrong}")
        return kept
