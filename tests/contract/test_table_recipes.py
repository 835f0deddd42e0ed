"""The recipes of docs/guides/tables.md: sqlglot parses each statement in its grammar, DuckDB runs its own."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from airflow_provider_partners.datasets import Column, DatasetWriter

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "tables.md").read_text()

LEFT_AS_TEXT = {"redshift": ("LOCK TABLE",), "bigquery": (), "snowflake": (), "duckdb": ()}
"""Statements that sqlglot doesn't know. LOCK: https://docs.aws.amazon.com/redshift/latest/dg/r_LOCK.html"""


def recipes(heading: str) -> list[str]:
    """Return the statements under a heading."""
    section = re.search(rf"^### {heading}\n(.*?)(?=^###? |\Z)", PAGE, re.DOTALL | re.MULTILINE | re.IGNORECASE)
    assert section
    blocks = re.findall(r"^```sql\n(.*?)^```", section[1], re.DOTALL | re.MULTILINE)
    return [statement.strip() for block in blocks for statement in re.split(r";\n", block) if statement.strip()]


@pytest.mark.parametrize("dialect", sorted(LEFT_AS_TEXT))
def test_every_statement_of_a_recipe_is_one_of_its_database(dialect: str) -> None:
    statements = recipes(dialect)

    assert len(statements) >= 7
    for statement in statements:
        text = statement.replace("%(rows)s", "'[]'").replace("%s", "1")
        (tree,) = sqlglot.parse(text, read=dialect)
        assert not isinstance(tree, exp.Command) or text.startswith(LEFT_AS_TEXT[dialect]), text


def test_the_recipe_for_duckdb_runs(tmp_path: Path) -> None:
    writer = DatasetWriter(f"{tmp_path}/orders", source="shop", resource="orders", columns=[Column("id", "integer")])
    writer.resume()
    writer.append([{"id": 1}, {"id": 2}])
    writer.commit()
    database = duckdb.connect(":memory:")
    database.execute("CREATE SCHEMA analytics")
    *load, count = recipes("duckdb")

    for _ in range(2):
        for statement in load:
            row = [1, "2026-05-01T10:00:00Z", "10.50", "[]", 0] if "?" in statement else None
            database.execute(statement, row)

    assert database.execute("SELECT id, CAST(total AS VARCHAR) FROM analytics.orders").fetchall() == [
        (1, "10.500000000")
    ]
    assert database.execute(count.replace("/data", str(tmp_path))).fetchall() == [(2,)]
