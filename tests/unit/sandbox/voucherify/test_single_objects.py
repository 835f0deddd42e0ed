"""Single objects of Voucherify's API, their identifiers, and lists with parents."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("name", ["ord_1", "5001", "gid%3A%2F%2Fshopify%2FOrder%2F5001", "%231001"])
def test_an_order_is_read_by_its_id_or_its_source_id(voucherify, name):
    voucherify.put(
        "orders",
        {"id": "ord_1", "source_id": "5001"},
        {"id": "ord_2", "source_id": "gid://shopify/Order/5001"},
        {"id": "ord_3", "source_id": "#1001"},
        {"id": "ord_4", "source_id": None},
    )
    expected = {"ord_1": "ord_1", "5001": "ord_1", "%231001": "ord_3"}.get(name, "ord_2")
    assert voucherify.get_json(f"/v1/orders/{name}")["id"] == expected


def test_vouchers_and_customers_are_read_by_either_identifier(voucherify):
    voucherify.put("vouchers", {"id": "v_1", "code": "SPRING 10/%"})
    voucherify.put("customers", {"id": "cust_1", "source_id": "a/b@example.com"})
    assert voucherify.get_json("/v1/vouchers/SPRING%2010%2F%25") == voucherify.get_json("/v1/vouchers/v_1")
    assert voucherify.get_json("/v1/customers/a%2Fb@example.com") == voucherify.get_json("/v1/customers/cust_1")


@pytest.mark.parametrize(
    ("path", "type_", "words"),
    [
        ("/v1/orders/none", "order", "order"),
        ("/v1/vouchers/none", "voucher", "voucher"),
        ("/v1/redemptions/none", "redemption", "redemption"),
        ("/v1/promotions/tiers/none", "promotion_tier", "promotion tier"),
        ("/v1/exports/none", "export", "export"),
        ("/v1/skus/none", "sku", "sku"),
    ],
)
def test_the_404_names_the_missing_object(voucherify, path, type_, words):
    response = voucherify.request(path)
    body = response.json()
    assert response.status_code == 404
    assert body.pop("request_id").startswith("v-")
    assert body == {
        "code": 404,
        "key": "not_found",
        "message": "Resource not found",
        "details": f"Cannot find {words} with id none",
        "resource_id": "none",
        "resource_type": type_,
    }


def test_a_literal_path_part_wins_over_a_placeholder(voucherify):
    voucherify.put("promotion_tiers", {"id": "promo_1"})
    voucherify.put("campaign_promotion_tiers", {"id": "promo_2"}, scope="tiers")
    assert voucherify.get_json("/v1/promotions/tiers/promo_1")["id"] == "promo_1"
    assert voucherify.ids("/v1/promotions/tiers") == ["promo_1"]
    voucherify.put("loyalty_campaign_members", {"id": "v_1", "code": "CARD"}, scope="camp_1")
    assert voucherify.get_json("/v1/loyalties/members/CARD")["id"] == "v_1"
    assert voucherify.get_json("/v1/loyalties/camp_1/members/CARD")["id"] == "v_1"


def test_a_sku_is_read_without_its_product(voucherify):
    voucherify.put("product_skus", {"id": "sku_1"}, scope="prod_1")
    voucherify.put("product_skus", {"id": "sku_2", "source_id": "S-2"}, scope="prod_2")
    assert voucherify.get_json("/v1/skus/sku_1")["id"] == "sku_1"
    assert voucherify.get_json("/v1/skus/S-2")["id"] == "sku_2"


def test_a_reward_is_read_through_its_assignment(voucherify):
    voucherify.put("rewards", {"id": "rew_1", "name": "Mug"})
    voucherify.put("loyalty_campaign_reward_assignments", {"id": "rewa_1", "reward_id": "rew_1"}, scope="camp_1")
    assert voucherify.get_json("/v1/loyalties/camp_1/reward-assignments/rewa_1/reward")["name"] == "Mug"
    assert voucherify.get_json("/v1/loyalties/camp_1/reward-assignments/rewa_1")["id"] == "rewa_1"


def test_a_metadata_schema_is_read_by_its_object(voucherify):
    voucherify.put("metadata_schemas", {"id": "ms_1", "related_object": "order"})
    assert voucherify.get_json("/v1/metadata-schemas/order")["id"] == "ms_1"


# Parents


def test_a_list_with_a_parent_accepts_every_identifier_of_the_parent(voucherify):
    voucherify.put("customers", {"id": "cust_1", "source_id": "shop/7"})
    voucherify.put("vouchers", {"id": "v_1", "code": "CARD"})
    voucherify.put("customer_activity", {"id": "act_1", "created_at": "2026-01-01T00:00:00.000Z"}, scope="cust_1")
    voucherify.put("voucher_transactions", {"id": "vtx_1"}, scope="CARD")
    assert (
        voucherify.ids("/v1/customers/shop%2F7/activity")
        == voucherify.ids("/v1/customers/cust_1/activity")
        == ["act_1"]
    )
    assert (
        voucherify.ids("/v1/vouchers/v_1/transactions") == voucherify.ids("/v1/vouchers/CARD/transactions") == ["vtx_1"]
    )


def test_a_parent_without_records_has_an_empty_list_and_an_unknown_one_is_404(voucherify):
    voucherify.put("vouchers", {"id": "v_1", "code": "CARD"})
    assert voucherify.ids("/v1/vouchers/CARD/transactions") == []
    response = voucherify.request("/v1/vouchers/none/transactions")
    assert (response.status_code, response.json()["resource_type"]) == (404, "voucher")


def test_a_list_may_have_parents_with_parents(voucherify):
    voucherify.put("loyalty_programs", {"id": "lprg_1"})
    voucherify.put("loyalty_program_members", {"id": "lmbr_1"}, scope="lprg_1")
    voucherify.put("loyalty_program_card_transactions", {"id": "lctx_1"}, scope="lprg_1/lmbr_1/lcrd_1")
    cards = "/v2/loyalties/programs/lprg_1/members/lmbr_1/cards"
    assert voucherify.ids(f"{cards}/lcrd_1/transactions") == ["lctx_1"]
    assert voucherify.ids(f"{cards}/lcrd_1/pending-points") == []
    assert voucherify.request(f"{cards}/lcrd_2/pending-points").json()["resource_type"] == "loyalty_card"
    other = voucherify.request("/v2/loyalties/programs/lprg_2/members/lmbr_1/activities")
    assert (other.status_code, other.json()["resource_id"]) == (404, "lprg_2")
    assert voucherify.ids("/v2/loyalties/programs/lprg_1/members/lmbr_1/activities") == []


def test_each_parent_has_its_own_records(voucherify):
    voucherify.put("campaigns", {"id": "camp_1", "name": "A"}, {"id": "camp_2", "name": "B"})
    voucherify.put("campaign_transactions", {"id": "vtx_1"}, scope="camp_1")
    voucherify.put("campaign_transactions", {"id": "vtx_2"}, scope="camp_2")
    assert voucherify.ids("/v1/campaigns/camp_1/transactions") == ["vtx_1"]
    assert voucherify.ids("/v1/campaigns/B/transactions") == ["vtx_2"]
