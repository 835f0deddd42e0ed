"""Yofi's response bodies: JSON:API documents (https://jsonapi.org/format/1.1/) made of the sandbox's records."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_provider_partners.sandbox.yofi.query import DEFAULT_FIELDS, Query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.sandbox.store import Document, Store

#: Kind and id of a document.
Key = tuple[str, str]


def targets(linkage: Any) -> list[Key]:
    """Return the keys of the documents that a stored relationship names: none, one or many."""
    if not linkage:
        return []
    pairs = linkage if isinstance(linkage[0], list) else [linkage]
    return [(kind, id_) for kind, id_ in pairs]


def related(store: Store, shop: str, records: Sequence[Document], relations: Sequence[str]) -> dict[Key, Document]:
    """Return every document that the records name in ``relations``, each one once."""
    ids_by_kind: dict[str, dict[str, None]] = {}
    for record in records:
        for relation in relations:
            for kind, id_ in targets(record.get("relationships", {}).get(relation)):
                ids_by_kind.setdefault(kind, {})[id_] = None
    documents: dict[Key, Document] = {}
    for kind, ids in ids_by_kind.items():
        by_id = {each["id"]: each for each in store.select("yofi", shop, kind, ids=list(ids))}
        documents |= {(kind, id_): by_id[id_] for id_ in ids if id_ in by_id}
    return documents


class DocumentWriter:
    """Writes the body of one response.

    :param query: chooses the fields and the included relations
    :param switches: choose the body's shape
    """

    def __init__(self, *, query: Query, switches: Mapping[str, Any]) -> None:
        self._query = query
        self._switches = switches

    def document(self, data: Any, included: Mapping[Key, Document]) -> Document:
        """Return the document of one record or of a list, with the related documents."""
        is_list = isinstance(data, list)
        resources = [self._resource(record, included) for record in (data if is_list else [data])]
        traced = self._switches["yofi.body"] == "trace"
        body: Document = {"data": resources if is_list or traced else resources[0]}
        if self._query.include:
            body["included"] = [self._resource(record, {}) for record in included.values()]
        # The telemetry API sends a list even for one record, and the trace id outside of meta:
        # https://docs.yofi.ai/yofi-telemetry/telemetry-open-api/user-api
        if traced:
            body = {"trace_id": uuid.uuid4().hex} | body
        elif self._switches["yofi.meta"]:
            body["meta"] = {"trace_id": uuid.uuid4().hex}
        return body

    def add_paging(self, body: Document, *, total: int, url: str, params: Sequence[tuple[str, str]]) -> Document:
        """Add the page's numbers and links to the document of a list, where these are switched on.

        :param params: the request's query parameters, for the links
        """
        pages = -(-total // self._query.size)
        if self._switches["yofi.meta"]:
            numbers = {
                "number": self._query.number,
                "size": self._query.size,
                "totalRecords": total,
                "totalPages": pages,
            }
            body.setdefault("meta", {})["page"] = numbers
        if self._switches["yofi.links"]:
            links = {"self": _page_url(url, params, self._query.number)}
            if self._query.number < pages:
                links["next"] = _page_url(url, params, self._query.number + 1)
            body["links"] = links
        return body

    def _resource(self, record: Document, included: Mapping[Key, Document]) -> Document:
        attributes = record.get("attributes", {})
        fields = self._fields(record["type"])
        if fields is not None:
            attributes = {name: value for name, value in attributes.items() if name in fields}
            if "id" in fields:
                attributes = {"id": record["id"]} | attributes
        resource: Document = {"type": record["type"], "id": record["id"], "attributes": attributes}
        links = {
            relation: {"data": _linkage(record["relationships"][relation], included)}
            for relation in self._query.include
            if relation in record.get("relationships", {})
        }
        if links:
            resource["relationships"] = links
        return resource

    def _fields(self, type_: str) -> frozenset[str] | None:
        """Return the names of the attributes to show, or ``None`` for all."""
        fields = self._query.fields.get(type_)
        if self._switches["yofi.fields"] == "additional" and type_ in DEFAULT_FIELDS:
            return DEFAULT_FIELDS[type_] | (fields or frozenset())
        return fields


def _linkage(stored: Any, included: Mapping[Key, Document]) -> Any:
    """Return the resource identifiers of those related documents that are included."""
    identifiers = [{"type": included[key]["type"], "id": key[1]} for key in targets(stored) if key in included]
    to_many = stored is not None and (not stored or isinstance(stored[0], list))
    if to_many:
        return identifiers
    return identifiers[0] if identifiers else None


def _page_url(url: str, params: Sequence[tuple[str, str]], number: int) -> str:
    others = [(name, value) for name, value in params if name != "page[number]"]
    return f"{url}?{urlencode([*others, ('page[number]', str(number))])}"
