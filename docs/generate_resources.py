"""Writes ``resources.md``: every list of every partner, from the tables that the clients are made of.

Run it after a change there, as ``python docs/generate_resources.py``. A test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_provider_partners.api.pagination.strategies import (
    ConnectionPaginator,
    LastIdPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
    TimestampPaginator,
    TokenPaginator,
)
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.api.shopify_admin import client as shopify_admin
from airflow_provider_partners.api.shopify_admin import query as shopify_admin_query
from airflow_provider_partners.api.shopify_admin.bulk.records import MAX_NODE_IDS
from airflow_provider_partners.api.shopify_admin.pages import MAX_SEARCH_RESULTS
from airflow_provider_partners.api.shopify_admin.search import COUNT_LIMIT
from airflow_provider_partners.api.shopify_partner import client as shopify_partner
from airflow_provider_partners.api.shopify_partner.model import PartnerResource
from airflow_provider_partners.api.voucherify import client as voucherify
from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS
from airflow_provider_partners.api.voucherify.resources.model import MAX_VALUES_PER_CONDITION, VoucherifyResource
from airflow_provider_partners.api.yofi import client as yofi
from airflow_provider_partners.api.yofi.query import IDS_PER_BATCH
from airflow_provider_partners.api.yofi.resources import YofiResource
from airflow_provider_partners.api.yotpo import client as yotpo
from airflow_provider_partners.api.yotpo.resources import MAX_LOOKUP_IDS, YotpoResource

PAGE = Path(__file__).parent / "resources.md"

WALKS: Mapping[type, str] = {
    PageNumberPaginator: "page number",
    LastIdPaginator: "last row's id",
    TimestampPaginator: "last row's time",
    ConnectionPaginator: "cursor",
    TokenPaginator: "cursor",
    SinglePagePaginator: "one answer",
}
"""How a list is walked, by its way of paging."""

HEAD = ("resource", "what it is", "walked by", "key", "time", "page", "beyond", "below")

INTRODUCTION = """# Resources

Every list that the provider reads, made from the clients' own declarations by `docs/generate_resources.py`. A list is
read whole or not at all, whatever its size: where a partner gives only so many rows, it is read in parts or in another
way, and where there is none, the task fails and says what to ask instead. Nothing is cut off silently.

| column | what it says |
|---|---|
| resource | the name, as the operators' `resource` and the clients' `extract` take it |
| walked by | what leads from a page to the next one |
| key | the fields that identify a row; a row that two pages repeat comes once |
| time | what `since` and `until` can bound; in bold what a task's window bounds without being told |
| page | rows of a page, by default and at most; and how many pages the partner serves, where these are limited |
| beyond | what happens to a list that is longer than its pages reach |
| below | the ids that must be given, in `match` (many) or `parents` (one each) |

A task's window, `match` and the other arguments are told in each partner's guide, how windows come about in
[Windows](windows.md).
"""


def page() -> str:
    """The page as it is to be."""
    sections = (INTRODUCTION, _yofi(), _partner(), _admin(), _voucherify(), _yotpo())
    return "\n".join(section.strip() + "\n" for section in sections)


def _yofi() -> str:
    rows: list[YofiResource] = list(yofi.RESOURCES.values())
    details = []
    for row in rows:
        relations = _names(row.relations)
        second = "the predictions' fields" if row.takes_prediction_filter else _names(row.prediction_filters)
        details.append((f"`{row.name}`", _names(row.filters), second, relations))
    return f"""
## Yofi

Ask with [`YofiExtractOperator`](guides/yofi.md), such as
`YofiExtractOperator(task_id="claims", resource="claims", shop="acme.myshopify.com")`.

Limits: Yofi documents none. The provider sends {yofi.REQUESTS_PER_SECOND:g} requests a second at most. Up to
{IDS_PER_BATCH} ids go into one request, more into several. A list has no last page.

{_lists(rows, beyond=_beyond_yofi)}
Filters, as RSQL text or from Python objects. A list of predictions is that of the other list's relation, row by row.

