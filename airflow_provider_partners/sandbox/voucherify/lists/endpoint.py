"""Answers Voucherify's lists: selects the records, takes one page, wraps it in the list's envelope.

One engine serves all lists: their tables hold the differences, and switches hold what the documentation leaves open.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_partners.sandbox.store import Document, Sandbox
from airflow_provider_partners.sandbox.voucherify.errors import INVALID_QUERY, invalid
from airflow_provider_partners.sandbox.voucherify.lists.cursors import Cursors
from airflow_provider_partners.sandbox.voucherify.lists.paths import Listing
from airflow_provider_partners.sandbox.voucherify.lists.selection import Selection
from airflow_provider_partners.sandbox.voucherify.query import Query, read_query
from airflow_provider_partners.sandbox.voucherify.records import PARTNER, Records, View, sorted_view


@dataclass(frozen=True, kw_only=True)
class Page:
    """The records of one page, and what the envelope says about the others."""

    records: list[Document]
    total: int
    has_more: bool


class Lists:
    """Answers lists."""

    def __init__(self, *, sandbox: Sandbox, records: Records) -> None:
        self._sandbox = sandbox
        self._records = records
        self._cursors = Cursors(sandbox)

    def list_page(self, listing: Listing, parents: Mapping[str, str], text: str) -> Document:
        """Return the body of one request.

        :param parents: values of the path's placeholders
        :param text: the query string
        :raises ApiError: 400 for the query, 404 for a parent
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
            view = self._records.view(listing.kind, scope, query.order)
            indexes = [index for index, record in enumerate(view.records) if selection.matches(record)]
            times = [view.times[index] for index in indexes] if view.times else []
            return View(records=[view.records[index] for index in indexes], times=times)

        return self._records.cached(("selected", query.identity(), selection.cache_key), listing.kind, scope, make)

    def _page(self, listing: Listing, view: View, query: Query) -> Page:
        total = len(view.records)
        if listing.paging == "single_shot":
            return Page(records=view.records, total=total, has_more=False)
        start = (query.page - 1) * query.limit if listing.paging == "page" else 0
        if "starting_after" in query.parameters:
            view, start = self._after_time(listing, view, query), 0
        elif "starting_after_id" in query.parameters:
            start = _after_id(view, query)
        records = view.records[start : start + query.limit]
        return Page(records=records, total=total, has_more=start + len(records) < len(view.records))

    def _after_time(self, listing: Listing, view: View, query: Query) -> View:
        """Return the records after a timestamp in the query's order; with newest first, these are the older ones.

        Voucherify does not document whether a record with exactly that timestamp follows.
        """
        at = query.timestamp("starting_after")
        if at is None:
            return view
        limit, descending = at.timestamp(), query.order.startswith("-")
        if not view.times:
            view = sorted_view(view.records, listing.kind, "-created_at")
            descending = True
        inclusive = self._sandbox.switches["voucherify.starting_after"] == "inclusive"
        times = [-each for each in view.times] if descending else view.times
        find = bisect.bisect_left if inclusive else bisect.bisect_right
        start = find(times, -limit if descending else limit)
        return View(records=view.records[start:], times=view.times[start:])

    def _by_cursor(self, listing: Listing, scope: str, query: Query) -> Document:
        token = query.text("cursor")
        if token is not None:
            query, last = self._cursors.resolve(token, listing, scope, query)
        view = self._selected(listing, scope, query)
        start = 0 if token is None else self._cursors.start_index(view.records, last)
        records = view.records[start : start + query.limit]
        has_more = start + len(records) < len(view.records)
        cursor = self._cursors.issue(listing, scope, query, records[-1]) if has_more else None
        return {"object": "list", "data": records, "cursor": cursor}

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
            body |= self._voucher_totals(scope)
        return body

    def _total(self, listing: Listing, scope: str, page: Page) -> int:
        if "include_total" in listing.parameters:
            # The total of templates counts all, regardless of filters: https://docs.voucherify.io/api-reference/listing
            return self._sandbox.store.count(PARTNER, scope, listing.kind)
        return page.total

    def _voucher_totals(self, code: str) -> Document:
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
    for index, record in enumerate(view.records):
        if record.get("id") == id_:
            return index + 1
    raise invalid(INVALID_QUERY, "Property .starting_after_id does not name a result of this list")
