"""Conditions: one evaluation, with details that hold no record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.pagination.page import Page
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.triggers.conditions import CONDITIONS, MAX_IDS, evaluate

RECORDS = [
    {"id": f"r-{number}", "at": f"2026-05-01T10:{number:02}:00Z", "email": "jane@example.com", "shop": {"id": number}}
    for number in range(30)
]


class FakePartner:
    """A partner with a paged list of thirty records, an async job, and a few orders."""

    def __init__(self, list_records=RECORDS, key=("id",), size=2, state=JobState.DONE, orders=None):
        self.records, self.key, self.size, self.state, self.stored_orders = list_records, key, size, state, orders or {}
        self.query, self.pages = None, []

    def extract(self, resource, **query):
        self.query = {"resource": resource, **query}
        return Extraction(
            source="fake", resource=resource, key=self.key, request={}, segments=[Segment("all", self.page)]
        )

    def page(self, cursor):
        start = cursor.get("from", 0)
        self.pages.append(start)
        end = start + self.size
        return Page(self.records[start:end], {"from": end} if end < len(self.records) else None)

    def job_status(self, job_id):
        return JobStatus(
            job_id=job_id, state=self.state, partner_status=self.state.upper(), record_count=7, reason="out of order"
        )

    def orders(self, ids):
        self.query = ids
        return {id_: self.stored_orders[id_] for id_ in ids if id_ in self.stored_orders}


def check_records(partner, at_least=1, time_field="at", **query):
    spec = {"resource": "returns", "at_least": at_least, "time_field": time_field, "query": query}
    return evaluate("records", partner, json.loads(json.dumps(spec)))


def test_a_list_with_enough_records_meets_it_with_ids_and_times():
    result = check_records(FakePartner(), at_least=3)
    assert result.met
    assert result.details == {
        "resource": "returns",
        "records": 3,
        "first": "2026-05-01T10:00:00Z",
        "last": "2026-05-01T10:02:00Z",
        "ids": ["r-0", "r-1", "r-2"],
    }


def test_no_more_pages_are_read_than_are_needed():
    partner = FakePartner()
    check_records(partner, at_least=3)
    assert partner.pages == [0, 2]


def test_a_list_with_too_few_records_is_not_met_yet():
    result = check_records(FakePartner(list_records=RECORDS[:4]), at_least=5)
    assert (result.met, result.impossible_reason, result.details["records"]) == (False, "", 4)


def test_an_empty_list_is_not_met():
    result = check_records(FakePartner(list_records=[]))
    assert not result.met
    assert result.details == {"resource": "returns", "records": 0, "first": None, "last": None, "ids": []}


def test_the_details_have_only_some_ids_of_many_records():
    result = check_records(FakePartner(), at_least=30)
    assert (result.details["records"], len(result.details["ids"])) == (30, MAX_IDS)


def test_the_details_have_only_id_and_time_of_a_record():
    assert "jane" not in json.dumps(check_records(FakePartner(), at_least=30).details)


def test_times_and_seconds_of_the_query_are_parsed():
    partner = FakePartner()
    check_records(
        partner, since="2026-05-01T00:00:00+02:00", until="2026-05-02T00:00:00Z", walk_lookback=60.0, shop="a"
    )
    assert partner.query["since"] == datetime(2026, 4, 30, 22, tzinfo=UTC)
    assert partner.query["until"] == datetime(2026, 5, 2, tzinfo=UTC)
    assert partner.query["walk_lookback"] == timedelta(minutes=1)
    assert partner.query["shop"] == "a"


def test_a_window_in_the_future_is_validated_but_not_read():
    partner = FakePartner()
    result = check_records(partner, since="2999-01-01T00:00:00Z", filter="x")
    assert (result.met, result.details["records"], partner.pages) == (False, 0, [])
    assert partner.query["filter"] == "x"
    assert partner.query["until"] > partner.query["since"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_777_629_600, "2026-05-01T10:00:00Z"),
        ("2026-05-01T12:00:00+02:00", "2026-05-01T10:00:00Z"),
        (None, None),
        ("soon", None),
        (10.0**18, None),
    ],
)
def test_times_have_one_form(value, expected):
    result = check_records(FakePartner(list_records=[{"id": 1, "at": value}])).details
    assert (result["first"], result["last"]) == (expected, expected)


def test_a_list_without_times_has_none_in_the_details():
    assert check_records(FakePartner(), time_field=None).details["first"] is None


def test_ids_of_several_fields_are_joined():
    assert check_records(FakePartner(key=("id", "shop.id", "missing"))).details["ids"] == ["r-0|0|"]


def test_a_done_export_meets_it():
    result = evaluate("export", FakePartner(), {"job_id": "exp_1"})
    assert (result.met, result.details) == (True, {"export_id": "exp_1", "status": "DONE", "records": 7})


def test_a_running_export_does_not_meet_it_yet():
    result = evaluate("export", FakePartner(state=JobState.RUNNING), {"job_id": "exp_1"})
    assert (result.met, result.impossible_reason) == (False, "")


def test_a_failed_export_makes_it_impossible():
    result = evaluate("export", FakePartner(state=JobState.FAILED), {"job_id": "exp_1"})
    assert not result.met
    assert result.impossible_reason == "the export exp_1 ended as FAILED: out of order"


def line(product, quantity=1):
    return {"external_product_id": product, "quantity": quantity}


def fulfillment(status, *lines, delivered=None):
    shipment = {} if delivered is None else {"shipment_status": "delivered" if delivered else "in_transit"}
    return {"status": status, "fulfilled_items": list(lines), "shipment_info": shipment}


TWO = [line("p-1", 2), line("p-2")]


@pytest.mark.parametrize(
    ("fulfillments", "fulfilled"),
    [
        ([], False),
        ([fulfillment("success", line("p-1", 2), line("p-2"))], True),
        ([fulfillment("success", line("p-1")), fulfillment("success", line("p-1"), line("p-2"))], True),
        ([fulfillment("success", line("p-1", 2))], False),
        ([fulfillment("success", line("p-1", 2)), fulfillment("cancelled", line("p-2"))], True),
        ([fulfillment("cancelled", line("p-1", 2), line("p-2"))], False),
        ([fulfillment("pending", line("p-1", 2), line("p-2"))], False),
        ([fulfillment("error", line("p-1", 2)), fulfillment("success", line("p-2"))], False),
    ],
)
def test_an_order_is_fulfilled_when_every_unit_is_shipped_or_cancelled(fulfillments, fulfilled):
    partner = FakePartner(orders={"1": {"line_items": TWO, "fulfillments": fulfillments}})
    assert evaluate("orders", partner, {"external_ids": ["1"], "state": "fulfilled"}).met is fulfilled


@pytest.mark.parametrize(("arrived", "met"), [([True, True], True), ([True, False], False), ([True, None], False)])
def test_an_order_is_delivered_when_every_shipment_is(arrived, met):
    parcels = [fulfillment("success", part, delivered=each) for part, each in zip(TWO, arrived, strict=True)]
    partner = FakePartner(orders={"1": {"line_items": TWO, "fulfillments": parcels}})
    assert evaluate("orders", partner, {"external_ids": ["1"], "state": "delivered"}).met is met


def test_every_order_has_to_exist():
    partner = FakePartner(orders={"1": {}, "2": {}})
    result = evaluate("orders", partner, {"external_ids": ["1", "2", "3"], "state": "exists"})
    assert not result.met
    assert result.details == {"state": "exists", "orders": 2, "of": 3, "ids": ["1", "2"], "waiting": ["3"]}
    partner.stored_orders["3"] = {}
    assert evaluate("orders", partner, {"external_ids": ["1", "2", "3"], "state": "exists"}).met


def test_an_order_without_fulfillments_is_not_fulfilled():
    result = evaluate("orders", FakePartner(orders={"1": {}}), {"external_ids": ["1"], "state": "fulfilled"})
    assert (result.met, result.impossible_reason) == (False, "")


def test_an_order_that_was_cancelled_before_makes_it_impossible():
    partner = FakePartner(orders={"1": {"line_items": TWO, "cancellation": {"cancellation_date": "2026-05-01"}}})
    result = evaluate("orders", partner, {"external_ids": ["1"], "state": "fulfilled"})
    assert result.impossible_reason == "1 orders were cancelled before they were fulfilled: 1"
    assert evaluate("orders", partner, {"external_ids": ["1"], "state": "exists"}).met


def test_an_unknown_state_of_an_order_is_refused_with_those_that_exist():
    with pytest.raises(ConfigurationError, match="exists, fulfilled, delivered"):
        evaluate("orders", FakePartner(), {"external_ids": ["1"], "state": "shipped"})


def test_an_unknown_condition_is_refused_with_those_that_exist():
    with pytest.raises(ConfigurationError, match="Use one of: records, export, orders"):
        evaluate("os.system", FakePartner(), {})
    assert list(CONDITIONS) == ["records", "export", "orders", "freshness"]
