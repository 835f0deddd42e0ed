"""The routes of the shops: parse and validate them, and select the lanes of a run.

A lane is a shop with its connections of the four partners, and what its orders are built with. This module knows no
Airflow: the Dag hands in the routes, the shops that have the app installed, and the requested shops.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.failures import first_of
from airflow_provider_partners.pipelines.routing.lane_build import resolve_build

__all__ = [
    "EXAMPLE",
    "ROUTES_REMEDY",
    "ROUTES_VARIABLE",
    "Route",
    "SelectedShops",
    "parse_routes",
    "requested_shops",
    "select_lanes",
]

ROUTES_VARIABLE = "partner_shop_routes"
VARIABLE_SOURCE = f"The Variable '{ROUTES_VARIABLE}'"
EXAMPLE = (
    '[{"shop": "a.myshopify.com", "shopify_conn_id": "shopify_a", "yofi_conn_id": "yofi_a", '
    '"yotpo_conn_id": "yotpo_a"}]'
)
ROUTES_REMEDY = f"Set it to a JSON list of routes, such as {EXAMPLE}."


Settings = dict[str, Any] | str
"""Options as an object, or as text: JSON, or an import path."""


class Route(BaseModel):
    """A shop with its connections, and what differs from the Dag's arguments for it.

    :param shop: the shop's permanent domain
    :param shopify_admin_conn_id: connection of type ``shopify_admin``; routes call it ``shopify_conn_id``
    :param yofi_conn_id: connection of type ``yofi``, for shops that use it
    :param yotpo_conn_id: connection of type ``yotpo``
    :param voucherify_conn_id: connection of type ``voucherify``, for shops that use it
    :param personal_data: whether customers' data are read from Shopify; false for a shop whose app may not read them
    :param options: options of the mapping, as an object or JSON text. Its keys go before those of the Dag
    :param order_properties: custom properties of the order, likewise
    :param line_properties: custom properties of the order's lines, likewise
    :param product_properties: custom properties of the products, likewise
    :param policy: of the suppression, likewise, or the import path of a policy
    :param coupon_policy: which redemptions count as coupons, likewise
    :param transform: the import path of a function, in place of the Dag's
    :param predictions: the folder of a published dataset of predictions, in place of the Dag's
    :param pool: the Airflow pool of the shop's lanes
    :param queue: the executor's queue of the shop's lanes
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)

    shop: str
    shopify_admin_conn_id: str = Field(min_length=1, validation_alias="shopify_conn_id")
    yofi_conn_id: str | None = Field(default=None, min_length=1)
    yotpo_conn_id: str = Field(min_length=1)
    voucherify_conn_id: str | None = Field(default=None, min_length=1)
    personal_data: bool = True
    options: Settings | None = None
    order_properties: Settings | None = None
    line_properties: Settings | None = None
    product_properties: Settings | None = None
    policy: Settings | None = None
    coupon_policy: Settings | None = None
    transform: str | None = Field(default=None, min_length=1)
    predictions: str | None = Field(default=None, min_length=1)
    pool: str | None = Field(default=None, min_length=1)
    queue: str | None = Field(default=None, min_length=1)

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
    :param without_yofi: routed shops that are left out because their route names no connection of Yofi
    """

    lanes: list[dict[str, Any]] = field(default_factory=list)
    not_installed: list[str] = field(default_factory=list)
    without_route: list[str] = field(default_factory=list)
    without_yofi: list[str] = field(default_factory=list)


def parse_routes(value: Any, *, source: str = VARIABLE_SOURCE) -> list[Route]:
    """Return the routes of a source.

    :param value: the list, or its JSON text
    :param source: names the source in errors
    :raises ConfigurationError: with the wrong field and the remedy, in one line
    """
    try:
        return _parse(value)
    except _InvalidRoutesError as error:
        message = f"{source} {error.problem}"
        raise ConfigurationError(message, remedy=error.remedy) from None


def _parse(value: Any) -> list[Route]:
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
    _check_unique(routes)
    return routes


def _check_unique(routes: Sequence[Route]) -> None:
    first_position: dict[str, int] = {}
    for number, route in enumerate(routes, start=1):
        if route.shop in first_position:
            problem = f"routes the shop '{route.shop}' twice, in the routes {first_position[route.shop]} and {number}"
            _raise_invalid(problem, "Keep one of them: 'shop' is unique.")
        first_position[route.shop] = number


def select_lanes(
    routes: Sequence[Route],
    *,
    installed: Iterable[str] | None = None,
    shops: Any = None,
    personal_data: bool = True,
    build: Mapping[str, Any] | None = None,
    needs_yofi: bool = False,
) -> SelectedShops:
    """Return the lanes of a run.

    :param installed: the shops that have the app installed; ``None`` takes every routed shop
    :param shops: the requested shops; ``None`` takes all
    :param personal_data: False reads no customers' data of any shop, whatever its route says
    :param build: what the Dag builds orders with, for all shops
    :param needs_yofi: True leaves out shops without a connection of Yofi
    :raises ConfigurationError: when a requested shop has no route, or its orders can't be built like that
    """
    by_shop = {route.shop: route for route in routes}
    requested = requested_shops(shops)
    if missing := [shop for shop in requested if shop not in by_shop]:
        message = f"The param 'shops' names shops without a route: {first_of(missing)}{suggest(missing[0], by_shop)}"
        known = first_of(sorted(by_shop)) or "none"
        raise ConfigurationError(message, remedy=f"Add routes for them. There are routes for: {known}.")
    selected = [by_shop[shop] for shop in requested] or list(routes)
    if not personal_data:
        selected = [route.model_copy(update={"personal_data": False}) for route in selected]
    installed_shops = {route.shop for route in selected} if installed is None else {*map(shop_domain, installed)}
    present = [route for route in selected if route.shop in installed_shops]
    taken = [route for route in present if route.yofi_conn_id or not needs_yofi]
    return SelectedShops(
        lanes=[{**route.model_dump(), **resolve_build(route, build or {})} for route in taken],
        not_installed=[route.shop for route in selected if route.shop not in installed_shops],
        without_route=sorted(installed_shops - set(by_shop)),
        without_yofi=[route.shop for route in present if needs_yofi and not route.yofi_conn_id],
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
    "dict_type": "is neither an object nor text",
}


class _InvalidRoutesError(Exception):
    """Routes are wrong; the source is not known here."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


def _raise_invalid(problem: str, remedy: str) -> NoReturn:
    raise _InvalidRoutesError(problem, remedy) from None
