"""What Voucherify can export: fields, filters, sort fields and times of each kind of object.

From the OpenAPI description (``Export…Fields``, ``Export…Order``, ``Export…Filters``) and the text of
``POST /v1/exports`` in https://github.com/voucherifyio/voucherify-openapi.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportObject:
    """One kind of object that can be exported.

    :param name: the list's name, such as ``redemptions``
    :param api_name: the API's name, such as ``redemption``
    :param fields: all documented fields
    :param default_fields: the fields that the API exports when a request names none
    :param times: time filter to the matching field of a record
    :param sort_fields: fields that ``order`` accepts, each also with ``-``
    :param filters: filterable field to its operators; ``None`` allows any
    :param allows_any_filter: accept any filter field, such as ``metadata.x``
    :param allows_any_field: accept fields that are not documented
    :param has_metadata: accept ``metadata.x`` as a field
    :param unreliable_fields: fields that some projects refuse
    :param parameters: further parameters of the export
    :param key_candidates: fields that identify a record, the best first
    """

    name: str
    api_name: str
    fields: tuple[str, ...]
    default_fields: tuple[str, ...]
    times: Mapping[str, str] = field(default_factory=dict)
    sort_fields: tuple[str, ...] = ()
    filters: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    allows_any_filter: bool = True
    allows_any_field: bool = False
    has_metadata: bool = True
    unreliable_fields: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    key_candidates: tuple[str, ...] = ("id",)

    @property
    def time_field(self) -> None:
        """The time that a task's window applies to by default: none, as the task must name one."""
        return

    @property
    def time_fields(self) -> frozenset[str]:
        """The names in ``filters`` that filter the export by time."""
        return frozenset(self.times)

    @property
    def time_params(self) -> Mapping[str, str]:
        """The parameters that are a time range: none, as an export takes them as filters."""
        return {}

    def has_field(self, name: str) -> bool:
        """Whether an export accepts a field, such as ``customer_id`` or ``metadata.lang``."""
        if name == "metadata" or name.startswith("metadata."):
            return self.has_metadata
        return self.allows_any_field or name in self.fields


_ITEM_TIMES = {"created_at": "created_at"}
_TIMES = {"created_at": "created_at", "updated_at": "updated_at"}

