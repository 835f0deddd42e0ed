"""The statements of a load, parsed by sqlglot, whose grammars of the databases are not ours."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.tables import load_statements
from airflow_provider_partners.tables.dialects import DIALECTS

COLUMNS = {"id": "integer", "createdAt": "timestamp", "total": "decimal", "lines": "json"}

_HOW = ("SET LOCAL", "LOCK TABLE", "CREATE TEMPORARY TABLE", "COPY")
"""Beginnings of PostgreSQL's and Redshift's statements that sqlglot leaves as text. PostgreSQL itself runs them in
the tests of the operator."""


@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_statement_is_one_of_its_database(dialect, mode):
    keys = [] if mode == "append" else ["id"]
    statements = load_statements(COLUMNS, table="sales.orders", dialect=dialect, keys=keys, mode=mode)

    assert len(statements) >= 5
    for statement in statements:
        text = statement.replace("%(rows)s", "'[]'").replace("%s", "1")
        (tree,) = sqlglot.parse(text, read=None if dialect == "ansi" else dialect)
        assert not isinstance(tree, exp.Command) or text.startswith(_HOW), text


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_names_that_are_statements_stay_names(dialect):
    hostile = "x\"); DROP TABLE y; -- ` \\` '"
    columns = {"id": "integer", hostile: "string"}

    for statement in load_statements(columns, table='"a""b; DROP"', dialect=dialect, keys=["id"]):
        text = statement.replace("%(rows)s", "'[]'").replace("%s", "1")
        trees = sqlglot.parse(text, read=None if dialect == "ansi" else dialect)
        assert len(trees) == 1, text


def test_an_unknown_dialect_is_an_error_with_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean 'bigquery'"):
        load_statements(COLUMNS, table="t", dialect="bigqery", keys=["id"])
