"""Bulk operations of the client against the sandbox, over real HTTP: the rows of the paged list, whatever happens."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob
from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
from airflow_provider_partners.exceptions import ConfigurationError, ExpiredError, ThrottledError
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.world.build import build

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SINCE = datetime(2022, 1, 1, tzinfo=UTC)
ORDERS = 60
VERSIONS = ["2025-10", "2026-07"]


@pytest.fixture(scope="module")
def world() -> Iterator[RunningSandbox]:
    with serve(build(shops=1, orders=ORDERS, now=NOW)) as served:
        yield served


@pytest.fixture(scope="module")
def everything(world: RunningSandbox) -> list[dict[str, Any]]:
    """All orders of the shop, read page by page."""
    with admin(world) as client:
        return by_pages(client)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the client makes its temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def served(world: RunningSandbox) -> Iterator[RunningSandbox]:
    before = dict(world.sandbox.switches)
    yield world
    world.sandbox.switches.clear()
    world.sandbox.switches.update(before)


def admin(served: RunningSandbox, **options: Any) -> ShopifyAdminClient:
    shop, known = next(iter(served.sandbox.credentials["shopify_admin"].items()))
    base_url = f"{served.url}/shopify-admin/{shop}"
    return ShopifyAdminClient(**{"shop": shop, "access_token": known["token"], "base_url": base_url, **options})


def question(client: ShopifyAdminClient, resource: str = "orders", **asked: Any) -> BulkJob:
    return client.job(resource, **{"since": SINCE, "until": NOW, **asked})


def ended(job: BulkJob, job_id: str) -> JobStatus:
    for _ in range(100):
        status = job.status(job_id)
        if status.state is not JobState.RUNNING:
            return status
    raise AssertionError(status)


def by_job(job: BulkJob) -> list[dict[str, Any]]:
    job_id = job.submit()
    status = ended(job, job_id)
    assert status.state is JobState.DONE, status
    return list(job.extraction(job_id).records())


def by_pages(client: ShopifyAdminClient, resource: str = "orders", **asked: Any) -> list[dict[str, Any]]:
    return list(client.extract(resource, **{"since": SINCE, "until": NOW, **asked}).records())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("grouping", [False, True])
def test_orders_are_those_of_the_paged_list_record_by_record(
    served: RunningSandbox, everything: list[dict[str, Any]], version: str, grouping: bool
) -> None:
    with admin(served, api_version=version, bulk_grouping=grouping) as client:
        found = by_job(question(client))
    assert found == everything
    assert len(found) == ORDERS
    assert max(len(row["lineItems"]) for row in found) == 400
    assert max(len(row["fulfillments"]) for row in found) == 60
    assert max(len(each["fulfillmentLineItems"]) for row in found for each in row["fulfillments"]) == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_products_are_those_of_the_paged_list_record_by_record(served: RunningSandbox, version: str) -> None:
    with admin(served, api_version=version) as client:
        found = by_job(question(client, "products"))
        assert found == by_pages(client, "products")
    assert sum(len(row["variants"]) for row in found) > len(found) > 0


@pytest.mark.parametrize(
    "asked",
    [
        {"personal_data": False},
        {"fields": "note poNumber transactions(first: 5) { id kind }"},
        {"query": "financial_status:refunded OR tag:\"a 'b'\""},
        {"since": NOW - timedelta(days=9), "until": NOW - timedelta(days=2)},
    ],
)
def test_the_filters_mean_what_they_mean_to_the_paged_list(served: RunningSandbox, asked: dict[str, Any]) -> None:
    with admin(served) as client:
        found = by_job(question(client, **asked))
        assert found == by_pages(client, **asked)
    assert found


def test_a_window_that_holds_nothing_has_no_rows(served: RunningSandbox) -> None:
    with admin(served) as client:
        assert by_job(question(client, until=SINCE + timedelta(hours=1))) == []


def test_pages_of_rows_are_made_whole_side_by_side(
    served: RunningSandbox, everything: list[dict[str, Any]], folder: Path
) -> None:
    with admin(served) as client:
        job = question(client, page_size=8)
        job_id = job.submit()
        ended(job, job_id)
        steps = list(job.extraction(job_id).pages(workers=4))
        assert [len(step.records) for step in steps] == [8] * 7 + [4]
        assert [row for step in steps for row in step.records] == everything
        rest = list(job.extraction(job_id).pages(position=steps[4].position))
        assert [step.records for step in rest] == [step.records for step in steps[5:]]
    assert not list(folder.iterdir())


@pytest.mark.parametrize("version", VERSIONS)
def test_an_operation_that_was_begun_is_found_again(served: RunningSandbox, version: str) -> None:
    with admin(served, api_version=version) as client:
        job = question(client, query=f"-tag:found-{version}")
        began = served.sandbox.now
        assert job.find(began - timedelta(minutes=5)) is None
        job_id = job.submit()
        assert job.find(began - timedelta(minutes=5)) == job_id
        assert job.find(began + timedelta(hours=1)) is None
        assert question(client, query="-tag:other").find(began - timedelta(minutes=5)) is None
        ended(job, job_id)
        assert job.find(began - timedelta(minutes=5)) == job_id


def test_before_2026_01_one_operation_keeps_others_out_but_not_itself(served: RunningSandbox) -> None:
    served.sandbox.switches["shopify_admin.bulk_polls"] = 50
    with admin(served, api_version="2025-10") as client:
        job = question(client)
        job_id = job.submit()
        assert job.submit() == job_id
        with pytest.raises(ThrottledError, match=job_id) as caught:
            question(client, "products").submit()
        assert caught.value.retry_after == 60
        client.cancel_job(job_id)
        status = ended(job, job_id)
    assert (status.state, status.partner_status) == (JobState.FAILED, "CANCELED")


def test_foreign_operations_of_the_same_app_are_named(served: RunningSandbox) -> None:
    served.sandbox.switches["shopify_admin.bulk_foreign_jobs"] = 5
    with admin(served) as client, pytest.raises(ThrottledError, match="gid://shopify/BulkOperation/") as caught:
        question(client).submit()
    assert str(caught.value).count("gid://shopify/BulkOperation/") == 5


def test_a_query_that_a_bulk_operation_does_not_take_is_told_in_shopifys_words(served: RunningSandbox) -> None:
    with admin(served) as client, pytest.raises(ConfigurationError, match="Field 'colour' doesn't exist"):
        question(client, fields="colour").submit()


@pytest.mark.parametrize("after", [1, 40, 500])
def test_a_grouped_operation_that_fails_on_its_way_loses_nothing(
    served: RunningSandbox, everything: list[dict[str, Any]], after: int
) -> None:
    served.sandbox.switches["shopify_admin.bulk_failure"] = {"code": "TIMEOUT", "after": after}
    with admin(served, bulk_grouping=True) as client:
        job = question(client)
        job_id = job.submit()
        status = ended(job, job_id)
        assert (status.state, status.partner_status) == (JobState.DONE, "FAILED")
        assert client.job_status(job_id) == status
        assert list(job.extraction(job_id).records()) == everything


def test_an_operation_that_fails_without_grouping_is_submitted_anew(served: RunningSandbox) -> None:
    served.sandbox.switches["shopify_admin.bulk_failure"] = {"code": "INTERNAL_SERVER_ERROR", "after": 40}
    with admin(served) as client:
        job = question(client, query="-tag:failing")
        job_id = job.submit()
        status = ended(job, job_id)
        assert (status.state, status.partner_status) == (JobState.FAILED, "FAILED")
        with pytest.raises(ExpiredError, match="INTERNAL_SERVER_ERROR"):
            job.extraction(job_id)
        assert job.find(served.sandbox.now - timedelta(minutes=5)) is None
        assert len(by_job(job)) == ORDERS


def test_a_download_that_breaks_off_goes_on(served: RunningSandbox, everything: list[dict[str, Any]]) -> None:
    served.sandbox.switches["shopify_admin.bulk_file_breaks"] = 2
    with admin(served) as client:
        assert by_job(question(client)) == everything


def test_an_ordinary_window_is_not_worth_a_job(served: RunningSandbox) -> None:
    with admin(served) as client:
        assert client.prefers_job("orders", since=SINCE, until=NOW) is False
