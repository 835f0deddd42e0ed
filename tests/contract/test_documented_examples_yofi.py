"""The requests that Yofi's page on the Partner Data API documents, one by one, as they are sent.

Names, operators, samples and responses are those of
https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/partner-data-api (version 0.2.4). The page shows the
path of claims; those of the other operations follow it, and the connection can set others.
"""

from __future__ import annotations

import logging
import uuid
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jwt
import pytest
from fakes.yofi_api import NOW, SECRET, FakeYofiApi, token_claims, yofi_client
from run_operator import OperatorRunner

from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    PartnersError,
    RejectedError,
    TransientError,
)
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.operators.yofi import YofiExtractOperator, YofiGetCustomerOperator

covers = pytest.mark.covers

OPERATORS = {">=": "ge", "<=": "le", ">": "gt", "<": "lt", "==": "eq", "!=": "ne", "=in=": "in", "=out=": "out"}
"""The eight that the page lists, with their names in the requirements."""

CUSTOMER_FIELDS = "entity_id,customer_id,app_id,organization_id"
PREDICTION_FIELDS = (
    "severity,predicted_value,model_name,prediction_category,justification,prediction_title,is_result_prediction,"
    "customer_id,entity_id"
)
RETURN_FIELDS = (
    "entity_id,app_id,order_id,customer_id,state,order_name,order_created_at_epoch,return_created_at_epoch,meta_data,"
    "return_total,customer_first_name,customer_last_name"
)
"""The page's sample repeats ``order_created_at_epoch``; a repeated name asks for nothing more."""

RETURN_ORDER_FIELDS = "id,name,model_predictions"
RETURN_CUSTOMER_FIELDS = "customer_id,first_name,last_name,model_predictions,email"
RELATIONS = "customer,order,return_predictions,return_analytics,app"
PREDICTION_FILTER = "(prediction_category==drop_off_fraud;predicted_value>0.9)"

RETURNS_ARGUMENTS: dict[str, Any] = {
    "fields": {
        "EcommerceUnifiedReturn": RETURN_FIELDS,
        "EcommerceOrder": RETURN_ORDER_FIELDS,
        "EcommerceCustomer": RETURN_CUSTOMER_FIELDS,
    },
    "include": RELATIONS,
    "filters": "order_id=='test'",
    "prediction_filter": PREDICTION_FILTER,
    "sort": "-order_created_at_epoch",
}
RETURNS_QUERY: dict[str, Any] = {
    "fields[EcommerceUnifiedReturn]": RETURN_FIELDS,
    "fields[EcommerceOrder]": RETURN_ORDER_FIELDS,
    "fields[EcommerceCustomer]": RETURN_CUSTOMER_FIELDS,
    "include": RELATIONS,
    "filter": "order_id=='test'",
    "filter[EcommerceUnifiedReturnPrediction]": PREDICTION_FILTER.strip("()"),
    "sort": "-order_created_at_epoch",
}
"""What Yofi's sample of a list of returns sends, and the arguments that ask for it."""

PATHS = {
    "claims": "/ecommerce/claims/",
    "customers": "/ecommerce/customers/",
    "returns": "/ecommerce/unified-returns/",
    "notification_events": "/ecommerce/notification-events/",
}
IN_REQUIREMENTS = {"notification_events": "events"}


def sent(resource: str, **options: Any) -> httpx.Request:
    """Return the first request of a list."""
    api = FakeYofiApi()
    list(yofi_client(api).extract(resource, **options).records())
    return api.requests[0]


