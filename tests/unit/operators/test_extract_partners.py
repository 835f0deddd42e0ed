"""The operators of each partner against its API in the sandbox, over HTTP."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import TaskDeferred
from sandbox import run_sandbox

from airflow_provider_partners._compat import AirflowFailException, AirflowSkipException
from airflow_provider_partners.datasets.reader import read_column, read_dataset
from airflow_provider_partners.links import ShopifyAdminLink
from airflow_provider_partners.operators.shopify_admin import ShopifyAdminExtractOperator, ShopifyAdminQueryOperator
from airflow_provider_partners.operators.shopify_partner import (
    ShopifyPartnerActiveShopsOperator,
    ShopifyPartnerExtractOperator,
    ShopifyPartnerQueryOperator,
)
from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator
from airflow_provider_partners.operators.yofi import YofiExtractOperator, YofiGetCustomerOperator
from airflow_provider_partners.operators.yotpo import YotpoExtractOperator
from airflow_provider_partners.sandbox.credentials import environment
from airflow_provider_partners.task_errors import PartnerTaskError

SHOP, ADMIN = "aurora-apparel.myshopify.com", "shopify_admin_aurora_apparel"
YEAR = {"since": datetime.now(UTC) - timedelta(days=365), "until": datetime.now(UTC) + timedelta(days=1)}
EVENTS = """
query Events($app: ID!, $first: Int!, $after: String) {
  app(id: $app) {
    events(first: $first, after: $after) {
      edges { cursor node { type occurredAt shop { myshopifyDomain } } }
      pageInfo { hasNextPage }
    }
  }
}
"""


@pytest.fixture(scope="module")
def variables():
    with run_sandbox(seed=7, shops=2, orders=6) as running:
        yield environment(running.url, seed=7, shops=2)


@pytest.fixture
def app_id(variables, monkeypatch):
    return variables["AIRFLOW_VAR_PARTNER_APP_ID"]


@pytest.fixture
def run(variables, monkeypatch, tmp_path):
    """Execute an operator as Airflow does."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", "memory://")
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))

    def execute(operator):
        task = SimpleNamespace(dag_id="dag", task_id=operator.task_id, run_id="run", map_index=-1)
        return operator.execute({"ti": task})

    return execute


def test_the_shops_that_have_the_app_are_found(run, app_id):
    shops = run(ShopifyPartnerActiveShopsOperator(task_id="shops", app_id=app_id))
    assert SHOP in shops
    assert "velvet-ember.myshopify.com" not in shops
    assert shops == sorted(shops)


@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_an_app_that_renders_to_nothing_is_an_error(nothing):
    with pytest.raises(PartnerTaskError, match="'app_id' rendered to nothing"):
        ShopifyPartnerActiveShopsOperator(task_id="shops", app_id=nothing).execute({})


def test_without_an_app_every_shop_counts_and_no_call_is_made():
    assert ShopifyPartnerActiveShopsOperator(task_id="shops", app_id="none").execute({}) == "all"


def test_app_events_are_extracted(run, app_id):
    reference = run(ShopifyPartnerExtractOperator(task_id="events", resource="app_events", app_id=app_id, **YEAR))
    assert reference["records"] > 0
    assert all(event["type"] for event in read_dataset(reference))


def test_the_partner_api_cannot_be_read_by_ids(run):
    with pytest.raises(AirflowFailException, match="'match' has no meaning here"):
        run(ShopifyPartnerExtractOperator(task_id="events", resource="transactions", match={"id": ["1"]}, **YEAR))


def test_any_document_with_a_paged_connection_is_extracted(run, app_id):
    reference = run(
        ShopifyPartnerQueryOperator(
            task_id="query",
            document=EVENTS,
            variables={"app": app_id},
            connection="app.events",
            resource="installs",
            key=("type", "occurredAt", "shop.myshopifyDomain"),
        )
    )
    assert reference["resource"] == "installs"
    assert SHOP in {event["shop"]["myshopifyDomain"] for event in read_dataset(reference)}


@pytest.mark.parametrize(("personal_data", "known"), [(None, True), ("True", True), ("False", False)])
def test_the_choice_about_personal_data_may_come_from_a_template(run, personal_data, known):
    orders = ShopifyAdminExtractOperator(
        task_id="orders",
        resource="orders",
        shop=SHOP,
        personal_data=personal_data,
        shopify_admin_conn_id=ADMIN,
        **YEAR,
    )
    assert any(order["customer"] for order in read_dataset(run(orders))) is known


OPTIONS = {"order_properties": {"gift": "metafield:custom.gift"}, "line_properties": {"kind": "product.productType"}}


