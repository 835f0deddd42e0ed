"""Operators of the Shopify Admin API: a shop's lists, and any query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import (
    Check,
    check_flag,
    check_name,
    check_structure,
    parse_bool,
)
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.shopify_admin import ShopifyAdminHook
from airflow_provider_partners.links import DatasetLink, ShopifyAdminLink
from airflow_provider_partners.operators.document import DocumentOperator
from airflow_provider_partners.operators.extract_job import ExtractMode, JobExtractOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_partners.api.async_job import AsyncJob
    from airflow_provider_partners.api.extraction import Extraction

_WINDOW_VARIABLE = re.compile(r"\$(?:since|until)\s*:")
"""The declaration of a variable that takes an end of the window."""


class ShopifyAdminExtractOperator(JobExtractOperator):
    """Extracts a list of a shop into a dataset and returns the dataset's reference.

    Records include what is inside of them: orders every line item and fulfillment, products every variant. ``since``
    and ``until`` filter by the time of the last change.

    For a window of ten thousand objects or more, Shopify writes them into a file (a bulk operation), which costs
    nothing of the rate limit. ``mode`` overrides this. With ``deferrable`` the task waits for the file in the
    triggerer.

    .. seealso:: :ref:`howto/operator:ShopifyAdminExtractOperator`

    :param resource: the list, such as ``orders``, ``customers``, ``refunds`` or ``inventory_levels`` (templated)
    :param shop: the shop, such as ``a.myshopify.com``; by default the shop in the connection's host (templated)
    :param query: a filter in Shopify's search syntax, such as ``financial_status:paid`` (templated)
    :param personal_data: whether to read customers' names, email addresses and postal addresses; by default yes. The
        app needs the scope ``read_customers`` and Shopify's approval for them (templated)
    :param fields: further fields of each record, as a list or its JSON text: paths (``shippingLine.title``,
        ``lineItems.product.metafield:custom.model``), or selections in GraphQL. A path after a minus sign leaves a
        field out. For ``orders`` also the ``options`` of
        :class:`~airflow_provider_partners.operators.yotpo.YotpoBuildOrdersOperator`, a dict: then what their custom
        properties are read from (templated)
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


class ShopifyAdminQueryOperator(DocumentOperator, JobExtractOperator):
    """Extracts the records of any query of a shop's Admin API into a dataset and returns the dataset's reference.

    A record is a node of the document's connection, with each connection inside of it as a plain list, read to its end.
    The document needs nothing for paging: the page size, the cursor and ``pageInfo`` are added to it, and taken out of
    the records. A query without a connection is sent once as it is.

    ::

        ShopifyAdminQueryOperator(
            task_id="extract_draft_orders",
            document="{ draftOrders { nodes { id name status lineItems { nodes { sku quantity } } } } }",
            time_field="updated_at",
            since="{{ data_interval_start }}",
            until="{{ data_interval_end }}",
        )

    With ``mode="auto"`` a large list is read by a bulk operation, a file that Shopify writes, if the document fits one.
    Otherwise, and where Shopify refuses it, the list is read page by page.

    .. seealso:: :ref:`howto/operator:ShopifyAdminQueryOperator`

    :param time_field: the search field of the window, such as ``updated_at``: it is added to the ``query`` of the
        connection, beside your own search. Without it, a document that declares ``$since`` and ``$until`` gets the
        window there. Where there is neither, the document is read without a window (templated)
    :param resource: name of the records in the dataset (templated)
    :param shop: the shop, such as ``a.myshopify.com``; by default the shop in the connection's host (templated)
    :param shopify_admin_conn_id: id of the Airflow connection (templated)
    :param mode: ``auto``, ``paged`` or ``bulk`` (templated)
    """

    template_fields: Sequence[str] = (
        *DocumentOperator.template_fields,
        *(name for name in JobExtractOperator.template_fields if name != "match"),
        "time_field",
        "shop",
        "shopify_admin_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **{name: kind for name, kind in JobExtractOperator.template_fields_renderers.items() if name != "match"},
        **DocumentOperator.template_fields_renderers,
    }
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **JobExtractOperator.argument_checks,
        **DocumentOperator.argument_checks,
        "time_field": check_name,
    }
    modes: ClassVar[Mapping[str, ExtractMode]] = ShopifyAdminExtractOperator.modes
    fixed_arguments: ClassVar[frozenset[str]] = frozenset({"match"})
    operator_extra_links = (ShopifyAdminLink(), DatasetLink())
    ui_color = "#eaf5ea"

    def __init__(
        self,
        *,
        time_field: str | None = None,
        resource: str = "query",
        shop: str | None = None,
        shopify_admin_conn_id: str = ShopifyAdminHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(resource=resource, match=None, **kwargs)
        self.time_field = time_field
        self.shop = shop
        self.shopify_admin_conn_id = shopify_admin_conn_id

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return nothing: the records may have any name."""
        return {}

    def has_time_filter(self) -> bool:
        """Return True if the window has a place in the document."""
        return bool(self.time_field) or bool(_WINDOW_VARIABLE.search(self.document))

    def hook(self) -> ShopifyAdminHook:
        """Return the shop's hook."""
        return ShopifyAdminHook(self.shopify_admin_conn_id, **self.hook_params())

    def hook_params(self) -> dict[str, Any]:
        """Return the shop."""
        return {"shop": self.shop}

    def query_filters(self) -> dict[str, Any]:
        """Return the document and what belongs to it."""
        return {**self.document_arguments(), "time_field": self.time_field}

    def extraction(self, client: Any, query_arguments: Mapping[str, Any]) -> Extraction:
        """Return the extraction of the document's pages."""
        extraction: Extraction = client.query(resource=self.resource, **query_arguments)
        return extraction

    def job(self, client: Any, query: Mapping[str, Any]) -> AsyncJob:
        """Return the bulk operation that reads the document."""
        job: AsyncJob = client.query_job(resource=self.resource, **query)
        return job

    def prefers_job(self, client: Any, query: Mapping[str, Any]) -> bool:
        """Return True if a bulk operation can read the document, and the list is large."""
        return bool(client.prefers_query_job(**query))
