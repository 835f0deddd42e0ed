from __future__ import annotations

import json
from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from airflow.sdk import Asset
from fakes.yotpo_store import FakeYotpoStore

from airflow_provider_partners._compat import AirflowFailException, AirflowSkipException
from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import RejectedError, TransientError
from airflow_provider_partners.operators.yotpo import (
    YotpoBuildOrdersOperator,
    YotpoReplayRejectsOperator,
    YotpoUpsertCustomersOperator,
    YotpoUpsertFulfillmentsOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)
from airflow_provider_partners.sync.upsert.products import products_of
from airflow_provider_partners.task_errors import PartnerTaskError
from airflow_provider_partners.windows import Window

SHOP = "a.myshopify.com"


class Store(FakeYotpoStore):
    """A Yotpo store in memory that can reject some orders, or fail at one of them."""

    def __init__(self, *, rejects=(), fails_at=None):
        super().__init__()
        self.stats, self.rejects, self.fails_at = RequestStats(), set(rejects), fails_at

    @property
    def order_ids(self):
        return sorted(order["external_id"] for order in self.records["order"].values())

    @property
    def created(self):
        """What was created, as operation and external id."""
        return [(name, payload["external_id"]) for name, payload in self.sent if name.endswith("create")]

    def _create(self, kind, payload):
        if payload["external_id"] in self.rejects:
            message = f"{kind} {payload['external_id']} is refused"
            raise RejectedError(message, partner="Yotpo", status=400)
        if (kind, payload["external_id"]) == ("order", self.fails_at):
            message = "the network is down"
            raise TransientError(message)
        return super()._create(kind, payload)


def with_store(operator, store):
    """Return the operator with a store in memory behind its hook."""

    class WithStore(operator):
        def hook(self):
            @contextmanager
            def open_store():
                yield store

            hook = open_store()
            hook.conn_type, hook.account, hook.host, hook.console_url = "yotpo", "store-1", "yotpo.example", None
            return hook

    return WithStore


@pytest.fixture
def context(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path / "staging"))
    pushed = {}
    task = SimpleNamespace(
        dag_id="dag",
        task_id="task",
        run_id="run",
        map_index=0,
        xcom_push=lambda key, value: pushed.update({key: value}),
    )
    return {"ti": task, "pushed": pushed}


def order(number, **changes):
    """Return an order as Shopify returns it, with one line item."""
    return {
        "id": f"gid://shopify/Order/{number}",
        "legacyResourceId": str(number),
        "name": f"#{number}",
        "createdAt": "2026-05-01T09:00:00Z",
        "processedAt": "2026-05-01T09:00:00Z",
        "updatedAt": "2026-05-01T09:30:00Z",
        "email": f"buyer{number}@example.com",
        "currencyCode": "EUR",
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "test": False,
        "totalPriceSet": {"shopMoney": {"amount": "10.00", "currencyCode": "EUR"}},
        "customer": {
            "id": "gid://shopify/Customer/7",
            "legacyResourceId": "7",
            "firstName": "Ada",
            "lastName": "Li",
            "email": f"buyer{number}@example.com",
        },
        "lineItems": [
            {
                "id": f"gid://shopify/LineItem/{number}1",
                "title": "Mug",
                "quantity": 1,
                "currentQuantity": 1,
                "originalUnitPriceSet": {"shopMoney": {"amount": "10.00", "currencyCode": "EUR"}},
                "discountedUnitPriceAfterAllDiscountsSet": {"shopMoney": {"amount": "10.00", "currencyCode": "EUR"}},
                "product": {
                    "id": "gid://shopify/Product/5",
                    "legacyResourceId": "5",
                    "title": "Mug",
                    "handle": "mug",
                    "onlineStoreUrl": "https://a.example/mug",
                },
                "variant": None,
            }
        ],
        "fulfillments": [],
        **changes,
    }


def dataset(tmp_path, name, records, **options):
    writer = DatasetWriter(str(tmp_path / name), source="shopify_admin", resource=name, **options)
    writer.append(records)
    return writer.commit().to_dict()


@pytest.fixture
def staging_folder(tmp_path):
    return tmp_path / "staging"


@pytest.fixture
def built(context, tmp_path):
    """Three built orders; the review request of the second is suppressed, because it was returned."""
    orders = dataset(tmp_path, "orders", [order(number) for number in (1, 2, 3)])
    returns = dataset(tmp_path, "returns", [{"id": "r", "order_id": "2", "state": "refunded", "customer_id": "7"}])
    return YotpoBuildOrdersOperator(task_id="build", orders=orders, returns=returns, shop=SHOP).execute(context)


