"""Translate this provider's errors into what Airflow acts upon: fail, reschedule or retry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from airflow_provider_partners import _compat, settings
from airflow_provider_partners._compat import AirflowException, AirflowFailException, AirflowRescheduleException
from airflow_provider_partners.exceptions import FatalError, PartnersError, ThrottledError

__all__ = ["Context", "PartnerTaskError", "translate_errors"]

Context = Mapping[str, Any]
"""A task's context; the code reads single entries of it."""


class PartnerTaskError(AirflowException):
    """A partner, the network or a dataset failed the task; a retry may succeed."""


@contextmanager
def translate_errors(context: Context) -> Iterator[None]:
    """Raise Airflow's exceptions for this provider's errors.

    :param context: the task's context
    :raises AirflowFailException: for a :class:`~airflow_provider_partners.exceptions.FatalError`: no retry
    :raises AirflowRescheduleException: for a long wait that the partner requires: the task gives its slot back
    :raises PartnerTaskError: for any other error of this provider: the task's retries count
    """
    try:
        yield
    except FatalError as error:
        raise AirflowFailException(str(error)) from error
    except ThrottledError as error:
        raise _reschedule_error(error, context) from error
    except PartnersError as error:
        raise PartnerTaskError(str(error)) from error


def _reschedule_error(error: ThrottledError, context: Context) -> Exception:
    """Return the error that reschedules the task, or a retry where Airflow or the settings do not allow that."""
    used, allowed = int(context.get("task_reschedule_count") or 0), settings.max_reschedules()
    if not _compat.RESCHEDULES or used >= allowed:
        return PartnerTaskError(str(error))
    date = _compat.utcnow() + timedelta(seconds=max(error.retry_after, 1.0))
    return AirflowRescheduleException(date)  # type: ignore[no-untyped-call]
