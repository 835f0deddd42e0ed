"""Operators of a Yotpo store: extract its lists, build orders, write them, and compare both.

``sync`` maps and writes the records. The operators add the datasets around it and what a retry skips.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from airflow_provider_partners import settings, sync
from airflow_provider_partners._compat import AirflowSkipException
from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.arguments import Check, check_count, check_dataset, check_limit
from airflow_provider_partners.datasets.location import dataset_uri, version_log_uri
from airflow_provider_partners.datasets.progress import ProgressLog
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef, DatasetRefDict
from airflow_provider_partners.datasets.version_log import VersionLog
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError, PartnersError
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.links import DatasetLink, YotpoLink
from airflow_provider_partners.operators.base import (
    DatasetInput,
    PartnerOperator,
    enforce_reject_threshold,
    parse_bool,
)
from airflow_provider_partners.operators.extract import ExtractOperator
from airflow_provider_partners.operators.inputs import (
    BUILT_ORDERS,
    FINDINGS,
    UNBUILT_ORDERS,
    parse_dataset,
    require_list,
    require_shop,
    require_store,
)
from airflow_provider_partners.sync import upsert
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_partners.api.http.stats import RequestCounts
    from airflow_provider_partners.api.yotpo.client import YotpoClient
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.sync import BuiltOrder, OrderDifference, Outcome, OutcomeSummary, UnmappableOrder
    from airflow_provider_partners.task_errors import Context


__all__ = [
    "YotpoBuildOrdersOperator",
    "YotpoExtractOperator",
    "YotpoReconcileOrdersOperator",
    "YotpoReplayRejectsOperator",
    "YotpoUpsertFulfillmentsOperator",
    "YotpoUpsertOrdersOperator",
    "YotpoUpsertProductsOperator",
]

ORDERS_PER_PART = 500

OUTCOMES_PER_PART = 100
"""Yotpo returns as many records in one lookup, see :mod:`airflow_provider_partners.api.yotpo.lookup`."""

DIFFERENCES_PER_PART = 500

_JOINED_LISTS = {
    "orders": "shopify_admin",
    "returns": "yofi",
    "claims": "yofi",
    "customers": "yofi",
    "redemptions": "voucherify",
}
"""The lists that are joined to built orders, with the partner of each."""

_BUILD_REMEDY = "Pass the output of a YotpoBuildOrdersOperator."


class YotpoExtractOperator(ExtractOperator):
    """Extracts a list of a Yotpo store into a dataset and returns the dataset's reference.

    .. seealso:: :ref:`howto/operator:YotpoExtractOperator`

    :param resource: ``orders``, ``products``, ``customers``, ``fulfillments`` or ``variants`` (templated)
    :param yotpo_conn_id: id of the Airflow connection (templated)
    """

    template_fields: Sequence[str] = (*ExtractOperator.template_fields, "yotpo_conn_id")
    operator_extra_links = (YotpoLink(), DatasetLink())
    ui_color = "#e6f1fb"

    def __init__(self, *, yotpo_conn_id: str = YotpoHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.yotpo_conn_id = yotpo_conn_id

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the lists by name."""
        from airflow_provider_partners.api.yotpo.resources import RESOURCES

        return RESOURCES

    def hook(self) -> YotpoHook:
        """Return the store's hook."""
        return YotpoHook(self.yotpo_conn_id)


class BuildOrdersExtra(TypedDict):
    """``extra`` of the dataset that :class:`YotpoBuildOrdersOperator` returns."""

    shop: str
    suppressed: int
    """Orders without a review request."""
    suppressions: dict[str, int]
    """Reasons for that."""
    left_out: int
    """Orders that the options leave out."""
    left_outs: dict[str, int]
    """Reasons for that."""
    rejected: int
    """Orders that cannot be mapped."""
    rejections: dict[str, int]
    """Reasons for that."""
    rejects: DatasetRefDict | None
    """The dataset of the orders that were left out or cannot be mapped."""


