"""Timestamps in Shopify's records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import timestamps
from airflow_provider_partners.exceptions import UnexpectedResponseError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_partners.records import Record


def record_timestamp(record: Record, field: str) -> datetime:
    """Return the timestamp in a field of a record, aware and in UTC.

    :param field: its dotted path
    :raises UnexpectedResponseError: if the field holds no timestamp
    """
    value = get_path(record, field)
    timestamp = timestamps.try_parse(value)
    if timestamp is None:
        message = f"Shopify returned {str(value)[:40]!r} as '{field}', which is not a timestamp"
        raise UnexpectedResponseError(message)
    return timestamp
