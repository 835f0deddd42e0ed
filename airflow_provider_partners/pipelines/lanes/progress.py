"""How far the lanes of a task have come. It is stored beside the datasets, so that the next try goes on from there.

A lane's file has what its finished steps returned; the task's file has the lanes in which there was nothing to do. A
retry continues. So does a failed task that somebody clears. A task that succeeded runs from the beginning when it is
cleared: Airflow then allows more tries than before, and the progress is of an older generation. So does the first try
of a task: what is stored then is of a deleted run with the same id, such as ``airflow dags test`` leaves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_partners.datasets.storage import LANE_FILE, LANES_FILE, DatasetFolder

__all__ = ["BatchProgress", "LaneProgress", "lane_fingerprint", "summaries_at"]


def lane_fingerprint(lane: Mapping[str, Any]) -> str:
    """Return a hash of a lane's arguments. Progress of another window, or with other options, does not count."""
    return hashlib.sha256(json.dumps(lane, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _header(fingerprint: str, generation: int) -> dict[str, Any]:
    """Return whose progress it is."""
    return {"lane": fingerprint, "generation": generation}


def _stored_lane(folder: DatasetFolder, header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored progress of a lane; nothing if it is of another one, or of a task that was cleared since."""
    stored = folder.read_json(LANE_FILE)
    return stored if isinstance(stored, dict) and {name: stored.get(name) for name in header} == header else {}


class LaneProgress:
    """The progress of one lane.

    :param uri: a folder of the lane's own
    :param fingerprint: of the lane
    :param batch: the progress of the task
    """

    def __init__(self, uri: str, *, fingerprint: str, batch: BatchProgress) -> None:
        self._folder = DatasetFolder(uri)
        header = _header(fingerprint, batch.generation)
        own = _stored_lane(self._folder, header) if batch.is_resumed else {}
        self._state: dict[str, Any] = {**header, "steps": {}, **own}

    @property
    def has_begun(self) -> bool:
        """True if an earlier try has begun the lane."""
        return bool(self._state["steps"] or self.failure or self.found_by)

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        """The finished steps by name, each with its ``state`` and its ``result``."""
        steps: dict[str, dict[str, Any]] = self._state["steps"]
        return steps

    @property
    def summary(self) -> Any | None:
        """The summary of a lane that is done."""
        return self._state.get("summary")

    @property
    def failure(self) -> dict[str, Any] | None:
        """Why and when the lane failed last."""
        return self._state.get("failure")

    @property
    def is_interrupted(self) -> bool:
        """True if a try began the lane, and ended before the lane did."""
        return bool(self._state.get("is_running"))

    def waits(self, name: str, try_number: int) -> int:
        """Return how often a step has waited for a partner in a try."""
        last_try, count = self._state.get("waits", {}).get(name, (try_number, 0))
        return int(count) if last_try == try_number else 0

    def add_wait(self, name: str, try_number: int) -> None:
        """Store that a step waits for a partner."""
        waits = {**self._state.get("waits", {}), name: [try_number, self.waits(name, try_number) + 1]}
        self.update(waits=waits)

    def resumption(self, name: str, try_number: int) -> dict[str, Any] | None:
        """Return how a step goes on that has deferred in a try; ``None`` if it has not."""
        last_try, resumption = self._state.get("deferred", {}).get(name, (try_number, None))
        return resumption if last_try == try_number else None

    def add_resumption(self, name: str, try_number: int, resumption: Mapping[str, Any]) -> None:
        """Store how a step goes on that has deferred."""
        self.update(deferred={**self._state.get("deferred", {}), name: [try_number, resumption]})

    @property
    def found_by(self) -> Any | None:
        """The request that found out that there is something to do."""
        return self._state.get("found_by")

    @found_by.setter
    def found_by(self, entry: Any) -> None:
        self._state["found_by"] = entry

    def update(self, **changes: Any) -> None:
        """Store parts of the progress."""
        self._state |= changes
        self._folder.write_json(LANE_FILE, self._state)

    def add_step(self, name: str, state: str, result: Any) -> None:
        """Store that a step is finished.

        :param state: ``success`` or ``skipped``
        """
        self.steps[name] = {"state": state, "result": result}
        self.update()


class BatchProgress:
    """The progress of a task over its lanes.

    :param uri: the task's folder
    :param max_tries: how many tries Airflow allows the task; more after somebody has cleared it
    :param is_first_start: True if the task has never run, and so has not given its slot back either
    """

    def __init__(self, uri: str, *, max_tries: int, is_first_start: bool = False) -> None:
        self._folder = DatasetFolder(uri)
        stored = self._folder.read_json(LANES_FILE)
        state: dict[str, Any] = stored if isinstance(stored, dict) else {}
        self.is_resumed = bool(state) and not is_first_start
        """True if an earlier try has begun."""
        is_cleared = bool(state) and state.get("max_tries") != max_tries
        if state and (is_first_start or (is_cleared and state.get("is_done"))):
            state, self.is_resumed = {"generation": state["generation"] + 1}, False
        self._state: dict[str, Any] = {"generation": 1, "unchanged": {}, **state, "max_tries": max_tries}
        if stored and not self.is_resumed:
            # The next try must not go on from the older generation, however soon this one is killed.
            self._store()

    @property
    def generation(self) -> int:
        """The number of this run of the task; retries have the same."""
        return int(self._state["generation"])

    def unchanged(self, fingerprint: str) -> Any | None:
        """Return the summary of a lane in which there was nothing to do; ``None`` if that is not known."""
        return self._state["unchanged"].get(fingerprint)

    def add_unchanged(self, summaries: Mapping[str, Any]) -> None:
        """Store the summaries of lanes in which there was nothing to do, by fingerprint, before the others begin."""
        self._state["unchanged"] |= summaries
        self._store()

    def finish(self, summaries: Sequence[Any]) -> None:
        """Store that all lanes are done, and their summaries once more, so that one file has them all."""
        self._state |= {"is_done": True, "summaries": summaries}
        self._store()

    def _store(self) -> None:
        self._folder.write_json(LANES_FILE, self._state)


def summaries_at(uri: str, *, generation: int, lanes: Mapping[str, Mapping[str, Any]]) -> Iterator[Any]:
    """Yield the summaries that a task has stored of its lanes, however it ended.

    :param uri: the task's folder
    :param generation: of its progress
    :param lanes: its lanes, by their own folder
    """
    stored = DatasetFolder(uri).read_json(LANES_FILE)
    if not isinstance(stored, dict) or stored.get("generation") != generation:
        return
    if "summaries" in stored:
        yield from stored["summaries"]
        return
    for folder, lane in lanes.items():
        fingerprint = lane_fingerprint(lane)
        header = _header(fingerprint, generation)
        if summary := stored["unchanged"].get(fingerprint) or _lane_summary(DatasetFolder(folder), header):
            yield summary


def _lane_summary(folder: DatasetFolder, header: Mapping[str, Any]) -> Any | None:
    """Return the summary of a lane that has ended: that of its last failure, unless a later try has begun it."""
    stored = _stored_lane(folder, header)
    failure = None if stored.get("is_running") else stored.get("failure")
    return stored.get("summary") or (failure or {}).get("summary")
