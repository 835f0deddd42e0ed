"""The credentials that each partner accepts in a world, as Airflow connections and Variables.

They follow from the seed, the number of shops and the address alone, so the connections can be printed without a
server. The text of every secret says that it is not a real secret.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_partners.sandbox.random_streams import hexadecimal, stream, uuid
from airflow_provider_partners.sandbox.voucherify.seed.records import project_id
from airflow_provider_partners.sandbox.world.shops import APP_NUMBER, ORGANIZATION_ID, Shop, world

Credentials = dict[str, Any]

#: Id of the connection to the world's one Voucherify project.
VOUCHERIFY = "voucherify_sandbox"
APP_ID = f"gid://partners/App/{APP_NUMBER}"


def make(seed: int, shops: int) -> Credentials:
    """Return the credentials that a client uses, per partner.

    :param shops: number of shops that are installed and have a route
    """
    members = world(shops)
    rng = stream(seed, "credentials")
    return {
        "yofi": {
            "secret": f"sandbox-not-a-secret-{hexadecimal(rng, 32)}",
            "issuer": "partner-sandbox",
            "subject": "svc-sandbox",
            "client_id": "backend-service",
            "organization_id": "org-sandbox",
            "platform": "shopify",
            "shops": [member.domain for member in members],
        },
        "shopify_partner": {
            "organization_id": ORGANIZATION_ID,
            "tokens": [f"prtapi_sandbox_{rank}_{hexadecimal(rng, 16)}" for rank in ("primary", "secondary")],
            "app_id": APP_ID,
        },
        "shopify_admin": {member.domain: _admin(seed, member) for member in members},
        "yotpo": {
            f"sandboxstore{hexadecimal(stream(seed, 'yotpo', member.domain), 28)}": {
                "secret": f"sandbox-yotpo-{hexadecimal(stream(seed, 'yotpo secret', member.domain), 24)}",
                "shop": member.domain,
            }
            for member in members
            if member.routed
        },
        "voucherify": _voucherify(seed, voucherify_shop(members)),
    }


def voucherify_shop(members: Sequence[Shop]) -> Shop:
    """Return the shop that has a Voucherify project: the first one with a route."""
    return next(member for member in members if member.routed)


def _voucherify(seed: int, shop: Shop) -> dict[str, str]:
    """Return the project's keys: for server-side calls, for the shop's web pages, and for the management API."""
    rng = stream(seed, "voucherify", "keys")
    return {
        "app_id": f"sandbox-app-{uuid(rng)}",
        "secret_key": f"sandbox-voucherify-{uuid(rng)}",
        "client_app_id": f"sandbox-client-app-{uuid(rng)}",
        "client_token": f"sandbox-client-token-{uuid(rng)}",
        "client_origin": f"https://{shop.domain}",
        "management_id": f"sandbox-management-{uuid(rng)}",
        "management_token": f"sandbox-management-token-{uuid(rng)}",
        "project_id": project_id(seed),
        "shop": shop.domain,
    }


def _admin(seed: int, shop: Shop) -> dict[str, str]:
    rng = stream(seed, "admin", shop.domain)
    return {
        "token": f"shpat_sandbox_{hexadecimal(rng, 24)}",
        "client_id": f"sandbox-client-{hexadecimal(rng, 16)}",
        "client_secret": f"shpss_sandbox_{hexadecimal(rng, 24)}",
    }


def revoke(credentials: Credentials, shop: str, seed: int) -> None:
    """Make a shop's Admin API reject its credentials, as Shopify does after the app is uninstalled.

    :param credentials: the server's credentials, changed in place; a client's own copy is not changed
    """
    rng = stream(seed, "revoked", shop)
    for name in ("token", "client_secret"):
        credentials["shopify_admin"][shop][name] = f"revoked-{hexadecimal(rng, 32)}"


def routes(shops: int) -> list[dict[str, str | None]]:
    """Return the routes of a world, in the form of the Variable ``partner_shop_routes``."""
    members = world(shops)
    return [
        {
            "shop": member.domain,
            "shopify_conn_id": f"shopify_admin_{member.handle}",
            "yofi_conn_id": "yofi_default",
            "yotpo_conn_id": f"yotpo_{member.handle}",
            "voucherify_conn_id": VOUCHERIFY if member == voucherify_shop(members) else None,
        }
        for member in members
        if member.routed
    ]


def connections(url: str, *, seed: int, shops: int) -> dict[str, dict[str, Any]]:
    """Return what Airflow needs to reach every API of this world, by connection id.

    :param url: the sandbox's address
    """
    known, base = make(seed, shops), url.rstrip("/")
    yofi, partner = known["yofi"], known["shopify_partner"]
    primary, secondary = partner["tokens"]
    result: dict[str, dict[str, Any]] = {
        "yofi_default": {
            "conn_type": "yofi",
            "host": f"{base}/yofi",
            "password": yofi["secret"],
            "extra": {
                "auth_profile": "service_account",
                **{name: yofi[name] for name in ("issuer", "subject", "client_id", "platform")},
                # The connection test reads this shop. Tasks name their own.
                "shop": next(member.domain for member in world(shops) if member.routed),
            },
        },
        "shopify_partner_default": {
            "conn_type": "shopify_partner",
            "host": f"{base}/shopify-partner",
            "password": primary,
            "extra": {"organization_id": partner["organization_id"], "secondary_access_token": secondary},
        },
    }
    coupons = known["voucherify"]
    for name in (VOUCHERIFY, "voucherify_default"):
        result[name] = {
            "conn_type": "voucherify",
            "host": f"{base}/voucherify",
            "login": coupons["app_id"],
            "password": coupons["secret_key"],
        }
    stores = {store["shop"]: (store_id, store["secret"]) for store_id, store in known["yotpo"].items()}
    for member in world(shops):
        result[f"shopify_admin_{member.handle}"] = {
            "conn_type": "shopify_admin",
            "host": f"{base}/shopify-admin/{member.domain}",
            "password": known["shopify_admin"][member.domain]["token"],
        }
        if member.domain in stores:
            login, password = stores[member.domain]
            result[f"yotpo_{member.handle}"] = {
                "conn_type": "yotpo",
                "host": f"{base}/yotpo",
                "login": login,
                "password": password,
            }
    return result


def variables(shops: int) -> dict[str, Any]:
    """Return the Variables of the product's Dags, by key, as ``airflow variables import`` takes them."""
    return {"partner_shop_routes": routes(shops), "partner_app_id": APP_ID, "partner_finance_uri": "none"}


def environment(url: str, *, seed: int, shops: int) -> dict[str, str]:
    """Return connections and Variables as the environment variables that Airflow reads.

    >>> sorted(environment("http://127.0.0.1:8900", seed=7, shops=1))[0]
    'AIRFLOW_CONN_SHOPIFY_ADMIN_AURORA_APPAREL'
    """
    return {
        **{
            f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection, ensure_ascii=False)
            for name, connection in connections(url, seed=seed, shops=shops).items()
        },
        **{
            f"AIRFLOW_VAR_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in variables(shops).items()
        },
    }


def as_shell(exported: Mapping[str, str]) -> str:
    """Return environment variables as lines for a shell's ``eval``."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in exported.items())
