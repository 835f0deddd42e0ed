"""Personal values of records, masked by an allow list: a field that nobody thought of stays hidden."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_partners.observability.report.model import MASK

__all__ = ["mask_record"]

_OPEN_FIELDS = frozenset(
    """
    id ids legacyresourceid external_id externalid yotpo_id order_id orderid product_id productid variant_id variantid
    line_item_id fulfillment_id customer_id customerid shop_id store_id organization_id campaign_id voucher_id sku
    external_order_id external_product_id external_customer_id group_name
    kind action type typename status state order_status payment_status payment_method fulfillment_status
    displayfinancialstatus displayfulfillmentstatus financial_status support_status shipment_status
    reason rule source resource account shop category object event topic scope method level
    suppressed changed notes changes rejected request_id
    currency currency_code currencycode presentmentcurrencycode shopcurrencycode iso_code
    created_at updated_at createdat updatedat processed_at processedat cancelled_at cancelledat closed_at closedat
    order_date fulfillment_date date since until window occurredat expires_at deleted_at
    landing_site_path channel platform version versions
    title vendor product_type producttype handle returnstatus sourcename paymentgatewaynames result cancelreason
    """.split()  # noqa: SIM905 - many short words
)
"""Fields whose text says nothing about a person. ``title`` is that of a product or line item."""

_PERSONAL_FIELDS = re.compile(
    r"customer(?!_?id)|client|person|recipient|owner|address|phone|mail|(first|last|full|middle|company)_?name"
    r"|zip|postal|city|street|province|latitude|longitude|^lat$|^lng$|^ip|_ip$|browser|user_?agent|birth|gender"
    r"|^note$|note_?attributes|card|iban|tax_?id|token|password|secret",
    re.IGNORECASE,
)
"""Fields with personal values at any depth below them, whatever their type."""

_SAFE_TEXT = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ][\d:.]+(Z|[+-]\d{2}:?\d{2})?)?"  # a date or a timestamp
    r"|gid://[\w/.-]+"  # an id of Shopify
    r"|([a-z]{1,6}_)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # a UUID, as Yofi's ids
    r"|-?\d{1,9}\.\d{1,4}"  # an amount
    r"|#[\w-]{1,20}"  # the name of an order, such as #1001
)
_CHANGE = {"name", "before", "after"}
"""The keys of a changed value in a dataset of outcomes."""

_ADDRESS = re.compile(r"(?<![^\s@<>\"'])[^\s@<>\"']++@[^\s@<>\"']+\.[^\s@<>\"']+")
_PHONE = re.compile(r"\+\d[\d\s().-]{6,}\d")


def mask_record(value: Any, field: str = "", *, personal: bool = False) -> Any:
    """Return a record with its personal values masked. Keys, numbers, ids, states and times stay.

    :param field: the key that the value stands under
    :param personal: True below a field that is personal as a whole
    """
    if isinstance(value, dict):
        if value.keys() == _CHANGE:
            return _mask_change(value, personal=personal)
        return {
            key: mask_record(part, key, personal=personal or bool(_PERSONAL_FIELDS.search(key)))
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [mask_record(part, field, personal=personal) for part in value]
    if value is None or isinstance(value, bool):
        return value
    if personal:
        return value if _is_id(field, value) else MASK
    if isinstance(value, int | float):
        return value
    return _mask_text(str(value), field)


def _mask_change(change: dict[str, Any], *, personal: bool) -> dict[str, Any]:
    """Return the change of a field, whose name is a path, such as ``customer.email``."""
    path = str(change["name"])
    personal = personal or any(_PERSONAL_FIELDS.search(part) for part in path.split("."))
    field = path.rpartition(".")[2].partition("[")[0]
    masked = {key: mask_record(change[key], field, personal=personal) for key in ("before", "after")}
    return {"name": path, **masked}


def _mask_text(text: str, field: str) -> str:
    if field.lower() in _OPEN_FIELDS or _SAFE_TEXT.fullmatch(text):
        return _PHONE.sub(MASK, _ADDRESS.sub(MASK, text))
    return MASK if text else text


def _is_id(field: str, value: Any) -> bool:
    """Return True for the id of a person or an address: it leads to the record, and says nothing by itself."""
    return field.lower() in {"id", "external_id", "legacyresourceid"} and bool(
        re.fullmatch(r"\d{1,20}|gid://[\w/.-]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(value))
    )
