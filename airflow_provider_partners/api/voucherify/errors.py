"""What Voucherify's error responses mean, and how many requests its rate limit headers allow.

Error bodies: https://docs.voucherify.io/api-reference/errors. Limits: https://docs.voucherify.io/guides/limits.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import RESTART_REMEDY
from airflow_provider_partners.api.http.errors import (
    DEFAULT_ERROR_HANDLER,
    ErrorHandler,
    ErrorResolution,
    ResponseAction,
    default_message,
    retry_after,
)
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError, RejectedError
from airflow_provider_partners.records import parse_json

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.http.messages import Response
    from airflow_provider_partners.api.http.rate_limit import RateLimit

BURST_SHARE = 0.1
"""The share of a minute's or an hour's requests that may go out at once. The rest is sent at an even rate."""

_CYCLE_LIMIT = "api_calls_cycle"

_MAX_CYCLE_WAIT = 3600.0
"""Seconds. A task does not wait longer than this for a new billing cycle; it fails."""

_MINUTE, _HOUR = 60.0, 3600.0


class ExpiredCursorError(RejectedError):
    """The cursor of a list has expired: the list must be read from its start."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message, **{**details, "restarts_list": True})


def rate_and_burst(requests: float, seconds: float) -> tuple[float, float]:
    """Return the rate per second and the burst that together never exceed ``requests`` in ``seconds``."""
    if not isinstance(requests, int | float):
        message = f"a rate limit of {requests!r} requests is not possible"
        raise ConfigurationError(message, remedy="Use a number, as in requests_per_minute=100.")
    burst = max(1.0, requests * BURST_SHARE)
    return max(requests - burst, requests * BURST_SHARE) / seconds, burst


def error_handler(clock: Clock) -> ErrorHandler:
    """Return the table of error responses.

    :param clock: the current time, to turn the time of the next allowed call into a wait
    """

    def inspect(response: Response) -> ErrorResolution | None:
        if response.status == 400 and b"invalid_or_expired_cursor" in response.content:
            return ErrorResolution(
                ResponseAction.REJECT,
                _message_with_request_id(response),
                remedy=RESTART_REMEDY,
                raises=ExpiredCursorError,
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
            403: "Give the key's role the permission for this list. An OAuth token needs the scope 'api', or that of "
            "the list, such as 'redemptions' (the connection's extra 'oauth_scope').",
        },
    )


def rate_limit_observer(clock: Clock, configured: tuple[float, float]) -> Callable[[Response, RateLimit], None]:
    """Return a function that tightens the rate limit to what the response headers report.

    A limit counts per minute or per hour, and no header names the unit. When the next allowed call is more than a
    minute away, the unit is the hour. When no calls remain, the rate limit blocks until that time.

    :param configured: rate per second and burst that the client never exceeds
    """
    hourly = False

    def observe(response: Response, rate_limit: RateLimit) -> None:
        nonlocal hourly
        wait, limit = _seconds_until_retry(response, clock), _numeric_header(response, "x-rate-limit-limit")
        remaining = _numeric_header(response, "x-rate-limit-remaining")
        if _limit_type(response) == _CYCLE_LIMIT or (wait or 0.0) > _HOUR + _MINUTE:
            return  # the plan's billing cycle: a project's own window is an hour at most
        # Once seen, the hour stays: near its end, the next allowed call is less than a minute away too.
        hourly = hourly or (wait is not None and wait > _MINUTE)
        if limit:
            rate, burst = min(configured, rate_and_burst(limit, _HOUR if hourly else _MINUTE))
            rate_limit.update_from_server(rate=rate, capacity=burst, available=remaining)
        if remaining == 0 and wait:
            rate_limit.update_from_server(blocked_for=wait)

    return observe


def _quota_exhausted(wait: float | None) -> ErrorResolution:
    """Return an error that fails the task at once, because the next billing cycle may be days away."""
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
    """Return the seconds until ``X-Rate-Limit-Retry`` (an epoch), by the server's clock where it sends ``Date``."""
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
    # Voucherify sends its request id in the body, not in a header.
    text = default_message(response)
    try:
        request_id = parse_json(response.content).get("request_id")
    except (ValueError, AttributeError):
        request_id = None
    return f"{text} [{request_id}]" if isinstance(request_id, str) else text
