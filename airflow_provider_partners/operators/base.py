"""Base class of the provider's operators: error translation, activity, asset events and metrics. Knows no partner."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Asset, AssetAlias, BaseOperator, XComArg

from airflow_provider_partners import settings, sync
from airflow_provider_partners.arguments import Check, SharedSignature, check_arguments, check_dataset
from airflow_provider_partners.assets import asset_uri
from airflow_provider_partners.datasets import leases
from airflow_provider_partners.datasets.location import dataset_uri, leases_uri
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.exceptions import PartnersError, RejectThresholdError
from airflow_provider_partners.failures import REPLAY_DAG_ID
from airflow_provider_partners.files import remove_abandoned_folders
from airflow_provider_partners.observability import metrics
from airflow_provider_partners.observability.activity import TaskActivity, dataset_references
from airflow_provider_partners.observability.openlineage import operator_lineage
from airflow_provider_partners.operators.garbage import frozen_heap
from airflow_provider_partners.task_errors import Context, FatalTaskError, PartnerTaskError, translate_errors

if TYPE_CHECKING:
    from airflow_provider_partners.hooks.base import PartnerHook
    from airflow_provider_partners.sync.outcomes import OutcomeSummary

DatasetInput = DatasetRef | Mapping[str, Any] | Sequence[Any] | str | XComArg
"""An operator's argument for records: the output of the task that wrote the dataset, those of a mapped task, or a
list of records."""

TemplatedTime = str | datetime | XComArg
"""An operator's argument for a time: ISO 8601 text, a datetime, or a template that renders to one."""


class PartnerOperator(BaseOperator):
    """Runs the steps of a task, and decides by the kind of an error what happens next.

    Wrong configuration and refused credentials fail the task at once. When a partner requires a long wait, the task
    gives its slot back until then and uses up no retry. Any other error counts as one of the task's retries.

    Four places show what a task has read and written, and they agree: the manifest of its dataset, the events of the
    assets among its outlets (an alias stands for the partner's list), OpenLineage, and Airflow's metrics.
    """

    __signature__ = SharedSignature()

    argument_checks: ClassVar[Mapping[str, Check]] = {}
    """What each argument must be, once templates are rendered."""

    _activity: TaskActivity | None = None

    def execute(self, context: Any) -> Any:
        """Run the steps of the task."""
        try:
            with self.tracked(context), frozen_heap():
                return self.run(context)
        except (FatalTaskError, PartnerTaskError) as error:
            # Its log line says what failed: Airflow prints the frames of this module's context managers otherwise.
            raise error.with_traceback(None) from None

    @abstractmethod
    def run(self, context: Context) -> Any:
        """Run the steps of the task; each operator implements them.

        :returns: what travels through XCom: references, counts and windows, never records
        """

    @property
    def activity(self) -> TaskActivity:
        """What this try has read and written so far."""
        if self._activity is None:
            self._activity = TaskActivity()
        return self._activity

    @contextmanager
    def tracked(self, context: Context) -> Iterator[None]:
        """Translate errors of the enclosed steps for Airflow, and emit their asset events and metrics."""
        self._activity = None
        try:
            with translate_errors(context, subject=self._subject):
                _remove_leftovers(context)
                check_arguments(self, self.argument_checks)
                self._read_mapped_outputs()
                has_lease = leases.take(context, self._staged_inputs())
                yield
                if has_lease:
                    leases.release(context)
            emit_asset_events(self.activity, self.outlets, context)
        finally:
            activity = self.activity
            if activity.api:
                shop = activity.shop or activity.account
                metrics.emit_record_metrics(activity.records, activity.rejects, api=activity.api, shop=shop)

    def record_partner(self, hook: PartnerHook[Any]) -> None:
        """Record the account that the task reads or writes."""
        self.activity.set_partner(
            api=hook.conn_type, account=hook.account, host=hook.host, console_url=hook.console_url
        )

    def input_datasets(self) -> list[Any]:
        """Return the arguments that may be dataset references."""
        return []

    def _subject(self) -> tuple[str | None, str | None]:
        """Return the shop and the connection that the task works with, for the line of an error."""
        connections = [getattr(self, name, None) for name in vars(self) if name.endswith("_conn_id")]
        inputs = dataset_references(self.input_datasets())
        shops = [self.activity.shop, getattr(self, "shop", None), *(each.extra.get("shop") for each in inputs)]
        return _first_text(shops), _first_text(connections)

    def _read_mapped_outputs(self) -> None:
        """Read the outputs of a mapped task once: Airflow passes a sequence that reads each from the API when used."""
        for name, check in self.argument_checks.items():
            value = getattr(self, name)
            if check is check_dataset and isinstance(value, Sequence) and not isinstance(value, str | list):
                setattr(self, name, list(value))

    def _staged_inputs(self) -> list[str]:
        """Return the folders of the datasets that the task reads."""
        return [reference.uri for reference in dataset_references(self.input_datasets())]

    def get_openlineage_facets_on_start(self) -> Any:
        """Return OpenLineage's inputs: the datasets that were passed to the task."""
        return operator_lineage(None, dataset_references(self.input_datasets()))

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return OpenLineage's inputs and outputs of the finished task."""
        return operator_lineage(self._activity, dataset_references(self.input_datasets()))

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Any:
        """Return OpenLineage's inputs and outputs of the task until it failed."""
        return self.get_openlineage_facets_on_complete(task_instance)


