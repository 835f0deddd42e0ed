"""Base of the operators that write records to a Yotpo store: what a retry skips, outcomes, rejects, threshold."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from airflow_provider_partners import settings, sync
from airflow_provider_partners.arguments import Check, check_count, check_flag, check_limit, check_mapping, parse_bool
from airflow_provider_partners.datasets.finished import finished_manifest, is_retry, origin_of
from airflow_provider_partners.datasets.location import dataset_uri, version_log_uri
from airflow_provider_partners.datasets.manifest import stored_reference, verify_manifest
from airflow_provider_partners.datasets.progress import ProgressLog
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.source import RecordSource
from airflow_provider_partners.datasets.version_log import VersionLog
from airflow_provider_partners.datasets.write_journal import WriteJournal
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.failures import wrapped
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.links import DatasetLink, YotpoLink
from airflow_provider_partners.operators.base import PartnerOperator, enforce_reject_threshold, replay_hint
from airflow_provider_partners.operators.inputs import BUILD_REMEDY, BUILT_ORDERS, require_list, require_store
from airflow_provider_partners.sync import upsert
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from airflow_provider_partners.api.http.stats import RequestCounts
    from airflow_provider_partners.api.yotpo.client import YotpoClient
    from airflow_provider_partners.datasets.reference import DatasetRefDict
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.sync import Outcome
    from airflow_provider_partners.task_errors import Context

__all__ = ["UpsertExtra", "UpsertOperator"]

OUTCOMES_PER_BATCH = 100
"""Yotpo returns as many records in one lookup, see :mod:`airflow_provider_partners.api.yotpo.lookup`."""

OUTCOME_SECONDS = 10
"""How often outcomes are stored. After a kill, a retry looks up the records since then."""


class UpsertExtra(TypedDict):
    """``extra`` of the dataset that an upsert operator returns."""

    dry_run: bool
    """True if nothing was written (``plan_only``)."""
    api: RequestCounts
    """Request counts of the client."""
    shop: str | None
    summary: dict[str, Any]
    """Counts of the outcomes, see ``OutcomeSummary.to_dict``."""
    rejects: DatasetRefDict | None
    """The dataset of rejected records."""


class UpsertOperator(PartnerOperator):
    """Writes built records to a Yotpo store and returns the reference of the dataset of their outcomes.

    The outcome of a record is created, updated, unchanged, stale, or rejected with a reason. A record is stale when
    another task has claimed a newer build of it: it is not written. Rejected records go into a dataset of their own,
    ``extra["rejects"]``; :class:`YotpoReplayRejectsOperator` takes it. ``extra["summary"]`` has the counts, see
    :class:`UpsertExtra`. A retry skips the records that the first try has finished.

    :param columns: for rows of a table: Yotpo's properties with the column of each, or with ``{"value": constant}``,
        see :mod:`airflow_provider_partners.sync.columns`. Without it, records are built or as Yotpo documents them
        (templated)
    :param plan_only: look up and plan, but write nothing (templated)
    :param max_rejects: how many records may be rejected before the task fails: an ``int`` is a count, a ``float`` a
        share; ``[partners] max_rejects`` by default (templated)
    :param reject_floor: how many records a share allows in any case; ``[partners] reject_floor`` by default (templated)
    :param workers: parallel writes; ``[partners] parallel_calls`` by default (templated)
    :param yotpo_conn_id: id of the Airflow connection of the store (templated)
    """

    template_fields: Sequence[str] = (
        "columns",
        "plan_only",
        "max_rejects",
        "reject_floor",
        "workers",
        "yotpo_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"columns": "json"}
    argument_checks: ClassVar[Mapping[str, Check]] = {
        "columns": check_mapping,
        "plan_only": check_flag,
        "workers": check_count,
        **dict.fromkeys(("max_rejects", "reject_floor"), check_limit),
    }
    record_kind: str
    """What is written, which is also the argument that takes it."""
    input_resources: ClassVar[Sequence[str]] = (BUILT_ORDERS, "orders rejects")
    """The datasets of this provider that it takes. Rejects hold the records as they were written."""
    operator_extra_links = (YotpoLink(), DatasetLink())
    ui_color = "#e6f1fb"

    def __init__(
        self,
        *,
        columns: Mapping[str, Any] | None = None,
        plan_only: bool | str = False,
        max_rejects: float | str | None = None,
        reject_floor: int | str | None = None,
        workers: int | str | None = None,
        yotpo_conn_id: str = YotpoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.columns = columns
        self.plan_only = plan_only
        self.max_rejects: Any = max_rejects
        self.reject_floor: Any = reject_floor
        self.workers: Any = workers
        self.yotpo_conn_id = yotpo_conn_id

    def upsert(
        self,
        client: YotpoClient,
        records: Iterator[Record],
        *,
        skip: Container[str],
        plan_only: bool,
        workers: int,
        versions: VersionLog,
        journal: WriteJournal | None,
    ) -> Iterator[Outcome]:
        """Write the records and yield an outcome for each.

        :param records: built or plain records
        :param skip: external ids that an earlier try has finished, with the number of their outcomes
        :param versions: the versions that the store's tasks have written
        :param journal: remembers what is about to be written
        """
        write = getattr(upsert, f"upsert_{self.record_kind}")
        outcomes: Iterator[Outcome] = write(
            client,
            records,
            skip=skip,
            dry_run=plan_only,
            workers=workers,
            versions=versions,
            journal=journal,
            **self.upsert_options(),
        )
        return outcomes

    def upsert_options(self) -> dict[str, Any]:
        """Return further arguments of the function in :mod:`airflow_provider_partners.sync.upsert`."""
        return {}

    def hook(self) -> YotpoHook:
        """Return the store's hook."""
        return YotpoHook(self.yotpo_conn_id)

    def input_datasets(self) -> list[Any]:
        """Return the dataset of records to write."""
        return [getattr(self, self.record_kind)]

    def input_source(self) -> RecordSource:
        """Return the records to write.

        :raises ConfigurationError: when it holds other records, or rejects of another store
        """
        name = self.record_kind
        source = require_list(name, getattr(self, name), "yotpo", *self.input_resources, remedy=BUILD_REMEDY)
        require_store(name, source, self.hook().account, self.yotpo_conn_id)
        return source

    def input_records(self, source: RecordSource) -> Iterator[Record]:
        """Return the records to write, with one plain record for each id.

        :param source: from :meth:`input_source`
        :raises ConfigurationError: when ``columns`` are wrong
        """
        return sync.group_records(self.record_kind, source.read(), columns=self.columns)

    def input_hashes(self, source: RecordSource) -> list[str]:
        """Return hashes of what is written. A retry goes on only if they are the same.

        :param source: from :meth:`input_source`
        """
        return [source.sha256]

    def run(self, context: Context) -> DatasetRefDict:
        """Write the records that no earlier try has written, store outcomes and rejects, check the threshold."""
        source, plan_only = self.input_source(), parse_bool(self.plan_only, "plan_only")
        hook = self.hook()
        hook.metrics_shop = source.extra.get("shop")
        work = self._work(source, plan_only=plan_only)
        origin = origin_of(context, [hook.account, work])
        manifest = finished_manifest(context, origin) if is_retry(context) else None
        if manifest is not None:
            return self._finish_again(context, hook, stored_reference(manifest))
        outcomes, rejects, finished = self._open_datasets(context, source, work, origin)
        if finished:
            self.log.info("An earlier try has finished %d %s; they are skipped.", finished.total(), self.record_kind)
        progress = ProgressLog(self.log.info, self.record_kind, resumed_records=finished.total())
        journal, unsaved = WriteJournal(dataset_uri(context), work=work), list[str]()
        # A failure saves the outcomes so far, so that a retry skips these records.
        log_uri, owner = version_log_uri(hook.account or ""), dataset_uri(context)
        with (
            hook as client,
            VersionLog(log_uri, sources=source.references, owner="" if plan_only else owner) as versions,
            outcomes,
        ):
            self.record_partner(hook)
            self.activity.shop = hook.metrics_shop
            results = self.upsert(
                client,
                self.input_records(source),
                skip=finished,
                plan_only=plan_only,
                workers=self.workers or settings.parallel_calls(),
                versions=versions,
                journal=None if plan_only else journal,
            )
            for batch in batch_outcomes(results):
                rejected = [outcome.reject for outcome in batch if outcome.reject is not None]
                rejects.append(rejected)
                outcomes.append([outcome.to_dict() for outcome in batch], position={"parts": outcomes.parts})
                unsaved += [outcome.key for outcome in batch]
                if outcomes.is_saved:
                    journal.settle(unsaved)
                    unsaved.clear()
                self._record_batch(Counter(outcome.action for outcome in batch))
                progress.count(outcomes.records, outcomes.parts)
            calls = client.stats.snapshot()
        return self._commit(context, source, outcomes, rejects, plan_only=plan_only, calls=calls)

    def _finish_again(self, context: Context, hook: YotpoHook, reference: DatasetRef) -> DatasetRefDict:
        """Return what an earlier try would have, which finished and was killed.

        :param reference: of its outcomes
        """
        self.log.info("An earlier try has finished %s", reference.uri)
        self.record_partner(hook)
        self.activity.shop = hook.metrics_shop
        rejects = reference.extra["rejects"]
        rejected = stored_reference(verify_manifest(DatasetRef.from_dict(rejects))) if rejects else None
        return self._finish(context, reference, rejected)

    def _record_batch(self, counts: Counter[str]) -> None:
        """Add a batch to the task's activity, so that a failed try also reports what it wrote."""
        before = self.activity.lists_written[0].records or 0 if self.activity.lists_written else 0
        self.activity.set_list_written(self.record_kind, before + _written(counts))
        self.activity.records += counts.total() - counts["rejected"]
        self.activity.rejects += counts["rejected"]

    def _work(self, source: RecordSource, *, plan_only: bool) -> str:
        """Return what identifies the work: a retry goes on, or returns what is finished, only if it is the same."""
        options = json.dumps([self.upsert_options(), self.columns], sort_keys=True, default=str)
        inputs = " ".join(self.input_hashes(source))
        return f"{self.record_kind} {inputs} {options} {self.yotpo_conn_id} {'planned' if plan_only else 'written'}"

    def _open_datasets(
        self, context: Context, source: RecordSource, work: str, origin: Mapping[str, Any]
    ) -> tuple[DatasetWriter, DatasetWriter, Counter[str]]:
        """Open the datasets of outcomes and rejects, and resume an earlier try of the same work.

        :param work: from :meth:`_work`
        :param origin: of the outcomes
        :returns: both writers, and how many outcomes of each external id the earlier try has stored
        """
        kind = self.record_kind
        lists: dict[str, Any] = {
            "source": "yotpo",
            "account": self.hook().account,
            # A replay reads claims and coupons from there on.
            "window": Window.from_dict(source.window) if source.window else None,
            "fingerprint": work,
        }
        rejects = DatasetWriter(dataset_uri(context, "rejects"), resource=f"{kind} rejects", **lists)
        outcomes = DatasetWriter(
            dataset_uri(context),
            resource=f"{kind} outcomes",
            part_seconds=OUTCOME_SECONDS,
            companions=[rejects],
            has_journal=True,
            origin=origin,
            **lists,
        )
        outcomes.resume()
        return outcomes, rejects, Counter(sync.Outcome(**record).key for record in outcomes.written_records())

    def _commit(
        self,
        context: Context,
        source: RecordSource,
        outcomes: DatasetWriter,
        rejects: DatasetWriter,
        *,
        plan_only: bool,
        calls: RequestCounts,
    ) -> DatasetRefDict:
        summary = sync.OutcomeSummary.of(sync.Outcome(**record) for record in outcomes.written_records())
        counts = summary.counts
        reject_reference = rejects.commit() if counts["rejected"] else None
        extra: UpsertExtra = {
            "dry_run": plan_only,
            "api": calls,
            "shop": source.extra.get("shop"),
            "summary": summary.to_dict(),
            "rejects": reject_reference.to_dict() if reject_reference else None,
        }
        return self._finish(context, outcomes.commit(extra=extra), reject_reference)

    def _finish(self, context: Context, reference: DatasetRef, reject_reference: DatasetRef | None) -> DatasetRefDict:
        """Record the activity of all tries, check the threshold, and return the reference.

        :param reference: of the finished outcomes, of this try or an earlier one
        :param reject_reference: of their rejects
        """
        extra = reference.extra
        summary = sync.OutcomeSummary.from_dict(extra["summary"])
        counts, plan_only = summary.counts, extra["dry_run"]
        self.activity.set_list_written(self.record_kind, _written(counts))
        self.activity.set_datasets_written(
            reference, reject_reference, rejects=counts["rejected"], outcomes=dict(counts), dry_run=plan_only
        )
        self.log.info("%s:\n%s", self.record_kind.capitalize(), sync.format_summary(summary))
        if reject_reference:
            hint = replay_hint(context, reference) or "pass this task's output to YotpoReplayRejectsOperator"
            self.log.warning(
                "%d rejects are in %s\n%s",
                counts["rejected"],
                reject_reference.uri,
                "\n".join(wrapped(f"{hint}.", first="To send them again after the cause is mended: ")),
            )
        enforce_reject_threshold(context, reference, summary, self.max_rejects, self.reject_floor)
        return reference.to_dict()


def batch_outcomes(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """Group outcomes into batches. If writing fails, yield the unfinished batch first, so that no outcome is lost."""
    batch: list[Outcome] = []
    try:
        for outcome in outcomes:
            batch.append(outcome)
            if len(batch) == OUTCOMES_PER_BATCH:
                yield batch
                batch = []
    except PartnersError:
        yield batch
        raise
    if batch:
        yield batch


def _written(counts: Mapping[str, int]) -> int:
    return sum(counts.get(action, 0) for action in ("created", "updated", "accepted"))
