"""Writers of one Yotpo store whose calls a test interleaves: each stops before and after every call and file.

A writer is an operator of the product in a coroutine of its own. The test lets it run to its next stop, fails its call
or kills it. So the order of all calls is the test's alone, and a sequence that fails does so each time.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import greenlet
from fakes.yotpo_store import FakeYotpoStore

from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.datasets import version_log
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.exceptions import RejectedError, TransientError
from airflow_provider_partners.operators.yotpo import base

STORE_ID = "store-1"

QUIET = logging.getLogger("interleaved_writers")
QUIET.setLevel(logging.CRITICAL)


class Killed(BaseException):
    """The worker's process ends without another statement."""


class VirtualTime:
    """The time of the shop, of all workers, and of their clocks."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, tzinfo=UTC)

    def pass_(self, **spans: float) -> datetime:
        self.now += timedelta(**spans)
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()


class Writer(greenlet.greenlet):
    """A try of a task.

    :ivar stop: what it is about to do, or has just done; ``None`` before it starts
    :ivar result: what the task returned
    :ivar error: why it failed
    """

    def __init__(self, run: Callable[[], Any]) -> None:
        super().__init__(self._run)
        self._task = run
        self.stop: str | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self.is_killed = False

    def _run(self) -> None:
        try:
            self.result = self._task()
        except Killed as error:
            self.error = error
        except Exception as error:
            self.error = error

    @property
    def has_ended(self) -> bool:
        return self.dead

    def step(self, error: BaseException | None = None) -> None:
        """Run to the next stop.

        :param error: what the stop raises
        """
        self.parent = greenlet.getcurrent()
        self.stop = self.switch(error) if self.stop is not None else self.switch()

    def finish(self) -> None:
        while not self.has_ended:
            self.step()

    def kill(self) -> None:
        """End the process: what it would still write is lost."""
        self.is_killed = True
        if self.stop is None:
            self.error = Killed()
            self.throw(greenlet.GreenletExit)
        while not self.has_ended:
            self.step(Killed())


def pause(stop: str) -> None:
    """Stop the writer that runs, if one does."""
    writer = greenlet.getcurrent()
    if isinstance(writer, Writer) and writer.parent is not None and not writer.is_killed:
        error = writer.parent.switch(stop)
        if error is not None:
            raise error


class InterleavedStore(FakeYotpoStore):
    """A store in memory that stops the writer before each of its calls and after it.

    :ivar refused: external ids of orders that Yotpo refuses for now
    :ivar arrivals: the calls on their way, by writer: a killed writer's call may still arrive
    """

    def __init__(self) -> None:
        super().__init__()
        self.stats = RequestStats()
        self.refused: set[str] = set()
        self.successes: Counter[tuple[str, str]] = Counter()
        self.arrivals: dict[Writer, Callable[[], Any]] = {}

    def _call(self, name: str, function: Callable[[], Any]) -> Any:
        writer = greenlet.getcurrent()
        if isinstance(writer, Writer):
            self.arrivals[writer] = function
        pause(f"before {name}")
        self.arrivals.pop(writer, None)
        try:
            return function()
        finally:
            pause(f"after {name}")

    def _get(self, path: str, label: str, params: Any) -> Any:
        return self._call(label, lambda: super(InterleavedStore, self)._get(path, label, params))

    def fulfillments(self, order_yotpo_id: int) -> Any:
        return self._call("fulfillments.list", lambda: super(InterleavedStore, self).fulfillments(order_yotpo_id))

    def create_order(self, payload: Any) -> int:
        return self._write("order", payload, lambda: super(InterleavedStore, self).create_order(payload), "create")

    def update_order(self, yotpo_id: int, payload: Any) -> None:
        key = self.records["order"].get(yotpo_id, {}).get("external_id", "")
        named = {"external_id": key, **payload}
        self._write("order", named, lambda: super(InterleavedStore, self).update_order(yotpo_id, payload), "update")

    def create_product(self, payload: Any) -> int:
        return self._write("product", payload, lambda: super(InterleavedStore, self).create_product(payload), "create")

    def update_product(self, yotpo_id: int, payload: Any) -> None:
        self._write("product", payload, lambda: super(InterleavedStore, self).update_product(yotpo_id, payload))

    def create_fulfillment(self, order_yotpo_id: int, payload: Any) -> int:
        def create() -> int:
            return super(InterleavedStore, self).create_fulfillment(order_yotpo_id, payload)

        return self._write(f"fulfillment of {order_yotpo_id}", payload, create, "create")

    def update_fulfillment(self, order_yotpo_id: int, fulfillment_id: int, payload: Any) -> None:
        def update() -> None:
            super(InterleavedStore, self).update_fulfillment(order_yotpo_id, fulfillment_id, payload)

        self._write("fulfillment", payload, update)

    def _write(self, kind: str, payload: Any, function: Any = None, action: str = "update") -> Any:
        if function is None:  # The model's own, of one operation.
            return super()._write(kind, payload)
        external_id = str(payload.get("external_id"))

        def carry_out() -> Any:
            if kind == "order" and external_id in self.refused:
                message = "order is refused"
                raise RejectedError(message, partner="Yotpo", status=400)
            result = function()
            if action == "create":
                self.successes[kind, external_id] += 1
            return result

        return self._call(f"{kind}.{action} {external_id}", carry_out)


def lost_call() -> TransientError:
    """The error of a call without an answer: whether it arrived is unknown."""
    return TransientError("the connection was reset")


def _stopping(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of a folder that stops the writer at the files of the version log, and ends with its process."""
    changes = method.__name__ in {"write", "remove"}

    def stopping(self: DatasetFolder, *arguments: Any) -> Any:
        writer = greenlet.getcurrent()
        if changes and isinstance(writer, Writer) and writer.is_killed:
            return None
        is_log = ".versions" in self.uri
        if is_log and method.__name__ == "remove":
            pause("before claims are removed")
        result = method(self, *arguments)
        if is_log and method.__name__ != "remove":
            pause(f"after {method.__name__} of the log")
        return result

    return stopping


