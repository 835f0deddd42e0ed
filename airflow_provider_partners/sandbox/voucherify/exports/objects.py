"""The objects that Voucherify exports: their fields, where a record has these, their sort orders, and the file's cells.

Source: the vendor's OpenAPI file (https://github.com/voucherifyio/voucherify-openapi) and
https://docs.voucherify.io/api-reference/exports/export-object.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.fields import field_values

_METADATA = "metadata"


@dataclass(frozen=True, kw_only=True)
class ExportObject:
    """One kind of object that can be exported.

    :param kinds: kinds of its records, with any parents
    :param fields: paths in a record, by field
    :param default_fields: fields of an export without ``fields``
    :param orders: sort fields, each one ascending or descending
    :param money: fields in minor units, which the file has as decimals
    """

    kinds: tuple[str, ...]
    fields: Mapping[str, str]
    default_fields: tuple[str, ...]
    orders: tuple[str, ...]
    money: frozenset[str] = field(default_factory=frozenset)

    @property
    def kind(self) -> str:
        """The kind whose fields filters and sort orders name."""
        return self.kinds[0]


def _fields(text: str, **paths: str) -> dict[str, str]:
    return {name: paths.get(name, name) for name in text.split()}


def _below(prefix: str, names: str, *, path: str | None = None) -> dict[str, str]:
    return {f"{prefix}_{name}": f"{path or prefix}.{name}" for name in names.split()}


_TIMES = ("created_at", "updated_at")
_TRANSACTIONS = "id type source_id status reason source balance amount created_at"
_PRODUCT = "id name price image_url source_id attributes created_at"
_SKU = "id sku product_id currency price image_url source_id attributes created_at"
EXPORT_OBJECTS: Mapping[str, ExportObject] = {
    "voucher": ExportObject(
        kinds=("vouchers",),
        fields=_fields(
            "code voucher_type value formula discount_type campaign category start_date expiration_date gift_balance "
            "loyalty_balance redemption_quantity redemption_count active qr_code bar_code metadata id is_referral_code "
            "created_at updated_at validity_timeframe_interval validity_timeframe_duration validity_day_of_week "
            "discount_amount_limit campaign_id additional_info customer_id discount_effect discount_unit_type "
            "discount_unit_effect validation_rules_id customer_source_id",
            voucher_type="type",
            formula="discount.amount_off_formula",
            discount_type="discount.type",
            gift_balance="gift.balance",
            loyalty_balance="loyalty_card.balance",
            redemption_quantity="redemption.quantity",
            redemption_count="redemption.redeemed_quantity",
            qr_code="assets.qr.url",
            bar_code="assets.barcode.url",
            validity_timeframe_interval="validity_timeframe.interval",
            validity_timeframe_duration="validity_timeframe.duration",
            discount_amount_limit="discount.amount_limit",
            customer_id="holder_id",
            discount_effect="discount.effect",
            discount_unit_type="discount.unit_type",
            discount_unit_effect="discount.effect",
            validation_rules_id="validation_rules_assignments.data.rule_id",
            customer_source_id="holder.source_id",
        ),
        default_fields=("code", "voucher_type", "value", "discount_type"),
        orders=(*_TIMES, "code"),
        money=frozenset({"gift_balance", "discount_amount_limit"}),
    ),
    "redemption": ExportObject(
        kinds=("redemptions",),
        fields=_fields(
            "id object date voucher_code campaign promotion_tier_id customer_id customer_source_id customer_name "
            "tracking_id order_id order_amount gift_amount loyalty_points result failure_code failure_message metadata",
            promotion_tier_id="promotion_tier.id",
            customer_source_id="customer.source_id",
            customer_name="customer.name",
            order_id="order.id",
            order_amount="order.amount",
            gift_amount="gift.amount",
            loyalty_points="loyalty_card.points",
        ),
        default_fields=("id", "object", "voucher_code", "customer_id", "date", "result"),
        orders=("id", "voucher_code", "tracking_id", "customer_id", "created_at"),
        money=frozenset({"order_amount", "gift_amount"}),
    ),
    "publication": ExportObject(
        kinds=("publications",),
        # "code" is a default, although the documented fields do not contain it.
        fields=_fields(
            "voucher_code customer_id customer_source_id date channel campaign is_winner metadata code",
            customer_source_id="customer.source_id",
            date="created_at",
            code="voucher_code",
        ),
        default_fields=("code", "customer_id", "date", "channel"),
        orders=("id", "voucher_code", "tracking_id", "customer_id", "created_at", "channel"),
    ),
    "customer": ExportObject(
        kinds=("customers",),
        fields=_fields(
            "name id description email source_id created_at address_city address_state address_line_1 address_line_2 "
            "address_country address_postal_code redemptions_total_redeemed redemptions_total_failed "
            "redemptions_total_succeeded redemptions_total_rolled_back redemptions_total_rollback_failed "
            "redemptions_total_rollback_succeeded orders_total_amount orders_total_count orders_average_amount "
            "orders_last_order_amount orders_last_order_date loyalty_points loyalty_referred_customers updated_at "
            "phone birthday metadata birthdate",
            **_below("address", "city state line_1 line_2 country postal_code"),
            **_below(
                "redemptions",
                "total_redeemed total_failed total_succeeded total_rolled_back total_rollback_failed "
                "total_rollback_succeeded",
                path="summary.redemptions",
            ),
            **_below(
                "orders",
                "total_amount total_count average_amount last_order_amount last_order_date",
                path="summary.orders",
            ),
            loyalty_points="loyalty.points",
            loyalty_referred_customers="loyalty.referred_customers",
        ),
        default_fields=("name", "source_id"),
        orders=("name", "id", "email", "source_id", *_TIMES),
        money=frozenset({"orders_total_amount", "orders_average_amount", "orders_last_order_amount"}),
    ),
    "order": ExportObject(
        kinds=("orders",),
        fields=_fields(
            "id source_id created_at updated_at status amount discount_amount items_discount_amount "
            "total_discount_amount total_amount customer_id referrer_id metadata"
        ),
        default_fields=("id", "source_id", "status"),
        orders=(*_TIMES, "status"),
        money=frozenset(
            ["amount", "discount_amount", "items_discount_amount", "total_discount_amount", "total_amount"],
        ),
    ),
    "points_expiration": ExportObject(
        kinds=("loyalty_points_expiration",),
        fields=_fields("id campaign_id voucher_id points status expires_at", points="bucket.total_points"),
        default_fields=("id", "campaign_id", "voucher_id", "status", "expires_at", "points"),
        orders=("expires_at",),
    ),
    "voucher_transactions": ExportObject(
        kinds=("voucher_transactions", "campaign_transactions", "loyalty_campaign_transactions"),
        fields=_fields(
            f"{_TRANSACTIONS} campaign_id voucher_id related_transaction_id details",
            balance="details.balance.balance",
            amount="details.balance.points",
        ),
        default_fields=tuple(_TRANSACTIONS.split()),
        orders=("created_at",),
    ),
    "product": ExportObject(
        kinds=("products",),
        fields=_fields(f"{_PRODUCT} updated_at metadata"),
        default_fields=tuple(_PRODUCT.split()),
        orders=_TIMES,
        money=frozenset({"price"}),
    ),
    "sku": ExportObject(
        kinds=("product_skus",),
        fields=_fields(f"{_SKU} updated_at metadata"),
        default_fields=tuple(_SKU.split()),
        orders=_TIMES,
        money=frozenset({"price"}),
    ),
}


def _voucher_value(record: Document) -> tuple[Any, bool]:
    """Return a voucher's value, and whether it is money."""
    if gift := record.get("gift"):
        return gift.get("amount"), True
    if card := record.get("loyalty_card"):
        return card.get("points"), False
    discount = record.get("discount") or {}
    for name in ("amount_off", "fixed_amount"):
        if discount.get(name) is not None:
            return discount[name], True
    return discount.get("percent_off", discount.get("unit_off")), False


