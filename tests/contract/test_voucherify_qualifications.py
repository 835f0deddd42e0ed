"""Qualifications: the requests are those of Voucherify's OpenAPI description, the sandbox answers by its schemas, and
every redeemable is read once.

The description (``POST /v1/qualifications`` in https://github.com/voucherifyio/voucherify-openapi) is read from the
folder that ``VOUCHERIFY_SCHEMAS`` names, or from ``shared/schemas`` beside the repository; without it, the tests of
schemas are skipped. The vendor's SDK is the package ``voucherify``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import voucherify as sdk
from fakes.voucherify import voucherify_client as client_of
from jsonschema import Draft4Validator
from sandbox import run_sandbox, voucherify_client

from airflow_provider_partners.api.voucherify.filters import QUALIFICATION_FILTERS, field
from airflow_provider_partners.api.voucherify.known_values import VALUES
from airflow_provider_partners.api.voucherify.qualifications import EXPANSIONS, PAGE_SIZE, SCENARIOS, SORTING_RULES
from airflow_provider_partners.exceptions import ConfigurationError, PagingError, RejectedError
from airflow_provider_partners.sandbox.server import RunningSandbox

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [Path(os.environ.get("VOUCHERIFY_SCHEMAS", "")), ROOT.parent / "shared" / "schemas"]
FILE = next((path for folder in FOLDERS if (path := folder / "voucherify_openapi.json").is_file()), None)
needs_description = pytest.mark.skipif(FILE is None, reason="Voucherify's OpenAPI description is not here")

ORDER = {"amount": 20000, "items": [{"object": "order_item", "product_id": "prod_1", "quantity": 1, "price": 20000}]}
EVERYTHING = {
    "customer": {"source_id": "anna", "metadata": {"tier": "gold"}},
    "order": ORDER,
    "scenario": "ALL",
    "filters": (
        field("category_id").in_(["cat_1"])
        & field("campaign_id").not_in(["camp_1"])
        & field("campaign_type").is_("DISCOUNT_COUPONS")
        & field("resource_id").has_value()
        & field("resource_type").is_("voucher")
        & field("voucher_type").is_("DISCOUNT_VOUCHER")
        & field("code").is_not("OLD")
        & field("holder_role").in_(["OWNER", "REFEREE"])
    ),
    "expand": ["redeemable", "category", "validation_rules"],
    "sorting_rule": "BEST_DEAL",
    "tracking_id": "anna",
    "metadata": {"channel": "web"},
    "session": {"type": "LOCK"},
    "page_size": 10,
}


@cache
def description() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(FILE.read_text()) if FILE else {}
    return document


def to_json_schema(node: Any) -> Any:
    """Convert a schema of OpenAPI 3.0 to JSON Schema."""
    if isinstance(node, list):
        return [to_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    converted = {("anyOf" if name == "oneOf" else name): to_json_schema(value) for name, value in node.items()}
    if converted.get("nullable") is True:
        return {"anyOf": [{key: value for key, value in converted.items() if key != "nullable"}, {"type": "null"}]}
    return converted


def validator(schema: Any) -> Draft4Validator:
    components = to_json_schema(description()["components"])
    return Draft4Validator({"allOf": [to_json_schema(schema)], "components": components})


def operation(path: str = "/v1/qualifications") -> Any:
    return description()["paths"][path]["post"]


def schema_named(name: str) -> Any:
    return description()["components"]["schemas"][name]


class Answers:
    """Answers with pages of redeemables and stores the bodies."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = list(pages)
        self.bodies: list[Any] = []
        self.paths: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.read()))
        self.paths.append(request.url.path)
        page = self.pages[min(len(self.bodies), len(self.pages)) - 1]
        return httpx.Response(200, json={"redeemables": {"object": "list", "data_ref": "data", **page}})


def redeemable(number: int, at: str = "2025-03-26T11:00:17.987Z") -> dict[str, Any]:
    return {"id": f"CODE-{number}", "object": "voucher", "created_at": at, "result": {}}


def read(api: Answers, **arguments: Any) -> list[str]:
    with client_of(api) as client:
        return [record["id"] for record in client.qualifications(**arguments).records()]


def test_without_arguments_only_the_page_size_is_sent() -> None:
    api = Answers({"data": [redeemable(1)], "has_more": False})

    assert read(api) == ["CODE-1"]
    assert api.paths == ["/v1/qualifications"]
    assert api.bodies == [{"options": {"limit": 50}}]


