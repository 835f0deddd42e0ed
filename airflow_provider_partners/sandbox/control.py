"""The sandbox's own API below ``/_sandbox``: inspect it, set switches, inject faults, change a shop.

No partner has such an API. It answers only callers on this machine, whatever address the sandbox listens on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from json import JSONDecodeError
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.call_log import CallLog
from airflow_provider_partners.sandbox.faults import FaultRules
from airflow_provider_partners.sandbox.overview import describe
from airflow_provider_partners.sandbox.store import Sandbox, format_timestamp
from airflow_provider_partners.sandbox.world.build import parameters_of
from airflow_provider_partners.sandbox.world.changes.shop import Changes, NothingToDoError, UnknownShopError

_LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_MAX_COUNT = 1000
_MAX_ADDED_RECORDS = 100_000


def routes(
    sandbox: Sandbox, fault_rules: FaultRules, defaults: Mapping[str, Any], call_log: CallLog
) -> list[BaseRoute]:
    """Return the routes below the control prefix.

    :param fault_rules: the fault rules of the running server
    :param defaults: every switch with its default
    :param call_log: the last calls of the running server
    """
    control = Control(sandbox, fault_rules, defaults, call_log)
    table: tuple[tuple[str, str, Callable[[Request, Any], Any]], ...] = (
        ("GET", "/health", control.health),
        ("GET", "/state", control.state),
        ("GET", "/calls/latest", control.latest_calls),
        ("GET", "/calls", control.calls),
        ("DELETE", "/calls", control.reset_calls),
        ("GET", "/switches", control.switches),
        ("POST", "/switches", control.set_switches),
        ("DELETE", "/switches", control.reset_switches),
        ("GET", "/faults", control.faults),
        ("POST", "/faults", control.add_faults),
        ("DELETE", "/faults", control.clear_faults),
        ("GET", "/clock", control.clock),
        ("POST", "/clock", control.set_clock),
        ("GET", "/connections", control.connections),
        ("POST", "/shopify/{shop}/orders/change", control.change_orders),
        ("POST", "/shopify/{shop}/orders/create", control.create_orders),
        ("POST", "/shops/{shop}/install", control.install),
        ("POST", "/shops/{shop}/uninstall", control.uninstall),
        ("POST", "/yofi/{shop}/returns/create", partial(control.create_yofi_records, "returns")),
        ("POST", "/yofi/{shop}/claims/create", partial(control.create_yofi_records, "claims")),
        ("POST", "/voucherify/redemptions/create", control.redeem),
        ("POST", "/voucherify/redemptions/rollback", control.roll_back),
        ("POST", "/voucherify/{kind}/grow", control.grow),
    )
    return [Route(path, _endpoint(handler), methods=[method]) for method, path, handler in table]


class Control:
    """Handlers of the control API; each takes the request and its JSON body and returns the JSON response."""

    def __init__(
        self, sandbox: Sandbox, fault_rules: FaultRules, defaults: Mapping[str, Any], call_log: CallLog
    ) -> None:
        self._sandbox = sandbox
        self._fault_rules = fault_rules
        self._defaults = dict(defaults)
        self._call_log = call_log
        self._changes = Changes(sandbox)

    def health(self, _request: Request, _body: Any) -> dict[str, Any]:
        """Return the status and the parameters of the world."""
        parameters = parameters_of(self._sandbox)
        return {
            "status": "ok",
            "world": parameters.document(),
            "now": format_timestamp(self._sandbox.clock()),
            "shops": list(self._sandbox.credentials["shopify_admin"]),
        }

    def state(self, _request: Request, _body: Any) -> dict[str, Any]:
        """Return what the page shows."""
        return describe(self._sandbox, fault_rules=self._fault_rules, call_log=self._call_log, defaults=self._defaults)

    def latest_calls(self, _request: Request, _body: Any) -> list[dict[str, Any]]:
        """Return the last calls, the newest first."""
        return [asdict(call) for call in self._call_log.latest()]

    def calls(self, _request: Request, _body: Any) -> dict[str, int]:
        """Return the number of answered calls by ``partner/shop/operation``."""
        return dict(sorted(self._sandbox.calls.copy().items()))

    def reset_calls(self, _request: Request, _body: Any) -> dict[str, int]:
        """Reset all call counts to zero, and forget the last calls."""
        self._sandbox.calls.clear()
        self._call_log.clear()
        return {}

    def switches(self, _request: Request, _body: Any) -> dict[str, Any]:
        """Return every switch with its current value."""
        return dict(sorted(self._sandbox.switches.items()))

    def set_switches(self, request: Request, body: Any) -> dict[str, Any]:
        """Set some switches, or none if one of them is unknown."""
        changes = _object(body)
        unknown = sorted(set(changes) - set(self._defaults))
        if unknown:
            _refuse(400, f"no switch {', '.join(unknown)}; there are {', '.join(sorted(self._defaults))}")
        self._sandbox.switches.update(changes)
        return self.switches(request, body)

    def reset_switches(self, request: Request, body: Any) -> dict[str, Any]:
        """Set every switch to its default."""
        self._sandbox.switches.update(copy.deepcopy(self._defaults))
        return self.switches(request, body)

    def faults(self, _request: Request, _body: Any) -> list[dict[str, Any]]:
        """Return the fault rules, each with the number of requests it matched."""
        return [rule.document() for rule in self._fault_rules.rules()]

    def add_faults(self, request: Request, body: Any) -> list[dict[str, Any]]:
        """Add one fault rule or a list of them."""
        for rule in body if isinstance(body, list) else [body]:
            self._fault_rules.add(**_object(rule))
        return self.faults(request, body)

    def clear_faults(self, _request: Request, _body: Any) -> list[Any]:
        """Remove all fault rules."""
        self._fault_rules.clear()
        return []

    def clock(self, _request: Request, _body: Any) -> dict[str, Any]:
        """Return the sandbox's time, and whether it is fixed."""
        return {"now": format_timestamp(self._sandbox.clock()), "fixed": self._sandbox.now is not None}

    def set_clock(self, request: Request, body: Any) -> dict[str, Any]:
        """Fix the clock at ``now``; ``null`` makes it follow the machine's clock."""
        text = _object(body).get("now")
        timestamp = datetime.fromisoformat(text) if text is not None else None
        if timestamp and timestamp.tzinfo is None:
            _refuse(400, f"now must carry a time zone, {text} has none")
        self._sandbox.now = timestamp and timestamp.astimezone(UTC)
        return self.clock(request, body)

    def connections(self, request: Request, _body: Any) -> dict[str, str]:
        """Return Airflow's connections and Variables as environment variables."""
        parameters = parameters_of(self._sandbox)
        url = str(request.base_url.replace(path=""))
        return credentials.environment(url, seed=parameters.seed, shops=parameters.shops)

    def change_orders(self, request: Request, _body: Any) -> dict[str, Any]:
        """Change orders of a shop in ways that a review platform can see."""
        shop = request.path_params["shop"]
        return {"shop": shop, "changed": self._changes.change_orders(shop, _count(request))}

    def create_orders(self, request: Request, _body: Any) -> dict[str, Any]:
        """Create orders at a shop."""
        shop = request.path_params["shop"]
        return {"shop": shop, "created": self._changes.create_orders(shop, _count(request))}

    def create_yofi_records(self, kind: str, request: Request, _body: Any) -> dict[str, Any]:
        """Create returns or claims at a shop."""
        shop = request.path_params["shop"]
        return {"shop": shop, "created": self._changes.create_yofi_records(shop, kind, _count(request))}

    def install(self, request: Request, _body: Any) -> dict[str, Any]:
        """Install the app at a shop."""
        shop = request.path_params["shop"]
        return {"shop": shop, "event": self._changes.install(shop)}

    def uninstall(self, request: Request, _body: Any) -> dict[str, Any]:
        """Uninstall the app at a shop."""
        shop = request.path_params["shop"]
        return {"shop": shop, "event": self._changes.uninstall(shop)}

    def redeem(self, request: Request, _body: Any) -> dict[str, Any]:
        """Create orders that use a coupon."""
        return {"created": self._changes.redeem(_count(request))}

    def roll_back(self, request: Request, _body: Any) -> dict[str, Any]:
        """Roll back the latest redemptions."""
        return {"rolled_back": self._changes.roll_back(_count(request))}

    def grow(self, request: Request, _body: Any) -> dict[str, Any]:
        """Add records to one of Voucherify's lists."""
        kind, count = request.path_params["kind"], _count(request, max_count=_MAX_ADDED_RECORDS)
        return {"kind": kind, "parents": self._changes.grow(kind, count), "added": count}


