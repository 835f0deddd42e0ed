"""The argument ``filters`` of operators and sensors: the API's mapping, a template's text, or a ``Filter``.

Importing this module costs a Dag file little.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_partners.arguments import check_mapping, parse_structure
from airflow_provider_partners.windows import is_given

__all__ = ["check_filters", "filters_as_json"]


def check_filters(name: str, value: Any) -> None:
    """Refuse what is no filter; see :func:`filters_as_json`."""
    filters = filters_as_json(value)
    if filters is not None:
        check_mapping(name, filters)


def filters_as_json(value: Any) -> Any:
    """Return a filter as the API's mapping; ``None`` if there is none.

    :param value: the mapping, its text, or a :class:`~airflow_provider_partners.api.voucherify.filters.Filter`
    """
    if not isinstance(value, str) and hasattr(value, "conditions"):
        from airflow_provider_partners.api.voucherify.filters import to_json

        return to_json(value)
    if isinstance(value, str):
        return parse_structure(value) if is_given(value) else None
    return value
