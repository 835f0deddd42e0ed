"""The records of a bulk operation: those of the paged list, from a file that exists only while it is read."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fakes.admin_api import SINCE, TOKEN, UNTIL, make_client
from fakes.bulk_shop import FILE, FakeBulkShop, fulfillment, order, product, submit_job

from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.job_files import MAX_DOWNLOADS
from airflow_provider_partners.exceptions import (
    ExpiredError,
    PagingError,
    PartnersError,
    TransientError,
    UnexpectedResponseError,
)

FEW = [order(1, lines=1), order(2, lines=0), order(3, lines=1, fulfillments=[fulfillment(31)])]
NEW = FILE.replace("s1gned", "s1gned-again")
MANY = [
    order(1),
    order(2, lines=0),
    order(3, fulfillments=[fulfillment(31), fulfillment(32, lines=0)]),
    order(4, lines=400),
    order(5, fulfillments=[fulfillment(500 + number) for number in range(60)]),
    order(6, fulfillments=[fulfillment(61, lines=120)]),
    *(order(number, fulfillments=[fulfillment(number * 100)]) for number in range(7, 40)),
]


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def extraction_of(shop: FakeBulkShop, **arguments: object) -> Extraction:
    job, job_id = submit_job(shop, **arguments)
    shop.complete_operation(job_id)
    return job.extraction(job_id)


def ids(records: list[dict]) -> list[str]:
    return [record["id"].rpartition("/")[2] for record in records]


# --- the same as page by page ---


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("page_size", [None, 7])
def test_orders_equal_those_of_the_paged_list(workers: int, page_size: int | None) -> None:
    shop = FakeBulkShop(*MANY)
    paged = list(make_client(shop).extract("orders", since=SINCE, until=UNTIL).records())
    bulk = list(extraction_of(shop, page_size=page_size).records(workers=workers))
    assert bulk == paged == MANY


@pytest.mark.parametrize("workers", [1, 4])
def test_products_equal_those_of_the_paged_list(workers: int) -> None:
    shop = FakeBulkShop(*(product(number, variants=number * 13) for number in range(10)), resource="products")
    paged = list(make_client(shop).extract("products", since=SINCE, until=UNTIL).records())
    bulk = list(extraction_of(shop).records(workers=workers))
    assert bulk == paged == shop.records


def test_without_personal_data_its_fields_are_null() -> None:
    personal = {"email", "phone", "customer", "billingAddress", "shippingAddress"}
    shop = FakeBulkShop({name: value for name, value in order(1).items() if name not in personal})
    (record,) = extraction_of(shop, personal_data=False).records()
    assert {record[name] for name in personal} == {None}
    assert "fulfillmentsCount" not in record


def shuffled(lines: list[dict]) -> list[dict]:
    return random.Random(2).sample(lines, len(lines))


def children_first(lines: list[dict]) -> list[dict]:
    return sorted(lines, key=lambda line: "__parentId" not in line)


@pytest.mark.parametrize("arrange", [shuffled, children_first])
def test_lines_may_be_anywhere_in_the_file(arrange: Callable[[list[dict]], list[dict]]) -> None:
    shop = FakeBulkShop(*MANY)
    job, job_id = submit_job(shop)
    shop.complete_operation(job_id, shop.file(arrange))
    records = {record["id"]: record for record in job.extraction(job_id).records()}
    for record in MANY:
        actual = records[record["id"]]
        assert sorted(ids(actual["lineItems"])) == sorted(ids(record["lineItems"]))
        assert {**actual, "lineItems": []} == {**record, "lineItems": []}


def test_fulfillment_lines_are_requested_by_the_fulfillments_ids() -> None:
    shop = FakeBulkShop(*(order(n, fulfillments=[fulfillment(n * 100 + k) for k in range(10)]) for n in range(30)))
    list(extraction_of(shop).records())
    assert [len(variables["ids"]) for variables in shop.variables_of("FulfillmentsById")] == [250, 50]


def test_fewer_fulfillments_are_requested_if_they_cost_too_much() -> None:
    shop = FakeBulkShop(*(order(n, fulfillments=[fulfillment(n * 100 + k) for k in range(10)]) for n in range(30)))
    inner = shop.answers["FulfillmentsById"]
    costly = {"errors": [{"message": "Query cost is 2003", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
    shop.answers["FulfillmentsById"] = lambda variables: costly if len(variables["ids"]) > 100 else inner(variables)  # type: ignore[operator]
    assert list(extraction_of(shop).records()) == shop.records
    assert [len(variables["ids"]) for variables in shop.variables_of("FulfillmentsById")] == [
        250,
        125,
        62,
        62,
        62,
        62,
        52,
    ]


def test_orders_without_fulfillments_need_no_further_request() -> None:
    shop = FakeBulkShop(*(order(number) for number in range(10)))
    extraction = extraction_of(shop)
    sent = len(shop.requests)
    assert len(list(extraction.records())) == 10
    assert len(shop.requests) == sent


def test_a_deleted_order_is_left_out_and_a_changed_one_is_read_again() -> None:
    deleted, changed = order(1, fulfillments=[fulfillment(11)]), order(2, fulfillments=[fulfillment(21)])
    shop = FakeBulkShop(deleted, changed, order(3))
    extraction = extraction_of(shop)
    shop.records = [{**changed, "fulfillments": [fulfillment(22)]}, order(3)]
    assert list(extraction.records()) == shop.records


# --- reading pages ---


def test_a_read_continues_from_any_position() -> None:
    shop = FakeBulkShop(*MANY)
    extraction = extraction_of(shop, page_size=6)
    steps = list(extraction.pages())
    assert [len(step.records) for step in steps] == [6, 6, 6, 6, 6, 6, 3]
    assert steps[0].total == 39
    for number, step in enumerate(steps[:-1], 1):
        remaining = [record for later in extraction.pages(position=step.position) for record in later.records]
        assert remaining == [record for later in steps[number:] for record in later.records]


def test_each_read_downloads_the_file_once_and_without_the_token() -> None:
    shop = FakeBulkShop(*MANY)
    extraction = extraction_of(shop, page_size=5)
    list(extraction.records(workers=4))
    (request,) = shop.downloads
    assert str(request.url) == FILE
    assert TOKEN not in str(dict(request.headers))


def test_nothing_is_downloaded_before_the_first_page() -> None:
    shop = FakeBulkShop(*MANY)
    extraction_of(shop)
    assert not shop.downloads


def test_the_file_is_deleted_at_the_end(temporary_folder: Path) -> None:
    shop = FakeBulkShop(*MANY)
    seen = [len(list(temporary_folder.iterdir())) for _ in extraction_of(shop, page_size=10).pages()]
    assert seen == [1, 1, 1, 1]
    assert not list(temporary_folder.iterdir())


@pytest.mark.parametrize("workers", [1, 4])
def test_the_file_is_deleted_when_the_generator_is_closed(temporary_folder: Path, workers: int) -> None:
    pages = extraction_of(FakeBulkShop(*MANY), page_size=2).pages(workers=workers)
    next(pages)
    assert list(temporary_folder.iterdir())
    pages.close()
    assert not list(temporary_folder.iterdir())


def test_the_file_is_deleted_after_an_error(temporary_folder: Path) -> None:
    shop = FakeBulkShop(order(1, fulfillments=[fulfillment(1)]), FulfillmentsById={"data": None})
    with pytest.raises(UnexpectedResponseError):
        list(extraction_of(shop).records())
    assert not list(temporary_folder.iterdir())


def test_a_segment_can_be_fetched_alone(temporary_folder: Path) -> None:
    (segment,) = extraction_of(FakeBulkShop(*MANY), page_size=10).segments
    page = segment.fetch({"offset": 30})
    assert (ids(page.records), page.next) == ([str(number) for number in range(31, 40)], None)
    assert not list(temporary_folder.iterdir())


def test_a_position_after_the_end_is_an_error() -> None:
    with pytest.raises(PagingError, match="3 objects, but the stored position is 9"):
        list(extraction_of(FakeBulkShop(*MANY[:3])).pages(position={"segment": 0, "cursor": {"offset": 9}}))


def test_records_of_another_operation_have_another_fingerprint() -> None:
    shop = FakeBulkShop(*MANY)
    job, first = submit_job(shop)
    second = job.submit()
    shop.complete_operation(first)
    shop.complete_operation(second)
    fingerprints = {job.fingerprint, job.extraction(first).fingerprint, job.extraction(second).fingerprint}
    assert len(fingerprints) == 3
    assert job.extraction(first).fingerprint in fingerprints
    assert job.extraction(first).window == job.window


def test_the_url_of_the_file_is_never_shown() -> None:
    extraction = extraction_of(FakeBulkShop(*MANY))
    assert "s1gned" not in f"{extraction.request} {extraction!r}"


# --- missing and incomplete files ---


def test_an_operation_without_objects_has_no_extraction_of() -> None:
    shop = FakeBulkShop()
    assert list(extraction_of(shop).pages()) == []
    assert not shop.downloads


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_expired_url_requires_another_operation(status: int, temporary_folder: Path) -> None:
    shop = FakeBulkShop(*MANY)
    extraction = extraction_of(shop)
    shop.files[FILE] = httpx.Response(status)
    with pytest.raises(ExpiredError):
        list(extraction.records())
    assert not list(temporary_folder.iterdir())


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_address_that_has_expired_since_is_replaced(status: int) -> None:
    """A signed URL is valid for a while only, and ``BulkOperation.url`` has a new one."""
    shop = FakeBulkShop(*FEW)
    job, job_id = submit_job(shop)
    shop.complete_operation(job_id)
    extraction = job.extraction(job_id)
    shop.files[FILE] = httpx.Response(status)
    shop.files[NEW] = shop.file()
    shop.operations[job_id]["url"] = NEW
    assert list(extraction.records()) == FEW
    assert [str(request.url) for request in shop.downloads] == [FILE, NEW]


@pytest.mark.parametrize("fields", [{"url": None}, {"status": "EXPIRED", "url": None}])
def test_a_file_that_is_no_more_requires_another_operation(fields: dict) -> None:
    shop = FakeBulkShop(*FEW)
    job, job_id = submit_job(shop)
    shop.complete_operation(job_id)
    extraction = job.extraction(job_id)
    shop.files[FILE] = httpx.Response(404)
    shop.operations[job_id] |= fields
    with pytest.raises(ExpiredError, match="has no file any more"):
        list(extraction.records())


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "EXPIRED"},
        {"status": "CANCELED"},
        {"status": "FAILED", "partialDataUrl": FILE},
        {"status": "COMPLETED", "url": None},
    ],
)
def test_an_operation_without_a_result_requires_another_one(fields: dict) -> None:
    shop = FakeBulkShop(*MANY)
    job, job_id = submit_job(shop)
    shop.complete_operation(job_id, **fields)
    assert job.status(job_id).state is JobState.FAILED
    with pytest.raises(ExpiredError, match="has no result"):
        job.extraction(job_id)


def test_a_running_operation_has_no_records_yet() -> None:
    job, job_id = submit_job(FakeBulkShop(*MANY))
    with pytest.raises(TransientError, match="still running") as caught:
        job.extraction(job_id)
    assert not isinstance(caught.value, ExpiredError)


def test_a_file_with_fewer_lines_than_counted_is_an_error() -> None:
    shop = FakeBulkShop(*MANY)
    job, job_id = submit_job(shop)
    lines = shop.file().splitlines(keepends=True)
    shop.complete_operation(job_id, b"".join(lines[:-3]), objectCount=str(len(lines)))
    with pytest.raises(UnexpectedResponseError, match=f"Shopify counted {len(lines)}"):
        list(job.extraction(job_id).records())


def test_a_file_with_fewer_objects_than_counted_is_an_error() -> None:
    shop = FakeBulkShop(*MANY)
    job, job_id = submit_job(shop)
    shop.complete_operation(job_id, rootObjectCount="40")
    with pytest.raises(UnexpectedResponseError, match=r"Shopify counted .* and 40"):
        list(job.extraction(job_id).records())


# --- files that are cut on their way, with a length that fits ---
# objectCount and rootObjectCount are never null, and fileSize is the "file size in bytes of the file in the url field":
# https://shopify.dev/docs/api/admin-graphql/latest/objects/BulkOperation


def read_cut(*damaged: bytes, whole: bytes, size: bool) -> tuple[list[dict], int]:
    """Return the records of a file that arrives damaged at first, and the number of downloads."""
    shop = FakeBulkShop(*FEW)
    job, job_id = submit_job(shop)
    shop.complete_operation(job_id, whole, fileSize=str(len(whole)) if size else None)
    shop.files[FILE] = [*damaged, whole]
    return list(job.extraction(job_id).records()), len(shop.downloads)


@pytest.mark.parametrize("size", [True, False], ids=["with its size", "without its size"])
def test_a_file_that_is_cut_anywhere_is_downloaded_again(size: bool) -> None:
    whole = FakeBulkShop(*FEW).file()
    ends = [number + 1 for number, byte in enumerate(whole[:-1]) if byte == ord("\n")]
    assert len(ends) == 4
    for cut in sorted({*ends, *(end - 1 for end in ends), *range(0, len(whole) - 1, 23), len(whole) - 2}):
        assert read_cut(whole[:cut], whole=whole, size=size) == (FEW, 2), f"cut after {cut} bytes"


def test_bytes_that_are_lost_in_the_middle_show_in_the_size() -> None:
    whole = FakeBulkShop(*FEW).file()
    lost = whole.replace(b"Tasse 1000", b"Tasse 10", 1)
    assert read_cut(lost, lost, whole=whole, size=True) == (FEW, 3)
    assert read_cut(lost, whole=whole, size=False)[1] == 1, "without the size, nothing shows it"


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_file_that_stays_damaged_is_an_error(share: float, temporary_folder: Path) -> None:
    shop = FakeBulkShop(*MANY)
    extraction = extraction_of(shop)
    whole = shop.file()
    shop.files[FILE] = whole[: int(len(whole) * share)]
    with pytest.raises(UnexpectedResponseError, match="file"):
        list(extraction.records())
    assert len(shop.downloads) == MAX_DOWNLOADS
    assert not list(temporary_folder.iterdir())


def test_no_error_shows_the_url_of_a_file() -> None:
    shop = FakeBulkShop(*MANY)
    extraction = extraction_of(shop)
    shop.files[FILE] = httpx.Response(403, text=f"<Error>{FILE}</Error>")
    with pytest.raises(PartnersError) as caught:
        list(extraction.records())
    assert "s1gned" not in f"{caught.value} {caught.value!r} {caught.value.__cause__}"


def test_a_job_may_have_a_window_without_a_start() -> None:
    shop = FakeBulkShop(*MANY)
    assert len(list(extraction_of(shop, since=None, until=UNTIL - timedelta(minutes=1)).records())) == len(MANY)
