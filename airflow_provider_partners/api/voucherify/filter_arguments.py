"""The argument ``filters`` of operators and sensors: the API's mapping, a template's text, or a ``Filter``.

Importing this module costs a Dag file little.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_partners.arguments import check_mapping, parse_structure
from airflow_provider_partners.windows import is_given

__all__ = ["FilterArgument", "check_filters", "filters_as_json"]


def check_filters(name: str, value: Any) -> None:
    """Refuse what is no filter; see :func:`filters_as_json`."""
    filters = filters_as_json(value)
    if filters is not None:
        check_mapping(name, filters)


class FilterArgument:
    """Stores a ``Filter`` as the API's mapping, so that Airflow renders the templates in it; any other value unchanged.

    A constructor only assigns its arguments, by Airflow's rules for operators. So the attribute converts::

        filters = FilterArgument()
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        try:
            return vars(instance)[self._name]
        except KeyError:
            raise AttributeError(self._name) from None

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self._name] = _unpack(value)


def _unpack(value: Any) -> Any:
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
    return _unpack(value)
