"""A user's further fields: how items are written, how they merge into documents, and the shape of the records."""

from __future__ import annotations

import pytest
from graphql import FieldNode, parse, print_ast

from airflow_provider_partners.api.shopify.selections import ExtraFields, parse_fields
from airflow_provider_partners.exceptions import ConfigurationError

ORDER = """id name tags
  lineItems(first: 20) { nodes { id sku product { id title } } pageInfo { hasNextPage endCursor } }
  fulfillments(first: 50) { id fulfillmentLineItems(first: 50) { nodes { id } pageInfo { hasNextPage endCursor } } }
  shippingAddress { city }"""


def normalized(selection: str) -> str:
    """Return GraphQL as graphql-core prints it, in one line."""
    return " ".join(print_ast(parse(f"{{ {selection} }}")).split())


def applied(*items: str, to: str = ORDER) -> str:
    return normalized(parse_fields(list(items)).apply(to))


# --- items ---


@pytest.mark.parametrize(
    "value",
    [
        ["note", "shippingLine.title"],
        ("note", "shippingLine.title"),
        '["note", "shippingLine.title"]',
        "note, shippingLine.title",
        "note shippingLine.title",
        "note shippingLine { title }",
        "# a comment\nnote shippingLine { title }",
    ],
)
def test_fields_are_a_list_json_text_or_graphql(value: object) -> None:
    fields = parse_fields(value)  # type: ignore[arg-type]
    assert normalized(fields.apply("id")) == normalized("id note shippingLine { title }")


@pytest.mark.parametrize("value", [None, "", [], "[]"])
def test_no_fields_change_nothing(value: object) -> None:
    fields = parse_fields(value)  # type: ignore[arg-type]
    assert not fields
    assert normalized(fields.apply(ORDER)) == normalized(ORDER)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("} evil {", "brace without its counterpart|can't be read"),
        (["a { b"], "can't be read"),
        (["a..b {"], "can't be read"),
        ([5], "a int"),
        ([""], "an empty item"),
        ({"note": 1}, "a dict"),
        (3, "a int"),
        ([None], "a NoneType"),
        ("[1", "begins like a JSON list"),
        (["metafield:custom"], "names no metafield"),
        (["a } b { c"], "brace without its counterpart|can't be read"),
    ],
)
def test_a_wrong_item_is_an_error_that_shows_the_forms(value: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_fields(value)  # type: ignore[arg-type]


# --- merging ---


def test_a_path_leads_through_the_nodes_of_a_connection() -> None:
    expected = ORDER.replace(
        "id sku product { id title }", "id sku product { id title vendor } customAttributes { key }"
    )
    assert applied("lineItems.product.vendor", "lineItems.nodes.customAttributes.key") == normalized(expected)


def test_a_path_leads_through_the_edges_of_a_bulk_document() -> None:
    document = "id lineItems { edges { node { id } } }"
    expected = "id lineItems { edges { node { id product { vendor } } } }"
    assert applied("lineItems.product.vendor", to=document) == normalized(expected)


def test_a_path_leads_through_a_plain_list_and_a_connection_inside_of_it() -> None:
    expected = ORDER.replace("{ nodes { id } pageInfo", "{ nodes { id quantity } pageInfo")
    assert applied("fulfillments.fulfillmentLineItems.quantity") == normalized(expected)


def test_what_is_requested_already_is_requested_once() -> None:
    assert applied("name", "lineItems.sku", "shippingAddress", "shippingAddress.city") == normalized(ORDER)


def test_an_object_and_a_field_of_it_are_the_field() -> None:
    for items in (["a", "a.b"], ["a.b", "a"]):
        assert normalized(parse_fields(items).apply("id")) == normalized("id a { b }")


def test_several_metafields_have_aliases_of_their_own() -> None:
    fields = parse_fields(["metafield:custom.a_b", "metafield:custom_a.b", "lineItems.product.metafield:custom.model"])
    top = parse(f"{{ {fields.apply('id')} }}").definitions[0].selection_set.selections
    metafields = [field for field in top if isinstance(field, FieldNode) and field.name.value == "metafield"]
    assert len({field.alias.value for field in metafields}) == 2
    assert 'metafield(namespace: "custom_a", key: "b")' in fields.apply("id")


def test_a_further_connection_is_requested_with_a_size_and_with_its_end() -> None:
    assert normalized(parse_fields(["shippingLines.nodes.title"]).apply("id")) == normalized(
        "id shippingLines(first: 10) { nodes { title } pageInfo { hasNextPage } }"
    )
    assert normalized(parse_fields(['events(first: 3, query: "a.b").nodes.id']).apply("id")) == normalized(
        'id events(first: 3, query: "a.b") { nodes { id } pageInfo { hasNextPage } }'
    )


def test_one_name_for_two_fields_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="'name' is requested twice"):
        parse_fields(["name: email"]).apply(ORDER)


