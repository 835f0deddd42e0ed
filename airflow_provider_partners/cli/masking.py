"""Masks what is personal in a partner's records before they are printed.

A value is personal by its field (``email``, ``lastName``), by the object it is in (a customer, an address), by the list
it is read from (customers, reviews), or by its form (an e-mail address or a telephone number inside of any text). Ids,
times, amounts and flags stay readable, so that records remain useful. Free text by customers counts as personal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["MASK", "is_personal_list", "mask_at", "mask_personal_data"]

MASK = "•••"

_FIELDS = frozenset({
    *("email", "phone", "phonenumber", "mobile", "firstname", "lastname", "fullname", "displayname", "middlename"),
    *("customername", "customerfirstname", "customerlastname", "customeremail", "customerphone", "recipient"),
    *("address", "address1", "address2", "street", "line1", "line2", "city", "zip", "zipcode", "postalcode"),
    *("postcode", "latitude", "longitude", "formattedaddress", "formatted", "formattedarea", "company"),
    *("birthdate", "birthday", "dateofbirth", "gender", "sex", "clientip", "ip", "ipaddress", "useragent"),
    *("trackingnumber", "trackingnumbers", "trackingurl", "trackinginfo", "checkouttoken", "userreference"),
    *("note", "notes", "customernote", "comment", "customattributes", "noteattributes", "feedback"),
    *("abandonedcheckouturl", "statuspageurl", "signature", "avatar", "image_owner", "taxnumber", "vatnumber"),
})
"""Personal wherever they are, written without case, dashes and underscores."""

_OBJECTS = frozenset({
    *("customer", "customers", "holder", "referrer", "user", "buyer", "contact", "purchasingentity", "reviewer"),
    *("billingaddress", "shippingaddress", "defaultaddress", "displayaddress", "addresses", "destination"),
})
"""Objects in which each text is personal, except for the fields of :data:`_PLAIN`."""

_PLAIN = frozenset({
    *("id", "legacyresourceid", "gid", "externalid", "yotpoid", "sourceid", "entityid", "customerid", "orderid"),
    *("appid", "organizationid", "type", "typename", "object", "status", "kind", "tags", "currency"),
    *("currencycode", "countrycode", "countrycodev2", "locale", "createdat", "updatedat", "date", "score", "sku"),
    *("predictioncategory", "severity", "modelname", "modelversion", "predictiontitle", "reviewertype"),
    *("defaultlanguage", "defaultcurrency", "accountstatus", "accountcreatedat"),
})
"""Fields of such objects that name no person."""

_PLAIN_ENDS = ("id", "at", "date")

_PERSONAL_LISTS = re.compile(
    r"customers?$|members?$|reviews$|unsubscribers$|abandoned_checkouts$|messages$|conversations$"
)
_EMAIL = re.compile(r"(?<![^\s@<>\"'])[^\s@<>\"']++@[^\s@<>\"']+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"\+\d[\d\s().-]{6,}\d")


def is_personal_list(resource: str) -> bool:
    """Return True if each record of a list is a person's.

    :param resource: the name of the list
    """
    return bool(_PERSONAL_LISTS.search(resource))


def mask_personal_data(value: Any, *, is_personal: bool = False) -> Any:
    """Return a copy of a JSON value without personal data.

    :param is_personal: each text in it is personal, except for ids and such
    """
    if isinstance(value, Mapping):
        return {name: _mask_field(_normalize(str(name)), part, is_personal) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [mask_personal_data(part, is_personal=is_personal) for part in value]
    if isinstance(value, str):
        return MASK if is_personal and value else _PHONE.sub(MASK, _EMAIL.sub(MASK, value))
    return value


def mask_at(path: str, value: Any) -> Any:
    """Return the value of one field of a record without personal data.

    :param path: dotted path of the field, such as ``customer.first_name`` or ``line_items[81].quantity``
    """
    first, *names = re.sub(r"\[[^]]*\]", "", path).split(".")
    for name in reversed(names):
        value = {name: value}
    masked = _mask_field(_normalize(first), value, is_personal=False)
    for name in names:
        if not isinstance(masked, Mapping):
            return masked
        masked = masked[name]
    return masked


def _mask_field(name: str, value: Any, is_personal: bool) -> Any:
    if name in _FIELDS:
        return MASK if value not in (None, "", [], {}) else value
    if name in _OBJECTS:
        return mask_personal_data(value, is_personal=True)
    if is_personal and (name in _PLAIN or name.endswith(_PLAIN_ENDS)) and not isinstance(value, Mapping | list):
        return mask_personal_data(value)
    return mask_personal_data(value, is_personal=is_personal)


def _normalize(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
