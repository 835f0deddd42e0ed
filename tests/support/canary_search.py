"""The main job under attack, and a search through everything that each case leaves."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import logging
import pickle
import shutil
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from airflow.sdk.log import configure_logging
from canaries import Canaries, texts_of
from main_job import MainJob, records

from airflow_provider_partners.sandbox.server import RunningSandbox

__all__ = ["SHOP", "Attack"]

SHOP = "aurora-apparel.myshopify.com"


class WatchedJob(MainJob):
    """The main job, which keeps what its tasks have rendered, and what they add to asset events and lineage."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.rendered: list[Any] = []
        self.lineage: list[Any] = []
        self.events: dict[Any, _Event] = defaultdict(_Event)
        self.context["outlet_events"] = self.events

    def execute(self, task: Any, **arguments: Any) -> Any:
        try:
            return super().execute(task, **arguments)
        finally:
            self.rendered.append({name: getattr(task, name, None) for name in task.template_fields})
            for moment in ("start", "complete", "failure"):
                facets = getattr(task, f"get_openlineage_facets_on_{moment}", None)
                if facets is not None:
                    self.lineage.append(facets() if moment == "start" else facets(None))


class _Event:
    """Airflow's accessor of an outlet's events."""

    def __init__(self) -> None:
        self.extra: dict[str, Any] = {}

    def add(self, asset: Any, extra: Any = None) -> None:
        self.extra[str(asset)] = extra


class Attack:
    """Runs cases, and searches everything that each leaves.

    :param output: gets a line for each case
    """

    def __init__(self, running: RunningSandbox, canaries: Canaries, seen: list[str], folder: Path, output: Any) -> None:
        self.running, self.canaries, self.seen, self.folder, self.output = running, canaries, seen, folder, output
        self.job = WatchedJob(running, SHOP, folder, request_deadline=60, max_wait=10)
        self.pages: list[str] = []
        """What pages have shown, and the texts of messages."""
        self.row = {"first_name": canaries.value("name", "a row"), "phone_number": canaries.value("phone", "a row")}
        canaries.add_connections(self.job.environment)
        self.runs = 0
        self._searched_results: set[str] = set()
        self._unwritten = self._stored()
        self.searched: dict[Path, tuple[int, int]] = {}
        self.logs = io.BytesIO()
        configure_logging(json_output=True, log_level="DEBUG", output=self.logs, cache_logger_on_first_use=False)
        self.handler = _EveryAttribute()
        logging.getLogger().addHandler(self.handler)
        for name in ("", "httpx", "httpcore", "airflow_provider_partners", "airflow.task"):
            logging.getLogger(name).setLevel(logging.DEBUG)

    def case(self, name: str, run: Callable[[], Any], *, arguments: str = "") -> Any:
        """Run one case, and write what was found and where.

        :param arguments: what the Dag's author has written into the task; Airflow shows it as it is
        """
        began = time.monotonic()
        self.logs.seek(0)
        self.logs.truncate()
        self.handler.lines.clear()
        for kept in (self.job.rendered, self.job.lineage, self.job.events, self.pages, self.seen):
            kept.clear()
        printed = io.StringIO()
        result, failure = None, None
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                result = run()
            except BaseException as error:
                failure = error
        places = {
            "log": self.logs.getvalue().decode(errors="replace") + "\n".join(self.handler.lines),
            "printed": printed.getvalue(),
            "xcom": self._new_results(),
            "state store": texts_of(f"{key} {value}" for key, value in self.job.states.items()),
            "templates": texts_of(self.job.rendered),
            "events": "\n".join(f"{asset}: {event.extra}" for asset, event in self.job.events.items()),
            "lineage": "\n".join(map(repr, self.job.lineage)),
            "pages and messages": "\n".join(self.pages),
            "urls": "\n".join(each for each in self.seen if not _is_secret_by_design(each)),
            **self._files(),
        }
        found = {place: each for place, text in places.items() if (each := self.canaries.found_in(text))}
        own = self.canaries.found_in(arguments)
        found["templates"] = {core: label for core, label in found.get("templates", {}).items() if core not in own}
        if failure is not None:
            found |= {place: each for place, text in _error_texts(failure) if (each := self.canaries.found_in(text))}
            if secrets := self.canaries.found_in(_locals_of(failure), personal=False):
                found["locals of the traceback"] = secrets
        sizes = {place: len(text) for place, text in places.items()}
        found = {place: each for place, each in found.items() if each}
        seconds = round(time.monotonic() - began, 2)
        line = {"case": name, "failed": _describe(failure), "found": found, "sizes": sizes, "seconds": seconds}
        self.output.write(json.dumps(line) + "\n")
        return result

    def _new_results(self) -> str:
        """Return the results that no case before has left."""
        texts = {texts_of([value]) for results in self.job.results.values() for value in results.values()}
        new = texts - self._searched_results
        self._searched_results |= new
        return "\n".join(new)

    def forget_writes(self) -> None:
        """Empty the stores of Yotpo, and forget what was written to them."""
        shutil.rmtree(self.folder / ".versions", ignore_errors=True)
        for partner, shop, kind, key in self._stored() - self._unwritten:
            self.running.sandbox.store.delete(partner, shop, kind, key)

    def _stored(self) -> set[tuple[str, str, str, str]]:
        """Return the places of all that Yotpo has, but its tokens. No document is parsed for it."""
        store = self.running.sandbox.store
        places = "SELECT partner, shop, kind, id FROM documents WHERE partner = 'yotpo' AND kind <> 'token'"
        with store._lock:
            return set(store._db.execute(places).fetchall())

    def _files(self) -> dict[str, str]:
        """All files of the staging folder that have changed, but the records themselves; and all names."""
        texts = {"file names": "", "files": ""}
        for path in sorted(self.folder.rglob("*")):
            texts["file names"] += f"{path}\n"
            if not path.is_file() or (path.name.startswith("part-") and "jsonl" in path.name):
                continue
            status = path.stat()
            if self.searched.get(path) != (status.st_mtime_ns, status.st_size):
                self.searched[path] = (status.st_mtime_ns, status.st_size)
                texts["files"] += f"{path}: {_text(path)}\n"
        return texts

    def records_of(self, reference: Mapping[str, Any]) -> dict[str, str]:
        """Return the canaries in a dataset's records."""
        return self.canaries.found_in(texts_of(records(reference)))


