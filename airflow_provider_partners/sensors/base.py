"""What the partners' sensors share: looking once, bearing failures, waiting on a worker or in the triggerer.

Knows Airflow and no partner. A sensor says which condition it waits for and of what; what it means to be met is in
``conditions``, for the worker and the triggerer alike.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from airflow_provider_partners import timestamps
from airflow_provider_partners._compat import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    conf,
    utcnow,
)
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    PartnersError,
    RejectedError,
    ThrottledError,
)
from airflow_provider_partners.operators.base import Context, PartnerTaskError
from airflow_provider_partners.sensors.failure_count import FailureCount
from airflow_provider_partners.triggers.base import DONE, FAILED, FATAL, MIN_PAUSE, TIMEOUT, validate_event
from airflow_provider_partners.triggers.condition import ConditionTrigger
from airflow_provider_partners.triggers.conditions import evaluate

if TYPE_CHECKING:
    from airflow_provider_partners.hooks.base import PartnerHook

FATAL_ERRORS = (ConfigurationError, AuthenticationError, RejectedError)
"""What asking the same again can't cure."""

TRIGGER_GRACE_PERIOD = timedelta(minutes=10)
"""How much longer than the trigger Airflow itself waits, in case that no triggerer runs."""

_CLOSE_TIMEOUT = 5.0


