"""One Admin API request being answered: what it may read, its lists with search, sort and page, and its single reads.

It must not know the table of fields (:mod:`.shopify_admin_fields`), nor HTTP and points (:mod:`.shopify_admin`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from graphql import GraphQLError

from airflow_provider_partners.sandbox.shopify.cursors import SortedNodes, connection, gid_number
from airflow_provider_partners.sandbox.shopify.graphql.resolvers import (
    Arguments,
    Document,
    Info,
    RequestContext,
    Resolver,
)
from airflow_provider_partners.sandbox.shopify_admin import access
from airflow_provider_partners.sandbox.shopify_admin.documents import RECENT, Entries, ShopDocuments
from airflow_provider_partners.sandbox.shopify_admin.search.filters import Filters, Search, compile_search
from airflow_provider_partners.sandbox.shopify_admin.search.parser import terms
from airflow_provider_partners.sandbox.shopify_admin.sorting import SortValue, sort_by
from airflow_provider_partners.sandbox.store import ListCache, Sandbox, format_timestamp

MAX_PAGE = 250
Finder = Callable[["AdminRequest", str], Document | None]
_GID = re.compile(r"gid://[a-z-]+/(?P<type>\w+)/\S+")


def global_id_check(type_name: str, value: Any) -> str | None:
    """The Admin API takes no id but a global one, in whatever argument (recorded live)."""
    if type_name == "ID" and not _GID.fullmatch(str(value)):
        return f"Invalid global id '{value}'"
    return None


class AdminRequest(RequestContext):
    """What one request to one shop sees.

    :param version: the API version that answers
    :param lists: where lists are kept from one page to the next
    :param finders: by type name, how resources are found by id that are no documents of the shop
    :param base_url: where the sandbox was reached, for addresses it gives out
    :param show_search: put the parsed search into the answer even without warnings
    """

    def __init__(
        self,
        *,
        sandbox: Sandbox,
        shop: str,
        version: str,
        table: Mapping[tuple[str, str], Resolver],
        lists: ListCache,
        finders: Mapping[str, Finder] | None = None,
        base_url: str = "",
        show_search: bool = False,
    ) -> None:
        self.table = table
        self.domain = shop
        self.lists = lists
        self.base_url = base_url
        self._finders = finders or {}
        self.sandbox = sandbox
        self.version = version
        self.searches: list[Document] = []
        self.now = sandbox.clock()
        self._show_search = show_search
        self.shop = ShopDocuments(sandbox.store, shop).shop()
        self.scopes: list[str] = list(self.shop.get("scopes", access.DEFAULT_SCOPES))
        since = None if access.has_scope(self.scopes, "read_all_orders") else self.now - RECENT
        self.documents = ShopDocuments(sandbox.store, shop, created_since=since)

    def switch(self, name: str) -> Any:
        """A switch of this API."""
        return self.sandbox.switches[f"shopify_admin.{name}"]

    def authorize(self, type_name: str, info: Info) -> None:
        """Refuse a field as Shopify refuses one whose scope is missing."""
        field = info.field_name
        key = (type_name, field)
        if type_name == "Mutation" and key not in self.table:
            raise access.denied(field, "a mutation; the sandbox is read-only here.")
        if type_name == "QueryRoot" and key not in self.table:
            raise access.denied(field, "a root field that the sandbox serves.")
        scope = access.SCOPES.get(key)
        if scope:
            self._require(scope, field)
        if f"{type_name}.{field}" in self.switch("access_denied"):
            raise access.denied(field, access.scope_text(scope or "read_customers"))
        if key in access.PROTECTED and self.switch("protected_customer_data") == "none":
            raise access.not_approved(access.PROTECTED[key])

    def _require(self, scope: str, field: str) -> None:
        if not access.has_scope(self.scopes, scope):
            raise access.denied(field, access.scope_text(scope))

    def redact(self, type_name: str, field: str, value: Any) -> Any:
        """Personal fields are empty for an app without level 2 of protected customer data."""
        personal = access.PERSONAL.get(type_name)
        if personal and field in personal and self.switch("protected_customer_data") == "level1":
            return personal[field]
        return value

    def check_page(self, arguments: Arguments) -> None:
        """``first`` or ``last``, one of them, at most 250 (the first two sentences are recorded live)."""
        first, last = arguments.get("first"), arguments.get("last")
        faults = {
            "you must provide one of first or last": first is None and last is None,
            "providing both first and last is not supported": first is not None and last is not None,
            "first cannot be negative": first is not None and first < 0,
            "last cannot be negative": last is not None and last < 0,
            f"first cannot exceed {MAX_PAGE}": first is not None and first > MAX_PAGE,
            f"last cannot exceed {MAX_PAGE}": last is not None and last > MAX_PAGE,
        }
        for message, wrong in faults.items():
            if wrong:
                raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})

    def missing_value(self, type_name: str, field: str, source: Document) -> Any:
        """A number that is in the id, an amount that is in the field's ``…Set``; else the rule."""
        if field == "legacyResourceId":
            return gid_number(source)
        amount = source.get(f"{field}Set")
        return amount["shopMoney"]["amount"] if amount else super().missing_value(type_name, field, source)

    def search(self, info: Info, arguments: Arguments, filters: Filters) -> Search:
        """The search of a list; unknown fields are reported in ``extensions.search``."""
        found = compile_search(arguments.get("query"), filters, now=self.now)
        if found.warnings or (self._show_search and found.tree):
            self.searches.append(found.report(info.path.as_list()))
        return found

    def matching_documents(self, entries: Entries, search: Search) -> list[Document]:
        """The entries a search finds; what changed within the index's lag is not in it yet.

        Recorded live: orders just created are not found by search while ``order(id:)`` finds them.
        """
        lag = 0 if _from_database(search) else self.switch("search_lag_seconds")
        indexed_until = format_timestamp(self.now - timedelta(seconds=lag)) if lag else None
        return [
            row
            for row in entries.documents
            if (indexed_until is None or str(row.get("updatedAt", "")) <= indexed_until) and search.matches(row)
        ]

    def sorted_nodes(
        self,
        entries: Entries,
        info: Info,
        arguments: Arguments,
        *,
        filters: Filters,
        sorts: Mapping[str, SortValue],
    ) -> SortedNodes:
        """A list at the root, searched and sorted; kept for the next page."""
        search = self.search(info, arguments, filters)
        database, key, backwards = _from_database(search), arguments["sortKey"], bool(arguments.get("reverse"))

        def make() -> SortedNodes:
            sort = sort_by(key, sorts, reverse=backwards, from_database=database)
            return SortedNodes(self.matching_documents(entries, search), sort)

        return self.lists.get(
            (entries.kind, self.domain, search.text, key, backwards), self._as_of(entries, search), make
        )

    def list_connection(
        self,
        entries: Entries,
        info: Info,
        arguments: Arguments,
        *,
        filters: Filters,
        sorts: Mapping[str, SortValue],
    ) -> Any:
        """A list at the root: searched, sorted, cut to the page, as a connection."""
        self.check_page(arguments)
        ordered = self.sorted_nodes(entries, info, arguments, filters=filters, sorts=sorts)
        page = ordered.take_page(arguments)
        limit = self.switch("paging_limit")
        if page.start + len(page.nodes) > limit:
            message = f"Pagination is limited to {limit} objects. Narrow the query, or use a bulk operation."
            raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})
        documents = list(self.documents.load(entries.kind, page.nodes))
        return connection(replace(page, nodes=documents), ordered.sort)

    def count_matches(self, entries: Entries, info: Info, arguments: Arguments, filters: Filters) -> Document:
        """``{count, precision}``; ``AT_LEAST`` once the limit is reached."""
        search = self.search(info, arguments, filters)
        key = ("count", entries.kind, self.domain, search.text)
        number = len(
            self.lists.get(key, self._as_of(entries, search), lambda: self.matching_documents(entries, search))
        )
        limit = arguments.get("limit")
        if limit is not None and number > limit:
            return {"count": limit, "precision": "AT_LEAST"}
        return {"count": number, "precision": "EXACT"}

    def _as_of(self, entries: Entries, search: Search) -> Hashable:
        """What a kept list goes by: another value once the same question may have another answer."""
        lag = self.switch("search_lag_seconds")
        timely = lag or any(term.value.strip() == "now" for term in terms(search.tree))
        return entries.revision, lag, self.now if timely else None

    def read_object(self, gid: str, type_name: str) -> Document | None:
        """The resource behind an id that must be of one type (wording and code recorded live)."""
        if _type(gid) != type_name:
            message = f"Invalid id: {gid}"
            raise GraphQLError(message, extensions={"code": "RESOURCE_NOT_FOUND"})
        return self._find(type_name, gid)

    def read_node(self, gid: str) -> Document | None:
        """The resource behind an id of any type; ``None`` for what is not there."""
        type_name = _type(gid)
        if scope := access.NODE_SCOPES.get(type_name):
            self._require(scope, "node")
        found = self._find(type_name, gid)
        return {"__typename": type_name, **found} if found else None

    def _find(self, type_name: str, gid: str) -> Document | None:
        documents = self.documents
        match type_name:
            case "Order":
                return documents.order(gid)
            case "Product":
                return documents.product(gid)
            case "ProductVariant":
                return documents.variant(gid)
            case "Customer":
                return documents.customer(gid)
            case "Shop":
                return self.shop if gid == self.shop.get("id") else None
            case "Fulfillment" | "LineItem" | "Refund":
                return documents.inside_orders(_LISTS[type_name], gid)
        finder = self._finders.get(type_name)
        return finder(self, gid) if finder else None


_LISTS = {"Fulfillment": "fulfillments", "LineItem": "lineItems", "Refund": "refunds"}


def _type(gid: str) -> str:
    found = _GID.fullmatch(gid)
    return found["type"] if found else ""


def _from_database(search: Search) -> bool:
    return any(term.field == "id" for term in terms(search.tree))
