"""Build Yotpo orders out of a shop's orders and what Yofi and Voucherify know of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from airflow_provider_partners import sync
from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.arguments import Check, check_dataset, check_limit, check_mapping, check_structure
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.progress import ProgressLog
from airflow_provider_partners.datasets.reader import published_dataset
from airflow_provider_partners.datasets.source import RecordSource, parse_source
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.links import DatasetLink
from airflow_provider_partners.operators.base import DatasetInput, PartnerOperator, enforce_reject_threshold
from airflow_provider_partners.operators.inputs import (
    BUILT_ORDERS,
    UNBUILT_ORDERS,
    require_list,
    require_shop,
)
from airflow_provider_partners.windows import Window, is_given

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_partners.datasets.reference import DatasetRefDict
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.sync import BuiltOrder, MappingOptions, Outcome, OutcomeSummary, UnmappableOrder
    from airflow_provider_partners.sync.transform import Transform
    from airflow_provider_partners.task_errors import Context

__all__ = ["BuildOrdersExtra", "YotpoBuildOrdersOperator"]

ORDERS_PER_BATCH = 100
"""Built orders that are written together. With more of them, the processor's cache no longer holds them."""

_JOINED_LISTS = {
    "orders": "shopify_admin",
    "returns": "yofi",
    "claims": "yofi",
    "customers": "yofi",
    "redemptions": "voucherify",
}
"""The lists that are joined to built orders, with the partner of each."""

_PROPERTIES = ("order_properties", "line_properties", "product_properties")
"""The options of the mapping that are arguments as well."""


