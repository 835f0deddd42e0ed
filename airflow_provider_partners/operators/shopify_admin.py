"""Operator of the Shopify Admin API: a shop's orders and products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import Check, check_flag, check_structure, parse_bool
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.shopify_admin import ShopifyAdminHook
from airflow_provider_partners.links import DatasetLink, ShopifyAdminLink
from airflow_provider_partners.operators.extract_job import ExtractMode, JobExtractOperator

if TYPE_CHECKING:
    from collections.abc import Sequence


class ShopifyAdminExtractOperator(JobExtractOperator):
    """Extracts a shop's orders or products into a dataset and returns the dataset's reference.

    Orders include every line item and fulfillment. ``since`` and ``until`` filter by the time of the last change.

    For a window of ten thousand objects or more, Shopify writes them into a file (a bulk operation), which costs
    nothing of the rate limit. ``mode`` overrides this. With ``deferrable`` the task waits for the file in the
    triggerer.

    .. seealso:: :ref:`howto/operator:ShopifyAdminExtractOperator`

    :param resource: ``orders`` or ``products`` (templated)
    :param shop: the shop, such as ``a.myshopify.com``; by default the shop in the connection's host (templated)
    :param query: a filter in Shopify's search syntax, such as ``financial_status:paid`` (templated)
    :param personal_data: whether to read customers' names, email addresses and postal addresses; by default yes. The
        app needs the scope ``read_customers`` and Shopify's approval for them (templated)
    :param fields: further fields of each record, as a list or its JSON text: paths (``shippingLine.title``,
        ``lineItems.product.metafield:custom.model``), or selections in GraphQL. A path after a minus sign leaves a
        field out. For ``orders`` also the ``options`` of :class:`~airflow_provider_partners.YotpoBuildOrdersOperator`,
        a dict: then what their custom properties are read from (templated)
    :param shopify_admin_conn_id: id of the Airflow connection (templated)
    :param mode: ``auto``, ``paged`` or ``bulk``; a read by ids (``match``) is always paged (templated)
    """

    template_fields: Sequence[str] = (
        *JobExtractOperator.template_fields,
        "shop",
        "query",
        "personal_data",
        "fields",
        "shopify_admin_conn_id",
    )
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **JobExtractOperator.argument_checks,
        "personal_data": check_flag,
        "fields": check_structure,
    }
    modes: ClassVar[Mapping[str, ExtractMode]] = {
        "auto": ExtractMode.AUTO,
        "paged": ExtractMode.PAGES,
        "bulk": ExtractMode.JOB,
    }
    operator_extra_links = (ShopifyAdminLink(), DatasetLink())
    ui_color = "#eaf5ea"

    def __init__(
        self,
        *,
        shop: str | None = None,
        query: str | None = None,
        personal_data: bool | str | None = None,
        fields: str | Sequence[str] | Mapping[str, Any] | None = None,
        shopify_admin_conn_id: str = ShopifyAdminHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.shop = shop
        self.query = query
        self.personal_data = personal_data
        self.fields = fields
        self.shopify_admin_conn_id = shopify_admin_conn_id

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the lists by name."""
        from airflow_provider_partners.api.shopify_admin.resources import RESOURCES

        return RESOURCES

    def hook(self) -> ShopifyAdminHook:
        """Return the shop's hook."""
        return ShopifyAdminHook(self.shopify_admin_conn_id, **self.hook_params())

    def hook_params(self) -> dict[str, Any]:
        """Return the shop."""
        return {"shop": self.shop}

    def query_filters(self) -> dict[str, Any]:
        """Return the search query, whether to read personal data, and the further fields."""
        personal_data = None if self.personal_data is None else parse_bool(self.personal_data, "personal_data")
        return {"query": self.query, "personal_data": personal_data, "fields": self._further_fields()}

    def _further_fields(self) -> str | Sequence[str] | None:
        """Return the further fields; for the options of a mapping, what these name.

        :raises ConfigurationError: when the options are wrong, or of another list
        """
        if not isinstance(self.fields, Mapping):
            return self.fields or None
        if self.resource != "orders":
            message = f"'fields' holds the options of the mapping of orders, and 'resource' is {self.resource}"
            raise ConfigurationError(message, remedy="Write fields=['…'] for this list.")
        from airflow_provider_partners.sync.options import MappingOptions

        return MappingOptions.parse(self.fields).required_fields or None
