"""What becomes of a task that failed: given up at once, tried again when the partner said, or when the task says.

Airflow asks a retry policy from 3.3 on; :func:`default_args` leaves it out where it would be refused. Of a policy only
a flag is stored with the Dag: the worker reads it from the Dag's file. Knows no partner.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from airflow_provider_partners._compat import RETRY_POLICIES, RetryDecision, RetryPolicy
from airflow_provider_partners.exceptions import FatalError, PartnersError, ThrottledError


class PartnerRetryPolicy(RetryPolicy):
    """Goes by the kind of a partner's failure, for operators of this provider and ``@task`` functions alike.

    Refused credentials and wrong configuration fail at once. A partner that asks to wait gets its wait, instead of the
    task's ``retry_delay``. Anything else is left to the task.

    Operators of this provider fail at once anyway, by an exception of which Airflow asks no policy, and give their slot
    back for a wait; what reaches the policy of them is a wait after too many of those. Functions that use a hook, or a
    client, raise the failures as they are.
    """

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """Decide by the failure.

        :param exception: what the task ended in
        :param try_number: not regarded
        :param max_tries: not regarded; Airflow never exceeds it
        :param context: not regarded
        """
        error = _partner_error(exception)
        if isinstance(error, FatalError):
            return RetryDecision.fail(reason=str(error))
        if isinstance(error, ThrottledError):
            delay = timedelta(seconds=max(error.retry_after, 1.0))
            return RetryDecision.retry(delay=delay, reason=str(error))
        return RetryDecision.default()


def default_args(**overrides: Any) -> dict[str, Any]:
    """A Dag's ``default_args`` with the retry policy, where the installed Airflow has such.

    :param overrides: the Dag's own, such as ``retries=2``
    """
    return {**({"retry_policy": PartnerRetryPolicy()} if RETRY_POLICIES else {}), **overrides}


def _partner_error(exception: BaseException) -> PartnersError | None:
    """The failure of ours that an exception is, or that it was raised from; of several the last one raised."""
    return next((error for error in _causes(exception) if isinstance(error, PartnersError)), None)


def _causes(exception: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while exception is not None and not any(exception is error for error in seen):
        seen.append(exception)
        yield exception
        exception = exception.__cause__
