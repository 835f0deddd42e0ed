"""Kills steps: puts back what a step finds before it, kills it, tries it again, and compares what is there then."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pyarrow.parquet
from airflow.sdk import DAG
from job_lists import short_polls
from kill_report import Case, Report
from kill_steps import LANES, STEPS
from kills import Event, Point, Tried, run_in_child
from main_job import MainJob, end_state, short_waits
from postgres import PostgresServer, serve_postgres
from s3_server import BUCKET, S3Server, serve_s3
from sandbox import run_sandbox

from airflow_provider_partners.hooks import budget_database
from airflow_provider_partners.operators import extract_job
from airflow_provider_partners.operators.yotpo import base as upsert_base
from airflow_provider_partners.pipelines import lanes
from airflow_provider_partners.sandbox.server import RunningSandbox

__all__ = ["KillScene", "kill_scene"]

NOW = datetime(2026, 6, 1, tzinfo=UTC)

_WRITTEN: Mapping[str, frozenset[str] | None] = {
    "yotpo": None,
    "shopify_admin": frozenset({"bulk_operation"}),
    "voucherify": frozenset({"exports", "export_jobs"}),
}
"""What steps write at partners: all kinds, or some."""


@dataclass(frozen=True)
class Calm:
    """A step without a kill.

    :param before: the files before it
    :param documents: the documents of partners before it
    :param created: how many records partners created
    :param seen: what it leaves for others
    :param database: of PostgreSQL, as it was before it
    """

    before: Mapping[str, bytes]
    documents: list[tuple[str, ...]]
    tried: Tried
    created: int
    seen: Any
    files: dict[str, set[str]]
    database: str | None


class Objects:
    """The objects of a bucket, read and written without this package."""

    def __init__(self, server: S3Server) -> None:
        secrets = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
        self._client = boto3.client("s3", endpoint_url=server.url, **secrets)
        self._server = server

    def read(self) -> dict[str, bytes]:
        """Return the objects by their keys."""
        keys = self._server.objects()
        return {key: self._client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}

    def replace(self, objects: Mapping[str, bytes]) -> None:
        """Store these objects and remove all others."""
        for key in set(self._server.objects()) - set(objects):
            self._client.delete_object(Bucket=BUCKET, Key=key)
        for key, content in objects.items():
            self._client.put_object(Bucket=BUCKET, Key=key, Body=content)


def _is_staged(name: str) -> bool:
    return name.startswith("staging/")


class KillScene:
    """A sandbox, a job, and what each step finds before it.

    :param root: a folder for everything
    :param postgres: has a database for the tables and the rate limits
    :param s3: the server of the staging folder; by default it is on this machine
    """

    def __init__(
        self, running: RunningSandbox, root: Path, postgres: PostgresServer, *, s3: S3Server | None = None
    ) -> None:
        self.running = running
        self.log = root / "log.txt"
        self.here = root / "here"
        self.staging, self.scratch = self.here / "staging", self.here / "tmp"
        for folder in (self.staging, self.scratch):
            folder.mkdir(parents=True)
        self._objects = Objects(s3) if s3 else None
        self.uri = s3.uri("staging") if s3 else str(self.staging)
        self.job = MainJob(running, folder=self.uri)
        self.job.max_tries = 2
        self.job.environment["AIRFLOW_CONN_KILL_SQLITE"] = json.dumps({
            "conn_type": "sqlite",
            "host": str(self.here / "tables.db"),
        })
        self._server = postgres
        self._database = postgres.create_database("run")
        self.job.environment["AIRFLOW_CONN_KILL_POSTGRES"] = self._database.airflow_connection()
        # What the Dag that sends rejects again is started with.
        replay = {"run": None, "shop": self.job.shop, "dag_id": self.job.dag_id}
        self.job.context["params"] = {"dry_run": False, "personal_values": False, "shops": None, **replay}
        self.job.environment.update(s3.environment if s3 else {})
        self.reports: list[tuple[Case, Report]] = []
        self._calm: dict[tuple[str, bool], Calm] = {}

    def prepare(self) -> None:
        """Run all steps once and remember what each finds.

        They run in this process, so that every module is loaded. Only the threads of object storage don't survive a
        fork.
        """
        for name, step in STEPS.items():
            if step.is_first:
                self._restore(self._calm[next(iter(STEPS)), False])
            before, documents = self._tree(), self._documents()
            database = f"before_{name}" if step.uses_postgres else None
            if database:
                self._copy_database("run", database)
            if self._objects is None:
                with self._small_batches(), mock.patch.dict(self.job.environment, step.environment):
                    result = self.job.execute(self._make(name))
            else:
                tried = self._try(name, each_page=False)
                assert not tried.error, tried.error
                result = self.job.results.setdefault("run", {})[name] = tried.result
            seen, files = self._seen(name, result), self._files()
            self._calm[name, False] = Calm(before, documents, Tried(False, result, "", []), 0, seen, files, database)

    def calm(self, name: str, *, each_page: bool) -> Calm:
        """Return a run of a step without a kill, in a child, whose events are the points of kills."""
        calm = self._calm[name, False]
        known = self._calm.get((name, each_page))
        if known is not None and known.tried.events:
            return known
        self._restore(calm)
        self.running.call_log.clear()
        tried = self._try(name, each_page=each_page)
        assert not tried.error, tried.error
        seen = self._seen(name, tried.result)
        assert seen == calm.seen
        found = replace(calm, tried=tried, created=self._created(), seen=seen, files=self._files())
        self._calm[name, each_page] = found
        return found

    def case(self, seed: int, names: tuple[str, ...] = tuple(STEPS)) -> Case:
        """Return the case of a seed. Seeds go evenly through steps and kinds of points."""
        chooser = random.Random(seed)
        name, turn = names[seed % len(names)], seed // len(names)
        each_page = turn % 4 != 3
        counts = self.calm(name, each_page=each_page).tried.counts
        kinds = sorted(counts)
        random.Random(name).shuffle(kinds)

        def point(kind: str) -> Point:
            return Point(kind, chooser.randint(1, counts[kind]))

        points = [point(kinds[turn % len(kinds)])]
        if turn % 3 == 2:
            # A second kill, in the retry, which may be shorter.
            points.append(Point(chooser.choice(kinds), chooser.randint(1, 2)))
        return Case(seed=seed, step=name, points=tuple(points), each_page=each_page)

    def run(self, case: Case) -> Report:
        """Kill the step, try it again, and compare."""
        calm, report = self.calm(case.step, each_page=case.each_page), Report()
        self.reports.append((case, report))
        self._restore(calm)
        self.running.call_log.clear()
        committed: set[str] = set()
        setup = _setup_requests(calm.tried.events)
        # A step that writes to Yotpo looks up what is there before each write.
        unread = ("/yotpo/",) if STEPS[case.step].writes or case.step in LANES else ()
        for number, point in enumerate((*case.points, None), start=1):
            tried = self._try(case.step, kill=point, each_page=case.each_page, try_number=number)
            report.refetched += sorted(committed & set(tried.requests()))
            committed |= _committed_requests(tried.events, unread) - setup - _setup_requests(tried.events)
            report.kills += tried.killed
            if not tried.killed:
                break
            # The sandbox may still work on what the killed process has sent.
            time.sleep(0.02)
        if tried.error:
            report.differences.append(f"the retry failed: {tried.error}")
            return report
        self._compare(case, calm, tried, report)
        return report

    def _compare(self, case: Case, calm: Calm, tried: Tried, report: Report) -> None:
        seen = self._seen(case.step, tried.result)
        for name, value in calm.seen.items():
            if value != seen.get(name):
                report.differences.append(f"{name} is {_cut(seen.get(name))} instead of {_cut(value)}")
        job = STEPS[case.step].job
        if job is not None:
            before = {row[:4] for row in calm.documents}
            new = [row for row in self._documents() if (row[0], row[2]) == job and row[:4] not in before]
            if (count := len(new)) != 1:
                report.differences.append(f"{count} jobs were submitted")
        if (created := self._created()) > calm.created:
            report.differences.append(f"{created} records were created instead of {calm.created}")
        files = self._files()
        for folder, names in files.items():
            report.left += [f"{folder}/{name}" for name in sorted(names - calm.files.get(folder, set()))]
        for folder, names in calm.files.items():
            lost = sorted(names - files.get(folder, set()))
            report.differences += [f"{folder}/{name} is missing" for name in lost]

    def _try(self, name: str, *, each_page: bool, kill: Point | None = None, try_number: int = 1) -> Tried:
        self.job.environment["AIRFLOW__PARTNERS__PART_SECONDS"] = "0" if each_page else "60"

        began = time.monotonic()

        def now() -> datetime:
            """Return the time as the partner has it, which stands still: a retry looks for a job since then."""
            return NOW + timedelta(seconds=time.monotonic() - began)

        def body() -> Any:
            # A task's process knows no connection yet.
            budget_database._tables.clear()
            with (
                self._small_batches(),
                mock.patch.dict(self.job.environment, STEPS[name].environment),
                mock.patch.object(extract_job, "utcnow", now),
            ):
                return self.job.execute(self._make(name), try_number=try_number)

        return run_in_child(body, staging=self.staging, scratch=self.scratch, kill=kill, log=self.log)

    def _make(self, name: str) -> Any:
        with DAG(self.job.dag_id, schedule=None, params=lanes.shared_params()):
            return STEPS[name].make(self)

    @contextmanager
    def _small_batches(self) -> Iterator[None]:
        """Let an upsert store its outcomes after a few records, and let nobody wait long."""
        with (
            short_waits(),
            short_polls(0.02),
            mock.patch.object(upsert_base, "OUTCOMES_PER_BATCH", 5),
            mock.patch.object(upsert_base, "OUTCOME_SECONDS", 0),
        ):
            yield

    def _seen(self, name: str, result: Any) -> dict[str, Any]:
        """Return what a step leaves for others, without what differs between two runs anyway."""
        step = STEPS[name]
        if step.tables:
            tables = self._tables() if step.tables == "sqlite" else self._postgres_tables()
            return {"tables": tables, "result": result}
        if name in LANES:
            (summary,) = json.loads(self._tree()[f"{self._staged(result)}/lanes.json"])["summaries"]
            # A killed try leaves no entry of its calls.
            counts = {key: value for key, value in summary.items() if key != "api_calls"}
            store = end_state(self.running, self.job.shop)
            return {"summary": counts, "store": store, "closed": self._closed_rejects()}
        seen: dict[str, Any] = {key: result[key] for key in ("uri", "source", "resource", "account", "window")}
        if step.writes:
            # The store numbers its records in the order of their calls.
            seen["outcomes"] = sorted(_as_text({**each, "yotpo_id": None}) for each in self.records(result))
            seen["summary"] = {key: result["extra"][key] for key in ("summary", "dry_run", "shop")}
            rejects = result["extra"]["rejects"]
            seen["rejects"] = sorted(map(_as_text, self.records(rejects))) if rejects else []
            seen["store"] = end_state(self.running, self.job.shop)
        else:
            seen["content"] = self.records(result)
            extra = result["extra"]
            apart = {"api", "resumed", "job", "rejects", "findings"}
            seen["extra"] = {key: extra[key] for key in extra if key not in apart}
            for key in ("rejects", "findings"):
                seen[key] = self.records(extra[key]) if extra.get(key) else []
        if step.environment:
            seen["limits"] = self._limits()
        return seen

    def _created(self) -> int:
        """Return how many records partners have created."""
        calls = self.running.call_log.latest()
        return sum(1 for call in calls if call.status == 201 and call.operation != "token")

    def _documents(self) -> list[tuple[str, ...]]:
        store = self.running.sandbox.store
        with store._lock:
            rows = store._db.execute("SELECT partner, shop, kind, id, at, body FROM documents").fetchall()
        return [row for row in rows if row[0] in _WRITTEN and (_WRITTEN[row[0]] is None or row[2] in _WRITTEN[row[0]])]

    def _copy_database(self, source: str, target: str) -> None:
        """Replace a database by a copy of another one. What killed processes have left open there ends."""
        self._server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'")
        with self._server.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {target} TEMPLATE {source}")

    def _restore(self, calm: Calm) -> None:
        if calm.database:
            self._copy_database(calm.database, "run")
        shutil.rmtree(self.here)
        self.scratch.mkdir(parents=True)
        self.staging.mkdir()
        if self._objects:
            self._objects.replace({name: content for name, content in calm.before.items() if _is_staged(name)})
        for name, content in calm.before.items():
            if not (self._objects and _is_staged(name)):
                path = self.here / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        store = self.running.sandbox.store
        wanted = set(calm.documents)
        there = set(self._documents())
        for partner, shop, kind, key, *_ in there - wanted:
            store.delete(partner, shop, kind, key)
        for partner, shop, kind, *row in wanted - there:
            store.put_texts(partner, shop, kind, [tuple(row)])

    def _tree(self) -> dict[str, bytes]:
        """Return all files, wherever they are, by their path."""
        paths = (path for path in self.here.rglob("*") if path.is_file())
        files = {str(path.relative_to(self.here)): path.read_bytes() for path in paths}
        return {**files, **(self._objects.read() if self._objects else {})}

    def records(self, reference: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Read a dataset as any other tool would, without this package."""
        folder = self._staged(reference)
        tree = self._tree()
        found: list[dict[str, Any]] = []
        for part in json.loads(tree[f"{folder}/manifest.json"])["parts"]:
            content = tree[f"{folder}/{part['name']}"]
            if part["name"].endswith(".parquet"):
                found += pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
            else:
                found += map(json.loads, gzip.decompress(content).splitlines())
        return found

    def _staged(self, reference: Mapping[str, Any]) -> str:
        """Return a folder's path in the tree."""
        return str(reference["uri"]).replace(self.uri, "staging")

    def _files(self) -> dict[str, set[str]]:
        """Return the files of each folder; parts as the manifest lists them count as one."""
        tree, files = self._tree(), dict[str, set[str]]()
        for path in tree:
            folder, _, name = path.rpartition("/")
            # Claims are files of their own, and their number depends on the tries.
            if "/.versions/" in path and name.endswith(".jsonl.gz"):
                continue
            manifest = tree.get(f"{folder}/manifest.json")
            if name.startswith("part-") and manifest:
                name = "parts" if name in {part["name"] for part in json.loads(manifest)["parts"]} else name
            files.setdefault(folder, set()).add(name)
        for path in self.scratch.iterdir():
            files.setdefault("tmp", set()).add(path.name)
        return files

    def _tables(self) -> dict[str, list[tuple[Any, ...]]]:
        with closing(sqlite3.connect(self.here / "tables.db")) as database:
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            return {name: sorted(database.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for (name,) in names}

    def _postgres_tables(self) -> dict[str, list[tuple[Any, ...]]]:
        tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
        return {
            name: sorted(self._database.query(f'SELECT * FROM "{name}"'), key=repr)
            for (name,) in self._database.query(tables)
        }

    def _limits(self) -> int:
        """Return how many rate limits are stored. None of them may block a later task for more than some seconds."""
        rows = self._database.query("SELECT arrival_time FROM limits")
        assert all(float(at) < time.time() + 10 for (at,) in rows)
        return len(rows)

    def _closed_rejects(self) -> list[str]:
        """Return the ids of the rejects that no replay takes again."""
        tree = self._tree()
        closed = (json.loads(tree[name])["closed"] for name in tree if name.endswith("/replayed.json"))
        return sorted(each for ids in closed for each in ids)


def _setup_requests(events: list[Event]) -> set[str]:
    """Return the requests of a try before it reads the list: everything before it finds out whether it may write."""
    first = next((index for index, event in enumerate(events) if event.kind.endswith("of probe")), 0)
    return {event.detail for event in events[:first] if event.kind == "request"}


def _committed_requests(events: list[Event], unread: tuple[str, ...]) -> set[str]:
    """Return the requests whose records are in a dataset or its progress: those before the last commit.

    :param unread: parts of paths that no list of the step is read from
    """
    commit = re.compile(r"after (rename|PutObject) of (progress|manifest)")
    last = max((index for index, event in enumerate(events) if commit.fullmatch(event.kind)), default=0)
    reads = ("GET", "graphql")
    return {
        event.detail
        for event in events[:last]
        if event.kind == "request"
        and any(word in event.detail for word in reads)
        and not any(path in event.detail for path in unread)
    }


def _as_text(record: Any) -> str:
    return json.dumps(record, sort_keys=True)


def _cut(value: Any) -> str:
    return repr(value)[:400]


@contextmanager
def kill_scene(root: Path, *, object_storage: bool = False) -> Iterator[KillScene]:
    """Serve a sandbox and prepare all steps.

    :param object_storage: whether the staging folder is in a bucket
    """
    switches = {"yotpo.rate_limit": 0, "shopify_admin.bucket": (1_000_000, 1_000_000)}
    with ExitStack() as stack:
        running = stack.enter_context(run_sandbox(shops=1, orders=20, now=NOW, switches=switches))
        server = stack.enter_context(serve_s3()) if object_storage else None
        scene = KillScene(running, root, stack.enter_context(serve_postgres()), s3=server)
        scene.prepare()
        yield scene
