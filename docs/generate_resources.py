"""Write ``resources.md``: every list of every partner, from the clients' tables of resources.

Run it after a change there: ``python docs/generate_resources.py``. A test checks that the page is current.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_provider_partners.api import shopify_admin, shopify_partner, voucherify, yofi, yotpo
from airflow_provider_partners.api.pagination.strategies import (
    ConnectionPaginator,
    LastIdPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
    TimestampPaginator,
    TokenPaginator,
)
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.api.shopify_admin import query as shopify_admin_query
from airflow_provider_partners.api.shopify_admin.bulk.records import MAX_NODE_IDS
from airflow_provider_partners.api.shopify_admin.client import BUCKET_SIZE, RESTORE_RATE
from airflow_provider_partners.api.shopify_admin.pages import MAX_SEARCH_RESULTS
from airflow_provider_partners.api.shopify_admin.resources.model import AdminResource
from airflow_provider_partners.api.shopify_admin.search import COUNT_LIMIT
from airflow_provider_partners.api.shopify_partner.client import MAX_QUERY_LENGTH
from airflow_provider_partners.api.shopify_partner.client import REQUESTS_PER_SECOND as PARTNER_RATE
from airflow_provider_partners.api.shopify_partner.model import PartnerResource
from airflow_provider_partners.api.voucherify.client import REQUESTS_PER_MINUTE as VOUCHERIFY_RATE
from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS
from airflow_provider_partners.api.voucherify.resources.model import MAX_VALUES_PER_CONDITION, VoucherifyResource
from airflow_provider_partners.api.yofi.client import REQUESTS_PER_SECOND as YOFI_RATE
from airflow_provider_partners.api.yofi.query import IDS_PER_BATCH
from airflow_provider_partners.api.yofi.resources import YofiResource
from airflow_provider_partners.api.yotpo.client import REQUESTS_PER_SECOND as YOTPO_RATE
from airflow_provider_partners.api.yotpo.resources import MAX_LOOKUP_IDS, YotpoResource

PAGE = Path(__file__).parent / "resources.md"

PAGING: Mapping[type, str] = {
    PageNumberPaginator: "page number",
    LastIdPaginator: "last record's id",
    TimestampPaginator: "last record's time",
    ConnectionPaginator: "cursor",
    TokenPaginator: "cursor",
    SinglePagePaginator: "one response",
}
"""Name of the paging, by the class of the paginator."""

HEAD = ("resource", "what it is", "paging", "key", "time", "page", "longer lists", "parents")

INTRODUCTION = """# Resources

Every list that the provider reads. `docs/generate_resources.py` writes this page from the clients' own tables.

The provider reads a list completely or not at all. If a partner serves only a part of a long list, the client splits
the list or uses another way. If there is no other way, the task fails and says what to do. It never cuts a list off
silently.

| column | meaning |
|---|---|
| resource | the name, for the operators' `resource` and the clients' `extract` |
| paging | how the client finds the next page |
| key | the fields that identify a record; a record that two pages repeat comes once |
| time | the fields that `since` and `until` can filter; bold: the one that a task's window filters by default |
| page | records per page, by default and at most; then the number of pages that the partner serves, if it is limited |
| longer lists | what happens to a list that is longer than its pages reach |
| parents | the ids that the list needs, in `match` (many) or `parents` (one each) |

Each partner's guide explains the arguments. [Windows](explanation/windows.md) explains which window a task takes.
"""


def page() -> str:
    """Return the page."""
    sections = (INTRODUCTION, _yofi(), _partner(), _admin(), _voucherify(), _yotpo())
    return "\n".join(section.strip() + "\n" for section in sections)


def _yofi() -> str:
    resources: list[YofiResource] = list(yofi.RESOURCES.values())
    details = []
    for resource in resources:
        relations = _names(resource.relations)
        second = "the predictions' fields" if resource.takes_prediction_filter else _names(resource.prediction_filters)
        details.append((f"`{resource.name}`", _names(resource.filters), second, relations))
    return f"""
