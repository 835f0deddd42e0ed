"""A Sphinx extension: SVG pictures become part of their page.

An SVG in an ``img`` element knows nothing of the page's colours. Inline, it follows the reader's choice of light or
dark, its text can be selected and searched, and it scrolls sideways on a phone. Elsewhere, as on a forge, the same file
is an ordinary picture: it has colours of its own for light and dark.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes

_SVG = re.compile(r"<svg\b[^>]*>", re.DOTALL)
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


def inline(source: str, description: str) -> str:
    """Return the HTML of a picture: the SVG without its own colours, in a frame that scrolls.

    :param source: the file's text
    :param description: what the picture shows, for who can't see it
    """
    svg = _STYLE.sub("", source[_SVG.search(source).start() :])  # type: ignore[union-attr]
    svg = re.sub(r'aria-label="[^"]*"', f'aria-label="{escape(description)}"', svg, count=1)
    return f'<div class="diagram-frame" tabindex="0" role="group" aria-label="Diagram">{svg}</div>'


def setup(app: Any) -> dict[str, bool]:
    """Register the change with Sphinx."""
    app.connect("doctree-read", _inline_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline_all(app: Any, doctree: nodes.document) -> None:
    for image in list(doctree.findall(nodes.image)):
        path = Path(app.srcdir) / image["uri"]
        if path.suffix == ".svg" and path.parent.name == "images":
            app.env.note_dependency(str(path))
            html = inline(path.read_text(), image.get("alt", ""))
            alone = isinstance(image.parent, nodes.paragraph) and len(image.parent) == 1
            (image.parent if alone else image).replace_self(nodes.raw("", html, format="html"))
