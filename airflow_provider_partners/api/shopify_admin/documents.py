"""The GraphQL documents of Shopify's Admin API: those of the lists, made from their descriptions, and bulk operations.

All requested fields exist in the version that answers. A page of the default size costs less than six tenths of
Shopify's limit of 1,000 points a query. A connection costs ``2 + floor(2 ln n)`` times its node, a plain list costs as
one object (https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits). Nothing is sent here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.shopify.graphql import is_at_least
from airflow_provider_partners.api.shopify_admin.resources.model import AdminResource, Nested

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify.selections import ExtraFields

INNER_PAGE_SIZE = 250
"""Size of the further pages of a nested list, the largest that Shopify allows."""

GROUPED_SUFFIX = "Grouped"
"""Suffix of the operation's name if a bulk operation writes a grouped file."""

PERSONAL_FIELDS = frozenset({
    "billingAddress",
    "clientIp",
    "customer",
    "defaultAddress",
    "displayAddress",
    "email",
    "phone",
    "purchasingEntity",
    "shippingAddress",
})
"""Fields that need Shopify's approval for protected customer data, wherever a user adds them to a record.

See https://shopify.dev/docs/apps/launch/protected-customer-data.
"""

_PAGE_INFO = "pageInfo { hasNextPage endCursor }"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDocuments:
    """The documents of one list.

    :param resource: the list's description
    :param fields: the selection of a record, without its nested lists
    :param extra: a user's further fields; the description and the selection have them already
    """

    resource: AdminResource
    fields: str
    extra: ExtraFields | None = None

    @property
    def name(self) -> str:
        """The name that users write."""
        return self.resource.name

    @property
    def lists(self) -> tuple[Nested, ...]:
        """The lists inside of the root's objects."""
        resource = self.resource
        if resource.within is None:
            return resource.nested
        return (replace(resource.within, fields=self.fields, nested=resource.nested),)

    @property
    def records_list(self) -> Nested | None:
        """The list inside of the root's objects that holds the records; ``None`` if these objects are the records."""
        return self.lists[0] if self.resource.within else None

    def selection(self, *, bulk: bool = False, search: str | None = None) -> str:
        """Return the selection of the root's objects.

        :param bulk: whether a bulk operation runs it
        :param search: the search of the time range, for a document without variables
        """
        own = "id" if self.resource.within else self.fields
        return _joined(own, *(list_selection(each, bulk=bulk, search=search) for each in self.lists))

    def search_document(self) -> str:
        """Return the document that searches the list, in its order."""
        resource = self.resource
        order = f"sortKey: {resource.sort_key}, reverse: false" if resource.sort_key else ""
        arguments = _arguments("first: $first", "after: $after", "query: $query", order, resource.arguments)
        return f"""query {_pascal(self.name)}($first: Int!, $after: String, $query: String) {{
  {resource.root}{arguments} {{
    {_PAGE_INFO}
    nodes {{
      {self.selection()}
    }}
  }}
}}
"""

    def bulk_query(self, query: str, *, grouped: bool) -> str:
        """Return the query of a bulk operation: the complete list, in its order.

        A bulk operation accepts no variables, so the search is part of the text. The operation's name says whether the
        file is grouped, so this is known for every operation that is read later.

        :param query: the search string
        :param grouped: whether the nested lines of each object follow it directly
        """
        resource = self.resource
        operation = _pascal(self.name) + (GROUPED_SUFFIX if grouped else "")
        search = f"query: {_text(query)}" if query and not self.searches_inside else ""
        order = f"sortKey: {resource.sort_key}" if resource.sort_key else ""
        return f"""query {operation} {{
  {resource.root}{_arguments(search, order, resource.arguments)} {{
    edges {{ node {{
      {self.selection(bulk=True, search=query)}
    }} }}
  }}
}}"""

    def by_id_document(self) -> str:
        """Return the document that reads records by their ids."""
        own = _joined(self.fields, *(list_selection(each) for each in self.resource.nested))
        return _nodes_document(f"{_pascal(self.name)}ById", self.resource.type, own)

    def by_parent_document(self) -> str:
        """Return the document that reads the root's objects by their ids, with their records."""
        return _nodes_document(f"{_pascal(self.name)}ByParent", self.resource.owner_type, self.selection())

    @property
    def searches_inside(self) -> bool:
        """Whether Shopify searches the list inside of the root's objects, not the root."""
        return self.resource.within is not None and self.resource.within.has_search

    @property
    def count_document(self) -> str:
        """The document that counts a search, up to 10,000."""
        operation = f"{_pascal(self.name)}Count"
        field = self.resource.count_field
        return f"query {operation}($query: String) {{ {field}(query: $query) {{ count precision }} }}\n"

    @property
    def first_document(self) -> str:
        """The document that reads the id of one object of a search."""
        arguments = _arguments("first: 1", "query: $query", self.resource.arguments)
        selection = f"{self.resource.root}{arguments} {{ nodes {{ id }} }}"
        return f"query {_pascal(self.name)}First($query: String) {{ {selection} }}\n"

    @property
    def parents_document(self) -> str:
        """The document that reads the ids of the root's objects."""
        resource, operation = self.resource, f"{_pascal(self.name)}Parents"
        if resource.is_single:
            return f"query {operation} {{ {resource.root} {{ id }} }}\n"
        arguments = _arguments("first: $first", "after: $after", f"sortKey: {resource.sort_key}", resource.arguments)
        return f"""query {operation}($first: Int!, $after: String) {{
  {resource.root}{arguments} {{ nodes {{ id }} {_PAGE_INFO} }}
}}
"""

    def bulk_connections(self) -> dict[str, Mapping[str, str]]:
        """Return the connections whose nodes have lines of their own in a bulk file.

        :returns: ``{type of the object: {type of the line: field}}``
        """
        found: dict[str, dict[str, str]] = {}
        for owner, each, in_list in _walk(self.resource.owner_type, self.lists):
            if each.connection and not in_list:
                found.setdefault(owner, {})[each.type] = each.field
        return {self.resource.owner_type: {}, **found}


