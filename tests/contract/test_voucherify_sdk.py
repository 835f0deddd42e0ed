"""Voucherify's own Python SDK reads the sandbox: what it asks for is understood, what it gets passes its strict models.

It is given no ``filters``: of those it sends the text ``None`` for every one that is not set.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import voucherify as sdk

from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.store import Store
from airflow_provider_partners.sandbox.voucherify.seed.long_lists import grow
from airflow_provider_partners.sandbox.world.build import build

# The SDK says so of each list of the first loyalty API.
pytestmark = pytest.mark.filterwarnings("ignore:GET /v1/loyalties.* is deprecated:DeprecationWarning")

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def served() -> Iterator[RunningSandbox]:
    sandbox = build(now=NOW)
    with serve(sandbox) as served:
        yield served


@pytest.fixture(scope="module")
def store(served):
    return served.sandbox.store


def configuration(served: RunningSandbox, **keys: str) -> Any:
    accepted = served.sandbox.credentials["voucherify"]
    keys = keys or {"X-App-Id": accepted["app_id"], "X-App-Token": accepted["secret_key"]}
    return sdk.Configuration(host=f"{served.url}/voucherify", api_key=keys)


@pytest.fixture(scope="module")
def client(served) -> Iterator[Any]:
    with sdk.ApiClient(configuration(served)) as client:
        yield client


def longest(store: Store, kind: str) -> str:
    """Below which records a list has most rows: the SDK's arguments, joined by slashes."""
    return max(store.shops("voucherify"), key=lambda scope: store.count("voucherify", scope, kind))


# The SDK's class and method, and our name of the list.
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
MANAGED = [
    ("list_projects", "management_projects"),
    ("list_users", "management_users"),
    ("list_stacking_rules", "management_stacking_rules"),
    ("list_metadata_schemas1", "management_metadata_schemas"),
    ("list_custom_event_schemas", "management_custom_event_schemas"),
    ("list_webhooks", "management_webhooks"),
    ("list_brands", "management_branding"),
    ("management_list_campaign_templates", "management_campaign_templates"),
]


def rows_of(answer: Any) -> list[Any]:
    """The rows of an answer of the SDK, wherever it has them."""
    found = [value for value in vars(answer).values() if isinstance(value, list)]
    assert len(found) == 1, answer
    return found[0]


def named(row: Any) -> str | None:
    """The id of a row; of a reward with its assignment, the assignment's."""
    row = row if isinstance(row, dict) else row.to_dict()
    found: str | None = row.get("id") or row.get("assignment", {}).get("id")
    return found


def ask(client: Any, api: str, method: str, scope: str) -> Any:
    """Ask for the first page of a list, the longest there is."""
    call = getattr(getattr(sdk, api)(client), method)
    most = {"limit": 100} if "limit" in inspect.signature(call).parameters else {}
    return call(*(part for part in scope.split("/") if part), **most)


@pytest.mark.parametrize(("api", "method", "kind"), LISTS, ids=[f"{api}.{method}" for api, method, _ in LISTS])
def test_the_sdk_reads(client, store, api, method, kind):
    scope = longest(store, kind)
    kept = store.select("voucherify", scope, kind)

    rows = rows_of(ask(client, api, method, scope))

    assert len(rows) == min(100, len(kept))
    assert {named(row) for row in rows} <= {named(row) for row in kept}
    assert None not in {named(row) for row in rows}


@pytest.mark.parametrize(("method", "kind"), MANAGED)
def test_the_sdk_reads_with_a_management_key(served, store, method, kind):
    accepted = served.sandbox.credentials["voucherify"]
    keys = {"X-Management-Id": accepted["management_id"], "X-Management-Token": accepted["management_token"]}
    scope = longest(store, kind)

    with sdk.ApiClient(configuration(served, **keys)) as client:
        rows = rows_of(ask(client, "ManagementApi", method, scope))

    assert len(rows) == store.count("voucherify", scope, kind)


def test_the_sdk_reads_promotions_with_a_client_side_key(served, store):
    accepted = served.sandbox.credentials["voucherify"]
    keys = {"X-Client-Application-Id": accepted["client_app_id"], "X-Client-Token": accepted["client_token"]}

    with sdk.ApiClient(configuration(served, **keys)) as client:
        answer = sdk.ClientSideApi(client).list_promotion_tiers_client_side(accepted["client_origin"])

    assert len(answer.tiers) == store.count("voucherify", "", "client_promotion_tiers")


