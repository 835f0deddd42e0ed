"""Failed bulk operations: a usable partial file is read, and the other records are paged."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from fakes.bulk_shop import FILE, FakeBulkShop, fulfillment, order, submit_job

from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob
from airflow_provider_partners.exceptions import ExpiredError


def failed_job(shop: FakeBulkShop, content: bytes) -> tuple[BulkJob, str]:
    job, job_id = submit_job(shop, grouping=True)
    shop.complete_operation(job_id, content, status="FAILED", errorCode="TIMEOUT", url=None, partialDataUrl=FILE)
    return job, job_id


def lines_of(shop: FakeBulkShop) -> list[bytes]:
    return shop.file().splitlines(keepends=True)


BY_MINUTES = [order(number, minute=number // 2, fulfillments=[fulfillment(number)]) for number in range(1, 20)]


@pytest.mark.parametrize("line_count", range(3, 57, 7))
@pytest.mark.parametrize("truncated", [b"", b'{"id": "gid://shopi'])
def test_a_truncated_grouped_file_is_completed_page_by_page(line_count: int, truncated: bytes) -> None:
    shop = FakeBulkShop(*BY_MINUTES)
    job, job_id = failed_job(shop, b"".join(lines_of(shop)[:line_count]) + truncated)
    status = job.status(job_id)
    assert (status.state, status.partner_status) == (JobState.DONE, "FAILED")
    assert "page by page" in status.reason
    assert list(job.extraction(job_id).records()) == BY_MINUTES


@pytest.mark.parametrize("first", [1.0, 0.4], ids=["the second download", "both downloads"])
def test_a_partial_file_that_is_cut_on_its_way_loses_no_record(first: float) -> None:
    """The first download says from when on orders are paged. A shorter second one would lack those before."""
    shop = FakeBulkShop(*BY_MINUTES)
    partial = b"".join(lines_of(shop)[:40])
    job, job_id = failed_job(shop, partial)
    shop.files[FILE] = [partial[: int(len(partial) * first)], partial[:300], partial]

    assert list(job.extraction(job_id).records()) == BY_MINUTES
    assert len(shop.downloads) == 3


def test_records_of_the_file_are_not_read_again() -> None:
    shop = FakeBulkShop(*BY_MINUTES)
    job, job_id = failed_job(shop, b"".join(lines_of(shop)[:40]))
    list(job.extraction(job_id).records())
    (variables,) = shop.variables_of("Orders")
    # Line 40 belongs to order 14 of minute 7. Order 15 is of the same minute.
    assert variables["query"].startswith("updated_at:>='2026-05-01T00:07:00Z' AND updated_at:<")


def test_a_read_that_stops_in_the_paged_part_continues_there() -> None:
    shop = FakeBulkShop(*BY_MINUTES)
    job, job_id = failed_job(shop, b"".join(lines_of(shop)[:40]))
    extraction = replace(job, page_size=4).extraction(job_id)
    steps = list(extraction.pages())
    assert len(steps) == 5
    for step, following in pairwise(steps):
        assert next(extraction.pages(position=step.position)).records == following.records


def test_an_order_that_left_the_window_during_the_operation_is_kept() -> None:
    late = {**BY_MINUTES[4], "updatedAt": "2026-05-01T02:00:00Z"}
    shop = FakeBulkShop(*BY_MINUTES[:4], late, *BY_MINUTES[5:])
    job, job_id = failed_job(shop, b"".join(lines_of(shop)[:40]))
    assert list(job.extraction(job_id).records()) == shop.records


def test_a_partial_file_out_of_order_is_not_used() -> None:
    shop = FakeBulkShop(*reversed(BY_MINUTES))
    job, job_id = failed_job(shop, b"".join(lines_of(shop)[:40]))
    with pytest.raises(ExpiredError, match="not usable"):
        job.extraction(job_id)


@pytest.mark.parametrize("content", [b"", b'{"id": "gid://shopify/Ord'])
def test_a_partial_file_without_an_object_is_not_used(content: bytes) -> None:
    job, job_id = failed_job(FakeBulkShop(*BY_MINUTES), content)
    with pytest.raises(ExpiredError, match="not usable"):
        job.extraction(job_id)


def test_a_partial_file_whose_last_order_left_the_window_is_not_used() -> None:
    late = {**BY_MINUTES[4], "updatedAt": "2026-05-01T02:00:00Z"}
    shop = FakeBulkShop(*BY_MINUTES[:4], late)
    job, job_id = failed_job(shop, shop.file())
    with pytest.raises(ExpiredError, match="not usable"):
        job.extraction(job_id)
