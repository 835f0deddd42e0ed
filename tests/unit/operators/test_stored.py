"""Format, personal data, added columns and the least number of records, on an extract operator.

``fake_claims`` is a list of Yofi's claims: its declared fields are those of Yofi's page.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest
from fakes.claims import NINE, RECORDS, TEN, ClaimsOperator, Client, run

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.datasets import leases
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.task_errors import PartnerTaskError

KEY = "a long random text"


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path / "staging"))
    monkeypatch.setenv("AIRFLOW_CONN_PRIVACY", json.dumps({"conn_type": "generic", "password": KEY}))
    monkeypatch.setenv("AIRFLOW_CONN_EMPTY", json.dumps({"conn_type": "generic"}))
    task = SimpleNamespace(dag_id="dag", task_id="extract", run_id="run", map_index=-1)
    return {"ti": task, "data_interval_start": NINE, "data_interval_end": TEN}


def stored_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_parquet_has_the_declared_columns(context: dict[str, Any], tmp_path: Path) -> None:
    _, reference = run(context, format="parquet", uri=str(tmp_path / "day"))
    (part,) = (tmp_path / "day").glob("part-*.parquet")
    table = pq.read_table(part)
    assert table.schema.names == ["id", "type", "customer_id", "claim_items", "created_at_epoch"]
    assert str(table.schema.field("created_at_epoch").type) == "int64"
    assert [record["id"] for record in read_dataset(reference)] == [record["id"] for record in RECORDS]


@pytest.mark.parametrize("hashed", [["id"], "id", '["id"]', "['id']"])
def test_a_hash_has_the_connections_password_as_its_key(context: dict[str, Any], hashed: Any) -> None:
    _, reference = run(context, hash=hashed, hash_conn_id="privacy")
    expected = [hmac.digest(KEY.encode(), record["id"].encode(), hashlib.sha256).hex() for record in RECORDS]
    assert [record["id"] for record in read_dataset(reference)] == expected


def test_dropped_and_hashed_values_and_the_key_are_stored_nowhere(context: dict[str, Any], tmp_path: Path) -> None:
    """Also not in the files of an unfinished try."""
    client = Client(fails_at=2)
    client.page = _with_secret(client.page)
    with pytest.raises(PartnerTaskError):
        run(context, client, drop=["claim_items.note"], hash=["customer_id"], hash_conn_id="privacy")
    assert list(tmp_path.rglob("progress.json"))
    stored = stored_bytes(tmp_path)
    for part in tmp_path.rglob("*.gz"):
        import gzip

        stored += gzip.decompress(part.read_bytes())
    assert b"claim_items" in stored
    assert not any(secret in stored for secret in (b"wrong size", b"customer-7", KEY.encode()))


def _with_secret(page: Any) -> Any:
    def fetch(cursor: Any) -> Any:
        found = page(cursor)
        found.records[:] = [
            {**record, "customer_id": "customer-7", "claim_items": [{"note": "wrong size"}]} for record in found.records
        ]
        return found

    return fetch


def test_columns_are_added_and_the_same_after_a_retry(context: dict[str, Any]) -> None:
    with pytest.raises(PartnerTaskError):
        run(context, Client(fails_at=2), add_columns=True)
    _, reference = run(context, add_columns=True)
    records = list(read_dataset(reference))
    assert len(records) == 6
    assert {tuple(list(record.items())[1:]) for record in records} == {
        (
            ("_account", "a.myshopify.com"),
            ("_extracted_at", reference["read_at"]),
            ("_since", "2026-05-01T09:00:00Z"),
            ("_until", "2026-05-01T10:00:00Z"),
        )
    }
    assert reference["extra"]["resumed"] == 4


@pytest.mark.parametrize("chosen", [{"shop": "account"}, '{"shop": "account"}', "{'shop': 'account'}"])
def test_the_added_columns_may_be_named(context: dict[str, Any], chosen: Any) -> None:
    assert next(read_dataset(run(context, add_columns=chosen)[1])) == {"id": "0", "shop": "a.myshopify.com"}


@pytest.mark.parametrize("rendered", ["False", "", "None", False, None])
def test_no_column_is_added_unless_it_is_wanted(context: dict[str, Any], rendered: Any) -> None:
    assert next(read_dataset(run(context, add_columns=rendered)[1])) == {"id": "0"}


def test_a_try_with_other_personal_data_starts_from_the_beginning(context: dict[str, Any]) -> None:
    with pytest.raises(PartnerTaskError):
        run(context, Client(fails_at=2))
    client, reference = run(context, hash=["id"], hash_conn_id="privacy")
    assert client.fetched == [0, 1, 2]
    assert "resumed" not in reference["extra"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"drop": ["custmer_id"]}, r"'drop' names 'custmer_id'.*did you mean 'customer_id'\?"),
        ({"hash": ["id"]}, "'hash' needs a key, and 'hash_conn_id' is not set"),
        ({"hash": ["id"], "hash_conn_id": "empty"}, "connection 'empty' has no password, which is the key of 'hash'"),
        ({"add_columns": {"id": "account"}}, "'add_columns' names 'id', which is a field of this list already"),
        ({"add_columns": {"at": "now"}}, "lets 'at' hold 'now', which is unknown"),
        ({"add_columns": 5}, "'add_columns' has the type int, and True or a dict"),
        ({"add_columns": "perhaps"}, "'add_columns' is neither true nor false"),
        ({"drop": 5}, "'drop' is 5, and a list of names is needed"),
        ({"format": "csv"}, "'format' is 'csv'"),
        ({"min_records": 0}, "'min_records' is 0"),
    ],
)
def test_a_wrong_argument_fails_before_anything_is_read(
    context: dict[str, Any], arguments: dict[str, Any], problem: str
) -> None:
    client = Client()
    with pytest.raises(AirflowFailException, match=problem):
        run(context, client, **arguments)
    assert client.fetched == []


@pytest.mark.parametrize("least", [7, "7"])
def test_too_few_records_fail_the_task_and_nothing_is_published(
    context: dict[str, Any], tmp_path: Path, least: Any
) -> None:
    problem = "yofi claims of a.myshopify.com has 6 records, and 'min_records' is 7"
    for _ in range(2):
        client = Client()
        with pytest.raises(PartnerTaskError, match=problem):
            run(context, client, min_records=least, uri=str(tmp_path / "day"))
        assert client.fetched == [0, 1, 2]
    assert list((tmp_path / "day").iterdir()) == []
    assert run(context, min_records=6, uri=str(tmp_path / "day"))[1]["records"] == 6


def test_every_argument_is_templated() -> None:
    added = {"format", "nested", "on_new_fields", "drop", "hash", "hash_conn_id", "add_columns", "min_records"}
    assert added <= set(ClaimsOperator.template_fields)


def write_orders(of: dict[str, Any]) -> dict[str, Any]:
    other = {"ti": SimpleNamespace(dag_id="shop", task_id="orders", run_id="r", map_index=-1)}
    writer = DatasetWriter(dataset_uri(other), source="shopify_admin", resource="orders")
    writer.append([{"legacyResourceId": "11"}])
    return writer.commit().to_dict()


def test_a_task_leases_the_datasets_that_it_reads_until_it_has_succeeded(context: dict[str, Any]) -> None:
    """The retention removes no dataset with a lease of a running or queued run."""
    orders = write_orders(context)
    match = {"order_id": {"dataset": orders, "field": "legacyResourceId"}}
    with pytest.raises(PartnerTaskError):
        run(context, Client(fails_at=1), match=match)
    (lease,) = leases.read_leases()
    assert (lease.dag_id, lease.run_id, lease.uris) == ("dag", "run", (orders["uri"],))
    run(context, match=match)
    assert leases.read_leases() == []
