"""Where the nested lines of a bulk file belong: by the types of their ids, or by a field that marks their connection.

A nested line names its parent, and not the connection that it comes from. In the documents of our own lists each
connection of an object has nodes of another type. In a user's document two may have nodes of one type, so each
connection is marked in the document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

__all__ = ["Connections", "MarkedPlaces", "Place", "Placement", "TypedPlaces", "type_of_id"]

Connections = Mapping[str, Mapping[str, str]]
"""The nested connections by type of the object, as ``{type of the nested line: field of the object}``."""

_TYPE = re.compile(r"gid://shopify/(\w+)/")


class Placement(Protocol):
    """Says where the nested lines of an object belong."""

    def prepare(self, parent: Record) -> None:
        """Give an object an empty list for each of its connections."""

    def add(self, parent: Record, child: Record) -> bool:
        """Add a nested line to its object. Return False if it belongs to no connection."""


@dataclass(frozen=True, slots=True)
class TypedPlaces:
    """Places lines by the types of their ids."""

    connections: Connections

    def prepare(self, parent: Record) -> None:
        """Give an object an empty list for each of its connections."""
        parent.update({name: [] for name in self.connections.get(type_of_id(str(parent["id"])), {}).values()})

    def add(self, parent: Record, child: Record) -> bool:
        """Add a nested line to its object. Return False if it belongs to no connection."""
        names = self.connections.get(type_of_id(str(parent["id"])), {})
        name = names.get(type_of_id(str(child["id"])))
        if name is not None:
            parent[name].append(child)
        return name is not None


@dataclass(frozen=True, slots=True)
class Place:
    """The connection of a marked line.

    :param parent: the field that marks the lines around it; empty for the objects of the list
    :param path: the keys that lead to it, from the object around it on
    """

    parent: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarkedPlaces:
    """Places lines by the field that marks their connection, and removes it.

    :param places: the connection of each marking field
    """

    places: Mapping[str, Place]

    def prepare(self, parent: Record) -> None:
        """Give an object an empty list for each of its connections, also inside of its other objects."""
        own = next((name for name in self.places if name in parent), "")
        parent.pop(own, None)
        for place in self.places.values():
            if place.parent == own:
                holder = _holder(parent, place.path)
                if holder is not None:
                    holder.setdefault(place.path[-1], [])

    def add(self, parent: Record, child: Record) -> bool:
        """Add a nested line to its object. Return False if it belongs to no connection."""
        place = next((place for name, place in self.places.items() if name in child), None)
        if place is None and len(self.places) == 1:
            # The only connection needs no mark, should Shopify not write it.
            (place,) = self.places.values()
        holder = _holder(parent, place.path) if place else None
        if place is None or holder is None:
            return False
        holder.setdefault(place.path[-1], []).append(child)
        return True


def type_of_id(gid: str) -> str:
    """Return the type in a global id."""
    match = _TYPE.match(gid)
    return match.group(1) if match else "?"


def _holder(record: Record, path: tuple[str, ...]) -> Record | None:
    """Return the object that has the connection; ``None`` where it is null."""
    for key in path[:-1]:
        inside = record.setdefault(key, {})
        if not isinstance(inside, dict):
            return None
        record = inside
    return record
