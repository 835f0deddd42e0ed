"""What a client has learned about Yofi's server, which documents little of it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class ServerCapabilities:
    """What the server accepted or refused so far; all extractions of a client share it.

    :param accepted_page_sizes: the largest accepted page size, by list
    :param reduced_page_sizes: the page size to use instead of a refused one, by list
    :param refused_sorts: sort orders that the server refuses, or accepts and ignores
    :param accepted_fields: the lists that accept the fields which the page lists for other operations
    :param refused_fields: the fields to leave out, as type and name, by list
    :param accepts_or: whether a filter may join several ids by *or*; ``None`` until a response proves it
    """

    accepted_page_sizes: dict[str, int] = field(default_factory=dict)
    reduced_page_sizes: dict[str, int] = field(default_factory=dict)
    refused_sorts: set[str] = field(default_factory=set)
    accepted_fields: set[str] = field(default_factory=set)
    refused_fields: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    accepts_or: bool | None = None
