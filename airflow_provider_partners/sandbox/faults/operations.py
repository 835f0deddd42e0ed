"""Under which name a call is counted: partner, shop and operation, by its path alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from airflow_provider_partners.sandbox.voucherify.routes import operation_name

# Partner, path and operation; the path contains the shop where the API has one there. The first match wins.
_OPERATIONS: tuple[tuple[str, str, str], ...] = (
    ("yotpo", r"^/yotpo/core/v3/stores/(?P<shop>[^/]+)/access_tokens$", "token"),
    ("yotpo", r"^/yotpo/oauth/token$", "token"),
    ("yotpo", r"^/yotpo/core/v3/stores/(?P<shop>[^/]+)/(?:.+/)?(?P<thing>[a-z_]+)(?P<id>/\d+)?$", "{thing}.{verb}"),
    ("yofi", r"^/yofi/ecommerce/customers/(?P<id>[^/]+)/?$", "customers.get"),
    ("yofi", r"^/yofi/ecommerce/(?:unified[-_])?(?P<thing>[a-z_-]+)/?$", "{thing}.list"),
    ("shopify_admin", r"^/shopify-admin/(?P<shop>[^/]+)/admin/oauth/", "token"),
    ("shopify_admin", r"^/shopify-admin/(?P<shop>[^/]+)/.*graphql\.json$", "graphql"),
    ("shopify_partner", r"^/shopify-partner/.*graphql\.json$", "graphql"),
)
_VOUCHERIFY = "/voucherify"
_VERBS: Mapping[tuple[str, bool], str] = {
    ("POST", False): "create",
    ("PATCH", True): "update",
    ("GET", True): "get",
    ("GET", False): "list",
}


def operation(method: str, path: str, headers: Mapping[bytes, bytes]) -> tuple[str, str, str]:
    """Return partner, shop and operation under which a fault of this request is counted.

    >>> operation("POST", "/yotpo/core/v3/stores/s1/orders", {})
    ('yotpo', 's1', 'orders.create.fault')
    """
    if path.startswith(f"{_VOUCHERIFY}/"):
        # Voucherify has too many paths for patterns.
        return "voucherify", "", f"{operation_name(method, path.removeprefix(_VOUCHERIFY))}.fault"
    for partner, pattern, name in _OPERATIONS:
        if match := re.match(pattern, path):
            parts = {key: value or "" for key, value in match.groupdict().items()}
            # Yofi names the shop in a request header. The Partner API names none.
            shop = headers.get(b"app_id", b"").decode() if partner == "yofi" else parts.get("shop", "")
            verb = _VERBS.get((method, bool(parts.get("id"))), method.lower())
            thing = parts.get("thing", "").replace("-", "_")
            return partner, shop, f"{name.format(thing=thing, verb=verb)}.fault"
    return path.split("/")[1].replace("-", "_"), "", "other.fault"
