"""Base class of the provider's sensors: check a condition, tolerate failures, wait on a worker or in the triggerer.

This module knows Airflow and no partner. A subclass names the condition and builds its spec. The conditions themselves
are in ``triggers/conditions.py``, for the worker and the triggerer alike.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
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
from airflow_provider_partners.arguments import Check, SharedSignature, check_arguments, check_count
from airflow_provider_partners.exceptions import (
    FatalError,
    NotDefinedError,
    PartnersError,
    RejectedError,
    ThrottledError,
)
from airflow_provider_partners.failures import TaskFailure
from airflow_provider_partners.observability.activity import TaskActivity
from airflow_provider_partners.sensors.failure_count import FailureCount
from airflow_provider_partners.task_errors import Context, FatalTaskError, PartnerTaskError
from airflow_provider_partners.triggers.base import DONE, FAILED, FATAL, MIN_PAUSE, TIMEOUT, validate_event
from airflow_provider_partners.triggers.condition import ConditionTrigger
from airflow_provider_partners.triggers.conditions import evaluate

if TYPE_CHECKING:
    from airflow_provider_partners.hooks.base import PartnerHook

_FATAL_ERRORS = (FatalError, RejectedError)
"""Errors that the same request would end in again."""

TRIGGER_GRACE_PERIOD = timedelta(minutes=10)
"""Airflow waits this much longer than the trigger, in case no triggerer runs."""

_CLOSE_TIMEOUT = 5.0


class ImpossibleConditionError(AirflowFailException):
    """The condition can never be met."""


_SOFT_FAILURES = (ImpossibleConditionError, AirflowSensorTimeout, AirflowTaskTimeout)
"""The failures that ``soft_fail`` skips. Misconfiguration is none, see https://github.com/apache/airflow/issues/71255."""


