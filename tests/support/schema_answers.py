"""Answer GraphQL documents with any value that a schema allows, as no shop of a test would have it.

The types come from Shopify's own schema (``shopify_schemas``): every nullable field is null at times, every value of an
enum and every type of a union occurs. What the scalars hold is documented at
https://shopify.dev/docs/api/admin-graphql/latest/scalars; the values here are the limits of that, and beyond.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    parse,
    value_from_ast_untyped,
)
from graphql.language import DocumentNode, FieldNode, OperationDefinitionNode, SelectionSetNode

Record = dict[str, Any]

TEXTS = (
    *(
        "",
        " ",
        "x",
        "Zoë Müller",
        "Ελλάδα",
        "日本語のテキスト",
        "مرحبا بالعالم",
        "🙂👩‍👩‍👧",
        "e\u0301",
        "\u202eabc",
        "a\x00b",
    ),
    *("null", "true", "0", "-1", "1e5", "NaN", "{}", "[]", '"', "'", "\\", "a,b", "a;b", "a\nb\r\nc\td", "\u2028"),
    *("<p>Text &amp; <b>more</b></p>", "<script>alert(1)</script>", "{{ 7 * 7 }}", "${x}", "%s %d", "a\x7fb\x1b[31m"),
    *("\ud83d", "a\udc00b", "\ufeffx", "\u200b", "x" * 63, "x" * 64, "ü" * 65, "x" * 255, "🙂" * 256, "y" * 5_000),
)
"""Texts that some system has stumbled over. Halves of surrogate pairs are valid escapes in JSON (RFC 8259, 8.2)."""

AMOUNTS = (
    *("0", "0.0", "0.00", "-0.00", "0.01", "7.25", "19.999", "100.0", "-5.25", "99999999999.99", "0.1", "1234.5"),
    *(
        "1e-30",
        "1E+5",
        "999999999999999999999999999999.99",
        "9" * 31,
        "9" * 40,
        "1e30",
        "1E+9999999",
        "0.333333333333333",
    ),
)

TIMES = (
    *("2026-03-01T10:20:30Z", "2026-02-28T09:00:00Z", "2026-03-05T00:00:00+05:30", "2026-01-31T23:59:59.999999Z"),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"),
    *("1970-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "2024-02-29T00:00:00-03:30", "0999-06-01T00:00:00Z"),
    *("2026-10-25T02:30:00+01:00", "2026-03-01T10:20:30.123456789Z", "2026-03-01T24:00:00Z"),
)

COUNTS = (0, 0, 1, 1, 1, 2, 3, 5, 100, 2**31 - 1, -1, -(2**31))

BY_NAME: Mapping[str, tuple[Any, ...]] = {
    "email": ("zoe@example.com", "A@Example.COM", "a" * 250 + "@example.com", "no address", "ü@bücher.example"),
    "emailAddress": ("zoe@example.com", " a@example.com ", "'; --@x"),
    "phone": (
        "+49 30 230 000 00",
        "030 230000",
        "0049-30-23000000",
        "call me",
        "+1 (212) 555-0100",
        "+" + "9" * 40,
        "٠٣٠",
    ),
    "phoneNumber": ("+4930230000000", "+12125550100", "+0", "\uff11\uff12\uff13"),
    "provinceCode": ("NW", "ENG", "JP-13", "ny", "Ñ1", "BCN"),
    "province": ("Nordrhein-Westfalen", "x" * 80),
    "handle": ("mug", "tasse-größe", "../../x", "a b?c#d"),
    "title": ("Mug", "x" * 300, "<b>Mug</b>"),
    "name": ("Color", "Größe", "#1001", "size"),
    "key": ("Gift", "gift", "_hidden"),
    "code": ("SAVE10", "save10", "süß", "a" * 300),
    "url": (
        "https://track.example/1?a=b",
        "http://x",
        "track.example/1",
        "javascript:alert(1)",
        "https://e.com/ü ü/%zz",
    ),
    "tags": ("vip", "a,b"),
    "cursor": ("c1",),
}
"""Values of a field by its name, beside any other text."""

_PRICES = tuple(f"{cents / 100:.2f}" for cents in range(0, 20_000, 37))
_DAYS = tuple(f"2026-0{month}-{day}T08:00:00Z" for month in range(1, 6) for day in range(10, 29))
_PAGES = ("https://a.myshopify.com/products/mug", "https://cdn.example/mug.jpg?v=1")

_SCALARS: Mapping[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "Int": ((1, 1, 2, 3), COUNTS),
    "Float": ((1.5, 2.0), (0.0, -2.25, 1e-9, 1e300, 5e-324)),
    "Boolean": ((False, False, False, False, False, False, True), (False, True)),
    "Decimal": (_PRICES, AMOUNTS),
    "Money": (_PRICES, AMOUNTS),
    "DateTime": (_DAYS, TIMES),
    "Date": (("2026-03-01",), tuple(text[:10] for text in TIMES)),
    "UnsignedInt64": (("1", "1001"), ("0", str(2**53 + 1), str(2**64 - 1))),
    "BigInt": (("1", "1001"), ("0", str(2**53 + 1), str(2**64 - 1))),
    "URL": (_PAGES, (*BY_NAME["url"], "https://x/" + "y" * 3000)),
}
"""Usual values of each scalar, and unusual ones. Texts and ids are no part of it."""

_SHARED = frozenset({"Product", "ProductVariant", "Customer"})
"""Types of which orders name the same objects again."""

MANY = 300
"""More than Shopify's largest page, which has 250."""


