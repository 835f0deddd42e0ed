"""Bulk operations of the client against the sandbox, over real HTTP: their records equal the paged list."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from discounted_orders import check_lines_add_up
from sandbox import restored_settings, run_sandbox, shopify_admin_client

from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob
from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
from airflow_provider_partners.exceptions import ConfigurationError, ExpiredError, ThrottledError
from airflow_provider_partners.sandbox.server import RunningSandbox

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SINCE = datetime(2022, 1, 1, tzinfo=UTC)
ORDERS = 60
VERSIONS = ["2025-10", "2026-07"]


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=ORDERS, now=NOW) as running:
        yield running


@pytest.fixture(scope="module")
def all_orders(shared_server: RunningSandbox) -> list[dict[str, Any]]:
    """All orders of the shop, read page by page."""
    with shopify_admin_client(shared_server) as client:
        return read_paged(client)


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the client's temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def server(shared_server: RunningSandbox) -> Iterator[RunningSandbox]:
    """The sandbox; its switches are reset afterwards."""
    with restored_settings(shared_server):
        yield shared_server


def make_job(client: ShopifyAdminClient, resource: str = "orders", **arguments: Any) -> BulkJob:
    return client.job(resource, **{"since": SINCE, "until": NOW, **arguments})


def wait(job: BulkJob, job_id: str) -> JobStatus:
    for _ in range(100):
        status = job.status(job_id)
        if status.state is not JobState.RUNNING:
            return status
    raise AssertionError(status)


def read_bulk(job: BulkJob) -> list[dict[str, Any]]:
    job_id = job.submit()
    status = wait(job, job_id)
    assert status.state is JobState.DONE, status
    return list(job.extraction(job_id).records())


def read_paged(client: ShopifyAdminClient, resource: str = "orders", **arguments: Any) -> list[dict[str, Any]]:
    return list(client.extract(resource, **{"since": SINCE, "until": NOW, **arguments}).records())


def as_of(version: str, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the orders as a version has them: ``checkoutToken`` exists since 2026-07.

    See https://shopify.dev/changelog/new-checkouttoken-field-added-to-the-order-object.
    """
    later = {"checkoutToken"} if version < "2026-07" else set()
    return [{name: value for name, value in order.items() if name not in later} for order in orders]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("grouping", [False, True])
def test_orders_equal_those_of_the_paged_list(
    server: RunningSandbox, all_orders: list[dict[str, Any]], version: str, grouping: bool
) -> None:
    with shopify_admin_client(server, api_version=version, bulk_grouping=grouping) as client:
        records = read_bulk(make_job(client))
    assert records == as_of(version, all_orders)
    check_lines_add_up(records)
    assert len(records) == ORDERS
    assert max(len(record["lineItems"]) for record in records) == 400
    assert max(len(record["fulfillments"]) for record in records) == 60
    assert max(len(each["fulfillmentLineItems"]) for record in records for each in record["fulfillments"]) == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_products_equal_those_of_the_paged_list(server: RunningSandbox, version: str) -> None:
    with shopify_admin_client(server, api_version=version) as client:
        records = read_bulk(make_job(client, "products"))
        assert records == read_paged(client, "products")
    assert sum(len(record["variants"]) for record in records) > len(records) > 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"personal_data": False},
        {"fields": "note poNumber transactions(first: 5) { id kind }"},
        {"query": "financial_status:refunded OR tag:\"a 'b'\""},
        {"since": NOW - timedelta(days=9), "until": NOW - timedelta(days=2)},
    ],
)
def test_filters_select_the_same_records_as_in_the_paged_list(
    server: RunningSandbox, arguments: dict[str, Any]
) -> None:
    with shopify_admin_client(server) as client:
        records = read_bulk(make_job(client, **arguments))
        assert records == read_paged(client, **arguments)
    assert records


def test_an_empty_window_has_no_records(server: RunningSandbox) -> None:
    with shopify_admin_client(server) as client:
        assert read_bulk(make_job(client, until=SINCE + timedelta(hours=1))) == []


def test_pages_are_completed_in_parallel(
    server: RunningSandbox, all_orders: list[dict[str, Any]], temporary_folder: Path
) -> None:
    with shopify_admin_client(server) as client:
        job = make_job(client, page_size=8)
        job_id = job.submit()
        wait(job, job_id)
        steps = list(job.extraction(job_id).pages(workers=4))
        assert [len(step.records) for step in steps] == [8] * 7 + [4]
        assert [record for step in steps for record in step.records] == all_orders
        later_pages = list(job.extraction(job_id).pages(position=steps[4].position))
        assert [step.records for step in later_pages] == [step.records for step in steps[5:]]
    assert not list(temporary_folder.iterdir())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_started_operation_is_found_again(server: RunningSandbox, version: str) -> None:
    with shopify_admin_client(server, api_version=version) as client:
        job = make_job(client, query=f"-tag:found-{version}")
        started_at = server.sandbox.now
        assert job.find(started_at - timedelta(minutes=5)) is None
        job_id = job.submit()
        assert job.find(started_at - timedelta(minutes=5)) == job_id
        assert job.find(started_at + timedelta(hours=1)) is None
        assert make_job(client, query="-tag:other").find(started_at - timedelta(minutes=5)) is None
        wait(job, job_id)
        assert job.find(started_at - timedelta(minutes=5)) == job_id


