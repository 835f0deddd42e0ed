"""The statements of a load: they create and widen the table, fill the stage, and merge it into the table.

The stage is a temporary table with the new rows. All names are quoted, and values are bound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from airflow_provider_partners.tables.dialects import Dialect, kind_of
from airflow_provider_partners.tables.names import qualified

if TYPE_CHECKING:
    from airflow_provider_partners.tables.plan import TableColumn

POSITION = "_position"
"""The column of the stage with the order of the records; with underscores behind it if the records have one."""

LOAD_ID = "_load_id"
"""The column of the table that says which load has appended a row."""


@dataclass(frozen=True, slots=True)
class LoadId:
    """Which load has appended a row. Both parts are hexadecimal, so they are literals without escapes.

    :param name: what is loaded: a retry has the same name
    :param version: its content and columns: a retry after a change has another version
    """

    name: str
    version: str

    @classmethod
    def of(cls, name: str, version: str) -> LoadId:
        """Return the id of a load by texts of any length."""
        return cls(*(hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16] for text in (name, version)))

    def __str__(self) -> str:
        """Return the value of the column."""
        return f"{self.name}-{self.version}"


class Statements:
    """The statements of one load.

    :param dialect: of the database
    :param table: the parts of the table's name
    :param stage: the name of the stage
    :param columns: the columns that are written
    :param keys: those that identify a row
    :param types: the database's type of each column that the table has; others get the dialect's
    :param only_newer: the column whose larger value wins
    """

    def __init__(
        self,
        dialect: Dialect,
        table: Sequence[str],
        stage: str,
        columns: Sequence[TableColumn],
        *,
        keys: Sequence[TableColumn] = (),
        types: Mapping[str, str] | None = None,
        only_newer: TableColumn | None = None,
    ) -> None:
        self.dialect, self._columns, self._keys, self._newer = dialect, columns, keys, only_newer
        self.types = {column.name: dialect.types[column.type] for column in columns} | dict(types or {})
        self._parts, self._table = tuple(table), qualified(table, dialect)
        self._stage = qualified([*(table[:-1] if dialect.qualified_stage else ()), stage], dialect)
        self._quote = dialect.quoted
        self.load_id_column = dialect.folded(LOAD_ID)
        taken = {column.name.lower() for column in columns}
        self._position = next(name for number in count() if (name := f"{POSITION}{'_' * number}") not in taken)

    def create_table(self, *, load_id: bool = False) -> str:
        """Create the table if it doesn't exist."""
        lines = [f"{self._quote(column.name)} {self.types[column.name]}" for column in self._columns]
        if load_id:
            lines.append(f"{self._quote(self.load_id_column)} {self.dialect.types['string']}")
        if self._keys and self.dialect.primary_key:
            lines.append(self.dialect.primary_key.format(keys=self._list(self._keys)))
        return f"CREATE TABLE IF NOT EXISTS {self._table} (\n  " + ",\n  ".join(lines) + "\n)"

    def add_column(self, name: str, column_type: str) -> str:
        """Add a column."""
        return f"ALTER TABLE {self._table} ADD COLUMN {self._quote(name)} {self.dialect.types[column_type]}"

    def widen_column(self, name: str, column_type: str) -> str:
        """Give a column another type."""
        return self.dialect.alter_type.format(
            table=self._table, column=self._quote(name), type=self.dialect.types[column_type]
        )

    def create_stage(self) -> str:
        """Create the stage. Its columns have the types of the table's."""
        types = {column.name: self.dialect.stage_type(column.type, self.types[column.name]) for column in self._columns}
        lines = [f"{self._quote(name)} {kind}" for name, kind in types.items()]
        lines.append(f"{self._quote(self._position)} {self.dialect.types['integer']}")
        return f"{self.dialect.create_stage} {self._stage} (\n  " + ",\n  ".join(lines) + f"\n){self.dialect.end_stage}"

    def copy(self) -> str:
        """Fill the stage from the client, by PostgreSQL's COPY."""
        return f"COPY {self._stage} ({self._stage_columns()}) FROM STDIN"

    def insert(self, placeholder: str, rows: int = 1) -> str:
        """Fill the stage with rows.

        :param placeholder: the driver's; a percent sign in a name is doubled for ``%s``
        """
        columns = self._stage_columns()
        if placeholder == "%s":
            columns = columns.replace("%", "%%")
        row = f"({', '.join([placeholder] * (len(self._columns) + 1))})"
        return f"INSERT INTO {self._stage} ({columns}) VALUES {', '.join([row] * rows)}"

    def insert_json(self) -> str:
        """Fill the stage with the rows of a JSON text: lists of texts. The text is bound as ``rows``."""
        columns = self._stage_columns().replace("%", "%%")
        types = [self.dialect.stage_type(column.type, self.types[column.name]) for column in self._columns]
        values = ",\n  ".join(
            f"CAST(JSON_VALUE(record, '$[{number}]') AS {kind})"
            for number, kind in enumerate([*types, self.dialect.types["integer"]])
        )
        return (
            f"INSERT INTO {self._stage} ({columns})\nSELECT\n  {values}\n"
            "FROM UNNEST(JSON_QUERY_ARRAY(%(rows)s)) AS record"
        )

    def fill(self, placeholder: str) -> str:
        """Fill the stage, in the way of the database."""
        ways = {"copy": self.copy, "json": self.insert_json}
        return ways[self.dialect.insert]() if self.dialect.insert in ways else self.insert(placeholder)

    def analyze(self) -> str:
        """Give the planner the size of the stage; empty where it knows."""
        return self.dialect.analyze.format(stage=self._stage)

    def lock(self) -> str:
        """Keep other writers from the table; empty where the transaction does."""
        return self.dialect.lock.format(table=self._table)

    def deduplicate(self) -> str:
        """Keep one row of each key in the stage: the newest one, and of these the last."""
        position, keys = self._quote(self._position), self._list(self._keys)
        newest = (
            f"{self._quote(self._newer.name)} IS NULL, {self._quote(self._newer.name)} DESC, " if self._newer else ""
        )
        return (
            f"DELETE FROM {self._stage} WHERE {position} IN (\n  SELECT {position} FROM (\n"
            f"    SELECT {position},\n"
            f"      ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {newest}{position} DESC) AS place\n"
            f"    FROM {self._stage}\n  ) AS ranked WHERE place > 1\n)"
        )

    def count(self) -> str:
        """Count the rows of the stage: all, those that the table has, and of these the stale and the different ones."""
        key = f"t.{self._quote(self._keys[0].name)}"
        stale = f"{key} IS NOT NULL AND {self._is_stale()}" if self._newer else "1 = 0"
        changed = f"{key} IS NOT NULL AND {self._changed()}"
        return (
            f"SELECT COUNT(*), COUNT({key}),\n"
            f"  COALESCE(SUM(CASE WHEN {stale} THEN 1 ELSE 0 END), 0),\n"
            f"  COALESCE(SUM(CASE WHEN {changed} THEN 1 ELSE 0 END), 0)\n"
            f"FROM {self._stage} AS s LEFT JOIN {self._table} AS t ON {self._join()}"
        )

    def merge(self, *, updates: bool = True, inserts: bool = True) -> list[str]:
        """Merge the stage into the table: rows that differ are updated, and new ones are inserted.

        :param updates: whether there are rows that differ
        :param inserts: whether there are new ones
        """
        if self.dialect.merge == "merge":
            return [self._merge_statement()] if updates or inserts else []
        insert = (
            f"INSERT INTO {self._table} ({self._list(self._columns)})\n"
            f"SELECT {self._values()} FROM {self._stage} AS s\n"
            f"WHERE NOT EXISTS (SELECT 1 FROM {self._table} AS t WHERE {self._join()})"
        )
        statements = [insert] if inserts else []
        if updates and self._others():
            statements.insert(
                0, self._update_from() if self.dialect.merge == "update_from" else self._update_correlated()
            )
        return statements

    def _update_from(self) -> str:
        target = self._table
        assignments = ",\n  ".join(f"{self._quote(column.name)} = {self._value(column)}" for column in self._others())
        return (
            f"UPDATE {target} AS t SET\n  {assignments}\nFROM {self._stage} AS s\n"
            f"WHERE {self._join()} AND {self._changed()}"
        )

    def _update_correlated(self) -> str:
        # Without an alias of the updated table, which not every database allows.
        source = f"FROM {self._stage} AS s WHERE {self._join(self._table)}"
        assignments = ",\n  ".join(
            f"{self._quote(column.name)} = (SELECT {self._value(column)} {source})" for column in self._others()
        )
        return (
            f"UPDATE {self._table} SET\n  {assignments}\n"
            f"WHERE EXISTS (SELECT 1 {source} AND {self._changed(self._table)})"
        )

    def _merge_statement(self) -> str:
        others = self._others()
        assignments = ",\n  ".join(f"{self._quote(column.name)} = {self._value(column)}" for column in others)
        update = f"WHEN MATCHED AND {self._changed()} THEN UPDATE SET\n  {assignments}\n" if others else ""
        return (
            f"MERGE INTO {self._table} AS t\nUSING {self._stage} AS s\nON {self._join()}\n{update}"
            f"WHEN NOT MATCHED THEN INSERT ({self._list(self._columns)})\nVALUES ({self._values()})"
        )

    def replace(self) -> list[str]:
        """Replace all rows by those of the stage. The table, its rights and its indexes stay."""
        if self.dialect.replace_by_merge:
            return [
                f"MERGE INTO {self._table} AS t\nUSING {self._stage} AS s\nON FALSE\n"
                f"WHEN NOT MATCHED BY SOURCE THEN DELETE\n"
                f"WHEN NOT MATCHED BY TARGET THEN INSERT ({self._list(self._columns)})\nVALUES ({self._values()})"
            ]
        return [self.delete_all(), f"INSERT INTO {self._table} ({self._list(self._columns)})\n{self._select()}"]

    def delete_all(self) -> str:
        """Remove all rows of the table."""
        return self.dialect.delete_all.format(table=self._table)

    def columns_of_table(self) -> str:
        """Read the names and types of the table's columns; it has none if it doesn't exist."""
        literal, parts = self.dialect.literal, self._parts
        dataset = qualified(parts[:-1], self.dialect)
        return self.dialect.columns_query.format(
            qualified=literal(self._table),
            table=literal(parts[-1]),
            schema=literal(parts[-2]) if len(parts) > 1 else self.dialect.current_schema,
            catalog=f"{self._quote(parts[0])}." if len(parts) > 2 else "",
            information_schema=f"{dataset}{'.' if dataset else ''}INFORMATION_SCHEMA.COLUMNS",
        )

    def setup(self) -> list[str]:
        """Prepare the transaction."""
        digest = hashlib.sha256(self._table.encode()).digest()
        number = int.from_bytes(digest[:8], signed=True)
        return [statement.format(table_hash=number) for statement in self.dialect.setup]

    def count_load(self, load_id: LoadId) -> str:
        """Count the rows that a load has appended."""
        return f"SELECT COUNT(*) FROM {self._table} WHERE {self._quote(self.load_id_column)} = '{load_id}'"

    def delete_loads(self, load_id: LoadId) -> str:
        """Remove the rows that earlier tries of a load have appended."""
        return f"DELETE FROM {self._table} WHERE {self._quote(self.load_id_column)} LIKE '{load_id.name}-%'"

    def append(self, load_id: LoadId) -> str:
        """Append the rows of the stage."""
        return (
            f"INSERT INTO {self._table} ({self._list(self._columns)}, {self._quote(self.load_id_column)})\n"
            f"SELECT {self._values()}, '{load_id}' FROM {self._stage} AS s ORDER BY {self._quote(self._position)}"
        )

    def ends_with_transaction(self) -> bool:
        """Return True if the stage is removed with the end of the transaction."""
        return "ON COMMIT DROP" in self.dialect.end_stage

    def drop_stage(self) -> str:
        """Remove the stage."""
        return f"DROP TABLE {self._stage}"

    def _select(self) -> str:
        return f"SELECT {self._values()} FROM {self._stage} AS s ORDER BY {self._quote(self._position)}"

    def _others(self) -> list[TableColumn]:
        return [column for column in self._columns if column not in self._keys]

    def _list(self, columns: Sequence[TableColumn]) -> str:
        return ", ".join(self._quote(column.name) for column in columns)

    def _stage_columns(self) -> str:
        return f"{self._list(self._columns)}, {self._quote(self._position)}"

    def _value(self, column: TableColumn) -> str:
        value = f"s.{self._quote(column.name)}"
        is_json = column.type == "json" and kind_of(self.types[column.name]) == "json"
        return self.dialect.parse_json.format(value=value) if is_json else value

    def _values(self) -> str:
        return ", ".join(map(self._value, self._columns))

    def _join(self, target: str = "t") -> str:
        names = [self._quote(key.name) for key in self._keys]
        return " AND ".join(f"{target}.{name} = s.{name}" for name in names)

    def _changed(self, target: str = "t") -> str:
        """Return the condition that the stage's row differs from the table's, and isn't stale."""
        if not self._others():
            return "1 = 0"
        differs = "\n    OR ".join(self._differs(column, target) for column in self._others())
        return f"({differs}) AND NOT {self._is_stale(target)}" if self._newer else f"({differs})"

    def _differs(self, column: TableColumn, target: str) -> str:
        existing, new = f"{target}.{self._quote(column.name)}", self._value(column)
        if column.type == "json" and kind_of(self.types[column.name]) == "json":
            existing = self.dialect.comparable_json.format(value=existing)
            new = self.dialect.comparable_json.format(value=new)
        return self.dialect.distinct.format(a=existing, b=new)

    def _is_stale(self, target: str = "t") -> str:
        """Return the condition that the table's row is newer. A row without a version is older than any."""
        if self._newer is None:
            return "(1 = 0)"
        existing, new = (f"{side}.{self._quote(self._newer.name)}" for side in (target, "s"))
        return f"({existing} IS NOT NULL AND ({new} IS NULL OR {new} < {existing}))"


def stage_name(table: Sequence[str], load_id: LoadId) -> str:
    """Return the name of the stage: the same for every try, and another one for every other load."""
    digest = hashlib.sha256("\n".join([*table, load_id.name]).encode("utf-8", "replace")).hexdigest()
    return f"partners_stage_{digest[:16]}"
