"""Reads ``docker-compose.yaml`` as Compose does: variables, defaults, merged parts, files with variables.

Only what the file uses is understood. https://docs.docker.com/reference/compose-file/ describes it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

__all__ = ["ComposeService", "HealthCheck", "read_services", "start_order"]

_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?:(?P<kind>:[-?])(?P<text>[^}]*))?\}")
_DURATION = re.compile(r"(\d+)(h|m|s)")
_SECONDS = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """How Docker finds out whether a container is healthy.

    :param command: run in the container; 0 means healthy
    :param timeout: seconds after which a check counts as failed
    :param start_period: seconds in which a failure does not count
    """

    command: Sequence[str]
    interval: float
    timeout: float
    retries: int
    start_period: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeService:
    """One service.

    :param command: empty if the image's own is used
    :param volumes: source by the path in the container
    :param depends_on: the condition by service
    :param restarts: True if Docker starts it again when it ends
    :param grace: seconds between the signal to stop and the one to kill
    """

    name: str
    image: str
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    depends_on: Mapping[str, str] = field(default_factory=dict)
    health: HealthCheck | None = None
    restarts: bool = True
    profiles: Sequence[str] = ()
    replicas: int = 1
    grace: float = 10.0


def read_services(file: Path, variables: Mapping[str, str]) -> dict[str, ComposeService]:
    """Return the services by name.

    :param variables: what ``.env`` or the shell sets
    :raises LookupError: when a variable that the file requires is missing
    """
    document = _resolve(yaml.safe_load(file.read_text()), variables)
    return {name: _service(name, entry, file.parent) for name, entry in document["services"].items()}


def start_order(services: Mapping[str, ComposeService]) -> Iterator[ComposeService]:
    """Yield the services so that each comes after those that it depends on."""
    started: set[str] = set()
    while len(started) < len(services):
        ready = [each for each in services.values() if each.name not in started and started >= set(each.depends_on)]
        if not ready:
            message = f"these services wait for each other: {', '.join(sorted(set(services) - started))}"
            raise ValueError(message)
        yield ready[0]
        started.add(ready[0].name)


def _service(name: str, entry: Mapping[str, Any], folder: Path) -> ComposeService:
    environment: dict[str, str] = {}
    for file in entry.get("env_file", ()):
        environment |= _read_variables(folder / file)
    environment |= {key: str(value) for key, value in entry.get("environment", {}).items()}
    volumes = (text.split(":") for text in entry.get("volumes", ()))
    return ComposeService(
        name=name,
        image=entry["image"],
        command=tuple(entry.get("command", ())),
        environment=environment,
        volumes={parts[1]: parts[0] for parts in volumes},
        depends_on={other: wait["condition"] for other, wait in entry.get("depends_on", {}).items()},
        health=_health(entry.get("healthcheck", {})),
        restarts=entry.get("restart", "no") != "no",
        profiles=tuple(entry.get("profiles", ())),
        replicas=int(entry.get("deploy", {}).get("replicas", 1)),
        grace=_seconds(entry.get("stop_grace_period", "10s")),
    )


def _health(check: Mapping[str, Any]) -> HealthCheck | None:
    if not check or check.get("disable"):
        return None
    kind, *words = check["test"]
    return HealthCheck(
        command=tuple(words) if kind == "CMD" else ("/bin/sh", "-c", *words),
        interval=_seconds(check["interval"]),
        timeout=_seconds(check["timeout"]),
        retries=int(check["retries"]),
        start_period=_seconds(check["start_period"]),
    )


def _read_variables(file: Path) -> dict[str, str]:
    """Return the variables of a file with one per line: comments, ``export`` and quotes are allowed."""
    found = {}
    for line in file.read_text().splitlines():
        text = line.strip().removeprefix("export ")
        if text and not text.startswith("#"):
            name, _, value = text.partition("=")
            found[name] = "".join(shlex.split(value))
    return found


def _resolve(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _resolve(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolve(inner, variables) for inner in value]
    return _VARIABLE.sub(lambda match: _value(match, variables), value) if isinstance(value, str) else value


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name, kind, text = match["name"], match["kind"], match["text"]
    if name is None:
        return "$"
    value = variables.get(name, "")
    if kind is None or value:
        return value
    if kind == ":?":
        message = f"the variable {name} is required: {text}"
        raise LookupError(message)
    return str(text)


def _seconds(text: str) -> float:
    return float(sum(int(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text)))
