from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from airflow_provider_partners._compat import AirflowFailException, AirflowSkipException
from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import RejectedError, TransientError
from airflow_provider_partners.operators.base import PartnerTaskError
from airflow_provider_partners.operators.yotpo import (
    YotpoBuildOrdersOperator,
    YotpoReplayRejectsOperator,
    YotpoUpsertFulfillmentsOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)

SHOP = "a.myshopify.com"


class Store:
    """A Yotpo store in memory, with a list of what was written to it."""

    def __init__(self, *, refuses=(), fails_at=None):
        self.kept, self.writes, self.usage = {"order": {}, "product": {}}, [], RequestStats()
        self.refuses, self.fails_at = set(refuses), fails_at

    def products(self, external_ids):
        return {key: self.kept["product"][key] for key in external_ids if key in self.kept["product"]}

    def orders(self, external_ids):
        self.usage.on_request("orders.list")
        return {key: self.kept["order"][key] for key in external_ids if key in self.kept["order"]}

    def create_product(self, payload):
        return self._create("product", payload)

    def create_order(self, payload):
        return self._create("order", payload)

    def update_order(self, yotpo_id, payload):
        self.writes.append(("order", "update", sorted(payload)))
        next(body for body in self.kept["order"].values() if body["yotpo_id"] == yotpo_id).update(payload)

    def update_product(self, yotpo_id, payload):
        self.writes.append(("product", "update", sorted(payload)))

    def fulfillments(self, order_yotpo_id):
        return []

    def create_fulfillment(self, order_yotpo_id, payload):
        self.writes.append(("fulfillment", "create", payload["external_id"]))
        return 1

    def _create(self, kind, payload):
        key = payload["external_id"]
        if key in self.refuses:
            message = f"{kind} {key} is refused"
            raise RejectedError(message, partner="Yotpo", status=400)
        if (kind, key) == ("order", self.fails_at):
            message = "the network is down"
            raise TransientError(message)
        self.writes.append((kind, "create", key))
        self.kept[kind][key] = {**payload, "yotpo_id": len(self.writes)}
        return len(self.writes)


def at(operator, store):
    """The operator with a store in memory behind its hook."""

    class AtStore(operator):
        def hook(self):
            @contextmanager
            def opened():
                yield store

            hook = opened()
            hook.conn_type, hook.account, hook.host = "yotpo", "store-1", "yotpo.example"
            return hook

    return AtStore


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
    """An order as Shopify gives it, with one line item."""
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


def dataset(tmp_path, name, records):
    writer = DatasetWriter(str(tmp_path / name), source="shopify_admin", resource=name)
    writer.append(records)
    return writer.commit().to_dict()


@pytest.fixture
def built(context, tmp_path):
    """Three built orders; the second one's review request is suppressed, as it has come back."""
    orders = dataset(tmp_path, "orders", [order(number) for number in (1, 2, 3)])
    returns = dataset(tmp_path, "returns", [{"id": "r", "order_id": "2", "state": "refunded", "customer_id": "7"}])
    return YotpoBuildOrdersOperator(task_id="build", orders=orders, returns=returns, shop=SHOP).execute(context)


def upsert(context, operator, store, **arguments):
    context["ti"].task_id = operator.__name__
    return at(operator, store)(task_id="upsert", **{"workers": 1, **arguments}).execute(context)


def test_building_counts_suppressed_orders_with_their_reason(built):
    assert (built["records"], built["extra"]["suppressed"], built["extra"]["rejected"]) == (3, 1, 0)
    assert sum(built["extra"]["suppressions"].values()) == 1
    assert built["extra"]["shop"] == SHOP
    assert [row["external_id"] for row in read_dataset(built) if row["suppressed"]] == ["2"]


def test_an_order_that_cannot_be_mapped_is_set_aside_with_its_reason(context, tmp_path):
    orders = dataset(tmp_path, "orders", [order(1), order(2, createdAt=None, processedAt=None)])
    reference = YotpoBuildOrdersOperator(task_id="build", orders=orders, shop=SHOP, max_rejects=1).execute(context)
    assert (reference["records"], reference["extra"]["rejected"]) == (1, 1)
    assert [row["external_id"] for row in read_dataset(reference["extra"]["rejects"])] == ["2"]


def test_what_the_options_leave_out_is_no_reject(context, tmp_path):
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


def test_no_orders_build_an_empty_dataset(context, tmp_path):
    reference = YotpoBuildOrdersOperator(task_id="build", orders=dataset(tmp_path, "orders", []), shop=SHOP).execute(
        context
    )
    assert (reference["records"], reference["extra"]["rejects"]) == (0, None)


def test_the_references_hold_no_personal_data(context, built):
    reference = upsert(context, YotpoUpsertOrdersOperator, Store(refuses={"1"}), built=built, max_rejects=1)
    for text in (str(built), str(reference)):
        assert "@example.com" not in text
        assert "Ada" not in text


def test_orders_are_created_and_counted(context, built):
    store = Store()
    reference = upsert(context, YotpoUpsertOrdersOperator, store, built=built)
    assert sorted(store.kept["order"]) == ["1", "2", "3"]
    assert reference["extra"]["summary"]["created"] == 3
    assert reference["extra"]["rejects"] is None
    assert [(row["external_id"], row["action"]) for row in read_dataset(reference)] == [
        ("1", "created"),
        ("2", "created"),
        ("3", "created"),
    ]


def test_the_same_again_writes_nothing(context, built):
    store = Store()
    upsert(context, YotpoUpsertOrdersOperator, store, built=built)
    store.writes.clear()
    reference = upsert(context, YotpoUpsertOrdersOperator, store, built=built)
    assert store.writes == []
    assert reference["extra"]["summary"]["unchanged"] == 3


