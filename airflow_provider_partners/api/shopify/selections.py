"""A user's further fields of each record: merged into the documents that read it, and taken out of the answers.

An item is a dotted path (``shippingLine.title``, ``lineItems.variant.selectedOptions.name``), a path to a metafield
(``lineItems.product.metafield:custom.model``), or a selection in GraphQL (``lineItems.taxLines { title rate }``). A
path leads through the lists that the record has already, and a step may have arguments:
``shippingLines(first: 5).nodes.title``. With a minus sign before it, a path leaves a field out. This module knows no
schema: Shopify checks the fields, and ``field_caller`` explains its errors.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import ArgumentNode, FieldNode, IntValueNode, NameNode, SelectionSetNode

from airflow_provider_partners.api.shopify.syntax import (
    fields_of,
    merge_selections,
    parse_selection,
    print_tree,
    replace_fields,
    replace_node,
    response_key,
)
from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import Record, parse_json

__all__ = ["ExtraFields", "parse_fields"]

CONNECTION_SIZE = 10
"""Objects of a further connection, where an item gives no ``first``."""

_METAFIELD_ITEM = re.compile(r"(?:(?P<path>[\w.]+)\.)?metafield:(?P<namespace>[^\s\"\\]+)\.(?P<key>[\w-]+)")
_METAFIELD_PREFIX = "metafield_"
_METAFIELDS = "metafields"
"""The name under which a record has its metafields by their names."""
_REMOVED_ITEM = re.compile(r"-\s*(?P<path>\w+(?:\.\w+)*)")
_PATH = re.compile(r"\w+(?:\.\w+)+")
_FIXED_FIELDS = frozenset({"id", "legacyResourceId", "updatedAt", "createdAt", "nodes", "edges", "pageInfo"})
"""Fields that reading itself needs."""

_EXAMPLES = "Write shippingLine.title, lineItems.product.metafield:custom.model, or GraphQL such as refunds { id }."


@dataclass(frozen=True)
class ExtraFields:
    """Further fields of each record, and fields that are left out.

    :param tree: what is added
    :param removed: the paths of what is left out
    """

    tree: SelectionSetNode
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return True if anything is added or left out."""
        return bool(self.tree.selections or self.removed)

    @property
    def names(self) -> list[str]:
        """The response keys of what is added to the record itself."""
        return [response_key(field) for field in fields_of(self.tree)]

    @property
    def record_keys(self) -> list[str]:
        """The names that what is added has in records, at any level."""
        return sorted({
            _METAFIELDS if _is_metafield(field) else response_key(field) for field in _all_fields(self.tree)
        })

    def adds_connection(self, lists: Mapping[str, Any]) -> bool:
        """Return True if a field that the documents don't have is a connection, as far as the items show it.

        :param lists: the lists that the documents have, by field, each with the lists inside of its objects
        """
        return any(
            ExtraFields(_inner(field) or _EMPTY).adds_connection(lists[response_key(field)])
            if response_key(field) in lists
            else any(map(_is_connection, (field, *_all_fields(field.selection_set))))
            for field in fields_of(self.tree)
        )

    def without(self, names: Iterable[str]) -> ExtraFields:
        """Return the fields without those that begin with some names, such as personal data."""
        dropped = set(names)
        kept = replace_fields(self.tree, lambda field: None if field.name.value in dropped else field)
        removed = (path for path in self.removed if path.partition(".")[0] not in dropped)
        return ExtraFields(kept, tuple(removed))

    def under(self, path: str) -> ExtraFields:
        """Return what is added to the objects of a list inside of the record, and left out of them.

        :param path: the list's dotted path
        """
        tree = self.tree
        for name in path.split("."):
            inner = [_inner(field) for field in fields_of(tree) if response_key(field) == name]
            tree = _merged(each for each in inner if each)
        prefix = f"{path}."
        return ExtraFields(tree, tuple(each.removeprefix(prefix) for each in self.removed if each.startswith(prefix)))

    def without_list(self, path: str) -> ExtraFields:
        """Return the fields without those of a list inside of the record.

        :param path: the list's dotted path
        """
        kept = _without_path(self.tree, path.split("."))
        return ExtraFields(kept, tuple(each for each in self.removed if not f"{each}.".startswith(f"{path}.")))

    def leaves_out(self, path: str) -> bool:
        """Return True if a list inside of the record is left out."""
        return path in self.removed

    def apply(self, selection: str) -> str:
        """Return the selection of a record with the fields.

        :param selection: in GraphQL, without its braces
        :raises ConfigurationError: when a field is requested in two ways, or one to leave out is not there
        """
        tree = self.applied_to(parse_selection(selection))
        return "\n".join(print_tree(each) for each in tree.selections)

    def path_of(self, name: str) -> str | None:
        """Return the path of the first added field with a name."""
        return _path_of(self.tree, name)

    def shape(self, record: Record) -> Record:
        """Return a record with metafields by their names, and plain lists in place of further connections.

        ``metafields`` is ``{"custom.model": {"type": …, "value": …, "jsonValue": …}}``, with null for a metafield that
        the object does not have.

        :param record: as its documents return it; it is changed
        :raises ConfigurationError: when a further connection has more objects than were requested
        """
        _shape(record, self.tree)
        return record

    def applied_to(self, selection: SelectionSetNode) -> SelectionSetNode:
        """Return the tree of a record's selection with the fields; see :meth:`apply`."""
        for path in self.removed:
            selection = _removed(selection, path.split("."), path)
        return merge_selections(selection, _fitted(self.tree, selection))


