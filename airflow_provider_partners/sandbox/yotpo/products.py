"""Yotpo's products with their variants, and customers: create, update, list and read.

A product or variant has every key when it is read, with null where nothing was set. Recorded:
https://github.com/ldgnoack/yotpo-ruby, ``spec/cassettes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_partners.sandbox.yotpo.errors import ApiError
from airflow_provider_partners.sandbox.yotpo.properties import CUSTOMER, PRODUCT, VARIANT
from airflow_provider_partners.sandbox.yotpo.records import Records, merge_fields, omit_null_cursor, visible_fields

if TYPE_CHECKING:
    from airflow_provider_partners.sandbox.store import Document
    from airflow_provider_partners.sandbox.yotpo.request import Call, OperationResult

#: External id of a product that every store has.
SITE_REVIEWS = "yotpo_site_reviews"
_OWN_KEYS = ("yotpo_id", "is_valid_url_format", "store_id", "created_at", "updated_at")
_PRODUCT_KEYS = (*_OWN_KEYS, *PRODUCT)
_VARIANT_KEYS = (*_OWN_KEYS, *VARIANT, "yotpo_product_id")


def add_site_reviews_product(records: Records) -> None:
    """Add the product that every store has."""
    if records.id_of("product", SITE_REVIEWS) is None:
        _add(records, "product", {"external_id": SITE_REVIEWS, "name": "Site reviews"})


def _add(records: Records, kind: str, payload: Document, *, lag: float = 0, **fields: Any) -> int:
    yotpo_id = records.new_id()
    now = records.now()
    own = {"yotpo_id": yotpo_id, "store_id": records.store_id, "created_at": now, "updated_at": now, "_id": yotpo_id}
    records.add(kind, _with_derived_fields(payload | own | fields), lag=lag)
    return yotpo_id


def _with_derived_fields(record: Document) -> Document:
    url = record.get("url")
    record["is_valid_url_format"] = None if url is None else url.startswith(("http://", "https://"))
    # An empty name removes the product from its group: https://core-api.yotpo.com/reference/products
    if record.get("group_name") == "":
        record["group_name"] = None
    return record


def _refuse_duplicate(records: Records, kind: str, external_id: str) -> None:
    if records.id_of(kind, external_id) is not None:
        raise ApiError(409, f"{kind.capitalize()} with external_id {external_id} already exists")


def _update(call: Call, kind: str, record: Document, payload: Document) -> OperationResult:
    old_external_id, external_id = record["external_id"], payload.get("external_id")
    if external_id is not None and external_id != old_external_id:
        _refuse_duplicate(call.records, kind, external_id)
        call.records.rename(kind, record["_id"], old_external_id, external_id)
    call.records.save(kind, _with_derived_fields(merge_fields(record, payload) | {"updated_at": call.records.now()}))
    return call.update_response()


def create_product(call: Call) -> OperationResult:
    """``POST products``."""
    payload = call.checked_body("product", PRODUCT)
    _refuse_duplicate(call.records, "product", payload["external_id"])
    yotpo_id = _add(call.records, "product", payload, lag=call.records.switches["yotpo.visibility_lag"])
    return 201, {"product": {"yotpo_id": yotpo_id}}


def update_product(call: Call) -> OperationResult:
    """``PATCH products/{id}``."""
    record = call.records.get_record("product", call.ids[0], hidden=True)
    return _update(call, "product", record, call.checked_body("product", PRODUCT, partial=True))


def read_product(call: Call) -> OperationResult:
    """``GET products/{id}``."""
    return 200, {"product": visible_fields(call.records.get_record("product", call.ids[0]), _PRODUCT_KEYS)}


def list_products(call: Call) -> OperationResult:
    """``GET products``. The last page has a null cursor, as recorded."""
    query = call.list_query("products", "external_ids")
    page, cursor = query.take_page(call.records.select("product", query.external_ids()))
    products = [visible_fields(each, _PRODUCT_KEYS) for each in page]
    return 200, {"products": products, "pagination": {"next_page_info": cursor}}


def create_variant(call: Call) -> OperationResult:
    """``POST products/{id}/variants``: 404 without the parent product."""
    parent = call.records.get_record("product", call.ids[0], hidden=True)
    payload = call.checked_body("variant", VARIANT)
    _refuse_duplicate(call.records, "variant", payload["external_id"])
    lag = call.records.switches["yotpo.visibility_lag"]
    yotpo_id = _add(call.records, "variant", payload, lag=lag, yotpo_product_id=parent["_id"])
    return 201, {"variant": {"yotpo_id": yotpo_id}}


def _variant(call: Call, *, hidden: bool) -> Document:
    record = call.records.get_record("variant", call.ids[1], hidden=hidden)
    if str(record["yotpo_product_id"]) != call.ids[0]:
        raise ApiError(404, f"Variant {call.ids[1]} was not found")
    return record


def update_variant(call: Call) -> OperationResult:
    """``PATCH products/{id}/variants/{id}``."""
    record = _variant(call, hidden=True)
    return _update(call, "variant", record, call.checked_body("variant", VARIANT, partial=True))


def read_variant(call: Call) -> OperationResult:
    """``GET products/{id}/variants/{id}``."""
    return 200, {"variant": visible_fields(_variant(call, hidden=False), _VARIANT_KEYS)}


def list_variants(call: Call) -> OperationResult:
    """``GET products/{id}/variants``."""
    parent = call.records.get_record("product", call.ids[0])
    query = call.list_query(f"products/{parent['_id']}/variants", "external_ids")
    of_store = call.records.select("variant", query.external_ids())
    page, cursor = query.take_page([each for each in of_store if each["yotpo_product_id"] == parent["_id"]])
    variants = [visible_fields(each, _VARIANT_KEYS) for each in page]
    return 200, {"variants": variants, "pagination": {"next_page_info": cursor}}


_IDENTIFIERS = ("external_id", "email", "phone_number")


def update_customer(call: Call) -> OperationResult:
    """``PATCH customers``: create or update by ``external_id``, or else by exactly one of e-mail and phone number."""
    payload = call.checked_body("customer", CUSTOMER, partial=True)
    for name, value in payload.get("custom_properties", {}).items():
        if isinstance(value, dict | list):
            raise ApiError(400, f"custom_properties.{name} must be a single value")
    identifiers = [name for name in _IDENTIFIERS if name in payload]
    if "external_id" not in payload and len(identifiers) != 1:
        raise ApiError(400, "external_id is required, or exactly one of email and phone_number")
    customers = call.records.select("customer", None, hidden=True)
    record = next((each for each in customers if each.get(identifiers[0]) == payload[identifiers[0]]), None)
    now = call.records.now()
    if record is None:
        yotpo_id = call.records.new_id()
        own = {"yotpo_id": yotpo_id, "created_at": now, "updated_at": now, "_id": yotpo_id}
        call.records.add("customer", payload | own, lag=call.records.switches["yotpo.customer_lag"])
    else:
        call.records.save("customer", merge_fields(record, payload) | {"updated_at": now})
    return call.update_response()


def list_customers(call: Call) -> OperationResult:
    """``GET customers``."""
    query = call.list_query("customers", "external_ids", "email", "phone_number")
    customers = call.records.select("customer", None)
    if (external_ids := query.external_ids()) is not None:
        customers = [each for each in customers if each.get("external_id") in external_ids]
    for name in ("email", "phone_number"):
        if name in query.filters:
            customers = [each for each in customers if each.get(name) == query.filters[name]]
    page, cursor = query.take_page(customers)
    return 200, {"customers": [visible_fields(each) for each in page], "pagination": omit_null_cursor(cursor)}
