"""Yotpo's products, variants and customers."""

from __future__ import annotations

from typing import Any

import pytest

STORE, OTHER = "store-aaaa", "store-bbbb"


def test_creating_answers_the_id_alone_and_it_exceeds_32_bits(yotpo):
    response = yotpo.request("POST", "products", json={"product": {"external_id": "p-1", "name": "Mug"}})
    assert response.status_code == 201
    assert list(response.json()) == ["product"]
    assert list(response.json()["product"]) == ["yotpo_id"]
    assert response.json()["product"]["yotpo_id"] > 2**32


def test_the_external_id_alone_is_required(yotpo):
    assert yotpo.request("POST", "products", json={"product": {"name": "Mug"}}).status_code == 400
    assert yotpo.create_product("p-1")


def test_a_product_read_shows_every_key_null_where_unset(yotpo):
    found = yotpo.read_product(yotpo.create_product("p-1"))
    assert found["external_id"] == "p-1"
    assert found["created_at"] == "2026-06-01T12:00:00"
    assert found["store_id"] == STORE
    unset = {"name", "url", "price", "status", "gtins", "brand", "sku", "is_valid_url_format", "group_name"}
    assert all(found[key] is None for key in unset)


def test_every_store_has_the_pseudo_product(yotpo):
    for store in (STORE, OTHER):
        found = yotpo.request("GET", "products", store).json()["products"]
        assert [each["external_id"] for each in found] == ["yotpo_site_reviews"]


def test_a_second_product_of_that_external_id_is_409(yotpo):
    yotpo.create_product("p-1")
    response = yotpo.request("POST", "products", json={"product": {"external_id": "p-1"}})
    assert response.status_code == 409
    assert "already exists" in response.json()["errors"][0]["message"]
    assert yotpo.create_product("p-1", OTHER)


def test_the_pseudo_product_can_not_be_made_again(yotpo):
    response = yotpo.request("POST", "products", json={"product": {"external_id": "yotpo_site_reviews"}})
    assert response.status_code == 409


def test_a_patch_changes_what_it_gives_and_answers_nothing(yotpo):
    number = yotpo.create_product("p-1", name="Mug", price=3.5)
    response = yotpo.request("PATCH", f"products/{number}", json={"product": {"is_discontinued": True, "name": None}})
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "0"
    found = yotpo.read_product(number)
    assert (found["name"], found["price"], found["is_discontinued"]) == ("Mug", 3.5, True)


def test_a_patch_may_answer_204_by_switch(yotpo):
    number = yotpo.create_product("p-1")
    yotpo.set_switch("patch_status", 204)
    assert yotpo.request("PATCH", f"products/{number}", json={"product": {"name": "Cup"}}).status_code == 204
    assert yotpo.read_product(number)["name"] == "Cup"


def test_changing_the_external_id_keeps_it_unique(yotpo):
    number = yotpo.create_product("p-1")
    yotpo.create_product("p-2")
    assert yotpo.request("PATCH", f"products/{number}", json={"product": {"external_id": "p-2"}}).status_code == 409
    assert yotpo.request("PATCH", f"products/{number}", json={"product": {"external_id": "p-3"}}).status_code == 200
    assert yotpo.create_product("p-1") != number


@pytest.mark.parametrize("number", ["1", "abc", "0"])
def test_an_unknown_id_is_404(yotpo, number):
    assert yotpo.request("GET", f"products/{number}").status_code == 404
    assert yotpo.request("PATCH", f"products/{number}", json={"product": {}}).status_code == 404


def test_stores_do_not_see_each_others_products(yotpo):
    number = yotpo.create_product("p-1")
    assert yotpo.request("GET", f"products/{number}", OTHER).status_code == 404
    assert yotpo.request("PATCH", f"products/{number}", OTHER, json={"product": {"name": "x"}}).status_code == 404


@pytest.mark.parametrize(
    ("url", "expected"), [("https://a.example/p", True), ("http://a.example", True), ("a.example/p", False)]
)
def test_the_form_of_the_url_is_judged(yotpo, url, expected):
    assert yotpo.read_product(yotpo.create_product("p-1", url=url))["is_valid_url_format"] is expected


def test_an_empty_group_name_takes_the_product_out_of_its_group(yotpo):
    number = yotpo.create_product("p-1", group_name="mugs")
    yotpo.request("PATCH", f"products/{number}", json={"product": {"group_name": ""}})
    assert yotpo.read_product(number)["group_name"] is None


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


