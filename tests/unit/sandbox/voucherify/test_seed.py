"""The first shop's Voucherify project: all lists have rows, they name each other and tell of the shop's orders."""

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
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return build(now=NOW)


@pytest.fixture(scope="module")
def lists(sandbox) -> dict[str, dict[str, Rows]]:
    """Rows by kind and scope."""
    found: dict[str, dict[str, Rows]] = defaultdict(lambda: defaultdict(list))
    for partner, scope, kind, _, body in sandbox.store:
        if partner == "voucherify":
            found[kind][scope].append(body)
    return found


@pytest.fixture(scope="module")
def redemptions(lists) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in lists["redemptions"][""]}


@pytest.fixture(scope="module")
def orders(lists) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in lists["orders"][""]}


@pytest.fixture(scope="module")
def shopify(sandbox) -> Rows:
    return sandbox.store.select("shopify_admin", FIRST, "order")


@pytest.fixture
def small() -> Sandbox:
    return build(seed=3, shops=1, orders=12, now=NOW)


@pytest.fixture(scope="module")
def growing() -> Sandbox:
    """A small world of which each test makes another list longer."""
    return build(seed=3, shops=1, orders=12, now=NOW)


def of_shop(order: dict[str, Any], shopify: Rows) -> dict[str, Any] | None:
    names = {order["source_id"]} - {None}
    return next((row for row in shopify if names & {row["legacyResourceId"], row["id"], row["name"]}), None)


def voucherify(store: Store) -> list[Any]:
    return list(store._db.execute("SELECT * FROM documents WHERE partner='voucherify'"))


def test_every_list_of_the_api_has_rows(lists):
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
def test_the_great_lists_are_longer_than_a_page(lists, kind, scoped):
    longest = max(len(rows) for rows in lists[kind].values())

    assert 120 <= longest < 400
    assert scoped == ("" not in lists[kind])


def test_the_parents_that_a_scope_names_exist(lists):
    known = {
        name: {row[name] for kind in lists.values() for rows in kind.values() for row in rows if row.get(name)}
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
def test_what_a_row_names_exists(lists, field, kinds):
    known = {row["id"] for kind in kinds for rows in lists[kind].values() for row in rows}
    named = {row[field] for kind in lists.values() for rows in kind.values() for row in rows if row.get(field)}

    assert named
    assert named <= known


def test_ids_have_the_documented_form(lists):
    letters = {"cust": 24, "ord": 24, "v": 32, "camp": 24, "promo": 24, "pub": 32, "exp": 24, "seg": 24, "stack": 24}
    digits = ("r", "rf", "rr", "rrf", "vtx", "rh", "prod", "sku", "lprg", "lmbr", "lctx", "lcdef", "lern")
    seen: Counter[str] = Counter()
    for kind in lists.values():
        for row in (row for rows in kind.values() for row in rows if "id" in row):
            prefix, _, tail = row["id"].rpartition("_")
            seen[prefix] += 1
            if prefix in letters:
                assert re.fullmatch(f"[0-9A-Za-z]{{{letters[prefix]}}}", tail), row["id"]
            elif prefix in digits:
                assert re.fullmatch("[0-9a-f]{18}", tail), row["id"]

    assert set(seen) >= {*letters, *digits}


def test_no_two_rows_of_a_list_share_an_id(sandbox, lists):
    ids = [row["id"] for rows in lists["redemptions"].values() for row in rows]
    for kind in ("customers", "orders", "vouchers", "publications"):
        ids += [row["id"] for row in lists[kind][""]]

    assert len(ids) == len(set(ids))


def test_times_carry_milliseconds_and_lie_before_the_day_of_the_world(sandbox):
    for _, _, kind, id_, at, _ in voucherify(sandbox.store):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at), (kind, id_)
        assert at < format_timestamp(NOW)


def test_about_three_in_ten_orders_of_the_shop_used_a_coupon(orders, shopify):
    used = [order for order in orders.values() if order["redemptions"] and of_shop(order, shopify)]
    nameless = [order for order in orders.values() if order["redemptions"] and order["source_id"] is None]

    # A quarter of the shop's orders came without any reference.
    assert 0.2 <= len(used) / len(shopify) <= 0.4
    assert nameless


def test_an_order_is_named_in_every_form(orders, shopify):
    used = {order["source_id"] for order in orders.values() if order["redemptions"]}

    assert None in used
    assert any(row["legacyResourceId"] in used for row in shopify)
    assert any(row["id"] in used for row in shopify)
    assert any(row["name"] in used for row in shopify)
    assert any(source and source.startswith("POS-") for source in used)


