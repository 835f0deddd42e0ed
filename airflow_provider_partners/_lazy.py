"""Public names of a package that load on first use (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

__all__ = ["exports"]


def exports(
    package: str, modules: Mapping[str, Sequence[str]], *, also: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` for a package that imports nothing until a name is used.

    Dag files are parsed again and again, so what they don't use must cost nothing. The package repeats the same names
    in an ``if TYPE_CHECKING:`` block (``from … import Name as Name``), for type checkers and editors; a test holds both
    together.

    .. code-block:: python

        __getattr__, __dir__, __all__ = exports(__name__, {"client": ["YofiClient"], "query": ["ListQuery"]})

    :param package: the package's ``__name__``
    :param modules: names by the module that defines them, relative to the package
    :param also: what ``dir()`` lists besides: submodules, which load on first use too, and names such as
        ``__version__``
    """
    origin = {name: module for module, names in modules.items() for name in names}
    names = sorted(origin)

    def load(name: str) -> Any:
        if name in also and not name.startswith("__"):
            return import_module(f"{package}.{name}")
        if name not in origin:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        value = getattr(import_module(f"{package}.{origin[name]}"), name)
        setattr(import_module(package), name, value)
        return value

    return load, lambda: sorted({*names, *also}), names