class _EveryAttribute(logging.Handler):
    """Keeps each record of the standard library's loggers with its arguments, extras and traceback."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            self.lines.append(f"{record.getMessage()} {vars(record)!r}")
            if record.exc_info:
                self.lines.append("".join(traceback.format_exception(*record.exc_info)))


def _is_secret_by_design(url: str) -> bool:
    """Return True where the partner wants its own token in the URL: Yotpo's reviews, and files of jobs."""
    return "utoken=" in url or "/exports/" in url or "/_files" in url or "X-Goog" in url or "Signature=" in url


def _error_texts(error: BaseException) -> Iterator[tuple[str, str]]:
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    for each in chain:
        yield "error's text", f"{each} {each!r} {each.args!r} {vars(each)!r} {getattr(each, '__notes__', '')}"
    inner = getattr(error, "error", None)
    if inner is not None:
        yield "error of this provider", f"{inner} {inner!r} {vars(inner)!r}"
    yield "traceback", "".join(traceback.format_exception(error))
    with contextlib.suppress(Exception):
        yield "pickled error", pickle.dumps(error).decode("latin-1")


def _locals_of(error: BaseException) -> str:
    """Return a traceback with the local variables of all frames but those of these tests."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    each: traceback.TracebackException | None = shown
    while each is not None:
        kept = [frame for frame in each.stack if Path(frame.filename).parent != Path(__file__).parent]
        each.stack = traceback.StackSummary.from_list(kept)
        each = each.__cause__ or each.__context__
    return "".join(shown.format())


def _describe(error: BaseException | None) -> str:
    return "" if error is None else f"{type(error).__name__}: {str(error)[:300]}"


def _text(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("utf-8", "replace")
