"""Who is not asked for a review, and why."""

from __future__ import annotations

from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.suppression.policy import Suppression, SuppressionPolicy, add_suppression


def prediction(category: str, value: Any) -> dict[str, Any]:
    return {"prediction_category": category, "predicted_value": value}


def a_return(*predictions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "r1", "state": "requested", "return_predictions": list(predictions), **fields}


def decide(order: dict[str, Any], policy: dict[str, Any] | None = None, **known: Any) -> Suppression:
    return SuppressionPolicy.parse(policy).decide(order, **known)


def test_a_high_score_suppresses_and_says_which() -> None:
    found = decide(make.order(), returns=[a_return(prediction("return_abuse", 0.93), prediction("wardrobing", 0.5))])

    assert found == Suppression(("return_abuse 0.93 >= 0.8 (return_predictions)",), whole_order=True)


@pytest.mark.parametrize(
    ("value", "expected"), [(0.8, True), (0.7999, False), ("0.9", True), ("high", False), (None, False)]
)
def test_the_threshold_itself_is_enough_and_what_is_no_number_is_no_score(value: Any, expected: bool) -> None:
    assert decide(make.order(), returns=[a_return(prediction("return_abuse", value))]).whole_order is expected


def test_a_category_that_is_not_listed_says_nothing() -> None:
    assert decide(make.order(), returns=[a_return(prediction("lifetime_value", 0.99))]) == Suppression()


def test_categories_may_be_patterns_and_the_exact_name_goes_first() -> None:
    policy = {"categories": {"*fraud*": 0.5, "drop_off_fraud": 0.9}, "return_states": []}
    returns = [a_return(prediction("drop_off_fraud", 0.7), prediction("Payment_Fraud", 0.7))]

    assert decide(make.order(), policy, returns=returns).reasons == ("Payment_Fraud 0.7 >= 0.5 (return_predictions)",)


@pytest.mark.parametrize(
    ("known", "source"),
    [
        ({"customer": {"customer_predictions": [prediction("bot", 1)]}}, "customer_predictions"),
        ({"customer": {"model_predictions": {"bot": 1}}}, "customer_predictions"),
        ({"customer": {"model_predictions": '{"bot": {"predicted_value": 1}}'}}, "customer_predictions"),
        ({"returns": [a_return(order={"model_predictions": {"bot": 1.0}})]}, "order_predictions"),
        ({"returns": [a_return(order={"model_predictions": [prediction("bot", 1)]})]}, "order_predictions"),
        ({"returns": [a_return(order={"model_predictions": prediction("bot", 1)})]}, "order_predictions"),
        ({"returns": [a_return(customer={"model_predictions": {"bot": 1}})]}, "customer_predictions"),
    ],
)
def test_scores_are_found_wherever_yofi_has_them(known: dict[str, Any], source: str) -> None:
    assert decide(make.order(), **known).reasons == (f"bot 1 >= 0.8 ({source})",)


def test_one_source_can_be_left_alone_or_have_a_threshold_of_its_own() -> None:
    known: dict[str, Any] = {
        "customer": {"model_predictions": {"bot": 0.85}},
        "returns": [a_return(prediction("bot", 0.85))],
    }

    deaf = decide(make.order(), {"sources": ["return_predictions"]}, **known)
    strict = decide(make.order(), {"per_source": {"customer_predictions": {"bot": 0.9}}}, **known)

    assert deaf.reasons == strict.reasons == ("bot 0.85 >= 0.8 (return_predictions)",)


@pytest.mark.parametrize(
    ("state", "expected"), [("REFUNDED", True), ("received", True), ("requested", False), (None, False)]
)
def test_goods_that_came_back_are_not_asked_about(state: str | None, expected: bool) -> None:
    found = decide(make.order(), returns=[a_return(state=state)])

    assert found.whole_order is expected
    assert found.reasons == ((f"return is {state.lower()}",) if expected and state else ())


@pytest.mark.parametrize(
    ("rule", "of_order", "reasons"),
    [
        ("ignore", True, ()),
        ("order", True, ("claim on the order",)),
        ("order", False, ()),
        ("customer", True, ("claim on the order",)),
        ("customer", False, ("claim by the customer",)),
    ],
)
def test_claims_count_as_the_policy_says(rule: str, of_order: bool, reasons: tuple[str, ...]) -> None:
    found = decide(make.order(), {"claims": rule}, claims=[{"id": "c1", "of_order": of_order}])

    assert found.reasons == reasons


