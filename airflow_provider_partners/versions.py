"""The version of a built record: what each of its sources knew, as text that sorts by age.

``{"order": "2026-05-01T10:00:00.000000Z, read 2026-05-01T10:05:00.000000Z", "returns": "2026-05-01T10:06:00.000000Z"}``
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["Version", "is_older"]

Version = Mapping[str, str]
"""A value per source. A later one sorts behind an earlier one, and each ends with the time of reading."""


def is_older(version: Version, other: Version, sources: Collection[str] | None = None) -> bool:
    """Return True if the other version is newer in some sources, and older in none.

    :param sources: the sources to compare; all by default
    """
    names = {*version, *other} if sources is None else sources
    pairs = [(version.get(name, ""), other.get(name, "")) for name in names]
    return all(own <= value for own, value in pairs) and any(own < value for own, value in pairs)
