"""The routes of the shops: parse and validate the Variable ``partner_shop_routes``, and select the lanes of a run.

A lane is a shop with its connections of the four partners. This module knows no Airflow: the Dag hands in the
Variable's text, the shops that have the app installed, and the requested shops.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.exceptions import ConfigurationError

__all__ = [
    "ROUTES_REMEDY",
    "ROUTES_VARIABLE",
    "Route",
    "SelectedShops",
    "parse_routes",
    "requested_shops",
    "select_lanes",
]

ROUTES_VARIABLE = "partner_shop_routes"
_EXAMPLE = (
    '[{"shop": "a.myshopify.com", "shopify_conn_id": "shopify_a", "yofi_conn_id": "yofi_a", '
    '"yotpo_conn_id": "yotpo_a"}]'
)
ROUTES_REMEDY = f"Set it to a JSON list of routes, such as {_EXAMPLE}."


class Route(BaseModel):
    """A shop with its connections.

    :param shop: the shop's permanent domain
    :param shopify_admin_conn_id: connection of type ``shopify_admin``; the Variable calls it ``shopify_conn_id``
    :param yofi_conn_id: connection of type ``yofi``
    :param yotpo_conn_id: connection of type ``yotpo``
    :param voucherify_conn_id: connection of type ``voucherify``, for shops that use it
    :param personal_data: whether customers' data are read from Shopify; false for a shop whose app may not read them
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    shop: str
    shopify_admin_conn_id: str = Field(min_length=1, validation_alias="shopify_conn_id")
    yofi_conn_id: str = Field(min_length=1)
    yotpo_conn_id: str = Field(min_length=1)
    voucherify_conn_id: str | None = Field(default=None, min_length=1)
    personal_data: bool = True

    @field_validator("shop", mode="after")
    @classmethod
    def _normalize_shop(cls, shop: str) -> str:
        try:
            return shop_domain(shop)
        except ConfigurationError as error:
            raise ValueError(error.message) from None


@dataclass(frozen=True, slots=True)
class SelectedShops:
    """The shops of a run, and the shops that it skips.

    :param lanes: one mapping per shop, with the fields of :class:`Route`
    :param not_installed: routed shops without the app
    :param without_route: shops with the app, but without a route
    """

    lanes: list[dict[str, Any]] = field(default_factory=list)
    not_installed: list[str] = field(default_factory=list)
    without_route: list[str] = field(default_factory=list)


def parse_routes(value: Any) -> list[Route]:
    """Return the routes in the Variable.

    :param value: the Variable's text, or the list itself
    :raises ConfigurationError: with the wrong field and the remedy, in one line
    """
    if value is None or value == "":
        _raise_invalid("is empty", ROUTES_REMEDY)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            _raise_invalid(f"is not JSON ({error})", ROUTES_REMEDY)
    if not isinstance(value, Sequence) or isinstance(value, str):
        _raise_invalid("is not a list", ROUTES_REMEDY)
    if not value:
        _raise_invalid("has no route, so a run would do nothing", ROUTES_REMEDY)
    routes = [_parse_route(number, entry) for number, entry in enumerate(value, start=1)]
    first_position: dict[str, int] = {}
    for number, route in enumerate(routes, start=1):
        if route.shop in first_position:
            problem = f"routes the shop '{route.shop}' twice, in the routes {first_position[route.shop]} and {number}"
            _raise_invalid(problem, "Keep one of them: 'shop' is unique.")
        first_position[route.shop] = number
    return routes


def select_lanes(
    routes: Sequence[Route],
    *,
    installed: Iterable[str] | None = None,
    shops: Any = None,
    personal_data: bool = True,
) -> SelectedShops:
    """Return the lanes of a run.

    :param installed: the shops that have the app installed; ``None`` takes every routed shop
    :param shops: the requested shops; ``None`` takes all
    :param personal_data: False reads no customers' data of any shop, whatever its route says
    :raises ConfigurationError: when a requested shop has no route
    """
    by_shop = {route.shop: route for route in routes}
    requested = requested_shops(shops)
    if missing := [shop for shop in requested if shop not in by_shop]:
        message = f"The param 'shops' names shops without a route: {', '.join(missing)}"
        known = ", ".join(sorted(by_shop)) or "none"
        raise ConfigurationError(message, remedy=f"Add them to the Variable '{ROUTES_VARIABLE}'. It has: {known}.")
    selected = [by_shop[shop] for shop in requested] or list(routes)
    if not personal_data:
        selected = [route.model_copy(update={"personal_data": False}) for route in selected]
    if installed is None:
        return SelectedShops(lanes=[route.model_dump() for route in selected])
    installed_shops = {shop_domain(shop) for shop in installed}
    return SelectedShops(
        lanes=[route.model_dump() for route in selected if route.shop in installed_shops],
        not_installed=[route.shop for route in selected if route.shop not in installed_shops],
        without_route=sorted(installed_shops - set(by_shop)),
    )


def requested_shops(shops: Any) -> list[str]:
    """Return the domains of the param ``shops``, each once; an empty list stands for all shops.

    :raises ConfigurationError: when it is no list, or a member is no shop
    """
    if shops is None or shops == "" or shops == "None":
        return []
    if isinstance(shops, str) or not isinstance(shops, Sequence):
        message = "The param 'shops' is not a list"
        raise ConfigurationError(message, remedy='Write it as ["a.myshopify.com"].')
    return list(dict.fromkeys(shop_domain(shop) for shop in shops))


def _parse_route(number: int, entry: Any) -> Route:
    if not isinstance(entry, Mapping):
        _raise_invalid(f"has a route {number} that is not an object", ROUTES_REMEDY)
    try:
        return Route.model_validate(dict(entry))
    except ValidationError as error:
        problems = "; ".join(
            f"'{'.'.join(map(str, violation['loc']))}' {_PROBLEM_TEXTS.get(violation['type'], violation['msg'])}"
            for violation in error.errors(include_url=False, include_input=False)
        )
        shop = entry.get("shop")
        shop_note = f" ({shop})" if isinstance(shop, str) and shop else ""
        known = ", ".join(str(info.validation_alias or name) for name, info in Route.model_fields.items())
        _raise_invalid(f"has a wrong route {number}{shop_note}: {problems}", f"A route's fields are: {known}.")


_PROBLEM_TEXTS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "string_type": "is not text",
    "string_too_short": "is empty",
    "bool_type": "is neither true nor false",
}


def _raise_invalid(problem: str, remedy: str) -> NoReturn:
    message = f"The Variable '{ROUTES_VARIABLE}' {problem}"
    raise ConfigurationError(message, remedy=remedy) from None