def documents_of(
    resource: AdminResource, api_version: str, *, personal_data: bool, extra: ExtraFields | None = None
) -> ListDocuments:
    """Return the documents of a list.

    :param api_version: the version that answers
    :param personal_data: whether to request customers' data
    :param extra: a user's further fields of a record. Those of customers' data are left out with these
    """
    fields = _joined(
        resource.selected,
        *(text for text, first in resource.versioned.items() if is_at_least(api_version, first)),
        *(resource.personal.values() if personal_data else ()),
    )
    if extra and not personal_data:
        extra = extra.without(PERSONAL_FIELDS | resource.personal.keys())
    if not extra:
        return ListDocuments(resource=resource, fields=fields)
    nested = _with_extra(resource.nested, extra)
    of_record = extra
    for each in resource.nested:
        of_record = of_record.without_list(each.field)
    return ListDocuments(
        resource=replace(resource, nested=nested), fields=of_record.apply(fields) if of_record else fields, extra=extra
    )


def adds_connection(resource: AdminResource, extra: ExtraFields | None) -> bool:
    """Return True if a user's further fields have a connection that the list's documents don't have."""
    return extra is not None and extra.adds_connection(_lists_by_field(resource.nested))


def _with_extra(lists: tuple[Nested, ...], extra: ExtraFields) -> tuple[Nested, ...]:
    """Return nested lists with a user's further fields of their objects, without the lists that are left out."""
    changed = []
    for each in lists:
        of_objects = extra.under(each.field)
        own = of_objects
        for inner in each.nested:
            own = own.without_list(inner.field)
        if not extra.leaves_out(each.field):
            fields = own.apply(each.fields) if own else each.fields
            changed.append(replace(each, fields=fields, nested=_with_extra(each.nested, of_objects)))
    return tuple(changed)


def _lists_by_field(lists: tuple[Nested, ...]) -> dict[str, Any]:
    return {each.field: _lists_by_field(each.nested) for each in lists}


# --- lists inside of objects ---


def list_selection(nested: Nested, *, bulk: bool = False, search: str | None = None) -> str:
    """Return a list as part of its object's selection.

    :param bulk: whether a bulk operation runs it
    :param search: the search in place of ``$query``, for a document without variables
    """
    items = _items(nested, bulk=bulk)
    arguments = nested.arguments.replace("$query", _text(search or "")) if bulk else nested.arguments
    if not nested.connection:
        limit = INNER_PAGE_SIZE if bulk and nested.first else nested.first
        counted = f"{nested.count} {{ count precision }}\n      " if nested.count else ""
        return f"{counted}{nested.field}{_arguments(_first(limit), arguments)} {{ {items} }}"
    if bulk:
        return f"{nested.field}{_arguments(arguments)} {{ edges {{ node {{ {items} }} }} }}"
    return f"{nested.field}{_arguments(_first(nested.first), arguments)} {{ nodes {{ {items} }} {_PAGE_INFO} }}"