def parse_fields(value: str | Sequence[str] | None) -> ExtraFields:
    """Return a user's further fields.

    :param value: a list of items, its JSON text, or one text: items with blanks or commas between them, or a selection
        in GraphQL
    :raises ConfigurationError: for an item that is none of these
    """
    trees, removed = [], []
    for item in _items(value):
        if match := _REMOVED_ITEM.fullmatch(item):
            removed.append(match["path"])
        else:
            trees.append(parse_selection(_as_graphql(item)))
    return ExtraFields(_merged(trees), tuple(dict.fromkeys(removed)))


_EMPTY = SelectionSetNode(selections=())


def _items(value: str | Sequence[str] | None) -> list[str]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = parse_json(value)
        except ValueError as error:
            message = f"'fields' begins like a JSON list, and is none ({error})"
            raise ConfigurationError(message, remedy=_EXAMPLES) from None
    if isinstance(value, str):
        is_graphql = bool(re.search(r"[{(#]", value))
        return [value] if is_graphql and value.strip() else re.split(r"[\s,]+", value.strip(" ,\n\t")) if value else []
    if value is not None and (isinstance(value, Mapping) or not isinstance(value, Iterable)):
        message = f"'fields' is a {type(value).__name__}, and a list of texts is needed"
        raise ConfigurationError(message, remedy=_EXAMPLES)
    parts = list(value or ())
    wrong = [each for each in parts if not isinstance(each, str) or not each.strip()]
    if wrong:
        found = "an empty item" if isinstance(wrong[0], str) else f"a {type(wrong[0]).__name__}"
        message = f"'fields' holds {found}, and texts are needed"
        raise ConfigurationError(message, remedy=_EXAMPLES)
    return [each.strip() for each in parts]


def _as_graphql(item: str) -> str:
    match = _METAFIELD_ITEM.fullmatch(item)
    if match:
        name = f"{match['namespace']}.{match['key']}"
        # Two names may give the same alias without the hash: a.b_c and a_b.c.
        digest = hashlib.sha256(name.encode()).hexdigest()[:6]
        alias = f"{_METAFIELD_PREFIX}{re.sub(r'[^A-Za-z0-9]', '_', name)}_{digest}"
        call = f'{alias}: metafield(namespace: "{match["namespace"]}", key: "{match["key"]}")'
        return _nested([*(match["path"] or "").split("."), f"{call} {{ type value jsonValue }}"])
    if "metafield:" in item:
        message = f"'fields' has '{item}', which names no metafield"
        raise ConfigurationError(message, remedy="Write its namespace and key: metafield:custom.model.")
    path, brace, selection = item.partition("{")
    if not brace:
        return _nested(_steps(item))
    steps = path.strip().split(".") if _PATH.fullmatch(path.strip()) else [path]
    return _nested([*steps[:-1], f"{steps[-1]} {{{selection}"])


