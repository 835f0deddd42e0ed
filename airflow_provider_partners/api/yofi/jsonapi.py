"""JSON:API documents, read leniently: rows with their relations put in place, the total, and where to go on.

Takes what Yofi's sister APIs are seen to send: ``data`` as object or list even for one record, ``trace_id`` at
the top or in ``meta``, and no ``included``, ``relationships``, ``links`` or ``meta`` at all. Must not know
resources or HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from airflow_provider_partners.api.pagination.page import find_total
from airflow_provider_partners.exceptions import UnexpectedResponseError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

TOTAL_PATHS = ("meta.page.totalRecords", "meta.totalRecords", "meta.page.total", "meta.count", "meta.total")
"""Where documents are seen to tell the number of rows."""

_PAGE_SIZE_PATHS = ("meta.page.size", "meta.page.limit")

_MAX_DEPTH = 3
"""Relations of relations: a customer may name all orders, each of them the customer again."""

ResourceId = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A relation of a row, for documents that leave ``relationships`` out.

    :param type: the type of what is related
    :param many: whether there may be several
    :param key: the row's attribute that holds the related id; empty where none is known
    :param related_key: the attribute of the related resource that ``key`` matches
    """

    type: str
    many: bool = False
    key: str = ""
    related_key: str = ""


def flatten(resource: Mapping[str, Any]) -> Record:
    """A resource as a flat record: ``id`` and ``type``, then its attributes.

    An attribute that is called ``id`` or ``type`` too, but says something else, is kept as ``attribute_id``.

    :param resource: of ``data`` or ``included``
    """
    record: Record = {"id": str(resource["id"]) if resource.get("id") is not None else None}
    record["type"] = resource.get("type")
    for name, value in (resource.get("attributes") or {}).items():
        if name not in record:
            record[name] = value
        elif record[name] is None:
            record[name] = str(value) if name == "id" and value is not None else value
        elif str(value) != str(record[name]):
            record[f"attribute_{name}"] = value
    return record


class Document:
    """An answer as rows.

    :param body: the answer's JSON
    :raises UnexpectedResponseError: when it has no ``data``
    """

    def __init__(self, body: Any) -> None:
        if not isinstance(body, Mapping) or "data" not in body:
            held = sorted(map(str, body)) if isinstance(body, Mapping) else type(body).__name__
            message = f"the answer is no JSON:API document: it has no 'data', but {held}"
            raise UnexpectedResponseError(message[:300])
        data = body["data"]
        rows = data if isinstance(data, list) else [] if data is None else [data]
        included = body.get("included") or []
        if not all(isinstance(row, Mapping) for row in [*rows, *included]):
            message = "the answer is no JSON:API document: 'data' or 'included' holds what is no object"
            raise UnexpectedResponseError(message)
        self._body = body
        self._resources: list[Mapping[str, Any]] = rows
        self._included: dict[ResourceId, Mapping[str, Any]] = {_resource_id(row): row for row in included}

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self._resources)

    def records(self, relations: Mapping[str, Relation], *, include: Iterable[str] = ()) -> list[Record]:
        """The rows, flat, each relation a record, a list of records or ``None``.

        :param relations: the relations that are known of these rows
        :param include: the relations that were asked for: every row has them, if only as ``None`` or ``[]``
        """
        return [self._record(row, relations, tuple(include)) for row in self._resources]

    def total(self) -> int | None:
        """The number of rows of the whole list, where the document tells."""
        return find_total(self._body, TOTAL_PATHS)

    def page_size(self) -> int | None:
        """The page size that the server went by, where the document tells."""
        return find_total(self._body, _PAGE_SIZE_PATHS)

    def page_count(self) -> int | None:
        """The number of pages, where the document tells."""
        return find_total(self._body, ("meta.page.totalPages", "meta.totalPages"))

    def next_link(self) -> tuple[bool, dict[str, str]]:
        """What ``links.next`` says.

        :returns: whether the document speaks of a next page at all, with its query (empty at the end)
        """
        links = self._body.get("links")
        if not isinstance(links, Mapping) or "next" not in links:
            return False, {}
        link = links["next"]
        address = get_path(link, "href") if isinstance(link, Mapping) else link
        return True, dict(parse_qsl(urlsplit(str(address)).query)) if address else {}

    def _record(
        self, resource: Mapping[str, Any], relations: Mapping[str, Relation], include: tuple[str, ...]
    ) -> Record:
        record = self._nested_record(resource, (_resource_id(resource),))
        for name in include:
            if name in (resource.get("relationships") or {}) and name in record:
                continue
            relation = relations.get(name)
            found = self._related_by_key(record, relation) if relation else []
            record[name] = found if relation and relation.many else next(iter(found), None)
        return record

    def _nested_record(self, resource: Mapping[str, Any], path: tuple[ResourceId, ...]) -> Record:
        record = flatten(resource)
        relationships = resource.get("relationships")
        for name, relationship in (relationships or {}).items():
            # One that holds links alone says nothing of what is related.
            if isinstance(relationship, Mapping) and "data" in relationship:
                record[name] = self._related(relationship["data"], path)
        return record

    def _related(self, linkage: Any, path: tuple[ResourceId, ...]) -> Any:
        if isinstance(linkage, list):
            return [self._related(item, path) for item in linkage]
        if not isinstance(linkage, Mapping):
            return None
        identity = _resource_id(linkage)
        full = self._included.get(identity)
        if full is None or identity in path or len(path) > _MAX_DEPTH:
            return flatten({"id": linkage.get("id"), "type": linkage.get("type")})
        return self._nested_record(full, (*path, identity))

    def _related_by_key(self, record: Record, relation: Relation) -> list[Record]:
        own = record.get(relation.key) if relation.key else None
        if own is None:
            return []
        return [
            self._nested_record(row, (identity,))
            for identity, row in self._included.items()
            if identity[0] == relation.type and str(_attribute(row, relation.related_key)) == str(own)
        ]


def _attribute(resource: Mapping[str, Any], name: str) -> Any:
    attributes = resource.get("attributes") or {}
    return attributes.get(name, resource.get(name))


def _resource_id(resource: Mapping[str, Any]) -> ResourceId:
    return str(resource.get("type")), str(resource.get("id"))