def upsert(context, operator, store, **arguments):
    context["ti"].task_id = operator.__name__
    return with_store(operator, store)(task_id="upsert", **{"workers": 1, **arguments}).execute(context)


def test_building_counts_suppressed_orders_with_their_reason(built):
    assert (built["records"], built["extra"]["suppressed"], built["extra"]["rejected"]) == (3, 1, 0)
    assert sum(built["extra"]["suppressions"].values()) == 1
    assert built["extra"]["shop"] == SHOP
    assert [record["external_id"] for record in read_dataset(built) if record["suppressed"]] == ["2"]


def test_an_unmappable_order_becomes_a_reject_with_its_reason(context, tmp_path):
    orders = dataset(tmp_path, "orders", [order(1), order(2, createdAt=None, processedAt=None)])
    reference = YotpoBuildOrdersOperator(task_id="build", orders=orders, shop=SHOP, max_rejects=1).execute(context)
    assert (reference["records"], reference["extra"]["rejected"]) == (1, 1)
    assert [record["external_id"] for record in read_dataset(reference["extra"]["rejects"])] == ["2"]


def test_an_order_that_the_options_leave_out_does_not_count_as_rejected(context, tmp_path):
    orders = dataset(tmp_path, "orders", [order(1), order(2, test=True)])
    reference = YotpoBuildOrdersOperator(task_id="build", orders=orders, shop=SHOP, max_rejects=0).execute(context)
    assert (reference["extra"]["left_out"], reference["extra"]["rejected"]) == (1, 0)


def test_too_many_unmappable_orders_fail_the_task_but_its_counts_stay(context, tmp_path):
    orders = dataset(tmp_path, "orders", [order(1), order(2, createdAt=None, processedAt=None)])
    with pytest.raises(AirflowFailException, match="1 of 2 records were rejected"):
        YotpoBuildOrdersOperator(task_id="build", orders=orders, shop=SHOP, max_rejects=0).execute(context)
    assert context["pushed"]["return_value"]["extra"]["over_threshold"]


def test_wrong_options_fail_at_once(context, tmp_path):
    orders = dataset(tmp_path, "orders", [order(1)])
    with pytest.raises(AirflowFailException, match="gift_cards"):
        YotpoBuildOrdersOperator(task_id="build", orders=orders, shop=SHOP, options={"gift_cards": "all"}).execute(
            context
        )


@pytest.mark.parametrize("as_text", [False, True])
def test_custom_properties_are_arguments_that_go_before_those_of_the_options(context, tmp_path, as_text):
    orders = dataset(tmp_path, "orders", [order(1, sourceName="web")])
    properties = {
        "order_properties": {"channel": "sourceName", "custom": "constant:own"},
        "line_properties": {"model": "product.title"},
        "product_properties": {"review_form_tag": "title"},
    }
    operator = YotpoBuildOrdersOperator(
        task_id="build",
        orders=orders,
        shop=SHOP,
        options={"order_properties": {"custom": "constant:of the options", "other": "constant:kept"}},
        **{name: json.dumps(value) if as_text else value for name, value in properties.items()},
    )
    (record,) = read_dataset(DatasetRef.from_dict(operator.execute(context)))
    shown = record["order"]["custom_properties"]
    assert {name: shown[name] for name in ("channel", "custom", "other")} == {
        "channel": "web",
        "custom": "own",
        "other": "kept",
    }
    assert record["order"]["line_items"][0]["custom_properties"]["model"] == "Mug"
    assert record["products"][0]["custom_properties"] == {"review_form_tag": "Mug"}


def test_a_wrong_source_of_a_property_fails_at_once(context, tmp_path):
    operator = YotpoBuildOrdersOperator(
        task_id="build",
        orders=dataset(tmp_path, "orders", [order(1)]),
        shop=SHOP,
        line_properties={"color": "optoin:Color"},
    )
    with pytest.raises(AirflowFailException, match=r"line_properties: color: .*did you mean 'option'"):
        operator.execute(context)


def test_no_orders_build_an_empty_dataset(context, tmp_path):
    reference = YotpoBuildOrdersOperator(task_id="build", orders=dataset(tmp_path, "orders", []), shop=SHOP).execute(
        context
    )
    assert (reference["records"], reference["extra"]["rejects"]) == (0, None)


