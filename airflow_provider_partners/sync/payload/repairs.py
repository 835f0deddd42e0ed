"""Repair values whose type is wrong and whose meaning is not: what Yotpo takes is the same value, without loss.

A value that can't be repaired stays as it is, and the model's own check refuses it.

- A number where a text belongs: ``1001`` becomes ``"1001"``. An id has no outer blanks, as Shopify's have none.
- A text or a decimal where a number belongs: ``"10.5"`` becomes ``10.5``, if no digit is lost.
- A time with an offset, or without a zone (which is UTC): ``2024-05-01T10:20:30Z``. Fractions of a second are cut.
- A date becomes midnight UTC.
- ``"true"``, ``"FALSE"``, ``1`` and ``"0"`` where a boolean belongs become ``True`` or ``False``.
- Yotpo's own words and codes get its spelling: ``paid`` for ``"PAID"``, ``cancelled`` for ``canceled``, ``EUR``.
- A telephone number with its country code, in any spelling, becomes E.164.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from airflow_provider_partners.records import repair_text
from airflow_provider_partners.sync.values import E164, exact_number, format_utc, phone, to_decimal

MAX_SAFE_INTEGER = 2**53
"""Above it, a double doesn't hold every whole number."""

_FLAGS = {"true": True, "false": False, "1": True, "0": False}

SPELLINGS: Mapping[str, str] = {"canceled": "cancelled"}
"""Yotpo's pages spell the status in both ways, and take the second
(https://core-api.yotpo.com/reference/order-fulfillments)."""


def to_text(value: Any) -> Any:
    """Return a text for a text or a number."""
    if type(value) is str and value.isascii() and "\x00" not in value:
        return value
    if isinstance(value, str):
        # NUL and halves of surrogate pairs are valid in JSON, and no database takes them.
        return repair_text(value.replace("\x00", ""))
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            return value
        whole = to_integer(value)
        return str(whole) if isinstance(whole, int) else str(value)
    return str(value) if abs(value) < 10**40 else value


def to_id(value: Any) -> Any:
    """Return an id as text, without outer blanks."""
    text = to_text(value)
    return text.strip() if isinstance(text, str) else text


def to_flag(value: Any) -> Any:
    """Return a boolean for the texts true, false, 1 and 0, and for the numbers 1 and 0."""
    if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)[:9]) < 9:
        return _FLAGS.get(str(value).strip().lower(), value)
    return value


def to_amount(value: Any) -> Any:
    """Return a float that holds every digit of a text, a decimal or a whole number."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return value
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and ("_" in text or not text.isascii() or len(text) > 40):
        return value  # Python takes 1_000, and digits of every script.
    if isinstance(text, int) and abs(text) > MAX_SAFE_INTEGER:
        return str(text)[:40]
    exact = to_decimal(text) if not (isinstance(text, Decimal) and not text.is_finite()) else None
    number = value if exact is None else exact_number(exact)
    if isinstance(number, int) and abs(number) > MAX_SAFE_INTEGER:
        return str(number)
    return float(number) if isinstance(number, int | float) else number


def to_integer(value: Any) -> Any:
    """Return a whole number for a text, a decimal or a float that is one."""
    if isinstance(value, bool) or not isinstance(value, str | float | Decimal):
        return value
    number = to_amount(value) if isinstance(value, str) else value
    if isinstance(number, str) or not math.isfinite(number):
        return value
    return int(number) if number == int(number) and abs(number) <= MAX_SAFE_INTEGER else value


def to_timestamp(value: Any) -> Any:
    """Return a time as Yotpo takes it."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    return format_utc(value) or (value.isoformat() if isinstance(value, datetime) else value)


def to_word(value: Any) -> Any:
    """Return one of Yotpo's own words in its spelling."""
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    return SPELLINGS.get(word, word)


def to_code(value: Any) -> Any:
    """Return a code in capital letters."""
    return value.strip().upper() if isinstance(value, str) else value


def to_language(value: Any) -> Any:
    """Return a language's code in small letters."""
    return value.strip().lower() if isinstance(value, str) else value


def to_phone(value: Any) -> Any:
    """Return a telephone number in E.164 form, if it has its country code."""
    if isinstance(value, str) and E164.fullmatch(value):
        return value
    return (phone(value[:100]) if isinstance(value, str) else None) or value


def to_scalar(value: Any) -> Any:
    """Return a custom property's value: a text, a boolean, or a number that JSON can hold."""
    if isinstance(value, datetime | date):
        return to_timestamp(value)
    if isinstance(value, Decimal):
        return to_amount(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_SAFE_INTEGER:
        return to_text(value)
    return repair_text(value.replace("\x00", "")) if isinstance(value, str) else value