def test_every_list_that_the_sdk_has_is_asked_for():
    asked = (
        {method for _, method, _ in LISTS} | {method for method, _ in MANAGED} | {"list_promotion_tiers_client_side"}
    )
    apis = [value for name, value in vars(sdk).items() if name.endswith("Api")]
    methods = {name for api in apis for name in vars(api) if name.startswith(("list_", "management_list_"))}
    has = {name for name in methods if not name.endswith(("_with_http_info", "_without_preload_content"))}

    assert len(has) > 50
    assert has <= asked


def test_the_sdk_walks_pages_to_the_end(client, store):
    orders, seen = sdk.OrdersApi(client), []
    for page in range(1, 100):
        rows = orders.list_orders(limit=50, page=page, order="created_at").orders
        seen += [row.id for row in rows]
        if not rows:
            break

    assert sorted(seen) == sorted(row["id"] for row in store.select("voucherify", "", "orders"))


def test_the_sdk_asks_for_a_window_of_customers(client, store):
    since, until = NOW - timedelta(days=100), NOW - timedelta(days=20)

    answer = sdk.CustomersApi(client).list_customers(limit=100, created_at_after=since, created_at_before=until)

    kept = store.select("voucherify", "", "customers")
    wanted = {row["id"] for row in kept if since < datetime.fromisoformat(row["created_at"]) < until}
    assert {row.id for row in answer.customers} == wanted
    assert 0 < answer.total == len(wanted) < len(kept)


def test_the_sdk_scrolls_customers_by_time(client, store):
    seen: set[str] = set()
    after = datetime(1970, 1, 1, tzinfo=UTC)
    for _ in range(20):
        rows = sdk.CustomersApi(client).list_customers(limit=100, order="created_at", starting_after=after).customers
        new = {row.id for row in rows} - seen
        if not new:
            break
        seen |= new
        # An overlap, as several customers share their time across the edge of a page.
        after = max(row.created_at for row in rows) - timedelta(milliseconds=1)

    assert len(seen) == store.count("voucherify", "", "customers")


def test_the_sdk_asks_for_the_redemptions_of_a_customer(client, store):
    kept = store.select("voucherify", "", "redemptions")
    customer, count = Counter(row["customer_id"] for row in kept if row["customer_id"]).most_common(1)[0]

    answer = sdk.RedemptionsApi(client).list_redemptions(limit=100, customer=customer)

    assert answer.total == len(answer.redemptions) == count
    assert {row.customer_id for row in answer.redemptions} == {customer}


def test_the_sdk_orders_an_export_and_waits_for_it(served, client, store):
    exports = sdk.ExportsApi(client)
    body = {"exported_object": "order", "parameters": {"fields": ["id", "source_id"]}}

    made = exports.create_export(sdk.ExportsCreateRequestBody.from_dict(body))
    states = [made.status]
    while states[-1] != "DONE" and len(states) < 20:
        states.append(exports.get_export(made.id).status)

    done = exports.get_export(made.id)
    assert states[0] == "SCHEDULED"
    assert states[-1] == "DONE"
    assert done.result.url
    assert made.id in {row.id for row in exports.list_exports(limit=100).exports}


def test_the_sdk_gets_single_records(client, store):
    order = next(row for row in store.select("voucherify", "", "orders") if row["source_id"])

    assert sdk.OrdersApi(client).get_order(order["source_id"]).id == order["id"]
    assert sdk.VouchersApi(client).get_voucher("ÉTÉ20").code == "ÉTÉ20"
    with pytest.raises(sdk.exceptions.NotFoundException):
        sdk.VouchersApi(client).get_voucher("NO-SUCH-CODE")


def test_a_wrong_key_is_refused(served):
    keys = {"X-App-Id": "nobody", "X-App-Token": "nothing"}
    with sdk.ApiClient(configuration(served, **keys)) as client, pytest.raises(sdk.exceptions.UnauthorizedException):
        sdk.OrdersApi(client).list_orders()


def test_grown_rows_pass_the_models_as_well(client, store):
    for kind in ("redemptions", "publications", "vouchers"):
        grow(store, seed=7, kind=kind, count=150, now=NOW)

    assert len(sdk.RedemptionsApi(client).list_redemptions(limit=100).redemptions) == 100
    assert len(sdk.PublicationsApi(client).list_publications(limit=100).publications) == 100
    assert len(sdk.VouchersApi(client).list_vouchers(limit=100).vouchers) == 100
