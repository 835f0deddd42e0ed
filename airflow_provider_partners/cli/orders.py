"""Orders of one shop with what the partners know of them, read and built as the order sync does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.cli.partners import open_hook

if TYPE_CHECKING:
    from airflow_provider_partners.pipelines.routing import Route
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.sync import BuiltOrder, UnmappableOrder

__all__ = ["OrderSources", "build", "find_lane", "read_orders", "read_sources"]

_BUILD_ARGUMENTS = ("options", "policy", "coupon_policy", "transform")


@dataclass(slots=True, kw_only=True)
class OrderSources:
    """Orders of a shop, and what belongs to them.

    :param redemptions: ``None`` if the shop has no connection of Voucherify
    :param redemptions_from: since when redemptions were read
    :param read_at: when reading each list began
    """

    orders: list[Record]
    returns: list[Record] = field(default_factory=list)
    claims: list[Record] = field(default_factory=list)
    customers: list[Record] = field(default_factory=list)
    redemptions: list[Record] | None = None
    redemptions_from: datetime | None = None
    read_at: dict[str, str] = field(default_factory=dict)


def find_lane(route: Route, **dag_arguments: Any) -> dict[str, Any]:
    """Return a route with all that its orders are built with.

    :param dag_arguments: what the Dag sets for all shops, such as ``policy``
    :raises ConfigurationError: when an option is wrong
    """
    from airflow_provider_partners.pipelines.routing import select_lanes

    given = {name: value for name, value in dag_arguments.items() if value}
    return dict(select_lanes([route], build=given).lanes[0])


def read_orders(lane: Mapping[str, Any], *, is_patient: bool = False, **selection: Any) -> OrderSources:
    """Return orders from Shopify, without what belongs to them.

    :param is_patient: see :func:`~airflow_provider_partners.cli.partners.open_hook`
    :param selection: ``match`` or ``query``, as the client's ``extract`` takes them
    """
    read_at = _now()
    with open_hook("shopify_admin", lane["shopify_admin_conn_id"], shop=lane["shop"], is_patient=is_patient) as shopify:
        found = shopify.extract(
            "orders", personal_data=lane["personal_data"], fields=lane["fields"] or None, **selection
        )
        return OrderSources(orders=list(found.records()), read_at={"orders": read_at})


def read_sources(
    lane: Mapping[str, Any], sources: OrderSources, advance: Callable[[], None], *, is_patient: bool = False
) -> None:
    """Add what Yofi and Voucherify know of the orders.

    :param advance: called after each partner
    :param is_patient: see :func:`~airflow_provider_partners.cli.partners.open_hook`
    """
    if lane["yofi_conn_id"]:
        _read_yofi(lane, sources, is_patient)
    advance()
    if lane["voucherify_conn_id"] and sources.orders:
        _read_voucherify(lane, sources, is_patient)
    advance()


def _read_yofi(lane: Mapping[str, Any], sources: OrderSources, is_patient: bool) -> None:
    from airflow_provider_partners.pipelines.order_arguments import CLAIMS_LOOKBACK

    sources.read_at |= dict.fromkeys(("returns", "customers", "claims"), _now())
    order_ids = [str(order["legacyResourceId"]) for order in sources.orders]
    customers = [(order.get("customer") or {}).get("legacyResourceId") for order in sources.orders]
    customer_ids = list(dict.fromkeys(str(each) for each in customers if each))
    now = datetime.now(UTC)
    with open_hook("yofi", lane["yofi_conn_id"], shop=lane["shop"], is_patient=is_patient) as yofi:
        sources.returns = list(yofi.extract("returns", match={"order_id": order_ids}).records())
        sources.customers = list(yofi.extract("customers", match={"customer_id": customer_ids}).records())
        sources.claims = list(yofi.extract("claims", since=now - CLAIMS_LOOKBACK, until=now).records())


def _read_voucherify(lane: Mapping[str, Any], sources: OrderSources, is_patient: bool) -> None:
    from airflow_provider_partners.pipelines.order_arguments import COUPONS_LOOKBACK

    sources.read_at["redemptions"] = _now()
    oldest = min(timestamps.parse(order["createdAt"]) for order in sources.orders)
    sources.redemptions_from = oldest - COUPONS_LOOKBACK
    with open_hook("voucherify", lane["voucherify_conn_id"], is_patient=is_patient) as voucherify:
        found = voucherify.extract("redemptions", since=sources.redemptions_from, until=datetime.now(UTC))
        sources.redemptions = list(found.records())


def build(lane: Mapping[str, Any], sources: OrderSources) -> Iterator[BuiltOrder | UnmappableOrder]:
    """Yield each order as it would be sent, or why it is not."""
    from airflow_provider_partners import sync

    return sync.build_orders(
        sources.orders,
        sources.returns,
        sources.claims,
        customers=sources.customers,
        redemptions=sources.redemptions,
        redemptions_from=sources.redemptions_from,
        predictions=_predictions(lane["predictions"]),
        read_at=sources.read_at,
        shop=lane["shop"],
        **{name: lane[name] for name in _BUILD_ARGUMENTS},
    )


def _predictions(uri: str | None) -> Iterable[Record]:
    """Return the predictions that the route names."""
    from airflow_provider_partners.datasets.reader import published_dataset
    from airflow_provider_partners.datasets.source import RecordSource

    return RecordSource(references=(published_dataset(uri),)).read() if uri else ()


def _now() -> str:
    return timestamps.isoformat(datetime.now(UTC), "milliseconds")
