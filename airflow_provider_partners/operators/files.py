"""Make a dataset of files: CSV, JSON lines, JSON or Parquet, in any storage that Airflow knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import (
    Check,
    check_choice,
    check_flag,
    check_flag_or_names,
    check_name,
    check_names,
    check_structure,
)
from airflow_provider_partners.datasets.schema import check_types
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.operators.to_dataset import ToDatasetOperator

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.schema import Column
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.tables.file_list import SourceFile
    from airflow_provider_partners.tables.file_records import ReadOptions, UnreadableRecord

__all__ = ["FilesToDatasetOperator"]


class FilesToDatasetOperator(ToDatasetOperator):
    """Reads files into a dataset and returns the dataset's reference, in memory that doesn't grow with the files.

    The suffix of a name decides on the format (``.csv``, ``.tsv``, ``.jsonl``, ``.ndjson``, ``.json``, ``.parquet``),
    and on the compression (``.gz``, ``.bz2``, ``.xz``). Files are read in the order of their paths. A line that
    can't be read is rejected with its file and line. Calls no API.

    .. seealso:: :ref:`howto/operator:FilesToDatasetOperator`

    :param uri: a file, a folder or a pattern, or a list of them: ``s3://aws_default@bucket/orders/*.csv`` (templated)
    :param format: ``csv``, ``tsv``, ``jsonl``, ``json`` or ``parquet``, for names without a known suffix (templated)
    :param delimiter: between the cells of a CSV file; a comma by default, a tab for ``tsv`` (templated)
    :param quotechar: around cells of a CSV file that contain the delimiter (templated)
    :param encoding: of CSV files, such as ``cp1252``; JSON is UTF-8 (templated)
    :param header: True if the first line of a CSV file has the names of its columns; else the list of names (templated)
    :param null_values: texts of CSV cells without a value; the empty text by default (templated)
    :param allow_empty: whether it is no error that there is no file (templated)
    """

    template_fields: Sequence[str] = (
        *ToDatasetOperator.template_fields,
        "uri",
        "format",
        "delimiter",
        "quotechar",
        "encoding",
        "header",
        "null_values",
        "allow_empty",
    )
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **ToDatasetOperator.argument_checks,
        **dict.fromkeys(("format", "delimiter", "quotechar", "encoding"), check_name),
        **dict.fromkeys(("uri", "null_values"), check_structure),
        "header": check_flag_or_names,
        "allow_empty": check_flag,
    }
    default_source: ClassVar[str] = "files"

    def __init__(
        self,
        *,
        uri: str | Sequence[str],
        format: str | None = None,  # noqa: A002 - the word that users know
        delimiter: str | None = None,
        quotechar: str = '"',
        encoding: str = "utf-8",
        header: bool | str | Sequence[str] = True,
        null_values: Sequence[str] = ("",),
        allow_empty: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.uri = uri
        self.format = format
        self.delimiter = delimiter
        self.quotechar = quotechar
        self.encoding = encoding
        self.header = header
        self.null_values = null_values
        self.allow_empty = allow_empty

    def read(self) -> tuple[Sequence[Column], Iterator[Record | UnreadableRecord]]:
        """Find the files, and return the columns of the first one with the records of all."""
        from airflow_provider_partners.tables.file_records import declared_columns

        options, files = self._options(), self._files()
        self.log.info("Reading %d files", len(files))
        columns = declared_columns(files[0], options) if files else []
        return columns, self._records(files, options)

    def _records(self, files: Sequence[SourceFile], options: ReadOptions) -> Iterator[Record | UnreadableRecord]:
        from airflow_provider_partners.tables.file_records import read_records

        for file in files:
            self.log.info("Reading %s, %s bytes", file.uri, "unknown" if file.size is None else file.size)
            yield from read_records(file, options)

    def _files(self) -> list[SourceFile]:
        from airflow_provider_partners.tables.file_list import FORMATS, find_files

        if self.format:
            check_choice("format", self.format, dict.fromkeys(FORMATS.values()))
        uris = _texts("uri", [self.uri] if isinstance(self.uri, str) else self.uri)
        return find_files(uris, file_format=self.format or None, allow_empty=bool(self.allow_empty))

    def _options(self) -> ReadOptions:
        from airflow_provider_partners.tables.file_records import ReadOptions

        return ReadOptions(
            types=check_types("types", self.types),
            timezone=self.timezone,
            encoding=self.encoding,
            delimiter=self.delimiter,
            quotechar=self.quotechar,
            header=self.header if isinstance(self.header, bool) else check_names("header", self.header),
            null_values=_texts("null_values", self.null_values),
        )


def _texts(name: str, value: Any) -> tuple[str, ...]:
    """Return a list of texts.

    :raises ConfigurationError: when it is something else
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        message = f"'{name}' is a {type(value).__name__}, and a list of texts is needed"
        raise ConfigurationError(message, remedy=f"Write {name}=['…', '…'].")
    return tuple(value)
