"""The rows of a bulk operation: those of the paged list, from a file that is there only while it is read."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fake_admin_api import SINCE, TOKEN, UNTIL, client
from fake_bulk_shop import FILE, BulkShop, fulfillment, order, product, submitted

from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.exceptions import (
    ExpiredError,
    PagingError,
    PartnersError,
    TransientError,
    UnexpectedResponseError,
)

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
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def rows(shop: BulkShop, **asked: object) -> Extraction:
    job, job_id = submitted(shop, **asked)
    shop.ends(job_id)
    return job.extraction(job_id)


def ids(records: list[dict]) -> list[str]:
    return [record["id"].rpartition("/")[2] for record in records]


# --- the same as page by page ---


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("page_size", [None, 7])
def test_orders_are_those_of_the_paged_list_record_by_record(workers: int, page_size: int | None) -> None:
    shop = BulkShop(*MANY)
    paged = list(client(shop).extract("orders", since=SINCE, until=UNTIL).records())
    bulk = list(rows(shop, page_size=page_size).records(workers=workers))
    assert bulk == paged == MANY


@pytest.mark.parametrize("workers", [1, 4])
def test_products_are_those_of_the_paged_list_record_by_record(workers: int) -> None:
    shop = BulkShop(*(product(number, variants=number * 13) for number in range(10)), resource="products")
    paged = list(client(shop).extract("products", since=SINCE, until=UNTIL).records())
    bulk = list(rows(shop).records(workers=workers))
    assert bulk == paged == shop.records


def test_without_personal_data_its_fields_are_null() -> None:
    known = {"email", "phone", "customer", "billingAddress", "shippingAddress"}
    shop = BulkShop({name: value for name, value in order(1).items() if name not in known})
    (row,) = rows(shop, personal_data=False).records()
    assert {row[name] for name in known} == {None}
    assert "fulfillmentsCount" not in row


def shuffled(written: list[dict]) -> list[dict]:
    return random.Random(2).sample(written, len(written))


def children_first(written: list[dict]) -> list[dict]:
    return sorted(written, key=lambda line: "__parentId" not in line)


@pytest.mark.parametrize("arrange", [shuffled, children_first])
def test_lines_may_stand_anywhere_in_the_file(arrange: Callable[[list[dict]], list[dict]]) -> None:
    shop = BulkShop(*MANY)
    job, job_id = submitted(shop)
    shop.ends(job_id, shop.file(arrange))
    found = {record["id"]: record for record in job.extraction(job_id).records()}
    for record in MANY:
        listed = found[record["id"]]
        assert sorted(ids(listed["lineItems"])) == sorted(ids(record["lineItems"]))
        assert {**listed, "lineItems": []} == {**record, "lineItems": []}


def test_lines_of_fulfillments_are_asked_for_by_the_fulfillments_ids() -> None:
    shop = BulkShop(*(order(n, fulfillments=[fulfillment(n * 100 + k) for k in range(10)]) for n in range(30)))
    list(rows(shop).records())
    assert [len(asked["ids"]) for asked in shop.of("FulfillmentsById")] == [250, 50]


def test_fewer_fulfillments_are_asked_for_where_they_cost_too_much() -> None:
    shop = BulkShop(*(order(n, fulfillments=[fulfillment(n * 100 + k) for k in range(10)]) for n in range(30)))
    inner = shop.answers["FulfillmentsById"]
    costly = {"errors": [{"message": "Query cost is 2003", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
    shop.answers["FulfillmentsById"] = lambda asked: costly if len(asked["ids"]) > 100 else inner(asked)  # type: ignore[operator]
    assert list(rows(shop).records()) == shop.records
    assert [len(asked["ids"]) for asked in shop.of("FulfillmentsById")] == [250, 125, 62, 62, 62, 62, 52]


def test_orders_without_fulfillments_ask_for_nothing_more() -> None:
    shop = BulkShop(*(order(number) for number in range(10)))
    extraction = rows(shop)
    sent = len(shop.requests)
    assert len(list(extraction.records())) == 10
    assert len(shop.requests) == sent


def test_an_order_that_was_deleted_meanwhile_is_left_out_and_a_changed_one_read_again() -> None:
    gone, changed = order(1, fulfillments=[fulfillment(11)]), order(2, fulfillments=[fulfillment(21)])
    shop = BulkShop(gone, changed, order(3))
    extraction = rows(shop)
    shop.records = [{**changed, "fulfillments": [fulfillment(22)]}, order(3)]
    assert list(extraction.records()) == shop.records


# --- the walk ---


def test_a_walk_goes_on_from_any_position() -> None:
    shop = BulkShop(*MANY)
    extraction = rows(shop, page_size=6)
    steps = list(extraction.pages())
    assert [len(step.records) for step in steps] == [6, 6, 6, 6, 6, 6, 3]
    assert steps[0].total == 39
    for number, step in enumerate(steps[:-1], 1):
        rest = [record for later in extraction.pages(position=step.position) for record in later.records]
        assert rest == [record for later in steps[number:] for record in later.records]


def test_each_walk_fetches_the_file_once_and_without_the_token() -> None:
    shop = BulkShop(*MANY)
    extraction = rows(shop, page_size=5)
    list(extraction.records(workers=4))
    (request,) = shop.fetched
    assert str(request.url) == FILE
    assert TOKEN not in str(dict(request.headers))


def test_nothing_is_fetched_before_the_walk_begins() -> None:
    shop = BulkShop(*MANY)
    rows(shop)
    assert not shop.fetched


def test_the_file_is_removed_at_the_end(folder: Path) -> None:
    shop = BulkShop(*MANY)
    seen = [len(list(folder.iterdir())) for _ in rows(shop, page_size=10).pages()]
    assert seen == [1, 1, 1, 1]
    assert not list(folder.iterdir())


@pytest.mark.parametrize("workers", [1, 4])
def test_the_file_is_removed_when_the_walk_is_closed(folder: Path, workers: int) -> None:
    walk = rows(BulkShop(*MANY), page_size=2).pages(workers=workers)
    next(walk)
    assert list(folder.iterdir())
    walk.close()
    assert not list(folder.iterdir())


def test_the_file_is_removed_after_an_error(folder: Path) -> None:
    shop = BulkShop(order(1, fulfillments=[fulfillment(1)]), FulfillmentsById={"data": None})
    with pytest.raises(UnexpectedResponseError):
        list(rows(shop).records())
    assert not list(folder.iterdir())


def test_a_part_can_be_fetched_by_itself(folder: Path) -> None:
    (segment,) = rows(BulkShop(*MANY), page_size=10).segments
    page = segment.fetch({"at": 30})
    assert (ids(page.records), page.next) == ([str(number) for number in range(31, 40)], None)
    assert not list(folder.iterdir())


def test_a_position_behind_the_end_is_an_error() -> None:
    with pytest.raises(PagingError, match="3 objects, but the walk had come to 9"):
        list(rows(BulkShop(*MANY[:3])).pages(position={"segment": 0, "cursor": {"at": 9}}))


def test_rows_of_another_operation_are_another_walk() -> None:
    shop = BulkShop(*MANY)
    job, first = submitted(shop)
    second = job.submit()
    shop.ends(first)
    shop.ends(second)
    prints = {job.fingerprint, job.extraction(first).fingerprint, job.extraction(second).fingerprint}
    assert len(prints) == 3
    assert job.extraction(first).fingerprint in prints
    assert job.extraction(first).window == job.window


def test_the_address_of_the_file_is_told_nowhere() -> None:
    extraction = rows(BulkShop(*MANY))
    assert "s1gned" not in f"{extraction.request} {extraction!r}"


# --- files that are not there, or not whole ---


def test_an_operation_without_objects_has_no_rows() -> None:
    shop = BulkShop()
    assert list(rows(shop).pages()) == []
    assert not shop.fetched


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_address_that_has_expired_asks_for_another_operation(status: int, folder: Path) -> None:
    shop = BulkShop(*MANY)
    extraction = rows(shop)
    shop.files[FILE] = httpx.Response(status)
    with pytest.raises(ExpiredError):
        list(extraction.records())
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "EXPIRED"},
        {"status": "CANCELED"},
        {"status": "FAILED", "partialDataUrl": FILE},
        {"status": "COMPLETED", "url": None},
    ],
)
def test_an_operation_without_a_result_asks_for_another(fields: dict) -> None:
    shop = BulkShop(*MANY)
    job, job_id = submitted(shop)
    shop.ends(job_id, **fields)
    assert job.status(job_id).state is JobState.FAILED
    with pytest.raises(ExpiredError, match="has no result"):
        job.extraction(job_id)


def test_an_operation_that_runs_has_no_rows_yet() -> None:
    job, job_id = submitted(BulkShop(*MANY))
    with pytest.raises(TransientError, match="not done yet") as caught:
        job.extraction(job_id)
    assert not isinstance(caught.value, ExpiredError)


def test_a_file_that_holds_less_than_was_counted_is_not_taken() -> None:
    shop = BulkShop(*MANY)
    job, job_id = submitted(shop)
    whole = shop.file().splitlines(keepends=True)
    shop.ends(job_id, b"".join(whole[:-3]), objectCount=str(len(whole)))
    with pytest.raises(UnexpectedResponseError, match=f"Shopify counted {len(whole)}"):
        list(job.extraction(job_id).records())


def test_a_file_that_lacks_objects_is_not_taken() -> None:
    shop = BulkShop(*MANY)
    job, job_id = submitted(shop)
    shop.ends(job_id, rootObjectCount="40")
    with pytest.raises(UnexpectedResponseError, match=r"Shopify counted .* and 40"):
        list(job.extraction(job_id).records())


def test_no_error_tells_the_address_of_a_file() -> None:
    shop = BulkShop(*MANY)
    extraction = rows(shop)
    shop.files[FILE] = httpx.Response(403, text=f"<Error>{FILE}</Error>")
    with pytest.raises(PartnersError) as caught:
        list(extraction.records())
    assert "s1gned" not in f"{caught.value} {caught.value!r} {caught.value.__cause__}"


def test_a_window_of_a_job_may_be_open_at_its_beginning() -> None:
    shop = BulkShop(*MANY)
    assert len(list(rows(shop, since=None, until=UNTIL - timedelta(minutes=1)).records())) == len(MANY)