class YotpoBuildOrdersOperator(PartnerOperator):
    """Joins a shop's orders with the data of Yofi and Voucherify, and maps each to a Yotpo order. Calls no API.

    Returns the reference of the dataset of built orders. Its ``extra`` (:class:`BuildOrdersExtra`) has the counts, with
    reasons: orders whose review request is suppressed, orders that the options leave out, and orders that cannot be
    mapped. The last two are stored in a dataset of their own, ``extra["rejects"]``.

    .. seealso:: :ref:`howto/operator:YotpoBuildOrdersOperator`

    :param orders: output of the task that extracted the Shopify orders (templated)
    :param shop: the shop's domain (templated)
    :param returns: output of the task that extracted Yofi's returns (templated)
    :param claims: output of the task that extracted Yofi's claims (templated)
    :param customers: output of the task that extracted Yofi's customers, for orders without a return (templated)
    :param redemptions: output of the task that extracted Voucherify's redemptions. Its window says since when they are
        complete. Without it the orders' coupon fields stay unchanged (templated)
    :param options: options of the mapping, see
        :class:`~airflow_provider_partners.sync.options.MappingOptions` (templated)
    :param policy: when a review request is suppressed, see
        :class:`~airflow_provider_partners.sync.suppression.policy.SuppressionPolicy` (templated)
    :param coupon_policy: which redemptions count as an order's coupons, see
        :class:`~airflow_provider_partners.sync.coupons.CouponPolicy` (templated)
    :param max_rejects: how many orders may fail to map before the task fails: an ``int`` is a count, a ``float`` a
        share; ``[partners] max_rejects`` by default
    :param reject_floor: how many records a share allows in any case; ``[partners] reject_floor`` by default
    """

    template_fields: Sequence[str] = (
        "orders",
        "shop",
        "returns",
        "claims",
        "customers",
        "redemptions",
        "options",
        "policy",
        "coupon_policy",
    )
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **dict.fromkeys(("orders", "returns", "claims", "customers", "redemptions"), check_dataset),
        **dict.fromkeys(("max_rejects", "reject_floor"), check_limit),
    }
    template_fields_renderers: ClassVar[dict[str, str]] = dict.fromkeys(("options", "policy", "coupon_policy"), "json")
    operator_extra_links = (DatasetLink(),)
    ui_color = "#e6f1fb"

    def __init__(
        self,
        *,
        orders: DatasetInput,
        shop: str,
        returns: DatasetInput | None = None,
        claims: DatasetInput | None = None,
        customers: DatasetInput | None = None,
        redemptions: DatasetInput | None = None,
        options: Mapping[str, Any] | None = None,
        policy: Mapping[str, Any] | None = None,
        coupon_policy: Mapping[str, Any] | None = None,
        max_rejects: float | None = None,
        reject_floor: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.orders = orders
        self.shop = shop
        self.returns = returns
        self.claims = claims
        self.customers = customers
        self.redemptions = redemptions
        self.options = options
        self.policy = policy
        self.coupon_policy = coupon_policy
        self.max_rejects = max_rejects
        self.reject_floor = reject_floor

    def input_datasets(self) -> list[Any]:
        """Return the datasets that are joined."""
        return [self.orders, self.returns, self.claims, self.customers, self.redemptions]

    def run(self, context: Context) -> DatasetRefDict:
        """Join and map the orders, write both datasets, check the threshold."""
        inputs = self._check_inputs()
        orders = inputs["orders"]
        mapped_orders = sync.build_orders(
            read_dataset(orders),
            _read_optional(self.returns),
            _read_optional(self.claims),
            customers=_read_optional(self.customers),
            redemptions=None if self.redemptions is None else _read_optional(self.redemptions),
            redemptions_from=_window_start(self.redemptions),
            read_at={name: reference.read_at for name, reference in inputs.items()},
            shop=self.shop,
            options=self.options,
            policy=self.policy,
            coupon_policy=self.coupon_policy,
        )
        built, rejects, summary, left_out = self._write_datasets(context, orders, mapped_orders)
        reject_reference = rejects.commit() if rejects.records else None
        extra: BuildOrdersExtra = {
            "shop": self.shop,
            "suppressed": summary.suppressed,
            "suppressions": dict(summary.suppressions.most_common()),
            "left_out": left_out.total(),
            "left_outs": dict(left_out.most_common()),
            "rejected": summary.counts["rejected"],
            "rejections": dict(summary.rejections.most_common()),
            "rejects": reject_reference.to_dict() if reject_reference else None,
        }
        reference = built.commit(extra=extra)
        self.activity.set_datasets_written(
            reference, reject_reference, rejects=extra["rejected"], left_out=extra["left_out"]
        )
        self.activity.api, self.activity.shop = YotpoHook.conn_type, self.shop
        self.activity.rejects = extra["rejected"]
        self.log.info(
            "Built %d of %d orders; %d are left out, %d can't be mapped, %d have no review request",
            reference.records,
            orders.records,
            extra["left_out"],
            extra["rejected"],
            extra["suppressed"],
        )
        enforce_reject_threshold(context, reference, summary, self.max_rejects, self.reject_floor)
        return reference.to_dict()

    def _check_inputs(self) -> dict[str, DatasetRef]:
        """Return the datasets that were passed, by argument.

        :raises ConfigurationError: when one is of another list than its argument takes, or of another shop
        """
        if not isinstance(self.shop, str):
            message = f"'shop' is a {type(self.shop).__name__}, and the shop's domain is needed"
            raise ConfigurationError(message, remedy="Write a.myshopify.com, for example.")
        references = {}
        for name, source in _JOINED_LISTS.items():
            value = getattr(self, name)
            if value is None and name != "orders":
                continue
            remedy = f"Pass the output of the task that extracted the {name} of {source}."
            references[name] = require_list(name, value, source, name, remedy=remedy)
            require_shop(name, references[name], self.shop)
        return references

    def _write_datasets(
        self, context: Context, orders: DatasetRef, mapped_orders: Iterator[BuiltOrder | UnmappableOrder]
    ) -> tuple[DatasetWriter, DatasetWriter, OutcomeSummary, Counter[str]]:
        window = Window.from_dict(orders.window) if orders.window else None
        lists: dict[str, Any] = {"source": "yotpo", "account": self.shop, "window": window}
        built = DatasetWriter(dataset_uri(context), resource=BUILT_ORDERS, **lists)
        rejects = DatasetWriter(dataset_uri(context, "rejects"), resource=UNBUILT_ORDERS, **lists)
        for writer in (built, rejects):
            writer.resume()
        summary, left_out = sync.OutcomeSummary(), Counter[str]()
        progress = ProgressLog(self.log.info, "orders", total=orders.records)
        for batch in batches(mapped_orders, ORDERS_PER_PART):
            unmappable = [order for order in batch if isinstance(order, sync.UnmappableOrder)]
            ready = [order for order in batch if isinstance(order, sync.BuiltOrder)]
            rejects.append(order.to_dict() for order in unmappable)
            built.append(order.to_dict() for order in ready)
            left_out.update(order.rule for order in unmappable if order.is_excluded)
            for outcome in (*map(_reject_outcome, unmappable), *map(_built_outcome, ready)):
                if outcome:
                    summary.add(outcome)
            progress.count(built.records + rejects.records, built.parts + rejects.parts)
        return built, rejects, summary, left_out


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

    :param built: output of :class:`YotpoBuildOrdersOperator` (templated)
    :param plan_only: look up and plan, but write nothing (templated)
    :param max_rejects: how many records may be rejected before the task fails: an ``int`` is a count, a ``float`` a
        share; ``[partners] max_rejects`` by default
    :param reject_floor: how many records a share allows in any case; ``[partners] reject_floor`` by default
    :param workers: parallel writes; ``[partners] parallel_calls`` by default
    :param yotpo_conn_id: id of the Airflow connection of the store (templated)
    """

    template_fields: Sequence[str] = ("built", "plan_only", "yotpo_conn_id")
    argument_checks: ClassVar[Mapping[str, Check]] = {
        "built": check_dataset,
        "workers": check_count,
        **dict.fromkeys(("max_rejects", "reject_floor"), check_limit),
    }
    record_kind: ClassVar[str]
    input_resources: ClassVar[Sequence[str]] = (BUILT_ORDERS, "orders rejects")
    """The datasets of this provider that hold built orders. Rejects hold them as they were built."""
    operator_extra_links = (YotpoLink(), DatasetLink())
    ui_color = "#e6f1fb"

    def __init__(
        self,
        *,
        built: DatasetInput | None,
        plan_only: bool | str = False,
        max_rejects: float | None = None,
        reject_floor: int | None = None,
        workers: int | None = None,
        yotpo_conn_id: str = YotpoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.built = built
        self.plan_only = plan_only
        self.max_rejects = max_rejects
        self.reject_floor = reject_floor
        self.workers = workers
        self.yotpo_conn_id = yotpo_conn_id

    @abstractmethod
    def upsert(
        self,
        client: YotpoClient,
        records: Iterator[Record],
        *,
        skip: Container[str],
        plan_only: bool,
        workers: int,
        versions: VersionLog,
    ) -> Iterator[Outcome]:
        """Write the records and yield an outcome for each.

        :param records: the built records
        :param skip: external ids that an earlier try has finished
        :param versions: the versions that the store's tasks have written
        """

    def hook(self) -> YotpoHook:
        """Return the store's hook."""
        return YotpoHook(self.yotpo_conn_id)

    def input_datasets(self) -> list[Any]:
        """Return the dataset of records to write."""
        return [self.built]

    def input_dataset(self) -> DatasetRef:
        """Return the dataset of records to write.

        :raises ConfigurationError: when it holds other records, or rejects of another store
        """
        source = require_list("built", self.built, "yotpo", *self.input_resources, remedy=_BUILD_REMEDY)
        require_store("built", source, self.hook().account, self.yotpo_conn_id)
        return source

    def input_records(self, source: DatasetRef) -> Iterator[Record]:
        """Return the records to write.

        :param source: from :meth:`input_dataset`
        """
        return read_dataset(source)

    def run(self, context: Context) -> DatasetRefDict:
        """Write the records that no earlier try has written, store outcomes and rejects, check the threshold."""
        source, plan_only = self.input_dataset(), parse_bool(self.plan_only, "plan_only")
        outcomes, rejects, finished = self._open_datasets(context, source, plan_only=plan_only)
        if finished:
            self.log.info("An earlier try has finished %d %s; they are skipped.", len(finished), self.record_kind)
        progress = ProgressLog(self.log.info, self.record_kind, resumed_records=len(finished))
        hook = self.hook()
        hook.metrics_shop = source.extra.get("shop")
        with hook as client, VersionLog(version_log_uri(hook.account or "")) as versions:
            self.record_partner(hook)
            self.activity.shop = hook.metrics_shop
            results = self.upsert(
                client,
                self.input_records(source),
                skip=finished,
                plan_only=plan_only,
                workers=self.workers or settings.parallel_calls(),
                versions=versions,
            )
            for batch in batch_outcomes(results):
                # Rejects first: a crash between the two may store a reject twice, but never lose one.
                rejected = [outcome.reject for outcome in batch if outcome.reject is not None]
                rejects.append(rejected, position={"parts": rejects.parts})
                outcomes.append([outcome.to_dict() for outcome in batch], position={"parts": outcomes.parts})
                self._record_batch(Counter(outcome.action for outcome in batch))
                progress.count(outcomes.records, outcomes.parts)
            calls = client.stats.snapshot()
        return self._commit(context, source, outcomes, rejects, plan_only=plan_only, calls=calls)

    def _record_batch(self, counts: Counter[str]) -> None:
        """Add a batch to the task's activity, so that a failed try also reports what it wrote."""
        before = self.activity.lists_written[0].records or 0 if self.activity.lists_written else 0
        self.activity.set_list_written(self.record_kind, before + counts["created"] + counts["updated"])
        self.activity.records += counts.total() - counts["rejected"]
        self.activity.rejects += counts["rejected"]

    def _open_datasets(
        self, context: Context, source: DatasetRef, *, plan_only: bool
    ) -> tuple[DatasetWriter, DatasetWriter, set[str]]:
        """Open the datasets of outcomes and rejects, and resume an earlier try of the same work.

        :returns: both writers, and the external ids that the earlier try has finished
        """
        kind = self.record_kind
        inputs = [DatasetRef.from_dict(dataset).sha256 for dataset in self.input_datasets() if dataset is not None]
        work = (
            f"{kind} {' '.join([source.sha256, *inputs])} {self.yotpo_conn_id} {'planned' if plan_only else 'written'}"
        )
        lists: dict[str, Any] = {"source": "yotpo", "account": self.hook().account, "fingerprint": work}
        outcomes = DatasetWriter(dataset_uri(context), resource=f"{kind} outcomes", **lists)
        rejects = DatasetWriter(dataset_uri(context, "rejects"), resource=f"{kind} rejects", **lists)
        outcomes.resume()
        rejects.resume()
        return outcomes, rejects, {record["external_id"] for record in outcomes.written_records()}

    def _commit(
        self,
        context: Context,
        source: DatasetRef,
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
        reference = outcomes.commit(extra=extra)
        self.activity.set_list_written(self.record_kind, counts["created"] + counts["updated"])
        self.activity.set_datasets_written(
            reference, reject_reference, rejects=counts["rejected"], outcomes=dict(counts), dry_run=plan_only
        )
        self.log.info("%s:\n%s", self.record_kind.capitalize(), sync.format_summary(summary))
        if reject_reference:
            self.log.warning("%d rejects are in %s", counts["rejected"], reject_reference.uri)
        enforce_reject_threshold(context, reference, summary, self.max_rejects, self.reject_floor)
        return reference.to_dict()


class YotpoUpsertProductsOperator(UpsertOperator):
    """Creates or updates the products of built orders in a Yotpo store.

    Orders create the products they need by themselves. This task keeps names, links and pictures current, and it saves
    calls when it runs before the orders.
    """

    record_kind: ClassVar[str] = "products"

    def upsert(
        self,
        client: YotpoClient,
        records: Iterator[Record],
        *,
        skip: Container[str],
        plan_only: bool,
        workers: int,
        versions: VersionLog,
    ) -> Iterator[Outcome]:
        """Write each product once, however many orders contain it."""
        return upsert.upsert_products(
            client, unique_products(records), skip=skip, dry_run=plan_only, workers=workers, versions=versions
        )


class YotpoUpsertOrdersOperator(UpsertOperator):
    """Creates or updates orders, with their fulfillments, in a Yotpo store.

    .. seealso:: :ref:`howto/operator:YotpoUpsertOrdersOperator`

    :param with_fulfillments: whether orders include their fulfillments. Yotpo merges those by their ids. If a store
        turns out to behave differently, send orders without them and use :class:`YotpoUpsertFulfillmentsOperator`
    """

    record_kind: ClassVar[str] = "orders"

    def __init__(self, *, with_fulfillments: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.with_fulfillments = with_fulfillments

    def upsert(
        self,
        client: YotpoClient,
        records: Iterator[Record],
        *,
        skip: Container[str],
        plan_only: bool,
        workers: int,
        versions: VersionLog,
    ) -> Iterator[Outcome]:
        """Write the orders in batches."""
        return upsert.upsert_orders(
            client,
            records,
            skip=skip,
            with_fulfillments=self.with_fulfillments,
            dry_run=plan_only,
            workers=workers,
            versions=versions,
        )


class YotpoUpsertFulfillmentsOperator(UpsertOperator):
    """Creates or updates the fulfillments of orders that already exist in a Yotpo store.

    Orders include their fulfillments; use this operator to sync them separately.
    """

    record_kind: ClassVar[str] = "fulfillments"
    input_resources: ClassVar[Sequence[str]] = (*UpsertOperator.input_resources, "fulfillments rejects")

    def upsert(
        self,
        client: YotpoClient,
        records: Iterator[Record],
        *,
        skip: Container[str],
        plan_only: bool,
        workers: int,
        versions: VersionLog,
    ) -> Iterator[Outcome]:
        """Write the fulfillments, order by order."""
        return upsert.upsert_fulfillments(
            client, records, skip=skip, dry_run=plan_only, workers=workers, versions=versions
        )


class YotpoReplayRejectsOperator(YotpoUpsertOrdersOperator):
    """Writes the rejected orders of an earlier run again, after the cause is fixed. Skips the task if there are none.

    A reject holds the order as it was built then. If a run has built the order again since, the reject ends as stale.
    With ``rebuilt``, the present state is written instead.

    :param rejects: output of the task that upserted the orders, or its ``extra["rejects"]`` (templated)
    :param rebuilt: output of :class:`YotpoBuildOrdersOperator` for the same orders, extracted again. It replaces the
        rejects of the orders that it holds (templated)
    """

    template_fields: Sequence[str] = ("rejects", "rebuilt", "plan_only", "yotpo_conn_id")
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **YotpoUpsertOrdersOperator.argument_checks,
        **dict.fromkeys(("rejects", "rebuilt"), check_dataset),
    }
    fixed_arguments: ClassVar[frozenset[str]] = frozenset({"built"})

    def __init__(self, *, rejects: DatasetInput, rebuilt: DatasetInput | None = None, **kwargs: Any) -> None:
        super().__init__(built=None, **kwargs)
        self.rejects = rejects
        self.rebuilt = rebuilt

    def input_records(self, source: DatasetRef) -> Iterator[Record]:
        """Return the rejects, with the rebuilt orders in place of theirs. Only the ids are in memory."""
        rejected = {str(record.get("external_id")) for record in read_dataset(source)}
        rebuilt: set[str] = set()
        for record in _read_optional(self.rebuilt):
            if record["external_id"] in rejected:
                rebuilt.add(record["external_id"])
                yield record
        for record in read_dataset(source):
            if str(record.get("external_id")) not in rebuilt:
                yield record

    def input_datasets(self) -> list[Any]:
        """Return the dataset of rejects."""
        extra = self.rejects.get("extra") if isinstance(self.rejects, dict) else None
        return [(extra or {}).get("rejects") or self.rejects, self.rebuilt]

    def input_dataset(self) -> DatasetRef:
        """Return the dataset of rejects.

        :raises ConfigurationError: when another dataset was passed, or rejects of another store
        """
        if self.rebuilt is not None:
            require_list("rebuilt", self.rebuilt, "yotpo", BUILT_ORDERS, remedy=_BUILD_REMEDY)
        reference = parse_dataset("rejects", self.rejects)
        if reference.resource == f"{self.record_kind} outcomes":
            if not reference.extra.get("rejects"):
                message = "Nothing was rejected"
                raise AirflowSkipException(message)
            reference = DatasetRef.from_dict(reference.extra["rejects"])
        if reference.resource != f"{self.record_kind} rejects":
            message = f"'rejects' is a dataset of {reference.resource}"
            raise ConfigurationError(message, remedy="Pass the output of a task that upserted orders.")
        require_store("rejects", reference, self.hook().account, self.yotpo_conn_id)
        return reference


class ReconcileExtra(TypedDict):
    """``extra`` of the dataset that :class:`YotpoReconcileOrdersOperator` returns."""

    shop: str | None
    same: int
    """Orders without a difference."""
    found: dict[str, int]
    """Differences by state, and by state and field."""
    findings: DatasetRefDict
    """The dataset of all differences."""


class YotpoReconcileOrdersOperator(PartnerOperator):
    """Compares built orders with the orders in a Yotpo store, over the same range of order dates. Calls no API.

    Returns the reference of the dataset of orders to repair (missing, stale or different), which
    :class:`YotpoUpsertOrdersOperator` takes. ``extra["found"]`` counts the differences by state and by field,
    ``extra["same"]`` the equal orders. ``extra["findings"]`` is the dataset of all differences, see
    :class:`ReconcileExtra`.

    .. seealso:: :ref:`howto/operator:YotpoReconcileOrdersOperator`

    :param built: output of :class:`YotpoBuildOrdersOperator` (templated)
    :param yotpo_orders: output of the task that extracted the store's orders (templated)
    """

    template_fields: Sequence[str] = ("built", "yotpo_orders")
    argument_checks: ClassVar[Mapping[str, Check]] = dict.fromkeys(template_fields, check_dataset)
    operator_extra_links = (DatasetLink(),)
    ui_color = "#e6f1fb"

    def __init__(self, *, built: DatasetInput, yotpo_orders: DatasetInput, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = built
        self.yotpo_orders = yotpo_orders

    def input_datasets(self) -> list[Any]:
        """Return the datasets that are compared."""
        return [self.built, self.yotpo_orders]

    def run(self, context: Context) -> DatasetRefDict:
        """Compare, and write the differences and the orders to repair."""
        built = require_list("built", self.built, "yotpo", BUILT_ORDERS, remedy=_BUILD_REMEDY)
        remedy = "Pass the output of a YotpoExtractOperator for orders."
        stored = require_list("yotpo_orders", self.yotpo_orders, "yotpo", "orders", remedy=remedy)
        unbuilt = _read_optional(built.extra.get("rejects"))
        excluded = {record["external_id"]: f"not built: {record['reason']}" for record in unbuilt}
        compared = sync.reconcile_orders(read_dataset(built), read_dataset(stored), excluded=excluded)
        counts, same, differences, repairs = self._write_datasets(
            context, compared, total=max(built.records, stored.records)
        )
        difference_reference = differences.commit()
        extra: ReconcileExtra = {
            "shop": built.extra.get("shop"),
            "same": same,
            "found": dict(counts.most_common()),
            "findings": difference_reference.to_dict(),
        }
        reference = repairs.commit(extra=extra)
        self.activity.set_datasets_written(reference, difference_reference, same=same, found=extra["found"])
        listed = ", ".join(f"{count} {state}" for state, count in counts.most_common())
        self.log.info("%d orders are the same in Yotpo; %s", same, listed or "nothing differs")
        return reference.to_dict()

    def _write_datasets(
        self, context: Context, compared: Iterable[OrderDifference], *, total: int
    ) -> tuple[Counter[str], int, DatasetWriter, DatasetWriter]:
        account = DatasetRef.from_dict(self.built).account
        differences = DatasetWriter(
            dataset_uri(context, "findings"), source="yotpo", resource=FINDINGS, account=account
        )
        repairs = DatasetWriter(dataset_uri(context), source="yotpo", resource=BUILT_ORDERS, account=account)
        for writer in (differences, repairs):
            writer.resume()
        counts, same = Counter[str](), 0
        progress = ProgressLog(self.log.info, "orders", total=total)
        for batch in batches(compared, DIFFERENCES_PER_PART):
            differing = [order for order in batch if order.state != "same"]
            same += len(batch) - len(differing)
            differences.append(order.to_dict() for order in differing)
            repairs.append(order.built for order in differing if order.built and order.state in sync.REPAIRABLE)
            for order in differing:
                counts[order.state] += 1
                counts.update(f"{order.state}: {name}" for name in order.fields)
            progress.count(same + differences.records, differences.parts)
        return counts, same, differences, repairs


def batch_outcomes(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """Group outcomes into batches. If writing fails, yield the unfinished batch first, so that no outcome is lost."""
    batch: list[Outcome] = []
    try:
        for outcome in outcomes:
            batch.append(outcome)
            if len(batch) == OUTCOMES_PER_PART:
                yield batch
                batch = []
    except PartnersError:
        yield batch
        raise
    if batch:
        yield batch


def unique_products(records: Iterable[Record]) -> Iterator[Record]:
    """Yield the products of built orders, each at its first place. A malformed record stays, and the upsert rejects it.

    :param records: built orders, or rejected products
    """
    seen: set[str] = set()
    for record in records:
        if upsert.malformed_part(record):
            yield record
            continue
        for product in record.get("products") or ():
            external_id = str(product.get("external_id") or "")
            if not external_id or external_id not in seen:
                seen.add(external_id)
                yield {**product, "version": sync.product_version(record.get("version") or {})}


def _reject_outcome(order: UnmappableOrder) -> Outcome | None:
    """Return a reject for an order that cannot be mapped; ``None`` for one that the options leave out."""
    if order.is_excluded:
        return None
    return sync.Outcome("order", order.external_id, "rejected", reason=order.reason, rule=order.rule)


def _built_outcome(order: BuiltOrder) -> Outcome:
    return sync.Outcome("order", order.external_id, "would_create", suppressed=order.suppressed)


def _window_start(dataset: DatasetInput | None) -> datetime | None:
    """Return the start of a dataset's window; ``None`` when it covers its whole list or was not given."""
    window = None if dataset is None else DatasetRef.from_dict(dataset).window
    return Window.from_dict(window).since if window else None


def _read_optional(dataset: DatasetInput | None) -> Iterator[Record]:
    """Return the records of a dataset; nothing when it was not given."""
    return iter(()) if dataset is None else read_dataset(DatasetRef.from_dict(dataset))
