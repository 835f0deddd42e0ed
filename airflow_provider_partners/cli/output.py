"""What commands print: tables and messages for people, JSON for scripts, progress to standard error.

Colours follow ``NO_COLOR`` and the terminal. Without a terminal, tables have no frame and are as wide as they need.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Cell", "Output", "plain"]

Cell = str | tuple[str, str]
"""A text, or a text with its style, such as ``("ok", "green")``."""

_PIPED_WIDTH = 200


class Output:
    """Prints the result of one command to the standard output of when it is made.

    :param as_json: print one JSON document, and nothing else, to standard output
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._stream = sys.stdout

    def document(self, value: Any) -> None:
        """Print the result as JSON."""
        self._stream.write(f"{json.dumps(value, indent=2, ensure_ascii=False, default=str)}\n")

    def flush(self) -> None:
        """Write what is buffered, so that a reader that has gone is noticed now."""
        self._stream.flush()

    def text(self, text: str, style: str = "") -> None:
        """Print one line."""
        from rich.text import Text

        _console(self._stream).print(Text(plain(text), style=style), soft_wrap=True)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Cell]], *, title: str = "") -> None:
        """Print a table.

        :param rows: cells, each a text or a text with its style
        """
        from rich import box
        from rich.table import Table
        from rich.text import Text

        console = _console(self._stream)
        table = Table(
            title=title or None,
            title_justify="left",
            box=box.SIMPLE_HEAD if console.is_terminal else None,
            pad_edge=False,
            header_style="bold",
        )
        for name in head:
            table.add_column(name, overflow="fold")
        for row in rows:
            cells = [(cell, "") if isinstance(cell, str) else cell for cell in row]
            table.add_row(*(Text(plain(text), style=style) for text, style in cells))
        console.print(table)

    def error(self, message: str, remedy: str | None = None) -> None:
        """Print why a command failed, and what to do, to standard error."""
        from rich.text import Text

        console = _console(sys.stderr)
        end = "" if message.endswith(("?", ".")) else "."
        console.print(Text(plain(f"{message}{end}"), style="bold red"), soft_wrap=True)
        if remedy:
            console.print(Text(plain(remedy)), soft_wrap=True)

    @contextlib.contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
        """Show a progress bar on a terminal while the block runs.

        :param total: the number of steps; ``None`` if it is unknown
        :returns: to call after each step
        """
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn()]
        columns += [MofNCompleteColumn()] if total is not None else [TextColumn("{task.completed}")]
        console = _console(sys.stderr)
        progress = Progress(
            *columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal
        )
        with progress:
            task = progress.add_task(what, total=total)
            yield lambda: progress.advance(task)


def plain(text: str) -> str:
    """Return a text without characters that control a terminal: a partner's value must not move the cursor."""
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text.replace("\t", " "))


def _console(stream: Any) -> Console:
    from rich.console import Console

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = max(_PIPED_WIDTH, shutil.get_terminal_size().columns)
    return console
