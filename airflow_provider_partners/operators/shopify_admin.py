"""Shopify Admin: a shop's orders and products to datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.api.shopify_admin.client import RESOURCES
from airflow_provider_partners.hooks.shopify_admin import ShopifyAdminHook
from airflow_provider_partners.links import DatasetLink, ShopifyAdminLink
from airflow_provider_partners.operators.extract_job import AUTO, JOB, PAGES, JobExtractOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ShopifyAdminExtractOperator(JobExtractOperator):
    """Extracts a shop's orders or products to a dataset, and returns the dataset's reference.

    Orders come whole, with every line item and fulfillment. ``since`` and ``until`` are about the time of the
    last change.

    Where a window holds ten thousand objects or more, Shopify is asked to write them into a file (a bulk operation),
    which takes nothing of the rate limit; ``mode`` decides otherwise. The task waits for it in the triggerer where it
    is ``deferrable``.

    .. seealso:: :ref:`howto/operator:ShopifyAdminExtractOperator`

    :param resource: ``orders`` or ``products`` (templated)
    :param shop: the shop, such as ``a.myshopify.com``; the one of the connection's host by default
        (templated)
    :param query: a filter in Shopify's search syntax, such as ``financial_status:paid`` (templated)
    :param personal_data: whether customers' names, mails and addresses are asked for
    :param shopify_admin_conn_id: the connection (templated)
    :param mode: ``auto``, ``paged`` or ``bulk``; asked for by ids (``match``), a list is always paged
    """

    template_fields: Sequence[str] = (
        *JobExtractOperator.template_fields,
        "shop",
        "query",
        "shopify_admin_conn_id",
    )
    available_resources: ClassVar[Mapping[str, Any]] = RESOURCES
    modes: ClassVar[Mapping[str, str]] = {"auto": AUTO, "paged": PAGES, "bulk": JOB}
    operator_extra_links = (ShopifyAdminLink(), DatasetLink())
    ui_color = "#eaf5ea"

    def __init__(
        self,
        *,
        shop: str | None = None,
        query: str | None = None,
        personal_data: bool | None = None,
        shopify_admin_conn_id: str = ShopifyAdminHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.shop = shop
        self.query = query
        self.personal_data = personal_data
        self.shopify_admin_conn_id = shopify_admin_conn_id

    def hook(self) -> ShopifyAdminHook:
        """The shop's hook."""
        return ShopifyAdminHook(self.shopify_admin_conn_id, **self.hook_params())

    def hook_params(self) -> dict[str, Any]:
        """The shop."""
        return {"shop": self.shop}

    def query_filters(self) -> dict[str, Any]:
        """The search, and whether personal data is wanted."""
        return {"query": self.query, "personal_data": self.personal_data}