@pytest.mark.parametrize(
    "fields",
    [
        ["metafield:custom.gift", "lineItems.product.productType"],
        '["metafield:custom.gift", "lineItems.product.productType"]',
        "['metafield:custom.gift', 'lineItems.product.productType']",
        "metafield:custom.gift lineItems.product.productType",
        OPTIONS,
        json.dumps(OPTIONS),
    ],
)
def test_further_fields_are_paths_json_text_or_the_options_of_the_mapping(run, fields):
    orders = ShopifyAdminExtractOperator(
        task_id="orders", resource="orders", shop=SHOP, fields=fields, shopify_admin_conn_id=ADMIN, **YEAR
    )
    records = list(read_dataset(run(orders)))
    assert all(order["metafields"].keys() == {"custom.gift"} for order in records)
    products = [line["product"] for order in records for line in order["lineItems"] if line["product"]]
    assert products
    assert all("productType" in product for product in products)


@pytest.mark.parametrize(
    ("resource", "fields", "message"),
    [
        ("products", OPTIONS, "'resource' is products"),
        ("orders", {"order_properties": {"a": "optoin:x"}}, "did you mean 'option'"),
        ("orders", 5, "'fields' is 5"),
        ("orders", ["customAtributes.key"], "did you mean 'customAttributes'"),
    ],
)
def test_wrong_further_fields_fail_at_once(run, resource, fields, message):
    orders = ShopifyAdminExtractOperator(
        task_id="orders", resource=resource, shop=SHOP, fields=fields, shopify_admin_conn_id=ADMIN, **YEAR
    )
    with pytest.raises(AirflowFailException, match=message):
        run(orders)


def test_orders_and_their_returns_are_extracted(run):
    orders = run(
        ShopifyAdminExtractOperator(task_id="orders", resource="orders", shop=SHOP, shopify_admin_conn_id=ADMIN, **YEAR)
    )
    assert orders["records"] == 6
    match = {"order_id": {"dataset": orders, "field": "legacyResourceId"}}
    returns = run(YofiExtractOperator(task_id="returns", resource="returns", shop=SHOP, match=match))
    assert set(read_column(returns, "order_id")) <= set(read_column(orders, "legacyResourceId"))
    assert returns["records"] > 0


def test_returns_of_a_window_and_their_predictions_are_extracted(run):
    returns = run(YofiExtractOperator(task_id="returns", resource="returns", shop=SHOP, **YEAR))
    longer_walk = YofiExtractOperator(
        task_id="far", resource="returns", shop=SHOP, walk_lookback=timedelta(days=400), page_size=3, **YEAR
    )
    predictions = YofiExtractOperator(
        task_id="predictions",
        resource="return_predictions",
        shop=SHOP,
        prediction_filter="predicted_value>0.5",
        **YEAR,
    )
    assert returns["window"] is not None
    assert sorted(record["id"] for record in read_dataset(run(longer_walk))) == sorted(
        record["id"] for record in read_dataset(returns)
    )
    assert all(record["predicted_value"] > 0.5 for record in read_dataset(run(predictions)))


def test_customers_can_be_read_one_at_a_time(run):
    customers = list(read_dataset(run(YofiExtractOperator(task_id="customers", resource="customers", shop=SHOP))))
    match = {"customer_id": [record["customer_id"] for record in customers][:3]}
    one_by_one = run(
        YofiExtractOperator(task_id="one_by_one", resource="customers", shop=SHOP, match=match, one_by_one=True)
    )
    assert one_by_one["records"] == one_by_one["extra"]["api"]["by_label"]["customers.list"] == 3


def test_an_unknown_filter_field_is_refused_before_it_is_sent(run):
    with pytest.raises(AirflowFailException, match="colour"):
        run(YofiExtractOperator(task_id="claims", resource="claims", shop=SHOP, filters="colour==red", **YEAR))


def test_a_store_without_orders_gives_an_empty_dataset(run):
    reference = run(
        YotpoExtractOperator(task_id="orders", resource="orders", yotpo_conn_id="yotpo_aurora_apparel", **YEAR)
    )
    assert (reference["records"], list(read_dataset(reference))) == (0, [])


def test_an_export_has_the_requested_fields(run):
    arguments = {"resource": "orders", "mode": "export", "fields": ["id", "source_id"], "poll_interval": 0.05}
    reference = run(
        VoucherifyExtractOperator(task_id="orders", voucherify_conn_id="voucherify_sandbox", **arguments, **YEAR)
    )
    records = list(read_dataset(reference))
    assert records
    assert {tuple(record) for record in records} == {("id", "source_id")}


