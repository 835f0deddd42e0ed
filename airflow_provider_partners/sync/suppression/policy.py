"""Rules that suppress review requests, and the reasons they give.

The default policy, and why:

- A prediction of fraud or abuse of 0.8 or more suppresses, for the return, the customer or the order. Such a buyer's
  review is worth little. Only categories that speak of abuse count: a category that Yofi adds later may
  be a harmless one. Yofi publishes no thresholds; 0.8 leaves out what is merely possible.
- A return that has arrived (``received``, ``refunded``, ``completed``) suppresses: the customer no longer has the
  product. Yotpo's own import from Shopify sends no request for refunded goods either. A return that is only requested
  does not suppress.
- Claims do not suppress. A complaint counts as honest until it is shown not to be. To request reviews from satisfied
  buyers only is what consumer law calls review gating.
- The level is the whole order, because Yofi doesn't document how a return names its lines. With ``line``, a return that
  names its lines suppresses those alone.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.context import NOTHING_KNOWN, OrderContext
from airflow_provider_partners.sync.options import Options
from airflow_provider_partners.sync.suppression import predictions
from airflow_provider_partners.sync.suppression.predictions import Score
from airflow_provider_partners.sync.suppression.returned_products import returned_products
from airflow_provider_partners.sync.suppression.rules import SuppressionRule
from airflow_provider_partners.sync.user_code import is_import_path, load_object
from airflow_provider_partners.sync.values import text

log = logging.getLogger("airflow_provider_partners.sync")

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

FINANCIAL_STATUSES = (
    "AUTHORIZED",
    "EXPIRED",
    "PAID",
    "PARTIALLY_PAID",
    "PARTIALLY_REFUNDED",
    "PENDING",
    "REFUNDED",
    "VOIDED",
)
"""Shopify's ``displayFinancialStatus``, a closed list.

