"""Every list of every partner, walked in the sandbox beyond a page and beyond what its pages reach, against the store.

The cases are the clients' own tables, so a list that is added to one is walked here as well. What is compared is how
often each row comes: once, as the store holds it.
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
from client_options import gather_options

from airflow_provider_partners.api.async_job import AsyncJob, JobState
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore
from airflow_provider_partners.api.pagination.strategies import TimestampPaginator
from airflow_provider_partners.api.shopify_admin import client as shopify_admin
from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
from airflow_provider_partners.api.shopify_partner import client as shopify_partner
from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient
from airflow_provider_partners.api.voucherify import client as voucherify
from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS
from airflow_provider_partners.api.voucherify.resources.model import VoucherifyResource
from airflow_provider_partners.api.yofi import client as yofi
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.api.yotpo import client as yotpo
from airflow_provider_partners.api.yotpo.client import YotpoClient
from airflow_provider_partners.exceptions import PagingError
from airflow_provider_partners.records import get_path
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.store import Store
from airflow_provider_partners.sandbox.voucherify.seed.long_lists import grow
from airflow_provider_partners.sandbox.world.build import build

Record = dict[str, Any]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAST = 10_000_000.0


@pytest.fixture(scope="module")
def world() -> Iterator[RunningSandbox]:
    with serve(build(shops=1, orders=60, now=NOW)) as served:
        switches = served.sandbox.switches
        switches["voucherify.rate_limit"] = switches["yotpo.rate_limit"] = 0
        switches["shopify_partner.requests_per_second"] = 0
        switches["shopify_admin.bucket"] = (1_000_000, 1_000_000)
        file_claims(served)
        yield served


@pytest.fixture(scope="module")
def large() -> Iterator[RunningSandbox]:
    """A project whose lists are longer than the largest pages reach; up to 150 rows in turn share a moment."""
    sandbox = build(shops=1, orders=10, now=NOW)
    for kind, rows in {"redemptions": 9_900, "vouchers": 9_850, "customers": 9_850, "orders": 2_100}.items():
        grow(sandbox.store, seed=7, kind=kind, count=rows, now=NOW)
    with serve(sandbox) as served:
        sandbox.switches["voucherify.rate_limit"] = 0
        yield served


@pytest.fixture
def served(world: RunningSandbox) -> Iterator[RunningSandbox]:
    """The world with its switches as they were."""
    before = dict(world.sandbox.switches)
    yield world
    world.sandbox.switches.clear()
    world.sandbox.switches.update(before)


def keys(rows: Iterable[Mapping[str, Any]], key: tuple[str, ...] = ("id",)) -> Counter[tuple[Any, ...]]:
    """How often each row comes; all of them can be told apart."""
    found = Counter(tuple(get_path(row, name) for name in key) for row in rows)
    assert not any(None in each for each in found)
    return found


def walked(extraction: Extraction, *, workers: int = 1, pages: int = 1) -> Counter[tuple[Any, ...]]:
    """The rows of a walk of so many pages at least."""
    steps = list(extraction.pages(workers=workers))
    assert len(steps) >= pages
    return keys((row for step in steps for row in step.records), extraction.key)


def ended(job: AsyncJob) -> list[Record]:
    """The rows of a job that is begun and waited for."""
    job_id = job.submit()
    for _ in range(100):
        status = job.status(job_id)
        if status.state is not JobState.RUNNING:
            break
    assert status.state is JobState.DONE, status
    return list(job.extraction(job_id).records())


# --- Voucherify ---

LISTS = voucherify.RESOURCES
PAGE = 2
"""Rows of a page: what is served of a numbered list are 99 or 100 pages, so that few rows are too many."""
NUMBERED = [name for name, row in LISTS.items() if row.paging_style == "page"]
DIVISIBLE = [name for name in NUMBERED if LISTS[name].times or LISTS[name].scroll_param]
INDIVISIBLE = [name for name in NUMBERED if name not in DIVISIBLE]
AT_ONCE = [name for name, row in LISTS.items() if row.paging_style == "single_shot"]
BY_LIMIT = [
    name
    for name, row in LISTS.items()
    if row.paging_style == "limit_only" and not isinstance(row.paginator, TimestampPaginator)
]
ONE_BY_ONE = [name for name in LISTS if name not in {*NUMBERED, *AT_ONCE, *BY_LIMIT}]
TIMED = [name for name in LISTS if LISTS[name].times]

serial = count(1)


def client(served: RunningSandbox, family: str = "server", **options: Any) -> VoucherifyClient:
    known = served.sandbox.credentials["voucherify"]
    keys = {
        "server": {"application_id": known["app_id"], "secret_key": known["secret_key"]},
        "client": {
            "application_id": known["client_app_id"],
            "secret_key": known["client_token"],
            "auth": "client",
            "origin": known["client_origin"],
        },
        "management": {
            "application_id": known["management_id"],
            "secret_key": known["management_token"],
            "auth": "management",
        },
    }[family]
    return VoucherifyClient(
        **gather_options(
            base_url=f"{served.url}/voucherify",
            rate_limit_store=InMemoryStore(),
            requests_per_minute=FAST,
            **keys,
            **options,
        )
    )


def longest(store: Store, row: VoucherifyResource) -> str:
    """The parents' ids of the list of this kind that has most rows."""
    return max(store.shops("voucherify"), key=lambda scope: store.count("voucherify", scope, row.name))