class PartnerSensor(BaseSensorOperator):
    """Waits until a condition is met at a partner.

    ``timeout`` bounds the wait: when it is up, the sensor fails for good. ``execution_timeout`` bounds a try, in the
    triggerer too: when it is up, the try fails and the task's ``retries`` count. With ``soft_fail`` or ``never_fail``
    the task is skipped wherever it would fail, also after it was deferred.

    A wait that the partner asks for is granted, and is no failure.

    :param deferrable: whether to wait in the triggerer, without a worker's slot; ``mode`` doesn't matter then.
        ``[operators] default_deferrable`` by default
    :param max_failures: questions in a row that may fail by faults of the network or the partner; refused credentials,
        wrong arguments and the like fail at once
    """

    condition_name: ClassVar[str]
    """The condition, by its name in ``conditions``."""

    _hook: PartnerHook[Any] | None = None
    _spec: dict[str, Any] | None = None
    _failures: FailureCount | None = None
    _last_poke_at: float = float("-inf")
    _not_before: datetime | None = None
    _stopped: bool = False

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        max_failures: int = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable
        self.max_failures = max_failures

    @abstractmethod
    def hook(self) -> PartnerHook[Any]:
        """The partner's hook."""

    def hook_params(self) -> dict[str, Any]:
        """What the hook is made of besides the connection, as JSON: a trigger makes it anew."""
        return {}

    @abstractmethod
    def condition_spec(self) -> dict[str, Any]:
        """What the condition is about, as JSON; the same at every look.

        :raises ConfigurationError: when an argument can't be right
        """

    def execute(self, context: Any) -> Any:
        """Wait."""
        started = utcnow()
        with self._skipping_soft_failures(), self._closing_hook():
            if self.deferrable:
                result = self.poke(context)
                if not result.is_done:
                    self._defer(started)
                return result.xcom_value
            try:
                return super().execute(context)
            except AirflowRescheduleException as error:
                self._reschedule(error, context, started)

    def poke(self, context: Any) -> PokeReturnValue:
        """Look once.

        :param context: the task's context
        :raises AirflowFailException: when looking again is of no use
        :raises PartnerTaskError: when looking failed too often in a row
        """
        self._wait_between_pokes()
        if self._not_before is not None and utcnow() < self._not_before:
            return PokeReturnValue(False)
        self._failures = self._failures or FailureCount(
            context, persistent=self.mode == "reschedule" and not self.deferrable
        )
        spec = self._cached_spec()
        try:
            result = evaluate(self.condition_name, self._client(), spec)
        except ThrottledError as error:
            self._not_before = utcnow() + timedelta(seconds=max(error.retry_after, MIN_PAUSE))
            self.log.info("%s", error)
            return PokeReturnValue(False)
        except FATAL_ERRORS as error:
            raise AirflowFailException(str(error)) from error
        except PartnersError as error:
            self._count_failure(error, self._failures)
            return PokeReturnValue(False)
        self._failures.reset()
        if result.impossible_reason:
            raise AirflowFailException(result.impossible_reason)
        self.log.info("%s: %s", "Met" if result.met else "Not yet", result.details)
        return PokeReturnValue(result.met, result.details)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on where the trigger left off; the event holds all that is needed.

        :param context: the task's context
        :param event: what the trigger told
        """
        try:
            payload = validate_event(event)
        except PartnersError as error:
            raise PartnerTaskError(str(error)) from error
        status, message = payload["status"], str(payload.get("message") or "")
        if status == DONE:
            if not isinstance(payload.get("details"), Mapping):
                reason = "The trigger says that the condition is met, but not what it found"
                raise PartnerTaskError(reason)
            self.log.info("Met: %s", payload["details"])
            return dict(payload["details"])
        if status == TIMEOUT:
            self._raise_timeout()
        if status == FAILED or payload.get("kind") == FATAL:
            raise AirflowFailException(message)
        raise PartnerTaskError(message)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Go on after the deferral.

        Airflow applies ``soft_fail`` here by itself, but ``never_fail`` since 3.1 only, and neither to all timeouts.
        """
        with self._skipping_soft_failures():
            return super().resume_execution(next_method, next_kwargs, context)

    def on_kill(self) -> None:
        """Stop asking; there is nothing at the partner's to take back."""
        self._stopped = True
        if self._hook is not None:
            # In a thread of its own: this may run inside of a signal's handler, amid a call that holds locks.
            thread = threading.Thread(target=self._hook.close, daemon=True)
            thread.start()
            thread.join(_CLOSE_TIMEOUT)

    def _defer(self, started: datetime) -> NoReturn:
        hook = self.hook()
        deadline = started + timedelta(seconds=self._allowed_seconds())
        trigger = ConditionTrigger(
            conn_type=hook.conn_type,
            conn_id=hook.conn_id,
            hook_params=self.hook_params(),
            condition=self.condition_name,
            spec=self._cached_spec(),
            poll_interval=self.poke_interval,
            max_pause=self._max_pause(),
            not_before=self._not_before.timestamp() if self._not_before else None,
            deadline=deadline.timestamp(),
            max_failures=self.max_failures,
        )
        self.defer(
            trigger=trigger,
            method_name="execute_complete",
            timeout=max(deadline - utcnow(), timedelta()) + TRIGGER_GRACE_PERIOD,
        )

    def _cached_spec(self) -> dict[str, Any]:
        """The question, made once."""
        if self._spec is None:
            try:
                self._spec = self.condition_spec()
            except FATAL_ERRORS as error:
                raise AirflowFailException(str(error)) from error
            except PartnersError as error:
                raise PartnerTaskError(str(error)) from error
        return self._spec

    def _client(self) -> Any:
        if self._hook is None:
            self._hook = self.hook()
            # Long waits are this sensor's, not the client's.
            self._hook.short_timeouts = True
        return self._hook.get_conn()

    def _wait_between_pokes(self) -> None:
        """Part two looks, however short the interval is; and don't begin another after the task was told to stop."""
        wait = self._last_poke_at + MIN_PAUSE - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        if self._stopped:
            message = "The task was told to stop while it waited"
            raise PartnerTaskError(message)
        self._last_poke_at = time.monotonic()

    def _count_failure(self, error: PartnersError, failures: FailureCount) -> None:
        count = failures.add()
        if count >= self.max_failures:
            failures.reset()
            message = f"Asking failed {count} times in a row, at last with: {error}"
            raise PartnerTaskError(message) from error
        self.log.warning("Asking failed, %d of %d times: %s", count, self.max_failures, error)

    def _reschedule(self, error: AirflowRescheduleException, context: Any, started: datetime) -> NoReturn:
        """Come back at the end of the interval, or of a longer wait that the partner asked for, but not too late."""
        if self._not_before is None or self._not_before <= error.reschedule_date:
            raise error
        first = timestamps.parse(context["ti"].get_first_reschedule_date(context) or started, "the first look")
        latest = first + timedelta(seconds=self.timeout)
        later = max(error.reschedule_date, min(self._not_before, latest))
        raise AirflowRescheduleException(later) from error  # type: ignore[no-untyped-call]

    def _allowed_seconds(self) -> float:
        """Seconds until the first of the two deadlines."""
        timeout = float(self.timeout)
        return timeout if self.execution_timeout is None else min(timeout, self.execution_timeout.total_seconds())

    def _raise_timeout(self) -> NoReturn:
        message = f"The condition wasn't met within {timedelta(seconds=self._allowed_seconds())}"
        if self._allowed_seconds() < self.timeout:
            raise AirflowTaskTimeout(message)
        raise AirflowSensorTimeout(message)

    def _max_pause(self) -> float | None:
        if not self.exponential_backoff:
            return None
        return self.max_wait.total_seconds() if self.max_wait else self._allowed_seconds()

    @contextmanager
    def _skipping_soft_failures(self) -> Iterator[None]:
        """Skip where a failure is not to fail the task."""
        try:
            yield
        except (AirflowSkipException, AirflowRescheduleException):
            raise
        except (AirflowException, AirflowTaskTimeout) as error:
            if not (self.soft_fail or self.never_fail):
                raise
            option = "soft_fail" if self.soft_fail else "never_fail"
            message = f"Skipped and not failed, by {option}: {error}"
            raise AirflowSkipException(message) from error

    @contextmanager
    def _closing_hook(self) -> Iterator[None]:
        """Close the client in the end."""
        try:
            yield
        finally:
            if self._hook is not None:
                self._hook.close()
