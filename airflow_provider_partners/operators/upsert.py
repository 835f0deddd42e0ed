"""Writing what was built into a Yotpo store: outcomes of every record, rejects that can be replayed, a threshold.

How a record is written is ``sync``'s; here are the datasets around it, and what a second try of the task skips.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners import settings
from airflow_provider_partners._compat import AirflowSkipException
from airflow_provider_partners.datasets.read import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.write import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError, PartnersError
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.links import DatasetLink, YotpoLink
from airflow_provider_partners.operators.base import (
    PartnerOperator,
    ProgressLog,
    dataset_uri,
    enforce_reject_threshold,
    parse_bool,
)
from airflow_provider_partners.sync.outcomes import Outcome, OutcomeSummary
from airflow_provider_partners.sync.report import format_summary
from airflow_provider_partners.sync.upsert import upsert_fulfillments, upsert_orders, upsert_products

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from airflow_provider_partners.api.messages import Record
    from airflow_provider_partners.api.yotpo import YotpoClient
    from airflow_provider_partners.operators.base import Context

OUTCOMES_PER_PART = 100
"""As many as are looked up at Yotpo in one call."""


class UpsertOperator(PartnerOperator):
    """Writes built records to a Yotpo store, and returns the reference of a dataset of their outcomes.

    Every record ends as created, updated, unchanged, or rejected with its reason. Rejected ones go into a dataset of
    their own, whose reference is ``extra["rejects"]``: :class:`YotpoReplayRejectsOperator` takes it. The counts are
    ``extra["summary"]``. A second try leaves alone what the first has dealt with.

    :param built: the output of :class:`~airflow_provider_partners.operators.yotpo.YotpoBuildOrdersOperator`
        (templated)
    :param dry_run: look up and plan, but write nothing (templated)
    :param max_rejects: how many rejected records are borne before the task fails, an integer for a count, a float
        for a share; ``[partners] max_rejects`` by default
    :param workers: writes side by side; ``[partners] parallel_calls`` by default
    :param yotpo_conn_id: the connection of the store (templated)
    """

    template_fields: Sequence[str] = ("built", "dry_run", "yotpo_conn_id")
    record_kind: ClassVar[str]
    operator_extra_links = (YotpoLink(), DatasetLink())
    ui_color = "#e6f1fb"

    def __init__(
        self,
        *,
        built: Any,
        dry_run: bool | str = False,
        max_rejects: float | None = None,
        workers: int | None = None,
        yotpo_conn_id: str = YotpoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.built = built
        # Hides a method of the base class, which shows rendered templates and which Airflow 3 never calls.
        self.dry_run = dry_run  # type: ignore[method-assign,assignment]
        self.max_rejects = max_rejects
        self.workers = workers
        self.yotpo_conn_id = yotpo_conn_id

    @abstractmethod
    def upsert(
        self, client: YotpoClient, records: Iterator[Record], *, skip: Container[str], **options: Any
    ) -> Iterator[Outcome]:
        """Write the records.

        :param client: of the store
        :param records: as they were built
        :param skip: external ids that an earlier try has dealt with
        :param options: ``dry_run`` and ``workers``
        """

    def hook(self) -> YotpoHook:
        """The store's hook."""
        return YotpoHook(self.yotpo_conn_id)

    def input_datasets(self) -> list[Any]:
        """The dataset of what is to be written."""
        return [self.built]

    def input_dataset(self) -> DatasetRef:
        """The dataset of what is to be written."""
        return DatasetRef.from_dict(self.built)

    def run(self, context: Context) -> dict[str, Any]:
        """Write what an earlier try hasn't, keep outcomes and rejects, check the threshold."""
        source, dry_run = self.input_dataset(), parse_bool(self.dry_run, "dry_run")
        told, rejects, done = self._open_datasets(context, source, dry_run)
        if done:
            self.log.info("An earlier try has dealt with %d %s; they are left alone.", len(done), self.record_kind)
        progress = ProgressLog(self.log.info, self.record_kind, resumed_records=len(done))
        options = {"dry_run": dry_run, "workers": self.workers or settings.parallel_calls()}
        hook = self.hook()
        hook.metrics_shop = source.extra.get("shop")
        with hook as client:
            self.activity.set_partner(hook)
            self.activity.shop = hook.metrics_shop
            for batch in batch_outcomes(self.upsert(client, read_dataset(source), skip=done, **options)):
                # Rejects first: a crash between the two may set one aside twice, never lose it.
                refused = [outcome.reject for outcome in batch if outcome.reject is not None]
                rejects.append(refused, position={"parts": rejects.parts})
                told.append([outcome.to_dict() for outcome in batch], position={"parts": told.parts})
                self._record_batch(Counter(outcome.action for outcome in batch))
                progress.count(told.records, told.parts)
            calls = client.stats.snapshot()
        return self._commit(context, source, told, rejects, {"dry_run": dry_run, "api": calls})

    def _record_batch(self, counts: Counter[str]) -> None:
        """Take note of a batch, so that a try that fails has still told what it did."""
        before = self.activity.lists_written[0].records or 0 if self.activity.lists_written else 0
        self.activity.set_list_written(self.record_kind, before + counts["created"] + counts["updated"])
        self.activity.records += counts.total() - counts["rejected"]
        self.activity.rejects += counts["rejected"]

    def _open_datasets(
        self, context: Context, source: DatasetRef, dry_run: bool
    ) -> tuple[DatasetWriter, DatasetWriter, set[str]]:
        """The datasets of outcomes and of rejects, taken up where an earlier try of the same work left them."""
        work = f"{self.record_kind} {source.sha256} {self.yotpo_conn_id} {'planned' if dry_run else 'written'}"
        told = DatasetWriter(
            dataset_uri(context), source="yotpo", resource=f"{self.record_kind} outcomes", fingerprint=work
        )
        rejects = DatasetWriter(
            dataset_uri(context, "rejects"), source="yotpo", resource=f"{self.record_kind} rejects", fingerprint=work
        )
        told.resume()
        rejects.resume()
        return told, rejects, {row["external_id"] for row in told.written_records()}

    def _commit(
        self,
        context: Context,
        source: DatasetRef,
        outcomes: DatasetWriter,
        rejects: DatasetWriter,
        facts: Mapping[str, Any],
    ) -> dict[str, Any]:
        summary = OutcomeSummary.of(Outcome(**row) for row in outcomes.written_records())
        counts = summary.counts
        set_aside = rejects.commit() if summary.counts["rejected"] else None
        extra = {
            **facts,
            "shop": source.extra.get("shop"),
            "summary": summary.to_dict(),
            "rejects": set_aside.to_dict() if set_aside else None,
        }
        reference = outcomes.commit(extra=extra)
        self.activity.set_list_written(self.record_kind, counts["created"] + counts["updated"])
        self.activity.set_datasets_written(
            reference, set_aside, rejects=counts["rejected"], outcomes=dict(counts), dry_run=facts["dry_run"]
        )
        self.log.info("%s:\n%s", self.record_kind.capitalize(), format_summary(summary))
        if set_aside:
            self.log.warning("%d rejects are in %s", summary.counts["rejected"], set_aside.uri)
        enforce_reject_threshold(context, reference, summary, self.max_rejects)
        return reference.to_dict()


