"""The page's files and who gets them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from airflow_provider_partners.sandbox import page
from airflow_provider_partners.sandbox.server import create_app
from airflow_provider_partners.sandbox.world.build import build

FOLDER = Path(page.__file__).parent
ASSETS = ["/", "/_sandbox/page.css", "/_sandbox/page.js"]


@pytest.fixture(scope="module")
def app():
    sandbox = build(shops=1, orders=2)
    yield create_app(sandbox)
    sandbox.store.close()


def get(app, path, *, caller="127.0.0.1", method="GET", **headers):
    async def send():
        transport = httpx.ASGITransport(app=app, client=(caller, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8900") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(send())


@pytest.mark.parametrize("path", ASSETS)
def test_callers_on_this_machine_get_the_page(app, path):
    response = get(app, path)
    assert response.status_code == 200
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", [*ASSETS, "/_sandbox/state"])
def test_others_get_nothing(app, path):
    assert get(app, path, caller="10.0.0.7").status_code == 403


def test_the_page_may_load_and_call_nothing_but_itself(app):
    """https://www.w3.org/TR/CSP3/"""
    policy = dict(part.strip().split(" ", 1) for part in get(app, "/").headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in " ".join(policy.values())


@pytest.mark.parametrize("name", ["page.html", "page.css", "page.js"])
def test_no_file_names_another_server(name):
    addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", (FOLDER / name).read_text())
    assert set(addresses) <= {"http://www.w3.org"}  # The name of SVG, which nothing loads.


def test_the_script_sets_texts_never_html():
    script = (FOLDER / "page.js").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8900", 200),
        ("https://evil.example", 403),
        ("http://127.0.0.1:8901", 403),
        ("null", 403),
    ],
)
def test_a_page_of_another_site_in_the_users_browser_changes_nothing(app, origin, status):
    """A browser sends Origin with every POST and DELETE (https://fetch.spec.whatwg.org/#origin-header)."""
    assert get(app, "/_sandbox/faults", method="DELETE", origin=origin).status_code == status


def test_a_name_that_another_site_leads_here_is_refused(app):
    """DNS rebinding: host and origin agree, and are none of this machine's names."""
    response = get(
        app, "/_sandbox/faults", method="DELETE", origin="http://evil.example:8900", host="evil.example:8900"
    )
    assert response.status_code == 403
