"""The tables of these pages that the provider's declaration holds: options, connection types and their fields.

Run it after a change there: it writes each table anew between its two comments. A test compares.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_provider_partners.get_provider_info import get_provider_info

PAGES = Path(__file__).parent
_BLOCK = re.compile(r"(<!-- table: (?P<name>[a-z ]+)(?P<argument> `\w+`)? -->\n).*?(<!-- end of table -->)", re.DOTALL)
_STANDARD = ("login", "password", "host")


def options() -> str:
    """Every option of ``[partners]``."""
    info: Any = get_provider_info()
    rows = [
        (
            f"`{name}`",
            f"`{option['default']}`" if option["default"] else "empty",
            _markdown(option["description"]) + (f" Example: `{option['example']}`" if option["example"] else ""),
        )
        for name, option in info["config"]["partners"]["options"].items()
    ]
    return _table(("option", "default", "what it does"), rows)


def connection(conn_type: str) -> str:
    """The fields of a connection's form: the standard ones that it shows, then its extras.

    :param conn_type: such as ``yofi``
    """
    declared = _connections()[conn_type]
    form = declared["ui-field-behaviour"]
    rows = []
    for name in _STANDARD:
        if name not in form["hidden-fields"]:
            default = form["placeholders"].get(name)
            label = form["relabeling"].get(name, name.capitalize())
            rows.append((label, f"`{name}`", f"{_MEANING[name]}{_default(default)}"))
    for name, field in declared["conn-fields"].items():
        schema = field["schema"]
        secret = " Kept secret." if schema.get("format") == "password" else ""
        told = f"{_markdown(field['description'])}{_bounds(schema)}{_default(schema.get('default'))}{secret}"
        rows.append((field["label"], f"extra `{name}`", told))
    return _table(("field in the form", "where it is kept", "what it is"), rows)


def connections() -> str:
    """Every connection type, with the page that tells of its fields."""
    info: Any = get_provider_info()
    rows = [
        (
            f"[{row['hook-name']}](#{row['hook-name'].lower().replace(' ', '-')})",
            f"`{row['connection-type']}`",
            f"`{row['connection-type']}_default`",
            f"`{row['ui-field-behaviour']['placeholders']['host']}`",
        )
        for row in info["connection-types"]
    ]
    return _table(("partner", "connection type", "default id", "default host"), rows)


TABLES: Mapping[str, Any] = {"options": options, "connection": connection, "connections": connections}
"""By the name that a page's comment gives."""

_MEANING = {
    "login": "Needed, unless the field's name says when.",
    "password": "Needed. Never shown again, nor logged.",
    "host": "A full URL; it may have a path, so that a proxy or the sandbox can stand in.",
}


def rendered(text: str) -> str:
    """A page with its tables as they are now.

    :param text: the page
    """

    def table(found: re.Match[str]) -> str:
        argument = (found["argument"] or "").strip(" `")
        made = TABLES[found["name"]](argument) if argument else TABLES[found["name"]]()
        return f"{found.group(1)}\n{made}\n{found.group(4)}"

    return _BLOCK.sub(table, text)


def main() -> None:
    """Write every page's tables anew."""
    for path in sorted(PAGES.rglob("*.md")):
        text = path.read_text()
        if (made := rendered(text)) != text:
            path.write_text(made)


def _connections() -> dict[str, Any]:
    info: Any = get_provider_info()
    return {row["connection-type"]: row for row in info["connection-types"]}


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _markdown(text: str) -> str:
    """What the declaration writes for reST, as Markdown; what looks like HTML is shown as it is written."""
    return text.replace("``", "`").replace("<", "\\<")


def _default(value: object) -> str:
    return "" if value is None else f" Default: `{str(value).lower() if isinstance(value, bool) else value}`."


def _bounds(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f" One of {', '.join(f'`{value}`' for value in schema['enum'])}."
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None and most is None:
        return ""
    return f" {least} or more." if most is None else f" From {least} to {most}."


if __name__ == "__main__":
    main()