_EXPORT_OBJECTS = (
    ExportObject(
        name="redemptions",
        api_name="redemption",
        fields=(
            *("id", "object", "date", "voucher_code", "campaign", "promotion_tier_id", "customer_id"),
            *("customer_source_id", "customer_name", "tracking_id", "order_id", "order_amount", "gift_amount"),
            *("loyalty_points", "result", "failure_code", "failure_message"),
        ),
        default_fields=("id", "object", "voucher_code", "customer_id", "date", "result"),
        # The filter is named created_at, but a redemption has a date and no created_at.
        times={"created_at": "date"},
        sort_fields=("created_at", "id", "voucher_code", "tracking_id", "customer_id"),
        # In the field list of the OpenAPI description, but not in the allowed fields of its example of a 400 answer.
        unreliable_fields=frozenset({"order_id"}),
    ),
    ExportObject(
        name="vouchers",
        api_name="voucher",
        fields=(
            *("id", "code", "voucher_type", "value", "formula", "discount_type", "campaign", "campaign_id", "category"),
            *("start_date", "expiration_date", "gift_balance", "loyalty_balance", "redemption_quantity"),
            *("redemption_count", "active", "qr_code", "bar_code", "is_referral_code", "created_at", "updated_at"),
            *("validity_timeframe_interval", "validity_timeframe_duration", "validity_day_of_week"),
            *("discount_amount_limit", "additional_info", "customer_id", "customer_source_id", "discount_effect"),
            *("discount_unit_type", "discount_unit_effect", "validation_rules_id"),
        ),
        default_fields=("code", "voucher_type", "value", "discount_type"),
        times=_TIMES,
        sort_fields=("created_at", "updated_at", "code"),
        # In the field list of the OpenAPI description, but not in its text.
        unreliable_fields=frozenset({"formula", "discount_effect", "validation_rules_id"}),
        parameters=frozenset({"campaign_id"}),
        key_candidates=("id", "code"),
    ),
    ExportObject(
        name="customers",
        api_name="customer",
        fields=(
            *("id", "source_id", "name", "description", "email", "phone", "birthdate", "birthday"),
            *("address_city", "address_state", "address_line_1", "address_line_2", "address_country"),
            *("address_postal_code", "redemptions_total_redeemed", "redemptions_total_failed"),
            *("redemptions_total_succeeded", "redemptions_total_rolled_back", "redemptions_total_rollback_failed"),
            *("redemptions_total_rollback_succeeded", "orders_total_amount", "orders_total_count"),
            *("orders_average_amount", "orders_last_order_amount", "orders_last_order_date", "loyalty_points"),
            *("loyalty_referred_customers", "created_at", "updated_at"),
        ),
        default_fields=("name", "source_id"),
        times=_TIMES,
        sort_fields=("created_at", "updated_at", "id", "name", "email", "source_id"),
        unreliable_fields=frozenset({"birthday"}),  # deprecated: birthdate replaces it
    ),
    ExportObject(
        name="publications",
        api_name="publication",
        fields=(*("voucher_code", "customer_id", "customer_source_id", "date", "channel", "campaign", "is_winner"),),
        # The text of the API's docs says code, the field list says voucher_code. Requests use voucher_code.
        default_fields=("code", "customer_id", "date", "channel"),
        times={"created_at": "date"},
        sort_fields=("created_at", "id", "voucher_code", "tracking_id", "customer_id", "channel"),
        key_candidates=(),
    ),
    ExportObject(
        name="orders",
        api_name="order",
        fields=(
            *("id", "source_id", "created_at", "updated_at", "status", "amount", "discount_amount"),
            *("items_discount_amount", "total_discount_amount", "total_amount", "customer_id", "referrer_id"),
        ),
        default_fields=("id", "source_id", "status"),
        times=_TIMES,
        sort_fields=("created_at", "updated_at", "status"),
    ),
    ExportObject(
        name="points_expiration",
        api_name="points_expiration",
        fields=("id", "campaign_id", "voucher_id", "points", "status", "expires_at"),
        default_fields=("id", "campaign_id", "voucher_id", "status", "expires_at", "points"),
        sort_fields=("expires_at",),
        filters=dict.fromkeys(("campaign_id", "voucher_id")),
        allows_any_filter=False,
        has_metadata=False,
    ),
    ExportObject(
        name="voucher_transactions",
        api_name="voucher_transactions",
        fields=(
            *("id", "campaign_id", "voucher_id", "type", "source_id", "reason", "source", "balance", "amount"),
            *("related_transaction_id", "created_at", "details"),
        ),
        default_fields=("id", "type", "source_id", "status", "reason", "source", "balance", "amount", "created_at"),
        times={"created_at": "created_at"},
        sort_fields=("created_at",),
        filters=dict.fromkeys(("created_at", "voucher_id", "campaign_id")),
        allows_any_filter=False,
        has_metadata=False,
    ),
    # These two are in the text of the docs only. The fields are those that it names as default.
    ExportObject(
        name="products",
        api_name="product",
        fields=("id", "name", "price", "image_url", "source_id", "attributes", "created_at"),
        default_fields=("id", "name", "price", "image_url", "source_id", "attributes", "created_at"),
        times=_ITEM_TIMES,
        allows_any_field=True,
    ),
    ExportObject(
        name="product_skus",
        api_name="sku",
        fields=("id", "sku", "product_id", "currency", "price", "image_url", "source_id", "attributes", "created_at"),
        default_fields=(
            "id",
            "sku",
            "product_id",
            "currency",
            "price",
            "image_url",
            "source_id",
            "attributes",
            "created_at",
        ),
        times=_ITEM_TIMES,
        allows_any_field=True,
    ),
)

EXPORTS: Mapping[str, ExportObject] = {export.name: export for export in _EXPORT_OBJECTS}
"""The objects that can be exported, by the list's name."""


def find_export(name: str) -> ExportObject:
    """Return an object by its list's name, such as ``redemptions``, or by the API's own, such as ``redemption``.

    :raises ConfigurationError: for an unknown name, with the known ones
    """
    export_object = EXPORTS.get(name) or next((each for each in _EXPORT_OBJECTS if each.api_name == name), None)
    if export_object is None:
        message = f"'{name}' can't be exported{suggest(name, EXPORTS)}"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(EXPORTS)}.", partner="Voucherify")
    return export_object
