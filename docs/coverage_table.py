"""Write ``coverage.md``: what the partners' documents ask for, what serves it, and the tests that show it.

The requirements are in ``tests/contract/requirements``; the tests carry the mark ``covers``. Run it after a change
there, with the environment of the tests: ``python docs/coverage_table.py``. A test checks that the page is current.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "coverage.md"
ROOT = PAGE.parents[1]
REQUIREMENTS = ROOT / "tests" / "contract" / "requirements"
MARK = "mark.covers"

_CALL = re.compile(r"(?P<name>\w+(?:\.\w+)?)\((?P<arguments>[\w, ]*)\)")
_CONNECTION = re.compile(r"connection (?P<name>\w+): (?P<arguments>[\w, ]+)")


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One sentence of a document.

    :param by: what serves it, such as ``YofiExtractOperator(filters); connection yofi: shop``
    :param open: why no test shows it
    """

    id: str
    text: str
    by: str = ""
    open: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    title: str
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, kw_only=True)
class Document:
    partner: str
    title: str
    url: str
    sections: tuple[Section, ...]

    @property
    def requirements(self) -> list[Requirement]:
        return [each for section in self.sections for each in section.requirements]


@dataclass(frozen=True, kw_only=True)
class MarkedTest:
    """One test with the mark, for one set of parameters."""

    test: str
    covers: tuple[str, ...]
    may_not_run: tuple[str, ...] = ()
    checks: bool = True


def documents(folder: Path = REQUIREMENTS) -> list[Document]:
    """Return the documents with their requirements."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        content = tomllib.loads(path.read_text())
        sections = tuple(
            Section(
                title=section["title"],
                requirements=tuple(
                    Requirement(**{"by": section.get("by", ""), **each}) for each in section["requirements"]
                ),
            )
            for section in content["section"]
        )
        found.append(Document(partner=path.stem, title=content["title"], url=content["url"], sections=sections))
    return found


def marked_tests() -> list[MarkedTest]:
    """Return the tests that carry the mark, as pytest collects them."""
    files = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if MARK in path.read_text()]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "marks.json"
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
        command += ["-p", "covers_plugin", "--covers-to", str(target), *map(str, files)]
        support = str(ROOT / "tests" / "support")
        done = subprocess.run(  # noqa: S603 (its arguments are paths of this repository)
            command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": support}, check=False
        )
        if done.returncode != 0:
            message = f"pytest collects no tests:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            raise RuntimeError(message)
        return [
            MarkedTest(**{**each, "covers": tuple(each["covers"]), "may_not_run": tuple(each["may_not_run"])})
            for each in json.loads(target.read_text())
        ]


def problems(known: Sequence[Document], tests: Iterable[MarkedTest]) -> Iterator[str]:
    """Yield what keeps the page from being true."""
    requirements = [(document, each) for document in known for each in document.requirements]
    ids = [each.id for _, each in requirements]
    shown: set[str] = set()
    for test in tests:
        shown.update(test.covers)
        yield from (f"{test.test} covers '{each}', which no document has" for each in test.covers if each not in ids)
        if test.may_not_run:
            yield f"{test.test} covers requirements, but may not run ({', '.join(test.may_not_run)})"
        if not test.checks:
            yield f"{test.test} covers requirements, but asserts nothing"
    for document, each in requirements:
        if ids.count(each.id) > 1:
            yield f"'{each.id}' is there twice"
        if not each.id.startswith(f"{document.partner}."):
            yield f"'{each.id}' stands in the document of {document.partner}"
        if each.id in shown and each.open:
            yield f"'{each.id}' is open and has a test"
        if each.id not in shown and not each.open:
            yield f"'{each.id}' has neither a test nor a reason to be open"
        if not each.open and not list(serving(each.by)):
            yield f"'{each.id}' doesn't say what serves it"


def serving(by: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield what serves a requirement: ``call`` or ``connection``, its name, and its arguments or fields.

    :raises ValueError: for what has neither of these forms
    """
    for part in filter(None, map(str.strip, by.split(";"))):
        if match := _CALL.fullmatch(part):
            kind = "call"
        elif match := _CONNECTION.fullmatch(part):
            kind = "connection"
        else:
            message = f"{part!r} is neither 'Name(argument)' nor 'connection type: field'"
            raise ValueError(message)
        yield kind, match["name"], [each.strip() for each in match["arguments"].split(",") if each.strip()]


def page(known: Sequence[Document], tests: Iterable[MarkedTest]) -> str:
    """Return the page."""
    by_requirement: dict[str, list[str]] = {}
    for test in tests:
        for each in test.covers:
            names = by_requirement.setdefault(each, [])
            if test.test not in names:
                names.append(test.test)
    parts = [_INTRODUCTION, _summary(known, by_requirement), *_open(known)]
    for document in known:
        parts += [f"## {document.title}", f"The document is [{document.title}]({document.url})."]
        for section in document.sections:
            lines = [
                (_cell(each.text), _served(each.by) if not each.open else "nothing", _shown(each, by_requirement))
                for each in section.requirements
            ]
            parts += [f"### {section.title}", _table(("requirement", "served by", "shown by"), lines)]
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = """\
# Coverage of the partners' documents

This package is made from four documents. This page has what each of their sentences, tables and examples asks of a
client, as a requirement. It names what serves the requirement, and the tests that show it.

`docs/coverage_table.py` writes the page from the tests' marks, so it says no more than the tests do. A requirement
without a test is open, and has a reason. [Development](development.md#show-a-requirement) says how a test gets a mark.

A name with parentheses is a class or a method with its arguments. A connection is named with the fields of its form.
The tests are below `tests/`."""


def _summary(known: Sequence[Document], by_requirement: Mapping[str, Sequence[str]]) -> str:
    lines = []
    for document in known:
        all_of_it = document.requirements
        shown = sum(each.id in by_requirement for each in all_of_it)
        tests = {test for each in all_of_it for test in by_requirement.get(each.id, ())}
        numbers = (len(all_of_it), shown, len(all_of_it) - shown, len(tests))
        lines.append((document.title, *map(str, numbers)))
    totals = [str(sum(int(line[column]) for line in lines)) for column in range(1, 4)]
    tests = {test for names in by_requirement.values() for test in names}
    lines.append(("all", *totals, str(len(tests))))
    return _table(("document", "requirements", "shown by tests", "open", "tests"), lines)


def _open(known: Sequence[Document]) -> list[str]:
    lines = [
        (document.title, _cell(each.text), _cell(each.open))
        for document in known
        for each in document.requirements
        if each.open
    ]
    return ["## Open", _table(("document", "requirement", "why"), lines)] if lines else []


def _served(by: str) -> str:
    texts = []
    for kind, name, arguments in serving(by):
        if kind == "call":
            texts.append(f"`{name}({', '.join(arguments)})`")
        else:
            texts.append(f"connection `{name}`: {', '.join(f'`{each}`' for each in arguments)}")
    return "<br>".join(texts)


def _shown(requirement: Requirement, by_requirement: Mapping[str, Sequence[str]]) -> str:
    if requirement.open:
        return f"open: {_cell(requirement.open)}"
    names = sorted(by_requirement.get(requirement.id, ()))
    return "<br>".join(f"`{name.removeprefix('tests/')}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    every: list[Any] = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in every)


if __name__ == "__main__":
    found_documents, found_tests = documents(), marked_tests()
    if wrong := sorted(set(problems(found_documents, found_tests))):
        sys.exit("\n".join(wrong))
    PAGE.write_text(page(found_documents, found_tests))