@pytest.mark.parametrize(
    ("operator", "name", "resource"),
    [(VoucherifyExtractOperator, "voucherify_conn_id", "rewards"), (YofiExtractOperator, "yofi_conn_id", "returns")],
)
def test_a_task_without_a_connection_is_skipped_if_the_option_is_set(run, operator, name, resource):
    for missing in (None, "", "None"):
        task = operator(task_id="records", resource=resource, **{name: missing}, skip_without_connection=True)
        with pytest.raises(AirflowSkipException, match=r"No .* connection is given"):
            run(task)


def test_a_skipped_task_says_for_which_shop(run):
    task = VoucherifyExtractOperator(
        task_id="records", resource="rewards", voucherify_conn_id="", skip_without_connection=True, for_shop=SHOP
    )
    with pytest.raises(
        AirflowSkipException, match=f"No Voucherify connection is given for {SHOP}, so there is nothing"
    ):
        run(task)


@pytest.mark.parametrize(
    ("operator", "conn_id"),
    [(VoucherifyExtractOperator, "voucherify_sandbox"), (YotpoExtractOperator, "yotpo_aurora_apparel")],
)
def test_a_task_knows_the_shop_of_its_account(run, operator, conn_id):
    resource = "products" if operator is YotpoExtractOperator else "rewards"
    name = "yotpo_conn_id" if operator is YotpoExtractOperator else "voucherify_conn_id"
    task = operator(task_id="records", resource=resource, for_shop=SHOP, **{name: conn_id})
    run(task)
    assert task.activity.shop == SHOP
    assert task.activity.account != SHOP


def test_the_error_about_an_unknown_list_of_any_partner_names_the_known_ones(run):
    for operator in (YofiExtractOperator, ShopifyAdminExtractOperator, VoucherifyExtractOperator, YotpoExtractOperator):
        with pytest.raises(AirflowFailException, match="Use one of: "):
            run(operator(task_id="wrong", resource="nonsense"))


@pytest.mark.parametrize(
    ("shop", "url"),
    [(SHOP, "https://admin.shopify.com/store/aurora-apparel/orders"), (None, ""), ("not a shop", "")],
)
def test_a_task_links_to_its_shop(shop, url):
    operator = ShopifyAdminExtractOperator(task_id="orders", resource="orders", shop=shop)
    assert ShopifyAdminLink().get_link(operator, ti_key=None) == url


@pytest.mark.parametrize(
    "operator",
    [
        lambda **options: ShopifyAdminExtractOperator(
            resource="orders", shop=SHOP, shopify_admin_conn_id=ADMIN, mode="paged", **YEAR, **options
        ),
        lambda **options: ShopifyAdminExtractOperator(
            resource="orders", shop=SHOP, shopify_admin_conn_id=ADMIN, mode="bulk", **YEAR, **options
        ),
        lambda **options: ShopifyPartnerExtractOperator(resource="transactions", **YEAR, **options),
        lambda **options: YofiExtractOperator(resource="claims", shop=SHOP, **YEAR, **options),
        lambda **options: VoucherifyExtractOperator(resource="vouchers", mode="export", **YEAR, **options),
        lambda **options: VoucherifyExtractOperator(resource="campaigns", **options),
        lambda **options: YotpoExtractOperator(
            resource="orders", yotpo_conn_id="yotpo_aurora_apparel", **YEAR, **options
        ),
    ],
    ids=["admin", "admin-bulk", "partner", "yofi", "voucherify-export", "voucherify", "yotpo"],
)
def test_a_dataset_names_its_account_and_replaces_only_that_accounts(run, tmp_path, operator):
    """The check before an extraction, and the one at its end, know the account by the same name."""
    place = str(tmp_path / "place")
    task = operator(task_id="extract", uri=place)
    first = run(task)
    assert first["account"] == task.hook().account
    assert first["account"]
    second = run(operator(task_id="extract", uri=place))
    assert (second["uri"], second["records"]) == (place, first["records"])
    assert len(list(read_dataset(second))) == first["records"]


def test_two_shops_over_one_folder_do_not_replace_each_other(run, tmp_path):
    place = str(tmp_path / "place")
    first = run(YofiExtractOperator(task_id="one", resource="claims", shop=SHOP, uri=place, **YEAR))
    other = YofiExtractOperator(
        task_id="two", resource="claims", shop="maison-lumiere.myshopify.com", uri=place, **YEAR
    )
    with pytest.raises(AirflowFailException, match=rf"of maison-lumiere.myshopify.com can't .* of {SHOP}"):
        run(other)
    assert list(read_dataset(first))


