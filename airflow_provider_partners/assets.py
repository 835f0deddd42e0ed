"""Assets of the partners' lists, such as ``yotpo://store/orders`` and ``shopify-admin://shop/orders``.

The account (shop, store, organisation, project) is the URI's host, the list its path. Registered in
``get_provider_info``, so that Airflow checks such URIs when a Dag is read. Calls no API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, urlsplit

from airflow.sdk import Asset

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """One spelling for each list of an account.

    :param uri: the URI in parts
    :raises ValueError: when it names no account or no list
    """
    resource = uri.path.strip("/")
    if not uri.netloc or not resource or "/" in resource or uri.query:
        message = f"An asset of this provider is {uri.scheme}://account/list, such as {uri.scheme}://shop/orders"
        raise ValueError(message)
    return uri._replace(netloc=uri.netloc.lower(), path=f"/{resource}")


def create_yofi_asset(*, account: str, resource: str, extra: Any = None) -> Asset:
    """A list of Yofi's.

    :param account: the shop's domain
    :param resource: the list's name, such as ``returns``
    :param extra: what else is known of it
    """
    return _asset("yofi", account, resource, extra)


def create_shopify_partner_asset(*, account: str, resource: str, extra: Any = None) -> Asset:
    """A list of the Shopify Partner API's.

    :param account: the organisation's id
    :param resource: the list's name, such as ``transactions``
    :param extra: what else is known of it
    """
    return _asset("shopify-partner", account, resource, extra)


def create_shopify_admin_asset(*, account: str, resource: str, extra: Any = None) -> Asset:
    """A list of a shop's.

    :param account: the shop's domain
    :param resource: the list's name, such as ``orders``
    :param extra: what else is known of it
    """
    return _asset("shopify-admin", account, resource, extra)


def create_voucherify_asset(*, account: str, resource: str, extra: Any = None) -> Asset:
    """A list of a Voucherify project's.

    :param account: the project's application id
    :param resource: the list's name, such as ``redemptions``
    :param extra: what else is known of it
    """
    return _asset("voucherify", account, resource, extra)


def create_yotpo_asset(*, account: str, resource: str, extra: Any = None) -> Asset:
    """A list of a Yotpo store's.

    :param account: the store's id
    :param resource: the list's name, such as ``orders``
    :param extra: what else is known of it
    """
    return _asset("yotpo", account, resource, extra)


def asset_uri(api: str, account: str, resource: str) -> str:
    """The URI of a list of any of the APIs, in the one spelling it has.

    :param api: a connection's type, such as ``shopify_admin``
    :param account: whose list it is
    :param resource: the list's name
    """
    return f"{api.replace('_', '-')}://{quote(account.lower(), safe='')}/{quote(resource, safe='')}"


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Dataset:
    """The dataset that OpenLineage names for an asset: the account as namespace, the list as name.

    :param asset: of one of this provider's schemes
    :param lineage_context: the hook that met it; not needed
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset as OpenLineageDataset

    parts = urlsplit(asset.uri)
    return OpenLineageDataset(namespace=f"{parts.scheme}://{parts.netloc}", name=parts.path.lstrip("/"))


def _asset(scheme: str, account: str, resource: str, extra: Any) -> Asset:
    return Asset(uri=f"{scheme}://{account}/{resource}", extra=extra)
