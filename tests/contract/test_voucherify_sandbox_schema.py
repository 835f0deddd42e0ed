"""What the sandbox answers for Voucherify fits the vendor's OpenAPI file: every list and object of a seeded world.

The file is looked for in the folder that ``VOUCHERIFY_SCHEMAS`` names, or in ``shared/schemas`` beside the repository;
without it these tests are skipped. Where the file contradicts itself is said in ``CONTRADICTIONS``.
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

#: Members that the file requires of an answer, and shows nowhere in its own examples.
CONTRADICTIONS = {
    "/v1/metadata-schemas": {"data"},
    "/v1/templates/campaigns": {"campaign_template"},
    "/management/v1/projects/{projectId}/templates/campaigns": {"campaign_template"},
}
SCOPES_AT_MOST = 5


def documented(path: str) -> bool:
    return "get" in SPEC["paths"].get(path, {})


def converted(schema: Any) -> Any:
    """A schema of OpenAPI 3.0 in the words of JSON Schema.

    ``oneOf`` becomes ``anyOf``: the file's alternatives overlap, since they all allow further members.
    """
    if isinstance(schema, list):
        return [converted(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {("anyOf" if name == "oneOf" else name): converted(value) for name, value in schema.items()}
    if made.get("nullable") is True:
        del made["nullable"]
        return {"anyOf": [made, {"type": "null"}]}
    return made


COMPONENTS = converted(SPEC["components"])


def validator(path: str) -> Draft4Validator:
    schema = SPEC["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return Draft4Validator({"allOf": [converted(schema)], "components": COMPONENTS})


@pytest.fixture(scope="module")
def world():
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

    def ask(path: str) -> Any:
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
    return ask, scopes, sandbox.store


def filled(template: str, scope: str) -> str:
    for name, value in zip(placeholders(template), scope.split("/"), strict=False):
        template = template.replace(f"{{{name}}}", value)
    return template


def pages(listing: Listing, ask: Any, scopes: dict[str, list[str]]) -> Iterator[tuple[str, Any]]:
    """Answers of a list: its first and its last page below a few parents, and one without rows."""
    for scope in scopes.get(listing.kind, [""] if not placeholders(listing.path) else [])[:SCOPES_AT_MOST]:
        path = filled(listing.path, scope)
        for query in ("?limit=100", "?limit=1", "?page=99&limit=100"):
            yield path + query, ask(path + query)


def faults(path: str, body: Any) -> list[str]:
    known = CONTRADICTIONS.get(path, set())
    found = []
    for error in validator(path).iter_errors(body):
        if error.validator == "required" and not error.absolute_path and any(name in error.message for name in known):
            continue
        # Of several alternatives the one that comes nearest tells what is wrong.
        nearest = best_match([error]) or error
        found.append(f"{'.'.join(str(step) for step in nearest.absolute_path)}: {nearest.message[:300]}")
    return found


@pytest.mark.parametrize("listing", [each for each in LISTS if documented(each.path)], ids=lambda each: each.kind)
def test_a_lists_answers_fit_its_schema(world, listing):
    ask, scopes, _ = world
    wrong = {}
    for path, body in pages(listing, ask, scopes):
        if found := faults(listing.path, body):
            wrong[path] = found[:5]
    assert wrong == {}


@pytest.mark.parametrize("listing", LISTS, ids=lambda each: each.kind)
def test_every_list_has_rows_in_a_seeded_world(world, listing):
    ask, scopes, _ = world
    answers = [ask(filled(listing.path, scope))[listing.key] for scope in scopes.get(listing.kind, [])[:SCOPES_AT_MOST]]
    assert any(answers)


OWN = [each for each in SINGLES if documented(each.path) and each.through is None]
"""The single objects whose list is their own."""


@pytest.mark.parametrize("single", OWN, ids=lambda each: each.path)
def test_a_single_object_fits_its_schema(world, single):
    ask, scopes, store = world
    for scope in scopes.get(single.kind, [])[:SCOPES_AT_MOST]:
        row = store.select("voucherify", scope, single.kind)[0]
        parents = "" if single.anywhere else scope
        named = row[single.named[0]] if single.path.endswith("{resource}") else row["id"]
        path = filled(single.path, "/".join(part for part in (parents, named) if part))
        assert faults(single.path, ask(path)) == []