@cache
def _operation(document: str) -> tuple[DocumentNode, OperationDefinitionNode]:
    parsed = parse(document)
    (operation,) = [each for each in parsed.definitions if isinstance(each, OperationDefinitionNode)]
    return parsed, operation


class SchemaAnswers:
    """A shop whose answers are drawn from a schema.

    :param odd: the share of texts, amounts and times that are unusual
    """

    def __init__(self, schema: GraphQLSchema, rng: random.Random, *, odd: float = 0.3) -> None:
        self.schema = schema
        self.rng = rng
        self.odd = odd
        self.null = 0.1
        self.long = False
        self.seen: dict[str, list[str]] = defaultdict(list)
        self._number = 10**12
        self._variables: Mapping[str, Any] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of the client as JSON with escapes, so that halves of surrogate pairs travel, too."""
        body = json.loads(request.content)
        data = self.data(body["query"], body.get("variables") or {})
        return httpx.Response(
            200, content=json.dumps({"data": data}).encode(), headers={"content-type": "application/json"}
        )

    def data(self, document: str, variables: Mapping[str, Any]) -> Record:
        """Return the ``data`` of an answer to a document."""
        _, operation = _operation(document)
        self._variables = variables
        assert self.schema.query_type
        return self._object(self.schema.query_type, operation.selection_set)

    # objects

    def _object(self, kind: GraphQLObjectType, selections: SelectionSetNode, gid: str | None = None) -> Record:
        record: Record = {}
        if kind.name in {"Order", "LineItem", "Fulfillment"}:
            # Some objects have nearly everything, and some nearly nothing.
            self.null = self.rng.choice((0.0, 0.1, 0.1, 0.3, 0.9))
        for node in selections.selections:
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                record[key] = self._field(kind, node)
            else:
                named = node.type_condition.name.value  # type: ignore[union-attr]
                if named == kind.name or named in {each.name for each in kind.interfaces}:
                    record |= self._object(kind, node.selection_set)  # type: ignore[union-attr]
        if gid is not None and "id" in record:
            record["id"] = gid
        if isinstance(record.get("id"), str) and "legacyResourceId" in record:
            record["legacyResourceId"] = record["id"].rpartition("/")[2].partition("?")[0]
        if "fulfillmentsCount" in record and "fulfillments" in record:
            record["fulfillmentsCount"] = {"count": len(record["fulfillments"]), "precision": "EXACT"}
        return record

    def _field(self, parent: GraphQLObjectType, node: FieldNode) -> Any:
        name = node.name.value
        if name == "__typename":
            return parent.name
        arguments = {
            each.name.value: value_from_ast_untyped(each.value, dict(self._variables)) for each in node.arguments or ()
        }
        if parent is self.schema.query_type and name in {"node", "nodes"}:
            ids = arguments.get("ids", [arguments.get("id")])
            found = [self._by_id(gid, node.selection_set) for gid in ids]
            return found if name == "nodes" else found[0]
        if (
            parent.name == "FulfillmentLineItem"
            and name == "lineItem"
            and self.seen["LineItem"]
            and self.rng.random() < 0.9
        ):
            kind = self.schema.type_map["LineItem"]
            return self._object(kind, node.selection_set, self.rng.choice(self.seen["LineItem"][-8:]))  # type: ignore[arg-type]
        field: GraphQLField = parent.fields[name]
        return self._value(field.type, node, parent.name, name, arguments)

    def _by_id(self, gid: str, selections: SelectionSetNode | None) -> Record | None:
        assert selections
        kind = self.schema.type_map[gid.split("/")[3]]
        self.long = self.rng.random() < 0.01
        return self._object(kind, selections, gid)  # type: ignore[arg-type]

    def _value(self, kind: Any, node: FieldNode, parent: str, name: str, arguments: Mapping[str, Any]) -> Any:
        if isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        elif self.rng.random() < self.null:
            return None
        if isinstance(kind, GraphQLList):
            size = min(self._size(), arguments.get("first") or 8)
            return [self._value(kind.of_type, node, parent, name, {}) for _ in range(size)]
        if isinstance(kind, GraphQLScalarType):
            return self._scalar(kind.name, parent, name)
        if isinstance(kind, GraphQLEnumType):
            return self.rng.choice(list(kind.values))
        return self._composite(kind, node, parent, name, arguments)

    def _composite(
        self, kind: GraphQLNamedType, node: FieldNode, parent: str, name: str, arguments: Mapping[str, Any]
    ) -> Any:
        assert node.selection_set
        if kind.name.endswith("Connection") and isinstance(kind, GraphQLObjectType):
            return self._connection(kind, node.selection_set, parent, name, arguments)
        possible = (
            kind if isinstance(kind, GraphQLObjectType) else self.rng.choice(self.schema.get_possible_types(kind))
        )  # type: ignore[arg-type]
        before = self.null
        record = self._object(possible, node.selection_set)
        self.null = before
        return record

    def _connection(
        self,
        kind: GraphQLObjectType,
        selections: SelectionSetNode,
        parent: str,
        name: str,
        arguments: Mapping[str, Any],
    ) -> Record:
        first = arguments.get("first") or 10
        size = min(first if self.long else self._size(), first)
        self._number += 1
        # The client reads further pages of these two alone; a user's further connections have one page.
        pages_on = (parent, name) in {("Order", "lineItems"), ("Fulfillment", "fulfillmentLineItems")}
        more = pages_on and size > 0 and (self.long and first < MANY and not arguments.get("after"))
        record: Record = {}
        for node in selections.selections:
            assert isinstance(node, FieldNode)
            if node.name.value == "pageInfo":
                record["pageInfo"] = {"hasNextPage": more, "endCursor": f"c{self._number}" if size else None}
            elif node.name.value == "nodes":
                inner = kind.fields["nodes"].type
                one = inner.of_type if isinstance(inner, GraphQLNonNull) else inner
                one = one.of_type
                one = one.of_type if isinstance(one, GraphQLNonNull) else one
                record["nodes"] = [self._composite(one, node, parent, name, {}) for _ in range(size)]
            else:
                record[node.name.value] = self._field(kind, node)
        return record

    def _size(self) -> int:
        return self.rng.choice((0, 1, 1, 1, 2, 2, 3, 6))

    # scalars

    def _scalar(self, kind: str, parent: str, name: str) -> Any:
        if kind == "ID":
            return self._gid(parent)
        if kind == "JSON":
            return self._json(2)
        values = _SCALARS.get(kind)
        is_odd = self.rng.random() < self.odd
        if values is None:
            return self._text(name, is_odd=is_odd)
        usual, odd = values
        return self.rng.choice(odd if is_odd else usual)

    def _text(self, name: str, *, is_odd: bool) -> str:
        if (known := BY_NAME.get(name)) and self.rng.random() < 0.7:
            return str(self.rng.choice(known))
        if is_odd:
            return self.rng.choice(TEXTS)
        return f"{name} {self.rng.randint(1, 9)}"

    def _json(self, depth: int) -> Any:
        simple = (None, True, False, 0, 1.5, -3, 10**25, "", *self.rng.sample(TEXTS, 3), *AMOUNTS[:3])
        if depth == 0 or self.rng.random() < 0.5:
            return self.rng.choice(simple)
        if self.rng.random() < 0.5:
            return [self._json(depth - 1) for _ in range(self.rng.randint(0, 3))]
        names = ("value", "unit", "amount", "currency_code", "type", "x")
        return {self.rng.choice(names): self._json(depth - 1) for _ in range(self.rng.randint(0, 3))}

    def _gid(self, parent: str) -> str:
        known = self.seen[parent]
        if parent in _SHARED and known and self.rng.random() < 0.5:
            return self.rng.choice(known[-6:])
        self._number += 1
        # The ids of some types are long, those of old objects short, and some have a query
        # (https://shopify.dev/docs/api/usage/gids).
        number = self.rng.choice((self._number, self._number % 10_000 + 1)) if parent in _SHARED else self._number
        gid = f"gid://shopify/{parent}/{number}" + ("?shop_id=1" if self.rng.random() < 0.01 else "")
        known.append(gid)
        return gid
