"""Custom properties: the documented keys with their types, and keys of the merchant's own.

Source: the tables at https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments and
https://core-api.yotpo.com/reference/products.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, get_type_hints

from pydantic import BeforeValidator, ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema
from typing_extensions import TypedDict

from airflow_provider_partners.sync.payload import clean
from airflow_provider_partners.sync.payload.base import CountryCode, Flag, Phone, Scalar, Text, Text64, broken_rule
from airflow_provider_partners.sync.payload.repairs import MAX_SAFE_INTEGER, to_scalar

__all__ = ["MAX_CUSTOM_PROPERTIES", "LineProperties", "OrderProperties", "OwnProperties", "ProductProperties"]

MAX_CUSTOM_PROPERTIES = 100

_CONFIG = ConfigDict(extra="allow", strict=True)


class _Order(TypedDict, total=False):
    __pydantic_config__ = _CONFIG  # type: ignore[misc]

    suppress_review_request: Flag
    coupon_used: Flag
    delivery_type: Text
    customer_state: Text64
    customer_country: CountryCode
    customer_address: Text
    customer_phonenumber: Phone
    custom: Text


class _Line(TypedDict, total=False):
    __pydantic_config__ = _CONFIG  # type: ignore[misc]

    suppress_review_request: Flag
    coupon_used: Flag
    color: Text
    size: Text
    vendor: Text
    material: Text
    model: Text
    custom: Text


class _Product(TypedDict, total=False):
    __pydantic_config__ = _CONFIG  # type: ignore[misc]

    is_blocklisted: Flag
    review_form_tag: Text


class _Own(TypedDict, total=False):
    __pydantic_config__ = _CONFIG  # type: ignore[misc]


class _Documented:
    """Checks a dict of custom properties by the documented keys. Other keys hold any single value."""

    def __init__(self, keys: type) -> None:
        self._keys = keys

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(self._keys)


_scalar: TypeAdapter[Any] = TypeAdapter(Scalar, config=ConfigDict(strict=True, hide_input_in_errors=True))


def _single_values(value: Any) -> Any:
    """Return the properties that are given, with repaired values."""
    if not isinstance(value, Mapping):
        return value
    given = {name: content for name, content in value.items() if content is not None and content != ""}
    if len(given) > MAX_CUSTOM_PROPERTIES:
        message = f"has more than {MAX_CUSTOM_PROPERTIES} properties"
        raise ValueError(message)
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name, content in given.items():
        try:
            values[str(_single_value(name))] = _single_value(content)
        except ValidationError:
            wrong.append(str(name)[:64])
        else:
            if not isinstance(name, str) or not name:
                wrong.append(str(name)[:64])
    if wrong:
        message = "must be texts, numbers or booleans with a name each: {values}"
        raise broken_rule(message, wrong[:5])
    return values


def _single_value(value: Any) -> Any:
    """Return a repaired value.

    :raises ValidationError: when it is no text, number or boolean
    """
    # Any text and any boolean is one; most values are.
    return to_scalar(value) if type(value) in _SINGLE else _scalar.validate_python(value)


_SINGLE = frozenset({str, bool})


def _clean(keys: type) -> clean.Clean:
    documented = get_type_hints(keys, include_extras=True)
    return clean.properties(documented, MAX_CUSTOM_PROPERTIES, MAX_SAFE_INTEGER)


OrderProperties = Annotated[dict[str, Any], _Documented(_Order), BeforeValidator(_single_values), _clean(_Order)]
LineProperties = Annotated[dict[str, Any], _Documented(_Line), BeforeValidator(_single_values), _clean(_Line)]
ProductProperties = Annotated[dict[str, Any], _Documented(_Product), BeforeValidator(_single_values), _clean(_Product)]
OwnProperties = Annotated[dict[str, Any], _Documented(_Own), BeforeValidator(_single_values)]
