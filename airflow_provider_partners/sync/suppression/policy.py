"""Who is not asked for a review: rules on what Yofi knows of an order, and the reasons they give.

The default policy, and why:

- A prediction of fraud or abuse of 0.8 or more, for the return, the customer or the order, suppresses: the buyer's word
  on the product is worth little. Only categories that speak of abuse count, since a category that Yofi adds later may
  be a harmless one. Yofi publishes no thresholds; 0.8 leaves out what is merely possible.
- A return that has arrived (``received``, ``refunded_amount``, ``completed``) suppresses: the customer no longer has the
  product. Yotpo's own import from Shopify doesn't ask about refunded goods either. A return only asked for doesn't.
- Claims don't: a complaint is honest until shown otherwise, and asking only the contented is what consumer law calls
  review gating.
- The level is the whole order, as Yofi doesn't document how a return names its lines. With ``line``, a return that
  names them suppresses those alone.

Knows neither Yotpo's payload nor where the records come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.options import Options
from airflow_provider_partners.sync.suppression import predictions
from airflow_provider_partners.sync.suppression.predictions import Score
from airflow_provider_partners.sync.suppression.returned_products import returned_products
from airflow_provider_partners.sync.values import text

Threshold = Annotated[float, Field(ge=0, le=1)]
PredictionSource = Literal["return_predictions", "customer_predictions", "order_predictions"]

ABUSE_CATEGORIES: Mapping[str, float] = {
    "return_abuse": 0.8,
    "drop_off_fraud": 0.8,
    "wardrobing": 0.8,
    "empty_box": 0.8,
    "bot": 0.8,
    "bot_abuse": 0.8,
}
"""The default categories with their thresholds."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """The decision on one order.

    :param reasons: why, such as ``return_abuse 0.93 >= 0.8 (return_predictions)``; empty when nothing is suppressed
    :param whole_order: whether the whole order is
    :param products: products (by external id) that are, where it isn't the whole order
    """

    reasons: tuple[str, ...] = ()
    whole_order: bool = False
    products: frozenset[str] = frozenset()


class SuppressionPolicy(Options):
    """When a review request is suppressed. A plain dict of the same keys does as well.

    Example: ``{"categories": {"return_abuse": 0.9, "*fraud*": 0.7}, "return_states": [], "level": "line"}``

    :param categories: prediction category (with ``*`` as wildcard) to the score from which on it suppresses
    :param sources: which predictions are listened to
    :param per_source: further or other thresholds for one source: ``{"customer_predictions": {"return_abuse": 0.95}}``;
        for that source they go before ``categories``
    :param return_states: states of a return that suppress, in any case
    :param claims: ``ignore``, ``order`` (one that names the order suppresses) or ``customer`` (any by its customer)
    :param financial_statuses: Shopify's ``displayFinancialStatus`` values that suppress, such as ``REFUNDED``
    :param level: ``order``, or ``line`` for returns and their predictions where the return names its lines
    """

    title: ClassVar[str] = "suppression policy"

    categories: dict[str, Threshold] = Field(default_factory=lambda: dict(ABUSE_CATEGORIES))
    sources: tuple[PredictionSource, ...] = ("return_predictions", "customer_predictions", "order_predictions")
    per_source: dict[PredictionSource, dict[str, Threshold]] = Field(default_factory=dict)
    return_states: tuple[str, ...] = ("received", "refunded", "completed")
    claims: Literal["ignore", "order", "customer"] = "ignore"
    financial_statuses: tuple[str, ...] = ()
    level: Literal["order", "line"] = "order"

    def decide(
        self,
        order: Record,
        *,
        returns: Iterable[Record] = (),
        claims: Iterable[Record] = (),
        customer: Record | None = None,
    ) -> Suppression:
        """Decide on one order.

        :param order: of Shopify's Admin API
        :param returns: Yofi's returns of this order
        :param claims: Yofi's claims: of the order, or by its customer; ``of_order`` marks the former (see ``join``)
        :param customer: Yofi's customer
        """
        whole: list[str] = [*self._score_reasons(predictions.scores_of_customer(customer))]
        status = text(order.get("displayFinancialStatus"))
        if status and status.upper() in {name.upper() for name in self.financial_statuses}:
            whole.append(f"order is {status.lower()}")
        whole += self._claim_reasons(claims)
        partly: list[str] = []
        products: set[str] = set()
        for record in returns:
            whole += self._score_reasons([
                *predictions.scores_of_order(record.get("order")),
                *predictions.scores_of_customer(record.get("customer")),
            ])
            reasons = [*self._score_reasons(predictions.scores_of_return(record)), *self._state_reasons(record)]
            named = returned_products(record, order) if self.level == "line" and reasons else frozenset()
            (partly if named else whole).extend(reasons)
            products |= named
        return _decision(whole, partly, products)

    def _score_reasons(self, scores: Iterable[Score]) -> list[str]:
        reasons = []
        for score in scores:
            threshold = self._threshold(score)
            if threshold is not None and score.value >= threshold:
                reasons.append(f"{score.category} {score.value:.4g} >= {threshold:g} ({score.source})")
        return reasons

    def _threshold(self, score: Score) -> float | None:
        """The threshold of a category: by its own name first, then by the first pattern that fits."""
        if score.source not in self.sources:
            return None
        special: Mapping[str, float] = self.per_source.get(score.source, {})
        for table in (special, self.categories):
            if score.category in table:
                return table[score.category]
            for pattern, threshold in table.items():
                if fnmatchcase(score.category.lower(), pattern.lower()):
                    return threshold
        return None

    def _state_reasons(self, record: Record) -> list[str]:
        state = (text(record.get("state")) or "").lower()
        return [f"return is {state}"] if state and state in {name.lower() for name in self.return_states} else []

    def _claim_reasons(self, claims: Iterable[Record]) -> list[str]:
        wanted = [row for row in claims if self.claims == "customer" or row.get("of_order", True)]
        if self.claims == "ignore" or not wanted:
            return []
        return ["claim on the order" if any(row.get("of_order", True) for row in wanted) else "claim by the customer"]


def _decision(order_reasons: list[str], product_reasons: list[str], products: set[str]) -> Suppression:
    reasons = tuple(dict.fromkeys([*order_reasons, *product_reasons]))
    return Suppression(
        reasons, whole_order=bool(order_reasons), products=frozenset() if order_reasons else frozenset(products)
    )


def add_suppression(order: dict[str, Any], decision: Suppression, *, level: Literal["order", "line"]) -> dict[str, Any]:
    """An order's payload with ``suppress_review_request`` set, always and explicitly.

    A false is sent as well, since a suppression that is lifted later must be un-set and an omitted key means "not
    given". With the level ``line`` every line says it too, and never otherwise than an order that is suppressed as a
    whole. An order all of whose lines are suppressed is suppressed itself. With the level ``order`` lines say nothing:
    a line suppressed under the other level stays so.
    """
    lines = order.get("line_items") or []
    asked_about = {line["external_product_id"] for line in lines} - decision.products
    whole = decision.whole_order or not asked_about
    properties = {**(order.get("custom_properties") or {}), "suppress_review_request": whole}
    if level == "order":
        return {**order, "custom_properties": properties}
    marked = [
        {
            **line,
            "custom_properties": {
                **(line.get("custom_properties") or {}),
                "suppress_review_request": whole or line["external_product_id"] in decision.products,
            },
        }
        for line in lines
    ]
    return {**order, "custom_properties": properties, "line_items": marked}
