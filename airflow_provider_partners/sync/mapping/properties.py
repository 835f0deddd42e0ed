"""Map custom properties from Shopify's records to Yotpo's, with the types that Yotpo documents.

A value that Yotpo can't take is left out with a note, so a property never costs an order. Notes name the property and
not the value, which may be a customer's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.payload.codes import country_codes
from airflow_provider_partners.sync.property_sources import PROPERTY_TYPES, PropertyMapping, PropertyType
from airflow_provider_partners.sync.values import phone, text

Properties = dict[str, bool | int | float | str]
DifferingLines = Literal["first", "join", "omit"]

TEXT_LIMIT = 255
"""Characters of a value (https://core-api.yotpo.com/reference/working-with-custom-properties)."""

STATE_LIMIT = 64

_ADDRESS_PARTS = ("company", "address1", "address2", "zip", "city", "province", "country")
"""The parts of a Shopify address in one line. The name is not one of them: Yotpo has the customer's name."""

_TWO_LETTERS = re.compile("[A-Za-z]{2}")

_FLAGS: Mapping[str, bool] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def map_properties(mapping: PropertyMapping, record: Any, order: Any, notes: list[str]) -> Properties:
    """Return the custom properties of an order, a line or a product that have a value.

    :param record: of the mapping's level
    :param order: the order it belongs to
    :param notes: collects what was left out
    """
    properties: Properties = {}
    types = PROPERTY_TYPES[mapping.level]
    for name, sources in mapping.sources.items():
        value = None
        for source in sources:
            value = source.read(record, order)
            if value is not None and value != "":
                break
        else:
            continue
        kind = types.get(name)
        converted = _CONVERTERS[kind](value) if kind else _own_value(value)
        if converted is None:
            notes.append(f"the custom property {name} was left out: {_EXPECTED[kind]} is needed")
        else:
            properties[name] = converted
    return properties


def merge_line_properties(of_lines: Sequence[Properties], differing: DifferingLines, notes: list[str]) -> Properties:
    """Return the properties of one product from those of its lines. Yotpo takes one line per product.

    Equal values, and lines without a value, are no difference. A flag is true if that of any line is.

    :param differing: what happens to texts that differ: ``first`` takes the first line's, ``join`` lists all of them,
        ``omit`` leaves the property out
    :param notes: collects the properties that differ
    """
    if len(of_lines) == 1:
        return of_lines[0]
    values: dict[str, list[bool | int | float | str]] = {}
    for properties in of_lines:
        for name, value in properties.items():
            if value not in values.setdefault(name, []):
                values[name].append(value)
    merged: Properties = {}
    for name, different in values.items():
        if len(different) == 1:
            merged[name] = different[0]
            continue
        is_flag = all(isinstance(value, bool) for value in different)
        if is_flag:
            merged[name] = True
        elif differing != "omit":
            merged[name] = different[0] if differing == "first" else _joined(different)
        notes.append(f"lines of one product differ in {name}: {_DIFFERENCE_NOTES['flag' if is_flag else differing]}")
    return merged


_DIFFERENCE_NOTES: Mapping[str, str] = {
    "flag": "true is sent",
    "join": "their values are sent together",
    "first": "the first line's value is sent",
    "omit": "no text of theirs is sent",
}


def _joined(values: Iterable[Any]) -> str:
    """Return values as one text, without a part of one: as many as fit."""
    joined = ""
    for each in dict.fromkeys(str(value) for value in values):
        longer = f"{joined}, {each}" if joined else each[:TEXT_LIMIT]
        if len(longer) > TEXT_LIMIT:
            break
        joined = longer
    return joined


def _single(value: Any) -> Any:
    """Return one value for a list of values; ``None`` for an object."""
    if type(value) is str:
        return value
    if isinstance(value, list | tuple):
        parts = [part for part in value if not isinstance(part, Mapping | list | tuple)]
        return _joined(parts) if parts else None
    return None if isinstance(value, Mapping) else value


def _text(value: Any, limit: int = TEXT_LIMIT) -> str | None:
    single = _single(value)
    return text(str(single).lower() if isinstance(single, bool) else single, limit)


def _own_value(value: Any) -> bool | int | float | str | None:
    """Return the value of a merchant's own property: a boolean or a number stays one."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and math.isfinite(value):
        return value
    return _text(value)


def _flag(value: Any) -> bool | None:
    return _FLAGS.get((_text(value) or "").lower())


def _state(value: Any) -> str | None:
    return _text(value, STATE_LIMIT)


def _country(value: Any) -> str | None:
    """Return a country's two letters, also for its three letters or its English name in ISO 3166.

    Shopify's ``CountryCode`` also has codes that ISO 3166 lacks, such as AC and TA.
    """
    written = _text(value) or ""
    if _TWO_LETTERS.fullmatch(written):
        return written.upper() if written.upper() in country_codes() else None
    # Imported here, because few mappings need the list.
    import pycountry

    try:
        return str(pycountry.countries.lookup(written).alpha_2)
    except LookupError:
        return None


def _address(value: Any) -> str | None:
    """Return an address in one line: a text, the lines of one, or Shopify's address."""
    if not isinstance(value, Mapping):
        return _text(value)
    return _joined_text(text(value.get(part)) for part in _ADDRESS_PARTS)


def _joined_text(parts: Iterable[str | None]) -> str | None:
    return text(", ".join(filter(None, parts)), TEXT_LIMIT)


def _phone(value: Any) -> str | None:
    return phone(_single(value))


_CONVERTERS: Mapping[PropertyType, Callable[[Any], bool | str | None]] = {
    "flag": _flag,
    "text": _text,
    "state": _state,
    "country": _country,
    "phone": _phone,
    "address": _address,
}
_EXPECTED: Mapping[PropertyType | None, str] = {
    "flag": "true or false",
    "text": "a text",
    "state": "a text",
    "country": "a country of ISO 3166",
    "phone": "a telephone number with its country code",
    "address": "an address",
    None: "a text, a number or a boolean",
}


def with_coupon_flag(properties: Properties, mapping: PropertyMapping, used: bool | None) -> Record | None:
    """Return properties with ``coupon_used``, unless the mapping sets it or switches it off.

    :param used: ``None`` when it is unknown
    :returns: ``None`` when there are none
    """
    name = "coupon_used"
    known: Properties = {} if used is None or name in mapping.switched_off else {name: used}
    return {**known, **properties} or None
