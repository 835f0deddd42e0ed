"""Answers Voucherify's lists: picks the rows, cuts the page in the list's way, wraps it in the list's envelope.

One engine for all lists: what differs is in their table, what is uncertain in the switches. It must not know how a
request came in.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_partners.sandbox.store import Document, Sandbox
from airflow_provider_partners.sandbox.voucherify.lists.cursors import Cursors
from airflow_provider_partners.sandbox.voucherify.lists.paths import Listing
from airflow_provider_partners.sandbox.voucherify.lists.selection import Selection
from airflow_provider_partners.sandbox.voucherify.query import Query, read_query
from airflow_provider_partners.sandbox.voucherify.records import PARTNER, Records, View, sorted_view
from airflow_provider_partners.sandbox.voucherify.errors import INVALID_QUERY, invalid


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows that are sent, and what is known of those that aren't."""

    records: list[Document]
    total: int
    has_more: bool


class Lists:
    """Answers lists.

    :param records: the rows
    """

    def __init__(self, *, sandbox: Sandbox, records: Records) -> None:
        self._sandbox = sandbox
        self._records = records
        self._cursors = Cursors(sandbox)

    def list_page(self, listing: Listing, parents: Mapping[str, str], text: str) -> Document:
        """The body that answers one request.

        :param parents: values of the path's placeholders
        :param text: the query string
        :raises Refused: 400 for the query, 404 for a parent
        """
        query = read_query(listing, text, self._sandbox.switches)
        scope = self._records.scope(listing, parents)
        if listing.paging == "cursor":
            return self._by_cursor(listing, scope, query)
        view = self._selected(listing, scope, query)
        page = self._page(listing, view, query)
        return self._envelope(listing, scope, page, query)

    def _selected(self, listing: Listing, scope: str, query: Query) -> View:
        selection = Selection(listing=listing, query=query, sandbox=self._sandbox)
        if not selection.tests:
            return self._records.view(listing.kind, scope, query.order)

        def make(_: list[Document]) -> View:
            whole = self._records.view(listing.kind, scope, query.order)
            kept = [number for number, row in enumerate(whole.records) if selection.matches(row)]
            times = [whole.times[number] for number in kept] if whole.times else []
            return View(records=[whole.records[number] for number in kept], times=times)

        return self._records.cached(("selected", query.identity(), selection.depends), listing.kind, scope, make)

    def _page(self, listing: Listing, view: View, query: Query) -> Page:
        total = len(view.records)
        if listing.paging == "whole":
            return Page(records=view.records, total=total, has_more=False)
        start = (query.page - 1) * query.limit if listing.paging == "page" else 0
        if "starting_after" in query.parameters:
            view, start = self._after_time(listing, view, query), 0
        elif "starting_after_id" in query.parameters:
            start = _after_id(view, query)
        rows = view.records[start : start + query.limit]
        return Page(records=rows, total=total, has_more=start + len(rows) < len(view.records))

    def _after_time(self, listing: Listing, view: View, query: Query) -> View:
        """What follows a time, in the order asked for: older where newest come first.

        Whether a row of that very time follows is not documented.
        """
        at = query.time("starting_after")
        if at is None:
            return view
        edge, descending = at.timestamp(), query.order.startswith("-")
        if not view.times:
            view = sorted_view(view.records, listing.kind, "-created_at")
            descending = True
        inclusive = self._sandbox.switches["voucherify.starting_after"] == "inclusive"
        times = [-each for each in view.times] if descending else view.times
        find = bisect.bisect_left if inclusive else bisect.bisect_right
        start = find(times, -edge if descending else edge)
        return View(records=view.records[start:], times=view.times[start:])

    def _by_cursor(self, listing: Listing, scope: str, query: Query) -> Document:
        token = query.text("cursor")
        if token is not None:
            query, last = self._cursors.resolve(token, listing, scope, query)
        view = self._selected(listing, scope, query)
        start = 0 if token is None else self._cursors.position(view.records, last)
        rows = view.records[start : start + query.limit]
        more = start + len(rows) < len(view.records)
        cursor = self._cursors.issue(listing, scope, query, rows[-1]) if more else None
        return {"object": "list", "data": rows, "cursor": cursor}

    def _envelope(self, listing: Listing, scope: str, page: Page, query: Query) -> Document:
        switches = self._sandbox.switches
        as_documented = switches["voucherify.data_ref_mismatch"]
        key = listing.key if as_documented else listing.data_ref or listing.key
        body: Document = {"object": "list"}
        if listing.data_ref is not None:
            body["data_ref"] = listing.data_ref
        body[key] = page.records
        optional = switches["voucherify.optional_members"]
        if _is_sent(listing.total, optional=optional) and _wants_total(listing, query):
            body["total"] = self._total(listing, scope, page)
        if _is_sent(listing.has_more, optional=optional):
            body["has_more"] = page.has_more
            if listing.paging == "id" and page.has_more:
                body["more_starting_after"] = page.records[-1]["id"]
        if listing.kind == "voucher_redemptions":
            body |= self._of_voucher(scope)
        return body

    def _total(self, listing: Listing, scope: str, page: Page) -> int:
        if "include_total" in listing.parameters:
            # The documentation says of templates: of all, regardless of filters.
            return self._sandbox.store.count(PARTNER, scope, listing.kind)
        return page.total

    def _of_voucher(self, code: str) -> Document:
        voucher = self._records.find("vouchers", "", code, ("code",)) or {}
        redemption: dict[str, Any] = voucher.get("redemption") or {}
        return {
            "quantity": redemption.get("quantity"),
            "redeemed_quantity": redemption.get("redeemed_quantity") or 0,
            "url": f"/v1/vouchers/{code}/redemptions?page=1&limit=10",
        }


def _is_sent(presence: str, *, optional: bool) -> bool:
    return presence == "required" or (presence == "optional" and optional)


def _wants_total(listing: Listing, query: Query) -> bool:
    return "include_total" not in listing.parameters or query.text("include_total") == "true"


def _after_id(view: View, query: Query) -> int:
    id_ = query.text("starting_after_id")
    for number, row in enumerate(view.records):
        if row.get("id") == id_:
            return number + 1
    raise invalid(INVALID_QUERY, "Property .starting_after_id does not name a result of this list")
