"""Where nested lines belong: "__parentId" names the parent, and not the connection.

See https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries#the-jsonl-data-format.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_partners.api.shopify_admin.bulk.placement import MarkedPlaces, Place, TypedPlaces

ORDER, LINE, IMAGE = "gid://shopify/Order/1", "gid://shopify/LineItem/2", "gid://shopify/MediaImage/3"


def test_typed_lines_go_to_the_connection_of_their_type() -> None:
    places = TypedPlaces({"Order": {"LineItem": "lineItems"}})
    order: dict[str, Any] = {"id": ORDER}
    places.prepare(order)
    assert places.add(order, {"id": LINE})
    assert not places.add(order, {"id": IMAGE})
    assert order == {"id": ORDER, "lineItems": [{"id": LINE}]}


def test_marked_lines_go_to_their_connection_and_lose_the_mark() -> None:
    places = MarkedPlaces({
        "_place1": Place("", ("customer", "orders")),
        "_place2": Place("", ("items",)),
        "_place3": Place("_place2", ("images",)),
    })
    order: dict[str, Any] = {"id": ORDER}
    item: dict[str, Any] = {"id": LINE, "_place2": "LineItem"}
    places.prepare(order)
    assert order == {"id": ORDER, "customer": {"orders": []}, "items": []}
    assert places.add(order, item)
    places.prepare(item)
    assert places.add(item, {"id": IMAGE, "_place3": "MediaImage"})
    assert order["items"] == [{"id": LINE, "images": [{"id": IMAGE, "_place3": "MediaImage"}]}]
    assert not places.add(order, {"id": LINE})


def test_an_object_that_is_null_has_no_connections() -> None:
    places = MarkedPlaces({"_place1": Place("", ("customer", "orders"))})
    order: dict[str, Any] = {"id": ORDER, "customer": None}
    places.prepare(order)
    assert order == {"id": ORDER, "customer": None}
    assert not places.add(order, {"id": "gid://shopify/Order/2", "_place1": "Order"})


def test_lines_of_the_only_connection_need_no_mark() -> None:
    places = MarkedPlaces({"_place1": Place("", ("items",))})
    order: dict[str, Any] = {"id": ORDER}
    places.prepare(order)
    assert places.add(order, {"id": LINE})
    assert order == {"id": ORDER, "items": [{"id": LINE}]}
