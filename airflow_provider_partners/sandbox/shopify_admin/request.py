"""The context of one Admin API request: access checks, lists with search, sort and page, and reads by id.

The table of fields is in :mod:`~airflow_provider_partners.sandbox.shopify_admin.resolvers`.
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
    """Reject an id that is not a global one, in any argument (recorded)."""
    if type_name == "ID" and not _GID.fullmatch(str(value)):
        return f"Invalid global id '{value}'"
    return None


class AdminRequest(RequestContext):
    """What one request to one shop can read.

    :param version: the API version that answers
    :param lists: cache of lists between the requests for their pages
    :param finders: by type name, functions that find resources by id that are not documents of the shop
    :param base_url: the sandbox's address, for URLs in responses
    :param show_search: include the parsed search in the response even without warnings
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
        """Return a switch of this API."""
        return self.sandbox.switches[f"shopify_admin.{name}"]

    def authorize(self, type_name: str, info: Info) -> None:
        """Reject a field if the app lacks its scope, with Shopify's error."""
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
        """Remove personal fields if the app has no access to level 2 of protected customer data."""
        personal = access.PERSONAL.get(type_name)
        if personal and field in personal and self.switch("protected_customer_data") == "level1":
            return personal[field]
        return value

    def check_page(self, arguments: Arguments) -> None:
        """Require ``first`` or ``last``, not both, and at most 250 (the first two messages are recorded)."""
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
        """Return the number in the id, or the amount of the field's ``…Set``; otherwise the default."""
        if field == "legacyResourceId":
            return gid_number(source)
        amount = source.get(f"{field}Set")
        return amount["shopMoney"]["amount"] if amount else super().missing_value(type_name, field, source)

    def search(self, info: Info, arguments: Arguments, filters: Filters) -> Search:
        """Compile the search of a list; unknown fields are reported in ``extensions.search``."""
        search = compile_search(arguments.get("query"), filters, now=self.now)
        if search.warnings or (self._show_search and search.tree):
            self.searches.append(search.report(info.path.as_list()))
        return search

    def matching_documents(self, entries: Entries, search: Search) -> list[Document]:
        """Return the entries that match a search; the index does not have the latest changes yet.

        Recorded: search does not find new orders while ``order(id:)`` does.
        """
        lag = 0 if _from_database(search) else self.switch("search_lag_seconds")
        indexed_until = format_timestamp(self.now - timedelta(seconds=lag)) if lag else None
        return [
            document
            for document in entries.documents
            if (indexed_until is None or str(document.get("updatedAt", "")) <= indexed_until)
            and search.matches(document)
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
        """Search and sort a list at the root, and cache it for the next page."""
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
        """Search and sort a list at the root; return one page as a connection."""
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
        """Return ``{count, precision}``; the precision is ``AT_LEAST`` if the count reaches the limit."""
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
        """Return the revision of a cached list: another value if the same query can have another result."""
        lag = self.switch("search_lag_seconds")
        timely = lag or any(term.value.strip() == "now" for term in terms(search.tree))
        return entries.revision, lag, self.now if timely else None

    def read_object(self, gid: str, type_name: str) -> Document | None:
        """Return the resource with an id, which must have one type (wording and code recorded)."""
        if _type(gid) != type_name:
            message = f"Invalid id: {gid}"
            raise GraphQLError(message, extensions={"code": "RESOURCE_NOT_FOUND"})
        return self._find(type_name, gid)

    def read_node(self, gid: str) -> Document | None:
        """Return the resource with an id, of any type, or ``None``."""
        type_name = _type(gid)
        if scope := access.NODE_SCOPES.get(type_name):
            self._require(scope, "node")
        document = self._find(type_name, gid)
        return {"__typename": type_name, **document} if document else None

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
            case "Fulfillment" | "LineItem" | "Refund" | "OrderTransaction":
                return documents.inside_orders(_LISTS[type_name], gid)
        finder = self._finders.get(type_name)
        return finder(self, gid) if finder else None


_LISTS = {
    "Fulfillment": "fulfillments",
    "LineItem": "lineItems",
    "Refund": "refunds",
    "OrderTransaction": "transactions",
}


def _type(gid: str) -> str:
    match = _GID.fullmatch(gid)
    return match["type"] if match else ""


def _from_database(search: Search) -> bool:
    return any(term.field == "id" for term in terms(search.tree))
