"""Files of Voucherify's exports: columns, cells and downloads."""

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
def voucherify(voucherify):
    """Return the API of a project with three orders."""
    voucherify.put("orders", *ORDERS)
    return voucherify


def table(voucherify, exported_object="order", **parameters):
    response = voucherify.request(voucherify.export_url(exported_object, **parameters))
    assert response.status_code == 200, response.text
    return list(csv.reader(io.StringIO(response.text)))


def test_the_order_of_a_redemption_can_be_exported(voucherify):
    voucherify.put("redemptions", {"id": "r_1", "date": "2026-01-01T00:00:00.000Z", "order": {"id": "ord_1"}})
    assert table(voucherify, "redemption", fields=["id", "order_id"])[1] == ["r_1", "ord_1"]


def test_the_header_has_labels_in_the_order_of_the_fields(voucherify):
    assert table(voucherify, fields=["source_id", "id", "total_discount_amount"], order="created_at") == [
        ["Source ID", "ID", "Total Discount Amount"],
        ["5001", "ord_1", ""],
        ["", "ord_2", ""],
        ["5003", "ord_3", ""],
    ]


def test_the_default_is_the_default_fields_newest_first(voucherify):
    assert table(voucherify) == [
        ["ID", "Source ID", "Status"],
        ["ord_3", "5003", "CANCELED"],
        ["ord_2", "", "PAID"],
        ["ord_1", "5001", "PAID"],
    ]


def test_the_header_may_have_names_and_amounts_may_be_minor_units(voucherify):
    assert table(voucherify, fields=["amount"], order="created_at")[:2] == [["Amount"], ["10.05"]]
    voucherify.set_switch("export_header", "names")
    voucherify.set_switch("export_amounts", "minor")
    assert table(voucherify, fields=["amount"], order="created_at")[:2] == [["amount"], ["1005"]]


def test_filters_have_arrays_and_a_junction(voucherify):
    filters = {
        "junction": "and",
        "created_at": {"conditions": {"$after": ["2026-01-01T00:00:00Z"], "$before": ["2026-01-03T00:00:00.000Z"]}},
    }
    assert [record[0] for record in table(voucherify, filters=filters)] == ["ID", "ord_2"]
    either = {
        "junction": "or",
        "status": {"conditions": {"$is": ["CANCELED"]}},
        "source_id": {"conditions": {"$in": ["5001"]}},
    }
    assert [record[0] for record in table(voucherify, filters=either)] == ["ID", "ord_3", "ord_1"]


def test_metadata_is_one_column_per_key_of_its_schema(voucherify):
    fields = ["id", "metadata", "status"]
    assert table(voucherify, fields=fields, order="created_at")[:2] == [
        ["ID", "channel", "note", "Status"],
        ["ord_1", "web", 'a "quoted", one', "PAID"],
    ]
    voucherify.put(
        "metadata_schemas", {"id": "ms_1", "related_object": "order", "properties": {"gift": {}, "channel": {}}}
    )
    assert table(voucherify, fields=fields, order="created_at")[:2] == [
        ["ID", "channel", "gift", "Status"],
        ["ord_1", "web", "", "PAID"],
    ]


def test_one_key_of_the_metadata_is_one_column(voucherify):
    assert table(voucherify, fields=["metadata.channel"], order="created_at") == [["channel"], ["web"], [""], [""]]