def _transaction_amount(record: Document) -> tuple[Any, bool]:
    balance = (record.get("details") or {}).get("balance") or {}
    money = balance.get("type") == "gift_voucher"
    return balance.get("amount" if money else "points"), money


def _transaction_balance(record: Document) -> tuple[Any, bool]:
    balance = (record.get("details") or {}).get("balance") or {}
    return balance.get("balance"), balance.get("type") == "gift_voucher"


# Columns that no path leads to.
_COMPUTED: Mapping[tuple[str, str], Callable[[Document], tuple[Any, bool]]] = {
    ("voucher", "value"): _voucher_value,
    ("voucher_transactions", "amount"): _transaction_amount,
    ("voucher_transactions", "balance"): _transaction_balance,
}


def value_of(name: str, column: str, record: Document) -> tuple[Any, bool]:
    """Return a record's value of a column, and whether it is money in minor units.

    :param name: name of the exported object
    """
    exported = EXPORT_OBJECTS[name]
    if compute := _COMPUTED.get((name, column)):
        return compute(record)
    if column.startswith("metadata."):
        return (record.get(_METADATA) or {}).get(column.removeprefix("metadata.")), False
    values = field_values(record, exported.kind, exported.fields[column])
    value = record.get(column) if not values and column == "attributes" else values
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else value or None
    return value, column in exported.money


def columns(fields: Iterable[str], metadata_keys: Iterable[str]) -> list[str]:
    """Return the file's columns: ``metadata`` becomes one column per key."""
    keys = sorted(metadata_keys)
    return [
        column for name in fields for column in ([f"metadata.{key}" for key in keys] if name == _METADATA else [name])
    ]


def label(column: str) -> str:
    """Return a column's header. The published sample file has labels, not names.

    >>> label("voucher_type"), label("id"), label("metadata.shopify_order")
    ('Voucher Type', 'ID', 'shopify_order')
    """
    if column.startswith("metadata."):
        return column.removeprefix("metadata.")
    words = column.split("_")
    return " ".join("ID" if word == "id" else word.capitalize() for word in words)


def cell(value: Any, *, money: bool) -> str:
    """Return a value as the file has it.

    :param money: the value is in minor units; write it with decimals
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if money and isinstance(value, int | float):
        return f"{value / 100:.2f}"
    if isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        return ",".join(str(each) for each in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
