from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_provider_partners import links
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.observability.activity import TaskActivity
from airflow_provider_partners.operators.shopify_admin import ShopifyAdminExtractOperator
from airflow_provider_partners.operators.yofi import YofiExtractOperator
from airflow_provider_partners.operators.yotpo import YotpoUpsertOrdersOperator

SHOP = "aurora-apparel.myshopify.com"
EVERY = [
    links.ShopifyAdminLink,
    links.ShopifyPartnerLink,
    links.YotpoLink,
    links.VoucherifyLink,
    links.YofiLink,
    links.DatasetLink,
]


def ran(evidence=None, **arguments):
    """A task as it is when Airflow asks for its links."""
    return SimpleNamespace(**{"resource": "orders", "shop": None, **arguments}, _evidence=evidence)


def address(link, operator):
    return link().get_link(operator, ti_key=None)


def wrote(uri):
    return TaskActivity(datasets_written=[DatasetRef(uri=uri, source="yofi", resource="claims")])


@pytest.mark.parametrize(
    ("evidence", "arguments", "told"),
    [
        (None, {"shop": SHOP}, "https://admin.shopify.com/store/aurora-apparel/orders"),
        (TaskActivity(account=SHOP), {}, "https://admin.shopify.com/store/aurora-apparel/orders"),
        (None, {"shop": SHOP, "resource": "other"}, "https://admin.shopify.com/store/aurora-apparel"),
        (None, {}, ""),
        (None, {"shop": "not a shop"}, ""),
        (None, {"shop": "{{ params.shop }}"}, ""),
    ],
)
def test_the_admin_of_the_shop(evidence, arguments, told):
    assert address(links.ShopifyAdminLink, ran(evidence, **arguments)) == told


@pytest.mark.parametrize(
    ("app", "page"),
    [("gid://partners/App/1001", "/apps/1001"), ("1001", "/apps/1001"), (None, ""), ("{{ var.value.app }}", "")],
)
def test_the_partner_dashboard_at_the_app(app, page):
    task = ran(TaskActivity(account="12345"), app_id=app)
    assert address(links.ShopifyPartnerLink, task) == f"https://partners.shopify.com/12345{page}"


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("api.voucherify.io", "https://app.voucherify.io/"),
        ("us1.api.voucherify.io", "https://us1.app.voucherify.io/"),
        ("127.0.0.1", ""),
        ("api.voucherify.io.example", ""),
        ("fakeapi.voucherify.io", ""),
        (None, ""),
    ],
)
def test_voucherifys_dashboard_is_that_of_the_cluster(host, told):
    assert address(links.VoucherifyLink, ran(TaskActivity(account="app", host=host))) == told


def test_yofi_is_opened_from_the_shops_admin_or_where_the_settings_say(monkeypatch):
    assert address(links.YofiLink, ran(shop=SHOP)) == "https://admin.shopify.com/store/aurora-apparel/apps"
    monkeypatch.setenv("AIRFLOW__PARTNERS__YOFI_CONSOLE", "https://yofi.example/{shop}/returns")
    assert address(links.YofiLink, ran(shop=SHOP)) == "https://yofi.example/aurora-apparel/returns"


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        (
            "s3://aws_default@bucket/partners/d/t/r/-1",
            "https://console.aws.amazon.com/s3/buckets/bucket?prefix=partners/d/t/r/-1/",
        ),
        ("gs://bucket/partners/x", "https://console.cloud.google.com/storage/browser/bucket/partners/x"),
        ("abfs://azure_default@container/x", "abfs://container/x"),
        ("file:///opt/staging/d/t", "file:///opt/staging/d/t"),
        ("/opt/staging/d/t", "file:///opt/staging/d/t"),
    ],
)
def test_the_dataset_without_the_connection_that_opens_it(uri, told):
    assert address(links.DatasetLink, ran(wrote(uri))) == told


@pytest.mark.parametrize("link", EVERY, ids=lambda link: link.__name__)
def test_before_a_task_has_run_a_link_is_no_error(link):
    for operator in (
        ShopifyAdminExtractOperator(task_id="t", resource="{{ params.resource }}", shop="{{ params.shop }}"),
        YofiExtractOperator(task_id="t", resource="claims"),
        YotpoUpsertOrdersOperator(task_id="t", built="{{ ti.xcom_pull() }}"),
        object(),
    ):
        found = address(link, operator)
        assert found == "" or link is links.YotpoLink


def test_links_have_names_of_their_own():
    assert len({link().name for link in EVERY}) == len({link().xcom_key for link in EVERY}) == len(EVERY)
