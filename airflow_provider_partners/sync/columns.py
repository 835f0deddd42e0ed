"""From flat rows to Yotpo records: a mapping of Yotpo's properties to the columns of a table.

.. code-block:: python

    {
        "external_id": "order_no",
        "customer.email": "mail",
        "line_items.external_product_id": "sku",
        "fulfillments.fulfilled_items.quantity": "shipped",
        "currency": {"value": "EUR"},
    }

Dotted names reach into objects, and into the members of lists. Each row gives one member of a list, unless all columns
of its own are empty there. A column that lines use, too, is none of a fulfillment's own.

``line_items.product`` describes the line's product. ``line_items.key`` is not sent: rows with the same key show the
same line, and without it each row is a line of its own.

Rows of one record may stand anywhere. They are put together by the record's id:

- The rows of one record have the same value in each property outside of lists, or none. Otherwise the record is
  rejected, and names the property: to choose one value would lose the other. The same holds for the rows of one
  fulfillment, and of one line with a key.
- Lines of one product add up, see :mod:`airflow_provider_partners.sync.plain_records`.
- An empty cell means "not given".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, get_args, get_origin

from airflow_provider_partners.arguments import suggest, suggest_spelling
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import Record, get_path
from airflow_provider_partners.sync.payload.base import Payload
from airflow_provider_partners.sync.payload.models import Fulfillment, LineItem, Order, Product, StoreCustomer
from airflow_provider_partners.sync.payload.repairs import to_id
from airflow_provider_partners.sync.values import decode_json, read_constant, same_value

__all__ = ["ColumnMapping"]

MODELS: Mapping[str, type[Payload]] = {
    "orders": Order,
    "products": Product,
    "fulfillments": Fulfillment,
    "customers": StoreCustomer,
}
"""What can be mapped, by the kind of record."""

PARENT_ID = "order_external_id"
LINE_KEY = "key"
_IDS = frozenset({"external_id", "external_product_id", PARENT_ID, LINE_KEY})
CUSTOM = "custom_properties"


@dataclass(frozen=True, slots=True)
class _Target:
    """One property and where its value comes from.

    :param steps: the names that lead to it
    :param lists: for each step, True if its value is a list
    :param is_structure: True if its value is an object or a list, which a cell may hold as JSON text
    :param column: the column; ``None`` for a constant
    """

    steps: tuple[str, ...]
    lists: tuple[bool, ...]
    is_structure: bool
    column: str | None = None
    constant: Any = None

    @property
    def places(self) -> list[tuple[str, ...]]:
        """The lists that lead to the property, the outermost first."""
        return [self.steps[: end + 1] for end, is_list in enumerate(self.lists) if is_list]

    @property
    def rank(self) -> tuple[int, bool]:
        """Where the property stands in the order record, lines, other lists."""
        return len(self.places), bool(self.places) and self.places[0] != ("line_items",)

    def read(self, row: Mapping[str, Any]) -> Any:
        if self.column is None:
            return self.constant
        value = row[self.column] if self.column in row else get_path(row, self.column)
        if self.is_structure:
            return decode_json(value)
        return to_id(value) if self.steps[-1] in _IDS and CUSTOM not in self.steps else value

    def has_column(self, row: Mapping[str, Any]) -> bool:
        return self.column is None or self.column in row or get_path(row, self.column) is not None


@dataclass(slots=True)
class ColumnMapping:
    """A checked mapping of properties to columns.

    :ivar owners: for each column, the list to which it belongs: of the properties that use it, that of the first in the
        order record, lines, other lists. So the product of a line does not by itself make a row show a fulfillment
    :ivar unseen: columns that no row has had so far
    """

    kind: str
    targets: tuple[_Target, ...]
    owners: Mapping[str, tuple[str, ...]]
    unseen: set[str] = field(default_factory=set)
    columns: tuple[str, ...] = ()

    @classmethod
    def parse(cls, kind: str, columns: Mapping[str, Any]) -> Self:
        """Return the mapping that a user wrote.

        :param kind: ``orders``, ``products``, ``fulfillments`` or ``customers``
        :param columns: each property with its column, or with a constant: ``{"value": "EUR"}``
            or ``constant:EUR``
        :raises ConfigurationError: for a property that Yotpo doesn't have, or a source that is neither
        """
        targets = []
        for path, source in columns.items():
            place = _resolve(kind, str(path))
            if constant := read_constant(source):
                targets.append(_Target(*place, constant=constant.value))
            elif isinstance(source, str) and source:
                targets.append(_Target(*place, column=source))
            else:
                message = f"'columns' gives '{path}' neither a column nor a constant"
                remedy = f"Write {{'{path}': 'name_of_the_column'}}, or {{'{path}': {{'value': 'EUR'}}}}."
                raise ConfigurationError(message, remedy=remedy)
        named = {target.column for target in targets if target.column is not None}
        # A constant is the same in each row, so only the order of fulfillments may be one.
        names = {
            ".".join(target.steps) for target in targets if target.column is not None or target.steps == (PARENT_ID,)
        }
        _require_identity(kind, names)
        owners: dict[str, tuple[str, ...]] = {}
        for target in sorted(targets, key=lambda each: each.rank):
            if target.column is not None:
                owners.setdefault(target.column, target.places[-1] if target.places else ())
        return cls(kind, tuple(targets), owners, unseen=named)

    def read(self, row: Mapping[str, Any]) -> Record:
        """Return the part of a record that one row gives."""
        if self.unseen:
            self.columns = self.columns or tuple(map(str, row))
            seen = {target.column for target in self.targets if target.column and target.has_column(row)}
            self.unseen -= seen
        part: Record = {}
        filled: set[tuple[str, ...]] = set()
        for target in self.targets:
            value = target.read(row)
            if value is None or value == "":
                continue
            filled |= self._filled_by(target)
            _put(part, target, value)
        return _without_unfilled(part, (), filled)

    def _filled_by(self, target: _Target) -> set[tuple[str, ...]]:
        """Return the lists of which a row has a member because this property's column isn't empty there."""
        place = target.places[-1] if target.places else ()
        if target.column is None or not place:
            return set()
        if self.owners[target.column] == place:
            return set(target.places)
        return set() if place in self.owners.values() else {place}

    def check_columns(self) -> None:
        """Check that each column was in some row.

        :raises ConfigurationError: when one was in none
        """
        if not self.unseen or not self.columns:
            return
        name = min(self.unseen)
        message = f"'columns' names the column '{name}', which no record has{suggest_spelling(name, self.columns)}"
        # The names may be of a file without a header, whose first line is a customer.
        remedy = f"The first record has {len(self.columns)} columns; the page of its dataset lists them."
        raise ConfigurationError(message, remedy=remedy)

    def assemble(self, rows: Iterable[tuple[Record, Record]]) -> Record:
        """Return the record that rows give together.

        :param rows: each part of the record, from :meth:`read`, with its row
        :returns: a plain record; or one with its ``rows`` and, as ``unmappable``, why they give none
        """
        pairs = list(rows)
        whole, differing = _Assembly(), dict[str, None]()
        for part, _ in pairs:
            differing |= whole.add(part)
        record = whole.record(differing)
        if not differing:
            return record
        names = "; ".join(f"{path}: its rows differ" for path in differing)
        return {
            **{name: record[name] for name in ("external_id", PARENT_ID) if name in record},
            "rows": [row for _, row in pairs],
            "unmappable": names,
        }


@dataclass(slots=True)
class _Assembly:
    """The parts of one record that its rows have given so far."""

    fields: Record = field(default_factory=dict)
    lines: list[Record] = field(default_factory=list)
    lines_by_key: dict[str, Record] = field(default_factory=dict)
    fulfillments: dict[Any, Record] = field(default_factory=dict)
    other_lists: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, part: Record) -> dict[str, None]:
        """Add what a row gives, and return the properties in which it differs from earlier rows."""
        differing: dict[str, None] = {}
        for name, value in part.items():
            if name == "line_items" and _is_row_of(value):
                self._add_line(dict(value[0]), differing)
            elif name == "fulfillments" and _is_row_of(value):
                self._add_fulfillment(dict(value[0]), differing)
            elif name == "fulfilled_items" and _is_row_of(value):
                self.other_lists.setdefault(name, []).append(value[0])
            elif _is_row_of(value):
                members = self.other_lists.setdefault(name, [])
                members += [member for member in value if member not in members]
            else:
                _agree(self.fields, name, value, name, differing)
        return differing

    def _add_line(self, line: Record, differing: dict[str, None]) -> None:
        key = line.pop(LINE_KEY, None)
        if key is None:
            self.lines.append(line)
            return
        if str(key) not in self.lines_by_key:
            self.lines_by_key[str(key)] = {}
            self.lines.append(self.lines_by_key[str(key)])
        for name, value in line.items():
            _agree(self.lines_by_key[str(key)], name, value, f"line_items.{name}", differing)

    def _add_fulfillment(self, fulfillment: Record, differing: dict[str, None]) -> None:
        items = fulfillment.pop("fulfilled_items", [])
        known = self.fulfillments.setdefault(str(fulfillment.get("external_id")), {})
        if items:
            known.setdefault("fulfilled_items", []).extend(items)
        for name, value in fulfillment.items():
            _agree(known, name, value, f"fulfillments.{name}", differing)

    def record(self, differing: dict[str, None]) -> Record:
        lists: dict[str, list[Any]] = {
            "line_items": self.lines,
            "fulfillments": list(self.fulfillments.values()),
            **self.other_lists,
        }
        return {**self.fields, **{name: members for name, members in lists.items() if members}}


def _is_row_of(value: Any) -> bool:
    return isinstance(value, _Members)


class _Members(list[Any]):
    """The members of a list that one row gives; a list in a cell is a plain one."""


def _agree(known: Record, name: str, value: Any, path: str, differing: dict[str, None]) -> None:
    """Add a value that every row has to share, and note the path where one differs."""
    present = known.get(name)
    if isinstance(value, Mapping) and isinstance(present, Mapping):
        inner = dict(present)
        for key, content in value.items():
            _agree(inner, key, content, f"{path}.{key}", differing)
        known[name] = inner
    elif present is None:
        known[name] = value
    elif not same_value(present, value, name):
        differing[path] = None


def _put(part: Record, target: _Target, value: Any) -> None:
    node = part
    for name, is_list in zip(target.steps[:-1], target.lists, strict=False):
        if is_list:
            members = node.setdefault(name, _Members([{}]))
            node = members[0]
        else:
            node = node.setdefault(name, {})
    node[target.steps[-1]] = value


def _without_unfilled(node: Record, path: tuple[str, ...], filled: set[tuple[str, ...]]) -> Record:
    """Return a part without the members of lists that only constants have filled."""
    kept: Record = {}
    for name, value in node.items():
        place = (*path, name)
        if isinstance(value, _Members):
            if place in filled:
                kept[name] = _Members(_without_unfilled(each, place, filled) for each in value)
        else:
            kept[name] = _without_unfilled(value, place, filled) if isinstance(value, dict) else value
    return kept


def _resolve(kind: str, path: str) -> tuple[tuple[str, ...], tuple[bool, ...], bool]:
    """Return the steps of a property, which of them are lists, and whether its value is an object or a list.

    :raises ConfigurationError: when Yotpo has no such property
    """
    model: type[Payload] | None = MODELS[kind]
    steps = path.split(".")
    lists: list[bool] = []
    for index, step in enumerate(steps):
        is_last = index == len(steps) - 1
        if step == CUSTOM and model is not None and CUSTOM in model.model_fields and not is_last:
            return (*steps[: index + 1], ".".join(steps[index + 1 :])), (*lists, False, False), False
        known = _names(model, kind, index) if model is not None else {}
        if step not in known or (not is_last and known[step] is None):
            place = ".".join(steps[:index])
            where = f"'{place}' of {kind}" if place else kind
            message = f"'columns' names '{path}', and {where} has no property '{step}'{suggest(step, known)}"
            raise ConfigurationError(message, remedy=f"It has {', '.join(known)}." if known else "Leave it out.")
        lists.append(not is_last and model is not None and _is_list(model, step))
        model = known[step]
    return tuple(steps), tuple(lists), model is not None or steps[-1] == CUSTOM


def _names(model: type[Payload], kind: str, depth: int) -> dict[str, type[Payload] | None]:
    """Return the properties of an object, with the model of each that is an object or a list of them."""
    names = {name: model.member_model(name) for name in model.model_fields}
    if model is LineItem:
        names |= {"product": Product, LINE_KEY: None}
    if kind == "fulfillments" and depth == 0:
        names |= {PARENT_ID: None}
    return names


def _is_list(model: type[Payload], name: str) -> bool:
    annotation = model.model_fields[name].annotation if name in model.model_fields else None
    return any(get_origin(each) is list for each in _flat(annotation))


def _flat(annotation: Any) -> Iterator[Any]:
    yield annotation
    for each in get_args(annotation):
        yield from _flat(each)


def _require_identity(kind: str, paths: set[str]) -> None:
    """Check that the mapping says which record a row belongs to.

    :raises ConfigurationError: when it doesn't
    """
    needed = {"customers": ("external_id", "email", "phone_number"), "fulfillments": (PARENT_ID,)}.get(
        kind, ("external_id",)
    )
    missing = not paths.intersection(needed) or (kind == "fulfillments" and "external_id" not in paths)
    if missing:
        wanted = f"{PARENT_ID} and external_id" if kind == "fulfillments" else " or ".join(needed)
        message = f"'columns' has no {wanted}, which says what a row of {kind} belongs to"
        raise ConfigurationError(message, remedy=f"Add {{'{needed[0]}': 'name_of_the_column'}}.")
