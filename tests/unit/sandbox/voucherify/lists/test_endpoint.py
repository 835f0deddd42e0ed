"""Voucherify's lists with pages or without: envelopes, sort orders, limits of pages."""

from __future__ import annotations

import pytest

from airflow_provider_partners.sandbox.voucherify.lists.tables import BY_KIND, LISTS


def at(second, day=1):
    return f"2026-01-{day:02}T00:{second // 60:02}:{second % 60:02}.000Z"


def records(count, prefix="x", **fields):
    return [{"id": f"{prefix}_{n:05}", "created_at": at(n), **fields} for n in range(count)]


# Any list


@pytest.mark.parametrize("listing", LISTS, ids=lambda each: each.kind)
def test_every_list_returns_its_records_in_its_envelope(voucherify, listing):
    names = [step.strip("{}") for step in listing.path.split("/") if step.startswith("{")]
    path = listing.path
    for name in names:
        path = path.replace(f"{{{name}}}", f"parent-{name}")
    scope = "/".join(f"parent-{name}" for name in names)
    voucherify.put(listing.kind, {"id": "x_1", "created_at": at(1), "metadata": {"x": 1}}, scope=scope)
    headers = {
        "/clie": {"X-Client-Application-Id": "client-app", "X-Client-Token": "client-token"}
        | {"Origin": "https://shop.example"},
        "/mana": {"X-Management-Id": "manager", "X-Management-Token": "manager-token"},
    }.get(path[:5], voucherify.KEYS)
    body = voucherify.get_json(path, headers=headers)
    assert body["object"] == "list"
    assert [record["id"] for record in body[listing.key]] == ["x_1"]
    assert body.get("data_ref") == listing.data_ref
    assert ("total" in body) == (listing.total != "absent" and "include_total" not in listing.parameters)
    assert ("has_more" in body) == (listing.has_more != "absent")
    assert voucherify.sandbox.calls[f"voucherify//{listing.kind}.list"] == 1


def test_there_are_92_lists_of_92_kinds():
    assert len(LISTS) == len(BY_KIND) == 92


def test_the_default_limit_is_ten(voucherify):
    voucherify.put("orders", *records(150))
    assert len(voucherify.ids("/v1/orders")) == 10
    assert len(voucherify.ids("/v1/orders?limit=100")) == 100


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ("limit=101", "Property .limit must be <= 100"),
        ("limit=0", "Property .limit must be >= 1"),
        ("limit=ten", "Property .limit must be integer"),
        ("page=0", "Property .page must be >= 1"),
        ("limit[a]=1", "Property .limit must be string"),
    ],
)
def test_limits_and_pages_are_checked(voucherify, query, details):
    assert voucherify.error_details(f"/v1/orders?{query}") == details


def test_optional_members_may_be_missing(voucherify):
    voucherify.put("customers", *records(3))
    voucherify.set_switch("optional_members", False)
    assert set(voucherify.get_json("/v1/customers")) == {"object", "data_ref", "customers", "total"}
    assert set(voucherify.get_json("/v1/vouchers")) == {"object", "data_ref", "vouchers"}


def test_skus_and_segments_have_another_key_than_their_data_ref(voucherify):
    voucherify.put("product_skus", {"id": "sku_1", "created_at": at(1)}, scope="prod_1")
    body = voucherify.get_json("/v1/products/prod_1/skus")
    assert (body["data_ref"], [each["id"] for each in body["skus"]]) == ("data", ["sku_1"])
    assert "data" not in body
    assert set(voucherify.get_json("/v1/segments")) == {"object", "data_ref", "segments", "total"}
    voucherify.set_switch("data_ref_mismatch", False)
    assert "data" in voucherify.get_json("/v1/segments")


# By page


