"""Read a dataset: only the parts that its manifest lists, each checked against its hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.arguments import check_dataset, check_ids
from airflow_provider_partners.datasets.manifest import verify_manifest
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record


def read_dataset(reference: DatasetRef | Mapping[str, Any]) -> Iterator[Record]:
    """Yield the records of a dataset in the order they were written, with one part in memory at a time.

    :param reference: output of the task that wrote the dataset
    :raises DatasetError: when the dataset is not readable here, is unfinished, or differs from its reference
    """
    ref = DatasetRef.from_dict(reference)
    folder = DatasetFolder(ref.uri)
    for part in verify_manifest(ref)["parts"]:
        yield from folder.read_records(part)


def read_column(reference: DatasetRef | Mapping[str, Any], field: str) -> Iterator[str]:
    """Yield one field of every record that has it, as text, each value once.

    :param reference: output of the task that wrote the dataset
    :param field: the field's name; dots lead into nested objects (``customer.legacyResourceId``)
    """
    seen: set[str] = set()
    for record in read_dataset(reference):
        value = get_path(record, field)
        if value is not None and (text := str(value)) not in seen:
            seen.add(text)
            yield text


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
    check_dataset(f"{name}['dataset']", values["dataset"])
    return list(read_column(values["dataset"], values["field"]))
