"""Base class of the operators that store records: format, personal data, added columns, and the least number.

Knows no partner. :mod:`airflow_provider_partners.datasets.record_shape` changes the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners._compat import BaseHook
from airflow_provider_partners.arguments import (
    Check,
    check_count,
    check_keys,
    check_name,
    check_names,
    parse_bool,
    parse_structure,
)
from airflow_provider_partners.datasets.record_shape import DEFAULT_COLUMNS, RecordShape, StorageOptions
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError
from airflow_provider_partners.hooks.lookups import find_connection
from airflow_provider_partners.operators.base import PartnerOperator

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.reference import DatasetRef

_STORED_ARGUMENTS = (
    "format",
    "nested",
    "on_new_fields",
    "drop",
    "hash",
    "hash_conn_id",
    "add_columns",
    "min_records",
)


def check_added(name: str, value: Any) -> None:
    """Refuse what is neither a flag nor a dict of names."""
    value = parse_structure(value) if isinstance(value, str) else value
    if isinstance(value, Mapping):
        if all(isinstance(each, str) for item in value.items() for each in item):
            return
    elif isinstance(value, bool | str):
        parse_bool(value, name)
        return
    message = f"'{name}' has the type {type(value).__name__}, and True or a dict of column names is needed"
    raise ConfigurationError(message, remedy=f"Write {name}={{'_account': 'account'}}, for example.")


class StoringOperator(PartnerOperator):
    """Stores a partner's records in a dataset.

    :param format: ``jsonl`` (gzipped JSON lines) or ``parquet``, which needs the extra ``parquet``. Parquet has the
        list's declared types, with decimals and times as such (templated)
    :param nested: in Parquet, objects and lists are JSON text (``json``) or Arrow's own structures (``struct``). The
        structures follow from the records, so they may differ between runs (templated)
    :param on_new_fields: a field that the list does not declare is kept (``ignore``), kept and logged (``warn``), or
        fails the task (``fail``) (templated)
    :param drop: fields to leave out, as dotted paths such as ``customer.firstName``. A path leads through lists. No
        dropped value is stored anywhere (templated)
    :param hash: fields to replace by their HMAC-SHA256, as dotted paths. Equal values have equal hashes, also as number
        and text; ``None`` stays ``None`` (templated)
    :param hash_conn_id: id of the connection whose password is the key of the hashes (templated)
    :param add_columns: ``True`` adds ``_account``, ``_extracted_at``, ``_since`` and ``_until`` to each record. A dict
        chooses names, such as ``{"shop": "account"}``; the values are ``account``, ``read_at``, ``since`` and
        ``until``. With ``read_at``, each run publishes a changed dataset to ``uri``, since the time differs (templated)
    :param min_records: fewer records than this fail the task, and nothing is published. A retry reads the list again
        (templated)
    """

    template_fields: Sequence[str] = _STORED_ARGUMENTS
    template_fields_renderers: ClassVar[dict[str, str]] = dict.fromkeys(("drop", "hash", "add_columns"), "json")
    argument_checks: ClassVar[Mapping[str, Check]] = {
        "format": check_name,
        "nested": check_name,
        "on_new_fields": check_name,
        "drop": check_keys,
        "hash": check_keys,
        "hash_conn_id": check_name,
        "add_columns": check_added,
        "min_records": check_count,
    }

    def __init__(
        self,
        *,
        format: str = "jsonl",  # noqa: A002 - the word of Dag authors
        nested: str = "json",
        on_new_fields: str = "ignore",
        drop: Sequence[str] | str | None = None,
        hash: Sequence[str] | str | None = None,  # noqa: A002 - beside 'drop'
        hash_conn_id: str | None = None,
        add_columns: bool | Mapping[str, str] | str | None = None,
        min_records: int | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.format = format
        self.nested = nested
        self.on_new_fields = on_new_fields
        self.drop: Any = drop
        self.hash: Any = hash
        self.hash_conn_id = hash_conn_id
        self.add_columns: Any = add_columns
        self.min_records: Any = min_records

    def storage_options(self) -> StorageOptions:
        """Return how the records are stored.

        :raises ConfigurationError: when an argument is wrong, or the connection has no key
        """
        hashed = check_names("hash", self.hash or ())
        shape = RecordShape(
            drop=check_names("drop", self.drop or ()),
            hash=hashed,
            key=self._hash_key() if hashed else b"",
            added=self._added_columns(),
        )
        return StorageOptions(format=self.format, nested=self.nested, on_new_fields=self.on_new_fields, shape=shape)

    def _hash_key(self) -> bytes:
        if not self.hash_conn_id:
            message = "'hash' needs a key, and 'hash_conn_id' is not set"
            remedy = "Set it to a connection of type 'generic' whose password is the key."
            raise ConfigurationError(message, remedy=remedy)
        connection = find_connection(BaseHook.get_connection, self.hash_conn_id, conn_type="generic")
        if not connection.password:
            message = f"The connection '{self.hash_conn_id}' has no password, which is the key of 'hash'"
            raise ConfigurationError(message, remedy="Set its password to a long random text, and never change it.")
        return str(connection.password).encode()

    def _added_columns(self) -> Mapping[str, str]:
        added = parse_structure(self.add_columns) if isinstance(self.add_columns, str) else self.add_columns
        if isinstance(added, Mapping):
            return dict(added)
        return DEFAULT_COLUMNS if parse_bool(added, "add_columns") else {}

    def require_min_records(self, reference: DatasetRef) -> None:
        """Fail the task if its dataset has too few records. The dataset is removed, so that a retry reads again.

        :param reference: the dataset in the folder of the task's run
        :raises DatasetError: when it has fewer records than ``min_records``
        """
        if self.min_records is None or reference.records >= self.min_records:
            return
        DatasetFolder(reference.uri).remove_all()
        account = f" of {reference.account}" if reference.account else ""
        message = (
            f"{reference.source} {reference.resource}{account} has {reference.records} records, and 'min_records' is "
            f"{self.min_records}"
        )
        raise DatasetError(message, remedy="Look at the partner's side, or lower 'min_records'; a retry reads again.")

    def record_dataset(self, resource: str, reference: DatasetRef) -> None:
        """Record a list that was read to its end, and its dataset. Metrics count the records of this try alone.

        :param resource: the list
        :param reference: the dataset where it belongs
        """
        self.activity.set_datasets_written(reference)
        self.activity.set_list_read(resource, reference.records)
        self.activity.records = reference.records - int(reference.extra.get("resumed", 0))
