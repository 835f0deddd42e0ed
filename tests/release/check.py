"""Check the packages in ``dist`` before a release: what is in them, their entry points, and their version.

``make dist`` runs it. With a tag (``make dist TAG=v1.0.0``) the version must be the tag's and the changelog must have a
date for it; the notes of the release are then in ``build/release-notes.md``.
"""

from __future__ import annotations

import argparse
import configparser
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "airflow_provider_partners"
LARGEST_WHEEL = 5_000_000
"""Bytes. The wheel has 1.4 MB; a dataset or a browser's screenshots inside it would be a mistake."""


def main() -> int:
    """Print what is in the packages, then every fault, and return 1 if there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tag", nargs="?", default="", help="the tag of the release, such as v1.0.0")
    tag = parser.parse_args().tag
    (wheel,), (sdist,) = (list((ROOT / "dist").glob(pattern)) for pattern in ("*.whl", "*.tar.gz"))
    faults = [*wheel_faults(wheel), *sdist_faults(sdist)]
    if tag:
        faults += release_faults(tag, version_of(wheel))
    for fault in faults:
        print(f"fault: {fault}")
    return 1 if faults else 0


def wheel_faults(wheel: Path) -> list[str]:
    """Compare the wheel with the tracked files of the package and with ``pyproject.toml``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"{wheel.name.split('-')[0]}-{version_of(wheel)}.dist-info"
        entry_points = configparser.ConfigParser()
        entry_points.read_string(archive.read(f"{info}/entry_points.txt").decode())
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
    inside = {name for name in names if not name.startswith(f"{info}/")}
    tracked = set(git("ls-files", PACKAGE))
    print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, {len(inside)} files")
    for suffix in sorted({Path(name).suffix for name in inside}):
        print(f"  {sum(Path(name).suffix == suffix for name in inside):>5} {suffix or '(none)'}")
    faults = [f"{name} is tracked but is not in the wheel" for name in sorted(tracked - inside)]
    faults += [f"{name} is in the wheel but is not tracked" for name in sorted(inside - tracked)]
    declared = {group: dict(points) for group, points in project["entry-points"].items()}
    built = {group: dict(entry_points[group]) for group in entry_points.sections()}
    if built != declared:
        faults.append(f"the wheel has the entry points {built}, pyproject.toml declares {declared}")
    if metadata["Requires-Python"] != project["requires-python"]:
        faults.append(f"the wheel requires Python {metadata['Requires-Python']}")
    if wheel.stat().st_size > LARGEST_WHEEL:
        faults.append(f"the wheel has more than {LARGEST_WHEEL:,} bytes")
    return faults


def sdist_faults(sdist: Path) -> list[str]:
    """Compare the sdist with all tracked files: who has it can run the tests."""
    with tarfile.open(sdist) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    print(f"{sdist.name}: {sdist.stat().st_size:,} bytes, {len(inside)} files")
    missing = [name for name in git("ls-files") if name not in inside and not name.startswith(".ci/")]
    return [f"{name} is tracked but is not in the sdist" for name in missing]


def release_faults(tag: str, version: str) -> list[str]:
    """Compare the tag, the version and the changelog, and write the notes of the release."""
    faults = [] if tag == f"v{version}" else [f"the tag is {tag}, the version is {version}"]
    if "urls" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]:
        faults.append("pyproject.toml has no [project.urls]: make urls BASE=https://…")
    changelog = (ROOT / "CHANGELOG.md").read_text()
    section = re.search(rf"^## {re.escape(version)} \((.+)\)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not section or not section[2].strip():
        return [*faults, f"CHANGELOG.md has no section for {version}"]
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", section[1]):
        faults.append(f"CHANGELOG.md has ({section[1]}) where {version} needs its date")
    notes = ROOT / "build" / "release-notes.md"
    notes.parent.mkdir(exist_ok=True)
    notes.write_text(section[2].strip() + "\n")
    return faults


def version_of(wheel: Path) -> str:
    """Return the version in a wheel's name."""
    return wheel.name.split("-")[1]


def git(*arguments: str) -> list[str]:
    """Return the lines that git prints."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main())
