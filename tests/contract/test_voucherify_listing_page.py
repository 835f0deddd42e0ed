"""Every shortcut and filter of Voucherify's page "Fetching Data" is accepted and sent as the page shows it.

``SHORTCUTS`` and ``EXAMPLES`` are the two tables of the page, https://docs.voucherify.io/api-reference/listing (source:
https://github.com/voucherifyio/voucherify-openapi, documentation/api-reference/listing.mdx). Where the OpenAPI
description of the same repository lacks a name, one warning says so. The description is read from the folder that
``PARTNER_SCHEMAS`` names, or from ``shared/schemas`` beside the repository. ``qs``, Node's parser of such queries,
reads ``[created_at][before]`` and ``created_at[before]`` alike (https://github.com/ljharb/qs#parsing-objects).
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from fakes.voucherify import voucherify_client
from run_operator import OperatorRunner

from airflow_provider_partners.api.voucherify.resources import RESOURCES
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator
from airflow_provider_partners.sandbox.voucherify.lists.tables import BY_KIND

ROOT = Path(__file__).parents[2]
FOLDERS = [Path(os.environ.get("PARTNER_SCHEMAS", "")), ROOT.parent / "shared" / "schemas"]
FILE = next((path for folder in FOLDERS if (path := folder / "voucherify_openapi.json").is_file()), None)

SHORTCUTS = {
    "vouchers": "customer campaign category",
    "redemptions": "campaign_name customer voucher_code related_object_id related_object_parent_id",
    "customers": "email name",
    "publications": (
        "campaign_name customer_id voucher_code result voucher_type is_referral_code parent_object_id related_object_id"
    ),
    "validation_rules_assignments": "related_object_id rule",
}
VALUES = {"result": "SUCCESS", "voucher_type": "discount", "is_referral_code": True}
"""Values of the shortcuts that have an enumeration."""

EXAMPLES = {
    "vouchers": """
        [filters][active][conditions][$active]=true
        [filters][active][conditions][$expired]=true
        [filters][active][conditions][$enabled]=true
        [filters][active][conditions][$disabled]=true
        [filters][redemption.redeemed_quantity][conditions][$is]=0
        [filters][is_referral_code][conditions][$is]=true
        [filters][expiration_date][conditions][$before]=2024-04-29T00:00:00.000Z
        [filters][metadata.seq_number][conditions][$is]=1
        """,
    "campaigns": """
        [filters][metadata.seq_number][conditions][$is]=1
        [filters][metadata.test][conditions][$is]=true
        """,
    "products": """
        [filters][updated_at][conditions][$after][0]=2020-08-20T14:17:09Z
        [filters][updated_at][conditions][$before][0]=2020-08-20T14:17:09Z
        [filters][created_at][conditions][$after][0]=2020-08-20T14:17:09Z
        [filters][created_at][conditions][$before][0]=2020-08-20T14:17:09Z
        """,
    "promotion_stacks": """
        [created_at][before]=2021-12-30T13:52:18.227Z
        [created_at][after]=2021-12-30T13:52:18.227Z
        [filters][created_at][conditions][$before][0]=2021-12-30T13:52:18.227Z
        [filters][created_at][conditions][$after][0]=2021-12-30T13:52:18.227Z
        [updated_at][before]=2021-12-30T13:52:18.227Z
        [updated_at][after]=2021-12-30T13:52:18.227Z
        [filters][updated_at][conditions][$before][0]=2021-12-30T13:52:18.227Z
        [filters][updated_at][conditions][$after][0]=2021-12-30T13:52:18.227Z
        """,
}
EXAMPLES["product_skus"] = EXAMPLES["products"]  # the page has one row, "Products and Skus"
ALL_EXAMPLES = [(name, text) for name, texts in EXAMPLES.items() for text in texts.split()]
CREATED_AT = ("[created_at][before]=2017-09-08T13:52:18.227Z", "[created_at][after]=2017-09-08")
"""The page's examples of ``created_at``, which it documents for every list."""


