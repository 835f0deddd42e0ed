"""The sandbox's Voucherify answers match the vendor's OpenAPI file: every list and single object of a seeded project.

The file (https://github.com/voucherifyio/voucherify-openapi) is read from the folder that ``VOUCHERIFY_SCHEMAS`` names,
or from ``shared/schemas`` beside the repository. Without it the tests are skipped. ``CONTRADICTIONS`` lists where the
file contradicts itself.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft4Validator
from jsonschema.exceptions import best_match

from airflow_provider_partners.sandbox.server import create_app
from airflow_provider_partners.sandbox.voucherify.lists.paths import Listing, placeholders
from airflow_provider_partners.sandbox.voucherify.lists.tables import LISTS
from airflow_provider_partners.sandbox.voucherify.single_objects import SINGLES
from airflow_provider_partners.sandbox.world.build import build

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [
    Path(os.environ.get("VOUCHERIFY_SCHEMAS", "")),
    ROOT.parent / "shared" / "schemas",
]
FILE = next((path for folder in FOLDERS if (path := folder / "voucherify_openapi.json").is_file()), None)
SPEC: dict[str, Any] = json.loads(FILE.read_text()) if FILE else {"paths": {}, "components": {"schemas": {}}}
pytestmark = pytest.mark.skipif(FILE is None, reason="Voucherify's OpenAPI file is not here")

#: Members that the file requires, while none of its examples has them.
CONTRADICTIONS = {
    "/v1/metadata-schemas": {"data"},
    "/v1/templates/campaigns": {"campaign_template"},
    "/management/v1/projects/{projectId}/templates/campaigns": {"campaign_template"},
}
MAX_SCOPES = 5


def documented(path: str) -> bool:
    return "get" in SPEC["paths"].get(path, {})


def to_json_schema(schema: Any) -> Any:
    """Convert a schema of OpenAPI 3.0 to JSON Schema.

    ``oneOf`` becomes ``anyOf``: the file's alternatives overlap, because they all allow further members.
    """
    if isinstance(schema, list):
        return [to_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    converted = {("anyOf" if name == "oneOf" else name): to_json_schema(value) for name, value in schema.items()}
    if converted.get("nullable") is True:
        del converted["nullable"]
        return {"anyOf": [converted, {"type": "null"}]}
    return converted


COMPONENTS = to_json_schema(SPEC["components"])


def validator(path: str) -> Draft4Validator:
    schema = SPEC["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return Draft4Validator({"allOf": [to_json_schema(schema)], "components": COMPONENTS})


@pytest.fixture(scope="module")
def seeded_project():
    """Return a function that sends a GET, the scopes of each kind of object, and the store."""
    sandbox = build(shops=1, orders=60, now=datetime(2026, 9, 1, 12, tzinfo=UTC))
    app = create_app(sandbox)
    sandbox.switches["voucherify.rate_limit"] = 0
    keys = sandbox.credentials["voucherify"]
    headers = {
        "X-App-Id": keys["app_id"],
        "X-App-Token": keys["secret_key"],
        "X-Client-Application-Id": keys["client_app_id"],
        "X-Client-Token": keys["client_token"],
        "Origin": keys["client_origin"],
        "X-Management-Id": keys["management_id"],
        "X-Management-Token": keys["management_token"],
    }

    def get_json(path: str) -> Any:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox/voucherify") as client:
                return await client.get(path, headers=headers)

        response = asyncio.run(send())
        assert response.status_code == 200, f"{path}: {response.text}"
        return response.json()

    scopes: dict[str, list[str]] = {}
    for partner, scope, kind, _, _ in sandbox.store:
        if partner == "voucherify" and scope not in scopes.setdefault(kind, []):
            scopes[kind].append(scope)
    return get_json, scopes, sandbox.store


def fill_path(template: str, scope: str) -> str:
    for name, value in zip(placeholders(template), scope.split("/"), strict=False):
        template = template.replace(f"{{{name}}}", value)
    return template


def sample_pages(listing: Listing, get_json: Any, scopes: dict[str, list[str]]) -> Iterator[tuple[str, Any]]:
    """Yield answers of a list: a full page, a page of one record, and an empty page, below a few parents."""
    for scope in scopes.get(listing.kind, [""] if not placeholders(listing.path) else [])[:MAX_SCOPES]:
        path = fill_path(listing.path, scope)
        for query in ("?limit=100", "?limit=1", "?page=99&limit=100"):
            yield path + query, get_json(path + query)


def schema_errors(path: str, body: Any) -> list[str]:
    known = CONTRADICTIONS.get(path, set())
    errors = []
    for error in validator(path).iter_errors(body):
        if error.validator == "required" and not error.absolute_path and any(name in error.message for name in known):
            continue
        # Among several alternatives, the error of the closest one explains the failure.
        nearest = best_match([error]) or error
        errors.append(f"{'.'.join(str(step) for step in nearest.absolute_path)}: {nearest.message[:300]}")
    return errors


@pytest.mark.parametrize(
    "listing", [listing for listing in LISTS if documented(listing.path)], ids=lambda entry: entry.kind
)
def test_the_answers_of_a_list_match_its_schema(seeded_project, listing):
    get_json, scopes, _ = seeded_project
    errors = {}
    for path, body in sample_pages(listing, get_json, scopes):
        if page_errors := schema_errors(listing.path, body):
            errors[path] = page_errors[:5]
    assert errors == {}


@pytest.mark.parametrize("listing", LISTS, ids=lambda entry: entry.kind)
def test_every_list_has_records_in_a_seeded_project(seeded_project, listing):
    get_json, scopes, _ = seeded_project
    pages = [
        get_json(fill_path(listing.path, scope))[listing.key] for scope in scopes.get(listing.kind, [])[:MAX_SCOPES]
    ]
    assert any(pages)


OWN = [single for single in SINGLES if documented(single.path) and single.through is None]
"""The single objects that have a list of their own."""


@pytest.mark.parametrize("single", OWN, ids=lambda entry: entry.path)
def test_a_single_object_matches_its_schema(seeded_project, single):
    get_json, scopes, store = seeded_project
    for scope in scopes.get(single.kind, [])[:MAX_SCOPES]:
        record = store.select("voucherify", scope, single.kind)[0]
        parents = "" if single.any_parent else scope
        identifier = record[single.also_by[0]] if single.path.endswith("{resource}") else record["id"]
        path = fill_path(single.path, "/".join(part for part in (parents, identifier) if part))
        assert schema_errors(single.path, get_json(path)) == []


@pytest.mark.parametrize("action", ["disable", "enable"])
def test_a_voucher_that_is_switched_off_or_on_matches_its_schema(action):
    sandbox = build(shops=1, orders=6, now=datetime(2026, 9, 1, 12, tzinfo=UTC))
    code = sandbox.store.select("voucherify", "", "vouchers")[0]["code"]
    keys = sandbox.credentials["voucherify"]
    headers = {"X-App-Id": keys["app_id"], "X-App-Token": keys["secret_key"]}

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app(sandbox))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox/voucherify") as client:
            return await client.post(f"/v1/vouchers/{code}/{action}", headers=headers)

    response = asyncio.run(send())
    path = f"/v1/vouchers/{{code}}/{action}"
    schema = SPEC["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    errors = Draft4Validator({"allOf": [to_json_schema(schema)], "components": COMPONENTS}).iter_errors(response.json())
    assert [error.message for error in errors] == []
    assert response.json()["active"] is (action == "enable")
    sandbox.store.close()
