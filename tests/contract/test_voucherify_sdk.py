"""Voucherify's own Python SDK reads the sandbox: its requests are understood, and the answers pass its strict models.

No test uses ``filters``: the SDK sends the text ``None`` for every filter that is not set.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import voucherify as sdk
from sandbox import run_sandbox, voucherify_client

from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.sandbox.store import Store
from airflow_provider_partners.sandbox.voucherify.seed.long_lists import grow

# The SDK warns about each list of the first loyalty API.
pytestmark = pytest.mark.filterwarnings("ignore:GET /v1/loyalties.* is deprecated:DeprecationWarning")

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def voucherify_sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox(now=NOW) as running:
        yield running


@pytest.fixture(scope="module")
def store(voucherify_sandbox):
    return voucherify_sandbox.sandbox.store


def configuration(voucherify_sandbox: RunningSandbox, **keys: str) -> Any:
    accepted = voucherify_sandbox.sandbox.credentials["voucherify"]
    keys = keys or {"X-App-Id": accepted["app_id"], "X-App-Token": accepted["secret_key"]}
    return sdk.Configuration(host=f"{voucherify_sandbox.url}/voucherify", api_key=keys)


@pytest.fixture(scope="module")
def client(voucherify_sandbox) -> Iterator[Any]:
    with sdk.ApiClient(configuration(voucherify_sandbox)) as client:
        yield client


def longest_scope(store: Store, kind: str) -> str:
    """Return the parents with most records in a list: the SDK's arguments, joined by slashes."""
    return max(store.shops("voucherify"), key=lambda scope: store.count("voucherify", scope, kind))


# The SDK's class, its method, and the provider's name of the list.
LISTS = [
    ("AsyncActionsApi", "list_async_actions", "async_actions"),
    ("BinApi", "list_bin_entries", "trash_bin"),
    ("CampaignsApi", "list_campaigns", "campaigns"),
    ("CampaignsApi", "list_campaign_transactions", "campaign_transactions"),
    ("CategoriesApi", "list_categories", "categories"),
    ("CustomersApi", "list_customers", "customers"),
    ("CustomersApi", "list_customer_activity", "customer_activity"),
    ("CustomersApi", "list_customer_redeemables", "customer_redeemables"),
    ("CustomersApi", "list_customer_segments", "customer_segments"),
    ("ExportsApi", "list_exports", "exports"),
    ("LocationsApi", "list_locations", "locations"),
    ("LoyaltiesApi", "list_campaign_pending_points", "loyalty_campaign_pending_points"),
    ("LoyaltiesApi", "list_earning_rules", "loyalty_campaign_earning_rules"),
    ("LoyaltiesApi", "list_loyalty_campaign_transactions", "loyalty_campaign_transactions"),
    ("LoyaltiesApi", "list_loyalty_card_transactions", "loyalty_member_transactions"),
    ("LoyaltiesApi", "list_loyalty_card_transactions1", "loyalty_campaign_member_transactions"),
    ("LoyaltiesApi", "list_loyalty_programs", "loyalties_v1"),
    ("LoyaltiesApi", "list_loyalty_tier_earning_rules", "loyalty_tier_earning_rules"),
    ("LoyaltiesApi", "list_loyalty_tier_rewards", "loyalty_tier_rewards"),
    ("LoyaltiesApi", "list_loyalty_tiers", "loyalty_campaign_tiers"),
    ("LoyaltiesApi", "list_member_activity", "loyalty_member_activity"),
    ("LoyaltiesApi", "list_member_activity1", "loyalty_campaign_member_activity"),
    ("LoyaltiesApi", "list_member_loyalty_tier", "loyalty_member_tiers"),
    ("LoyaltiesApi", "list_member_pending_points", "loyalty_member_pending_points"),
    ("LoyaltiesApi", "list_member_pending_points1", "loyalty_campaign_member_pending_points"),
    ("LoyaltiesApi", "list_member_rewards", "loyalty_member_rewards"),
    ("LoyaltiesApi", "list_members", "loyalty_campaign_members"),
    ("LoyaltiesApi", "list_points_expiration", "loyalty_points_expiration"),
    ("LoyaltiesApi", "list_reward_assignments1", "loyalty_campaign_reward_assignments"),
    ("LoyaltiesApi", "list_reward_assignments2", "loyalty_campaign_rewards"),
    ("MetadataSchemasApi", "list_metadata_schemas", "metadata_schemas"),
    ("OrdersApi", "list_orders", "orders"),
    ("ProductCollectionsApi", "list_product_collections", "product_collections"),
    ("ProductCollectionsApi", "list_products_in_collection", "product_collection_products"),
    ("ProductsApi", "list_products", "products"),
    ("ProductsApi", "list_skus_in_product", "product_skus"),
    ("PromotionsApi", "list_all_promotion_stacks", "promotion_stacks"),
    ("PromotionsApi", "list_promotion_stacks_in_campaign", "campaign_promotion_stacks"),
    ("PromotionsApi", "list_promotion_tiers", "promotion_tiers"),
    ("PromotionsApi", "list_promotion_tiers_from_campaign", "campaign_promotion_tiers"),
    ("PublicationsApi", "list_publications", "publications"),
    ("RedemptionsApi", "get_voucher_redemptions", "voucher_redemptions"),
    ("RedemptionsApi", "list_redemptions", "redemptions"),
    ("ReferralsApi", "referrals_code_holders", "referral_campaign_member_holders"),
    ("ReferralsApi", "referrals_code_holders1", "referral_member_holders"),
    ("RewardsApi", "list_reward_assignments", "reward_assignments"),
    ("RewardsApi", "list_rewards", "rewards"),
    ("TemplatesApi", "list_campaign_templates", "campaign_templates"),
    ("ValidationRulesApi", "list_validation_rule_assignments", "validation_rule_assignments"),
    ("ValidationRulesApi", "list_validation_rules", "validation_rules"),
    ("ValidationRulesApi", "list_validation_rules_assignments", "validation_rules_assignments"),
    ("VouchersApi", "list_voucher_transactions", "voucher_transactions"),
    ("VouchersApi", "list_vouchers", "vouchers"),
]
MANAGEMENT_LISTS = [
    ("list_projects", "management_projects"),
    ("list_users", "management_users"),
    ("list_stacking_rules", "management_stacking_rules"),
    ("list_metadata_schemas1", "management_metadata_schemas"),
    ("list_custom_event_schemas", "management_custom_event_schemas"),
    ("list_webhooks", "management_webhooks"),
    ("list_brands", "management_branding"),
    ("management_list_campaign_templates", "management_campaign_templates"),
]


