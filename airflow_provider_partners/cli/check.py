"""``check``: whether a run of the order sync has all that it needs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import settings
from airflow_provider_partners.cli.exits import FOUND, OK, UsageError
from airflow_provider_partners.cli.orders import find_lane
from airflow_provider_partners.cli.output import Output
from airflow_provider_partners.cli.partners import open_hook
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.failures import first_of

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
    from airflow_provider_partners.pipelines.routing import Route

__all__ = ["Result", "run"]

_WORKERS = 8
_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}
_SCOPES_REMEDY = (
    "Give the app the scope in its configuration, have the merchant accept it, and use a token issued afterwards."
)


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one check.

    :param check: what was checked: ``routes``, ``staging``, ``rate limits``, or a partner
    :param subject: the shop, connection or place
    :param state: ``ok``, ``warning`` or ``failed``
    :param detail: what came back
    :param remedy: what to do
    :param seconds: how long it took
    """

    check: str
    subject: str
    state: str
    detail: str
    remedy: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Check:
    """One check before it runs. Its function returns a detail, and a warning with its remedy or two empty texts."""

    name: str
    subject: str
    function: Callable[[], tuple[str, str, str]]

    def run(self) -> Result:
        started = time.monotonic()
        try:
            detail, warning, remedy = self.function()
            state, detail = ("warning", warning) if warning else ("ok", detail)
        except PartnersError as error:
            line = f"{error.message} (HTTP {error.status})" if error.status else error.message
            state, detail, remedy = "failed", line, error.remedy or ""
        return Result(self.name, self.subject, state, detail, remedy, round(time.monotonic() - started, 3))


def run(options: Any, output: Output) -> int:
    """Run all checks in parallel, and print them in order."""
    routes_check, routes = _read_routes(options)
    app = _App(options.partner_conn_id)
    checks = [
        _Check("staging", settings.staging_uri(), _check_staging),
        _Check("rate limits", _rate_limit_place(), _check_rate_limits),
        *([] if options.partner_conn_id == "none" else [_Check("shopify_partner", options.partner_conn_id, app.check)]),
    ]
    results = [routes_check, *_run_all(checks, output)]
    checks = [check for route in routes if app.may_have(route.shop) for check in _route_checks(route)]
    results += _run_all(checks, output)
    results += [
        Result(
            "shopify_admin",
            route.shop,
            "warning",
            "the app is not installed, so runs skip this shop",
            "Remove its route, or have the merchant install the app.",
        )
        for route in routes
        if not app.may_have(route.shop)
    ]
    _print(results, output)
    return FOUND if any(result.state == "failed" for result in results) else OK


def _run_all(checks: Sequence[_Check], output: Output) -> list[Result]:
    """Run checks in parallel, and return their results in order."""
    results: dict[int, Result] = {}
    with output.progress("Checking", len(checks)) as advance, ThreadPoolExecutor(_WORKERS) as pool:
        waiting = {pool.submit(check.run): number for number, check in enumerate(checks)}
        for done in as_completed(waiting):
            results[waiting[done]] = done.result()
            advance()
    return [results[number] for number in range(len(checks))]


def _print(results: Sequence[Result], output: Output) -> None:
    counts = {state: sum(result.state == state for result in results) for state in _STYLES}
    if output.as_json:
        output.document({"ok": not counts["failed"], "counts": counts, "checks": [asdict(each) for each in results]})
        return
    output.table(
        ["", "check", "of", "what came back"],
        [[(each.state, _STYLES[each.state]), each.check, each.subject, each.detail.rstrip(".")] for each in results],
    )
    problems = [each for each in results if each.state != "ok" and each.remedy]
    for each in problems:
        output.text(f"{each.check}, {each.subject}: {each.remedy}", _STYLES[each.state])
    output.text(", ".join(f"{count} {state}" for state, count in counts.items()))


def _read_routes(options: Any) -> tuple[Result, list[Route]]:
    """Return the end of the check of the routes, and the routes that are to be checked.

    :raises UsageError: when a shop is given that has no route
    """
    from airflow_provider_partners.api.shopify.shops import shop_domain
    from airflow_provider_partners.pipelines.routing.sources import describe_source, read_routes

    subject = describe_source(options.routes)
    try:
        routes = read_routes(options.routes)
    except PartnersError as error:
        return Result("routes", subject, "failed", error.message, error.remedy or ""), []
    wanted = [shop_domain(shop) for shop in options.shops or ()]
    if unknown := [shop for shop in wanted if shop not in {route.shop for route in routes}]:
        message = f"There is no route for {first_of(unknown)}"
        raise UsageError(message, f"There are routes for {first_of([route.shop for route in routes])}.")
    chosen = [route for route in routes if not wanted or route.shop in wanted]
    detail = f"{len(routes)} routes" + (f", {len(chosen)} of them chosen" if wanted else "")
    return Result("routes", subject, "ok", detail), chosen


