"""Which shop goes where: the Variable ``partner_shop_routes`` read and checked, and the lanes of a run.

A lane is a shop with the connections of its four partners. Knows no Airflow: the Dag hands in the Variable's
text, the shops that have the app installed, and the shops that were asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from airflow_provider_partners.api.shopify_shops import shop_domain
from airflow_provider_partners.exceptions import ConfigurationError

VARIABLE = "partner_shop_routes"
EXAMPLE = (
    '[{"shop": "a.myshopify.com", "shopify_conn_id": "shopify_a", "yofi_conn_id": "yofi_a", '
    '"yotpo_conn_id": "yotpo_a"}]'
)
REMEDY = f"Set it to a JSON list of routes, such as {EXAMPLE}."


class Route(BaseModel):
    """One shop's way through the partners.

    :param shop: its permanent domain
    :param shopify_conn_id: connection of type ``shopify_admin``
    :param yofi_conn_id: connection of type ``yofi``
    :param yotpo_conn_id: connection of type ``yotpo``
    :param voucherify_conn_id: connection of type ``voucherify``, for shops that use it
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    shop: str
    shopify_conn_id: str = Field(min_length=1)
    yofi_conn_id: str = Field(min_length=1)
    yotpo_conn_id: str = Field(min_length=1)
    voucherify_conn_id: str | None = Field(default=None, min_length=1)

    @field_validator("shop", mode="after")
    @classmethod
    def _one_spelling(cls, shop: str) -> str:
        try:
            return shop_domain(shop)
        except ConfigurationError as error:
            raise ValueError(error.message) from None


@dataclass(frozen=True, slots=True)
class Lanes:
    """What a run takes, and what it leaves out.

    :param lanes: one mapping per shop, with the fields of :class:`Route`
    :param left_out: routed shops that don't have the app installed
    :param unrouted: shops that have it installed, but no route
    """

    lanes: list[dict[str, str | None]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    unrouted: list[str] = field(default_factory=list)


def parse_routes(value: Any) -> list[Route]:
    """The routes of the Variable.

    :param value: its text, or the list itself; ``None`` where it isn't set
    :raises ConfigurationError: one line that names the field and the remedy
    """
    if value is None or value == "":
        _refuse("isn't set", REMEDY)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            _refuse(f"is not JSON ({error})", REMEDY)
    if not isinstance(value, Sequence) or isinstance(value, str):
        _refuse("is not a list", REMEDY)
    routes = [_route(number, entry) for number, entry in enumerate(value, start=1)]
    first: dict[str, int] = {}
    for number, route in enumerate(routes, start=1):
        if route.shop in first:
            what = f"routes the shop '{route.shop}' twice, in the routes {first[route.shop]} and {number}"
            _refuse(what, "Keep one of them ('shop' has to be unique).")
        first[route.shop] = number
    return routes


def lanes(routes: Sequence[Route], *, installed: Iterable[str] | None = None, shops: Any = None) -> Lanes:
    """The lanes of a run.

    :param routes: every route
    :param installed: shops that have the app installed; ``None`` when that wasn't asked: then every route
        counts
    :param shops: the shops that were asked for; nothing means all
    :raises ConfigurationError: when a shop is asked for that has no route
    """
    by_shop = {route.shop: route for route in routes}
    wanted = _wanted(shops)
    if missing := [shop for shop in wanted if shop not in by_shop]:
        message = f"The param 'shops' asks for shops without a route: {', '.join(missing)}"
        known = ", ".join(sorted(by_shop)) or "none"
        raise ConfigurationError(message, remedy=f"Add them to the Variable '{VARIABLE}'. It routes: {known}.")
    chosen = [by_shop[shop] for shop in wanted] or list(routes)
    if installed is None:
        return Lanes(lanes=[route.model_dump() for route in chosen])
    present = {shop_domain(shop) for shop in installed}
    return Lanes(
        lanes=[route.model_dump() for route in chosen if route.shop in present],
        left_out=[route.shop for route in chosen if route.shop not in present],
        unrouted=sorted(present - set(by_shop)),
    )


def _wanted(shops: Any) -> list[str]:
    if shops is None or shops == "" or shops == "None":
        return []
    if isinstance(shops, str) or not isinstance(shops, Sequence):
        message = "The param 'shops' is not a list"
        raise ConfigurationError(message, remedy='Write it as ["a.myshopify.com"].')
    return list(dict.fromkeys(shop_domain(shop) for shop in shops))


def _route(number: int, entry: Any) -> Route:
    if not isinstance(entry, Mapping):
        _refuse(f"has a route {number} that is not an object", REMEDY)
    try:
        return Route.model_validate(dict(entry))
    except ValidationError as error:
        problems = "; ".join(
            f"'{'.'.join(map(str, found['loc']))}' {_WORDS.get(found['type'], found['msg'])}"
            for found in error.errors(include_url=False, include_input=False)
        )
        shop = entry.get("shop")
        named = f" ({shop})" if isinstance(shop, str) and shop else ""
        known = ", ".join(Route.model_fields)
        _refuse(f"has a wrong route {number}{named}: {problems}", f"A route's fields are: {known}.")


_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "string_type": "is not text",
    "string_too_short": "is empty",
}


def _refuse(what: str, remedy: str) -> NoReturn:
    message = f"The Variable '{VARIABLE}' {what}"
    raise ConfigurationError(message, remedy=remedy) from None
