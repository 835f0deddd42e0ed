"""The files of bulk operations over HTTP: their URLs, their downloads, their lifetime."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from bulk_sandbox import NOW, SHOP, BulkClient, client_of, read_lines, serve_two_shops

from airflow_provider_partners.sandbox.server import serve
from airflow_provider_partners.sandbox.world.build import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[Any]:
    with serve_two_shops() as running:
        yield running


@pytest.fixture
def bulk_client(running_sandbox: Any) -> Iterator[BulkClient]:
    with client_of(running_sandbox) as bulk_client:
        yield bulk_client


def test_counts_and_size_are_strings_and_agree_with_the_file(bulk_client: BulkClient) -> None:
    operation = bulk_client.ended(bulk_client.submit())
    response = httpx.get(operation["url"])
    lines = read_lines(response)
    assert operation["objectCount"] == str(len(lines))
    assert operation["rootObjectCount"] == str(sum("__parentId" not in line for line in lines))
    assert operation["fileSize"] == str(len(response.content)) == response.headers["content-length"]
    assert response.headers["content-type"].startswith("application/jsonl")
    number = operation["id"].rpartition("/")[2]
    assert f'filename="bulk-{number}.jsonl"' in response.headers["content-disposition"]


def test_a_file_is_kept_for_seven_days(bulk_client: BulkClient) -> None:
    gid = bulk_client.submit()
    operation = bulk_client.ended(gid)
    bulk_client.sandbox.now += timedelta(days=7, seconds=-1)
    assert httpx.get(operation["url"]).status_code == 200
    bulk_client.sandbox.now += timedelta(seconds=1)
    refused = httpx.get(operation["url"])
    assert refused.status_code == 403
    assert "<Code>ExpiredToken</Code>" in refused.text
    expired = bulk_client.poll(gid)
    assert (expired["status"], expired["url"]) == ("EXPIRED", None)


def test_the_url_is_signed_and_contains_no_token(bulk_client: BulkClient) -> None:
    url = bulk_client.ended(bulk_client.submit())["url"]
    assert bulk_client.sandbox.credentials["shopify_admin"][SHOP]["token"] not in url
    assert SHOP not in url
    expires = str(httpx.URL(url).params["Expires"])
    later = url.replace(f"Expires={expires}", f"Expires={int(expires) + 1}")
    for broken in (later, url.partition("?")[0], url.replace("Signature=", "Signature=A")):
        refused = httpx.get(broken)
        assert refused.status_code == 403
        assert refused.headers["content-type"].startswith("application/xml")
        assert "<Code>SignatureDoesNotMatch</Code>" in refused.text


def test_a_token_sent_to_the_file_is_counted(bulk_client: BulkClient) -> None:
    url = bulk_client.ended(bulk_client.submit())["url"]
    count = f"shopify_admin/{SHOP}/file.with_token"
    before = bulk_client.sandbox.calls[count]
    httpx.get(url)
    assert bulk_client.sandbox.calls[count] == before
    httpx.get(url, headers={"X-Shopify-Access-Token": "shpat_leaked"})
    assert bulk_client.sandbox.calls[count] == before + 1


def test_a_file_can_be_fetched_in_ranges(bulk_client: BulkClient) -> None:
    url = bulk_client.ended(bulk_client.submit())["url"]
    whole = httpx.get(url).content
    part = httpx.get(url, headers={"Range": "bytes=1000-"})
    assert (part.status_code, part.content) == (206, whole[1000:])
    assert part.headers["content-range"] == f"bytes 1000-{len(whole) - 1}/{len(whole)}"
    assert httpx.get(url, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


def test_a_download_can_stop_half_way(bulk_client: BulkClient) -> None:
    url = bulk_client.ended(bulk_client.submit())["url"]
    bulk_client.switch("bulk_file_breaks", 1)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url)
    assert httpx.get(url).status_code == 200


def test_an_operation_still_exists_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    with serve(build(path=path, shops=1, orders=10, now=NOW)) as running:
        bulk_client = BulkClient(running.url, running.sandbox)
        bulk_client.switch("bulk_seconds", 3_600)
        gid = bulk_client.submit()
        assert bulk_client.poll(gid)["status"] == "RUNNING"
        running.sandbox.store.close()
    with serve(build(path=path, shops=1, orders=10, now=NOW)) as running:
        bulk_client = BulkClient(running.url, running.sandbox)
        running.sandbox.now = NOW + timedelta(hours=2)
        operation = bulk_client.ended(gid)
        assert operation["status"] == "COMPLETED"
        assert len(read_lines(httpx.get(operation["url"]))) == int(operation["objectCount"])
        running.sandbox.store.close()
