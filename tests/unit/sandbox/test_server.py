"""One port serves all partners, each below its prefix, and stops with its context."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime

import httpx
import jwt
import pytest
from sandbox import run_sandbox

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.server import PREFIXES, create_app, serve, switch_defaults
from airflow_provider_partners.sandbox.world.build import build

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
SHOP = "aurora-apparel.myshopify.com"


@pytest.fixture(scope="module")
def running_sandbox():
    with run_sandbox(shops=2, orders=5, now=NOW) as running:
        yield running


@pytest.fixture
def known():
    return credentials.connections("http://unused", seed=7, shops=2)


def test_yofi_answers_below_its_prefix(running_sandbox, known):
    account = known["yofi_default"]
    now = int(time.time())
    claims = {
        "iss": account["extra"]["issuer"],
        "sub": account["extra"]["subject"],
        "client_id": account["extra"]["client_id"],
        "aud": ["yofi-public-api"],
        "iat": now - 5,
        "exp": now + 60,
        "jti": "1",
    }
    token = jwt.encode(claims, account["password"], algorithm="HS256")
    headers = {"Authorization": f"Bearer {token}", "app_id": SHOP, "partner_id": "shopify"}

    response = httpx.get(f"{running_sandbox.url}/yofi/ecommerce/claims/", headers=headers)

    assert response.status_code == 200
    assert response.json()["data"]


def test_the_partner_api_answers_below_its_prefix(running_sandbox, known):
    response = httpx.post(
        f"{running_sandbox.url}/shopify-partner/12345/api/2026-07/graphql.json",
        headers={"X-Shopify-Access-Token": known["shopify_partner_default"]["password"]},
        json={
            "query": 'query { app(id: "gid://partners/App/1001") { events(first: 99) { edges { node { type } } } } }'
        },
    )

    events = response.json()["data"]["app"]["events"]["edges"]
    assert len(events) > 10


ORDER_FIELDS = """
  id name createdAt updatedAt processedAt closedAt cancelledAt cancelReason test confirmed closed email phone note tags
  displayFinancialStatus displayFulfillmentStatus returnStatus currencyCode presentmentCurrencyCode statusPageUrl
  paymentGatewayNames sourceName customerLocale customAttributes { key value } discountCodes
  totalPriceSet { shopMoney { amount currencyCode } } totalRefundedSet { presentmentMoney { amount } }
  currentTotalPriceSet { shopMoney { amount } } subtotalPriceSet { shopMoney { amount } }
  customer { id legacyResourceId firstName lastName numberOfOrders defaultEmailAddress { emailAddress marketingState } }
  billingAddress { id name zip countryCodeV2 } shippingAddress { id address1 provinceCode phone }
  lineItems(first: 5) { nodes { id name quantity currentQuantity unfulfilledQuantity refundableQuantity isGiftCard
    product { id title handle onlineStoreUrl } variant { id sku } originalUnitPriceSet { shopMoney { amount } }
    discountedTotalSet { shopMoney { amount } } customAttributes { key value } } }
  fulfillments { id status displayStatus deliveredAt inTransitAt trackingInfo { company number url } totalQuantity
    fulfillmentLineItems(first: 5) { nodes { id quantity lineItem { id } } } events(first: 5) { nodes { id status } } }
  refunds { id totalRefundedSet { shopMoney { amount } } refundLineItems(first: 5) { nodes { quantity restockType } } }
  transactions { id kind status gateway amountSet { shopMoney { amount } } }
"""


def test_the_admin_api_answers_below_the_shops_prefix_with_every_order(running_sandbox, known):
    response = httpx.post(
        f"{running_sandbox.url}/shopify-admin/{SHOP}/admin/api/2026-07/graphql.json",
        headers={"X-Shopify-Access-Token": known["shopify_admin_aurora_apparel"]["password"]},
        json={"query": f"query {{ orders(first: 5) {{ nodes {{ {ORDER_FIELDS} }} }} }}"},
        timeout=20,
    )

    body = response.json()
    assert "errors" not in body
    assert len(body["data"]["orders"]["nodes"]) == 5


def test_a_shop_that_uninstalled_the_app_refuses_the_token(running_sandbox, known):
    response = httpx.post(
        f"{running_sandbox.url}/shopify-admin/velvet-ember.myshopify.com/admin/api/2026-07/graphql.json",
        headers={"X-Shopify-Access-Token": known["shopify_admin_velvet_ember"]["password"]},
        json={"query": "query { shop { name } }"},
    )

    assert response.status_code == 401


def test_yotpo_answers_below_its_prefix(running_sandbox, known):
    account = known["yotpo_aurora_apparel"]
    base = f"{running_sandbox.url}/yotpo/core/v3/stores/{account['login']}"
    token = httpx.post(f"{base}/access_tokens", json={"secret": account["password"]}).json()["access_token"]

    response = httpx.get(f"{base}/orders", headers={"X-Yotpo-Token": token})

    assert response.status_code == 200
    assert response.json()["orders"] == []


def test_all_partners_are_mounted_and_their_switches_have_defaults(running_sandbox):
    assert set(PREFIXES) == {"/yofi", "/shopify-partner", "/shopify-admin/{shop}", "/yotpo", "/voucherify"}
    assert set(running_sandbox.sandbox.switches) == set(switch_defaults())
    partners = {"yofi", "shopify_partner", "shopify_admin", "yotpo", "voucherify"}
    assert {name.split(".")[0] for name in switch_defaults()} == partners


def test_a_switch_set_before_the_server_stays_set():
    sandbox = build(shops=1, orders=1, now=NOW)
    sandbox.switches["yotpo.unknown_product_status"] = 400

    create_app(sandbox)

    assert sandbox.switches["yotpo.unknown_product_status"] == 400
    assert sandbox.switches["yofi.links"] is True


def test_changing_a_switch_in_place_leaves_the_default_alone():
    sandbox = build(shops=1, orders=1, now=NOW)
    create_app(sandbox)

    sandbox.switches["yofi.profiles"].remove("legacy")

    assert "legacy" in switch_defaults()["yofi.profiles"]


def test_an_unknown_prefix_is_not_found(running_sandbox):
    assert httpx.get(f"{running_sandbox.url}/elsewhere").status_code == 404


def test_the_end_of_the_context_frees_the_port_and_the_thread():
    before = threading.active_count()
    with run_sandbox(shops=1, orders=1, now=NOW) as running, httpx.Client() as client:
        assert client.get(f"{running.url}/_sandbox/health").status_code == 200
        port = running.port
        begun = time.monotonic()

    assert time.monotonic() - begun < 2
    assert threading.active_count() <= before + 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/_sandbox/health")


def test_a_port_in_use_is_an_error_at_once(running_sandbox):
    with pytest.raises(OSError, match="in use"), serve(build(shops=1, orders=1, now=NOW), running_sandbox.port):
        pass


def test_two_sandboxes_can_run_at_the_same_time(running_sandbox):
    with run_sandbox(seed=8, shops=1, orders=1, now=NOW) as other:
        worlds = [
            httpx.get(f"{url}/_sandbox/health").json()["world"]["seed"] for url in (running_sandbox.url, other.url)
        ]

    assert worlds == [7, 8]


def test_headers_with_underscores_arrive(running_sandbox):
    response = httpx.get(
        f"{running_sandbox.url}/yofi/ecommerce/claims/", headers={"Authorization": "Bearer x", "app_id": SHOP}
    )

    # Refused for its token, not for a header lost on the way.
    assert response.status_code == 401
    assert "app_id" not in json.dumps(response.json())