## Yofi

Operator: [`YofiExtractOperator`](guides/yofi.md), such as
`YofiExtractOperator(task_id="claims", resource="claims", shop="acme.myshopify.com")`.

Limits: Yofi documents none. The provider sends at most {YOFI_RATE:g} requests per second. One request
takes up to {IDS_PER_BATCH} ids. The number of pages is not limited.

{_lists(resources, longer=_longer_yofi)}
Filters are RSQL text or Python objects. A list of predictions contains the predictions of returns or customers, one
record each.

{_table(("resource", "`filters`", "`prediction_filter`", "`include`"), details)}"""


def _partner() -> str:
    resources: list[PartnerResource] = list(shopify_partner.RESOURCES.values())
    details = []
    for resource in resources:
        filters = [
            *(name for name in resource.variables if name not in {"since", "until"}),
            *(["shop"] if resource.names_shop else []),
        ]
        versions = f"from {resource.first_version}" if resource.first_version else f"until {resource.last_version}"
        needs = _names(resource.required_arguments)
        known = versions if resource.first_version or resource.last_version else "all"
        permissions = ", ".join(resource.permissions)
        details.append((f"`{resource.name}`", _names(dict.fromkeys(filters)), needs, permissions, known))
    return f"""
## Shopify Partner

Operator: [`ShopifyPartnerExtractOperator`](guides/shopify_partner.md), such as
`ShopifyPartnerExtractOperator(task_id="installs", resource="app_events", app_id="gid://partners/App/1001")`.

Limits: Shopify allows 4 requests per second and API client; the provider sends
{PARTNER_RATE:g}. A query has at most {MAX_QUERY_LENGTH:,} characters. The number
of pages is not limited.

{_lists(resources, longer=_longer_partner)}
The filters of each list, its required arguments, the permissions that the API client needs, and the API versions that
have it. Transactions need "Manage apps" for their apps:

{_table(("resource", "filters", "required", "permissions", "versions"), details)}"""


def _admin() -> str:
    resources = list(shopify_admin.RESOURCES.values())
    details = [
        (
            f"`{resource.name}`",
            _names([*(["id"] if resource.by_id and not resource.parts else []), *filter(None, [resource.parent_key])]),
            "yes" if resource.bulk else "no",
            _names(resource.scopes),
            _names(resource.personal),
        )
        for resource in resources
    ]
    return f"""
## Shopify Admin

Operator: [`ShopifyAdminExtractOperator`](guides/shopify_admin.md), such as
`ShopifyAdminExtractOperator(task_id="orders", resource="orders", shop="acme.myshopify.com")`.

Limits: Shopify counts points instead of requests. The standard plan has {RESTORE_RATE:g} per second, and
{BUCKET_SIZE:,.0f} at once; each response reports the shop's own figures. Shopify returns at most
{MAX_SEARCH_RESULTS:,} objects per search, so the client splits a window with {COUNT_LIMIT:,} objects or more, or
goes on after the last id. With `mode="auto"` a bulk operation writes such a window into a file instead. It costs no
points, except for connections inside of plain lists, such as the lines of fulfillments ({MAX_NODE_IDS} objects per
request).

{_lists(resources, longer=_longer_admin)}
A time that is not bold filters on this machine: Shopify cannot search the list by it, so a run reads the whole list. By
default such a list is read without a window.

Filters: `query` takes Shopify's search syntax, such as `financial_status:paid`. `match={{"id": ids}}` reads
{shopify_admin_query.IDS_PER_QUERY} objects per request by their ids.

