"""Read values out of partners' records, where a field may be missing, null, or longer than the next system accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Any
from urllib.parse import quote

from airflow_provider_partners import timestamps
from airflow_provider_partners.records import Record, get_path, parse_json, repair_text

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
"""A telephone number as Yotpo takes it. ``\\d`` would match the digits of every script."""

CONSTANT_PREFIX = "constant:"

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_RESERVED = ":/?#[]@!$&'()*+,;="
_KEPT = f"{_RESERVED}%"
_PLAIN_URL = re.compile(rf"[A-Za-z0-9._~{re.escape(_RESERVED)}-]*")
"""A URL without any character that would be encoded, which is what most are."""

_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

MAX_EXPONENT = 30
"""Amounts and counts have fewer digits than this before the decimal point, and after it."""

_LARGE = 10**MAX_EXPONENT


def items(value: Any) -> list[Record]:
    """Return the records of a list, or of GraphQL's connection shape (``nodes`` or ``edges``)."""
    if value is None:
        return []
    if type(value) is not list and isinstance(value, Mapping):
        value = value.get("nodes") or [get_path(edge, "node") for edge in items(value.get("edges"))]
    return [record for record in value if isinstance(record, dict)] if isinstance(value, list | tuple) else []


def text(value: Any, limit: int | None = None) -> str | None:
    """Return a text without outer blanks, cut to its limit; ``None`` when nothing remains.

    :param limit: in characters; only for texts that people read, never for ids
    """
    if value is None:
        return None
    if type(value) is str and value.isascii() and "\x00" not in value:
        cleaned = value.strip()
    elif isinstance(value, bool | Mapping | list):
        return None
    else:
        # NUL and halves of surrogate pairs are valid in JSON, and many databases refuse them.
        cleaned = repair_text(str(value).replace("\x00", "")).strip()
    return (cleaned[:limit].rstrip() if limit and len(cleaned) > limit else cleaned) or None


def text_within_limit(value: Any, limit: int) -> str | None:
    """Return a text, ``None`` when it is too long. For texts that are useless when cut, such as URLs and e-mails."""
    complete = text(value)
    return complete if complete and len(complete) <= limit else None


def shopify_id(record: Any) -> str | None:
    """Return a Shopify object's id as merchants know it: ``legacyResourceId``, else the end of its global id."""
    if type(record) is not dict and (record is None or not isinstance(record, Mapping)):
        return None
    return text(record.get("legacyResourceId")) or id_tail(record.get("id"))


def id_tail(value: Any) -> str | None:
    """Return the last part of a global id such as ``gid://shopify/Order/1001``; any other id unchanged."""
    id_ = text(value)
    return id_.rsplit("/", 1)[-1].partition("?")[0] or None if id_ else None


def percent_encoded(value: Any, limit: int) -> str | None:
    """Return a URL with every character that RFC 3986 doesn't allow percent-encoded, ``None`` when it is too long.

    What is percent-encoded already stays as it is.
    """
    written = text(value)
    if not written:
        return None
    # `quote` keeps letters, digits and "-._~" by itself.
    encoded = written if _PLAIN_URL.fullmatch(written) else quote(_STRAY_PERCENT.sub("%25", written), safe=_KEPT)
    return encoded if len(encoded) <= limit else None


def phone(value: Any) -> str | None:
    """Return a telephone number in E.164 form, ``None`` for anything else.

    Punctuation, the digits of every script, a trunk prefix and a leading ``00`` are understood. A number without a
    country code gives ``None``: to guess the country may give a wrong number. So does a number of a length that its
    country doesn't have.
    """
    if value is None or (type(value) is str and _is_complete(value)):
        return value
    written = _INVISIBLE.sub("", text(value) or "")
    # Letters are rarely a number: "call me", or the name of an extension.
    if not written or any(char.isalpha() for char in written):
        return None
    return _e164(f"+{written[2:]}" if written.startswith("00") else written)


def _is_complete(written: str) -> bool:
    """Return True if :func:`_e164` would return the number as it is, because its parser would change no digit.

    That is a number with a country's code, no national prefix after it, and one of the lengths that the country has.
    """
    if not E164.fullmatch(written):
        return False
    for end in (2, 3, 4):
        if rules := _number_rules(written[1:end]):
            lengths, national_prefix = rules
            return len(written) - end in lengths and not (national_prefix and national_prefix.match(written, end))
    return False


