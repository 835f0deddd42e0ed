"""Parameters and time ranges that select records of Voucherify's lists."""

from __future__ import annotations

import pytest

# Redemptions


@pytest.fixture
def redemptions(voucherify):
    voucherify.put("customers", {"id": "cust_1", "source_id": "shop/7"}, {"id": "cust_2", "source_id": "shop/8"})
    voucherify.put(
        "redemptions",
        {
            "id": "r_1",
            "date": "2026-01-01T00:00:00.000Z",
            "object": "redemption",
            "result": "SUCCESS",
            "customer_id": "cust_1",
            "voucher": {"code": "A", "campaign": "Spring", "campaign_id": "camp_1"},
            "related_object_id": "v_1",
        },
        {
            "id": "rf_2",
            "date": "2026-01-02T00:00:00.000Z",
            "object": "redemption",
            "result": "FAILURE",
            "failure_code": "voucher_expired",
            "customer_id": "cust_2",
            "voucher": {"code": "B", "campaign": "Autumn", "campaign_id": "camp_2"},
        },
        {
            "id": "r_3",
            "date": "2026-01-03T00:00:00.000Z",
            "object": "redemption",
            "result": "SUCCESS",
            "customer_id": None,
            "redemption": "r_9",
            "voucher": None,
            "promotion_tier": {"id": "promo_1", "campaign": {"id": "camp_3", "name": "Cart"}},
        },
        {"id": "rr_4", "date": "2026-01-04T00:00:00.000Z", "object": "redemption_rollback", "result": "SUCCESS"},
    )
    return lambda query: voucherify.ids(f"/v1/redemptions?order=created_at&{query}")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("result=SUCCESS", ["r_1", "r_3", "rr_4"]),
        ("result=SUCCESS&result=FAILURE", ["r_1", "rf_2", "r_3", "rr_4"]),
        ("campaign=Spring", ["r_1"]),
        ("campaign=Cart", ["r_3"]),
        ("campaign=camp_1", []),
        ("campaign_name=Autumn", ["rf_2"]),
        ("voucher_code=B", ["rf_2"]),
        ("customer=cust_1", ["r_1"]),
        ("customer=shop%2F7", ["r_1"]),
        ("customer=nobody", []),
        ("related_object_id=v_1", ["r_1"]),
        ("created_at[after]=2026-01-02T00:00:00Z", ["r_3", "rr_4"]),
        ("created_at[after]=2026-01-02&created_at[before]=2026-01-04", ["r_3"]),
        ("[created_at][before]=2026-01-02T00:00:00.001%2B00:00", ["r_1", "rf_2"]),
        ("filters[object][conditions][$is]=redemption_rollback", ["rr_4"]),
        ("filters[campaign_name][conditions][$is]=Cart", ["r_3"]),
        ("filters[related_object_parent_id][conditions][$in][0]=camp_2", ["rf_2"]),
        ("filters[parent_redemption_id][conditions][$has_value]=", ["r_3"]),
        ("filters[customer_id][conditions][$is_unknown]=", ["r_3", "rr_4"]),
        ("filters[failure_code][conditions][$is]=voucher_expired", ["rf_2"]),
    ],
)
def test_redemptions_are_selected_by_the_documented_parameters(redemptions, query, expected):
    assert redemptions(query) == expected


def test_the_limits_of_a_time_range_may_be_inclusive(voucherify, redemptions):
    limits = "created_at[after]=2026-01-02T00:00:00Z&created_at[before]=2026-01-03T00:00:00Z"
    assert redemptions(limits) == []
    voucherify.set_switch("time_bounds", "inclusive")
    assert redemptions(limits) == ["rf_2", "r_3"]


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ("created_at[after]=soon", "Property .created_at.after cannot be recognized as a ISO-8601 compliant date"),
        (
            "created_at[after]=2026-01-01T00:00:00+00:00",
            "Property .created_at.after cannot be recognized as a ISO-8601 compliant date",
        ),
        ("created_at[since]=2026-01-01", "should be equal to one of the allowed values [ before, after ]"),
        ("created_at=2026-01-01", "Property .created_at must be object"),
    ],
)
def test_an_invalid_time_range_is_refused(voucherify, query, details):
    assert details in voucherify.error_details(f"/v1/redemptions?{query}")


def test_a_customer_added_later_is_found_later(voucherify, redemptions):
    assert redemptions("customer=shop/9") == []
    voucherify.put("customers", {"id": "cust_1", "source_id": "shop/9"})
    assert redemptions("customer=shop/9") == ["r_1"]


def test_a_record_added_between_pages_is_visible(voucherify, redemptions):
    assert len(redemptions("result=SUCCESS")) == 3
    voucherify.put("redemptions", {"id": "r_5", "date": "2026-01-05T00:00:00.000Z", "result": "SUCCESS"})
    assert len(redemptions("result=SUCCESS")) == 4


# Other lists


