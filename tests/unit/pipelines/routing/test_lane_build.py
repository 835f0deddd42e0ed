"""What a lane's orders are built with is resolved, and checked, before the run reads anything."""

from __future__ import annotations

import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.pipelines.routing import Route
from airflow_provider_partners.pipelines.routing.lane_build import resolve_build

A = "a.myshopify.com"


def route(**fields):
    return Route.model_validate({"shop": A, "shopify_conn_id": "s", "yotpo_conn_id": "t", **fields})


@pytest.mark.parametrize(
    ("default", "own", "expected"),
    [
        (None, None, None),
        ({"claims": "order"}, None, {"claims": "order"}),
        (None, {"claims": "order"}, {"claims": "order"}),
        ({"claims": "order", "level": "line"}, {"claims": "customer"}, {"claims": "customer", "level": "line"}),
        ('{"level": "line"}', '{"claims": "order"}', {"level": "line", "claims": "order"}),
    ],
)
def test_a_routes_keys_go_before_those_of_the_dag(default, own, expected):
    assert resolve_build(route(policy=own), {"policy": default})["policy"] == expected


def test_an_import_path_replaces_the_options(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lane_policies.py").write_text(
        "from airflow_provider_partners.sync.suppression import SuppressionPolicy\nMINE = SuppressionPolicy()\n"
    )
    path = "lane_policies:MINE"
    assert resolve_build(route(policy=path), {"policy": {"claims": "order"}})["policy"] == path
    assert resolve_build(route(policy={"claims": "order"}), {"policy": path})["policy"] == {"claims": "order"}


def test_a_routes_transform_and_predictions_replace_those_of_the_dag(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lane_mapping.py").write_text(
        "def one(payload, *, order, context):\n    return payload\n\n\ntwo = one\n"
    )
    defaults = {"transform": "lane_mapping:one", "predictions": "s3://b/all"}
    own = resolve_build(route(transform="lane_mapping:two", predictions="s3://b/a"), defaults)
    assert (own["transform"], own["predictions"]) == ("lane_mapping:two", "s3://b/a")
    assert resolve_build(route(), defaults)["transform"] == "lane_mapping:one"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"options": {"order_dat": "x"}}, f"{A}: Wrong mapping options: order_dat: unknown field"),
        ({"policy": {"rules": [{"name": "x"}]}}, f"{A}: Wrong suppression policy: .*no condition"),
        ({"policy": {"rules": [{"name": "x", "when": "no_such_module_x:f"}]}}, f"{A}: 'when' of the rule 'x'"),
        ({"order_properties": "{"}, f"{A}: Wrong 'order_properties': the text is no JSON"),
        ({"line_properties": "[1]"}, f"{A}: Wrong 'line_properties': a list"),
        ({"options": {"order_properties": ["a"]}}, f"{A}: Wrong 'options.order_properties': a list"),
        ({"coupon_policy": "{"}, f"{A}: Wrong coupon policy: the text is no JSON"),
        (
            {"predictions": "folder/of/mine"},
            f"{A}: 'predictions' is the text 'folder/of/mine', and an absolute path or a URI",
        ),
        ({"transform": "no_such_module_x:f"}, f"{A}: 'transform' is 'no_such_module_x:f', and its module can't"),
    ],
)
def test_what_is_wrong_names_the_shop(fields, problem):
    with pytest.raises(ConfigurationError, match=problem):
        resolve_build(route(**fields), {})


def test_the_fields_that_rules_need_are_extracted():
    policy = {"rules": [{"name": "loyal", "orders_at_least": 5}]}
    assert "customer.numberOfOrders" in resolve_build(route(policy=policy), {})["fields"]
    assert "customer.numberOfOrders" not in resolve_build(route(), {})["fields"]


def test_a_rule_on_the_customer_needs_personal_data():
    policy = {"rules": [{"name": "loyal", "orders_at_least": 5}]}
    with pytest.raises(ConfigurationError, match=f"{A}: A rule.*'customer.numberOfOrders', and personal data are not"):
        resolve_build(route(policy=policy, personal_data=False), {})


def test_each_custom_property_of_the_route_goes_before_that_of_the_dag():
    defaults = {
        "options": {"order_properties": {"gift": "attribute:Gift", "note": "name"}, "order_date": "processed"},
        "order_properties": '{"note": "tags"}',
        "line_properties": {"color": "option:Color"},
    }
    own = route(options={"order_properties": {"channel": "sourceName"}}, line_properties={"size": "option:Size"})
    lane = resolve_build(own, defaults)
    assert lane["options"] == {
        "order_date": "processed",
        "order_properties": {"gift": "attribute:Gift", "note": "tags", "channel": "sourceName"},
        "line_properties": {"color": "option:Color", "size": "option:Size"},
    }
    assert (lane["order_properties"], lane["line_properties"]) == (None, None)
    assert "sourceName" in lane["fields"]
