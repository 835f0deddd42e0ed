"""How a field of a document gets its value: from a table of fields with a rule of their own, else from the document.

Store documents have the schema's own field names, with plain lists where the schema has connections; what is done to
all of them alike (pages, scalars as Shopify writes them, missing values) is done here. This module must not know any
type by name but the scalars; the tables belong to the APIs.
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
#: graphql-core's GraphQLResolveInfo, a generic class in some of its releases and a plain one in others.
Info = Any
Arguments = dict[str, Any]
Resolver = Callable[[Any, Any, Info, Arguments], Any]


class RequestContext:
    """One request being answered; an API derives its own and fills in the rules.

    :cvar table: ``(type, field)`` to the rule that gives its value, called with the answer, the source document,
        graphql-core's info and the arguments
    """

    table: Mapping[tuple[str, str], Resolver] = {}

    def authorize(self, type_name: str, info: Info) -> None:
        """Raise where the client may not read a field."""

    def redact(self, type_name: str, field: str, value: Any) -> Any:
        """The value as the client may see it."""
        return value

    def check_page(self, arguments: Arguments) -> None:
        """Raise where the page asked for is not one the API gives."""

    def missing_value(self, type_name: str, field: str, source: Document) -> Any:
        """The value of a non-null field that the document does not have.

        :raises GraphQLError: as a rule: an invented value would be worse than none
        """
        message = f"The sandbox holds no value for {type_name}.{field}; select other fields, or seed it."
        raise GraphQLError(message, extensions={"code": "SANDBOX_HAS_NO_VALUE"})


def resolve(source: Any, info: Info, **arguments: Any) -> Any:
    """graphql-core's field resolver, for every field of every type."""
    answer: RequestContext = info.context
    type_name, field = info.parent_type.name, info.field_name
    answer.authorize(type_name, info)
    rule = answer.table.get((type_name, field))
    value = answer.redact(type_name, field, rule(answer, source, info, arguments) if rule else source.get(field))
    if get_named_type(info.return_type).name.endswith("Connection"):
        answer.check_page(arguments)
        return value if isinstance(value, dict) else nested_connection(value or [], arguments)
    return completion(answer, info, arguments)(value, source)


def completion(answer: RequestContext, info: Info, arguments: Arguments) -> Callable[[Any, Any], Any]:
    """How a field's values are given out: missing ones filled in or refused, scalars as Shopify writes them."""
    returned, first = info.return_type, arguments.get("first")
    named = get_named_type(returned)
    required, listed = is_non_null_type(returned), is_list_type(get_nullable_type(returned))
    # ``Money`` is a scalar of the Admin API and an object of the Partner API
    write = _SCALARS.get(named.name) if is_leaf_type(named) else None

    def complete(value: Any, source: Any) -> Any:
        if value is None and required:
            value = [] if listed else answer.missing_value(info.parent_type.name, info.field_name, source)
        if isinstance(value, list):
            # a plain list takes ``first``, too: it truncates (``Order.fulfillments(first:)``)
            items = value if first is None else value[:first]
            return [item if item is None else write(item) for item in items] if write else items
        return write(value) if write and value is not None else value

    return complete


def type_of(value: Any, _info: Info, _abstract: Any) -> str:
    """The concrete type of a document: its own word, else the resource in its GID."""
    return str(value.get("__typename") or str(value.get("id", "")).split("/")[-2:-1][0])


def nested_connection(items: list[Document], arguments: Arguments) -> Document:
    """A list inside a document as a connection, in the document's own order.

    The cursor names the item's id twice, as recorded for lists in id order; items without an id are named by place.
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
    """A ``Decimal`` as recorded live: no padding, at least one digit after the point (``"55.0"``, ``"7.25"``)."""
    text = format(Decimal(str(value)).normalize(), "f")
    return text if "." in text else f"{text}.0"


#: Custom scalars that go over the wire in a form of their own (recorded live: 64-bit numbers are strings).
_SCALARS: dict[str, Callable[[Any], Any]] = {
    "UnsignedInt64": str,
    "BigInt": str,
    "Decimal": decimal_text,
    "Money": str,
    "ID": str,
}
