"""Where a bulk operation stands, why one failed, and having one stopped."""

from __future__ import annotations

import pytest
from fake_admin_api import Shop, client
from fake_bulk_shop import BulkShop, operation, submitted

from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.exceptions import UnexpectedResponseError

ONE = "gid://shopify/BulkOperation/1"


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"status": "CREATED"}, JobState.RUNNING),
        ({"status": "RUNNING", "rootObjectCount": "12"}, JobState.RUNNING),
        ({"status": "CANCELING"}, JobState.RUNNING),
        ({"status": "COMPLETED", "url": "https://x/y"}, JobState.DONE),
        ({"status": "COMPLETED", "objectCount": "0"}, JobState.DONE),
        ({"status": "CANCELED"}, JobState.FAILED),
        ({"status": "EXPIRED"}, JobState.FAILED),
        ({"status": "FAILED"}, JobState.FAILED),
    ],
)
def test_every_status_means_something(fields: dict, state: JobState) -> None:
    shop = Shop(BulkById={"data": {"nodes": [operation(ONE, query="", **fields)]}})
    found = client(shop).job_status(ONE)
    assert (found.job_id, found.state, found.partner_status) == (ONE, state, fields["status"])
    assert found.record_count == int(fields.get("rootObjectCount", "0"))
    assert bool(found.reason) == (state is JobState.FAILED)
    job, _ = submitted(BulkShop(BulkById=shop.answers["BulkById"]))
    assert job.status(ONE) == found


@pytest.mark.parametrize(
    ("code", "told"),
    [("ACCESS_DENIED", "scope"), ("TIMEOUT", "shorter window"), ("INTERNAL_SERVER_ERROR", "Shopify failed")],
)
def test_a_failure_is_told_with_its_next_step(code: str, told: str) -> None:
    shop = Shop(BulkById={"data": {"nodes": [operation(ONE, query="", status="FAILED", errorCode=code)]}})
    reason = client(shop).job_status(ONE).reason
    assert reason.startswith(code)
    assert told in reason


def test_an_operation_that_does_not_exist_has_failed() -> None:
    found = client(Shop(BulkById={"data": {"nodes": [None]}})).job_status(ONE)
    assert found.state is JobState.FAILED
    assert "no bulk operation of this id" in found.reason


def test_a_file_that_is_missing_is_not_taken_for_an_empty_result() -> None:
    shop = Shop(BulkById={"data": {"nodes": [operation(ONE, query="", status="COMPLETED", objectCount="7")]}})
    found = client(shop).job_status(ONE)
    assert found.state is JobState.FAILED
    assert "counted 7 objects, but gives no file" in found.reason


def test_an_unknown_status_is_an_error() -> None:
    shop = Shop(BulkById={"data": {"nodes": [operation(ONE, query="", status="PAUSED")]}})
    with pytest.raises(UnexpectedResponseError, match="'PAUSED'"):
        client(shop).job_status(ONE)


@pytest.mark.parametrize("told", [[], [{"message": "A bulk operation cannot be canceled when it is completed"}]])
def test_an_operation_is_stopped_unless_it_has_ended(told: list) -> None:
    shop = Shop(BulkCancel={"data": {"bulkOperationCancel": {"bulkOperation": None, "userErrors": told}}})
    client(shop).cancel_job(ONE)
    of_job = BulkShop(BulkCancel=shop.answers["BulkCancel"])
    job, job_id = submitted(of_job)
    job.cancel(job_id)
    assert shop.of("BulkCancel") == of_job.of("BulkCancel") == [{"id": ONE}]
