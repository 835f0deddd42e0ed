"""Ids to ask for: each once, in batches that a URL can carry. Must not know what they identify."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import quote

URL_LENGTH = 3000
"""Characters that the ids of one batch may take up, encoded; gateways refuse lines of 8,000."""


def unique(values: Iterable[Any]) -> list[str]:
    """Ids as text, each once, in the order of their first appearance; empty ones are left out.

    :param values: ids as text or numbers
    """
    return list(dict.fromkeys(str(value) for value in values if value not in {None, ""}))


def id_batches(
    ids: Iterable[str], *, size: int, written: Callable[[str], str] = str, length: int = URL_LENGTH
) -> Iterator[list[str]]:
    """Ids in batches bounded by number and by what they take up in a URL.

    :param ids: the ids
    :param size: the most in one batch
    :param written: how one stands in the query, with what surrounds it
    :param length: the most characters of a batch, encoded; an id that is longer goes alone
    """
    batch: list[str] = []
    taken = 0
    for value in ids:
        needs = len(quote(written(value), safe=""))
        if batch and (len(batch) >= size or taken + needs > length):
            yield batch
            batch, taken = [], 0
        batch.append(value)
        taken += needs
    if batch:
        yield batch


def digest(ids: Iterable[str]) -> dict[str, Any]:
    """What stands for ids in an extraction's request, whose ids may be many, and customers'.

    :param ids: the ids, in order
    """
    listed = list(ids)
    return {"ids": len(listed), "sha256": sha256("\0".join(listed).encode("utf-8", "replace")).hexdigest()}