def is_local(request: Request) -> bool:
    """Return True for a caller on this machine that is not a page of another site in its browser.

    A browser sends the header ``Origin`` with what a page writes. The name in it has to be this machine's, too: another
    site's name may be made to lead here.
    """
    if request.client is None or request.client.host not in _LOOPBACK:
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    parts = urlsplit(origin)
    return parts.netloc == request.headers.get("host") and parts.hostname in {"localhost", *_LOOPBACK}


def _endpoint(handler: Callable[[Request, Any], Any]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> JSONResponse:
        if not is_local(request):
            return JSONResponse({"error": "the control API answers callers on this machine only"}, status_code=403)
        try:
            body = await request.json() if await request.body() else None
            return JSONResponse(await run_in_threadpool(handler, request, body))
        except UnknownShopError as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        except NothingToDoError as error:
            return JSONResponse({"error": str(error)}, status_code=409)
        except JSONDecodeError:
            return JSONResponse({"error": "the body is not JSON"}, status_code=400)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except HTTPException as error:
            return JSONResponse({"error": error.detail}, status_code=error.status_code)

    return answer


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        _refuse(400, "the body must be a JSON object")
    return dict(body)


def _count(request: Request, max_count: int = _MAX_COUNT) -> int:
    text = request.query_params.get("count", "1")
    if not text.isdecimal() or not 1 <= int(text) <= max_count:
        _refuse(400, f"count is a number from 1 to {max_count}, not {text!r}")
    return int(text)


def _refuse(status: int, reason: str) -> None:
    raise HTTPException(status, reason)
