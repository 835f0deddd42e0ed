"""The sandbox as an object, as the fixture gives it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest

SHOP = "aurora-apparel.myshopify.com"


def test_shops_are_found_by_domain_or_name(partners_sandbox):
    assert partners_sandbox.shop("aurora-apparel").domain == SHOP
    assert partners_sandbox.shop(SHOP).route["yotpo_conn_id"] == "yotpo_aurora_apparel"
    assert SHOP in [shop.domain for shop in partners_sandbox.shops]
    with pytest.raises(LookupError, match="did you mean 'aurora-apparel'"):
        partners_sandbox.shop("aurora-aparel")


def test_orders_returns_and_claims_are_created_and_changed(partners_sandbox):
    shop = partners_sandbox.shop(SHOP)
    orders, returns, claims = len(shop.orders()), len(shop.returns()), len(shop.claims())
    (created,) = shop.create_orders()
    assert created["legacyResourceId"] in shop.orders()
    before = shop.orders()
    (changed,) = shop.change_orders()
    assert shop.orders()[changed["legacyResourceId"]] != before[changed["legacyResourceId"]]
    partners_sandbox.create_return(SHOP)
    partners_sandbox.create_claim("aurora-apparel")
    assert (len(shop.orders()), len(shop.returns()), len(shop.claims())) == (orders + 1, returns + 1, claims + 1)


def test_coupons_are_redeemed_and_rolled_back(partners_sandbox):
    (redemption,) = partners_sandbox.redeem()
    assert redemption["of"] in partners_sandbox.shop(SHOP).orders()
    assert partners_sandbox.roll_back()


def test_the_app_is_uninstalled_and_installed(partners_sandbox):
    shop = partners_sandbox.shop(SHOP)
    assert shop.installed
    shop.uninstall()
    assert not shop.installed
    shop.install()
    assert shop.installed


def test_a_fault_meets_requests_and_counts_them(partners_sandbox):
    rule = partners_sandbox.fault(path_prefix="/yofi", status=503, times=2)
    assert httpx.get(f"{partners_sandbox.url}/yofi/ecommerce/claims/").status_code == 503
    assert rule.used == 1
    partners_sandbox.clear_faults()
    assert httpx.get(f"{partners_sandbox.url}/yofi/ecommerce/claims/").status_code == 401


def test_calls_come_in_order_and_by_partner_and_operation(partners_sandbox):
    httpx.get(f"{partners_sandbox.url}/yofi/ecommerce/claims/")
    httpx.get(f"{partners_sandbox.url}/voucherify/v1/campaigns")
    assert [call.partner for call in partners_sandbox.calls()] == ["yofi", "voucherify"]
    assert [call.operation for call in partners_sandbox.calls("yofi")] == ["claims.list"]
    assert len(partners_sandbox.calls(operation="claims.list")) == 1
    partners_sandbox.reset_calls()
    assert partners_sandbox.calls() == []


def test_switches_are_set_by_name_and_unknown_ones_refused(partners_sandbox):
    partners_sandbox.switch(yofi__errors="text")
    assert partners_sandbox.running.sandbox.switches["yofi.errors"] == "text"
    with pytest.raises(LookupError, match=r"did you mean 'yofi\.errors'"):
        partners_sandbox.switch(yofi__error="text")


def test_the_clock_stops_and_goes_on(partners_sandbox):
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    partners_sandbox.stop_clock(noon)
    health = httpx.get(f"{partners_sandbox.url}/_sandbox/health").json()
    assert health["now"] == "2026-05-01T12:00:00Z"
    with pytest.raises(ValueError, match="time zone"):
        partners_sandbox.stop_clock(datetime(2026, 5, 1))
    partners_sandbox.stop_clock(None)
    assert httpx.get(f"{partners_sandbox.url}/_sandbox/health").json()["now"] != "2026-05-01T12:00:00Z"


def test_orders_of_a_store_are_found_by_store_and_by_shop(partners_sandbox):
    store_id = partners_sandbox.shop(SHOP).store_id
    assert partners_sandbox.yotpo_orders(store_id) == partners_sandbox.yotpo_orders(SHOP) == {}
    document = {"external_id": "7", "yotpo_id": 1}
    partners_sandbox.running.sandbox.store.put("yotpo", store_id, "order", "1", document, at="")
    assert partners_sandbox.yotpo_orders("aurora-apparel") == {"7": document}


def test_the_connections_are_those_of_the_control_api_without_limits(partners_sandbox):
    served = httpx.get(f"{partners_sandbox.url}/_sandbox/connections").json()
    mine = partners_sandbox.environment
    assert sorted(mine) == sorted(served)
    yotpo = json.loads(mine["AIRFLOW_CONN_YOTPO_AURORA_APPAREL"])
    limits = yotpo.pop("extra")
    assert yotpo == json.loads(served["AIRFLOW_CONN_YOTPO_AURORA_APPAREL"])
    assert limits["requests_per_second"] > 1000


@pytest.mark.partners_sandbox(rate_limits=True)
def test_limits_can_stay_as_the_partners_have_them(partners_sandbox):
    served = httpx.get(f"{partners_sandbox.url}/_sandbox/connections").json()
    assert {name: json.loads(value) for name, value in partners_sandbox.environment.items() if "CONN" in name} == {
        name: json.loads(value) for name, value in served.items() if "CONN" in name
    }
    assert partners_sandbox.running.sandbox.switches["yotpo.rate_limit"] == 5
