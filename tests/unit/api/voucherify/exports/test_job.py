"""Voucherify's exports as jobs: requests, refused fields, status, finding one again, and when one is preferred."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from clocks import TurningClock
from fakes.exports import ALLOWED, SINCE, UNTIL, ExportsServer, add_export_of, client, csv_text, exported_records

from airflow_provider_partners.api.async_job import AsyncJob, JobState
from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS
from airflow_provider_partners.api.voucherify.filters import field
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError, RejectedError

# Requests


def test_a_job_sends_nothing_before_it_is_submitted() -> None:
    server = ExportsServer()
    job: AsyncJob = client(server).job("orders", since=SINCE, until=UNTIL)
    assert job.fingerprint
    assert job.window is not None
    assert server.requests == []


def test_a_window_is_requested_a_millisecond_wider() -> None:
    server = ExportsServer()
    client(server).job("redemptions", since=SINCE, until=UNTIL, fields=["id", "result"]).submit()
    assert server.bodies == [
        {
            "exported_object": "redemption",
            "parameters": {
                "order": "created_at",
                "filters": {
                    "junction": "and",
                    "created_at": {
                        "conditions": {
                            "$after": ["2026-04-30T23:59:59.999Z"],
                            "$before": ["2026-05-02T00:00:00.001Z"],
                        }
                    },
                },
                # The timestamp is requested too, to apply the window to the records.
                "fields": ["id", "result", "date"],
            },
        }
    ]


def test_a_window_may_apply_to_updates_where_the_list_has_them() -> None:
    server = ExportsServer()
    client(server).job("orders", since=SINCE, time_field="updated_at").submit()
    assert list(server.bodies[0]["parameters"]["filters"]["updated_at"]["conditions"]) == ["$after"]
    with pytest.raises(ConfigurationError, match=r"no time 'updated_at'.* Use one of: created_at"):
        client(server).job("redemptions", since=SINCE, time_field="updated_at")


def test_filters_may_hold_any_number_of_values() -> None:
    server = ExportsServer()
    ids = [f"v_{number}" for number in range(100)]
    client(server).job("voucher_transactions", filters=field("voucher_id").in_(ids), fields=["id"]).submit()
    assert server.bodies[0]["parameters"]["filters"] == {"voucher_id": {"conditions": {"$in": ids}}}


@pytest.mark.covers("voucherify.page.exports")
def test_the_published_example_of_an_export_of_orders_can_be_built() -> None:
    fields = [
        *("id", "source_id", "status", "created_at", "updated_at", "amount", "discount_amount"),
        *("items_discount_amount", "total_discount_amount", "total_amount", "customer_id", "referrer_id"),
        "metadata.payment_mean",
    ]
    server = ExportsServer()
    client(server).job(
        "order", fields=fields, sort="-updated_at", filters={"discount_amount": {"conditions": {"$more_than": 100000}}}
    ).submit()
    assert server.bodies[0] == {
        "exported_object": "order",
        "parameters": {
            "fields": fields,
            "order": "-updated_at",
            "filters": {"discount_amount": {"conditions": {"$more_than": [100000]}}},
        },
    }


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_every_object_is_exported_with_all_documented_fields_by_default(name: str) -> None:
    server = ExportsServer()
    client(server).job(name).submit()
    body = server.bodies[0]
    assert body["exported_object"] == EXPORTS[name].api_name
    assert body["parameters"]["fields"] == list(EXPORTS[name].fields)


@pytest.mark.parametrize(
    ("resource", "arguments", "message"),
    [
        ("campaigns", {}, "Use one of: redemptions"),
        ("orders", {"fields": ["items"]}, "no field 'items'. Use one of: .*metadata.x"),
        ("points_expiration", {"fields": ["metadata.x"]}, "no field"),
        ("orders", {"fields": "id"}, "not a list of fields"),
        ("orders", {"fields": []}, "not a list of fields"),
        ("orders", {"sort": "amount"}, "no sort 'amount'. Use one of: created_at, status, updated_at"),
        ("products", {"sort": "created_at"}, "Use one of: none"),
        ("points_expiration", {"since": SINCE}, "can't be filtered by time"),
        ("points_expiration", {"filters": field("status").is_("ACTIVE")}, r"Allowed: campaign_id \(any\)"),
        ("orders", {"since": SINCE, "filters": field("created_at").after(SINCE)}, "so do 'since' and 'until'"),
        ("orders", {"since": SINCE, "filters": field("status").is_(1) | field("amount").is_(2)}, "joined by 'or'"),
        ("orders", {"since": UNTIL, "until": SINCE}, "is empty"),
        ("orders", {"parameters": {"campaign_id": "camp_1"}}, "no parameter"),
        ("voucher_transactions", {"parents": {"code": "X"}}, "whole project"),
    ],
)
def test_an_impossible_export_is_an_error_before_any_request(
    resource: str, arguments: dict[str, Any], message: str
) -> None:
    server = ExportsServer()
    with pytest.raises(ConfigurationError, match=message):
        client(server).job(resource, **arguments)
    assert server.requests == []


def test_exports_need_the_key_of_a_project() -> None:
    with pytest.raises(ConfigurationError, match="server"):
        client(ExportsServer(), auth="management").job("orders")


def test_an_export_of_vouchers_may_be_limited_to_one_campaign() -> None:
    server = ExportsServer()
    client(server).job("vouchers", parameters={"campaign_id": "camp_1"}).submit()
    assert server.bodies[0]["parameters"]["campaign_id"] == "camp_1"


def test_equal_requests_have_equal_fingerprints() -> None:
    voucherify = client(ExportsServer())
    one = voucherify.job("orders", since=SINCE, until=UNTIL)
    assert one.fingerprint == voucherify.job("order", since=SINCE, until=UNTIL).fingerprint
    others = [
        voucherify.job("orders", since=SINCE),
        voucherify.job("orders", since=SINCE, until=UNTIL, fields=["id"]),
        voucherify.job("orders", since=SINCE, until=UNTIL, filters=field("status").is_("PAID")),
        client(ExportsServer(), application_id="another").job("orders", since=SINCE, until=UNTIL),
    ]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 5


# Refused fields


def test_refused_fields_are_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    server = ExportsServer(allowed=ALLOWED)
    job = client(server).job("redemptions")
    with caplog.at_level(logging.WARNING):
        assert job.submit() == "exp_1"
    assert [len(body["parameters"]["fields"]) for body in server.bodies] == [17, 16]
    assert "order_id" not in server.bodies[-1]["parameters"]["fields"]
    assert "does not export ['order_id']" in caplog.text


def test_a_refused_field_is_none_in_the_records() -> None:
    server = ExportsServer(csv_text("r_1,SUCCESS", header="ID,Result"), allowed="id, result")
    assert exported_records(server, "redemptions", fields=["id", "order_id", "result"]) == [
        {"id": "r_1", "order_id": None, "result": "SUCCESS"}
    ]


def test_metadata_fields_are_kept_when_metadata_is_allowed() -> None:
    server = ExportsServer(allowed="id, metadata, metadata.lang")
    client(server).job("redemptions", fields=["id", "order_id", "metadata.lang"]).submit()
    assert server.bodies[-1]["parameters"]["fields"] == ["id", "metadata.lang"]


def test_a_refusal_without_allowed_fields_drops_the_unreliable_ones() -> None:
    bodies = []

    def refuse(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        if "order_id" in bodies[-1]["parameters"]["fields"]:
            return httpx.Response(400, json={"code": 400, "key": "invalid_export_fields", "message": "Invalid Export"})
        return httpx.Response(200, json={"id": "exp_1"})

    assert client(refuse).job("redemptions", fields=["id", "order_id"]).submit() == "exp_1"
    assert bodies[-1]["parameters"]["fields"] == ["id"]


@pytest.mark.parametrize(
    ("allowed", "fields", "attempts"),
    [
        ("date, result", ["id"], 1),
        ("nothing", ["id", "result"], 1),
        # The allowed fields include metadata, so dropping metadata.x would not help.
        ("id, metadata", ["metadata.x"], 1),
        ("id, metadata", ["id", "order_id", "metadata.x"], 2),
    ],
)
def test_a_refusal_of_needed_fields_is_an_error(allowed: str, fields: list[str], attempts: int) -> None:
    server = ExportsServer(allowed=allowed)
    job = client(server).job("redemptions", fields=fields)
    with pytest.raises(RejectedError, match="Unsupported field used"):
        job.submit()
    assert len(server.bodies) == attempts


def test_the_field_of_the_window_is_never_left_out() -> None:
    with pytest.raises(RejectedError):
        client(ExportsServer(allowed="id, result")).job("redemptions", since=SINCE, fields=["id"]).submit()


def test_any_other_rejection_is_an_error_at_once() -> None:
    details = "Property .exported_object should be equal to one of the allowed values [ voucher, redemption ]"
    refusal = {"code": 400, "key": "invalid_payload", "message": "Invalid payload", "details": details}
    server = client(lambda _: httpx.Response(400, json=refusal))
    with pytest.raises(RejectedError, match="exported_object should be"):
        server.job("product_skus").submit()


def test_refused_credentials_are_an_authentication_error() -> None:
    voucherify = client(lambda _: httpx.Response(401, json={"code": 401, "message": "Unauthorized"}))
    with pytest.raises(AuthenticationError):
        voucherify.job("orders").submit()


# Status


@pytest.mark.parametrize(
    ("partner_status", "state"),
    [
        ("SCHEDULED", JobState.RUNNING),
        ("IN_PROGRESS", JobState.RUNNING),
        ("DONE", JobState.DONE),
        ("ERROR", JobState.FAILED),
        ("PAUSED", JobState.RUNNING),
    ],
)
def test_every_status_maps_to_a_state(partner_status: str, state: JobState) -> None:
    server = ExportsServer(statuses=partner_status)
    job = client(server).job("orders")
    status = job.status(job.submit())
    assert (status.state, status.partner_status, status.job_id) == (state, partner_status, "exp_1")
    assert bool(status.reason) == (state is JobState.FAILED)


def test_a_missing_export_has_failed() -> None:
    status = client(ExportsServer()).job_status("exp_unknown")
    assert status.state is JobState.FAILED
    assert "no such export" in status.reason


def test_an_id_cannot_lead_to_another_path() -> None:
    server = ExportsServer()
    client(server).job_status("../orders?x")
    assert server.requests[0].url.raw_path == b"/v1/exports/..%2Forders%3Fx"


def test_cancelling_deletes_the_export_and_may_be_repeated() -> None:
    server = ExportsServer()
    voucherify = client(server)
    job = voucherify.job("orders")
    id_ = job.submit()
    job.cancel(id_)
    voucherify.cancel_job(id_)
    assert server.exports == {}


# Finding


class ForgetfulServer(ExportsServer):
    """Creates the first export, and loses the response."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        response = super().__call__(request)
        if request.method == "POST" and len(self.bodies) == 1:
            message = "lost"
            raise httpx.ReadTimeout(message)
        return response


