"""Ids for look-ups: without duplicates, and in batches that fit into a URL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from airflow_provider_partners.arguments import check_mapping
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import encode_text

MAX_IDS_LENGTH = 3000
"""Maximum encoded length of the ids of one batch, in characters. Gateways refuse request lines of 8,000."""


def unique_ids(values: Iterable[Any]) -> list[str]:
    """Return the ids as text, without empty ones and duplicates, in the order of their first appearance."""
    return list(dict.fromkeys(str(value) for value in values if value not in {None, ""}))


def match_field(
    resource: str,
    match: Mapping[str, Iterable[Any]],
    allowed_fields: Sequence[str],
    *,
    partner: str,
    no_fields_hint: str = "nothing",
) -> tuple[str, list[str]]:
    """Return the field and the ids of the argument ``match``.

    :param match: one field with its ids, such as ``{"order_id": ["1", "2"]}``
    :param allowed_fields: fields that the list can be filtered by
    :param partner: name of the partner, for the error
    :param no_fields_hint: text for the remedy if the list has no such field
    :raises ConfigurationError: the field is not allowed, or its ids are not a list
    """
    check_mapping("match", match)
    name = next(iter(match))
    if len(match) > 1 or name not in allowed_fields:
        message = f"'{resource}' can't be matched on {' and '.join(map(str, match))}"
        remedy = f"Match on one of: {', '.join(allowed_fields) or no_fields_hint}."
        raise ConfigurationError(message, remedy=remedy, partner=partner)
    if isinstance(match[name], str | Mapping) or not isinstance(match[name], Iterable):
        kind = "text" if isinstance(match[name], str) else f"a {type(match[name]).__name__}"
        message = f"'match' has {kind} instead of a list of values for '{name}'"
        raise ConfigurationError(message, remedy="Pass a list, also for one value.", partner=partner)
    return name, unique_ids(match[name])


def id_batches(
    ids: Iterable[str], *, size: int, encode: Callable[[str], str] = str, max_length: int = MAX_IDS_LENGTH
) -> Iterator[list[str]]:
    """Yield the ids in batches, limited by number and by their length in a URL.

    :param size: maximum number of ids in a batch
    :param encode: returns an id as it appears in the query, with everything around it
    :param max_length: maximum encoded length of a batch; a longer id gets a batch of its own
    """
    batch: list[str] = []
    batch_length = 0
    for value in ids:
        length = len(quote(encode(value), safe="", errors="replace"))
        if batch and (len(batch) >= size or batch_length + length > max_length):
            yield batch
            batch, batch_length = [], 0
        batch.append(value)
        batch_length += length
    if batch:
        yield batch


def ids_digest(ids: Iterable[str]) -> dict[str, Any]:
    """Return the count and the hash of the ids. They replace the ids in an extraction's request.

    The ids may be many, and they may be customers' data.
    """
    id_list = list(ids)
    return {"ids": len(id_list), "sha256": sha256(encode_text("\0".join(id_list))).hexdigest()}