See https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderDisplayFinancialStatus.
"""

RETURN_STATES = ("requested", "approved", "in_transit", "received", "refunded", "completed", "rejected")
"""States that a return is assumed to have. Yofi publishes no list, so another one is a warning and no error."""


@cache
def _warn_of_unknown(kind: str, name: str, known: tuple[str, ...]) -> None:
    """Log once that a name or pattern fits nothing known: a typing error would suppress nothing, in silence."""
    if not any(fnmatchcase(each, name.lower()) for each in known):
        log.warning("The suppression policy names an unknown %s '%s'%s", kind, name, suggest(name, known))


@dataclass(frozen=True, slots=True)
class Suppression:
    """The decision on one order.

    :param reasons: why, such as ``return_abuse 0.93 >= 0.8 (return_predictions)``; empty when nothing is suppressed
    :param whole_order: True if the whole order is suppressed
    :param products: the suppressed products (by external id), if it is not the whole order
    """

    reasons: tuple[str, ...] = ()
    whole_order: bool = False
    products: frozenset[str] = frozenset()


_NOTHING_SUPPRESSED = Suppression()


class SuppressionPolicy(Options):
    """When a review request is suppressed. A plain dict of the same keys is accepted, too, and its JSON text.

    Example: ``{"categories": {"return_abuse": 0.9, "*fraud*": 0.7}, "return_states": [], "level": "line"}``

    A policy of one's own is a subclass with another :meth:`decide`. Operators and Dags take its import path:
    ``policy="package.module:MyPolicy"`` names the class, or an object of it.

    :param categories: prediction category (``*`` is a wildcard) to the score that suppresses, and any higher one
    :param sources: which predictions count
    :param per_source: thresholds of one source: ``{"customer_predictions": {"return_abuse": 0.95}}``. For that source
        they go before ``categories``
    :param return_states: states of a return that suppress, in upper or lower case
    :param claims: ``ignore``, ``order`` (a claim that names the order suppresses) or ``customer`` (any claim of its
        customer does)
    :param financial_statuses: Shopify's ``displayFinancialStatus`` values that suppress, such as ``REFUNDED``. Another
        value is an error; an unknown category or state is a warning, because Yofi publishes no list of them
    :param level: ``order``, or ``line`` for returns and their predictions if the return names its lines
    :param rules: rules of one's own, see :class:`~airflow_provider_partners.sync.suppression.rules.SuppressionRule`.
        Each one suppresses by itself
    """

    title: ClassVar[str] = "suppression policy"

    categories: dict[str, Threshold] = Field(default_factory=lambda: dict(ABUSE_CATEGORIES))
    sources: tuple[PredictionSource, ...] = ("return_predictions", "customer_predictions", "order_predictions")
    per_source: dict[PredictionSource, dict[str, Threshold]] = Field(default_factory=dict)
    return_states: tuple[str, ...] = ("received", "refunded", "completed")
    claims: Literal["ignore", "order", "customer"] = "ignore"
    financial_statuses: tuple[str, ...] = ()
    level: Literal["order", "line"] = "order"
    rules: tuple[SuppressionRule, ...] = ()

    @classmethod
    def parse(cls, value: Mapping[str, Any] | Self | str | None) -> Self:
        """Return the policy of ``None`` (the defaults), a dict, its JSON text, an import path, or a policy.

        :raises ConfigurationError: naming every unknown or wrong field, or the path that leads to no policy
        """
        if not is_import_path(value):
            return super().parse(value)
        found = load_object(str(value), "'policy'")
        policy = found() if isinstance(found, type) and issubclass(found, cls) else found
        if not isinstance(policy, cls):
            message = f"'policy' is '{value}', which is a {type(policy).__name__}, and a SuppressionPolicy is needed"
            raise ConfigurationError(message, remedy="For a function use a rule with 'when', or a transform.")
        return policy

    @property
    def required_fields(self) -> list[str]:
        """Return the fields of Shopify's order that the rules need, as dotted paths."""
        return list(dict.fromkeys(name for rule in self.rules for name in rule.required_fields))

    def load_functions(self) -> None:
        """Load the functions that rules name.

        :raises ConfigurationError: when there is no such function, or it takes other arguments
        """
        for rule in self.rules:
            rule.load()

    @field_validator("rules")
    @classmethod
    def _check_rules(cls, rules: tuple[SuppressionRule, ...]) -> tuple[SuppressionRule, ...]:
        repeated = [name for name, count in Counter(rule.name for rule in rules).items() if count > 1]
        if repeated:
            message = f"two rules have the name '{repeated[0]}'"
            raise ValueError(message)
        return rules

    @model_validator(mode="after")
    def _check_open_lists(self) -> Self:
        for categories in (self.categories, *self.per_source.values()):
            for name in categories:
                _warn_of_unknown("prediction category", name, tuple(ABUSE_CATEGORIES))
        for name in self.return_states:
            _warn_of_unknown("return state", name, RETURN_STATES)
        return self

    @field_validator("financial_statuses")
    @classmethod
    def _check_financial_statuses(cls, statuses: tuple[str, ...]) -> tuple[str, ...]:
        for name in statuses:
            if name.upper() not in FINANCIAL_STATUSES:
                message = f"Shopify has no financial status '{name}'{suggest(name, FINANCIAL_STATUSES)}"
                raise ValueError(message)
        return statuses

    def decide(
        self,
        order: Record,
        context: OrderContext | None = None,
    ) -> Suppression:
        """Decide on one order.

        :param order: of Shopify's Admin API
        :param context: the records that belong to it, see ``join_orders``
        :raises UserCodeError: when a rule's function fails
        """
        context = context or NOTHING_KNOWN
        is_known = context.returns or context.claims or context.customer or context.predictions
        if not is_known and not self.rules and not self.financial_statuses:
            return _NOTHING_SUPPRESSED
        order_reasons: list[str] = [
            *self._score_reasons([
                *predictions.scores_of_customer(context.customer),
                *predictions.scores_from_elsewhere(context.predictions),
            ])
        ]
        status = text(order.get("displayFinancialStatus"))
        if status and status.upper() in {name.upper() for name in self.financial_statuses}:
            order_reasons.append(f"order is {status.lower()}")
        order_reasons += self._claim_reasons(context.claims)
        order_reasons += [f"rule {rule.name}" for rule in self.rules if rule.matches(order, context)]
        product_reasons: list[str] = []
        products: set[str] = set()
        for record in context.returns:
            order_reasons += self._score_reasons([
                *predictions.scores_of_order(record.get("order")),
                *predictions.scores_of_customer(record.get("customer")),
            ])
            reasons = [*self._score_reasons(predictions.scores_of_return(record)), *self._state_reasons(record)]
            returned = returned_products(record, order) if self.level == "line" and reasons else frozenset()
            (product_reasons if returned else order_reasons).extend(reasons)
            products |= returned
        return _decision(order_reasons, product_reasons, products)

    def _score_reasons(self, scores: Iterable[Score]) -> list[str]:
        reasons = []
        for score in scores:
            threshold = self._threshold(score)
            if threshold is not None and score.value >= threshold:
                reasons.append(f"{score.category} {score.value:.4g} >= {threshold:g} ({score.source})")
        return reasons

    def _threshold(self, score: Score) -> float | None:
        """Return the threshold of a score's category: by its own name first, then by the first pattern that matches."""
        if score.source not in self.sources:
            return None
        of_source: Mapping[str, float] = self.per_source.get(score.source, {})
        for thresholds in (of_source, self.categories):
            if score.category in thresholds:
                return thresholds[score.category]
            for pattern, threshold in thresholds.items():
                if fnmatchcase(score.category.lower(), pattern.lower()):
                    return threshold
        return None

    def _state_reasons(self, record: Record) -> list[str]:
        state = (text(record.get("state")) or "").lower()
        return [f"return is {state}"] if state and state in {name.lower() for name in self.return_states} else []

    def _claim_reasons(self, claims: Iterable[Record]) -> list[str]:
        names_order = [claim.get("of_order", True) for claim in claims]
        if self.claims != "ignore" and any(names_order):
            return ["claim on the order"]
        return ["claim by the customer"] if self.claims == "customer" and names_order else []


def _decision(order_reasons: list[str], product_reasons: list[str], products: set[str]) -> Suppression:
    reasons = tuple(dict.fromkeys([*order_reasons, *product_reasons]))
    return Suppression(
        reasons, whole_order=bool(order_reasons), products=frozenset() if order_reasons else frozenset(products)
    )


def add_suppression(order: dict[str, Any], decision: Suppression, *, level: Literal["order", "line"]) -> dict[str, Any]:
    """Return an order's payload with ``suppress_review_request`` set, always and explicitly.

    ``False`` is sent as well. A suppression that is lifted later must be unset, and a missing key means "not given".
    With the level ``line`` every line has the property too. Lines of an order that is suppressed as a whole are
    suppressed, and an order is suppressed if all its lines are. With the level ``order`` lines don't have the property:
    a line that was suppressed with the other level stays suppressed.
    """
    lines = order.get("line_items") or []
    to_review = {line["external_product_id"] for line in lines} - decision.products
    whole_order = decision.whole_order or not to_review
    properties = {**(order.get("custom_properties") or {}), "suppress_review_request": whole_order}
    if level == "order":
        return {**order, "custom_properties": properties}
    lines_to_send = [
        {
            **line,
            "custom_properties": {
                **(line.get("custom_properties") or {}),
                "suppress_review_request": whole_order or line["external_product_id"] in decision.products,
            },
        }
        for line in lines
    ]
    return {**order, "custom_properties": properties, "line_items": lines_to_send}
