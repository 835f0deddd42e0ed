"""doc"""

from __future__ import annotations


class ApiError(Exception):
    """The request is answered with ``status`` and one message or more."""

    def __init__(self, status: int, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.status = status
        self.messages = messages