def test_the_pages_contain_every_record_once_and_a_page_after_the_end_is_empty(voucherify):
    voucherify.put("orders", *records(25))
    pages = [voucherify.ids(f"/v1/orders?page={page}&order=created_at") for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert [id_ for page in pages for id_ in page] == [f"x_{n:05}" for n in range(25)]
    assert voucherify.get_json("/v1/orders?page=4")["total"] == 25


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/vouchers", "/v1/redemptions"])
def test_three_lists_have_99_pages(voucherify, path):
    assert voucherify.ids(f"{path}?page=99&limit=100") == []
    response = voucherify.request(f"{path}?page=100&limit=100")
    assert (response.status_code, response.json()["key"]) == (400, "page_over_limit")
    assert response.json()["details"] == "Property .page cannot be higher than 99"


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/campaigns", "/v1/publications", "/v1/exports"])
def test_the_others_have_100_pages(voucherify, path):
    assert voucherify.ids(f"{path}?page=100") == []
    assert voucherify.request(f"{path}?page=101").status_code == 400


def test_publications_may_have_a_thousand_pages(voucherify):
    voucherify.set_switch("publications_page_max", 1000)
    assert voucherify.ids("/v1/publications?page=1000") == []
    assert (
        voucherify.request("/v1/publications?page=1001").json()["message"]
        == "Listing resource above 1000 page is not supported"
    )


def test_records_beyond_the_last_page_are_counted_but_unreachable(voucherify):
    voucherify.put("redemptions", *({"id": f"r_{n:05}", "date": at(n % 3600, 1 + n // 3600)} for n in range(9_950)))
    body = voucherify.get_json("/v1/redemptions?limit=100&page=99")
    assert body["total"] == 9_950
    assert body["redemptions"][-1]["id"] == "r_00050"


@pytest.mark.parametrize("path", ["/v1/vouchers", "/v1/campaigns", "/v1/customers", "/v1/redemptions"])
def test_the_newest_records_come_first(voucherify, path):
    voucherify.put(path.rsplit("/", 1)[1], *({**record, "date": record["created_at"]} for record in records(3)))
    assert voucherify.ids(path) == ["x_00002", "x_00001", "x_00000"]


def test_the_default_order_of_orders_is_a_switch(voucherify):
    voucherify.put("orders", *records(2))
    assert voucherify.ids("/v1/orders") == ["x_00000", "x_00001"]
    voucherify.set_switch("orders_default_order", "-created_at")
    assert voucherify.ids("/v1/orders") == ["x_00001", "x_00000"]


def test_records_are_sorted_by_any_field_of_the_list(voucherify):
    voucherify.put(
        "redemptions",
        {"id": "r_1", "date": at(1), "voucher": {"code": "B"}, "customer_id": "cust_3"},
        {"id": "r_2", "date": at(2), "voucher": {"code": "A"}, "customer_id": "cust_1"},
        {"id": "r_3", "date": at(3), "voucher": None, "customer_id": "cust_2"},
    )
    assert voucherify.ids("/v1/redemptions?order=voucher_code") == ["r_3", "r_2", "r_1"]
    assert voucherify.ids("/v1/redemptions?order=-customer_id") == ["r_1", "r_3", "r_2"]
    assert voucherify.ids("/v1/redemptions?order=created_at") == ["r_1", "r_2", "r_3"]
    allowed = "created_at, -created_at, updated_at, -updated_at"
    assert voucherify.error_details("/v1/orders?order=amount") == (
        f"Property .order should be equal to one of the allowed values [ {allowed} ]"
    )


def test_timestamps_are_sorted_as_timestamps_and_not_as_text(voucherify):
    voucherify.put(
        "orders",
        {"id": "a", "created_at": "2026-01-01T00:00:00Z"},
        {"id": "b", "created_at": "2026-01-01T00:00:00.500Z"},
        {"id": "c", "created_at": "2026-01-01T02:00:00+02:00"},
        {"id": "d", "created_at": "2025-12-31T23:59:59.999Z"},
    )
    assert voucherify.ids("/v1/orders?order=created_at") == ["d", "a", "c", "b"]


def test_a_new_record_shifts_the_pages(voucherify):
    voucherify.put("orders", *records(4))
    first = voucherify.ids("/v1/orders?limit=2&order=-created_at")
    voucherify.put("orders", {"id": "new", "created_at": at(50)})
    assert first[-1] == voucherify.ids("/v1/orders?limit=2&page=2&order=-created_at")[0]


# Without pages


def test_a_list_without_paging_returns_every_record(voucherify):
    voucherify.put("categories", *records(130, "cat"))
    body = voucherify.get_json("/v1/categories?limit=5&page=2")
    assert (len(body["data"]), body["total"]) == (130, 130)


def test_a_vouchers_redemptions_come_with_its_quantities(voucherify):
    voucherify.put("vouchers", {"id": "v_1", "code": "SPRING", "redemption": {"quantity": 5, "redeemed_quantity": 2}})
    voucherify.put("voucher_redemptions", {"id": "r_1", "date": at(1)}, {"id": "r_2", "date": at(2)}, scope="SPRING")
    body = voucherify.get_json("/v1/vouchers/SPRING/redemption")
    assert (body["quantity"], body["redeemed_quantity"], body["total"]) == (5, 2, 2)
    assert [record["id"] for record in body["redemption_entries"]] == ["r_1", "r_2"]


# Unknown parameters


def test_unknown_parameters_are_ignored_or_refused(voucherify):
    voucherify.put("orders", *records(3))
    assert len(voucherify.ids(f"/v1/orders?created_at[after]={at(1)}&colour=red")) == 3
    voucherify.set_switch("unknown_parameter", 400)
    assert "colour" in voucherify.error_details("/v1/orders?colour=red")


def test_created_at_may_work_on_lists_that_do_not_document_it(voucherify):
    voucherify.put("orders", *records(3))
    voucherify.set_switch("created_at_everywhere", True)
    assert voucherify.ids(f"/v1/orders?created_at[after]={at(1)}") == ["x_00002"]
