"""Stores of the rate limit's state (one number): in memory, in a file of this machine, in Redis, or in a database.

A store changes its number atomically. If a shared store fails, the rate limit continues in memory and logs
one warning. It then does not count other tasks. If machines share a store, NTP has to keep their clocks equal.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from airflow_provider_partners.exceptions import ConfigurationError, StorageError
from airflow_provider_partners.files import make_private_folder

log = logging.getLogger("airflow_provider_partners.api")

Change = Callable[[float | None], float]
"""Computes the new number from the stored one (``None`` at first). A store may call it more than once."""

_REMEDY = (
    "Leave [partners] budget_uri empty, or use memory://, file:///a/directory, redis://host:6379/0 or "
    "sql://connection_id."
)


class RateLimitStoreError(Exception):
    """A shared store is not reachable. :class:`FallbackStore` catches it."""


class RateLimitStore(Protocol):
    """Keeps one number."""

    def update(self, change: Change) -> float:
        """Change the number atomically.

        :param change: computes the new number from the old one
        :returns: the new number
        """


class InMemoryStore:
    """Store for the threads of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: float | None = None

    def update(self, change: Change) -> float:
        """Change the number atomically."""
        with self._lock:
            self._value = change(self._value)
            return self._value


class FileStore:
    """Store for the processes of one machine: a number in a locked file.

    :param path: the file; it and its directory are created if missing, for the current user only
    :param lock_timeout: seconds to wait for the lock; other processes hold it for microseconds
    """

    def __init__(self, path: str | os.PathLike[str], *, lock_timeout: float = 5.0) -> None:
        self._path = Path(path)
        self._lock_timeout = lock_timeout

    def update(self, change: Change) -> float:
        """Change the number atomically.

        :raises RateLimitStoreError: the file is not usable
        """
        try:
            descriptor = self._open()
            try:
                self._lock(descriptor)
                value = change(parse_number(os.read(descriptor, 64)))
                # Write first, then truncate: a process that dies in between leaves a readable number.
                text = f"{value!r}\n".encode()
                os.pwrite(descriptor, text, 0)
                os.ftruncate(descriptor, len(text))
            finally:
                os.close(descriptor)
        except OSError as error:
            message = f"the rate limit's file is not usable ({error.strerror or type(error).__name__})"
            raise RateLimitStoreError(message) from None
        return value

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return os.open(self._path, flags, 0o600)
        except FileNotFoundError:
            make_private_folder(self._path.parent)
            return os.open(self._path, flags, 0o600)

    def _lock(self, descriptor: int) -> None:
        deadline = time.monotonic() + self._lock_timeout
        pause = 0.0005
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # A suspended process must not block every other task forever.
                if time.monotonic() > deadline:
                    raise
                time.sleep(pause)
                pause = min(pause * 1.5, 0.01)
            else:
                return


class RedisStore:
    """Store for tasks on several machines: a number in Redis (or Valkey), changed under ``WATCH``.

    See https://redis.io/docs/latest/develop/using-commands/transactions/.

    :param uri: URI such as ``redis://host:6379/0`` or ``rediss://…``; the first update opens the connection
    :param key: key of the number
    :param client: a Redis client to use instead, for tests
    """

    _MAX_ATTEMPTS = 64
    _EXPIRY = 172_800
    """Seconds after which an unused number expires; longer than any rate limit can block."""

    def __init__(self, uri: str, key: str, *, client: Any = None) -> None:
        try:
            redis = import_module("redis")
        except ImportError:
            message = "[partners] budget_uri names Redis, but the package 'redis' is not installed"
            remedy = "Install airflow-provider-partners[redis] on every worker, or leave budget_uri empty."
            raise ConfigurationError(message, remedy=remedy) from None
        self._failures: tuple[type[Exception], ...] = (redis.exceptions.RedisError, OSError)
        self._conflict: type[Exception] = redis.exceptions.WatchError
        self._key = key
        try:
            self._client = client or redis.Redis.from_url(uri, socket_timeout=2.0, socket_connect_timeout=2.0)
        except ValueError:
            message = "[partners] budget_uri is not a valid Redis URL"
            raise ConfigurationError(message, remedy=_REMEDY) from None

    def update(self, change: Change) -> float:
        """Change the number atomically.

        :raises RateLimitStoreError: Redis does not answer
        """
        # The client's message may contain the URL with its password, so only the error's class is reported.
        failure = "too many tasks change it at the same time"
        for attempt in range(self._MAX_ATTEMPTS):
            try:
                return self._attempt(change)
            except self._conflict:
                time.sleep(min(0.02, 0.0005 * attempt))
            except self._failures as error:
                failure = type(error).__name__
                break
        message = f"the rate limit in Redis cannot be changed ({failure})"
        raise RateLimitStoreError(message)

    def _attempt(self, change: Change) -> float:
        with self._client.pipeline() as pipe:
            pipe.watch(self._key)
            value = change(parse_number(pipe.get(self._key) or b""))
            pipe.multi()
            pipe.set(self._key, repr(value), ex=self._EXPIRY)
            pipe.execute()
            return value


