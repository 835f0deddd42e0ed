"""Stores of the rate limit: shared by threads, processes and machines, with memory as the fallback."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import fakeredis
import pytest

from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.rate_limit_store import (
    Change,
    FallbackStore,
    FileStore,
    InMemoryStore,
    RateLimitStore,
    RateLimitStoreError,
    RedisStore,
    make_rate_limit_store,
    reach_rate_limit_store,
)
from airflow_provider_partners.exceptions import ConfigurationError, StorageError


def increment(value: float | None) -> float:
    return (value or 0.0) + 1.0


@pytest.fixture(params=["memory", "file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RateLimitStore:
    made: dict[str, Any] = {
        "memory": InMemoryStore,
        "file": lambda: FileStore(tmp_path / "new" / "rate-limit"),
        "redis": lambda: RedisStore("redis://nowhere", "key", client=fakeredis.FakeRedis()),
    }
    store: RateLimitStore = made[request.param]()
    return store


def test_a_store_starts_empty_and_keeps_its_number(store: RateLimitStore) -> None:
    seen: list[float | None] = []

    def change(value: float | None) -> float:
        seen.append(value)
        return 1_700_000_000.123456

    assert store.update(change) == 1_700_000_000.123456
    store.update(change)
    assert seen == [None, 1_700_000_000.123456]


def test_no_update_is_lost_between_threads(store: RateLimitStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.update(increment), range(80)))
    assert store.update(increment) == 81


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\xff\xfe", b"12.5.1", b"1" * 200])
def test_a_damaged_file_is_reset(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rate-limit"
    path.write_bytes(content)
    RateLimiter(rate=1, store=FileStore(path)).acquire()
    assert abs(float(path.read_text()) - time.time()) < 60


def test_a_shorter_number_leaves_no_old_digits(tmp_path: Path) -> None:
    path = tmp_path / "rate-limit"
    path.write_text("1700000000.1234567\n")
    FileStore(path).update(lambda _: 2.0)
    assert path.read_text() == "2.0\n"


def test_file_and_folder_are_private(tmp_path: Path) -> None:
    path = tmp_path / "rate-limits" / "one"
    FileStore(path).update(increment)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("content")
    (tmp_path / "rate-limit").symlink_to(target)
    with pytest.raises(RateLimitStoreError):
        FileStore(tmp_path / "rate-limit").update(increment)
    assert target.read_text() == "content"


def test_waiting_for_the_lock_times_out(tmp_path: Path) -> None:
    path = tmp_path / "rate-limit"
    with path.open("w") as locked_file:
        fcntl.flock(locked_file, fcntl.LOCK_EX)
        with pytest.raises(RateLimitStoreError, match="is not usable"):
            FileStore(path, lock_timeout=0.02).update(increment)


_ACQUIRE_SCRIPT = """
import json, sys, time
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.api.http.rate_limit_store import make_rate_limit_store
class RecordingClock(Clock):
    def time(self):
        self.last_time = super().time()
        return self.last_time
clock = RecordingClock()
rate_limit = RateLimiter(rate=50, store=make_rate_limit_store(sys.argv[1], "yotpo:store"), clock=clock)
print("ready", flush=True)
while sys.stdin.readline():
    granted = []
    for _ in range(10):
        wait = rate_limit.acquire()
        granted.append(clock.last_time + wait)
        time.sleep(0.0002)
    print(json.dumps(granted), flush=True)
