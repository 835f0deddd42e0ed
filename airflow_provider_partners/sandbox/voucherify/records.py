"""Voucherify's rows in the sandbox's store: by kind and parents, by any of an object's identifiers, in any order.

Lists of tens of thousands of rows are walked page by page, so what is made of them is kept until a row is written. It
must not know what was asked for.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from airflow_provider_partners.sandbox.store import Document, Sandbox
from airflow_provider_partners.sandbox.voucherify.fields import as_text, first_value
from airflow_provider_partners.sandbox.voucherify.lists.paths import TIME_FIELDS, Listing, placeholders
from airflow_provider_partners.sandbox.voucherify.lists.tables import LISTS
from airflow_provider_partners.sandbox.voucherify.query import parse_timestamp
from airflow_provider_partners.sandbox.voucherify.errors import not_found

PARTNER = "voucherify"
#: What an object may be named by in a path. Customers, orders and products are known by the shop's own ids, too.
IDENTIFIERS = ("id", "code", "source_id", "name", "related_object")
_KEPT = 64
_Made = TypeVar("_Made")


@dataclass(frozen=True, kw_only=True)
class Parent:
    """What a placeholder of a list's path stands for.

    :param kinds: where it is found
    :param named: by what, besides its id
    :param within: the placeholders before it that its own list has, too
    """

    type: str
    kinds: tuple[str, ...]
    named: tuple[str, ...] = ()
    within: tuple[str, ...] = ()


_FIRST: Mapping[str, Parent] = {
    "campaignId": Parent(type="campaign", kinds=("campaigns", "loyalties_v1"), named=("name",)),
    "customerId": Parent(type="customer", kinds=("customers",), named=("source_id",)),
    "code": Parent(type="voucher", kinds=("vouchers",), named=("code",)),
    "memberId": Parent(type="voucher", kinds=("vouchers",), named=("code",)),
    "productId": Parent(type="product", kinds=("products",), named=("source_id",)),
    "productCollectionId": Parent(type="products_collection", kinds=("product_collections",)),
    "rewardId": Parent(type="reward", kinds=("rewards",)),
    "validationRuleId": Parent(type="validation_rules", kinds=("validation_rules",)),
    "loyaltyTierId": Parent(type="loyalty_tier", kinds=("loyalty_campaign_tiers",), within=("campaignId",)),
    "projectId": Parent(type="project", kinds=("management_projects",)),
}
_SECOND: Mapping[str, Parent] = {
    "programId": Parent(type="loyalty_program", kinds=("loyalty_programs",)),
    "memberId": Parent(type="loyalty_member", kinds=("loyalty_program_members",), within=("programId",)),
    "cardId": Parent(type="loyalty_card", kinds=()),
    "cardDefinitionId": Parent(type="loyalty_card_definition", kinds=("loyalty_card_definitions",)),
    "earningRuleId": Parent(type="loyalty_earning_rule", kinds=("loyalty_earning_rules",)),
    "tierStructureId": Parent(type="loyalty_tier_structure", kinds=("loyalty_tier_structures",)),
    "benefitId": Parent(type="loyalty_benefit", kinds=("loyalty_benefits",)),
    "rewardId": Parent(type="loyalty_reward", kinds=("loyalty_rewards",)),
}
# Kinds whose rows are kept under the same parents: that any of them has some shows that the parents exist.
_SIBLINGS: dict[str, list[str]] = {}
for _each in LISTS:
    _SIBLINGS.setdefault("/".join(placeholders(_each.path)), []).append(_each.kind)


@dataclass(frozen=True, kw_only=True)
class View:
    """Rows in an order, and the time of each where the order is by time."""

    records: list[Document]
    times: list[float]


class Records:
    """Reads the store. Rows are shared: whoever gets them must not change them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._store = sandbox.store
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[Any, ...], tuple[int, Any]] = OrderedDict()

    def list_records(self, kind: str, scope: str = "") -> list[Document]:
        """All rows of a kind below the same parents, oldest first."""
        return self._store.cached(PARTNER, scope, kind)

    def across_parents(self, kind: str) -> list[Document]:
        """All rows of a kind, below whichever parents; a row that several have comes once."""
        found = {
            as_text(row.get("id")): row for scope in self._store.shops(PARTNER) for row in self._rows_of(kind, scope)
        }
        return list(found.values())

    def _rows_of(self, kind: str, scope: str) -> list[Document]:
        return self.list_records(kind, scope) if self._store.count(PARTNER, scope, kind) else []

    def find(self, kind: str, scope: str, id_: str, named: tuple[str, ...] = ()) -> Document | None:
        """An object by its id, or by one of the names that it goes by, too."""
        for name in ("id", *named):
            if row := self._index(kind, scope, name).get(id_):
                return row
        return None

    def _index(self, kind: str, scope: str, name: str) -> dict[str, Document]:
        def make(rows: list[Document]) -> dict[str, Document]:
            return {as_text(row[name]): row for row in rows if row.get(name) is not None}

        return self.cached(("index", name), kind, scope, make)

    def cached(self, what: tuple[Any, ...], kind: str, scope: str, make: Callable[[list[Document]], _Made]) -> _Made:
        """What ``make`` makes of a kind's rows, kept until one of them is written.

        :param what: its name; everything that ``make`` depends on besides the rows
        """
        key = (*what, kind, scope)
        revision = self._store.revision(PARTNER, scope, kind)
        with self._lock:
            kept = self._made.get(key)
            if kept is not None:
                self._made.move_to_end(key)
        if kept is None or kept[0] != revision:
            kept = (revision, make(self.list_records(kind, scope)))
            with self._lock:
                self._made[key] = kept
                self._made.move_to_end(key)
                while len(self._made) > _KEPT:
                    self._made.popitem(last=False)
        made: _Made = kept[1]
        return made

    def view(self, kind: str, scope: str, order: str) -> View:
        """All rows of a kind below the same parents in an order, ``-created_at``."""
        return self.cached(("view", order), kind, scope, lambda rows: sorted_view(rows, kind, order))

    def scope(self, listing: Listing, given: Mapping[str, str]) -> str:
        """Under what a list's rows are kept, whichever of the parents' names were given.

        :raises Refused: 404 if there is no such parent
        """
        names = placeholders(listing.path)
        parents = _SECOND if listing.path.startswith("/v2/") else _FIRST
        aliases: dict[str, list[str]] = {}
        unknown: str | None = None
        for name in names:
            found = self._parent(parents[name], given[name], aliases)
            unknown = unknown or (None if found else name)
            known = [as_text(found[key]) for key in IDENTIFIERS if found.get(key)] if found else []
            aliases[name] = list(dict.fromkeys([given[name], *known]))
        scopes = ["/".join(each) for each in itertools.product(*(aliases[name] for name in names))]
        for scope in scopes:
            if self._store.count(PARTNER, scope, listing.kind):
                return scope
        if unknown is not None and not self._in_use(scopes, names):
            raise not_found(given[unknown], parents[unknown].type)
        return scopes[0]

    def _parent(self, parent: Parent, given: str, aliases: Mapping[str, list[str]]) -> Document | None:
        above = itertools.product(*(aliases[name] for name in parent.within))
        for scope in ["/".join(each) for each in above]:
            for kind in parent.kinds:
                if found := self.find(kind, scope, given, parent.named):
                    return found
        return None

    def _in_use(self, scopes: list[str], names: list[str]) -> bool:
        siblings = _SIBLINGS["/".join(names)]
        return any(self._store.count(PARTNER, scope, kind) for scope in scopes for kind in siblings)


def sorted_view(rows: list[Document], kind: str, order: str) -> View:
    """Rows in an order; equal ones by id. What has no value comes as the least."""
    name = order.removeprefix("-")
    if not name:
        return View(records=rows, times=[])
    descending = order.startswith("-")
    keyed = [(_sort_key(row, kind, name), as_text(row.get("id")), number) for number, row in enumerate(rows)]
    keyed.sort(reverse=descending)
    times = [key[1] for key, _, _ in keyed] if name in TIME_FIELDS else []
    return View(records=[rows[number] for _, _, number in keyed], times=times)


def _sort_key(row: Document, kind: str, name: str) -> tuple[bool, Any]:
    value = first_value(row, kind, name)
    if name in TIME_FIELDS:
        at = timestamp(value)
        return (at is not None, at if at is not None else 0.0)
    return (value is not None, as_text(value))


def timestamp(value: Any) -> float | None:
    """A row's time in epoch seconds."""
    try:
        return parse_timestamp(value).timestamp() if isinstance(value, str) else None
    except ValueError:
        return None