def test_the_references_hold_no_personal_data(context, built):
    reference = upsert(context, YotpoUpsertOrdersOperator, Store(rejects={"1"}), orders=built, max_rejects=1)
    for text in (str(built), str(reference)):
        assert "@example.com" not in text
        assert "Ada" not in text


def test_orders_are_created_and_counted(context, built):
    store = Store()
    reference = upsert(context, YotpoUpsertOrdersOperator, store, orders=built)
    assert store.order_ids == ["1", "2", "3"]
    assert reference["extra"]["summary"]["created"] == 3
    assert reference["extra"]["rejects"] is None
    assert [(record["external_id"], record["action"]) for record in read_dataset(reference)] == [
        ("1", "created"),
        ("2", "created"),
        ("3", "created"),
    ]


def test_a_second_run_with_the_same_orders_writes_nothing(context, built):
    store = Store()
    upsert(context, YotpoUpsertOrdersOperator, store, orders=built)
    store.sent.clear()
    reference = upsert(context, YotpoUpsertOrdersOperator, store, orders=built)
    assert store.sent == []
    assert reference["extra"]["summary"]["unchanged"] == 3


@pytest.mark.parametrize("plan_only", [True, "True"])
def test_a_dry_run_plans_and_writes_nothing(context, built, plan_only):
    store = Store()
    reference = upsert(context, YotpoUpsertOrdersOperator, store, orders=built, plan_only=plan_only)
    assert store.sent == []
    assert reference["extra"]["dry_run"] is True
    assert reference["extra"]["summary"]["would_create"] == 3


def test_a_rejected_order_is_stored_and_the_others_are_written(context, built):
    store = Store(rejects={"2"})
    reference = upsert(context, YotpoUpsertOrdersOperator, store, orders=built, max_rejects=1)
    assert store.order_ids == ["1", "3"]
    assert reference["extra"]["summary"]["rejected"] == 1
    assert [record["external_id"] for record in read_dataset(reference["extra"]["rejects"])] == ["2"]


def test_outcomes_and_rejects_have_the_window_of_the_orders(context, tmp_path):
    """A replay reads claims and coupons as far back as the run that rejected the orders."""
    window = {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}
    orders = dataset(tmp_path, "orders", [order(1), order(2)], window=Window.from_dict(window))
    built = YotpoBuildOrdersOperator(task_id="build", orders=orders, shop=SHOP).execute(context)
    reference = upsert(context, YotpoUpsertOrdersOperator, Store(rejects={"2"}), orders=built, max_rejects=1)
    assert reference["window"] == reference["extra"]["rejects"]["window"] == window


def test_too_many_rejects_fail_the_task_but_its_counts_stay(context, built):
    with pytest.raises(AirflowFailException, match="1 of 3 records were rejected"):
        upsert(context, YotpoUpsertOrdersOperator, Store(rejects={"2"}), orders=built, max_rejects=0)
    extra = context["pushed"]["return_value"]["extra"]
    assert (extra["over_threshold"], extra["summary"]["created"]) == (True, 2)


