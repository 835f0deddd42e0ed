"""What Voucherify's refusals mean, and how fast it may be asked. Must not know lists, nor how anything is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from airflow_provider_partners.api.http.errors import (
    DEFAULT_ERROR_HANDLER,
    ErrorHandler,
    ErrorResolution,
    ResponseAction,
    default_message,
    retry_after,
)
from airflow_provider_partners.exceptions import AuthenticationError, RejectedError

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.http.messages import Response
    from airflow_provider_partners.api.http.rate_limit import RateLimit

BURST_SHARE = 0.1
"""The share of a minute's or an hour's requests that may be sent at once; the rest is spread, so that none has more."""

_CYCLE_LIMIT = "api_calls_cycle"

_MAX_CYCLE_WAIT = 3600.0
"""Seconds. A cycle of the plan that renews later than this is nothing to wait for."""

_MINUTE, _HOUR = 60.0, 3600.0


class ExpiredCursorError(RejectedError):
    """A list's cursor is too old: the list has to be begun anew."""


def rate_and_burst(requests: float, seconds: float) -> tuple[float, float]:
    """A budget's rate per second and burst, so that no stretch of so many seconds has more requests.

    :param requests: the limit
    :param seconds: of what
    """
    burst = max(1.0, requests * BURST_SHARE)
    return max(requests - burst, requests * BURST_SHARE) / seconds, burst


def error_handler(clock: Clock) -> ErrorHandler:
    """What Voucherify's refusals mean.

    :param clock: the time, for the moment at which it will answer again
    """

    def inspect(response: Response) -> ErrorResolution | None:
        if response.status == 400 and b"invalid_or_expired_cursor" in response.content:
            remedy = "Remove the dataset's folder, so that it is fetched anew."
            return ErrorResolution(
                ResponseAction.REJECT, _message_with_request_id(response), remedy=remedy, raises=ExpiredCursorError
            )
        if response.status != 429:
            return None
        wait = retry_after(response, clock.time())
        wait = _seconds_until_retry(response, clock) if wait is None else wait
        if _limit_type(response) == _CYCLE_LIMIT and (wait is None or wait > _MAX_CYCLE_WAIT):
            return _quota_exhausted(wait)
        return ErrorResolution(ResponseAction.THROTTLE, _message_with_request_id(response), retry_after=wait)

    return DEFAULT_ERROR_HANDLER.with_overrides(
        {402: ResponseAction.REFUSE_CREDENTIALS},
        inspect=inspect,
        message=_message_with_request_id,
        remedies={
            401: "Check application id (login), secret key (password), and that the host is your project's cluster. "
            "Keys of the other kinds need their 'auth', and a client-side key an 'origin' that the project allows.",
            402: "Your plan doesn't have this feature.",
            403: "Give the key's role the permission to read this list.",
        },
    )


def rate_limit_observer(clock: Clock, configured: tuple[float, float]) -> Callable[[Response, RateLimit], None]:
    """Reads the rate headers.

    Limits count by the minute or by the hour, and nothing says by which (the guide on limits). Where the moment of the
    next call is more than a minute away, it is the hour. Once nothing is left, nobody asks before that moment.

    :param clock: the time
    :param configured: rate per second and burst that are kept in any case
    """
    hourly = False

    def observe(response: Response, budget: RateLimit) -> None:
        nonlocal hourly
        again, limit = _seconds_until_retry(response, clock), _numeric_header(response, "x-rate-limit-limit")
        left = _numeric_header(response, "x-rate-limit-remaining")
        if _limit_type(response) == _CYCLE_LIMIT or (again or 0.0) > _HOUR + _MINUTE:
            return  # the plan's limit, not the project's: no window of a project is that long
        # Seen once, it stays: near the hour's end that moment is close, too.
        hourly = hourly or (again is not None and again > _MINUTE)
        if limit:
            rate, burst = min(configured, rate_and_burst(limit, _HOUR if hourly else _MINUTE))
            budget.update_from_server(rate=rate, capacity=burst, available=left)
        if left == 0 and again:
            budget.update_from_server(blocked_for=again)

    return observe


def _quota_exhausted(wait: float | None) -> ErrorResolution:
    """The plan's calls of this cycle are gone: waiting would take days, so whoever pays is told at once."""
    when = f" It renews in about {wait / 86_400:.1f} days." if wait is not None else ""
    return ErrorResolution(
        ResponseAction.REFUSE_CREDENTIALS,
        f"the API calls of your Voucherify plan's billing cycle are used up ({_CYCLE_LIMIT}).{when}",
        remedy="Have the plan's limit raised, or run the task again in the next cycle.",
        raises=AuthenticationError,
    )


def _limit_type(response: Response) -> str:
    return response.headers.get("x-rate-limit-type", "").strip()


def _seconds_until_retry(response: Response, clock: Clock) -> float | None:
    """Seconds until the call that ``X-Rate-Limit-Retry`` names, by the partner's own clock where it shows it."""
    epoch = _numeric_header(response, "x-rate-limit-retry")
    if epoch is None:
        return None
    try:
        now = parsedate_to_datetime(response.headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        now = clock.time()
    return max(0.0, epoch - now)


def _numeric_header(response: Response, header: str) -> float | None:
    try:
        value = float(response.headers.get(header, ""))
    except ValueError:
        return None
    return value if 0 <= value < 1e12 else None


def _message_with_request_id(response: Response) -> str:
    """What it said, with its id of the request, which is in the body."""
    said = default_message(response)
    try:
        request_id = json.loads(response.content).get("request_id")
    except (ValueError, AttributeError):
        request_id = None
    return f"{said} [{request_id}]" if isinstance(request_id, str) else said