def test_the_singular_parameter_is_ignored_and_gives_the_first_page(yotpo):
    yotpo.create_product("p-1")
    found = yotpo.request("GET", "products", params={"external_id": "p-1"}).json()["products"]
    assert [each["external_id"] for each in found] == ["yotpo_site_reviews", "p-1"]


def test_new_products_show_after_the_lag_switched(yotpo):
    yotpo.set_switch("visibility_lag", 30)
    number = yotpo.create_product("p-1")
    assert yotpo.request("GET", f"products/{number}").status_code == 404
    assert yotpo.request("GET", "products", params={"external_ids": "p-1"}).json()["products"] == []
    assert yotpo.request("POST", "products", json={"product": {"external_id": "p-1"}}).status_code == 409
    assert yotpo.request("PATCH", f"products/{number}", json={"product": {"name": "Mug"}}).status_code == 200
    yotpo.time += 30
    assert yotpo.read_product(number)["name"] == "Mug"


# Variants


def test_a_variant_belongs_to_its_product(yotpo):
    parent, other = yotpo.create_product("p-1"), yotpo.create_product("p-2")
    body = {"variant": {"external_id": "v-1", "options": [{"name": "Size", "value": "L"}]}}
    made = yotpo.request("POST", f"products/{parent}/variants", json=body)
    assert made.status_code == 201
    number = made.json()["variant"]["yotpo_id"]
    found = yotpo.request("GET", f"products/{parent}/variants/{number}").json()["variant"]
    assert (found["yotpo_product_id"], found["options"]) == (parent, [{"name": "Size", "value": "L"}])
    assert found["price"] is None
    assert yotpo.request("GET", f"products/{other}/variants/{number}").status_code == 404
    assert yotpo.request("GET", f"products/{other}/variants").json()["variants"] == []
    listed = yotpo.request("GET", f"products/{parent}/variants").json()
    assert [each["yotpo_id"] for each in listed["variants"]] == [number]
    assert listed["pagination"] == {"next_page_info": None}


def test_a_variant_of_an_unknown_product_is_404(yotpo):
    assert yotpo.request("POST", "products/1/variants", json={"variant": {"external_id": "v"}}).status_code == 404
    assert yotpo.request("GET", "products/1/variants").status_code == 404


def test_a_variant_is_patched_and_unique(yotpo):
    parent = yotpo.create_product("p-1")
    made = yotpo.request("POST", f"products/{parent}/variants", json={"variant": {"external_id": "v-1"}}).json()
    path = f"products/{parent}/variants/{made['variant']['yotpo_id']}"
    assert yotpo.request("PATCH", path, json={"variant": {"price": 5}}).status_code == 200
    assert yotpo.request("GET", path).json()["variant"]["price"] == 5
    again = yotpo.request("POST", f"products/{parent}/variants", json={"variant": {"external_id": "v-1"}})
    assert again.status_code == 409


# Customers


def customer(yotpo: Any, **given: Any) -> int:
    return yotpo.request("PATCH", "customers", json={"customer": given}).status_code


def listed(yotpo: Any, **params: str) -> list[dict[str, Any]]:
    return yotpo.request("GET", "customers", params=params).json()["customers"]


def test_a_customer_is_made_then_changed_by_external_id(yotpo):
    assert customer(yotpo, external_id="c-1", email="a@example.com", first_name="Ann") == 200
    assert customer(yotpo, external_id="c-1", first_name="Zoë") == 200
    found = listed(yotpo, email="a@example.com")
    assert [(each["external_id"], each["first_name"]) for each in found] == [("c-1", "Zoë")]
    assert listed(yotpo, external_ids="c-1") == found
    assert listed(yotpo, email="b@example.com") == []


def test_without_an_external_id_exactly_one_of_mail_and_phone_identifies(yotpo):
    assert customer(yotpo, email="a@example.com") == 200
    assert customer(yotpo, email="a@example.com", first_name="Ann") == 200
    assert customer(yotpo, email="b@example.com", phone_number="+15550001111") == 400
    assert customer(yotpo, first_name="Ann") == 400
    assert len(listed(yotpo)) == 1


@pytest.mark.parametrize(
    "wrong",
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
def test_a_wrong_customer_is_400(yotpo, wrong):
    assert customer(yotpo, external_id="c-1", **wrong) == 400


def test_customers_show_after_the_lag_switched(yotpo):
    yotpo.set_switch("customer_lag", 60)
    assert customer(yotpo, external_id="c-1") == 200
    assert customer(yotpo, external_id="c-1", first_name="Ann") == 200
    assert listed(yotpo) == []
    yotpo.time += 60
    assert len(listed(yotpo)) == 1
