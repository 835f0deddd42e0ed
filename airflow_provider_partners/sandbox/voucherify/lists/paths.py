"""Paths of Voucherify's API and what a list is: how it is paged, ordered and wrapped.

The tables of the lists and of the single objects are written with these words. It must not know any of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar
from urllib.parse import unquote

Presence = Literal["required", "optional", "absent"]
Paging = Literal["page", "id", "cursor", "some", "whole"]

TIMES = ("created_at", "updated_at")
#: Products and their collections are ordered by what vouchers have, too: the enumeration is shared.
CATALOGUE = (*TIMES, "type", "code", "campaign", "category")
#: Names of the fields that hold times, to be ordered as such.
TIME_FIELDS = frozenset({*TIMES, "date", "expiration_date"})


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One list.

    :param kind: of its rows in the store
    :param key: under which the array of rows is
    :param data_ref: what the envelope says of that; ``None`` where it says nothing
    :param order: fields to order by, either way
    :param default: the order when none is asked for; empty: as the rows came in
    :param page_max: the last page that may be asked for, if there is one
    :param parameters: that it takes, by the name before any bracket; others are ignored
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


def _listing(
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
    """A list with ``page``, newest first unless asked otherwise."""
    return _listing(
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
    """A list with ``starting_after_id``."""
    return _listing(
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
    """A list of the second loyalty API, with ``cursor``."""
    default = "-created_at" if "created_at" in order else order[0]
    return _listing(
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


def without_page(
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
    """A list with ``limit`` alone: what lies beyond is reached by its filters or dates, if at all."""
    return _listing(
        path,
        kind,
        "some",
        {"limit", "order", *also},
        key=key,
        data_ref=data_ref,
        order=order,
        default="" if order and "created_at" not in order else "-created_at",
        total=total,
        has_more=has_more,
    )


def unpaged(
    path: str,
    kind: str,
    *,
    key: str = "data",
    total: Presence = "required",
    has_more: Presence = "absent",
    also: Sequence[str] = (),
) -> Listing:
    """A list that comes at once."""
    return _listing(path, kind, "whole", also, key=key, order=(), default="", total=total, has_more=has_more)


class HasPath(Protocol):
    """Something that stands at a path."""

    @property
    def path(self) -> str:
        """With placeholders, ``/v1/vouchers/{code}``."""


Found = TypeVar("Found", bound=HasPath)


def segments(raw: str) -> list[str]:
    """The parts of a path as it was sent; an escaped slash stays in its part, as ids of a shop may have one.

    >>> segments("/v1/customers/a%2Fb")
    ['v1', 'customers', 'a/b']
    """
    return [unquote(part) for part in raw.strip("/").split("/")]


def match_path(template: str, parts: Sequence[str]) -> dict[str, str] | None:
    """The values of a template's placeholders, or ``None`` if the path is another.

    >>> matches("/v1/vouchers/{code}/redemption", ["v1", "vouchers", "SPRING", "redemption"])
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


def most_literal_first(table: Iterable[Found]) -> list[Found]:
    """The table in the order of asking: ``/v1/loyalties/members/…`` before ``/v1/loyalties/{campaignId}/…``."""
    return sorted(table, key=lambda each: [step.startswith("{") for step in each.path.strip("/").split("/")])


def placeholders(template: str) -> list[str]:
    """Names of the placeholders in their order."""
    return re.findall(r"\{(\w+)\}", template)


def fill_path(template: str, values: Mapping[str, str]) -> str:
    """The scope under which a list's rows are kept: its parents' ids joined by slashes."""
    return "/".join(values[name] for name in placeholders(template))
