"""Bring customers into a Yotpo store, for its SMS and e-mail.

One call creates or updates a customer (``PATCH customers``, https://core-api.yotpo.com/reference/create-customer).
Yotpo works on it later, within about a minute, and its answer doesn't say which of the two it will be. So the outcome
is ``accepted``. What a record doesn't name stays as it is. Orders need no customers: each carries its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.concurrency import map_in_order
from airflow_provider_partners.exceptions import RejectedError
from airflow_provider_partners.sync.grouping import group_key
from airflow_provider_partners.sync.outcomes import Outcome, WriteJournal, rejected_outcome
from airflow_provider_partners.sync.payload.models import StoreCustomer
from airflow_provider_partners.sync.plain_records import merge_records, record_id, unwrap
from airflow_provider_partners.sync.staleness import VersionLog
from airflow_provider_partners.sync.upsert.record_writer import BATCH_SIZE, malformed_part

if TYPE_CHECKING:
    from airflow_provider_partners.api.yotpo.client import YotpoClient

__all__ = ["upsert_customers"]


def upsert_customers(
    client: YotpoClient,
    customers: Iterable[Mapping[str, Any]],
    *,
    dry_run: bool = False,
    skip: Container[str] = (),
    workers: int = 1,
    batch_size: int = BATCH_SIZE,
    versions: VersionLog | None = None,
    journal: WriteJournal | None = None,
) -> Iterator[Outcome]:
    """Create or update customers.

    :param client: of one store
    :param customers: as the API documents them, or rejects of an earlier run. Those of one customer in a batch are
        merged
    :param dry_run: check, write nothing
    :param skip: customers to leave out, by the external id of their outcomes
    :param workers: parallel writes
    :param batch_size: customers that are merged and written together
    :param versions: not used: a customer has no version
    :param journal: not used: a customer that is sent again is accepted again
    :returns: one outcome for each customer. Without an external id, a hash of the address stands for it
    """
    remaining = (record for record in customers if malformed_part(record) or _key(record) not in skip)
    while records := list(islice(remaining, batch_size)):
        groups: dict[Any, list[Mapping[str, Any]]] = {}
        for index, record in enumerate(records):
            key = index if malformed_part(record) else _key(record) or index
            groups.setdefault(key, []).append(record)
        batch = [
            group[0] if len(group) == 1 else merge_records(unwrap(record, "customer") for record in group)
            for group in groups.values()
        ]
        yield from map_in_order(partial(_upsert, client, dry_run=dry_run), batch, workers=workers)


def _upsert(client: YotpoClient, record: Any, *, dry_run: bool) -> Outcome:
    if reason := malformed_part(record):
        return rejected_outcome("customer", record_id(record), record, reason)
    key = _key(record)
    try:
        payload = StoreCustomer.validate_body(unwrap(record, "customer")).payload()
        if not dry_run:
            client.upsert_customer(payload)
    except RejectedError as error:
        return rejected_outcome("customer", key, record, error)
    return Outcome("customer", key, "would_update" if dry_run else "accepted")


def _key(record: Mapping[str, Any]) -> str:
    """Return what identifies a customer in outcomes, which hold no addresses."""
    fields = unwrap(record, "customer")
    if external_id := record_id(fields):
        return external_id
    key = group_key("customers", fields)
    return f"{key.partition(':')[0]} {hashlib.sha256(key.encode()).hexdigest()[:16]}" if key else ""