def query_of(request: httpx.Request) -> dict[str, str]:
    pairs = parse_qsl(request.url.query.decode(), keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize(
    ("resource", "options", "query"),
    [
        pytest.param(
            "claims",
            {
                "fields": "id,customer_id,claim_items",
                "filters": "created_at_epoch>=1746757960",
                "sort": "-created_at_epoch",
            },
            {
                "fields[Claim]": "id,customer_id,claim_items",
                "filter": "created_at_epoch>=1746757960",
                "sort": "-created_at_epoch",
            },
            marks=covers(
                "yofi.claims.path",
                "yofi.claims.fields",
                "yofi.claims.fields.sample",
                "yofi.claims.filter",
                "yofi.claims.filter.created_at_epoch",
                "yofi.claims.filter.sample",
                "yofi.claims.page_size",
                "yofi.claims.page_number",
                "yofi.claims.sort.descending",
                "yofi.claims.sort.sample",
                "yofi.server.url",
            ),
        ),
        pytest.param(
            "customers",
            {
                "fields": {"EcommerceCustomer": CUSTOMER_FIELDS, "EcommerceCustomerPrediction": PREDICTION_FIELDS},
                "include": "customer_predictions",
                "filters": "customer_id==1234567890",
            },
            {
                "fields[EcommerceCustomer]": CUSTOMER_FIELDS,
                "fields[EcommerceCustomerPrediction]": PREDICTION_FIELDS,
                "include": "customer_predictions",
                "filter": "customer_id==1234567890",
            },
            marks=covers(
                "yofi.customers.path",
                "yofi.customers.include",
                "yofi.customers.fields.customer",
                "yofi.customers.fields.prediction",
                "yofi.customers.filter.customer_id",
                "yofi.customers.page_size",
                "yofi.customers.page_number",
            ),
        ),
        pytest.param(
            "returns",
            RETURNS_ARGUMENTS,
            RETURNS_QUERY,
            marks=covers(
                "yofi.returns.path",
                "yofi.returns.include.sample",
                "yofi.returns.fields.return",
                "yofi.returns.fields.order",
                "yofi.returns.fields.customer",
                "yofi.returns.filter.sample",
                "yofi.returns.prediction_filter",
                "yofi.returns.prediction_filter.sample",
                "yofi.returns.page_size",
                "yofi.returns.page_number",
                "yofi.returns.sort",
                "yofi.returns.sort.sample",
            ),
        ),
        pytest.param(
            "notification_events",
            {
                "fields": "id,notify_template_id,created_at",
                "filters": "created_at>=2025-06-06T11:54:41Z",
                "sort": "-created_at",
            },
            {
                "fields[NotificationEvent]": "id,notify_template_id,created_at",
                "filter": "created_at>=2025-06-06T11:54:41Z",
                "sort": "-created_at",
            },
            marks=covers(
                "yofi.events.path",
                "yofi.events.fields",
                "yofi.events.filter.created_at",
                "yofi.events.filter.sample",
                "yofi.events.page_size",
                "yofi.events.page_number",
                "yofi.events.sort",
                "yofi.events.sort.sample",
            ),
        ),
    ],
    ids=list(PATHS),
)
def test_the_samples_of_a_list_are_one_request(resource: str, options: dict[str, Any], query: dict[str, str]) -> None:
    request = sent(resource, page_size=10, **options)

    assert (request.method, request.content) == ("GET", b"")
    assert f"{request.url.scheme}://{request.url.host}" == "https://portal.public-api.services.yofi.ai"
    assert request.url.path == PATHS[resource]
    assert query_of(request) == {**query, "page[size]": "10", "page[number]": "1"}


@covers(
    "yofi.customer.path",
    "yofi.customer.sample",
    "yofi.customer.include",
    "yofi.customer.fields.customer",
    "yofi.customer.fields.prediction",
)
def test_the_samples_of_one_customer_are_one_request() -> None:
    api = FakeYofiApi({"data": {"type": "EcommerceCustomer", "id": "c1", "attributes": {}}})
    fields = {"EcommerceCustomer": CUSTOMER_FIELDS, "EcommerceCustomerPrediction": PREDICTION_FIELDS}

    assert yofi_client(api).customer("1234567890", include="customer_predictions", fields=fields) is not None

    (request,) = api.requests
    assert (request.method, request.url.path) == ("GET", "/ecommerce/customers/1234567890")
    assert query_of(request) == {
        "fields[EcommerceCustomer]": CUSTOMER_FIELDS,
        "fields[EcommerceCustomerPrediction]": PREDICTION_FIELDS,
        "include": "customer_predictions",
    }


RETURN_SELECTORS = (
    "order_id",
    "customer_id",
    "order_number",
    "order_name",
    "state",
    "customer_first_name",
    "customer_last_name",
)


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(name, marks=covers(f"yofi.{IN_REQUIREMENTS.get(name, name)}.path"))
        for name in ("customers", "returns", "notification_events", "customer")
    ],
)
def test_a_path_that_the_page_does_not_show_is_a_setting(operation: str) -> None:
    api = FakeYofiApi({"data": [{"type": "T", "id": "1", "attributes": {}}]})
    yofi = yofi_client(api, paths={operation: "/other/" + "{customer_id}" * (operation == "customer")})

    if operation == "customer":
        yofi.customer("5")
    else:
        next(yofi.extract(operation).pages())

    assert api.requests[0].url.path == ("/other/5" if operation == "customer" else "/other/")


