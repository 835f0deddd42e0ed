"""The fields and values that Voucherify documents for lists that accept any filter, so that a misspelt one is an error.

Voucherify answers an unknown field, or a value outside an enumeration, with an empty list and no error. ``metadata.x``
is free, since a project defines it. The fields are those of the list's records and of its export
(https://github.com/voucherifyio/voucherify-openapi).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError

__all__ = ["FILTER_FIELDS", "VALUES", "check_field", "check_values"]

_VOUCHER = """
    active additional_info assets bar_code campaign campaign_id categories category category_id code created_at customer
    customer_id customer_source_id discount discount_amount_limit discount_effect discount_type discount_unit_effect
    discount_unit_type expiration_date formula gift gift_balance holder_id id is_referral_code loyalty_balance
    loyalty_card object publish qr_code redemption redemption_count redemption_quantity referrer_id start_date type
    updated_at validation_rules_id validity_day_of_week validity_hours validity_timeframe validity_timeframe_duration
    validity_timeframe_interval value voucher_type
"""
_CUSTOMER = """
    address address_city address_country address_line_1 address_line_2 address_postal_code address_state assets
    birthdate birthday created_at description email id loyalty loyalty_points loyalty_referred_customers name object
    orders_average_amount orders_last_order_amount orders_last_order_date orders_total_amount orders_total_count phone
    redemptions_total_failed redemptions_total_redeemed redemptions_total_rollback_failed
    redemptions_total_rollback_succeeded redemptions_total_rolled_back redemptions_total_succeeded referrals source_id
    summary system_metadata updated_at
"""
_ORDER = """
    amount applied_discount_amount created_at customer customer_id discount_amount id initial_amount items
    items_applied_discount_amount items_discount_amount object redemptions referrer referrer_id source_id status
    total_amount total_applied_discount_amount total_discount_amount updated_at
"""
_REDEMPTION = """
    amount campaign campaign_name channel created_at customer customer_id customer_name customer_source_id date
    failure_code failure_message gift gift_amount id loyalty_card loyalty_points object order order_amount order_id
    parent_redemption_id promotion_tier promotion_tier_id reason redemption related_object_id related_object_parent_id
    related_object_type related_redemptions result reward session status tracking_id user_login voucher voucher_code
"""
_PUBLICATION = """
    campaign campaign_name channel code created_at customer customer_id customer_source_id date failure_code
    failure_message id is_referral_code is_winner object parent_object_id related_object_id result source_id
    tracking_id voucher voucher_code voucher_type vouchers vouchers_id
"""
_PRODUCT = "attributes created_at id image_url name object price skus source_id updated_at"
_SKU = "attributes created_at currency id image_url object price product_id sku source_id updated_at"

FILTER_FIELDS: Mapping[str, frozenset[str]] = {
    "vouchers": frozenset(_VOUCHER.split()),
    "customers": frozenset(_CUSTOMER.split()),
    "orders": frozenset(_ORDER.split()),
    "redemptions": frozenset(_REDEMPTION.split()),
    "publications": frozenset(_PUBLICATION.split()),
    "products": frozenset(_PRODUCT.split()),
    "product_skus": frozenset(_SKU.split()),
}
"""By list: the fields of its records and of its export; a field inside of one of them is written with a dot."""

_RESULT = frozenset({"SUCCESS", "FAILURE"})
_CAMPAIGN_TYPE = frozenset({"PROMOTION", "GIFT_VOUCHERS", "REFERRAL_PROGRAM", "DISCOUNT_COUPONS", "LOYALTY_PROGRAM"})

VALUES: Mapping[str, Mapping[str, frozenset[str]]] = {
    # The parameter of redemptions is documented as plain text; the values are those of the record (RedemptionBase).
    "redemptions": {"result": _RESULT, "object": frozenset({"redemption", "redemption_rollback"})},
    "publications": {"result": _RESULT, "voucher_type": frozenset({"discount", "loyalty"})},
    "campaigns": {
        "campaign_type": _CAMPAIGN_TYPE,
        "campaign_status": frozenset({"DONE", "IN_PROGRESS", "FAILED", "DRAFT", "MODIFYING"}),
    },
    "qualifications": {
        "campaign_type": _CAMPAIGN_TYPE,
        "resource_type": frozenset({"campaign", "voucher", "promotion_tier"}),
        "holder_role": frozenset({"OWNER", "REFERRER", "REFEREE"}),
    },
    "customer_activity": {"campaign_type": _CAMPAIGN_TYPE, "category": frozenset({"ACTION", "EFFECT"})},
}
"""By list: the values of a parameter, or of a filter's field, that have an enumeration."""


def check_field(list_name: str, field: str) -> None:
    """Refuse a filter's field that the list's records don't have.

    :param list_name: a list without :data:`FILTER_FIELDS` accepts every field
    :param field: such as ``code``, ``redemption.redeemed_quantity`` or ``metadata.season``
    :raises ConfigurationError: with the nearest known field
    """
    known = FILTER_FIELDS.get(list_name, frozenset())
    root = field.partition(".")[0]
    if not known or field in known or root in known or root == "metadata":
        return
    message = f"'{list_name}' has no field '{field}' to filter by{suggest(field, known)}"
    raise ConfigurationError(message, remedy=f"Known: metadata.x, {', '.join(sorted(known))}.", partner="Voucherify")


def check_values(list_name: str, name: str, values: Iterable[Any]) -> None:
    """Refuse a value outside the enumeration of a parameter, or of a filter's field.

    :param name: a parameter or field without :data:`VALUES` accepts every value
    :raises ConfigurationError: with the nearest known value
    """
    known = VALUES.get(list_name, {}).get(name)
    for value in values:
        if known and str(value) not in known:
            message = f"'{list_name}' has no '{name}' that is {value!r}{suggest(str(value), known)}"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(sorted(known))}.", partner="Voucherify")
