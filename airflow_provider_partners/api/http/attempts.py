"""One attempt of a call: how it is sent, and how it ends without a response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from airflow_provider_partners.api.http.errors import ResponseAction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.http.messages import Request, Response

__all__ = ["NoAnswerError", "SendAttempt"]


class NoAnswerError(Exception):
    """An attempt got no response. This error never leaves a call.

    :param action: what the call does next
    :param timed_out: the partner ran out of time
    :param not_sent: the partner has not received the request
    :param cause: the system's error, without secrets
    """

    def __init__(
        self,
        message: str,
        action: ResponseAction = ResponseAction.RETRY,
        *,
        timed_out: bool = False,
        not_sent: bool = False,
        cause: BaseException | None = None,
    ) -> None:
        super().__init__(message)
        self.action = action
        self.timed_out = timed_out
        self.not_sent = not_sent
        self.cause = cause


class SendAttempt(Protocol):
    """Sends one attempt and reads the whole response."""

    def __call__(self, request: Request, url: str, headers: Mapping[str, str], *, give_up_at: float) -> Response:
        """Send the request.

        :param url: URL with its query
        :param headers: the authentication headers
        :param give_up_at: time of the monotonic clock at which the attempt ends
        :raises NoAnswerError: there was no response
        """
