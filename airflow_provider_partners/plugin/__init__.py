"""The page in Airflow: what the runs of the order Dags have left, for users who may read these Dags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.plugin.registration import PartnersPlugin as PartnersPlugin

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {"registration": ["PartnersPlugin"]})
