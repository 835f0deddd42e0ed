"""Voucherify's lists that continue after an id, after a timestamp, or with an opaque cursor."""

from __future__ import annotations

from datetime import timedelta


def at(second, day=1):
    return f"2026-01-{day:02}T00:{second // 60:02}:{second % 60:02}.000Z"


def records(count, prefix="x", **fields):
    return [{"id": f"{prefix}_{n:05}", "created_at": at(n), **fields} for n in range(count)]


# By id


def test_a_list_by_id_names_the_next_start_until_it_ends(voucherify):
    voucherify.put("voucher_transactions", *records(25, "vtx"), scope="SPRING")
    path, ids = "/v1/vouchers/SPRING/transactions?limit=10", []
    body = voucherify.get_json(path)
    while True:
        ids += [record["id"] for record in body["data"]]
        assert "total" not in body
        if not body["has_more"]:
            break
        assert body["more_starting_after"] == ids[-1]
        body = voucherify.get_json(f"{path}&starting_after_id={ids[-1]}")
    assert "more_starting_after" not in body
    assert ids == [f"vtx_{n:05}" for n in reversed(range(25))]


def test_a_list_by_id_has_both_directions(voucherify):
    voucherify.put("voucher_transactions", *records(3, "vtx"), scope="SPRING")
    path = "/v1/vouchers/SPRING/transactions"
    assert voucherify.ids(f"{path}?order=id&starting_after_id=vtx_00000") == ["vtx_00001", "vtx_00002"]
    assert voucherify.ids(f"{path}?order=-id&starting_after_id=vtx_00001") == ["vtx_00000"]
    assert "starting_after_id" in voucherify.error_details(f"{path}?starting_after_id=unheard")


