"""Links from a task to where its shop is looked at."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink

from airflow_provider_partners.api.shopify_shops import shop_domain
from airflow_provider_partners.exceptions import ConfigurationError


class ShopifyAdminLink(BaseOperatorLink):
    """From an extract task to the orders or products of its shop in Shopify's admin."""

    name = "Shopify admin"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address, or nothing where the shop comes from the connection.

        :param operator: the task, its templates rendered
        :param ti_key: which run of it; not needed
        """
        try:
            handle = shop_domain(operator.shop or "").partition(".")[0]
        except ConfigurationError:
            return ""
        return f"https://admin.shopify.com/store/{handle}/{operator.resource}"
