"""Filters of Voucherify's lists: brackets of a query string, conditions, invalid filters."""

from __future__ import annotations

import pytest

from airflow_provider_partners.sandbox.voucherify.filters import OPERATORS
from airflow_provider_partners.sandbox.voucherify.query import parse_query_string


def voucher(number, **fields):
    body = {"id": f"v_{number}", "code": f"CODE-{number}", "created_at": f"2026-01-{number:02}T00:00:00.000Z"}
    return body | {"type": "DISCOUNT_VOUCHER", "active": True, "metadata": {}} | fields


@pytest.fixture
def vouchers(voucherify):
    """Return a function that lists the numbers of vouchers. The sandbox's date is 2026-06-01."""
    voucherify.put(
        "vouchers",
        voucher(1, campaign="Spring", campaign_id="camp_1", holder_id="cust_1", metadata={"seq": 1, "a.b": "dotted"}),
        voucher(2, campaign="Spring", campaign_id="camp_1", expiration_date="2026-05-01T00:00:00Z", category="Gold"),
        voucher(3, active=False, redemption={"redeemed_quantity": 0, "quantity": 1}, is_referral_code=True),
        voucher(4, redemption={"redeemed_quantity": 7, "quantity": None}, expiration_date="2026-07-01T00:00:00Z"),
        voucher(5, start_date="2026-06-20T00:00:00Z", additional_info="", updated_at="2026-05-31T08:00:00.000Z"),
    )

    def list_numbers(query):
        return [int(id_.removeprefix("v_")) for id_ in voucherify.ids(f"/v1/vouchers?order=created_at&{query}")]

    return list_numbers


# Brackets


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("a=1", {"a": "1"}),
        ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[1]=y&a[0]=x", {"a": ["x", "y"]}),
        ("a[5]=y&a[20]=x", {"a": ["y", "x"]}),
        ("a[0]=x&a[21]=y", {"a": {"0": "x", "21": "y"}}),
        ("created_at[before]=1&created_at[after]=2", {"created_at": {"before": "1", "after": "2"}}),
        ("[created_at][before]=1", {"created_at": {"before": "1"}}),
        ("%5Bfilters%5D%5Ba.b%5D%5Bconditions%5D%5B%24is%5D=1", {"filters": {"a.b": {"conditions": {"$is": "1"}}}}),
        ("filters[a.b][conditions][$is]=1", {"filters": {"a.b": {"conditions": {"$is": "1"}}}}),
        ("f[c][$has_value]=", {"f": {"c": {"$has_value": ""}}}),
        ("a=1&a[b]=2", {"a": {"1": "true", "b": "2"}}),
        ("", {}),
    ],
)
def test_query_strings_are_read_as_qs_reads_them(query, value):
    assert parse_query_string(query) == value


def test_both_spellings_of_a_filter_mean_the_same(vouchers):
    assert vouchers("filters[code][conditions][$is]=CODE-2") == [2]
    assert vouchers("[filters][code][conditions][$is]=CODE-2") == [2]
    assert vouchers("[filters][code][conditions][$in][0]=CODE-2&[filters][code][conditions][$in][1]=CODE-4") == [2, 4]


def test_an_index_above_20_turns_an_array_into_an_object(voucherify, vouchers):
    short = "&".join(f"filters[code][conditions][$in][{n}]=CODE-{n}" for n in range(21))
    assert vouchers(short) == [1, 2, 3, 4, 5]
    details = voucherify.error_details(f"/v1/vouchers?{short}&filters[code][conditions][$in][21]=CODE-21")
    assert details.endswith(
        "should match either `filters[${field}][conditions][${condition}][${index}]` or "
        "`filters[${field}][conditions][${condition}]` format"
    )
    voucherify.set_switch("long_lists", "accept")
    assert vouchers(f"{short}&filters[code][conditions][$in][21]=CODE-21") == [1, 2, 3, 4, 5]


# Conditions


