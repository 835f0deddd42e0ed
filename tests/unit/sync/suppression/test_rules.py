"""Rules of one's own: all conditions of a rule must hold, and any rule suppresses."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners import sandbox
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.build import BuiltOrder, UnmappableOrder, build_orders
from airflow_provider_partners.sync.context import OrderContext
from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy

SHOP = "a.myshopify.com"
SCHEMAS = Path(sandbox.__file__).parent / "schemas"
ADMIN_SCHEMAS = [SCHEMAS / f"shopify_admin_{version}.graphql.gz" for version in ("2025-10", "2026-07")]

ORDER = make.order(
    7,
    tags=["VIP", "Wholesale-EU"],
    email="buyer@Shop.Example.com",
    totalPriceSet=make.money("1200.50"),
    shippingAddress=make.address(countryCodeV2="DE"),
    customer={"legacyResourceId": "5", "numberOfOrders": "12", "tags": ["B2B"]},
)


def reasons(order: dict[str, Any], *rules: dict[str, Any]) -> tuple[str, ...]:
    return SuppressionPolicy.parse({"rules": list(rules)}).decide(order, OrderContext()).reasons


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({"tags": ["wholesale-*"]}, True),
        ({"tags": ["wholesale"]}, False),
        ({"tags": ["x", "vip"]}, True),
        ({"customer_tags": ["b2b"]}, True),
        ({"countries": ["de", "AT"]}, True),
        ({"countries": ["FR"]}, False),
        ({"email_domains": ["shop.example.com"]}, True),
        ({"email_domains": ["*.example.com"]}, True),
        ({"email_domains": ["example.com"]}, False),
        ({"amount_over": 1200.5}, False),
        ({"amount_over": 1200}, True),
        ({"amount_under": 1200.51}, True),
        ({"amount_under": 1200.5}, False),
        ({"orders_at_least": 12}, True),
        ({"orders_at_least": 13}, False),
        ({"orders_at_most": 12}, True),
        ({"orders_at_most": 11}, False),
        ({"tags": ["vip"], "amount_over": 1000, "countries": ["DE"]}, True),
        ({"tags": ["vip"], "amount_over": 1000, "countries": ["FR"]}, False),
    ],
)
def test_all_conditions_of_a_rule_must_hold(conditions: dict[str, Any], holds: bool) -> None:
    assert reasons(ORDER, {"name": "mine", **conditions}) == (("rule mine",) if holds else ())


def test_any_rule_suppresses_and_the_reasons_name_the_rules_alone() -> None:
    domain = {"name": "own staff", "email_domains": ["shop.example.com"]}
    country = {"name": "not sold there", "countries": ["FR"]}
    loyal = {"name": "loyal", "orders_at_least": 10}
    assert reasons(ORDER, domain, country, loyal) == ("rule own staff", "rule loyal")


def test_a_guest_has_no_number_of_orders_and_no_tags() -> None:
    guest = {**ORDER, "customer": None, "email": None, "shippingAddress": None, "billingAddress": None}
    for conditions in (
        {"orders_at_least": 0},
        {"orders_at_most": 5},
        {"customer_tags": ["*"]},
        {"email_domains": ["*"]},
        {"countries": ["DE"]},
    ):
        assert reasons(guest, {"name": "mine", **conditions}) == ()


def test_without_a_shipping_address_the_billing_address_counts() -> None:
    digital = {**ORDER, "shippingAddress": None, "billingAddress": make.address(countryCodeV2="FR")}
    assert reasons(digital, {"name": "mine", "countries": ["FR"]}) == ("rule mine",)


def test_a_field_that_was_not_extracted_is_an_error_that_names_it() -> None:
    order = {**ORDER, "customer": {"legacyResourceId": "5"}}
    with pytest.raises(ConfigurationError, match=r"'mine' needs 'customer.numberOfOrders'.*without it.*fields="):
        reasons(order, {"name": "mine", "orders_at_least": 2})


def test_an_order_whose_customer_is_no_object_is_a_reject_and_ends_no_build() -> None:
    policy = {"rules": [{"name": "mine", "orders_at_least": 2}]}
    orders = [make.order(1, customer=["5"]), make.order(2, customer=None)]

    rejected, built = build_orders(orders, shop="a.myshopify.com", policy=policy)

    assert isinstance(rejected, UnmappableOrder)
    assert "unknown shape" in rejected.reason
    assert isinstance(built, BuiltOrder)


def test_the_policy_says_which_fields_its_rules_need() -> None:
    rules = [
        {"name": "a", "tags": ["x"], "orders_at_least": 2, "orders_at_most": 9},
        {"name": "b", "email_domains": ["x.example"], "countries": ["DE"]},
    ]
    assert SuppressionPolicy.parse({"rules": rules}).required_fields == [
        "tags",
        "customer.numberOfOrders",
        "shippingAddress.countryCodeV2",
        "billingAddress.countryCodeV2",
        "email",
    ]


@pytest.mark.parametrize("schema", ADMIN_SCHEMAS, ids=lambda path: path.stem)
def test_every_field_that_a_rule_needs_is_in_shopifys_schema(schema: Path) -> None:
    """Source: Shopify's official schemas, which the sandbox ships."""
    from graphql import GraphQLObjectType, build_schema, get_named_type

    types = build_schema(gzip.decompress(schema.read_bytes()).decode(), assume_valid=True)
    every = {
        "name": "all",
        "tags": ["x"],
        "customer_tags": ["x"],
        "countries": ["DE"],
        "email_domains": ["x"],
        "amount_over": 1,
        "orders_at_least": 1,
    }
    for path in SuppressionPolicy.parse({"rules": [every]}).required_fields:
        kind: Any = types.type_map["Order"]
        for step in path.split("."):
            assert isinstance(kind, GraphQLObjectType), path
            kind = get_named_type(kind.fields[step].type)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"name": "x"}, r"rules\[0\]: the rule 'x' has no condition"),
        ({"tags": ["x"]}, r"rules\[0\].name: Field required"),
        ({"name": "x", "tag": ["x"]}, r"rules\[0\].tag: unknown field"),
        ({"name": "x", "countries": ["Germany"]}, r"rules\[0\].countries\[0\]"),
        ({"name": "x", "amount_over": -1}, r"rules\[0\].amount_over"),
        ({"name": "x", "when": "not a path"}, r"rules\[0\].when: is no import path"),
    ],
)
def test_a_wrong_rule_is_an_error_that_names_the_field(rule: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        SuppressionPolicy.parse({"rules": [rule]})


def test_two_rules_of_one_name_are_refused() -> None:
    rule = {"name": "x", "tags": ["x"]}
    with pytest.raises(ConfigurationError, match="two rules have the name 'x'"):
        SuppressionPolicy.parse({"rules": [rule, rule]})


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_function_is_one_more_condition(module: Path) -> None:
    (module / "my_rules_one.py").write_text(
        "def claimed(order, context):\n    return bool(context.claims) and order['test'] is False\n"
    )
    rule = {"name": "complaint", "countries": ["DE"], "when": "my_rules_one:claimed"}
    policy = SuppressionPolicy.parse({"rules": [rule]})
    order = {**ORDER, "test": False}
    assert policy.decide(order, OrderContext(claims=({"id": "c", "of_order": True},))).reasons == ("rule complaint",)
    assert policy.decide(order, OrderContext()).reasons == ()


def test_an_error_in_the_function_rejects_that_order_without_its_data(module: Path) -> None:
    (module / "my_rules_two.py").write_text("def fails(order, context):\n    return order['nothing'] == 'jane'\n")
    policy = {"rules": [{"name": "mine", "when": "my_rules_two:fails"}]}
    (one,) = build_orders([make.order(7)], shop=SHOP, policy=policy)
    assert isinstance(one, UnmappableOrder)
    assert one.reason == "'when' of the rule 'mine' failed: KeyError in my_rules_two.py, line 2"


def test_the_function_returns_true_or_false(module: Path) -> None:
    (module / "my_rules_three.py").write_text("def says(order, context):\n    return 'yes'\n")
    policy = {"rules": [{"name": "mine", "when": "my_rules_three:says"}]}
    (one,) = build_orders([make.order(7)], shop=SHOP, policy=policy)
    assert isinstance(one, UnmappableOrder)
    assert one.reason == "'when' of the rule 'mine' returned a str, and True or False is needed"


@pytest.mark.parametrize("path", ["no_such_module_here:f", "json:nothing", "os:getcwd"])
def test_a_wrong_function_is_an_error_before_any_record_is_read(path: str) -> None:
    def orders() -> Any:
        pytest.fail("read")
        yield

    with pytest.raises(ConfigurationError, match="'when' of the rule 'mine'"):
        build_orders(orders(), shop=SHOP, policy={"rules": [{"name": "mine", "when": path}]})


def test_a_policy_may_be_a_subclass_by_its_import_path(module: Path) -> None:
    (module / "my_policies.py").write_text(
        "from airflow_provider_partners.sync.suppression import Suppression, SuppressionPolicy\n\n\n"
        "class Never(SuppressionPolicy):\n    def decide(self, order, context=None):\n"
        "        return Suppression()\n\n\n"
        "STRICT = SuppressionPolicy(claims='customer')\n"
    )
    returns = [{"id": "r1", "order_id": "7", "state": "refunded"}]
    (one,) = build_orders([make.order(7)], returns, shop=SHOP, policy="my_policies:Never")
    assert isinstance(one, BuiltOrder)
    assert one.suppressed == []
    assert SuppressionPolicy.parse("my_policies:STRICT").claims == "customer"
    with pytest.raises(ConfigurationError, match="which is a module, and a SuppressionPolicy is needed"):
        SuppressionPolicy.parse("airflow_provider_partners.sync:build")


def test_a_policy_may_be_json_text() -> None:
    """A Variable is text, and a template renders to text."""
    assert SuppressionPolicy.parse('{"claims": "order"}').claims == "order"
    for text in ("", "None"):
        assert SuppressionPolicy.parse(text) == SuppressionPolicy()
    with pytest.raises(ConfigurationError, match="the text is no JSON"):
        SuppressionPolicy.parse("{claims: order}")
