"""The language of Voucherify's filters: fields compared by operators, joined by one junction.

Knows the API's shape alone: one junction for all conditions, and each operator once for a field. Must not know which
list takes what (``voucherify_filters``), nor how a filter is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from airflow_provider_partners.api.voucherify_operators import OPERATORS, Takes, Value, operator, refused, values


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
                raise refused(message, "Put the values into one list with in_ or not_in, or ask in two tasks.")
            if operators and self.junction == "or":
                message = f"the filter joins two conditions of '{condition.field}' by 'or'"
                raise refused(message, "How Voucherify joins them isn't documented: use in_, or ask in two tasks.")
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
                raise refused(message, remedy)
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
            raise refused(message, "Write a field's name, without brackets.")
        self.name = name

    def where(self, name: str, *given: Any) -> Filter:
        """Compare by an operator's own name, such as ``$next_month``, ``$is_days_ago`` or ``$active``.

        :param name: with or without ``$``
        :param given: its values; none for operators such as ``$has_value``, ``$today`` or ``$enabled``
        """
        full = operator(name)
        if len(given) > 1 and OPERATORS[full] not in {Takes.LIST, Takes.VALUE}:
            message = f"the filter compares '{self.name}' by {full} with {len(given)} values"
            raise refused(message, "Give it one.")
        return Filter((Condition(self.name, full, values(self.name, full, given)),))

    def is_(self, *given: Any) -> Filter:
        """Is the value; days of the week are documented with several."""
        return self.where("$is", *given)

    def is_not(self, *given: Any) -> Filter:
        """Is not the value."""
        return self.where("$is_not", *given)

    def in_(self, given: Iterable[Any]) -> Filter:
        """Is one of the values."""
        return self.where("$in", *_listed(self.name, given))

    def not_in(self, given: Iterable[Any]) -> Filter:
        """Is none of the values."""
        return self.where("$not_in", *_listed(self.name, given))

    def in_location(self, given: Iterable[Any]) -> Filter:
        """Lies in one of the locations, by their ids."""
        return self.where("$in_location", *_listed(self.name, given))

    def not_in_location(self, given: Iterable[Any]) -> Filter:
        """Lies in none of the locations."""
        return self.where("$not_in_location", *_listed(self.name, given))

    def has_value(self) -> Filter:
        """Is set."""
        return self.where("$has_value")

    def is_unknown(self) -> Filter:
        """Is not set."""
        return self.where("$is_unknown")

    def contains(self, given: str) -> Filter:
        """Holds the text."""
        return self.where("$contains", given)

    def not_contain(self, given: str) -> Filter:
        """Doesn't hold the text."""
        return self.where("$not_contain", given)

    def starts_with(self, given: str) -> Filter:
        """Begins with the text."""
        return self.where("$starts_with", given)

    def ends_with(self, given: str) -> Filter:
        """Ends with the text."""
        return self.where("$ends_with", given)

    def after(self, given: Any) -> Filter:
        """Lies after the time."""
        return self.where("$after", given)

    def before(self, given: Any) -> Filter:
        """Lies before the time."""
        return self.where("$before", given)

    def more_than(self, given: Any) -> Filter:
        """Is a larger number; for a time, lies more than so many days back."""
        return self.where("$more_than", given)

    def less_than(self, given: Any) -> Filter:
        """Is a smaller number; for a time, lies less than so many days back."""
        return self.where("$less_than", given)

    def more_than_equal(self, given: Any) -> Filter:
        """Is the number, or a larger one."""
        return self.where("$more_than_equal", given)

    def less_than_equal(self, given: Any) -> Filter:
        """Is the number, or a smaller one."""
        return self.where("$less_than_equal", given)

    def count(self, given: int) -> Filter:
        """Holds so many values."""
        return self.where("$count", given)


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


def _listed(name: str, given: Iterable[Any]) -> Iterable[Any]:
    if isinstance(given, str):
        message = f"the filter compares '{name}' with text in place of a list"
        raise refused(message, "Give a list, even of one value.")
    # A set has no order of its own, and the same filter must read the same each time.
    return sorted(given, key=repr) if isinstance(given, set | frozenset) else given