def records_of(answer: Any) -> list[Any]:
    """Return the records of an answer of the SDK: its only list."""
    lists = [value for value in vars(answer).values() if isinstance(value, list)]
    assert len(lists) == 1, answer
    return lists[0]


def id_of(record: Any) -> str | None:
    """Return the id of a record; for a reward with its assignment, the assignment's."""
    values = record if isinstance(record, dict) else record.to_dict()
    id_: str | None = values.get("id") or values.get("assignment", {}).get("id")
    return id_


def first_page(client: Any, api: str, method: str, scope: str) -> Any:
    """Request the first page of a list, with as many records as possible."""
    call = getattr(getattr(sdk, api)(client), method)
    limit = {"limit": 100} if "limit" in inspect.signature(call).parameters else {}
    return call(*(part for part in scope.split("/") if part), **limit)


@pytest.mark.parametrize(("api", "method", "kind"), LISTS, ids=[f"{api}.{method}" for api, method, _ in LISTS])
def test_the_sdk_reads_a_list(client, store, api, method, kind):
    scope = longest_scope(store, kind)
    stored = store.select("voucherify", scope, kind)

    records = records_of(first_page(client, api, method, scope))

    assert len(records) == min(100, len(stored))
    assert {id_of(record) for record in records} <= {id_of(record) for record in stored}
    assert None not in {id_of(record) for record in records}


@pytest.mark.parametrize(("method", "kind"), MANAGEMENT_LISTS)
def test_the_sdk_reads_with_a_management_key(voucherify_sandbox, store, method, kind):
    accepted = voucherify_sandbox.sandbox.credentials["voucherify"]
    keys = {"X-Management-Id": accepted["management_id"], "X-Management-Token": accepted["management_token"]}
    scope = longest_scope(store, kind)

    with sdk.ApiClient(configuration(voucherify_sandbox, **keys)) as client:
        records = records_of(first_page(client, "ManagementApi", method, scope))

    assert len(records) == store.count("voucherify", scope, kind)


def test_the_sdk_reads_promotions_with_a_client_side_key(voucherify_sandbox, store):
    accepted = voucherify_sandbox.sandbox.credentials["voucherify"]
    keys = {"X-Client-Application-Id": accepted["client_app_id"], "X-Client-Token": accepted["client_token"]}

    with sdk.ApiClient(configuration(voucherify_sandbox, **keys)) as client:
        answer = sdk.ClientSideApi(client).list_promotion_tiers_client_side(accepted["client_origin"])

    assert len(answer.tiers) == store.count("voucherify", "", "client_promotion_tiers")


def test_every_list_of_the_sdk_is_tested():
    tested = (
        {method for _, method, _ in LISTS}
        | {method for method, _ in MANAGEMENT_LISTS}
        | {"list_promotion_tiers_client_side"}
    )
    apis = [value for name, value in vars(sdk).items() if name.endswith("Api")]
    methods = {name for api in apis for name in vars(api) if name.startswith(("list_", "management_list_"))}
    sdk_lists = {name for name in methods if not name.endswith(("_with_http_info", "_without_preload_content"))}

    assert len(sdk_lists) > 50
    assert sdk_lists <= tested


