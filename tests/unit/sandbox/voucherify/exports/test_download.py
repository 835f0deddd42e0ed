"""Files of Voucherify's exports: columns and cells, and how they are fetched."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from airflow_provider_partners.sandbox.server import serve

ORDERS = [
    {
        "id": f"ord_{n}",
        "source_id": None if n == 2 else f"500{n}",
        "created_at": f"2026-01-0{n}T00:00:00.000Z",
        "updated_at": f"2026-02-0{n}T00:00:00.000Z",
        "status": "PAID" if n < 3 else "CANCELED",
        "amount": 1000 * n + 5,
        "metadata": {"channel": "web", "note": 'a "quoted", one'} if n == 1 else {},
        "customer_id": "cust_1",
    }
    for n in (1, 2, 3)
]


@pytest.fixture
def world(voucherify_world):
    made = voucherify_world(rate_limit=0)
    made.put("orders", *ORDERS)
    return made


def table(world, exported_object="order", **parameters):
    response = world.ask(world.finished(exported_object, **parameters))
    assert response.status_code == 200, response.text
    return list(csv.reader(io.StringIO(response.text)))


def test_the_order_of_a_redemption_may_be_exported_unless_it_is_refused(world):
    world.put("redemptions", {"id": "r_1", "date": "2026-01-01T00:00:00.000Z", "order": {"id": "ord_1"}})
    assert table(world, "redemption", fields=["id", "order_id"])[1] == ["r_1", "ord_1"]


def test_the_file_has_labels_for_a_header_and_the_fields_in_their_order(world):
    assert table(world, fields=["source_id", "id", "total_discount_amount"], order="created_at") == [
        ["Source ID", "ID", "Total Discount Amount"],
        ["5001", "ord_1", ""],
        ["", "ord_2", ""],
        ["5003", "ord_3", ""],
    ]


def test_the_usual_fields_come_newest_first(world):
    assert table(world) == [
        ["ID", "Source ID", "Status"],
        ["ord_3", "5003", "CANCELED"],
        ["ord_2", "", "PAID"],
        ["ord_1", "5001", "PAID"],
    ]


def test_the_header_may_have_names_and_amounts_may_be_minor_units(world):
    assert table(world, fields=["amount"], order="created_at")[:2] == [["Amount"], ["10.05"]]
    world.switch("export_header", "names")
    world.switch("export_amounts", "minor")
    assert table(world, fields=["amount"], order="created_at")[:2] == [["amount"], ["1005"]]


def test_filters_hold_arrays_and_are_joined(world):
    filters = {
        "junction": "and",
        "created_at": {"conditions": {"$after": ["2026-01-01T00:00:00Z"], "$before": ["2026-01-03T00:00:00.000Z"]}},
    }
    assert [row[0] for row in table(world, filters=filters)] == ["ID", "ord_2"]
    either = {
        "junction": "or",
        "status": {"conditions": {"$is": ["CANCELED"]}},
        "source_id": {"conditions": {"$in": ["5001"]}},
    }
    assert [row[0] for row in table(world, filters=either)] == ["ID", "ord_3", "ord_1"]


def test_metadata_is_one_column_per_key_of_its_schema(world):
    fields = ["id", "metadata", "status"]
    assert table(world, fields=fields, order="created_at")[:2] == [
        ["ID", "channel", "note", "Status"],
        ["ord_1", "web", 'a "quoted", one', "PAID"],
    ]
    world.put("metadata_schemas", {"id": "ms_1", "related_object": "order", "properties": {"gift": {}, "channel": {}}})
    assert table(world, fields=fields, order="created_at")[:2] == [
        ["ID", "channel", "gift", "Status"],
        ["ord_1", "web", "", "PAID"],
    ]


def test_one_key_of_the_metadata_is_one_column(world):
    assert table(world, fields=["metadata.channel"], order="created_at") == [["channel"], ["web"], [""], [""]]


def test_redemptions_are_exported_from_inside_their_objects(world):
    world.put(
        "redemptions",
        {
            "id": "r_1",
            "object": "redemption",
            "date": "2026-01-01T00:00:00.000Z",
            "customer_id": "cust_1",
            "customer": {"id": "cust_1", "source_id": "7001", "name": "Žofie"},
            "voucher": {"code": "SPRING", "campaign": "Spring"},
            "order": {"id": "ord_1", "amount": 12_345},
            "gift": {"amount": 500},
            "result": "SUCCESS",
        },
    )
    fields = ["voucher_code", "campaign", "customer_source_id", "customer_name", "order_amount", "gift_amount", "date"]
    assert table(world, "redemption", fields=fields)[1] == [
        *("SPRING", "Spring", "7001", "Žofie", "123.45", "5.00", "2026-01-01T00:00:00.000Z")
    ]


def test_what_a_voucher_is_worth_depends_on_its_kind(world):
    world.put(
        "vouchers",
        {"id": "v_1", "code": "A", "type": "GIFT_VOUCHER", "gift": {"amount": 200_000, "balance": 100}},
        {"id": "v_2", "code": "B", "type": "LOYALTY_CARD", "loyalty_card": {"points": 0, "balance": 0}},
        {"id": "v_3", "code": "C", "type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 15}},
        {"id": "v_4", "code": "D", "type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 1000}},
    )
    assert table(world, "voucher", order="code") == [
        ["Code", "Voucher Type", "Value", "Discount Type"],
        ["A", "GIFT_VOUCHER", "2000.00", ""],
        ["B", "LOYALTY_CARD", "0", ""],
        ["C", "DISCOUNT_VOUCHER", "15", "PERCENT"],
        ["D", "DISCOUNT_VOUCHER", "10.00", "AMOUNT"],
    ]


def test_transactions_are_gathered_from_every_list_and_come_once(world):
    row = {"id": "vtx_1", "voucher_id": "v_1", "campaign_id": "camp_1", "created_at": "2026-01-01T00:00:00.000Z"}
    balance = {"type": "gift_voucher", "amount": -500, "balance": 1500}
    world.put("voucher_transactions", row | {"details": {"balance": balance}}, scope="SPRING")
    world.put("campaign_transactions", row | {"details": {"balance": balance}}, scope="camp_1")
    points = {"type": "loyalty_card", "points": 20, "balance": 120}
    second = {"id": "vtx_2", "created_at": "2026-01-02T00:00:00.000Z", "details": {"balance": points}}
    world.put("voucher_transactions", second, scope="CARD")
    assert table(world, "voucher_transactions", fields=["id", "amount", "balance"], order="created_at")[1:] == [
        ["vtx_1", "-5.00", "15.00"],
        ["vtx_2", "20", "120"],
    ]


def test_an_export_of_nothing_has_a_header_alone(world):
    assert table(world, "customer", fields=["id", "address_city"]) == [["ID", "Address City"]]


def test_the_file_is_plain_text_and_needs_keys_and_token(world):
    url = world.finished()
    good = world.ask(url)
    assert good.headers["content-type"] == "text/plain; charset=utf-8"
    assert world.ask(url, headers={}).status_code == 401
    assert world.ask(url.partition("?")[0]).status_code == 401
    wrong = world.ask(url[:-1] + ("0" if url[-1] != "0" else "1"))
    assert (wrong.status_code, wrong.json()) == (401, {"code": 401, "message": "Unauthorized", "key": "unauthorized"})


def test_files_are_fetched_from_elsewhere_and_take_nothing_from_the_bucket(world):
    url = world.finished()
    world.switch("rate_limit", 1)
    assert [world.ask(url).status_code for _ in range(3)] == [200] * 3
    assert world.sandbox.calls["voucherify//exports.download"] == 3


def test_a_file_may_be_gone_after_a_while(world):
    url = world.finished()
    world.switch("export_file_seconds", 3600)
    world.sandbox.now += timedelta(seconds=3599)
    assert world.ask(url).status_code == 200
    world.sandbox.now += timedelta(seconds=1)
    assert world.ask(url).status_code == 404


def test_a_part_of_a_file_is_sent_as_such(world):
    url = world.finished()
    whole = world.ask(url)
    headers = world.KEYS | {"Range": "bytes=5-", "If-Range": whole.headers["etag"]}
    part = world.ask(url, headers=headers)
    assert (part.status_code, part.content) == (206, whole.content[5:])
    assert part.headers["content-range"] == f"bytes 5-{len(whole.content) - 1}/{len(whole.content)}"
    assert world.ask(url, headers=world.KEYS | {"Range": "bytes=0-3"}).content == whole.content[:4]
    beyond = world.ask(url, headers=world.KEYS | {"Range": f"bytes={len(whole.content)}-"})
    assert beyond.status_code == 416
    assert world.ask(url, headers=headers | {"If-Range": '"another"'}).content == whole.content
    world.switch("download_ranges", False)
    assert world.ask(url, headers=headers).status_code == 200


def test_a_transfer_may_break_off_halfway(world):
    url = world.finished()
    whole = world.ask(url).content
    world.switch("download_breaks", 2)
    with serve(world.sandbox) as served:
        parts = urlsplit(url)
        there = f"{served.url}{parts.path}?{parts.query}"
        received: list[bytes] = []
        with pytest.raises(httpx.RemoteProtocolError):
            fetch(there, world.KEYS, received)
        assert b"".join(received) == whole[: len(whole) // 2]
        assert httpx.get(there, headers=world.KEYS, trust_env=False).content == whole


def fetch(url, headers, received):
    with httpx.stream("GET", url, headers=headers, trust_env=False) as response:
        received.extend(response.iter_raw())
