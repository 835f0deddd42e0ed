"""A running sandbox as an object, for tests: its shops, what they hold, changes, faults and calls.

The fixture ``partners_sandbox`` of :mod:`~airflow_provider_partners.sandbox.pytest_plugin` is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.world.build import build, parameters_of
from airflow_provider_partners.sandbox.world.changes.shop import Changes
from airflow_provider_partners.sandbox.world.shops import world

if TYPE_CHECKING:
    from airflow_provider_partners.sandbox.call_log import Call
    from airflow_provider_partners.sandbox.faults import FaultRule
    from airflow_provider_partners.sandbox.server import RunningSandbox

__all__ = ["PartnersSandbox", "SandboxShop", "run_sandbox"]

_DOMAIN = ".myshopify.com"
_UNLIMITED = 1_000_000
_LIMIT_EXTRAS: Mapping[str, str] = {
    "voucherify": "requests_per_minute",
    "yotpo": "requests_per_second",
}
"""By connection type, the extra with the limit that the client keeps. The form caps that of the Partner API."""

_NO_LIMITS: Mapping[str, Any] = {
    "shopify_partner.requests_per_second": 0,
    "voucherify.rate_limit": 0,
    "yotpo.rate_limit": 0,
}


@contextmanager
def run_sandbox(*, switches: Mapping[str, Any] | None = None, **parameters: Any) -> Iterator[RunningSandbox]:
    """Build a sandbox and serve it on a free port until the block ends.

    :param switches: to set before it is served
    :param parameters: of :func:`~airflow_provider_partners.sandbox.world.build.build`, such as ``shops`` and ``orders``
    """
    from airflow_provider_partners.sandbox.server import serve

    sandbox = build(**parameters)
    sandbox.switches.update(switches or {})
    try:
        with serve(sandbox) as running:
            yield running
    finally:
        sandbox.store.close()


class PartnersSandbox:
    """A running sandbox with its control API as methods.

    :param running: the served sandbox
    :param rate_limits: False answers without the partners' rate limits, and lets the clients keep none
    """

    def __init__(self, running: RunningSandbox, *, rate_limits: bool = False) -> None:
        self.running = running
        self._sandbox = running.sandbox
        self._rate_limits = rate_limits
        self._changes = Changes(running.sandbox)
        if not rate_limits:
            self.switch(**{name.replace(".", "__"): value for name, value in _NO_LIMITS.items()})

    @property
    def url(self) -> str:
        """The address, such as ``http://127.0.0.1:8900``. Its page shows the sandbox in a browser."""
        return self.running.url

    @property
    def connections(self) -> dict[str, dict[str, Any]]:
        """The Airflow connections by id, each as a dict."""
        parameters = parameters_of(self._sandbox)
        connections = credentials.connections(self.url, seed=parameters.seed, shops=parameters.shops)
        if not self._rate_limits:
            for connection in connections.values():
                if extra := _LIMIT_EXTRAS.get(connection["conn_type"]):
                    connection["extra"] = {**connection.get("extra", {}), extra: _UNLIMITED}
        return connections

    @property
    def variables(self) -> dict[str, Any]:
        """The Airflow Variables by key."""
        return credentials.variables(parameters_of(self._sandbox).shops)

    @property
    def environment(self) -> dict[str, str]:
        """The connections and Variables as the environment variables that Airflow reads."""
        return {
            **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(each) for name, each in self.connections.items()},
            **{
                f"AIRFLOW_VAR_{name.upper()}": each if isinstance(each, str) else json.dumps(each)
                for name, each in self.variables.items()
            },
        }

    @property
    def shops(self) -> list[SandboxShop]:
        """The shops of the world: also one without the app, and one without a route."""
        return [SandboxShop(self, member.domain) for member in world(parameters_of(self._sandbox).shops)]

    def shop(self, name: str) -> SandboxShop:
        """Return a shop.

        :param name: its domain, or the first part of it, such as ``aurora-apparel``
        :raises LookupError: there is none; the error lists the shops
        """
        domains = [shop.domain for shop in self.shops]
        domain = name if name.endswith(_DOMAIN) else f"{name}{_DOMAIN}"
        if domain not in domains:
            names = [each.removesuffix(_DOMAIN) for each in domains]
            near = get_close_matches(name, names, n=1)
            hint = f": did you mean '{near[0]}'?" if near else "."
            message = f"the sandbox has no shop '{name}'{hint} Its shops: {', '.join(names)}"
            raise LookupError(message)
        return SandboxShop(self, domain)

    def yotpo_orders(self, store: str) -> dict[str, Document]:
        """Return the orders of a Yotpo store by their external ids, as the store has them.

        :param store: its id (app key), or the shop's name as for :meth:`shop`
        """
        store_id = store if store in self._sandbox.credentials["yotpo"] else self.shop(store).store_id
        orders = self._sandbox.store.select("yotpo", store_id or "", "order")
        return {str(order["external_id"]): order for order in orders}

    def create_return(self, shop: str, count: int = 1) -> list[Document]:
        """Create returns at a shop, in Yofi."""
        return self.shop(shop).create_returns(count)

    def create_claim(self, shop: str, count: int = 1) -> list[Document]:
        """Create claims at a shop, in Yofi."""
        return self.shop(shop).create_claims(count)

    def redeem(self, count: int = 1) -> list[Document]:
        """Create orders that use a coupon, at the shop with a Voucherify project."""
        return self._changes.redeem(count)

    def roll_back(self, count: int = 1) -> list[Document]:
        """Roll back the last redemptions in Voucherify."""
        return self._changes.roll_back(count)

    def fault(self, **rule: Any) -> FaultRule:
        """Let requests fail: ``sandbox.fault(path_prefix="/yotpo", status=500, times=2)``.

        :param rule: fields of :class:`~airflow_provider_partners.sandbox.faults.FaultRule`
        :returns: the rule; its ``used`` counts the requests that it met
        """
        return self.running.faults.add(**rule)

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.running.faults.clear()

    def switch(self, **values: Any) -> None:
        """Set switches, with two underscores for the dot: ``sandbox.switch(yotpo__rate_limit=1)``.

        :raises LookupError: there is no such switch
        """
        changes = {name.replace("__", ".", 1): value for name, value in values.items()}
        if unknown := sorted(set(changes) - set(self._sandbox.switches)):
            near = get_close_matches(unknown[0], self._sandbox.switches, n=1)
            message = f"the sandbox has no switch '{unknown[0]}'" + (f": did you mean '{near[0]}'?" if near else "")
            raise LookupError(message)
        self._sandbox.switches.update(changes)

    def calls(self, partner: str | None = None, operation: str | None = None) -> list[Call]:
        """Return the answered calls, the oldest first; at most the last 500.

        :param partner: ``yofi``, ``shopify_admin``, ``shopify_partner``, ``voucherify`` or ``yotpo``; all by default
        :param operation: such as ``orders.create``; all by default
        """
        return [
            call
            for call in reversed(self.running.call_log.latest())
            if partner in {None, call.partner} and operation in {None, call.operation}
        ]

    def reset_calls(self) -> None:
        """Forget the calls."""
        self._sandbox.calls.clear()
        self.running.call_log.clear()

    def stop_clock(self, now: datetime | None) -> None:
        """Stop the sandbox's clock at an aware time; ``None`` lets it go on."""
        if now is not None and now.tzinfo is None:
            message = "'now' has no time zone"
            raise ValueError(message)
        self._sandbox.now = now