def test_after_a_lost_response_the_created_export_is_found_and_no_second_one_created() -> None:
    # Each POST creates another export: https://docs.voucherify.io/api-reference/exports/create-export
    server = ForgetfulServer()
    voucherify = client(server, clock=TurningClock(datetime(2026, 5, 3, tzinfo=UTC).timestamp()))
    assert voucherify.job("redemptions", since=SINCE, until=UNTIL).submit() == "exp_1"
    assert len(server.bodies) == 1


STRANGE = {"message": "OK"}
"""JSON of a gateway: an object, and no answer of the API."""


def with_strange_answers(server: ExportsServer) -> VoucherifyClient:
    """Return a client whose every third request a gateway answers, from the first one on."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=STRANGE) if len(seen) % 3 == 1 else server(request)

    return client(handle)


def test_a_strange_answer_is_no_export() -> None:
    """Without a status, an export would be polled for ever; without its object, it would be another one's."""
    server = ExportsServer(csv_text("ord_1,PAID", header="ID,Status"))
    job = with_strange_answers(server).job("orders", fields=["id", "status"])
    job_id = job.submit()
    assert job.status(job_id).state is JobState.DONE
    assert job.find(datetime(2026, 1, 1, tzinfo=UTC)) == job_id
    assert list(job.extraction(job_id).records()) == [{"id": "ord_1", "status": "PAID"}]
    assert len(server.bodies) == 1


