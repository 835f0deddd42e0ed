"""Checks of what a user writes. Each error names the argument, says what it is, and what to write instead.

A template renders to text, such as ``"5"`` or ``"['id', 'name']"``. :func:`check_arguments` turns it into the value
that the argument's check is for (:data:`TEXT_FORMS`). This module knows no Airflow and no partner.
"""

from __future__ import annotations

import ast
import inspect
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import is_given

__all__ = [
    "TEXT_FORMS",
    "Check",
    "SharedSignature",
    "check_arguments",
    "check_choice",
    "check_count",
    "check_dataset",
    "check_days",
    "check_duration",
    "check_flag",
    "check_flag_or_names",
    "check_folder",
    "check_ids",
    "check_interval",
    "check_keys",
    "check_kinds",
    "check_levels",
    "check_limit",
    "check_mapping",
    "check_name",
    "check_names",
    "check_seconds",
    "check_structure",
    "check_text",
    "one_of",
    "parse_bool",
    "parse_structure",
    "suggest",
    "suggest_spelling",
    "without_fixed",
]

Check = Callable[[str, Any], None]
"""Checks one argument, by its name and value. It raises :class:`ConfigurationError`. ``None`` means not given."""

_LONGEST_NAME = 100

_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})


def suggest(name: object, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the nearest known one, or nothing if none is near.

    >>> suggest("Order", ["orders", "products"])
    ": did you mean 'orders'?"
    """
    by_lower_case = {each.lower(): each for each in known}
    nearest = get_close_matches(str(name)[:_LONGEST_NAME].lower(), by_lower_case, n=1)
    return f": did you mean '{by_lower_case[nearest[0]]}'?" if nearest else ""


def suggest_spelling(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about a name that is known in another spelling, or nothing.

    It shows no letter and no digit that the name itself lacks. So the known names may be of a file without a header,
    whose first line is a customer.

    >>> suggest_spelling("order_id", ["Ann Lee", "Order ID"])
    ": there it is spelled 'Order ID'"
    """
    plain = _letters(name)
    found = next((each for each in known if plain and _letters(each) == plain), None)
    return "" if found is None else f": there it is spelled {found!r}"


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()


def check_arguments(owner: object, checks: Mapping[str, Check]) -> None:
    """Check the attributes of an operator or sensor, and replace the text of a rendered template by its value.

    Text that is empty, or ``None``, means not given: the argument gets its default. A required name stays as it is.

    :param checks: the check of each attribute, by name
    :raises ConfigurationError: for the first one that is wrong
    """
    parameters = inspect.signature(type(owner)).parameters
    for name, check in checks.items():
        value = getattr(owner, name)
        text_form = TEXT_FORMS.get(check)
        if text_form is not None and (value is None or isinstance(value, str)):
            if value is not None and is_given(value):
                value = text_form(value)
            else:
                value = _default_of(parameters.get(name), required=value if check is check_name else None)
            setattr(owner, name, value)
        if value is not None:
            check(name, value)


def _default_of(parameter: inspect.Parameter | None, required: Any) -> Any:
    """Return an argument's default.

    :param required: what stands for it if it has none
    """
    return required if parameter is None or parameter.default is parameter.empty else parameter.default


def check_name(name: str, value: Any) -> None:
    """Refuse what is no name, such as a list of names."""
    if not isinstance(value, str):
        _refuse(name, value, "one name", "To read several, map the task: .partial(…).expand(" + name + "=[…]).")


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Refuse a value that is none of the choices."""
    if value not in (known := tuple(choices)):
        message = f"'{name}' is {value!r}, which is unknown{suggest(value, known)}"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(known)}.")


def one_of(*choices: str) -> Check:
    """Return the check of an argument that takes one of some words."""
    return lambda name, value: check_choice(name, value, choices)


def check_folder(name: str, value: Any) -> None:
    """Refuse what is no folder for every worker: a relative path depends on the folder that a worker runs in."""
    if is_given(value) and not (isinstance(value, str) and (value.startswith("/") or "://" in value)):
        _refuse(name, value, "an absolute path or a URI", f"Write {name}='s3://bucket/folder', for example.")


def check_text(name: str, value: Any) -> None:
    """Refuse what is no text, or empty."""
    if not isinstance(value, str) or not value:
        _refuse(name, value, "a text", f"Write {name}='…', or leave the argument out.")


def check_flag(name: str, value: Any) -> None:
    """Refuse what is neither True nor False: the text ``"false"`` would count as true."""
    if not isinstance(value, bool):
        _refuse(name, value, "True or False", f"Write {name}=False, without quotation marks.")


def check_levels(name: str, value: Any) -> None:
    """Refuse what is neither True nor False nor a whole number of 0 or more."""
    if not isinstance(value, int) or value < 0:
        _refuse(name, value, "True, False or a number of levels", f"Write {name}=True, or {name}=1.")


def check_flag_or_names(name: str, value: Any) -> None:
    """Refuse what is neither True nor False nor a list of names."""
    if not isinstance(value, bool):
        check_names(name, value)


def check_mapping(name: str, value: Any) -> None:
    """Refuse what is no dict."""
    if not isinstance(value, Mapping):
        _refuse(name, value, "a dict", f"Write {name}={{…}}, or leave the argument out.")


def check_structure(name: str, value: Any) -> None:
    """Refuse what is neither a dict nor a list nor a text: what takes several forms checks more by itself."""
    if isinstance(value, bool | int | float) or not isinstance(value, Iterable):
        _refuse(name, value, "a list, a dict or a text", f"Write {name}=['id', 'created_at'], for example.")


def check_keys(name: str, value: Any) -> None:
    """Refuse what is no list of names; see :func:`check_names`."""
    check_names(name, value)


def check_names(name: str, value: Any) -> tuple[str, ...]:
    """Return names, each once.

    :param value: a list of texts, or one text with commas between the names
    :raises ConfigurationError: when it is something else
    """
    parts = value.split(",") if isinstance(value, str) else value
    names = tuple(parts) if isinstance(parts, Iterable) and not isinstance(parts, Mapping) else (None,)
    if not all(isinstance(each, str) for each in names):
        _refuse(name, value, "a list of names", f"Write {name}=['id', 'created_at'], for example.")
    return tuple(dict.fromkeys(each.strip() for each in names if each.strip()))


def check_duration(name: str, value: Any) -> None:
    """Refuse what is no ``timedelta`` of 0 or more: a number has no unit."""
    if not isinstance(value, timedelta) or value < timedelta(0):
        remedy = f"Write {name}=timedelta(hours=2), for example. A template renders it as PT2H, or as 2:00:00."
        _refuse(name, value, "a duration", remedy)


def check_count(name: str, value: Any) -> None:
    """Refuse what is no whole number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        _refuse(name, value, "a whole number of 1 or more", f"Write {name}=4, for example.")


def check_days(name: str, value: Any) -> None:
    """Refuse what is no whole number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        _refuse(name, value, "a whole number of days, 0 or more", f"Write {name}=3, for example.")


def check_interval(name: str, value: Any) -> None:
    """Refuse what is no number of seconds above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        _refuse(name, value, "a number of seconds above 0", f"Write {name}=300, for example.")


def check_seconds(name: str, value: Any) -> None:
    """Refuse what is no number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        _refuse(name, value, "a number of seconds", f"Write {name}=30, for example.")


def check_limit(name: str, value: Any) -> None:
    """Refuse what is neither a count nor a share from 0 to 1."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not (0 <= value <= 1 or (isinstance(value, int) and value > 1)):
        _refuse(name, value, "a count or a share", f"Write {name}=20 for a count, or {name}=0.1 for one in ten.")


_KINDS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "text"),
    "bool": (bool, "True or False"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "Mapping": (Mapping, "a dict"),
    "Callable": (Callable, "a function"),  # type: ignore[dict-item]
}
"""The types of arguments by their annotation, and what each is in words."""


