"""Voucherify's export jobs: created, polled, finished or failed, deleted, refused."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

# The job


def test_an_export_is_scheduled_then_in_progress_then_done(voucherify):
    export = voucherify.post_export(fields=["id"]).json()
    assert set(export) == {
        *("id", "object", "created_at", "status", "channel", "exported_object", "parameters", "result", "user_id")
    }
    assert (export["status"], export["result"], export["channel"]) == ("SCHEDULED", None, "API")
    assert export["id"].startswith("exp_")
    assert export["created_at"] == "2026-06-01T12:00:00.000Z"
    path = f"/v1/exports/{export['id']}"
    assert [voucherify.get_json(path)["status"] for _ in range(3)] == ["IN_PROGRESS", "DONE", "DONE"]
    assert voucherify.get_json(path)["result"]["url"].startswith(f"http://sandbox/voucherify/download{path}?token=")


def test_an_export_may_take_time_instead_of_calls(voucherify):
    voucherify.set_switch("export_seconds", 60)
    path = f"/v1/exports/{voucherify.post_export().json()['id']}"
    assert [voucherify.get_json(path)["status"] for _ in range(5)] == ["SCHEDULED"] * 5
    voucherify.sandbox.now += timedelta(seconds=59)
    assert voucherify.get_json(path)["status"] == "IN_PROGRESS"
    voucherify.sandbox.now += timedelta(seconds=1)
    assert voucherify.get_json(path)["status"] == "DONE"


def test_an_export_may_fail(voucherify):
    voucherify.set_switch("export_outcome", "ERROR")
    path = f"/v1/exports/{voucherify.post_export().json()['id']}"
    voucherify.get_json(path)
    failed = voucherify.get_json(path)
    assert (failed["status"], failed["result"]) == ("ERROR", None)


def test_exports_are_listed_with_their_parameters_and_newest_first(voucherify):
    first = voucherify.post_export(fields=["id"], filters={"status": {"conditions": {"$is": ["PAID"]}}}).json()
    voucherify.sandbox.now += timedelta(seconds=1)
    second = voucherify.post_export("redemption").json()
    body = voucherify.get_json("/v1/exports")
    assert [each["id"] for each in body["exports"]] == [second["id"], first["id"]]
    assert body["exports"][1]["parameters"] == first["parameters"]
    assert (body["total"], body["data_ref"]) == (2, "exports")
    assert voucherify.sandbox.calls["voucherify//exports.create"] == 2


def test_an_export_may_show_its_parameters_with_defaults(voucherify):
    voucherify.set_switch("export_echo", "filled")
    export = voucherify.post_export(fields=["id"]).json()
    assert export["parameters"] == {"order": "-created_at", "fields": ["id"], "filters": {"junction": "and"}}


def test_finished_exports_in_the_list_have_an_address(voucherify):
    url = voucherify.export_url()
    assert voucherify.get_json("/v1/exports")["exports"][0]["result"]["url"] == url


def test_a_deleted_export_and_its_file_are_404(voucherify):
    url = voucherify.export_url()
    path = urlsplit(url).path.removeprefix("/voucherify/download")
    assert voucherify.request(path, "DELETE").status_code == 204
    assert voucherify.request(path).status_code == 404
    assert voucherify.request(path, "DELETE").status_code == 404
    assert voucherify.request(url).status_code == 404


def test_orders_have_their_own_export_path(voucherify):
    response = voucherify.request("/v1/orders/export", "POST", json={"parameters": {"fields": ["id"]}})
    assert (response.status_code, response.json()["exported_object"]) == (200, "order")
    assert voucherify.request("/v1/orders/export", "POST", json={}).status_code == 200


# Errors


def test_an_unsupported_object_is_refused_with_the_documented_words(voucherify):
    voucherify.set_switch(
        "export_objects", ["voucher", "redemption", "customer", "publication", "order", "points_expiration"]
    )
    response = voucherify.post_export("sku")
    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
    assert response.json()["details"] == (
        "Property .exported_object should be equal to one of the allowed values "
        "[ voucher, redemption, customer, publication, order, points_expiration ]"
    )


def test_an_unsupported_field_is_refused_with_the_documented_words(voucherify):
    voucherify.set_switch("export_refused_fields", {"redemption": ["order_id"]})
    assert voucherify.post_export("redemption", fields=["id", "metadata.x"]).status_code == 200
    response = voucherify.post_export("redemption", fields=["id", "order_id"])
    body = response.json()
    assert response.status_code == 400
    assert body.pop("request_id").startswith("v-")
    assert body == {
        "code": 400,
        "key": "invalid_export_fields",
        "message": "Invalid Export",
        "details": "Unsupported field used. Allowed fields: id, object, date, voucher_code, campaign, "
        "promotion_tier_id, customer_id, customer_source_id, customer_name, tracking_id, order_amount, gift_amount, "
        "loyalty_points, result, failure_code, failure_message, metadata",
    }


@pytest.mark.parametrize(
    "parameters",
    [
        {"order": "amount"},
        {"fields": "id"},
        {"filters": {"status": {"$is": "PAID"}}},
        {"filters": {"status": {"conditions": {"$like": ["PAID"]}}}},
        {"filters": {"junction": "xor"}},
        {"filters": {"created_at": {"conditions": {"$after": ["soon"]}}}},
    ],
)
def test_invalid_parameters_are_refused(voucherify, parameters):
    response = voucherify.post_export(**parameters)
    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")


@pytest.mark.parametrize("body", [None, [], "x", {}, {"exported_object": "order", "parameters": "x"}])
def test_an_invalid_body_is_refused(voucherify, body):
    assert voucherify.request("/v1/exports", "POST", json=body).status_code == 400
