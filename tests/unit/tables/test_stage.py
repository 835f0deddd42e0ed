"""Any text and any JSON arrives in PostgreSQL as it was, through COPY. Hypothesis makes the values."""

from __future__ import annotations

import json
from decimal import Decimal

import psycopg
import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_partners.tables.dialects import POSTGRES
from airflow_provider_partners.tables.plan import TableColumn
from airflow_provider_partners.tables.stage import fill_stage
from airflow_provider_partners.tables.statements import Statements

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)
ROWS = st.lists(
    st.tuples(
        st.none() | TEXT,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.decimals(-(10**29), 10**29, places=9),
        st.none() | st.booleans(),
        st.none() | JSON.map(json.dumps),
    ),
    min_size=1,
    max_size=20,
)
KINDS = ("string", "integer", "float", "decimal", "boolean", "json")
COLUMNS = [TableColumn(kind, kind, kind) for kind in KINDS]


@pytest.fixture(scope="module", params=[psycopg, psycopg2], ids=["psycopg", "psycopg2"])
def cursor(request, postgres):
    connection = request.param.connect(postgres.dsn)
    connection.autocommit = True
    yield connection.cursor()
    connection.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_every_value_arrives_as_it_was(cursor, rows):
    statements = Statements(POSTGRES, ("t",), "stage_of_test", COLUMNS)
    cursor.execute("BEGIN")
    cursor.execute(statements.create_stage())
    fill_stage(cursor, statements, "%s", rows, 0)
    cursor.execute('SELECT string, integer, "float", "decimal", "boolean", json FROM stage_of_test ORDER BY _position')
    stored = cursor.fetchall()
    cursor.execute("ROLLBACK")

    expected = [(*row[:5], None if row[5] is None else json.loads(row[5])) for row in rows]
    assert stored == [tuple(row) for row in expected]
    assert all(isinstance(row[3], Decimal) for row in stored if row[3] is not None)