{_table(("resource", "`match`", "bulk operation", "scopes", "left out by `personal_data=False`"), details)}
A list with `customer` among its personal data also needs the scope `read_customers`, unless you leave these fields
out."""


def _voucherify() -> str:
    resources: list[VoucherifyResource] = list(voucherify.RESOURCES.values())
    scopes = sorted({scope for resource in resources if (scope := resource.oauth_scope)})
    parts = []
    for title, belongs in _GROUPS:
        members = [resource for resource in resources if belongs(resource)]
        resources = [resource for resource in resources if resource not in members]
        details = [
            (f"`{resource.name}`", _starred(sorted(resource.parameters), resource.undescribed), _filters(resource))
            for resource in members
            if resource.parameters or resource.filters
        ]
        free = [resource.name for resource in members if resource.allows_any_filter]
        parts += [f"### {title}\n\n{_lists(members, longer=_longer_voucherify)}"]
        if free:
            parts += [f"`filters` on any field, such as `metadata.color`: {_names(free)}.\n"]
        if details:
            parts += [_table(("resource", "`parameters`", "`filters`"), details)]
    exports = [
        (
            f"`{resource.name}`" + ("" if resource.name in voucherify.RESOURCES else " (an export only)"),
            _names(resource.times),
            _names(resource.fields),
        )
        for resource in EXPORTS.values()
    ]
    body = "\n".join(parts)
    return f"""
## Voucherify

Operator: [`VoucherifyExtractOperator`](guides/voucherify.md), such as
`VoucherifyExtractOperator(task_id="vouchers", resource="vouchers", time_field="updated_at")`. A nested list also needs
`match={{"campaign_id": ids}}`, or `parents={{"program_id": id, "member_id": id}}`.

Permissions: the role of the key needs the permission to read a list. An OAuth token needs the scope `api`, or that of
the list: {_names(scopes)}. A nested list has the scope of the list around it.

Limits: {VOUCHERIFY_RATE:g} requests per minute unless the connection sets another number, and the limits
in the response headers: per minute, per hour and per billing cycle. The client-side API allows five requests in five
seconds from one address. One request takes {MAX_VALUES_PER_CONDITION} values per condition; the client sends more in
several requests.

