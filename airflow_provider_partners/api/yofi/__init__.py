"""Client of Yofi's Partner Data API for one shop: returns, claims, customers, notification events and predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.yofi.client import YofiClient as YofiClient
    from airflow_provider_partners.api.yofi.resources import RESOURCES as RESOURCES
    from airflow_provider_partners.api.yofi.resources import YofiResource as YofiResource

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__, {"client": ["YofiClient"], "resources": ["RESOURCES", "YofiResource"]}
)
