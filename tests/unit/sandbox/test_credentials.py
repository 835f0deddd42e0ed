"""Credentials and connections follow from the seed, without a server."""

from __future__ import annotations

import json
import subprocess

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.world.build import build

URL = "http://127.0.0.1:8900"


def test_the_connections_have_the_credentials_that_the_server_accepts():
    accepted = build(seed=5, shops=2, orders=1).credentials

    connections = credentials.connections(URL, seed=5, shops=2)

    assert connections["yofi_default"]["password"] == accepted["yofi"]["secret"]
    assert connections["shopify_partner_default"]["password"] == accepted["shopify_partner"]["tokens"][0]
    domain = "maison-lumiere.myshopify.com"
    admin = connections["shopify_admin_maison_lumiere"]
    assert admin["password"] == accepted["shopify_admin"][domain]["token"]
    assert admin["host"] == f"{URL}/shopify-admin/{domain}"
    store = connections["yotpo_maison_lumiere"]
    assert accepted["yotpo"][store["login"]] == {"secret": store["password"], "shop": domain}
    coupons = connections["voucherify_sandbox"]
    assert (coupons["login"], coupons["password"]) == (
        accepted["voucherify"]["app_id"],
        accepted["voucherify"]["secret_key"],
    )
    assert coupons["host"] == f"{URL}/voucherify"
    assert connections["voucherify_default"] == coupons


def test_connections_carry_the_documented_fields_and_no_others():
    connections = credentials.connections(f"{URL}/", seed=7, shops=1)

    assert connections["yofi_default"]["host"] == f"{URL}/yofi"
    assert set(connections["yofi_default"]["extra"]) == {
        "auth_profile",
        "issuer",
        "subject",
        "client_id",
        "platform",
        "shop",
    }
    assert set(connections["shopify_partner_default"]["extra"]) == {"organization_id", "secondary_access_token"}
    assert set(connections["shopify_admin_aurora_apparel"]) == {"conn_type", "host", "password"}
    assert set(connections["yotpo_aurora_apparel"]) == {"conn_type", "host", "login", "password"}
    assert set(connections["voucherify_default"]) == {"conn_type", "host", "login", "password"}


def test_the_uninstalled_shop_is_routed_with_a_token_that_no_longer_works():
    accepted = build(seed=7, shops=1, orders=1).credentials["shopify_admin"]["velvet-ember.myshopify.com"]

    mine = credentials.make(7, 1)["shopify_admin"]["velvet-ember.myshopify.com"]

    assert mine["token"] != accepted["token"]
    assert mine["client_secret"] != accepted["client_secret"]
    assert "velvet-ember.myshopify.com" in {route["shop"] for route in credentials.routes(1)}


def test_the_unrouted_shop_is_installed_but_has_neither_route_nor_store():
    shop = "orchard-toys-and-games.myshopify.com"

    assert shop not in {route["shop"] for route in credentials.routes(4)}
    assert shop in credentials.make(7, 4)["shopify_admin"]
    assert shop not in {store["shop"] for store in credentials.make(7, 4)["yotpo"].values()}


def test_every_route_names_connections_that_exist():
    connections = credentials.connections(URL, seed=7, shops=9)

    routes = credentials.routes(9)

    assert len(routes) == 10
    for route in routes:
        assert {route["shopify_conn_id"], route["yofi_conn_id"], route["yotpo_conn_id"]} <= set(connections)
        assert connections[route["shopify_conn_id"]]["host"].endswith(route["shop"])
    projects = {route["shop"]: route["voucherify_conn_id"] for route in routes if route["voucherify_conn_id"]}
    assert projects == {"aurora-apparel.myshopify.com": "voucherify_sandbox"}
    assert "voucherify_sandbox" in connections


def test_secrets_are_long_enough_and_marked_as_fake():
    made = credentials.make(7, 4)

    assert len(made["yofi"]["secret"].encode()) >= 32
    everything = [made["yofi"]["secret"], *made["shopify_partner"]["tokens"]]
    everything += [value for shop in made["shopify_admin"].values() for value in shop.values()]
    everything += [store["secret"] for store in made["yotpo"].values()]
    everything += [made["voucherify"][name] for name in ("secret_key", "client_token", "management_token")]
    assert all("sandbox" in value for value in everything)
    assert len(set(everything)) == len(everything)


def test_the_shell_form_survives_a_shell():
    variables = credentials.environment(URL, seed=7, shops=1)
    script = credentials.as_shell(variables) + '\nprintf %s "$AIRFLOW_VAR_PARTNER_SHOP_ROUTES"'

    printed = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout

    assert json.loads(printed) == credentials.routes(1)
