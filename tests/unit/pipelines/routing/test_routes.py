"""Routes: the Variable is validated, and a run selects its lanes."""

from __future__ import annotations

import json

import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.pipelines.routing import parse_routes, select_lanes


def route(shop, **changes):
    name = shop.partition(".")[0]
    fields = {
        "shop": shop,
        "shopify_conn_id": f"s_{name}",
        "yofi_conn_id": f"y_{name}",
        "yotpo_conn_id": f"o_{name}",
    }
    return {key: value for key, value in {**fields, **changes}.items() if value is not ...}


A, B, C = "a.myshopify.com", "b.myshopify.com", "c.myshopify.com"
ROUTES = parse_routes([route(A), route(B), route(C, voucherify_conn_id="v_c")])


def shops_of(selected):
    return [lane["shop"] for lane in selected.lanes]


def test_a_lane_has_the_shop_and_its_connections():
    (lane,) = select_lanes(parse_routes(json.dumps([route(A)]))).lanes
    assert {name: value for name, value in lane.items() if value is not None and name != "fields"} == {
        "shop": A,
        "shopify_admin_conn_id": "s_a",
        "yofi_conn_id": "y_a",
        "yotpo_conn_id": "o_a",
        "personal_data": True,
    }
    assert {"voucherify_conn_id", "options", "policy", "coupon_policy", "transform", "predictions"} < lane.keys()


def test_yofi_is_optional_and_a_run_that_needs_it_leaves_the_shop_out():
    routes = parse_routes([route(A), route(B, yofi_conn_id=...), route(C, yofi_conn_id=None)])
    assert [lane["yofi_conn_id"] for lane in select_lanes(routes).lanes] == ["y_a", None, None]
    selected = select_lanes(routes, needs_yofi=True)
    assert (shops_of(selected), selected.without_yofi) == ([A], [B, C])


def test_a_wrong_route_names_its_source():
    with pytest.raises(ConfigurationError, match=r"^The file s3://b/routes\.json has a wrong route 1"):
        parse_routes([route(A, yotpo_conn_id=...)], source="The file s3://b/routes.json")


def test_personal_data_are_read_if_neither_the_route_nor_the_dag_forbids_it():
    routes = parse_routes([route(A), route(B, personal_data=False)])
    assert [lane["personal_data"] for lane in select_lanes(routes).lanes] == [True, False]
    assert [lane["personal_data"] for lane in select_lanes(routes, personal_data=False).lanes] == [False, False]


def test_personal_data_of_a_route_is_true_or_false():
    with pytest.raises(ConfigurationError, match="'personal_data' is neither true nor false"):
        parse_routes([route(A, personal_data="no")])


def test_without_installed_shops_every_route_is_taken():
    assert shops_of(select_lanes(ROUTES)) == [A, B, C]


def test_a_routed_shop_without_the_app_is_skipped():
    selected = select_lanes(ROUTES, installed=[A, C])
    assert shops_of(selected) == [A, C]
    assert selected.not_installed == [B]
    assert selected.without_route == []


def test_an_installed_shop_without_a_route_is_reported():
    assert select_lanes(ROUTES, installed=[A, "d.myshopify.com"]).without_route == ["d.myshopify.com"]


def test_when_no_shop_has_the_app_there_is_no_lane():
    assert shops_of(select_lanes(ROUTES, installed=[])) == []


def test_only_requested_shops_are_taken():
    assert shops_of(select_lanes(ROUTES, shops=[C, A])) == [C, A]


@pytest.mark.parametrize("shops", [None, [], "", "None"])
def test_without_requested_shops_all_are_taken(shops):
    assert shops_of(select_lanes(ROUTES, shops=shops)) == [A, B, C]


def test_a_shop_is_known_by_any_spelling():
    assert shops_of(
        select_lanes(parse_routes([route("https://A.myshopify.com/admin")]), installed=["A.myshopify.com"], shops=["a"])
    ) == [A]


def test_a_requested_shop_without_a_route_is_an_error_with_the_known_shops():
    with pytest.raises(ConfigurationError, match=f"'shops' names shops without a route: d.myshopify.com.*{A}, {B}"):
        select_lanes(ROUTES, shops=["d.myshopify.com"])


def test_a_misspelt_shop_among_thousands_is_an_error_that_can_be_read():
    many = parse_routes([route(f"shop-{number}.myshopify.com") for number in range(1000)])
    with pytest.raises(ConfigurationError) as error:
        select_lanes(many, shops=["shp-7.myshopify.com"])
    assert "did you mean 'shop-7.myshopify.com'" in str(error.value)
    assert "and 990 more" in str(error.value)
    assert len(str(error.value)) < 600


def test_shops_as_text_are_refused():
    with pytest.raises(ConfigurationError, match="'shops' is not a list"):
        select_lanes(ROUTES, shops="a.myshopify.com")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "'partner_shop_routes' is empty.*Set it to a JSON list"),
        ("", "is empty"),
        ("[{", "is not JSON"),
        ('{"shop": "a"}', "is not a list"),
        ("[]", "has no route, so a run would do nothing.*Set it to a JSON list"),
        ([A], "has a route 1 that is not an object"),
        ([route(A), route(B, yotpo_conn_id=...)], r"wrong route 2 \(b.myshopify.com\): 'yotpo_conn_id' is missing"),
        ([route(A, yofi_conn_id="")], "'yofi_conn_id' is empty"),
        ([route(A, yofi_conn_id=7)], "'yofi_conn_id' is not text"),
        ([route(A, yotpo_conn="x")], "'yotpo_conn' is unknown.*fields are: shop, shopify_conn_id"),
        ([route("not a shop")], "wrong route 1.*'shop'"),
        ([route(A, pool=3)], "'pool' is not text"),
        ([route(A, queue="")], "'queue' is empty"),
        ([route(A, transform="  ")], "'transform' is empty"),
        ([route(A, policy=[1])], "'policy.* is neither an object nor text"),
        ([route(A), route(B), route("a")], "'a.myshopify.com' twice, in the routes 1 and 3.*'shop' is unique"),
    ],
)
def test_a_wrong_variable_is_one_line_that_names_the_field(value, problem):
    with pytest.raises(ConfigurationError, match=problem) as error:
        parse_routes(value)
    assert "\n" not in str(error.value)


def test_all_problems_of_a_route_are_reported_at_once():
    with pytest.raises(ConfigurationError, match="'shopify_conn_id' is missing; 'yotpo_conn_id' is missing"):
        parse_routes([route(A, shopify_conn_id=..., yotpo_conn_id=...)])
