"""Yotpo's products with their variants, and customers: create, update, list, read.

Products and variants show every key when read, null where unset (recorded live responses). It must not know of orders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_partners.sandbox.yotpo.properties import CUSTOMER, PRODUCT, VARIANT
from airflow_provider_partners.sandbox.yotpo.records import Records, ended, merge_fields, visible_fields
from airflow_provider_partners.sandbox.yotpo.errors import ApiError

if TYPE_CHECKING:
    from airflow_provider_partners.sandbox.store import Document
    from airflow_provider_partners.sandbox.yotpo.request import Call, OperationResult

SITE_REVIEWS = "yotpo_site_reviews"  # every store has this pseudo product
_MADE_KEYS = ("yotpo_id", "is_valid_url_format", "store_id", "created_at", "updated_at")
_PRODUCT_KEYS = (*_MADE_KEYS, *PRODUCT)
_VARIANT_KEYS = (*_MADE_KEYS, *VARIANT, "yotpo_product_id")


def add_site_reviews_product(records: Records) -> None:
    """Give a store the product that every store has."""
    if records.number_of("product", SITE_REVIEWS) is None:
        _add(records, "product", {"external_id": SITE_REVIEWS, "name": "Site reviews"})


def _add(records: Records, kind: str, given: Document, *, lag: float = 0, **more: Any) -> int:
    number = records.new_id()
    now = records.now()
    made = {"yotpo_id": number, "store_id": records.store_id, "created_at": now, "updated_at": now, "_id": number}
    records.add(kind, _with_review_status(given | made | more), lag=lag)
    return number


def _with_review_status(record: Document) -> Document:
    url = record.get("url")
    record["is_valid_url_format"] = None if url is None else url.startswith(("http://", "https://"))
    if record.get("group_name") == "":  # documented: an empty name takes the product out of its group
        record["group_name"] = None
    return record


def _refuse_duplicate(records: Records, kind: str, external_id: str) -> None:
    if records.number_of(kind, external_id) is not None:
        raise ApiError(409, f"{kind.capitalize()} with external_id {external_id} already exists")


def _update(call: Call, kind: str, record: Document, given: Document) -> OperationResult:
    present, external_id = record["external_id"], given.get("external_id")
    if external_id is not None and external_id != present:
        _refuse_duplicate(call.records, kind, external_id)
        call.records.rename(kind, record["_id"], present, external_id)
    call.records.save(kind, _with_review_status(merge_fields(record, given) | {"updated_at": call.records.now()}))
    return call.update_response()


def create_product(call: Call) -> OperationResult:
    """``POST products``."""
    given = call.checked_body("product", PRODUCT)
    _refuse_duplicate(call.records, "product", given["external_id"])
    number = _add(call.records, "product", given, lag=call.records.switches["yotpo.visibility_lag"])
    return 201, {"product": {"yotpo_id": number}}


def update_product(call: Call) -> OperationResult:
    """``PATCH products/{id}``."""
    record = call.records.get_record("product", call.ids[0], hidden=True)
    return _update(call, "product", record, call.checked_body("product", PRODUCT, partial=True))


def read_product(call: Call) -> OperationResult:
    """``GET products/{id}``."""
    return 200, {"product": visible_fields(call.records.get_record("product", call.ids[0]), _PRODUCT_KEYS)}


def list_products(call: Call) -> OperationResult:
    """``GET products``: the end of the list is a null cursor (recorded)."""
    window = call.page_request("products", "external_ids")
    page, cursor = window.take_page(call.records.select("product", window.external_ids()))
    products = [visible_fields(each, _PRODUCT_KEYS) for each in page]
    return 200, {"products": products, "pagination": {"next_page_info": cursor}}


def create_variant(call: Call) -> OperationResult:
    """``POST products/{id}/variants``: 404 where the parent is gone."""
    parent = call.records.get_record("product", call.ids[0], hidden=True)
    given = call.checked_body("variant", VARIANT)
    _refuse_duplicate(call.records, "variant", given["external_id"])
    lag = call.records.switches["yotpo.visibility_lag"]
    number = _add(call.records, "variant", given, lag=lag, yotpo_product_id=parent["_id"])
    return 201, {"variant": {"yotpo_id": number}}


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
    window = call.page_request(f"products/{parent['_id']}/variants", "external_ids")
    found = call.records.select("variant", window.external_ids())
    page, cursor = window.take_page([each for each in found if each["yotpo_product_id"] == parent["_id"]])
    variants = [visible_fields(each, _VARIANT_KEYS) for each in page]
    return 200, {"variants": variants, "pagination": {"next_page_info": cursor}}


_IDENTIFIERS = ("external_id", "email", "phone_number")


def update_customer(call: Call) -> OperationResult:
    """``PATCH customers``: create or update, by ``external_id``, else by exactly one of e-mail and phone."""
    given = call.checked_body("customer", CUSTOMER, partial=True)
    for name, value in given.get("custom_properties", {}).items():
        if isinstance(value, dict | list):
            raise ApiError(400, f"custom_properties.{name} must be a single value")
    named = [name for name in _IDENTIFIERS if name in given]
    if "external_id" not in given and len(named) != 1:
        raise ApiError(400, "external_id is required, or exactly one of email and phone_number")
    known = call.records.select("customer", None, hidden=True)
    record = next((each for each in known if each.get(named[0]) == given[named[0]]), None)
    now = call.records.now()
    if record is None:
        number = call.records.new_id()
        made = {"yotpo_id": number, "created_at": now, "updated_at": now, "_id": number}
        call.records.add("customer", given | made, lag=call.records.switches["yotpo.customer_lag"])
    else:
        call.records.save("customer", merge_fields(record, given) | {"updated_at": now})
    return call.update_response()


def list_customers(call: Call) -> OperationResult:
    """``GET customers``."""
    window = call.page_request("customers", "external_ids", "email", "phone_number")
    found = call.records.select("customer", None)
    if (wanted := window.external_ids()) is not None:
        found = [each for each in found if each.get("external_id") in wanted]
    for name in ("email", "phone_number"):
        if name in window.filters:
            found = [each for each in found if each.get(name) == window.filters[name]]
    page, cursor = window.take_page(found)
    return 200, {"customers": [visible_fields(each) for each in page], "pagination": ended(cursor)}