def test_the_documented_example_is_sent_as_it_is_printed() -> None:
    """The example "ALL scenario with options" of the description."""
    api = Answers({"data": [], "has_more": False})

    read(api, scenario="ALL", expand=["redeemable"], sorting_rule="DEFAULT", page_size=10)

    example = {"scenario": "ALL", "options": {"limit": 10, "expand": ["redeemable"], "sorting_rule": "DEFAULT"}}
    assert api.bodies == [example]
    if FILE:
        printed = operation()["requestBody"]["content"]["application/json"]["examples"]
        assert example in [each["value"] for each in printed.values()]


@needs_description
def test_a_request_with_every_argument_matches_the_schema() -> None:
    api = Answers({"data": [], "has_more": False})

    read(api, **EVERYTHING)

    body = api.bodies[0]
    schema = operation()["requestBody"]["content"]["application/json"]["schema"]
    assert list(validator(schema).iter_errors(body)) == []
    assert set(body) == set(schema_named("QualificationsCheckEligibilityRequestBody")["properties"])
    options = schema_named("QualificationsOption")["properties"]
    assert set(body["options"]) == set(options) - {"starting_after"}
    assert set(body["options"]["filters"]) == set(options["filters"]["properties"])


@needs_description
def test_the_known_values_are_those_of_the_schema() -> None:
    options = schema_named("QualificationsOption")["properties"]
    scenario = schema_named("QualificationsCheckEligibilityRequestBody")["properties"]["scenario"]
    assert list(SCENARIOS) == scenario["enum"]
    assert set(EXPANSIONS) == set(options["expand"]["items"]["enum"])
    assert set(SORTING_RULES) == set(options["sorting_rule"]["enum"])
    assert options["limit"]["maximum"] == PAGE_SIZE
    known = VALUES["qualifications"]
    assert set(schema_named("ParameterCampaignType")["enum"]) == known["campaign_type"]
    assert set(schema_named("ResourceTypes")["enum"]) == known["resource_type"]
    roles = options["filters"]["properties"]["holder_role"]["properties"]["conditions"]["properties"]["$in"]
    assert set(roles["items"]["enum"]) == known["holder_role"]


@pytest.mark.parametrize(
    ("customer", "sent"),
    [("cust_eWgXlBBiY6THFRJwX45Iakv4", "id"), ("anna-7", "source_id")],
)
def test_a_customers_id_alone_is_enough(customer: str, sent: str) -> None:
    api = Answers({"data": [], "has_more": False})

    read(api, customer=customer)

    assert api.bodies[0]["customer"] == {sent: customer}


def test_the_next_page_begins_at_the_servers_own_cursor() -> None:
    """``more_starting_after``: "Timestamp … to use in starting_after cursor to get more redeemables"."""
    api = Answers(
        {"data": [redeemable(1)], "has_more": True, "more_starting_after": "2023-10-31T12:13:16.374Z"},
        {"data": [redeemable(2)], "has_more": False},
    )

    assert read(api, scenario="ALL") == ["CODE-1", "CODE-2"]
    assert [body["options"] for body in api.bodies] == [
        {"limit": 50},
        {"limit": 50, "starting_after": "2023-10-31T12:13:16.374Z"},
    ]


def test_without_the_servers_cursor_a_page_begins_a_millisecond_later_than_the_last_redeemable() -> None:
    """The description: "the created_at parameter from the last returned redeemable"; several may share it."""
    api = Answers(
        {"data": [redeemable(1), redeemable(2)], "has_more": True},
        {"data": [redeemable(2), redeemable(3, "2025-03-25T00:00:00.000Z")], "has_more": False},
    )

    assert read(api) == ["CODE-1", "CODE-2", "CODE-3"]
    assert api.bodies[1]["options"]["starting_after"] == "2025-03-26T11:00:17.988Z"


def test_a_cursor_that_is_a_redeemables_time_is_sent_a_millisecond_later() -> None:
    """As in the description's example of an answer, where both are 2025-03-26T11:00:17.987Z."""
    api = Answers(
        {"data": [redeemable(1)], "has_more": True, "more_starting_after": "2025-03-26T11:00:17.987Z"},
        {"data": [redeemable(1), redeemable(2)], "has_more": False},
    )

    assert read(api) == ["CODE-1", "CODE-2"]
    assert api.bodies[1]["options"]["starting_after"] == "2025-03-26T11:00:17.988Z"