def test_an_export_with_the_same_request_is_found() -> None:
    server = ExportsServer()
    job = client(server).job("redemptions", since=SINCE, filters=field("result").is_("SUCCESS"))
    add_export_of(server, job, "exp_other", parameters={"filters": {}})
    add_export_of(server, job, "exp_mine")
    assert job.find(SINCE) == "exp_mine"


@pytest.mark.parametrize(
    "changed",
    [
        {"exported_object": "voucher"},
        {"status": "ERROR"},
        {"created_at": "2026-04-30T23:59:59.000Z"},
        {"created_at": "?"},
        {"fields": ["id"]},
        {"fields": None},
        {"parameters": {"order": "-created_at"}},
        {"parameters": {"filters": {}}},
        {"parameters": {"filters": {"status": {"conditions": {"$is": ["CREATED"]}}}}},
        {
            "parameters": {
                "filters": {"status": {"conditions": {"$is": ["PAID"]}}, "amount": {"conditions": {"$is": 1}}}
            }
        },
    ],
)
def test_an_export_with_another_request_is_not_found(changed: dict[str, Any]) -> None:
    server = ExportsServer()
    job = client(server).job("orders", filters=field("status").is_("PAID"))
    server.add("exp_0", exported_object="order", parameters=None)
    add_export_of(server, job, "exp_1", **changed)
    assert job.find(SINCE) is None


