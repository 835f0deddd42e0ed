"""Yofi's answers: JSON:API documents of the sandbox's records, and error bodies as its sister APIs have them.

It must not know how a request was read, or who may see what: it is handed records and a :class:`Query`.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, PlainTextResponse, Response

from airflow_provider_partners.sandbox.yofi.query import DEFAULT_FIELDS, Query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.sandbox.store import Document, Store
    from airflow_provider_partners.sandbox.yofi.auth import ApiError

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
}
Key = tuple[str, str]  # kind and id of a document


def targets(linkage: Any) -> list[Key]:
    """The documents a stored relationship points at: none, one or many."""
    if not linkage:
        return []
    pairs = linkage if isinstance(linkage[0], list) else [linkage]
    return [(kind, id_) for kind, id_ in pairs]


def related(store: Store, shop: str, records: Sequence[Document], relations: Sequence[str]) -> dict[Key, Document]:
    """Every document that the records point at through ``relations``, each once."""
    wanted: dict[str, dict[str, None]] = {}
    for record in records:
        for relation in relations:
            for kind, id_ in targets(record.get("relationships", {}).get(relation)):
                wanted.setdefault(kind, {})[id_] = None
    found: dict[Key, Document] = {}
    for kind, ids in wanted.items():
        by_id = {each["id"]: each for each in store.select("yofi", shop, kind, ids=list(ids))}
        found |= {(kind, id_): by_id[id_] for id_ in ids if id_ in by_id}
    return found


class DocumentWriter:
    """Writes the answer to one request.

    :param query: decides fields and included relations
    :param switches: decide the body's shape
    """

    def __init__(self, *, query: Query, switches: Mapping[str, Any]) -> None:
        self._query = query
        self._switches = switches

    def document(self, data: Any, included: Mapping[Key, Document]) -> Document:
        """Data (one record or a list) with what it points at, in the house style the switches choose."""
        many = isinstance(data, list)
        shown = [self._resource(record, included) for record in (data if many else [data])]
        traced = self._switches["yofi.body"] == "trace"
        body: Document = {"data": shown if many or traced else shown[0]}
        if self._query.include:
            body["included"] = [self._resource(record, {}) for record in included.values()]
        if traced:  # the telemetry API's style: a list even for one record, the trace id outside of meta
            body = {"trace_id": uuid.uuid4().hex} | body
        elif self._switches["yofi.meta"]:
            body["meta"] = {"trace_id": uuid.uuid4().hex}
        return body

    def paged(self, body: Document, *, total: int, url: str, given: Sequence[tuple[str, str]]) -> Document:
        """The document of a list with its page's numbers and links, as far as they are switched on."""
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
            links = {"self": _page_url(url, given, self._query.number)}
            if self._query.number < pages:
                links["next"] = _page_url(url, given, self._query.number + 1)
            body["links"] = links
        return body

    def _resource(self, record: Document, included: Mapping[Key, Document]) -> Document:
        attributes = record.get("attributes", {})
        asked = self._fields(record["type"])
        if asked is not None:
            attributes = {name: value for name, value in attributes.items() if name in asked}
            if "id" in asked:
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
        """The attributes to show, ``None`` for all."""
        asked = self._query.fields.get(type_)
        if self._switches["yofi.fields"] == "additional" and type_ in DEFAULT_FIELDS:
            return DEFAULT_FIELDS[type_] | (asked or frozenset())
        return asked


def _linkage(stored: Any, included: Mapping[Key, Document]) -> Any:
    """Resource identifiers of those related documents that are included."""
    shown = [{"type": included[key]["type"], "id": key[1]} for key in targets(stored) if key in included]
    to_many = stored is not None and (not stored or isinstance(stored[0], list))
    if to_many:
        return shown
    return shown[0] if shown else None


def _page_url(url: str, given: Sequence[tuple[str, str]], number: int) -> str:
    kept = [(name, value) for name, value in given if name != "page[number]"]
    return f"{url}?{urlencode([*kept, ('page[number]', str(number))])}"


def error_body(refused: ApiError, shape: str) -> Response:
    """An error body. The API's own is not published, so the shapes of its sister APIs are offered.

    :param shape: ``jsonapi``, ``detail``, ``message`` or ``text``
    """
    title = _TITLES.get(refused.status, "Error")
    if shape == "text":
        return PlainTextResponse(f"{title}: {refused.detail}", status_code=refused.status)
    if shape == "detail":
        body: Document = {"detail": refused.detail}
    elif shape == "message":  # as a gateway in front of the API: it tells no more than the status
        body = {"message": title}
    else:
        error: Document = {"status": str(refused.status), "title": title, "detail": refused.detail}
        if refused.parameter:
            error["source"] = {"parameter": refused.parameter}
        body = {"errors": [error]}
    return JSONResponse(body, status_code=refused.status)
