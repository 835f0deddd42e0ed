"""What each partner accepts in this world, and how Airflow is told of it: connections and variables.

All of it follows from the seed, the number of shops and the address alone, so that the connections can be
printed without a server. Every secret says of itself that it is none.
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

#: The connection to the one Voucherify project of a world.
VOUCHERIFY = "voucherify_sandbox"
APP_ID = f"gid://partners/App/{APP_NUMBER}"


def make(seed: int, shops: int) -> Credentials:
    """The credentials that a client uses, per partner.

    :param seed: of the world
    :param shops: how many are installed and routed
    """
    members = world(shops)
    chance = stream(seed, "credentials")
    return {
        "yofi": {
            "secret": f"sandbox-not-a-secret-{hexadecimal(chance, 32)}",
            "issuer": "partner-sandbox",
            "subject": "svc-sandbox",
            "client_id": "backend-service",
            "organization_id": "org-sandbox",
            "platform": "shopify",
            "shops": [member.domain for member in members],
        },
        "shopify_partner": {
            "organization_id": ORGANIZATION_ID,
            "tokens": [f"prtapi_sandbox_{rank}_{hexadecimal(chance, 16)}" for rank in ("primary", "secondary")],
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
    """The shop that has a Voucherify project: the first one with a route."""
    return next(member for member in members if member.routed)


def _voucherify(seed: int, shop: Shop) -> dict[str, str]:
    """The keys of its project: of the server's side, of the shop's web pages, and of the management API."""
    chance = stream(seed, "voucherify", "keys")
    return {
        "app_id": f"sandbox-app-{uuid(chance)}",
        "secret_key": f"sandbox-voucherify-{uuid(chance)}",
        "client_app_id": f"sandbox-client-app-{uuid(chance)}",
        "client_token": f"sandbox-client-token-{uuid(chance)}",
        "client_origin": f"https://{shop.domain}",
        "management_id": f"sandbox-management-{uuid(chance)}",
        "management_token": f"sandbox-management-token-{uuid(chance)}",
        "project_id": project_id(seed),
        "shop": shop.domain,
    }


def _admin(seed: int, shop: Shop) -> dict[str, str]:
    chance = stream(seed, "admin", shop.domain)
    return {
        "token": f"shpat_sandbox_{hexadecimal(chance, 24)}",
        "client_id": f"sandbox-client-{hexadecimal(chance, 16)}",
        "client_secret": f"shpss_sandbox_{hexadecimal(chance, 24)}",
    }


def revoke(credentials: Credentials, shop: str, seed: int) -> None:
    """Let a shop's Admin API refuse what it accepted, as Shopify does once the app is uninstalled.

    :param credentials: the server's, changed in place; a client's own are untouched
    """
    chance = stream(seed, "revoked", shop)
    for name in ("token", "client_secret"):
        credentials["shopify_admin"][shop][name] = f"revoked-{hexadecimal(chance, 32)}"


def routes(shops: int) -> list[dict[str, str | None]]:
    """The routes of a world, as the Variable ``partner_shop_routes`` holds them."""
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
    """What Airflow needs to reach every API of this world, by connection id.

    :param url: the sandbox's address
    """
    known, base = make(seed, shops), url.rstrip("/")
    yofi, partner = known["yofi"], known["shopify_partner"]
    primary, secondary = partner["tokens"]
    found: dict[str, dict[str, Any]] = {
        "yofi_default": {
            "conn_type": "yofi",
            "host": f"{base}/yofi",
            "password": yofi["secret"],
            "extra": {
                "auth_profile": "service_account",
                **{name: yofi[name] for name in ("issuer", "subject", "client_id", "platform")},
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
        found[name] = {
            "conn_type": "voucherify",
            "host": f"{base}/voucherify",
            "login": coupons["app_id"],
            "password": coupons["secret_key"],
        }
    stores = {store["shop"]: (store_id, store["secret"]) for store_id, store in known["yotpo"].items()}
    for member in world(shops):
        found[f"shopify_admin_{member.handle}"] = {
            "conn_type": "shopify_admin",
            "host": f"{base}/shopify-admin/{member.domain}",
            "password": known["shopify_admin"][member.domain]["token"],
        }
        if member.domain in stores:
            login, password = stores[member.domain]
            found[f"yotpo_{member.handle}"] = {
                "conn_type": "yotpo",
                "host": f"{base}/yotpo",
                "login": login,
                "password": password,
            }
    return found


def environment(url: str, *, seed: int, shops: int) -> dict[str, str]:
    """Connections and Variables as the environment variables that Airflow reads.

    >>> sorted(environment("http://127.0.0.1:8900", seed=7, shops=1))[0]
    'AIRFLOW_CONN_SHOPIFY_ADMIN_AURORA_APPAREL'
    """
    found = {
        f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection, ensure_ascii=False)
        for name, connection in connections(url, seed=seed, shops=shops).items()
    }
    found["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"] = json.dumps(routes(shops))
    found["AIRFLOW_VAR_PARTNER_APP_ID"] = APP_ID
    return found


def as_shell(variables: Mapping[str, str]) -> str:
    """The variables as lines that a shell can ``eval``."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
