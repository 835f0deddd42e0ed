"""Conditions: one look at a partner, told without a record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.pagination.page import Page
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.triggers.conditions import CONDITIONS, MAX_IDS, evaluate

ROWS = [
    {"id": f"r-{number}", "at": f"2026-05-01T10:{number:02}:00Z", "email": "jane@example.com", "shop": {"id": number}}
    for number in range(30)
]


class Partner:
    """A list of thirty in pages, a job, and a few orders."""

    def __init__(self, rows=ROWS, key=("id",), size=2, state=JobState.DONE, orders=None):
        self.rows, self.key, self.size, self.state, self.held = rows, key, size, state, orders or {}
        self.asked, self.pages = None, []

    def extract(self, resource, **asked):
        self.asked = {"resource": resource, **asked}
        return Extraction(
            source="fake", resource=resource, key=self.key, request={}, segments=[Segment("all", self.page)]
        )

    def page(self, cursor):
        begin = cursor.get("from", 0)
        self.pages.append(begin)
        end = begin + self.size
        return Page(self.rows[begin:end], {"from": end} if end < len(self.rows) else None)

    def job_status(self, job_id):
        return JobStatus(
            job_id=job_id, state=self.state, partner_status=self.state.upper(), record_count=7, reason="out of order"
        )

    def orders(self, ids):
        self.asked = ids
        return {id_: self.held[id_] for id_ in ids if id_ in self.held}


def records(partner, at_least=1, time_field="at", **asked):
    question = {"resource": "returns", "at_least": at_least, "time_field": time_field, "query": asked}
    return evaluate("records", partner, json.loads(json.dumps(question)))


def test_a_list_with_enough_records_is_met_and_told_by_ids_and_times():
    found = records(Partner(), at_least=3)
    assert found.met
    assert found.details == {
        "resource": "returns",
        "records": 3,
        "first": "2026-05-01T10:00:00Z",
        "last": "2026-05-01T10:02:00Z",
        "ids": ["r-0", "r-1", "r-2"],
    }


def test_no_more_pages_are_read_than_are_needed():
    partner = Partner()
    records(partner, at_least=3)
    assert partner.pages == [0, 2]


def test_a_list_with_too_few_records_is_not_met_yet():
    found = records(Partner(rows=ROWS[:4]), at_least=5)
    assert (found.met, found.impossible_reason, found.details["records"]) == (False, "", 4)


def test_an_empty_list_is_not_met():
    found = records(Partner(rows=[]))
    assert not found.met
    assert found.details == {"resource": "returns", "records": 0, "first": None, "last": None, "ids": []}


def test_of_many_records_only_some_ids_are_told():
    found = records(Partner(), at_least=30)
    assert (found.details["records"], len(found.details["ids"])) == (30, MAX_IDS)


def test_nothing_of_a_record_is_told_but_its_id_and_time():
    assert "jane" not in json.dumps(records(Partner(), at_least=30).details)


def test_times_become_moments_again_and_seconds_a_span():
    partner = Partner()
    records(partner, since="2026-05-01T00:00:00+02:00", until="2026-05-02T00:00:00Z", walk_lookback=60.0, shop="a")
    assert partner.asked["since"] == datetime(2026, 4, 30, 22, tzinfo=UTC)
    assert partner.asked["until"] == datetime(2026, 5, 2, tzinfo=UTC)
    assert partner.asked["walk_lookback"] == timedelta(minutes=1)
    assert partner.asked["shop"] == "a"


def test_a_window_that_has_not_begun_is_checked_but_not_read():
    partner = Partner()
    found = records(partner, since="2999-01-01T00:00:00Z", filter="x")
    assert (found.met, found.details["records"], partner.pages) == (False, 0, [])
    assert partner.asked["filter"] == "x"
    assert partner.asked["until"] > partner.asked["since"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (1_777_629_600, "2026-05-01T10:00:00Z"),
        ("2026-05-01T12:00:00+02:00", "2026-05-01T10:00:00Z"),
        (None, None),
        ("soon", None),
        (10.0**18, None),
    ],
)
def test_times_are_told_in_one_form(value, told):
    found = records(Partner(rows=[{"id": 1, "at": value}])).details
    assert (found["first"], found["last"]) == (told, told)


def test_a_list_without_times_is_told_without_them():
    assert records(Partner(), time_field=None).details["first"] is None


def test_ids_of_several_fields_are_joined():
    assert records(Partner(key=("id", "shop.id", "missing"))).details["ids"] == ["r-0|0|"]


def test_an_export_that_is_made_is_met():
    found = evaluate("export", Partner(), {"job_id": "exp_1"})
    assert (found.met, found.details) == (True, {"export_id": "exp_1", "status": "DONE", "records": 7})


def test_an_export_under_way_is_not_met_yet():
    found = evaluate("export", Partner(state=JobState.RUNNING), {"job_id": "exp_1"})
    assert (found.met, found.impossible_reason) == (False, "")


def test_an_export_that_failed_never_will_be():
    found = evaluate("export", Partner(state=JobState.FAILED), {"job_id": "exp_1"})
    assert not found.met
    assert found.impossible_reason == "the export exp_1 ended as FAILED: out of order"


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
    partner = Partner(orders={"1": {"line_items": TWO, "fulfillments": fulfillments}})
    assert evaluate("orders", partner, {"external_ids": ["1"], "state": "fulfilled"}).met is fulfilled


@pytest.mark.parametrize(("arrived", "met"), [([True, True], True), ([True, False], False), ([True, None], False)])
def test_an_order_is_delivered_when_all_that_was_shipped_is(arrived, met):
    parcels = [fulfillment("success", part, delivered=each) for part, each in zip(TWO, arrived, strict=True)]
    partner = Partner(orders={"1": {"line_items": TWO, "fulfillments": parcels}})
    assert evaluate("orders", partner, {"external_ids": ["1"], "state": "delivered"}).met is met


def test_all_orders_have_to_be_there():
    partner = Partner(orders={"1": {}, "2": {}})
    found = evaluate("orders", partner, {"external_ids": ["1", "2", "3"], "state": "exists"})
    assert not found.met
    assert found.details == {"state": "exists", "orders": 2, "of": 3, "ids": ["1", "2"], "waiting": ["3"]}
    partner.held["3"] = {}
    assert evaluate("orders", partner, {"external_ids": ["1", "2", "3"], "state": "exists"}).met


def test_an_order_whose_keys_yotpo_omits_is_not_fulfilled():
    found = evaluate("orders", Partner(orders={"1": {}}), {"external_ids": ["1"], "state": "fulfilled"})
    assert (found.met, found.impossible_reason) == (False, "")


def test_an_order_cancelled_before_it_was_fulfilled_never_will_be():
    partner = Partner(orders={"1": {"line_items": TWO, "cancellation": {"cancellation_date": "2026-05-01"}}})
    found = evaluate("orders", partner, {"external_ids": ["1"], "state": "fulfilled"})
    assert found.impossible_reason == "1 orders were cancelled before they were fulfilled: 1"
    assert evaluate("orders", partner, {"external_ids": ["1"], "state": "exists"}).met


def test_an_unknown_state_of_an_order_is_refused_with_those_that_exist():
    with pytest.raises(ConfigurationError, match="exists, fulfilled, delivered"):
        evaluate("orders", Partner(), {"external_ids": ["1"], "state": "shipped"})


def test_an_unknown_condition_is_refused_with_those_that_exist():
    with pytest.raises(ConfigurationError, match="Use one of: records, export, orders"):
        evaluate("os.system", Partner(), {})
    assert list(CONDITIONS) == ["records", "export", "orders"]
