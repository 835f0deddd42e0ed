"""The kinds of orders in a world, as a table: their line items, payment, shipping and later changes.

Every kind occurs at least once if there are enough orders; ordinary kinds fill the rest by weight. This module only
declares them; :mod:`~airflow_provider_partners.sandbox.world.orders.build` builds the orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """One fulfillment of a shipping plan.

    :param units: its share of the order's units
    :param tracking_status: the carrier's last status, a key of :data:`TRACKING_HISTORIES`; ``""`` if there is none
    :param status: status of the fulfillment
    :param tracking: number of parcels
    :param first_parcel_unnumbered: True if the first parcel has a carrier, and no number or URL
    """

    units: float = 1.0
    tracking_status: str = ""
    status: str = "SUCCESS"
    tracking: int = 1
    first_parcel_unnumbered: bool = False


#: The carrier's reports up to the last status, with the hours since the shipment.
TRACKING_HISTORIES: dict[str, Sequence[tuple[str, float]]] = {
    "": (),
    "LABEL_PURCHASED": (("LABEL_PURCHASED", 0.5),),
    "LABEL_PRINTED": (("LABEL_PURCHASED", 0.5), ("LABEL_PRINTED", 1)),
    "CONFIRMED": (("CONFIRMED", 2),),
    "CARRIER_PICKED_UP": (("CONFIRMED", 2), ("CARRIER_PICKED_UP", 5)),
    "IN_TRANSIT": (("CARRIER_PICKED_UP", 5), ("IN_TRANSIT", 12)),
    "DELAYED": (("IN_TRANSIT", 12), ("DELAYED", 30)),
    "OUT_FOR_DELIVERY": (("IN_TRANSIT", 12), ("OUT_FOR_DELIVERY", 34)),
    "ATTEMPTED_DELIVERY": (("IN_TRANSIT", 12), ("ATTEMPTED_DELIVERY", 36)),
    "READY_FOR_PICKUP": (("IN_TRANSIT", 12), ("READY_FOR_PICKUP", 36)),
    "FAILURE": (("IN_TRANSIT", 12), ("FAILURE", 37)),
    "DELIVERED": (("LABEL_PRINTED", 1), ("IN_TRANSIT", 12), ("OUT_FOR_DELIVERY", 50), ("DELIVERED", 56)),
}

SHIPPING: dict[str, Sequence[Shipment]] = {
    "none": (),
    "delivered": (Shipment(tracking_status="DELIVERED"),),
    "transit": (Shipment(tracking_status="IN_TRANSIT"),),
    "silent": (Shipment(),),
    "untracked": (Shipment(tracking=0),),
    "two numbers": (Shipment(tracking_status="DELIVERED", tracking=2),),
    "unnumbered parcel": (Shipment(tracking_status="DELIVERED", tracking=2, first_parcel_unnumbered=True),),
    "partial": (Shipment(units=0.5, tracking_status="IN_TRANSIT"),),
    "partial delivered": (Shipment(units=0.5, tracking_status="DELIVERED"),),
    "several": (
        Shipment(units=0.34, tracking_status="DELIVERED"),
        Shipment(units=0.33, tracking_status="IN_TRANSIT"),
        Shipment(units=0.33, tracking=0),
    ),
    "cancelled": (Shipment(status="CANCELLED"),),
    "replaced": (Shipment(status="CANCELLED"), Shipment(tracking_status="DELIVERED")),
    "failure": (Shipment(status="FAILURE", tracking=0),),
    "error": (Shipment(status="ERROR", tracking=0),),
    "pending": (Shipment(status="PENDING", tracking=0),),
    "sixty": tuple(Shipment(units=1 / 60, tracking_status="DELIVERED" if index % 2 else "") for index in range(60)),
    # The carrier failed to deliver. In "failure" the merchant failed to ship.
    "undelivered": (Shipment(tracking_status="FAILURE"),),
    **{
        status.lower(): (Shipment(tracking_status=status),)
        for status in TRACKING_HISTORIES
        if status not in {"", "FAILURE"}
    },
}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One kind of order.

    :param lines: its line items, each a key of ``LINES`` in
        :mod:`~airflow_provider_partners.sandbox.world.orders.lines`
    :param payment: ``paid``, ``pending``, ``authorized``, ``expired``, ``part`` or ``unknown``
    :param shipping: a key of :data:`SHIPPING`
    :param later_changes: what happens after shipping: ``refund``, ``refund one``, ``restock``, ``refund shipping``,
        ``remove``, ``remove unpaid``, ``cancel``
    :param edge_cases: its unusual properties, each a key of ``EDGE_CASES`` in
        :mod:`~airflow_provider_partners.sandbox.world.orders.edge_cases`
    :param days: youngest and oldest age in days
    :param weight: how often it occurs among the ordinary orders; zero for special kinds
    :param first_shop_only: True if it occurs once in a world
    """

    name: str
    lines: Sequence[str] = ("usual",)
    payment: str = "paid"
    shipping: str = "delivered"
    later_changes: str = ""
    edge_cases: Sequence[str] = ()
    days: tuple[float, float] = (9, 150)
    weight: int = 0
    first_shop_only: bool = False


