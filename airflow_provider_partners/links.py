"""Links from a task to the partner's console and to the dataset.

Airflow calls them on the worker when a try has ended or is deferred, and stores the URLs. Before that there are none. A
URL is built from the task's activity, or else from its arguments. If something is unknown there is no link, and never
an error. Makes no calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink

from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.get_provider_info import YOFI_CONSOLE_URL

if TYPE_CHECKING:
    from airflow_provider_partners.observability.activity import TaskActivity

__all__ = [
    "DatasetLink",
    "PartnerLink",
    "ReportLink",
    "ShopifyAdminLink",
    "ShopifyPartnerLink",
    "VoucherifyLink",
    "YofiLink",
    "YotpoLink",
]

_ADMIN_URL = "https://admin.shopify.com/store/"
_DASHBOARD_URL = "https://partners.shopify.com/"
_YOTPO_URL = "https://reviews.yotpo.com/"

_VOUCHERIFY_API, _VOUCHERIFY_APP = "api.voucherify.io", "app.voucherify.io"
"""Hosts of a cluster's API and dashboard. The cluster's name precedes both, as in ``us1.api.voucherify.io``."""

_BUCKET_URLS = {
    "s3": "https://console.aws.amazon.com/s3/buckets/{bucket}?prefix={path}/",
    "gs": "https://console.cloud.google.com/storage/browser/{bucket}/{path}",
}
"""Consoles of object storage."""

_ADMIN_PAGES = {
    **{name: name for name in ("orders", "products", "customers", "draft_orders", "collections", "discounts")},
    "abandoned_checkouts": "checkouts",
    "refunds": "orders",
    "transactions": "orders",
    "product_variants": "products",
    "inventory_levels": "products/inventory",
    "locations": "settings/locations",
}
"""Lists with a page of their own in Shopify's admin, by name."""


class PartnerLink(BaseOperatorLink):
    """Base class: a link whose URL follows from the task's activity and arguments."""

    name: ClassVar[str]

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL, or ``""`` if it is unknown."""
        try:
            return self.url(operator, getattr(operator, "_activity", None)) or ""
        except (ConfigurationError, ValueError, TypeError, AttributeError):
            # Arguments that are not rendered or are invalid: the task itself fails and shows the error.
            return ""

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """Return the URL, or ``None`` if it is unknown.

        :param activity: ``None`` before the task started
        """
        raise NotImplementedError


class ShopifyAdminLink(PartnerLink):
    """Link to the shop's orders, products or another list in Shopify's admin."""

    name = "Shopify admin"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """Return the shop's page of the list."""
        handle = _shop_handle(operator, activity)
        page = f"/{_ADMIN_PAGES[operator.resource]}" if operator.resource in _ADMIN_PAGES else ""
        return f"{_ADMIN_URL}{handle}{page}" if handle else None


class ShopifyPartnerLink(PartnerLink):
    """Link to the organization in the Partner Dashboard, or to the app there."""

    name = "Partner Dashboard"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """Return the app's page if the task has an app, else the organization's."""
        if activity is None or not activity.account:
            return None
        app = str(getattr(operator, "app_id", None) or "").rpartition("/")[2]
        return f"{_DASHBOARD_URL}{quote(activity.account, safe='')}" + (f"/apps/{app}" if app.isdigit() else "")


class YotpoLink(PartnerLink):
    """Link to Yotpo Reviews. Its URLs name no store: it opens the store that the user selected last."""

    name = "Yotpo"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """Return the same URL for every store."""
        return _YOTPO_URL


class VoucherifyLink(PartnerLink):
    """Link to the dashboard of the project's cluster."""

    name = "Voucherify"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """Return the dashboard beside the API; ``None`` for a proxy."""
        host = activity.host if activity else None
        if host is None or not (host == _VOUCHERIFY_API or host.endswith(f".{_VOUCHERIFY_API}")):
            return None
        return f"https://{host.removesuffix(_VOUCHERIFY_API)}{_VOUCHERIFY_APP}/"


class YofiLink(PartnerLink):
    """Link to Yofi for the shop's users: the connection's ``console_url``, by default the apps in the shop's admin."""

    name = "Yofi"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """Return the shop's page."""
        handle = _shop_handle(operator, activity)
        console_url = (activity.console_url if activity else None) or YOFI_CONSOLE_URL
        return console_url.replace("{shop}", handle) if handle else None


class DatasetLink(PartnerLink):
    """Link to the dataset that the task has written or waits for, in the console of its object storage.

    A folder of a worker has no link: it isn't on the machine of the user's browser.
    """

    name = "Dataset"

    def url(self, operator: Any, activity: TaskActivity | None) -> str | None:
        """Return the folder's page, ``None`` for storage without a console."""
        written = activity.datasets_written if activity else []
        uri = written[0].uri if written else getattr(operator, "linked_uri", None)
        if not uri:
            return None
        parts = urlsplit(uri)
        # The user part of the URI is the id of the Airflow connection that opens the folder.
        bucket, path = parts.netloc.rpartition("@")[2], parts.path.strip("/")
        page = _BUCKET_URLS.get(parts.scheme)
        return page.format(bucket=bucket, path=quote(path, safe="/=+:@~,")) if page else None


class ReportLink(BaseOperatorLink):
    """Link to the report of the run, which the task has written.

    Airflow serves the page from 3.1 on, also from a worker's folder that it can read. Before, the link is the file.
    """

    name = "Report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL; ``""`` if it is unknown."""
        from airflow_provider_partners.observability.report.run import page_url

        try:
            return page_url(ti_key.dag_id, ti_key.run_id)
        except (ConfigurationError, ValueError, TypeError, AttributeError):
            return ""


def _shop_handle(operator: Any, activity: TaskActivity | None) -> str | None:
    """Return the shop's name as its admin URL has it."""
    shop = (activity.account if activity else None) or getattr(operator, "shop", None)
    return shop_domain(shop).partition(".")[0] if shop else None