@contextmanager
def interleaved(folder: Path, clock: VirtualTime, *, look_interval: float, max_files: int) -> Iterator[None]:
    """Let workers share a staging folder and a clock, and stop at the files of the version log.

    :param look_interval: seconds for which a writer believes its last look into the log
    :param max_files: files of the log from which on they are merged
    """

    class Log(version_log.VersionLog):
        def __init__(self, uri: str, **arguments: Any) -> None:
            super().__init__(uri, clock=lambda: clock.now, **arguments)

    with ExitStack() as stack:
        for name in ("write", "file_names", "read", "remove"):
            stack.enter_context(patch.object(DatasetFolder, name, _stopping(getattr(DatasetFolder, name))))
        stack.enter_context(patch.object(base, "VersionLog", Log))
        stack.enter_context(patch.object(version_log, "time", SimpleNamespace(monotonic=clock.monotonic)))
        stack.enter_context(patch.object(version_log, "LOOK_INTERVAL", look_interval))
        stack.enter_context(patch.object(version_log, "MAX_FILES", max_files))
        stack.enter_context(patch.dict("os.environ", {"AIRFLOW__PARTNERS__STAGING_URI": str(folder)}))
        yield


def with_store(operator: Any, store: Any) -> Any:
    """Return an operator class with a store behind its hook."""

    class WithStore(operator):
        log = QUIET

        def hook(self) -> Any:
            @contextmanager
            def open_store() -> Iterator[Any]:
                yield store

            hook: Any = open_store()
            hook.conn_type, hook.account, hook.host, hook.console_url = "yotpo", STORE_ID, "yotpo.example", None
            return hook

    return WithStore