class SandboxShop:
    """One shop of a running sandbox.

    :param sandbox: the sandbox
    :param domain: such as ``aurora-apparel.myshopify.com``
    """

    def __init__(self, sandbox: PartnersSandbox, domain: str) -> None:
        self.domain = domain
        self._store = sandbox.running.sandbox.store
        self._credentials = sandbox.running.sandbox.credentials
        self._changes = Changes(sandbox.running.sandbox)
        self._routes = {route["shop"]: route for route in sandbox.variables["partner_shop_routes"]}

    def __repr__(self) -> str:
        """Return the shop's domain."""
        return f"<SandboxShop {self.domain}>"

    @property
    def route(self) -> dict[str, Any] | None:
        """The route with the ids of the shop's connections; ``None`` for the shop that has none."""
        return self._routes.get(self.domain)

    @property
    def store_id(self) -> str | None:
        """The id (app key) of its Yotpo store; ``None`` if it has none."""
        stores = self._credentials["yotpo"].items()
        return next((store_id for store_id, store in stores if store["shop"] == self.domain), None)

    @property
    def installed(self) -> bool:
        """Whether it has the app installed."""
        facts = self._store.get("shopify_admin", self.domain, "shop", self.domain)
        return bool(facts and facts["installed"])

    def orders(self) -> dict[str, Document]:
        """Return its orders in Shopify by their numeric ids, as the Admin API knows them."""
        return {order["legacyResourceId"]: order for order in self._store.select("shopify_admin", self.domain, "order")}

    def returns(self) -> list[Document]:
        """Return its returns in Yofi, as JSON:API resources."""
        return self._store.select("yofi", self.domain, "return")

    def claims(self) -> list[Document]:
        """Return its claims in Yofi, as JSON:API resources."""
        return self._store.select("yofi", self.domain, "claim")

    def yotpo_orders(self) -> dict[str, Document]:
        """Return the orders of its Yotpo store by their external ids, which are Shopify's numeric ids."""
        orders = self._store.select("yotpo", self.store_id or "", "order")
        return {str(order["external_id"]): order for order in orders}

    def create_orders(self, count: int = 1) -> list[Document]:
        """Create orders; return their ids and names."""
        return self._changes.create_orders(self.domain, count)

    def change_orders(self, count: int = 1) -> list[Document]:
        """Change orders so that Yotpo's copy has to change; return their ids, and what happened."""
        return self._changes.change_orders(self.domain, count)

    def create_returns(self, count: int = 1) -> list[Document]:
        """Create returns in Yofi, of shipped orders without one."""
        return self._changes.create_yofi_records(self.domain, "returns", count)

    def create_claims(self, count: int = 1) -> list[Document]:
        """Create claims in Yofi, of shipped orders without one."""
        return self._changes.create_yofi_records(self.domain, "claims", count)

    def install(self) -> Document:
        """Install the app; return the Partner API's event."""
        return self._changes.install(self.domain)

    def uninstall(self) -> Document:
        """Uninstall the app and revoke its tokens; return the Partner API's event."""
        return self._changes.uninstall(self.domain)
