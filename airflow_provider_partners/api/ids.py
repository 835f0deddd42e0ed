"""Ids to ask for: each once, in batches that a URL can carry. Must not know what they identify."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from airflow_provider_partners.exceptions import ConfigurationError

MAX_IDS_LENGTH = 3000
"""Characters that the ids of one batch may take up, encoded; gateways refuse lines of 8,000."""


def unique_ids(values: Iterable[Any]) -> list[str]:
    """Ids as text, each once, in the order of their first appearance; empty ones are left out.

    :param values: ids as text or numbers
    """
    return list(dict.fromkeys(str(value) for value in values if value not in {None, ""}))


def match_field(
    resource: str,
    match: Mapping[str, Iterable[Any]],
    allowed_fields: Sequence[str],
    *,
    partner: str,
    no_fields_hint: str = "nothing",
) -> tuple[str, list[str]]:
    """The field that a list is asked by, and its ids, of the argument ``match``.

    :param resource: the list's name
    :param match: one field with its ids
    :param allowed_fields: the fields that the list can be asked by
    :param partner: whose list it is, for the error
    :param no_fields_hint: what the remedy says where there is none
    :raises ConfigurationError: when the field is none of them, or its ids are no list
    """
    name = next(iter(match))
    if len(match) > 1 or name not in allowed_fields:
        message = f"'{resource}' can't be matched on {' and '.join(match)}"
        remedy = f"Match on one of: {', '.join(allowed_fields) or no_fields_hint}."
        raise ConfigurationError(message, remedy=remedy, partner=partner)
    if isinstance(match[name], str):
        message = f"'match' has text instead of a list of values for '{name}'"
        raise ConfigurationError(message, remedy="Give a list, even of one value.", partner=partner)
    return name, unique_ids(match[name])


def id_batches(
    ids: Iterable[str], *, size: int, encode: Callable[[str], str] = str, max_length: int = MAX_IDS_LENGTH
) -> Iterator[list[str]]:
    """Ids in batches bounded by number and by what they take up in a URL.

    :param ids: the ids
    :param size: the most in one batch
    :param encode: how one stands in the query, with what surrounds it
    :param max_length: the most characters of a batch, encoded; an id that is longer goes alone
    """
    batch: list[str] = []
    taken = 0
    for value in ids:
        needs = len(quote(encode(value), safe=""))
        if batch and (len(batch) >= size or taken + needs > max_length):
            yield batch
            batch, taken = [], 0
        batch.append(value)
        taken += needs
    if batch:
        yield batch


def ids_digest(ids: Iterable[str]) -> dict[str, Any]:
    """What stands for ids in an extraction's request, whose ids may be many, and customers'.

    :param ids: the ids, in order
    """
    listed = list(ids)
    return {"ids": len(listed), "sha256": sha256("\0".join(listed).encode("utf-8", "replace")).hexdigest()}