def test_a_financial_status_can_suppress() -> None:
    order = make.order(displayFinancialStatus="REFUNDED")

    assert decide(order) == Suppression()
    assert decide(order, {"financial_statuses": ["refunded"]}).reasons == ("order is refunded",)


@pytest.mark.parametrize(
    "meta",
    [
        {"items": [{"line_item_id": "2", "quantity": 1}]},
        {"line_items": [{"line_item_id": 2}]},
        {"return_line_items": [{"id": "gid://shopify/LineItem/2"}]},
        {"items": [{"product_id": "12"}]},
        {"items": [{"variant_id": 500_002}]},
        {"items": [{"sku": "SKU-2"}]},
        {"items": ["2"]},
        '{"items": [{"line_item_id": "2"}]}',
    ],
)
def test_on_the_level_of_lines_a_return_that_names_its_lines_concerns_those_alone(meta: Any) -> None:
    found = decide(make.order(), {"level": "line"}, returns=[a_return(state="refunded", meta_data=meta)])

    assert found == Suppression(("return is refunded",), whole_order=False, products=frozenset({"12"}))


@pytest.mark.parametrize("meta", [None, {}, {"items": []}, {"items": [{"line_item_id": "99"}]}, {"note": "x"}, "?"])
def test_a_return_that_names_no_line_of_the_order_concerns_the_whole_order(meta: Any) -> None:
    found = decide(make.order(), {"level": "line"}, returns=[a_return(state="refunded", meta_data=meta)])

    assert found.whole_order


def test_a_suspect_customer_concerns_the_whole_order_on_any_level() -> None:
    found = decide(
        make.order(),
        {"level": "line"},
        returns=[a_return(state="refunded", meta_data={"items": [{"line_item_id": "2"}]})],
        customer={"model_predictions": {"return_abuse": 0.9}},
    )

    assert found.whole_order
    assert len(found.reasons) == 2


def payload() -> dict[str, Any]:
    return {"custom_properties": {"coupon_used": True}, "line_items": [{"external_product_id": p} for p in ("a", "b")]}


@pytest.mark.parametrize("suppressed", [True, False])
def test_the_order_always_says_yes_or_no(suppressed: bool) -> None:
    found = add_suppression(payload(), Suppression(whole_order=suppressed), level="order")

    assert found["custom_properties"] == {"coupon_used": True, "suppress_review_request": suppressed}
    assert found["line_items"] == payload()["line_items"]


def flags(order: dict[str, Any]) -> list[bool]:
    rows = [order, *order["line_items"]]
    return [row["custom_properties"]["suppress_review_request"] for row in rows]


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Suppression(), [False, False, False]),
        (Suppression(products=frozenset({"b"})), [False, False, True]),
        (Suppression(products=frozenset({"a", "b"})), [True, True, True]),
        (Suppression(whole_order=True), [True, True, True]),
    ],
)
def test_on_the_level_of_lines_every_line_says_yes_or_no_too(decision: Suppression, expected: list[bool]) -> None:
    assert flags(add_suppression(payload(), decision, level="line")) == expected


@pytest.mark.parametrize(
    ("policy", "place"),
    [
        ({"categoris": {}}, "categoris: unknown field"),
        ({"categories": {"bot": 80}}, "categories.bot: "),
        ({"level": "lines"}, "level: "),
        ({"claims": True}, "claims: "),
        ({"sources": ["returns"]}, "sources[0]: "),
        ({"per_source": {"returns": {}}}, "per_source.returns"),
    ],
)
def test_a_wrong_policy_is_an_error_that_names_the_field(policy: dict[str, Any], place: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SuppressionPolicy.parse(policy)

    assert place in str(caught.value)
    assert "Known fields: categories, claims" in str(caught.value)


def test_a_policy_survives_json() -> None:
    policy = SuppressionPolicy.parse({"level": "line", "sources": ["return_predictions"]})

    assert SuppressionPolicy.parse(policy.to_dict()) == policy
