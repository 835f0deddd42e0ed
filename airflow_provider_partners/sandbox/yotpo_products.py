"""Yotpo's products with their variants, and customers: create, update, list, read.

Products and variants show every key when read, null where unset (recorded live responses). It must not know of orders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_partners.sandbox.yotpo_properties import CUSTOMER, PRODUCT, VARIANT
from airflow_provider_partners.sandbox.yotpo_records import Records, ended, merged, shown
from airflow_provider_partners.sandbox.yotpo_rules import Refusal

if TYPE_CHECKING:
    from airflow_provider_partners.sandbox.state import Document
    from airflow_provider_partners.sandbox.yotpo_calls import Answer, Call

SITE_REVIEWS = "yotpo_site_reviews"  # every store has this pseudo product
_MADE_KEYS = ("yotpo_id", "is_valid_url_format", "store_id", "created_at", "updated_at")
_PRODUCT_KEYS = (*_MADE_KEYS, *PRODUCT)
_VARIANT_KEYS = (*_MADE_KEYS, *VARIANT, "yotpo_product_id")


def stock(records: Records) -> None:
    """Give a store the product that every store has."""
    if records.number_of("product", SITE_REVIEWS) is None:
        _add(records, "product", {"external_id": SITE_REVIEWS, "name": "Site reviews"})


def _add(records: Records, kind: str, given: Document, *, lag: float = 0, **more: Any) -> int:
    number = records.new_id()
    now = records.now()
    made = {"yotpo_id": number, "store_id": records.store_id, "created_at": now, "updated_at": now, "_id": number}
    records.add(kind, _judged(given | made | more), lag=lag)
    return number


def _judged(record: Document) -> Document:
    url = record.get("url")
    record["is_valid_url_format"] = None if url is None else url.startswith(("http://", "https://"))
    if record.get("group_name") == "":  # documented: an empty name takes the product out of its group
        record["group_name"] = None
    return record


def _refuse_duplicate(records: Records, kind: str, external_id: str) -> None:
    if records.number_of(kind, external_id) is not None:
        raise Refusal(409, f"{kind.capitalize()} with external_id {external_id} already exists")


def _update(call: Call, kind: str, record: Document, given: Document) -> Answer:
    present, external_id = record["external_id"], given.get("external_id")
    if external_id is not None and external_id != present:
        _refuse_duplicate(call.records, kind, external_id)
        call.records.rename(kind, record["_id"], present, external_id)
    call.records.save(kind, _judged(merged(record, given) | {"updated_at": call.records.now()}))
    return call.patched()


def create_product(call: Call) -> Answer:
    """``POST products``."""
    given = call.given("product", PRODUCT)
    _refuse_duplicate(call.records, "product", given["external_id"])
    number = _add(call.records, "product", given, lag=call.records.switches["yotpo.visibility_lag"])
    return 201, {"product": {"yotpo_id": number}}


def update_product(call: Call) -> Answer:
    """``PATCH products/{id}``."""
    record = call.records.demand("product", call.ids[0], hidden=True)
    return _update(call, "product", record, call.given("product", PRODUCT, partial=True))


def read_product(call: Call) -> Answer:
    """``GET products/{id}``."""
    return 200, {"product": shown(call.records.demand("product", call.ids[0]), _PRODUCT_KEYS)}


def list_products(call: Call) -> Answer:
    """``GET products``: the end of the list is a null cursor (recorded)."""
    window = call.window("products", "external_ids")
    page, cursor = window.cut(call.records.select("product", window.external_ids()))
    products = [shown(each, _PRODUCT_KEYS) for each in page]
    return 200, {"products": products, "pagination": {"next_page_info": cursor}}


def create_variant(call: Call) -> Answer:
    """``POST products/{id}/variants``: 404 where the parent is gone."""
    parent = call.records.demand("product", call.ids[0], hidden=True)
    given = call.given("variant", VARIANT)
    _refuse_duplicate(call.records, "variant", given["external_id"])
    lag = call.records.switches["yotpo.visibility_lag"]
    number = _add(call.records, "variant", given, lag=lag, yotpo_product_id=parent["_id"])
    return 201, {"variant": {"yotpo_id": number}}


def _variant(call: Call, *, hidden: bool) -> Document:
    record = call.records.demand("variant", call.ids[1], hidden=hidden)
    if str(record["yotpo_product_id"]) != call.ids[0]:
        raise Refusal(404, f"Variant {call.ids[1]} was not found")
    return record


def update_variant(call: Call) -> Answer:
    """``PATCH products/{id}/variants/{id}``."""
    record = _variant(call, hidden=True)
    return _update(call, "variant", record, call.given("variant", VARIANT, partial=True))


def read_variant(call: Call) -> Answer:
    """``GET products/{id}/variants/{id}``."""
    return 200, {"variant": shown(_variant(call, hidden=False), _VARIANT_KEYS)}


def list_variants(call: Call) -> Answer:
    """``GET products/{id}/variants``."""
    parent = call.records.demand("product", call.ids[0])
    window = call.window(f"products/{parent['_id']}/variants", "external_ids")
    found = call.records.select("variant", window.external_ids())
    page, cursor = window.cut([each for each in found if each["yotpo_product_id"] == parent["_id"]])
    variants = [shown(each, _VARIANT_KEYS) for each in page]
    return 200, {"variants": variants, "pagination": {"next_page_info": cursor}}


_IDENTIFIERS = ("external_id", "email", "phone_number")


def update_customer(call: Call) -> Answer:
    """``PATCH customers``: create or update, by ``external_id``, else by exactly one of e-mail and phone."""
    given = call.given("customer", CUSTOMER, partial=True)
    for name, value in given.get("custom_properties", {}).items():
        if isinstance(value, dict | list):
            raise Refusal(400, f"custom_properties.{name} must be a single value")
    named = [name for name in _IDENTIFIERS if name in given]
    if "external_id" not in given and len(named) != 1:
        raise Refusal(400, "external_id is required, or exactly one of email and phone_number")
    known = call.records.select("customer", None, hidden=True)
    record = next((each for each in known if each.get(named[0]) == given[named[0]]), None)
    now = call.records.now()
    if record is None:
        number = call.records.new_id()
        made = {"yotpo_id": number, "created_at": now, "updated_at": now, "_id": number}
        call.records.add("customer", given | made, lag=call.records.switches["yotpo.customer_lag"])
    else:
        call.records.save("customer", merged(record, given) | {"updated_at": now})
    return call.patched()


def list_customers(call: Call) -> Answer:
    """``GET customers``."""
    window = call.window("customers", "external_ids", "email", "phone_number")
    found = call.records.select("customer", None)
    if (wanted := window.external_ids()) is not None:
        found = [each for each in found if each.get("external_id") in wanted]
    for name in ("email", "phone_number"):
        if name in window.filters:
            found = [each for each in found if each.get(name) == window.filters[name]]
    page, cursor = window.cut(found)
    return 200, {"customers": [shown(each) for each in page], "pagination": ended(cursor)}
