"""Yotpo: a store's lists to datasets, and orders built of what Shopify and Yofi know.

Writing to Yotpo is in ``operators/upsert.py``; its operators are offered here too, so that there is one place to import
a store's operators from.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.api.yotpo import RESOURCES
from airflow_provider_partners.datasets.read import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.write import DatasetWriter
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.links import DatasetLink, YotpoLink
from airflow_provider_partners.operators.base import (
    Context,
    PartnerOperator,
    ProgressLog,
    dataset_uri,
    enforce_reject_threshold,
)
from airflow_provider_partners.operators.extract import ExtractOperator
from airflow_provider_partners.operators.upsert import (
    YotpoReplayRejectsOperator,
    YotpoUpsertFulfillmentsOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)
from airflow_provider_partners.sync.build import BuiltOrder, UnmappableOrder, build_orders
from airflow_provider_partners.sync.outcomes import Outcome, OutcomeSummary, mask_numbers
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_partners.api.messages import Record

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
        :class:`~airflow_provider_partners.sync.suppression.SuppressionPolicy` (templated)
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
