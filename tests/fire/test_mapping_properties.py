"""Any order that fits Shopify's schema is built or rejected, keeps Yotpo's rules, and is written once.

Orders are the client's answers from a shop that draws them from Shopify's schema (``schema_answers``), with the fields
that a mapping of any kind adds. Yofi's records have the fields of docs.yofi.ai and values of any type, Voucherify's
redemptions those of the models in its SDK. What a payload must keep is read from Yotpo's documents (``yotpo_rules``).
A case is named by its seed.
"""

from __future__ import annotations

import copy
import json
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import order_worlds as worlds
import pytest
from fakes.bulk_shop import FakeBulkShop, submit_job
from fakes.yotpo_store import FakeYotpoStore
from sandbox import restored_settings, run_sandbox, yotpo_client
from shopify_schemas import ADMIN_VERSIONS
from yotpo_rules import broken_by_order, broken_by_product

from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.sync import BuiltOrder, MappingOptions, UnmappableOrder, build_orders
from airflow_provider_partners.sync.grouping import group_records
from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy
from airflow_provider_partners.sync.upsert import upsert_fulfillments, upsert_orders, upsert_products

SEEDS = (0, 2, 4)
"""Even seeds have the newest schema. Two of them take seconds to read."""

ORDERS = 50
NOW = datetime(2026, 6, 1, tzinfo=UTC)

Record = dict[str, Any]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Leave out warnings of names that are almost documented ones: a seed draws many."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@lru_cache(maxsize=6)
def drawn(seed: int, number: int = ORDERS) -> tuple[list[Record], dict[str, Any]]:
    """Return a shop's orders, and the arguments of a build of them."""
    rng = random.Random(seed)
    version = ADMIN_VERSIONS[(seed + 1) % len(ADMIN_VERSIONS)]
    options, policy = worlds.mapping_options(rng, version), worlds.suppression_policy(rng)
    # An author may forget the fields of a mapping. Without those of a rule, a build ends with an error that names them.
    mapped = MappingOptions.parse(options).required_fields if rng.random() < 0.9 else []
    fields = [*mapped, *SuppressionPolicy.parse(policy).required_fields]
    orders = worlds.shopify_orders(rng, version, number, fields)
    arguments = {
        **worlds.yofi_records(rng, orders),
        "redemptions": rng.choice((None, worlds.redemptions(rng, orders))),
        "redemptions_from": rng.choice((None, NOW)),
        "options": options,
        "policy": policy,
        "coupon_policy": worlds.coupon_policy(rng),
        "shop": worlds.SHOP,
        "now": NOW,
    }
    return orders, arguments


def build(orders: list[Any], arguments: dict[str, Any]) -> list[BuiltOrder | UnmappableOrder]:
    results = list(build_orders(orders, **arguments))
    assert len(results) == len(orders)
    return results


def names_a_rule(reject: UnmappableOrder) -> bool:
    """Return True for a reject that says what is wrong, in words that count for every order of the kind."""
    has_data = re.search(r"gid://|\d{9,}", reject.rule.replace("2147483648", ""))
    return bool(reject.reason and reject.rule) and "unknown shape" not in reject.reason and not has_data


def test_an_order_of_shopifys_schema_is_built_by_yotpos_rules_or_rejected_by_one(
    seed: int, fire_row: Callable[..., None]
) -> None:
    """The schemas are Shopify's, the rules those of core-api.yotpo.com: see ``schema_answers`` and ``yotpo_rules``."""
    orders, arguments = drawn(seed)
    counts: Counter[str] = Counter()
    for order, result in zip(orders, build(orders, arguments), strict=True):
        case = (order["id"], arguments["options"])
        if isinstance(result, UnmappableOrder):
            assert names_a_rule(result), (case, result.reason)
            counts["left out" if result.is_excluded else "rejected"] += 1
            continue
        counts["built"] += 1
        assert result.external_id == order["legacyResourceId"]
        assert broken_by_order(result.order) == [], case
        assert isinstance(result.order["custom_properties"]["suppress_review_request"], bool)
        assert {each["external_id"] for each in result.products} == {
            line["external_product_id"] for line in result.order["line_items"]
        }
        for product in result.products:
            assert broken_by_product(product) == [], case
    fire_row(orders=len(orders), built=counts["built"], rejected=counts["rejected"], left_out=counts["left out"])


def test_a_connection_in_another_form_gives_the_same_payload(seed: int) -> None:
    """GraphQL's connections have ``nodes`` or ``edges`` (https://shopify.dev/docs/api/usage/pagination-graphql)."""
    orders, arguments = drawn(seed, 20)
    forms: list[Callable[[list[Record]], Any]] = [
        lambda members: {"nodes": members},
        lambda members: {"edges": [{"node": member} for member in members]},
    ]
    plain = [each.to_dict() for each in build(orders, arguments)]
    for form in forms:
        changed = [{**order, "lineItems": form(order["lineItems"])} for order in orders]
        assert [each.to_dict() for each in build(changed, arguments)] == plain


