"""The store in a database, on a real PostgreSQL and on SQLite: shared by processes, and replaced while it is away."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres import PostgresServer

from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.rate_limit_store import FallbackStore, RateLimitStoreError
from airflow_provider_partners.api.http.sql_rate_limit_store import RateLimitTable, SqlStore

TABLE = "partner_rate_limits"


def increment(value: float | None) -> float:
    return (value or 0.0) + 1.0


class Database:
    """A database of a test: opens tables of the product, and looks at them as an independent client."""

    def __init__(self, kind: str, address: str) -> None:
        self.kind, self.address = kind, address
        self.opened = 0

    def connect(self) -> Any:
        self.opened += 1
        if self.kind == "sqlite":
            return sqlite3.connect(self.address)
        return psycopg.connect(self.address, autocommit=True)

    def table(self, name: str = TABLE) -> RateLimitTable:
        is_file = self.kind == "sqlite"
        return RateLimitTable(self.connect, name=name, placeholder="?" if is_file else "%s", keep_open=not is_file)

    def query(self, sql: str) -> list[Any]:
        connection = sqlite3.connect(self.address) if self.kind == "sqlite" else psycopg.connect(self.address)
        try:
            cursor = connection.execute(sql)
            rows = cursor.fetchall() if cursor.description else []
            connection.commit()
        finally:
            connection.close()
        return rows


@pytest.fixture(params=["postgres", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return Database("sqlite", str(tmp_path / "limits.db"))
    server: PostgresServer = request.getfixturevalue("postgres")
    server.execute(f"DROP TABLE IF EXISTS {TABLE}")
    return Database("postgres", server.dsn)


def test_a_number_starts_empty_and_is_kept_exactly(database: Database) -> None:
    seen: list[float | None] = []

    def change(value: float | None) -> float:
        seen.append(value)
        return 1_700_000_000.1234567

    assert SqlStore(database.table(), "one").update(change) == 1_700_000_000.1234567
    SqlStore(database.table(), "one").update(change)
    assert SqlStore(database.table(), "two").update(increment) == 1
    assert seen == [None, 1_700_000_000.1234567]


def test_no_update_is_lost_between_threads_of_two_processes_worth_of_connections(database: Database) -> None:
    tables = [database.table(), database.table()]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: SqlStore(tables[number % 2], "one").update(increment), range(60)))
    assert SqlStore(database.table(), "one").update(increment) == 61


def test_a_write_of_another_task_in_between_is_seen(database: Database) -> None:
    other, seen = SqlStore(database.table(), "one"), []

    def change(value: float | None) -> float:
        seen.append(value)
        if len(seen) < 3:
            other.update(lambda _: 10.0 * len(seen))
        return increment(value)

    assert SqlStore(database.table(), "one").update(change) == 21
    assert seen == [None, 10.0, 20.0]


def test_endless_conflicts_are_given_up(database: Database) -> None:
    other = SqlStore(database.table(), "one")

    def change(value: float | None) -> float:
        other.update(increment)
        return 0.5

    with pytest.raises(RateLimitStoreError, match="too many tasks"):
        SqlStore(database.table(), "one").update(change)


def test_an_unchanged_number_is_not_written(database: Database) -> None:
    SqlStore(database.table(), "one").update(lambda _: 5.0)
    database.query(f"UPDATE {TABLE} SET changed_at = 9999999999")
    assert SqlStore(database.table(), "one").update(lambda value: value or 0.0) == 5.0
    assert database.query(f"SELECT changed_at FROM {TABLE}") == [(9_999_999_999,)]


def test_a_damaged_number_is_reset(database: Database) -> None:
    SqlStore(database.table(), "one").update(increment)
    database.query(f"UPDATE {TABLE} SET arrival_time = 'rubbish'")
    RateLimiter(rate=1, store=SqlStore(database.table(), "one")).acquire()
    ((text,),) = database.query(f"SELECT arrival_time FROM {TABLE}")
    assert abs(float(text) - time.time()) < 60


def test_the_first_use_of_a_process_removes_numbers_that_two_days_have_not_used(database: Database) -> None:
    for name in ("old", "new"):
        SqlStore(database.table(), name).update(increment)
    database.query(f"UPDATE {TABLE} SET changed_at = {int(time.time()) - 172_801} WHERE credential = 'old'")
    SqlStore(database.table(), "third").update(increment)
    assert sorted(database.query(f"SELECT credential FROM {TABLE}")) == [("new",), ("third",)]


def test_tasks_that_create_the_table_at_the_same_time_share_it(database: Database) -> None:
    tables = [database.table() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda table: SqlStore(table, "one").update(increment), tables))
    assert SqlStore(database.table(), "one").update(increment) == 9


def test_a_table_that_is_dropped_under_a_living_process_is_created_again(database: Database) -> None:
    """SQLite 3 and PostgreSQL themselves refuse the statements: neither says it in the words of the other."""
    store = SqlStore(database.table(), "one")
    assert [store.update(increment) for _ in range(2)] == [1, 2]
    database.query(f"DROP TABLE {TABLE}")
    assert [store.update(increment) for _ in range(2)] == [1, 2]
    assert database.query(f"SELECT credential FROM {TABLE}") == [("one",)]


def test_a_table_that_is_dropped_between_reading_and_writing_is_created_again(database: Database) -> None:
    table = database.table()
    SqlStore(table, "one").update(increment)
    stored = table.read("one")
    database.query(f"DROP TABLE {TABLE}")
    assert not table.replace("one", stored, "2.0")
    assert SqlStore(table, "one").update(increment) == 1


_ACQUIRE_SCRIPT = """
import json, sys, time
from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.sql_rate_limit_store import RateLimitTable, SqlStore
kind, address = sys.argv[1:]
if kind == "sqlite":
    import sqlite3
    connect, options = (lambda: sqlite3.connect(address)), {"placeholder": "?", "keep_open": False}