@pytest.mark.parametrize("cursor", ["2023-10-31T12:13:16.374Z", "2025-03-26T11:00:17.987Z", None])
def test_a_cursor_that_does_not_move_is_an_error(cursor: str | None) -> None:
    with pytest.raises(PagingError):
        read(Answers({"data": [redeemable(1)], "has_more": True, "more_starting_after": cursor}))


def test_by_discount_only_the_servers_cursor_leads_on() -> None:
    with pytest.raises(PagingError, match=r"does not say where they begin.*sorting_rule"):
        read(Answers({"data": [redeemable(1)], "has_more": True}), sorting_rule="BEST_DEAL")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": "WALLET"}, "no scenario 'WALLET'.*Use one of: ALL, CUSTOMER_WALLET"),
        ({"scenario": "CUSTOMER_WALET"}, "did you mean 'CUSTOMER_WALLET'"),
        ({"expand": "redeemables"}, "no expand 'redeemables': did you mean 'redeemable'"),
        ({"sorting_rule": "BEST"}, "no sorting_rule 'BEST'.*DEFAULT, BEST_DEAL, LEAST_DEAL"),
        ({"page_size": 51}, "page_size=51.*Use 1 to 50"),
        ({"filters": {"metadata.x": {"conditions": {"$is": 1}}}}, "can't be filtered by 'metadata.x'.*category_id"),
        ({"filters": {"campaign_type": {"conditions": {"$is": "COUPON"}}}}, "no 'campaign_type' that is 'COUPON'"),
        ({"customer": 7}, "'customer' is 7, and a dict is needed"),
        ({"order": [1]}, "'order' is a list of 1, and a dict is needed"),
        ({"order": {"amount": {1}}}, "holds what JSON has no form for"),
        ({"match": {"email": ["x"]}}, "can't be matched on email.*customer_id, customer_source_id"),
        ({"match": {"customer_id": ["x"]}, "customer": "anna"}, "both name customers"),
    ],
)
def test_what_the_api_does_not_accept_is_an_error_before_any_request(arguments: dict[str, Any], message: str) -> None:
    api = Answers({"data": []})

    with client_of(api) as client, pytest.raises(ConfigurationError, match=message):
        client.qualifications(**arguments)
    assert api.bodies == []


def test_the_extraction_names_no_customer() -> None:
    """Its request and names reach manifests and logs."""
    with client_of(Answers({"data": []})) as client:
        extraction = client.qualifications(customer="anna@example.com", order=ORDER)
        many = client.qualifications(match={"customer_source_id": ["anna@example.com", "bo"]})

    for each in (extraction, many):
        assert "anna" not in json.dumps(each.request)
        assert not any("anna" in segment.name for segment in each.segments)
    assert extraction.fingerprint != client_of(Answers()).qualifications(customer="bo", order=ORDER).fingerprint


def test_many_customers_are_one_call_each_and_their_records_say_whose_they_are() -> None:
    api = Answers({"data": [redeemable(1)], "has_more": False})

    with client_of(api) as client:
        records = list(client.qualifications(match={"customer_source_id": ["a", "b"]}, scenario="ALL").records())

    assert [body["customer"] for body in api.bodies] == [{"source_id": "a"}, {"source_id": "b"}]
    assert [(record["customer_source_id"], record["id"]) for record in records] == [("a", "CODE-1"), ("b", "CODE-1")]


def test_a_key_of_the_client_side_api_asks_that_api() -> None:
    api = Answers({"data": [], "has_more": False})

    with client_of(api, auth="client", origin="https://shop.example") as client:
        list(client.qualifications().records())
    assert api.paths == ["/client/v1/qualifications"]

    with client_of(api, auth="management") as client, pytest.raises(ConfigurationError, match="has no qualifications"):
        client.qualifications()


@pytest.fixture(scope="module")
def project() -> Iterator[RunningSandbox]:
    with run_sandbox(now=datetime(2026, 9, 1, 12, tzinfo=UTC), shops=1, orders=60) as running:
        yield running