def check_kinds(annotations: Mapping[str, str], arguments: Mapping[str, Any]) -> None:
    """Refuse arguments of another type than that of their annotations.

    No value is shown, since it may be a secret.

    :param annotations: as text, such as ``str | None``. A type that is none of the simple ones is compared by its name
    :param arguments: by name
    :raises ConfigurationError: for the first one that is wrong
    """
    for name, value in arguments.items():
        kinds = [kind.partition("[")[0].strip() for kind in annotations.get(name, "Any").split(" | ")]
        if "Any" in kinds or any(_is_of_kind(value, kind) for kind in kinds):
            continue
        expected = " or ".join(_KINDS[kind][1] if kind in _KINDS else kind for kind in kinds if kind != "None")
        message = f"'{name}' is a {type(value).__name__}, and {expected} is needed"
        raise ConfigurationError(message, remedy=f"Correct {name}, or leave it out.")


def _is_of_kind(value: Any, kind: str) -> bool:
    if kind == "None":
        return value is None
    if kind not in _KINDS:
        return any(base.__name__ == kind for base in type(value).__mro__)
    return isinstance(value, _KINDS[kind][0]) and (kind == "bool" or not isinstance(value, bool))


def parse_bool(value: Any, name: str) -> bool:
    """Return a boolean that may be the text of a rendered template.

    :param value: ``True``, ``"true"``, ``"False"`` and the like; ``None`` and ``""`` are False
    :param name: the argument's name, for the error
    :raises ConfigurationError: when it is neither true nor false
    """
    flag = _flag_of(str(value)) if is_given(value) else False
    if not isinstance(flag, bool):
        message = f"'{name}' is neither true nor false: {value!r}"
        raise ConfigurationError(message, remedy="Pass a boolean, or a template that renders to true or false.")
    return flag