{_table(("resource", "`filters`", "`prediction_filter`", "`include`"), details)}"""


def _partner() -> str:
    rows: list[PartnerResource] = list(shopify_partner.RESOURCES.values())
    details = []
    for row in rows:
        taken = [
            *(name for name in row.variables if name not in {"since", "until"}),
            *(["shop"] if row.names_shop else []),
        ]
        versions = f"from {row.first_version}" if row.first_version else f"until {row.last_version}"
        needs = _names(row.required_arguments)
        known = versions if row.first_version or row.last_version else "all"
        details.append((f"`{row.name}`", _names(dict.fromkeys(taken)), needs, known))
    return f"""
## Shopify Partner

Ask with [`ShopifyPartnerExtractOperator`](guides/shopify_partner.md), such as
`ShopifyPartnerExtractOperator(task_id="installs", resource="app_events", app_id="gid://partners/App/1001")`.

Limits: Shopify takes 4 requests a second of one API client, the provider sends
{shopify_partner.REQUESTS_PER_SECOND:g}. A query has {shopify_partner.MAX_QUERY_LENGTH:,} characters at most. A connection
has no last page.

{_lists(rows, beyond=_beyond_partner)}
What narrows a list, what it can't do without, and the API versions that have it:

{_table(("resource", "arguments", "needed", "versions"), details)}"""


def _admin() -> str:
    rows = list(shopify_admin.RESOURCES.values())
    return f"""
## Shopify Admin

Ask with [`ShopifyAdminExtractOperator`](guides/shopify_admin.md), such as
`ShopifyAdminExtractOperator(task_id="orders", resource="orders", shop="acme.myshopify.com")`.

Limits: points instead of requests, {shopify_admin.RESTORE_RATE:g} a second and {shopify_admin.BUCKET_SIZE:,.0f} at once on
the standard plan; what each answer reports counts from then on. Shopify gives {MAX_SEARCH_RESULTS:,} objects of one search at
most, so a window with {COUNT_LIMIT:,} or more is read in pieces; `mode="auto"` has a bulk operation write such a window
into a file instead, which takes no points but for the fulfillments' lines ({MAX_NODE_IDS} fulfillments a request).

{_lists(rows, beyond=_beyond_admin)}
Filters: `query` takes any of Shopify's search syntax, such as `financial_status:paid`. `match={{"id": ids}}` reads
{shopify_admin_query.IDS_PER_QUERY} objects a request by their ids."""


def _voucherify() -> str:
    rows: list[VoucherifyResource] = list(voucherify.RESOURCES.values())
    parts = []
    for title, belongs in _GROUPS:
        members = [row for row in rows if belongs(row)]
        rows = [row for row in rows if row not in members]
        details = [
            (f"`{row.name}`", _names(row.parameters, in_order=True), _filters(row))
            for row in members
            if row.parameters or row.filters
        ]
        free = [row.name for row in members if row.allows_any_filter]
        parts += [f"### {title}\n\n{_lists(members, beyond=_beyond_voucherify)}"]
        if free:
            parts += [f"`filters` on any field, such as `metadata.color`: {_names(free)}.\n"]
        if details:
            parts += [_table(("resource", "`parameters`", "`filters`"), details)]
    exports = [
        (
            f"`{row.name}`" + ("" if row.name in voucherify.RESOURCES else " (by an export alone)"),
            _names(row.times),
            _names(row.fields),
        )
        for row in EXPORTS.values()
    ]
    body = "\n".join(parts)
    return f"""
## Voucherify

Ask with [`VoucherifyExtractOperator`](guides/voucherify.md), such as
`VoucherifyExtractOperator(task_id="vouchers", resource="vouchers", time_field="updated_at")`; below others with
`match={{"campaign_id": ids}}`, or `parents={{"program_id": id, "member_id": id}}`.

Limits: {voucherify.REQUESTS_PER_MINUTE:g} requests a minute unless the connection says otherwise, and what the answers'
headers tell, per minute, per hour and per billing cycle. The client-side API takes five requests in five seconds from
one address. A condition carries {MAX_VALUES_PER_CONDITION} values; more are asked for in several requests.

{body}
### Exports

`mode="export"`, or `mode="auto"` where an export alone can answer. An export has no bound. Rows have the fields asked
for by `fields`, as text; metadata as `metadata.x`.

