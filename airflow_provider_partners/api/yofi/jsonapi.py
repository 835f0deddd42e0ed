"""Read JSON:API documents leniently: records with their relations in place, the total, and the link to the next page.

Yofi's other APIs are known to send ``data`` as an object or a list even for one record, and ``trace_id`` at the top or
in ``meta``. ``included``, ``relationships``, ``links`` and ``meta`` may all be missing
(https://docs.yofi.ai/yofi-on-enterprise/integrate-with-yofi/receiving-data-from-yofi/yofi-open-api/customer-api).
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
"""Where a document may have the total number of records."""

_PAGE_SIZE_PATHS = ("meta.page.size", "meta.page.limit")

_MAX_DEPTH = 3
"""Depth of relations inside relations: a customer may name all its orders, and each of them the customer again."""

ResourceId = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A relation of a list's records, for documents without ``relationships``.

    :param type: the type of the related resource
    :param many: True if there may be several
    :param key: the record's attribute with the related id; empty when none is known
    :param related_key: the attribute of the related resource that ``key`` matches
    """

    type: str
    many: bool = False
    key: str = ""
    related_key: str = ""


def flatten(resource: Mapping[str, Any]) -> Record:
    """Return a resource as a flat record: ``id`` and ``type``, then its attributes.

    An attribute that is named ``id`` or ``type`` too and has another value is kept, as ``attribute_id`` for example.

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


def check_document(body: Any) -> None:
    """Refuse a response without ``data``.

    :raises UnexpectedResponseError: when it has none
    """
    if not isinstance(body, Mapping) or "data" not in body:
        content = sorted(map(str, body)) if isinstance(body, Mapping) else type(body).__name__
        message = f"the response is no JSON:API document: it has no 'data' but {content}"
        raise UnexpectedResponseError(message[:300])


class Document:
    """A response as records.

    :param body: the response's JSON
    :raises UnexpectedResponseError: when it has no ``data``, or ``errors`` beside it
    """

    def __init__(self, body: Any) -> None:
        check_document(body)
        if body.get("errors"):
            # "The members data and errors MUST NOT coexist": https://jsonapi.org/format/#document-top-level. What
            # stands beside the errors may be a part of the list, so it must not pass for the whole.
            codes = ", ".join(sorted({_error_code(error) for error in _as_list(body["errors"])}))
            message = f"the response has 'errors' beside 'data' ({codes})"
            raise UnexpectedResponseError(message, remedy="Try again later.", partner="Yofi")
        data = body["data"]
        resources = data if isinstance(data, list) else [] if data is None else [data]
        included = body.get("included") or []
        if not all(isinstance(resource, Mapping) for resource in [*resources, *included]):
            message = "the response is no JSON:API document: 'data' or 'included' has a member that is no object"
            raise UnexpectedResponseError(message)
        if not all({"id", "type", "attributes"} & resource.keys() for resource in resources):
            # "A resource object MUST contain at least id and type": https://jsonapi.org/format/#document-resource-objects.
            # Yofi's may lack one of them. What lacks all is no resource.
            message = "the response is no JSON:API document: 'data' has a member without 'id', 'type' and 'attributes'"
            raise UnexpectedResponseError(message)
        self._body = body
        self._resources: list[Mapping[str, Any]] = resources
        self._included: dict[ResourceId, Mapping[str, Any]] = {
            _resource_id(resource): resource for resource in included
        }

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._resources)

    def records(self, relations: Mapping[str, Relation], *, include: Iterable[str] = ()) -> list[Record]:
        """Return flat records, each relation as a record, a list of records or ``None``.

        :param relations: the known relations of these records
        :param include: the requested relations; every record has them, if only as ``None`` or ``[]``
        """
        return [self._record(resource, relations, tuple(include)) for resource in self._resources]

    def total(self) -> int | None:
        """Return the number of records of the whole list, if the document has it."""
        return find_total(self._body, TOTAL_PATHS)

    def page_size(self) -> int | None:
        """Return the page size that the server used, if the document has it."""
        return find_total(self._body, _PAGE_SIZE_PATHS)

    def page_count(self) -> int | None:
        """Return the number of pages, if the document has it."""
        return find_total(self._body, ("meta.page.totalPages", "meta.totalPages"))

    def next_link(self) -> dict[str, str] | None:
        """Return the query of ``links.next``, empty at the end; ``None`` if the document has no such link."""
        links = self._body.get("links")
        if not isinstance(links, Mapping) or "next" not in links:
            return None
        link = links["next"]
        url = get_path(link, "href") if isinstance(link, Mapping) else link
        return dict(parse_qsl(urlsplit(str(url)).query)) if url else {}

    def _record(
        self, resource: Mapping[str, Any], relations: Mapping[str, Relation], include: tuple[str, ...]
    ) -> Record:
        record = self._nested_record(resource, (_resource_id(resource),))
        for name in include:
            if name in (resource.get("relationships") or {}) and name in record:
                continue
            relation = relations.get(name)
            related = self._related_by_key(record, relation) if relation else []
            record[name] = related if relation and relation.many else next(iter(related), None)
        return record

    def _nested_record(self, resource: Mapping[str, Any], path: tuple[ResourceId, ...]) -> Record:
        record = flatten(resource)
        relationships = resource.get("relationships")
        for name, relationship in (relationships or {}).items():
            # A relationship without data has links only, and does not name what is related.
            if isinstance(relationship, Mapping) and "data" in relationship:
                record[name] = self._related(relationship["data"], path)
        return record

    def _related(self, linkage: Any, path: tuple[ResourceId, ...]) -> Any:
        if isinstance(linkage, list):
            return [self._related(item, path) for item in linkage]
        if not isinstance(linkage, Mapping):
            return None
        resource_id = _resource_id(linkage)
        full = self._included.get(resource_id)
        if full is None or resource_id in path or len(path) > _MAX_DEPTH:
            return flatten({"id": linkage.get("id"), "type": linkage.get("type")})
        return self._nested_record(full, (*path, resource_id))

    def _related_by_key(self, record: Record, relation: Relation) -> list[Record]:
        related_id = record.get(relation.key) if relation.key else None
        if related_id is None:
            return []
        return [
            self._nested_record(resource, (resource_id,))
            for resource_id, resource in self._included.items()
            if resource_id[0] == relation.type and str(_attribute(resource, relation.related_key)) == str(related_id)
        ]


def _attribute(resource: Mapping[str, Any], name: str) -> Any:
    attributes = resource.get("attributes") or {}
    return attributes.get(name, resource.get(name))


def _resource_id(resource: Mapping[str, Any]) -> ResourceId:
    return str(resource.get("type")), str(resource.get("id"))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _error_code(error: Any) -> str:
    """Return the code or status of an error object. Its text may hold a customer's data, so it is left out."""
    if not isinstance(error, Mapping):
        return "no code"
    return str(error.get("code") or error.get("status") or "no code")[:40]