VALUES = {"claims": "1746757960", "returns": "'1001'", "notification_events": "2025-06-06T11:54:41Z"}
SELECTORS = {"claims": "created_at_epoch", "returns": "order_id", "notification_events": "created_at"}


@pytest.mark.parametrize(
    ("resource", "operator"),
    [
        pytest.param(
            resource, operator, marks=covers(f"yofi.{IN_REQUIREMENTS.get(resource, resource)}.operator.{name}")
        )
        for resource in VALUES
        for operator, name in OPERATORS.items()
    ]
    + [
        pytest.param("customers", "==", marks=covers("yofi.customers.operator.eq")),
        pytest.param("customers", "!=", marks=covers("yofi.customers.operator.ne")),
    ],
)
def test_every_listed_operator_is_sent(resource: str, operator: str) -> None:
    value = VALUES.get(resource, "'1234567890'")
    value = f"({value},{value})" if operator in {"=in=", "=out="} else value
    text = f"{SELECTORS.get(resource, 'customer_id')}{operator}{value}"

    assert query_of(sent(resource, filters=text))["filter"] == text


@pytest.mark.parametrize(
    "selector",
    [pytest.param(name, marks=covers(f"yofi.returns.filter.{name}")) for name in RETURN_SELECTORS],
)
def test_every_listed_field_filters_returns(selector: str) -> None:
    assert query_of(sent("returns", filters=f"{selector}=='x'"))["filter"] == f"{selector}=='x'"


@pytest.mark.parametrize(
    "selector",
    [
        pytest.param(name, marks=covers(f"yofi.returns.prediction_filter.{name}"))
        for name in ("prediction_category", "predicted_value")
    ],
)
def test_both_listed_fields_filter_predictions(selector: str) -> None:
    query = query_of(sent("returns", prediction_filter=f"{selector}==0.9"))

    assert query["filter[EcommerceUnifiedReturnPrediction]"] == f"{selector}==0.9"


@pytest.mark.parametrize(
    "relation",
    [pytest.param(name, marks=covers(f"yofi.returns.include.{name}")) for name in RELATIONS.split(",")],
)
def test_every_relation_of_a_return_is_included_alone(relation: str) -> None:
    assert query_of(sent("returns", include=relation))["include"] == relation


@covers("yofi.customers.operator.others")
@pytest.mark.parametrize("operator", [operator for operator in OPERATORS if operator not in {"==", "!="}])
def test_customers_take_two_operators_alone(operator: str) -> None:
    api = FakeYofiApi()
    value = "(1)" if operator in {"=in=", "=out="} else "1"

    with pytest.raises(ConfigurationError, match=r"uses .customer_id.*Allowed: customer_id"):
        yofi_client(api).extract("customers", filters=f"customer_id{operator}{value}")
    assert api.requests == []


@covers("yofi.customers.filter.sample")
def test_the_sample_by_email_is_sent_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        query = query_of(sent("customers", filters="email=='name@example.com'"))

    assert query["filter"] == "email=='name@example.com'"
    assert "doesn't list it" in caplog.text


@covers("yofi.claims.sort")
def test_several_fields_to_sort_by_have_commas_between_them() -> None:
    assert query_of(sent("claims", sort=["-created_at_epoch", "id"]))["sort"] == "-created_at_epoch,id"


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(name, marks=covers(f"yofi.{IN_REQUIREMENTS.get(name, name)}.page_size.minimum"))
        for name in ("claims", "customers", "returns", "notification_events")
    ],
)
def test_a_page_has_one_record_at_least(resource: str) -> None:
    assert query_of(sent(resource, page_size=1))["page[size]"] == "1"
    with pytest.raises(ConfigurationError, match="page_size=0"):
        yofi_client(FakeYofiApi()).extract(resource, page_size=0)


