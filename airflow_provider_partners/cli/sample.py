"""``sample``: a few records of any list of any partner."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import Any

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.cli.exits import FOUND, OK, UsageError
from airflow_provider_partners.cli.output import Cell, Output
from airflow_provider_partners.cli.partners import find_list, open_hook
from airflow_provider_partners.masking import mask_record

__all__ = ["flatten", "run"]

MAX_RECORDS = 1000
_LONGEST_VALUE = 160
_MEMBERS_SHOWN = 3


def run(options: Any, output: Output) -> int:
    """Read the records and print them."""
    partner, resource = find_list(options.resource)
    if not 1 <= options.limit <= MAX_RECORDS:
        message = f"--limit is {options.limit}, and a number from 1 to {MAX_RECORDS} is needed"
        raise UsageError(message)
    hook = open_hook(partner, options.conn_id, shop=options.shop)
    arguments = {"since": options.since, "until": options.until, **_parse_settings(options.settings or ())}
    given = {name: value for name, value in arguments.items() if value is not None}
    records = []
    with hook as client, output.progress(f"Reading {options.resource}", options.limit) as advance:
        _check_names(client.extract, given)
        if "page_size" in inspect.signature(client.extract).parameters:
            given.setdefault("page_size", min(options.limit, resource.max_page_size or options.limit))
        # Closing the generator stops pages that are fetched ahead.
        with closing(client.extract(resource.name, **given).records()) as found:
            for record in islice(found, options.limit):
                records.append(record)
                advance()
    if not options.personal_data:
        records = [mask_record(record, resource=resource.name) for record in records]
    if output.as_json:
        output.document({"resource": options.resource, "account": hook.account, "records": records})
    else:
        _print(records, options.resource, output)
    return OK if records else FOUND


def _print(records: list[Any], resource: str, output: Output) -> None:
    if not records:
        output.text(f"{resource} has no records here. Another --since, --shop or --conn-id may have.")
    for number, record in enumerate(records, start=1):
        rows: list[list[Cell]] = [
            [(path, "cyan"), _shorten(value)] for path, value in flatten(record, members=_MEMBERS_SHOWN)
        ]
        output.table([f"{resource} {number}/{len(records)}", "value"], rows)
    if any(len(value) > _MEMBERS_SHOWN for record in records for value in record.values() if isinstance(value, list)):
        output.text(f"Lists show their first {_MEMBERS_SHOWN} members; --json prints all.", "dim")


def _parse_settings(settings: Any) -> dict[str, Any]:
    parsed = {}
    for each in settings:
        name, separator, text = each.partition("=")
        if not separator or not name.strip():
            message = f"--set {each!r} is not NAME=VALUE, such as app_id=1001"
            raise UsageError(message)
        try:
            parsed[name.strip()] = json.loads(text)
        except ValueError:
            parsed[name.strip()] = text
    return parsed


def _check_names(extract: Any, arguments: Mapping[str, Any]) -> None:
    known = [name for name in inspect.signature(extract).parameters if name != "resource"]
    for name in arguments:
        if name not in known:
            message = f"This partner's lists take no '{name}'{suggest(name, known)}"
            raise UsageError(message, f"They take {', '.join(known)}.")


def flatten(value: Any, path: str = "", *, members: int | None = None) -> Iterator[tuple[str, Any]]:
    """Yield the single values inside of a JSON value, each with its dotted path.

    :param members: how many members of a list; all by default
    """
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from flatten(part, f"{path}.{name}" if path else str(name), members=members)
    elif isinstance(value, list) and value:
        for index, part in enumerate(value[:members]):
            yield from flatten(part, f"{path}[{index}]", members=members)
        if members is not None and len(value) > members:
            yield f"{path}[…]", f"{len(value) - members} more"
    else:
        yield path, value


def _shorten(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
