"""Yotpo: a store's lists to datasets, and orders built of what Shopify and Yofi know.

Writing to Yotpo is in ``operators/yotpo.py``; its operators are offered here too, so that there is one place to import
a store's operators from.

Writing what was built into a Yotpo store: outcomes of every record, rejects that can be replayed, a threshold.

How a record is written is ``sync``'s; here are the datasets around it, and what a second try of the task skips.

Comparing what Yotpo has with what it should have; what differs becomes a dataset that the upsert operators take.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.links import DatasetLink
from airflow_provider_partners.operators.base import Context, PartnerOperator, ProgressLog, dataset_uri
from airflow_provider_partners.sync.reconcile import REPAIRABLE, OrderDifference, reconcile_orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_partners import settings
from airflow_provider_partners._compat import AirflowSkipException
from airflow_provider_partners.exceptions import ConfigurationError, PartnersError
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.links import YotpoLink
from airflow_provider_partners.operators.base import enforce_reject_threshold, parse_bool
from airflow_provider_partners.sync.outcomes import Outcome, OutcomeSummary, format_summary
from airflow_provider_partners.sync.upsert.orders import upsert_fulfillments, upsert_orders, upsert_products

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
if TYPE_CHECKING:
    from airflow_provider_partners.records import Record
if TYPE_CHECKING:
    from airflow_provider_partners.api.yotpo.client import YotpoClient
if TYPE_CHECKING:
    pass
from airflow_provider_partners.api.yotpo.client import RESOURCES
from airflow_provider_partners.operators.extract import ExtractOperator
from airflow_provider_partners.sync.build import BuiltOrder, UnmappableOrder, build_orders
from airflow_provider_partners.sync.outcomes import mask_numbers
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
if TYPE_CHECKING:
    from datetime import datetime


DIFFERENCES_PER_PART = 500


class YotpoReconcileOrdersOperator(PartnerOperator):
    """Compares built orders with those that a Yotpo store has, over the same range of order dates.

    Returns the reference of a dataset of the orders to repair (missing, stale or different), which
    :class:`~airflow_provider_partners.operators.yotpo.YotpoUpsertOrdersOperator` takes. ``extra["found"]`` counts the
    orders by state, those that differ by field too, ``extra["same"]`` those that don't, and ``extra["findings"]`` is
    the dataset of all findings. Calls no API.

    .. seealso:: :ref:`howto/operator:YotpoReconcileOrdersOperator`

    :param built: the output of :class:`~airflow_provider_partners.operators.yotpo.YotpoBuildOrdersOperator`
        (templated)
    :param yotpo_orders: the output of a task that extracted the store's orders (templated)
    """

    template_fields: Sequence[str] = ("built", "yotpo_orders")
    operator_extra_links = (DatasetLink(),)
    ui_color = "#e6f1fb"

    def __init__(self, *, built: Any, yotpo_orders: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = built
        self.yotpo_orders = yotpo_orders

    def input_datasets(self) -> list[Any]:
        """The datasets that are compared."""
        return [self.built, self.yotpo_orders]

    def run(self, context: Context) -> dict[str, Any]:
        """Compare, keep the findings and what is to be repaired."""
        built, held = DatasetRef.from_dict(self.built), DatasetRef.from_dict(self.yotpo_orders)
        unbuilt = built.extra.get("rejects")
        left_out = (
            {row["external_id"]: f"not built: {row['reason']}" for row in read_dataset(unbuilt)} if unbuilt else {}
        )
        found, same, findings, repairs = self._write_datasets(
            context,
            reconcile_orders(read_dataset(built), read_dataset(held), excluded=left_out),
            total=max(built.records, held.records),
        )
        differing = findings.commit()
        extra = {
            "shop": built.extra.get("shop"),
            "same": same,
            "found": dict(found.most_common()),
            "findings": differing.to_dict(),
        }
        reference = repairs.commit(extra=extra)
        self.activity.set_datasets_written(reference, differing, same=same, found=extra["found"])
        told = ", ".join(f"{count} {state}" for state, count in found.most_common())
        self.log.info("%d orders are the same in Yotpo; %s", same, told or "nothing differs")
        return reference.to_dict()

    def _write_datasets(
        self, context: Context, compared: Iterable[OrderDifference], *, total: int
    ) -> tuple[Counter[str], int, DatasetWriter, DatasetWriter]:
        findings = DatasetWriter(dataset_uri(context, "findings"), source="yotpo", resource="findings")
        repairs = DatasetWriter(dataset_uri(context), source="yotpo", resource="built orders")
        for writer in (findings, repairs):
            writer.resume()
        found, same = Counter[str](), 0
        progress = ProgressLog(self.log.info, "orders", total=total)
        for batch in batches(compared, DIFFERENCES_PER_PART):
            differing = [finding for finding in batch if finding.state != "same"]
            same += len(batch) - len(differing)
            findings.append(finding.to_dict() for finding in differing)
            repairs.append(finding.built for finding in differing if finding.built and finding.state in REPAIRABLE)
            for finding in differing:
                found[finding.state] += 1
                found.update(f"{finding.state}: {name}" for name in finding.fields)
            progress.count(same + findings.records, findings.parts)
        return found, same, findings, repairs


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


__all__ = [
    "YotpoBuildOrdersOperator",
    "YotpoExtractOperator",
    "YotpoReplayRejectsOperator",
    "YotpoUpsertFulfillmentsOperator",
    "YotpoUpsertOrdersOperator",
    "YotpoUpsertProductsOperator",
]

ORDERS_PER_PART = 500


class YotpoExtractOperator(ExtractOperator):
    """Extracts a list of a Yotpo store to a dataset, and returns the dataset's reference.

    .. seealso:: :ref:`howto/operator:YotpoExtractOperator`

    :param resource: ``orders``, ``products``, ``customers``, ``fulfillments`` or ``variants`` (templated)
    :param yotpo_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (*ExtractOperator.template_fields, "yotpo_conn_id")
    available_resources: ClassVar[Mapping[str, Any]] = RESOURCES
    operator_extra_links = (YotpoLink(), DatasetLink())
    ui_color = "#e6f1fb"

    def __init__(self, *, yotpo_conn_id: str = YotpoHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.yotpo_conn_id = yotpo_conn_id

    def hook(self) -> YotpoHook:
        """The store's hook."""
        return YotpoHook(self.yotpo_conn_id)


class YotpoBuildOrdersOperator(PartnerOperator):
    """Joins a shop's orders with what Yofi and others know of them, and maps each to a Yotpo order.

    Returns the reference of the dataset of built orders. Its ``extra`` counts those whose review request is suppressed,
    those the options leave out, and those that can't be mapped, each with reasons; the latter two rest in a dataset of
    their own, ``extra["rejects"]``. Calls no API.

    .. seealso:: :ref:`howto/operator:YotpoBuildOrdersOperator`

    :param orders: the output of a task that extracted Shopify orders (templated)
    :param shop: the shop's domain (templated)
    :param returns: the output of a task that extracted Yofi's returns (templated)
    :param claims: likewise, claims (templated)
    :param customers: likewise, customers, for orders that nothing was returned of (templated)
    :param redemptions: likewise, Voucherify's redemptions, whose window also tells from when on they are known; without
        it the orders' coupon fields are left alone (templated)
    :param options: choices of the mapping, see :class:`~airflow_provider_partners.sync.options.MappingOptions`
        (templated)
    :param policy: when a review request is suppressed, see
        :class:`~airflow_provider_partners.sync.suppression.policy.SuppressionPolicy` (templated)
    :param coupon_policy: which redemptions count as an order's coupons, see
        :class:`~airflow_provider_partners.sync.coupons.CouponPolicy` (templated)
    :param max_rejects: how many orders that can't be mapped are borne before the task fails, an integer for a count, a
        float for a share; ``[partners] max_rejects`` by default
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
    template_fields_renderers: ClassVar[dict[str, str]] = dict.fromkeys(("options", "policy", "coupon_policy"), "json")
    operator_extra_links = (DatasetLink(),)
    ui_color = "#e6f1fb"

    def __init__(
        self,
        *,
        orders: Any,
        shop: str,
        returns: Any = None,
        claims: Any = None,
        customers: Any = None,
        redemptions: Any = None,
        options: Mapping[str, Any] | None = None,
        policy: Mapping[str, Any] | None = None,
        coupon_policy: Mapping[str, Any] | None = None,
        max_rejects: float | None = None,
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

    def input_datasets(self) -> list[Any]:
        """The datasets that are joined."""
        return [self.orders, self.returns, self.claims, self.customers, self.redemptions]

    def run(self, context: Context) -> dict[str, Any]:
        """Join, map, keep what was built and what was not, check the threshold."""
        orders = DatasetRef.from_dict(self.orders)
        made = build_orders(
            read_dataset(orders),
            _read_optional(self.returns),
            _read_optional(self.claims),
            customers=_read_optional(self.customers),
            redemptions=None if self.redemptions is None else read_dataset(self.redemptions),
            redemptions_from=_window_start(self.redemptions),
            shop=self.shop,
            options=self.options,
            policy=self.policy,
            coupon_policy=self.coupon_policy,
        )
        built, rejects, summary, left_out = self._write_datasets(context, orders, made)
        extra: dict[str, Any] = {
            "shop": self.shop,
            "suppressed": summary.suppressed,
            "suppressions": dict(summary.suppressions.most_common()),
            "left_out": left_out.total(),
            "left_outs": dict(left_out.most_common()),
            "rejected": summary.counts["rejected"],
            "rejections": dict(summary.rejections.most_common()),
        }
        set_aside = rejects.commit() if rejects.records else None
        reference = built.commit(extra={**extra, "rejects": set_aside.to_dict() if set_aside else None})
        self.activity.set_datasets_written(reference, set_aside, rejects=extra["rejected"], left_out=extra["left_out"])
        self.activity.api, self.activity.shop = YotpoHook.conn_type, self.shop
        self.activity.rejects = extra["rejected"]
        self.log.info(
            "Built %d of %d orders; %d are left out, %d can't be mapped, %d are without a review request",
            reference.records,
            orders.records,
            extra["left_out"],
            extra["rejected"],
            extra["suppressed"],
        )
        enforce_reject_threshold(context, reference, summary, self.max_rejects)
        return reference.to_dict()

    def _write_datasets(
        self, context: Context, orders: DatasetRef, made: Iterator[BuiltOrder | UnmappableOrder]
    ) -> tuple[DatasetWriter, DatasetWriter, OutcomeSummary, Counter[str]]:
        window = Window.from_dict(orders.window) if orders.window else None
        built = DatasetWriter(dataset_uri(context), source="yotpo", resource="built orders", window=window)
        rejects = DatasetWriter(
            dataset_uri(context, "rejects"), source="yotpo", resource="unbuilt orders", window=window
        )
        for writer in (built, rejects):
            writer.resume()
        summary, left_out = OutcomeSummary(), Counter[str]()
        progress = ProgressLog(self.log.info, "orders", total=orders.records)
        for batch in batches(made, ORDERS_PER_PART):
            unbuilt = [order for order in batch if isinstance(order, UnmappableOrder)]
            ready = [order for order in batch if isinstance(order, BuiltOrder)]
            rejects.append(order.to_dict() for order in unbuilt)
            built.append(order.to_dict() for order in ready)
            left_out.update(mask_numbers(order.reason) for order in unbuilt if order.is_excluded)
            for outcome in (*map(_reject_outcome, unbuilt), *map(_built_outcome, ready)):
                if outcome:
                    summary.add(outcome)
            progress.count(built.records + rejects.records, built.parts + rejects.parts)
        return built, rejects, summary, left_out


def _reject_outcome(order: UnmappableOrder) -> Outcome | None:
    """A reject where something is wrong; what the options leave out is none."""
    return None if order.is_excluded else Outcome("order", order.external_id, "rejected", reason=order.reason)


def _built_outcome(order: BuiltOrder) -> Outcome:
    return Outcome("order", order.external_id, "would_create", suppressed=order.suppressed)


def _window_start(reference: Any) -> datetime | None:
    """The first moment that a dataset covers; None where it covers all of its list, or wasn't given."""
    window = None if reference is None else DatasetRef.from_dict(reference).window
    return Window.from_dict(window).since if window else None


def _read_optional(reference: Any) -> Iterator[Record]:
    """The records of a dataset; none where it wasn't given."""
    return iter(()) if reference is None else read_dataset(reference)
