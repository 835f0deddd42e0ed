"""Shopify's official schemas and API versions: which version answers a request, and with which schema.

Shopify releases a version each quarter and keeps it for at least twelve months. A request for a removed version "falls
forward" to the oldest remaining one (https://shopify.dev/docs/api/usage/versioning). The SDL files are Shopify's own,
included unchanged with their licence.
"""

from __future__ import annotations

import gzip
import re
import threading
from importlib.resources import files

from graphql import GraphQLSchema, build_ast_schema, parse

#: The versions a sandbox can serve, oldest first, each with its schema file. A version without its own file uses that
#: of its neighbour. According to the published introspection, 2025-10, 2026-01 and 2026-04 of the Partner API share
#: one schema, and so do all versions up to 2025-04, the last with jobs and conversations. The bulk operations of
#: 2026-07 exist in the Admin API since 2026-01.
SCHEMAS = {
    "shopify_partner": {
        "2024-10": "shopify_partner_2025-04.graphql",
        "2025-01": "shopify_partner_2025-04.graphql",
        "2025-04": "shopify_partner_2025-04.graphql",
        "2025-07": "shopify_partner_2025-07.graphql",
        "2025-10": "shopify_partner_2025-07.graphql",
        "2026-01": "shopify_partner_2025-07.graphql",
        "2026-04": "shopify_partner_2025-07.graphql",
        "2026-07": "shopify_partner_2026-07.graphql",
        "2026-10": "shopify_partner_2026-07.graphql",
        "unstable": "shopify_partner_2026-07.graphql",
    },
    "shopify_admin": {
        "2025-10": "shopify_admin_2025-10.graphql.gz",
        "2026-01": "shopify_admin_2026-07.graphql.gz",
        "2026-04": "shopify_admin_2026-07.graphql.gz",
        "2026-07": "shopify_admin_2026-07.graphql.gz",
        "2026-10": "shopify_admin_2026-07.graphql.gz",
        "unstable": "shopify_admin_2026-07.graphql.gz",
    },
}

_QUARTER = re.compile(r"\d{4}-(01|04|07|10)")
_built: dict[str, GraphQLSchema] = {}
_building = threading.Lock()


def accessible_versions(api: str, *, oldest: str) -> list[str]:
    """Return the dated versions that still answer, oldest first."""
    return [version for version in SCHEMAS[api] if version != "unstable" and version >= oldest]


def answering_version(api: str, requested: str, *, oldest: str) -> str | None:
    """Return the version that answers a request for ``requested``, or ``None`` if there is no such version.

    :param oldest: the oldest accessible version; earlier quarters fall forward to it
    """
    if requested == "unstable":
        return requested
    if not _QUARTER.fullmatch(requested):
        return None
    if requested < oldest:
        return accessible_versions(api, oldest=oldest)[0]
    return requested if requested in SCHEMAS[api] else None


def public_api_versions(api: str, *, oldest: str) -> list[dict[str, object]]:
    """Return the value of the root field ``publicApiVersions`` (recorded: dated versions, then ``unstable``)."""
    dated = [
        {"handle": version, "displayName": version, "supported": True}
        for version in accessible_versions(api, oldest=oldest)
    ]
    return [*dated, {"handle": "unstable", "displayName": "Unstable", "supported": False}]


def schema(api: str, version: str) -> GraphQLSchema:
    """Return the schema of one version, built at first use: the Admin schema takes about a second."""
    name = SCHEMAS[api][version]
    with _building:
        if name not in _built:
            raw = (files("airflow_provider_partners.sandbox") / "schemas" / name).read_bytes()
            sdl = gzip.decompress(raw) if name.endswith(".gz") else raw
            document = parse(sdl.decode(), no_location=True)
            _built[name] = build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
        return _built[name]
