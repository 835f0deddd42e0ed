"""Shopify Partner: transactions and app events to datasets, and the shops that have an app installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.shopify_partner.client import RESOURCES
from airflow_provider_partners.datasets.writer import write_dataset
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.links import DatasetLink, ShopifyPartnerLink
from airflow_provider_partners.operators.base import Context, PartnerOperator, ProgressLog, dataset_uri
from airflow_provider_partners.operators.extract import ExtractOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ShopifyPartnerExtractOperator(ExtractOperator):
    """Extracts a list of the Shopify Partner API to a dataset, and returns the dataset's reference.

    .. seealso:: :ref:`howto/operator:ShopifyPartnerExtractOperator`

    :param resource: ``transactions``, ``app_events`` or ``events``; of versions up to 2025-04 also ``jobs``,
        ``conversations`` and ``messages`` (templated)
    :param app_id: the app, ``gid://partners/App/…``; needed by ``app_events`` (templated)
    :param types: the types of transactions or events asked for, or the statuses of jobs and conversations; all by
        default (templated)
    :param shop: the shop's domain (templated)
    :param shop_id: the shop's id, ``gid://partners/Shop/…`` (templated)
    :param conversation_id: the conversation whose ``messages`` are read (templated)
    :param shopify_partner_conn_id: the connection (templated)
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
    available_resources: ClassVar[Mapping[str, Any]] = RESOURCES
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

    def hook(self) -> ShopifyPartnerHook:
        """The organisation's hook."""
        return ShopifyPartnerHook(self.shopify_partner_conn_id)

    def query_filters(self) -> dict[str, Any]:
        """App, types and shop.

        :raises ConfigurationError: when records are asked for by ids
        """
        if self.match is not None:
            message = "The Shopify Partner API can't be asked by ids, so 'match' has no meaning here"
            raise ConfigurationError(message, remedy="Filter by 'app_id', 'types', 'shop' or 'shop_id'.")
        return {
            "app_id": self.app_id,
            "types": self.types,
            "shop": self.shop,
            "shop_id": self.shop_id,
            "conversation_id": self.conversation_id,
        }


class ShopifyPartnerActiveShopsOperator(PartnerOperator):
    """Finds the shops that have an app installed, from its events, and returns their domains.

    :param app_id: the app, ``gid://partners/App/…``. Where it renders to nothing, nothing is asked and
        ``None`` is returned: the shops are not known then, which is not the same as there being none
        (templated)
    :param until: regard events before this moment alone; all by default (templated)
    :param shopify_partner_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = ("app_id", "until", "shopify_partner_conn_id")
    operator_extra_links = (ShopifyPartnerLink(),)
    ui_color = "#eaf5ea"

    def __init__(
        self,
        *,
        app_id: str | None,
        until: Any = None,
        shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.app_id = app_id
        self.until = until
        self.shopify_partner_conn_id = shopify_partner_conn_id

    def run(self, context: Context) -> list[str] | None:
        """Ask for the app's events and keep the shops that have it."""
        if self.app_id in {None, "", "None"}:
            self.log.info("No app is named, so Shopify isn't asked which shops have it installed.")
            return None
        until = timestamps.parse(self.until, "until") if self.until not in {None, "", "None"} else None
        hook = ShopifyPartnerHook(self.shopify_partner_conn_id)
        with hook as client:
            self.activity.set_partner(hook)
            self.activity.set_list_read("app_events")
            known = client.installed_shops(str(self.app_id), until=until)
        shops = sorted(shop["shop"] for shop in known if shop["installed"])
        self.log.info("%d of the %d shops that ever had the app have it installed.", len(shops), len(known))
        return shops


class ShopifyPartnerQueryOperator(PartnerOperator):
    """Extracts what any GraphQL document with one paged connection asks for to a dataset.

    The document takes the variables ``$first`` and ``$after`` and asks for the connection's ``pageInfo`` or
    its edges' ``cursor``.

    :param document: the GraphQL document (templated)
    :param connection: where the connection is in the answer, such as ``app.events``
    :param variables: its other variables (templated)
    :param resource: what to call the records
    :param key: the fields that identify a record
    :param shopify_partner_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = ("document", "variables", "shopify_partner_conn_id")
    template_ext: Sequence[str] = (".graphql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"document": "graphql", "variables": "json"}
    operator_extra_links = (ShopifyPartnerLink(), DatasetLink())
    ui_color = "#eaf5ea"

    def __init__(
        self,
        *,
        document: str,
        connection: str,
        variables: Mapping[str, Any] | None = None,
        resource: str = "query",
        key: Sequence[str] = ("id",),
        shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.document = document
        self.connection = connection
        self.variables = variables
        self.resource = resource
        self.key = key
        self.shopify_partner_conn_id = shopify_partner_conn_id

    def run(self, context: Context) -> dict[str, Any]:
        """Walk the connection into the dataset."""
        hook = ShopifyPartnerHook(self.shopify_partner_conn_id)
        with hook as client:
            self.activity.set_partner(hook)
            self.activity.set_list_read(self.resource)
            extraction = client.query(
                self.document,
                variables=dict(self.variables or {}),
                connection=self.connection,
                resource=self.resource,
                key=tuple(self.key),
            )
            reference = write_dataset(
                extraction,
                uri=dataset_uri(context),
                on_page=ProgressLog(self.log.info, self.resource),
                extra=lambda: {"api": client.stats.snapshot()},
            )
        self.activity.set_datasets_written(reference)
        self.activity.set_list_read(self.resource, reference.records)
        self.activity.records = reference.records - int(reference.extra.get("resumed", 0))
        self.log.info("%d %s in %s", reference.records, self.resource, reference.uri)
        return reference.to_dict()
