"""Voucherify's filters: building them, encoding them as query parameters and JSON, and rejecting invalid ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_partners.api.voucherify.filters import (
    OPERATORS,
    QUALIFICATION_FILTERS,
    OperandKind,
    field,
    filter_queries,
    parse_filter,
    to_json,
    validate_filter,
)
from airflow_provider_partners.api.voucherify.resources.model import (
    MAX_VALUES_PER_CONDITION,
    VoucherifyResource,
    resource,
)
from airflow_provider_partners.exceptions import ConfigurationError

ANY_FIELD = resource("anything", "/v1/anything", "", filters="*")
SOME_FIELDS = replace(
    resource("redemptions", "/v1/redemptions", ""),
    filters={"result": frozenset({"$is", "$in", "$not_in"}), "customer_id": None, "metadata.*": None},
)


def query(filters: Any, declared: VoucherifyResource = ANY_FIELD) -> list[tuple[str, str]]:
    (only,) = filter_queries(declared, filters)
    return only


def test_a_single_value_has_no_index_and_a_list_always_has_one() -> None:
    both = field("result").is_("SUCCESS") & field("metadata.lang").in_(["en"])
    assert query(both) == [
        ("filters[result][conditions][$is]", "SUCCESS"),
        ("filters[metadata.lang][conditions][$in][0]", "en"),
        ("filters[junction]", "and"),
    ]


def test_alternatives_are_joined_by_or() -> None:
    alternatives = field("a").is_(1) | field("b").is_(2) | field("c").is_unknown()
    assert query(alternatives)[-1] == ("filters[junction]", "or")


def test_a_single_condition_needs_no_junction() -> None:
    assert query(field("result").is_("SUCCESS")) == [("filters[result][conditions][$is]", "SUCCESS")]
    assert query({"result": {"conditions": {"$is": "x"}}, "junction": "or"}) == query(field("result").is_("x"))


def test_no_filter_is_one_query_without_parameters() -> None:
    assert filter_queries(SOME_FIELDS, None) == [[]]
    assert filter_queries(SOME_FIELDS, {}) == [[]]
    assert to_json(None) == {}


@pytest.mark.parametrize(
    ("value", "in_query", "in_json"),
    [
        ("it's", "it's", "it's"),
        ("", "", ""),
        (True, "true", True),
        (False, "false", False),
        (0, "0", 0),
        (1e-07, "0.0000001", 1e-07),
        (2.5, "2.5", 2.5),
        (Decimal("12.50"), "12.5", 12.5),
        (Decimal(10), "10", 10),
        (date(2026, 5, 1), "2026-05-01", "2026-05-01"),
        (datetime(2026, 5, 1, 12), "2026-05-01T12:00:00.000Z", "2026-05-01T12:00:00.000Z"),
        (
            datetime(2026, 5, 1, 12, 0, 0, 7000, tzinfo=timezone(timedelta(hours=2))),
            "2026-05-01T10:00:00.007Z",
            "2026-05-01T10:00:00.007Z",
        ),
    ],
)
def test_values_are_encoded_in_both_forms(value: Any, in_query: str, in_json: Any) -> None:
    assert query(field("x").is_(value)) == [("filters[x][conditions][$is]", in_query)]
    assert to_json(field("x").is_(value)) == {"x": {"conditions": {"$is": [in_json]}}}


@pytest.mark.parametrize("value", [None, float("nan"), Decimal("Infinity"), ["a"], {"a": 1}, b"a"])
def test_values_that_the_api_has_no_form_for_are_an_error(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="x \\$is"):
        field("x").is_(value)


@pytest.mark.parametrize("name", ["$after", "$more_than", "$has_value", "$today"])
def test_an_error_does_not_repeat_the_value(name: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        field("email").where(name, "jane@example.com")
    assert "jane" not in str(raised.value)
    assert "jane" not in str(raised.value.__cause__)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_is_encoded_with_its_kind_of_operand(name: str) -> None:
    operands: dict[OperandKind, tuple[tuple[Any, ...], str, str]] = {
        OperandKind.LIST: (("a",), "[0]", "a"),
        OperandKind.VALUE: (("a",), "", "a"),
        OperandKind.NUMBER: ((7,), "", "7"),
        OperandKind.TIME: ((datetime(2026, 5, 1, tzinfo=UTC),), "", "2026-05-01T00:00:00.000Z"),
        OperandKind.PERIOD: ((), "", "true"),
        OperandKind.STATE: ((), "", ""),
        OperandKind.NOTHING: ((), "", ""),
    }
    values, index, text = operands[OPERATORS[name]]
    assert query(field("x").where(name, *values)) == [(f"filters[x][conditions][{name}]{index}", text)]
    assert query(field("x").where(name.removeprefix("$"), *values)) == query(field("x").where(name, *values))


def test_a_state_may_have_the_value_true() -> None:
    assert query(field("active").where("$expired", True)) == [("filters[active][conditions][$expired]", "true")]
    assert to_json(field("active").where("$enabled")) == {"active": {"conditions": {"$enabled": {}}}}


def test_operators_without_an_operand_have_empty_text_in_both_forms() -> None:
    assert query(field("x").has_value()) == [("filters[x][conditions][$has_value]", "")]
    assert to_json(field("x").is_unknown()) == {"x": {"conditions": {"$is_unknown": ""}}}
    assert parse_filter({"x": {"conditions": {"$has_value": ""}}}) == field("x").has_value()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("$has_value", ("a",)),
        ("$today", ("a",)),
        ("$active", (False,)),
        ("$more_than", ("many",)),
        ("$more_than", (True,)),
        ("$count", ()),
        ("$after", (5,)),
        ("$after", ("yesterday",)),
        ("$after", ("2026-05-01", "2026-05-02")),
        ("$in", ()),
        ("$is", ()),
        ("$is_like", ("a",)),
    ],
)
def test_values_that_an_operator_does_not_accept_are_an_error(name: str, values: tuple[Any, ...]) -> None:
    with pytest.raises(ConfigurationError):
        field("x").where(name, *values)


def test_the_error_for_an_unknown_operator_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"'\$like' is not an operator.*\$starts_with"):
        field("x").where("$like", "a")


@pytest.mark.parametrize("name", ["", " ", "junction", "a]", "a[b"])
def test_an_invalid_field_name_is_an_error(name: str) -> None:
    with pytest.raises(ConfigurationError):
        field(name)


def test_a_field_name_may_contain_spaces() -> None:
    name = "loyalty_points.campaigns.Tiers 2.points"
    assert query(field(name).more_than_equal(41)) == [(f"filters[{name}][conditions][$more_than_equal]", "41")]


def test_text_in_place_of_a_list_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="in place of a list"):
        field("x").in_("abc")


def test_sets_are_encoded_in_a_fixed_order() -> None:
    assert query(field("x").in_({"b", "c", "a"})) == query(field("x").in_(["a", "b", "c"]))


def test_repeated_values_are_sent_once() -> None:
    assert len(query(field("x").in_(["a", "b", "a"]))) == 2


def test_a_nested_mapping_equals_the_built_filter() -> None:
    built = field("result").is_("SUCCESS") & field("customer_id").in_(["c1", "c2"])
    nested = {
        "result": {"conditions": {"$is": "SUCCESS"}},
        "customer_id": {"conditions": {"$in": ["c1", "c2"]}},
        "junction": "AND",
    }
    assert parse_filter(nested) == built
    assert parse_filter(to_json(built)) == built


@pytest.mark.parametrize(
    "nested",
    [
        "result",
        {"result": "SUCCESS"},
        {"result": {"$is": "SUCCESS"}},
        {"result": {"conditions": {}}},
        {"result": {"conditions": {"$is": "x"}, "junction": "and"}},
        {"result": {"conditions": {"$is": "x"}}, "junction": "xor"},
        {"result": {"conditions": {"$is": None}}},
    ],
)
def test_a_mapping_of_another_shape_is_an_error(nested: Any) -> None:
    with pytest.raises(ConfigurationError):
        parse_filter(nested)


def test_and_nested_in_or_is_an_error() -> None:
    both = field("a").is_(1) & field("b").is_(2)
    with pytest.raises(ConfigurationError, match="one junction for all conditions"):
        both | field("c").is_(3)
    with pytest.raises(ConfigurationError, match="one junction for all conditions"):
        field("c").is_(3) | both


def test_the_same_operator_twice_on_a_field_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        field("a").contains("x") & field("a").contains("y")


def test_two_operators_of_one_field_can_not_be_joined_by_or() -> None:
    assert len(query(field("a").after("2026-05-01") & field("a").before("2026-05-02"))) == 3
    with pytest.raises(ConfigurationError, match="isn't documented"):
        field("a").after("2026-05-02") | field("a").before("2026-05-01")


def test_the_error_for_an_unknown_field_lists_the_known_ones() -> None:
    with pytest.raises(
        ConfigurationError, match=r"'redemptions' can't be filtered by 'code'. Allowed: result \(\$in \$is \$not_in\)"
    ):
        filter_queries(SOME_FIELDS, field("code").is_("x"))


def test_an_operator_that_the_field_does_not_accept_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"by 'result' with \$contains"):
        filter_queries(SOME_FIELDS, field("result").contains("x"))


def test_a_starred_field_covers_all_fields_with_its_prefix() -> None:
    assert query(field("metadata.seq").is_(1), SOME_FIELDS) == [("filters[metadata.seq][conditions][$is]", "1")]
    assert query(field("customer_id").contains("x"), SOME_FIELDS)


def test_a_list_may_accept_any_field() -> None:
    assert query(field("redemption.redeemed_quantity").is_(0)) == [
        ("filters[redemption.redeemed_quantity][conditions][$is]", "0")
    ]


def test_more_values_than_one_query_carries_are_split_over_several() -> None:
    ids = [f"c{number}" for number in range(45)]
    queries = filter_queries(SOME_FIELDS, field("customer_id").in_(ids) & field("result").is_("SUCCESS"))
    values = [[value for name, value in query if "[$in]" in name] for query in queries]
    assert [len(batch) for batch in values] == [20, 20, 5]
    assert [value for batch in values for value in batch] == ids
    assert all(("filters[result][conditions][$is]", "SUCCESS") in query for query in queries)
    assert all(query[-1] == ("filters[junction]", "and") for query in queries)
    assert max(int(name.rpartition("[")[2][:-1]) for query in queries for name, _ in query if "[$in]" in name) == 19


def test_long_values_are_split_so_that_the_url_stays_short() -> None:
    queries = filter_queries(ANY_FIELD, field("x").in_([f"{number}" * 400 for number in range(10)]))
    assert len(queries) > 1
    assert sum(len(query) for query in queries) == 10


def test_two_long_lists_are_split_into_every_pair_of_their_batches() -> None:
    ids = [str(number) for number in range(MAX_VALUES_PER_CONDITION + 1)]
    queries = filter_queries(ANY_FIELD, field("a").in_(ids) & field("b").in_(ids))
    assert len(queries) == 4
    pairs = {
        (a, b)
        for query in queries
        for a in [value for name, value in query if "[a]" in name]
        for b in [value for name, value in query if "[b]" in name]
    }
    assert len(pairs) == len(ids) ** 2


@pytest.mark.parametrize(
    "filters",
    [
        field("x").not_in(range(MAX_VALUES_PER_CONDITION + 1)),
        field("x").in_(range(MAX_VALUES_PER_CONDITION + 1)) | field("y").is_(1),
        field("categories").in_(range(MAX_VALUES_PER_CONDITION + 1)),
        field("x").in_location(range(MAX_VALUES_PER_CONDITION + 1)),
    ],
)
def test_filters_that_split_queries_would_answer_with_repeated_records_are_an_error(filters: Any) -> None:
    with pytest.raises(ConfigurationError, match="at most 20"):
        filter_queries(ANY_FIELD, filters)
    assert len(next(iter(to_json(filters).values()), {})), "a JSON body carries any number"


def test_twenty_values_are_one_query() -> None:
    assert len(query(field("x").not_in(range(MAX_VALUES_PER_CONDITION)))) == MAX_VALUES_PER_CONDITION


def test_json_holds_operands_in_lists() -> None:
    both = field("created_at").after(datetime(2026, 5, 1, tzinfo=UTC)) & field("discount_amount").more_than(100000)
    assert to_json(both) == {
        "junction": "and",
        "created_at": {"conditions": {"$after": ["2026-05-01T00:00:00.000Z"]}},
        "discount_amount": {"conditions": {"$more_than": [100000]}},
    }


def test_qualifications_accept_their_own_fields_only() -> None:
    both = field("campaign_type").is_("PROMOTION") & field("resource_type").in_(["campaign", "voucher"])
    assert validate_filter(both, target="qualifications", allowed=QUALIFICATION_FILTERS) is both
    with pytest.raises(ConfigurationError, match="with \\$has_value"):
        validate_filter(field("campaign_type").has_value(), target="qualifications", allowed=QUALIFICATION_FILTERS)
