"""One call from its first attempt to its end: turns, credentials, faults, waits, and the error it may end in.

A call waits for its turn of the budget, sends, and goes by the table of faults; nothing is waited for longer
than the terms allow. Must not know the HTTP library: how an attempt reaches the partner is handed in.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urljoin, urlsplit

from airflow_provider_partners.api.addresses import origin
from airflow_provider_partners.api.faults import Action, Fault, FaultTable, retry_after
from airflow_provider_partners.api.redact import Redactor, sensitive
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PartnersError,
    RejectedError,
    ThrottledError,
    TransientError,
    UnexpectedResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_partners.api.auth import Auth
    from airflow_provider_partners.api.budget import Budget
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.messages import Request, Response
    from airflow_provider_partners.api.usage import Usage

log = logging.getLogger("airflow_provider_partners.api")

_ERRORS: Mapping[Action, type[PartnersError]] = {
    Action.REAUTHENTICATE: AuthenticationError,
    Action.REFUSE_CREDENTIALS: AuthenticationError,
    Action.MISCONFIGURED: ConfigurationError,
    Action.REJECT: RejectedError,
    Action.NOT_FOUND: NotFoundError,
    Action.CONFLICT: ConflictError,
    Action.UNEXPECTED: UnexpectedResponseError,
}
"""What a call ends in when its fault can't be waited out."""

_LONGEST_BACK_OFF = 30.0
_NOTABLE_WAIT = 5.0
"""Seconds. A shorter wait for the budget is everyday business and only logged for debugging."""
_SLICE = 5.0
"""Seconds after which a wait looks whether the client was closed meanwhile."""
MOST_HOPS = 3
"""Redirects that one call follows."""


