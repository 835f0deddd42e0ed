"""The ids that a task reads or waits for: written out, or a column of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_partners.arguments import check_ids
from airflow_provider_partners.datasets.reader import unique_values
from airflow_provider_partners.datasets.source import parse_source
from airflow_provider_partners.exceptions import ConfigurationError


def resolve_match(match: Any) -> dict[str, list[str]]:
    """Return the ids of an operator's or sensor's ``match``, by field.

    :param match: maps each field to a list of ids, or to ``{"dataset": …, "field": …}``
    :raises ConfigurationError: when it is something else
    """
    if not isinstance(match, Mapping):
        message = f"'match' is a {type(match).__name__}, and a field with its ids is needed"
        raise ConfigurationError(message, remedy="Write {'order_id': ['1', '2']}, for example.")
    return {str(field): resolve_ids(f"match['{field}']", values) for field, values in match.items()}


def resolve_ids(name: str, values: Any) -> list[str]:
    """Return the ids that an argument holds, each once.

    :param name: the argument's name, for errors
    :param values: a list of ids, or ``{"dataset": …, "field": …}`` for a column of a dataset
    :raises ConfigurationError: when it is neither
    """
    if not isinstance(values, Mapping):
        return check_ids(name, values)
    if set(values) != {"dataset", "field"}:
        message = f"'{name}' has the keys {', '.join(map(str, values)) or 'none'}"
        remedy = "Write a list, or {'dataset': an extract operator's output, 'field': a column of it}."
        raise ConfigurationError(message, remedy=remedy)
    return list(unique_values(parse_source(f"{name}['dataset']", values["dataset"]).read(), values["field"]))
