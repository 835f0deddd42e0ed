"""Yotpo's products, variants and customers."""

from __future__ import annotations

from typing import Any

import pytest

STORE, OTHER = "store-aaaa", "store-bbbb"


def test_create_returns_only_the_id_which_exceeds_32_bits(yotpo):
    response = yotpo.request("POST", "products", json={"product": {"external_id": "p-1", "name": "Mug"}})
    assert response.status_code == 201
    assert list(response.json()) == ["product"]
    assert list(response.json()["product"]) == ["yotpo_id"]
    assert response.json()["product"]["yotpo_id"] > 2**32


def test_only_the_external_id_is_required(yotpo):
    assert yotpo.request("POST", "products", json={"product": {"name": "Mug"}}).status_code == 400
    assert yotpo.create_product("p-1")


def test_a_product_has_every_key_with_null_where_unset(yotpo):
    records = yotpo.read_product(yotpo.create_product("p-1"))
    assert records["external_id"] == "p-1"
    assert records["created_at"] == "2026-06-01T12:00:00"
    assert records["store_id"] == STORE
    unset = {"name", "url", "price", "status", "gtins", "brand", "sku", "is_valid_url_format", "group_name"}
    assert all(records[key] is None for key in unset)


def test_every_store_has_the_site_reviews_product(yotpo):
    for store in (STORE, OTHER):
        records = yotpo.request("GET", "products", store).json()["products"]
        assert [each["external_id"] for each in records] == ["yotpo_site_reviews"]


def test_a_second_product_with_the_same_external_id_is_409(yotpo):
    yotpo.create_product("p-1")
    response = yotpo.request("POST", "products", json={"product": {"external_id": "p-1"}})
    assert response.status_code == 409
    assert "already exists" in response.json()["errors"][0]["message"]
    assert yotpo.create_product("p-1", OTHER)


def test_the_site_reviews_product_cannot_be_created_again(yotpo):
    response = yotpo.request("POST", "products", json={"product": {"external_id": "yotpo_site_reviews"}})
    assert response.status_code == 409


def test_a_patch_changes_its_properties_and_returns_no_body(yotpo):
    yotpo_id = yotpo.create_product("p-1", name="Mug", price=3.5)
    response = yotpo.request("PATCH", f"products/{yotpo_id}", json={"product": {"is_discontinued": True, "name": None}})
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "0"
    records = yotpo.read_product(yotpo_id)
    assert (records["name"], records["price"], records["is_discontinued"]) == ("Mug", 3.5, True)


def test_the_status_of_a_patch_is_a_switch(yotpo):
    yotpo_id = yotpo.create_product("p-1")
    yotpo.set_switch("patch_status", 204)
    assert yotpo.request("PATCH", f"products/{yotpo_id}", json={"product": {"name": "Cup"}}).status_code == 204
    assert yotpo.read_product(yotpo_id)["name"] == "Cup"


def test_a_changed_external_id_stays_unique(yotpo):
    yotpo_id = yotpo.create_product("p-1")
    yotpo.create_product("p-2")
    assert yotpo.request("PATCH", f"products/{yotpo_id}", json={"product": {"external_id": "p-2"}}).status_code == 409
    assert yotpo.request("PATCH", f"products/{yotpo_id}", json={"product": {"external_id": "p-3"}}).status_code == 200
    assert yotpo.create_product("p-1") != yotpo_id


@pytest.mark.parametrize("yotpo_id", ["1", "abc", "0"])
def test_an_unknown_id_is_404(yotpo, yotpo_id):
    assert yotpo.request("GET", f"products/{yotpo_id}").status_code == 404
    assert yotpo.request("PATCH", f"products/{yotpo_id}", json={"product": {}}).status_code == 404


def test_stores_do_not_see_each_others_products(yotpo):
    yotpo_id = yotpo.create_product("p-1")
    assert yotpo.request("GET", f"products/{yotpo_id}", OTHER).status_code == 404
    assert yotpo.request("PATCH", f"products/{yotpo_id}", OTHER, json={"product": {"name": "x"}}).status_code == 404


@pytest.mark.parametrize(
    ("url", "expected"), [("https://a.example/p", True), ("http://a.example", True), ("a.example/p", False)]
)
def test_the_form_of_the_url_is_checked(yotpo, url, expected):
    assert yotpo.read_product(yotpo.create_product("p-1", url=url))["is_valid_url_format"] is expected


def test_an_empty_group_name_removes_the_product_from_its_group(yotpo):
    yotpo_id = yotpo.create_product("p-1", group_name="mugs")
    yotpo.request("PATCH", f"products/{yotpo_id}", json={"product": {"group_name": ""}})
    assert yotpo.read_product(yotpo_id)["group_name"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"external_id": "x" * 256},
        {"external_id": 7},
        {"external_id": ""},
        {"name": "x" * 256},
        {"url": "https://a.example/" + "x" * 2048},
        {"status": "sold out"},
        {"currency": "eur"},
        {"currency": "EURO"},
        {"price": "3.50"},
        {"inventory_quantity": 1.5},
        {"is_discontinued": "yes"},
        {"gtins": [{"declared_type": "SKU", "value": "1"}]},
        {"gtins": [{"value": "1"}]},
        {"gtins": "123"},
        {"custom_properties": {"is_blocklisted": 1}},
        {"custom_properties": {f"k{n}": 1 for n in range(101)}},
        {"external_created_at": "yesterday"},
    ],
)
def test_a_wrong_property_is_400(yotpo, changes):
    response = yotpo.request("POST", "products", json={"product": {"external_id": "p-1", **changes}})
    assert response.status_code == 400
    assert yotpo.create_product("p-1"), "nothing was stored"