else:
    import psycopg
    connect, options = (lambda: psycopg.connect(address, autocommit=True)), {}
table = RateLimitTable(connect, name="partner_rate_limits", **options)
class RecordingClock(Clock):
    def time(self):
        self.last_time = super().time()
        return self.last_time
clock = RecordingClock()
rate_limit = RateLimiter(rate=20, store=SqlStore(table, "yotpo:store"), clock=clock)
print("ready", flush=True)
sys.stdin.readline()
granted = []
for _ in range(50):
    wait = rate_limit.acquire()
    granted.append(clock.last_time + wait)
    time.sleep(0.01)
print(json.dumps(granted))
"""


def test_four_processes_together_get_the_limit_and_no_more(database: Database) -> None:
    """200 requests are reserved much faster than they may be sent, so they are evenly spaced for ten seconds to come.

    A reservation of two processes at once would be closer together, and a lost one would leave a gap.
    """
    command = [sys.executable, "-c", _ACQUIRE_SCRIPT, database.kind, database.address]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    granted = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    grants = sorted((at, process) for process, times in enumerate(granted) for at in times)
    assert len(grants) == 200
    assert min(later - earlier for (earlier, _), (later, _) in pairwise(grants)) > 0.05 - 1e-4
    assert 199 / (grants[-1][0] - grants[0][0]) >= 0.9 * 20
    assert sum(earlier != later for (_, earlier), (_, later) in pairwise(grants)) > 10, (
        "the processes did not run at the same time"
    )


def test_a_connection_is_kept_and_one_that_the_server_has_closed_is_opened_again(postgres: PostgresServer) -> None:
    """``pg_terminate_backend`` closes a session as an administrator or a restart does."""
    postgres.execute(f"DROP TABLE IF EXISTS {TABLE}")
    database = Database("postgres", f"{postgres.dsn} application_name=limits")
    store = SqlStore(database.table(), "one")
    assert [store.update(increment) for _ in range(3)] == [1, 2, 3]
    assert database.opened == 1
    closed = postgres.query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'limits'"
    )
    assert closed == [(True,)]
    assert store.update(increment) == 4
    assert database.opened == 2


def test_no_lock_is_left_between_updates(postgres: PostgresServer) -> None:
    postgres.execute(f"DROP TABLE IF EXISTS {TABLE}")
    database = Database("postgres", f"{postgres.dsn} application_name=limits")
    states = []

    def change(value: float | None) -> float:
        states.append(postgres.query("SELECT state FROM pg_stat_activity WHERE application_name = 'limits'"))
        return increment(value)

    store = SqlStore(database.table(), "one")
    for _ in range(2):
        store.update(change)
    assert states == [[("idle",)], [("idle",)]]


def test_a_child_process_opens_a_connection_of_its_own(postgres: PostgresServer) -> None:
    """Airflow forks a process for each task. A session that two processes use breaks for both."""
    postgres.execute(f"DROP TABLE IF EXISTS {TABLE}")
    database = Database("postgres", postgres.dsn)
    store = SqlStore(database.table(), "one")
    store.update(increment)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if store.update(increment) == 2 and database.opened == 2 else 1
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert store.update(increment) == 3
    assert database.opened == 1


@pytest.mark.parametrize(
    ("connect", "reason"),
    [
        (lambda: psycopg.connect("host=127.0.0.1 port=1 user=me password=hunter2"), "OperationalError"),
        (lambda: sqlite3.connect("/nowhere/hunter2.db"), "OperationalError"),
    ],
)
def test_while_the_database_is_away_memory_counts_with_one_warning(
    connect: Callable[[], Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = FallbackStore(SqlStore(RateLimitTable(connect, name=TABLE), "one"))
    with caplog.at_level(logging.WARNING):
        assert [store.update(increment) for _ in range(3)] == [1, 2, 3]
    (record,) = caplog.records
    assert reason in record.getMessage()
    assert "hunter2" not in caplog.text


def test_a_user_without_the_right_to_create_the_table_is_named_as_the_reason(postgres: PostgresServer) -> None:
    """PostgreSQL's class of that error is ``InsufficientPrivilege`` (SQLSTATE 42501)."""
    postgres.execute(f"DROP TABLE IF EXISTS {TABLE}; DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN")
    address = postgres.dsn.replace("user=tester", "user=reader")
    table = RateLimitTable(lambda: psycopg.connect(address, autocommit=True), name=TABLE)
    with pytest.raises(RateLimitStoreError, match="InsufficientPrivilege"):
        SqlStore(table, "one").update(increment)