def test_before_2026_01_one_operation_blocks_others_but_not_itself(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_admin.bulk_polls"] = 50
    with shopify_admin_client(server, api_version="2025-10") as client:
        job = make_job(client)
        job_id = job.submit()
        assert job.submit() == job_id
        with pytest.raises(ThrottledError, match=job_id) as caught:
            make_job(client, "products").submit()
        assert caught.value.retry_after == 60
        client.cancel_job(job_id)
        status = wait(job, job_id)
    assert (status.state, status.partner_status) == (JobState.FAILED, "CANCELED")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 502, "body": "<html>Bad Gateway</html>"}])
def test_a_lost_answer_starts_no_second_operation(
    server: RunningSandbox, all_orders: list[dict[str, Any]], version: str, fault: dict[str, Any]
) -> None:
    # A second bulkOperationRunQuery starts another operation since 2026-01, and takes one of the app's five:
    # https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries
    shop = next(iter(server.sandbox.credentials["shopify_admin"]))

    def operations() -> set[str]:
        stored = server.sandbox.store.select("shopify_admin", shop, "bulk_operation")
        return {document["id"] for document in stored}

    earlier = operations()
    with shopify_admin_client(server, api_version=version) as client:
        job = make_job(client, query=f"-tag:lost_{version}_{sorted(fault)[0]}")
        server.faults.add(path_prefix="/shopify-admin", at="after", **fault)
        job_id = job.submit()
        assert operations() - earlier == {job_id}
        wait(job, job_id)
        assert list(job.extraction(job_id).records()) == as_of(version, all_orders)


def test_foreign_operations_of_the_same_app_are_named(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_admin.bulk_foreign_jobs"] = 5
    with (
        shopify_admin_client(server) as client,
        pytest.raises(ThrottledError, match="gid://shopify/BulkOperation/") as caught,
    ):
        make_job(client).submit()
    assert str(caught.value).count("gid://shopify/BulkOperation/") == 5


def test_a_refused_query_is_explained_in_shopifys_words(server: RunningSandbox) -> None:
    with (
        shopify_admin_client(server) as client,
        pytest.raises(ConfigurationError, match="'colour': Shopify's type Order has no field 'colour'"),
    ):
        make_job(client, fields="colour").submit()


@pytest.mark.parametrize("after", [1, 40, 500])
def test_a_failed_grouped_operation_loses_no_record(
    server: RunningSandbox, all_orders: list[dict[str, Any]], after: int
) -> None:
    server.sandbox.switches["shopify_admin.bulk_failure"] = {"code": "TIMEOUT", "after": after}
    with shopify_admin_client(server, bulk_grouping=True) as client:
        job = make_job(client)
        job_id = job.submit()
        status = wait(job, job_id)
        assert (status.state, status.partner_status) == (JobState.DONE, "FAILED")
        assert client.job_status(job_id) == status
        assert list(job.extraction(job_id).records()) == all_orders


def test_a_failed_operation_without_grouping_is_submitted_again(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_admin.bulk_failure"] = {"code": "INTERNAL_SERVER_ERROR", "after": 40}
    with shopify_admin_client(server) as client:
        job = make_job(client, query="-tag:failing")
        job_id = job.submit()
        status = wait(job, job_id)
        assert (status.state, status.partner_status) == (JobState.FAILED, "FAILED")
        with pytest.raises(ExpiredError, match="INTERNAL_SERVER_ERROR"):
            job.extraction(job_id)
        assert job.find(server.sandbox.now - timedelta(minutes=5)) is None
        assert len(read_bulk(job)) == ORDERS


def test_an_interrupted_download_continues(server: RunningSandbox, all_orders: list[dict[str, Any]]) -> None:
    server.sandbox.switches["shopify_admin.bulk_file_breaks"] = 2
    with shopify_admin_client(server) as client:
        assert read_bulk(make_job(client)) == all_orders


def test_a_job_is_not_preferred_for_a_small_window(server: RunningSandbox) -> None:
    with shopify_admin_client(server) as client:
        assert client.prefers_job("orders", since=SINCE, until=NOW) is False
