"""An operator of Yotpo takes the datasets that its arguments name, of the shop and the store that it is for."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from fakes.yotpo_store import FakeYotpoStore
from order_builders import order as shopify_order

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.operators.yotpo import (
    YotpoBuildOrdersOperator,
    YotpoReconcileOrdersOperator,
    YotpoReplayRejectsOperator,
    YotpoUpsertFulfillmentsOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)

SHOP = "a.myshopify.com"
STORE = "store-1"
RECORD = {"external_id": "1", "order": {"external_id": "1"}, "products": [], "version": {}}
UPSERTS = (YotpoUpsertProductsOperator, YotpoUpsertOrdersOperator, YotpoUpsertFulfillmentsOperator)


class Hook:
    """The hook of a store in memory."""

    conn_type, account, host, console_url = "yotpo", STORE, "yotpo.example", None

    def __init__(self, store):
        self.store = store

    def __enter__(self):
        return self.store

    def __exit__(self, *_):
        pass


@pytest.fixture
def store(monkeypatch):
    """A Yotpo store in memory, behind the hook of every operator."""
    store = FakeYotpoStore()
    store.stats = RequestStats()
    monkeypatch.setattr("airflow_provider_partners.operators.yotpo.UpsertOperator.hook", lambda self: Hook(store))
    return store


@pytest.fixture
def context(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path / "staging"))
    task = SimpleNamespace(dag_id="d", task_id="t", run_id="r", map_index=-1, try_number=1)
    task.xcom_push = lambda key, value: None
    return {"ti": task}


@pytest.fixture
def dataset(tmp_path):
    """Return a function that writes a dataset."""

    def write(source, resource, account=None, records=(), name=""):
        folder = name or f"{source}-{resource}-{account}".replace(" ", "-")
        writer = DatasetWriter(str(tmp_path / folder), source=source, resource=resource, account=account)
        writer.append(records)
        return writer.commit().to_dict()

    return write


@pytest.mark.parametrize("account", ["store-2", STORE])
@pytest.mark.parametrize(
    ("operator", "argument"), [(YotpoReplayRejectsOperator, "rejects"), (YotpoUpsertOrdersOperator, "orders")]
)
def test_the_rejects_of_a_store_are_written_to_no_other(context, store, dataset, operator, argument, account):
    rejects = dataset("yotpo", "orders rejects", account, [RECORD])
    task = operator(task_id="t", max_rejects=1, **{argument: rejects})
    if account == STORE:
        assert task.execute(context)["records"] == 1
        return
    with pytest.raises(AirflowFailException, match=f"'{argument}' holds rejects of the store store-2, and .* store-1"):
        task.execute(context)
    assert store.calls.total() == 0


@pytest.mark.parametrize("account", [None, SHOP, "b.myshopify.com"])
@pytest.mark.parametrize("names", [("yotpo", "built orders"), ("mine", "orders"), ("yotpo", "built orders of mine")])
def test_any_store_takes_built_orders_and_datasets_under_own_names(context, store, dataset, names, account):
    built = dataset(*names, account, [RECORD])
    assert YotpoUpsertOrdersOperator(task_id="t", orders=built, max_rejects=1).execute(context)["records"] == 1


@pytest.mark.parametrize("operator", UPSERTS)
@pytest.mark.parametrize(
    "names",
    [
        ("shopify_admin", "orders"),
        ("yotpo", "variants"),
        ("yotpo", "unbuilt orders"),
        ("yotpo", "orders outcomes"),
        ("yotpo", "variants rejects"),
        ("yotpo", "findings"),
    ],
)
def test_records_that_were_not_built_are_not_written(context, store, dataset, operator, names):
    built = dataset(*names, STORE, [{"id": "gid://shopify/Order/1"}])
    with pytest.raises(
        AirflowFailException, match=rf"'{operator.record_kind}' is a dataset of {names[1]} \({names[0]}\)"
    ):
        operator(task_id="t", **{operator.record_kind: built}).execute(context)
    assert store.calls.total() == 0


@pytest.mark.parametrize(
    ("argument", "names"),
    [
        ("orders", ("yotpo", "orders")),
        ("orders", ("shopify_admin", "products")),
        ("returns", ("yofi", "customers")),
        ("claims", ("yofi", "returns")),
        ("customers", ("shopify_admin", "orders")),
        ("customers", ("voucherify", "customers")),
        ("redemptions", ("voucherify", "vouchers")),
    ],
)
def test_a_build_takes_each_list_in_its_own_argument(context, dataset, argument, names):
    arguments = {"orders": dataset("shopify_admin", "orders", SHOP), argument: dataset(*names, SHOP)}
    with pytest.raises(AirflowFailException, match=rf"'{argument}' is a dataset of {names[1]} \({names[0]}\)"):
        YotpoBuildOrdersOperator(task_id="t", shop=SHOP, **arguments).execute(context)


def test_a_build_takes_datasets_under_own_names(context, dataset):
    lists = dict.fromkeys(("orders", "returns", "claims", "customers", "redemptions"), dataset("mine", "records"))
    assert YotpoBuildOrdersOperator(task_id="t", shop=SHOP, **lists).execute(context)["records"] == 0


@pytest.mark.parametrize(("argument", "source"), [("orders", "shopify_admin"), ("returns", "yofi"), ("claims", "yofi")])
def test_a_build_takes_the_data_of_one_shop(context, dataset, argument, source):
    arguments = {"orders": dataset("shopify_admin", "orders", SHOP), argument: dataset(source, argument, SHOP)}
    assert YotpoBuildOrdersOperator(task_id="t", shop="A", **arguments).execute(context)["records"] == 0

    arguments[argument] = dataset(source, argument, "b.myshopify.com")
    with pytest.raises(AirflowFailException, match=rf"'{argument}' is a dataset of b\.myshopify\.com, and 'shop' is a"):
        YotpoBuildOrdersOperator(task_id="t", shop=SHOP, **arguments).execute(context)


def test_a_comparison_takes_built_orders_and_the_orders_of_a_store(context, dataset):
    built, stored = dataset("yotpo", "built orders", SHOP), dataset("yotpo", "orders", STORE)
    assert YotpoReconcileOrdersOperator(task_id="t", built=built, yotpo_orders=stored).execute(context)["records"] == 0

    orders = dataset("shopify_admin", "orders", SHOP, [{"id": "1"}])
    for arguments, name in (
        ({"built": orders, "yotpo_orders": stored}, "built"),
        ({"built": built, "yotpo_orders": orders}, "yotpo_orders"),
    ):
        with pytest.raises(AirflowFailException, match=rf"'{name}' is a dataset of orders \(shopify_admin\)"):
            YotpoReconcileOrdersOperator(task_id="t", **arguments).execute(context)


@pytest.mark.parametrize(
    ("operator", "argument"),
    [
        (lambda value: YotpoBuildOrdersOperator(task_id="t", orders=value, shop=SHOP), "orders"),
        (lambda value: YotpoUpsertOrdersOperator(task_id="t", orders=value), "orders"),
        (lambda value: YotpoReplayRejectsOperator(task_id="t", rejects=value), "rejects"),
        (lambda value: YotpoReconcileOrdersOperator(task_id="t", built=value, yotpo_orders=value), "built"),
    ],
)
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "is None, and the reference of a dataset is needed"),
        ([{"uri": "a", "source": "b", "resource": "c"}, {"id": "1"}], "is a list of datasets and of other values"),
        ({"uri": "file:///a"}, "is no reference of a dataset: it has no 'source' and no 'resource'"),
        ({"uri": "file:///a", "source": "yotpo", "resource": "x", "rows": 1}, "is no reference of a dataset: "),
    ],
)
def test_a_missing_or_incomplete_reference_fails_for_good(context, operator, argument, value, problem):
    with pytest.raises(AirflowFailException, match=f"'{argument}' {problem}"):
        operator(value).execute(context)


def test_a_build_needs_its_shop(context, dataset):
    with pytest.raises(AirflowFailException, match="'shop' is a NoneType, and the shop's domain is needed"):
        YotpoBuildOrdersOperator(task_id="t", orders=dataset("shopify_admin", "orders"), shop=None).execute(context)


def test_the_outputs_of_a_mapped_task_are_built_and_written_together(context, store, dataset):
    orders = [
        dataset("shopify_admin", "orders", SHOP, [shopify_order(number)], name=f"orders-{number}") for number in (1, 2)
    ]
    built = YotpoBuildOrdersOperator(task_id="t", orders=orders, shop=SHOP, returns=[]).execute(context)
    context["ti"].task_id = "upsert"
    written = YotpoUpsertOrdersOperator(task_id="upsert", orders=[built]).execute(context)
    assert written["extra"]["summary"]["created"] == 2
    assert written["extra"]["shop"] == SHOP


class MappedOutputs(Sequence):
    """The outputs of a mapped task as Airflow passes them (``LazyXComSequence``): a sequence, and no list."""

    def __init__(self, *outputs):
        self._outputs, self.reads = outputs, 0

    def __len__(self):
        return len(self._outputs)

    def __getitem__(self, index):
        self.reads += 1
        return self._outputs[index]


def test_the_outputs_of_a_mapped_task_are_read_once_and_are_in_the_lineage(context, store, dataset):
    outputs = MappedOutputs(*(dataset("yotpo", "built orders", SHOP, [RECORD], name=name) for name in ("a", "b")))
    task = YotpoUpsertOrdersOperator(task_id="t", orders=outputs, max_rejects=1)
    task.execute(context)
    assert len(task.get_openlineage_facets_on_complete(None).inputs) == 2
    assert outputs.reads == 3  # Two outputs, and the end of the sequence.


def test_orders_and_returns_may_be_plain_lists(context, store):
    returns = [{"id": "r", "order_id": "2", "state": "refunded", "customer_id": "7"}]
    orders = [shopify_order(1), shopify_order(2)]
    built = YotpoBuildOrdersOperator(task_id="t", orders=orders, returns=returns, shop=SHOP).execute(context)
    assert (built["records"], built["extra"]["suppressed"]) == (2, 1)


def test_one_dataset_of_another_shop_among_several_is_refused(context, store, dataset):
    orders = [dataset("shopify_admin", "orders", shop, [shopify_order(1)]) for shop in (SHOP, "b.myshopify.com")]
    with pytest.raises(AirflowFailException, match=r"'orders' is a dataset of b\.myshopify\.com"):
        YotpoBuildOrdersOperator(task_id="t", orders=orders, shop=SHOP).execute(context)
