"""Shopify Partner: wait for events of an app, such as installs and charges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import Check, check_keys
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.links import ShopifyPartnerLink
from airflow_provider_partners.sensors.records import RecordsSensor
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ShopifyPartnerEventSensor(RecordsSensor):
    """Waits until a list of the Shopify Partner API holds events; see :class:`RecordsSensor` for what it returns.

    A shop that installs the app, for example::

        ShopifyPartnerEventSensor(
            task_id="wait_for_install",
            app_id="gid://partners/App/1234",
            types=["RELATIONSHIP_INSTALLED"],
            since="{{ data_interval_start }}",
            deferrable=True,
        )

    .. seealso:: :ref:`howto/operator:ShopifyPartnerEventSensor`

    :param resource: ``app_events``, ``events`` or ``transactions`` (templated)
    :param app_id: the app, ``gid://partners/App/…``; needed by ``app_events`` (templated)
    :param types: types of events that count; by default all (templated)
    :param shop: the shop's domain (templated)
    :param shop_id: the shop's id, ``gid://partners/Shop/…`` (templated)
    :param shopify_partner_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (
        *RecordsSensor.template_fields,
        "app_id",
        "types",
        "shop",
        "shop_id",
        "shopify_partner_conn_id",
    )
    argument_checks: ClassVar[Mapping[str, Check]] = {**RecordsSensor.argument_checks, "types": check_keys}
    template_fields_renderers: ClassVar[dict[str, str]] = {"types": "json"}
    operator_extra_links = (ShopifyPartnerLink(),)
    ui_color = "#eaf5ea"

    def __init__(
        self,
        *,
        resource: str = "app_events",
        app_id: str | None = None,
        types: Sequence[str] | None = None,
        shop: str | None = None,
        shop_id: str | None = None,
        shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(resource=resource, **kwargs)
        self.app_id = app_id
        self.types = types
        self.shop = shop
        self.shop_id = shop_id
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
        """Return the app, the types and the shop."""
        types = self.types if isinstance(self.types, str | None) else list(self.types)
        arguments = {"app_id": self.app_id, "types": types, "shop": self.shop, "shop_id": self.shop_id}
        return {name: value if is_given(value) else None for name, value in arguments.items()}

    def record_time_field(self, resource: Any) -> str | None:
        """Return the field that the list is filtered by."""
        return str(resource.time_field)

    def page_size(self, resource: Any) -> int | None:
        """Return a small page, unless the client has to skip records of other shops."""
        filtered_here = is_given(self.shop) and "shop" not in resource.variables
        return None if filtered_here else super().page_size(resource)
