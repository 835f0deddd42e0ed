"""The language of Voucherify's filters: fields compared by operators, joined by one junction.

Knows the API's shape alone: one junction for all conditions, and each operator once for a field. Must not know which
list takes what (``voucherify_filters``), nor how a filter is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from airflow_provider_partners.api.voucherify_operators import (
    OPERATORS,
    OperandKind,
    Value,
    filter_error,
    operand_values,
    resolve_operator,
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One field compared by one operator.

    :param field: what is compared
    :param operator: with its ``$``
    :param values: as JSON has them; none where the operator needs none
    """

    field: str
    operator: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions, of which all or any must hold; ``&`` and ``|`` put two filters together.

    :param conditions: at least one
    :param junction: ``and``, ``or``, or nothing for a single condition
    """

    conditions: tuple[Condition, ...]
    junction: str = ""

    def __post_init__(self) -> None:
        """Refuse what the API has no form for."""
        seen: dict[str, list[str]] = {}
        for condition in self.conditions:
            operators = seen.setdefault(condition.field, [])
            if condition.operator in operators:
                message = f"the filter compares '{condition.field}' with {condition.operator} twice"
                raise filter_error(message, "Put the values into one list with in_ or not_in, or ask in two tasks.")
            if operators and self.junction == "or":
                message = f"the filter joins two conditions of '{condition.field}' by 'or'"
                raise filter_error(message, "How Voucherify joins them isn't documented: use in_, or ask in two tasks.")
            operators.append(condition.operator)

    def __and__(self, other: Filter) -> Filter:
        """Both must hold."""
        return self._joined(other, "and")

    def __or__(self, other: Filter) -> Filter:
        """Either must hold."""
        return self._joined(other, "or")

    def _joined(self, other: Filter, junction: str) -> Filter:
        for part in (self, other):
            if len(part.conditions) > 1 and part.junction != junction:
                message = f"the filter joins conditions by '{part.junction}' within others by '{junction}'"
                remedy = (
                    "Voucherify has one junction for all conditions: use in_ for values of one field, or ask twice."
                )
                raise filter_error(message, remedy)
        return Filter((*self.conditions, *other.conditions), junction)


class Field:
    """A field to be compared: ``field("result").is_("SUCCESS")``.

    :param name: such as ``campaign_name``, ``metadata.lang`` or ``redemption.redeemed_quantity``
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        # Keys of metadata and names of campaigns, which may be part of it, hold spaces; brackets would end it.
        if not name.strip() or name == "junction" or "[" in name or "]" in name:
            message = f"{name!r} can't be the field of a filter"
            raise filter_error(message, "Write a field's name, without brackets.")
        self.name = name

    def where(self, operator_name: str, *values: Any) -> Filter:
        """Compare by an operator's own name, such as ``$next_month``, ``$is_days_ago`` or ``$active``.

        :param operator_name: with or without ``$``
        :param values: its values; none for operators such as ``$has_value``, ``$today`` or ``$enabled``
        """
        full = resolve_operator(operator_name)
        if len(values) > 1 and OPERATORS[full] not in {OperandKind.LIST, OperandKind.VALUE}:
            message = f"the filter compares '{self.name}' by {full} with {len(values)} values"
            raise filter_error(message, "Give it one.")
        return Filter((Condition(self.name, full, operand_values(self.name, full, values)),))

    def is_(self, *values: Any) -> Filter:
        """Is the value; days of the week are documented with several."""
        return self.where("$is", *values)

    def is_not(self, *values: Any) -> Filter:
        """Is not the value."""
        return self.where("$is_not", *values)

    def in_(self, values: Iterable[Any]) -> Filter:
        """Is one of the values."""
        return self.where("$in", *_as_list(self.name, values))

    def not_in(self, values: Iterable[Any]) -> Filter:
        """Is none of the values."""
        return self.where("$not_in", *_as_list(self.name, values))

    def in_location(self, location_ids: Iterable[Any]) -> Filter:
        """Lies in one of the locations, by their ids."""
        return self.where("$in_location", *_as_list(self.name, location_ids))

    def not_in_location(self, location_ids: Iterable[Any]) -> Filter:
        """Lies in none of the locations."""
        return self.where("$not_in_location", *_as_list(self.name, location_ids))

    def has_value(self) -> Filter:
        """Is set."""
        return self.where("$has_value")

    def is_unknown(self) -> Filter:
        """Is not set."""
        return self.where("$is_unknown")

    def contains(self, text: str) -> Filter:
        """Holds the text."""
        return self.where("$contains", text)

    def not_contain(self, text: str) -> Filter:
        """Doesn't hold the text."""
        return self.where("$not_contain", text)

    def starts_with(self, text: str) -> Filter:
        """Begins with the text."""
        return self.where("$starts_with", text)

    def ends_with(self, text: str) -> Filter:
        """Ends with the text."""
        return self.where("$ends_with", text)

    def after(self, timestamp: Any) -> Filter:
        """Lies after the time."""
        return self.where("$after", timestamp)

    def before(self, timestamp: Any) -> Filter:
        """Lies before the time."""
        return self.where("$before", timestamp)

    def more_than(self, value: Any) -> Filter:
        """Is a larger number; for a time, lies more than so many days back."""
        return self.where("$more_than", value)

    def less_than(self, value: Any) -> Filter:
        """Is a smaller number; for a time, lies less than so many days back."""
        return self.where("$less_than", value)

    def more_than_equal(self, value: Any) -> Filter:
        """Is the number, or a larger one."""
        return self.where("$more_than_equal", value)

    def less_than_equal(self, value: Any) -> Filter:
        """Is the number, or a smaller one."""
        return self.where("$less_than_equal", value)

    def count(self, count: int) -> Filter:
        """Holds so many values."""
        return self.where("$count", count)


def field(name: str) -> Field:
    """A field to be compared.

    :param name: see :class:`Field`
    """
    return Field(name)


def any_of(first: Filter, *others: Filter) -> Filter:
    """Any of the conditions must hold.

    :param first: a filter
    :param others: further ones
    """
    for other in others:
        first = first | other
    return first


def _as_list(name: str, values: Iterable[Any]) -> Iterable[Any]:
    if isinstance(values, str):
        message = f"the filter compares '{name}' with text in place of a list"
        raise filter_error(message, "Give a list, even of one value.")
    # A set has no order of its own, and the same filter must read the same each time.
    return sorted(values, key=repr) if isinstance(values, set | frozenset) else values
