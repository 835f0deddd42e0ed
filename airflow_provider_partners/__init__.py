"""Apache Airflow provider for Yofi, Shopify Partner and Admin, Voucherify and Yotpo."""

from __future__ import annotations

__version__ = "0.1.0"
