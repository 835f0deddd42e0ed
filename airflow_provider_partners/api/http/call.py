"""Send one request: acquire the rate limit, authenticate, retry transient failures, and raise the right error.

No wait is longer than the settings allow. This module does not know the HTTP library: the caller passes the
function that sends one attempt.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from airflow_provider_partners.api.concurrency import is_abandoned
from airflow_provider_partners.api.http.attempts import NoAnswerError, SendAttempt
from airflow_provider_partners.api.http.errors import (
    UNREACHABLE_REMEDY,
    ErrorHandler,
    ErrorResolution,
    ResponseAction,
    retry_after,
    truncate,
)
from airflow_provider_partners.api.http.messages import InvalidJsonError
from airflow_provider_partners.api.http.redaction import Redactor, is_sensitive
from airflow_provider_partners.api.http.redirects import (
    MAX_REDIRECTS,
    Redirect,
    UnsafeUrlError,
    describe_redirect,
    refuse_redirects,
)
from airflow_provider_partners.api.http.urls import with_param
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PartnersError,
    RejectedError,
    ThrottledError,
    TimedOutError,
    TransientError,
    UnexpectedResponseError,
    UnknownOutcomeError,
    bounded_wait,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.http.auth import Auth
    from airflow_provider_partners.api.http.messages import Request, Response
    from airflow_provider_partners.api.http.rate_limit import RateLimit
    from airflow_provider_partners.api.http.stats import RequestStats

log = logging.getLogger("airflow_provider_partners.api")

_ERRORS: Mapping[ResponseAction, type[PartnersError]] = {
    ResponseAction.REAUTHENTICATE: AuthenticationError,
    ResponseAction.REFUSE_CREDENTIALS: AuthenticationError,
    ResponseAction.MISCONFIGURED: ConfigurationError,
    ResponseAction.REJECT: RejectedError,
    ResponseAction.NOT_FOUND: NotFoundError,
    ResponseAction.CONFLICT: ConflictError,
    ResponseAction.UNEXPECTED: UnexpectedResponseError,
}
"""The error that a call raises for an action that no retry resolves."""

_MAX_BACKOFF = 30.0
_INFO_LOG_WAIT = 5.0
"""Seconds. Shorter waits for the rate limit are normal, so they are logged at debug level only."""
_CLOSED_CHECK_INTERVAL = 5.0
"""Seconds between two checks, during a wait, that the client is still open."""
MAX_REFUSALS = 3
"""Refusals in a row after which credentials count as refused."""
REFUSAL_PAUSES = (1.0, 3.0)
"""Seconds before the second attempt with refused credentials, and before each later one.

A server that restarts, or a gateway without its key store, refuses right credentials briefly. Credentials count as
refused after three refusals in a row, which is Yotpo's rule for apps (https://develop.yotpo.com/docs/authenticating).
After the first one, a fresh token is tried without a pause. Where two tokens are tried in turn, each is tried twice.
"""


MAX_STRANGE_ANSWERS = 3
"""Successful responses that are no answer of the API, after which the call fails, before the API has ever answered.

A gateway under maintenance, or a proxy, answers in the API's place for a while: with a page of HTML, or with JSON of
another shape. A wrong host does so for ever, so few attempts are enough to find it out. A host that has answered as the
API does is the right one. Its strange answers pass like other failures.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSettings:
    """The settings of all calls of one client; see :class:`~airflow_provider_partners.api.http.transport.Transport`."""

    partner: str
    auth: Auth | None
    rate_limit: RateLimit
    error_handler: ErrorHandler
    rate_limit_observer: Callable[[Response, RateLimit], None] | None
    deadline: float
    max_wait: float
    max_attempts: int
    clock: Clock
    redactor: Redactor
    stats: RequestStats
    is_closed: Callable[[], bool]


