"""What Yofi's models say: predictions with a category, a score, a severity and a sentence.

Categories, severities and the sentence's manner follow the published examples of Yofi's sister APIs. This module knows
nothing of orders or shops.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from airflow_provider_partners.sandbox.store import Document

#: The state of a return and what Shopify shows of it on the order.
RETURN_STATES: Mapping[str, str] = {
    "requested": "RETURN_REQUESTED",
    "approved": "IN_PROGRESS",
    "in_transit": "IN_PROGRESS",
    "received": "INSPECTION_COMPLETE",
    "refunded": "RETURNED",
    "rejected": "RETURN_FAILED",
}
RETURN_REASONS = ("size_too_small", "not_as_described", "defective", "unwanted", "style")
CLAIM_REASONS = ("not_received", "damaged", "wrong_item", "empty_box")
TEMPLATES = ("tmpl_return_abuse_alert", "tmpl_daily_digest", "tmpl_claim_opened")

# Category, model, title, what it says of a suspect, and of anybody else.
_MODELS = (
    (
        "return_abuse",
        "ReturnAbuseClassifier",
        "Return abuse",
        "Returns most of what is bought, across several accounts.",
        "Return behaviour is ordinary.",
    ),
    (
        "drop_off_fraud",
        "DropOffFraudDetector",
        "Drop-off fraud",
        "The parcel weighed far less at drop-off than when it was sent.",
        "Weight at drop-off is as expected.",
    ),
    (
        "wardrobing",
        "WardrobingModel",
        "Wardrobing",
        "Items come back worn, shortly before the return window ends.",
        "No sign of wear.",
    ),
    ("empty_box", "EmptyBoxDetector", "Empty box", "The box was scanned as empty.", "The box was not empty."),
)
_HIGH, _MEDIUM = 0.8, 0.5


def return_prediction(chance: Random, place: int, *, abuser: bool) -> Document:
    """What a model thinks of a return.

    :param place: how many predictions the return has already; each comes from another model
    :param abuser: whether the customer is known for it, which makes the first score high
    """
    shift = chance.randrange(len(_MODELS)) if place == 0 and not abuser else place
    return _prediction(chance, shift, suspect=(abuser and place == 0) or chance.random() < 0.06)


def customer_prediction(chance: Random, place: int, *, abuser: bool) -> Document:
    """What a model thinks of a customer."""
    return {**_prediction(chance, place, suspect=abuser), "is_result_prediction": place == 0}


def model_predictions(chance: Random, *, abuser: bool) -> Document:
    """A score of each model, as customers and orders bear them."""
    low, high = (0.82, 0.99) if abuser else (0.01, 0.45)
    return {category: round(chance.uniform(low, high), 4) for category, *_ in _MODELS[:2]}


def _prediction(chance: Random, index: int, *, suspect: bool) -> Document:
    category, model, title, accusation, acquittal = _MODELS[index % len(_MODELS)]
    score = round(chance.uniform(0.86, 0.99) if suspect else chance.uniform(0.01, 0.7), 4)
    severity = "high" if score >= _HIGH else "medium" if score >= _MEDIUM else "low"
    return {
        "prediction_category": category,
        "predicted_value": score,
        "severity": severity,
        "model_name": model,
        "model_version": "0.0.1",
        "prediction_title": title,
        "justification": accusation if suspect else acquittal,
        "is_result_prediction": False,
    }