"""


def test_two_processes_together_stay_within_the_rate(tmp_path: Path) -> None:
    """Both begin each round together, so that they take turns on a busy machine too."""
    command = [sys.executable, "-c", _ACQUIRE_SCRIPT, f"file://{tmp_path}"]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    granted: list[list[float]] = [[], []]
    for _ in range(15):
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process, times in zip(processes, granted, strict=True):
            assert process.stdout is not None
            times += json.loads(process.stdout.readline())
    for process in processes:
        process.communicate(timeout=60)
    grants = sorted((time, process) for process, times in enumerate(granted) for time in times)
    assert min(later - earlier for (earlier, _), (later, _) in pairwise(grants)) > 0.02 - 1e-4
    assert sum(earlier != later for (_, earlier), (_, later) in pairwise(grants)) > 10, "the processes took no turns"


class FailingStore:
    """A store that fails until the test repairs it."""

    def __init__(self) -> None:
        self.calls = 0
        self.healed = False

    def update(self, change: Change) -> float:
        self.calls += 1
        if not self.healed:
            message = "the rate limit in Redis cannot be changed (ConnectionError)"
            raise RateLimitStoreError(message)
        return change(None)


def test_a_failing_shared_store_is_replaced_by_memory_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    shared = FailingStore()
    store = FallbackStore(shared)
    with caplog.at_level(logging.WARNING):
        assert [store.update(increment) for _ in range(3)] == [1, 2, 3]
    assert shared.calls == 1
    assert len(caplog.records) == 1
    assert "counts its requests alone" in caplog.text


def test_a_failed_shared_store_is_tried_again_later() -> None:
    shared = FailingStore()
    store = FallbackStore(shared, retry_every=0.0)
    store.update(increment)
    shared.healed = True
    store.update(increment)
    assert shared.calls == 2


def test_memory_continues_from_the_last_shared_number() -> None:
    shared = FailingStore()
    shared.healed = True
    store = FallbackStore(shared)
    store.update(lambda _: 41.0)
    shared.healed = False
    assert store.update(increment) == 42


def test_an_unreachable_redis_warns_without_the_password(caplog: pytest.LogCaptureFixture) -> None:
    store = make_rate_limit_store("redis://user:hunter2@127.0.0.1:1/0", "key")
    with caplog.at_level(logging.WARNING):
        assert store.update(increment) == 1
    assert "ConnectionError" in caplog.text
    assert "hunter2" not in caplog.text


def test_redis_clients_share_a_number_that_expires() -> None:
    server = fakeredis.FakeServer()
    clients = [fakeredis.FakeRedis(server=server) for _ in range(2)]
    first, second = (RedisStore("redis://nowhere", "key", client=client) for client in clients)
    first.update(increment)
    assert second.update(increment) == 2
    assert 86_400 < clients[0].ttl("key") <= 172_800


def test_a_conflicting_redis_update_is_retried() -> None:
    server = fakeredis.FakeServer()
    other = RedisStore("redis://nowhere", "key", client=fakeredis.FakeRedis(server=server))
    store = RedisStore("redis://nowhere", "key", client=fakeredis.FakeRedis(server=server))
    seen: list[float | None] = []

    def change(value: float | None) -> float:
        seen.append(value)
        if len(seen) == 1:
            other.update(lambda _: 10.0)
        return increment(value)

    assert store.update(change) == 11
    assert seen == [None, 10.0]


def test_endless_redis_conflicts_are_given_up() -> None:
    server = fakeredis.FakeServer()
    other = fakeredis.FakeRedis(server=server)
    store = RedisStore("redis://nowhere", "key", client=fakeredis.FakeRedis(server=server))

    def change(value: float | None) -> float:
        other.incr("key")
        return 0.0

    with pytest.raises(RateLimitStoreError, match="too many tasks"):
        store.update(change)


def test_without_the_redis_package_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"airflow-provider-partners\[redis\]"):
        make_rate_limit_store("redis://localhost", "key")


@pytest.mark.parametrize("uri", ["https://example.com", "mysql://user:hunter2@x/y", "budget", "redis://h:port"])
def test_an_invalid_uri_is_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="budget_uri") as refused:
        make_rate_limit_store(uri, "key")
    assert "hunter2" not in str(refused.value)


def test_the_file_is_named_by_the_hash_of_the_key(tmp_path: Path) -> None:
    make_rate_limit_store(f"file://{tmp_path}/with%20space", "yotpo:store-1:key").update(increment)
    (file,) = (tmp_path / "with space").iterdir()
    assert "store" not in file.name
    assert len(file.stem) == 40


def test_different_keys_have_different_numbers(tmp_path: Path) -> None:
    make_rate_limit_store(f"file://{tmp_path}", "one").update(increment)
    assert make_rate_limit_store(f"file://{tmp_path}", "two").update(increment) == 1
    assert make_rate_limit_store(f"file://{tmp_path}", "one").update(increment) == 2


@pytest.mark.parametrize("uri", [None, ""])
def test_by_default_the_machines_tasks_share_a_file_in_a_private_folder(
    uri: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make_rate_limit_store(uri, "key").update(increment)
    assert make_rate_limit_store(uri, "key").update(increment) == 2
    (folder,) = tmp_path.iterdir()
    assert folder.name == f"airflow-provider-partners-{os.getuid()}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_others_can_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"airflow-provider-partners-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    assert make_rate_limit_store("", "key").update(increment) == 1
    assert "other users can write to its folder" in caplog.text
    assert list(folder.iterdir()) == []


def test_redis_needs_only_the_commands_that_the_page_on_deployment_lists():
    """The client library is the source: a server that records what it sends, in the protocol RESP3."""
    replies = {
        "HELLO": b"%1\r\n$5\r\nproto\r\n:3\r\n",
        "GET": b"_\r\n",
        "MULTI": b"+OK\r\n",
        "SET": b"+QUEUED\r\n",
        "EXEC": b"*1\r\n+OK\r\n",
    }
    sent = set()

    def answer(server):
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                words = [stream.read(int(stream.readline()[1:]) + 2) for _ in range(int(line[1:]))]
                sent.add(words[0].strip().decode().upper())
                connection.sendall(replies.get(words[0].strip().decode().upper(), b"+OK\r\n"))

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        store = RedisStore(f"redis://user:secret@127.0.0.1:{server.getsockname()[1]}/1", "key")
        assert store.update(lambda value: (value or 0.0) + 1.0) == 1.0
        store._client.close()

    page = (Path(__file__).parents[4] / "docs" / "how-to" / "deployment.md").read_text()
    allowed = set(re.search(r"^user partners on .+$", page, re.MULTILINE)[0].upper().split(" +")[1:])
    assert {"WATCH", "GET", "SET", "EXEC"} <= sent <= allowed
    assert not {"EVAL", "EVALSHA", "SCRIPT"} & allowed


def test_a_store_is_reached_or_the_check_says_that_it_is_not(tmp_path: Path) -> None:
    """Clients only warn and go on in memory (``FallbackStore``), so a check has to look at the shared store."""
    reach_rate_limit_store(make_rate_limit_store("memory://", "check"))
    reach_rate_limit_store(make_rate_limit_store(tmp_path.as_uri(), "check"))
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="not usable"):
        reach_rate_limit_store(make_rate_limit_store((tmp_path / "file").as_uri(), "check"))
