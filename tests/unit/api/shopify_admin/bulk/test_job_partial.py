"""Bulk operations that failed on their way: what they wrote is used where it can be relied on, and the rest paged."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from fake_bulk_shop import FILE, BulkShop, fulfillment, order, submitted

from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob
from airflow_provider_partners.exceptions import ExpiredError


def failed(shop: BulkShop, content: bytes) -> tuple[BulkJob, str]:
    job, job_id = submitted(shop, grouping=True)
    shop.ends(job_id, content, status="FAILED", errorCode="TIMEOUT", url=None, partialDataUrl=FILE)
    return job, job_id


def lines_of(shop: BulkShop) -> list[bytes]:
    return shop.file().splitlines(keepends=True)


BY_MINUTES = [order(number, minute=number // 2, fulfillments=[fulfillment(number)]) for number in range(1, 20)]


@pytest.mark.parametrize("whole_lines", range(3, 57, 7))
@pytest.mark.parametrize("torn", [b"", b'{"id": "gid://shopi'])
def test_a_grouped_file_that_breaks_off_is_completed_page_by_page(whole_lines: int, torn: bytes) -> None:
    shop = BulkShop(*BY_MINUTES)
    job, job_id = failed(shop, b"".join(lines_of(shop)[:whole_lines]) + torn)
    status = job.status(job_id)
    assert (status.state, status.partner_status) == (JobState.DONE, "FAILED")
    assert "page by page" in status.reason
    assert list(job.extraction(job_id).records()) == BY_MINUTES


def test_what_the_file_had_is_not_read_again() -> None:
    shop = BulkShop(*BY_MINUTES)
    job, job_id = failed(shop, b"".join(lines_of(shop)[:40]))
    list(job.extraction(job_id).records())
    (asked,) = shop.of("Orders")
    # Line 40 belongs to order 14, of minute 7, and so does order 15.
    assert asked["query"].startswith("updated_at:>='2026-05-01T00:07:00Z' AND updated_at:<")


def test_a_walk_that_breaks_off_in_the_rest_goes_on_there() -> None:
    shop = BulkShop(*BY_MINUTES)
    job, job_id = failed(shop, b"".join(lines_of(shop)[:40]))
    extraction = replace(job, page_size=4).extraction(job_id)
    steps = list(extraction.pages())
    assert len(steps) == 5
    for step, following in pairwise(steps):
        assert next(extraction.pages(position=step.position)).records == following.records


def test_an_order_that_changed_behind_the_window_meanwhile_is_kept() -> None:
    late = {**BY_MINUTES[4], "updatedAt": "2026-05-01T02:00:00Z"}
    shop = BulkShop(*BY_MINUTES[:4], late, *BY_MINUTES[5:])
    job, job_id = failed(shop, b"".join(lines_of(shop)[:40]))
    assert list(job.extraction(job_id).records()) == shop.records


def test_a_part_that_is_out_of_order_is_not_relied_on() -> None:
    shop = BulkShop(*reversed(BY_MINUTES))
    job, job_id = failed(shop, b"".join(lines_of(shop)[:40]))
    with pytest.raises(ExpiredError, match="can't be relied on"):
        job.extraction(job_id)


@pytest.mark.parametrize("content", [b"", b'{"id": "gid://shopify/Ord'])
def test_a_part_without_an_object_is_not_relied_on(content: bytes) -> None:
    job, job_id = failed(BulkShop(*BY_MINUTES), content)
    with pytest.raises(ExpiredError, match="can't be relied on"):
        job.extraction(job_id)


def test_a_part_whose_last_order_has_left_the_window_is_not_relied_on() -> None:
    late = {**BY_MINUTES[4], "updatedAt": "2026-05-01T02:00:00Z"}
    shop = BulkShop(*BY_MINUTES[:4], late)
    job, job_id = failed(shop, shop.file())
    with pytest.raises(ExpiredError, match="can't be relied on"):
        job.extraction(job_id)
