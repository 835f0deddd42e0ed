"""The exit codes of the commands."""

from __future__ import annotations

__all__ = ["FAILED", "FOUND", "INTERRUPTED", "OK", "WRONG_USAGE", "UsageError"]

OK = 0

FOUND = 1
"""A problem or a difference was found."""

WRONG_USAGE = 2
"""The arguments are wrong. :mod:`argparse` ends with the same code."""

FAILED = 3
"""The command could not do its work: a connection is missing, or a partner did not answer."""

INTERRUPTED = 130
"""A user stopped the command: 128 and the number of SIGINT, as shells report it."""


class UsageError(Exception):
    """The command's arguments are wrong.

    :param remedy: what to write instead
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
