"""Every list of every partner is complete and without duplicates, over many pages and beyond the last numbered page.

The cases are the clients' own tables of resources, so a list that is added to one of them is tested here as well. The
sandbox's store has the expected records.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from sandbox import (
    restored_settings,
    run_sandbox,
    shopify_admin_client,
    shopify_partner_client,
    voucherify_client,
    yofi_client,
    yotpo_client,
)

from airflow_provider_partners.api.async_job import AsyncJob, JobState
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.pagination.strategies import TimestampPaginator
from airflow_provider_partners.api.shopify_admin import client as shopify_admin
from airflow_provider_partners.api.shopify_admin import pages, search
from airflow_provider_partners.api.shopify_partner import client as shopify_partner
from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient
from airflow_provider_partners.api.voucherify import client as voucherify
from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS
from airflow_provider_partners.api.voucherify.resources.model import VoucherifyResource
from airflow_provider_partners.api.yofi import client as yofi
from airflow_provider_partners.api.yotpo import client as yotpo
from airflow_provider_partners.api.yotpo.client import YotpoClient
from airflow_provider_partners.exceptions import PagingError
from airflow_provider_partners.records import get_path
from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.sandbox.store import Store
from airflow_provider_partners.sandbox.voucherify.seed.long_lists import grow

Record = dict[str, Any]
Key = tuple[Any, ...]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NO_LIMITS = {
    "voucherify.rate_limit": 0,
    "yotpo.rate_limit": 0,
    "shopify_partner.requests_per_second": 0,
    "shopify_admin.bucket": (1_000_000, 1_000_000),
}


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[RunningSandbox]:
    """One shop whose lists need several pages."""
    with run_sandbox(shops=1, orders=60, now=NOW, switches=NO_LIMITS) as running:
        add_claims(running)
        yield running


@pytest.fixture
def sandbox(shared_sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """The shared sandbox; its switches are restored after the test."""
    with restored_settings(shared_sandbox):
        yield shared_sandbox


@pytest.fixture(scope="module")
def large_project() -> Iterator[RunningSandbox]:
    """A Voucherify project with more records than its largest pages reach. Up to 150 records share a timestamp."""
    with run_sandbox(shops=1, orders=10, now=NOW, switches=NO_LIMITS) as running:
        for kind, size in {"redemptions": 9_900, "vouchers": 9_850, "customers": 9_850, "orders": 2_100}.items():
            grow(running.sandbox.store, seed=7, kind=kind, count=size, now=NOW)
        yield running


def count_keys(records: Iterable[Mapping[str, Any]], key: tuple[str, ...] = ("id",)) -> Counter[Key]:
    """Count the records by key. No part of a key is missing."""
    counts = Counter(tuple(get_path(record, name) for name in key) for record in records)
    assert not any(None in values for values in counts)
    return counts


def extracted_keys(extraction: Extraction, *, workers: int = 1, min_pages: int = 1) -> Counter[Key]:
    """Count the records of an extraction by key. It has at least this many pages."""
    pages = list(extraction.pages(workers=workers))
    assert len(pages) >= min_pages
    return count_keys((record for page in pages for record in page.records), extraction.key)


def job_records(job: AsyncJob) -> list[Record]:
    """Submit a job, wait for its end, and return its records."""
    job_id = job.submit()
    for _ in range(100):
        status = job.status(job_id)
        if status.state is not JobState.RUNNING:
            break
    assert status.state is JobState.DONE, status
    return list(job.extraction(job_id).records())


# --- Voucherify ---

LISTS = voucherify.RESOURCES
PAGE_SIZE = 2
"""Small, because Voucherify serves 99 or 100 numbered pages: few records are more than these pages hold."""
NUMBERED = [name for name, resource in LISTS.items() if resource.paging_style == "page"]
DIVISIBLE = [name for name in NUMBERED if LISTS[name].times or LISTS[name].scroll_param]
INDIVISIBLE = [name for name in NUMBERED if name not in DIVISIBLE]
SINGLE_PAGE = [name for name, resource in LISTS.items() if resource.paging_style == "single_shot"]
LIMITED = [
    name
    for name, resource in LISTS.items()
    if resource.paging_style == "limit_only" and not isinstance(resource.paginator, TimestampPaginator)
]
BY_CURSOR = [name for name in LISTS if name not in {*NUMBERED, *SINGLE_PAGE, *LIMITED}]
WITH_TIMES = [name for name in LISTS if LISTS[name].times]

serial_numbers = count(1)


def largest_scope(store: Store, resource: VoucherifyResource) -> str:
    """Return the parents' ids, joined by slashes, of the list with most records."""
    return max(store.shops("voucherify"), key=lambda scope: store.count("voucherify", scope, resource.name))