def test_a_minus_sign_leaves_a_field_out() -> None:
    expected = ORDER.replace("name tags", "name").replace("product { id title }", "product { id }")
    assert applied("-tags", "-lineItems.product.title") == normalized(expected)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("-tagz", "'tagz' is not requested: did you mean 'tags'"),
        ("-lineItems.product.titel", "did you mean 'title'"),
        ("-id", "the extraction itself needs"),
        ("-lineItems", "the extraction itself needs"),
    ],
)
def test_what_reading_needs_is_not_left_out(item: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        applied(item)


def test_the_objects_of_a_list_get_what_is_named_below_the_list() -> None:
    fields = parse_fields(["lineItems.product.vendor", "note", "-lineItems.sku", "-tags"]).under("lineItems")
    assert normalized(fields.apply("id sku")) == normalized("id product { vendor }")


def test_a_list_can_be_left_out() -> None:
    fields = parse_fields(["-fulfillments", "note"])
    assert fields.leaves_out("fulfillments")
    assert not fields.leaves_out("lineItems")
    assert normalized(fields.without_list("fulfillments").apply("id")) == normalized("id note")


def test_a_connection_that_a_list_has_already_is_no_further_one() -> None:
    lists = {"lineItems": {}, "fulfillments": {"fulfillmentLineItems": {}}}
    known = ["lineItems.nodes.sku", "fulfillments.fulfillmentLineItems.nodes.id", "shippingLine.title"]
    assert not parse_fields(known).adds_connection(lists)
    for item in (
        "shippingLines.nodes.title",
        "lineItems.product.media.nodes.id",
        "lineItems.product { media { edges { node { id } } } }",
    ):
        assert parse_fields([item]).adds_connection(lists)


def test_fields_of_a_list_inside_of_a_list_belong_to_that_list() -> None:
    fields = parse_fields(["fulfillments.fulfillmentLineItems.quantity", "fulfillments.service.type"])
    assert fields.under("fulfillments.fulfillmentLineItems").names == ["quantity"]
    assert normalized(fields.without_list("fulfillments.fulfillmentLineItems").apply("id")) == normalized(
        "id fulfillments { service { type } }"
    )


def test_personal_fields_can_be_dropped() -> None:
    fields = parse_fields(["customer.tags", "shippingAddress.city", "note"]).without({"customer", "shippingAddress"})
    assert fields.names == ["note"]


# --- records ---


def fetch(fields: ExtraFields, values: dict) -> dict:
    """Return a record as the API returns it: metafields under the aliases of the request."""
    aliases = [line.split(":")[0].strip() for line in fields.apply("id").splitlines() if ": metafield(" in line]
    return {**dict.fromkeys(aliases, values["metafield"]), **{k: v for k, v in values.items() if k != "metafield"}}


def test_metafields_come_by_their_names() -> None:
    fields = parse_fields(["metafield:custom.gift", "metafield:$app:care.wash"])
    value = {"type": "boolean", "value": "true", "jsonValue": True}
    record = fields.shape(fetch(fields, {"id": "1", "metafield": value}))
    assert record == {"id": "1", "metafields": {"custom.gift": value, "$app:care.wash": value}}


def test_metafields_inside_of_lists_come_by_their_names_and_missing_ones_are_null() -> None:
    fields = parse_fields(["lineItems.product.metafield:custom.model"])
    (alias,) = [line.split(":")[0].strip() for line in fields.apply("id").splitlines() if ": metafield(" in line]
    record = {"id": "1", "lineItems": [{"product": {"id": "2", alias: None}}, {"product": None}]}
    assert fields.shape(record) == {
        "id": "1",
        "lineItems": [{"product": {"id": "2", "metafields": {"custom.model": None}}}, {"product": None}],
    }


def test_the_names_in_records_are_known() -> None:
    fields = parse_fields(["lineItems.product.metafield:custom.model", "shippingLine.title"])
    assert {"metafields", "product", "shippingLine", "title"} <= set(fields.record_keys)
    assert not [name for name in fields.record_keys if name.startswith("metafield_")]


def test_a_further_connection_comes_as_a_plain_list() -> None:
    fields = parse_fields(["shippingLines.nodes.title", "events(first: 5) { edges { node { id } } }"])
    record = {
        "shippingLines": {"nodes": [{"title": "Express"}], "pageInfo": {"hasNextPage": False}},
        "events": {"edges": [{"node": {"id": "7"}}], "pageInfo": {"hasNextPage": False}},
    }
    assert fields.shape(record) == {"shippingLines": [{"title": "Express"}], "events": [{"id": "7"}]}


def test_a_further_connection_is_never_cut_in_silence() -> None:
    fields = parse_fields(["shippingLines.nodes.title"])
    with pytest.raises(ConfigurationError, match="more 'shippingLines' than 'fields' requests"):
        fields.shape({"shippingLines": {"nodes": [], "pageInfo": {"hasNextPage": True}}})