def _check_staging() -> tuple[str, str, str]:
    from airflow_provider_partners.datasets.storage import DatasetFolder

    folder = DatasetFolder(f"{settings.staging_uri().rstrip('/')}/.check")
    name, content = f"check-{secrets.token_hex(4)}", secrets.token_bytes(64)
    folder.write(name, content)
    try:
        is_same = folder.read(name) == content
    finally:
        folder.remove(name)
    if is_same:
        return "written, read and removed a file", "", ""
    return "", "the storage returned another content than was written", "Check the storage for caches and versions."


def _rate_limit_place() -> str:
    from urllib.parse import urlsplit

    uri = settings.budget_uri()
    if uri is None:
        return "files of this machine"
    parts = urlsplit(uri)
    # The URI of Redis may hold a password.
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _check_rate_limits() -> tuple[str, str, str]:
    from airflow_provider_partners.api.http.rate_limit_store import make_rate_limit_store, reach_rate_limit_store
    from airflow_provider_partners.hooks.budget_database import open_store

    reach_rate_limit_store(make_rate_limit_store(settings.budget_uri(), "check", open_database=open_store))
    return "read and changed a number", "", ""


class _App:
    """The app that a shop must have installed, as the Partner API knows it."""

    def __init__(self, conn_id: str) -> None:
        self._conn_id = conn_id
        self._installed: set[str] | None = None

    def check(self) -> tuple[str, str, str]:
        """Read which shops have the app."""
        with open_hook("shopify_partner", self._conn_id) as client:
            answer = client.ping()
            if (app_id := _app_id()) is None:
                return answer, "", ""
            shops = client.installed_shops(app_id)
        self._installed = {shop["shop"] for shop in shops if shop["installed"]}
        return f"{answer} {len(self._installed)} shops have the app {app_id.rpartition('/')[2]}", "", ""

    def may_have(self, shop: str) -> bool:
        """Return False for a shop that surely lacks the app."""
        return self._installed is None or shop in self._installed


def _app_id() -> str | None:
    """Return the app that a shop must have installed; ``None`` when the Dags take every routed shop."""
    from airflow_provider_partners.exceptions import NotDefinedError
    from airflow_provider_partners.hooks.lookups import get_variable

    try:
        app_id = get_variable("partner_app_id", remedy="Set it to gid://partners/App/…, or to 'none'.")
    except NotDefinedError:
        return None
    return None if app_id.strip().lower() in {"none", ""} else app_id


def _route_checks(route: Route) -> Iterator[_Check]:
    def subject(conn_id: str) -> str:
        return f"{route.shop} ({conn_id})"

    yield _Check("shopify_admin", subject(route.shopify_admin_conn_id), lambda: _check_shopify(route))
    if route.yofi_conn_id:
        yield _Check("yofi", subject(route.yofi_conn_id), lambda: _check_yofi(route))
    yield _Check("yotpo", subject(route.yotpo_conn_id), lambda: _ping("yotpo", route.yotpo_conn_id))
    if route.voucherify_conn_id:
        yield _Check("voucherify", subject(route.voucherify_conn_id), lambda: _check_voucherify(route))


def _ping(partner: str, conn_id: str) -> tuple[str, str, str]:
    with open_hook(partner, conn_id) as client:
        return client.ping(), "", ""


def _check_yofi(route: Route) -> tuple[str, str, str]:
    with open_hook("yofi", route.yofi_conn_id, shop=route.shop) as client:
        answer = client.ping()
        next(client.extract("returns", page_size=1).records(), None)
        return answer, "", ""


def _check_voucherify(route: Route) -> tuple[str, str, str]:
    with open_hook("voucherify", route.voucherify_conn_id) as client:
        answer = client.ping()
        next(client.extract("redemptions", page_size=1).records(), None)
        return answer, "", ""


def _check_shopify(route: Route) -> tuple[str, str, str]:
    from airflow_provider_partners.api.shopify_admin.resources import RESOURCES
    from airflow_provider_partners.exceptions import AuthenticationError

    orders = RESOURCES["orders"]
    client: ShopifyAdminClient
    with open_hook("shopify_admin", route.shopify_admin_conn_id, shop=route.shop) as client:
        access = client.access()
        needed = [*orders.scopes, *(orders.personal_scopes if route.personal_data else ())]
        missing = [scope for scope in needed if not access.allows(scope)]
        if missing:
            message = f"the token lacks the access scopes {', '.join(missing)}"
            remedy = _SCOPES_REMEDY
            if missing == [*orders.personal_scopes]:
                remedy += ' Or set "personal_data": false in the route.'
            raise AuthenticationError(message, remedy=remedy)
        if access.shop != route.shop:
            message = f"the connection reads the shop {access.shop}"
            raise AuthenticationError(message, remedy="Correct the host or the token of the connection, or the route.")
        # With the further fields that the route's options need: they may need further scopes.
        fields = find_lane(route)["fields"] or None
        found = client.extract("orders", page_size=1, personal_data=route.personal_data, fields=fields)
        next(found.records(), None)
        detail = f"the token has the access scopes {', '.join(needed)}, and orders can be read"
        if not access.allows("read_all_orders"):
            warning = "the token lacks read_all_orders: Shopify omits orders older than 60 days"
            return detail, warning, "Request the scope in the Partner Dashboard if backfills read older orders."
        return detail, "", ""