class YotpoUpsertProductsOperator(UpsertOperator):
    """Creates or updates the products of built orders in a Yotpo store.

    Products that orders need are created with the orders too, so this task is for keeping names, links and pictures
    current; it saves calls when it goes first.
    """

    record_kind: ClassVar[str] = "products"

    def upsert(
        self, client: YotpoClient, records: Iterator[Record], *, skip: Container[str], **options: Any
    ) -> Iterator[Outcome]:
        """Write each product once, however many orders name it."""
        return upsert_products(client, unique_products(records), skip=skip, **options)


class YotpoUpsertOrdersOperator(UpsertOperator):
    """Creates or updates orders, with their fulfillments, in a Yotpo store.

    .. seealso:: :ref:`howto/operator:YotpoUpsertOrdersOperator`

    :param with_fulfillments: whether orders carry their fulfillments with them. Yotpo merges those by their ids; for a
        store where that proves not to hold, send orders without them and let
        :class:`YotpoUpsertFulfillmentsOperator` follow
    """

    record_kind: ClassVar[str] = "orders"

    def __init__(self, *, with_fulfillments: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.with_fulfillments = with_fulfillments

    def upsert(
        self, client: YotpoClient, records: Iterator[Record], *, skip: Container[str], **options: Any
    ) -> Iterator[Outcome]:
        """Write the orders, in batches."""
        return upsert_orders(client, records, skip=skip, with_fulfillments=self.with_fulfillments, **options)


class YotpoUpsertFulfillmentsOperator(UpsertOperator):
    """Creates or updates the fulfillments of orders that are in a Yotpo store already.

    For those who sync fulfillments apart from orders: orders carry theirs with them.
    """

    record_kind: ClassVar[str] = "fulfillments"

    def upsert(
        self, client: YotpoClient, records: Iterator[Record], *, skip: Container[str], **options: Any
    ) -> Iterator[Outcome]:
        """Write the fulfillments, order by order."""
        return upsert_fulfillments(client, records, skip=skip, **options)


class YotpoReplayRejectsOperator(YotpoUpsertOrdersOperator):
    """Tries the rejected orders of an earlier run again, once the cause is mended; skipped where there are none.

    :param rejects: the output of a task that upserted orders, or its ``extra["rejects"]`` (templated)
    """

    template_fields: Sequence[str] = ("rejects", "dry_run", "yotpo_conn_id")

    def __init__(self, *, rejects: Any, **kwargs: Any) -> None:
        super().__init__(built=None, **kwargs)
        self.rejects = rejects

    def input_datasets(self) -> list[Any]:
        """The dataset of rejects, or that of the outcomes that names it."""
        extra = self.rejects.get("extra") if isinstance(self.rejects, dict) else None
        return [(extra or {}).get("rejects") or self.rejects]

    def input_dataset(self) -> DatasetRef:
        """The dataset of rejects.

        :raises ConfigurationError: when another dataset was passed
        """
        given = DatasetRef.from_dict(self.rejects)
        if given.resource == f"{self.record_kind} outcomes":
            if not given.extra.get("rejects"):
                message = "Nothing was rejected"
                raise AirflowSkipException(message)
            given = DatasetRef.from_dict(given.extra["rejects"])
        if given.resource != f"{self.record_kind} rejects":
            message = f"'rejects' is a dataset of {given.resource}"
            raise ConfigurationError(message, remedy="Pass the output of a task that upserted orders.")
        return given


def batch_outcomes(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """Outcomes in parts; when the writing fails, those there are come before the failure, so that none is forgotten.

    :param outcomes: as they become known
    """
    part: list[Outcome] = []
    try:
        for outcome in outcomes:
            part.append(outcome)
            if len(part) == OUTCOMES_PER_PART:
                yield part
                part = []
    except PartnersError:
        yield part
        raise
    if part:
        yield part


def unique_products(records: Iterable[Record]) -> Iterator[Record]:
    """The products of built orders, each at its first place.

    :param records: of a built dataset, or rejected products
    """
    seen: set[str] = set()
    for record in records:
        for product in record.get("products", ()):
            if product["external_id"] not in seen:
                seen.add(product["external_id"])
                yield product
