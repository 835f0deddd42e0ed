"""What the partners' operators share: what becomes of a failure, where a dataset rests, how progress is told.

Knows Airflow and no partner. ``execute`` of an operator is its list of steps, in ``work``.
"""

from __future__ import annotations

import hashlib
import re
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, BaseOperator

from airflow_provider_partners import settings
from airflow_provider_partners._compat import (
    RESCHEDULES,
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    utcnow,
)
from airflow_provider_partners.assets import asset_uri
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    PartnersError,
    RejectThresholdError,
    ThrottledError,
)
from airflow_provider_partners.observability import metrics
from airflow_provider_partners.observability.activity import TaskActivity, dataset_references
from airflow_provider_partners.observability.openlineage import operator_lineage
from airflow_provider_partners.sync.outcomes import OutcomeSummary, check_threshold

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.writer import Progress

Context = Mapping[str, Any]
"""A task's context, of which single entries are read."""

FATAL_ERRORS = (ConfigurationError, AuthenticationError, RejectThresholdError)
"""What a retry can't cure: someone has to change something first."""


class PartnerTaskError(AirflowException):
    """A partner, the network or a dataset failed the task; its retries may work."""


class PartnerOperator(BaseOperator):
    """Runs the steps of a task, and decides by the kind of a failure what happens next.

    Wrong configuration and refused credentials fail the task at once. When a partner asks for a long wait,
    the task gives its slot back until then, without using up a retry. Anything else is left to the task's
    retries.

    What the task has read and written it tells in four ways that agree: the manifest of its dataset, the events of the
    assets among its outlets (an alias stands for the partner's list), OpenLineage, and Airflow's metrics.
    """

    _activity: TaskActivity | None = None

    def execute(self, context: Any) -> Any:
        """Run the steps."""
        with self.tracked(context):
            return self.run(context)

    @property
    def activity(self) -> TaskActivity:
        """What this try has read and written so far."""
        if self._activity is None:
            self._activity = TaskActivity()
        return self._activity

    @contextmanager
    def tracked(self, context: Context) -> Iterator[None]:
        """Run steps of the task: failures become what Airflow acts upon, and what was done is told.

        :param context: the task's context
        """
        self._activity = None
        try:
            with translate_errors(context):
                yield
            emit_asset_events(self.activity, self.outlets, context)
        finally:
            done = self.activity
            if done.api:
                metrics.emit_record_metrics(done.records, done.rejects, api=done.api, shop=done.shop or done.account)

    def input_datasets(self) -> list[Any]:
        """The arguments that may be references of datasets."""
        return []

    def get_openlineage_facets_on_start(self) -> Any:
        """For OpenLineage: the datasets that were handed to the task."""
        return operator_lineage(None, dataset_references(self.input_datasets()))

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """For OpenLineage: what the task has read and written.

        :param task_instance: not needed
        """
        return operator_lineage(self._activity, dataset_references(self.input_datasets()))

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Any:
        """For OpenLineage: what the task had read and written when it failed.

        :param task_instance: not needed
        """
        return self.get_openlineage_facets_on_complete(task_instance)

    @abstractmethod
    def run(self, context: Context) -> Any:
        """The steps of the task.

        :param context: the task's context
        :returns: what travels through XCom: references, counts and windows, never records
        """


def emit_asset_events(activity: TaskActivity, outlets: Sequence[Any], context: Context) -> None:
    """Give the events of a task's outlets their evidence; it is sent when the task has succeeded.

    :param activity: of the try
    :param outlets: the task's
    :param context: its context
    """
    event_extra, events = activity.asset_event_extra(), context.get("outlet_events")
    if event_extra is None or events is None:
        return
    for outlet in outlets:
        if isinstance(outlet, Asset):
            events[outlet].extra.update(event_extra)
        elif isinstance(outlet, AssetAlias):
            for listed in activity.event_lists():
                uri = asset_uri(listed.api, listed.account, listed.resource)
                events[outlet].add(Asset(uri), extra=event_extra)


@contextmanager
def translate_errors(context: Context) -> Iterator[None]:
    """Turn this provider's failures into what Airflow acts upon.

    :param context: the task's context
    """
    try:
        yield
    except FATAL_ERRORS as error:
        raise AirflowFailException(str(error)) from error
    except ThrottledError as error:
        raise _reschedule_error(error, context) from error
    except PartnersError as error:
        raise PartnerTaskError(str(error)) from error


