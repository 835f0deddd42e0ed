"""Predictions from elsewhere count as predictions of the order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.build import BuiltOrder, build_orders

POLICY = {"categories": {"chargeback": 0.7}}


def suppressed(*predictions: Any, policy: Any = None) -> list[list[str]]:
    orders = [make.order(7), make.order(8)]
    built = build_orders(orders, shop="a.myshopify.com", policy=policy or POLICY, predictions=predictions)
    return [one.suppressed for one in built if isinstance(one, BuiltOrder)]


@pytest.mark.parametrize("order_id", ["7", 7, "gid://shopify/Order/7", 7.0, "7.0", Decimal("7.00"), " 7 "])
def test_a_prediction_belongs_to_its_order_however_the_id_is_written(order_id: Any) -> None:
    prediction = {"order_id": order_id, "category": "chargeback", "score": "0.91", "model": "v3"}
    assert suppressed(prediction) == [["chargeback 0.91 >= 0.7 (order_predictions)"], []]


def test_predictions_of_no_order_are_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    """An order's name, such as #1001, is no id: see ``name`` and ``legacyResourceId`` of Shopify's ``Order``."""
    assert suppressed({"order_id": "#1007", "category": "chargeback", "score": 0.9}) == [[], []]
    assert "No prediction from elsewhere is of one of the 2 orders" in caplog.text

    caplog.clear()
    suppressed()
    suppressed({"order_id": "8", "category": "bot", "score": 0.1})
    assert "No prediction" not in caplog.text


def test_the_policy_judges_them_as_predictions_of_the_order() -> None:
    prediction = {"order_id": "7", "category": "chargeback", "score": 0.75}
    per_source = {"order_predictions": {"chargeback": 0.8}}
    assert suppressed(prediction, policy={**POLICY, "per_source": per_source}) == [[], []]
    assert suppressed(prediction, policy={**POLICY, "sources": ["return_predictions"]}) == [[], []]
    assert suppressed(prediction, policy={"categories": {"bot": 0.5}}) == [[], []]


def test_the_last_prediction_of_a_category_counts() -> None:
    predictions = [{"order_id": "7", "category": "chargeback", "score": score} for score in (0.9, 0.1)]
    assert suppressed(*predictions) == [[], []]


def test_other_names_of_columns_are_an_error_that_lists_the_right_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"Prediction 1 has no field 'score'.*order_id, category, score"):
        suppressed({"order_id": "7", "category": "chargeback", "probability": 1})


@pytest.mark.parametrize(
    "wrong",
    [
        {"order_id": None, "category": "chargeback", "score": 0.9},
        {"order_id": "7", "category": "", "score": 0.9},
        {"order_id": "7", "category": "chargeback", "score": 93},
        {"order_id": "7", "category": "chargeback", "score": True},
        {"order_id": "7", "category": "chargeback", "score": None},
    ],
)
def test_a_prediction_without_a_value_is_left_out_and_counted(
    wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert suppressed(wrong, {"order_id": "8", "category": "chargeback", "score": 1}) == [
        [],
        ["chargeback 1 >= 0.7 (order_predictions)"],
    ]
    assert "1 predictions have no order, no category, or no score from 0 to 1" in caplog.text
