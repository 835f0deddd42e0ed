"""Makes a shop large: derives up to hundreds of thousands of orders from the few that were built one by one.

Each new order copies one of the shop's own orders, with another time, ids, name and number. It is put together from
text, because building each order from its scenario takes minutes and much memory.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

from airflow_provider_partners.sandbox.random_streams import stream
from airflow_provider_partners.sandbox.store import Document, Store, format_timestamp
from airflow_provider_partners.sandbox.world.identifiers import gid

PARTNER, OWN = "shopify_admin", "sandbox"
#: Orders lie within the last five months.
_OLDEST = timedelta(days=150)
#: Maximum number of orders to copy from, and of characters in each; very large orders occur once in a world.
_MAX_PATTERNS, _MAX_TEXT = 200, 24_000
_CHUNK = 500
#: Ids are closer together than those of the other orders, so that a shop's range has room for millions of orders.
_STRIDE = 1_024
_CUSTOMER = "placeholder of the customer"
_DATE = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"


def grow(store: Store, *, shop: str, orders: int, seed: int, now: datetime) -> int:
    """Add orders to a shop; return the number it has then.

    :param shop: its domain; it must have orders already
    :param orders: number of orders to add
    :param seed: seed of the world
    :param now: latest time of the new orders
    :raises ValueError: the shop has no order to copy from
    """
    counters = store.get(OWN, shop, "counters", "counters")
    patterns = list(_patterns(store, shop))
    if not counters or not patterns:
        msg = f"{shop} has no orders to copy from"
        raise ValueError(msg)
    rng = stream(seed, "grow", shop, counters["next_id"])
    plan = _plan(rng, patterns, orders, now.astimezone(UTC).replace(microsecond=0))
    more = Counter(patterns[pattern_index].customer for _, pattern_index in plan)
    buyers = {id_: json.dumps(body, ensure_ascii=False) for id_, body in _count_orders(store, shop, more)}
    documents = _copies(patterns, plan, counters, buyers)
    while chunk := list(islice(documents, _CHUNK)):
        store.put_texts(PARTNER, shop, "order", chunk)
    store.put(OWN, shop, "counters", "counters", counters, at=format_timestamp(now))
    return store.count(PARTNER, shop, "order")


@dataclass(kw_only=True)
class _Pattern:
    """The text of an order, cut at everything that differs in a copy.

    :param pieces: the text between the slots
    :param slots: what to insert between the pieces: the index of an id among the order's ids, a time in seconds after
        the order was placed, its name, or its number
    :param order_id: index of the order's own id
    :param updated: seconds from placing to the last change
    :param duration: seconds from placing to the latest timestamp in the order
    :param name_format: the name, with ``{}`` for the number
    """

    pieces: list[str]
    slots: list[tuple[str, int]]
    ids: int
    order_id: int
    updated: int
    duration: int
    name_format: str
    customer: str


def _patterns(store: Store, shop: str) -> Iterator[_Pattern]:
    products = store.select(PARTNER, shop, "product")
    referenced = [*products, *store.select(PARTNER, shop, "customer")]
    referenced += [variant for product in products for variant in product["variants"]]
    fixed = {document["legacyResourceId"] for document in referenced}
    ids = [document["id"] for document in store.cached(PARTNER, shop, "order", shape="json_object('id', id)")]
    for order in store.iterate(PARTNER, shop, "order", ids[:: max(1, len(ids) // _MAX_PATTERNS)]):
        if len(json.dumps(order)) <= _MAX_TEXT:
            yield _pattern(order, fixed)


def _pattern(order: Document, fixed: set[str]) -> _Pattern:
    customer = order["customer"]
    text = json.dumps(order | {"customer": customer and _CUSTOMER}, ensure_ascii=False)
    name = re.escape(json.dumps(order["name"], ensure_ascii=False)[1:-1])
    slot_pattern = re.compile(
        rf'(?P<date>{_DATE})|(?<=[/"])(?P<id>\d{{13}})(?=")|(?<=")(?P<name>{name})(?=["\-.])'
        rf'|(?<="number": )(?P<number>{order["number"]})\b|(?P<customer>"{_CUSTOMER}")'
    )
    matches = [match for match in slot_pattern.finditer(text) if match["id"] not in fixed]
    id_indexes = {
        number: index for index, number in enumerate(sorted({match["id"] for match in matches if match["id"]}))
    }
    placed = datetime.fromisoformat(order["createdAt"])
    pieces, slots, end = [], [], 0
    for match in matches:
        pieces.append(text[end : match.start()])
        slots.append((str(match.lastgroup), _slot(match, id_indexes, placed)))
        end = match.end()
    return _Pattern(
        pieces=[*pieces, text[end:]],
        slots=slots,
        ids=len(id_indexes),
        order_id=id_indexes[order["legacyResourceId"]],
        updated=_seconds(order["updatedAt"], placed),
        duration=max(value for kind, value in slots if kind == "date"),
        name_format=order["name"].replace(str(order["number"]), "{}"),
        customer=customer["id"] if customer else "",
    )


def _slot(match: re.Match[str], id_indexes: dict[str, int], placed: datetime) -> int:
    if match["id"]:
        return id_indexes[match["id"]]
    return _seconds(match["date"], placed) if match["date"] else 0


def _seconds(text: str, since: datetime) -> int:
    return round((datetime.fromisoformat(text) - since).total_seconds())


def _plan(rng: Random, patterns: list[_Pattern], orders: int, now: datetime) -> list[tuple[int, int]]:
    """Return when each order is placed, in epoch seconds, and the pattern it copies; oldest first."""
    until, oldest = int(now.timestamp()) - 60, int(_OLDEST.total_seconds())
    plan = []
    for turn in range(orders):
        pattern_index = turn % len(patterns)
        youngest = patterns[pattern_index].duration
        # Squared, so that recent weeks have more orders than early ones.
        age = youngest + max(0, oldest - youngest) * rng.random() ** 2
        plan.append((until - round(age), pattern_index))
    return sorted(plan)


def _copies(
    patterns: list[_Pattern], plan: Iterable[tuple[int, int]], counters: Document, buyers: dict[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Yield each order as id, timestamp and text; update the shop's counters."""
    for placed, pattern_index in plan:
        pattern = patterns[pattern_index]
        counters["number"] += 1
        base, number = counters["next_id"], counters["number"]
        parts = [pattern.pieces[0]]
        for (kind, value), piece in zip(pattern.slots, pattern.pieces[1:], strict=True):
            if kind == "id":
                parts.append(str(base + value * _STRIDE))
            elif kind == "date":
                parts.append(_text(placed + value))
            elif kind == "name":
                parts.append(pattern.name_format.format(number))
            else:
                parts.append(str(number) if kind == "number" else buyers[pattern.customer])
            parts.append(piece)
        counters["next_id"] += pattern.ids * _STRIDE
        order_id = gid("Order", base + pattern.order_id * _STRIDE)
        yield order_id, _text(placed + pattern.updated), "".join(parts)


