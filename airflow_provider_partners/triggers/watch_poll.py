"""Reading a list again and again for those who wait for news of it: one poll, however many watch.

A poll never ends by itself. What fails is asked again after growing pauses; a connection that is missing or refused is
looked up anew each time, so that correcting it is enough. Must not know what a watcher has told of.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

from airflow_provider_partners._compat import SharedStreamProducer, in_thread
from airflow_provider_partners.api.extraction import mark_of
from airflow_provider_partners.api.pages import dig
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    PartnersError,
    ThrottledError,
)
from airflow_provider_partners.hooks.base import PartnerHook
from airflow_provider_partners.triggers import base
from airflow_provider_partners.triggers.watch_position import MARK, Row
from airflow_provider_partners.windows import moment

log = logging.getLogger(__name__)

LONGEST_PAUSE = 3600.0
"""Seconds between two tries where the credentials are refused, or nothing has worked for long."""

RENEWED = 3600.0
"""Seconds after which the connection is looked up anew, and what was sent meanwhile is counted in Airflow's metrics."""

GATHERING = 1.0
"""Seconds in which watchers that start together find each other, so that the first reading serves them all."""

_FOR_PEOPLE = (ConfigurationError, AuthenticationError, NotFoundError)
"""What somebody must put right; until then it makes no sense to ask often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A list that can be watched.

    :param source: the partner, such as ``yofi``
    :param resource: the list
    :param hook: the type of its connections
    :param time: the field (dotted) that says when a row came into being: an ISO time, or seconds since 1970
    :param id: the field that events call a row by; it must not be of a person
    :param account: what says, in an extraction's request, whose rows they are
    :param ask: what else is asked, so that rows are small and hold no names
    """

    source: str
    resource: str
    hook: str
    time: str
    id: str = "id"
    account: str = ""
    ask: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class Round:
    """One reading of the list.

    :param since: it holds all rows from here on
    :param began: when it was asked for
    :param rows: what it holds
    :param account: whose they are, such as the shop's domain
    :param notes: what to do once Airflow has stored what was told of it
    """

    since: datetime
    began: datetime
    rows: Sequence[Row]
    account: str
    notes: list[Callable[[], Awaitable[None]]] = field(default_factory=list)


class Desk:
    """Where those who watch one list say from when on they need its rows."""

    def __init__(self) -> None:
        self._needs: dict[int, datetime] = {}
        self._someone = asyncio.Event()

    def ask(self, watcher: object, since: datetime) -> None:
        """Put down, or put right, what a watcher needs.

        :param watcher: who
        :param since: from when on
        """
        self._needs[id(watcher)] = since
        self._someone.set()

    def leave(self, watcher: object) -> None:
        """Strike a watcher off.

        :param watcher: who
        """
        self._needs.pop(id(watcher), None)
        if not self._needs:
            self._someone.clear()

    async def earliest(self) -> datetime:
        """The earliest that anybody needs, once there is somebody."""
        await self._someone.wait()
        return min(self._needs.values())


_DESKS: WeakValueDictionary[Hashable, Desk] = WeakValueDictionary()


def desk_of(key: Hashable) -> Desk:
    """The desk that all watchers with one key share on one event loop, for as long as there is one of them.

    :param key: of the shared stream
    """
    return _DESKS.setdefault((asyncio.get_running_loop(), key), Desk())


