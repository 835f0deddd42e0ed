"""Retry policy for partners' failures: fail at once, or retry when the partner allows it.

Airflow has retry policies from 3.3 on; :func:`default_args` omits the policy before. Airflow stores only a flag with
the Dag: the worker reads the policy from the Dag file. This module knows no partner.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from airflow_provider_partners._compat import RETRY_POLICIES, RetryDecision, RetryPolicy
from airflow_provider_partners.exceptions import FatalError, PartnersError, ThrottledError

__all__ = ["PartnerRetryPolicy", "default_args"]


class PartnerRetryPolicy(RetryPolicy):
    """Retries by the class of a failure, in operators of this provider and in ``@task`` functions.

    A :class:`~airflow_provider_partners.exceptions.FatalError`, such as refused credentials, fails the task at once. A
    partner that requests a wait gets it instead of the task's ``retry_delay``. Other failures follow the task's own
    retries.

    Operators of this provider raise an exception for fatal errors that Airflow never retries, and reschedule the task
    for a wait. So the policy sees only a wait after too many reschedules. Functions that use a hook or a client raise
    the errors themselves.
    """

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """Return the decision for a failure.

        :param exception: the failure of the task; the other parameters are not used
        """
        error = _partner_error(exception)
        if isinstance(error, FatalError):
            return RetryDecision.fail(reason=str(error))
        if isinstance(error, ThrottledError):
            delay = timedelta(seconds=max(error.retry_after, 1.0))
            return RetryDecision.retry(delay=delay, reason=str(error))
        return RetryDecision.default()


def default_args(**overrides: Any) -> dict[str, Any]:
    """Return a Dag's ``default_args`` with the retry policy, if the installed Airflow has retry policies.

    :param overrides: the Dag's own arguments, such as ``retries=2``
    """
    return {**({"retry_policy": PartnerRetryPolicy()} if RETRY_POLICIES else {}), **overrides}


def _partner_error(exception: BaseException) -> PartnersError | None:
    """Return the latest error of this provider among an exception and its causes."""
    for cause in _causes(exception):
        # The exceptions of this provider's tasks have no cause, see task_errors.
        error = getattr(cause, "error", cause)
        if isinstance(error, PartnersError):
            return error
    return None


def _causes(exception: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while exception is not None and not any(exception is error for error in seen):
        seen.append(exception)
        yield exception
        exception = exception.__cause__