{_table(("resource", "time", "`fields`"), exports)}"""


def _yotpo() -> str:
    rows: list[YotpoResource] = list(yotpo.RESOURCES.values())
    details = [(f"`{row.name}`", _names([*row.filters, *row.parents])) for row in rows if row.filters or row.parents]
    return f"""
## Yotpo

Ask with [`YotpoExtractOperator`](guides/yotpo.md), such as
`YotpoExtractOperator(task_id="orders", resource="orders", yotpo_conn_id="yotpo_acme")`.

Limits: Yotpo takes 5 requests a second of one store, the provider sends {yotpo.REQUESTS_PER_SECOND:g}. Up to
{MAX_LOOKUP_IDS} external ids are looked up in one request. A list has no last page.

{_lists(rows, beyond=_no_bound)}
{_table(("resource", "`match`"), details)}"""


def _beyond_yofi(row: YofiResource) -> str:
    return "no bound; a window is cut out of a walk, newest first" if row.sort_fields else "no bound"


def _beyond_partner(row: PartnerResource) -> str:
    return f"no bound; windows over {row.max_window.days} days are split" if row.max_window else "no bound"


def _beyond_admin(_: Resource) -> str:
    return f"from {COUNT_LIMIT:,}: bulk operation, or split by time"


def _no_bound(_: Resource) -> str:
    return "no bound"


def _beyond_voucherify(row: VoucherifyResource) -> str:
    if row.paging_style == "single_shot":
        return "comes whole"
    if isinstance(row.paginator, SinglePagePaginator):
        return f"{row.page_size:,}: error"
    if not row.max_page_number:
        return "no bound"
    ways = ["split by time"] if row.times else ["read on behind a time"] if row.scroll_param else []
    ways += ["export"] if row.exported_object else []
    return f"{row.page_size * row.max_page_number:,}: {' or '.join(ways) or 'error'}"


def _filters(row: VoucherifyResource) -> str:
    return "any field" if row.allows_any_filter else _names(row.filters)


_GROUPS: Sequence[tuple[str, Callable[[VoucherifyResource], bool]]] = (
    ("Promotions, customers, catalog, project", lambda row: row.path.startswith("/v1/") and "/loyal" not in row.path),
    ("Loyalty programs (second version)", lambda row: row.path.startswith("/v2/loyalties")),
    ("Loyalty campaigns (first version, which Voucherify advises against)", lambda row: "/loyalties" in row.path),
    ("Client-side API (a connection with `auth` = `client`)", lambda row: row.family == "client"),
    ("Management API (a connection with `auth` = `management`)", lambda row: row.family == "management"),
)


def _lists(rows: Iterable[Any], *, beyond: Callable[[Any], str]) -> str:
    """The table of some lists; columns that are empty are left out."""
    lines = [
        (
            f"`{row.name}`",
            row.doc + (" Deprecated." if getattr(row, "deprecated", False) and "/loyalties" not in row.path else ""),
            WALKS[type(row.paginator)],
            _names(row.key),
            _times(row),
            _sizes(row),
            beyond(row),
            _names(row.parents),
        )
        for row in rows
    ]
    kept = [place for place, _ in enumerate(HEAD) if any(line[place] for line in lines)]
    return _table([HEAD[place] for place in kept], [[line[place] for place in kept] for line in lines])


def _times(row: Any) -> str:
    if isinstance(row, VoucherifyResource):
        names = list(row.times)
    else:
        names = [name for name in (row.time_field or getattr(row, "date_field", ""),) if name]
    return ", ".join(f"**`{name}`**" if name == row.time_field else f"`{name}`" for name in names)


def _sizes(row: Resource) -> str:
    if isinstance(row.paginator, SinglePagePaginator) and not row.paginator.size_param:
        return ""
    most = row.max_page_size
    size = f"{row.page_size}" if most in {None, row.page_size} else f"{row.page_size}, up to {most}"
    return f"{size} x {row.max_page_number}" if row.max_page_number else size


def _names(names: Iterable[str], *, in_order: bool = False) -> str:
    return ", ".join(f"`{name}`" for name in (sorted(names) if in_order else names))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
