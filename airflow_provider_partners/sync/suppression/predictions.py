"""Yofi's predictions as plain scores, from lists of predictions and from the summaries on orders and customers.

Yofi doesn't document the shape of ``model_predictions``. A map of scores, a map of predictions and a list are all
understood. Any other value gives no score.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.values import decode_json, items, text, to_decimal

log = logging.getLogger("airflow_provider_partners.sync")

_WHOLE = re.compile(r"([0-9]+)\.0+")

OTHER_FIELDS = ("order_id", "category", "score")
"""The fields of a prediction from elsewhere."""

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


def scores_from_elsewhere(records: Iterable[Record]) -> Iterator[Score]:
    """Yield the scores of predictions from elsewhere. They count as predictions of the order."""
    for record in records:
        yield Score("order_predictions", record["category"], record["score"])


def check_predictions(records: Iterable[Any]) -> Iterator[Record]:
    """Yield predictions from elsewhere with the fields of :data:`OTHER_FIELDS`, cleaned.

    A prediction without an order, a category or a score from 0 to 1 is left out, and one warning counts them.

    :raises ConfigurationError: when a record lacks one of the fields: its columns have other names then
    """
    useless = 0
    for number, record in enumerate(records, start=1):
        if not isinstance(record, Mapping) or (missing := [name for name in OTHER_FIELDS if name not in record]):
            fault = f"has no field {', '.join(map(repr, missing))}" if isinstance(record, Mapping) else "is no object"
            message = f"Prediction {number} {fault}"
            remedy = f"A prediction has the fields {', '.join(OTHER_FIELDS)}: rename the columns."
            raise ConfigurationError(message, remedy=remedy)
        order_id, category = _order_id(record["order_id"]), text(record["category"])
        score = to_decimal(record["score"]) if not isinstance(record["score"], bool) else None
        if order_id and category and score is not None and 0 <= score <= 1:
            yield {"order_id": order_id, "category": category, "score": float(score)}
        else:
            useless += 1
    if useless:
        log.warning("%d predictions have no order, no category, or no score from 0 to 1, and are left out", useless)


def _order_id(value: Any) -> str | None:
    """Return an order's id. Where a column of numbers has empty cells, pandas writes ``1001.0`` for 1001."""
    id_ = text(value)
    whole = _WHOLE.fullmatch(id_ or "")
    return whole[1] if whole else id_


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