class Poll:
    """Reads one list again and again.

    :param watched: the list
    :param conn_id: the connection
    :param hook_params: what else the hook is made of
    :param question: what is asked of the list besides what is always asked
    :param interval: seconds between two readings
    :param max_failures: failures in a row that are warnings; further ones are errors
    """

    def __init__(
        self,
        watched: Watched,
        *,
        conn_id: str,
        hook_params: Mapping[str, Any],
        question: Mapping[str, Any],
        interval: float,
        max_failures: int,
    ) -> None:
        self._watched = watched
        self._conn_id = conn_id
        self._hook_params = hook_params
        self._question = question
        self._interval = max(interval, base.SHORTEST_PAUSE)
        self._max_failures = max_failures
        self._hook: PartnerHook[Any] | None = None
        self._made = 0.0
        self._failures = 0
        self._said = False

    def close(self) -> None:
        """Let go of the network; the next reading looks the connection up again."""
        hook, self._hook = self._hook, None
        if hook is None:
            return
        try:
            hook.close()
        except Exception as error:  # noqa: BLE001  # it is given up anyway
            log.warning("%s: the connection could not be closed: %s", self._name, type(error).__name__)

    async def rounds(self, desk: Desk) -> AsyncGenerator[Round]:
        """A reading every so often, for ever.

        :param desk: who watches
        """
        try:
            await desk.earliest()
            await asyncio.sleep(GATHERING)
            while True:
                since = await desk.earliest()
                pause = self._interval
                try:
                    found = await in_thread(lambda since=since: self.read(since))  # type: ignore[misc]
                except Exception as error:  # noqa: BLE001  # a watcher that ended would never tell of anything again
                    pause = await self._after(error)
                else:
                    self._failures = 0
                    yield found
                await asyncio.sleep(pause * random.uniform(0.95, 1.05))
        finally:
            self.close()

    def read(self, since: datetime) -> Round:
        """Everything from a moment on. Blocks.

        :param since: that moment
        :raises PartnersError: when it can't be read
        """
        began = datetime.now(UTC)
        if self._hook is None or time.monotonic() - self._made > RENEWED:
            self.close()
            self._made = time.monotonic()
            self._hook = base.HOOKS[self._watched.hook](self._conn_id, **self._hook_params)
            self._hook.brief = True
        asked = {**self._watched.ask, **self._question}
        extraction = self._hook.get_conn().extract(self._watched.resource, since=since, **asked)
        rows, undated = [], 0
        for record in extraction.records():
            mark, at = mark_of(record, extraction.key), _moment(dig(record, self._watched.time))
            if mark is None or at is None:
                undated += 1
            else:
                rows.append(Row(mark=mark[:MARK], at=at, id=str(dig(record, self._watched.id) or "")))
        if undated and not self._said:
            self._said = True
            log.warning("%d of the %s carry no id or no time, so nobody is told of them", undated, self._name)
        account = str(extraction.request.get(self._watched.account) or "")
        return Round(since=since, began=began, rows=rows, account=account)

    @property
    def _name(self) -> str:
        return f"{self._watched.source} {self._watched.resource}"

    async def _after(self, error: Exception) -> float:
        """Say what went wrong, and how long to wait."""
        if isinstance(error, ThrottledError):
            log.info("%s: %s", self._name, error)
            return max(error.retry_after, self._interval)
        self._failures += 1
        # What was made of the connection may be what is wrong, or broken by it.
        await in_thread(self.close)
        pause = min(self._interval * 2.0 ** min(self._failures - 1, 20), max(LONGEST_PAUSE, self._interval))
        hopeless = isinstance(error, _FOR_PEOPLE)
        # An error of some other library may hold anything.
        told = str(error) if isinstance(error, PartnersError) else type(error).__name__
        level = logging.ERROR if hopeless or self._failures > self._max_failures else logging.WARNING
        words = "%s (connection '%s'): reading failed %d times in a row; the next try is in %d s: %s"
        log.log(level, words, self._name, self._conn_id, self._failures, pause, told)
        return pause


class SharedPoll(SharedStreamProducer):
    """A poll as Airflow 3.3 and later share it among triggers.

    Airflow says when whatever the watchers told of a round is in its database; only then their positions are noted. So
    a triggerer that dies in between leads to a second telling, never to none.

    :param poll: what reads
    :param desk: who watches
    """

    def __init__(self, poll: Poll, desk: Desk) -> None:
        self._poll = poll
        self._desk = desk

    async def open_stream(self) -> AsyncIterator[tuple[Round, Round]]:
        """Each round, which is its own receipt."""
        async with aclosing(self._poll.rounds(self._desk)) as rounds:
            async for found in rounds:
                yield found, found

    async def advance(self, batch: Sequence[Any]) -> None:
        """Note the positions behind rounds that are dealt with.

        :param batch: of Airflow: receipts, and what became of each
        """
        for item in batch:
            # A watcher that failed begins again at what it noted last; the others note more the next time.
            if not item.outcome.failed:
                for note in item.broker_payload.notes:
                    await note()


def _moment(value: Any) -> datetime | None:
    """A row's time, in seconds since 1970 or as text."""
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (OverflowError, OSError, TypeError, ValueError):
        pass
    try:
        return moment(value, "time")
    except ConfigurationError:
        return None
