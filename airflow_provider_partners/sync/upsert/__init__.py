"""Write to Yotpo: look up, plan, create or update, and report each record's outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.sync.upsert.customers import upsert_customers as upsert_customers
    from airflow_provider_partners.sync.upsert.fulfillments import upsert_fulfillments as upsert_fulfillments
    from airflow_provider_partners.sync.upsert.orders import upsert_orders as upsert_orders
    from airflow_provider_partners.sync.upsert.plan import WritePlan as WritePlan
    from airflow_provider_partners.sync.upsert.plan import plan_write as plan_write
    from airflow_provider_partners.sync.upsert.products import upsert_products as upsert_products
    from airflow_provider_partners.sync.upsert.record_writer import malformed_part as malformed_part

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "customers": ["upsert_customers"],
        "fulfillments": ["upsert_fulfillments"],
        "orders": ["upsert_orders"],
        "plan": ["WritePlan", "plan_write"],
        "products": ["upsert_products"],
        "record_writer": ["malformed_part"],
    },
)