def _reschedule_error(error: ThrottledError, context: Context) -> Exception:
    """Give the slot back until the partner will answer; where that can't be, leave it to the retries."""
    used, allowed = int(context.get("task_reschedule_count") or 0), settings.max_reschedules()
    if not RESCHEDULES or used >= allowed:
        return PartnerTaskError(str(error))
    later = utcnow() + timedelta(seconds=max(error.retry_after, 1.0))
    return AirflowRescheduleException(later)  # type: ignore[no-untyped-call]


def enforce_reject_threshold(
    context: Context, reference: DatasetRef, summary: OutcomeSummary, max_rejects: float | None
) -> None:
    """Fail the task where too much was rejected, yet leave its reference behind: what it counted is wanted then most.

    :param context: the task's context
    :param reference: of the dataset that the task has written
    :param summary: of its outcomes
    :param max_rejects: how many are borne; ``[partners] max_rejects`` by default
    :raises RejectThresholdError: when more were rejected
    """
    try:
        check_threshold(summary, settings.max_rejects() if max_rejects is None else max_rejects)
    except RejectThresholdError:
        left = replace(reference, extra={**reference.extra, "over_threshold": True})
        context["ti"].xcom_push(key="return_value", value=left.to_dict())
        raise


def parse_bool(value: Any, name: str) -> bool:
    """A yes or no that may have come through a template as text.

    :param value: ``True``, ``"true"``, ``"False"`` and the like; nothing means no
    :param name: the argument, for the error
    :raises ConfigurationError: when it is neither
    """
    text = str(value).strip().lower()
    if text in {"true", "1", "yes", "on"}:
        return True
    if text in {"false", "0", "no", "off", "none", ""}:
        return False
    message = f"'{name}' is neither true nor false: {value!r}"
    raise ConfigurationError(message, remedy="Pass a boolean, or a template that renders to true or false.")


def dataset_uri(context: Context, suffix: str = "") -> str:
    """Where a task's dataset rests: the same for every try of the task, and for no other task.

    :param context: the task's context
    :param suffix: tells a second dataset of the task from its first, such as ``rejects``
    """
    task = context["ti"]
    index = f"{getattr(task, 'map_index', -1)}{f'-{suffix}' if suffix else ''}"
    parts = (_folder_name(part) for part in (task.dag_id, task.task_id, task.run_id, index))
    return "/".join([settings.staging_uri().rstrip("/"), *parts])


def _folder_name(name: str) -> str:
    """A folder's name of any text; where it had to be changed, a hash keeps it apart from its likes."""
    safe = re.sub(r"[^A-Za-z0-9_.=-]", "_", name)[:150].lstrip(".")
    if safe == name:
        return name
    return f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class ProgressLog:
    """Tells a task's log every few seconds how far it is.

    :param info: the log's method
    :param unit: what is being counted, such as ``orders``
    :param total: how many there are, where that is known
    :param resumed_records: how many an earlier try had dealt with
    :param interval: seconds between two lines
    :param clock: the time in seconds, for tests
    """

    def __init__(
        self,
        info: Callable[..., None],
        unit: str,
        *,
        total: int | None = None,
        resumed_records: int = 0,
        interval: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._info = info
        self._unit = unit
        self._total = total
        self._resumed_records = resumed_records
        self._interval = settings.log_every() if interval is None else interval
        self._clock = clock
        self._started = self._last_logged = clock()

    def __call__(self, progress: Progress) -> None:
        """Take notice of a page; say so when it is time."""
        now = self._clock()
        if now - self._last_logged >= self._interval:
            self._last_logged = now
            self._info("%s so far: %s", self._unit, format_progress(progress))

    def count(self, records: int, parts: int) -> None:
        """Take notice of so many records in so many parts."""
        seconds = self._clock() - self._started
        self(
            Progress(
                records=records, parts=parts, total=self._total, seconds=seconds, resumed_records=self._resumed_records
            )
        )


def format_progress(progress: Progress) -> str:
    """Progress as a log line has it: records, parts, rate and, where the total is known, what is left."""
    of = f" of {progress.total}" if progress.total is not None else ""
    line = f"{progress.records}{of} records in {progress.parts} parts, {progress.rate:.1f} records/s"
    if progress.resumed_records:
        line += f", {progress.resumed_records} of them by an earlier try"
    if progress.total is not None and progress.rate > 0 and progress.total > progress.records:
        line += f", about {(progress.total - progress.records) / progress.rate:.0f} s left"
    return line
