"""Functions and objects that a Dag's author names by import path, and the errors of their code.

An error of such code may quote a customer's data. Therefore only its type and place are shown.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError

__all__ = ["UserCodeError", "call_user_code", "check_signature", "describe_place", "is_import_path", "load_object"]

_REMEDY = "Write it as package.module:name. Airflow finds modules in its Dag bundles, in plugins and in packages."


class UserCodeError(Exception):
    """Code of a Dag's author failed for one record, or returned what can't be used.

    :ivar reason: without customers' data
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_import_path(value: Any) -> bool:
    """Return True for a text such as ``package.module:name``."""
    if not isinstance(value, str):
        return False
    module, _, name = value.partition(":")
    return all(part.isidentifier() for part in (*module.split("."), *name.split(".")))


@cache
def load_object(path: str, argument: str) -> Any:
    """Return the object that an import path names.

    :param path: such as ``package.module:name``
    :param argument: what has the path as its value, for the error
    :raises ConfigurationError: when there is no such module or name
    """
    if not is_import_path(path):
        message = f"{argument} is {path!r}, which is no import path"
        raise ConfigurationError(message, remedy=_REMEDY)
    module_name, _, name = path.partition(":")
    if module_name.partition(".")[0] in sys.stdlib_module_names:
        # Routes may come from a table that others can write: os:system is no mapping of an order.
        message = f"{argument} is '{path}', and {module_name} belongs to Python itself"
        raise ConfigurationError(message, remedy="Name a function of your own module.")
    try:
        value: Any = import_module(module_name)
    except ImportError as error:
        message = f"{argument} is '{path}', and its module can't be imported: {error}"
        raise ConfigurationError(message, remedy=_REMEDY) from error
    except Exception as error:
        message = f"{argument} is '{path}', and its module fails: {describe_place(error)}"
        raise ConfigurationError(message, remedy="Correct the module.") from error
    for step in name.split("."):
        if not hasattr(value, step):
            message = f"{argument} is '{path}', and {module_name} has no '{name}'{suggest(step, vars(value))}"
            raise ConfigurationError(message, remedy=_REMEDY)
        value = getattr(value, step)
    return value


def check_signature(function: Any, argument: str, signature: str, *args: Any, **kwargs: Any) -> None:
    """Refuse what can't be called in the documented way.

    :param signature: how it is called, for the error
    :raises ConfigurationError: when it is no function, or takes other arguments
    """
    if not callable(function):
        message = f"{argument} is a {type(function).__name__}, and a function is needed"
        raise ConfigurationError(message, remedy=f"Write it as def {signature}.")
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError as error:
        message = f"{argument} can't be called as {signature}: {error}"
        raise ConfigurationError(message, remedy=f"Write it as def {signature}.") from None
    except ValueError:  # a function without a signature, such as some of C
        return


def call_user_code(label: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function of a Dag's author.

    :param label: what the function is, for the error
    :raises UserCodeError: when it fails
    """
    try:
        return function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001, since any error of such code concerns this record alone
        reason = f"{label} failed: {describe_place(error, function)}"
        raise UserCodeError(reason) from None


def describe_place(error: BaseException, function: Any = None) -> str:
    """Return the type of an error and where it was raised, such as ``KeyError in rules.py, line 12``.

    :param function: the last line in its file is named, rather than one of a library that it calls
    """
    frames = traceback.extract_tb(error.__traceback__)
    own_file = getattr(getattr(function, "__code__", None), "co_filename", None)
    own_frames = [frame for frame in frames if frame.filename == own_file]
    if not frames:
        return type(error).__name__
    place = (own_frames or frames)[-1]
    return f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
