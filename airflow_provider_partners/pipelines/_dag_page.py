"""The text that Airflow's UI shows for a Dag of the product: what it does, its params, and what to do when it fails."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from airflow.sdk import Param

__all__ = ["HOURLY_LANE_FAILED", "LANE_FAILED", "TASK_FAILED", "dag_page"]

DISTRIBUTION = "airflow-provider-partners"

TASK_FAILED = """\
1. Open the first task that failed. Its log ends with the error: what failed, for which connection, and what to do.
2. Correct the cause.
3. Clear the task. It continues where it stopped."""
"""What to do when a task of a Dag fails that has no lanes."""

LANE_FAILED = """\
1. Open the task `summarize`. It names each shop whose lane failed, and the step at which it stopped.
2. Open that step of that shop, or the task `lane` that runs its steps. The log has the error: what failed, for which
   connection, and what to do.
3. Correct the cause, then clear the failed tasks of the lane. They continue where they stopped.

If `summarize` failed as well, a step before the lanes failed. Begin with the first failed task."""
"""What to do when a Dag with a lane for each shop fails."""

HOURLY_LANE_FAILED = f"""\
{LANE_FAILED}

You need not clear anything: the next run of the shop reads from its watermark on. If the summary names a gap, run the
backfill for that time."""
"""The same for a Dag with watermarks."""

_LONGEST_DEFAULT = 60
_TYPES = {"array": "list", "object": "dict", "boolean": "true or false", "integer": "whole number", "null": "null"}


def dag_page(description: str, params: Mapping[str, Any], *, on_failure: str, page: str) -> str:
    """Return a Dag's ``doc_md``, as Markdown.

    :param description: what the Dag does; the first paragraph is shown first, the others under a heading of their own
    :param params: of the Dag, as :class:`~airflow.sdk.Param` or plain values
    :param on_failure: what to do when a run fails, as Markdown
    :param page: the page of the documentation about it, as ``title|path``
    """
    first, _, details = description.strip().partition("\n\n")
    # The window of Airflow's UI is small, so what is looked for in a hurry comes first.
    sections = [first, f"## When it fails\n\n{on_failure}"]
    if params:
        sections.append(f"## Params\n\n{_params_table(params)}")
    if details:
        sections.append(f"## How it works\n\n{details}")
    sections.append(f"## More\n\n{_link(page)}")
    return "\n\n".join(sections) + "\n"


def _params_table(params: Mapping[str, Any]) -> str:
    rows = [_row(name, value if isinstance(value, Param) else Param(value)) for name, value in params.items()]
    return "\n".join(["| param | value | default | meaning |", "|---|---|---|---|", *rows])


def _row(name: str, param: Param) -> str:
    meaning = (param.description or "").replace("|", "\\|") or "no description"
    return f"| `{name}` | {_kind(param.schema)} | {_default(param)} | {meaning} |"


def _kind(schema: Mapping[str, Any]) -> str:
    """Return what a param takes, in words."""
    if schema.get("format") == "date-time":
        return "timestamp (ISO 8601)"
    if choices := schema.get("enum"):
        return ", ".join(f"`{choice}`" for choice in choices)
    declared = schema.get("type") or []
    names = [declared] if isinstance(declared, str) else [name for name in declared if name != "null"]
    return " or ".join(_TYPES.get(name, "text" if name == "string" else name) for name in names) or "any"


def _default(param: Param) -> str:
    value = param.value
    if value is None:
        return "none"
    if not param.has_value:
        return "required"
    text = json.dumps(value, default=str)
    if len(text) > _LONGEST_DEFAULT and isinstance(value, list):
        return f"{len(value)} entries"
    return f"`{text}`".replace("|", "\\|")


def _link(page: str) -> str:
    """Return a link to a page of the documentation, or its title and path in the repository if it has no address."""
    title, path = page.split("|")
    address = _documentation()
    if address:
        return f"[{title}]({address}/{path}.html)"
    return f'The page "{title}" of the documentation: `docs/{path}.md` in the repository.'


@functools.cache
def _documentation() -> str | None:
    """Return the address of the documentation, from the metadata of the installed package."""
    try:
        urls = metadata(DISTRIBUTION).get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    for entry in urls:
        label, _, address = entry.partition(", ")
        if label.lower() == "documentation":
            return str(address).rstrip("/")
    return None