def test_vouchers_are_selected_by_their_parameters(voucherify):
    voucherify.put("customers", {"id": "cust_1", "source_id": "shop-7"})
    voucherify.put(
        "vouchers",
        {"id": "v_1", "code": "A", "campaign": "Spring", "campaign_id": "camp_1", "holder_id": "cust_1"},
        {"id": "v_2", "code": "B", "campaign": "Autumn", "campaign_id": "camp_2", "category": "Gold"},
        {"id": "v_3", "code": "C", "updated_at": "2026-05-31T08:00:00.000Z"},
    )
    one = ("campaign=Spring", "campaign_id=camp_1", "customer=shop-7", "customer=cust_1", "code=A", "ids=v_1")
    for query in one:
        assert voucherify.ids(f"/v1/vouchers?{query}") == ["v_1"], query
    assert voucherify.ids("/v1/vouchers?category=Gold") == ["v_2"]
    assert (
        voucherify.ids("/v1/vouchers?ids[0]=v_1&ids[1]=v_3")
        == voucherify.ids("/v1/vouchers?ids=v_1&ids=v_3")
        == ["v_3", "v_1"]
    )
    assert voucherify.ids("/v1/vouchers?updated_at[after]=2026-01-01") == ["v_3"]


def test_customers_are_selected_by_their_parameters(voucherify):
    voucherify.put(
        "customers",
        {"id": "cust_1", "email": "a@example.com", "name": "Žofie", "address": {"city": "Brno"}},
        {"id": "cust_2", "email": "b@example.com", "name": "Ann", "address": None},
    )
    voucherify.put("customer_segments", {"id": "seg_1", "name": "VIP"}, scope="cust_2")
    assert voucherify.ids("/v1/customers?email=a@example.com") == ["cust_1"]
    assert voucherify.ids("/v1/customers?name=%C5%BDofie") == ["cust_1"]
    assert voucherify.ids("/v1/customers?city=Brno") == ["cust_1"]
    assert voucherify.ids("/v1/customers?segment_id=seg_1") == ["cust_2"]
    assert voucherify.ids("/v1/customers?segment_id=seg_2") == []


def test_campaigns_are_selected_by_type_status_and_filters(voucherify):
    voucherify.put(
        "campaigns",
        {"id": "camp_1", "name": "Spring", "campaign_type": "DISCOUNT_COUPONS", "creation_status": "DONE"},
        {"id": "camp_2", "name": "Friends", "campaign_type": "REFERRAL_PROGRAM", "creation_status": "DRAFT"},
    )
    assert voucherify.ids("/v1/campaigns?campaign_type=DISCOUNT_COUPONS") == ["camp_1"]
    assert voucherify.ids("/v1/campaigns?campaign_status=DRAFT") == ["camp_2"]
    assert voucherify.ids("/v1/campaigns?is_referral_code=true") == ["camp_2"]
    assert voucherify.ids("/v1/campaigns?is_referral_code=false") == ["camp_1"]
    assert (
        voucherify.error_details("/v1/campaigns?is_referral_code=perhaps")
        == "Property .is_referral_code must be boolean"
    )
    assert voucherify.ids("/v1/campaigns?filters[campaigns][conditions][$is]=Spring") == ["camp_1"]


def test_publications_are_selected_by_their_parameters(voucherify):
    voucherify.put("customers", {"id": "cust_1", "source_id": "shop-7"})
    voucherify.put(
        "publications",
        {"id": "pub_1", "customer_id": "cust_1", "source_id": "s-1", "result": "SUCCESS"}
        | {"voucher": {"code": "A", "campaign": "Friends", "type": "DISCOUNT_VOUCHER", "is_referral_code": True}},
        {"id": "pub_2", "customer_id": "cust_2", "source_id": None, "result": "FAILURE"}
        | {"voucher": {"code": "B", "campaign": "Spring", "type": "GIFT_VOUCHER", "is_referral_code": False}},
    )
    for query in ("campaign=Friends", "customer=shop-7", "voucher=A", "result=SUCCESS", "source_id=s-1"):
        assert voucherify.ids(f"/v1/publications?{query}") == ["pub_1"], query
    assert voucherify.ids("/v1/publications?voucher_type=GIFT_VOUCHER") == ["pub_2"]
    assert voucherify.ids("/v1/publications?is_referral_code=true") == ["pub_1"]
    assert len(voucherify.ids("/v1/publications?is_referral_code=false")) == 2


def test_promotion_tiers_are_selected_by_availability(voucherify):
    voucherify.put(
        "promotion_tiers",
        {"id": "promo_1", "active": True, "expiration_date": "2026-01-01T00:00:00Z"},
        {"id": "promo_2", "active": True},
        {"id": "promo_3", "active": False},
    )
    assert voucherify.ids("/v1/promotions/tiers?is_available=true") == ["promo_2"]
    assert len(voucherify.ids("/v1/promotions/tiers?is_available=false")) == 3


def test_products_accept_filters_and_a_range_of_days(voucherify):
    voucherify.put("products", *({"id": f"prod_{n}", "created_at": f"2026-01-0{n}T12:00:00.000Z"} for n in (1, 2, 3)))
    assert voucherify.ids("/v1/products?filters[created_at][conditions][$after][0]=2026-01-02") == [
        "prod_3",
        "prod_2",
    ]
    assert voucherify.ids("/v1/products?start_date=2026-01-02&end_date=2026-01-03") == ["prod_2"]


def test_assignments_are_selected_by_rule_and_object(voucherify):
    voucherify.put(
        "validation_rules_assignments",
        {"id": "asgm_1", "rule_id": "val_1", "related_object_id": "promo_1"},
        {"id": "asgm_2", "rule_id": "val_2", "related_object_id": "promo_2"},
    )
    assert voucherify.ids("/v1/validation-rules-assignments?rule=val_2") == ["asgm_2"]
    assert voucherify.ids("/v1/validation-rules-assignments?related_object_id=promo_1") == ["asgm_1"]