@pytest.mark.covers("yofi.customer.path")
def test_one_customer_of_yofi_is_read_by_its_id(run):
    listed = YofiExtractOperator(task_id="all", resource="customers", shop=SHOP)
    (first, *_) = read_dataset(run(listed))
    reference = run(YofiGetCustomerOperator(task_id="one", customer_id=first["customer_id"], shop=SHOP))
    (record,) = read_dataset(reference)
    assert (reference["resource"], record["customer_id"]) == ("customers", first["customer_id"])


def test_a_customer_that_yofi_does_not_have_is_an_error_unless_it_may_be_missing(run):
    with pytest.raises(PartnerTaskError, match="no such customer"):
        run(YofiGetCustomerOperator(task_id="one", customer_id="1", shop=SHOP))
    reference = run(YofiGetCustomerOperator(task_id="two", customer_id="1", shop=SHOP, allow_missing="true"))
    assert reference["records"] == 0


def test_a_customer_id_that_renders_to_nothing_is_an_error(run):
    with pytest.raises(PartnerTaskError, match="'customer_id' rendered to nothing"):
        run(YofiGetCustomerOperator(task_id="one", customer_id="None", shop=SHOP))


def test_one_customer_has_no_time_range() -> None:
    with pytest.raises(TypeError, match="YofiGetCustomerOperator takes no 'since'"):
        YofiGetCustomerOperator(task_id="one", customer_id="1", since="2026-05-01")


ORDERS = "{ orders { nodes { name lineItems(first: 1) { nodes { quantity } } } } }"


@pytest.mark.parametrize("mode", ["auto", "paged", "bulk"])
def test_any_document_of_the_admin_api_is_extracted(run, mode):
    reference = run(
        ShopifyAdminQueryOperator(
            task_id=mode,
            document=ORDERS,
            key="['name']",
            variables="{}",
            page_size="2",
            resource="short orders",
            time_field="updated_at",
            since=YEAR["since"].isoformat(),
            until=YEAR["until"].isoformat(),
            poll_interval="0.1",
            mode=mode,
            shopify_admin_conn_id=ADMIN,
        )
    )
    whole = run(
        ShopifyAdminExtractOperator(
            task_id="whole", resource="orders", mode="paged", shopify_admin_conn_id=ADMIN, **YEAR
        )
    )
    expected = {order["name"]: [line["quantity"] for line in order["lineItems"]] for order in read_dataset(whole)}
    records = {each["name"]: [line["quantity"] for line in each["lineItems"]] for each in read_dataset(reference)}
    assert records == expected
    assert (reference["resource"], reference["account"]) == ("short orders", SHOP)
    assert reference["window"]["since"].startswith(YEAR["since"].date().isoformat())


def test_a_document_that_no_bulk_operation_takes_is_read_page_by_page(run, monkeypatch, caplog):
    monkeypatch.setattr("airflow_provider_partners.api.shopify_admin.search.COUNT_LIMIT", 1)
    document = "{ orders { nodes { id fulfillments { id fulfillmentLineItems { nodes { id } } } } } }"
    auto = ShopifyAdminQueryOperator(task_id="auto", document=document, shopify_admin_conn_id=ADMIN)
    assert run(auto)["records"] == 6
    bulk = ShopifyAdminQueryOperator(task_id="bulk", document=document, mode="bulk", shopify_admin_conn_id=ADMIN)
    with pytest.raises(AirflowFailException, match="connection field within a list field"):
        run(bulk)


def test_a_query_of_the_partner_api_may_be_unpaged(run, app_id):
    document = "query Name($app: ID!) { app(id: $app) { name } }"
    arguments = {"document": document, "variables": f'{{"app": "{app_id}"}}', "resource": "names"}
    (record,) = read_dataset(run(ShopifyPartnerQueryOperator(task_id="name", **arguments)))
    assert set(record) == {"name"}
    with pytest.raises(AirflowFailException, match="has no connection, so it has no pages"):
        run(ShopifyPartnerQueryOperator(task_id="paged", paged="true", **arguments))


def test_a_bulk_query_waits_in_the_triggerer_and_resumes_there(run):
    operator = ShopifyAdminQueryOperator(
        task_id="deferred", document=ORDERS, key=["name"], mode="bulk", deferrable=True, shopify_admin_conn_id=ADMIN
    )
    with pytest.raises(TaskDeferred) as deferred:
        run(operator)
    event = {"status": "done", "job_id": deferred.value.trigger.job_id}
    context = {"ti": SimpleNamespace(dag_id="dag", task_id="deferred", run_id="run", map_index=-1)}
    for _ in range(50):
        try:
            reference = operator.execute_complete(context, event)
            break
        except TaskDeferred:
            time.sleep(0.1)
    assert (reference["records"], reference["extra"]["job"]) == (6, event["job_id"])
