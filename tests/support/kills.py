"""Kill a process at a chosen point of what it does to files, databases and partners.

The process is a child, forked from the warm test process. It kills itself with SIGKILL, so no handler and no
``finally`` runs. Its points are found from outside of the package: functions of ``os``, the audit events of Python
(https://docs.python.org/3/library/audit_events.html), statements of SQLite and PostgreSQL, and the HTTP library. Files,
databases and partners remember nothing between two points, so a kill anywhere between them leaves the same as one at
the point.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sqlite3
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

__all__ = ["Event", "Point", "Tried", "run_in_child"]

_TIME_LIMIT = 60.0
_FILES = {
    "manifest.json": "manifest",
    "progress.json": "progress",
    "job.json": "checkpoint",
    "tries.json": "tries",
    "window.json": "window",
}


@dataclass(frozen=True)
class Point:
    """The n-th event of a kind, from 1."""

    kind: str
    number: int

    def __str__(self) -> str:
        """Return the kind and the number."""
        return f"{self.kind} #{self.number}"


@dataclass(frozen=True)
class Event:
    """What a child did."""

    kind: str
    detail: str = ""


@dataclass(frozen=True)
class Tried:
    """How a child ended.

    :param killed: it reached the point
    :param result: what its function returned
    :param error: the traceback of what the function raised; empty if nothing
    :param events: what it did until its end
    """

    killed: bool
    result: Any
    error: str
    events: list[Event] = field(repr=False)

    @property
    def counts(self) -> Counter[str]:
        """How many events of each kind there were."""
        return Counter(event.kind for event in self.events)

    def requests(self) -> list[str]:
        """Return the requests that were sent."""
        return [event.detail for event in self.events if event.kind == "request"]


def run_in_child(
    function: Callable[[], Any],
    *,
    staging: Path,
    scratch: Path,
    kill: Point | None = None,
    log: Path | None = None,
) -> Tried:
    """Run a function in a forked child, which kills itself at a point.

    :param staging: the folder of datasets, whose files are watched
    :param scratch: the child's folder for temporary files, which are watched too
    :param kill: where; nowhere by default
    :param log: the file that gets the child's output
    """
    read_end, write_end = os.pipe()
    with tempfile.NamedTemporaryFile() as events:
        with warnings.catch_warnings():
            # Python 3.12 warns of threads: the child needs none of the sandbox's.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            os.close(read_end)
            _run(function, _Watch(events.fileno(), kill, staging, scratch), write_end, log)
        os.close(write_end)
        killer = threading.Timer(_TIME_LIMIT, os.kill, (child, signal.SIGABRT))
        killer.start()
        with os.fdopen(read_end) as pipe:
            text = pipe.read()
        _, status = os.waitpid(child, 0)
        killer.cancel()
        lines = Path(events.name).read_text().splitlines()
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    answer = json.loads(text) if text else {"result": None, "error": "" if killed else f"the child ended with {status}"}
    return Tried(killed, answer["result"], answer["error"], [Event(*line.split("\t")) for line in lines])


def _run(function: Callable[[], Any], watch: _Watch, pipe: int, log: Path | None) -> None:
    """Run the function and never return."""
    answer: dict[str, Any] = {"result": None, "error": ""}
    try:
        output = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        watch.install()
        answer["result"] = function()
        # Airflow has not heard of the success yet.
        watch.reach("end")
    except BaseException:  # the parent shows it
        answer["error"] = traceback.format_exc()
    finally:
        watch.stop()
        content = json.dumps(answer).encode()
        while content:
            content = content[os.write(pipe, content) :]
        os._exit(0)


class _Watch:
    """Counts the events of this process, writes them down, and kills it at the chosen one."""

    def __init__(self, events: int, kill: Point | None, staging: Path, scratch: Path) -> None:
        self._events = events
        self._kill = kill
        self._staging, self._scratch = f"{staging}/", f"{scratch}/"
        self._counts = Counter[str]()
        self._lock = threading.Lock()
        self._active = True

    def reach(self, kind: str, detail: str = "") -> None:
        """Count an event, and die if it is the one."""
        if not self._active:
            return
        with self._lock:
            self._counts[kind] += 1
            os.write(self._events, f"{kind}\t{detail}\n".encode())
            if self._kill == Point(kind, self._counts[kind]):
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(10)

    def stop(self) -> None:
        """Count no more."""
        self._active = False

    def install(self) -> None:
        """Watch this process until its end."""
        tempfile.tempdir = self._scratch.rstrip("/")
        self._wrap("replace", "rename", 1)
        for name in ("unlink", "remove"):
            self._wrap(name, "remove", 0)
        for name in ("mkdir", "rmdir"):
            self._wrap(name, name, 0)
        sys.addaudithook(self._audit)
        self._wrap_sqlite()
        self._wrap_postgres()
        self._wrap_http()
        self._wrap_object_storage()

    def _wrap(self, name: str, word: str, position: int) -> None:
        """Let a function of ``os`` reach a point before and after its work."""
        function = getattr(os, name)

        def wrapped(*args: Any, **options: Any) -> Any:
            what = self._describe(args[position])
            if what:
                self.reach(f"before {word} of {what}")
            result = function(*args, **options)
            if what:
                self.reach(f"after {word} of {what}")
            return result

        setattr(os, name, wrapped)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], str | os.PathLike):
            writes = isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            what = self._describe(args[0]) if writes else None
            if what:
                self.reach(f"opened {what}")

    def _wrap_sqlite(self) -> None:
        connect = sqlite3.connect

        def wrapped(database: Any, *args: Any, **options: Any) -> sqlite3.Connection:
            connection = connect(database, *args, **options)
            kind = "scratch database" if str(database).startswith(self._scratch) else "table"
            if str(database):
                connection.set_trace_callback(lambda sql: self._reach_statement(kind, sql))
            return connection

        sqlite3.connect = wrapped

    def _wrap_postgres(self) -> None:
        """Let each statement, each piece of a COPY and each commit of psycopg reach a point before and after it."""

        def wrap(owner: Any, name: str, verb: Callable[[tuple[Any, ...]], str]) -> None:
            function = getattr(owner, name)

            def wrapped(self_: Any, *args: Any, **options: Any) -> Any:
                what = f"{verb(args)} in PostgreSQL"
                self.reach(f"before {what}")
                result = function(self_, *args, **options)
                self.reach(f"after {what}")
                return result

            setattr(owner, name, wrapped)

        def first_word(args: tuple[Any, ...]) -> str:
            return str(args[0]).split(maxsplit=1)[0].upper()

        for owner in (psycopg.Cursor, psycopg.ServerCursor):
            wrap(owner, "execute", first_word)
        wrap(psycopg.Cursor, "copy", first_word)
        wrap(psycopg.Copy, "write", lambda _args: "a piece")
        wrap(psycopg.Connection, "commit", lambda _args: "COMMIT")

    def _reach_statement(self, kind: str, sql: str) -> None:
        words = sql.split()[:12]
        self.reach(f"{words[0].upper()} in a {kind}", " ".join(words))

    def _describe(self, path: Any) -> str | None:
        """Return what a file is; ``None`` for one that is not watched."""
        text = os.fspath(path)
        if isinstance(text, bytes):
            return None
        if text.startswith(self._scratch):
            return "scratch"
        if not text.startswith(self._staging):
            return None
        folder, name = text[len(self._staging) :], os.path.basename(text)
        for prefix, what in ((".versions", "version"), (".leases", "lease")):
            if folder.startswith(prefix):
                return what
        if name.endswith(".tmp"):
            return "probe" if name.startswith(".probe") else "temporary file"
        if name.startswith(".claim"):
            return "claim"
        kind = "part" if name.startswith("part-") else _FILES.get(name, "folder")
        return f"{kind} of rejects" if os.path.dirname(text).endswith("-rejects") and kind != "folder" else kind

    def _wrap_http(self) -> None:
        handle = httpx.HTTPTransport.handle_request

        def handle_request(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            self.reach("request", _describe_request(request))
            response = handle(transport, request)
            self.reach("answer", str(response.status_code))
            size = int(response.headers.get("content-length", 0))
            response.stream = _WatchedStream(response.stream, size, self.reach)  # type: ignore[assignment]
            return response

        httpx.HTTPTransport.handle_request = handle_request  # type: ignore[method-assign]

    def _wrap_object_storage(self) -> None:
        """Watch the objects of a staging folder in S3, which has the name of the one on this machine."""
        if "airflow.sdk.io.store" in sys.modules:
            # A filesystem of the parent has its threads there.
            sys.modules["airflow.sdk.io.store"]._STORE_CACHE.clear()
        try:
            from aiobotocore.client import AioBaseClient
        except ImportError:
            return
        call, root = AioBaseClient._make_api_call, os.path.dirname(self._staging.rstrip("/"))

        async def make_api_call(client: Any, operation: str, parameters: Any) -> Any:
            key = parameters.get("Key") or parameters.get("Prefix") or ""
            what = self._describe(f"{root}/{key}")
            if operation == "ListObjectsV2" or not what:
                return await call(client, operation, parameters)
            self.reach(f"before {operation} of {what}")
            answer = await call(client, operation, parameters)
            self.reach(f"after {operation} of {what}")
            return answer

        AioBaseClient._make_api_call = make_api_call


class _WatchedStream(httpx.SyncByteStream):
    """The body of a response: a point when half of it has arrived, and one at its end."""

    def __init__(self, stream: Any, size: int, reach: Callable[[str], None]) -> None:
        self._stream, self._size, self._reach = stream, size, reach

    def __iter__(self) -> Iterator[bytes]:
        arrived, is_half = 0, False
        for piece in self._stream:
            # A small body arrives in one piece, so it is passed on in two.
            middle = max(1, min(len(piece), self._size // 2 - arrived))
            for part in (piece[:middle], piece[middle:]):
                if part:
                    arrived += len(part)
                    yield part
                if not is_half and arrived * 2 >= self._size:
                    is_half = True
                    self._reach("half a body")
        self._reach("body")

    def close(self) -> None:
        self._stream.close()


_SECRET = re.compile(r"(token|signature|X-Goog-Signature)=[^&]*")


def _describe_request(request: httpx.Request) -> str:
    """Return what a request asks for: equal for equal requests of two tries."""
    body = request.content if request.method != "GET" else b""
    digest = hashlib.sha256(body).hexdigest()[:12]
    query = _SECRET.sub(r"\1=", request.url.query.decode())
    return f"{request.method} {request.url.path}?{query} {digest if body else ''}"