def _count_orders(store: Store, shop: str, more: Counter[str]) -> Iterator[tuple[str, Document]]:
    """Return the customers with their future number of orders.

    Their existing orders contain a copy of that number, which is updated, too.
    """
    customers = {document["id"]: document for document in store.iterate(PARTNER, shop, "customer", more)}
    for customer in customers.values():
        customer["numberOfOrders"] = str(int(customer["numberOfOrders"]) + more[customer["id"]])
    store.put_many(
        PARTNER,
        shop,
        "customer",
        [(document["id"], document["updatedAt"], document) for document in customers.values()],
    )
    shape = "json_object('id', id, 'customer', json_extract(body, '$.customer.id'))"
    theirs = iter([
        document["id"]
        for document in store.cached(PARTNER, shop, "order", shape=shape)
        if document["customer"] in customers
    ])
    while chunk := list(islice(theirs, _CHUNK)):
        orders = list(store.iterate(PARTNER, shop, "order", chunk))
        for order in orders:
            order["customer"]["numberOfOrders"] = customers[order["customer"]["id"]]["numberOfOrders"]
            yield order["customer"]["id"], order["customer"]
        store.put_many(
            PARTNER, shop, "order", [(document["id"], document["updatedAt"], document) for document in orders]
        )


def _text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
