"""The files of bulk operations over real HTTP: their addresses, their downloads, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from bulk_sandbox import NOW, SHOP, World, rows, serving, settled

from airflow_provider_partners.sandbox.server import serve
from airflow_provider_partners.sandbox.world.build import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    with serving() as running:
        yield running


@pytest.fixture
def world(served: Any) -> Iterator[World]:
    with settled(served) as world:
        yield world


def test_counts_and_size_are_strings_and_agree_with_the_file(world: World) -> None:
    operation = world.ended(world.submit())
    response = httpx.get(operation["url"])
    lines = rows(response)
    assert operation["objectCount"] == str(len(lines))
    assert operation["rootObjectCount"] == str(sum("__parentId" not in line for line in lines))
    assert operation["fileSize"] == str(len(response.content)) == response.headers["content-length"]
    assert response.headers["content-type"].startswith("application/jsonl")
    number = operation["id"].rpartition("/")[2]
    assert f'filename="bulk-{number}.jsonl"' in response.headers["content-disposition"]


def test_a_file_is_kept_for_seven_days(world: World) -> None:
    gid = world.submit()
    operation = world.ended(gid)
    world.sandbox.now += timedelta(days=7, seconds=-1)
    assert httpx.get(operation["url"]).status_code == 200
    world.sandbox.now += timedelta(seconds=1)
    refused = httpx.get(operation["url"])
    assert refused.status_code == 403
    assert "<Code>ExpiredToken</Code>" in refused.text
    expired = world.poll(gid)
    assert (expired["status"], expired["url"]) == ("EXPIRED", None)


def test_the_address_is_signed_and_holds_no_token(world: World) -> None:
    url = world.ended(world.submit())["url"]
    assert world.sandbox.credentials["shopify_admin"][SHOP]["token"] not in url
    assert SHOP not in url
    expires = str(httpx.URL(url).params["Expires"])
    later = url.replace(f"Expires={expires}", f"Expires={int(expires) + 1}")
    for broken in (later, url.partition("?")[0], url.replace("Signature=", "Signature=A")):
        refused = httpx.get(broken)
        assert refused.status_code == 403
        assert refused.headers["content-type"].startswith("application/xml")
        assert "<Code>SignatureDoesNotMatch</Code>" in refused.text


def test_a_token_sent_to_the_file_is_noticed(world: World) -> None:
    url = world.ended(world.submit())["url"]
    count = f"shopify_admin/{SHOP}/file.with_token"
    before = world.sandbox.calls[count]
    httpx.get(url)
    assert world.sandbox.calls[count] == before
    httpx.get(url, headers={"X-Shopify-Access-Token": "shpat_leaked"})
    assert world.sandbox.calls[count] == before + 1


def test_a_file_can_be_fetched_in_ranges(world: World) -> None:
    url = world.ended(world.submit())["url"]
    whole = httpx.get(url).content
    part = httpx.get(url, headers={"Range": "bytes=1000-"})
    assert (part.status_code, part.content) == (206, whole[1000:])
    assert part.headers["content-range"] == f"bytes 1000-{len(whole) - 1}/{len(whole)}"
    assert httpx.get(url, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


def test_a_download_can_break_off_half_way(world: World) -> None:
    url = world.ended(world.submit())["url"]
    world.switch("bulk_file_breaks", 1)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url)
    assert httpx.get(url).status_code == 200


def test_an_operation_outlives_the_server(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    with serve(build(path=path, shops=1, orders=10, now=NOW)) as running:
        world = World(running.url, running.sandbox)
        world.switch("bulk_seconds", 3_600)
        gid = world.submit()
        assert world.poll(gid)["status"] == "RUNNING"
        running.sandbox.store.close()
    with serve(build(path=path, shops=1, orders=10, now=NOW)) as running:
        world = World(running.url, running.sandbox)
        running.sandbox.now = NOW + timedelta(hours=2)
        operation = world.ended(gid)
        assert operation["status"] == "COMPLETED"
        assert len(rows(httpx.get(operation["url"]))) == int(operation["objectCount"])
        running.sandbox.store.close()