Every list takes `created_at` in `parameters`, with `after`, `before` or both, and `since` and `until`. A star marks
what only [Voucherify's page on lists](https://docs.voucherify.io/api-reference/listing) documents, not the newer
description. It is sent as that page shows it, and one warning says so. The same holds for `created_at` where the column
`time` doesn't have it: the client then also leaves out the records outside of the range.

{body}
### Exports

Use `mode="export"`, or `mode="auto"`, which uses an export only if pages don't reach the end. An export has no size
limit. Its records have the fields that `fields` names, as text. A metadata field is `metadata.x`.

{_table(("resource", "time", "`fields`"), exports)}"""


def _yotpo() -> str:
    resources: list[YotpoResource] = list(yotpo.RESOURCES.values())
    details = [
        (f"`{resource.name}`", _names([*resource.filters, *resource.parents]))
        for resource in resources
        if resource.filters or resource.parents
    ]
    return f"""
## Yotpo

Operator: [`YotpoExtractOperator`](guides/yotpo.md), such as
`YotpoExtractOperator(task_id="orders", resource="orders", yotpo_conn_id="yotpo_acme")`.

Limits: Yotpo allows 5 requests per second and store; the provider sends {YOTPO_RATE:g}. One request
looks up at most {MAX_LOOKUP_IDS} external ids. The number of pages is not limited. Reviews and unsubscribers belong to
Yotpo's older API. The provider reads its pages until one is empty.

{_lists(resources, longer=_no_limit)}
{_table(("resource", "`match`"), details)}"""


def _longer_yofi(resource: YofiResource) -> str:
    return "no limit; a window is read by a newest-first walk" if resource.sort_fields else "no limit"


def _longer_partner(resource: PartnerResource) -> str:
    return f"no limit; windows over {resource.max_window.days} days are split" if resource.max_window else "no limit"


def _longer_admin(resource: AdminResource) -> str:
    if resource.is_single or resource.parts:
        return "no limit"
    if resource.per_parent:
        return f"from {MAX_SEARCH_RESULTS:,} per object on: bulk operation, or error"
    if resource.is_ordered_by_id:
        return "bulk operation, or continued after the last id"
    return f"from {COUNT_LIMIT:,} on: {'bulk operation, or ' if resource.bulk else ''}split by time"


def _no_limit(_: Resource) -> str:
    return "no limit"


def _longer_voucherify(resource: VoucherifyResource) -> str:
    if resource.paging_style == "single_shot":
        return "comes in one response"
    if isinstance(resource.paginator, SinglePagePaginator):
        return f"{resource.page_size:,}: error"
    if not resource.max_page_number:
        return "no limit"
    ways = ["split by time"] if resource.times else ["continued from the last time"] if resource.scroll_param else []
    ways += ["export"] if resource.exported_object else []
    return f"{resource.page_size * resource.max_page_number:,}: {' or '.join(ways) or 'error'}"


def _filters(resource: VoucherifyResource) -> str:
    if resource.allows_any_filter:
        return "any field" + (" \\*" if resource.undescribed_filters else "")
    page_only = set(resource.filters) if "*" in resource.undescribed_filters else resource.undescribed_filters
    return _starred(resource.filters, page_only)


def _starred(names: Iterable[str], page_only: Collection[str]) -> str:
    """Return names, with a star at those that only Voucherify's page on lists documents."""
    return ", ".join(f"`{name}`" + (" \\*" if name in page_only else "") for name in names)


_GROUPS: Sequence[tuple[str, Callable[[VoucherifyResource], bool]]] = (
    (
        "Promotions, customers, catalog, project",
        lambda resource: resource.path.startswith("/v1/") and "/loyal" not in resource.path,
    ),
    ("Loyalty programs (second version)", lambda resource: resource.path.startswith("/v2/loyalties")),
    ("Loyalty campaigns (first version, which Voucherify deprecates)", lambda resource: "/loyalties" in resource.path),
    ("Client-side API (a connection with `auth` = `client`)", lambda resource: resource.family == "client"),
    ("Management API (a connection with `auth` = `management`)", lambda resource: resource.family == "management"),
)


def _lists(resources: Iterable[Any], *, longer: Callable[[Any], str]) -> str:
    """Return the table of some lists, without empty columns."""
    lines = [
        (
            f"`{resource.name}`",
            resource.doc
            + (" Deprecated." if getattr(resource, "deprecated", False) and "/loyalties" not in resource.path else ""),
            PAGING[type(resource.paginator)],
            _names(resource.key),
            _times(resource),
            _sizes(resource),
            longer(resource),
            _names(resource.parents),
        )
        for resource in resources
    ]
    shown = [column for column, _ in enumerate(HEAD) if any(line[column] for line in lines)]
    return _table([HEAD[column] for column in shown], [[line[column] for column in shown] for line in lines])


def _times(resource: Any) -> str:
    if isinstance(resource, VoucherifyResource):
        names = list(resource.times)
    elif isinstance(resource, YotpoResource):
        names = list(resource.time_params)
    else:
        others = (getattr(resource, name, "") for name in ("date_field", "client_time_field"))
        names = [name for name in (resource.time_field, *others) if name][:1]
    return ", ".join(f"**`{name}`**" if name == resource.time_field else f"`{name}`" for name in names)


def _sizes(resource: Resource) -> str:
    if isinstance(resource.paginator, SinglePagePaginator) and not resource.paginator.size_param:
        return ""
    most = resource.max_page_size
    size = f"{resource.page_size}" if most in {None, resource.page_size} else f"{resource.page_size}, up to {most}"
    return f"{size} x {resource.max_page_number}" if resource.max_page_number else size


def _names(names: Iterable[str], *, in_order: bool = False) -> str:
    return ", ".join(f"`{name}`" for name in (sorted(names) if in_order else names))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
