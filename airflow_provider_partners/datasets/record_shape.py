"""What an extraction changes in each record before it is stored: fields dropped, hashed and added.

The partner's paging, time ranges and filters work on the complete record before. So any field may be dropped or hashed,
also a key or a time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_partners.api.record_types import check_field_path
from airflow_provider_partners.arguments import check_choice, suggest
from airflow_provider_partners.datasets.formats.json_lines import FILE_FORMATS
from airflow_provider_partners.datasets.formats.parquet import NESTED_FORMS, check_pyarrow
from airflow_provider_partners.datasets.schema import Column
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import encode_text

if TYPE_CHECKING:
    from airflow_provider_partners.api.record_types import FieldTypes
    from airflow_provider_partners.datasets.schema import ColumnType
    from airflow_provider_partners.records import Record

__all__ = ["ADDED_VALUES", "DEFAULT_COLUMNS", "RecordShape", "StorageOptions"]

ADDED_VALUES: Mapping[str, ColumnType] = {
    "account": "string",
    "read_at": "timestamp",
    "since": "timestamp",
    "until": "timestamp",
}
"""What an added column may hold, with its type: the shop, store or organization; when the reading began; the window."""

DEFAULT_COLUMNS: Mapping[str, str] = {
    "_account": "account",
    "_extracted_at": "read_at",
    "_since": "since",
    "_until": "until",
}
"""The columns of ``add_columns=True``, and what each holds."""

NEW_FIELDS = ("ignore", "warn", "fail")
"""What happens to a field that is not declared: it is kept in any case, unless the dataset fails."""

PathTree = dict[str, Any]
"""The steps of dotted paths; the last one leads to None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordShape:
    """What is changed in each record. Without arguments, nothing.

    :param drop: dotted paths of fields to leave out; lists are passed through
    :param hash: dotted paths of fields to replace by their HMAC-SHA256 in hexadecimal digits
    :param key: the key of the hashes; needed for ``hash``
    :param added: names of further fields, and what each holds, see :data:`ADDED_VALUES`
    """

    drop: tuple[str, ...] = ()
    hash: tuple[str, ...] = ()
    key: bytes = field(default=b"", repr=False)
    added: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        :raises ConfigurationError: for hashes without a key, an unknown value of an added column, or a path twice
        """
        if self.hash and not self.key:
            message = "'hash' needs a key, and there is none"
            raise ConfigurationError(message, remedy="Set 'hash_conn_id' to a connection whose password is the key.")
        for name, value in self.added.items():
            if value not in ADDED_VALUES:
                message = f"'add_columns' lets '{name}' hold '{value}', which is unknown{suggest(value, ADDED_VALUES)}"
                raise ConfigurationError(message, remedy=f"Use one of: {', '.join(ADDED_VALUES)}.")
        if both := set(self.drop) & set(self.hash):
            message = f"'{min(both)}' is in 'drop' and in 'hash'"
            raise ConfigurationError(message, remedy="Leave it in one of them.")

    @property
    def fingerprint(self) -> str:
        """Identifies the shape, also its key, and reveals no key. Empty when nothing is changed."""
        if not (self.drop or self.hash or self.added):
            return ""
        key = hmac.digest(self.key, b"fingerprint", "sha256").hex() if self.hash else ""
        text = json.dumps([sorted(self.drop), sorted(self.hash), key, dict(self.added)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self, types: FieldTypes, *, requested: str = "", may_be_new: bool = False) -> None:
        """Refuse paths that the list does not have, and added columns that it has already.

        :param types: the declared fields
        :param requested: the request, as text: what a user has named in it may be part of the records
        :param may_be_new: take a path that is like no declared one
        :raises ConfigurationError: when there is one
        """
        for path in self.drop:
            check_field_path("drop", path, types, requested=requested, may_be_new=may_be_new)
        for path in self.hash:
            check_field_path("hash", path, types, requested=requested, may_be_new=may_be_new)
        for name in self.added:
            if name in types:
                message = f"'add_columns' names '{name}', which is a field of this list already"
                raise ConfigurationError(message, remedy="Use another name.")

    def columns(self, types: Mapping[str, str]) -> tuple[Column, ...]:
        """Return the columns of the changed records.

        :param types: the declared column types
        """
        kept = {name: kind for name, kind in types.items() if name not in self.drop}
        hashed = {name: "string" for name in self.hash if kept.get(name, "json") != "json"}
        added = {name: ADDED_VALUES[value] for name, value in self.added.items()}
        return tuple(
            Column(name, cast("ColumnType", kind))
            for name, kind in (kept | hashed | cast("dict[str, str]", added)).items()
        )

    def apply(self, records: Iterable[Record], values: Mapping[str, str | None]) -> list[Record]:
        """Return the changed records.

        :param values: what the added columns hold, by the names of :data:`ADDED_VALUES`
        """
        dropped, hashed = _tree(self.drop), _tree(self.hash)
        added = {name: values.get(value) for name, value in self.added.items()}
        changed = []
        for record in records:
            result = _without(record, dropped) if dropped else record
            result = self._hashed(result, hashed) if hashed else result
            changed.append({**result, **added} if added else result)
        return changed

    def _hashed(self, value: Any, tree: PathTree | None) -> Any:
        if isinstance(value, list):
            return [self._hashed(item, tree) for item in value]
        if value is None:
            return None
        if tree is None:
            return hmac.digest(self.key, encode_text(canonical_text(value)), "sha256").hex()
        if not isinstance(value, dict):
            return value
        changed = {name: self._hashed(value[name], inner) for name, inner in tree.items() if name in value}
        return {**value, **changed} if changed else value


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageOptions:
    """How the records of an extraction are stored.

    :param format: ``jsonl`` (gzipped JSON lines) or ``parquet``
    :param nested: in Parquet, objects and lists are JSON text (``json``) or Arrow's structures (``struct``)
    :param on_new_fields: a field without a declaration is kept (``ignore``), also logged (``warn``), or fails the
        dataset (``fail``)
    :param shape: what is changed in each record before it is stored
    """

    format: str = "jsonl"
    nested: str = "json"
    on_new_fields: str = "ignore"
    shape: RecordShape = field(default_factory=RecordShape)

    def __post_init__(self) -> None:
        """Refuse a choice that does not exist, before anything is read.

        :raises ConfigurationError: when there is one, or Parquet needs a package that is not installed
        """
        check_choice("format", self.format, FILE_FORMATS)
        check_choice("nested", self.nested, NESTED_FORMS)
        check_choice("on_new_fields", self.on_new_fields, NEW_FIELDS)
        if self.format == "parquet":
            check_pyarrow()

    @property
    def may_have_new_fields(self) -> bool:
        """True if fields without a declaration may be dropped and hashed: the error of a new field says to drop it."""
        return self.on_new_fields != "ignore"

    @property
    def fingerprint(self) -> str:
        """Identifies how the records are stored."""
        return " ".join([self.format, self.nested, self.on_new_fields, self.shape.fingerprint])


def format_text(file_format: str, nested: str) -> str:
    """Return the form of part files as the manifest has it, such as ``parquet, json``."""
    return file_format if file_format == "jsonl" else f"{file_format}, {nested}"


def canonical_text(value: Any) -> str:
    """Return the text that stands for a value in a hash: equal values have equal texts.

    A number and its text are equal, so that an id is the same whether a partner writes it as a number or as text.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _tree(paths: Iterable[str]) -> PathTree:
    """Return the paths as a tree. A path below another one changes nothing."""
    root: PathTree = {}
    for path in sorted(paths, key=len):
        node: PathTree | None = root
        *steps, last = path.split(".")
        for step in steps:
            node = None if node is None else node.setdefault(step, {})
        if node is not None:
            node.setdefault(last, None)
    return root


def _without(value: Any, tree: PathTree) -> Any:
    if isinstance(value, list):
        return [_without(item, tree) for item in value]
    if not isinstance(value, dict) or tree.keys().isdisjoint(value):
        return value
    return {
        name: _without(item, inner) if (inner := tree.get(name)) is not None else item
        for name, item in value.items()
        if name not in tree or tree[name] is not None
    }