def fill_list(sandbox: RunningSandbox, resource: VoucherifyResource, size: int) -> dict[str, str]:
    """Copy the records of a list until it has this size, and return its parents. Three copies share a timestamp."""
    store = sandbox.sandbox.store
    scope = largest_scope(store, resource)
    records = store.select("voucherify", scope, resource.name)
    assert records, f"the sandbox has no record of {resource.name}"
    copies = []
    for number in range(size - len(records)):
        original = records[number % len(records)]
        at = (NOW - timedelta(days=80) + timedelta(milliseconds=number // 3 * 7)).isoformat(timespec="milliseconds")
        text, suffix = json.dumps(original), f"{next(serial_numbers):08x}"
        for name in resource.key:
            text = text.replace(get_path(original, name), f"{get_path(original, name)[:-8]}{suffix}")
        body = json.loads(text)
        body |= {name: at.replace("+00:00", "Z") for name in ("created_at", "updated_at", "date") if name in body}
        copies.append((suffix, body.get("created_at") or body.get("date") or "", body))
    store.put_many("voucherify", scope, resource.name, copies)
    return dict(zip(resource.parents, scope.split("/"), strict=True)) if resource.parents else {}


def stored_records(
    sandbox: RunningSandbox, resource: VoucherifyResource, parents: Mapping[str, str] | None = None
) -> list[Record]:
    return sandbox.sandbox.store.select("voucherify", "/".join((parents or {}).values()), resource.name)


def stored_keys(
    sandbox: RunningSandbox, resource: VoucherifyResource, parents: Mapping[str, str] | None = None
) -> Counter[Key]:
    return count_keys(stored_records(sandbox, resource, parents), resource.key)


def test_every_list_of_voucherify_is_in_one_group() -> None:
    assert sorted([*DIVISIBLE, *INDIVISIBLE, *SINGLE_PAGE, *LIMITED, *BY_CURSOR]) == sorted(LISTS)
    assert len(LISTS) == 92


@pytest.mark.parametrize("bounds", ["exclusive", "inclusive"])
@pytest.mark.parametrize("name", DIVISIBLE)
def test_a_divisible_numbered_list_is_complete_beyond_its_last_page(
    sandbox: RunningSandbox, name: str, bounds: str
) -> None:
    resource = LISTS[name]
    assert resource.max_page_number
    sandbox.sandbox.switches["voucherify.time_bounds"] = bounds
    sandbox.sandbox.switches["voucherify.starting_after"] = {"exclusive": "strict"}.get(bounds, bounds)
    # Scrolling continues at a timestamp, so a page needs more records than share one.
    page_size = PAGE_SIZE if resource.times else 5
    parents = fill_list(sandbox, resource, resource.max_page_number * page_size + 40)

    with voucherify_client(sandbox, resource.family) as client:
        extraction = client.extract(name, page_size=page_size, parents=parents or None)
        assert extracted_keys(extraction) == stored_keys(sandbox, resource, parents)


@pytest.mark.parametrize("name", INDIVISIBLE)
def test_an_indivisible_numbered_list_is_complete_up_to_its_last_page_and_an_error_beyond(
    sandbox: RunningSandbox, name: str
) -> None:
    resource = LISTS[name]
    assert resource.max_page_number
    max_records = resource.max_page_number * PAGE_SIZE
    parents = fill_list(sandbox, resource, 0)
    if len(records := stored_records(sandbox, resource, parents)) > max_records:
        pytest.fail(f"{name} already has {len(records)} records")
    fill_list(sandbox, resource, max_records)

    with voucherify_client(sandbox, resource.family) as client:
        extraction = client.extract(name, page_size=PAGE_SIZE, parents=parents or None)
        assert extracted_keys(extraction, min_pages=resource.max_page_number) == stored_keys(sandbox, resource, parents)
        fill_list(sandbox, resource, max_records + 1)
        with pytest.raises(PagingError, match=f"{max_records + 1} records here.*serves {max_records}") as caught:
            list(extraction.records())
    assert caught.value.remedy == "Use page_size=100."


@pytest.mark.parametrize("name", ["orders", "publications", "rewards", "product_collections"])
def test_beyond_the_largest_pages_the_error_names_a_remedy(large_project: RunningSandbox, name: str) -> None:
    resource = LISTS[name]
    fill_list(large_project, resource, 10_001)

    with voucherify_client(large_project) as client, pytest.raises(PagingError, match=r"1\d{4} records here") as caught:
        list(client.extract(name).records())

    remedies_without_export = {"rewards": "assignment_id", "product_collections": "takes none"}
    assert remedies_without_export.get(name, 'mode="export"') in str(caught.value.remedy)
    assert bool(resource.exported_object) == (name not in remedies_without_export)


@pytest.mark.parametrize("name", BY_CURSOR)
def test_a_list_with_a_cursor_is_complete_over_many_pages(sandbox: RunningSandbox, name: str) -> None:
    resource = LISTS[name]
    parents = fill_list(sandbox, resource, 61)

    with voucherify_client(sandbox, resource.family) as client:
        extraction = client.extract(name, page_size=5, parents=parents or None)
        assert extracted_keys(extraction, min_pages=12) == stored_keys(sandbox, resource, parents)


@pytest.mark.parametrize("name", [name for name in BY_CURSOR if LISTS[name].paging_style == "cursor"])
def test_an_extraction_with_an_expired_cursor_continues_after_the_last_record(
    sandbox: RunningSandbox, name: str
) -> None:
    resource = LISTS[name]
    parents = fill_list(sandbox, resource, 25)

    with voucherify_client(sandbox, resource.family) as client:
        extraction = client.extract(name, page_size=10, parents=parents or None)
        first = next(extraction.pages())
        assert first.position is not None
        token = first.position["cursor"]["token"]
        expired = {**first.position["cursor"], "token": f"{token[:-18]}{'0' * 18}"}
        later_pages = extraction.pages(position={**first.position, "cursor": expired})
        records = [*first.records, *(record for page in later_pages for record in page.records)]

    assert count_keys(records, resource.key) == stored_keys(sandbox, resource, parents)


@pytest.mark.parametrize("name", SINGLE_PAGE)
def test_a_list_on_a_single_page_is_complete(sandbox: RunningSandbox, name: str) -> None:
    resource = LISTS[name]
    parents = fill_list(sandbox, resource, 130)

    with voucherify_client(sandbox, resource.family) as client:
        extraction = client.extract(name, parents=parents or None)
        assert extracted_keys(extraction) == stored_keys(sandbox, resource, parents)


@pytest.mark.parametrize("name", LIMITED)
def test_a_list_without_a_second_page_is_complete_or_an_error(sandbox: RunningSandbox, name: str) -> None:
    resource = LISTS[name]
    parents = fill_list(sandbox, resource, 99)

    with voucherify_client(sandbox, resource.family) as client:
        extraction = client.extract(name, parents=parents or None)
        assert extracted_keys(extraction) == stored_keys(sandbox, resource, parents)
        fill_list(sandbox, resource, 101)
        with pytest.raises(PagingError, match="the list has no second page"):
            list(extraction.records())


@pytest.mark.parametrize("name", WITH_TIMES)
def test_a_window_returns_the_stored_records_of_its_time_range(sandbox: RunningSandbox, name: str) -> None:
    resource = LISTS[name]
    parents = fill_list(sandbox, resource, 40)
    records = stored_records(sandbox, resource, parents)
    for time_field, time_filter in resource.times.items():
        field = time_filter.record_field
        timestamps = sorted(record[field] for record in records if record.get(field))
        since, until = timestamps[len(timestamps) // 4], timestamps[len(timestamps) * 3 // 4]
        if since == until:
            continue
        expected = [record for record in records if since <= (record.get(field) or "") < until]
        with voucherify_client(sandbox, resource.family) as client:
            extraction = client.extract(name, parents=parents or None, since=since, until=until, time_field=time_field)
            assert extracted_keys(extraction) == count_keys(expected, resource.key), time_field
        assert expected


@pytest.mark.parametrize("name", list(EXPORTS))
def test_an_export_has_the_stored_records(sandbox: RunningSandbox, name: str) -> None:
    kinds = {"points_expiration": "loyalty_points_expiration"}
    store, kind = sandbox.sandbox.store, kinds.get(name, name)
    stored = {
        record["id"]: record
        for scope in store.shops("voucherify")
        for record in store.select("voucherify", scope, kind)
    }

    with voucherify_client(sandbox) as client:
        records = job_records(client.job(name))

    if "id" in EXPORTS[name].fields:
        assert count_keys(records) == Counter((id_,) for id_ in stored)
    else:
        assert len(records) == len(stored)
    assert records


@pytest.mark.parametrize(
    ("name", "bounds"), [("redemptions", "exclusive"), ("vouchers", "inclusive"), ("customers", "exclusive")]
)
def test_a_list_of_full_size_is_complete_beyond_9900_records(
    large_project: RunningSandbox, name: str, bounds: str
) -> None:
    resource = LISTS[name]
    records = stored_records(large_project, resource)
    assert len(records) > 9_900
    assert max(Counter(record[resource.record_time_field] for record in records).values()) > 100
    large_project.sandbox.switches["voucherify.time_bounds"] = bounds

    with voucherify_client(large_project) as client:
        assert extracted_keys(client.extract(name), workers=2, min_pages=100) == count_keys(records)


def test_orders_of_full_size_are_read_by_an_export(large_project: RunningSandbox) -> None:
    stored = stored_records(large_project, LISTS["orders"])
    assert len(stored) > 10_000

    with voucherify_client(large_project) as client:
        assert client.prefers_job("orders")
        records = job_records(client.job("orders", fields=["id", "source_id"]))

    assert count_keys(records) == count_keys(stored)


@pytest.mark.parametrize(
    "name", ["vouchers", "campaign_transactions", "loyalty_program_members", "async_actions", "segments"]
)
def test_records_that_are_created_during_an_extraction_neither_hide_nor_duplicate_others(
    sandbox: RunningSandbox, name: str
) -> None:
    resource = LISTS[name]
    parents = fill_list(sandbox, resource, 250)
    before = stored_keys(sandbox, resource, parents)

    with voucherify_client(sandbox, resource.family) as client:
        keys: Counter[Key] = Counter()
        for page in client.extract(name, page_size=PAGE_SIZE * 4, parents=parents or None).pages():
            keys += count_keys(page.records, resource.key)
            add_newest_record(sandbox, resource, parents)

    assert before <= keys
    assert max(keys.values()) == 1
    assert len(stored_records(sandbox, resource, parents)) > len(before) + 20


def add_newest_record(sandbox: RunningSandbox, resource: VoucherifyResource, parents: Mapping[str, str]) -> None:
    """Store a record that is newer than all others."""
    original, number = stored_records(sandbox, resource, parents)[0], next(serial_numbers)
    at = (NOW + timedelta(milliseconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = json.loads(json.dumps(original).replace(original["id"], f"{original['id'][:-8]}{number:08x}"))
    body |= {name: at for name in ("created_at", "updated_at") if name in body}
    sandbox.sandbox.store.put("voucherify", "/".join(parents.values()), resource.name, body["id"], body, at=at)


# --- Yofi ---

YOFI_KINDS = {
    "claims": "claim",
    "customers": "customer",
    "returns": "return",
    "notification_events": "notification_event",
}
"""Names of lists to kinds of stored documents."""


def yofi_shop(sandbox: RunningSandbox) -> str:
    return str(next(iter(sandbox.sandbox.credentials["yofi"]["shops"])))


def stored_yofi_keys(sandbox: RunningSandbox, name: str) -> Counter[Key]:
    """Count the stored records by key. A list of predictions has records of its own for each record of its parent."""
    resource = yofi.RESOURCES[name]
    documents = sandbox.sandbox.store.select("yofi", yofi_shop(sandbox), YOFI_KINDS[resource.parent_list or name])
    if resource.relation:
        return Counter(
            (document["id"], id_)
            for document in documents
            for _, id_ in document["relationships"][resource.relation] or []
        )
    return Counter((document["id"],) for document in documents)


@pytest.mark.parametrize("with_totals", [True, False], ids=["with totals", "without totals"])
@pytest.mark.parametrize("name", list(yofi.RESOURCES))
def test_every_list_of_yofi_is_complete_over_many_pages(sandbox: RunningSandbox, name: str, with_totals: bool) -> None:
    sandbox.sandbox.switches.update({"yofi.meta": with_totals, "yofi.links": with_totals})
    stored = stored_yofi_keys(sandbox, name)

    with yofi_client(sandbox, yofi_shop(sandbox)) as client:
        assert extracted_keys(client.extract(name, page_size=3), min_pages=4) == stored


@pytest.mark.parametrize("name", list(YOFI_KINDS))
def test_records_of_yofi_that_are_created_during_an_extraction_neither_hide_nor_duplicate_others(
    sandbox: RunningSandbox, name: str
) -> None:
    before = stored_yofi_keys(sandbox, name)
    sandbox.sandbox.switches["yofi.drift"] = True

    with yofi_client(sandbox, yofi_shop(sandbox)) as client:
        keys = extracted_keys(client.extract(name, page_size=3), min_pages=3)

    assert before <= keys
    assert max(keys.values()) == 1
    assert stored_yofi_keys(sandbox, name).total() > before.total() + 1


def add_claims(running: RunningSandbox) -> None:
    """Store more claims than two pages hold. Two claims share a timestamp."""
    store, shop = running.sandbox.store, yofi_shop(running)
    claim = store.select("yofi", shop, "claim")[0]
    for number in range(20):
        id_, epoch = f"{claim['id'][:-4]}{number:04}", int(NOW.timestamp()) - 86_400 + number // 2
        attributes = {**claim["attributes"], "entity_id": id_, "created_at_epoch": epoch}
        at = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        store.put("yofi", shop, "claim", id_, {**claim, "id": id_, "attributes": attributes}, at=at)


# --- Shopify Partner ---

PARTNER_KINDS = {
    "transactions": ("transaction", "createdAt"),
    "app_events": ("app_event", "occurredAt"),
    "events": ("event", "occurredAt"),
    "jobs": ("job", "lastEventAt"),
    "conversations": ("conversation", "lastEventAt"),
}
"""Names of lists to kinds of stored documents and the field with their timestamp."""


def stored_partner_records(sandbox: RunningSandbox, name: str) -> list[Record]:
    store, app = sandbox.sandbox.store, str(sandbox.sandbox.credentials["shopify_partner"]["app_id"])
    if name == "messages":
        conversations = stored_partner_records(sandbox, "conversations")
        return list(max((conversation["messages"] for conversation in conversations), key=len))
    return store.select("shopify_partner", app if name == "app_events" else "", PARTNER_KINDS[name][0])


def extract_partner_list(client: ShopifyPartnerClient, sandbox: RunningSandbox, name: str, **query: Any) -> Extraction:
    required: dict[str, Any] = {}
    if name == "app_events":
        required["app_id"] = sandbox.sandbox.credentials["shopify_partner"]["app_id"]
    if name == "messages":
        conversations = stored_partner_records(sandbox, "conversations")
        required["conversation_id"] = max(conversations, key=lambda conversation: len(conversation["messages"]))["id"]
    return client.extract(name, **{"since": LONG_AGO, "until": NOW + timedelta(days=1), **required, **query})


def use_last_version(sandbox: RunningSandbox, name: str) -> dict[str, str]:
    """Make the sandbox support the last API version with a list, and return the client's argument for it."""
    version = shopify_partner.RESOURCES[name].last_version
    if version:
        sandbox.sandbox.switches["shopify_partner.oldest_version"] = version
    return {"api_version": version} if version else {}


@pytest.mark.parametrize("name", list(shopify_partner.RESOURCES))
def test_every_list_of_the_partner_api_is_complete_over_many_pages(sandbox: RunningSandbox, name: str) -> None:
    stored = stored_partner_records(sandbox, name)
    page_size = 7 if len(stored) > 35 else 1

    with shopify_partner_client(sandbox, **use_last_version(sandbox, name)) as client:
        extraction = extract_partner_list(client, sandbox, name, page_size=page_size)
        records = [record for page in extraction.pages() for record in page.records]

    assert len(stored) >= 3 * page_size
    if name == "app_events":
        # App events have no id.
        assert Counter((record["type"], record["occurredAt"], record["shop"]["id"]) for record in records) == Counter(
            (record["type"], record["occurredAt"], record["shop"]["id"]) for record in stored
        )
    else:
        assert count_keys(records) == count_keys(stored)


@pytest.mark.parametrize("name", ["transactions", "events"])
def test_records_of_the_partner_api_that_are_created_during_an_extraction_neither_hide_nor_duplicate_others(
    sandbox: RunningSandbox, name: str
) -> None:
    kind, time_field = PARTNER_KINDS[name]
    before = stored_partner_records(sandbox, name)
    with shopify_partner_client(sandbox) as client:
        keys: Counter[Key] = Counter()
        extraction = extract_partner_list(client, sandbox, name, page_size=10, until=NOW + timedelta(seconds=1))
        for page in extraction.pages():
            keys += count_keys(page.records)
            number = next(serial_numbers)
            at = (NOW + timedelta(seconds=number % 3)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            record = {**before[0], "id": f"{before[0]['id']}{number:06}", time_field: at}
            sandbox.sandbox.store.put("shopify_partner", "", kind, record["id"], record, at=at)

    assert count_keys(before) <= keys
    assert max(keys.values()) == 1


# --- Shopify Admin ---


ADMIN_KINDS = {
    "orders": "order",
    "products": "product",
    "customers": "customer",
    "draft_orders": "draft_order",
    "abandoned_checkouts": "abandoned_checkout",
    "fulfillment_orders": "fulfillment_order",
    "collections": "collection",
    "locations": "location",
    "inventory_levels": "inventory_level",
    "discounts": "discount",
    "events": "event",
}
"""The sandbox's documents of each list."""

ADMIN_PARTS = {
    "refunds": ("order", "refunds"),
    "transactions": ("order", "transactions"),
    "product_variants": ("product", "variants"),
    **{f"{owner}_metafields": (owner, "metafields") for owner in ("order", "product", "customer", "collection")},
    **{f"{owner}_metafields": (owner, "metafields") for owner in ("draft_order", "location", "shop")},
}
"""The lists whose records are inside of other documents."""


def stored_admin_records(sandbox: RunningSandbox, name: str) -> list[Record]:
    """Return the documents behind a list. Shopify lists no inventory of a deactivated location by default."""
    shop = next(iter(sandbox.sandbox.credentials["shopify_admin"]))
    store = sandbox.sandbox.store
    resource = shopify_admin.RESOURCES[name]
    if resource.parts:
        return [record for part in resource.parts for record in stored_admin_records(sandbox, part)]
    if name == "variant_metafields":
        return [each for variant in stored_admin_records(sandbox, "product_variants") for each in variant["metafields"]]
    if name in ADMIN_PARTS:
        kind, part = ADMIN_PARTS[name]
        return [record for document in store.select("shopify_admin", shop, kind) for record in document[part]]
    records = store.select("shopify_admin", shop, ADMIN_KINDS[name])
    return [record for record in records if name != "inventory_levels" or record["isActive"]]


def id_of(record: Record) -> str:
    return str(record["id"])


@pytest.mark.parametrize("name", list(shopify_admin.RESOURCES))
def test_every_list_of_a_shop_is_complete_and_the_same_by_a_bulk_operation(sandbox: RunningSandbox, name: str) -> None:
    stored = stored_admin_records(sandbox, name)
    with shopify_admin_client(sandbox) as client:
        window = {"since": LONG_AGO, "until": NOW + timedelta(days=1)}
        extraction = client.extract(name, page_size=max(1, min(20, len(stored) // 3)), **window)
        pages = list(extraction.pages())
        paged = [record for page in pages for record in page.records]

        assert count_keys(paged) == count_keys(stored)
        assert len(pages) > 1
        resource = shopify_admin.RESOURCES[name]
        if resource.bulk:
            bulk = job_records(client.job(name, **window))
            # Shopify keeps the order of the lines of one object, but mixes those of several objects.
            is_mixed = resource.within is not None and resource.within.connection
            assert sorted(bulk, key=id_of) == sorted(paged, key=id_of) if is_mixed else bulk == paged


@pytest.mark.parametrize(
    "name", [name for name, each in shopify_admin.RESOURCES.items() if not each.parts and not each.per_parent]
)
def test_a_list_of_a_shop_is_complete_beyond_the_objects_of_one_search(
    sandbox: RunningSandbox, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shopify returns 25,000 objects of one search at most (https://shopify.dev/docs/api/usage/limits); here fewer."""
    resource, stored = shopify_admin.RESOURCES[name], stored_admin_records(sandbox, name)
    owners = {"Order": "orders", "ProductVariant": "product_variants"}
    owners = {each.type: other for other, each in shopify_admin.RESOURCES.items() if not each.within} | owners
    limit = max(3, len(stored_admin_records(sandbox, owners[resource.owner_type])) // 3)
    sandbox.sandbox.switches["shopify_admin.paging_limit"] = limit
    monkeypatch.setattr(pages, "MAX_SEARCH_RESULTS", limit)
    monkeypatch.setitem(pages.SearchFetcher.__init__.__kwdefaults__, "limit", limit - 1)
    monkeypatch.setattr(search, "COUNT_LIMIT", limit)
    with shopify_admin_client(sandbox) as client:
        extraction = client.extract(name, page_size=1, since=LONG_AGO, until=NOW + timedelta(days=1))
        assert extracted_keys(extraction) == count_keys(stored)
        assert len(extraction.segments) == 1 or resource.count_field


@pytest.mark.parametrize("name", [name for name, each in shopify_admin.RESOURCES.items() if not each.parts])
def test_a_window_of_a_shops_list_has_the_records_of_its_time_range(sandbox: RunningSandbox, name: str) -> None:
    resource = shopify_admin.RESOURCES[name]
    time_field = resource.time_field or resource.client_time_field
    with shopify_admin_client(sandbox) as client:
        everything = list(client.extract(name, since=LONG_AGO, until=NOW + timedelta(days=1)).records())
        times = sorted(str(get_path(record, time_field)) for record in everything)
        assert all(time.endswith("Z") for time in times)
        since, until = times[len(times) // 4], times[len(times) * 3 // 4]
        until = until if until > since else "2026-06-02T00:00:00Z"
        found = list(client.extract(name, since=since, until=until).records())
    expected = [record for record in everything if since <= str(get_path(record, time_field)) < until]
    assert count_keys(found) == count_keys(expected)
    assert found


@pytest.mark.parametrize(
    "name", [name for name, each in shopify_admin.RESOURCES.items() if each.by_id and not each.parts]
)
def test_records_by_their_ids_are_those_of_the_list(sandbox: RunningSandbox, name: str) -> None:
    with shopify_admin_client(sandbox) as client:
        window = {"since": LONG_AGO, "until": NOW + timedelta(days=1)}
        some = [record for _, record in zip(range(4), client.extract(name, **window).records(), strict=False)]
        by_id = list(client.extract(name, match={"id": [record["id"] for record in some]}).records())
    assert by_id == some


@pytest.mark.parametrize("name", [name for name, each in shopify_admin.RESOURCES.items() if each.parent_key])
def test_records_by_the_ids_of_their_objects_are_those_of_the_list(sandbox: RunningSandbox, name: str) -> None:
    resource = shopify_admin.RESOURCES[name]
    owner = resource.parent_key.removesuffix("_id")
    with shopify_admin_client(sandbox) as client:
        window = {"since": LONG_AGO, "until": NOW + timedelta(days=1)}
        everything = list(client.extract(name, **window).records())
        ids = sorted({record[owner]["id"] for record in everything})[:2]
        found = list(client.extract(name, match={resource.parent_key: ids}).records())
    assert count_keys(found) == count_keys(record for record in everything if record[owner]["id"] in ids)
    assert found


@pytest.mark.parametrize(
    ("name", "fields", "path"),
    [
        ("refunds", ["return.name", "refundLineItems.lineItem.sku", "-note"], "refundLineItems"),
        ("transactions", ["order.name"], "order.name"),
        ("inventory_levels", ["item.requiresShipping"], "item.requiresShipping"),
        ("customers", ["metafield:loyalty.points"], "metafields"),
        ("product_metafields", ["jsonValue"], "jsonValue"),
        ("fulfillment_orders", ["lineItems.lineItem.sku"], "lineItems"),
        ("discounts", ["metafield:custom.none"], "metafields"),
    ],
)
def test_further_fields_of_a_list_are_the_same_by_pages_and_by_a_bulk_operation(
    sandbox: RunningSandbox, name: str, fields: list[str], path: str
) -> None:
    window = {"since": LONG_AGO, "until": NOW + timedelta(days=1)}
    with shopify_admin_client(sandbox) as client:
        paged = list(client.extract(name, fields=fields, **window).records())
        bulk = job_records(client.job(name, fields=fields, **window))
    assert sorted(bulk, key=id_of) == sorted(paged, key=id_of)
    assert any(get_path(record, path) is not None for record in paged)


def test_orders_that_change_during_an_extraction_neither_hide_nor_duplicate_others(sandbox: RunningSandbox) -> None:
    shop = next(iter(sandbox.sandbox.credentials["shopify_admin"]))
    before = stored_admin_records(sandbox, "orders")
    keys: Counter[Key] = Counter()
    with shopify_admin_client(sandbox) as client:
        extraction = client.extract("orders", page_size=7, until=NOW + timedelta(days=1))
        for number, page in enumerate(extraction.pages()):
            keys += count_keys(page.records)
            at = (NOW + timedelta(days=2, minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
            gid = f"gid://shopify/Order/99{next(serial_numbers):011}"
            changed = {**before[number], "id": gid, "updatedAt": at}
            sandbox.sandbox.store.put("shopify_admin", shop, "order", gid, changed, at=at)

    assert keys == count_keys(before)


# --- Yotpo ---


@pytest.fixture(scope="module")
def filled_yotpo_store(shared_sandbox: RunningSandbox) -> RunningSandbox:
    """The shared sandbox with products, variants, orders, fulfillments and customers in its Yotpo store."""
    with yotpo_client(shared_sandbox) as client:
        products = [client.create_product({"external_id": f"p-{number}", "name": "Tea"}) for number in range(25)]
        for number in range(25):
            create_order(client, number)
        order = client.orders(["1000"])["1000"]["yotpo_id"]
        for number in range(13):
            client.create_fulfillment(order, fulfillment(number))
        store_id, accepted = client.store_id, next(iter(shared_sandbox.sandbox.credentials["yotpo"].values()))
    root = f"{shared_sandbox.url}/yotpo/core/v3/stores/{store_id}"
    token = httpx.post(f"{root}/access_tokens", json={"secret": accepted["secret"]}).json()["access_token"]
    with httpx.Client(headers={"X-Yotpo-Token": token}) as http:
        for number in range(23):
            variant = {"external_id": f"v-{number}", "name": "Large"}
            path = f"{root}/products/{products[number % 2]}/variants"
            http.post(path, json={"variant": variant}).raise_for_status()
            customer = {"external_id": f"c-{number}", "first_name": "Zoë"}
            http.patch(f"{root}/customers", json={"customer": customer}).raise_for_status()
    return shared_sandbox


def create_order(client: YotpoClient, number: int) -> None:
    at = NOW - timedelta(days=30) + timedelta(hours=number // 2 * 12)
    client.create_order({
        "external_id": f"{1000 + number}",
        "order_date": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "line_items": [{"external_product_id": f"p-{number % 25}", "quantity": 1}],
        "customer": {"external_id": f"c-{number}", "first_name": "Zoë"},
    })


def fulfillment(number: int) -> Record:
    return {
        "external_id": f"f-{number}",
        "fulfillment_date": "2026-05-20T00:00:00Z",
        "status": "success",
        "fulfilled_items": [{"external_product_id": "p-0", "quantity": 1}],
    }


def stored_yotpo_records(sandbox: RunningSandbox, kind: str) -> list[Record]:
    return sandbox.sandbox.store.select("yotpo", next(iter(sandbox.sandbox.credentials["yotpo"])), kind)


@pytest.mark.usefixtures("filled_yotpo_store")
@pytest.mark.parametrize("cursor", ["plain", "encoded"])
@pytest.mark.parametrize("name", list(yotpo.RESOURCES))
def test_every_list_of_a_yotpo_store_is_complete_over_many_pages(
    sandbox: RunningSandbox, name: str, cursor: str
) -> None:
    sandbox.sandbox.switches["yotpo.cursor"] = cursor
    resource = yotpo.RESOURCES[name]
    with yotpo_client(sandbox) as client:
        match = None
        if resource.parents:
            parent_list = resource.parents[0].removesuffix("_id") + "s"
            match = {resource.parents[0]: [parent["yotpo_id"] for parent in client.extract(parent_list).records()]}
        keys = extracted_keys(client.extract(name, match=match, page_size=3), min_pages=5)

    if name == "fulfillments":
        assert keys.total() == 13
    else:
        key = "external_id" if name == "customers" else "_id"
        assert keys == Counter((record[key],) for record in stored_yotpo_records(sandbox, name.removesuffix("s")))
    assert max(keys.values()) == 1


def test_a_window_of_yotpo_orders_selects_by_order_date(filled_yotpo_store: RunningSandbox) -> None:
    since, until = NOW - timedelta(days=28), NOW - timedelta(days=20)
    dates = {
        order["external_id"]: datetime.fromisoformat(f"{order['order_date']}+00:00")
        for order in stored_yotpo_records(filled_yotpo_store, "order")
    }
    expected = sorted(id_ for id_, date in dates.items() if since <= date < until)

    with yotpo_client(filled_yotpo_store) as client:
        extraction = client.extract("orders", since=since, until=until, page_size=2)
        ids = [order["external_id"] for order in extraction.records()]

    assert sorted(ids) == expected
    assert len(ids) > 10


@pytest.mark.parametrize("time_field", ["updated_at", "created_at"])
@pytest.mark.parametrize("ignores", [False, True])
def test_a_window_of_yotpo_reviews_selects_by_their_time(
    sandbox: RunningSandbox, time_field: str, ignores: bool
) -> None:
    """Only a client knows ``since_updated_at`` (singer-io/tap-yotpo), so a server may ignore it."""
    sandbox.sandbox.switches["yotpo.ignores_since_updated_at"] = ignores
    since, until = NOW - timedelta(days=90, hours=7), NOW - timedelta(days=20)
    with yotpo_client(sandbox) as client:
        every = list(client.extract("reviews").records())
        calls = client.stats.snapshot()["requests"]
        chosen = list(client.extract("reviews", since=since, until=until, time_field=time_field).records())
        calls = client.stats.snapshot()["requests"] - calls

    expected = [each["id"] for each in every if since <= datetime.fromisoformat(each[time_field]) < until]
    assert sorted(each["id"] for each in chosen) == sorted(expected)
    assert 10 < len(expected) < len(every)
    assert calls == (4 if ignores and time_field == "updated_at" else 2)


def test_yotpo_orders_that_are_created_during_an_extraction_neither_hide_nor_duplicate_others(
    filled_yotpo_store: RunningSandbox,
) -> None:
    before = Counter((order["_id"],) for order in stored_yotpo_records(filled_yotpo_store, "order"))
    keys: Counter[Key] = Counter()
    with yotpo_client(filled_yotpo_store) as client:
        for number, page in enumerate(client.extract("orders", page_size=3).pages()):
            keys += count_keys(page.records, ("yotpo_id",))
            if number < 5:
                create_order(client, 100 + number)

    assert before <= keys
    assert max(keys.values()) == 1