class AnyList:
    """Answers every list with no records, and stores the queries."""

    def __init__(self) -> None:
        self.queries: list[list[tuple[str, str]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.queries.append(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        return httpx.Response(200, json={"object": "list", "data_ref": "data", "data": [], "total": 0})


def sent(name: str, caplog: pytest.LogCaptureFixture, **options: Any) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the query of a list without paging and order, and the warnings."""
    api, resource = AnyList(), RESOURCES[name]
    parents = dict.fromkeys(resource.parents, "x1")
    auth = {"client": "client", "management": "management"}.get(resource.family, "keys")
    with voucherify_client(api, auth=auth, origin="https://shop.example" if auth == "client" else None) as client:
        caplog.clear()
        for _ in range(2):  # the second time without a warning
            list(client.extract(name, parents=parents or None, **options).records())
    paging = {"page", "limit", "order"}
    query = [(key, value) for key, value in api.queries[-1] if key not in paging]
    return query, [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def written(text: str) -> tuple[str, str]:
    """Return an example's name, as ``qs`` reads it, and its value."""
    name, _, value = text.partition("=")
    first, *others = re.findall(r"\[(.*?)]", name)
    return first + "".join(f"[{each}]" for each in others), value


def options_of(text: str) -> dict[str, Any]:
    """Return the client's arguments for an example: nested, as the page's brackets are."""
    name, _, value = text.partition("=")
    first, *steps = re.findall(r"\[(.*?)]", name)
    operand: Any = value
    if steps[-1:] == ["0"]:
        *steps, _ = steps
        operand = [value]
    for step in reversed(steps):
        operand = {step: operand}
    return {"filters": operand} if first == "filters" else {"parameters": {first: operand}}


@cache
def description() -> Any:
    return json.loads(FILE.read_text()) if FILE else {}


def described(name: str) -> set[str] | None:
    """Return what the OpenAPI description names for a list: parameters, and ``filters[x]``; ``None`` without it."""
    if FILE is None:
        return None
    openapi = description()

    def resolved(node: Any) -> Any:
        while "$ref" in node:
            target: Any = openapi
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    shape = re.sub(r"{\w+}", "{}", RESOURCES[name].path)
    item = next((item for path, item in openapi["paths"].items() if re.sub(r"{\w+}", "{}", path) == shape), None)
    if item is None or "get" not in item:
        return None
    names: set[str] = set()
    for parameter in map(resolved, [*item.get("parameters", []), *item["get"].get("parameters", [])]):
        names.add(parameter["name"].partition("[")[0])
        if parameter["name"] == "filters":
            fields = resolved(parameter["schema"]).get("properties", {})
            names |= {f"filters[{field}]" for field in fields} or {"filters[*]"}
    return names


def is_described(name: str, what: str) -> bool | None:
    names = described(name)
    return None if names is None else what in names or ("filters[*]" in names and what.startswith("filters["))


@pytest.mark.parametrize(
    ("name", "shortcut"),
    [
        pytest.param(name, each, marks=pytest.mark.covers(f"voucherify.shortcut.{name}.{each}"))
        for name, text in SHORTCUTS.items()
        for each in text.split()
    ],
)
def test_a_documented_shortcut_is_sent_by_its_documented_name(name: str, shortcut: str, caplog) -> None:
    value = VALUES.get(shortcut, "TEST")

    query, warnings = sent(name, caplog, parameters={shortcut: value})

    assert query == [(shortcut, "true" if value is True else value)]
    if (known := is_described(name, shortcut)) is not None:
        assert len(warnings) == (0 if known else 1)
        assert all(f"sending '{shortcut}' as" in warning for warning in warnings)


def requirement(name: str, text: str) -> str:
    """Return the requirement that an example belongs to."""
    steps = [step.removeprefix("$") for step in re.findall(r"\[(.*?)]", text) if step not in {"conditions", "0"}]
    return f"voucherify.filter.{name}.{'.'.join(steps)}"


@pytest.mark.parametrize(
    ("name", "text"),
    [pytest.param(*each, marks=pytest.mark.covers(requirement(*each))) for each in ALL_EXAMPLES],
)
def test_a_documented_filter_is_sent_as_the_page_shows_it(name: str, text: str, caplog) -> None:
    query, warnings = sent(name, caplog, **options_of(text))

    assert query == [written(text)]
    field = re.match(r"\[filters]\[(.*?)]", text)
    what = f"filters[{field[1]}]" if field else written(text)[0].partition("[")[0]
    if (known := is_described(name, what)) is not None:
        assert len(warnings) == (0 if known else 1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(pytest.param(*each, marks=pytest.mark.covers(requirement(*each))) for each in ALL_EXAMPLES),
        *(
            pytest.param(name, f"[{each}]=x", marks=pytest.mark.covers(f"voucherify.shortcut.{name}.{each}"))
            for name, texts in SHORTCUTS.items()
            for each in texts.split()
            if each not in VALUES
        ),
    ],
)
def test_an_operator_sends_it_beside_its_time_range(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Beside the data interval, unless the filter is a time range itself."""
    api = AnyList()
    run = OperatorRunner(monkeypatch, tmp_path, VoucherifyHook, lambda hook: voucherify_client(api))
    parents = dict.fromkeys(RESOURCES[name].parents, "x1")

    run(VoucherifyExtractOperator(task_id="extract", resource=name, parents=parents, **options_of(text)))

    query = [pair for pair in api.queries[-1] if pair[0] not in {"page", "limit", "order"}]
    sent_by_name = {key.removesuffix("[0]"): value for key, value in query}
    expected, value = written(text)
    assert sent_by_name.pop(expected.removesuffix("[0]")) == value
    assert {key.rpartition("[")[0] for key in sent_by_name} <= {"created_at", "filters[created_at][conditions]"}


@pytest.mark.covers("voucherify.created_at.every_list")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            text,
            marks=pytest.mark.covers(
                f"voucherify.created_at.{side}",
                f"voucherify.created_at.example.{side}",
                f"voucherify.created_at.{form}",
            ),
        )
        for text, side, form in zip(CREATED_AT, ("before", "after"), ("time", "date"), strict=True)
    ],
)
@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_every_list_takes_created_at_with_one_bound(name: str, text: str, caplog) -> None:
    """The page: list methods share "at least these query parameters: limit and created_at"."""
    query, warnings = sent(name, caplog, **options_of(text))

    assert written(text) in query
    if (known := is_described(name, "created_at")) is not None:
        assert len([warning for warning in warnings if "'created_at'" in warning]) == (0 if known else 1)


@pytest.mark.covers("voucherify.created_at.before", "voucherify.created_at.after")
@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_every_list_takes_since_alone_and_until_alone(name: str, caplog) -> None:
    after, _ = sent(name, caplog, since="2026-05-01")
    before, _ = sent(name, caplog, until="2026-05-01")

    # async_actions is documented with an upper bound only, and read backwards until the start of the range
    assert [value for _, value in after if "2026" in value] == (
        [] if name == "async_actions" else ["2026-04-30T23:59:59.999Z"]
    )
    assert [value for _, value in before if "2026" in value] == ["2026-05-01T00:00:00.001Z"]


@pytest.mark.covers("voucherify.response.filters")
def test_where_the_server_may_not_know_created_at_the_client_applies_it_too(caplog) -> None:
    records = [{"id": f"ord_{day}", "created_at": f"2026-05-0{day}T00:00:00.000Z"} for day in (1, 2, 3)]
    body = {"object": "list", "data_ref": "orders", "orders": records, "total": 3}

    with voucherify_client(lambda _: httpx.Response(200, json=body)) as client:
        by_parameter = client.extract("orders", parameters={"created_at": {"after": "2026-05-02"}})
        by_argument = client.extract("orders", until="2026-05-02")

        assert [record["id"] for record in by_parameter.records()] == ["ord_2", "ord_3"]
        assert [record["id"] for record in by_argument.records()] == ["ord_1"]
    assert caplog.text.count("sending 'created_at'") == 1


def test_the_sandbox_knows_every_name_of_the_page() -> None:
    for name, text in SHORTCUTS.items():
        assert set(text.split()) <= BY_KIND[name].parameters, name
    for name, text in ALL_EXAMPLES:
        assert written(text)[0].partition("[")[0] in BY_KIND[name].parameters, (name, text)