def parse_structure(text: str) -> Any:
    """Return the list or dict that a text holds: JSON, or as Python writes it. Other text is returned as it is.

    Jinja writes a value as Python does, unless the Dag sets ``render_template_as_native_obj``.
    """
    if not text.strip().startswith(("[", "{", "(")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _flag_of(text: str) -> Any:
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else text


def _levels_of(text: str) -> Any:
    """Return a number, or else a flag: ``1`` is one level."""
    number = _number_of(text)
    return _flag_of(text) if number == text else number


def _flag_or_structure_of(text: str) -> Any:
    flag = _flag_of(text)
    return parse_structure(text) if flag == text else flag


def _number_of(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text.strip())
        except ValueError:
            continue
    return text


def _duration_of(text: str) -> Any:
    """Return an ISO 8601 duration (``PT2H``, ``P1D``), or one as Python writes it (``1 day, 2:00:00``)."""
    from pydantic import TypeAdapter, ValidationError

    if _number_of(text) != text:
        return text  # A number has no unit.
    try:
        return TypeAdapter(timedelta).validate_python(text.strip())
    except ValidationError:
        return text


def check_dataset(name: str, value: Any) -> None:
    """Refuse what is neither the reference of a dataset, nor a list of references or records, nor JSON text of one."""
    if isinstance(value, str) and not value.lstrip().startswith(("{", "[")):
        remedy = "Pass the task's .output, or a template that renders to JSON."
        _refuse(name, value, "the reference of a dataset, or a list of records,", remedy)
    if not (isinstance(value, Mapping | Sequence) or hasattr(value, "to_dict")):
        remedy = "Pass the output of an extract or build operator, or a list of records."
        _refuse(name, value, "the reference of a dataset, or a list of records,", remedy)


TEXT_FORMS: Mapping[Check, Callable[[str], Any]] = {
    check_name: str,
    check_flag: _flag_of,
    **dict.fromkeys((check_count, check_days, check_interval, check_limit, check_seconds), _number_of),
    check_levels: _levels_of,
    check_flag_or_names: _flag_or_structure_of,
    check_duration: _duration_of,
    **dict.fromkeys((check_dataset, check_keys, check_mapping, check_structure), parse_structure),
}
"""How the text of a rendered template becomes the value of an argument, by the argument's check.

A text that has no such value is left to the check, which refuses it by name.
"""


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
    if value is None:
        return "None"
    return f"a {type(value).__name__}"


def without_fixed(owner: object, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments for the base class, without any that the class sets itself.

    :param owner: an object whose class lists those in ``fixed_arguments``
    :raises TypeError: for one of them, as for any argument that a class does not have
    """
    if fixed := sorted(set(getattr(owner, "fixed_arguments", ())) & set(arguments)):
        message = f"{type(owner).__name__} takes no {fixed[0]!r}"
        raise TypeError(message)
    return arguments


class SharedSignature:
    """The signature of a class whose ``__init__`` passes ``**kwargs`` on to those of its base classes.

    ``help()``, ``inspect.signature()`` and editors show the arguments of all of them, and ``**kwargs`` for what the
    framework's own base class takes. A class lists in ``fixed_arguments`` what it passes on by itself.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._root = owner

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        fixed = getattr(owner, "fixed_arguments", ())
        parameters: dict[str, inspect.Parameter] = {}
        others = None
        for kind in owner.__mro__[: owner.__mro__.index(self._root) + 1]:
            if "__init__" in vars(kind):
                _, *own = inspect.signature(vars(kind)["__init__"]).parameters.values()
                for parameter in own:
                    if parameter.kind is parameter.VAR_KEYWORD:
                        others = parameter
                    elif parameter.name not in fixed:
                        parameters.setdefault(parameter.name, parameter)
        others = others or inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD, annotation="Any")
        required_first = sorted(parameters.values(), key=lambda parameter: parameter.default is not parameter.empty)
        return inspect.Signature([*required_first, others])
