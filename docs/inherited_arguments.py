"""A Sphinx extension: the reference shows every argument of a class, also those of its base classes.

Operators, sensors, triggers, hooks and clients pass further arguments to their base classes as ``**kwargs``. autodoc
shows only what the class itself names. This adds the rest to the signature and to the list of arguments, with the
class that documents each.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

PACKAGE = "airflow_provider_partners"
_FIELD = re.compile(r"^:param (\w+):", re.MULTILINE)
_OTHER_FIELD = re.compile(r"^:(?!param )\w+[^:]*:", re.MULTILINE)


def own_bases(kind: type) -> Iterator[type]:
    """Yield a class and its base classes, those of the package only."""
    return (base for base in kind.__mro__ if base.__module__.split(".")[0] == PACKAGE)


def signature(kind: type) -> inspect.Signature:
    """Return a class's signature with the arguments that its base classes in the package take.

    Arguments go up the base classes as long as each passes on ``**kwargs``. What a class gives its base class itself is
    no argument of the class.
    """
    parameters: dict[str, inspect.Parameter] = {}
    set_below: set[str] = set(getattr(kind, "fixed_arguments", ()))
    rest: inspect.Parameter | None = None
    for base in own_bases(kind):
        if "__init__" not in vars(base):
            continue
        constructor = inspect.unwrap(vars(base)["__init__"])
        found = list(inspect.signature(constructor).parameters.values())[1:]
        rest = next((one for one in found if one.kind is one.VAR_KEYWORD), None)
        for parameter in found:
            if parameter is not rest and parameter.name not in set_below:
                parameters.setdefault(parameter.name, parameter.replace(annotation=parameter.empty))
        set_below |= _passed_on(constructor) - set(parameters)
        if rest is None:
            break
    ordered = sorted(parameters.values(), key=lambda one: one.kind)
    return inspect.Signature([*ordered, *([rest.replace(annotation=rest.empty)] if rest else [])])


def _passed_on(constructor: Any) -> set[str]:
    """Return the keyword arguments that a constructor gives the constructor of its base class."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(constructor)))
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".__init__")
    ]
    return {keyword.arg for call in calls for keyword in call.keywords if keyword.arg}


def fields(kind: type) -> dict[str, str]:
    """Return the arguments that a class's own docstring describes, each with its whole field."""
    text = inspect.cleandoc(vars(kind).get("__doc__") or "")
    starts = [*_FIELD.finditer(text)]
    found = {}
    for start, end in zip(starts, [*(following.start() for following in starts[1:]), len(text)], strict=False):
        if other := _OTHER_FIELD.search(text, start.end(), end):
            end = other.start()
        found[start.group(1)] = re.split(r"\n\n(?=\S)", text[start.start() : end])[0].rstrip()
    return found


def inherited(kind: type) -> dict[type, dict[str, str]]:
    """Return the arguments that a class takes and its base classes describe, by base class."""
    accepted, seen = set(signature(kind).parameters), set(fields(kind))
    found: dict[type, dict[str, str]] = {}
    for base in own_bases(kind):
        added = {name: text for name, text in fields(base).items() if name in accepted and name not in seen}
        if added:
            found[base] = added
            seen |= set(added)
    return found


def setup(app: Any) -> dict[str, bool]:
    """Register both changes with Sphinx."""
    app.connect("autodoc-process-signature", _complete_signature)
    app.connect("autodoc-process-docstring", _complete_docstring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _complete_signature(_app: Any, what: str, _name: str, kind: Any, *_rest: Any) -> tuple[str, None] | None:
    if what != "class" or not _passes_arguments_on(kind):
        return None
    shown = signature(kind)
    return re.sub(r"<([\w.]+) object at 0x\w+>", r"\1", str(shown)), None


def _complete_docstring(_app: Any, what: str, _name: str, kind: Any, _options: Any, lines: list[str]) -> None:
    if what != "class" or not _passes_arguments_on(kind):
        return
    for base, described in inherited(kind).items():
        path = f"{base.__module__}.{base.__qualname__}"
        lines += ["", f"Arguments of :class:`~{path}`:", ""]
        for text in described.values():
            lines += text.splitlines()
        lines.append("")


def _passes_arguments_on(kind: Any) -> bool:
    """Return True if a class has base classes in the package whose arguments it takes."""
    if not inspect.isclass(kind) or issubclass(kind, BaseException) or "__dataclass_fields__" in vars(kind):
        return False
    bases = list(own_bases(kind))
    return len(bases) > 1 and any("__init__" in vars(base) for base in bases)
