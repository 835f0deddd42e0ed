"""Assets of the partners' lists, such as ``yotpo://store/orders`` and ``shopify-admin://shop/orders``.

The URI's host is the account (shop, store, organization or project), its path is the list. The schemes are registered
in ``get_provider_info``, so Airflow checks such URIs when it parses a Dag. Makes no calls.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, urlsplit

from airflow.sdk import Asset

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset

__all__ = [
    "asset_uri",
    "convert_asset_to_openlineage",
    "create_shopify_admin_asset",
    "create_shopify_partner_asset",
    "create_voucherify_asset",
    "create_yofi_asset",
    "create_yotpo_asset",
    "sanitize_uri",
]


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Return the normal form of an asset's URI.

    :raises ValueError: when it has no account or no list
    """
    resource = uri.path.strip("/")
    if not uri.netloc or not resource or "/" in resource or uri.query:
        message = f"An asset of this provider is {uri.scheme}://account/list, such as {uri.scheme}://shop/orders"
        raise ValueError(message)
    return uri._replace(netloc=uri.netloc.lower(), path=f"/{resource}")


def _asset(scheme: str, /, *, account: str, resource: str, extra: Any = None) -> Asset:
    """Return the asset of an account's list.

    :param account: the shop's domain, or the id of the organization, project or store
    :param resource: name of the list, such as ``orders``
    :param extra: further facts about the asset
    """
    return Asset(uri=f"{scheme}://{account}/{resource}", extra=extra)


create_yofi_asset = partial(_asset, "yofi")
"""Return the asset of a shop's list at Yofi; ``account`` is the shop's domain."""

create_shopify_partner_asset = partial(_asset, "shopify-partner")
"""Return the asset of a list of the Shopify Partner API; ``account`` is the organization's id."""

create_shopify_admin_asset = partial(_asset, "shopify-admin")
"""Return the asset of a shop's list at Shopify; ``account`` is the shop's domain."""

create_voucherify_asset = partial(_asset, "voucherify")
"""Return the asset of a list of a Voucherify project; ``account`` is the application id."""

create_yotpo_asset = partial(_asset, "yotpo")
"""Return the asset of a list of a Yotpo store; ``account`` is the store's id."""


def asset_uri(api: str, account: str, resource: str) -> str:
    """Return the URI of a partner's list in its normal form.

    :param api: a connection type, such as ``shopify_admin``
    :param account: the account that the list belongs to
    :param resource: name of the list
    """
    return f"{api.replace('_', '-')}://{quote(account.lower(), safe='')}/{quote(resource, safe='')}"


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Dataset:
    """Return OpenLineage's dataset of an asset: the account is the namespace, the list is the name.

    :param asset: an asset with a scheme of this provider
    :param lineage_context: the hook that uses the asset; not needed
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset as OpenLineageDataset

    parts = urlsplit(asset.uri)
    return OpenLineageDataset(namespace=f"{parts.scheme}://{parts.netloc}", name=parts.path.lstrip("/"))
