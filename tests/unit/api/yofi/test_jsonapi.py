"""JSON:API documents in every shape that Yofi's APIs are seen to send."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_partners.api.yofi.jsonapi import Document, Relation
from airflow_provider_partners.exceptions import UnexpectedResponseError

RELATIONS = {
    "customer": Relation(type="EcommerceCustomer", key="customer_id", related_key="customer_id"),
    "return_predictions": Relation(type="EcommerceUnifiedReturnPrediction", many=True),
    "app": Relation(type=""),
}
CUSTOMER = {"type": "EcommerceCustomer", "id": "c-1", "attributes": {"customer_id": "77", "first_name": "Zoë"}}
PREDICTION = {"type": "EcommerceUnifiedReturnPrediction", "id": "p-1", "attributes": {"predicted_value": 0.9}}


def a_return(**relationships: Any) -> dict[str, Any]:
    attributes = {"state": "open", "customer_id": "77"}
    linked = {"relationships": {name: {"data": data} for name, data in relationships.items()}} if relationships else {}
    return {"type": "EcommerceUnifiedReturn", "id": "r-1", "attributes": attributes, **linked}


def identifier(resource: dict[str, Any]) -> dict[str, str]:
    return {"type": resource["type"], "id": resource["id"]}


def only(body: Any, *wanted: str) -> dict[str, Any]:
    [record] = Document(body).records(RELATIONS, include=wanted)
    return record


@pytest.mark.covers("yofi.returns.included")
def test_a_record_is_flat_with_its_relations_in_place() -> None:
    linked = a_return(customer=identifier(CUSTOMER), return_predictions=[identifier(PREDICTION)])

    record = only({"data": [linked], "included": [CUSTOMER, PREDICTION]}, "customer", "return_predictions")

    assert record == {
        "id": "r-1",
        "type": "EcommerceUnifiedReturn",
        "state": "open",
        "customer_id": "77",
        "customer": {"id": "c-1", "type": "EcommerceCustomer", "customer_id": "77", "first_name": "Zoë"},
        "return_predictions": [{"id": "p-1", "type": "EcommerceUnifiedReturnPrediction", "predicted_value": 0.9}],
    }


def test_one_record_may_be_an_object_or_a_list_with_the_trace_id_in_either_place() -> None:
    for body in ({"data": a_return(), "meta": {"trace_id": "x="}}, {"trace_id": "x", "data": [a_return()]}):
        assert only(body)["id"] == "r-1"
    assert Document({"data": None}).records({}) == []


def test_without_relationships_a_relation_is_found_by_the_ids_in_the_attributes() -> None:
    record = only({"data": [a_return()], "included": [CUSTOMER, PREDICTION]}, "customer", "return_predictions", "app")

    assert record["customer"]["first_name"] == "Zoë"
    # The document does not show which prediction belongs to which return.
    assert record["return_predictions"] == []
    assert record["app"] is None


def test_an_empty_relationship_is_not_searched_for() -> None:
    record = only({"data": [a_return(customer=None)], "included": [CUSTOMER]}, "customer")

    assert record["customer"] is None


def test_requested_relations_exist_even_if_the_response_has_none() -> None:
    record = only({"data": [a_return()]}, "customer", "return_predictions")

    assert (record["customer"], record["return_predictions"]) == (None, [])


def test_a_linked_resource_that_is_not_included_has_id_and_type() -> None:
    assert only({"data": [a_return(customer=identifier(CUSTOMER))]})["customer"] == identifier(CUSTOMER)


def test_a_relationship_with_links_only_is_ignored() -> None:
    linked = {**a_return(), "relationships": {"customer": {"links": {"related": "/x"}}}}

    assert "customer" not in only({"data": [linked]})


def test_circular_relations_end_at_the_first_repetition() -> None:
    order = {"type": "Order", "id": "o", "relationships": {"customer": {"data": {"type": "Customer", "id": "c"}}}}
    customer = {"type": "Customer", "id": "c", "relationships": {"orders": {"data": [{"type": "Order", "id": "o"}]}}}
    first = {"type": "Return", "id": "r", "relationships": {"order": {"data": {"type": "Order", "id": "o"}}}}

    record = only({"data": [first], "included": [order, customer]})

    assert record["order"]["customer"]["orders"] == [{"id": "o", "type": "Order"}]


def test_an_attribute_named_id_does_not_replace_the_id() -> None:
    same, other = ({"type": "EcommerceOrder", "id": "e-1", "attributes": {"id": value}} for value in ("e-1", 450789469))

    assert only({"data": same}) == {"id": "e-1", "type": "EcommerceOrder"}
    assert only({"data": other}) == {"id": "e-1", "type": "EcommerceOrder", "attribute_id": 450789469}


def test_ids_are_always_text() -> None:
    assert only({"data": {"type": "Claim", "id": 5}})["id"] == "5"
    assert only({"data": {"type": "Claim", "attributes": {"id": 5}}})["id"] == "5"


@pytest.mark.parametrize(
    ("meta", "total"),
    [
        ({"page": {"totalRecords": 42}}, 42),
        ({"count": 7}, 7),
        ({"total": 0}, 0),
        ({"page": {"total": "9"}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_total_is_found_where_documents_have_it(meta: Any, total: int | None) -> None:
    assert Document({"data": [], "meta": meta}).total() == total


@pytest.mark.parametrize(
    ("links", "query"),
    [
        ({"next": "https://x/ecommerce/claims/?page%5Bnumber%5D=2&a=1"}, {"page[number]": "2", "a": "1"}),
        ({"next": {"href": "/claims/?page[number]=3"}}, {"page[number]": "3"}),
        ({"next": None}, {}),
        ({"self": "/claims/"}, None),
        (None, None),
    ],
)
def test_the_next_link_is_read_for_its_query(links: Any, query: dict[str, str] | None) -> None:
    assert Document({"data": [], "links": links}).next_link() == query


@pytest.mark.parametrize("body", [[], "x", None, {"errors": []}, {"data": ["x"]}, {"data": [], "included": [1]}])
def test_a_body_that_is_no_document_is_an_error(body: Any) -> None:
    with pytest.raises(UnexpectedResponseError, match="no JSON:API document"):
        Document(body)


@pytest.mark.parametrize("errors", [[{"status": "500", "detail": "jane@example.com"}], {"status": "500"}, ["broken"]])
def test_errors_beside_data_are_an_error_without_the_text_of_the_server(errors: Any) -> None:
    """JSON:API 1.1, "Top Level": the members data and errors must not coexist (https://jsonapi.org/format/)."""
    with pytest.raises(UnexpectedResponseError, match="'errors' beside 'data'") as caught:
        Document({"data": [], "errors": errors})

    assert "jane" not in str(caught.value)


def test_an_empty_list_of_errors_is_no_error() -> None:
    assert len(Document({"data": [a_return()], "errors": []})) == 1