def _steps(path: str) -> list[str]:
    """Return the steps of a path. A dot in a step's arguments, such as ``(query: "a.b")``, ends none."""
    steps, depth = [""], 0
    for character in path:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "." and depth == 0:
            steps.append("")
        else:
            steps[-1] += character
    return steps


def _nested(steps: list[str]) -> str:
    given = [step for step in steps if step]
    return " { ".join(given) + " }" * (len(given) - 1)


def _merged(trees: Iterable[SelectionSetNode]) -> SelectionSetNode:
    """Return several selections as one. An object that is named as a whole, and by a field, stands for its fields."""
    merged = _EMPTY
    for tree in trees:
        merged = merge_selections(merged, _fitted(tree, merged, complete=False))
        by_key = {response_key(field): field for field in fields_of(tree) if field.selection_set}

        def with_fields(field: FieldNode, by_key: Mapping[str, FieldNode] = by_key) -> FieldNode:
            return field if field.selection_set else by_key.get(response_key(field), field)

        merged = replace_fields(merged, with_fields)
    return merged


def _fitted(tree: SelectionSetNode, present: SelectionSetNode, *, complete: bool = True) -> SelectionSetNode:
    """Return fields in the form that a document has for them: those of a list's objects within its ``nodes``.

    :param complete: give a connection that the document doesn't have a size and ``pageInfo``
    """
    by_key = {response_key(field): field for field in fields_of(present)}

    def fit(field: FieldNode) -> FieldNode:
        counterpart = by_key.get(response_key(field))
        inner = _inner(field)
        if inner is None:
            return field
        if complete and counterpart is not None and counterpart.selection_set is None:
            name = response_key(field)
            message = f"'fields' has '{name}.{response_key(next(fields_of(inner)))}', and '{name}' is no object"
            raise ConfigurationError(message, remedy=f"Remove it: '{name}' is requested already.")
        if counterpart is None or counterpart.selection_set is None:
            return _completed(field) if complete else field
        container = _inner(counterpart) or counterpart.selection_set
        fitted = _fitted(inner, container, complete=complete)
        return _with_inner(replace_node(counterpart, arguments=field.arguments), fitted)

    return replace_fields(tree, fit)


def _inner(field: FieldNode) -> SelectionSetNode | None:
    """Return the selection of a field's objects: of a connection, that of its nodes."""
    selection = field.selection_set
    by_key = {response_key(each): each for each in fields_of(selection)}
    if selection is None or not by_key.keys() <= {"nodes", "edges", "pageInfo", "totalCount"}:
        return selection
    if "nodes" in by_key:
        return by_key["nodes"].selection_set
    edges = by_key.get("edges")
    node = (
        next((each for each in fields_of(edges.selection_set) if response_key(each) == "node"), None) if edges else None
    )
    return node.selection_set if node else selection


def _with_inner(field: FieldNode, inner: SelectionSetNode) -> FieldNode:
    """Return a field with another selection of its objects."""
    names = [response_key(each) for each in fields_of(field.selection_set)]

    def change(each: FieldNode) -> FieldNode:
        if response_key(each) in {"nodes", "node"}:
            return replace_node(each, selection_set=inner)
        return (
            replace_node(each, selection_set=replace_fields(each.selection_set, change)) if each.selection_set else each
        )

    selection = field.selection_set
    if selection is None or not {"nodes", "edges"} & set(names):
        return replace_node(field, selection_set=inner)
    return replace_node(field, selection_set=replace_fields(selection, change))


def _is_connection(field: FieldNode) -> bool:
    return bool({"nodes", "edges"} & {response_key(each) for each in fields_of(field.selection_set)})