def test_an_export_without_an_unreliable_field_is_found() -> None:
    server = ExportsServer()
    job = client(server).job("redemptions")
    add_export_of(server, job, "exp_1", fields=[name for name in job.requested_fields if name != "order_id"])
    assert job.find(SINCE) == "exp_1"


def test_an_export_is_found_despite_single_values_and_an_added_order() -> None:
    server = ExportsServer()
    job = client(server).job("products", filters=field("name").is_("x"))
    add_export_of(
        server,
        job,
        "exp_1",
        parameters={"order": "-created_at", "filters": {"name": {"conditions": {"$is": "x"}}}},
    )
    assert job.find(SINCE) == "exp_1"


def test_the_list_of_exports_is_read_no_further_than_needed() -> None:
    server = ExportsServer()
    job = client(server).job("orders")
    for number in range(150):
        server.add(f"exp_new_{number}", exported_object="voucher", parameters={})
    for number in range(300):
        server.add(f"exp_old_{number}", exported_object="order", parameters={}, created_at="2026-04-01T00:00:00.000Z")
    assert job.find(SINCE) is None
    assert [request.url.params["page"] for request in server.requests] == ["1", "2"]


# When an export is preferred


def client_of_a_list_with(total: int) -> tuple[VoucherifyClient, list[httpx.Request]]:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"object": "list", "data_ref": "data", "data": [], "total": total})

    return client(answer), requests


@pytest.mark.covers("voucherify.page.exports")
@pytest.mark.parametrize(("total", "preferred"), [(10_000, False), (10_001, True)])
def test_an_export_is_preferred_for_a_list_longer_than_its_pages(total: int, preferred: bool) -> None:
    voucherify, requests = client_of_a_list_with(total)
    assert voucherify.prefers_job("orders") is preferred
    assert [request.url.params["limit"] for request in requests] == ["1"]


@pytest.mark.parametrize("resource", ["redemptions", "vouchers", "customers", "campaigns", "voucher_transactions"])
def test_pages_are_preferred_for_a_list_that_time_can_split(resource: str) -> None:
    voucherify, requests = client_of_a_list_with(1_000_000)
    assert voucherify.prefers_job(resource, since=SINCE, until=UNTIL) is False
    assert requests == []


@pytest.mark.parametrize("resource", ["orders", "publications", "points_expiration"])
def test_an_export_is_preferred_where_only_an_export_can_answer(resource: str) -> None:
    """Time cannot filter the lists of orders and publications, and no list holds a project's expiring points."""
    voucherify, requests = client_of_a_list_with(1)
    assert voucherify.prefers_job(resource, since=SINCE, until=UNTIL) is True
    assert requests == []


def test_pages_are_preferred_for_parameters_that_the_export_lacks() -> None:
    voucherify, requests = client_of_a_list_with(1_000_000)
    assert voucherify.prefers_job("publications", parameters={"result": "SUCCESS"}) is False
    assert voucherify.prefers_job("publications", filters=field("result").is_("SUCCESS")) is True
    assert requests[0].url.params["filters[result][conditions][$is]"] == "SUCCESS"