def test_an_order_has_the_items_and_the_buyer_of_the_shops_order(orders, shopify, lists):
    customers = {row["id"]: row for row in lists["customers"][""]}
    pairs = [(order, row) for order in orders.values() if (row := of_shop(order, shopify))]

    assert len(pairs) > 30
    for order, row in pairs:
        assert len(order["items"]) == sum(1 for line in row["lineItems"] if line["quantity"])
        assert order["created_at"] >= row["createdAt"].replace("Z", ".000Z")
        if order["customer_id"]:
            assert customers[order["customer_id"]]["source_id"] == row["customer"]["legacyResourceId"]


def test_amounts_add_up(orders):
    for order in orders.values():
        off, items = order.get("discount_amount", 0), order.get("items_discount_amount", 0)
        assert order["amount"] == sum(item["amount"] for item in order["items"])
        assert order.get("total_discount_amount", 0) == off + items
        assert order["total_amount"] == order["amount"] - off - items >= 0
        assert sum(item.get("discount_amount", 0) for item in order["items"]) == items


def test_amounts_of_nothing_are_left_out(orders):
    plain = [order for order in orders.values() if not order["redemptions"]]

    assert plain
    assert all("discount_amount" not in order and "total_discount_amount" not in order for order in plain)


def test_some_discounts_are_taken_off_single_items(redemptions):
    rows = [row for row in redemptions.values() if row["order"] and row["order"].get("items_applied_discount_amount")]

    assert rows
    for row in rows:
        taken = sum(item["applied_discount_amount"] for item in row["order"]["items"])
        assert taken == row["order"]["items_applied_discount_amount"]


def test_a_stack_has_a_parent_and_two_or_three_children(redemptions):
    parents = [row for row in redemptions.values() if row["related_object_type"] == "redemption"]
    sizes = set()
    for parent in (row for row in parents if row["object"] == "redemption"):
        assert parent["related_object_id"] == parent["id"]
        children = [row for row in redemptions.values() if row.get("redemption") == parent["id"]]
        children = [row for row in children if row["object"] == "redemption"]
        entry = parent["order"]["redemptions"][parent["id"]]
        assert sorted(entry["stacked"]) == sorted(row["id"] for row in children)
        applied = [row["order"]["total_applied_discount_amount"] for row in children]
        assert sum(applied) == parent["order"]["total_applied_discount_amount"]
        assert all("redemptions" not in row["order"] for row in children)
        sizes.add(len(children))

    assert sizes == {2, 3}


def test_a_rolled_back_redemption_stays_a_success(redemptions, orders):
    rows = [row for row in redemptions.values() if row["status"] == "ROLLED_BACK"]

    assert rows
    for row in rows:
        (noted,) = row["related_redemptions"]["rollbacks"]
        rollback = redemptions[noted["id"]]
        order = orders[row["order"]["id"]]
        assert row["result"] == "SUCCESS"
        assert rollback["object"] == "redemption_rollback"
        assert rollback["redemption"] == row["id"]
        assert rollback["date"] > row["date"]
        assert order["status"] == "CANCELED"
        assert order["total_amount"] == order["amount"]
        if not row.get("redemption"):
            assert order["redemptions"][row["id"]]["rollback_id"] == rollback["id"]


def test_a_rollback_of_a_card_has_a_negative_amount(redemptions):
    rollbacks = [row for row in redemptions.values() if row["id"].startswith("rr_") and "amount" in row]

    assert {unit for row in rollbacks for unit in ("gift", "loyalty_card") if unit in row} == {"gift", "loyalty_card"}
    assert all(row["amount"] == -redemptions[row["redemption"]]["amount"] < 0 for row in rollbacks)


def test_failures_carry_no_order(redemptions):
    failed = [row for row in redemptions.values() if row["result"] == "FAILURE"]

    assert {row["id"].partition("_")[0] for row in failed} == {"rf", "rrf"}
    assert all(row["order"] is None and row["status"] == "FAILED" and row["failure_code"] for row in failed)


def test_the_kinds_of_what_is_redeemed_all_occur(redemptions):
    rows = list(redemptions.values())
    vouchers = [row["voucher"]["type"] for row in rows if row["related_object_type"] == "voucher"]
    tiers = [row for row in rows if row["related_object_type"] == "promotion_tier"]

    assert set(vouchers) == {"DISCOUNT_VOUCHER", "GIFT_VOUCHER", "LOYALTY_CARD"}
    assert tiers
    assert all("voucher" not in row and row["promotion_tier"]["id"] == row["related_object_id"] for row in tiers)