def lengthened(served: RunningSandbox, row: VoucherifyResource, rows: int) -> dict[str, str]:
    """A list made at least so long with rows like its own, three at a time of one moment; its parents."""
    store = served.sandbox.store
    scope = longest(store, row)
    there = store.select("voucherify", scope, row.name)
    assert there, f"the sandbox has no row of {row.name}"
    made = []
    for number in range(rows - len(there)):
        pattern = there[number % len(there)]
        at = (NOW - timedelta(days=80) + timedelta(milliseconds=number // 3 * 7)).isoformat(timespec="milliseconds")
        text, new = json.dumps(pattern), f"{next(serial):08x}"
        for name in row.key:
            text = text.replace(get_path(pattern, name), f"{get_path(pattern, name)[:-8]}{new}")
        body = json.loads(text)
        body |= {name: at.replace("+00:00", "Z") for name in ("created_at", "updated_at", "date") if name in body}
        made.append((new, body.get("created_at") or body.get("date") or "", body))
    store.put_many("voucherify", scope, row.name, made)
    return dict(zip(row.parents, scope.split("/"), strict=True)) if row.parents else {}


def held(served: RunningSandbox, row: VoucherifyResource, parents: Mapping[str, str]) -> list[Record]:
    return served.sandbox.store.select("voucherify", "/".join(parents.values()), row.name)


def test_no_list_of_voucherify_is_left_out_here() -> None:
    assert sorted([*DIVISIBLE, *INDIVISIBLE, *AT_ONCE, *BY_LIMIT, *ONE_BY_ONE]) == sorted(LISTS)
    assert len(LISTS) == 92


@pytest.mark.parametrize("bounds", ["exclusive", "inclusive"])
@pytest.mark.parametrize("name", DIVISIBLE)
def test_a_numbered_list_that_can_be_parted_is_read_beyond_its_last_page(
    served: RunningSandbox, name: str, bounds: str
) -> None:
    row = LISTS[name]
    assert row.max_page_number
    served.sandbox.switches["voucherify.time_bounds"] = bounds
    served.sandbox.switches["voucherify.starting_after"] = {"exclusive": "strict"}.get(bounds, bounds)
    # Scrolling is by time alone, so that a page has to hold more rows than share a moment.
    size = PAGE if row.times else 5
    parents = lengthened(served, row, row.max_page_number * size + 40)

    with client(served, row.family) as voucherify:
        assert walked(voucherify.extract(name, page_size=size, parents=parents or None)) == keys(
            held(served, row, parents), row.key
        )


@pytest.mark.parametrize("name", INDIVISIBLE)
def test_a_numbered_list_that_can_not_be_parted_is_read_to_its_last_page_and_refused_beyond(
    served: RunningSandbox, name: str
) -> None:
    row = LISTS[name]
    assert row.max_page_number
    most = row.max_page_number * PAGE
    if len(there := held(served, row, parents := lengthened(served, row, 0))) > most:
        pytest.fail(f"{name} has {len(there)} rows already")
    lengthened(served, row, most)

    with client(served, row.family) as voucherify:
        extraction = voucherify.extract(name, page_size=PAGE, parents=parents or None)
        assert walked(extraction, pages=row.max_page_number) == keys(held(served, row, parents), row.key)
        lengthened(served, row, most + 1)
        with pytest.raises(PagingError, match=f"{most + 1} rows here.*serves {most}") as caught:
            list(extraction.records())
    assert caught.value.remedy == "Use page_size=100."


@pytest.mark.parametrize("name", ["orders", "publications", "rewards", "product_collections"])
def test_beyond_the_largest_pages_the_error_says_what_helps(large: RunningSandbox, name: str) -> None:
    row = LISTS[name]
    lengthened(large, row, 10_001)

    with client(large) as voucherify, pytest.raises(PagingError, match=r"1\d{4} rows here") as caught:
        list(voucherify.extract(name).records())

    helps = {"rewards": "assignment_id", "product_collections": "takes none"}
    assert helps.get(name, 'mode="export"') in str(caught.value.remedy)
    assert bool(row.exported_object) == (name not in helps)


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_a_list_with_a_cursor_of_its_own_is_read_over_many_pages(served: RunningSandbox, name: str) -> None:
    row = LISTS[name]
    parents = lengthened(served, row, 61)

    with client(served, row.family) as voucherify:
        extraction = voucherify.extract(name, page_size=5, parents=parents or None)
        assert walked(extraction, pages=12) == keys(held(served, row, parents), row.key)


@pytest.mark.parametrize("name", [name for name in ONE_BY_ONE if LISTS[name].paging_style == "cursor"])
def test_a_walk_whose_cursor_has_expired_goes_on_behind_the_last_row(served: RunningSandbox, name: str) -> None:
    row = LISTS[name]
    parents = lengthened(served, row, 25)

    with client(served, row.family) as voucherify:
        extraction = voucherify.extract(name, page_size=10, parents=parents or None)
        first = next(extraction.pages())
        assert first.position is not None
        token = first.position["cursor"]["token"]
        stale = {**first.position["cursor"], "token": f"{token[:-18]}{'0' * 18}"}
        rest = [row for step in extraction.pages(position={**first.position, "cursor": stale}) for row in step.records]

    assert keys([*first.records, *rest], row.key) == keys(held(served, row, parents), row.key)


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_list_in_one_answer_is_read_whole(served: RunningSandbox, name: str) -> None:
    row = LISTS[name]
    parents = lengthened(served, row, 130)

    with client(served, row.family) as voucherify:
        assert walked(voucherify.extract(name, parents=parents or None)) == keys(held(served, row, parents), row.key)


@pytest.mark.parametrize("name", BY_LIMIT)
def test_a_list_without_a_second_page_is_read_whole_or_refused(served: RunningSandbox, name: str) -> None:
    row = LISTS[name]
    parents = lengthened(served, row, 99)

    with client(served, row.family) as voucherify:
        extraction = voucherify.extract(name, parents=parents or None)
        assert walked(extraction) == keys(held(served, row, parents), row.key)
        lengthened(served, row, 101)
        with pytest.raises(PagingError, match="no way to ask for the rest"):
            list(extraction.records())


@pytest.mark.parametrize("name", TIMED)
def test_a_window_holds_what_the_store_has_of_that_time(served: RunningSandbox, name: str) -> None:
    row = LISTS[name]
    size = 40
    parents = lengthened(served, row, size)
    for chosen, asked in row.times.items():
        moments = sorted(
            each[asked.record_field] for each in held(served, row, parents) if each.get(asked.record_field)
        )
        since, until = moments[len(moments) // 4], moments[len(moments) * 3 // 4]
        expected = [
            each for each in held(served, row, parents) if since <= (each.get(asked.record_field) or "") < until
        ]
        with client(served, row.family) as voucherify:
            window = {"since": since, "until": until, "time_field": chosen}
            if since == until:
                continue
            extraction = voucherify.extract(name, parents=parents or None, **window)
            assert walked(extraction) == keys(expected, row.key), chosen
        assert expected


@pytest.mark.parametrize("name", list(EXPORTS))
def test_an_export_holds_what_the_store_has(served: RunningSandbox, name: str) -> None:
    kinds = {"points_expiration": "loyalty_points_expiration"}
    store, kind = served.sandbox.store, kinds.get(name, name)
    everywhere = {
        row["id"]: row for scope in store.shops("voucherify") for row in store.select("voucherify", scope, kind)
    }

    with client(served) as voucherify:
        found = ended(voucherify.job(name))

    if "id" in EXPORTS[name].fields:
        assert keys(found) == Counter((id_,) for id_ in everywhere)
    else:
        assert len(found) == len(everywhere)
    assert found


@pytest.mark.parametrize(
    ("name", "bounds"), [("redemptions", "exclusive"), ("vouchers", "inclusive"), ("customers", "exclusive")]
)
def test_a_list_of_full_size_is_read_beyond_9900_rows(large: RunningSandbox, name: str, bounds: str) -> None:
    row, expected = LISTS[name], held(large, LISTS[name], {})
    assert len(expected) > 9_900
    assert max(Counter(each[row.record_time_field] for each in expected).values()) > 100
    large.sandbox.switches["voucherify.time_bounds"] = bounds

    with client(large) as voucherify:
        assert walked(voucherify.extract(name), workers=2, pages=100) == keys(expected)


def test_orders_of_full_size_are_read_by_an_export(large: RunningSandbox) -> None:
    expected = held(large, LISTS["orders"], {})
    assert len(expected) > 10_000

    with client(large) as voucherify:
        assert voucherify.prefers_job("orders")
        found = ended(voucherify.job("orders", fields=["id", "source_id"]))

    assert keys(found) == keys(expected)


@pytest.mark.parametrize(
    "name", ["vouchers", "campaign_transactions", "loyalty_program_members", "async_actions", "segments"]
)
def test_rows_that_arrive_during_a_walk_neither_hide_nor_double_others(served: RunningSandbox, name: str) -> None:
    row = LISTS[name]
    parents = lengthened(served, row, 250)
    before = keys(held(served, row, parents), row.key)

    with client(served, row.family) as voucherify:
        found: Counter[tuple[Any, ...]] = Counter()
        for step in voucherify.extract(name, page_size=PAGE * 4, parents=parents or None).pages():
            found += keys(step.records, row.key)
            arrive(served, row, parents)

    assert before <= found
    assert max(found.values()) == 1
    assert len(held(served, row, parents)) > len(before) + 20


def arrive(served: RunningSandbox, row: VoucherifyResource, parents: Mapping[str, str]) -> None:
    """One row more, younger than all others."""
    pattern, number = held(served, row, parents)[0], next(serial)
    at = (NOW + timedelta(milliseconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = json.loads(json.dumps(pattern).replace(pattern["id"], f"{pattern['id'][:-8]}{number:08x}"))
    body |= {name: at for name in ("created_at", "updated_at") if name in body}
    served.sandbox.store.put("voucherify", "/".join(parents.values()), row.name, body["id"], body, at=at)


# --- Yofi ---

YOFI_KINDS = {
    "claims": "claim",
    "customers": "customer",
    "returns": "return",
    "notification_events": "notification_event",
}


def yofi_shop(served: RunningSandbox) -> str:
    return str(next(iter(served.sandbox.credentials["yofi"]["shops"])))


def yofi_client(served: RunningSandbox) -> YofiClient:
    known = served.sandbox.credentials["yofi"]
    names = ("secret", "issuer", "subject", "client_id", "organization_id", "platform")
    return YofiClient(
        **gather_options(
            shop=yofi_shop(served),
            base_url=f"{served.url}/yofi",
            requests_per_second=FAST,
            rate_limit_store=InMemoryStore(),
            **{name: known[name] for name in names},
        )
    )


def yofi_keys(served: RunningSandbox, name: str) -> Counter[tuple[Any, ...]]:
    """The keys of a list's rows in the store; a list of predictions has one for each of another list's rows."""
    row = yofi.RESOURCES[name]
    there = served.sandbox.store.select("yofi", yofi_shop(served), YOFI_KINDS[row.parent_list or name])
    if row.relation:
        return Counter((each["id"], id_) for each in there for _, id_ in each["relationships"][row.relation] or [])
    return Counter((each["id"],) for each in there)


@pytest.mark.parametrize("told", [True, False], ids=["told totals", "told nothing"])
@pytest.mark.parametrize("name", list(yofi.RESOURCES))
def test_every_list_of_yofi_is_read_over_many_pages(served: RunningSandbox, name: str, told: bool) -> None:
    served.sandbox.switches.update({"yofi.meta": told, "yofi.links": told})
    expected = yofi_keys(served, name)

    with yofi_client(served) as client:
        assert walked(client.extract(name, page_size=3), pages=4) == expected


@pytest.mark.parametrize("name", list(YOFI_KINDS))
def test_rows_of_yofi_that_arrive_during_a_walk_neither_hide_nor_double_others(
    served: RunningSandbox, name: str
) -> None:
    before = yofi_keys(served, name)
    served.sandbox.switches["yofi.drift"] = True

    with yofi_client(served) as client:
        found = walked(client.extract(name, page_size=3), pages=3)

    assert before <= found
    assert max(found.values()) == 1
    assert yofi_keys(served, name).total() > before.total() + 1


def file_claims(served: RunningSandbox) -> None:
    """More claims than a page or two hold, two at a time of one moment."""
    store, shop = served.sandbox.store, yofi_shop(served)
    claim = store.select("yofi", shop, "claim")[0]
    for number in range(20):
        id_, at = f"{claim['id'][:-4]}{number:04}", int(NOW.timestamp()) - 86_400 + number // 2
        attributes = {**claim["attributes"], "entity_id": id_, "created_at_epoch": at}
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        store.put("yofi", shop, "claim", id_, {**claim, "id": id_, "attributes": attributes}, at=moment)


# --- Shopify Partner ---

PARTNER_KINDS = {
    "transactions": ("transaction", "createdAt"),
    "app_events": ("app_event", "occurredAt"),
    "events": ("event", "occurredAt"),
    "jobs": ("job", "lastEventAt"),
    "conversations": ("conversation", "lastEventAt"),
}


def partner(served: RunningSandbox, **options: Any) -> ShopifyPartnerClient:
    known = served.sandbox.credentials["shopify_partner"]
    return ShopifyPartnerClient(
        **gather_options(
            organization_id=known["organization_id"],
            access_token=known["tokens"][0],
            base_url=f"{served.url}/shopify-partner",
            requests_per_second=FAST,
            **options,
        )
    )


def partner_rows(served: RunningSandbox, name: str) -> list[Record]:
    store, app = served.sandbox.store, str(served.sandbox.credentials["shopify_partner"]["app_id"])
    if name == "messages":
        return list(max((each["messages"] for each in partner_rows(served, "conversations")), key=len))
    return store.select("shopify_partner", app if name == "app_events" else "", PARTNER_KINDS[name][0])


def partner_extraction(client: ShopifyPartnerClient, served: RunningSandbox, name: str, **asked: Any) -> Extraction:
    needed: dict[str, Any] = {}
    if name == "app_events":
        needed["app_id"] = served.sandbox.credentials["shopify_partner"]["app_id"]
    if name == "messages":
        talks = partner_rows(served, "conversations")
        needed["conversation_id"] = max(talks, key=lambda each: len(each["messages"]))["id"]
    return client.extract(name, **{"since": LONG_AGO, "until": NOW + timedelta(days=1), **needed, **asked})


def legacy(served: RunningSandbox, name: str) -> dict[str, str]:
    """The version that has a list."""
    last = shopify_partner.RESOURCES[name].last_version
    if last:
        served.sandbox.switches["shopify_partner.oldest_version"] = last
    return {"api_version": last} if last else {}


@pytest.mark.parametrize("name", list(shopify_partner.RESOURCES))
def test_every_list_of_the_partner_api_is_read_over_many_pages(served: RunningSandbox, name: str) -> None:
    expected = partner_rows(served, name)
    size = 7 if len(expected) > 35 else 1

    with partner(served, **legacy(served, name)) as client:
        extraction = partner_extraction(client, served, name, page_size=size)
        rows = [row for step in extraction.pages() for row in step.records]

    assert len(expected) >= 3 * size
    if name == "app_events":
        assert Counter((row["type"], row["occurredAt"], row["shop"]["id"]) for row in rows) == Counter(
            (row["type"], row["occurredAt"], row["shop"]["id"]) for row in expected
        )
    else:
        assert keys(rows) == keys(expected)


@pytest.mark.parametrize("name", ["transactions", "events"])
def test_rows_of_the_partner_api_that_arrive_during_a_walk_neither_hide_nor_double_others(
    served: RunningSandbox, name: str
) -> None:
    kind, time = PARTNER_KINDS[name]
    before = partner_rows(served, name)
    with partner(served) as client:
        found: Counter[tuple[Any, ...]] = Counter()
        for step in partner_extraction(client, served, name, page_size=10, until=NOW + timedelta(seconds=1)).pages():
            found += keys(step.records)
            number = next(serial)
            at = (NOW + timedelta(seconds=number % 3)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            row = {**before[0], "id": f"{before[0]['id']}{number:06}", time: at}
            served.sandbox.store.put("shopify_partner", "", kind, row["id"], row, at=at)

    assert keys(before) <= found
    assert max(found.values()) == 1


# --- Shopify Admin ---


def admin(served: RunningSandbox) -> ShopifyAdminClient:
    shop, known = next(iter(served.sandbox.credentials["shopify_admin"].items()))
    return ShopifyAdminClient(
        shop=shop,
        access_token=known["token"],
        base_url=f"{served.url}/shopify-admin/{shop}",
        options=ClientOptions(rate_limit_store=InMemoryStore()),
    )


def admin_rows(served: RunningSandbox, name: str) -> list[Record]:
    shop = next(iter(served.sandbox.credentials["shopify_admin"]))
    return served.sandbox.store.select("shopify_admin", shop, name.removesuffix("s"))


@pytest.mark.parametrize("name", list(shopify_admin.RESOURCES))
def test_every_list_of_a_shop_is_the_same_by_pages_and_by_a_bulk_operation(served: RunningSandbox, name: str) -> None:
    with admin(served) as client:
        window = {"since": LONG_AGO, "until": NOW + timedelta(days=1)}
        paged = [row for step in client.extract(name, page_size=20, **window).pages() for row in step.records]
        bulk = ended(client.job(name, **window))

    assert keys(paged) == keys(admin_rows(served, name))
    assert len(paged) > 20
    assert bulk == paged


def test_orders_that_change_during_a_walk_neither_hide_nor_double_others(served: RunningSandbox) -> None:
    shop = next(iter(served.sandbox.credentials["shopify_admin"]))
    before = admin_rows(served, "orders")
    found: Counter[tuple[Any, ...]] = Counter()
    with admin(served) as client:
        for number, step in enumerate(client.extract("orders", page_size=7, until=NOW + timedelta(days=1)).pages()):
            found += keys(step.records)
            at = (NOW + timedelta(days=2, minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
            late = {**before[number], "id": f"gid://shopify/Order/99{next(serial):011}", "updatedAt": at}
            served.sandbox.store.put("shopify_admin", shop, "order", late["id"], late, at=at)

    assert found == keys(before)


# --- Yotpo ---


def yotpo_client(served: RunningSandbox) -> YotpoClient:
    store_id, known = next(iter(served.sandbox.credentials["yotpo"].items()))
    return YotpoClient(
        store_id=store_id,
        secret=known["secret"],
        base_url=f"{served.url}/yotpo",
        requests_per_second=FAST,
        options=ClientOptions(rate_limit_store=InMemoryStore()),
    )


@pytest.fixture(scope="module")
def shelf(world: RunningSandbox) -> RunningSandbox:
    """A store with products, variants, orders, their fulfillments and customers."""
    with yotpo_client(world) as client:
        products = [client.create_product({"external_id": f"p-{number}", "name": "Tea"}) for number in range(25)]
        for number in range(25):
            place(client, number)
        order = client.orders(["1000"])["1000"]["yotpo_id"]
        for number in range(13):
            client.create_fulfillment(order, fulfillment(number))
        store_id, known = client.store_id, next(iter(world.sandbox.credentials["yotpo"].values()))
    root = f"{world.url}/yotpo/core/v3/stores/{store_id}"
    token = httpx.post(f"{root}/access_tokens", json={"secret": known["secret"]}).json()["access_token"]
    with httpx.Client(headers={"X-Yotpo-Token": token}) as http:
        for number in range(23):
            variant = {"external_id": f"v-{number}", "name": "Large"}
            path = f"{root}/products/{products[number % 2]}/variants"
            http.post(path, json={"variant": variant}).raise_for_status()
            customer = {"external_id": f"c-{number}", "first_name": "Zoë"}
            http.patch(f"{root}/customers", json={"customer": customer}).raise_for_status()
    return world


def place(client: YotpoClient, number: int) -> None:
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


def yotpo_rows(served: RunningSandbox, kind: str) -> list[Record]:
    return served.sandbox.store.select("yotpo", next(iter(served.sandbox.credentials["yotpo"])), kind)


@pytest.mark.parametrize("cursor", ["plain", "encoded"])
@pytest.mark.parametrize("name", list(yotpo.RESOURCES))
def test_every_list_of_a_yotpo_store_is_read_over_many_pages(
    shelf: RunningSandbox, served: RunningSandbox, name: str, cursor: str
) -> None:
    served.sandbox.switches["yotpo.cursor"] = cursor
    row = yotpo.RESOURCES[name]
    with yotpo_client(served) as client:
        match = None
        if row.parents:
            of = row.parents[0].removesuffix("_id") + "s"
            match = {row.parents[0]: [each["yotpo_id"] for each in client.extract(of).records()]}
        found = walked(client.extract(name, match=match, page_size=3), pages=5)

    if name == "fulfillments":
        assert found.total() == 13
    else:
        own = "external_id" if name == "customers" else "_id"
        assert found == Counter((each[own],) for each in yotpo_rows(served, name.removesuffix("s")))
    assert max(found.values()) == 1


def test_orders_of_a_yotpo_store_are_asked_by_their_date(shelf: RunningSandbox) -> None:
    since, until = NOW - timedelta(days=28), NOW - timedelta(days=20)
    dates = {each["external_id"]: each["order_date"] for each in yotpo_rows(shelf, "order")}
    expected = {id_ for id_, at in dates.items() if since <= datetime.fromisoformat(f"{at}+00:00") < until}

    with yotpo_client(shelf) as client:
        found = [
            row["external_id"] for row in client.extract("orders", since=since, until=until, page_size=2).records()
        ]

    assert sorted(found) == sorted(expected)
    assert len(found) > 10


def test_orders_of_a_yotpo_store_that_arrive_during_a_walk_neither_hide_nor_double_others(
    shelf: RunningSandbox,
) -> None:
    before = Counter((each["_id"],) for each in yotpo_rows(shelf, "order"))
    found: Counter[tuple[Any, ...]] = Counter()
    with yotpo_client(shelf) as client:
        for number, step in enumerate(client.extract("orders", page_size=3).pages()):
            found += keys(step.records, ("yotpo_id",))
            if number < 5:
                place(client, 100 + number)

    assert before <= found
    assert max(found.values()) == 1