@cache
def _number_rules(code: str) -> tuple[frozenset[int], re.Pattern[str] | None] | None:
    """Return the lengths of the numbers of a country, and its national prefix; ``None`` if no country has the code."""
    import phonenumbers

    if int(code) not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        return None
    region = phonenumbers.region_code_for_country_code(int(code))
    metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    description = metadata.general_desc
    prefix = metadata.national_prefix_for_parsing
    lengths = frozenset(description.possible_length) - frozenset(description.possible_length_local_only)
    return lengths, re.compile(prefix) if prefix else None


@lru_cache(maxsize=256)
def _e164(written: str) -> str | None:
    """Return a number in E.164 form. An order often has one number at its customer and both addresses."""
    # Imported here, because only this function needs its tables of every country.
    import phonenumbers

    try:
        number = phonenumbers.parse(written, None)
    except phonenumbers.NumberParseException:
        return None
    # Not `is_valid_number`: numbering plans change, and then the library refuses real numbers until it is updated.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return formatted if E164.fullmatch(formatted) else None


def to_decimal(value: Any) -> Decimal | None:
    """Return an amount as Shopify writes it (a text such as ``"7.25"``), ``None`` for anything else."""
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    # A number such as 1E+9999999 is short, but takes minutes to calculate with.
    return amount if amount.is_finite() and abs(amount.adjusted()) <= MAX_EXPONENT else None


def exact_number(value: Decimal) -> int | float | str:
    """Return the number of a decimal; its text if a float would lose a digit, or JSON has no such number."""
    if not value.is_finite():
        return str(value)
    whole = value == value.to_integral_value()
    number = int(value) if whole and abs(value.adjusted()) <= MAX_EXPONENT else float(value)
    return number if Decimal(repr(number)) == value else str(value)


def same_value(left: Any, right: Any, name: str = "") -> bool:
    """Return True if two cells of a table mean the same: ``10.5`` and ``"10.50"``, or two spellings of a time.

    :param name: the property that they are for
    """
    if left == right or str(left).strip() == str(right).strip():
        return True
    if name.endswith(("_date", "_at")):
        return format_utc(left) is not None and format_utc(left) == format_utc(right)
    numbers = [to_decimal(value) if not isinstance(value, bool) else None for value in (left, right)]
    return numbers[0] is not None and numbers[0] == numbers[1] and not name.endswith("_id")


def to_count(value: Any) -> int:
    """Return a count, 0 for anything else."""
    if type(value) is int and -_LARGE < value < _LARGE:
        return value
    amount = to_decimal(value) if not isinstance(value, bool) else None
    return int(amount) if amount is not None else 0


def format_utc(value: Any) -> str | None:
    """Return a timestamp as Yotpo takes it, such as ``2024-05-01T10:20:30Z``; ``None`` for anything else."""
    return _format_text(value) if type(value) is str else _format(value)


def _format(value: Any) -> str | None:
    timestamp = timestamps.try_parse(value)
    # Yotpo takes four digits of the year.
    return timestamps.isoformat(timestamp, "seconds") if timestamp and timestamp.year >= 1000 else None


# A timestamp is formatted once, and twice more by the check of the payload that has it.
_format_text = lru_cache(maxsize=256)(_format)


def decode_json(value: Any) -> Any:
    """Return the value of a JSON text, and any other value unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError:
        return value


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that a mapping gives itself, in place of a path or a column."""

    value: Any


def read_constant(source: Any) -> Constant | None:
    """Return the constant that a source of a mapping stands for; ``None`` if it names a place.

    >>> read_constant("constant:web"), read_constant({"value": "web"}), read_constant("web")
    (Constant(value='web'), Constant(value='web'), None)
    """
    if isinstance(source, Mapping) and set(source) == {"value"}:
        return Constant(source["value"])
    if isinstance(source, str) and source.startswith(CONSTANT_PREFIX):
        return Constant(source.removeprefix(CONSTANT_PREFIX))
    return None