def test_columns_of_redemptions_come_from_nested_objects(voucherify):
    voucherify.put(
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
    assert table(voucherify, "redemption", fields=fields)[1] == [
        *("SPRING", "Spring", "7001", "Žofie", "123.45", "5.00", "2026-01-01T00:00:00.000Z")
    ]


def test_the_value_of_a_voucher_depends_on_its_type(voucherify):
    voucherify.put(
        "vouchers",
        {"id": "v_1", "code": "A", "type": "GIFT_VOUCHER", "gift": {"amount": 200_000, "balance": 100}},
        {"id": "v_2", "code": "B", "type": "LOYALTY_CARD", "loyalty_card": {"points": 0, "balance": 0}},
        {"id": "v_3", "code": "C", "type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 15}},
        {"id": "v_4", "code": "D", "type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 1000}},
    )
    assert table(voucherify, "voucher", order="code") == [
        ["Code", "Voucher Type", "Value", "Discount Type"],
        ["A", "GIFT_VOUCHER", "2000.00", ""],
        ["B", "LOYALTY_CARD", "0", ""],
        ["C", "DISCOUNT_VOUCHER", "15", "PERCENT"],
        ["D", "DISCOUNT_VOUCHER", "10.00", "AMOUNT"],
    ]


def test_transactions_of_every_list_come_once(voucherify):
    record = {"id": "vtx_1", "voucher_id": "v_1", "campaign_id": "camp_1", "created_at": "2026-01-01T00:00:00.000Z"}
    balance = {"type": "gift_voucher", "amount": -500, "balance": 1500}
    voucherify.put("voucher_transactions", record | {"details": {"balance": balance}}, scope="SPRING")
    voucherify.put("campaign_transactions", record | {"details": {"balance": balance}}, scope="camp_1")
    points = {"type": "loyalty_card", "points": 20, "balance": 120}
    second = {"id": "vtx_2", "created_at": "2026-01-02T00:00:00.000Z", "details": {"balance": points}}
    voucherify.put("voucher_transactions", second, scope="CARD")
    assert table(voucherify, "voucher_transactions", fields=["id", "amount", "balance"], order="created_at")[1:] == [
        ["vtx_1", "-5.00", "15.00"],
        ["vtx_2", "20", "120"],
    ]


def test_an_empty_export_has_only_a_header(voucherify):
    assert table(voucherify, "customer", fields=["id", "address_city"]) == [["ID", "Address City"]]


def test_the_file_is_plain_text_and_needs_keys_and_token(voucherify):
    url = voucherify.export_url()
    good = voucherify.request(url)
    assert good.headers["content-type"] == "text/plain; charset=utf-8"
    assert voucherify.request(url, headers={}).status_code == 401
    assert voucherify.request(url.partition("?")[0]).status_code == 401
    wrong = voucherify.request(url[:-1] + ("0" if url[-1] != "0" else "1"))
    assert (wrong.status_code, wrong.json()) == (401, {"code": 401, "message": "Unauthorized", "key": "unauthorized"})


def test_downloads_do_not_count_against_the_rate_limit(voucherify):
    url = voucherify.export_url()
    voucherify.set_switch("rate_limit", 1)
    assert [voucherify.request(url).status_code for _ in range(3)] == [200] * 3
    assert voucherify.sandbox.calls["voucherify//exports.download"] == 3


def test_a_file_may_expire(voucherify):
    url = voucherify.export_url()
    voucherify.set_switch("export_file_seconds", 3600)
    voucherify.sandbox.now += timedelta(seconds=3599)
    assert voucherify.request(url).status_code == 200
    voucherify.sandbox.now += timedelta(seconds=1)
    assert voucherify.request(url).status_code == 404


def test_a_range_request_returns_a_part_of_the_file(voucherify):
    url = voucherify.export_url()
    complete = voucherify.request(url)
    headers = voucherify.KEYS | {"Range": "bytes=5-", "If-Range": complete.headers["etag"]}
    part = voucherify.request(url, headers=headers)
    assert (part.status_code, part.content) == (206, complete.content[5:])
    assert part.headers["content-range"] == f"bytes 5-{len(complete.content) - 1}/{len(complete.content)}"
    assert voucherify.request(url, headers=voucherify.KEYS | {"Range": "bytes=0-3"}).content == complete.content[:4]
    beyond = voucherify.request(url, headers=voucherify.KEYS | {"Range": f"bytes={len(complete.content)}-"})
    assert beyond.status_code == 416
    assert voucherify.request(url, headers=headers | {"If-Range": '"another"'}).content == complete.content
    voucherify.set_switch("download_ranges", False)
    assert voucherify.request(url, headers=headers).status_code == 200


def test_a_transfer_may_stop_halfway(voucherify):
    url = voucherify.export_url()
    complete = voucherify.request(url).content
    voucherify.set_switch("download_breaks", 2)
    with serve(voucherify.sandbox) as served:
        parts = urlsplit(url)
        address = f"{served.url}{parts.path}?{parts.query}"
        received: list[bytes] = []
        with pytest.raises(httpx.RemoteProtocolError):
            fetch(address, voucherify.KEYS, received)
        assert b"".join(received) == complete[: len(complete) // 2]
        assert httpx.get(address, headers=voucherify.KEYS, trust_env=False).content == complete


def fetch(url, headers, received):
    with httpx.stream("GET", url, headers=headers, trust_env=False) as response:
        received.extend(response.iter_raw())