def test_products_are_found_by_external_ids(yotpo):
    numbers = [yotpo.create_product(f"p-{n}") for n in range(3)]
    response = yotpo.request("GET", "products", params={"external_ids": "p-2,p-0,p-9"})
    assert [each["yotpo_id"] for each in response.json()["products"]] == [numbers[0], numbers[2]]
    assert response.json()["pagination"] == {"next_page_info": None}


def test_the_parameter_external_id_is_ignored(yotpo):
    yotpo.create_product("p-1")
    records = yotpo.request("GET", "products", params={"external_id": "p-1"}).json()["products"]
    assert [each["external_id"] for each in records] == ["yotpo_site_reviews", "p-1"]


def test_new_products_are_visible_after_the_lag(yotpo):
    yotpo.set_switch("visibility_lag", 30)
    yotpo_id = yotpo.create_product("p-1")
    assert yotpo.request("GET", f"products/{yotpo_id}").status_code == 404
    assert yotpo.request("GET", "products", params={"external_ids": "p-1"}).json()["products"] == []
    assert yotpo.request("POST", "products", json={"product": {"external_id": "p-1"}}).status_code == 409
    assert yotpo.request("PATCH", f"products/{yotpo_id}", json={"product": {"name": "Mug"}}).status_code == 200
    yotpo.time += 30
    assert yotpo.read_product(yotpo_id)["name"] == "Mug"


# Variants


def test_a_variant_belongs_to_its_product(yotpo):
    parent, other = yotpo.create_product("p-1"), yotpo.create_product("p-2")
    body = {"variant": {"external_id": "v-1", "options": [{"name": "Size", "value": "L"}]}}
    created = yotpo.request("POST", f"products/{parent}/variants", json=body)
    assert created.status_code == 201
    yotpo_id = created.json()["variant"]["yotpo_id"]
    records = yotpo.request("GET", f"products/{parent}/variants/{yotpo_id}").json()["variant"]
    assert (records["yotpo_product_id"], records["options"]) == (parent, [{"name": "Size", "value": "L"}])
    assert records["price"] is None
    assert yotpo.request("GET", f"products/{other}/variants/{yotpo_id}").status_code == 404
    assert yotpo.request("GET", f"products/{other}/variants").json()["variants"] == []
    list_customers = yotpo.request("GET", f"products/{parent}/variants").json()
    assert [each["yotpo_id"] for each in list_customers["variants"]] == [yotpo_id]
    assert list_customers["pagination"] == {"next_page_info": None}


def test_a_variant_of_an_unknown_product_is_404(yotpo):
    assert yotpo.request("POST", "products/1/variants", json={"variant": {"external_id": "v"}}).status_code == 404
    assert yotpo.request("GET", "products/1/variants").status_code == 404


def test_a_variant_can_be_patched_and_is_unique(yotpo):
    parent = yotpo.create_product("p-1")
    created = yotpo.request("POST", f"products/{parent}/variants", json={"variant": {"external_id": "v-1"}}).json()
    path = f"products/{parent}/variants/{created['variant']['yotpo_id']}"
    assert yotpo.request("PATCH", path, json={"variant": {"price": 5}}).status_code == 200
    assert yotpo.request("GET", path).json()["variant"]["price"] == 5
    again = yotpo.request("POST", f"products/{parent}/variants", json={"variant": {"external_id": "v-1"}})
    assert again.status_code == 409


# Customers


def patch_customer(yotpo: Any, **properties: Any) -> int:
    return yotpo.request("PATCH", "customers", json={"customer": properties}).status_code


def list_customers(yotpo: Any, **params: str) -> list[dict[str, Any]]:
    return yotpo.request("GET", "customers", params=params).json()["customers"]


def test_a_customer_is_created_then_changed_by_external_id(yotpo):
    assert patch_customer(yotpo, external_id="c-1", email="a@example.com", first_name="Ann") == 200
    assert patch_customer(yotpo, external_id="c-1", first_name="Zoë") == 200
    records = list_customers(yotpo, email="a@example.com")
    assert [(each["external_id"], each["first_name"]) for each in records] == [("c-1", "Zoë")]
    assert list_customers(yotpo, external_ids="c-1") == records
    assert list_customers(yotpo, email="b@example.com") == []


def test_without_an_external_id_exactly_one_of_mail_and_phone_identifies(yotpo):
    assert patch_customer(yotpo, email="a@example.com") == 200
    assert patch_customer(yotpo, email="a@example.com", first_name="Ann") == 200
    assert patch_customer(yotpo, email="b@example.com", phone_number="+15550001111") == 400
    assert patch_customer(yotpo, first_name="Ann") == 400
    assert len(list_customers(yotpo)) == 1


@pytest.mark.parametrize(
    "properties",
    [
        {"gender": "X"},
        {"account_status": "gone"},
        {"phone_number": "555-1234"},
        {"default_language": "english"},
        {"tags": ["a"]},
        {"custom_properties": {"a": {"b": 1}}},
        {"address": {"country_code": "USA"}},
    ],
)
def test_a_wrong_customer_is_400(yotpo, properties):
    assert patch_customer(yotpo, external_id="c-1", **properties) == 400


def test_customers_are_visible_after_the_lag(yotpo):
    yotpo.set_switch("customer_lag", 60)
    assert patch_customer(yotpo, external_id="c-1") == 200
    assert patch_customer(yotpo, external_id="c-1", first_name="Ann") == 200
    assert list_customers(yotpo) == []
    yotpo.time += 60
    assert len(list_customers(yotpo)) == 1
