"""What every Dag of the order sync takes besides its own arguments, as one value: how orders are built, where routes
come from, and where lanes run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.pipelines.routing.placements import Placement, declared_placements

if TYPE_CHECKING:
    from airflow_provider_partners.sync.coupons import CouponPolicy
    from airflow_provider_partners.sync.options import MappingOptions
    from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy

__all__ = [
    "BUILD_ARGUMENTS",
    "CLAIMS_LOOKBACK",
    "COUPONS_LOOKBACK",
    "DEFAULT_GRANULARITY",
    "SHOPS_PER_TASK",
    "Granularity",
    "OrderArguments",
]

CLAIMS_LOOKBACK = timedelta(days=30)
"""Default of ``claims_lookback``: how old a claim may be to count for an order."""

COUPONS_LOOKBACK = timedelta(days=3)
"""Default of ``coupons_lookback``: how long before the orders' window redemptions are read."""

BUILD_ARGUMENTS = (
    "options",
    "order_properties",
    "line_properties",
    "product_properties",
    "policy",
    "coupon_policy",
    "transform",
    "predictions",
)
"""The arguments of the build operator that a Dag passes on, and that a route may have, too."""

OnNoShops = Literal["fail", "skip"]

Granularity = Literal["shop", "step"]

DEFAULT_GRANULARITY: Granularity = "step"
"""Whether a task is one step of one shop, or all steps of some shops."""

SHOPS_PER_TASK = 25
"""Default of ``shops_per_task``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderArguments:
    """The arguments that all Dags of the order sync share. Give all of them the same.

    :param options: options of the mapping, as a dict, JSON text or a
        :class:`~airflow_provider_partners.sync.options.MappingOptions` (templated)
    :param order_properties: custom properties of the order, each with its source, see
        :mod:`~airflow_provider_partners.sync.property_sources`. A key goes before the same key of ``options``
        (templated)
    :param line_properties: custom properties of the order's lines, likewise (templated)
    :param product_properties: custom properties of the products, likewise (templated)
    :param policy: when the review request of an order is suppressed, likewise, or the import path of a
        :class:`~airflow_provider_partners.sync.suppression.policy.SuppressionPolicy` (templated)
    :param coupon_policy: which redemptions count as an order's coupons, likewise, a
        :class:`~airflow_provider_partners.sync.coupons.CouponPolicy` (templated)
    :param transform: the import path of a function that gets each order with its payload, and returns the payload to
        send, see :data:`~airflow_provider_partners.sync.transform.Transform` (templated)
    :param predictions: the folder of a published dataset of predictions from elsewhere, each with ``order_id``,
        ``category`` and ``score`` (templated)
    :param claims_lookback: how old a claim may be to count
    :param coupons_lookback: how long before the orders' window redemptions are read. An older order keeps its coupon
        fields
    :param personal_data: False reads no customers' data from Shopify; otherwise each shop's route decides
    :param routes: where the routes come from: a file by its URI or absolute path (JSON or YAML), a query as
        ``{"conn_id": …, "sql": …}``, or a list; by default the Variable ``partner_shop_routes`` (templated)
    :param placements: the pools and queues that routes name, each as ``{"pool": …, "queue": …}``. They become task
        groups of their own when Airflow loads the Dag file. Those of a local file or a list of routes are found without
        this argument
    :param on_no_shops: whether the run fails, or ends as skipped, when it has no shop to sync
    :param granularity: what a task is: ``step``, one step of one shop; or ``shop``, all steps of some shops, which
        costs Airflow much less. With ``step``, a run may have as many lanes as ``[core] max_map_length`` of Airflow
        allows (1024), without those that have no changes
    :param shops_per_task: how many shops a task takes at most: with ``granularity="shop"``, all of their steps; with
        ``step``, the requests that find out which of them have changes. In a Dag with several windows, each window of a
        shop counts
    """

    options: MappingOptions | Mapping[str, Any] | str | None = None
    order_properties: Mapping[str, Any] | str | None = None
    line_properties: Mapping[str, Any] | str | None = None
    product_properties: Mapping[str, Any] | str | None = None
    policy: SuppressionPolicy | Mapping[str, Any] | str | None = None
    coupon_policy: CouponPolicy | Mapping[str, Any] | str | None = None
    transform: str | None = None
    predictions: str | None = None
    claims_lookback: timedelta = CLAIMS_LOOKBACK
    coupons_lookback: timedelta = COUPONS_LOOKBACK
    personal_data: bool = True
    routes: str | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    placements: Sequence[Mapping[str, str]] = ()
    on_no_shops: OnNoShops = "fail"
    granularity: Granularity = DEFAULT_GRANULARITY
    shops_per_task: int = SHOPS_PER_TASK

    def __post_init__(self) -> None:
        """Refuse an unknown choice.

        :raises ConfigurationError: when it is no choice
        """
        for name, choices in (("on_no_shops", ("fail", "skip")), ("granularity", ("shop", "step"))):
            value = getattr(self, name)
            if value not in choices:
                message = f"The argument '{name}' is {value!r}{suggest(value, choices)}"
                raise ConfigurationError(message, remedy=f"Use {' or '.join(map(repr, choices))}.")

    @property
    def lookbacks(self) -> dict[str, timedelta]:
        """How much earlier than the orders' window claims and redemptions are read."""
        return {"claims_lookback": self.claims_lookback, "coupons_lookback": self.coupons_lookback}

    @property
    def declared_placements(self) -> list[Placement]:
        """The pools and queues of the Dag's lanes."""
        return declared_placements(self.placements, self.routes)

    @property
    def mapping(self) -> dict[str, Any]:
        """How lanes become tasks: arguments of :func:`~airflow_provider_partners.pipelines.lanes.mapping.map_lanes`."""
        return {
            "placements": self.declared_placements,
            "granularity": self.granularity,
            "shops_per_task": self.shops_per_task,
        }

    def selection(self) -> dict[str, Any]:
        """Return the arguments of the step that selects the shops, as JSON: it is a task, and renders templates."""
        return {
            "personal_data": self.personal_data,
            "routes": self.routes,
            "build": {name: _as_json(getattr(self, name)) for name in BUILD_ARGUMENTS},
            "placements": [placement.to_dict() for placement in self.declared_placements],
            "on_no_shops": self.on_no_shops,
        }


def _as_json(value: Any) -> Any:
    """Return options as the dict that a template field holds."""
    return value.to_dict() if hasattr(value, "to_dict") else value
