"""Join orders with the records of Yofi and Voucherify that belong to them, in bounded memory.

Orders stream through. Returns, claims, customers and redemptions are first written to a temporary SQLite database, by
the keys that orders have.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.context import NOTHING_KNOWN, OrderContext
from airflow_provider_partners.sync.coupons import CondensedRedemption
from airflow_provider_partners.sync.spill import RecordSpill
from airflow_provider_partners.sync.values import decode_json, id_tail, items, shopify_id, text

log = logging.getLogger("airflow_provider_partners.sync")

ORDERS_PER_QUERY = 50
"""Orders whose related records are read in one query. With more of them, the processor's cache no longer holds them."""


def join_orders(
    orders: Iterable[Record],
    *,
    returns: Iterable[Record] = (),
    claims: Iterable[Record] = (),
    customers: Iterable[Record] = (),
    redemptions: Iterable[CondensedRedemption] = (),
    predictions: Iterable[Record] = (),
    spill_dir: str | Path | None = None,
) -> Iterator[tuple[Record, OrderContext]]:
    """Yield each order with its context, in the order of ``orders``.

    Of a record that comes twice, the last counts.

    :param orders: of Shopify's Admin API
    :param returns: joined by ``order_id``, else by ``order_name``
    :param claims: joined by the orders that ``claim_items`` name, and by ``customer_id``
    :param customers: joined by ``customer_id``, which is Shopify's
    :param redemptions: as ``CouponPolicy.relevant`` yields them, joined by their own ``keys``
    :param predictions: from elsewhere, as ``check_predictions`` yields them, joined by ``order_id``. An order has one
        of each category
    :param spill_dir: where the temporary database is made; the system's temporary folder by default
    """
    sides: dict[str, Iterable[Any]] = {
        "return": returns,
        "claim": claims,
        "customer": customers,
        "redemption": redemptions,
        "prediction": predictions,
    }
    with RecordSpill("join", base=spill_dir) as spill:
        for kind, records in sides.items():
            spill.store(kind, records, keys=KEY_FUNCTIONS[kind], record_id=partial(_record_id, kind))
        remaining, count, predicted = iter(orders), 0, 0
        while batch := list(islice(remaining, ORDERS_PER_QUERY)):
            for order, context in _with_context(spill, batch):
                count, predicted = count + 1, predicted + bool(context.predictions)
                yield order, context
        if count and not predicted and spill.has("prediction"):
            log.warning(
                "No prediction from elsewhere is of one of the %d orders. They name orders by Shopify's id, such as "
                "5000008126465 or gid://shopify/Order/5000008126465.",
                count,
            )


def keys_of_order_reference(record: Record) -> list[str]:
    """Return the keys of a record that names its order by ``order_id`` (the shop's id), else by ``order_name``."""
    if number := id_tail(record.get("order_id")):
        return [f"order:{number}"]
    name = text(record.get("order_name"))
    return [f"name:{name}"] if name else []


def keys_of_claim(claim: Record) -> list[str]:
    """Return the keys of a claim: the orders that its items name, its own order, and its customer."""
    keys = keys_of_order_reference(claim)
    claim_items = decode_json(claim.get("claim_items"))
    for item in items(claim_items):
        keys += keys_of_order_reference(item)
    if isinstance(claim_items, list):
        keys += [f"order:{id_tail(item)}" for item in claim_items if isinstance(item, str | int)]
    return [*dict.fromkeys(keys), *keys_of_customer(claim)]


def keys_of_customer(record: Record) -> list[str]:
    """Return the key of a customer's record, by Shopify's customer id."""
    customer_id = id_tail(record.get("customer_id"))
    return [f"customer:{customer_id}"] if customer_id else []


def precomputed_keys(record: Record) -> list[str]:
    """Return the keys that a record brings along."""
    keys: list[str] = record["keys"]
    return keys


KEY_FUNCTIONS: dict[str, Callable[[Record], list[str]]] = {
    "return": keys_of_order_reference,
    "claim": keys_of_claim,
    "customer": keys_of_customer,
    "redemption": precomputed_keys,
    "prediction": keys_of_order_reference,
}
"""What gives the keys of each kind of record."""


def _record_id(kind: str, record: Record) -> str | None:
    if kind == "customer":
        return text(record.get("customer_id"))
    if kind == "prediction":
        return f"{id_tail(record['order_id'])} {record['category']}"
    return text(record.get("id")) or text(record.get("entity_id"))


def _with_context(spill: RecordSpill, batch: list[Record]) -> Iterator[tuple[Record, OrderContext]]:
    keys_by_order = [_keys_of_order(order) for order in batch]
    related = spill.related(sorted({key for keys in keys_by_order for key in keys}))
    for order, keys in zip(batch, keys_by_order, strict=True):
        records: dict[tuple[str, int], Record] = {}
        for key in keys:
            for number, kind, body in related.get(key, ()):
                of_order = not key.startswith("customer:")
                if of_order or kind in {"claim", "customer"}:
                    records.setdefault((kind, number), {**body, "of_order": of_order} if kind == "claim" else body)
        if not records:
            yield order, NOTHING_KNOWN
            continue
        by_kind: dict[str, list[Record]] = {name: [] for name in KEY_FUNCTIONS}
        for (kind, _), record in records.items():
            by_kind[kind].append(record)
        yield (
            order,
            OrderContext(
                returns=tuple(by_kind["return"]),
                claims=tuple(by_kind["claim"]),
                customer=by_kind["customer"][-1] if by_kind["customer"] else None,
                redemptions=cast("tuple[CondensedRedemption, ...]", tuple(by_kind["redemption"])),
                predictions=tuple(by_kind["prediction"]),
            ),
        )


def _keys_of_order(order: Record) -> list[str]:
    if not isinstance(order, dict):
        return []
    number, name, customer = shopify_id(order), text(order.get("name")), shopify_id(order.get("customer"))
    keys = {"order": number, "name": name, "customer": customer}
    return [f"{kind}:{value}" for kind, value in keys.items() if value]