class Call:
    """One request with all its attempts.

    :param url: URL with its query; it is never logged
    :param send_attempt: sends one attempt
    :param redirect: decides which redirects to follow
    :param has_progressed: returns True if a failed attempt made progress; the deadline and the count of failures
        then start again
    """

    def __init__(
        self,
        request: Request,
        url: str,
        settings: CallSettings,
        send_attempt: SendAttempt,
        *,
        redirect: Redirect = refuse_redirects,
        has_progressed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._request = request
        self._url = url
        self._settings = settings
        self._send_attempt = send_attempt
        self._redirect = redirect
        self._has_progressed = has_progressed
        self._label = request.label or request.method
        self._started_at = settings.clock.monotonic()
        self._give_up_at = self._started_at + settings.deadline
        self._not_before = self._started_at
        self._failures = 0
        self._timeouts = 0
        self._throttles = 0
        self._redirects = 0
        self._refusals = 0
        self._strange_answers = 0

    def run(self) -> Response:
        """Send the request until it succeeds.

        :returns: a successful response
        :raises PartnersError: the subclass says what should happen next
        """
        # A token that is missing costs a request of its own, which goes first.
        self._auth_headers()
        while True:
            granted_at = self._acquire_rate_limit()
            headers = self._auth_headers()
            # A pause, a new token or a busy machine makes the request leave later.
            self._settings.rate_limit.postpone(self._settings.clock.monotonic() - granted_at)
            response, resolution = self._attempt(headers)
            if response is not None and self._follow_redirect(response):
                continue
            if response is not None and resolution is None:
                self._note_answer(response)
                return response
            self._handle(resolution or ErrorResolution(ResponseAction.RETRY, "no response"), response, headers)

    def _note_answer(self, response: Response) -> None:
        """Note that the host is the API's. A file, an empty body and a token prove nothing of its lists."""
        if self._request.expects_json and self._request.authenticated and response.content:
            self._settings.stats.on_answer()

    def _acquire_rate_limit(self) -> float:
        """Wait for the rate limit, and for the pause after the last failure. Return when the request was granted."""
        now = self._settings.clock.monotonic()
        max_wait = max(0.0, min(self._settings.max_wait, self._give_up_at - now))
        granted_in = self._settings.rate_limit.acquire(self._request.cost, max_wait=max_wait)
        if granted_in > max_wait:
            message = f"{self._label}: the rate limit requires a wait of {granted_in:.0f} s, which is too long here"
            raise ThrottledError(message, retry_after=granted_in, partner=self._settings.partner)
        pause = self._not_before - now
        if granted_in > max(pause, 0.0):
            level = logging.INFO if granted_in >= _INFO_LOG_WAIT else logging.DEBUG
            log.log(level, "%s %s: waiting %.1f s for the rate limit", self._settings.partner, self._label, granted_in)
        self._sleep(max(granted_in, pause))
        return now + granted_in

    def _sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        self._settings.stats.on_wait(seconds)
        while seconds > 0:
            self._settings.clock.sleep(min(seconds, _CLOSED_CHECK_INTERVAL))
            seconds -= _CLOSED_CHECK_INTERVAL
            self._raise_if_abandoned()

    def _raise_if_abandoned(self) -> None:
        """Raise an error if nobody waits for the response any more."""
        if self._settings.is_closed():
            message = f"{self._label}: the client was closed while this call waited"
        elif is_abandoned():
            message = f"{self._label}: nobody needs the response any more"
        else:
            return
        raise TransientError(message, partner=self._settings.partner)

    def _auth_headers(self) -> Mapping[str, str]:
        if self._settings.auth is None or not self._request.authenticated:
            return {}
        headers = self._settings.auth.headers()
        for name, value in headers.items():
            if is_sensitive(name):
                self._settings.redactor.add(value, value.rpartition(" ")[2])
        return headers

    def _attempt(self, headers: Mapping[str, str]) -> tuple[Response | None, ErrorResolution | None]:
        settings = self._settings
        settings.stats.on_request(self._label)
        try:
            url, sent = self._url, headers
            if self._request.token_param and headers:
                url, sent = with_param(url, self._request.token_param, next(iter(headers.values()))), {}
            response = self._send_attempt(self._request, url, sent, give_up_at=self._give_up_at)
        except NoAnswerError as error:
            return None, ErrorResolution(
                error.action,
                settings.redactor(str(error)),
                timed_out=error.timed_out,
                not_sent=error.not_sent,
                cause=error.cause,
            )
        if settings.rate_limit_observer:
            try:
                settings.rate_limit_observer(response, settings.rate_limit)
            except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, PartnersError):
                # Headers and costs are hints: an unreadable one must not fail the call.
                log.debug("%s %s: its rate limit headers are unreadable", settings.partner, self._label, exc_info=True)
        redact = settings.redactor.for_response_to(self._request)
        resolution = settings.error_handler.resolve(response, redact=redact)
        if resolution is None:
            return response, self._check_body(response)
        if 300 <= response.status < 400 and "location" in response.headers:
            message = truncate(redact(describe_redirect(self._url, response.headers["location"])))
            resolution = replace(resolution, message=message)
        return response, resolution

    def _check_body(self, response: Response) -> ErrorResolution | None:
        """Return what is wrong with the body of a successful response: its JSON may be cut on the way."""
        if not self._request.expects_json or (self._request.may_be_empty and not response.content.strip()):
            return None
        try:
            body = response.json()
        except InvalidJsonError as error:
            # JSON that ends early comes from the API.
            action = ResponseAction.RETRY if error.may_pass else ResponseAction.UNEXPECTED
            return ErrorResolution(action, error.message, strange=error.is_foreign)
        try:
            self._request.check(body)
        except UnexpectedResponseError as error:
            return ErrorResolution(ResponseAction.RETRY, error.message, strange=True)
        return None

    def _follow_redirect(self, response: Response) -> bool:
        if self._redirects >= MAX_REDIRECTS:
            return False
        try:
            target = self._redirect(self._request, self._url, response)
        except UnsafeUrlError as error:
            raise self.error(UnexpectedResponseError, str(error), response) from None
        if target is None:
            return False
        self._request, self._url = target
        self._redirects += 1
        return True

    def _handle(self, resolution: ErrorResolution, response: Response | None, headers: Mapping[str, str]) -> None:
        """Prepare the next attempt, or raise the call's error."""
        self._raise_if_abandoned()
        if resolution.action is ResponseAction.REAUTHENTICATE:
            self._reauthenticate(resolution, response, headers)
            return
        self._refusals = 0
        if resolution.action is ResponseAction.RETRY:
            self._retry(resolution, response)
        elif resolution.action is ResponseAction.THROTTLE:
            self._throttle(resolution, response)
        else:
            raise self._final_error(resolution, response) from resolution.cause

    def _final_error(self, resolution: ErrorResolution, response: Response | None) -> PartnersError:
        error_class = resolution.raises or _ERRORS[resolution.action]
        return self.error(error_class, resolution.message, response, resolution.remedy)

    def _reauthenticate(
        self, resolution: ErrorResolution, response: Response | None, refused: Mapping[str, str]
    ) -> None:
        """Try fresh credentials, or the same ones later; see :data:`REFUSAL_PAUSES`."""
        self._refusals += 1
        auth = self._settings.auth
        is_fresh = auth is not None and self._request.authenticated and auth.refresh(refused)
        is_certain = resolution.raises is not None and not (is_fresh and self._refusals == 1)
        if auth is None or is_certain or self._refusals >= max(MAX_REFUSALS, 2 * auth.alternatives):
            raise self._final_error(resolution, response)
        pause = 0.0 if is_fresh and self._refusals == 1 else REFUSAL_PAUSES[self._refusals > 1]
        pause = min(pause, self._settings.max_wait)
        if self._exceeds_limits(pause):
            message = f"the credentials were refused, too late to try them again: {resolution.message}"
            raise self.error(TransientError, message, response, resolution.remedy)
        self._settings.stats.on_retry()
        which = "fresh ones" if is_fresh else "the same ones again"
        self._log_retry(resolution, response, pause, f"the credentials were refused, trying {which}")
        self._not_before = self._settings.clock.monotonic() + pause

    def _retry(self, resolution: ErrorResolution, response: Response | None) -> None:
        if not self._request.repeatable and not resolution.not_sent:
            message = f"the response is lost: {_describe(resolution, response)}"
            raise self.error(UnknownOutcomeError, message, response, resolution.remedy) from resolution.cause
        if self._has_progressed():
            self._failures = 0
            self._started_at = self._settings.clock.monotonic()
            self._give_up_at = self._started_at + self._settings.deadline
        self._failures += 1
        self._timeouts += resolution.timed_out
        self._strange_answers += resolution.strange
        if self._strange_answers >= self._max_strange_answers():
            raise self.error(UnexpectedResponseError, resolution.message, response, resolution.remedy)
        requested = self._requested_wait(resolution, response)
        if requested and self._exceeds_limits(requested):
            raise self._throttled_error(resolution, response, requested)
        wait = self._wait_seconds(requested, self._failures)
        if self._has_no_attempt_left() or self._exceeds_limits(wait):
            seconds = self._settings.clock.monotonic() - self._started_at
            last = _describe(resolution, response)
            message = f"gave up after {self._failures} attempts in {seconds:.0f} s; the last one: {last}"
            error_class = resolution.raises or (TimedOutError if resolution.timed_out else TransientError)
            remedy = resolution.remedy or UNREACHABLE_REMEDY
            raise self.error(error_class, message, response, remedy) from resolution.cause
        self._settings.stats.on_retry()
        self._log_retry(resolution, response, wait, f"attempt {self._failures} of {self._settings.max_attempts}")
        self._not_before = self._settings.clock.monotonic() + wait

    def _max_strange_answers(self) -> int:
        is_the_api = self._settings.stats.has_answered
        return self._settings.max_attempts if is_the_api else MAX_STRANGE_ANSWERS

    def _has_no_attempt_left(self) -> bool:
        max_timeouts = self._request.max_timeouts
        too_slow = max_timeouts is not None and self._timeouts >= max_timeouts
        return too_slow or self._failures >= self._settings.max_attempts

    def _throttle(self, resolution: ErrorResolution, response: Response | None) -> None:
        self._throttles += 1
        self._settings.stats.on_throttle()
        requested = self._requested_wait(resolution, response)
        wait = self._wait_seconds(requested, self._throttles)
        # Tasks that share the rate limit are spared the same refusal.
        self._settings.rate_limit.update_from_server(blocked_for=wait, cost=self._request.cost)
        if self._exceeds_limits(requested or wait):
            raise self._throttled_error(resolution, response, requested or wait)
        self._log_retry(resolution, response, wait, "throttled")
        self._not_before = self._settings.clock.monotonic() + wait

    def _requested_wait(self, resolution: ErrorResolution, response: Response | None) -> float | None:
        wait = resolution.retry_after
        if wait is None and response is not None:
            wait = retry_after(response, self._settings.clock.time())
        return None if wait is None else bounded_wait(wait)

    def _wait_seconds(self, requested: float | None, times: int) -> float:
        """Return the requested wait plus a little, because clocks differ. Without a request, use our own backoff."""
        if not requested:
            return _backoff(times)
        return max(requested, min(requested + random.uniform(0.05, 0.25), self._settings.max_wait))

    def _exceeds_limits(self, wait: float) -> bool:
        return wait > self._settings.max_wait or self._settings.clock.monotonic() + wait > self._give_up_at

    def _log_retry(self, resolution: ErrorResolution, response: Response | None, wait: float, state: str) -> None:
        log.info(
            "%s %s: %s; %s, next try in %.1f s",
            self._settings.partner,
            self._label,
            _describe(resolution, response),
            state,
            wait,
        )

    def _throttled_error(self, resolution: ErrorResolution, response: Response | None, wait: float) -> ThrottledError:
        message = (
            f"{self._label}: the partner requires a wait of {wait:.0f} s, which is too long here: {resolution.message}"
        )
        return ThrottledError(
            message,
            retry_after=wait,
            remedy=resolution.remedy,
            partner=self._settings.partner,
            status=response.status if response else None,
            request_id=response.request_id if response else None,
        )

    def error(
        self,
        error_class: Callable[..., PartnersError],
        message: str,
        response: Response | None = None,
        remedy: str | None = None,
    ) -> PartnersError:
        """Return an error that names the call, the partner and the response."""
        return error_class(
            f"{self._label}: {message}",
            remedy=remedy,
            partner=self._settings.partner,
            status=response.status if response else None,
            request_id=response.request_id if response else None,
        )


def _describe(resolution: ErrorResolution, response: Response | None) -> str:
    if response is None:
        return resolution.message
    phrases = {status.value: status.phrase for status in HTTPStatus}
    return f"HTTP {response.status} {phrases.get(response.status, '')}".rstrip() + f": {resolution.message}"


def _backoff(failures: int) -> float:
    """Return 0.5 to 1 second, doubled for each failure, at most 30. The jitter keeps threads apart."""
    maximum = min(_MAX_BACKOFF, 2.0 ** (failures - 1))
    return random.uniform(maximum / 2, maximum)
