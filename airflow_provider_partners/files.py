"""Files on this machine: for the current user alone, removed after a crash, and with errors of one line.

Records hold customers' data. So folders have the mode 0700, and files 0600.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import sqlite3
import stat
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, AnyStr, Generic

from airflow_provider_partners.exceptions import ConfigurationError, StorageError

__all__ = [
    "BoundedLines",
    "ScratchFolder",
    "first_line",
    "make_private_file",
    "make_private_folder",
    "remove_abandoned_folders",
    "remove_stale_temporary",
    "storage_error",
    "storage_errors",
    "write_file",
]

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600

_SPACE_REMEDY = "Free or add space there; the next try continues."
_RIGHTS_REMEDY = "Choose a place that the workers' user may write."

_SCRATCH_PREFIX = "partners-"
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")
"""Names of :func:`write_file`, with eight characters of :func:`tempfile.mkstemp`. Other tools hide files, too."""

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_PERMITTED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})


def make_private_folder(path: Path) -> None:
    """Create a folder and its parents, for the current user alone. An existing folder keeps its mode."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def make_private_file(path: Path) -> Path:
    """Create an empty file for the current user alone, and return its path."""
    path.touch(mode=PRIVATE_FILE)
    return path


def write_file(path: Path, content: bytes | bytearray) -> None:
    """Write a file completely or not at all: under a temporary name of its own first.

    The file is for the current user alone. In a folder that its owner has opened to others, it is open to them too.
    """
    descriptor, temporary = _open_temporary(path)
    try:
        # The lock ends with the file. So the file is closed after it has its name.
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            others = path.parent.stat().st_mode & 0o066
            if others:
                temporary.chmod(PRIVATE_FILE | others)
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _open_temporary(path: Path) -> tuple[int, Path]:
    """Create a temporary file beside a path and lock it: a file without a lock is a killed task's."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        # Another task has removed it before it was locked.
        os.close(descriptor)


def remove_stale_temporary(path: Path, *, seconds: float = 86_400.0) -> bool:
    """Remove a temporary file of :func:`write_file` whose writer was killed. Return True if it is no other file.

    :param seconds: on a file system without locks, the age from which on no writer can still be at work
    """
    if not _TEMPORARY.fullmatch(path.name):
        return False
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if _try_lock(descriptor) or time.time() - os.fstat(descriptor).st_mtime > seconds:
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
    return True


def _try_lock(descriptor: int) -> bool:
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


class ScratchFolder:
    """A folder for temporary files. A context manager that returns its path.

    A killed task can't remove its folder. So each folder is locked while it is in use, and
    :func:`remove_abandoned_folders` removes the user's folders without a lock.

    :param purpose: what the files are for, in the folder's name and in errors
    :param base: where the folder is made; the system's temporary folder by default
    """

    def __init__(self, purpose: str, *, base: str | Path | None = None) -> None:
        self._purpose = purpose
        self._base = Path(base or tempfile.gettempdir())
        self._remove: Callable[[], object] | None = None

    def open(self) -> Path:
        """Create the folder and return its path.

        :raises StorageError: when there is no space
        :raises ConfigurationError: when the place can't be written
        """
        with self.errors():
            remove_abandoned_folders(self._base)
            path, lock = self._make_folder()
        self._remove = weakref.finalize(self, _remove_folder, path, lock)
        return path

    def _make_folder(self) -> tuple[Path, int | None]:
        """Create a folder and lock it. In between, another task may take it for abandoned: then make another."""
        while True:
            path = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH_PREFIX}{self._purpose}-", dir=self._base))
            try:
                lock = _lock(path)
            except (BlockingIOError, FileNotFoundError):
                continue
            except OSError:
                return path, None  # On a file system without locks, folders of killed tasks stay.
            if path.exists():
                return path, lock
            os.close(lock)

    def close(self) -> None:
        """Remove the folder. Calling it twice is harmless."""
        if self._remove is not None:
            self._remove()

    def __enter__(self) -> Path:
        """Create the folder and return its path."""
        return self.open()

    def __exit__(self, *exc_info: object) -> None:
        """Remove the folder."""
        self.close()

    def errors(self) -> AbstractContextManager[None]:
        """Return the context in which the files are used: it translates their errors, see :func:`storage_errors`."""
        return storage_errors(f"The temporary files of the {self._purpose} in {self._base}")


def remove_abandoned_folders(base: str | Path | None = None) -> None:
    """Remove the folders of killed tasks. A failure to do so is not an error.

    :param base: where they are; the system's temporary folder by default
    """
    for path in Path(base or tempfile.gettempdir()).glob(f"{_SCRATCH_PREFIX}*"):
        with suppress(OSError):
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid():
                _remove_folder(path, _lock(path))


def _lock(folder: Path) -> int:
    """Lock a folder until the returned descriptor is closed, at the latest when the process ends.

    :raises BlockingIOError: when another process, or another object of this one, uses the folder
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_folder(path: Path, lock: int | None) -> None:
    shutil.rmtree(path, ignore_errors=True)
    if lock is not None:
        os.close(lock)


@contextmanager
def storage_errors(subject: str) -> Iterator[None]:
    """Translate the errors of files and of SQLite databases inside of the block into one line.

    :param subject: what is read or written, as the subject of a sentence
    :raises ConfigurationError: when this user may not write there: a retry would fail too
    :raises StorageError: when there is no space, or the storage fails
    """
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise storage_error(subject, error) from error


def storage_error(subject: str, error: Exception) -> StorageError | ConfigurationError:
    """Return the error of :func:`storage_errors` for an error of files, SQLite or a storage's library."""
    number = getattr(error, "errno", None)
    reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {first_line(error)}"
    message = f"{subject} can't be read or written: {reason}"
    if number in _NOT_PERMITTED:
        return ConfigurationError(message, remedy=_RIGHTS_REMEDY)
    return StorageError(message, remedy=_SPACE_REMEDY if number in _NO_SPACE or "full" in reason else None)


class BoundedLines(Generic[AnyStr]):
    """The lines of a file, of which no record may be longer than a limit: a line without an end fills the memory.

    :param file: the open file
    :param limit: bytes or characters that one record may have. A record that spans lines ends with :meth:`next_record`
    :param too_long: returns the error for a longer one, by the number of its last line
    """

    def __init__(self, file: IO[AnyStr], limit: int, too_long: Callable[[int], Exception]) -> None:
        self._file: IO[AnyStr] = file
        self._limit = limit
        self._too_long = too_long
        self._number = 0
        self._size = 0

    def __iter__(self) -> Iterator[AnyStr]:
        """Return itself."""
        return self

    def __next__(self) -> AnyStr:
        """Return the next line."""
        line: AnyStr = self._file.readline(self._limit + 1)
        if not line:
            raise StopIteration
        self._number += 1
        self._size += len(line)
        if self._size > self._limit:
            raise self._too_long(self._number)
        return line

    def next_record(self) -> None:
        """Begin to count again: the lines so far were one record."""
        self._size = 0


def first_line(error: Exception | str) -> str:
    """Return the first line of an error's text, cut to 200 characters."""
    return (str(error).strip().splitlines() or [""])[0][:200]
