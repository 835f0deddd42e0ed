"""Types of databases as their catalogs spell them."""

from __future__ import annotations

import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.tables.dialects import DIALECTS, find_dialect, kind_of


@pytest.mark.parametrize(
    ("spelled", "kind"),
    [
        # https://www.postgresql.org/docs/current/datatype.html, as format_type writes them
        ("smallint", "integer"),
        ("bigint", "integer"),
        ("numeric(10,2)", "decimal"),
        ("double precision", "float"),
        ("real", "float"),
        ("character varying(20)", "string"),
        ("character(3)", "string"),
        ("text", "string"),
        ("timestamp without time zone", "timestamp"),
        ("timestamp(3) with time zone", "timestamp"),
        ("date", "date"),
        ("jsonb", "json"),
        ("boolean", "boolean"),
        ("uuid", "other"),
        ("point", "other"),
        ("interval", "other"),
        ("integer[]", "other"),
        ("character varying[]", "other"),
        # https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
        ("NUMBER(38, 0)", "integer"),
        ("NUMBER(38, 9)", "decimal"),
        ("TIMESTAMP_TZ", "timestamp"),
        ("VARIANT", "json"),
        # https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types
        ("INT64", "integer"),
        ("FLOAT64", "float"),
        ("BIGNUMERIC", "decimal"),
        ("DATETIME", "timestamp"),
        ("BOOL", "boolean"),
        # https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
        ("super", "json"),
        # https://duckdb.org/docs/stable/sql/data_types/overview
        ("HUGEINT", "integer"),
        ("UBIGINT", "integer"),
        ("DECIMAL(18,3)", "decimal"),
        ("BLOB", "other"),
    ],
)
def test_a_type_of_a_database_is_of_a_kind(spelled, kind):
    assert kind_of(spelled) == kind


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_a_column_that_we_create_holds_its_type_the_next_time(dialect):
    from airflow_provider_partners.tables.dialects import fits

    for column_type, created in dialect.types.items():
        assert fits(column_type, kind_of(created)), created


@pytest.mark.parametrize(
    ("conn_type", "name"), [("postgres", "postgres"), ("gcpbigquery", "bigquery"), ("snowflake", "snowflake")]
)
def test_the_connection_decides_on_the_dialect(conn_type, name):
    assert find_dialect(None, conn_type).name == name


def test_a_connection_without_a_dialect_is_an_error_that_names_the_argument():
    with pytest.raises(ConfigurationError, match=r"of type 'oracle', for which there is no dialect.*Use dialect="):
        find_dialect(None, "oracle")
