"""HTML elements as text in which everything that is not markup is escaped."""

from __future__ import annotations

from html import escape
from typing import Self

__all__ = ["Html", "element", "join"]

_VOID = frozenset({"meta", "br", "hr", "rect", "line", "path", "input"})
"""Elements without content, of HTML and of SVG."""

_SVG_NAMES = {"view_box": "viewBox", "preserve_aspect_ratio": "preserveAspectRatio"}
"""Attributes of SVG, whose names have capital letters."""


class Html(str):
    """Text that is markup already. Any other text is escaped where it becomes part of markup."""

    __slots__ = ()

    @classmethod
    def of(cls, value: object) -> Self:
        """Return a value as markup: ``None`` is nothing, and text is escaped."""
        if value is None:
            return cls()
        return value if isinstance(value, cls) else cls(escape(str(value)))


def element(tag: str, *children: object, **attributes: object) -> Html:
    """Return an element.

    :param children: markup, or texts that are escaped; ``None`` is nothing
    :param attributes: an underscore at the end is dropped (``class_``), one inside becomes a hyphen (``aria_label``).
        ``None`` and ``False`` leave the attribute out, ``True`` gives it no value
    """
    parts = []
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        name = _SVG_NAMES.get(name) or name.rstrip("_").replace("_", "-")
        parts.append(f" {name}" if value is True else f' {name}="{escape(str(value))}"')
    opening = f"<{tag}{''.join(parts)}>"
    if tag in _VOID:
        return Html(f"{opening[:-1]}/>")
    return Html(f"{opening}{join(*children)}</{tag}>")


def join(*children: object) -> Html:
    """Return markup after markup."""
    return Html("".join(map(Html.of, children)))
