"""Shop domains in all forms in which users and Shopify write them."""

from __future__ import annotations

import pytest

from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.exceptions import ConfigurationError


@pytest.mark.parametrize(
    "text",
    [
        "a.myshopify.com",
        "https://A.myshopify.com",
        "https://a.myshopify.com/admin",
        "a",
        " A.MyShopify.com ",
        # What the browser shows in the admin of a shop.
        "https://admin.shopify.com/store/a",
        "admin.shopify.com/store/A/orders?status=open",
    ],
)
def test_every_form_of_a_domain_gives_the_permanent_domain(text: str) -> None:
    assert shop_domain(text) == "a.myshopify.com"


@pytest.mark.parametrize(
    "text", ["", "a b", "shop.example.com", "a.myshopify.com.evil.test", "https://admin.shopify.com"]
)
def test_other_domains_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="permanent domain"):
        shop_domain(text)
