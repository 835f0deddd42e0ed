"""Timestamps in Shopify's records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import timestamps
from airflow_provider_partners.exceptions import UnexpectedResponseError

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_partners.records import Record


def record_timestamp(record: Record, field: str) -> datetime:
    """Return the timestamp in a field of a record, aware and in UTC.

    :raises UnexpectedResponseError: if the field holds no timestamp
    """
    timestamp = timestamps.try_parse(record[field])
    if timestamp is None:
        message = f"Shopify returned {str(record[field])[:40]!r} as '{field}', which is not a timestamp"
        raise UnexpectedResponseError(message)
    return timestamp
