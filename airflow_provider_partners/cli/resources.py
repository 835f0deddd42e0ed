"""``resources``: the lists of all partners."""

from __future__ import annotations

from typing import Any

from airflow_provider_partners.cli.exits import FOUND, OK
from airflow_provider_partners.cli.output import Output
from airflow_provider_partners.cli.partners import PARTNERS, resources_of

__all__ = ["run"]


def run(options: Any, output: Output) -> int:
    """Print the lists that match."""
    rows: list[dict[str, Any]] = [
        {
            "resource": f"{partner}.{name}",
            "description": resource.doc,
            "key": list(resource.key),
            "time_field": resource.time_field,
            "needs": list(resource.parents),
            "documentation": resource.url,
        }
        for partner in sorted(PARTNERS)
        if options.partner in {None, partner}
        for name, resource in sorted(resources_of(partner).items())
    ]
    wanted = (options.text or "").lower()
    found = [row for row in rows if wanted in f"{row['resource']} {row['description']}".lower()]
    if output.as_json:
        output.document({"resources": found})
    elif found:
        output.table(
            ["resource", "what it is", "key", "time", "needs"],
            [
                [
                    (row["resource"], "cyan"),
                    row["description"],
                    ", ".join(row["key"]),
                    row["time_field"] or "",
                    ", ".join(row["needs"]),
                ]
                for row in found
            ],
        )
    else:
        output.text(f"No list has '{options.text}' in its name or description.")
    return OK if found else FOUND