class BuildOrdersExtra(TypedDict):
    """``extra`` of the dataset that :class:`YotpoBuildOrdersOperator` returns."""

    shop: str
    suppressed: int
    """Orders without a review request."""
    suppressions: dict[str, int]
    """Reasons for that."""
    left_out: int
    """Orders that the options, or the transform, leave out."""
    left_outs: dict[str, int]
    """Reasons for that."""
    too_old: int
    """Orders that are too old for a review request, sent or left out."""
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
        complete. Without it, Shopify's discount codes decide on the orders' coupon fields (templated)
    :param predictions: predictions from elsewhere, each with ``order_id``, ``category`` and ``score``: the output of a
        task, a list of records, or the folder of a published dataset. The policy judges them as Yofi's predictions of
        the order (templated)
    :param options: options of the mapping, as a dict or JSON text, see
        :class:`~airflow_provider_partners.sync.options.MappingOptions` (templated)
    :param order_properties: custom properties of the order, each with its source, as a dict or JSON text:
        ``{"delivery_type": "shippingLine.title", "customer_state": "shippingAddress.provinceCode"}``; see
        :mod:`~airflow_provider_partners.sync.property_sources`. A key goes before the same key of ``options``. What it
        names has to be extracted.
        :func:`~airflow_provider_partners.sync.property_sources.required_fields` gives the ``fields`` (templated)
    :param line_properties: custom properties of the order's lines, likewise:
        ``{"color": "option:Color|Colour", "model": "metafield:custom.model"}`` (templated)
    :param product_properties: custom properties of the products, likewise (templated)
    :param policy: when a review request is suppressed, as a dict, JSON text or the import path of a policy, see
        :class:`~airflow_provider_partners.sync.suppression.policy.SuppressionPolicy` (templated)
    :param coupon_policy: which redemptions count as an order's coupons, as a dict or JSON text, see
        :class:`~airflow_provider_partners.sync.coupons.CouponPolicy` (templated)
    :param transform: a function, or its import path ``package.module:function``, that gets each order with its payload
        and returns the payload to send, see :data:`~airflow_provider_partners.sync.transform.Transform` (templated)
    :param max_rejects: how many orders may fail to map before the task fails: an ``int`` is a count, a ``float`` a
        share; ``[partners] max_rejects`` by default (templated)
    :param reject_floor: how many records a share allows in any case; ``[partners] reject_floor`` by default (templated)
    """

    template_fields: Sequence[str] = (
        "orders",
        "shop",
        "returns",
        "claims",
        "customers",
        "redemptions",
        "predictions",
        "options",
        "order_properties",
        "line_properties",
        "product_properties",
        "policy",
        "coupon_policy",
        "transform",
        "max_rejects",
        "reject_floor",
    )
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **dict.fromkeys(("orders", "returns", "claims", "customers", "redemptions"), check_dataset),
        "predictions": check_structure,
        **dict.fromkeys(_PROPERTIES, check_mapping),
        **dict.fromkeys(("options", "policy", "coupon_policy"), check_structure),
        **dict.fromkeys(("max_rejects", "reject_floor"), check_limit),
    }
    template_fields_renderers: ClassVar[dict[str, str]] = dict.fromkeys(
        ("options", "policy", "coupon_policy", *_PROPERTIES), "json"
    )
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
        predictions: DatasetInput | None = None,
        options: Mapping[str, Any] | str | None = None,
        order_properties: Mapping[str, Any] | str | None = None,
        line_properties: Mapping[str, Any] | str | None = None,
        product_properties: Mapping[str, Any] | str | None = None,
        policy: Mapping[str, Any] | str | None = None,
        coupon_policy: Mapping[str, Any] | str | None = None,
        transform: Transform | str | None = None,
        max_rejects: float | str | None = None,
        reject_floor: int | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.orders = orders
        self.shop = shop
        self.returns = returns
        self.claims = claims
        self.customers = customers
        self.redemptions = redemptions
        self.predictions = predictions
        self.options = options
        self.order_properties = order_properties
        self.line_properties = line_properties
        self.product_properties = product_properties
        self.policy = policy
        self.coupon_policy = coupon_policy
        self.transform = transform
        self.max_rejects: Any = max_rejects
        self.reject_floor: Any = reject_floor

    def input_datasets(self) -> list[Any]:
        """Return the datasets that are joined."""
        return [self.orders, self.returns, self.claims, self.customers, self.redemptions, self.predictions]

    def run(self, context: Context) -> DatasetRefDict:
        """Join and map the orders, write both datasets, check the threshold."""
        inputs = self._check_inputs()
        orders = inputs["orders"]

        def read(name: str) -> Iterator[Record]:
            return inputs[name].read() if name in inputs else iter(())

        mapped_orders = sync.build_orders(
            orders.read(),
            read("returns"),
            read("claims"),
            customers=read("customers"),
            redemptions=read("redemptions") if "redemptions" in inputs else None,
            redemptions_from=inputs["redemptions"].since if "redemptions" in inputs else None,
            predictions=read("predictions"),
            read_at={name: records.read_at for name, records in inputs.items()},
            shop=self.shop,
            options=self._mapping_options(),
            policy=self.policy,
            coupon_policy=self.coupon_policy,
            transform=self.transform,
        )
        built, rejects, summary, left_out = self._write_datasets(context, orders, mapped_orders)
        reject_reference = rejects.commit() if rejects.records else None
        extra: BuildOrdersExtra = {
            "shop": self.shop,
            "suppressed": summary.suppressed,
            "suppressions": dict(summary.suppressions.most_common()),
            "left_out": left_out.total(),
            "left_outs": dict((+left_out).most_common()),
            "too_old": summary.notes[sync.TOO_OLD] + left_out[sync.TOO_OLD],
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

    def _mapping_options(self) -> MappingOptions:
        """Return the options of the mapping, with the custom properties of the arguments."""
        options = sync.MappingOptions.parse(self.options)
        given = {name: getattr(self, name) for name in _PROPERTIES if getattr(self, name) is not None}
        if not given:
            return options
        properties = {name: {**getattr(options, name), **value} for name, value in given.items()}
        return sync.MappingOptions.parse({**options.to_dict(), **properties})

    def _check_inputs(self) -> dict[str, RecordSource]:
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
        if is_given(self.predictions):
            references["predictions"] = self._predictions()
        return references

    def _predictions(self) -> RecordSource:
        """Return the predictions from elsewhere: of a published dataset, or as any argument for records."""
        value = self.predictions
        if isinstance(value, str) and (value.startswith("/") or "://" in value):
            return RecordSource(references=(published_dataset(value),))
        return parse_source("predictions", value)

    def _write_datasets(
        self, context: Context, orders: RecordSource, mapped_orders: Iterator[BuiltOrder | UnmappableOrder]
    ) -> tuple[DatasetWriter, DatasetWriter, OutcomeSummary, Counter[str]]:
        from airflow_provider_partners.sync.outcomes import count_reason

        window = Window.from_dict(orders.window) if orders.window else None
        lists: dict[str, Any] = {"source": "yotpo", "account": self.shop, "window": window}
        built = DatasetWriter(dataset_uri(context), resource=BUILT_ORDERS, **lists)
        rejects = DatasetWriter(dataset_uri(context, "rejects"), resource=UNBUILT_ORDERS, **lists)
        for writer in (built, rejects):
            writer.resume()
        # What is too old is counted apart, however many reasons there are.
        summary, left_out = sync.OutcomeSummary(), Counter({sync.TOO_OLD: 0})
        progress = ProgressLog(self.log.info, "orders", total=orders.records)
        for batch in batches(mapped_orders, ORDERS_PER_BATCH):
            unmappable = [order for order in batch if isinstance(order, sync.UnmappableOrder)]
            ready = [order for order in batch if isinstance(order, sync.BuiltOrder)]
            rejects.append(order.to_dict() for order in unmappable)
            built.append(order.to_dict() for order in ready)
            for order in unmappable:
                if order.is_excluded:
                    count_reason(left_out, order.rule)
            for outcome in (*map(_reject_outcome, unmappable), *map(_built_outcome, ready)):
                if outcome:
                    summary.add(outcome)
            progress.count(built.records + rejects.records, built.parts + rejects.parts)
        return built, rejects, summary, left_out


def _reject_outcome(order: UnmappableOrder) -> Outcome | None:
    """Return a reject for an order that cannot be mapped; ``None`` for one that the options leave out."""
    if order.is_excluded:
        return None
    return sync.Outcome("order", order.external_id, "rejected", reason=order.reason, rule=order.rule)


def _built_outcome(order: BuiltOrder) -> Outcome:
    return sync.Outcome(
        "order", order.external_id, "would_create", suppressed=order.suppressed, notes=order.outcome_notes
    )
