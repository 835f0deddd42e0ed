"""Voucherify's operators: which bounds of time they send, what a template may hold, and qualifications.

``created_at`` with one bound is documented at https://docs.voucherify.io/api-reference/listing, qualifications in
https://github.com/voucherifyio/voucherify-openapi.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from fakes.voucherify import voucherify_client

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.api.voucherify.filters import field
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.operators.voucherify import (
    VoucherifyExtractOperator,
    VoucherifyQualificationsOperator,
    VoucherifyRequestOperator,
)
from airflow_provider_partners.sensors.voucherify import VoucherifyRecordsSensor

DAY = {"data_interval_start": datetime(2026, 5, 1, tzinfo=UTC), "data_interval_end": datetime(2026, 5, 2, tzinfo=UTC)}
PAGING = {"page", "limit", "order", "filters[junction]"}


class Lists:
    """Answers every list with no records and every qualification with two pages; stores the requests."""

    def __init__(self) -> None:
        self.queries: list[dict[str, str]] = []
        self.bodies: list[Any] = []
        self.fails_at: int | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return self._qualify(json.loads(request.read()))
        query = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        self.queries.append({name: value for name, value in query.items() if name not in PAGING})
        return httpx.Response(200, json={"object": "list", "data_ref": "data", "data": [], "total": 0})

    def _qualify(self, body: Any) -> httpx.Response:
        self.bodies.append(body)
        if len(self.bodies) == self.fails_at:
            return httpx.Response(400, json={"code": 400, "key": "invalid_payload", "message": "Invalid payload"})
        is_second = "starting_after" in body["options"]
        record = {"id": f"CODE-{is_second + 1}", "object": "voucher", "created_at": "2026-05-01T00:00:00.000Z"}
        page = {"object": "list", "data_ref": "data", "data": [record], "has_more": not is_second}
        return httpx.Response(200, json={"redeemables": {**page, "more_starting_after": "2026-04-01T00:00:00.000Z"}})


@pytest.fixture
def api(monkeypatch, tmp_path) -> Lists:
    connection = {"conn_type": "voucherify", "login": "app-id-1234", "password": "the-secret-key"}
    monkeypatch.setenv("AIRFLOW_CONN_VOUCHERIFY_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", "memory://")
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    lists = Lists()
    monkeypatch.setattr(VoucherifyHook, "build_client", lambda hook, connection: voucherify_client(lists))
    return lists


def execute(operator: Any, **context: Any) -> Any:
    task = SimpleNamespace(dag_id="dag", task_id=operator.task_id, run_id="run", map_index=-1)
    return operator.execute({"ti": task, **context})


def extract(**arguments: Any) -> Any:
    operator = VoucherifyExtractOperator(task_id="extract", **arguments)
    return execute(operator, **DAY)


@pytest.mark.covers("voucherify.created_at.before", "voucherify.created_at.after")
@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        # without arguments, the data interval, a millisecond wider on both sides
        ({}, {"created_at[after]": "2026-04-30T23:59:59.999Z", "created_at[before]": "2026-05-02T00:00:00.001Z"}),
        ({"until": "2026-05-01"}, {"created_at[before]": "2026-05-01T00:00:00.001Z"}),
        (
            {"since": "2026-04-01"},
            {"created_at[after]": "2026-03-31T23:59:59.999Z", "created_at[before]": "2026-05-02T00:00:00.001Z"},
        ),
        ({"parameters": {"created_at": {"after": "2026-04-01"}}}, {"created_at[after]": "2026-04-01"}),
        ({"parameters": {"created_at": {"before": "2026-04-01"}}}, {"created_at[before]": "2026-04-01"}),
        (
            {"parameters": {"created_at": {"after": "2026-04-01 00:00:00+00:00"}}},  # as a template renders a timestamp
            {"created_at[after]": "2026-04-01T00:00:00.000Z"},
        ),
        ({"parameters": '{"created_at": {"after": "2026-04-01"}}'}, {"created_at[after]": "2026-04-01"}),
        (
            {"parameters": {"created_at": {"after": datetime(2026, 4, 1, tzinfo=UTC)}}},
            {"created_at[after]": "2026-04-01T00:00:00.000Z"},
        ),
    ],
)
def test_the_bounds_of_redemptions_are_those_given(api: Lists, arguments: Any, query: dict[str, str]) -> None:
    extract(resource="redemptions", **arguments)

    assert api.queries == [query]


@pytest.mark.parametrize(
    "filters",
    [
        {"created_at": {"conditions": {"$after": "2026-04-01T00:00:00.000Z"}}},
        '{"created_at": {"conditions": {"$after": "2026-04-01T00:00:00.000Z"}}}',
        {"created_at": {"conditions": {"$after": ["2026-04-01 00:00:00+00:00"]}}},
        field("created_at").after(datetime(2026, 4, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("name", ["vouchers", "products", "product_skus", "promotion_stacks", "segments"])
def test_a_filter_of_time_is_the_window(api: Lists, name: str, filters: Any) -> None:
    extract(resource=name, filters=filters, parents={"product_id": "p"} if name == "product_skus" else None)

    # segments are read backwards in time by the same filter, so the client applies the range itself
    expected = "2026-03-31T23:59:59.999Z" if name == "segments" else "2026-04-01T00:00:00.000Z"
    (query,) = api.queries
    assert {key.removesuffix("[0]"): value for key, value in query.items()} == {
        "filters[created_at][conditions][$after]": expected
    }


@pytest.mark.parametrize("name", ["orders", "publications", "rewards", "categories", "loyalty_programs"])
@pytest.mark.parametrize(("bound", "side"), [("since", "after"), ("until", "before")])
def test_a_list_without_a_time_of_its_own_takes_one_bound(api: Lists, name: str, bound: str, side: str) -> None:
    reference = extract(resource=name, mode="paged", **{bound: "2026-05-01"})

    assert f"created_at[{side}]" in api.queries[0]
    assert (reference["window"] is None) == (bound == "until")  # since alone ends with the data interval


def test_an_export_takes_one_bound_too() -> None:
    from airflow_provider_partners.api.voucherify.client import VoucherifyClient

    client = VoucherifyClient(application_id="app", secret_key="key")
    for bound, operator in (("since", "$after"), ("until", "$before")):
        job = client.job("orders", **{bound: "2026-05-01"})
        assert list(job.parameters["filters"]["created_at"]["conditions"]) == [operator]


def test_an_unknown_list_is_still_named_with_until_alone(api: Lists) -> None:
    with pytest.raises(AirflowFailException, match="did you mean 'redemptions'"):
        extract(resource="redemption", until="2026-05-01")


def poke(sensor: Any) -> Any:
    return sensor.poke({"ti": SimpleNamespace(task_id="wait", try_number=1)})


def test_a_sensor_sends_one_bound_alone(api: Lists) -> None:
    for bound, side in (("since", "after"), ("until", "before")):
        sensor = VoucherifyRecordsSensor(task_id="wait", resource="orders", **{bound: "2026-05-01"})
        assert not poke(sensor).is_done
        assert list(api.queries[-1]) == [f"created_at[{side}]"]
    sensor = VoucherifyRecordsSensor(task_id="wait", resource="redemptions", filters=field("result").is_("SUCCESS"))
    assert not poke(sensor).is_done
    assert api.queries[-1] == {"filters[result][conditions][$is]": "SUCCESS"}


@pytest.mark.parametrize(
    "operator", [VoucherifyExtractOperator, VoucherifyQualificationsOperator, VoucherifyRequestOperator]
)
def test_every_argument_is_templated_and_structures_render_as_json(operator: Any) -> None:
    import inspect

    own = set(inspect.signature(operator).parameters) - {"kwargs", "deferrable"}
    assert own <= set(operator.template_fields)
    structures = own & {"parents", "filters", "parameters", "match", "customer", "order", "metadata", "json"}
    assert {operator.template_fields_renderers[name] for name in structures} == {"json"}


def test_rendered_text_is_as_good_as_values(api: Lists) -> None:
    extract(
        resource="vouchers",
        page_size="5",
        mode="paged",
        time_field="updated_at",
        sort="",
        fields="",
        filters='{"active": {"conditions": {"$enabled": ""}}}',
        skip_without_connection="false",
    )

    assert set(api.queries[0]) == {
        "updated_at[after]",
        "updated_at[before]",
        "filters[active][conditions][$enabled]",
    }


def test_templates_inside_of_a_filter_are_rendered() -> None:
    """As in a mapping. Airflow renders mappings and lists, and no other objects."""
    for kind in (VoucherifyExtractOperator, VoucherifyRecordsSensor):
        task = kind(task_id="extract", resource="vouchers", filters=field("metadata.day").is_("{{ ds }}"))
        task.render_template_fields({"ds": "2026-05-01"})
        assert task.filters == {"metadata.day": {"conditions": {"$is": ["2026-05-01"]}}}


def qualify(api: Lists, **arguments: Any) -> Any:
    return execute(VoucherifyQualificationsOperator(task_id="qualify", **arguments))


def test_qualifications_are_extracted_to_a_dataset_and_xcom_names_no_customer(api: Lists, caplog) -> None:
    reference = qualify(api, customer="anna@example.com", scenario="ALL", filters=field("holder_role").in_(["OWNER"]))

    assert [record["id"] for record in read_dataset(reference)] == ["CODE-1", "CODE-2"]
    assert reference["resource"] == "qualifications"
    assert api.bodies[0] == {
        "customer": {"source_id": "anna@example.com"},
        "scenario": "ALL",
        "options": {"limit": 50, "filters": {"holder_role": {"conditions": {"$in": ["OWNER"]}}}},
    }
    assert "anna" not in json.dumps(reference) + caplog.text


def test_rendered_text_of_qualifications_is_as_good_as_values(api: Lists) -> None:
    qualify(
        api,
        customer='{"id": "cust_1", "metadata": {"tier": "gold"}}',
        order="{'amount': 100}",
        expand="redeemable, category",
        filters='{"campaign_id": {"conditions": {"$in": ["camp_1"]}}}',
        scenario="None",
        page_size="10",
    )

    assert api.bodies[0] == {
        "customer": {"id": "cust_1", "metadata": {"tier": "gold"}},
        "order": {"amount": 100},
        "options": {
            "limit": 10,
            "expand": ["redeemable", "category"],
            "filters": {"campaign_id": {"conditions": {"$in": ["camp_1"]}}},
        },
    }


def test_a_retry_resumes_qualifications_after_the_last_stored_page(api: Lists) -> None:
    api.fails_at = 2
    with pytest.raises(Exception, match="Invalid payload"):
        qualify(api, customer="cust_1")

    reference = qualify(api, customer="cust_1")

    assert [body["options"].get("starting_after") for body in api.bodies] == [
        None,
        "2026-04-01T00:00:00.000Z",
        "2026-04-01T00:00:00.000Z",
    ]
    assert reference["records"] == 2


def test_many_customers_are_given_by_a_column_of_a_dataset(api: Lists) -> None:
    reference = qualify(api, match={"customer_source_id": ["a", "b"]})

    assert [record["customer_source_id"] for record in read_dataset(reference)] == ["a", "a", "b", "b"]


def test_qualifications_have_no_window() -> None:
    with pytest.raises(TypeError, match="VoucherifyQualificationsOperator takes no 'since'"):
        VoucherifyQualificationsOperator(task_id="qualify", since="2026-05-01")