class NoAnswerError(Exception):
    """An attempt brought no answer; never leaves a call.

    :param action: what to do about it
    """

    def __init__(self, message: str, action: Action = Action.RETRY) -> None:
        super().__init__(message)
        self.action = action


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all calls of a client go by; see :class:`~airflow_provider_partners.api.transport.Transport`."""

    partner: str
    auth: Auth | None
    budget: Budget
    faults: FaultTable
    observe: Callable[[Response, Budget], None] | None
    deadline: float
    max_wait: float
    max_attempts: int
    clock: Clock
    redactor: Redactor
    usage: Usage
    closed: Callable[[], bool]


class Exchange(Protocol):
    """One attempt: sends, and reads the whole answer."""

    def __call__(self, request: Request, url: str, headers: Mapping[str, str], *, ends: float) -> Response:
        """Send.

        :param request: what to send
        :param url: where to, with its query
        :param headers: the credentials
        :param ends: the clock's time at which to give up
        :raises NoAnswerError: when there was no answer
        """


class Call:
    """A request under way.

    :param request: what to send
    :param url: where to, with its query; never logged
    :param terms: what it goes by
    :param exchange: makes one attempt
    """

    def __init__(self, request: Request, url: str, terms: Terms, exchange: Exchange) -> None:
        self._request = request
        self._url = url
        self._terms = terms
        self._exchange = exchange
        self._label = request.label or request.method
        self._begun = terms.clock.monotonic()
        self._ends = self._begun + terms.deadline
        self._not_before = self._begun
        self._failures = 0
        self._throttles = 0
        self._hops = 0
        self._renewed = False

    def run(self) -> Response:
        """Send until it succeeds.

        :returns: a success
        :raises PartnersError: by what should happen next
        """
        while True:
            self._take_turn()
            headers = self._credentials()
            response, fault = self._attempt(headers)
            if response is not None and self._redirected(response):
                continue
            if response is not None and fault is None:
                return response
            self._settle(fault or Fault(Action.RETRY, "no answer"), response, headers)

    def _take_turn(self) -> None:
        """Wait until the budget grants the request and the last fault's pause is over."""
        now = self._terms.clock.monotonic()
        within = max(0.0, min(self._terms.max_wait, self._ends - now))
        granted_in = self._terms.budget.reserve(self._request.cost, within=within)
        if granted_in > within:
            message = f"{self._label}: the budget's next turn is {granted_in:.0f} s away, too long to wait for here"
            raise ThrottledError(message, retry_after=granted_in, partner=self._terms.partner)
        pause = self._not_before - now
        if granted_in > max(pause, 0.0):
            level = logging.INFO if granted_in >= _NOTABLE_WAIT else logging.DEBUG
            log.log(level, "%s %s: waiting %.1f s for the budget", self._terms.partner, self._label, granted_in)
        self._sleep(max(granted_in, pause))

    def _sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        self._terms.usage.slept(seconds)
        while seconds > 0:
            self._terms.clock.sleep(min(seconds, _SLICE))
            seconds -= _SLICE
            if self._terms.closed():
                message = f"{self._label}: the client was closed while this call waited"
                raise TransientError(message, partner=self._terms.partner)

    def _credentials(self) -> Mapping[str, str]:
        if self._terms.auth is None or not self._request.authenticated:
            return {}
        headers = self._terms.auth.headers()
        for name, value in headers.items():
            if sensitive(name):
                self._terms.redactor.add(value, value.rpartition(" ")[2])
        return headers

    def _attempt(self, headers: Mapping[str, str]) -> tuple[Response | None, Fault | None]:
        terms = self._terms
        terms.usage.sent(self._label)
        try:
            response = self._exchange(self._request, self._url, headers, ends=self._ends)
        except NoAnswerError as error:
            return None, Fault(error.action, terms.redactor(str(error)))
        if terms.observe:
            try:
                terms.observe(response, terms.budget)
            except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
                # Headers and costs are hints: one that can't be read must not cost the answer.
                log.debug("%s %s: its rate headers can't be read", terms.partner, self._label, exc_info=True)
        return response, terms.faults.fault(response, redact=terms.redactor)

    def _redirected(self, response: Response) -> bool:
        """Whether to follow: within the same origin, and only where method and body stay what they are."""
        location = response.headers.get("location")
        if response.status not in {307, 308} or not location or self._hops >= MOST_HOPS:
            return False
        target = urljoin(self._url, location)
        if origin(target) != origin(self._url):
            # Credentials must not go to another host. A shop that was renamed answers like this.
            host = urlsplit(target).hostname or "nowhere"
            remedy = "If that is the right one, set it as the connection's host."
            raise self._error(UnexpectedResponseError, f"redirected to another host, {host}", response, remedy)
        self._url = target
        self._hops += 1
        return True

    def _settle(self, fault: Fault, response: Response | None, headers: Mapping[str, str]) -> None:
        """Prepare the next attempt, or raise what the call ends in."""
        if fault.action is Action.RETRY:
            self._retry(fault, response)
        elif fault.action is Action.THROTTLE:
            self._throttle(fault, response)
        elif fault.action is not Action.REAUTHENTICATE or not self._renew(headers):
            raise self._error(fault.raises or _ERRORS[fault.action], fault.message, response, fault.remedy)

    def _renew(self, refused: Mapping[str, str]) -> bool:
        """Try other credentials, once per call: refused anew, they will not get better."""
        auth = self._terms.auth
        if auth is None or not self._request.authenticated or self._renewed:
            return False
        self._renewed = True
        again = auth.refresh(refused)
        if again:
            log.info("%s %s: credentials were refused, trying renewed ones", self._terms.partner, self._label)
        return again

    def _retry(self, fault: Fault, response: Response | None) -> None:
        self._failures += 1
        asked = self._asked(fault, response)
        if asked and self._too_long(asked):
            raise self._throttled(fault, response, asked)
        wait = self._pause(asked, self._failures)
        if self._failures >= self._terms.max_attempts or self._too_long(wait):
            spent = self._terms.clock.monotonic() - self._begun
            last = _told(fault, response)
            message = f"gave up after {self._failures} attempts in {spent:.0f} s; the last one: {last}"
            raise self._error(TransientError, message, response, fault.remedy)
        self._terms.usage.repeated()
        self._note(fault, response, wait, f"attempt {self._failures} of {self._terms.max_attempts}")
        self._not_before = self._terms.clock.monotonic() + wait

    def _throttle(self, fault: Fault, response: Response | None) -> None:
        self._throttles += 1
        self._terms.usage.refused()
        asked = self._asked(fault, response)
        wait = self._pause(asked, self._throttles)
        # Whoever shares the budget is spared the same refusal.
        self._terms.budget.observe(blocked_for=wait, cost=self._request.cost)
        if self._too_long(asked or wait):
            raise self._throttled(fault, response, asked or wait)
        self._note(fault, response, wait, "throttled")
        self._not_before = self._terms.clock.monotonic() + wait

    def _asked(self, fault: Fault, response: Response | None) -> float | None:
        if fault.retry_after is not None or response is None:
            return fault.retry_after
        return retry_after(response, self._terms.clock.time())

    def _pause(self, asked: float | None, times: int) -> float:
        """How long to wait: what was asked for and a little more, since clocks differ; else by our own ladder."""
        if not asked:
            return _back_off(times)
        return max(asked, min(asked + random.uniform(0.05, 0.25), self._terms.max_wait))

    def _too_long(self, wait: float) -> bool:
        return wait > self._terms.max_wait or self._terms.clock.monotonic() + wait > self._ends

    def _note(self, fault: Fault, response: Response | None, wait: float, state: str) -> None:
        log.info(
            "%s %s: %s; %s, again in %.1f s",
            self._terms.partner,
            self._label,
            _told(fault, response),
            state,
            wait,
        )

    def _throttled(self, fault: Fault, response: Response | None, wait: float) -> ThrottledError:
        message = f"{self._label}: asked to wait {wait:.0f} s, too long to wait here: {fault.message}"
        return ThrottledError(
            message,
            retry_after=wait,
            remedy=fault.remedy,
            partner=self._terms.partner,
            status=response.status if response else None,
            request_id=response.request_id if response else None,
        )

    def _error(
        self, kind: Callable[..., PartnersError], message: str, response: Response | None, remedy: str | None
    ) -> PartnersError:
        return kind(
            f"{self._label}: {message}",
            remedy=remedy,
            partner=self._terms.partner,
            status=response.status if response else None,
            request_id=response.request_id if response else None,
        )


def _told(fault: Fault, response: Response | None) -> str:
    if response is None:
        return fault.message
    phrases = {status.value: status.phrase for status in HTTPStatus}
    return f"HTTP {response.status} {phrases.get(response.status, '')}".rstrip() + f": {fault.message}"


def _back_off(failures: int) -> float:
    """From half a second to one, doubled each time, at most half a minute; spread, so that threads part."""
    longest = min(_LONGEST_BACK_OFF, 2.0 ** (failures - 1))
    return random.uniform(longest / 2, longest)
