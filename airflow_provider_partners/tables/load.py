"""Load records into a table: in one transaction, and so that a repetition changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_partners.exceptions import ConfigurationError, RejectedError
from airflow_provider_partners.tables.dialects import Dialect, fits, kind_of, wider
from airflow_provider_partners.tables.plan import Row, TablePlan
from airflow_provider_partners.tables.stage import fill_stage
from airflow_provider_partners.tables.statements import LoadId, Statements, stage_name

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

LoadMode = Literal["merge", "append", "replace"]


@dataclass(slots=True, kw_only=True)
class LoadCounts:
    """What a load has done.

    :param records: records that were read
    :param inserted: rows that are new
    :param updated: rows that had other values
    :param unchanged: rows that had these values already
    :param stale: rows whose version in the table is newer
    :param deleted: rows that were removed; ``None`` if the driver doesn't say
    :param duplicates: records whose key another record has
    :param rejected: records that have no row
    :param added_columns: columns that the table got
    :param widened_columns: columns that got another type
    """

    records: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    deleted: int | None = 0
    duplicates: int = 0
    rejected: int = 0
    added_columns: list[str] = field(default_factory=list)
    widened_columns: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """How a table is loaded.

    :param mode: ``merge`` by the keys, ``append``, or ``replace`` all rows
    :param load_id: of an append
    :param only_newer: the field whose larger value wins in a merge
    :param on_new_columns: what happens to fields without a column: ``add``, ``ignore`` or ``fail``
    :param batch_size: records in memory at once
    """

    mode: LoadMode
    load_id: LoadId
    only_newer: str | None = None
    on_new_columns: Literal["add", "ignore", "fail"] = "add"
    batch_size: int = 5_000


class TableLoader:
    """Loads records into one table.

    :param connection: of the DB-API, without autocommit
    :param dialect: of the database
    :param placeholder: the driver's for a bound value: ``%s`` or ``?``
    :param table: the parts of the table's name
    :param plan: the columns
    :param options: how it is loaded
    :param log: takes each statement, without values
    :param reject: takes each record that has no row, with the reason
    """

    def __init__(
        self,
        connection: Any,
        dialect: Dialect,
        placeholder: str,
        table: Sequence[str],
        plan: TablePlan,
        options: LoadOptions,
        *,
        log: Callable[[str], None],
        reject: Callable[[Record, str], None],
    ) -> None:
        self._connection, self._dialect, self._placeholder = connection, dialect, placeholder
        self._table, self._plan, self._options = table, plan, options
        self._log, self._reject = log, reject
        self.counts = LoadCounts()

    def load(
        self,
        records: Iterable[Record],
        *,
        before_changes: Callable[[LoadCounts], None],
        before_commit: Callable[[LoadCounts], None] = lambda _: None,
    ) -> LoadCounts:
        """Load the records, and commit.

        :param before_changes: called with the counts of records and rejects, before the first row of the table changes
        :param before_commit: called with all counts, unless the load was appended before
        :raises ConfigurationError: when the table can't hold the records
        """
        with self._transaction() as cursor:
            if not self._plan.columns:
                self._remove_all(cursor)
                before_commit(self.counts)
                return self.counts
            statements = self._prepare_table(cursor)
            if self._is_loaded(cursor, statements):
                return self.counts
            self._execute(cursor, statements.create_stage())
            self._fill(cursor, statements, records)
            before_changes(self.counts)
            for statement in filter(None, (statements.analyze(), statements.lock())):
                self._execute(cursor, statement)
            self._apply(cursor, statements)
            if not statements.ends_with_transaction():
                self._execute(cursor, statements.drop_stage())
            before_commit(self.counts)
        return self.counts

    def _remove_all(self, cursor: Any) -> None:
        """Replace the rows by none: an empty dataset without columns."""
        statements = self._statements()
        for statement in statements.setup():
            self._execute(cursor, statement)
        if self._options.mode == "replace" and self._rows(cursor, statements.columns_of_table()):
            self._execute(cursor, statements.delete_all())
            self.counts.deleted = _affected(cursor)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """Return a cursor inside of a transaction that ends with the block."""
        if hasattr(self._connection, "isolation_level") and self._dialect.begin:
            self._connection.isolation_level = None  # SQLite's driver would commit at CREATE.
        # One cursor for all: a second one of DuckDB is another connection.
        cursor = self._connection.cursor()
        try:
            if self._dialect.begin:
                cursor.execute(self._dialect.begin)
            yield cursor
            self._end(cursor, "COMMIT")
        except BaseException:
            with suppress(Exception):
                self._end(cursor, "ROLLBACK")
            raise
        finally:
            with suppress(Exception):
                cursor.close()

    def _end(self, cursor: Any, word: str) -> None:
        if self._dialect.begin:
            cursor.execute(word)
        elif word == "COMMIT":
            self._connection.commit()
        else:
            self._connection.rollback()

    def _execute(self, cursor: Any, statement: str) -> None:
        self._log(statement)
        cursor.execute(statement)

    def _rows(self, cursor: Any, statement: str) -> list[Row]:
        self._execute(cursor, statement)
        return [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in cursor.fetchall()]

    def _statements(self, types: dict[str, str] | None = None) -> Statements:
        newer = self._options.only_newer
        return Statements(
            self._dialect,
            self._table,
            stage_name(self._table, self._options.load_id),
            self._plan.columns,
            keys=self._plan.keys,
            types=types,
            only_newer=self._plan.find(newer, "only_newer") if newer else None,
        )

    def _prepare_table(self, cursor: Any) -> Statements:
        """Create or widen the table, and return the statements of the load."""
        planned = self._statements()
        self._check_load_id(planned)
        for statement in planned.setup():
            self._execute(cursor, statement)
        existing: dict[str, str] = dict(self._rows(cursor, planned.columns_of_table()))
        if not existing:
            self._execute(cursor, planned.create_table(load_id=self._options.mode == "append"))
            return planned
        self._adopt_names(cursor, planned, existing)
        self._widen(cursor, planned, existing)
        if self._options.mode == "append" and planned.load_id_column not in existing:
            self._execute(cursor, planned.add_column(planned.load_id_column, "string"))
        return self._statements({column.name: existing[column.name] for column in self._plan.columns})

    def _check_load_id(self, planned: Statements) -> None:
        """Refuse a field whose column is that of the load's id.

        :raises ConfigurationError: when there is one
        """
        name = planned.load_id_column
        owner = next((column.field for column in self._plan.columns if column.name.lower() == name.lower()), None)
        if owner is not None and self._options.mode == "append":
            message = f"The column {name!r} is that of the load, and {owner!r} would become it, too"
            raise ConfigurationError(message, remedy=f"Write exclude=[{owner!r}], or columns={{{owner!r}: '…'}}.")

    def _adopt_names(self, cursor: Any, planned: Statements, existing: dict[str, str]) -> None:
        """Find the table's column for each field, and add those that are missing."""
        by_lower_case = {name.lower(): name for name in existing}
        names = {}
        for column in self._plan.columns:
            name = column.name if column.name in existing else by_lower_case.get(column.name.lower())
            if name is None and (self._options.on_new_columns == "add"):
                self._execute(cursor, planned.add_column(column.name, column.type))
                name, existing[column.name] = column.name, self._dialect.types[column.type]
                self.counts.added_columns.append(column.name)
            elif name is None and (self._options.on_new_columns == "fail" or column in self._plan.keys):
                message = f"The table {'.'.join(self._table)} has no column {column.name!r} for {column.field!r}"
                raise ConfigurationError(message, remedy="Add it, exclude the field, or set on_new_columns='add'.")
            if name is not None:
                names[column.name] = name
        self._plan.adopt(names)

    def _widen(self, cursor: Any, planned: Statements, existing: dict[str, str]) -> None:
        """Give another type to each column that can't hold the values."""
        for column in self._plan.columns:
            kind = kind_of(existing[column.name])
            if fits(column.type, kind):
                continue
            target = wider(kind, column.type)
            if (kind, target) not in self._dialect.widenings:
                message = (
                    f"The column {column.name!r} of {'.'.join(self._table)} is of type {existing[column.name]}, and "
                    f"{column.field!r} is {column.type}; {self._dialect.name} can't change the one to hold the other"
                )
                remedy = f"Change the column by hand, or write types={{{column.field!r}: {kind!r}}} or exclude it."
                raise ConfigurationError(message, remedy=remedy)
            self._execute(cursor, planned.widen_column(column.name, target))
            existing[column.name] = self._dialect.types[target]
            self.counts.widened_columns.append(column.name)

    def _is_loaded(self, cursor: Any, statements: Statements) -> bool:
        """Return True if the load has been appended before."""
        if self._options.mode != "append":
            return False
        ((number,),) = self._rows(cursor, statements.count_load(self._options.load_id))
        self.counts.unchanged = self.counts.records = number
        return bool(number)

    def _fill(self, cursor: Any, statements: Statements, records: Iterable[Record]) -> None:
        """Insert the records into the stage, and reject those that have no row."""
        self._log(statements.fill(self._placeholder))
        iterator, counts = iter(records), self.counts
        while batch := list(islice(iterator, self._options.batch_size)):
            rows = []
            for record in batch:
                try:
                    rows.append(self._plan.row(record))
                except RejectedError as error:
                    self._reject(record, error.message)
                    counts.rejected += 1
            fill_stage(cursor, statements, self._placeholder, rows, counts.records)
            counts.records += len(batch)

    def _apply(self, cursor: Any, statements: Statements) -> None:
        counts, staged = self.counts, self.counts.records - self.counts.rejected
        if self._options.mode == "merge":
            changes = self._count_merge(cursor, statements, staged)
        elif self._options.mode == "append":
            self._execute(cursor, statements.delete_loads(self._options.load_id))
            counts.deleted, counts.inserted = _affected(cursor), staged
            changes = [statements.append(self._options.load_id)]
        else:
            if self._plan.keys:
                self._execute(cursor, statements.deduplicate())
                counts.duplicates = _affected(cursor) or 0
            changes, counts.inserted = statements.replace(), staged - counts.duplicates
        for number, statement in enumerate(changes):
            self._execute(cursor, statement)
            if number == 0 and self._options.mode == "replace":
                counts.deleted = None if self._dialect.replace_by_merge else _affected(cursor)

    def _count_merge(self, cursor: Any, statements: Statements, staged: int) -> list[str]:
        """Count what a merge changes, and return its statements: none if it changes nothing."""
        counts = self.counts
        self._execute(cursor, statements.deduplicate())
        ((rows, matched, stale, changed),) = self._rows(cursor, statements.count())
        counts.duplicates, counts.inserted = staged - rows, rows - matched
        counts.updated, counts.stale = int(changed), int(stale)
        counts.unchanged = matched - counts.updated - counts.stale
        return statements.merge(updates=counts.updated > 0, inserts=counts.inserted > 0)


def _affected(cursor: Any) -> int | None:
    """Return how many rows a statement has changed; ``None`` if the driver doesn't say."""
    number = getattr(cursor, "rowcount", -1)
    return number if isinstance(number, int) and number >= 0 else None
