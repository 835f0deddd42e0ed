"""Pools and queues of lanes: each pair is a task group of its own.

Airflow takes the pool and the queue of a task instance from its task, for every map index the same
(``TaskInstance.refresh_from_task``), and resolves no mapped value for them. So lanes in different pools can't be
instances of one mapped group. The groups have to be known when Airflow loads the Dag file. The lanes of each one are
selected when the Dag runs.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_partners.exceptions import ConfigurationError, PartnersError
from airflow_provider_partners.pipelines.routing.sources import is_local_file, read_entries

__all__ = ["Placement", "declared_placements"]

log = logging.getLogger(__name__)

LANE_GROUP = "lane"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where lanes run. Without either, they run where the Dag's other tasks do.

    :param pool: the Airflow pool
    :param queue: the executor's queue
    """

    pool: str | None = None
    queue: str | None = None

    @classmethod
    def of(cls, lane: Mapping[str, Any]) -> Placement:
        """Return the placement that a lane or route names."""
        return cls(pool=lane.get("pool") or None, queue=lane.get("queue") or None)

    def to_dict(self) -> dict[str, str | None]:
        """Return the placement as JSON."""
        return asdict(self)

    @property
    def default_args(self) -> dict[str, str]:
        """The arguments of every task of the group."""
        return {name: value for name, value in asdict(self).items() if value}

    @property
    def group_id(self) -> str:
        """The id of the task group: ``lane``, or with pool and queue in it."""
        names = [re.sub(r"[^A-Za-z0-9_-]+", "_", value) for value in (self.pool, self.queue) if value]
        return "_".join([LANE_GROUP, *(["queue"] if self.queue and not self.pool else []), *names])

    def __str__(self) -> str:
        """Return the placement for an error."""
        return " and ".join(f"the {name} '{value}'" for name, value in asdict(self).items() if value)


def declared_placements(placements: Sequence[Mapping[str, str]], routes: Any) -> list[Placement]:
    """Return the placements that a Dag has groups for, besides the one without pool and queue.

    :param placements: as an author declares them
    :param routes: the routes' source. Of a list or a local file, the placements are known, too
    :raises ConfigurationError: when one is no placement, or two have the same group
    """
    found = [*map(_parse, placements), *(Placement.of(entry) for entry in _known_entries(routes))]
    unique = [placement for placement in dict.fromkeys(found) if placement != Placement()]
    by_group: dict[str, Placement] = {}
    for placement in unique:
        other = by_group.setdefault(placement.group_id, placement)
        if other != placement:
            message = f"Lanes in {other} and in {placement} would have the same task group '{placement.group_id}'"
            raise ConfigurationError(message, remedy="Rename one of the pools or queues.")
    return unique


def _known_entries(routes: Any) -> Iterable[Mapping[str, Any]]:
    if isinstance(routes, Sequence) and not isinstance(routes, str):
        entries: Any = routes
    elif is_local_file(routes):
        try:
            entries = read_entries(routes)
        except PartnersError as error:
            # The run reads the file again, and fails with the same error. The Dag stays visible until then.
            log.warning("The pools and queues of the routes are not known: %s", error)
            return []
    else:
        return []
    members = entries if isinstance(entries, list | tuple) else []
    return [entry for entry in members if isinstance(entry, Mapping) and _names_are_text(entry)]


def _names_are_text(entry: Mapping[str, Any]) -> bool:
    return all(isinstance(entry.get(name) or "", str) for name in ("pool", "queue"))


def _parse(value: Any) -> Placement:
    remedy = 'Write placements=[{"pool": "large_shops", "queue": "heavy"}]; each may have one of both.'
    if not isinstance(value, Mapping) or not value:
        message = "A member of 'placements' is no dict with a pool or a queue"
        raise ConfigurationError(message, remedy=remedy)
    if unknown := set(value) - {"pool", "queue"}:
        message = f"A member of 'placements' has the unknown key {sorted(map(str, unknown))[0]!r}"
        raise ConfigurationError(message, remedy=remedy)
    if not all(isinstance(name, str) and name for name in value.values()):
        message = "A pool or queue of 'placements' is no text"
        raise ConfigurationError(message, remedy=remedy)
    return Placement(**value)
