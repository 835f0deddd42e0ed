"""A list of Voucherify's API as a value: its path, its paging, its sort orders, its envelope."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar
from urllib.parse import unquote

Presence = Literal["required", "optional", "absent"]
#: ``limit_only`` has a limit but no second page; ``single_shot`` returns everything at once.
Paging = Literal["page", "id", "cursor", "limit_only", "single_shot"]

TIMES = ("created_at", "updated_at")
#: Sort fields of products and collections. Voucherify's enumeration includes fields that only vouchers have.
PRODUCT_SORT_FIELDS = (*TIMES, "type", "code", "campaign", "category")
#: Fields that are sorted as timestamps.
TIME_FIELDS = frozenset({*TIMES, "date", "expiration_date"})


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One list.

    :param kind: kind of its records in the store
    :param key: the envelope's key of the records
    :param data_ref: the envelope's ``data_ref``; ``None`` without it
    :param order: sort fields, each one ascending or descending
    :param default: order of a request without ``order``; empty: as stored
    :param page_max: highest ``page``; ``None`` without a maximum
    :param parameters: accepted parameters, without brackets; others are ignored
    """

    path: str
    kind: str
    paging: Paging
    key: str = "data"
    data_ref: str | None = "data"
    order: tuple[str, ...] = ()
    default: str = ""
    page_max: int | None = None
    total: Presence = "required"
    has_more: Presence = "absent"
    parameters: frozenset[str] = frozenset()

    @property
    def orders(self) -> tuple[str, ...]:
        """Every value of ``order``."""
        return tuple(sign + name for name in self.order for sign in ("", "-"))


def _make_listing(
    path: str,
    kind: str,
    paging: Paging,
    parameters: Iterable[str],
    *,
    key: str,
    data_ref: str | None = "",
    order: tuple[str, ...],
    default: str,
    total: Presence,
    has_more: Presence,
    page_max: int | None = None,
) -> Listing:
    return Listing(
        path=path,
        kind=kind,
        paging=paging,
        key=key,
        data_ref=key if data_ref == "" else data_ref,
        order=order,
        default=default,
        page_max=page_max,
        total=total,
        has_more=has_more,
        parameters=frozenset(parameters),
    )


def by_page(
    path: str,
    kind: str,
    *,
    key: str = "data",
    data_ref: str | None = "",
    order: tuple[str, ...] = (),
    page_max: int | None = 100,
    total: Presence = "required",
    has_more: Presence = "absent",
    also: Sequence[str] = (),
) -> Listing:
    """Return a list with ``page``, newest first by default."""
    return _make_listing(
        path,
        kind,
        "page",
        {"limit", "page", "order", *also},
        key=key,
        data_ref=data_ref,
        order=order,
        default="-created_at",
        total=total,
        has_more=has_more,
        page_max=page_max,
    )


def by_ids(
    path: str,
    kind: str,
    *,
    key: str = "data",
    order: tuple[str, ...] = ("id",),
    total: Presence = "absent",
    has_more: Presence = "required",
    also: Sequence[str] = (),
) -> Listing:
    """Return a list with ``starting_after_id``."""
    return _make_listing(
        path,
        kind,
        "id",
        {"limit", "order", "starting_after_id", *also},
        key=key,
        order=order,
        default=f"-{order[0]}",
        total=total,
        has_more=has_more,
    )


def by_cursor(
    path: str, kind: str, *, order: tuple[str, ...] = ("created_at",), also: Sequence[str] = ("filters",)
) -> Listing:
    """Return a list of the second loyalty API, with ``cursor``."""
    default = "-created_at" if "created_at" in order else order[0]
    return _make_listing(
        path,
        kind,
        "cursor",
        {"limit", "order", "cursor", *also},
        key="data",
        data_ref=None,
        order=order,
        default=default,
        total="absent",
        has_more="absent",
    )


def limit_only(
    path: str,
    kind: str,
    *,
    key: str = "data",
    data_ref: str | None = "",
    order: tuple[str, ...] = (),
    total: Presence = "required",
    has_more: Presence = "absent",
    also: Sequence[str] = (),
) -> Listing:
    """Return a list with ``limit`` alone. Only its filters reach records beyond the limit."""
    return _make_listing(
        path,
        kind,
        "limit_only",
        {"limit", "order", *also},
        key=key,
        data_ref=data_ref,
        order=order,
        default="" if order and "created_at" not in order else "-created_at",
        total=total,
        has_more=has_more,
    )


def single_shot(
    path: str,
    kind: str,
    *,
    key: str = "data",
    total: Presence = "required",
    has_more: Presence = "absent",
    also: Sequence[str] = (),
) -> Listing:
    """Return a list that sends all its records at once."""
    return _make_listing(path, kind, "single_shot", also, key=key, order=(), default="", total=total, has_more=has_more)


class HasPath(Protocol):
    """An object with a path."""

    @property
    def path(self) -> str:
        """The path with placeholders, ``/v1/vouchers/{code}``."""


HasPathT = TypeVar("HasPathT", bound=HasPath)


def segments(raw: str) -> list[str]:
    """Return the decoded parts of a raw path. An escaped slash stays in its part: a shop's id may contain one.

    >>> segments("/v1/customers/a%2Fb")
    ['v1', 'customers', 'a/b']
    """
    return [unquote(part) for part in raw.strip("/").split("/")]


def match_path(template: str, parts: Sequence[str]) -> dict[str, str] | None:
    """Return the values of a template's placeholders, or ``None`` for another path.

    >>> match_path("/v1/vouchers/{code}/redemption", ["v1", "vouchers", "SPRING", "redemption"])
    {'code': 'SPRING'}
    """
    steps = template.strip("/").split("/")
    if len(steps) != len(parts):
        return None
    values: dict[str, str] = {}
    for step, part in zip(steps, parts, strict=True):
        if step.startswith("{"):
            if not part:
                return None
            values[step.strip("{}")] = part
        elif step != part:
            return None
    return values


def most_literal_first(table: Iterable[HasPathT]) -> list[HasPathT]:
    """Return a table in matching order: ``/v1/loyalties/members/…`` before ``/v1/loyalties/{campaignId}/…``."""
    return sorted(table, key=lambda each: [step.startswith("{") for step in each.path.strip("/").split("/")])


def placeholders(template: str) -> list[str]:
    """Return the names of a template's placeholders, in order."""
    return re.findall(r"\{(\w+)\}", template)
