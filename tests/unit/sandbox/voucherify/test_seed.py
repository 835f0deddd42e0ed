"""The first shop's Voucherify project: every list has records, which name each other and match the shop's orders."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_partners.sandbox.store import Sandbox, Store, format_timestamp
from airflow_provider_partners.sandbox.voucherify import seed as seed_voucherify
from airflow_provider_partners.sandbox.voucherify.lists.tables import LISTS
from airflow_provider_partners.sandbox.voucherify.seed.long_lists import DAYS, RECORD_MAKERS, SAME_TIMESTAMP_COUNT, grow
from airflow_provider_partners.sandbox.voucherify.seed.orders import apply_discount
from airflow_provider_partners.sandbox.voucherify.seed.records import format_timestamp_ms, project_id
from airflow_provider_partners.sandbox.world.build import build
from airflow_provider_partners.sandbox.world.changes.shop import Changes, NothingToDoError
from airflow_provider_partners.sandbox.world.shops import world

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
FIRST = "aurora-apparel.myshopify.com"
Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return build(now=NOW)


@pytest.fixture(scope="module")
def lists(sandbox) -> dict[str, dict[str, Records]]:
    """Records by kind and scope."""
    by_kind: dict[str, dict[str, Records]] = defaultdict(lambda: defaultdict(list))
    for partner, scope, kind, _, body in sandbox.store:
        if partner == "voucherify":
            by_kind[kind][scope].append(body)
    return by_kind


@pytest.fixture(scope="module")
def redemptions(lists) -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in lists["redemptions"][""]}


@pytest.fixture(scope="module")
def orders(lists) -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in lists["orders"][""]}


@pytest.fixture(scope="module")
def shopify(sandbox) -> Records:
    return sandbox.store.select("shopify_admin", FIRST, "order")


@pytest.fixture
def small_sandbox() -> Sandbox:
    return build(seed=3, shops=1, orders=12, now=NOW)


@pytest.fixture(scope="module")
def growing_sandbox() -> Sandbox:
    """A small world; each test makes another list longer."""
    return build(seed=3, shops=1, orders=12, now=NOW)


def find_shop_order(order: dict[str, Any], shopify: Records) -> dict[str, Any] | None:
    names = {order["source_id"]} - {None}
    return next(
        (record for record in shopify if names & {record["legacyResourceId"], record["id"], record["name"]}), None
    )


def stored_documents(store: Store) -> list[Any]:
    return list(store._db.execute("SELECT * FROM documents WHERE partner='voucherify'"))


def test_every_list_of_the_api_has_records(lists):
    assert len(LISTS) == 92
    assert {listing.kind for listing in LISTS} == set(lists)


@pytest.mark.parametrize(
    ("kind", "scoped"),
    [
        ("customers", False),
        ("vouchers", False),
        ("redemptions", False),
        ("orders", False),
        ("publications", False),
        ("loyalty_program_members", True),
        ("loyalty_program_card_transactions", True),
        ("voucher_transactions", True),
        ("campaign_transactions", True),
        ("loyalty_campaign_transactions", True),
    ],
)
def test_the_long_lists_need_more_than_one_page(lists, kind, scoped):
    longest = max(len(records) for records in lists[kind].values())

    assert 120 <= longest < 400
    assert scoped == ("" not in lists[kind])


def test_the_parents_of_every_scope_exist(lists):
    known = {
        name: {
            record[name]
            for kind in lists.values()
            for records in kind.values()
            for record in records
            if record.get(name)
        }
        for name in ("id", "code", "card_id")
    }
    everything = set.union(*known.values())

    for kind, scopes in lists.items():
        for scope in scopes:
            assert all(part in everything for part in scope.split("/") if part), (kind, scope)


@pytest.mark.parametrize(
    ("field", "kinds"),
    [
        ("customer_id", ("customers",)),
        ("holder_id", ("customers",)),
        ("campaign_id", ("campaigns",)),
        ("voucher_id", ("vouchers",)),
        ("redeemable_id", ("vouchers",)),
        ("category_id", ("categories",)),
        ("order_id", ("orders",)),
        ("product_id", ("products",)),
        ("reward_id", ("rewards", "loyalty_rewards")),
        ("rule_id", ("validation_rules",)),
        ("program_id", ("loyalty_programs",)),
        ("member_id", ("loyalty_program_members",)),
        ("card_definition_id", ("loyalty_card_definitions",)),
        ("earning_rule_id", ("loyalty_earning_rules",)),
        ("tier_structure_id", ("loyalty_tier_structures",)),
        ("benefit_id", ("loyalty_benefits",)),
        ("card_transaction_id", ("loyalty_program_card_transactions",)),
    ],
)
def test_every_reference_names_an_existing_record(lists, field, kinds):
    known = {record["id"] for kind in kinds for records in lists[kind].values() for record in records}
    referenced = {
        record[field] for kind in lists.values() for records in kind.values() for record in records if record.get(field)
    }

    assert referenced
    assert referenced <= known


def test_ids_have_the_documented_form(lists):
    letters = {"cust": 24, "ord": 24, "v": 32, "camp": 24, "promo": 24, "pub": 32, "exp": 24, "seg": 24, "stack": 24}
    digits = ("r", "rf", "rr", "rrf", "vtx", "rh", "prod", "sku", "lprg", "lmbr", "lctx", "lcdef", "lern")
    snapshot: Counter[str] = Counter()
    for kind in lists.values():
        for record in (record for records in kind.values() for record in records if "id" in record):
            prefix, _, tail = record["id"].rpartition("_")
            snapshot[prefix] += 1
            if prefix in letters:
                assert re.fullmatch(f"[0-9A-Za-z]{{{letters[prefix]}}}", tail), record["id"]
            elif prefix in digits:
                assert re.fullmatch("[0-9a-f]{18}", tail), record["id"]

    assert set(snapshot) >= {*letters, *digits}


def test_ids_are_unique(sandbox, lists):
    ids = [record["id"] for records in lists["redemptions"].values() for record in records]
    for kind in ("customers", "orders", "vouchers", "publications"):
        ids += [record["id"] for record in lists[kind][""]]

    assert len(ids) == len(set(ids))


def test_timestamps_have_milliseconds_and_are_in_the_past(sandbox):
    for _, _, kind, id_, at, _ in stored_documents(sandbox.store):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at), (kind, id_)
        assert at < format_timestamp(NOW)


def test_about_three_in_ten_orders_of_the_shop_used_a_coupon(orders, shopify):
    used = [order for order in orders.values() if order["redemptions"] and find_shop_order(order, shopify)]
    nameless = [order for order in orders.values() if order["redemptions"] and order["source_id"] is None]

    # A quarter of the shop's orders have no source id.
    assert 0.2 <= len(used) / len(shopify) <= 0.4
    assert nameless


def test_every_form_of_source_id_occurs(orders, shopify):
    used = {order["source_id"] for order in orders.values() if order["redemptions"]}

    assert None in used
    assert any(record["legacyResourceId"] in used for record in shopify)
    assert any(record["id"] in used for record in shopify)
    assert any(record["name"] in used for record in shopify)
    assert any(source and source.startswith("POS-") for source in used)


def test_an_order_has_the_items_and_the_customer_of_the_shops_order(orders, shopify, lists):
    customers = {record["id"]: record for record in lists["customers"][""]}
    pairs = [(order, record) for order in orders.values() if (record := find_shop_order(order, shopify))]

    assert len(pairs) > 30
    for order, record in pairs:
        assert len(order["items"]) == sum(1 for line in record["lineItems"] if line["quantity"])
        assert order["created_at"] >= record["createdAt"].replace("Z", ".000Z")
        if order["customer_id"]:
            assert customers[order["customer_id"]]["source_id"] == record["customer"]["legacyResourceId"]


def test_amounts_add_up(orders):
    for order in orders.values():
        off, items = order.get("discount_amount", 0), order.get("items_discount_amount", 0)
        assert order["amount"] == sum(item["amount"] for item in order["items"])
        assert order.get("total_discount_amount", 0) == off + items
        assert order["total_amount"] == order["amount"] - off - items >= 0
        assert sum(item.get("discount_amount", 0) for item in order["items"]) == items


def test_amounts_of_zero_are_left_out(orders):
    plain = [order for order in orders.values() if not order["redemptions"]]

    assert plain
    assert all("discount_amount" not in order and "total_discount_amount" not in order for order in plain)


def test_some_discounts_apply_to_items(redemptions):
    records = [
        record
        for record in redemptions.values()
        if record["order"] and record["order"].get("items_applied_discount_amount")
    ]

    assert records
    for record in records:
        discount = sum(item["applied_discount_amount"] for item in record["order"]["items"])
        assert discount == record["order"]["items_applied_discount_amount"]


def test_a_stack_has_a_parent_and_two_or_three_children(redemptions):
    parents = [record for record in redemptions.values() if record["related_object_type"] == "redemption"]
    sizes = set()
    for parent in (record for record in parents if record["object"] == "redemption"):
        assert parent["related_object_id"] == parent["id"]
        children = [record for record in redemptions.values() if record.get("redemption") == parent["id"]]
        children = [record for record in children if record["object"] == "redemption"]
        entry = parent["order"]["redemptions"][parent["id"]]
        assert sorted(entry["stacked"]) == sorted(record["id"] for record in children)
        applied = [record["order"]["total_applied_discount_amount"] for record in children]
        assert sum(applied) == parent["order"]["total_applied_discount_amount"]
        assert all("redemptions" not in record["order"] for record in children)
        sizes.add(len(children))

    assert sizes == {2, 3}


def test_a_rolled_back_redemption_keeps_the_result_success(redemptions, orders):
    records = [record for record in redemptions.values() if record["status"] == "ROLLED_BACK"]

    assert records
    for record in records:
        (entry,) = record["related_redemptions"]["rollbacks"]
        rollback = redemptions[entry["id"]]
        order = orders[record["order"]["id"]]
        assert record["result"] == "SUCCESS"
        assert rollback["object"] == "redemption_rollback"
        assert rollback["redemption"] == record["id"]
        assert rollback["date"] > record["date"]
        assert order["status"] == "CANCELED"
        assert order["total_amount"] == order["amount"]
        if not record.get("redemption"):
            assert order["redemptions"][record["id"]]["rollback_id"] == rollback["id"]


def test_a_rollback_of_a_card_has_a_negative_amount(redemptions):
    rollbacks = [record for record in redemptions.values() if record["id"].startswith("rr_") and "amount" in record]

    assert {unit for record in rollbacks for unit in ("gift", "loyalty_card") if unit in record} == {
        "gift",
        "loyalty_card",
    }
    assert all(record["amount"] == -redemptions[record["redemption"]]["amount"] < 0 for record in rollbacks)


def test_failures_have_no_order(redemptions):
    failed = [record for record in redemptions.values() if record["result"] == "FAILURE"]

    assert {record["id"].partition("_")[0] for record in failed} == {"rf", "rrf"}
    assert all(record["order"] is None and record["status"] == "FAILED" and record["failure_code"] for record in failed)


def test_every_kind_of_redeemable_occurs(redemptions):
    records = list(redemptions.values())
    vouchers = [record["voucher"]["type"] for record in records if record["related_object_type"] == "voucher"]
    tiers = [record for record in records if record["related_object_type"] == "promotion_tier"]

    assert set(vouchers) == {"DISCOUNT_VOUCHER", "GIFT_VOUCHER", "LOYALTY_CARD"}
    assert tiers
    assert all(
        "voucher" not in record and record["promotion_tier"]["id"] == record["related_object_id"] for record in tiers
    )


def test_redemptions_on_both_sides_of_a_page_end_have_the_same_timestamp(redemptions):
    newest_first = sorted((record["date"] for record in redemptions.values()), reverse=True)

    assert any(newest_first[edge - 1] == newest_first[edge] for edge in range(10, len(newest_first), 10))


def test_customers_on_both_sides_of_a_page_end_have_the_same_timestamp(lists):
    newest_first = sorted((record["created_at"] for record in lists["customers"][""]), reverse=True)

    assert newest_first[99] == newest_first[100]
    assert len(newest_first) - len(set(newest_first)) > 80


def test_a_cards_balance_is_the_sum_of_its_transactions(lists):
    for voucher in lists["vouchers"][""]:
        card = voucher["loyalty_card"] or voucher["gift"]
        balances = [record["details"]["balance"] for record in lists["voucher_transactions"].get(voucher["code"], [])]
        if not card or not balances:
            continue
        start = 2_000 if voucher["loyalty_card"] else 10_000
        assert card["balance"] == start + sum(record.get("points", record.get("amount")) for record in balances)


def test_a_transaction_is_in_all_lists_of_its_card(lists):
    club = next(record for record in lists["campaigns"][""] if record["campaign_type"] == "LOYALTY_PROGRAM")["id"]
    members = [record["id"] for record in lists["loyalty_campaign_members"][club]]
    by_member = [record["id"] for member in members for record in lists["loyalty_member_transactions"][member]]
    by_both = [
        record["id"]
        for member in members
        for record in lists["loyalty_campaign_member_transactions"][f"{club}/{member}"]
    ]
    of_campaign = [record["id"] for record in lists["loyalty_campaign_transactions"][club]]

    assert sorted(by_member) == sorted(by_both) == sorted(of_campaign)
    assert sorted(of_campaign) == sorted(record["id"] for record in lists["campaign_transactions"][club])


def test_a_customers_summary_counts_the_customers_redemptions(lists, redemptions):
    singles = [record for record in redemptions.values() if record["related_object_type"] != "redemption"]
    for customer in lists["customers"][""]:
        own = [record for record in singles if record["customer_id"] == customer["id"]]
        counts = customer["summary"]["redemptions"]
        assert counts["total_succeeded"] == sum(record["id"].startswith("r_") for record in own)
        assert counts["total_rolled_back"] == sum(record["status"] == "ROLLED_BACK" for record in own)


def test_a_vouchers_own_list_has_its_redemptions(lists, redemptions):
    for code, records in lists["voucher_redemptions"].items():
        assert {record["voucher"]["code"] for record in records} == {code}
        assert all(redemptions[record["id"]] == record for record in records)


def test_the_credentials_name_the_project(sandbox, lists):
    accepted = sandbox.credentials["voucherify"]

    assert accepted["shop"] == FIRST
    assert accepted["project_id"] == lists["management_projects"][""][0]["id"] == project_id(7)
    assert set(lists["management_users"]) == {accepted["project_id"]}


def test_the_same_seed_and_day_give_the_same_project():
    first, second = (build(seed=4, shops=1, orders=6, now=NOW).store for _ in range(2))

    assert stored_documents(first) == stored_documents(second)


def test_seeding_a_project_does_not_change_the_shops_records(sandbox):
    shop = world(4)[0]
    orders, products, customers = (
        sandbox.store.select("shopify_admin", FIRST, kind) for kind in ("order", "product", "customer")
    )
    before = str((orders, products, customers))

    seed_voucherify.store_project(Store(), 7, shop, orders=orders, products=products, customers=customers, now=NOW)

    assert str((orders, products, customers)) == before


def test_a_world_of_one_order_has_a_complete_project():
    store = build(shops=1, orders=1, now=NOW).store

    kinds = {record[2] for record in stored_documents(store)}

    assert kinds == {listing.kind for listing in LISTS}
    assert store.count("voucherify", "", "redemptions") >= 120


@pytest.mark.parametrize("kind", sorted(RECORD_MAKERS))
def test_a_list_grows_by_the_requested_count(growing_sandbox, kind):
    scope = grow(growing_sandbox.store, seed=3, kind=kind, count=40, now=NOW)
    longer = growing_sandbox.store.select("voucherify", scope, kind)
    grow(growing_sandbox.store, seed=3, kind=kind, count=5, now=NOW, scope=scope)

    assert growing_sandbox.store.count("voucherify", scope, kind) == len(longer) + 5
    assert len({record["id"] for record in longer}) == len(longer) >= 41
    assert all((record.get("created_at") or record["date"]) < format_timestamp_ms(NOW) for record in longer)


@pytest.mark.parametrize("kind", ["redemptions", "customers", "vouchers", "loyalty_program_members"])
def test_new_records_on_both_sides_of_a_page_end_have_the_same_timestamp(growing_sandbox, kind):
    scope = grow(growing_sandbox.store, seed=3, kind=kind, count=1200, now=NOW)
    since = format_timestamp_ms(NOW - timedelta(days=DAYS))
    times = [
        record.get("created_at") or record["date"] for record in growing_sandbox.store.select("voucherify", scope, kind)
    ]
    counts = Counter(at for at in times if at >= since)

    assert max(counts.values()) >= max(SAME_TIMESTAMP_COUNT) > 100
    assert any(times[edge - 1] == times[edge] for edge in range(100, len(times), 100))


def test_a_new_redemption_has_its_own_order(small_sandbox):
    before = small_sandbox.store.count("voucherify", "", "orders")

    grow(small_sandbox.store, seed=3, kind="redemptions", count=100, now=NOW)

    records = small_sandbox.store.select("voucherify", "", "redemptions")
    assert small_sandbox.store.count("voucherify", "", "orders") == before + 80
    for record in records:
        if record["order"]:
            assert small_sandbox.store.get("voucherify", "", "orders", record["order"]["id"])


def test_ten_thousand_records_are_made_quickly(small_sandbox):
    started = time.process_time()

    grow(small_sandbox.store, seed=3, kind="customers", count=10_000, now=NOW)

    assert time.process_time() - started < 3


def test_the_same_seed_gives_the_same_new_records():
    stores = [build(seed=3, shops=1, orders=3, now=NOW).store for _ in range(2)]
    for store in stores:
        grow(store, seed=3, kind="redemptions", count=30, now=NOW)

    assert stored_documents(stores[0]) == stored_documents(stores[1])


def test_a_list_that_cannot_grow_is_an_error(small_sandbox):
    with pytest.raises(ValueError, match=r"management_projects cannot be made longer, only async_actions"):
        grow(small_sandbox.store, seed=3, kind="management_projects", count=1, now=NOW)
    with pytest.raises(ValueError, match="no list voucher_transactions of NONE"):
        grow(small_sandbox.store, seed=3, kind="voucher_transactions", count=1, now=NOW, scope="NONE")


def test_a_new_order_with_a_coupon_exists_at_both_partners(small_sandbox):
    (record,) = Changes(small_sandbox).redeem(1)

    order = small_sandbox.store.get("voucherify", "", "orders", record["order"])
    redemption = small_sandbox.store.get("voucherify", "", "redemptions", record["id"])
    assert redemption["order"] == order
    assert order["total_amount"] < order["amount"]
    assert small_sandbox.store.get("shopify_admin", FIRST, "order", f"gid://shopify/Order/{order['source_id']}")


def test_a_redemption_can_be_rolled_back_while_the_sandbox_runs(small_sandbox):
    changes = Changes(small_sandbox)
    (redemption,) = changes.redeem(1)

    (rollback,) = changes.roll_back(1)

    record = small_sandbox.store.get("voucherify", "", "redemptions", redemption["id"])
    assert rollback["object"] == "redemption_rollback"
    assert (record["result"], record["status"]) == ("SUCCESS", "ROLLED_BACK")
    assert record["related_redemptions"]["rollbacks"][0]["id"] == rollback["id"]
    assert small_sandbox.store.get("voucherify", "", "orders", redemption["order"])["status"] == "CANCELED"
    own = small_sandbox.store.select("voucherify", "WELCOME10", "voucher_redemptions")
    assert {rollback["id"], redemption["id"]} <= {each["id"] for each in own}
    assert record in own


def test_every_redemption_can_be_rolled_back_once(small_sandbox):
    changes = Changes(small_sandbox)
    while len(changes.roll_back(50)) == 50:
        pass

    with pytest.raises(NothingToDoError, match="no redemption left to roll back"):
        changes.roll_back(1)
    states = Counter(record["status"] for record in small_sandbox.store.select("voucherify", "", "redemptions"))
    records = small_sandbox.store.select("voucherify", "", "redemptions")
    assert states["ROLLED_BACK"] == sum(record["id"].startswith("r_") for record in records)


def test_a_discount_is_divided_among_the_items_without_a_rounding_difference():
    order: dict[str, Any] = {
        "amount": 1000,
        "total_amount": 1000,
        "items": [{"amount": amount, "subtotal_amount": amount} for amount in (333, 333, 334)],
    }

    snapshot = apply_discount(order, 100, items=True)

    assert [item["discount_amount"] for item in order["items"]] == [33, 33, 34]
    assert snapshot["items_applied_discount_amount"] == order["items_discount_amount"] == 100
    assert order["total_amount"] == 900