def test_a_bulk_operation_reads_the_same_orders(seed: int) -> None:
    """The lines of a bulk file (https://shopify.dev/docs/api/usage/bulk-operations/queries) make the paged records."""
    orders = worlds.shopify_orders(random.Random(seed), ADMIN_VERSIONS[-1], 20, [])
    for minute, order in enumerate(orders):
        order["updatedAt"] = f"2026-05-01T00:{minute:02}:00Z"
    shop = FakeBulkShop(*orders)
    job, job_id = submit_job(shop)
    shop.complete_operation(job_id)
    assert list(job.extraction(job_id).records()) == orders


def test_the_same_order_gives_the_same_payload_in_any_batch(seed: int) -> None:
    orders, arguments = drawn(seed, 20)
    together = build(orders, arguments)
    for order, result in list(zip(orders, together, strict=True))[:5]:
        assert build([json.loads(json.dumps(order))], arguments) == [result]


# --- records of any shape ---


def of_any_shape(rng: random.Random, record: Any) -> Any:
    """Return a record with any JSON in some of its places, as a table of one's own may have it."""
    if rng.random() < 0.03:
        return worlds.any_json(rng)
    if isinstance(record, dict):
        return {name: of_any_shape(rng, value) for name, value in record.items()}
    if isinstance(record, list):
        return [of_any_shape(rng, value) for value in record]
    return record


def test_records_of_any_json_end_no_build_and_break_no_rule(seed: int, fire_row: Callable[..., None]) -> None:
    """A table of one's own has no schema: each record is built, or is a reject of its own."""
    orders, arguments = copy.deepcopy(drawn(seed))
    rng = random.Random(seed)
    # A rule whose fields no order has is the author's error, and ends the build.
    arguments["policy"].pop("rules", None)
    shaped = [of_any_shape(rng, order) for order in orders] + [worlds.any_json(rng) for _ in range(10)]
    for name in ("returns", "claims", "customers", "redemptions"):
        arguments[name] = [of_any_shape(rng, record) for record in arguments[name] or ()]
    scores = [rng.choice((0.9, "0.5", worlds.any_json(rng))) for _ in range(10)]
    arguments["predictions"] = [
        {"order_id": worlds.any_json(rng), "category": worlds.any_json(rng, 0), "score": score} for score in scores
    ]
    results = build(shaped, arguments)
    for result in results:
        if isinstance(result, BuiltOrder):
            assert broken_by_order(result.order) == []
            assert [broken_by_product(each) for each in result.products] == [[]] * len(result.products)
        else:
            assert result.reason
            assert result.rule
    fire_row(records=len(results), built=sum(isinstance(each, BuiltOrder) for each in results))


KINDS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "orders": (upsert_orders, ("external_id", "order_date", "line_items", "currency", "customer", "fulfillments")),
    "products": (upsert_products, ("external_id", "name", "url", "price", "custom_properties", "gtins")),
    "fulfillments": (
        upsert_fulfillments,
        ("order_external_id", "external_id", "fulfillment_date", "status", "fulfilled_items", "shipment_info"),
    ),
}
COLUMNS = {
    "orders": {
        "external_id": "id",
        "order_date": "day",
        "line_items.external_product_id": "sku",
        "line_items.quantity": "units",
        "line_items.total_price": "price",
        "customer.email": "mail",
        "custom_properties": "more",
        "fulfillments.external_id": "parcel",
        "fulfillments.fulfilled_items.external_product_id": "sku",
    },
    "products": {"external_id": "id", "name": "mail", "price": "price", "gtins": "more"},
    "fulfillments": {
        "order_external_id": "id",
        "external_id": "parcel",
        "fulfillment_date": "day",
        "status": "mail",
        "fulfilled_items.external_product_id": "sku",
        "fulfilled_items.quantity": "units",
    },
}


