from __future__ import annotations

import pytest
from airflow.sdk import Asset

from airflow_provider_partners import assets


@pytest.mark.parametrize(
    ("make", "uri"),
    [
        (assets.create_yofi_asset, "yofi://a.myshopify.com/orders"),
        (assets.create_shopify_partner_asset, "shopify-partner://a.myshopify.com/orders"),
        (assets.create_shopify_admin_asset, "shopify-admin://a.myshopify.com/orders"),
        (assets.create_voucherify_asset, "voucherify://a.myshopify.com/orders"),
        (assets.create_yotpo_asset, "yotpo://a.myshopify.com/orders"),
    ],
)
def test_an_asset_is_a_list_of_an_account(make, uri):
    assert make(account="a.myshopify.com", resource="orders").uri == uri


def test_the_account_is_normalized():
    assert Asset("yotpo://A.myshopify.com/orders/").uri == "yotpo://a.myshopify.com/orders"


@pytest.mark.parametrize(
    "uri", ["yotpo://store", "yotpo:///orders", "yotpo://store/orders/1", "yotpo://store/orders?x=1"]
)
def test_a_uri_without_an_account_or_a_list_is_refused(uri):
    with pytest.raises(ValueError, match="is yotpo://account/list"):
        Asset(uri)


def test_the_account_is_openlineages_namespace():
    pytest.importorskip("openlineage.client")
    dataset = assets.convert_asset_to_openlineage(Asset("shopify-admin://a.myshopify.com/orders"), None)
    assert (dataset.namespace, dataset.name) == ("shopify-admin://a.myshopify.com", "orders")
