"""The predictions of Yofi's models: a category, a score, a severity and a sentence.

Categories, severities and sentences follow the examples that Yofi publishes for its sister APIs
(https://docs.yofi.ai/yofi-on-enterprise/integrate-with-yofi/receiving-data-from-yofi/yofi-open-api/customer-api).
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from airflow_provider_partners.sandbox.store import Document

#: Yofi's state of a return, and the order's ``returnStatus`` in Shopify.
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

# Category, model, title, sentence about a suspect, sentence about anybody else.
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


def return_prediction(rng: Random, index: int, *, abuser: bool) -> Document:
    """Return one model's prediction about a return.

    :param index: how many predictions the return has already; each one comes from another model
    :param abuser: the customer is a known abuser, so the first score is high
    """
    shift = rng.randrange(len(_MODELS)) if index == 0 and not abuser else index
    return _prediction(rng, shift, suspect=(abuser and index == 0) or rng.random() < 0.06)


def customer_prediction(rng: Random, index: int, *, abuser: bool) -> Document:
    """Return one model's prediction about a customer."""
    return {**_prediction(rng, index, suspect=abuser), "is_result_prediction": index == 0}


def model_predictions(rng: Random, *, abuser: bool) -> Document:
    """Return the scores by category that customers and orders carry."""
    low, high = (0.82, 0.99) if abuser else (0.01, 0.45)
    return {category: round(rng.uniform(low, high), 4) for category, *_ in _MODELS[:2]}


def _prediction(rng: Random, index: int, *, suspect: bool) -> Document:
    category, model, title, suspect_text, normal_text = _MODELS[index % len(_MODELS)]
    score = round(rng.uniform(0.86, 0.99) if suspect else rng.uniform(0.01, 0.7), 4)
    severity = "high" if score >= _HIGH else "medium" if score >= _MEDIUM else "low"
    return {
        "prediction_category": category,
        "predicted_value": score,
        "severity": severity,
        "model_name": model,
        "model_version": "0.0.1",
        "prediction_title": title,
        "justification": suspect_text if suspect else normal_text,
        "is_result_prediction": False,
    }