class FallbackStore:
    """Uses a shared store, and memory while the shared store fails.

    :param retry_every: seconds after a failure until the shared store is tried again
    """

    def __init__(self, shared: RateLimitStore, *, retry_every: float = 30.0) -> None:
        self.shared = shared
        self._memory = InMemoryStore()
        self._retry_every = retry_every
        self._retry_at = 0.0
        self._warned = False
        self._lock = threading.Lock()

    def update(self, change: Change) -> float:
        """Change the number, in the shared store if it is reachable."""
        if time.monotonic() >= self._retry_at:
            try:
                value = self.shared.update(change)
            except RateLimitStoreError as error:
                self._record_failure(error)
            else:
                self._memory.update(lambda _: value)
                return value
        return self._memory.update(change)

    def _record_failure(self, error: RateLimitStoreError) -> None:
        with self._lock:
            self._retry_at = time.monotonic() + self._retry_every
            is_first, self._warned = not self._warned, True
        if is_first:
            log.warning(
                "%s; this task counts its requests alone. Parallel tasks of the same credential may exceed the "
                "partner's rate limit, and its refusals will slow them down",
                error,
            )


def make_rate_limit_store(
    uri: str | None, key: str, *, open_database: Callable[[str, str], RateLimitStore] | None = None
) -> RateLimitStore:
    """Return the store of one credential.

    :param uri: empty for a file in the temporary directory (shared on this machine), ``memory://``,
        ``file:///a/directory``, ``redis://…``, ``rediss://…``, ``unix://…`` (Redis through a socket) or
        ``sql://connection_id``
    :param key: identifies the credential; only its hash is stored
    :param open_database: makes the store of an ``sql`` URI and a hash: this module knows no connections
    :raises ConfigurationError: the URI has another form, or the package ``redis`` is missing
    """
    name = hashlib.sha256(key.encode()).hexdigest()[:40]
    scheme = urlsplit(uri).scheme if uri else ""
    if not uri:
        return FallbackStore(_PrivateDirectoryStore(Path(tempfile.gettempdir()), name))
    if scheme == "memory":
        return InMemoryStore()
    if scheme == "file":
        return FallbackStore(FileStore(Path(unquote(urlsplit(uri).path)) / f"{name}.budget"))
    if scheme in {"redis", "rediss", "unix"}:
        return FallbackStore(RedisStore(uri, f"airflow-provider-partners:budget:{name}"))
    if scheme == "sql" and open_database is not None:
        return FallbackStore(open_database(uri, name))
    message = f"[partners] budget_uri has the unknown scheme {scheme!r}"
    raise ConfigurationError(message, remedy=_REMEDY)


def reach_rate_limit_store(store: RateLimitStore) -> None:
    """Change a number in a store, to see that tasks can share their rate limits there.

    :param store: from :func:`make_rate_limit_store`
    :raises StorageError: the store does not answer, so each task would count its requests alone
    """
    shared = store.shared if isinstance(store, FallbackStore) else store
    try:
        shared.update(lambda before: (before or 0.0) + 1.0)
    except RateLimitStoreError as error:
        remedy = "Check [partners] budget_uri, and that this machine reaches it and may write there."
        raise StorageError(str(error), remedy=remedy) from None


class _PrivateDirectoryStore(FileStore):
    """File store below a public directory such as ``/tmp``. Its folder must belong to the current user alone."""

    def __init__(self, base: Path, name: str) -> None:
        self._folder = base / f"airflow-provider-partners-{os.getuid()}"
        super().__init__(self._folder / f"{name}.budget")

    def _open(self) -> int:
        with contextlib.suppress(FileExistsError):
            self._folder.mkdir(mode=0o700)
        status = self._folder.lstat()
        # Another user could create this folder first, and would then control the speed of our tasks.
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            message = "other users can write to its folder"
            raise PermissionError(1, message)
        return super()._open()


def parse_number(text: bytes | str) -> float | None:
    """Return a stored number; ``None`` for what is none."""
    try:
        return float(text)
    except ValueError:
        return None
