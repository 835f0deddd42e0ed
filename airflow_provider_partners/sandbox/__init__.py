"""Serves the APIs of Yofi, Shopify, Yotpo and Voucherify on this machine, for tests, demos and Dags under development.

It is written from the partners' documentation and from recorded responses, never from this package's own clients:
client and sandbox must be able to disagree.

.. code-block:: python

    from airflow_provider_partners.sandbox import build, serve

    with serve(build(shops=2, orders=50)) as running:
        print(running.url)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners._lazy import exports

if TYPE_CHECKING:
    from airflow_provider_partners.sandbox.handle import PartnersSandbox as PartnersSandbox
    from airflow_provider_partners.sandbox.handle import SandboxShop as SandboxShop
    from airflow_provider_partners.sandbox.handle import run_sandbox as run_sandbox
    from airflow_provider_partners.sandbox.server import RunningSandbox as RunningSandbox
    from airflow_provider_partners.sandbox.server import create_app as create_app
    from airflow_provider_partners.sandbox.server import serve as serve
    from airflow_provider_partners.sandbox.store import Sandbox as Sandbox
    from airflow_provider_partners.sandbox.store import Store as Store
    from airflow_provider_partners.sandbox.world.build import build as build

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "handle": ["PartnersSandbox", "SandboxShop", "run_sandbox"],
        "server": ["RunningSandbox", "create_app", "serve"],
        "store": ["Sandbox", "Store"],
        "world.build": ["build"],
    },
)
