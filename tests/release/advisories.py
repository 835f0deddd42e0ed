"""Check the lowest direct versions against known vulnerabilities.

``make advisories`` runs it. What is certain is in the table below, each entry with its advisory. Beyond it, pip-audit
looks up the versions at the advisory service that it knows. Where no such service is reached, the output says so, and
only the table counts.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_REQUIREMENT = re.compile(r"([a-z0-9-]+)(?:\[[^]]*\])?>=([0-9.]+)")


@dataclass(frozen=True)
class Advisory:
    """A vulnerability of a package, and the versions that have it.

    :param since: first version with it
    :param fixed: first version without it; ``None`` if there is none yet
    :param accepted: why a lower bound below ``fixed`` stays; empty if it must not
    """

    package: str
    id: str
    since: str
    fixed: str | None
    text: str
    accepted: str = ""


ADVISORIES = (
    Advisory("pyjwt", "CVE-2024-53861", "2.10.0", "2.10.1", "a part of an issuer counts as the issuer"),
    Advisory("pyjwt", "CVE-2022-29217", "1.5.0", "2.4.0", "a public key may be taken for an HMAC secret"),
    Advisory(
        "pyjwt", "CVE-2026-48524", "2.4.0", "2.13.0", "PyJWKClient forgets its keys",
        accepted="this provider signs tokens, and fetches no keys",
    ),
    Advisory("starlette", "CVE-2024-47874", "0", "0.40.0", "a form field without an end fills the memory"),
    Advisory("starlette", "CVE-2025-54121", "0", "0.47.2", "a large upload blocks the event loop"),
    Advisory(
        "starlette", "CVE-2025-62727", "0.39.0", "0.49.1", "Range headers of a file take quadratic time",
        accepted="the sandbox answers this machine alone, and Airflow 3.0 and 3.1 need an older version",
    ),
    Advisory("apache-airflow-providers-common-sql", "CVE-2025-30473", "0", "1.24.1", "SQL in partition_clause"),
    Advisory("httpx", "CVE-2021-41945", "0", "0.23.0", "URL.copy_with accepts a wrong URL"),
    Advisory("pydantic", "CVE-2024-3772", "2.0.0", "2.4.0", "the pattern of e-mail addresses takes exponential time"),
    Advisory("pyyaml", "CVE-2020-14343", "0", "5.4", "full_load runs code"),
    Advisory("pyarrow", "CVE-2023-47248", "0.14.0", "14.0.1", "a file runs code"),
    Advisory("redis", "CVE-2023-28859", "4.2.0", "4.5.5", "a cancelled command leaves its answer to the next"),
    Advisory("orjson", "CVE-2024-27454", "0", "3.9.15", "JSON without an end to its levels exhausts the stack"),
    Advisory(
        "apache-airflow", "CVE-2025-54831", "3.0.3", "3.0.4", "a reader of connections sees their secrets",
        accepted="an installation chooses its patch release of Airflow: take the newest of its line",
    ),
)  # fmt: skip
"""Advisories of the direct dependencies, by what their own pages and the CVE list say."""


def lower_bounds(text: str) -> dict[str, str]:
    """Return the lowest version of each direct dependency that users install, by name.

    :param text: of ``pyproject.toml``
    """
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(each for name in extras if name not in {"test", "docs"} for each in extras[name]),
    ]
    return {match.group(1): match.group(2) for each in wanted if (match := _REQUIREMENT.match(each))}


def affected(bounds: dict[str, str]) -> Iterator[Advisory]:
    """Yield the advisories of the lowest versions."""
    for advisory in ADVISORIES:
        lowest = bounds.get(advisory.package)
        if (
            lowest
            and _key(advisory.since) <= _key(lowest)
            and (not advisory.fixed or _key(lowest) < _key(advisory.fixed))
        ):
            yield advisory


def _key(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    return tuple(numbers + [0] * (4 - len(numbers)))


def audit(bounds: dict[str, str]) -> list[str] | None:
    """Return what pip-audit's service knows of the lowest versions; None if the service is not reached."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("".join(f"{name}=={version}\n" for name, version in bounds.items()))
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--format", "json"]
        done = subprocess.run(
            [*command, "--progress-spinner", "off", "--requirement", str(requirements)], capture_output=True, text=True
        )
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print((done.stderr.strip().splitlines() or ["pip-audit printed nothing"])[-1][:300])
        return None
    skipped = [each["skip_reason"] for each in dependencies if "skip_reason" in each]
    if skipped:
        print(f"{len(skipped)} of {len(dependencies)} were not looked up: {skipped[0][:200]}")
    if len(skipped) == len(dependencies):
        return None
    return [
        f"{each['name']} {each['version']}: {found['id']} {' '.join(found.get('aliases', []))}".rstrip()
        for each in dependencies
        for found in each.get("vulns", [])
    ]


def main() -> int:
    bounds = lower_bounds((ROOT / "pyproject.toml").read_text())
    print("Lowest direct versions:", ", ".join(f"{name} {version}" for name, version in sorted(bounds.items())))
    wrong = 0
    for advisory in affected(bounds):
        wrong += not advisory.accepted
        state = f"accepted, because {advisory.accepted}" if advisory.accepted else f"raise it to {advisory.fixed}"
        print(f"{advisory.package} {bounds[advisory.package]}: {advisory.id}, {advisory.text}; {state}")
    accepted = {advisory.id for advisory in ADVISORIES if advisory.accepted}
    found = audit(bounds)
    if found is None:
        print(
            "The advisory service of pip-audit was NOT reached: only the table of tests/release/advisories.py counts."
        )
    for line in found or []:
        is_accepted = bool(accepted & set(line.split()))
        wrong += not is_accepted
        print(f"pip-audit: {line}{' (accepted)' if is_accepted else ''}")
    print(f"{len(ADVISORIES)} advisories in the table, {wrong} to act upon")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
