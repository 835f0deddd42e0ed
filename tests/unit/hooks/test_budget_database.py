"""Rate limits in a database that a connection names, through Airflow's own hooks of PostgreSQL and SQLite."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest
from postgres import PostgresServer

from airflow_provider_partners.api.http.rate_limit_store import RateLimitStore
from airflow_provider_partners.exceptions import ConfigurationError, NotDefinedError
from airflow_provider_partners.hooks import budget_database
from airflow_provider_partners.hooks.budget_database import open_store
from airflow_provider_partners.hooks.yotpo import YotpoHook


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_database, "_tables", {})


@pytest.fixture(params=["postgres", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        server.execute("DROP TABLE IF EXISTS partner_rate_limits; DROP SCHEMA IF EXISTS etl CASCADE; CREATE SCHEMA etl")
        monkeypatch.setenv("AIRFLOW_CONN_LIMITS", server.airflow_connection())
    else:
        monkeypatch.setenv("AIRFLOW_CONN_LIMITS", json.dumps({"conn_type": "sqlite", "host": f"{tmp_path}/limits.db"}))
    kind: str = request.param
    return kind


def count(store: RateLimitStore) -> float:
    return store.update(lambda value: (value or 0.0) + 1.0)


def test_processes_share_the_number_of_a_credential(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert count(open_store("sql://limits", "one")) == 1
    assert count(open_store("sql://limits", "one")) == 2
    assert count(open_store("sql://limits", "two")) == 1
    monkeypatch.setattr(budget_database, "_tables", {})  # another process
    assert count(open_store("sql://limits", "one")) == 3


def test_airflow_is_called_once_for_the_connection(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up is a call to Airflow's API server, and its secrets backend may be slow and metered."""
    store = open_store("sql://limits", "one")
    monkeypatch.delenv("AIRFLOW_CONN_LIMITS")
    assert [count(store) for _ in range(3)] == [1, 2, 3]
    assert count(open_store("sql://limits", "one")) == 4


def test_the_table_may_be_named(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    name = "etl.limits" if database == "postgres" else "limits"
    count(open_store(f"sql://limits/{name}", "one"))
    if database == "postgres":
        assert request.getfixturevalue("postgres").query("SELECT credential FROM etl.limits") == [("one",)]
    else:
        assert sqlite3.connect(tmp_path / "limits.db").execute("SELECT credential FROM limits").fetchall() == [("one",)]


def test_a_hook_counts_in_the_database_that_the_setting_names(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.execute("DROP TABLE IF EXISTS partner_rate_limits")
    monkeypatch.setenv("AIRFLOW_CONN_LIMITS", postgres.airflow_connection())
    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", "sql://limits")
    connection = {"conn_type": "yotpo", "login": "store-1", "password": "hunter2"}
    monkeypatch.setenv("AIRFLOW_CONN_YOTPO_DEFAULT", json.dumps(connection))
    store = YotpoHook().client_options("store-1").rate_limit_store
    assert store is not None
    store.update(lambda _: 5.0)
    ((credential, number),) = postgres.query("SELECT credential, arrival_time FROM partner_rate_limits")
    assert number == "5.0"
    assert "store" not in credential
    assert len(credential) == 40


def test_waiting_for_postgres_ends_after_seconds_unless_the_connection_says_otherwise(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names are libpq's; its own defaults are endless (https://www.postgresql.org/docs/current/libpq-connect.html)."""
    monkeypatch.setenv("AIRFLOW_CONN_LIMITS", postgres.airflow_connection(connect_timeout=9))
    connection = budget_database._open_table("sql://limits")._connect()
    parameters = connection.info.get_parameters()
    assert parameters["tcp_user_timeout"] == "5000"
    assert parameters["connect_timeout"] == "9"
    assert connection.autocommit
    connection.close()


@pytest.mark.parametrize(
    "uri",
    ["sql://", "sql:///table", "sql://limits/a b", "sql://limits/a.b.c", "sql://me:hunter2@host/db", "sql://x?t=1"],
)
def test_a_wrong_uri_is_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="budget_uri") as refused:
        open_store(uri, "one")
    assert "hunter2" not in str(refused.value)


def test_a_warehouse_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redshift doesn't enforce keys: https://docs.aws.amazon.com/redshift/latest/dg/t_Defining_constraints.html"""
    value = {"conn_type": "postgres", "host": "h", "extra": {"redshift": True}}
    monkeypatch.setenv("AIRFLOW_CONN_LIMITS", json.dumps(value))
    with pytest.raises(ConfigurationError, match=r"of type 'redshift'[\s\S]*postgres, mysql, sqlite"):
        open_store("sql://limits", "one")


def test_a_connection_that_airflow_does_not_find_is_named() -> None:
    with pytest.raises(NotDefinedError, match="'nowhere'"):
        open_store("sql://nowhere", "one")


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.common.sql.hooks.sql", None)
    with pytest.raises(ConfigurationError, match=r"airflow-provider-partners\[sql\]"):
        open_store("sql://limits", "one")