@pytest.mark.parametrize(
    ("field", "condition", "value", "expected"),
    [
        ("code", "$is", "CODE-1", [1]),
        ("code", "$is_not", "CODE-1", [2, 3, 4, 5]),
        ("campaign", "$is_not", "Spring", [3, 4, 5]),
        ("code", "$in", "CODE-1", [1]),
        ("code", "$not_in", "CODE-1", [2, 3, 4, 5]),
        ("campaign", "$has_value", "", [1, 2]),
        ("campaign", "$is_unknown", "", [3, 4, 5]),
        ("additional_info", "$has_value", "", []),
        ("code", "$contains", "DE-3", [3]),
        ("code", "$not_contain", "DE-3", [1, 2, 4, 5]),
        ("code", "$starts_with", "CODE", [1, 2, 3, 4, 5]),
        ("code", "$starts_with", "ODE", []),
        ("code", "$ends_with", "-5", [5]),
        ("redemption.redeemed_quantity", "$is", "0", [3]),
        ("redemption.redeemed_quantity", "$more_than", "0", [4]),
        ("redemption.redeemed_quantity", "$more_than_equal", "0", [3, 4]),
        ("redemption.redeemed_quantity", "$less_than", "7", [3]),
        ("redemption.redeemed_quantity", "$less_than_equal", "7", [3, 4]),
        ("is_referral_code", "$is", "true", [3]),
        ("metadata.seq", "$is", "1", [1]),
        ("metadata.a.b", "$is", "dotted", [1]),
        ("expiration_date", "$before", "2026-06-01T00:00:00.000Z", [2]),
        ("expiration_date", "$after", "2026-06-01", [4]),
        ("created_at", "$after", "2026-01-03T00:00:00Z", [4, 5]),
        ("created_at", "$before", "2026-01-03T00:00:00Z", [1, 2]),
        # For a timestamp, the condition compares its age in days: 147.5 for the last voucher.
        ("created_at", "$more_than", "148", [1, 2, 3, 4]),
        ("created_at", "$less_than", "148", [5]),
        ("updated_at", "$is_days_ago", "1", [5]),
        ("updated_at", "$less_than_ago", "2", [5]),
        ("updated_at", "$more_than_ago", "1", []),
        ("start_date", "$is_days_in_future", "19", [5]),
        ("start_date", "$more_than_future", "18", [5]),
        ("start_date", "$less_than_future", "19", []),
        ("updated_at", "$yesterday", "", [5]),
        ("updated_at", "$today", "", []),
        ("updated_at", "$last_month", "", [5]),
        ("updated_at", "$last_week", "", [5]),
        ("updated_at", "$this_week", "", []),
        ("start_date", "$this_month", "", [5]),
        ("created_at", "$this_year", "", [1, 2, 3, 4, 5]),
        ("created_at", "$is_year", "2025", []),
        ("created_at", "$is_month", "1", [1, 2, 3, 4, 5]),
        ("created_at", "$is_day_of_month", "4", [4]),
        ("created_at", "$is_day", "4", [1]),
        ("active", "$enabled", "true", [1, 2, 4, 5]),
        ("active", "$disabled", "true", [3]),
        ("active", "$expired", "true", [2]),
        ("active", "$before_start", "true", [5]),
        ("active", "$active", "true", [1, 4]),
        ("active", "$redeemed", "true", [4]),
        ("active", "$redeemable", "true", [1, 4]),
        ("active", "$expired", "false", [1, 3, 4, 5]),
    ],
)
def test_conditions_are_evaluated(vouchers, field, condition, value, expected):
    assert vouchers(f"filters[{field}][conditions][{condition}]={value}") == expected


@pytest.mark.parametrize("condition", OPERATORS)
def test_every_condition_of_the_validator_works(voucherify, vouchers, condition):
    value = {"$before": "2026-01-01", "$after": "2026-01-01"}.get(condition, "1")
    response = voucherify.request(f"/v1/vouchers?filters[created_at][conditions][{condition}]={value}")
    assert response.status_code == 200, response.text


def test_a_birthday_is_compared_without_its_year(voucherify):
    voucherify.put("vouchers", voucher(1, birthday="1990-06-01"), voucher(2, birthday="1990-06-02"))
    assert voucherify.ids("/v1/vouchers?filters[birthday][conditions][$today_md]=") == ["v_1"]
    assert voucherify.ids("/v1/vouchers?filters[birthday][conditions][$is_days_in_future_md]=1") == ["v_2"]


def test_filters_are_joined_by_and_or_by_or(vouchers):
    two = "filters[campaign][conditions][$is]=Spring&filters[category][conditions][$is]=Gold"
    assert vouchers(two) == [2]
    assert vouchers(f"{two}&filters[junction]=and") == [2]
    assert vouchers(f"{two}&filters[junction]=OR") == [1, 2]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("filters[code][conditions][$like]=x", "`$like`"),
        ("filters[code][$is]=x", "should match either"),
        ("filters[code]=x", "should match either"),
        ("filters=x", "should match either"),
        ("filters[junction]=xor", "has wrong `junction` property. It must be one of: and, or"),
        ("filters[created_at][conditions][$before]=soon", "cannot be recognized as a ISO-8601 compliant date"),
        ("filters[created_at][conditions][$more_than]=soon", "must be number"),
        ("filters[created_at][conditions][$is_days_ago]=soon", "must be integer"),
    ],
)
def test_an_invalid_filter_is_refused_with_the_reason(voucherify, query, reason):
    assert reason in voucherify.error_details(f"/v1/vouchers?{query}")


def test_a_list_accepts_its_documented_filters_and_any_metadata(voucherify):
    assert "`date`" in voucherify.error_details("/v1/redemptions?filters[date][conditions][$is]=x")
    assert "`created_at`" in voucherify.error_details(
        "/v1/publications?filters[created_at][conditions][$after]=2026-01-01"
    )
    assert voucherify.ids("/v1/redemptions?filters[metadata.channel][conditions][$is]=web") == []


def test_the_text_none_is_a_value_like_any_other(voucherify):
    voucherify.put("redemptions", {"id": "r_1", "date": "2026-01-01T00:00:00.000Z", "result": "SUCCESS"})
    assert voucherify.ids("/v1/redemptions?filters[result][conditions][$in]=None") == []
