"""Checks of what a user writes. Each error names the argument, says what it is, and what to write instead.

This module knows no Airflow and no partner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from airflow_provider_partners.exceptions import ConfigurationError

Check = Callable[[str, Any], None]
"""Checks one argument, by its name and value. It raises :class:`ConfigurationError`. ``None`` means not given."""

_LONGEST_NAME = 100


def suggest(name: object, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the nearest known one, or nothing if none is near.

    >>> suggest("Order", ["orders", "products"])
    ": did you mean 'orders'?"
    """
    by_lower_case = {each.lower(): each for each in known}
    nearest = get_close_matches(str(name)[:_LONGEST_NAME].lower(), by_lower_case, n=1)
    return f": did you mean '{by_lower_case[nearest[0]]}'?" if nearest else ""


def check_arguments(owner: object, checks: Mapping[str, Check]) -> None:
    """Check the attributes of an operator or sensor.

    :param checks: the check of each attribute, by name
    :raises ConfigurationError: for the first one that is wrong
    """
    for name, check in checks.items():
        value = getattr(owner, name)
        if value is not None:
            check(name, value)


def check_name(name: str, value: Any) -> None:
    """Refuse what is no name, such as a list of names."""
    if not isinstance(value, str):
        _refuse(name, value, "one name", "To read several, map the task: .partial(…).expand(" + name + "=[…]).")


def check_duration(name: str, value: Any) -> None:
    """Refuse what is no ``timedelta``: a number has no unit."""
    if not isinstance(value, timedelta):
        _refuse(name, value, "a duration", f"Write {name}=timedelta(hours=2), for example.")


def check_count(name: str, value: Any) -> None:
    """Refuse what is no whole number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        _refuse(name, value, "a whole number of 1 or more", f"Write {name}=4, for example.")


def check_seconds(name: str, value: Any) -> None:
    """Refuse what is no number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        _refuse(name, value, "a number of seconds", f"Write {name}=30, for example.")


def check_limit(name: str, value: Any) -> None:
    """Refuse what is neither a count nor a share."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        _refuse(name, value, "a count or a share", f"Write {name}=20 for a count, or {name}=0.1 for one in ten.")


def check_dataset(name: str, value: Any) -> None:
    """Refuse what is no reference of one dataset, such as all outputs of a mapped task."""
    if isinstance(value, str):
        remedy = "Pass the task's .output. A template gives text without render_template_as_native_obj=True at the Dag."
        _refuse(name, value, "the reference of a dataset", remedy)
    if isinstance(value, Sequence):
        remedy = (
            f"They are the outputs of a mapped task: map this task as well, .partial(…).expand({name}=….output), or "
            "pass one of them."
        )
        _refuse(name, value, "the reference of one dataset", remedy)
    if not (isinstance(value, Mapping) or hasattr(value, "to_dict")):
        _refuse(name, value, "the reference of a dataset", "Pass the output of an extract or build operator.")


def check_ids(name: str, value: Any) -> list[str]:
    """Return ids as text, each once.

    :param value: a list of texts or numbers; text alone is refused, even with commas in it
    :raises ConfigurationError: when it is no list, or a member is no id
    """
    if isinstance(value, str) or not isinstance(value, Iterable) or isinstance(value, Mapping):
        _refuse(name, value, "a list of ids", "Write ['1', '2'], even for one id: ['1'].")
    ids = list(value)
    wrong = [each for each in ids if isinstance(each, bool) or not isinstance(each, str | int)]
    if wrong:
        remedy = "For ids in a dataset write {'dataset': ….output, 'field': 'id'}. Map the task to read several."
        message = f"'{name}' holds {_describe(wrong[0])}, and ids are needed"
        raise ConfigurationError(message, remedy=remedy)
    return list(dict.fromkeys(str(each) for each in ids))


def _refuse(name: str, value: Any, expected: str, remedy: str) -> None:
    message = f"'{name}' is {_describe(value)}, and {expected} is needed"
    raise ConfigurationError(message, remedy=remedy)


def _describe(value: Any) -> str:
    """Return what a value is. Its text is shown only if it is short and plain: others may hold customers' data."""
    if isinstance(value, bool | int | float | timedelta):
        return repr(value)
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= _LONGEST_NAME else f"a text of {len(value)} characters"
    if isinstance(value, Sequence):
        return f"a list of {len(value)}"
    return f"a {type(value).__name__}"
