"""Yotpo's errors."""

from __future__ import annotations


class ApiError(Exception):
    """The request fails with this status and one or more messages."""

    def __init__(self, status: int, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.status = status
        self.messages = messages
