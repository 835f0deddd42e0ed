"""The partners as commands see them: their lists, hooks and shops."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.cli.exits import UsageError
from airflow_provider_partners.failures import first_of
from airflow_provider_partners.get_provider_info import get_provider_info

if TYPE_CHECKING:
    from airflow_provider_partners.api.resources import Resource
    from airflow_provider_partners.hooks.base import PartnerHook
    from airflow_provider_partners.pipelines.routing import Route

__all__ = ["PARTNERS", "find_list", "find_route", "open_hook", "resources_of"]

PARTNERS: Mapping[str, Mapping[str, Any]] = {
    entry["connection-type"]: entry
    for entry in get_provider_info()["connection-types"]  # type: ignore[attr-defined]
}
"""The declaration of each partner's connection, by its type."""


def resources_of(partner: str) -> Mapping[str, Resource]:
    """Return the lists of a partner by name."""
    resources: Mapping[str, Resource] = import_module(f"airflow_provider_partners.api.{partner}").RESOURCES
    return resources


def find_list(name: str) -> tuple[str, Resource]:
    """Return the partner and the list of a name such as ``yofi.returns``.

    :raises UsageError: when there is none
    """
    partner, _, resource = name.partition(".")
    if partner not in PARTNERS:
        message = f"There is no partner '{partner}'{suggest(partner, PARTNERS)}"
        raise UsageError(message, f"Write PARTNER.NAME, such as yofi.returns. Partners: {', '.join(PARTNERS)}.")
    resources = resources_of(partner)
    if resource not in resources:
        message = f"{partner} has no list '{resource}'{suggest(resource, resources)}"
        raise UsageError(message, f"Its lists: {', '.join(sorted(resources))}.")
    return partner, resources[resource]


def open_hook(
    partner: str, conn_id: str | None = None, *, shop: str | None = None, is_patient: bool = False
) -> PartnerHook[Any]:
    """Return the hook of a partner. It waits no longer than a person does.

    :param conn_id: of the connection; the partner's default
    :param shop: for the partners whose hook takes one
    :param is_patient: wait as long as a task does: a command that writes has to get to its end
    :raises UsageError: when a shop is given to another partner
    """
    module, _, name = str(PARTNERS[partner]["hook-class-name"]).rpartition(".")
    hook_class = getattr(import_module(module), name)
    takes_shop = "shop" in inspect.signature(hook_class).parameters
    if shop and not takes_shop:
        message = f"A connection of {partner} is of one account, so --shop has no meaning here"
        raise UsageError(message, "Leave it out, and choose the account with --conn-id.")
    from airflow_provider_partners.api.shopify.shops import shop_domain

    arguments = {"shop": shop_domain(shop)} if shop else {}
    hook: PartnerHook[Any] = hook_class(conn_id or hook_class.default_conn_name, **arguments)
    hook.short_timeouts = not is_patient
    return hook


def find_route(shop: str, source: str | None) -> Route:
    """Return the route of a shop.

    :param source: where the routes are; the Variable by default
    :raises UsageError: when the shop has none
    """
    from airflow_provider_partners.api.shopify.shops import shop_domain
    from airflow_provider_partners.pipelines.routing.sources import read_routes

    routes = {route.shop: route for route in read_routes(source)}
    domain = shop_domain(shop)
    if domain not in routes:
        message = f"{domain} has no route{suggest(domain, routes)}"
        raise UsageError(message, f"There are routes for {first_of(sorted(routes))}.")
    return routes[domain]
