"""The description of one Admin API list: what it selects, how Shopify searches it, and where its records are.

A list is a connection at the root of the API (``orders``), or the objects inside of such a connection's objects (the
refunds of orders). :mod:`~airflow_provider_partners.api.shopify_admin.documents` writes the GraphQL documents from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator
from airflow_provider_partners.api.resources import Resource

DEFAULT_PAGE_SIZE = 50
"""Records per page of a list whose records hold other lists."""

MAX_PAGE_SIZE = 250
"""The largest page that Shopify serves, for lists of plain records."""

INNER_FIRST_PAGE_SIZE = 50
"""Size of a nested list that comes with its object. Most objects need no further request."""

_DOCS = "https://shopify.dev/docs/api/admin-graphql/latest/queries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """A list inside of an object: a connection, or a plain list.

    :param field: the object's field
    :param type: the GraphQL type of the list's objects
    :param fields: the selection of each of them, without their own nested lists
    :param connection: False for a plain list, which has no pages
    :param first: how many of them come with their object; ``None`` for a plain list that is requested without a limit
    :param count: the field that counts a plain list, so that a truncated one is noticed
    :param arguments: further arguments in GraphQL; ``$query`` stands for the search of the time range
    :param nested: the lists inside of its objects
    """

    field: str
    type: str
    fields: str = ""
    connection: bool = True
    first: int | None = INNER_FIRST_PAGE_SIZE
    count: str = ""
    arguments: str = ""
    nested: tuple[Nested, ...] = ()

    @property
    def has_search(self) -> bool:
        """Whether the list itself takes the search of the time range."""
        return "$query" in self.arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminResource(Resource):
    """A list of the Admin API.

    ``type`` is the GraphQL type of its records. ``time_field`` is the path of the time by which Shopify searches the
    list. It is empty for a list that is always read completely.

    :param root: the field at the root of the API, mostly a connection
    :param root_type: the GraphQL type of the root's objects if they are not the records
    :param arguments: further arguments of the connection, in GraphQL
    :param selected: the selection of a record, without personal data and nested lists
    :param personal: selections of personal data, by field
    :param versioned: selections of fields that older versions lack, as ``{selection: first version}``
    :param nested: the lists inside of a record
    :param within: the list of the root's objects that holds the records; ``None`` if these objects are the records
    :param per_parent: whether to read ``within`` object by object, since one holds more records than fit into memory
    :param is_single: whether the root is one object, not a connection
    :param search_field: the name of ``time_field`` in Shopify's search
    :param client_time_field: the time by which records are filtered here, because Shopify's search has none for them
    :param sort_key: the order of the connection; empty if it takes none
    :param count_field: the root field that counts a search; empty if there is none
    :param counts_by_time_only: whether the count knows fewer search fields than the list
    :param parent_key: the field of ``match`` for ids of the root's objects, such as ``order_id``
    :param by_id: whether records can be read by their ids
    :param id_parameter: a parameter that each id of a record has (``gid://shopify/InventoryLevel/1?inventory_item_id=2``)
    :param bulk: whether a bulk operation can read the list
    :param scopes: the access scopes that the app needs
    :param parts: the lists that this one joins
    """

    root: str = ""
    root_type: str = ""
    arguments: str = ""
    selected: str = ""
    personal: Mapping[str, str] = field(default_factory=dict)
    versioned: Mapping[str, str] = field(default_factory=dict)
    nested: tuple[Nested, ...] = ()
    within: Nested | None = None
    per_parent: bool = False
    is_single: bool = False
    search_field: str = ""
    client_time_field: str = ""
    sort_key: str = ""
    count_field: str = ""
    counts_by_time_only: bool = False
    parent_key: str = ""
    by_id: bool = True
    id_parameter: str = ""
    bulk: bool = True
    scopes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def owner_type(self) -> str:
        """The GraphQL type of the root's objects."""
        return self.root_type or self.type

    @property
    def personal_scopes(self) -> tuple[str, ...]:
        """The access scopes that personal data needs besides."""
        return ("read_customers",) if "customer" in self.personal else ()

    @property
    def is_in_order_of_change(self) -> bool:
        """Whether records come in the order of the time by which Shopify searches."""
        return self.within is None and self.sort_key == self.search_field.upper() != ""

    @property
    def is_ordered_by_id(self) -> bool:
        """Whether the root's objects come in the order of their ids."""
        return self.sort_key == "ID"

    @property
    def takes_query(self) -> bool:
        """Whether Shopify can search the list."""
        return not self.is_single


def admin_resource(name: str, root: str, **options: object) -> AdminResource:
    """Return a list of the Admin API with what most of them have in common.

    :param name: the name that users write
    :param root: the field at the root of the API
    """
    is_flat = not options.get("nested") and (not options.get("within") or bool(options.get("per_parent")))
    size = MAX_PAGE_SIZE if is_flat else DEFAULT_PAGE_SIZE
    defaults: dict[str, object] = {
        "records_path": f"{root}.nodes",
        "paginator": ConnectionPaginator(size, root),
        "page_size": size,
        "max_page_size": MAX_PAGE_SIZE,
        "url": f"{_DOCS}/{root}",
    }
    options.setdefault("sort", options.get("sort_key", ""))
    return AdminResource(name=name, root=root, **(defaults | options))  # type: ignore[arg-type]


def changed(root: str, *, within: str = "") -> dict[str, object]:
    """Return the options of a list that Shopify searches by the time of the last change, and counts.

    :param root: the field at the root of the API
    :param within: the field of a record that holds the object of the root, if that is not the record itself
    """
    return {
        "time_field": f"{within}.updatedAt" if within else "updatedAt",
        "search_field": "updated_at",
        "sort_key": "UPDATED_AT",
        "count_field": f"{root}Count",
    }