class PartnerSensor(BaseSensorOperator):
    """Waits until a condition is met at a partner.

    When a try has waited for ``timeout``, the sensor fails for good. After ``execution_timeout`` the try fails, and the
    task's ``retries`` count; this holds in the triggerer too.

    With ``soft_fail`` the task is skipped when a deadline has passed, or when the condition can never be met. Every
    other failure still fails it, such as a wrong argument, or a connection that is not found until the deadline. With
    ``never_fail`` every failure skips it. Both hold after a deferral too.

    A wait that the partner requests is no failure.

    :param deferrable: wait in the triggerer, without a worker slot; ``mode`` has no effect then.
        ``[operators] default_deferrable`` by default
    :param max_failures: failed checks in a row before the sensor fails. Network errors and errors of the partner
        count; refused credentials and wrong arguments fail at once (templated)
    """

    __signature__ = SharedSignature()

    template_fields: Sequence[str] = ("max_failures",)
    argument_checks: ClassVar[Mapping[str, Check]] = {"max_failures": check_count}
    """What each argument must be, once templates are rendered."""

    condition_name: ClassVar[str]
    """Name of the condition in :data:`~airflow_provider_partners.triggers.conditions.CONDITIONS`."""

    trigger_class: ClassVar[type[ConditionTrigger]] = ConditionTrigger

    _hook: PartnerHook[Any] | None = None
    _activity: TaskActivity | None = None
    """The account, for links."""
    _spec: dict[str, Any] | None = None
    _failures: FailureCount | None = None
    _last_error: PartnersError | None = None
    _last_poke_at: float = float("-inf")
    _not_before: datetime | None = None
    _stopped: bool = False

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        max_failures: int | str = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable
        self.max_failures: Any = max_failures

    @abstractmethod
    def hook(self) -> PartnerHook[Any]:
        """Return the partner's hook."""

    def hook_params(self) -> dict[str, Any]:
        """Return the hook's further arguments as JSON, from which the trigger builds its own hook."""
        return {}

    @abstractmethod
    def condition_spec(self) -> dict[str, Any]:
        """Return the condition's spec as JSON; it stays the same for all checks.

        :raises ConfigurationError: when an argument is wrong
        """

    def execute(self, context: Any) -> Any:
        """Wait until the condition is met, and return its details."""
        started = utcnow()
        with self._explaining_failures(), self._skipping_soft_failures(), self._closing_hook():
            if self.deferrable:
                result = self.poke(context)
                if not result.is_done:
                    self._defer(started)
                return result.xcom_value
            try:
                return super().execute(context)
            except AirflowRescheduleException as error:
                self._reschedule(error, context, started)
            except (AirflowSensorTimeout, AirflowTaskTimeout, AirflowSkipException) as error:
                # Airflow itself skips after a timeout with soft_fail; then there is no cause.
                if self._last_error is None or error.__cause__ is not None:
                    raise
                self._raise_timeout_of(error, self._last_error)

    def poke(self, context: Any) -> PokeReturnValue:
        """Check the condition once.

        :raises AirflowFailException: when another check cannot help
        :raises PartnerTaskError: when too many checks failed in a row
        """
        self._wait_between_pokes()
        if self._not_before is not None and utcnow() < self._not_before:
            return PokeReturnValue(False)
        self._failures = self._failures or FailureCount(
            context, persistent=self.mode == "reschedule" and not self.deferrable
        )
        spec = self._build_spec()
        try:
            result = evaluate(self.condition_name, self._client(), spec)
        except ThrottledError as error:
            self._not_before = utcnow() + timedelta(seconds=max(error.retry_after, MIN_PAUSE))
            self.log.info("%s", error)
            return PokeReturnValue(False)
        except _FATAL_ERRORS as error:
            raise FatalTaskError(str(error), error=error) from None
        except PartnersError as error:
            self._count_failure(error, self._failures)
            return PokeReturnValue(False)
        self._failures.reset()
        self._last_error = None
        if result.impossible_reason:
            raise ImpossibleConditionError(result.impossible_reason)
        self.log.info("%s: %s", "Met" if result.met else "Not yet", result.details)
        return PokeReturnValue(result.met, result.details)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Continue after the trigger's event, which holds everything that is needed.

        :param event: the trigger's payload
        """
        # Airflow asks for links again when a task ends, and the worker that deferred it is another one.
        self._record_partner()
        try:
            payload = validate_event(event)
        except PartnersError as error:
            raise PartnerTaskError(str(error), error=error) from None
        status, message = payload["status"], str(payload.get("message") or "")
        if status == DONE:
            if not isinstance(payload.get("details"), Mapping):
                reason = "The trigger's event says that the condition is met, but it has no details"
                raise PartnerTaskError(reason)
            self.log.info("Met: %s", payload["details"])
            return dict(payload["details"])
        if status == TIMEOUT:
            self._raise_timeout(message, misconfigured=payload.get("kind") == FATAL)
        if status == FAILED:
            raise ImpossibleConditionError(message)
        if payload.get("kind") == FATAL:
            raise AirflowFailException(message)
        raise PartnerTaskError(message)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Continue after the deferral.

        Airflow applies ``soft_fail`` here itself, to more failures than on a worker, and ``never_fail`` only from 3.1
        on. It applies neither of them to all timeouts.
        """
        with self._explaining_failures(), self._skipping_soft_failures():
            return super().resume_execution(next_method, next_kwargs, context)

    def on_kill(self) -> None:
        """Stop checking; there is nothing to cancel at the partner."""
        self._stopped = True
        if self._hook is not None:
            # In its own thread: this may run in a signal handler, during a call that holds locks.
            thread = threading.Thread(target=self._hook.close, daemon=True)
            thread.start()
            thread.join(_CLOSE_TIMEOUT)

    def _defer(self, started: datetime) -> NoReturn:
        hook = self.hook()
        deadline = started + timedelta(seconds=self._allowed_seconds())
        trigger = self.trigger_class(
            conn_type=hook.conn_type,
            conn_id=hook.conn_id,
            hook_params=self.hook_params(),
            condition=self.condition_name,
            spec=self._build_spec(),
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

    def _build_spec(self) -> dict[str, Any]:
        """Build the spec once, with errors that Airflow acts upon."""
        if self._spec is None:
            try:
                check_arguments(self, self.argument_checks)
                self._spec = self.condition_spec()
            except _FATAL_ERRORS as error:
                raise FatalTaskError(str(error), error=error) from None
            except PartnersError as error:
                raise PartnerTaskError(str(error), error=error) from None
        return self._spec

    def _client(self) -> Any:
        if self._hook is None:
            self._hook = self.hook()
            # The sensor waits between checks, not the client.
            self._hook.short_timeouts = True
            self._record_partner()
        return self._hook.get_conn()

    def _record_partner(self) -> None:
        """Record the account, so that links lead to it. A wrong connection is an error of what uses it next."""
        with suppress(PartnersError):
            hook, self._activity = self._hook or self.hook(), TaskActivity()
            self._activity.set_partner(
                api=hook.conn_type, account=hook.account, host=hook.host, console_url=hook.console_url
            )

    def _wait_between_pokes(self) -> None:
        """Keep a shortest pause between two checks, and start none after the task was stopped."""
        wait = self._last_poke_at + MIN_PAUSE - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        if self._stopped:
            message = "The task was stopped while it waited"
            raise PartnerTaskError(message)
        self._last_poke_at = time.monotonic()

    def _count_failure(self, error: PartnersError, failures: FailureCount) -> None:
        self._last_error = error
        count = failures.add()
        if count >= self.max_failures:
            failures.reset()
            message = f"The check failed {count} times in a row; the last error: {error}"
            raise PartnerTaskError(message, error=error) from None
        self.log.warning("The check failed, %d of %d times: %s", count, self.max_failures, error)

    def _reschedule(self, error: AirflowRescheduleException, context: Any, started: datetime) -> NoReturn:
        """Reschedule to the end of the interval, or of a longer wait that the partner requested, within the timeout."""
        if self._not_before is None or self._not_before <= error.reschedule_date:
            raise error
        first = timestamps.parse(context["ti"].get_first_reschedule_date(context) or started, "first reschedule date")
        latest = first + timedelta(seconds=self.timeout)
        later = max(error.reschedule_date, min(self._not_before, latest))
        raise AirflowRescheduleException(later) from error  # type: ignore[no-untyped-call]

    def _allowed_seconds(self) -> float:
        """Return the seconds until the earlier of the two deadlines."""
        timeout = float(self.timeout)
        return timeout if self.execution_timeout is None else min(timeout, self.execution_timeout.total_seconds())

    def _raise_timeout(self, reason: str, *, misconfigured: bool) -> NoReturn:
        message = f"The condition was not met within {timedelta(seconds=self._allowed_seconds())}: {reason}"
        raise _timeout(message, of_try=self._allowed_seconds() < self.timeout, misconfigured=misconfigured)

    def _raise_timeout_of(self, timeout: BaseException, last_error: PartnersError) -> NoReturn:
        """Raise a timeout with the error of the last check: what hides behind the timeout is what to mend."""
        message = f"{str(timeout).rstrip('.')}. The last check failed: {last_error}"
        of_try, misconfigured = isinstance(timeout, AirflowTaskTimeout), isinstance(last_error, NotDefinedError)
        raise _timeout(message, of_try=of_try, misconfigured=misconfigured) from last_error

    def _max_pause(self) -> float | None:
        if not self.exponential_backoff:
            return None
        return self.max_wait.total_seconds() if self.max_wait else self._allowed_seconds()

    @contextmanager
    def _skipping_soft_failures(self) -> Iterator[None]:
        """Skip the task instead of failing it, if its arguments say so."""
        try:
            yield
        except AirflowRescheduleException:
            raise
        except AirflowSkipException as error:
            # Airflow skips more than soft_fail should: take its decision back.
            cause = error.__cause__
            if self.soft_fail and cause is not None and not isinstance(cause, _SOFT_FAILURES):
                raise cause from cause.__cause__
            raise
        except (AirflowException, AirflowTaskTimeout) as error:
            if not (self.never_fail or (self.soft_fail and isinstance(error, _SOFT_FAILURES))):
                raise
            option = "soft_fail" if self.soft_fail else "never_fail"
            message = f"Skipped instead of failed, because of {option}: {error}"
            raise AirflowSkipException(message) from error

    @contextmanager
    def _explaining_failures(self) -> Iterator[None]:
        """Log what failed in short lines, for which shop and connection, and what to do."""
        try:
            yield
        except (AirflowRescheduleException, AirflowSkipException):
            raise
        except (AirflowException, AirflowTaskTimeout) as error:
            cause = getattr(error, "error", None) or self._last_error
            shop, connection = self._subject()
            failure = TaskFailure(message=str(error), shop=shop, connection=connection)
            if cause is not None and cause.remedy and str(error).endswith(cause.remedy):
                message = str(error).removesuffix(cause.remedy).rstrip()
                failure = replace(failure, message=message, remedy=cause.remedy)
            self.log.error("%s", failure)  # noqa: TRY400  # Airflow logs the traceback
            raise

    def _subject(self) -> tuple[str | None, str | None]:
        """Return the shop and the id of the connection that the sensor works with."""
        connections = (getattr(self, name) for name in vars(self) if name.endswith("_conn_id"))
        connection = next((each for each in connections if isinstance(each, str) and each), None)
        shop = getattr(self, "shop", None)
        return (shop if isinstance(shop, str) and shop else None), connection

    @contextmanager
    def _closing_hook(self) -> Iterator[None]:
        """Close the client at the end."""
        try:
            yield
        finally:
            if self._hook is not None:
                self._hook.close()


def _timeout(
    message: str, *, of_try: bool, misconfigured: bool
) -> PartnerTaskError | AirflowFailException | AirflowTaskTimeout | AirflowSensorTimeout:
    """Return the failure of a timeout.

    :param of_try: the time of a try is over, so that the task's retries count
    :param misconfigured: the connection was not found until the end, which ``soft_fail`` must not skip
    """
    if misconfigured:
        return PartnerTaskError(message) if of_try else AirflowFailException(message)
    return AirflowTaskTimeout(message) if of_try else AirflowSensorTimeout(message)
