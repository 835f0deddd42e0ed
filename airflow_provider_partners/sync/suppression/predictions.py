"""Yofi's predictions as plain scores, from lists of predictions and from the summaries on orders and customers.

Yofi doesn't document the shape of ``model_predictions``. A map of scores, a map of predictions and a list are all
understood. Any other value gives no score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.values import decode_json, items, text, to_decimal

SOURCES = ("return_predictions", "customer_predictions", "order_predictions")
"""Where scores come from: the predictions of a return, of the customer, and of the order."""


@dataclass(frozen=True, slots=True)
class Score:
    """One prediction of one model.

    :param source: one of :data:`SOURCES`
    :param value: the probability, 0 to 1
    """

    source: str
    category: str
    value: float


def scores_of_return(record: Record) -> Iterator[Score]:
    """Yield the scores of a return itself."""
    yield from _scores("return_predictions", record.get("return_predictions"))


def scores_of_order(order: Any) -> Iterator[Score]:
    """Yield the scores of Yofi's order."""
    if isinstance(order, Mapping):
        yield from _scores("order_predictions", order.get("model_predictions"))


def scores_of_customer(customer: Any) -> Iterator[Score]:
    """Yield the scores of Yofi's customer: its predictions, and their summary."""
    if isinstance(customer, Mapping):
        yield from _scores("customer_predictions", customer.get("customer_predictions"))
        yield from _scores("customer_predictions", customer.get("model_predictions"))


def _scores(source: str, predictions: Any) -> Iterator[Score]:
    for category, value in _pairs(decode_json(predictions)):
        number = to_decimal(value) if not isinstance(value, bool) else None
        if category and number is not None:
            yield Score(source, category, float(number))


def _pairs(predictions: Any) -> Iterable[tuple[str | None, Any]]:
    if isinstance(predictions, Mapping):
        if "predicted_value" in predictions:
            return [(text(predictions.get("prediction_category")), predictions["predicted_value"])]
        return [
            (text(name), value.get("predicted_value") if isinstance(value, Mapping) else value)
            for name, value in predictions.items()
        ]
    return [(text(item.get("prediction_category")), item.get("predicted_value")) for item in items(predictions)]
