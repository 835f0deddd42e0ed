"""Make a dataset of a query's rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import (
    Check,
    check_count,
    check_mapping,
    check_name,
    check_structure,
    check_text,
)
from airflow_provider_partners.datasets.schema import check_types
from airflow_provider_partners.hooks.database import find_database
from airflow_provider_partners.operators.to_dataset import ToDatasetOperator

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.schema import Column
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.tables.file_records import UnreadableRecord

__all__ = ["SqlToDatasetOperator"]


class SqlToDatasetOperator(ToDatasetOperator):
    """Reads the rows of a query into a dataset and returns the dataset's reference, in memory that doesn't grow.

    Needs the extra ``sql`` and the provider of the database. Decimals, times, UUIDs and bytes become text, and the
    dataset's columns say which type they have. The order is that of the query: write ``ORDER BY`` if it matters. A
    retry runs the query again, into a fresh dataset.

    .. seealso:: :ref:`howto/operator:SqlToDatasetOperator`

    :param conn_id: id of the Airflow connection to the database (templated)
    :param sql: one statement that returns rows, or the name of a file with the suffix ``.sql`` (templated)
    :param parameters: values that the driver binds, in the driver's style: a dict for ``%(since)s`` and ``:since``, a
        list for ``%s`` and ``?`` (templated)
    :param hook_params: further arguments of the connection's hook (templated)
    :param batch_size: rows that are fetched at once (templated)
    """

    template_fields: Sequence[str] = (
        *ToDatasetOperator.template_fields,
        "conn_id",
        "sql",
        "parameters",
        "hook_params",
        "batch_size",
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **ToDatasetOperator.template_fields_renderers,
        "sql": "sql",
        "parameters": "json",
        "hook_params": "json",
    }
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **ToDatasetOperator.argument_checks,
        "conn_id": check_name,
        "sql": check_text,
        "parameters": check_structure,
        "hook_params": check_mapping,
        "batch_size": check_count,
    }
    default_source: ClassVar[str] = "sql"

    def __init__(
        self,
        *,
        conn_id: str,
        sql: str,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        hook_params: Mapping[str, Any] | None = None,
        batch_size: int | str = 5_000,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.sql = sql
        self.parameters = parameters
        self.hook_params = hook_params
        self.batch_size: Any = batch_size

    def read(self) -> tuple[Sequence[Column], Iterator[Record | UnreadableRecord]]:
        """Run the query, and return the columns and the records of its result."""
        result = self._results()
        columns = next(result)
        return columns, result

    def _results(self) -> Iterator[Any]:
        """Yield the columns, then each record. The connection is open meanwhile."""
        from airflow_provider_partners.tables.select import Query

        with find_database(self.conn_id, self.hook_params).open(self.sql) as connection:
            query = Query(
                connection,
                self.sql,
                self.parameters or None,
                types=check_types("types", self.types),
                timezone=self.timezone,
                batch_size=self.batch_size,
            )
            self.log.info("Running the statement: %s", self.sql)
            query.execute()
            yield query.columns
            yield from query.records()
