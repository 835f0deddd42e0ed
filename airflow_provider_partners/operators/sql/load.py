"""Load a dataset into a table of a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, cast

from airflow.sdk import Asset

from airflow_provider_partners import sync
from airflow_provider_partners.arguments import (
    Check,
    check_count,
    check_dataset,
    check_keys,
    check_levels,
    check_limit,
    check_mapping,
    check_name,
    check_names,
    check_text,
    one_of,
)
from airflow_provider_partners.datasets.finished import is_of, is_retry, origin_of
from airflow_provider_partners.datasets.location import dataset_uri, is_task_folder, task_identity
from airflow_provider_partners.datasets.schema import check_types
from airflow_provider_partners.datasets.storage import LOAD_FILE, DatasetFolder
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError, RejectThresholdError
from airflow_provider_partners.hooks.database import Database, find_database
from airflow_provider_partners.operators.base import DatasetInput, PartnerOperator, check_reject_threshold

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.reference import DatasetRefDict
    from airflow_provider_partners.datasets.schema import Column
    from airflow_provider_partners.datasets.source import RecordSource
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.tables.dialects import Dialect
    from airflow_provider_partners.tables.load import LoadCounts
    from airflow_provider_partners.tables.plan import PlanOptions, TablePlan
    from airflow_provider_partners.tables.statements import LoadId
    from airflow_provider_partners.task_errors import Context

__all__ = ["DatasetToSqlOperator", "TableLoad"]

_REJECTS_PER_PART = 500


class TableLoad(TypedDict):
    """What :class:`DatasetToSqlOperator` returns: counts, and where the rejects are."""

    table: str
    mode: str
    records: int
    """Records that were read."""
    inserted: int
    """Rows that are new."""
    updated: int
    """Rows that had other values."""
    unchanged: int
    """Rows that had these values already."""
    stale: int
    """Rows whose version in the table is newer (``only_newer``)."""
    deleted: int | None
    """Rows that were removed; ``None`` if the driver doesn't say."""
    duplicates: int
    """Records whose key a later record has."""
    rejected: int
    """Records that have no row."""
    rejections: dict[str, int]
    """Reasons for that."""
    added_columns: list[str]
    widened_columns: list[str]
    rejects: DatasetRefDict | None
    """The dataset of rejected records."""