def test_activities_with_the_same_timestamp_are_neither_lost_nor_doubled(voucherify):
    voucherify.put("customers", {"id": "cust_1", "source_id": "shop/1"})
    voucherify.put(
        "customer_activity", *({"id": f"act_{n}", "created_at": at(n // 3)} for n in range(9)), scope="cust_1"
    )
    first = voucherify.get_json("/v1/customers/cust_1/activity?limit=4")
    second = voucherify.ids(f"/v1/customers/cust_1/activity?limit=9&starting_after_id={first['more_starting_after']}")
    assert [record["id"] for record in first["data"]] + second == [f"act_{n}" for n in reversed(range(9))]


def test_templates_have_a_total_on_request(voucherify):
    voucherify.put("campaign_templates", *records(3, "tmpl", name="A"))
    assert "total" not in voucherify.get_json("/v1/templates/campaigns")
    path = "/v1/templates/campaigns?include_total=true&filters[name][conditions][$is]=B"
    assert (voucherify.get_json(path)["total"], voucherify.ids(path)) == (3, [])


# By date


def customers(voucherify, count, same_timestamp_count=1):
    voucherify.put(
        "customers",
        *(
            {
                "id": f"cust_{n:03}",
                "created_at": at(n // same_timestamp_count),
                "updated_at": at(n // same_timestamp_count, 2),
            }
            for n in range(count)
        ),
    )


def test_customers_before_a_timestamp_come_newest_first(voucherify):
    customers(voucherify, 5)
    body = voucherify.get_json(f"/v1/customers?starting_after={at(3)}&limit=2")
    assert [record["id"] for record in body["customers"]] == ["cust_002", "cust_001"]
    assert (body["has_more"], body["total"]) == (True, 5)
    assert voucherify.get_json(f"/v1/customers?starting_after={at(1)}&limit=2")["has_more"] is False
    assert voucherify.ids("/v1/customers?starting_after=2200-01-01T00:00:00Z&limit=1") == ["cust_004"]


def test_starting_after_works_with_either_timestamp_and_direction(voucherify):
    customers(voucherify, 5)
    assert voucherify.ids(f"/v1/customers?order=created_at&starting_after={at(2)}") == ["cust_003", "cust_004"]
    assert voucherify.ids(f"/v1/customers?order=updated_at&starting_after={at(2, 2)}") == ["cust_003", "cust_004"]
    assert voucherify.ids(f"/v1/customers?order=-updated_at&starting_after={at(2, 2)}") == ["cust_001", "cust_000"]


def test_customers_with_the_same_timestamp_are_skipped_or_repeated_by_switch(voucherify):
    customers(voucherify, 6, same_timestamp_count=3)
    query = f"/v1/customers?order=created_at&starting_after={at(0)}"
    assert voucherify.ids(query) == ["cust_003", "cust_004", "cust_005"]
    voucherify.set_switch("starting_after", "inclusive")
    assert voucherify.ids(query) == [f"cust_{n:03}" for n in range(6)]


def test_a_list_without_cursors_is_read_by_its_end_date(voucherify):
    voucherify.put("async_actions", *records(15, "aa"))
    first = voucherify.get_json("/v1/async-actions")
    assert (len(first["async_actions"]), first["has_more"]) == (10, True)
    end_date = first["async_actions"][-1]["created_at"]
    second = voucherify.get_json(f"/v1/async-actions?end_date={end_date}")
    assert [record["id"] for record in second["async_actions"]] == [f"aa_{n:05}" for n in (4, 3, 2, 1, 0)]
    assert second["has_more"] is False


# By the second loyalty API's cursor


def test_every_page_but_the_last_has_a_cursor(voucherify):
    voucherify.put("loyalty_program_card_transactions", *records(25, "lctx"), scope="lprg_1/lmbr_1/lcrd_1")
    path, ids, query = "/v2/loyalties/programs/lprg_1/members/lmbr_1/cards/lcrd_1/transactions", [], ""
    while True:
        body = voucherify.get_json(path + query)
        assert set(body) == {"object", "data", "cursor"}
        ids += [record["id"] for record in body["data"]]
        if body["cursor"] is None:
            break
        assert body["cursor"]["next"].startswith("lcrsctx_")
        assert body["cursor"]["expires_at"] == "2026-06-01T12:10:00.000Z"
        query = f"?cursor={body['cursor']['next']}"
    assert ids == [f"lctx_{n:05}" for n in reversed(range(25))]


def test_a_cursor_keeps_its_order_and_filters(voucherify):
    voucherify.put("loyalty_programs", *records(20, "a", name="A"), *records(20, "b", name="B"))
    query = "order=created_at&limit=15&filters[name][conditions][$is]=A"
    first = voucherify.get_json(f"/v2/loyalties/programs?{query}")
    second = voucherify.ids(f"/v2/loyalties/programs?cursor={first['cursor']['next']}")
    assert second == [f"a_{n:05}" for n in range(15, 20)]


def test_a_cursor_expires_and_is_valid_for_its_list_only(voucherify):
    voucherify.put("loyalty_programs", *records(20))
    voucherify.put("loyalty_benefits", *records(20))
    cursor = voucherify.get_json("/v2/loyalties/programs")["cursor"]["next"]
    stale = {
        "code": 400,
        "key": "invalid_or_expired_cursor",
        "message": "Invalid or expired cursor",
        "details": "The provided cursor is invalid or has expired",
    }
    response = voucherify.request(f"/v2/loyalties/benefits?cursor={cursor}")
    assert response.status_code == 400
    assert stale.items() <= response.json().items()
    assert voucherify.request("/v2/loyalties/programs?cursor=lcrsprg_nonsense").status_code == 400
    voucherify.sandbox.now += timedelta(seconds=599)
    assert voucherify.request(f"/v2/loyalties/programs?cursor={cursor}").status_code == 200
    voucherify.sandbox.now += timedelta(seconds=1)
    assert stale.items() <= voucherify.request(f"/v2/loyalties/programs?cursor={cursor}").json().items()
