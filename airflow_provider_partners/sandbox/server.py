"""Serves the partners' APIs and the control API on one loopback port, each below its own prefix.

It only mounts and serves. The partners' packages build the responses.
"""

from __future__ import annotations

import copy
import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from airflow_provider_partners.sandbox import control, page
from airflow_provider_partners.sandbox.call_log import CallLog, CallLogging
from airflow_provider_partners.sandbox.faults import CONTROL_PREFIX, FaultInjection, FaultRules
from airflow_provider_partners.sandbox.shopify_admin import server as shopify_admin
from airflow_provider_partners.sandbox.shopify_admin.bulk import files as shopify_bulk_files
from airflow_provider_partners.sandbox.shopify_admin.bulk.files import PREFIX as FILES_PREFIX
from airflow_provider_partners.sandbox.shopify_partner import server as shopify_partner
from airflow_provider_partners.sandbox.store import Sandbox
from airflow_provider_partners.sandbox.voucherify import server as voucherify
from airflow_provider_partners.sandbox.yofi import server as yofi
from airflow_provider_partners.sandbox.yotpo import server as yotpo

log = logging.getLogger(__name__)

#: Path prefix of each partner. The Admin API has the shop in its path, because its real host is the shop's domain.
PREFIXES: Mapping[str, Any] = {
    "/yofi": yofi,
    "/shopify-partner": shopify_partner,
    "/shopify-admin/{shop}": shopify_admin,
    "/yotpo": yotpo,
    "/voucherify": voucherify,
}
_START_TIMEOUT = 10.0
_STOP_TIMEOUT = 2.0


def switch_defaults() -> dict[str, Any]:
    """Return every switch of every partner with its default."""
    return {name: value for partner in PREFIXES.values() for name, value in partner.SWITCHES.items()}


class SandboxApp(Starlette):
    """The ASGI application; the log of calls and fault injection run before Starlette sees the request."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.faults = FaultRules()
        self.call_log = CallLog()
        defaults = switch_defaults()
        # Switches that were set before the server started keep their values.
        sandbox.switches = copy.deepcopy(defaults) | sandbox.switches
        partners = [Mount(prefix, routes=partner.routes(sandbox)) for prefix, partner in PREFIXES.items()]
        own = Mount(
            CONTROL_PREFIX,
            routes=[*control.routes(sandbox, self.faults, defaults, self.call_log), *page.asset_routes()],
        )
        files = Mount(FILES_PREFIX, routes=shopify_bulk_files.routes(sandbox))
        super().__init__(routes=[page.route(), own, files, *partners])

    def build_middleware_stack(self) -> ASGIApp:
        """Return Starlette's own stack behind the fault injection, behind the log of calls."""
        faults = FaultInjection(super().build_middleware_stack(), rules=self.faults, sandbox=self.sandbox)
        return CallLogging(faults, log=self.call_log)


def create_app(sandbox: Sandbox) -> SandboxApp:
    """Create the ASGI application of a sandbox; switches that are not set get their defaults."""
    return SandboxApp(sandbox)


@dataclass(frozen=True, kw_only=True)
class RunningSandbox:
    """A sandbox that accepts requests.

    :param url: ``http://127.0.0.1:PORT``, without a trailing slash
    :param faults: its fault rules
    :param call_log: the last calls that it has answered
    """

    url: str
    port: int
    sandbox: Sandbox
    faults: FaultRules
    call_log: CallLog


@contextmanager
def serve(sandbox: Sandbox, port: int = 0, *, host: str = "127.0.0.1") -> Iterator[RunningSandbox]:
    """Serve a sandbox in a thread until the context ends.

    :param port: the port to listen on; 0 takes a free one
    :raises OSError: the port is in use
    """
    app = create_app(sandbox)
    listener = _listen(host, port)
    # Name h11 here, because faults.py drops h11's connections. uvicorn prefers a faster parser if one is installed.
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=30,
    )
    server = uvicorn.Server(config)
    app.faults.door.attach(
        server,
        listener,
        lambda: config.http_protocol_class(config=config, server_state=server.server_state, app_state={}),  # type: ignore[call-arg]
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    try:
        _await_start(server, thread)
        taken = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        log.debug("serving at %s:%s", shown, taken)
        yield RunningSandbox(
            url=f"http://{shown}:{taken}", port=taken, sandbox=sandbox, faults=app.faults, call_log=app.call_log
        )
    finally:
        server.should_exit = True
        thread.join(_STOP_TIMEOUT)
        if thread.is_alive():
            server.force_exit = True
            thread.join(_STOP_TIMEOUT)
        app.faults.door.detach()
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            msg = "the sandbox's server did not start"
            raise RuntimeError(msg)
        time.sleep(0.005)
