"""Operators of the Shopify Partner API: transactions, app events, and the shops that have an app installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners import timestamps
from airflow_provider_partners.arguments import Check, check_count, check_flag, check_keys, check_name
from airflow_provider_partners.datasets.list_writer import write_dataset
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.progress import ProgressLog
from airflow_provider_partners.exceptions import ConfigurationError, NotDefinedError
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.links import DatasetLink, ShopifyPartnerLink
from airflow_provider_partners.operators.base import PartnerOperator, TemplatedTime
from airflow_provider_partners.operators.document import DocumentOperator
from airflow_provider_partners.operators.extract import ExtractOperator
from airflow_provider_partners.operators.stored import StoringOperator
from airflow_provider_partners.task_errors import Context
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.datasets.reference import DatasetRefDict


NO_APP = "none"
"""The app id that says: there is no app, so every shop counts as having it."""

EVERY_SHOP = "all"
"""What :class:`ShopifyPartnerActiveShopsOperator` returns then."""


class ShopifyPartnerExtractOperator(ExtractOperator):
    """Extracts a list of the Shopify Partner API into a dataset and returns the dataset's reference.

    .. seealso:: :ref:`howto/operator:ShopifyPartnerExtractOperator`

    :param resource: ``transactions``, ``app_events`` or ``events``; API versions up to 2025-04 also have ``jobs``,
        ``conversations`` and ``messages`` (templated)
    :param app_id: the app, ``gid://partners/App/…``; required by ``app_events`` (templated)
    :param types: types of transactions or events, or statuses of jobs and conversations; all by default (templated)
    :param shop: the shop's domain (templated)
    :param shop_id: the shop's id, ``gid://partners/Shop/…`` (templated)
    :param conversation_id: the conversation that ``messages`` belong to (templated)
    :param shopify_partner_conn_id: id of the Airflow connection (templated)
    """

    template_fields: Sequence[str] = (
        *ExtractOperator.template_fields,
        "app_id",
        "types",
        "shop",
        "shop_id",
        "conversation_id",
        "shopify_partner_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {**ExtractOperator.template_fields_renderers, "types": "json"}
    argument_checks: ClassVar[Mapping[str, Check]] = {**ExtractOperator.argument_checks, "types": check_keys}
    operator_extra_links = (ShopifyPartnerLink(), DatasetLink())
    ui_color = "#eaf5ea"

    def __init__(
        self,
        *,
        app_id: str | None = None,
        types: Sequence[str] | None = None,
        shop: str | None = None,
        shop_id: str | None = None,
        conversation_id: str | None = None,
        shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.app_id = app_id
        self.types = types
        self.shop = shop
        self.shop_id = shop_id
        self.conversation_id = conversation_id
        self.shopify_partner_conn_id = shopify_partner_conn_id

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the lists by name."""
        from airflow_provider_partners.api.shopify_partner.resources import RESOURCES

        return RESOURCES

    def hook(self) -> ShopifyPartnerHook:
        """Return the organization's hook."""
        return ShopifyPartnerHook(self.shopify_partner_conn_id)

    def query_filters(self) -> dict[str, Any]:
        """Return the filters by app, type and shop.

        :raises ConfigurationError: when ``match`` is given
        """
        if self.match is not None:
            message = "The Shopify Partner API has no filter by ids, so 'match' has no meaning here"
            raise ConfigurationError(message, remedy="Filter by 'app_id', 'types', 'shop' or 'shop_id'.")
        return {
            "app_id": self.app_id,
            "types": self.types,
            "shop": self.shop,
            "shop_id": self.shop_id,
            "conversation_id": self.conversation_id,
        }