OUTCOMES: dict[int, type[PartnersError] | None] = {
    200: None,
    400: RejectedError,
    401: AuthenticationError,
    403: AuthenticationError,
    500: TransientError,
}


@pytest.mark.usefixtures("quick_refusals")
@pytest.mark.parametrize(
    ("operation", "status"),
    [
        pytest.param(name, status, marks=covers(f"yofi.{IN_REQUIREMENTS.get(name, name)}.status.{status}"))
        for name in (*PATHS, "customer")
        for status in OUTCOMES
    ],
)
def test_every_listed_response_has_its_outcome(operation: str, status: int) -> None:
    body = {"data": [{"type": "T", "id": "1", "attributes": {}}]} if status == 200 else {"detail": "the reason"}
    yofi = yofi_client(FakeYofiApi(lambda _: httpx.Response(status, json=body)))

    def read() -> Any:
        return [yofi.customer("1")] if operation == "customer" else list(yofi.extract(operation).records())

    if (expected := OUTCOMES[status]) is None:
        assert [record["id"] for record in read()] == ["1"]
    else:
        with pytest.raises(expected, match="the reason"):
            read()


# --- tokens ---


@covers("yofi.auth.example", "yofi.auth.bearer", "yofi.auth.hs256", "yofi.auth.secret", "yofi.auth.claim.jti")
def test_the_printed_claims_are_those_of_a_token() -> None:
    api = FakeYofiApi()
    yofi = yofi_client(api, issuer="partner_id/issuer", subject="the-service-account-with-permissions", token_ttl=9_995)
    list(yofi.extract("claims").records())

    (request,) = api.requests
    scheme, _, token = request.headers["Authorization"].partition(" ")
    assert scheme == "Bearer"
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert jwt.decode(token, SECRET, algorithms=["HS256"], audience="yofi-public-api", options={"verify_exp": False})
    claims = token_claims(request)
    assert str(uuid.UUID(claims.pop("jti")))
    assert claims == {
        "iss": "partner_id/issuer",
        "sub": "the-service-account-with-permissions",
        "aud": ["yofi-public-api"],
        "exp": claims["iat"] + 10_000,  # 1716123456 and 1716113456 on the page
        "iat": int(NOW) - 5,
        "client_id": "backend-service",
    }


@covers("yofi.legacy.example", "yofi.legacy.no_headers", "yofi.legacy.claim.sub")
def test_the_printed_claims_are_those_of_a_token_before_2026() -> None:
    api = FakeYofiApi()
    yofi = yofi_client(
        api,
        auth_profile="legacy",
        issuer="partner_id",
        organization_id="the organization id",
        shop="https://the-shopify-store.myshopify.com/",
        subject=None,
        token_ttl=9_995,
    )
    list(yofi.extract("claims").records())

    (request,) = api.requests
    claims = token_claims(request)
    assert claims == {
        "iss": "partner_id",
        "exp": claims["iat"] + 10_000,
        "iat": int(NOW) - 5,
        "aud": "Yofi",
        "sub": "the-shopify-store.myshopify.com",
        "org_id": "the organization id",
    }
    assert not {"app_id", "partner_id", "organization_id"} & set(request.headers)


@covers("yofi.auth.header.every_request", "yofi.auth.bearer", "yofi.auth.header.app_id.shop")
@pytest.mark.parametrize("operation", [*PATHS, "customer"])
def test_every_operation_has_the_token_and_both_headers(operation: str) -> None:
    api = FakeYofiApi({"data": [{"type": "T", "id": "1", "attributes": {}}]})
    yofi = yofi_client(api, shop="the-shopify-store.myshopify.com", page_size=1)

    if operation == "customer":
        yofi.customer("1234567890")
    else:
        next(yofi.extract(operation).pages())

    for request in api.requests:
        assert request.headers["app_id"] == "the-shopify-store.myshopify.com"
        assert request.headers["partner_id"] == "shopify"
        assert request.headers["Authorization"].startswith("Bearer ey")


