"""Bulk operations of the Admin API: submitted, watched, cancelled; how many may run, and how long each takes.

An operation is a document of its shop; its rows are made by :mod:`.shopify_bulk_work`. How far it has come is decided
when it is asked for: after so many questions and so much of the sandbox's time as the switches say, and never before
its file is really written. This module must not know how rows are made.
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
from airflow_provider_partners.sandbox.shopify_admin.request import AdminRequest, global_id_check
from airflow_provider_partners.sandbox.shopify_admin.resolvers import TABLE
from airflow_provider_partners.sandbox.shopify_admin.search.fields import BULK_OPERATIONS
from airflow_provider_partners.sandbox.shopify_admin.sorting import BULK_OPERATIONS as SORTS
from airflow_provider_partners.sandbox.shopify_admin.sorting import sort_by
from airflow_provider_partners.sandbox.store import ListCache, Sandbox, format_timestamp

PARTNER, KIND = "shopify_admin", "bulk_operation"
SWITCHES: dict[str, Any] = {
    #: an operation is seen RUNNING so many times before it is seen finished, and is not finished sooner than so many
    #: seconds after it was submitted
    "shopify_admin.bulk_polls": 1,
    "shopify_admin.bulk_seconds": 0,
    #: so many operations of another client of the same app are running all the time
    "shopify_admin.bulk_foreign_jobs": 0,
    #: the next operation fails: {"code": "TIMEOUT", "after": objects that are written before}
    "shopify_admin.bulk_failure": None,
    #: the next operation gets stuck, and is cancelled by Shopify after so many seconds
    "shopify_admin.bulk_stalls": None,
    #: ungrouped: all objects at the root first and then their children, or a few hundred at a time
    "shopify_admin.bulk_apart": True,
    #: so many of the next downloads break off half way
    "shopify_admin.bulk_file_breaks": 0,
    #: the status of an expired address: 403, or 400 as Google's reference of error codes has it
    "shopify_admin.bulk_expired_file_status": 403,
}

#: What can stand at the top of a query.
ROOT_FIELDS = ("orders", "products")
#: From 2026-01 on five operations of an app may run at a shop, before it was one.
_FIVE_SINCE, _MOST = "2026-01", 5
_RESULT_LIFETIME = timedelta(days=7)
#: An operation that nobody asks for is finished after this.
_POLL_TIMEOUT = timedelta(minutes=1)
#: How long an answer waits for an operation that is due and nearly done.
_COMPLETION_WAIT = 1.0
_ENDED = frozenset({"COMPLETED", "CANCELED", "FAILED", "EXPIRED"})


class BulkOperations:
    """The operations of every shop of one sandbox.

    :ivar table: the fields of the schema that are answered here
    """

    def __init__(self, sandbox: Sandbox, lists: ListCache) -> None:
        self._sandbox = sandbox
        self._lists = lists
        self._lock = threading.RLock()
        self._work: dict[str, BulkWorker] = {}
        self.table: dict[tuple[str, str], Resolver] = {
            ("Mutation", "bulkOperationRunQuery"): self._run,
            ("Mutation", "bulkOperationCancel"): self._cancel,
            ("QueryRoot", "bulkOperation"): lambda answer, _source, _info, arguments: answer.read(
                arguments["id"], "BulkOperation"
            ),
            ("QueryRoot", "bulkOperations"): self._list,
            ("QueryRoot", "currentBulkOperation"): self._current,
        }

    def find(self, answer: AdminRequest, gid: str) -> Document | None:
        """An operation as it stands, seen once more."""
        stored = self._sandbox.store.get(PARTNER, answer.domain, KIND, gid)
        if stored:
            return self._shown(answer, self._forward(answer, stored, seen=True))
        return next((foreign for foreign in self._foreign(answer) if foreign["id"] == gid), None)

    def _run(self, answer: AdminRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
        text = arguments["query"]
        try:
            query = self._read(answer.version, text)
        except BulkQueryError as refused:
            return _errors(*({"field": ["query"], "message": each, "code": "INVALID"} for each in refused.messages))
        with self._lock:
            running = [row["id"] for row in self._all(answer, seen=False) if row["status"] not in _ENDED]
            if len(running) >= (_MOST if answer.version >= _FIVE_SINCE else 1):
                message = "A bulk query operation for this app and shop is already in progress: "
                message += f"{', '.join(running)}."
                return _errors({"field": None, "message": message, "code": "OPERATION_IN_PROGRESS"})
            stored = self._new(answer, text, grouped=arguments["groupObjects"])
            self._save(answer.domain, stored)
            self._begin(answer, stored, query)
        return {"bulkOperation": self._shown(answer, stored), "userErrors": []}

    def _cancel(self, answer: AdminRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
        gid = arguments["id"]
        with self._lock:
            stored = self._sandbox.store.get(PARTNER, answer.domain, KIND, gid)
            if stored is None:
                return _errors({"field": ["id"], "message": "Bulk operation does not exist"})
            stored = self._forward(answer, stored, seen=False)
            errors = []
            if stored["status"] in _ENDED:
                message = f"A bulk operation cannot be canceled when it is {stored['status'].lower()}"
                errors.append({"field": None, "message": message})
            elif stored["status"] != "CANCELING":
                stored |= {"status": "CANCELING", "seen": 0}
                self._save(answer.domain, stored)
                if work := self._work.get(gid):
                    work.stop()
        return {"bulkOperation": self._shown(answer, stored), "userErrors": errors}

    def _list(self, answer: AdminRequest, _source: Any, info: Info, arguments: Arguments) -> Document:
        answer.check_page(arguments)
        search = answer.search(info, arguments, BULK_OPERATIONS)
        rows = [row for row in self._all(answer, seen=True) if search.matches(row)]
        # newest first, unless it is reversed
        backwards = not arguments.get("reverse")
        sort = sort_by(arguments["sortKey"], SORTS, reverse=backwards, from_database=False)
        return connection(take_page(rows, sort, arguments), sort)

    def _current(self, answer: AdminRequest, _source: Any, _info: Info, arguments: Arguments) -> Document | None:
        rows = [row for row in self._all(answer, seen=True) if row["type"] == arguments["type"]]
        return max(rows, key=lambda row: (row["createdAt"], gid_number(row)), default=None)

    def _all(self, answer: AdminRequest, *, seen: bool) -> list[Document]:
        stored = self._sandbox.store.select(PARTNER, answer.domain, KIND)
        own = [self._shown(answer, self._forward(answer, row, seen=seen)) for row in stored]
        return [*self._foreign(answer), *own]

    def _foreign(self, answer: AdminRequest) -> list[Document]:
        """Operations of another client of the same app, which take up room."""
        since = format_timestamp(answer.now, plus=timedelta(hours=-1))
        number = _number(answer.domain, 90_000)
        return [
            {
                **_fresh(f"gid://shopify/BulkOperation/{number + place}", since),
                "query": "{ products { edges { node { id } } } }",
                "status": "RUNNING",
            }
            for place in range(answer.switch("bulk_foreign_jobs"))
        ]

    def _read(self, version: str, text: str) -> BulkQuery:
        return read_bulk_query(schema(PARTNER, version), text, root_fields=ROOT_FIELDS, check=global_id_check)

    def _new(self, answer: AdminRequest, text: str, *, grouped: bool) -> Document:
        """The document of an operation that was just submitted; what the switches say of it is settled here."""
        number = _number(answer.domain, self._sandbox.store.count(PARTNER, answer.domain, KIND) + 1)
        gid = f"gid://shopify/BulkOperation/{number}"
        switches = self._sandbox.switches
        stored = {
            **_fresh(gid, format_timestamp(answer.now)),
            "query": text,
            "grouped": grouped,
            "apart": answer.switch("bulk_apart"),
            "version": answer.version,
            "seen": 0,
            "polls": answer.switch("bulk_polls"),
            "seconds": answer.switch("bulk_seconds"),
            "failure": switches[f"{PARTNER}.bulk_failure"],
            "stalls": switches[f"{PARTNER}.bulk_stalls"],
            "file": hashlib.sha256(f"{answer.domain} {gid}".encode()).hexdigest()[:40],
        }
        # for one operation each
        switches[f"{PARTNER}.bulk_failure"] = switches[f"{PARTNER}.bulk_stalls"] = None
        self._sandbox.store.put("sandbox", "", "file", stored["file"], {"shop": answer.domain}, at=stored["createdAt"])
        return stored

    def _begin(self, answer: AdminRequest, stored: Document, query: BulkQuery) -> BulkWorker:
        failure = stored["failure"] and Failure(**stored["failure"])
        seen = BulkRequest(
            sandbox=self._sandbox, shop=answer.domain, version=stored["version"], table=TABLE, lists=self._lists
        )
        opened = partial(OutputFile, grouped=stored["grouped"], by_depth=stored["apart"])
        path = path_of(self._sandbox.store, stored["file"])
        work = BulkWorker(BulkTask(query=query, answer=seen, path=path, open=opened, failure=failure))
        self._work[stored["id"]] = work
        return work

    def _forward(self, answer: AdminRequest, stored: Document, *, seen: bool) -> Document:
        """Let an operation go on to where it should be by now.

        :param seen: its client is looking
        """
        if stored["status"] in _ENDED:
            return self._aged(answer, stored)
        with self._lock:
            work = self._work.get(stored["id"]) or self._begin(
                answer, stored, self._read(stored["version"], stored["query"])
            )
        if self._due(answer, stored):
            work.wait(_COMPLETION_WAIT)
        with self._lock:
            stored = self._sandbox.store.get(PARTNER, answer.domain, KIND, stored["id"]) or stored
            before = dict(stored)
            if stored["status"] not in _ENDED:
                stored |= self._next(answer, stored, work, seen=seen)
            if stored != before:
                self._save(answer.domain, stored)
            if stored["status"] in _ENDED:
                self._work.pop(stored["id"], None)
        return stored

    def _due(self, answer: AdminRequest, stored: Document) -> bool:
        age = answer.now - datetime.fromisoformat(stored["createdAt"])
        if stored["stalls"] is not None and stored["status"] != "CANCELING":
            return age >= timedelta(seconds=stored["stalls"])
        least = timedelta(seconds=0 if stored["status"] == "CANCELING" else stored["seconds"])
        return (age >= least and stored["seen"] >= stored["polls"]) or age >= least + _POLL_TIMEOUT

    def _next(self, answer: AdminRequest, stored: Document, work: BulkWorker, *, seen: bool) -> Document:
        """What changes of an operation that has not ended."""
        counted = {"objectCount": str(work.objects), "rootObjectCount": str(work.roots)}
        if self._due(answer, stored):
            stopped = stored["status"] == "CANCELING" or stored["stalls"] is not None
            if stopped:
                work.stop()
            if work.wait(0):
                status = "CANCELED" if stopped else "FAILED" if work.error else "COMPLETED"
                return {
                    "objectCount": str(work.objects),
                    "rootObjectCount": str(work.roots),
                    "status": status,
                    "errorCode": work.error if status == "FAILED" else None,
                    "completedAt": format_timestamp(answer.now),
                    "fileSize": str(work.size) if work.objects else None,
                }
        changes: Document = {"seen": stored["seen"] + seen}
        if stored["status"] == "CREATED" and seen:
            changes["status"] = "RUNNING"
        elif stored["status"] == "RUNNING" and stored["stalls"] is None:
            # recorded: the counters stand at 0 for a while, then they jump
            changes |= counted
        return changes

    def _aged(self, answer: AdminRequest, stored: Document) -> Document:
        """An ended operation; its file is kept for seven days."""
        if stored["status"] == "COMPLETED" and answer.now >= _until(stored):
            stored["status"] = "EXPIRED"
            self._save(answer.domain, stored)
            path_of(self._sandbox.store, stored["file"]).unlink(missing_ok=True)
        return stored

    def _shown(self, answer: AdminRequest, stored: Document) -> Document:
        shown = {**stored, "url": None, "partialDataUrl": None}
        if stored["status"] in {"COMPLETED", "FAILED", "CANCELED"} and stored["fileSize"] and stored["completedAt"]:
            name = "url" if stored["status"] == "COMPLETED" else "partialDataUrl"
            shown[name] = address(
                self._sandbox,
                answer.base_url,
                stored["file"],
                shown_as=f"bulk-{gid_number(stored)}.jsonl",
                until=_until(stored),
            )
        return shown

    def _save(self, shop: str, stored: Document) -> None:
        self._sandbox.store.put(PARTNER, shop, KIND, stored["id"], stored, at=stored["createdAt"])


def _fresh(gid: str, at: str) -> Document:
    """An operation as recorded just after it was submitted."""
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


def _number(shop: str, place: int) -> int:
    """The number of an operation: no two shops have the same."""
    return 7_000_000_000_000 + zlib.crc32(shop.encode()) % 1_000_000 * 100_000 + place


def _errors(*errors: Document) -> Document:
    return {"bulkOperation": None, "userErrors": list(errors)}
