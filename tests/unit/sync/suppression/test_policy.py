"""Which review requests are suppressed, and why."""

from __future__ import annotations

from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.context import OrderContext
from airflow_provider_partners.sync.suppression.policy import (
    Suppression,
    SuppressionPolicy,
    _warn_of_unknown,
    add_suppression,
)


def prediction(category: str, value: Any) -> dict[str, Any]:
    return {"prediction_category": category, "predicted_value": value}


def a_return(*predictions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "r1", "state": "requested", "return_predictions": list(predictions), **fields}


def decide(order: dict[str, Any], policy: dict[str, Any] | None = None, **known: Any) -> Suppression:
    return SuppressionPolicy.parse(policy).decide(order, OrderContext(**known))


def test_a_high_score_suppresses_and_says_which() -> None:
    decision = decide(make.order(), returns=[a_return(prediction("return_abuse", 0.93), prediction("wardrobing", 0.5))])

    assert decision == Suppression(("return_abuse 0.93 >= 0.8 (return_predictions)",), whole_order=True)


@pytest.mark.parametrize(
    ("value", "expected"), [(0.8, True), (0.7999, False), ("0.9", True), ("high", False), (None, False)]
)
def test_the_threshold_itself_suppresses_and_a_non_number_is_no_score(value: Any, expected: bool) -> None:
    assert decide(make.order(), returns=[a_return(prediction("return_abuse", value))]).whole_order is expected


def test_an_unlisted_category_does_not_suppress() -> None:
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
def test_scores_are_read_from_every_place_and_shape(known: dict[str, Any], source: str) -> None:
    assert decide(make.order(), **known).reasons == (f"bot 1 >= 0.8 ({source})",)


def test_a_source_can_be_ignored_or_have_its_own_threshold() -> None:
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
def test_returned_goods_suppress_the_request(state: str | None, expected: bool) -> None:
    decision = decide(make.order(), returns=[a_return(state=state)])

    assert decision.whole_order is expected
    assert decision.reasons == ((f"return is {state.lower()}",) if expected and state else ())


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
    decision = decide(make.order(), {"claims": rule}, claims=[{"id": "c1", "of_order": of_order}])

    assert decision.reasons == reasons


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
def test_with_level_line_a_return_suppresses_only_the_lines_it_names(meta: Any) -> None:
    decision = decide(make.order(), {"level": "line"}, returns=[a_return(state="refunded", meta_data=meta)])

    assert decision == Suppression(("return is refunded",), whole_order=False, products=frozenset({"12"}))


@pytest.mark.parametrize("meta", [None, {}, {"items": []}, {"items": [{"line_item_id": "99"}]}, {"note": "x"}, "?"])
def test_with_level_line_a_return_without_known_lines_suppresses_the_order(meta: Any) -> None:
    decision = decide(make.order(), {"level": "line"}, returns=[a_return(state="refunded", meta_data=meta)])

    assert decision.whole_order


def test_a_suspect_customer_suppresses_the_order_at_both_levels() -> None:
    decision = decide(
        make.order(),
        {"level": "line"},
        returns=[a_return(state="refunded", meta_data={"items": [{"line_item_id": "2"}]})],
        customer={"model_predictions": {"return_abuse": 0.9}},
    )

    assert decision.whole_order
    assert len(decision.reasons) == 2


def payload() -> dict[str, Any]:
    return {"custom_properties": {"coupon_used": True}, "line_items": [{"external_product_id": p} for p in ("a", "b")]}


@pytest.mark.parametrize("suppressed", [True, False])
def test_the_order_always_has_the_property(suppressed: bool) -> None:
    decision = add_suppression(payload(), Suppression(whole_order=suppressed), level="order")

    assert decision["custom_properties"] == {"coupon_used": True, "suppress_review_request": suppressed}
    assert decision["line_items"] == payload()["line_items"]


def flags(order: dict[str, Any]) -> list[bool]:
    parts = [order, *order["line_items"]]
    return [part["custom_properties"]["suppress_review_request"] for part in parts]


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Suppression(), [False, False, False]),
        (Suppression(products=frozenset({"b"})), [False, False, True]),
        (Suppression(products=frozenset({"a", "b"})), [True, True, True]),
        (Suppression(whole_order=True), [True, True, True]),
    ],
)
def test_with_level_line_every_line_has_the_property(decision: Suppression, expected: list[bool]) -> None:
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


def test_a_policy_makes_a_round_trip_through_json() -> None:
    policy = SuppressionPolicy.parse({"level": "line", "sources": ["return_predictions"]})

    assert SuppressionPolicy.parse(policy.to_dict()) == policy


def test_a_misspelt_financial_status_is_an_error_with_the_nearest_one() -> None:
    """The enum is ``OrderDisplayFinancialStatus`` of Shopify's Admin API."""
    problem = r"financial_statuses: Shopify has no financial status 'REFUNDD': did you mean 'REFUNDED'\?"
    with pytest.raises(ConfigurationError, match=problem):
        SuppressionPolicy.parse({"financial_statuses": ["REFUNDD"]})
    statuses = [
        "AUTHORIZED",
        "EXPIRED",
        "PAID",
        "PARTIALLY_PAID",
        "PARTIALLY_REFUNDED",
        "PENDING",
        "REFUNDED",
        "VOIDED",
        "refunded",
    ]
    assert SuppressionPolicy(financial_statuses=tuple(statuses)).financial_statuses == tuple(statuses)


@pytest.mark.parametrize(
    ("policy", "warning"),
    [
        ({"categories": {"return_abus": 0.5}}, "prediction category 'return_abus': did you mean 'return_abuse'?"),
        (
            {"per_source": {"customer_predictions": {"wardrobe": 0.5}}},
            "category 'wardrobe': did you mean 'wardrobing'?",
        ),
        ({"categories": {"*frod*": 0.5}}, "prediction category '*frod*'"),
        ({"return_states": ["recieved"]}, "return state 'recieved': did you mean 'received'?"),
    ],
)
def test_an_unknown_name_in_an_open_list_is_one_warning(
    policy: dict[str, Any], warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Yofi publishes no list of categories and states, so a name that is unknown here may still be right."""
    _warn_of_unknown.cache_clear()
    SuppressionPolicy.parse(policy)
    SuppressionPolicy(**policy)
    assert len(caplog.messages) == 1
    assert warning in caplog.messages[0]


def test_known_names_and_patterns_are_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    _warn_of_unknown.cache_clear()
    SuppressionPolicy.parse({"categories": {"*fraud*": 0.5, "Bot": 0.9}, "return_states": ["REFUNDED", "in_transit"]})
    assert SuppressionPolicy()
    assert caplog.messages == []
