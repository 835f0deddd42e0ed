"""The argument ``filters`` of operators and sensors: the API's mapping, a template's text, or a ``Filter``.

Importing this module costs a Dag file little.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_partners.arguments import check_mapping, parse_structure
from airflow_provider_partners.windows import is_given

__all__ = ["check_filters", "filters_as_json", "unpack_filter"]


def check_filters(name: str, value: Any) -> None:
    """Refuse what is no filter; see :func:`filters_as_json`."""
    filters = filters_as_json(value)
    if filters is not None:
        check_mapping(name, filters)


def unpack_filter(value: Any) -> Any:
    """Return a ``Filter`` as the API's mapping, so that Airflow renders the templates in it; any other value unchanged.

    :param value: an operator's argument, not rendered yet
    """
    if not hasattr(value, "conditions"):
        return value
    from airflow_provider_partners.api.voucherify.filters import to_json

    return to_json(value)


def filters_as_json(value: Any) -> Any:
    """Return a filter as the API's mapping; ``None`` if there is none.

    :param value: the mapping, its text, or a :class:`~airflow_provider_partners.api.voucherify.filters.Filter`
    """
    if isinstance(value, str):
        return parse_structure(value) if is_given(value) else None
    return unpack_filter(value)
