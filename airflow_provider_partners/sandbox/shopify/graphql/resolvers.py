"""Resolves the fields of a document: by a table of fields with their own resolver, or from the stored document.

Stored documents use the schema's field names, with plain lists in place of connections. What is common to all of them
is done here: pages, Shopify's scalar formats, missing values. The tables of fields belong to the APIs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from graphql import (
    GraphQLError,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from airflow_provider_partners.sandbox.shopify.cursors import Sort, connection, gid_number, take_page

Document = dict[str, Any]
#: graphql-core's GraphQLResolveInfo: a generic class in some of its releases, a plain class in others.
Info = Any
Arguments = dict[str, Any]
Resolver = Callable[[Any, Any, Info, Arguments], Any]


class RequestContext:
    """The context of one request; each API subclasses it.

    :cvar table: ``(type, field)`` to the resolver of its value, called with the request, the source document,
        graphql-core's info and the arguments
    """

    table: Mapping[tuple[str, str], Resolver] = {}

    def authorize(self, type_name: str, info: Info) -> None:
        """Raise if the client may not read a field."""

    def redact(self, type_name: str, field: str, value: Any) -> Any:
        """Return the value as the client may see it."""
        return value

    def check_page(self, arguments: Arguments) -> None:
        """Raise if the API does not accept the requested page."""

    def missing_value(self, type_name: str, field: str, source: Document) -> Any:
        """Return the value of a non-null field that the document does not have.

        :raises GraphQLError: always, unless an API overrides this: an invented value would be misleading
        """
        message = f"The sandbox has no value for {type_name}.{field}; select other fields, or seed it."
        raise GraphQLError(message, extensions={"code": "SANDBOX_HAS_NO_VALUE"})


def resolve(source: Any, info: Info, **arguments: Any) -> Any:
    """Resolve any field of any type; graphql-core's field resolver."""
    request: RequestContext = info.context
    type_name, field = info.parent_type.name, info.field_name
    request.authorize(type_name, info)
    rule = request.table.get((type_name, field))
    value = request.redact(type_name, field, rule(request, source, info, arguments) if rule else source.get(field))
    if get_named_type(info.return_type).name.endswith("Connection"):
        request.check_page(arguments)
        return value if isinstance(value, dict) else nested_connection(value or [], arguments)
    return completion(request, info, arguments)(value, source)


def completion(request: RequestContext, info: Info, arguments: Arguments) -> Callable[[Any, Any], Any]:
    """Return a function that fills in missing values and converts scalars to Shopify's formats."""
    returned, first = info.return_type, arguments.get("first")
    named = get_named_type(returned)
    required, listed = is_non_null_type(returned), is_list_type(get_nullable_type(returned))
    # ``Money`` is a scalar in the Admin API and an object in the Partner API.
    write = _SCALARS.get(named.name) if is_leaf_type(named) else None

    def complete(value: Any, source: Any) -> Any:
        if value is None and required:
            value = [] if listed else request.missing_value(info.parent_type.name, info.field_name, source)
        if isinstance(value, list):
            # ``first`` also truncates a plain list (``Order.fulfillments(first:)``).
            items = value if first is None else value[:first]
            return [item if item is None else write(item) for item in items] if write else items
        return write(value) if write and value is not None else value

    return complete


def type_of(value: Any, _info: Info, _abstract: Any) -> str:
    """Return the concrete type of a document: its ``__typename``, or the type in its GID."""
    return str(value.get("__typename") or str(value.get("id", "")).split("/")[-2:-1][0])


def nested_connection(items: list[Document], arguments: Arguments) -> Document:
    """Return a list inside a document as a connection, in the document's own order.

    The cursor contains the item's id twice, as recorded for lists in id order; items without an id use their index.
    """
    places = {id(item): place for place, item in enumerate(items)}
    by_number: dict[int | str, int] = {gid_number(item) or place: place for place, item in enumerate(items)}

    def number(item: Mapping[str, Any]) -> int | str:
        return gid_number(item) or places[id(item)]

    sort = Sort(
        value=lambda item: places[id(item)],
        tie_breaker=number,
        reverse=bool(arguments.get("reverse")),
        write=lambda place: number(items[place]),
        read=lambda written: by_number[written],
    )
    return connection(take_page(items, sort, arguments), sort)


def decimal_text(value: Any) -> str:
    """Format a ``Decimal`` as in recorded responses: no padding, at least one decimal (``"55.0"``, ``"7.25"``)."""
    text = format(Decimal(str(value)).normalize(), "f")
    return text if "." in text else f"{text}.0"


#: Custom scalars with a special JSON format (from recorded responses: 64-bit numbers are strings).
_SCALARS: dict[str, Callable[[Any], Any]] = {
    "UnsignedInt64": str,
    "BigInt": str,
    "Decimal": decimal_text,
    "Money": str,
    "ID": str,
}
