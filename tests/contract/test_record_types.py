"""The declared fields of every list: current with the schemas they come from, and true for the records that are served.

The schemas are Shopify's own (shipped with the sandbox) and Voucherify's OpenAPI file, which is read from the folder
that ``VOUCHERIFY_SCHEMAS`` names, or from ``shared/schemas`` beside the repository. The served records are the
sandbox's. Other contract tests compare them with the same schemas and pages.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
from sandbox import run_sandbox, shopify_admin_client, shopify_partner_client, yofi_client, yotpo_client

from airflow_provider_partners import timestamps
from airflow_provider_partners.api import shopify_admin, shopify_partner, voucherify, yofi, yotpo
from airflow_provider_partners.api.record_types import check_field_path, field_types, top_level_types
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.schema import COLUMN_TYPES, SchemaObserver, parse_columns
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.sandbox.server import RunningSandbox

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "airflow_provider_partners" / "api"
FOLDERS = [Path(os.environ.get("VOUCHERIFY_SCHEMAS", "")), ROOT.parent / "shared" / "schemas"]
OPENAPI = next((path for folder in FOLDERS if (path := folder / "voucherify_openapi.json").is_file()), None)
NOW = datetime(2026, 6, 1, tzinfo=UTC)

PARTNERS = {
    "shopify_admin": shopify_admin.client.RESOURCES,
    "shopify_partner": shopify_partner.client.RESOURCES,
    "voucherify": voucherify.client.RESOURCES,
    "yofi": yofi.client.RESOURCES,
    "yotpo": yotpo.client.RESOURCES,
}
LISTS = [(source, name) for source, lists in PARTNERS.items() for name in lists if source != "voucherify"]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script that writes the files."""
    spec = importlib.util.spec_from_file_location("generate_record_types", ROOT / "docs" / "generate_record_types.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=60, now=NOW) as running:
        yield running


@pytest.mark.parametrize(("partner", "maker"), [("shopify_admin", "admin_types"), ("shopify_partner", "partner_types")])
def test_shopifys_fields_follow_from_its_schema_and_our_documents(
    generator: ModuleType, partner: str, maker: str
) -> None:
    expected = generator.to_text(getattr(generator, maker)())
    assert (API / partner / "record_types.json").read_text() == expected, "run docs/generate_record_types.py"


@pytest.mark.skipif(OPENAPI is None, reason="Voucherify's OpenAPI file is not here")
def test_voucherifys_fields_follow_from_its_openapi_file(generator: ModuleType) -> None:
    expected = generator.to_text(generator.voucherify_types(OPENAPI))
    assert (API / "voucherify" / "record_types.json").read_text() == expected, "run docs/generate_record_types.py"


@pytest.mark.parametrize(("source", "name"), LISTS)
def test_every_list_has_declared_fields_of_known_types(source: str, name: str) -> None:
    types = top_level_types(field_types(source, name))
    assert types
    assert set(types.values()) <= set(COLUMN_TYPES)


@pytest.mark.parametrize("source", list(PARTNERS))
def test_no_field_is_declared_for_a_list_that_does_not_exist(source: str) -> None:
    assert set(json.loads((API / source / "record_types.json").read_text())) <= set(PARTNERS[source])


def records_of(sandbox: RunningSandbox, source: str, name: str) -> list[dict[str, Any]]:
    since, until = NOW - timedelta(days=300), NOW + timedelta(days=2)
    if source == "shopify_admin":
        with shopify_admin_client(sandbox) as client:
            return list(client.extract(name, since=since, until=until).records())
    if source == "yofi":
        with yofi_client(sandbox, shop=next(iter(sandbox.sandbox.credentials["shopify_admin"]))) as client:
            return list(client.extract(name).records())
    if source == "yotpo":
        with yotpo_client(sandbox) as client:
            return list(client.extract(name).records())
    app = next(iter(sandbox.sandbox.store.select("shopify_partner", "", "apps")), {}).get("id")
    version = {"events": "2026-07"}.get(name, "2025-07")
    with shopify_partner_client(sandbox, api_version=version) as client:
        arguments = {"app_id": app} if name == "app_events" else {}
        return list(client.extract(name, since=since, until=until, **arguments).records())


def check_paths(value: Any, types: Mapping[str, Any], prefix: str = "") -> Iterable[str]:
    """Yield the paths of a record that are not declared."""
    if isinstance(value, list):
        for item in value:
            yield from check_paths(item, types, prefix)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            path = f"{prefix}{name}"
            try:
                check_field_path("drop", path, types)
            except Exception:
                yield path
            else:
                yield from check_paths(item, types, f"{path}.")


@pytest.mark.parametrize(
    ("source", "name"), [(source, name) for source, name in LISTS if source in {"shopify_admin", "yofi", "yotpo"}]
)
def test_every_field_of_a_served_record_is_declared_and_every_value_fits(
    sandbox: RunningSandbox, source: str, name: str
) -> None:
    if PARTNERS[source][name].parents:
        pytest.skip("read through its parent")
    records = records_of(sandbox, source, name)
    observer = SchemaObserver(parse_columns(top_level_types(field_types(source, name))))
    for record in records:
        observer.observe(record)
    assert (observer.undeclared, observer.widened) == ([], {})
    assert sorted({path for record in records for path in check_paths(record, field_types(source, name))}) == []


def test_every_value_of_voucherifys_lists_fits_its_declared_type(sandbox: RunningSandbox) -> None:
    """Voucherify's projects have fields that its file lacks, so only the values are compared."""
    store, found = sandbox.sandbox.store, {}
    for name in PARTNERS["voucherify"]:
        observer = SchemaObserver(parse_columns(top_level_types(field_types("voucherify", name))))
        for scope in store.shops("voucherify"):
            for record in store.select("voucherify", scope, name):
                observer.observe(record)
        found[name] = observer.widened
    assert {name: widened for name, widened in found.items() if widened} == {}


def alike(one: Any, other: Any, kind: str) -> bool:
    """Compare a stored value with the served one: a number in a text column is its text, times are in UTC."""
    if kind == "string" and isinstance(other, int):
        return bool(one == str(other))
    if kind == "timestamp" and one and other:
        return bool(timestamps.try_parse(one) == timestamps.try_parse(other))
    return bool(Decimal(one) == Decimal(other)) if kind == "decimal" and one and other else one == other


@pytest.mark.parametrize(("source", "name"), [("shopify_admin", "orders"), ("yofi", "returns"), ("yotpo", "products")])
def test_a_list_survives_parquet(sandbox: RunningSandbox, tmp_path: Path, source: str, name: str) -> None:
    """DuckDB, which knows nothing of this package, counts the same records."""
    records, types = records_of(sandbox, source, name), top_level_types(field_types(source, name))
    writer = DatasetWriter(
        str(tmp_path), source=source, resource=name, columns=parse_columns(types), file_format="parquet", part_size=1
    )
    for start in range(0, len(records), 20):
        writer.append(records[start : start + 20])
    stored = list(read_dataset(writer.commit()))
    assert len(stored) == len(records) == duckdb.sql(f"SELECT * FROM '{tmp_path}/*.parquet'").shape[0]
    for one, other in zip(stored, records, strict=True):
        assert not [field for field in types if not alike(one[field], other.get(field), types[field])]
