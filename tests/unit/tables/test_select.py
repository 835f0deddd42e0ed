"""Cursors that stream, by the driver's module. MySQL's drivers aren't installed: stand-ins have their names."""

from __future__ import annotations

import sqlite3
import sys
from types import ModuleType, SimpleNamespace

import pytest

from airflow_provider_partners.tables.select import Query


@pytest.mark.parametrize("driver", ["MySQLdb", "pymysql"])
def test_mysql_is_read_with_the_cursor_that_streams(monkeypatch, driver):
    """https://mysqlclient.readthedocs.io/user_guide.html: SSCursor doesn't store the result in the client."""
    cursors = ModuleType(f"{driver}.cursors")
    cursors.SSCursor = object()
    monkeypatch.setitem(sys.modules, driver, ModuleType(driver))
    monkeypatch.setitem(sys.modules, f"{driver}.cursors", cursors)
    lite = sqlite3.connect(":memory:").cursor()
    passed = []

    class Connection:
        def cursor(self, *arguments):
            passed.extend(arguments)
            return lite

    Connection.__module__ = f"{driver}.connections"
    query = Query(Connection(), "SELECT 1 AS id")
    query.execute()

    assert list(query.records()) == [{"id": 1}]
    assert passed == [cursors.SSCursor]


def test_the_rows_of_a_query_are_fetched_in_batches():
    fetched = []

    class Cursor:
        description = [("id", None)]

        def execute(self, sql):
            self.rows = iter(range(7))

        def fetchmany(self, size):
            fetched.append(size)
            return [(number,) for _, number in zip(range(size), self.rows, strict=False)]

        def close(self):
            fetched.append("closed")

    query = Query(SimpleNamespace(cursor=Cursor), "SELECT id FROM t", batch_size=3)
    query.execute()

    assert [record["id"] for record in query.records()] == list(range(7))
    assert fetched == [3, 3, 3, 3, "closed"]