@pytest.mark.parametrize("with_columns", [False, True], ids=["plain", "columns"])
@pytest.mark.parametrize("kind", KINDS)
def test_plain_records_of_any_json_end_no_upsert(seed: int, kind: str, with_columns: bool) -> None:
    """What a query returns is written as Yotpo's documents allow, or rejected: see ``yotpo_rules``."""
    rng = random.Random(seed)
    upsert, names = KINDS[kind]
    columns = COLUMNS[kind] if with_columns else None
    names = tuple(dict.fromkeys(columns.values())) if columns else names
    known = {"order_date": "2026-03-01", "day": "2026-03-01", "quantity": 1, "units": 1, "status": "success"}
    known |= {"line_items": [{"external_product_id": "p", "quantity": 1}], "sku": "p", "parcel": "f"}
    known |= {"fulfilled_items": [{"external_product_id": "p", "quantity": 1}], "fulfillment_date": "2026-03-02"}
    rows: list[Any] = []
    for number in range(40):
        row = {name: known.get(name) if rng.random() < 0.7 else worlds.any_json(rng) for name in names}
        row[names[0]] = rng.choice((str(number), number, worlds.any_json(rng, 0)))
        rows.append(row if columns or rng.random() < 0.9 else worlds.any_json(rng))
    store = FakeYotpoStore()
    store.add_products("p")
    grouped = list(group_records(kind, rows, columns=columns))
    outcomes = list(upsert(store, grouped))
    assert outcomes
    for outcome in outcomes:
        assert outcome.action in {"created", "updated", "unchanged", "rejected"}
        assert outcome.reason or outcome.action != "rejected"
    for operation, payload in store.sent:
        if operation == "orders.create":
            assert broken_by_order(payload) == []


# --- plan after apply ---


class NormalizingStore(FakeYotpoStore):
    """A store that returns values in another spelling of the same meaning.

    Yotpo returns times without a zone (api.yotpo.com's recorded answers), and its documents call amounts a double and
    don't say how texts are kept. A server may round money to cents, strip blanks and write e-mails in small letters.
    """

    def _shape(self, yotpo_id: int, record: Record) -> None:
        super()._shape(yotpo_id, record)
        for holder in (record, *record.get("line_items", ())):
            for name in ("total_price", "subtotal_price"):
                if isinstance(holder.get(name), int | float) and abs(holder[name]) < 1e12:
                    holder[name] = f"{holder[name]:.2f}"
        customer = record.get("customer", {})
        if "email" in customer:
            customer["email"] = customer["email"].lower()
        for name in ("order_name", "payment_method"):
            if name in record:
                record[name] = record[name].strip()


@pytest.mark.parametrize("nested", ["merge", "replace"])
@pytest.mark.parametrize("kind", [FakeYotpoStore, NormalizingStore])
def test_after_an_upsert_the_plan_of_the_same_orders_is_empty(
    seed: int, kind: type[FakeYotpoStore], nested: str, fire_row: Callable[..., None]
) -> None:
    """The store follows core-api.yotpo.com: ids are unique, an update adds lines and merges fulfillments."""
    orders, arguments = drawn(seed)
    # An earlier build of other choices is written first, so that most orders are updates.
    earlier = [
        each.to_dict() for each in build(orders, {**arguments, "options": None, "policy": None})[::2] if is_built(each)
    ]
    wanted = [each.to_dict() for each in build(orders, arguments) if is_built(each)]
    store = kind()
    store.nested = nested
    for records in (earlier, wanted):
        written = list(upsert_orders(store, records, sleep=lambda _: None))
        wanted = without_nameless_products(wanted, written)
    before = store.writes
    planned = list(upsert_orders(store, wanted, dry_run=True, sleep=lambda _: None))
    again = list(upsert_orders(store, wanted, sleep=lambda _: None))
    assert [(each.action, each.changed) for each in planned if each.action != "unchanged"] == []
    assert {each.action for each in again} <= {"unchanged"}
    assert store.writes == before
    fire_row(orders=len(wanted), calls=before)


def without_nameless_products(records: list[Record], outcomes: list[Any]) -> list[Record]:
    """Return the records that were written. Shopify's schema allows an empty title, and Yotpo's e-mails need one."""
    rejected = {each.external_id: each.reason for each in outcomes if each.action == "rejected"}
    assert all("brings no name for it" in reason for reason in rejected.values()), rejected
    assert {each.action for each in outcomes} <= {"created", "updated", "unchanged", "rejected"}
    return [record for record in records if record["external_id"] not in rejected]


def is_built(result: BuiltOrder | UnmappableOrder) -> bool:
    return isinstance(result, BuiltOrder)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=1, now=NOW) as running:
        yield running


def test_the_sandbox_takes_every_payload_and_then_plans_nothing(seed: int, sandbox: RunningSandbox) -> None:
    """The sandbox checks payloads by Yotpo's documents and shares no code with the mapping."""
    orders, arguments = drawn(seed)
    wanted = [each.to_dict() for each in build(orders, arguments) if is_built(each)]
    with restored_settings(sandbox), yotpo_client(sandbox) as client:
        sandbox.sandbox.switches["yotpo.rate_limit"] = 0
        written = list(upsert_orders(client, wanted, sleep=lambda seconds: time.sleep(seconds / 100)))
        wanted = without_nameless_products(wanted, written)
        planned = list(upsert_orders(client, wanted, dry_run=True))
    assert [(each.action, each.changed) for each in planned if each.action != "unchanged"] == []
