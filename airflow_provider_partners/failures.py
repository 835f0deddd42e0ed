"""Why a task failed, in lines that a log viewer shows without a scroll bar.

The first line says what failed, for which shop and connection; the next ones say what to do. The texts come from this
provider's errors, which hold neither secrets nor customers' data. This module knows no Airflow.
"""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from airflow_provider_partners.exceptions import PartnersError

__all__ = ["LINE_WIDTH", "NO_CAUSE", "REMEDY_LABEL", "REPLAY_DAG_ID", "TaskFailure", "by_cause", "first_of", "wrapped"]

C = TypeVar("C", bound=Hashable)

LINE_WIDTH = 104
"""Characters of a line. Airflow's log viewer shows as many in a window of 1440 pixels."""

REMEDY_LABEL = "What to do: "

NO_CAUSE = "it left no error. It was stopped from outside, or it never started."
"""Stands for the cause of a failure that left none."""

REPLAY_DAG_ID = "yotpo_replay_rejects"
"""The Dag that sends rejected orders again, which remedies name."""


MOST_NAMES = 10
"""How many shops, lanes or gaps an error names. A run may have thousands; the summary and the report name all."""


def first_of(texts: Sequence[str], *, most: int = MOST_NAMES, separator: str = ", ") -> str:
    """Return a list for an error: the first texts, and how many more there are.

    >>> first_of(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return f"{separator.join(texts[:most])}{more}"


def by_cause(causes: Iterable[tuple[C, str]]) -> list[tuple[C, list[str]]]:
    """Return each cause with the names that have it, the most frequent one first.

    >>> by_cause([("no answer", "a"), ("a refusal", "b"), ("a refusal", "c")])
    [('a refusal', ['b', 'c']), ('no answer', ['a'])]
    """
    names: dict[C, list[str]] = {}
    for cause, name in causes:
        names.setdefault(cause, []).append(name)
    return sorted(names.items(), key=lambda item: -len(item[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailure:
    """What failed, where, and what to do.

    :param message: what was requested and what came back
    :param remedy: what to do
    :param shop: whose records the task works on
    :param connection: id of the connection that it uses
    :param request_id: the partner's id of the request; its support needs it
    """

    message: str
    remedy: str | None = None
    shop: str | None = None
    connection: str | None = None
    request_id: str | None = None

    @classmethod
    def of(cls, error: PartnersError, *, shop: str | None = None, connection: str | None = None) -> TaskFailure:
        """Return the failure that an error of this provider describes."""
        return cls(
            message=error.headline,
            remedy=error.remedy,
            shop=shop,
            connection=connection,
            request_id=error.request_id,
        )

    @property
    def headline(self) -> str:
        """What failed, for which shop and connection. The message may name them already."""
        where = [
            self.shop if self.shop and self.shop not in self.message else None,
            f"connection {self.connection}" if self.connection and self.connection not in self.message else None,
        ]
        known = ", ".join(each for each in where if each)
        return f"{known}: {self.message}" if known else self.message

    def lines(self) -> list[str]:
        """Return the failure as short lines: what failed, and below it what to do."""
        lines = [*wrapped(self.headline)]
        if self.remedy:
            lines += wrapped(self.remedy, first=REMEDY_LABEL)
        if self.request_id:
            lines.append(f"Request id:  {self.request_id}")
        return lines

    def __str__(self) -> str:
        """Return the lines as one text."""
        return "\n".join(self.lines())


def wrapped(text: str, *, first: str = "", width: int = LINE_WIDTH) -> Iterator[str]:
    """Yield a text in short lines. Identifiers and addresses stay whole, and so may make a line longer.

    :param text: paragraphs, separated by line breaks
    :param first: begins the first line; the others are indented by as much
    :param width: characters of a line
    """
    indent = " " * len(first)
    for number, paragraph in enumerate(text.splitlines()):
        yield from textwrap.wrap(
            paragraph,
            width,
            initial_indent=indent if number else first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