def _remove_leftovers(context: Context) -> None:
    """Remove temporary files of killed tasks on this machine, and those that an earlier try of this task has left."""
    remove_abandoned_folders()
    task = context.get("ti")
    if task is None or getattr(task, "try_number", 1) == 1:
        return
    uris = [leases_uri(), *(dataset_uri(context, suffix) for suffix in ("", "window", "rejects"))]
    for uri in uris:
        # A place that can't be read fails the task where it is needed.
        with suppress(PartnersError):
            DatasetFolder(uri).remove_temporaries()


def _first_text(values: Sequence[Any]) -> str | None:
    return next((value for value in values if isinstance(value, str) and value), None)


def emit_asset_events(activity: TaskActivity, outlets: Sequence[Any], context: Context) -> None:
    """Add the activity to the events of a task's outlets. Airflow sends them when the task has succeeded."""
    extra, events = activity.asset_event_extra(), context.get("outlet_events")
    if extra is None or events is None:
        return
    for outlet in outlets:
        if isinstance(outlet, Asset):
            events[outlet].extra.update(extra)
        elif isinstance(outlet, AssetAlias):
            for partner_list in activity.event_lists():
                uri = asset_uri(partner_list.api, partner_list.account, partner_list.resource)
                events[outlet].add(Asset(uri), extra=extra)


def replay_hint(context: Context, reference: DatasetRef) -> str | None:
    """Return how to send a task's rejects again without code; ``None`` if they are of no shop.

    :param reference: the dataset that the task has written
    """
    dag_run, ti = context.get("dag_run"), context.get("ti")
    dag_id, run_id = getattr(ti, "dag_id", None), getattr(dag_run, "run_id", None) or getattr(ti, "run_id", None)
    if not (dag_id and run_id and reference.extra.get("shop")):
        return None
    return f"trigger the Dag {REPLAY_DAG_ID} with the params run={run_id} and dag_id={dag_id}"


def check_reject_threshold(summary: OutcomeSummary, max_rejects: float | None, reject_floor: int | None) -> None:
    """Refuse too many rejects.

    :param max_rejects: an ``int`` is a count, a ``float`` a share; ``[partners] max_rejects`` by default
    :param reject_floor: how many records a share allows in any case; ``[partners] reject_floor`` by default
    :raises RejectThresholdError: when more records were rejected
    """
    sync.check_threshold(
        summary,
        settings.max_rejects() if max_rejects is None else max_rejects,
        floor=settings.reject_floor() if reject_floor is None else reject_floor,
    )


def enforce_reject_threshold(
    context: Context,
    reference: DatasetRef,
    summary: OutcomeSummary,
    max_rejects: float | None,
    reject_floor: int | None,
) -> None:
    """Fail the task if too many records were rejected. The reference is pushed to XCom anyway: users need its counts.

    :param reference: the dataset that the task has written
    :param max_rejects: see :func:`check_reject_threshold`, as ``reject_floor``
    :raises RejectThresholdError: when more records were rejected
    """
    try:
        check_reject_threshold(summary, max_rejects, reject_floor)
    except RejectThresholdError as error:
        if hint := replay_hint(context, reference):
            error.remedy = f"Mend the cause, then send them again: {hint}. Or raise max_rejects."
        failed = replace(reference, extra={**reference.extra, "over_threshold": True})
        context["ti"].xcom_push(key="return_value", value=failed.to_dict())
        raise