def test_the_sdk_reads_all_pages(client, store):
    orders, ids = sdk.OrdersApi(client), []
    for page in range(1, 100):
        records = orders.list_orders(limit=50, page=page, order="created_at").orders
        ids += [record.id for record in records]
        if not records:
            break

    assert sorted(ids) == sorted(record["id"] for record in store.select("voucherify", "", "orders"))


def test_the_sdk_reads_a_window_of_customers(client, store):
    since, until = NOW - timedelta(days=100), NOW - timedelta(days=20)

    answer = sdk.CustomersApi(client).list_customers(limit=100, created_at_after=since, created_at_before=until)

    stored = store.select("voucherify", "", "customers")
    expected = {record["id"] for record in stored if since < datetime.fromisoformat(record["created_at"]) < until}
    assert {record.id for record in answer.customers} == expected
    assert 0 < answer.total == len(expected) < len(stored)


def test_the_sdk_scrolls_customers_by_time(client, store):
    seen: set[str] = set()
    after = datetime(1970, 1, 1, tzinfo=UTC)
    for _ in range(20):
        records = sdk.CustomersApi(client).list_customers(limit=100, order="created_at", starting_after=after).customers
        new = {record.id for record in records} - seen
        if not new:
            break
        seen |= new
        # Overlap by a millisecond: customers on both sides of a page's edge may share a timestamp.
        after = max(record.created_at for record in records) - timedelta(milliseconds=1)

    assert len(seen) == store.count("voucherify", "", "customers")


def test_the_sdk_reads_the_redemptions_of_a_customer(client, store):
    stored = store.select("voucherify", "", "redemptions")
    customer, count = Counter(record["customer_id"] for record in stored if record["customer_id"]).most_common(1)[0]

    answer = sdk.RedemptionsApi(client).list_redemptions(limit=100, customer=customer)

    assert answer.total == len(answer.redemptions) == count
    assert {record.customer_id for record in answer.redemptions} == {customer}


def test_the_sdk_creates_an_export_and_waits_for_it(voucherify_sandbox, client, store):
    exports = sdk.ExportsApi(client)
    body = {"exported_object": "order", "parameters": {"fields": ["id", "source_id"]}}

    export = exports.create_export(sdk.ExportsCreateRequestBody.from_dict(body))
    states = [export.status]
    while states[-1] != "DONE" and len(states) < 20:
        states.append(exports.get_export(export.id).status)

    finished = exports.get_export(export.id)
    assert states[0] == "SCHEDULED"
    assert states[-1] == "DONE"
    assert finished.result.url
    assert export.id in {record.id for record in exports.list_exports(limit=100).exports}


def test_the_sdk_reads_single_records(client, store):
    order = next(record for record in store.select("voucherify", "", "orders") if record["source_id"])

    assert sdk.OrdersApi(client).get_order(order["source_id"]).id == order["id"]
    assert sdk.VouchersApi(client).get_voucher("ÉTÉ20").code == "ÉTÉ20"
    with pytest.raises(sdk.exceptions.NotFoundException):
        sdk.VouchersApi(client).get_voucher("NO-SUCH-CODE")


def test_a_wrong_key_is_rejected(voucherify_sandbox):
    keys = {"X-App-Id": "nobody", "X-App-Token": "nothing"}
    with (
        sdk.ApiClient(configuration(voucherify_sandbox, **keys)) as client,
        pytest.raises(sdk.exceptions.UnauthorizedException),
    ):
        sdk.OrdersApi(client).list_orders()


def test_generated_records_pass_the_models_too(client, store):
    for kind in ("redemptions", "publications", "vouchers"):
        grow(store, seed=7, kind=kind, count=150, now=NOW)

    assert len(sdk.RedemptionsApi(client).list_redemptions(limit=100).redemptions) == 100
    assert len(sdk.PublicationsApi(client).list_publications(limit=100).publications) == 100
    assert len(sdk.VouchersApi(client).list_vouchers(limit=100).vouchers) == 100


def test_the_sdk_and_any_call_of_ours_switch_the_same_voucher(voucherify_sandbox, client, store):
    """``POST /v1/vouchers/{code}/disable`` and ``/enable``."""
    code = store.select("voucherify", "", "vouchers")[0]["code"]

    assert sdk.VouchersApi(client).disable_voucher(code).active is False
    with voucherify_client(voucherify_sandbox) as ours:
        assert ours.request("POST", f"/v1/vouchers/{code}/enable", idempotent=True)["active"] is True
        assert ours.request("GET", f"/v1/vouchers/{code}")["active"] is True
