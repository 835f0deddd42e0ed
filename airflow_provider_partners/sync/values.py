"""Reading values out of partners' records, where any field may be missing, null or longer than the next system takes.

Knows no partner: paths, texts, ids, numbers, times.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_provider_partners.records import Record, get_path

E164 = re.compile(r"\+[1-9]\d{6,14}")


def items(value: Any) -> list[Record]:
    """The records of a list, also where it still has GraphQL's connection shape (``nodes`` or ``edges``)."""
    if isinstance(value, Mapping):
        value = value.get("nodes") or [edge.get("node") for edge in value.get("edges") or ()]
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list | tuple) else []


def text(value: Any, limit: int | None = None) -> str | None:
    """A text without outer blanks, cut to its limit; None where nothing is left.

    NUL and halves of surrogate pairs are valid in JSON and refused by many databases, so they are taken out.

    :param limit: in characters; only for what is shown, never for what identifies
    """
    if value is None or isinstance(value, bool | Mapping | list):
        return None
    cleaned = str(value).replace("\x00", "")
    if not cleaned.isascii():
        cleaned = cleaned.encode("utf-8", "ignore").decode()
    cleaned = cleaned.strip()
    return (cleaned[:limit].rstrip() if limit else cleaned) or None


def text_within_limit(value: Any, limit: int) -> str | None:
    """A text that makes no sense when cut (an address on the web, an e-mail): None where it is too long."""
    whole = text(value)
    return whole if whole and len(whole) <= limit else None


def shopify_id(record: Any, legacy: str = "legacyResourceId", gid: str = "id") -> str | None:
    """A Shopify object's id as merchants know it: ``legacyResourceId``, else the tail of its global id."""
    return text(get_path(record, legacy)) or id_tail(get_path(record, gid))


def id_tail(value: Any) -> str | None:
    """The last part of a global id such as ``gid://shopify/Order/1001``; other ids as they are."""
    whole = text(value)
    return whole.rsplit("/", 1)[-1].partition("?")[0] or None if whole else None


def phone(value: Any) -> str | None:
    """A telephone number in E.164 form; None where it is none, since a wrong one makes Yotpo refuse the order.

    Punctuation and a leading ``00`` are understood. A number without a country code is left out, not guessed.
    """
    bare = re.sub(r"[\s().\-/\u2010-\u2015]", "", text(value) or "")
    bare = f"+{bare[2:]}" if bare.startswith("00") else bare
    return bare if E164.fullmatch(bare) else None


def to_decimal(value: Any) -> Decimal | None:
    """An amount as Shopify writes it (a text such as ``"7.25"``); None where it is none."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def to_count(value: Any) -> int:
    """A count; 0 where it is none."""
    amount = to_decimal(value) if not isinstance(value, bool) else None
    return int(amount) if amount is not None else 0


def parse_timestamp(value: Any) -> datetime | None:
    """A point in time, from ISO 8601 with or without zone and fractions; without a zone it is UTC.

    Yotpo returns times without a zone, in UTC (recorded live responses).
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        return None


def format_utc(value: Any) -> str | None:
    """A point in time as Yotpo's clients send it: UTC, whole seconds, ``Z``."""
    moment = parse_timestamp(value)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment and moment.year >= 1000 else None


def decode_json(value: Any) -> Any:
    """A value that may have been sent as JSON in a text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