_FRESH = (0.02, 3.0)
_UNDER_WAY = (3.5, 8.0)
_TWO = ("usual", "usual")
_SETTLED = (12.0, 150.0)

#: All scenarios, in the order in which a small world takes them.
SCENARIOS: Sequence[Scenario] = (
    Scenario(
        name="400 line items", lines=("hundreds",), shipping="partial delivered", days=_SETTLED, first_shop_only=True
    ),
    Scenario(name="60 fulfillments", lines=("sixty",), shipping="sixty", days=(16, 60), first_shop_only=True),
    Scenario(name="delivered", lines=_TWO, weight=34),
    Scenario(name="in transit", shipping="transit", days=_UNDER_WAY, weight=8),
    Scenario(name="unfulfilled", shipping="none", days=_FRESH, weight=10),
    Scenario(name="partially fulfilled", lines=_TWO, shipping="partial", days=(4, 20), weight=4),
    Scenario(name="fulfilled in parts", lines=(*_TWO, "usual"), shipping="several", weight=5),
    Scenario(name="cancelled", shipping="none", later_changes="cancel", days=(5, 140), weight=3),
    Scenario(name="refunded", lines=_TWO, later_changes="refund", days=_SETTLED, weight=4),
    Scenario(name="partially refunded", lines=_TWO, later_changes="refund one", days=_SETTLED, weight=4),
    Scenario(name="test order", edge_cases=("test",)),
    Scenario(name="two variants", lines=("variants", "usual"), weight=3),
    Scenario(name="same variant twice", lines=("twice",)),
    Scenario(name="guest", edge_cases=("guest",), weight=3),
    Scenario(name="deleted product among others", lines=("usual", "deleted")),
    Scenario(name="deleted products only", lines=("deleted", "deleted")),
    Scenario(name="redacted personal data", lines=_TWO, edge_cases=("redacted",)),
    Scenario(name="gift card among others", lines=("usual", "gift card")),
    Scenario(name="gift card only", lines=("gift card",), shipping="untracked", edge_cases=("no shipping",)),
    Scenario(name="zero quantity", lines=("usual", "zero")),
    Scenario(name="removed and refunded", lines=_TWO, later_changes="remove", days=_SETTLED),
    Scenario(
        name="removed before payment", lines=_TWO, payment="pending", shipping="none", later_changes="remove unpaid"
    ),
    Scenario(name="restocked", lines=_TWO, later_changes="restock", days=_SETTLED),
    Scenario(
        name="shipping refunded", later_changes="refund shipping", edge_cases=("charged shipping",), days=_SETTLED
    ),
    Scenario(name="voided", payment="authorized", shipping="none", later_changes="cancel"),
    Scenario(name="pending", payment="pending", shipping="none", days=(0.5, 20), weight=2),
    Scenario(name="pending though delivered", payment="pending", weight=1),
    Scenario(name="authorized", payment="authorized", shipping="none", days=_FRESH, weight=2),
    Scenario(name="expired", payment="expired", shipping="none", days=(20, 100)),
    Scenario(name="partially paid", payment="part", shipping="none", days=(5, 60)),
    Scenario(name="unknown payment", payment="unknown", shipping="none", days=(5, 60)),
    Scenario(name="free of charge", edge_cases=("free",)),
    Scenario(name="custom line", lines=("usual", "custom")),
    Scenario(name="untracked", shipping="untracked", weight=3),
    Scenario(name="no tracking events", shipping="silent", weight=4),
    Scenario(name="two tracking numbers", shipping="two numbers"),
    Scenario(name="unnumbered parcel", shipping="unnumbered parcel"),
    Scenario(name="cancelled fulfillment", shipping="cancelled", days=(4, 40)),
    Scenario(name="replaced fulfillment", shipping="replaced", days=_SETTLED),
    Scenario(name="failed fulfillment", shipping="failure", days=(4, 40)),
    Scenario(name="erroneous fulfillment", shipping="error", days=(4, 40)),
    Scenario(name="pending fulfillment", shipping="pending", days=(4, 40)),
    Scenario(name="invalid phones", edge_cases=("invalid phones",)),
    Scenario(name="local phones", edge_cases=("local phones",)),
    Scenario(name="long texts", lines=("usual", "long"), edge_cases=("long texts",)),
    Scenario(name="long gateway name", edge_cases=("long gateway",)),
    Scenario(name="odd characters", edge_cases=("odd characters",)),
    Scenario(name="unpublished products", lines=("unpublished", "unpublished", "usual")),
    Scenario(name="foreign currency", lines=_TWO, edge_cases=("foreign currency",), weight=6),
    Scenario(name="coupon", lines=_TWO, edge_cases=("coupon",), weight=8),
    Scenario(name="code for products", lines=_TWO, edge_cases=("product code",), days=_SETTLED),
    Scenario(
        name="amount off the order",
        lines=(*_TWO, "variants"),
        later_changes="refund one",
        edge_cases=("amount off",),
        days=_SETTLED,
    ),
    Scenario(
        name="every kind of discount", lines=("variants", "usual"), edge_cases=("reduced", "product code", "amount off")
    ),
    Scenario(name="tip", edge_cases=("tip",)),
    Scenario(name="point of sale", shipping="untracked", edge_cases=("point of sale",), weight=1),
    Scenario(name="label purchased", shipping="label_purchased", days=_UNDER_WAY),
    Scenario(name="label printed", shipping="label_printed", days=_UNDER_WAY),
    Scenario(name="confirmed", shipping="confirmed", days=_UNDER_WAY),
    Scenario(name="picked up by the carrier", shipping="carrier_picked_up", days=_UNDER_WAY),
    Scenario(name="delayed", shipping="delayed", days=_UNDER_WAY),
    Scenario(name="out for delivery", shipping="out_for_delivery", days=_UNDER_WAY),
    Scenario(name="delivery attempted", shipping="attempted_delivery", days=_UNDER_WAY),
    Scenario(name="ready for pickup", shipping="ready_for_pickup", days=_UNDER_WAY),
    Scenario(name="delivery failed", shipping="undelivered", days=_UNDER_WAY),
    Scenario(name="on hold", shipping="none", edge_cases=("on hold",), days=(1, 30)),
    Scenario(name="scheduled", shipping="none", edge_cases=("scheduled",), days=(1, 30)),
    Scenario(name="shown as restocked", shipping="none", later_changes="cancel", edge_cases=("shown as restocked",)),
)

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
ORDINARY = [scenario for scenario in SCENARIOS if scenario.weight]
#: The scenario of orders that arrive while the sandbox runs.
NEW_ORDER = BY_NAME["unfulfilled"]


def assign(rng: Random, count: int, *, shop_index: int) -> list[Scenario]:
    """Return the scenarios of one shop's orders, in no particular order.

    :param shop_index: index of the shop in the world; a world too small for every kind in each shop spreads them over
        its shops
    """
    shift = shop_index * count % len(SCENARIOS) if count < len(SCENARIOS) else 0
    turned = [*SCENARIOS[shift:], *SCENARIOS[:shift]]
    kinds = [kind for kind in turned if not shop_index or not kind.first_shop_only]
    if count < len(kinds):
        return kinds[:count]
    return kinds + ordinary(rng, count - len(kinds))


def ordinary(rng: Random, count: int) -> list[Scenario]:
    """Return ``count`` ordinary scenarios."""
    return rng.choices(ORDINARY, weights=[kind.weight for kind in ORDINARY], k=count)
