"""Voucherify's records in the sandbox's store: by kind and parents, by an object's identifiers, sorted.

Sorted lists and indexes stay in memory until a record of their kind is written: a client reads lists of tens of
thousands of records page by page.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from airflow_provider_partners.sandbox.store import Document, Sandbox
from airflow_provider_partners.sandbox.voucherify.errors import not_found
from airflow_provider_partners.sandbox.voucherify.fields import as_text, first_value
from airflow_provider_partners.sandbox.voucherify.lists.paths import TIME_FIELDS, Listing, placeholders
from airflow_provider_partners.sandbox.voucherify.lists.tables import LISTS
from airflow_provider_partners.sandbox.voucherify.query import parse_timestamp

PARTNER = "voucherify"
#: Fields that identify an object in a path. Customers, orders and products also have the shop's own ids.
IDENTIFIERS = ("id", "code", "source_id", "name", "related_object")
_MAX_CACHED = 64
_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class Parent:
    """The object that a placeholder of a list's path names.

    :param kinds: kinds of its records
    :param also_by: fields that identify it, besides the id
    :param within: placeholders of its own list, which come before it in the path
    """

    type: str
    kinds: tuple[str, ...]
    also_by: tuple[str, ...] = ()
    within: tuple[str, ...] = ()


_V1_PARENTS: Mapping[str, Parent] = {
    "campaignId": Parent(type="campaign", kinds=("campaigns", "loyalties_v1"), also_by=("name",)),
    "customerId": Parent(type="customer", kinds=("customers",), also_by=("source_id",)),
    "code": Parent(type="voucher", kinds=("vouchers",), also_by=("code",)),
    "memberId": Parent(type="voucher", kinds=("vouchers",), also_by=("code",)),
    "productId": Parent(type="product", kinds=("products",), also_by=("source_id",)),
    "productCollectionId": Parent(type="products_collection", kinds=("product_collections",)),
    "rewardId": Parent(type="reward", kinds=("rewards",)),
    "validationRuleId": Parent(type="validation_rules", kinds=("validation_rules",)),
    "loyaltyTierId": Parent(type="loyalty_tier", kinds=("loyalty_campaign_tiers",), within=("campaignId",)),
    "projectId": Parent(type="project", kinds=("management_projects",)),
}
_V2_PARENTS: Mapping[str, Parent] = {
    "programId": Parent(type="loyalty_program", kinds=("loyalty_programs",)),
    "memberId": Parent(type="loyalty_member", kinds=("loyalty_program_members",), within=("programId",)),
    "cardId": Parent(type="loyalty_card", kinds=()),
    "cardDefinitionId": Parent(type="loyalty_card_definition", kinds=("loyalty_card_definitions",)),
    "earningRuleId": Parent(type="loyalty_earning_rule", kinds=("loyalty_earning_rules",)),
    "tierStructureId": Parent(type="loyalty_tier_structure", kinds=("loyalty_tier_structures",)),
    "benefitId": Parent(type="loyalty_benefit", kinds=("loyalty_benefits",)),
    "rewardId": Parent(type="loyalty_reward", kinds=("loyalty_rewards",)),
}
# Kinds with the same parents, by the parents' placeholders: a record of any of them shows that the parents exist.
_SIBLINGS: dict[str, list[str]] = {}
for _list in LISTS:
    _SIBLINGS.setdefault("/".join(placeholders(_list.path)), []).append(_list.kind)


@dataclass(frozen=True, kw_only=True)
class View:
    """Sorted records, with their epoch seconds if they are sorted by time."""

    records: list[Document]
    times: list[float]


class Records:
    """Reads the store. Callers share the records and must not change them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._store = sandbox.store
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[Any, ...], tuple[int, Any]] = OrderedDict()

    def list_records(self, kind: str, scope: str = "") -> list[Document]:
        """Return all records of a kind with the same parents, oldest first."""
        return self._store.cached(PARTNER, scope, kind)

    def across_parents(self, kind: str) -> list[Document]:
        """Return all records of a kind with any parents; a record with several parents comes once."""
        scopes = [scope for scope in self._store.shops(PARTNER) if self._store.count(PARTNER, scope, kind)]
        by_id = {as_text(record.get("id")): record for scope in scopes for record in self.list_records(kind, scope)}
        return list(by_id.values())

    def find(self, kind: str, scope: str, id_: str, also_by: tuple[str, ...] = ()) -> Document | None:
        """Return an object by its id or by one of its other identifiers, or ``None``.

        :param also_by: fields that identify the object, besides the id
        """
        for name in ("id", *also_by):
            if record := self._index(kind, scope, name).get(id_):
                return record
        return None

    def _index(self, kind: str, scope: str, name: str) -> dict[str, Document]:
        def make(records: list[Document]) -> dict[str, Document]:
            return {as_text(record[name]): record for record in records if record.get(name) is not None}

        return self.cached(("index", name), kind, scope, make)

    def cached(
        self, key_parts: tuple[Any, ...], kind: str, scope: str, make: Callable[[list[Document]], _Result]
    ) -> _Result:
        """Return the result of ``make`` for a kind's records, from memory until one of them is written.

        :param key_parts: name of the result, with everything besides the records that ``make`` depends on
        """
        key = (*key_parts, kind, scope)
        revision = self._store.revision(PARTNER, scope, kind)
        with self._lock:
            entry = self._cache.get(key)
            if entry is not None:
                self._cache.move_to_end(key)
        if entry is None or entry[0] != revision:
            entry = (revision, make(self.list_records(kind, scope)))
            with self._lock:
                self._cache[key] = entry
                self._cache.move_to_end(key)
                while len(self._cache) > _MAX_CACHED:
                    self._cache.popitem(last=False)
        result: _Result = entry[1]
        return result

    def view(self, kind: str, scope: str, order: str) -> View:
        """Return all records of a kind with the same parents, sorted.

        :param order: for example ``-created_at``
        """
        return self.cached(("view", order), kind, scope, lambda records: sorted_view(records, kind, order))

    def scope(self, listing: Listing, path_values: Mapping[str, str]) -> str:
        """Return the scope of a list's records, whichever identifiers of the parents the path has.

        :raises ApiError: 404 without such a parent
        """
        names = placeholders(listing.path)
        parents = _V2_PARENTS if listing.path.startswith("/v2/") else _V1_PARENTS
        aliases: dict[str, list[str]] = {}
        unknown: str | None = None
        for name in names:
            parent = self._parent(parents[name], path_values[name], aliases)
            unknown = unknown or (None if parent else name)
            identifiers = [as_text(parent[key]) for key in IDENTIFIERS if parent.get(key)] if parent else []
            aliases[name] = list(dict.fromkeys([path_values[name], *identifiers]))
        scopes = ["/".join(each) for each in itertools.product(*(aliases[name] for name in names))]
        for scope in scopes:
            if self._store.count(PARTNER, scope, listing.kind):
                return scope
        if unknown is not None and not self._in_use(scopes, names):
            raise not_found(path_values[unknown], parents[unknown].type)
        return scopes[0]

    def _parent(self, parent: Parent, identifier: str, aliases: Mapping[str, list[str]]) -> Document | None:
        grandparents = itertools.product(*(aliases[name] for name in parent.within))
        for scope in ["/".join(each) for each in grandparents]:
            for kind in parent.kinds:
                if record := self.find(kind, scope, identifier, parent.also_by):
                    return record
        return None

    def _in_use(self, scopes: list[str], names: list[str]) -> bool:
        siblings = _SIBLINGS["/".join(names)]
        return any(self._store.count(PARTNER, scope, kind) for scope in scopes for kind in siblings)


def sorted_view(records: list[Document], kind: str, order: str) -> View:
    """Sort records, equal ones by id. A missing value is the lowest."""
    name = order.removeprefix("-")
    if not name:
        return View(records=records, times=[])
    descending = order.startswith("-")
    keyed = [
        (_sort_key(record, kind, name), as_text(record.get("id")), number) for number, record in enumerate(records)
    ]
    keyed.sort(reverse=descending)
    times = [key[1] for key, _, _ in keyed] if name in TIME_FIELDS else []
    return View(records=[records[number] for _, _, number in keyed], times=times)


def _sort_key(record: Document, kind: str, name: str) -> tuple[bool, Any]:
    value = first_value(record, kind, name)
    if name in TIME_FIELDS:
        at = timestamp(value)
        return (at is not None, at if at is not None else 0.0)
    return (value is not None, as_text(value))


def timestamp(value: Any) -> float | None:
    """Return a record's timestamp in epoch seconds, or ``None`` if the value is none."""
    try:
        return parse_timestamp(value).timestamp() if isinstance(value, str) else None
    except ValueError:
        return None
