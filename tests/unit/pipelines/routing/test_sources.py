"""Routes come from the Variable, a file, a query or a list: the same checks, and errors that name the source."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
import yaml

from airflow_provider_partners.exceptions import ConfigurationError, NotDefinedError
from airflow_provider_partners.pipelines.routing.placements import Placement, declared_placements
from airflow_provider_partners.pipelines.routing.sources import read_routes

A, B = "a.myshopify.com", "b.myshopify.com"
ROUTES = [
    {"shop": A, "shopify_conn_id": "s", "yotpo_conn_id": "t", "pool": "big"},
    {
        "shop": B,
        "shopify_conn_id": "s",
        "yofi_conn_id": "y",
        "yotpo_conn_id": "t",
        "options": {"gift_cards": "include"},
    },
]


@pytest.mark.parametrize(("suffix", "write"), [("json", json.dumps), ("yaml", yaml.safe_dump), ("yml", yaml.safe_dump)])
def test_a_file_has_the_routes_as_json_or_yaml(tmp_path, suffix, write):
    file = tmp_path / f"routes.{suffix}"
    file.write_text(write(ROUTES))
    for address in (str(file), file.as_uri()):
        one, two = read_routes(address)
        assert (one.shop, one.yofi_conn_id, one.pool) == (A, None, "big")
        assert two.options == {"gift_cards": "include"}


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    """Notepad and PowerShell write one. RFC 8259 lets a reader ignore it, and Python's ``json`` refuses it."""
    file = tmp_path / "routes.json"
    file.write_text(json.dumps(ROUTES), encoding="utf-8-sig")

    assert [route.shop for route in read_routes(str(file))] == [A, B]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("r.json", "[{", "The file .*r.json is not JSON"),
        ("r.yaml", "- a: [1", "The file .*r.yaml is not YAML \\(line"),
        ("r.json", "{}", "The file .*r.json is not a list"),
        ("r.yaml", "", "The file .*r.yaml is empty"),
        ("r.json", '[{"shop": "a"}]', "The file .*r.json has a wrong route 1 .*'shopify_conn_id' is missing"),
    ],
)
def test_a_wrong_file_is_one_error_that_names_it(tmp_path, name, content, problem):
    (tmp_path / name).write_text(content)
    with pytest.raises(ConfigurationError, match=problem):
        read_routes(str(tmp_path / name))


def test_a_missing_file_is_one_error_that_names_it(tmp_path):
    with pytest.raises(ConfigurationError, match=r"There is no file .*nothing\.json"):
        read_routes(str(tmp_path / "nothing.json"))


@pytest.mark.parametrize("uri", ["nonsense://bucket/routes.json", "smb://server/share/routes.json"])
def test_a_storage_that_is_not_installed_is_one_error_that_names_the_file(uri):
    """Airflow's ``ObjectStoragePath`` raises ValueError for an unknown scheme, fsspec ImportError without its package:
    https://filesystem-spec.readthedocs.io/en/latest/api.html#fsspec.registry.get_filesystem_class
    """
    with pytest.raises(ConfigurationError, match=f"The file {uri} with routes can't be read") as error:
        read_routes(uri)
    assert "Install the provider package" in str(error.value)


def test_a_file_that_is_no_utf_8_is_one_error_that_names_it(tmp_path):
    (tmp_path / "r.json").write_bytes(b'[{"shop": "\xe4"}]')
    with pytest.raises(ConfigurationError, match=r"r\.json with routes is not in UTF-8"):
        read_routes(str(tmp_path / "r.json"))


@pytest.fixture
def warehouse(tmp_path, monkeypatch):
    """A SQLite database behind the connection ``warehouse``."""
    path = tmp_path / "warehouse.db"
    connection = {"conn_type": "sqlite", "host": str(path)}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(connection))
    with closing(sqlite3.connect(path)) as database:
        database.executescript("""
            CREATE TABLE routes (SHOP, SHOPIFY_CONN_ID, YOFI_CONN_ID, YOTPO_CONN_ID, PERSONAL_DATA, POLICY, QUEUE);
            INSERT INTO routes VALUES ('a', 's', NULL, 't', 0, '{"claims": "order"}', 'heavy');
            INSERT INTO routes VALUES ('b', 's', 'y', 't', 1, NULL, NULL);
        """)
    return {"conn_id": "warehouse", "sql": "SELECT * FROM routes ORDER BY shop"}


def test_a_query_has_a_row_for_each_route(warehouse):
    one, two = read_routes(warehouse)
    assert (one.shop, one.yofi_conn_id, one.personal_data, one.queue) == (A, None, False, "heavy")
    assert one.policy == '{"claims": "order"}'
    assert (two.yofi_conn_id, two.personal_data, two.policy) == ("y", True, None)


def test_a_wrong_row_names_the_connection(warehouse):
    sql = "SELECT shop, yotpo_conn_id FROM routes"
    with pytest.raises(ConfigurationError, match=r"The query on 'warehouse' has a wrong route 1 .*shopify_conn_id"):
        read_routes({**warehouse, "sql": sql})


def test_a_query_without_rows_is_an_error(warehouse):
    with pytest.raises(ConfigurationError, match="The query on 'warehouse' has no route"):
        read_routes({**warehouse, "sql": "SELECT * FROM routes WHERE shop = 'x'"})


def test_a_connection_that_is_not_found_is_left_to_the_retries():
    with pytest.raises(NotDefinedError, match="did not find the connection 'nowhere'"):
        read_routes({"conn_id": "nowhere", "sql": "SELECT 1"})


def test_a_list_and_the_variable(monkeypatch):
    assert [route.shop for route in read_routes(ROUTES)] == [A, B]
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(ROUTES[1:]))
    for source in (None, "", "None"):
        assert [route.shop for route in read_routes(source)] == [B]
    with pytest.raises(ConfigurationError, match="The argument 'routes' has a wrong route 1"):
        read_routes([{"shop": A}])


def test_a_template_may_render_to_any_source(warehouse, tmp_path):
    assert [route.shop for route in read_routes(json.dumps(warehouse))] == [A, B]
    assert [route.shop for route in read_routes(str(ROUTES))] == [A, B]


# --- the pools and queues are known when the Dag file is loaded ---


def test_the_placements_of_a_local_file_and_of_a_list_are_found(tmp_path):
    file = tmp_path / "routes.yaml"
    file.write_text(yaml.safe_dump([*ROUTES, {"shop": "c", "pool": "big", "queue": "heavy"}]))
    expected = [Placement(pool="big"), Placement(pool="big", queue="heavy")]
    assert declared_placements([], str(file)) == expected
    assert declared_placements([{"pool": "big"}], file.as_uri()) == expected
    assert declared_placements([], ROUTES) == [Placement(pool="big")]


def test_a_file_that_cannot_be_read_leaves_the_dag_visible(tmp_path, caplog):
    """The run reads it again, and fails."""
    assert declared_placements([], str(tmp_path / "nothing.json")) == []
    assert "The pools and queues of the routes are not known: There is no file" in caplog.text


@pytest.mark.parametrize("routes", [None, "s3://bucket/routes.json", {"conn_id": "x", "sql": "SELECT 1"}])
def test_nothing_remote_is_read_when_the_dag_file_is_loaded(routes):
    assert declared_placements([{"queue": "heavy"}], routes) == [Placement(queue="heavy")]
