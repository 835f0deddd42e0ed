"""Client of Yotpo's Core API v3 for one store: orders, fulfillments, products and customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.yotpo.client import YotpoClient as YotpoClient
    from airflow_provider_partners.api.yotpo.errors import UnknownProductsError as UnknownProductsError
    from airflow_provider_partners.api.yotpo.lookup import RecordLookup as RecordLookup
    from airflow_provider_partners.api.yotpo.resources import RESOURCES as RESOURCES
    from airflow_provider_partners.api.yotpo.resources import YotpoResource as YotpoResource

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "client": ["YotpoClient"],
        "errors": ["UnknownProductsError"],
        "lookup": ["RecordLookup"],
        "resources": ["RESOURCES", "YotpoResource"],
    },
)