def test_many_redemptions_share_their_time_across_a_pages_edge(redemptions):
    newest_first = sorted((row["date"] for row in redemptions.values()), reverse=True)

    assert any(newest_first[edge - 1] == newest_first[edge] for edge in range(10, len(newest_first), 10))


def test_customers_share_their_time_across_a_pages_edge(lists):
    newest_first = sorted((row["created_at"] for row in lists["customers"][""]), reverse=True)

    assert newest_first[99] == newest_first[100]
    assert len(newest_first) - len(set(newest_first)) > 80


def test_a_cards_balance_is_what_its_movements_leave(lists):
    for voucher in lists["vouchers"][""]:
        card = voucher["loyalty_card"] or voucher["gift"]
        moved = [row["details"]["balance"] for row in lists["voucher_transactions"].get(voucher["code"], [])]
        if not card or not moved:
            continue
        start = 2_000 if voucher["loyalty_card"] else 10_000
        assert card["balance"] == start + sum(row.get("points", row.get("amount")) for row in moved)


def test_a_movement_stands_in_all_lists_of_its_card(lists):
    club = next(row for row in lists["campaigns"][""] if row["campaign_type"] == "LOYALTY_PROGRAM")["id"]
    members = [row["id"] for row in lists["loyalty_campaign_members"][club]]
    by_member = [row["id"] for member in members for row in lists["loyalty_member_transactions"][member]]
    by_both = [
        row["id"] for member in members for row in lists["loyalty_campaign_member_transactions"][f"{club}/{member}"]
    ]
    of_campaign = [row["id"] for row in lists["loyalty_campaign_transactions"][club]]

    assert sorted(by_member) == sorted(by_both) == sorted(of_campaign)
    assert sorted(of_campaign) == sorted(row["id"] for row in lists["campaign_transactions"][club])


def test_a_customers_summary_counts_what_the_lists_hold(lists, redemptions):
    singles = [row for row in redemptions.values() if row["related_object_type"] != "redemption"]
    for customer in lists["customers"][""]:
        own = [row for row in singles if row["customer_id"] == customer["id"]]
        counts = customer["summary"]["redemptions"]
        assert counts["total_succeeded"] == sum(row["id"].startswith("r_") for row in own)
        assert counts["total_rolled_back"] == sum(row["status"] == "ROLLED_BACK" for row in own)


def test_a_vouchers_own_list_has_its_redemptions(lists, redemptions):
    for code, rows in lists["voucher_redemptions"].items():
        assert {row["voucher"]["code"] for row in rows} == {code}
        assert all(redemptions[row["id"]] == row for row in rows)


def test_the_project_is_the_one_of_the_credentials(sandbox, lists):
    accepted = sandbox.credentials["voucherify"]

    assert accepted["shop"] == FIRST
    assert accepted["project_id"] == lists["management_projects"][""][0]["id"] == project_id(7)
    assert set(lists["management_users"]) == {accepted["project_id"]}


def test_the_same_seed_and_day_give_the_same_project():
    first, second = (build(seed=4, shops=1, orders=6, now=NOW).store for _ in range(2))

    assert voucherify(first) == voucherify(second)


def test_the_project_leaves_the_shops_records_as_they_were(sandbox):
    shop = world(4)[0]
    orders, products, customers = (
        sandbox.store.select("shopify_admin", FIRST, kind) for kind in ("order", "product", "customer")
    )
    before = str((orders, products, customers))

    seed_voucherify.store_project(Store(), 7, shop, orders=orders, products=products, customers=customers, now=NOW)

    assert str((orders, products, customers)) == before


def test_a_world_of_one_order_has_a_whole_project():
    store = build(shops=1, orders=1, now=NOW).store

    kinds = {row[2] for row in voucherify(store)}

    assert kinds == {listing.kind for listing in LISTS}
    assert store.count("voucherify", "", "redemptions") >= 120


@pytest.mark.parametrize("kind", sorted(RECORD_MAKERS))
def test_a_list_grows_by_as_many_rows_as_asked_for(growing, kind):
    scope = grow(growing.store, seed=3, kind=kind, count=40, now=NOW)
    longer = growing.store.select("voucherify", scope, kind)
    grow(growing.store, seed=3, kind=kind, count=5, now=NOW, scope=scope)

    assert growing.store.count("voucherify", scope, kind) == len(longer) + 5
    assert len({row["id"] for row in longer}) == len(longer) >= 41
    assert all((row.get("created_at") or row["date"]) < format_timestamp_ms(NOW) for row in longer)


