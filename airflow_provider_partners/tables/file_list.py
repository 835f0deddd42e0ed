"""Find the files of a URI: one file, a folder or a pattern, in any storage that Airflow knows."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from airflow_provider_partners.datasets.storage import storage_path
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError, PartnersError
from airflow_provider_partners.files import first_line, storage_error

FORMATS: Mapping[str, str] = {
    "csv": "csv",
    "tsv": "tsv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "json",
    "parquet": "parquet",
    "pq": "parquet",
}
"""The format of a file, by the suffix of its name."""

_DECOMPRESSORS: Mapping[str, Callable[[IO[bytes]], IO[bytes]]] = {
    "gz": lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file)),
    "bz2": lambda file: cast("IO[bytes]", bz2.BZ2File(file)),
    "xz": lambda file: cast("IO[bytes]", lzma.LZMAFile(file)),  # noqa: SIM115 - the caller closes the file
}

_PATTERN = re.compile(r"[*?\[]")

_EMPTY_REMEDY = "Check 'uri'. With allow_empty=True the dataset has no records then."


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read.

    :param uri: where it is, for errors and rejects
    :param format: ``csv``, ``tsv``, ``jsonl``, ``json`` or ``parquet``
    :param size: bytes, as stored; ``None`` if the storage doesn't say
    """

    uri: str
    format: str
    filesystem: Any
    path: str
    size: int | None = None

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the file, decompressed by the suffix of its name.

        :raises StorageError: when it can't be read
        """
        decompress = _DECOMPRESSORS.get(_suffixes(self.path)[-1])
        try:
            with self.filesystem.open(self.path, "rb") as stored:
                yield stored if decompress is None else decompress(stored)
        except PartnersError:
            raise
        except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
            message = f"{self.uri} can't be decompressed: {first_line(error)}"
            raise DatasetError(message, remedy="Write the file again.") from error
        except (OSError, ImportError) as error:
            raise storage_error(self.uri, error) from error


def find_files(uris: Iterable[str], *, file_format: str | None = None, allow_empty: bool = False) -> list[SourceFile]:
    """Return the files of one or several URIs, each once, sorted by path for each URI.

    Folders are searched in depth. Files and folders whose name begins with a dot or an underscore are left out, because
    writers such as Spark and Hadoop put what is no data there.

    :param uris: files, folders, or patterns with ``*``, ``**``, ``?`` or ``[…]``
    :param file_format: the format of all files; by default the suffix of each name decides
    :param allow_empty: whether a pattern or a folder may have no file
    :raises ConfigurationError: when the format of a file is unknown, or no filesystem is installed
    :raises DatasetError: when a pattern or a folder has no file
    """
    found: dict[str, SourceFile] = {}
    for uri in uris:
        path = storage_path(uri)
        with _errors(uri):
            names = _names(path.fs, path.path, is_pattern=_PATTERN.search(path.path) is not None)
        if not names and not allow_empty:
            message = f"There is no file for {uri}"
            raise DatasetError(message, remedy=_EMPTY_REMEDY)
        for name, size in names:
            full = f"{path.protocol or 'file'}://{name}"
            found.setdefault(full, SourceFile(full, file_format or _format(full), path.fs, name, size))
    return list(found.values())


@contextmanager
def _errors(uri: str) -> Iterator[None]:
    try:
        yield
    except PartnersError:
        raise
    except (ImportError, ValueError) as error:
        message = f"{uri} can't be opened: {first_line(error)}"
        raise ConfigurationError(message, remedy="Install the provider of its storage on every worker.") from None
    except Exception as error:
        # Each storage has errors of its own, and Airflow has some for the storage's connection.
        raise storage_error(uri, error) from error


def _names(filesystem: Any, path: str, *, is_pattern: bool) -> list[tuple[str, int | None]]:
    """Return the paths of the files, with their sizes."""
    if is_pattern:
        root = _PATTERN.split(path, maxsplit=1)[0].rpartition("/")[0]
        found = filesystem.glob(path, detail=True)
    elif filesystem.isdir(path):
        root, found = path, filesystem.find(path, detail=True)
    elif filesystem.exists(path):
        return [(path, filesystem.size(path))]
    else:
        return []
    files = [(name, entry.get("size")) for name, entry in found.items() if entry.get("type") == "file"]
    return sorted(file for file in files if not _is_hidden(file[0], root))


def _is_hidden(name: str, root: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.removeprefix(root.rstrip("/")).split("/"))


def _format(uri: str) -> str:
    suffixes = [suffix for suffix in _suffixes(uri) if suffix not in _DECOMPRESSORS]
    if suffixes and suffixes[-1] in FORMATS:
        return FORMATS[suffixes[-1]]
    message = f"The format of {uri} is unknown: its name ends with none of {', '.join(f'.{name}' for name in FORMATS)}"
    remedy = "Set 'format', or name the files with a pattern, such as folder/*.csv."
    raise ConfigurationError(message, remedy=remedy)


def _suffixes(path: str) -> list[str]:
    return path.rpartition("/")[2].lower().split(".")[1:] or [""]


@contextmanager
def text_stream(file: IO[bytes], encoding: str) -> Iterator[io.TextIOWrapper]:
    """Open the text of a file, which stays open itself.

    A byte that isn't in the encoding becomes half of a surrogate pair.

    :param encoding: a byte order mark is left out in UTF-8 as well
    """
    codec = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
    stream = io.TextIOWrapper(file, encoding=codec, errors="surrogateescape", newline="")
    try:
        yield stream
    finally:
        stream.detach()
