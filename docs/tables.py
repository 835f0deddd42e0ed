"""Write the parts of these pages that come from the code: options, connection types, and statements for databases.

Run it after a change there. It replaces each part between its two comments. A test checks that they are current.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_provider_partners.datasets.schema import COLUMN_TYPES
from airflow_provider_partners.get_provider_info import get_provider_info
from airflow_provider_partners.sandbox.faults import KINDS
from airflow_provider_partners.tables import load_statements
from airflow_provider_partners.tables.dialects import DIALECTS

PAGES = Path(__file__).parent
_BLOCK = re.compile(r"(<!-- table: (?P<name>[a-z ]+)(?P<argument> `\w+`)? -->\n).*?(<!-- end of table -->)", re.DOTALL)
_DEFAULT = re.compile(r" Default: (\S+)\.$")
_STANDARD = ("login", "password", "host")


def options() -> str:
    """Return the table of the options of ``[partners]``."""
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
    """Return the table of a connection form's fields: the standard ones that it shows, then its extras.

    :param conn_type: such as ``yofi``
    """
    declared = _connections()[conn_type]
    form = declared["ui-field-behaviour"]
    rows = []
    for name in _STANDARD:
        if name not in form["hidden-fields"]:
            default = form["placeholders"].get(name)
            label = form["relabeling"].get(name, name.capitalize())
            meaning = _LOGIN.get(conn_type, _MEANING[name]) if name == "login" else _MEANING[name]
            rows.append((label, f"`{name}`", f"{meaning}{_default(default)}"))
    for name, field in declared["conn-fields"].items():
        schema = field["schema"]
        secret = " Secret." if schema.get("format") == "password" else ""
        description = f"{_markdown(field['description'])}{_bounds(schema)}{secret}"
        rows.append((field["label"], f"extra `{name}`", description))
    return _table(("field in the form", "stored in", "what it is"), rows)


def connections() -> str:
    """Return the table of the connection types, each with a link to its fields."""
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


def column_types() -> str:
    """Return the table of the types that databases have for each column type."""
    names = [name for name in DIALECTS if name != "ansi"]
    rows = [(f"`{kind}`", *(f"`{DIALECTS[name].types[kind]}`" for name in names)) for kind in COLUMN_TYPES]
    return _table(("column type", *names), rows)


def fault_kinds() -> str:
    """Return the table of the sandbox's kinds of faults."""
    enough = {
        "same_try": "the same try",
        "next_try": "the next try",
        "next_run": "the next run",
        "never": "no try: the world changes",
    }
    rows = [(f"`{name}`", kind.text, enough[kind.heals]) for name, kind in KINDS.items()]
    return _table(("kind", "what happens", "enough"), rows)


def statements(dialect: str) -> str:
    """Return the statements of a merge.

    :param dialect: such as ``snowflake``
    """
    columns = {"id": "integer", "updatedAt": "timestamp", "total": "decimal", "lineItems": "json"}
    made = load_statements(columns, table="analytics.orders", dialect=dialect, keys=["id"])
    return "```sql\n" + ";\n\n".join(made) + ";\n```\n"


TABLES: Mapping[str, Any] = {
    "options": options,
    "connection": connection,
    "connections": connections,
    "column types": column_types,
    "fault kinds": fault_kinds,
    "statements": statements,
}
"""The functions by the name in a page's comment."""

_MEANING = {
    "login": "Required.",
    "password": "Required. Airflow doesn't show it again, and logs mask it.",
    "host": "A full URL. It may have a path, for a proxy or the sandbox.",
}
"""What the standard fields are."""

_LOGIN = {"shopify_admin": "Required if `auth` is `client_credentials`."}
"""What the login is, where it is not always required."""


def rendered(text: str) -> str:
    """Return a page with current tables.

    :param text: the page
    """

    def table(block: re.Match[str]) -> str:
        argument = (block["argument"] or "").strip(" `")
        text = TABLES[block["name"]](argument) if argument else TABLES[block["name"]]()
        return f"{block.group(1)}\n{text}\n{block.group(4)}"

    return _BLOCK.sub(table, text)


def main() -> None:
    """Update the tables of every page."""
    for path in sorted(PAGES.rglob("*.md")):
        text = path.read_text()
        if (updated := rendered(text)) != text:
            path.write_text(updated)


def _connections() -> dict[str, Any]:
    info: Any = get_provider_info()
    return {row["connection-type"]: row for row in info["connection-types"]}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _markdown(text: str) -> str:
    """Return the declaration's reST as Markdown. ``<`` is escaped, so that it is no HTML."""
    return _DEFAULT.sub(r" Default: `\1`.", text.replace("``", "`").replace("<", "\\<"))


def _default(value: object) -> str:
    return "" if value is None else f" Default: `{value}`."


def _bounds(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f" One of {', '.join(f'`{value}`' for value in schema['enum'])}."
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None and most is None:
        return ""
    return f" {least} or more." if most is None else f" From {least} to {most}."


if __name__ == "__main__":
    main()