@needs_description
@pytest.mark.parametrize("path", ["/v1/qualifications", "/client/v1/qualifications"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_sandbox_answers_by_the_schema(project: RunningSandbox, scenario: str, path: str) -> None:
    keys = project.sandbox.credentials["voucherify"]
    headers = {"X-App-Id": keys["app_id"], "X-App-Token": keys["secret_key"]}
    headers |= {"X-Client-Application-Id": keys["client_app_id"], "X-Client-Token": keys["client_token"]}
    headers["Origin"] = keys["client_origin"]
    options = {"limit": 50, "expand": list(EXPANSIONS)}
    body = {"scenario": scenario, "customer": {"source_id": "x"}, "order": ORDER, "options": options}
    response = httpx.post(f"{project.url}/voucherify{path}", headers=headers, json=body)

    assert response.status_code == 200, response.text
    schema = operation(path)["responses"]["200"]["content"]["application/json"]["schema"]
    assert [error.message for error in validator(schema).iter_errors(response.json())] == []


@pytest.mark.parametrize("bound", ["strict", "inclusive"])
@pytest.mark.parametrize("with_cursor", [True, False])
def test_every_redeemable_of_the_sandbox_is_read_once_and_a_read_resumes(
    project: RunningSandbox, bound: str, with_cursor: bool
) -> None:
    switches = project.sandbox.switches
    before = dict(switches)
    switches |= {"voucherify.starting_after": bound, "voucherify.optional_members": with_cursor}
    try:
        with voucherify_client(project) as client:
            whole = [record["id"] for record in client.qualifications(page_size=50).records()]
            extraction = client.qualifications(page_size=7)
            first = next(extraction.pages())
            rest = [record for page in extraction.pages(position=first.position) for record in page.records]
    finally:
        switches |= before
    assert len(whole) > 7
    assert sorted(record["id"] for record in [*first.records, *rest]) == sorted(whole)
    assert len(set(whole)) == len(whole)


def test_filters_and_scenarios_select_in_the_sandbox(project: RunningSandbox) -> None:
    vouchers = project.sandbox.store.cached("voucherify", "", "vouchers")
    holder = next(each["holder_id"] for each in vouchers if each.get("holder_id"))
    with voucherify_client(project) as client:

        def objects(**arguments: Any) -> set[str]:
            return {record["object"] for record in client.qualifications(**arguments).records()}

        assert objects() == {"voucher", "promotion_tier", "campaign"}
        assert objects(scenario="PROMOTION_STACKS") == {"promotion_stack"}
        assert objects(scenario="CUSTOMER_WALLET", customer=holder) == {"voucher"}
        assert objects(filters=field("resource_type").is_("promotion_tier")) == {"promotion_tier"}
        campaign_ids = {each["campaign_id"] for each in vouchers if each.get("campaign_id")}
        one = sorted(campaign_ids)[0]
        records = client.qualifications(
            customer=holder, filters=field("campaign_id").in_([one]), expand=["redeemable"]
        ).records()
        assert {record.get("campaign_id", one) for record in records} == {one}
        best = list(client.qualifications(order=ORDER, sorting_rule="BEST_DEAL", page_size=50).records())
        off = [record["order"]["total_applied_discount_amount"] for record in best[:50]]
        assert off == sorted(off, reverse=True)
        assert off[0] > 0


def test_the_sandbox_refuses_what_the_schema_refuses(project: RunningSandbox) -> None:
    with voucherify_client(project) as client:
        for body in (
            {"scenario": "NONE"},
            {"options": {"limit": 51}},
            {"options": {"filters": {"metadata_x": {"conditions": {"$is": ["1"]}}}}},
            {"options": {"starting_after": "yesterday"}},
            {"unknown": 1},
            {"order": {"amount": "1000"}},
            {"order": {"items": {}}},
        ):
            with pytest.raises(RejectedError, match="Invalid payload"):
                client.request("POST", "/v1/qualifications", json=body, idempotent=True)


def test_the_vendors_sdk_reads_the_sandbox(project: RunningSandbox) -> None:
    keys = project.sandbox.credentials["voucherify"]
    configuration = sdk.Configuration(
        host=f"{project.url}/voucherify", api_key={"X-App-Id": keys["app_id"], "X-App-Token": keys["secret_key"]}
    )
    body = sdk.QualificationsCheckEligibilityRequestBody.from_dict({
        "scenario": "ALL",
        "order": ORDER,
        "options": {"limit": 50, "expand": ["redeemable"]},
    })
    with sdk.ApiClient(configuration) as client:
        answer = sdk.QualificationsApi(client).check_eligibility(body)

    assert answer.redeemables.data
    with voucherify_client(project) as ours:
        first = next(ours.qualifications(order=ORDER, expand=["redeemable"]).pages())
    assert [each.id for each in answer.redeemables.data] == [record["id"] for record in first.records]


def test_the_filters_are_those_that_the_client_declares() -> None:
    from airflow_provider_partners.sandbox.voucherify.fields import FILTERS

    assert FILTERS["qualifications"] == set(QUALIFICATION_FILTERS)
