"""The statements of a load as text: for a review, or for tools that run SQL by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider_partners.datasets.schema import Column, parse_columns
from airflow_provider_partners.tables.dialects import find_dialect
from airflow_provider_partners.tables.names import parse_table
from airflow_provider_partners.tables.plan import PlanOptions, TablePlan
from airflow_provider_partners.tables.statements import LoadId, Statements

STAGE = "stage"
"""The name of the stage in the statements."""


def load_statements(
    columns: Sequence[Column] | Mapping[str, str],
    *,
    table: str,
    dialect: str,
    keys: Sequence[str] = (),
    mode: str = "merge",
    placeholder: str = "%s",
) -> list[str]:
    """Return the statements with which ``DatasetToSqlOperator`` loads a table that doesn't exist yet, in order.

    :param columns: the columns of a dataset, from ``dataset_columns``, or types by name
    :param table: name of the table
    :param dialect: ``postgres``, ``sqlite``, ``duckdb``, ``redshift``, ``snowflake``, ``bigquery`` or ``ansi``
    :param keys: fields that identify a row
    :param mode: ``merge``, ``append`` or ``replace``
    :param placeholder: of a bound value
    :raises ConfigurationError: when there is no such dialect, or an argument names a field that doesn't exist
    """
    database = find_dialect(dialect)
    plan = TablePlan(parse_columns(columns), PlanOptions(), database, keys)
    made = Statements(database, parse_table(table, database), STAGE, plan.columns, keys=plan.keys)
    placeholder = database.placeholder or placeholder
    statements = [
        database.begin,
        *made.setup(),
        made.create_table(load_id=mode == "append"),
        made.create_stage(),
        made.fill(placeholder),
        made.analyze(),
        made.lock(),
    ]
    if mode == "merge":
        statements += [made.deduplicate(), made.count(), *made.merge()]
    elif mode == "replace":
        statements += [*([made.deduplicate()] if keys else []), *made.replace()]
    else:
        load_id = LoadId.of("dataset", "content")
        statements += [made.count_load(load_id), made.delete_loads(load_id), made.append(load_id)]
    if not made.ends_with_transaction():
        statements.append(made.drop_stage())
    return [statement for statement in [*statements, "COMMIT" if database.begin else ""] if statement]