class ShopifyPartnerActiveShopsOperator(PartnerOperator):
    """Returns the domains of the shops that have an app installed, computed from the app's events.

    :param app_id: the app, ``gid://partners/App/…``, or ``none`` where there is no app: the task then makes no call and
        returns the text ``all``. An id that renders to nothing is an error (templated)
    :param until: use only events before this time; all by default (templated)
    :param shopify_partner_conn_id: id of the Airflow connection (templated)
    """

    template_fields: Sequence[str] = ("app_id", "until", "shopify_partner_conn_id")
    operator_extra_links = (ShopifyPartnerLink(),)
    ui_color = "#eaf5ea"

    def __init__(
        self,
        *,
        app_id: str,
        until: TemplatedTime | None = None,
        shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.app_id = app_id
        self.until = until
        self.shopify_partner_conn_id = shopify_partner_conn_id

    def run(self, context: Context) -> list[str] | str:
        """Read the app's events and return the shops that have it installed.

        :raises NotDefinedError: when ``app_id`` renders to nothing
        """
        if self.app_id == NO_APP:
            self.log.info("There is no app, so every shop counts as having it.")
            return EVERY_SHOP
        if not is_given(self.app_id):
            message = "The argument 'app_id' rendered to nothing"
            remedy = f"Name the app, gid://partners/App/…, or '{NO_APP}'. A Variable's default may hide an outage."
            raise NotDefinedError(message, remedy=remedy)
        until = timestamps.parse(self.until, "until") if is_given(self.until) else None
        hook = ShopifyPartnerHook(self.shopify_partner_conn_id)
        with hook as client:
            self.record_partner(hook)
            self.activity.set_list_read("app_events")
            shops = client.installed_shops(str(self.app_id), until=until)
        installed = sorted(shop["shop"] for shop in shops if shop["installed"])
        self.log.info("%d of the %d shops that ever had the app have it installed.", len(installed), len(shops))
        return installed


class ShopifyPartnerQueryOperator(DocumentOperator, StoringOperator):
    """Extracts the records of any query of the Partner API into a dataset and returns the dataset's reference.

    The nodes of the document's connection are read page by page. The document needs nothing for it: the page size, the
    cursor and ``pageInfo`` are added. A query without a connection, and one for the ``last`` nodes of a connection, is
    sent once as it is.

    .. seealso:: :ref:`howto/operator:ShopifyPartnerQueryOperator`

    :param connection: dotted path below ``data`` of the connection, such as ``app.events``, or of what the records are;
        found by itself where there is one (templated)
    :param paged: True to read all pages, also those before the ``last`` nodes; False to send the document once as it is
        (templated)
    :param page_size: records per page; by default what the document says, or 100 (templated)
    :param resource: name of the records in the dataset (templated)
    :param shopify_partner_conn_id: id of the Airflow connection (templated)
    """

    template_fields: Sequence[str] = (
        *DocumentOperator.template_fields,
        "paged",
        "page_size",
        "resource",
        "shopify_partner_conn_id",
        *StoringOperator.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **StoringOperator.template_fields_renderers,
        **DocumentOperator.template_fields_renderers,
    }
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **StoringOperator.argument_checks,
        **DocumentOperator.argument_checks,
        "paged": check_flag,
        "page_size": check_count,
        "resource": check_name,
    }
    operator_extra_links = (ShopifyPartnerLink(), DatasetLink())
    ui_color = "#eaf5ea"

    def __init__(
        self,
        *,
        paged: bool | str | None = None,
        page_size: int | str | None = None,
        resource: str = "query",
        shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.paged: Any = paged
        self.page_size: Any = page_size
        self.resource = resource
        self.shopify_partner_conn_id = shopify_partner_conn_id

    def run(self, context: Context) -> DatasetRefDict:
        """Read the records into the dataset."""
        options, hook = self.storage_options(), ShopifyPartnerHook(self.shopify_partner_conn_id)
        with hook as client:
            self.record_partner(hook)
            self.activity.set_list_read(self.resource)
            extraction = client.query(
                **self.document_arguments(), paged=self.paged, page_size=self.page_size, resource=self.resource
            )
            reference = write_dataset(
                extraction,
                uri=dataset_uri(context),
                on_page=ProgressLog(self.log.info, self.resource),
                extra=lambda: {"api": client.stats.snapshot()},
                options=options,
            )
        self.require_min_records(reference)
        self.record_dataset(self.resource, reference)
        self.log.info("%d %s in %s", reference.records, self.resource, reference.uri)
        return reference.to_dict()
