"""Running sandboxes, and a client of each partner's API in them.

Each client has its own rate limit, which no test reaches unless it sets one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from client_options import gather_options

from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore
from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient
from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.api.yotpo.client import YotpoClient
from airflow_provider_partners.sandbox.handle import run_sandbox
from airflow_provider_partners.sandbox.server import RunningSandbox

__all__ = [
    "restored_settings",
    "run_sandbox",
    "shopify_admin_client",
    "shopify_partner_client",
    "voucherify_client",
    "yofi_client",
    "yotpo_client",
]

_UNLIMITED = 10_000_000.0


@contextmanager
def restored_settings(running: RunningSandbox) -> Iterator[RunningSandbox]:
    """Count calls from 0, and at the end of the block restore the switches and remove all faults."""
    sandbox = running.sandbox
    before = dict(sandbox.switches)
    sandbox.calls.clear()
    try:
        yield running
    finally:
        running.faults.clear()
        sandbox.switches.clear()
        sandbox.switches.update(before)


def yofi_client(running: RunningSandbox, shop: str | None = None, **options: Any) -> YofiClient:
    """Return a client of a shop in Yofi; without a shop, of all."""
    accepted = running.sandbox.credentials["yofi"]
    names = ("secret", "issuer", "subject", "client_id", "organization_id", "platform")
    return YofiClient(
        **_arguments(
            options,
            shop=shop,
            base_url=f"{running.url}/yofi",
            requests_per_second=_UNLIMITED,
            **{name: accepted[name] for name in names},
        )
    )


def shopify_admin_client(running: RunningSandbox, shop: str | None = None, **options: Any) -> ShopifyAdminClient:
    """Return a client of a shop's Admin API; without a shop, of the first."""
    accepted = running.sandbox.credentials["shopify_admin"]
    shop = shop or next(iter(accepted))
    return ShopifyAdminClient(
        **_arguments(
            options,
            shop=shop,
            access_token=accepted[shop]["token"],
            base_url=f"{running.url}/shopify-admin/{shop}",
        )
    )


def shopify_partner_client(running: RunningSandbox, **options: Any) -> ShopifyPartnerClient:
    """Return a client of the Partner API."""
    accepted = running.sandbox.credentials["shopify_partner"]
    return ShopifyPartnerClient(
        **_arguments(
            options,
            organization_id=accepted["organization_id"],
            access_token=accepted["tokens"][0],
            base_url=f"{running.url}/shopify-partner",
            requests_per_second=_UNLIMITED,
        )
    )


def voucherify_client(running: RunningSandbox, family: str = "server", **options: Any) -> VoucherifyClient:
    """Return a client of Voucherify's project.

    :param family: of endpoints, which each take other keys: ``server``, ``client`` or ``management``
    """
    accepted = running.sandbox.credentials["voucherify"]
    keys = {
        "server": {"application_id": accepted["app_id"], "secret_key": accepted["secret_key"]},
        "client": {
            "application_id": accepted["client_app_id"],
            "secret_key": accepted["client_token"],
            "auth": "client",
            "origin": accepted["client_origin"],
        },
        "management": {
            "application_id": accepted["management_id"],
            "secret_key": accepted["management_token"],
            "auth": "management",
        },
    }[family]
    return VoucherifyClient(
        **_arguments(options, base_url=f"{running.url}/voucherify", requests_per_minute=_UNLIMITED, **keys)
    )


def yotpo_client(running: RunningSandbox, **options: Any) -> YotpoClient:
    """Return a client of the first Yotpo store."""
    store_id, accepted = next(iter(running.sandbox.credentials["yotpo"].items()))
    return YotpoClient(
        **_arguments(
            options,
            store_id=store_id,
            secret=accepted["secret"],
            base_url=f"{running.url}/yotpo",
            requests_per_second=_UNLIMITED,
        )
    )


def _arguments(options: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    return gather_options(**{"rate_limit_store": InMemoryStore(), **defaults, **options})
