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
from airflow_provider_partners.conditions import evaluate
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    PartnersError,
    RejectedError,
    ThrottledError,
)
from airflow_provider_partners.operators.base import Context, PartnerTaskError
from airflow_provider_partners.sensors.failures import Failures
from airflow_provider_partners.triggers.base import DONE, FAILED, FATAL, SHORTEST_PAUSE, TIMEOUT, checked
from airflow_provider_partners.triggers.condition import ConditionTrigger
from airflow_provider_partners.windows import moment

if TYPE_CHECKING:
    from airflow_provider_partners.hooks.base import PartnerHook

HOPELESS = (ConfigurationError, AuthenticationError, RejectedError)
"""What asking the same again can't cure."""

GRACE = timedelta(minutes=10)
"""How much longer than the trigger Airflow itself waits, in case that no triggerer runs."""

_CLOSE_WITHIN = 5.0


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

    waits_for: ClassVar[str]
    """The condition, by its name in ``conditions``."""

    _hook: PartnerHook[Any] | None = None
    _question: dict[str, Any] | None = None
    _failures: Failures | None = None
    _asked_at: float = float("-inf")
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
    def question(self) -> dict[str, Any]:
        """What the condition is about, as JSON; the same at every look.

        :raises ConfigurationError: when an argument can't be right
        """

    def execute(self, context: Any) -> Any:
        """Wait."""
        started = utcnow()
        with self._forgiving(), self._letting_go():
            if self.deferrable:
                looked = self.poke(context)
                if not looked.is_done:
                    self._defer(started)
                return looked.xcom_value
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
        self._pause()
        if self._not_before is not None and utcnow() < self._not_before:
            return PokeReturnValue(False)
        self._failures = self._failures or Failures(context, lasting=self.mode == "reschedule" and not self.deferrable)
        question = self._asked()
        try:
            finding = evaluate(self.waits_for, self._client(), question)
        except ThrottledError as error:
            self._not_before = utcnow() + timedelta(seconds=max(error.retry_after, SHORTEST_PAUSE))
            self.log.info("%s", error)
            return PokeReturnValue(False)
        except HOPELESS as error:
            raise AirflowFailException(str(error)) from error
        except PartnersError as error:
            self._bear(error, self._failures)
            return PokeReturnValue(False)
        self._failures.forget()
        if finding.never:
            raise AirflowFailException(finding.never)
        self.log.info("%s: %s", "Met" if finding.met else "Not yet", finding.found)
        return PokeReturnValue(finding.met, finding.found)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on where the trigger left off; the event holds all that is needed.

        :param context: the task's context
        :param event: what the trigger told
        """
        try:
            told = checked(event)
        except PartnersError as error:
            raise PartnerTaskError(str(error)) from error
        status, message = told["status"], str(told.get("message") or "")
        if status == DONE:
            if not isinstance(told.get("found"), Mapping):
                reason = "The trigger says that the condition is met, but not what it found"
                raise PartnerTaskError(reason)
            self.log.info("Met: %s", told["found"])
            return dict(told["found"])
        if status == TIMEOUT:
            self._too_late()
        if status == FAILED or told.get("kind") == FATAL:
            raise AirflowFailException(message)
        raise PartnerTaskError(message)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Go on after the deferral.

        Airflow applies ``soft_fail`` here by itself, but ``never_fail`` since 3.1 only, and neither to all timeouts.
        """
        with self._forgiving():
            return super().resume_execution(next_method, next_kwargs, context)

    def on_kill(self) -> None:
        """Stop asking; there is nothing at the partner's to take back."""
        self._stopped = True
        if self._hook is not None:
            # In a thread of its own: this may run inside of a signal's handler, amid a call that holds locks.
            thread = threading.Thread(target=self._hook.close, daemon=True)
            thread.start()
            thread.join(_CLOSE_WITHIN)

    def _defer(self, started: datetime) -> NoReturn:
        hook = self.hook()
        until = started + timedelta(seconds=self._allowed())
        trigger = ConditionTrigger(
            hook=hook.conn_type,
            conn_id=hook.conn_id,
            hook_params=self.hook_params(),
            condition=self.waits_for,
            question=self._asked(),
            poll_interval=self.poke_interval,
            longest_pause=self._longest_pause(),
            not_before=self._not_before.timestamp() if self._not_before else None,
            deadline=until.timestamp(),
            max_failures=self.max_failures,
        )
        self.defer(trigger=trigger, method_name="execute_complete", timeout=max(until - utcnow(), timedelta()) + GRACE)

    def _asked(self) -> dict[str, Any]:
        """The question, made once."""
        if self._question is None:
            try:
                self._question = self.question()
            except HOPELESS as error:
                raise AirflowFailException(str(error)) from error
            except PartnersError as error:
                raise PartnerTaskError(str(error)) from error
        return self._question

    def _client(self) -> Any:
        if self._hook is None:
            self._hook = self.hook()
            # Long waits are this sensor's, not the client's.
            self._hook.brief = True
        return self._hook.get_conn()

    def _pause(self) -> None:
        """Part two looks, however short the interval is; and don't begin another after the task was told to stop."""
        left = self._asked_at + SHORTEST_PAUSE - time.monotonic()
        if left > 0:
            time.sleep(left)
        if self._stopped:
            message = "The task was told to stop while it waited"
            raise PartnerTaskError(message)
        self._asked_at = time.monotonic()

    def _bear(self, error: PartnersError, failures: Failures) -> None:
        count = failures.add()
        if count >= self.max_failures:
            failures.forget()
            message = f"Asking failed {count} times in a row, at last with: {error}"
            raise PartnerTaskError(message) from error
        self.log.warning("Asking failed, %d of %d times: %s", count, self.max_failures, error)

    def _reschedule(self, error: AirflowRescheduleException, context: Any, started: datetime) -> NoReturn:
        """Come back at the end of the interval, or of a longer wait that the partner asked for, but not too late."""
        if self._not_before is None or self._not_before <= error.reschedule_date:
            raise error
        first = moment(context["ti"].get_first_reschedule_date(context) or started, "the first look")
        in_time = first + timedelta(seconds=self.timeout)
        later = max(error.reschedule_date, min(self._not_before, in_time))
        raise AirflowRescheduleException(later) from error  # type: ignore[no-untyped-call]

    def _allowed(self) -> float:
        """Seconds until the first of the two deadlines."""
        whole = float(self.timeout)
        return whole if self.execution_timeout is None else min(whole, self.execution_timeout.total_seconds())

    def _too_late(self) -> NoReturn:
        message = f"The condition wasn't met within {timedelta(seconds=self._allowed())}"
        if self._allowed() < self.timeout:
            raise AirflowTaskTimeout(message)
        raise AirflowSensorTimeout(message)

    def _longest_pause(self) -> float | None:
        if not self.exponential_backoff:
            return None
        return self.max_wait.total_seconds() if self.max_wait else self._allowed()

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        """Skip where a failure is not to fail the task."""
        try:
            yield
        except (AirflowSkipException, AirflowRescheduleException):
            raise
        except (AirflowException, AirflowTaskTimeout) as error:
            if not (self.soft_fail or self.never_fail):
                raise
            told_by = "soft_fail" if self.soft_fail else "never_fail"
            message = f"Skipped and not failed, by {told_by}: {error}"
            raise AirflowSkipException(message) from error

    @contextmanager
    def _letting_go(self) -> Iterator[None]:
        """Close the client in the end."""
        try:
            yield
        finally:
            if self._hook is not None:
                self._hook.close()
