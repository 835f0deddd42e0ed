"""Links from a task to where its work is looked at: the partner's console, and the dataset.

Airflow asks for them when a try has ended or is waiting, on the worker, and keeps the addresses; before that there are
none. They are made of names and ids alone, of those that the task has met, or else of its arguments; what isn't known
gives no link, and never an error. Calls nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink

from airflow_provider_partners import settings
from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.observability.activity import TaskActivity

_ADMIN_URL = "https://admin.shopify.com/store/"
_DASHBOARD_URL = "https://partners.shopify.com/"
_YOTPO_URL = "https://reviews.yotpo.com/"

_VOUCHERIFY_API, _VOUCHERIFY_APP = "api.voucherify.io", "app.voucherify.io"
"""A cluster's two addresses differ in this; its name stands before it."""

_BUCKET_URLS = {
    "s3": "https://console.aws.amazon.com/s3/buckets/{bucket}?prefix={path}/",
    "gs": "https://console.cloud.google.com/storage/browser/{bucket}/{path}",
}
"""Where object storage is looked at."""

_ADMIN_PAGES = ("orders", "products", "customers")
"""Lists that have a page of their name in a shop's admin."""


class PartnerLink(BaseOperatorLink):
    """A link whose address follows from what a task is about."""

    name: ClassVar[str]

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address; empty where it isn't known.

        :param operator: the task, as it ran
        :param ti_key: which run of it; not needed
        """
        try:
            return self.url(operator, getattr(operator, "_activity", None)) or ""
        except (ConfigurationError, ValueError, TypeError, AttributeError):
            # Arguments that were never rendered, or can't be right: the task's own failure tells of it.
            return ""

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """The address, if it is known.

        :param operator: the task
        :param activity: what it has met, if it has begun
        """
        raise NotImplementedError


class ShopifyAdminLink(PartnerLink):
    """To the orders or products of the task's shop in Shopify's admin."""

    name = "Shopify admin"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """The shop's page of the list."""
        handle = _shop_handle(operator, activity)
        page = f"/{operator.resource}" if operator.resource in _ADMIN_PAGES else ""
        return f"{_ADMIN_URL}{handle}{page}" if handle else None


class ShopifyPartnerLink(PartnerLink):
    """To the organization in the Partner Dashboard, or to the app there."""

    name = "Partner Dashboard"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """The app's page, where the task is about one."""
        if activity is None or not activity.account:
            return None
        app = str(getattr(operator, "app_id", None) or "").rpartition("/")[2]
        return f"{_DASHBOARD_URL}{quote(activity.account, safe='')}" + (f"/apps/{app}" if app.isdigit() else "")


class YotpoLink(PartnerLink):
    """To Yotpo Reviews, which opens the store that was chosen there last: its addresses name none."""

    name = "Yotpo"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """The same one for every store."""
        return _YOTPO_URL


class VoucherifyLink(PartnerLink):
    """To the dashboard of the project's cluster."""

    name = "Voucherify"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """The dashboard beside the API that was asked; a proxy's isn't known."""
        host = activity.host if activity else None
        if host is None or not (host == _VOUCHERIFY_API or host.endswith(f".{_VOUCHERIFY_API}")):
            return None
        return f"https://{host.removesuffix(_VOUCHERIFY_API)}{_VOUCHERIFY_APP}/"


class YofiLink(PartnerLink):
    """To where the shop's users open Yofi: by default the apps in the shop's admin, see ``[partners] yofi_console``."""

    name = "Yofi"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """The page of the shop."""
        handle = _shop_handle(operator, activity)
        return settings.yofi_console().replace("{shop}", handle) if handle else None


class DatasetLink(PartnerLink):
    """To the dataset that the task has written, in the console of its object storage, or else its folder."""

    name = "Dataset"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """The folder's page."""
        if activity is None or not activity.datasets_written:
            return None
        uri = activity.datasets_written[0].uri
        parts = urlsplit(uri if "://" in uri else f"file://{uri}")
        # In the place of a user stands the id of the connection that opens the folder.
        bucket, path = parts.netloc.rpartition("@")[2], parts.path.strip("/")
        page = _BUCKET_URLS.get(parts.scheme, "{scheme}://{bucket}/{path}")
        return page.format(scheme=parts.scheme, bucket=bucket, path=quote(path, safe="/=+:@~,"))


def _shop_handle(operator: Any, activity: TaskActivity | None) -> str | None:
    """The shop as its admin's addresses name it."""
    shop = (activity.account if activity else None) or getattr(operator, "shop", None)
    return shop_domain(shop).partition(".")[0] if shop else None