def page_document(owner: str, nested: Nested) -> str:
    """Return the document that reads a page of a nested list, or all of a plain list, by the id of its object.

    Its variables are ``$id`` and ``$first``, for a connection ``$after``, and ``$query`` if the list takes a search.

    :param owner: the GraphQL type of the object
    """
    variables, arguments = ["$id: ID!", "$first: Int!"], ["first: $first"]
    if nested.connection:
        variables.append("$after: String")
        arguments.append("after: $after")
    if nested.has_search:
        variables.append("$query: String")
    items = _items(nested)
    body = f"{_PAGE_INFO} nodes {{ {items} }}" if nested.connection else items
    counted = f"{nested.count} {{ count precision }} " if nested.count else ""
    inner = f"{counted}{nested.field}{_arguments(*arguments, nested.arguments)} {{ {body} }}"
    return f"""query {page_operation(owner, nested)}({", ".join(variables)}) {{
  node(id: $id) {{ ... on {owner} {{ id {inner} }} }}
}}
"""


def page_operation(owner: str, nested: Nested) -> str:
    """Return the name of the operation that reads a page of a nested list, such as ``OrderLineItems``."""
    field = nested.field[:1].upper() + nested.field[1:]
    return field if field.startswith(owner) else owner + field


def missing_lists(nested: Nested) -> tuple[Nested, ...]:
    """Return the connections inside of a plain list, which a bulk operation does not accept.

    See https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries.
    """
    return () if nested.connection else tuple(each for each in nested.nested if each.connection)


def missing_lists_document(nested: Nested) -> str:
    """Return the document that reads the connections inside of a plain list, by the ids of the list's objects."""
    lists = _joined("id", *(list_selection(each) for each in missing_lists(nested)))
    return _nodes_document(f"{nested.type}sById", nested.type, lists)


def _items(nested: Nested, *, bulk: bool = False) -> str:
    missing = missing_lists(nested) if bulk else ()
    lists = (list_selection(each, bulk=bulk) for each in nested.nested if each not in missing)
    return _joined(nested.fields, *lists)


def _walk(owner: str, lists: tuple[Nested, ...], *, in_list: bool = False) -> Iterator[tuple[str, Nested, bool]]:
    """Yield each nested list with the type of its object, and whether that is in a plain list."""
    for each in lists:
        yield owner, each, in_list
        yield from _walk(each.type, each.nested, in_list=in_list or not each.connection)


def _nodes_document(operation: str, type_name: str, selection: str) -> str:
    return f"""query {operation}($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    __typename
    ... on {type_name} {{
      {selection}
    }}
  }}
}}
"""


def _joined(*parts: str) -> str:
    return "\n      ".join(part for part in parts if part)


def _arguments(*parts: str) -> str:
    given = ", ".join(part for part in parts if part)
    return f"({given})" if given else ""


def _first(size: int | None) -> str:
    return "" if size is None else f"first: {size}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


# --- the shop and bulk operations ---

SHOP = "query Shop { shop { name myshopifyDomain } currentAppInstallation { accessScopes { handle } } }\n"

_BULK_FIELDS = "id status errorCode createdAt completedAt objectCount rootObjectCount fileSize url partialDataUrl query"

BULK_RUN = """mutation BulkRun($query: String!, $groupObjects: Boolean!) {
  bulkOperationRunQuery(query: $query, groupObjects: $groupObjects) {
    bulkOperation { id status }
    userErrors { field message code }
  }
}
"""
"""Sends ``groupObjects`` always, because its default changed from true to false in version 2026-01."""

BULK_CANCEL = """mutation BulkCancel($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
}
"""

BULK_BY_ID = f"""query BulkById($ids: [ID!]!) {{
  nodes(ids: $ids) {{ ... on BulkOperation {{ {_BULK_FIELDS} }} }}
}}
"""
"""Works in every version; ``bulkOperation(id:)`` exists since 2026-01 only."""

BULK_RECENT = f"""query BulkRecent($first: Int!, $after: String, $query: String) {{
  bulkOperations(first: $first, after: $after, query: $query, sortKey: CREATED_AT) {{
    {_PAGE_INFO}
    nodes {{ {_BULK_FIELDS} }}
  }}
}}
"""
"""Exists since version 2026-01."""

BULK_CURRENT = f"""query BulkCurrent {{ currentBulkOperation(type: QUERY) {{ {_BULK_FIELDS} }} }}
"""
"""The latest bulk operation, for versions before 2026-01. Later versions deprecate it."""
