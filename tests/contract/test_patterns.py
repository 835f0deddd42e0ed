"""Every regular expression of the package takes time in proportion to its text.

Partners and users write the texts. A pattern that tries each start again and again holds the interpreter's lock, see
https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_partners
from airflow_provider_partners.api.http.download import DOWNLOAD_ERROR_HANDLER
from airflow_provider_partners.api.http.errors import DEFAULT_ERROR_HANDLER
from airflow_provider_partners.api.http.messages import Request, Response
from airflow_provider_partners.api.http.redaction import Redactor
from airflow_provider_partners.api.shopify_admin.errors import ADMIN_ERROR_HANDLER
from airflow_provider_partners.api.shopify_partner.errors import PARTNER_ERROR_HANDLER
from airflow_provider_partners.api.yofi.errors import YOFI_ERRORS
from airflow_provider_partners.api.yotpo.errors import YOTPO_ERRORS
from airflow_provider_partners.sync.outcomes import mask_numbers

ROOT = Path(airflow_provider_partners.__file__).parent
METHODS = ("search", "match", "fullmatch", "sub", "findall", "finditer", "split")
LENGTHS = (*(round(16 * 1.5**step) for step in range(13)), 20_000)
"""Small steps first: a pattern that is worse than quadratic is found before its time can grow to hours."""

SECONDS = 0.5
"""A quadratic pattern needs several seconds for the longest text, a linear one some milliseconds."""

SEEDS = (
    *(
        "a",
        "A",
        "aA",
        "-",
        "_",
        "0",
        " ",
        "\n",
        "<",
        "'",
        '"',
        "\\'",
        '\\"',
        "a.",
        ".",
        "@",
        "a@b.",
        "%40a",
        "+1 ",
        "://a:",
    ),
    *(
        "x-a",
        "x-token",
        "token=",
        "'token':'",
        "eyJaaaaa.",
        "shpat_",
        "bearer ",
        "cookie: ",
        "<title",
        "<title>",
        "</script",
    ),
    *(
        "<script>",
        "{a}",
        "2026-01-01T",
        " and",
        "query a ",
        "a:",
        ":2026-05-01 ",
        '"""',
        "#\n",
        "gid://shopify/A/",
        "(?",
        "\\ud8",
    ),
)


def patterns_of(path: Path) -> Iterator[tuple[re.Pattern[Any], set[str]]]:
    """Yield the patterns of a module, each with the methods that the module calls on it."""
    name = ".".join((airflow_provider_partners.__name__, *path.relative_to(ROOT).with_suffix("").parts))
    source = path.read_text()
    if "re." not in source:
        return
    for constant, value in vars(importlib.import_module(name.removesuffix(".__init__"))).items():
        used = {method for method in METHODS if re.search(rf"\b{constant}\.{method}\(", source)}
        yield from ((pattern, used or {"search"}) for pattern in compiled(value))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            text = node.args[0] if node.args and ast.unparse(node.func.value) == "re" else None
            if isinstance(text, ast.Constant):
                yield re.compile(text.value), {node.func.attr}


def compiled(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from compiled(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from compiled(item)


MODULES = sorted(path for path in ROOT.rglob("*.py") if "sandbox" not in path.parts)
CASES = {(pattern, *sorted(used)): (pattern, used) for path in MODULES for pattern, used in patterns_of(path)}


def test_the_patterns_are_found() -> None:
    assert len(CASES) > 50


@pytest.mark.parametrize(("pattern", "used"), CASES.values(), ids=[str(key[0].pattern)[:60] for key in CASES])
def test_a_pattern_is_linear(pattern: re.Pattern[Any], used: set[str]) -> None:
    for seed, length in product(SEEDS, LENGTHS):
        repeated = seed * (length // len(seed)) + "!"
        text = repeated.encode() if isinstance(pattern.pattern, bytes) else repeated
        for method in used:
            started = time.process_time()
            if method == "sub":
                pattern.sub(text[:0], text)
            elif method == "finditer":
                list(pattern.finditer(text))
            else:
                getattr(pattern, method)(text)
            assert time.process_time() - started < SECONDS, (method, seed, length)


HANDLERS = (
    DEFAULT_ERROR_HANDLER,
    DOWNLOAD_ERROR_HANDLER,
    ADMIN_ERROR_HANDLER,
    PARTNER_ERROR_HANDLER,
    YOFI_ERRORS,
    YOTPO_ERRORS,
)
ORDER = Request(method="POST", path="/", json={"customer": {"name": "a a", "city": "x-a", "mail": "a.b@c.de"}})


@pytest.mark.parametrize("seed", SEEDS)
def test_a_megabyte_of_hostile_error_text_is_read_in_a_moment(seed: str) -> None:
    text = seed * (1_000_000 // len(seed))
    started = time.process_time()
    for body in (text, json.dumps({"errors": [{"message": text, "extensions": {"code": text}}]}), f"<html>{text}"):
        response = Response(status=422, headers={}, content=body.encode())
        for handler in HANDLERS:
            resolution = handler.resolve(response, redact=Redactor("s3cr3t").for_response_to(ORDER))
            assert resolution is not None
            assert len(resolution.message) <= 300
    mask_numbers(text)
    # Six handlers read three bodies each.
    assert time.process_time() - started < 6.0