class DatasetToSqlOperator(PartnerOperator):
    """Loads a dataset into a table, and returns the counts (:class:`TableLoad`).

    The table is created, or gets the columns that it lacks, by the types of the dataset's columns. Objects and lists
    become JSON columns, or columns of their own with ``flatten``. Rows are merged in one transaction where the database
    has them. So a failure changes nothing, and a repetition changes nothing either. The retry of a task that was killed
    after the commit loads again, and returns the counts of the first load.

    A record without a key, or with a value that has no form in the table, is rejected: it goes into a dataset of its
    own, ``rejects``. Too many rejects fail the task before anything is committed.

    .. seealso:: :ref:`howto/operator:DatasetToSqlOperator`

    :param dataset: output of the task that wrote the dataset, of a mapped task, or a list of records (templated)
    :param table: name of the table, such as ``analytics.orders`` (templated)
    :param conn_id: id of the Airflow connection to the database (templated)
    :param keys: fields that identify a row; ``merge`` needs them (templated)
    :param mode: ``merge`` updates and inserts rows by their keys. ``append`` adds rows with a column ``_load_id``; the
        rows of an earlier try are replaced. ``replace`` replaces all rows; the table stays (templated)
    :param columns: names of columns by field, dots lead into objects: ``{"customer.email": "mail"}`` (templated)
    :param exclude: fields that are left out (templated)
    :param types: column types of fields that replace the dataset's: ``{"placed_at": "timestamp"}`` (templated)
    :param flatten: whether the fields of objects become columns, or how many levels of them; lists stay JSON
        (templated)
    :param names: ``snake`` makes ``created_at`` of ``createdAt``; ``keep`` leaves names as they are (templated)
    :param on_new_columns: ``add`` fields that the table lacks, ``ignore`` them, or ``fail`` (templated)
    :param only_newer: a field, such as ``updatedAt``: a merge leaves a row alone whose value is larger (templated)
    :param load_id: what an append is about, if not its dataset: its rows replace earlier ones of this id (templated)
    :param dialect: ``postgres``, ``sqlite``, ``duckdb``, ``redshift``, ``snowflake``, ``bigquery`` or ``ansi``; by
        default that of the connection (templated)
    :param timezone: the time zone of texts without one in fields that ``types`` makes timestamps (templated)
    :param hook_params: further arguments of the connection's hook (templated)
    :param batch_size: records that are in memory at once (templated)
    :param min_records: how few records are an error (templated)
    :param max_rejects: how many records may be rejected before the task fails: an ``int`` is a count, a ``float`` a
        share; ``[partners] max_rejects`` by default (templated)
    :param reject_floor: how many records a share allows in any case; ``[partners] reject_floor`` by default (templated)
    """

    template_fields: Sequence[str] = (
        "dataset",
        "table",
        "conn_id",
        "keys",
        "mode",
        "columns",
        "flatten",
        "exclude",
        "types",
        "names",
        "on_new_columns",
        "only_newer",
        "load_id",
        "dialect",
        "timezone",
        "hook_params",
        "min_records",
        "max_rejects",
        "reject_floor",
        "batch_size",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = dict.fromkeys(("columns", "types", "hook_params"), "json")
    argument_checks: ClassVar[Mapping[str, Check]] = {
        "dataset": check_dataset,
        **dict.fromkeys(("table", "conn_id"), check_text),
        **dict.fromkeys(("keys", "exclude"), check_keys),
        "mode": one_of("merge", "append", "replace"),
        **dict.fromkeys(("columns", "types", "hook_params"), check_mapping),
        "flatten": check_levels,
        "names": one_of("snake", "keep"),
        "on_new_columns": one_of("add", "ignore", "fail"),
        **dict.fromkeys(("only_newer", "load_id", "dialect", "timezone"), check_name),
        **dict.fromkeys(("batch_size", "min_records"), check_count),
        **dict.fromkeys(("max_rejects", "reject_floor"), check_limit),
    }
    ui_color = "#eef4ea"

    _output: tuple[str, str] | None = None
    """OpenLineage's namespace and name of the table."""

    def __init__(
        self,
        *,
        dataset: DatasetInput,
        table: str,
        conn_id: str,
        keys: Sequence[str] | str | None = None,
        mode: str = "merge",
        columns: Mapping[str, str] | None = None,
        exclude: Sequence[str] | str | None = None,
        types: Mapping[str, str] | None = None,
        flatten: bool | int | str = False,
        names: str = "snake",
        on_new_columns: str = "add",
        only_newer: str | None = None,
        load_id: str | None = None,
        dialect: str | None = None,
        timezone: str = "UTC",
        hook_params: Mapping[str, Any] | None = None,
        batch_size: int | str = 5_000,
        min_records: int | str | None = None,
        max_rejects: float | str | None = None,
        reject_floor: int | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.table = table
        self.conn_id = conn_id
        self.keys = keys
        self.mode = mode
        self.columns = columns
        self.exclude = exclude
        self.types = types
        self.flatten: Any = flatten
        self.names = names
        self.on_new_columns = on_new_columns
        self.only_newer = only_newer
        self.load_id = load_id
        self.dialect = dialect
        self.timezone = timezone
        self.hook_params = hook_params
        self.batch_size: Any = batch_size
        self.min_records: Any = min_records
        self.max_rejects: Any = max_rejects
        self.reject_floor: Any = reject_floor

    def input_datasets(self) -> list[Any]:
        """Return the datasets that are loaded."""
        is_list = isinstance(self.dataset, Sequence) and not isinstance(self.dataset, str)
        return list(cast("Sequence[Any]", self.dataset)) if is_list else [self.dataset]

    def run(self, context: Context) -> TableLoad:
        """Load the records, store the rejects, check the threshold, and return the counts."""
        from airflow_provider_partners.datasets.source import parse_source
        from airflow_provider_partners.tables.dialects import find_dialect

        keys = self._checked_keys()
        source = parse_source("dataset", self.dataset)
        if self.min_records is not None and source.records < self.min_records:
            message = f"The dataset has {source.records} records, and 'min_records' is {self.min_records}"
            raise DatasetError(message, remedy="Check the task that wrote it.")
        database = find_database(self.conn_id, self.hook_params)
        dialect = find_dialect(self.dialect or None, database.kind)
        result = self._load(context, source, database, dialect, keys)
        self._report(context, database, dialect, result)
        return result

    def _checked_keys(self) -> tuple[str, ...]:
        """Return the keys.

        :raises ConfigurationError: when the mode needs other arguments
        """
        keys = check_names("keys", self.keys) if self.keys else ()
        fault = None
        if self.mode == "merge" and not keys:
            fault = "mode='merge' needs 'keys'", "Write keys=['id'], or use another mode."
        elif self.mode == "append" and keys:
            fault = "mode='append' has no use for 'keys'", "Leave them out, or use mode='merge'."
        elif self.only_newer and self.mode != "merge":
            fault = f"mode='{self.mode}' has no use for 'only_newer'", "Leave it out, or use mode='merge'."
        elif self.load_id and self.mode != "append":
            fault = f"mode='{self.mode}' has no use for 'load_id'", "Leave it out, or use mode='append'."
        if fault is not None:
            raise ConfigurationError(fault[0], remedy=fault[1])
        return keys

    def _load(
        self,
        context: Context,
        source: RecordSource,
        database: Database,
        dialect: Dialect,
        keys: Sequence[str],
    ) -> TableLoad:
        from airflow_provider_partners.tables.load import LoadCounts, LoadOptions, TableLoader
        from airflow_provider_partners.tables.names import parse_table

        table = parse_table(self.table, dialect)
        plan = self._plan(source, dialect, keys)
        rejects = _Rejects(context, self.table, source.account)
        if not plan.columns and self.mode != "replace":
            return self._result(LoadCounts(), rejects)
        arguments = {name: getattr(self, name) for name in self.template_fields if name != "dataset"}
        first = _FirstResult(context, origin_of(context, [source.sha256, arguments]))

        def before_changes(counts: LoadCounts) -> None:
            self._check_rejects(context, counts, rejects)

        def before_commit(counts: LoadCounts) -> None:
            first.keep(self._result(counts, rejects), is_repeated=self.mode == "replace" or not _changes_table(counts))

        with database.open() as connection:
            loader = TableLoader(
                connection,
                dialect,
                dialect.placeholder or database.hook.placeholder,
                table,
                plan,
                LoadOptions(
                    mode=cast("Any", self.mode),
                    load_id=self._load_id(context, source, plan.columns),
                    only_newer=self.only_newer or None,
                    on_new_columns=cast("Any", self.on_new_columns),
                    batch_size=self.batch_size,
                ),
                log=lambda statement: self.log.info("Running the statement: %s", statement),
                reject=rejects.add,
            )
            counts = loader.load(source.read(), before_changes=before_changes, before_commit=before_commit)
        return first.value or self._result(counts, rejects)

    def _plan(self, source: RecordSource, dialect: Dialect, keys: Sequence[str]) -> TablePlan:
        """Return the columns of the table. Without records, those that only records would show may be missing.

        :raises ConfigurationError: when an argument names a field that the records don't have
        """
        from airflow_provider_partners.tables.plan import PlanOptions, TablePlan

        options = self._plan_options()
        columns = self._dataset_columns(source, options)
        if columns:
            try:
                plan = TablePlan(columns, options, dialect, keys)
                if self.only_newer:
                    plan.find(self.only_newer, "only_newer")
            except ConfigurationError as error:
                if source.plain is not None or any(each.records for each in source.references):
                    raise
                self.log.info("The dataset has no records. %s", error.message)
            else:
                return plan
        else:
            self.log.info("The dataset has neither records nor columns")
        return TablePlan((), PlanOptions(), dialect)

    def _plan_options(self) -> PlanOptions:
        from airflow_provider_partners.tables.plan import PlanOptions, flatten_depth
        from airflow_provider_partners.tables.values import parse_timezone

        parse_timezone(self.timezone)
        return PlanOptions(
            columns=dict(self.columns or {}),
            exclude=check_names("exclude", self.exclude) if self.exclude else (),
            types=check_types("types", self.types),
            flatten=flatten_depth(self.flatten),
            snake=self.names == "snake",
            timezone=self.timezone,
        )

    def _dataset_columns(self, source: RecordSource, options: PlanOptions) -> list[Column]:
        """Return the columns of the records. They are read for it when no manifest has the answer."""
        from airflow_provider_partners.datasets.schema import dataset_columns
        from airflow_provider_partners.tables.plan import observed_columns

        by_name: dict[str, Column] = {}
        agree = True
        for reference in source.references:
            for column in dataset_columns(reference):
                agree = agree and by_name.setdefault(column.name, column) == column
        nested = options.flatten and any(column.type == "json" for column in by_name.values())
        if source.plain is None and agree and not nested:
            return list(by_name.values())
        declared = list(by_name.values()) if agree else []
        self.log.info("Reading the records once to find their columns")
        return observed_columns(source.read(), declared, flatten=options.flatten)

    def _load_id(self, context: Context, source: RecordSource, columns: Sequence[Any]) -> LoadId:
        """Return what an append is about: the dataset of a run, the window of a published one, or this task's run."""
        from airflow_provider_partners.tables.statements import LoadId

        if self.load_id:
            names = [self.load_id]
        elif source.references:
            names = sorted(
                each.uri if is_task_folder(each.uri) else f"{each.uri} {each.window or each.sha256}"
                for each in source.references
            )
        else:
            names = [str(task_identity(context))]
        return LoadId.of("\n".join(names), f"{source.sha256} {columns}")

    def _check_rejects(self, context: Context, counts: LoadCounts, rejects: _Rejects) -> None:
        """Fail the task if too many records are rejected. The counts are pushed to XCom anyway.

        :raises RejectThresholdError: when there are more; the load is rolled back then
        """
        summary = rejects.summary
        summary.counts["created"] = counts.records - counts.rejected
        try:
            check_reject_threshold(summary, self.max_rejects, self.reject_floor)
        except RejectThresholdError:
            failed = {**self._result(counts, rejects), "over_threshold": True}
            context["ti"].xcom_push(key="return_value", value=failed)
            raise

    def _result(self, counts: LoadCounts, rejects: _Rejects) -> TableLoad:
        return cast(
            "TableLoad",
            {
                "table": self.table,
                "mode": self.mode,
                **asdict(counts),
                "rejections": dict(rejects.summary.rejections.most_common()),
                "rejects": rejects.commit(),
            },
        )

    def _report(self, context: Context, database: Database, dialect: Dialect, result: TableLoad) -> None:
        """Log the counts, add them to the events of the task's assets, and remember the table for OpenLineage."""
        from airflow_provider_partners.operators.sql.lineage import table_identity

        self.log.info(
            "%s: %d inserted, %d updated, %d unchanged, %d stale, %d rejected",
            *(result[name] for name in ("table", "inserted", "updated", "unchanged", "stale", "rejected")),
        )
        self.activity.records, self.activity.rejects = result["records"], result["rejected"]
        self._output = table_identity(database, dialect, self.table)
        events = context.get("outlet_events")
        facts = {name: value for name, value in result.items() if name != "rejects"}
        for outlet in self.outlets:
            if events is not None and isinstance(outlet, Asset):
                events[outlet].extra.update(facts)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return OpenLineage's inputs, and the table as the output."""
        lineage = super().get_openlineage_facets_on_complete(task_instance)
        if lineage is not None and self._output is not None:
            from openlineage.client.event_v2 import OutputDataset

            namespace, name = self._output
            lineage.outputs.append(OutputDataset(namespace=namespace, name=name))
        return lineage


def _changes_table(counts: LoadCounts) -> bool:
    return bool(counts.inserted or counts.updated or counts.added_columns or counts.widened_columns)


class _FirstResult:
    """What the task's first load returns. A repetition, after a kill, would count its rows as unchanged.

    It is stored before the commit, since nothing is certain to run after it. So it may be of a load that the database
    has rolled back. Then the repetition changes the table, and its own result counts.
    """

    def __init__(self, context: Context, origin: Mapping[str, Any]) -> None:
        self._folder, self._origin = DatasetFolder(dataset_uri(context)), origin
        stored = self._folder.read_json(LOAD_FILE) if is_retry(context) else None
        self.value: TableLoad | None = stored["result"] if stored and is_of(stored, origin) else None

    def keep(self, result: TableLoad, *, is_repeated: bool) -> None:
        """Store a result, unless it is of a repetition."""
        if self.value is not None and is_repeated:
            self.value = {**self.value, "rejects": result["rejects"]}
        else:
            self.value = result
            self._folder.write_json(LOAD_FILE, {**self._origin, "result": result})


class _Rejects:
    """The dataset of the records that have no row, which is written as they come."""

    def __init__(self, context: Context, table: str, account: str | None) -> None:
        uri = dataset_uri(context, "rejects")
        self._writer = DatasetWriter(uri, source="sql", resource=f"{table} rejects", account=account)
        self._is_open = False
        self._waiting: list[Record] = []
        self.summary = sync.OutcomeSummary()

    def add(self, record: Record, reason: str) -> None:
        """Take a record."""
        self.summary.add(sync.Outcome("row", "", "rejected", reason=reason, rule=reason))  # type: ignore[arg-type]
        self._waiting.append({**record, "rejected": {"kind": "row", "reason": reason}})
        if len(self._waiting) >= _REJECTS_PER_PART:
            self._flush()

    def commit(self) -> DatasetRefDict | None:
        """Finish the dataset and return its reference; ``None`` if there are no rejects."""
        self._flush()
        return self._writer.commit().to_dict() if self._writer.records else None

    def _flush(self) -> None:
        if not self._is_open:
            # Not before: a load that was appended before reads no record, and its rejects are those of the first time.
            self._writer.resume()
            self._is_open = True
        self._writer.append(self._waiting)
        self._waiting = []
