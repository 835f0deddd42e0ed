"""Makes a shop large: a hundred thousand orders out of the few that were made with care.

Each new order follows one of the shop's own, at another time and with ids, name and number of its own. It is put
together from text, because making each order from its scenario takes minutes and much memory. Must not know what an
order means beyond its ids, its times and who bought.
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
#: Orders of the last five months.
_OLDEST = timedelta(days=150)
#: So many orders are followed; the odd ones, with hundreds of lines or dozens of parcels, occur once in a world.
_PATTERNS, _MOST_TEXT = 200, 24_000
_AT_ONCE = 500
#: Ids stand closer than those of the careful orders, so that a shop's range holds millions of orders.
_STRIDE = 1_024
_CUSTOMER = "the customer stands here"
_DATE = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"


def grow(store: Store, *, shop: str, orders: int, seed: int, now: datetime) -> int:
    """Give a shop so many more orders; how many it has then.

    :param shop: its domain; it must have orders already
    :param orders: how many more
    :param seed: the same for the same orders
    :param now: none of them is younger
    :raises ValueError: the shop has no order to go by
    """
    counters = store.get(OWN, shop, "counters", "counters")
    patterns = list(_patterns(store, shop))
    if not counters or not patterns:
        msg = f"{shop} has no orders that more could be made from"
        raise ValueError(msg)
    chance = stream(seed, "grow", shop, counters["next_id"])
    plan = _plan(chance, patterns, orders, now.astimezone(UTC).replace(microsecond=0))
    more = Counter(patterns[place].customer for _, place in plan)
    buyers = {id_: json.dumps(body, ensure_ascii=False) for id_, body in _count_orders(store, shop, more)}
    rows = _rows(patterns, plan, counters, buyers)
    while chunk := list(islice(rows, _AT_ONCE)):
        store.put_texts(PARTNER, shop, "order", chunk)
    store.put(OWN, shop, "counters", "counters", counters, at=format_timestamp(now))
    return store.count(PARTNER, shop, "order")


@dataclass(kw_only=True)
class _Pattern:
    """An order, cut at everything that is different in another order like it.

    :param pieces: the text between the slots
    :param slots: what stands between the pieces: the place of an id among the order's ids, seconds after the order was
        placed, its name, its number
    :param order_id: the place of the order's own id
    :param updated: seconds from placing to the last change
    :param lasts: seconds from placing to the latest time that is told
    :param called: the name, with ``{}`` for the number
    """

    pieces: list[str]
    slots: list[tuple[str, int]]
    ids: int
    order_id: int
    updated: int
    lasts: int
    called: str
    customer: str


def _patterns(store: Store, shop: str) -> Iterator[_Pattern]:
    products = store.select(PARTNER, shop, "product")
    lasting = [*products, *store.select(PARTNER, shop, "customer")]
    lasting += [variant for product in products for variant in product["variants"]]
    fixed = {row["legacyResourceId"] for row in lasting}
    ids = [row["id"] for row in store.cached(PARTNER, shop, "order", shape="json_object('id', id)")]
    for order in store.iterate(PARTNER, shop, "order", ids[:: max(1, len(ids) // _PATTERNS)]):
        if len(json.dumps(order)) <= _MOST_TEXT:
            yield _pattern(order, fixed)


def _pattern(order: Document, fixed: set[str]) -> _Pattern:
    customer = order["customer"]
    text = json.dumps(order | {"customer": customer and _CUSTOMER}, ensure_ascii=False)
    name = re.escape(json.dumps(order["name"], ensure_ascii=False)[1:-1])
    wanted = re.compile(
        rf'(?P<date>{_DATE})|(?<=[/"])(?P<id>\d{{13}})(?=")|(?<=")(?P<name>{name})(?=["\-.])'
        rf'|(?<="number": )(?P<number>{order["number"]})\b|(?P<customer>"{_CUSTOMER}")'
    )
    matches = [match for match in wanted.finditer(text) if match["id"] not in fixed]
    places = {number: place for place, number in enumerate(sorted({match["id"] for match in matches if match["id"]}))}
    placed = datetime.fromisoformat(order["createdAt"])
    pieces, slots, end = [], [], 0
    for match in matches:
        pieces.append(text[end : match.start()])
        slots.append((str(match.lastgroup), _slot(match, places, placed)))
        end = match.end()
    return _Pattern(
        pieces=[*pieces, text[end:]],
        slots=slots,
        ids=len(places),
        order_id=places[order["legacyResourceId"]],
        updated=_seconds(order["updatedAt"], placed),
        lasts=max(value for kind, value in slots if kind == "date"),
        called=order["name"].replace(str(order["number"]), "{}"),
        customer=customer["id"] if customer else "",
    )


def _slot(match: re.Match[str], places: dict[str, int], placed: datetime) -> int:
    if match["id"]:
        return places[match["id"]]
    return _seconds(match["date"], placed) if match["date"] else 0


def _seconds(text: str, since: datetime) -> int:
    return round((datetime.fromisoformat(text) - since).total_seconds())


def _plan(chance: Random, patterns: list[_Pattern], orders: int, now: datetime) -> list[tuple[int, int]]:
    """When each order is placed, in epoch seconds, and the pattern it follows; oldest first."""
    until, oldest = int(now.timestamp()) - 60, int(_OLDEST.total_seconds())
    plan = []
    for turn in range(orders):
        place = turn % len(patterns)
        youngest = patterns[place].lasts
        # Squared, so that the recent weeks have more orders than the first.
        age = youngest + max(0, oldest - youngest) * chance.random() ** 2
        plan.append((until - round(age), place))
    return sorted(plan)


def _rows(
    patterns: list[_Pattern], plan: Iterable[tuple[int, int]], counters: Document, buyers: dict[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Each order as id, time and text; the shop's counters go on with it."""
    for placed, place in plan:
        pattern = patterns[place]
        counters["number"] += 1
        base, number = counters["next_id"], counters["number"]
        parts = [pattern.pieces[0]]
        for (kind, value), piece in zip(pattern.slots, pattern.pieces[1:], strict=True):
            if kind == "id":
                parts.append(str(base + value * _STRIDE))
            elif kind == "date":
                parts.append(_text(placed + value))
            elif kind == "name":
                parts.append(pattern.called.format(number))
            else:
                parts.append(str(number) if kind == "number" else buyers[pattern.customer])
            parts.append(piece)
        counters["next_id"] += pattern.ids * _STRIDE
        order_id = gid("Order", base + pattern.order_id * _STRIDE)
        yield order_id, _text(placed + pattern.updated), "".join(parts)


def _count_orders(store: Store, shop: str, more: Counter[str]) -> Iterator[tuple[str, Document]]:
    """The customers with the number of orders they will have, which also those of their orders tell that are there."""
    customers = {row["id"]: row for row in store.iterate(PARTNER, shop, "customer", more)}
    for customer in customers.values():
        customer["numberOfOrders"] = str(int(customer["numberOfOrders"]) + more[customer["id"]])
    store.put_many(PARTNER, shop, "customer", [(row["id"], row["updatedAt"], row) for row in customers.values()])
    shape = "json_object('id', id, 'customer', json_extract(body, '$.customer.id'))"
    theirs = iter([
        row["id"] for row in store.cached(PARTNER, shop, "order", shape=shape) if row["customer"] in customers
    ])
    while chunk := list(islice(theirs, _AT_ONCE)):
        orders = list(store.iterate(PARTNER, shop, "order", chunk))
        for order in orders:
            order["customer"]["numberOfOrders"] = customers[order["customer"]["id"]]["numberOfOrders"]
            yield order["customer"]["id"], order["customer"]
        store.put_many(PARTNER, shop, "order", [(row["id"], row["updatedAt"], row) for row in orders])


def _text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
