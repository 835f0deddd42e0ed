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
LINKS = [
    links.ShopifyAdminLink,
    links.ShopifyPartnerLink,
    links.YotpoLink,
    links.VoucherifyLink,
    links.YofiLink,
    links.DatasetLink,
]


def finished_task(activity=None, **arguments):
    """Return a task as Airflow passes it to a link."""
    return SimpleNamespace(**{"resource": "orders", "shop": None, **arguments}, _activity=activity)


def url_of(link, operator):
    return link().get_link(operator, ti_key=None)


def wrote_dataset(uri):
    return TaskActivity(datasets_written=[DatasetRef(uri=uri, source="yofi", resource="claims")])


@pytest.mark.parametrize(
    ("activity", "arguments", "url"),
    [
        (None, {"shop": SHOP}, "https://admin.shopify.com/store/aurora-apparel/orders"),
        (TaskActivity(account=SHOP), {}, "https://admin.shopify.com/store/aurora-apparel/orders"),
        (None, {"shop": SHOP, "resource": "other"}, "https://admin.shopify.com/store/aurora-apparel"),
        (None, {}, ""),
        (None, {"shop": "not a shop"}, ""),
        (None, {"shop": "{{ params.shop }}"}, ""),
    ],
)
def test_the_admin_link_opens_the_shop(activity, arguments, url):
    assert url_of(links.ShopifyAdminLink, finished_task(activity, **arguments)) == url


@pytest.mark.parametrize(
    ("app", "page"),
    [("gid://partners/App/1001", "/apps/1001"), ("1001", "/apps/1001"), (None, ""), ("{{ var.value.app }}", "")],
)
def test_the_partner_link_opens_the_app_in_the_dashboard(app, page):
    task = finished_task(TaskActivity(account="12345"), app_id=app)
    assert url_of(links.ShopifyPartnerLink, task) == f"https://partners.shopify.com/12345{page}"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("api.voucherify.io", "https://app.voucherify.io/"),
        ("us1.api.voucherify.io", "https://us1.app.voucherify.io/"),
        ("127.0.0.1", ""),
        ("api.voucherify.io.example", ""),
        ("fakeapi.voucherify.io", ""),
        (None, ""),
    ],
)
def test_the_voucherify_link_opens_the_dashboard_of_the_cluster(host, url):
    assert url_of(links.VoucherifyLink, finished_task(TaskActivity(account="app", host=host))) == url


def test_the_yofi_link_opens_the_shops_admin_or_the_connections_console():
    assert url_of(links.YofiLink, finished_task(shop=SHOP)) == "https://admin.shopify.com/store/aurora-apparel/apps"
    activity = TaskActivity(account=SHOP, console_url="https://yofi.example/{shop}/returns")
    assert url_of(links.YofiLink, finished_task(activity)) == "https://yofi.example/aurora-apparel/returns"


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        (
            "s3://aws_default@bucket/partners/d/t/r/-1",
            "https://console.aws.amazon.com/s3/buckets/bucket?prefix=partners/d/t/r/-1/",
        ),
        ("gs://bucket/partners/x", "https://console.cloud.google.com/storage/browser/bucket/partners/x"),
        # A browser opens neither of these.
        ("abfs://azure_default@container/x", ""),
        ("file:///opt/staging/d/t", ""),
        ("/opt/staging/d/t", ""),
    ],
)
def test_the_dataset_link_opens_the_console_without_the_connection_id(uri, url):
    assert url_of(links.DatasetLink, finished_task(wrote_dataset(uri))) == url


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.__name__)
def test_before_a_task_has_run_a_link_is_no_error(link):
    for operator in (
        ShopifyAdminExtractOperator(task_id="t", resource="{{ params.resource }}", shop="{{ params.shop }}"),
        YofiExtractOperator(task_id="t", resource="claims"),
        YotpoUpsertOrdersOperator(task_id="t", orders="{{ ti.xcom_pull() }}"),
        object(),
    ):
        url = url_of(link, operator)
        assert url == "" or link is links.YotpoLink


def test_links_have_names_of_their_own():
    assert len({link().name for link in LINKS}) == len({link().xcom_key for link in LINKS}) == len(LINKS)