@pytest.mark.parametrize("kind", ["redemptions", "customers", "vouchers", "loyalty_program_members"])
def test_grown_rows_share_times_across_the_edges_of_pages(growing, kind):
    scope = grow(growing.store, seed=3, kind=kind, count=1200, now=NOW)
    since = format_timestamp_ms(NOW - timedelta(days=DAYS))
    times = [row.get("created_at") or row["date"] for row in growing.store.select("voucherify", scope, kind)]
    counts = Counter(at for at in times if at >= since)

    assert max(counts.values()) >= max(SAME_TIMESTAMP_COUNT) > 100
    assert any(times[edge - 1] == times[edge] for edge in range(100, len(times), 100))


def test_a_grown_redemption_has_an_order_of_its_own(small):
    before = small.store.count("voucherify", "", "orders")

    grow(small.store, seed=3, kind="redemptions", count=100, now=NOW)

    rows = small.store.select("voucherify", "", "redemptions")
    assert small.store.count("voucherify", "", "orders") == before + 80
    for row in rows:
        if row["order"]:
            assert small.store.get("voucherify", "", "orders", row["order"]["id"])


def test_ten_thousand_rows_come_quickly(small):
    begun = time.process_time()

    grow(small.store, seed=3, kind="customers", count=10_000, now=NOW)

    assert time.process_time() - begun < 3


def test_growth_is_the_same_for_the_same_seed():
    stores = [build(seed=3, shops=1, orders=3, now=NOW).store for _ in range(2)]
    for store in stores:
        grow(store, seed=3, kind="redemptions", count=30, now=NOW)

    assert voucherify(stores[0]) == voucherify(stores[1])


def test_a_list_that_cannot_grow_is_told(small):
    with pytest.raises(ValueError, match=r"management_projects cannot be made longer, only async_actions"):
        grow(small.store, seed=3, kind="management_projects", count=1, now=NOW)
    with pytest.raises(ValueError, match="no list voucher_transactions of NONE"):
        grow(small.store, seed=3, kind="voucher_transactions", count=1, now=NOW, scope="NONE")


def test_a_new_order_with_a_coupon_comes_in_at_both_partners(small):
    (row,) = Changes(small).redeem(1)

    order = small.store.get("voucherify", "", "orders", row["order"])
    redemption = small.store.get("voucherify", "", "redemptions", row["id"])
    assert redemption["order"] == order
    assert order["total_amount"] < order["amount"]
    assert small.store.get("shopify_admin", FIRST, "order", f"gid://shopify/Order/{order['source_id']}")


def test_a_redemption_can_be_taken_back_while_the_sandbox_runs(small):
    changes = Changes(small)
    (made,) = changes.redeem(1)

    (back,) = changes.roll_back(1)

    row = small.store.get("voucherify", "", "redemptions", made["id"])
    assert back["object"] == "redemption_rollback"
    assert (row["result"], row["status"]) == ("SUCCESS", "ROLLED_BACK")
    assert row["related_redemptions"]["rollbacks"][0]["id"] == back["id"]
    assert small.store.get("voucherify", "", "orders", made["order"])["status"] == "CANCELED"
    own = small.store.select("voucherify", "WELCOME10", "voucher_redemptions")
    assert {back["id"], made["id"]} <= {each["id"] for each in own}
    assert row in own


def test_everything_can_be_taken_back_until_nothing_is_left(small):
    changes = Changes(small)
    while len(changes.roll_back(50)) == 50:
        pass

    with pytest.raises(NothingToDoError, match="no redemption left to roll back"):
        changes.roll_back(1)
    states = Counter(row["status"] for row in small.store.select("voucherify", "", "redemptions"))
    rows = small.store.select("voucherify", "", "redemptions")
    assert states["ROLLED_BACK"] == sum(row["id"].startswith("r_") for row in rows)


def test_a_discount_off_the_items_is_dealt_out_to_the_last_hundredth():
    order: dict[str, Any] = {
        "amount": 1000,
        "total_amount": 1000,
        "items": [{"amount": amount, "subtotal_amount": amount} for amount in (333, 333, 334)],
    }

    seen = apply_discount(order, 100, items=True)

    assert [item["discount_amount"] for item in order["items"]] == [33, 33, 34]
    assert seen["items_applied_discount_amount"] == order["items_discount_amount"] == 100
    assert order["total_amount"] == 900
