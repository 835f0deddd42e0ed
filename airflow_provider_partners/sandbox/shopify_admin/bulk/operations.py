"""Bulk operations of the Admin API: submit, poll and cancel them; how many may run, and how long each takes.

An operation is a document of its shop; :mod:`~airflow_provider_partners.sandbox.shopify_admin.bulk.worker` writes its
file. Its progress is computed when a client polls it: it ends after the number of polls and the seconds that the
switches say, and never before its file is complete.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from airflow_provider_partners.sandbox.shopify.cursors import connection, gid_number, take_page
from airflow_provider_partners.sandbox.shopify.graphql.resolvers import Arguments, Document, Info, Resolver
from airflow_provider_partners.sandbox.shopify.graphql.schema import schema
from airflow_provider_partners.sandbox.shopify_admin.bulk.files import OutputFile, address, path_of
from airflow_provider_partners.sandbox.shopify_admin.bulk.lines import BulkRequest
from airflow_provider_partners.sandbox.shopify_admin.bulk.query_checks import BulkQuery, BulkQueryError, read_bulk_query
from airflow_provider_partners.sandbox.shopify_admin.bulk.worker import BulkTask, BulkWorker, Failure
from airflow_provider_partners.sandbox.shopify_admin.lists import BULK_FIELDS, FINDERS
from airflow_provider_partners.sandbox.shopify_admin.request import AdminRequest, global_id_check
from airflow_provider_partners.sandbox.shopify_admin.resolvers import TABLE
from airflow_provider_partners.sandbox.shopify_admin.search.fields import BULK_OPERATIONS
from airflow_provider_partners.sandbox.shopify_admin.sorting import BULK_OPERATIONS as SORTS
from airflow_provider_partners.sandbox.shopify_admin.sorting import sort_by
from airflow_provider_partners.sandbox.store import ListCache, Sandbox, format_timestamp

PARTNER, KIND = "shopify_admin", "bulk_operation"
SWITCHES: dict[str, Any] = {
    #: number of polls that show an operation as RUNNING before it ends, and the minimum number of seconds from
    #: its submission to its end
    "shopify_admin.bulk_polls": 1,
    "shopify_admin.bulk_seconds": 0,
    #: number of operations of another client of the same app that are always running
    "shopify_admin.bulk_foreign_jobs": 0,
    #: the next operation fails: {"code": "TIMEOUT", "after": number of objects that are written first}
    "shopify_admin.bulk_failure": None,
    #: the next operation gets stuck, and Shopify cancels it after this number of seconds
    "shopify_admin.bulk_stalls": None,
    #: ungrouped: True writes all root objects before their children, False a few hundred at a time
    "shopify_admin.bulk_apart": True,
    #: number of next downloads that stop half way
    "shopify_admin.bulk_file_breaks": 0,
    #: status of an expired URL: 403, or 400 as in Google's reference of error codes
    "shopify_admin.bulk_expired_file_status": 403,
}

#: Root fields that a bulk query can use.
ROOT_FIELDS = ("orders", "products", *BULK_FIELDS)
#: Since 2026-01 five operations of an app may run at a shop; before, it was one.
_HIGHER_LIMIT_SINCE, _MAX_RUNNING = "2026-01", 5
_RESULT_LIFETIME = timedelta(days=7)
#: An operation that nobody polls ends after this time.
_POLL_TIMEOUT = timedelta(minutes=1)
#: Maximum seconds that a response waits for an operation that is due and nearly complete.
_COMPLETION_WAIT = 1.0
_ENDED = frozenset({"COMPLETED", "CANCELED", "FAILED", "EXPIRED"})


class BulkOperations:
    """The bulk operations of every shop of one sandbox.

    :ivar table: resolvers of the schema's fields for bulk operations
    """

    def __init__(self, sandbox: Sandbox, lists: ListCache) -> None:
        self._sandbox = sandbox
        self._lists = lists
        self._lock = threading.RLock()
        self._workers: dict[str, BulkWorker] = {}
        self.table: dict[tuple[str, str], Resolver] = {
            ("Mutation", "bulkOperationRunQuery"): self._run,
            ("Mutation", "bulkOperationCancel"): self._cancel,
            ("QueryRoot", "bulkOperation"): lambda request, _source, _info, arguments: request.read_object(
                arguments["id"], "BulkOperation"
            ),
            ("QueryRoot", "bulkOperations"): self._list,
            ("QueryRoot", "currentBulkOperation"): self._current,
        }

    def find(self, request: AdminRequest, gid: str) -> Document | None:
        """Return an operation in its current state; this counts as a poll."""
        stored = self._sandbox.store.get(PARTNER, request.domain, KIND, gid)
        if stored:
            return self._shown(request, self._forward(request, stored, seen=True))
        return next((foreign for foreign in self._foreign(request) if foreign["id"] == gid), None)

    def _run(self, request: AdminRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
        text = arguments["query"]
        try:
            query = self._read(request.version, text)
        except BulkQueryError as error:
            return _errors(*({"field": ["query"], "message": each, "code": "INVALID"} for each in error.messages))
        with self._lock:
            running = [
                document["id"] for document in self._all(request, seen=False) if document["status"] not in _ENDED
            ]
            if len(running) >= (_MAX_RUNNING if request.version >= _HIGHER_LIMIT_SINCE else 1):
                message = "A bulk query operation for this app and shop is already in progress: "
                message += f"{', '.join(running)}."
                return _errors({"field": None, "message": message, "code": "OPERATION_IN_PROGRESS"})
            stored = self._new(request, text, grouped=arguments["groupObjects"])
            self._save(request.domain, stored)
            self._begin(request, stored, query)
        return {"bulkOperation": self._shown(request, stored), "userErrors": []}

    def _cancel(self, request: AdminRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
        gid = arguments["id"]
        with self._lock:
            stored = self._sandbox.store.get(PARTNER, request.domain, KIND, gid)
            if stored is None:
                return _errors({"field": ["id"], "message": "Bulk operation does not exist"})
            stored = self._forward(request, stored, seen=False)
            errors = []
            if stored["status"] in _ENDED:
                message = f"A bulk operation cannot be canceled when it is {stored['status'].lower()}"
                errors.append({"field": None, "message": message})
            elif stored["status"] != "CANCELING":
                stored |= {"status": "CANCELING", "seen": 0}
                self._save(request.domain, stored)
                if worker := self._workers.get(gid):
                    worker.stop()
        return {"bulkOperation": self._shown(request, stored), "userErrors": errors}

    def _list(self, request: AdminRequest, _source: Any, info: Info, arguments: Arguments) -> Document:
        request.check_page(arguments)
        search = request.search(info, arguments, BULK_OPERATIONS)
        documents = [document for document in self._all(request, seen=True) if search.matches(document)]
        # Newest first, unless ``reverse`` is set.
        backwards = not arguments.get("reverse")
        sort = sort_by(arguments["sortKey"], SORTS, reverse=backwards, from_database=False)
        return connection(take_page(documents, sort, arguments), sort)

    def _current(self, request: AdminRequest, _source: Any, _info: Info, arguments: Arguments) -> Document | None:
        documents = [document for document in self._all(request, seen=True) if document["type"] == arguments["type"]]
        return max(documents, key=lambda document: (document["createdAt"], gid_number(document)), default=None)

    def _all(self, request: AdminRequest, *, seen: bool) -> list[Document]:
        stored = self._sandbox.store.select(PARTNER, request.domain, KIND)
        own = [self._shown(request, self._forward(request, document, seen=seen)) for document in stored]
        return [*self._foreign(request), *own]

    def _foreign(self, request: AdminRequest) -> list[Document]:
        """Return operations of another client of the same app, which count towards the limit."""
        since = format_timestamp(request.now, plus=timedelta(hours=-1))
        number = _number(request.domain, 90_000)
        return [
            {
                **_fresh(f"gid://shopify/BulkOperation/{number + index}", since),
                "query": "{ products { edges { node { id } } } }",
                "status": "RUNNING",
            }
            for index in range(request.switch("bulk_foreign_jobs"))
        ]

    def _read(self, version: str, text: str) -> BulkQuery:
        return read_bulk_query(schema(PARTNER, version), text, root_fields=ROOT_FIELDS, check=global_id_check)

    def _new(self, request: AdminRequest, text: str, *, grouped: bool) -> Document:
        """Return the document of a new operation, with the switches that apply to it."""
        number = _number(request.domain, self._sandbox.store.count(PARTNER, request.domain, KIND) + 1)
        gid = f"gid://shopify/BulkOperation/{number}"
        switches = self._sandbox.switches
        stored = {
            **_fresh(gid, format_timestamp(request.now)),
            "query": text,
            "grouped": grouped,
            "apart": request.switch("bulk_apart"),
            "version": request.version,
            "seen": 0,
            "polls": request.switch("bulk_polls"),
            "seconds": request.switch("bulk_seconds"),
            "failure": switches[f"{PARTNER}.bulk_failure"],
            "stalls": switches[f"{PARTNER}.bulk_stalls"],
            "file": hashlib.sha256(f"{request.domain} {gid}".encode()).hexdigest()[:40],
        }
        # These switches apply to one operation each.
        switches[f"{PARTNER}.bulk_failure"] = switches[f"{PARTNER}.bulk_stalls"] = None
        self._sandbox.store.put("sandbox", "", "file", stored["file"], {"shop": request.domain}, at=stored["createdAt"])
        return stored

    def _begin(self, request: AdminRequest, stored: Document, query: BulkQuery) -> BulkWorker:
        failure = stored["failure"] and Failure(**stored["failure"])
        bulk_request = BulkRequest(
            sandbox=self._sandbox,
            shop=request.domain,
            version=stored["version"],
            table=TABLE,
            lists=self._lists,
            finders=FINDERS,
        )
        opened = partial(OutputFile, grouped=stored["grouped"], by_depth=stored["apart"])
        path = path_of(self._sandbox.store, stored["file"])
        worker = BulkWorker(BulkTask(query=query, request=bulk_request, path=path, open=opened, failure=failure))
        self._workers[stored["id"]] = worker
        return worker

    def _forward(self, request: AdminRequest, stored: Document, *, seen: bool) -> Document:
        """Update an operation to its current state.

        :param seen: True if a client is polling
        """
        if stored["status"] in _ENDED:
            return self._aged(request, stored)
        with self._lock:
            worker = self._workers.get(stored["id"]) or self._begin(
                request, stored, self._read(stored["version"], stored["query"])
            )
        if self._due(request, stored):
            worker.wait(_COMPLETION_WAIT)
        with self._lock:
            stored = self._sandbox.store.get(PARTNER, request.domain, KIND, stored["id"]) or stored
            before = dict(stored)
            if stored["status"] not in _ENDED:
                stored |= self._next(request, stored, worker, seen=seen)
            if stored != before:
                self._save(request.domain, stored)
            if stored["status"] in _ENDED:
                self._workers.pop(stored["id"], None)
        return stored

    def _due(self, request: AdminRequest, stored: Document) -> bool:
        age = request.now - datetime.fromisoformat(stored["createdAt"])
        if stored["stalls"] is not None and stored["status"] != "CANCELING":
            return age >= timedelta(seconds=stored["stalls"])
        min_age = timedelta(seconds=0 if stored["status"] == "CANCELING" else stored["seconds"])
        return (age >= min_age and stored["seen"] >= stored["polls"]) or age >= min_age + _POLL_TIMEOUT

    def _next(self, request: AdminRequest, stored: Document, worker: BulkWorker, *, seen: bool) -> Document:
        """Return the changes of an operation that has not ended."""
        counted = {"objectCount": str(worker.objects), "rootObjectCount": str(worker.roots)}
        if self._due(request, stored):
            stopped = stored["status"] == "CANCELING" or stored["stalls"] is not None
            if stopped:
                worker.stop()
            if worker.wait(0):
                status = "CANCELED" if stopped else "FAILED" if worker.error else "COMPLETED"
                return {
                    "objectCount": str(worker.objects),
                    "rootObjectCount": str(worker.roots),
                    "status": status,
                    "errorCode": worker.error if status == "FAILED" else None,
                    "completedAt": format_timestamp(request.now),
                    "fileSize": str(worker.size) if worker.objects else None,
                }
        changes: Document = {"seen": stored["seen"] + seen}
        if stored["status"] == "CREATED" and seen:
            changes["status"] = "RUNNING"
        elif stored["status"] == "RUNNING" and stored["stalls"] is None:
            # Recorded: the counters stay at 0 for a while, then they jump.
            changes |= counted
        return changes

    def _aged(self, request: AdminRequest, stored: Document) -> Document:
        """Return an ended operation; its file expires after seven days."""
        if stored["status"] == "COMPLETED" and request.now >= _until(stored):
            stored["status"] = "EXPIRED"
            self._save(request.domain, stored)
            path_of(self._sandbox.store, stored["file"]).unlink(missing_ok=True)
        return stored

    def _shown(self, request: AdminRequest, stored: Document) -> Document:
        shown = {**stored, "url": None, "partialDataUrl": None}
        if stored["status"] in {"COMPLETED", "FAILED", "CANCELED"} and stored["fileSize"] and stored["completedAt"]:
            name = "url" if stored["status"] == "COMPLETED" else "partialDataUrl"
            shown[name] = address(
                self._sandbox,
                request.base_url,
                stored["file"],
                shown_as=f"bulk-{gid_number(stored)}.jsonl",
                until=_until(stored),
            )
        return shown

    def _save(self, shop: str, stored: Document) -> None:
        self._sandbox.store.put(PARTNER, shop, KIND, stored["id"], stored, at=stored["createdAt"])


def _fresh(gid: str, at: str) -> Document:
    """Return an operation as recorded directly after its submission."""
    return {
        "__typename": "BulkOperation",
        "id": gid,
        "type": "QUERY",
        "status": "CREATED",
        "errorCode": None,
        "createdAt": at,
        "completedAt": None,
        "objectCount": "0",
        "rootObjectCount": "0",
        "fileSize": None,
        "url": None,
        "partialDataUrl": None,
    }


def _until(stored: Document) -> datetime:
    return datetime.fromisoformat(stored["completedAt"]) + _RESULT_LIFETIME


def _number(shop: str, index: int) -> int:
    """Return the number of an operation; no two shops have the same."""
    return 7_000_000_000_000 + zlib.crc32(shop.encode()) % 1_000_000 * 100_000 + index


def _errors(*errors: Document) -> Document:
    return {"bulkOperation": None, "userErrors": list(errors)}