# --- the same requests, by operators ---


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        pytest.param(
            {
                "resource": "claims",
                "fields": "id,customer_id,claim_items",
                "since": "2025-05-09T02:32:40Z",
                "until": "2025-05-10",
                "sort": "-created_at_epoch",
            },
            {
                "fields[Claim]": "id,customer_id,claim_items",
                "filter": "created_at_epoch>=1746757960;created_at_epoch<1746835200",
                "sort": "-created_at_epoch",
            },
            marks=covers(
                "yofi.claims.fields",
                "yofi.claims.filter.created_at_epoch",
                "yofi.claims.sort",
                "yofi.claims.page_size",
                "yofi.auth.header.app_id.shop",
            ),
            id="claims",
        ),
        pytest.param(
            {
                "resource": "customers",
                "fields": {"EcommerceCustomer": CUSTOMER_FIELDS, "EcommerceCustomerPrediction": PREDICTION_FIELDS},
                "include": "customer_predictions",
                "filters": "customer_id!='1'",
            },
            {
                "fields[EcommerceCustomer]": CUSTOMER_FIELDS,
                "fields[EcommerceCustomerPrediction]": PREDICTION_FIELDS,
                "include": "customer_predictions",
                "filter": "customer_id!='1'",
            },
            marks=covers(
                "yofi.customers.fields.customer",
                "yofi.customers.fields.prediction",
                "yofi.customers.include",
                "yofi.customers.filter.customer_id",
                "yofi.customers.page_size",
            ),
            id="customers",
        ),
        pytest.param(
            {
                "resource": "returns",
                **RETURNS_ARGUMENTS,
            },
            RETURNS_QUERY,
            marks=covers(
                "yofi.returns.fields.return",
                "yofi.returns.fields.order",
                "yofi.returns.fields.customer",
                "yofi.returns.include.sample",
                "yofi.returns.filter.sample",
                "yofi.returns.prediction_filter.sample",
                "yofi.returns.sort.sample",
                "yofi.returns.page_size",
            ),
            id="returns",
        ),
        pytest.param(
            {
                "resource": "notification_events",
                "fields": "id,notify_template_id,created_at",
                "since": "2025-06-06T11:54:41Z",
                "until": "2025-06-07",
                "sort": "-created_at",
            },
            {
                "fields[NotificationEvent]": "id,notify_template_id,created_at",
                "filter": "created_at>=2025-06-06T11:54:41Z;created_at<2025-06-07T00:00:00Z",
                "sort": "-created_at",
            },
            marks=covers(
                "yofi.events.fields", "yofi.events.filter.created_at", "yofi.events.sort", "yofi.events.page_size"
            ),
            id="notification_events",
        ),
    ],
)
def test_an_operator_sends_the_samples(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, arguments: dict[str, Any], query: dict[str, str]
) -> None:
    """1746757960 is 2025-05-09T02:32:40Z."""
    api = FakeYofiApi()
    run = OperatorRunner(monkeypatch, tmp_path, YofiHook, lambda hook: yofi_client(api, shop=hook.shop))

    run(YofiExtractOperator(task_id="extract", shop="the-shopify-store.myshopify.com", page_size=10, **arguments))

    request = api.requests[0]
    assert request.headers["app_id"] == "the-shopify-store.myshopify.com"
    assert request.url.path == PATHS[arguments["resource"]]
    assert query_of(request) == {**query, "page[size]": "10", "page[number]": "1"}


@covers("yofi.customer.sample", "yofi.customer.include", "yofi.customer.fields.customer")
def test_an_operator_reads_the_customer_of_the_sample(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    api = FakeYofiApi({"data": {"type": "EcommerceCustomer", "id": "c1", "attributes": {}}})
    run = OperatorRunner(monkeypatch, tmp_path, YofiHook, lambda hook: yofi_client(api, shop=hook.shop))

    run(
        YofiGetCustomerOperator(
            task_id="one",
            customer_id="1234567890",
            shop="a.myshopify.com",
            include="customer_predictions",
            fields=CUSTOMER_FIELDS,
        )
    )

    (request,) = api.requests
    assert (request.method, request.url.path) == ("GET", "/ecommerce/customers/1234567890")
    query = query_of(request)
    assert query["fields[EcommerceCustomer]"] == CUSTOMER_FIELDS
    assert query["include"] == "customer_predictions"