def test_the_threshold_is_that_of_the_configuration_by_default(context, built, monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__MAX_REJECTS", "1")
    assert (
        upsert(context, YotpoUpsertOrdersOperator, Store(rejects={"2"}), orders=built)["extra"]["summary"]["rejected"]
        == 1
    )


def test_a_second_try_skips_the_orders_that_the_first_has_finished(context, built):
    store = Store(fails_at="3")
    with pytest.raises(PartnerTaskError, match="the network is down"):
        upsert(context, YotpoUpsertOrdersOperator, store, orders=built)
    store.fails_at = None
    lookups = store.calls["orders.list"]
    reference = upsert(context, YotpoUpsertOrdersOperator, store, orders=built)
    assert store.order_ids == ["1", "2", "3"]
    assert reference["extra"]["summary"]["created"] == 3
    assert store.calls["orders.list"] == lookups + 1


def test_the_second_try_keeps_the_rejects_of_the_first(context, built):
    store = Store(rejects={"1"}, fails_at="3")
    with pytest.raises(PartnerTaskError):
        upsert(context, YotpoUpsertOrdersOperator, store, orders=built, max_rejects=1)
    store.fails_at = None
    reference = upsert(context, YotpoUpsertOrdersOperator, store, orders=built, max_rejects=1)
    assert [record["external_id"] for record in read_dataset(reference["extra"]["rejects"])] == ["1"]
    assert (reference["extra"]["summary"]["created"], reference["extra"]["summary"]["rejected"]) == (2, 1)


def test_a_failed_dry_run_marks_no_order_as_finished(context, built):
    store = Store()
    store.errors["orders.list"] = [TransientError("down")]
    with pytest.raises(PartnerTaskError):
        upsert(context, YotpoUpsertOrdersOperator, store, orders=built, plan_only=True)
    assert upsert(context, YotpoUpsertOrdersOperator, Store(), orders=built)["extra"]["summary"]["created"] == 3


def test_each_product_is_written_once(context, built):
    store = Store()
    reference = upsert(context, YotpoUpsertProductsOperator, store, products=built)
    assert store.created == [("products.create", "5")]
    assert reference["extra"]["summary"]["created"] == 1


def test_fulfillments_of_missing_orders_are_rejected(context, tmp_path):
    fulfillment = {
        "id": "gid://shopify/Fulfillment/9",
        "legacyResourceId": "9",
        "name": "#1-F1",
        "status": "SUCCESS",
        "displayStatus": "FULFILLED",
        "createdAt": "2026-05-01T10:00:00Z",
        "updatedAt": "2026-05-01T10:00:00Z",
        "trackingInfo": [],
        "fulfillmentLineItems": [{"id": "f", "quantity": 1, "lineItem": {"id": "gid://shopify/LineItem/11"}}],
    }
    orders = dataset(tmp_path, "orders", [order(1, fulfillments=[fulfillment])])
    built = YotpoBuildOrdersOperator(task_id="build", orders=orders, shop=SHOP).execute(context)
    reference = upsert(context, YotpoUpsertFulfillmentsOperator, Store(), fulfillments=built, max_rejects=1)
    assert reference["extra"]["summary"]["rejected"] == 1


def test_orders_and_fulfillments_can_be_written_separately(context, tmp_path):
    shipment = {
        "id": "gid://shopify/Fulfillment/70",
        "legacyResourceId": "70",
        "status": "SUCCESS",
        "createdAt": "2026-05-01T10:00:00Z",
        "fulfillmentLineItems": [{"quantity": 1, "lineItem": {"id": "gid://shopify/LineItem/11"}}],
    }
    orders = dataset(tmp_path, "orders", [order(1, fulfillments=[shipment])])
    built = YotpoBuildOrdersOperator(task_id="build", orders=orders, shop=SHOP).execute(context)
    store = Store()

    upsert(context, YotpoUpsertOrdersOperator, store, orders=built, with_fulfillments=False)
    assert store.get("order", "1")["fulfillments"] == []

    upsert(context, YotpoUpsertFulfillmentsOperator, store, fulfillments=built)
    assert store.created[-1] == ("fulfillments.create", "70")


def test_an_empty_dataset_makes_no_call(context, tmp_path):
    built = YotpoBuildOrdersOperator(task_id="build", orders=dataset(tmp_path, "orders", []), shop=SHOP).execute(
        context
    )
    store = Store()
    reference = upsert(context, YotpoUpsertOrdersOperator, store, orders=built)
    assert (reference["records"], store.calls.total()) == (0, 0)


def test_rejects_are_replayed_after_the_cause_is_fixed(context, built):
    store = Store(rejects={"2"})
    rejected = upsert(context, YotpoUpsertOrdersOperator, store, orders=built, max_rejects=1)
    store.rejects.clear()
    reference = upsert(context, YotpoReplayRejectsOperator, store, rejects=rejected)
    assert store.order_ids == ["1", "2", "3"]
    assert reference["extra"]["summary"]["created"] == 1


def test_without_rejects_the_replay_is_skipped(context, built):
    done = upsert(context, YotpoUpsertOrdersOperator, Store(), orders=built)
    with pytest.raises(AirflowSkipException):
        upsert(context, YotpoReplayRejectsOperator, Store(), rejects=done)


def test_only_rejected_orders_can_be_replayed(context, built):
    with pytest.raises(AirflowFailException, match="'rejects' is a dataset of built orders"):
        upsert(context, YotpoReplayRejectsOperator, Store(), rejects=built)


def build_at(context, tmp_path, name, *, minute, status):
    """Build the order 2 as Shopify had it at a minute of the day."""
    writer = DatasetWriter(str(tmp_path / name), source="shopify_admin", resource="orders")
    updated_at = f"2026-05-01T10:{minute:02}:00Z"
    writer.append([order(2, updatedAt=updated_at, displayFinancialStatus=status)])
    orders = writer.commit(read_at=datetime.now(UTC).replace(minute=minute).isoformat()).to_dict()
    context["ti"].task_id, context["ti"].run_id = "build", name
    return YotpoBuildOrdersOperator(task_id="build", orders=orders, shop=SHOP).execute(context)


def test_a_task_that_writes_late_does_not_set_back_what_a_newer_run_wrote(context, tmp_path):
    store = Store()
    paid = build_at(context, tmp_path, "monday", minute=10, status="PAID")
    refunded = build_at(context, tmp_path, "tuesday", minute=20, status="REFUNDED")
    for operator in (YotpoUpsertProductsOperator, YotpoUpsertOrdersOperator):
        upsert(context, operator, store, **{operator.record_kind: refunded})
    context["ti"].run_id = "monday"

    late = upsert(context, YotpoUpsertOrdersOperator, store, orders=paid)
    late_products = upsert(context, YotpoUpsertProductsOperator, store, products=paid)

    assert store.get("order", "2")["payment_status"] == "refunded"
    assert (late["extra"]["summary"]["stale"], late_products["extra"]["summary"]["stale"]) == (1, 1)
    (outcome,) = read_dataset(late)
    assert outcome["reason"] == "newer data was claimed since it was built: order"


def test_a_replay_of_an_old_reject_ends_as_stale_or_writes_the_rebuilt_order(context, tmp_path):
    store = Store(rejects={"2"})
    monday = build_at(context, tmp_path, "monday", minute=10, status="PAID")
    rejected = upsert(context, YotpoUpsertOrdersOperator, store, orders=monday, max_rejects=1)
    tuesday = build_at(context, tmp_path, "tuesday", minute=20, status="REFUNDED")
    upsert(context, YotpoUpsertOrdersOperator, store, orders=tuesday, max_rejects=1)
    store.rejects.clear()

    replayed = upsert(context, YotpoReplayRejectsOperator, store, rejects=rejected)
    rebuilt = build_at(context, tmp_path, "friday", minute=30, status="PARTIALLY_REFUNDED")
    again = upsert(context, YotpoReplayRejectsOperator, store, rejects=rejected, rebuilt=rebuilt)

    assert replayed["extra"]["summary"]["stale"] == 1
    assert again["extra"]["summary"]["created"] == 1
    assert store.get("order", "2")["payment_status"] == "partially_refunded"


def test_a_replay_takes_only_built_orders_as_rebuilt(context, built):
    rejected = upsert(context, YotpoUpsertOrdersOperator, Store(rejects={"2"}), orders=built, max_rejects=1)
    with pytest.raises(AirflowFailException, match="'rebuilt' is a dataset of orders outcomes"):
        upsert(context, YotpoReplayRejectsOperator, Store(), rejects=rejected, rebuilt=rejected)


def test_products_of_malformed_orders_stay_for_the_upsert_to_reject():
    product = {"external_id": "p-1", "name": "A"}
    orders = [None, {"products": [None]}, {"products": [product]}, {"products": [{"name": "B"}, product]}]

    products = list(products_of(orders))

    assert products[:2] == orders[:2]
    assert products[2:] == [{**product, "version": {}}, {"name": "B", "version": {}}]


ROWS = [
    {"order": "1", "at": "2026-05-01", "sku": "mug", "title": "Mug", "qty": "1", "mail": "a@example.com"},
    {"order": "2", "at": "2026-05-01", "sku": "mug", "title": "Mug", "qty": "2", "mail": "b@example.com"},
    {"order": "1", "at": "2026-05-01", "sku": "cup", "title": "Cup", "qty": "1", "mail": "a@example.com"},
]
COLUMNS = {
    "external_id": "order",
    "order_date": "at",
    "customer.email": "mail",
    "line_items.external_product_id": "sku",
    "line_items.quantity": "qty",
    "line_items.product.name": "title",
}


@pytest.mark.parametrize("columns", [COLUMNS, json.dumps(COLUMNS)])
def test_rows_of_a_table_become_orders(context, columns):
    store = Store()
    reference = upsert(context, YotpoUpsertOrdersOperator, store, orders=ROWS, columns=columns)
    assert reference["extra"]["summary"]["created"] == 2
    (order,) = [record for record in store.records["order"].values() if record["external_id"] == "1"]
    assert [line["external_product_id"] for line in order["line_items"]] == ["mug", "cup"]
    assert sorted(record["name"] for record in store.records["product"].values()) == ["Cup", "Mug"]


def test_a_wrong_mapping_fails_before_anything_is_written(context):
    store = Store()
    with pytest.raises(AirflowFailException, match="'order_nr', which no record has"):
        upsert(context, YotpoUpsertOrdersOperator, store, orders=ROWS, columns={**COLUMNS, "order_name": "order_nr"})
    assert store.sent == []


def test_contradictory_rows_are_kept_whole_as_a_reject_that_a_replay_rejects_again(context):
    rows = [*ROWS, {**ROWS[0], "sku": "jar", "mail": "c@example.com"}]
    reference = upsert(context, YotpoUpsertOrdersOperator, Store(), orders=rows, columns=COLUMNS, max_rejects=1)
    (reject,) = read_dataset(reference["extra"]["rejects"])
    assert reject["rows"] == [rows[0], rows[2], rows[3]]
    assert reject["rejected"]["reason"] == "customer.email: its rows differ"
    again = upsert(context, YotpoReplayRejectsOperator, Store(), rejects=reference, max_rejects=1)
    assert again["extra"]["summary"]["rejected"] == 1


def test_a_second_try_of_rows_skips_what_the_first_has_written(context):
    store = Store(fails_at="2")
    with pytest.raises(PartnerTaskError):
        upsert(context, YotpoUpsertOrdersOperator, store, orders=ROWS, columns=COLUMNS)
    store.fails_at = None
    store.sent.clear()
    reference = upsert(context, YotpoUpsertOrdersOperator, store, orders=ROWS, columns=COLUMNS)
    assert reference["extra"]["summary"]["created"] == 2
    assert [name for name in store.created if name[0] == "orders.create"] == [("orders.create", "2")]


def test_rejects_of_plain_orders_are_replayed(context):
    order = {"external_id": 7, "order_date": "2026-05-01", "line_items": [{"external_product_id": "p", "quantity": 1}]}
    named = {**order, "line_items": [{**order["line_items"][0], "product": {"name": "P"}}]}
    rejected = upsert(context, YotpoUpsertOrdersOperator, Store(rejects={"7"}), orders=[named], max_rejects=1)
    store = Store()
    again = upsert(context, YotpoReplayRejectsOperator, store, rejects=[rejected])
    assert again["extra"]["summary"]["created"] == 1
    assert store.order_ids == ["7"]


def test_rejects_of_products_are_replayed_as_products(context):
    store = Store()
    rejected = upsert(context, YotpoUpsertProductsOperator, store, products=[{"external_id": "p"}], max_rejects=1)
    store.add_products("p")
    again = upsert(context, YotpoReplayRejectsOperator, store, rejects=rejected)
    assert again["resource"] == "products outcomes"
    assert again["extra"]["summary"]["unchanged"] == 1


class Customers(Store):
    """A store that takes customers, except one."""

    def __init__(self, *, refuses=None):
        super().__init__()
        self.customers, self.refuses = [], refuses

    def upsert_customer(self, payload):
        if self.refuses is not None and payload.get("external_id") == self.refuses:
            message = "the customer is refused"
            raise RejectedError(message, partner="Yotpo", status=400)
        self.customers.append(payload)


CUSTOMERS = [
    {"external_id": 1, "email": "a@example.com", "default_language": "DE", "accepts_sms_marketing": "false"},
    {"customer": {"email": "b@example.com", "tags": ["vip", "new"]}},
    {"external_id": "3", "phone_number": "030 12"},
    {"external_id": "1", "first_name": "Zoë"},
]


def test_customers_are_accepted_once_each(context):
    store = Customers()
    reference = upsert(context, YotpoUpsertCustomersOperator, store, customers=CUSTOMERS, max_rejects=1)
    summary = reference["extra"]["summary"]
    assert (summary["accepted"], summary["rejected"]) == (2, 1)
    assert store.customers == [
        {
            "external_id": "1",
            "email": "a@example.com",
            "first_name": "Zoë",
            "default_language": "de",
            "accepts_sms_marketing": False,
        },
        {"email": "b@example.com", "tags": "vip,new"},
    ]
    assert "example.com" not in json.dumps([reference, *read_dataset(reference)])


def test_a_plan_sends_no_customers_and_rejects_of_them_are_replayed(context):
    store = Customers(refuses="1")
    planned = upsert(context, YotpoUpsertCustomersOperator, store, customers=CUSTOMERS[:2], plan_only=True)
    assert (planned["extra"]["summary"]["would_update"], store.customers) == (2, [])
    rejected = upsert(context, YotpoUpsertCustomersOperator, store, customers=CUSTOMERS[:2], max_rejects=1)
    store.refuses = None
    again = upsert(context, YotpoReplayRejectsOperator, store, rejects=rejected)
    assert again["extra"]["summary"]["accepted"] == 1
    assert store.customers[-1]["external_id"] == "1"


@pytest.mark.parametrize(("argument", "shown"), [(False, False), ("false", False), ("true", True), ("True", True)])
def test_outcomes_show_personal_values_only_on_request(context, tmp_path, argument, shown):
    """The address changes in Shopify between two runs; the argument arrives as a template renders it, too."""
    store = Store()
    values = []
    for index, email in enumerate(("old@example.com", "new@example.com")):
        changed = order(1, email=email, updatedAt=f"2026-05-0{index + 1}T09:30:00Z")
        changed["customer"] = {**changed["customer"], "email": email}
        orders = dataset(tmp_path / str(index), "orders", [changed])
        context["ti"].task_id = f"build_{index}"
        built = YotpoBuildOrdersOperator(task_id="build", orders=orders, shop=SHOP).execute(context)
        context["ti"].task_id = f"upsert_{index}"
        upsert = with_store(YotpoUpsertOrdersOperator, store)(task_id="upsert", orders=built, personal_values=argument)
        (outcome,) = read_dataset(upsert.execute(context))
        values.append({each["name"]: (each["before"], each["after"]) for each in outcome["values"]})

    assert values[1]["customer.email"] == (("old@example.com", "new@example.com") if shown else ("•••", "•••"))
    assert ("example.com" in json.dumps(values)) is shown


class Killed(BaseException):
    """A worker's end, which nobody handles."""


class KilledStore(Store):
    """A store that takes a record, and the worker dies before it hears of it."""

    kills_at = None

    def create_order(self, payload):
        return self._killing("order", payload, super().create_order(payload))

    def create_fulfillment(self, order_yotpo_id, payload):
        return self._killing("fulfillment", payload, super().create_fulfillment(order_yotpo_id, payload))

    def _killing(self, kind, payload, yotpo_id):
        if (kind, payload["external_id"]) == self.kills_at:
            self.kills_at = None
            raise Killed
        return yotpo_id


def tried(context, number, max_tries=2):
    """The context of a try. Airflow raises ``max_tries`` when a task is cleared.

    See ``clear_task_instances`` in Airflow's ``models/taskinstance.py``.
    """
    context["outlet_events"] = defaultdict(lambda: SimpleNamespace(extra={}))
    context["ti"].try_number, context["ti"].max_tries = number, max_tries
    return context


def seen(reference):
    """What a run has counted and written, without the number of its calls and the store's own numbers."""
    extra = {name: value for name, value in reference["extra"].items() if name != "api"}
    return extra, [{**record, "yotpo_id": bool(record["yotpo_id"])} for record in read_dataset(reference)]


OUTLET = Asset("yotpo://store-1/orders")


@pytest.mark.parametrize(
    ("operator", "records"),
    [
        (YotpoUpsertOrdersOperator, None),
        (YotpoUpsertProductsOperator, None),
        (YotpoUpsertFulfillmentsOperator, [{"external_id": "9", "order_external_id": "1"}]),
        (YotpoUpsertCustomersOperator, CUSTOMERS),
    ],
)
def test_the_retry_of_a_task_that_was_killed_after_its_end_returns_the_same_and_calls_nobody(
    context, built, operator, records
):
    """The first try ended, and its worker died before Airflow heard of it."""
    store = Customers()
    store.rejects.add("2")
    arguments = {operator.record_kind: records or built, "max_rejects": 1, "outlets": [OUTLET]}
    first = upsert(tried(context, 1), operator, store, **arguments)
    events = context["outlet_events"][OUTLET].extra
    store.sent.clear(), store.calls.clear()

    assert upsert(tried(context, 2), operator, store, **arguments) == first
    assert (store.sent, store.calls.total()) == ([], 0)
    assert context["outlet_events"][OUTLET].extra == events


def test_a_cleared_task_writes_again(context, built):
    store = Store()
    upsert(tried(context, 1), YotpoUpsertOrdersOperator, store, orders=built)
    store.drop("order", "2")

    reference = upsert(tried(context, 2, max_tries=3), YotpoUpsertOrdersOperator, store, orders=built)

    summary = reference["extra"]["summary"]
    assert (summary["created"], summary["unchanged"]) == (1, 2)


def test_a_finished_plan_is_no_finished_write(context, built):
    store = Store()
    upsert(tried(context, 1), YotpoUpsertOrdersOperator, store, orders=built, plan_only=True)
    reference = upsert(tried(context, 2), YotpoUpsertOrdersOperator, store, orders=built)
    assert reference["extra"]["summary"]["created"] == 3


def test_the_retry_of_a_finished_task_with_too_many_rejects_fails_without_a_call(context, built):
    store = Store(rejects={"2"})
    with pytest.raises(AirflowFailException):
        upsert(tried(context, 1), YotpoUpsertOrdersOperator, store, orders=built, max_rejects=0)
    pushed, calls = dict(context["pushed"]), store.calls.total()

    with pytest.raises(AirflowFailException, match="1 of 3 records were rejected"):
        upsert(tried(context, 2), YotpoUpsertOrdersOperator, store, orders=built, max_rejects=0)
    assert (context["pushed"], store.calls.total()) == (pushed, calls)


@pytest.mark.parametrize("kills_at", [[1], [3], [1, 3], [3, 3]], ids=str)
def test_the_retry_of_a_killed_task_counts_what_the_killed_one_has_written(context, built, staging_folder, kills_at):
    """Nothing was stored of the outcomes: they wait for a part. The order brings its product, which is new."""
    store, calm = KilledStore(), Store()
    expected = seen(upsert(context, YotpoUpsertOrdersOperator, calm, orders=built))
    context["ti"].run_id = "killed"
    for number, order_id in enumerate(kills_at, start=1):
        store.kills_at = ("order", str(order_id))
        with pytest.raises(Killed):
            upsert(tried(context, number, 5), YotpoUpsertOrdersOperator, store, orders=built)
        if order_id == 3:
            store.drop("order", "3")  # The call did not arrive.

    reference = upsert(tried(context, 4, 5), YotpoUpsertOrdersOperator, store, orders=built)

    assert seen(reference) == expected
    assert store.order_ids == ["1", "2", "3"]
    assert list(staging_folder.rglob("journal.json")) == []


def test_the_retry_of_a_killed_task_counts_an_update_with_the_values_before(context, built, staging_folder):
    stores = [Store(), KilledStore()]
    for store in stores:
        store.add_products("5")
        store.create_order({**next(iter(read_dataset(built)))["order"], "payment_status": "pending"})
    expected = seen(upsert(context, YotpoUpsertOrdersOperator, stores[0], orders=built))
    context["ti"].run_id = "killed"
    stores[1].kills_at = ("order", "3")
    with pytest.raises(Killed):
        upsert(tried(context, 1), YotpoUpsertOrdersOperator, stores[1], orders=built)

    extra, outcomes = seen(upsert(tried(context, 2), YotpoUpsertOrdersOperator, stores[1], orders=built))

    assert (extra, outcomes) == expected
    assert [each["action"] for each in outcomes] == ["updated", "created", "created"]
    assert outcomes[0]["changed"] == ["payment_status"]


def test_the_retry_of_a_killed_task_counts_the_fulfillments_that_it_has_written(context, built):
    """Yotpo's order shows its fulfillments without their ids, so the retry reads the list of them."""
    fulfillments = [
        {
            "external_id": f"f{number}",
            "order_external_id": "1",
            "fulfillment_date": "2026-05-02T10:00:00Z",
            "status": "success",
            "fulfilled_items": [{"external_product_id": "5", "quantity": 1}],
        }
        for number in (1, 2)
    ]
    stores = [Store(), KilledStore()]
    for store in stores:
        upsert(context, YotpoUpsertOrdersOperator, store, orders=built)
    expected = seen(upsert(context, YotpoUpsertFulfillmentsOperator, stores[0], fulfillments=fulfillments))
    context["ti"].run_id = "killed"
    stores[1].kills_at = ("fulfillment", "f2")
    with pytest.raises(Killed):
        upsert(tried(context, 1), YotpoUpsertFulfillmentsOperator, stores[1], fulfillments=fulfillments)

    reference = upsert(tried(context, 2), YotpoUpsertFulfillmentsOperator, stores[1], fulfillments=fulfillments)

    assert seen(reference) == expected
    assert stores[1].created[-2:] == [("fulfillments.create", "f1"), ("fulfillments.create", "f2")]


def test_the_writes_of_a_killed_task_do_not_count_for_other_records(context, built):
    """The task was cleared together with the one before it, which has built other orders."""
    store = KilledStore()
    store.kills_at = ("order", "3")
    with pytest.raises(Killed):
        upsert(tried(context, 1), YotpoUpsertOrdersOperator, store, orders=built)
    reference = upsert(tried(context, 2), YotpoUpsertOrdersOperator, store, orders=list(read_dataset(built)))
    assert reference["extra"]["summary"]["unchanged"] == 3