def _completed(field: FieldNode) -> FieldNode:
    """Return a further field with a size and ``pageInfo`` for each of its connections that has none."""
    selection = field.selection_set
    if selection is None:
        return field
    selection = replace_fields(selection, _completed)
    arguments = tuple(field.arguments or ())
    if _is_connection(field):
        selection = merge_selections(selection, parse_selection("pageInfo { hasNextPage }"))
        if not {argument.name.value for argument in arguments} & {"first", "last"}:
            size = ArgumentNode(name=NameNode(value="first"), value=IntValueNode(value=str(CONNECTION_SIZE)))
            arguments = (*arguments, size)
    return replace_node(field, selection_set=selection, arguments=arguments)


def _all_fields(selection: SelectionSetNode | None) -> Iterator[FieldNode]:
    for field in fields_of(selection):
        yield field
        yield from _all_fields(field.selection_set)


def _without_path(selection: SelectionSetNode, steps: Sequence[str]) -> SelectionSetNode:
    def change(field: FieldNode) -> FieldNode | None:
        if response_key(field) != steps[0]:
            return field
        inner = _inner(field)
        if len(steps) == 1 or inner is None:
            return None
        kept = _without_path(inner, steps[1:])
        return _with_inner(field, kept) if kept.selections else None

    return replace_fields(selection, change)


def _removed(selection: SelectionSetNode, steps: Sequence[str], path: str) -> SelectionSetNode:
    names = [response_key(field) for field in fields_of(selection)]
    if steps[0] not in names:
        message = f"'fields' leaves out '{path}', and '{steps[0]}' is not requested{suggest(steps[0], names)}"
        raise ConfigurationError(message, remedy=f"It can be one of: {', '.join(sorted(set(names) - _FIXED_FIELDS))}.")
    field = next(field for field in fields_of(selection) if response_key(field) == steps[0])
    inner = _inner(field)
    if len(steps) == 1 and (steps[0] in _FIXED_FIELDS or _is_connection(field)):
        message = f"'fields' leaves out '{path}', which the extraction itself needs"
        raise ConfigurationError(message, remedy="Name other fields after the minus sign.")
    if len(steps) > 1 and inner is not None:
        changed = _with_inner(field, _removed(inner, steps[1:], path))
        return replace_fields(selection, lambda each: changed if each is field else each)
    return replace_fields(selection, lambda each: None if each is field else each)


def _path_of(selection: SelectionSetNode, name: str) -> str | None:
    """Return the path of the first field with a name."""
    for field in fields_of(selection):
        if field.name.value == name:
            return name
        below = _path_of(field.selection_set, name) if field.selection_set else None
        if below:
            return f"{field.name.value}.{below}"
    return None


def _shape(record: Any, tree: SelectionSetNode) -> None:
    if not isinstance(record, dict):
        return
    for field in fields_of(tree):
        key = response_key(field)
        if _is_metafield(field):
            if key in record:
                record.setdefault(_METAFIELDS, {})[_metafield_name(field)] = record.pop(key)
            continue
        inner, value = _inner(field), record.get(key)
        if inner is None or value is None:
            continue
        if isinstance(value, dict) and _is_connection(field):
            value = record[key] = _nodes_of(value, key)
        for each in value if isinstance(value, list) else [value]:
            _shape(each, inner)


def _is_metafield(field: FieldNode) -> bool:
    return field.name.value == "metafield" and response_key(field).startswith(_METAFIELD_PREFIX)


def _metafield_name(field: FieldNode) -> str:
    values = {argument.name.value: getattr(argument.value, "value", "") for argument in field.arguments or ()}
    return f"{values.get('namespace')}.{values.get('key')}"


def _nodes_of(connection: Mapping[str, Any], key: str) -> list[Any]:
    if (connection.get("pageInfo") or {}).get("hasNextPage"):
        message = f"a record has more '{key}' than 'fields' requests"
        remedy = f"Request more of them, up to 250: {key}(first: 250).nodes.…"
        raise ConfigurationError(message, remedy=remedy)
    nodes = connection.get("nodes")
    return nodes if nodes is not None else [edge.get("node") for edge in connection.get("edges") or ()]
