"""The status of a bulk operation, the reason of a failure, and cancelling."""

from __future__ import annotations

import pytest
from fakes.admin_api import FakeAdminApi, make_client
from fakes.bulk_shop import FakeBulkShop, operation, submit_job

from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.exceptions import AuthenticationError, ExpiredError, UnexpectedResponseError

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
def test_every_status_of_shopify_has_a_state(fields: dict, state: JobState) -> None:
    shop = FakeAdminApi(BulkById={"data": {"nodes": [operation(ONE, query="", **fields)]}})
    status = make_client(shop).job_status(ONE)
    assert (status.job_id, status.state, status.partner_status) == (ONE, state, fields["status"])
    assert status.record_count == int(fields.get("rootObjectCount", "0"))
    assert bool(status.reason) == (state is JobState.FAILED)
    job, _ = submit_job(FakeBulkShop(BulkById=shop.answers["BulkById"]))
    assert job.status(ONE) == status


def test_a_count_that_is_no_number_is_unknown() -> None:
    """``UnsignedInt64`` is "a string of base-10 digits" (https://shopify.dev/docs/api/admin-graphql/latest/scalars)."""
    running = operation(ONE, query="", status="RUNNING", rootObjectCount="\u00b2")  # str.isdigit() takes it, int() not.

    assert make_client(FakeAdminApi(BulkById={"data": {"nodes": [running]}})).job_status(ONE).record_count is None


@pytest.mark.parametrize(
    ("code", "message"),
    [("ACCESS_DENIED", "scope"), ("TIMEOUT", "shorter window"), ("INTERNAL_SERVER_ERROR", "internal error")],
)
def test_a_failure_has_a_reason_and_a_next_step(code: str, message: str) -> None:
    shop = FakeAdminApi(BulkById={"data": {"nodes": [operation(ONE, query="", status="FAILED", errorCode=code)]}})
    reason = make_client(shop).job_status(ONE).reason
    assert reason.startswith(code)
    assert message in reason


@pytest.mark.parametrize(("code", "expected"), [("ACCESS_DENIED", True), ("TIMEOUT", False), (None, False)])
def test_only_a_missing_permission_would_fail_another_operation_too(code: str | None, expected: bool) -> None:
    # The enum BulkOperationErrorCode of the official schema:
    # https://shopify.dev/docs/api/admin-graphql/latest/enums/BulkOperationErrorCode
    node = operation(ONE, query="", status="FAILED", errorCode=code)
    shop = FakeAdminApi(BulkById={"data": {"nodes": [node]}})
    assert make_client(shop).job_status(ONE).is_access_denied is expected
    job, _ = submit_job(FakeBulkShop(BulkById=shop.answers["BulkById"]))
    with pytest.raises(AuthenticationError if expected else ExpiredError, match="has no result"):
        job.extraction(ONE)


def test_an_operation_that_does_not_exist_has_failed() -> None:
    status = make_client(FakeAdminApi(BulkById={"data": {"nodes": [None]}})).job_status(ONE)
    assert status.state is JobState.FAILED
    assert "no bulk operation of this id" in status.reason


def test_a_missing_file_is_not_an_empty_result() -> None:
    shop = FakeAdminApi(BulkById={"data": {"nodes": [operation(ONE, query="", status="COMPLETED", objectCount="7")]}})
    status = make_client(shop).job_status(ONE)
    assert status.state is JobState.FAILED
    assert "counted 7 objects, but has no file" in status.reason


def test_an_unknown_status_is_an_error() -> None:
    shop = FakeAdminApi(BulkById={"data": {"nodes": [operation(ONE, query="", status="PAUSED")]}})
    with pytest.raises(UnexpectedResponseError, match="'PAUSED'"):
        make_client(shop).job_status(ONE)


@pytest.mark.parametrize("errors", [[], [{"message": "A bulk operation cannot be canceled when it is completed"}]])
def test_an_operation_is_cancelled_unless_it_has_ended(errors: list) -> None:
    shop = FakeAdminApi(BulkCancel={"data": {"bulkOperationCancel": {"bulkOperation": None, "userErrors": errors}}})
    make_client(shop).cancel_job(ONE)
    job_shop = FakeBulkShop(BulkCancel=shop.answers["BulkCancel"])
    job, job_id = submit_job(job_shop)
    job.cancel(job_id)
    assert shop.variables_of("BulkCancel") == job_shop.variables_of("BulkCancel") == [{"id": ONE}]
