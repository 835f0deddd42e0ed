"""Which review requests are suppressed, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.sync.suppression.policy import Suppression as Suppression
    from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy as SuppressionPolicy
    from airflow_provider_partners.sync.suppression.policy import add_suppression as add_suppression
    from airflow_provider_partners.sync.suppression.predictions import Score as Score
    from airflow_provider_partners.sync.suppression.rules import SuppressionRule as SuppressionRule

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "policy": ["Suppression", "SuppressionPolicy", "add_suppression"],
        "predictions": ["Score"],
        "rules": ["SuppressionRule"],
    },
)