@pytest.mark.parametrize("dry_run", [True, "True"])
def test_a_dry_run_plans_and_writes_nothing(context, built, dry_run):
    store = Store()
    reference = upsert(context, YotpoUpsertOrdersOperator, store, built=built, dry_run=dry_run)
    assert store.writes == []
    assert reference["extra"]["dry_run"] is True
    assert reference["extra"]["summary"]["would_create"] == 3


def test_a_rejected_order_is_set_aside_and_the_others_are_written(context, built):
    store = Store(refuses={"2"})
    reference = upsert(context, YotpoUpsertOrdersOperator, store, built=built, max_rejects=1)
    assert sorted(store.kept["order"]) == ["1", "3"]
    assert reference["extra"]["summary"]["rejected"] == 1
    assert [row["external_id"] for row in read_dataset(reference["extra"]["rejects"])] == ["2"]


def test_too_many_rejects_fail_the_task_but_its_counts_stay(context, built):
    with pytest.raises(AirflowFailException, match="1 of 3 records were rejected"):
        upsert(context, YotpoUpsertOrdersOperator, Store(refuses={"2"}), built=built, max_rejects=0)
    left = context["pushed"]["return_value"]["extra"]
    assert (left["over_threshold"], left["summary"]["created"]) == (True, 2)


def test_the_threshold_is_that_of_the_configuration_by_default(context, built, monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__MAX_REJECTS", "1")
    assert (
        upsert(context, YotpoUpsertOrdersOperator, Store(refuses={"2"}), built=built)["extra"]["summary"]["rejected"]
        == 1
    )


def test_a_second_try_leaves_alone_what_the_first_has_dealt_with(context, built):
    store = Store(fails_at="3")
    with pytest.raises(PartnerTaskError, match="the network is down"):
        upsert(context, YotpoUpsertOrdersOperator, store, built=built)
    store.fails_at = None
    asked = store.usage.snapshot()["requests"]
    reference = upsert(context, YotpoUpsertOrdersOperator, store, built=built)
    assert [key for kind, _, key in store.writes if kind == "order"] == ["1", "2", "3"]
    assert reference["extra"]["summary"]["created"] == 3
    assert store.usage.snapshot()["requests"] == asked + 1


def test_a_reject_of_the_first_try_is_kept_by_the_second(context, built):
    store = Store(refuses={"1"}, fails_at="3")
    with pytest.raises(PartnerTaskError):
        upsert(context, YotpoUpsertOrdersOperator, store, built=built, max_rejects=1)
    store.fails_at = None
    reference = upsert(context, YotpoUpsertOrdersOperator, store, built=built, max_rejects=1)
    assert [row["external_id"] for row in read_dataset(reference["extra"]["rejects"])] == ["1"]
    assert (reference["extra"]["summary"]["created"], reference["extra"]["summary"]["rejected"]) == (2, 1)


def test_after_a_dry_run_that_failed_nothing_counts_as_done(context, built):
    store = Store()
    store.orders = lambda external_ids: (_ for _ in ()).throw(TransientError("down"))
    with pytest.raises(PartnerTaskError):
        upsert(context, YotpoUpsertOrdersOperator, store, built=built, dry_run=True)
    assert upsert(context, YotpoUpsertOrdersOperator, Store(), built=built)["extra"]["summary"]["created"] == 3


def test_each_product_is_written_once(context, built):
    store = Store()
    reference = upsert(context, YotpoUpsertProductsOperator, store, built=built)
    assert store.writes == [("product", "create", "5")]
    assert reference["extra"]["summary"]["created"] == 1


def test_fulfillments_of_orders_that_are_not_there_are_rejected(context, tmp_path):
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
    made = YotpoBuildOrdersOperator(task_id="build", orders=orders, shop=SHOP).execute(context)
    reference = upsert(context, YotpoUpsertFulfillmentsOperator, Store(), built=made, max_rejects=1)
    assert reference["extra"]["summary"]["rejected"] == 1


def test_orders_can_go_without_their_fulfillments_and_these_follow_apart(context, tmp_path):
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

    upsert(context, YotpoUpsertOrdersOperator, store, built=built, with_fulfillments=False)
    assert "fulfillments" not in store.kept["order"]["1"]

    upsert(context, YotpoUpsertFulfillmentsOperator, store, built=built)
    assert store.writes[-1] == ("fulfillment", "create", "70")


def test_nothing_built_makes_no_call(context, tmp_path):
    made = YotpoBuildOrdersOperator(task_id="build", orders=dataset(tmp_path, "orders", []), shop=SHOP).execute(context)
    store = Store()
    reference = upsert(context, YotpoUpsertOrdersOperator, store, built=made)
    assert (reference["records"], store.usage.snapshot()["requests"]) == (0, 0)


def test_rejects_are_replayed_once_the_cause_is_mended(context, built):
    store = Store(refuses={"2"})
    rejected = upsert(context, YotpoUpsertOrdersOperator, store, built=built, max_rejects=1)
    store.refuses.clear()
    reference = upsert(context, YotpoReplayRejectsOperator, store, rejects=rejected)
    assert sorted(store.kept["order"]) == ["1", "2", "3"]
    assert reference["extra"]["summary"]["created"] == 1


def test_where_nothing_was_rejected_the_replay_is_skipped(context, built):
    done = upsert(context, YotpoUpsertOrdersOperator, Store(), built=built)
    with pytest.raises(AirflowSkipException):
        upsert(context, YotpoReplayRejectsOperator, Store(), rejects=done)


def test_only_rejected_orders_can_be_replayed(context, built):
    with pytest.raises(AirflowFailException, match="'rejects' is a dataset of built orders"):
        upsert(context, YotpoReplayRejectsOperator, Store(), rejects=built)
