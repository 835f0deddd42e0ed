"""Yotpo's order, fulfillment and product as documented: fields, limits, enums, dependencies.

Each class is one documented object. Sources: https://core-api.yotpo.com/reference/orders,
https://core-api.yotpo.com/reference/order-fulfillments, https://core-api.yotpo.com/reference/products, and the property
tables at https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from airflow_provider_partners.sync.payload.base import (
    Amount,
    CountryCode,
    CurrencyCode,
    ExternalId,
    Payload,
    Phone,
    ProvinceCode,
    Quantity,
    Scalar,
    Text64,
    Text255,
    Timestamp,
    Url,
    broken_rule,
)

MAX_FULFILLMENTS = 100
MAX_LINE_ITEMS = 500
MAX_CUSTOM_PROPERTIES = 100

PaymentStatus = Literal["pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided"]
FulfillmentStatus = Literal["pending", "open", "success", "cancelled", "error", "failure"]
ShipmentStatus = Literal[
    "label_printed",
    "label_purchased",
    "attempted_delivery",
    "ready_for_pickup",
    "confirmed",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "failure",
]

YOTPO_PROPERTIES: Mapping[str, type] = {"suppress_review_request": bool, "coupon_used": bool}
"""Custom properties that Yotpo itself acts on, with their type. Other keys are the merchant's own."""


def _custom_properties(value: dict[str, Scalar]) -> dict[str, Scalar]:
    for name, kind in YOTPO_PROPERTIES.items():
        if name in value and not isinstance(value[name], kind):
            message = f"{name} must be a {kind.__name__}"
            raise ValueError(message)
    return value


CustomProperties = Annotated[
    dict[str, Scalar], Field(max_length=MAX_CUSTOM_PROPERTIES), AfterValidator(_custom_properties)
]


def _check_unique_products(products: Iterable[str]) -> None:
    repeated = [product for product, count in Counter(products).items() if count > 1]
    if repeated:
        message = "must name each product once, but repeats {values}"
        raise broken_rule(message, repeated[:5])


class Customer(Payload):
    """The buyer, inside an order."""

    external_id: ExternalId | None = None
    first_name: Text255 | None = None
    last_name: Text255 | None = None
    email: Text255 | None = None
    phone_number: Phone | None = None
    accepts_sms_marketing: bool | None = None
    accepts_email_marketing: bool | None = None


class Address(Payload):
    """A postal address, inside an order."""

    address1: Text255 | None = None
    address2: Text255 | None = None
    city: Text255 | None = None
    company: Text255 | None = None
    state: Text64 | None = None
    zip: Text64 | None = None
    province_code: ProvinceCode | None = None
    country_code: CountryCode | None = None
    phone_number: Phone | None = None


class Cancellation(Payload):
    """When the whole order was cancelled."""

    cancellation_date: Timestamp


class LineItem(Payload):
    """The units of one product in an order. Yotpo refuses an order that names a product twice."""

    external_product_id: ExternalId
    quantity: Quantity
    total_price: Amount | None = None
    subtotal_price: Amount | None = None
    coupon_code: str | None = None
    custom_properties: CustomProperties | None = None


class FulfilledItem(Payload):
    """The units of one product in a fulfillment."""

    external_product_id: ExternalId
    quantity: Quantity


class ShipmentInfo(Payload):
    """Where a fulfillment is."""

    shipment_status: ShipmentStatus | None = None
    tracking_company: str | None = None
    tracking_url: str | None = None
    tracking_number: str | None = None


class Fulfillment(Payload):
    """One shipment of an order. Only the status ``success`` makes Yotpo request a review."""

    resource: ClassVar[str] = "fulfillment"
    required: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "create": ("external_id", "fulfillment_date", "status", "fulfilled_items")
    }

    external_id: ExternalId | None = None
    fulfillment_date: Timestamp | None = None
    status: FulfillmentStatus | None = None
    shipment_info: ShipmentInfo | None = None
    # Yotpo refuses an empty list with a permanent 400 (issues of YotpoLtd/magento2-module-core).
    fulfilled_items: Annotated[list[FulfilledItem], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _check_products(self) -> Self:
        _check_unique_products(item.external_product_id for item in self.fulfilled_items or ())
        return self


class OrderFulfillment(Fulfillment):
    """A fulfillment inside an order. Yotpo merges it by its external id, so id and items are required."""

    external_id: ExternalId
    fulfillment_date: Timestamp
    status: FulfillmentStatus
    fulfilled_items: Annotated[list[FulfilledItem], Field(min_length=1)]


class Order(Payload):
    """An order with its line items and fulfillments."""

    resource: ClassVar[str] = "order"
    required: ClassVar[Mapping[str, tuple[str, ...]]] = {"create": ("external_id", "order_date", "line_items")}

    external_id: ExternalId | None = None
    order_name: str | None = None
    order_date: Timestamp | None = None
    checkout_token: str | None = None
    payment_method: Text64 | None = None
    total_price: Amount | None = None
    subtotal_price: Amount | None = None
    currency: CurrencyCode | None = None
    landing_site_url: str | None = None
    payment_status: PaymentStatus | None = None
    cancellation: Cancellation | None = None
    customer: Customer | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    custom_properties: CustomProperties | None = None
    line_items: Annotated[list[LineItem], Field(min_length=1, max_length=MAX_LINE_ITEMS)] | None = None
    fulfillments: Annotated[list[OrderFulfillment], Field(max_length=MAX_FULFILLMENTS)] | None = None

    @model_validator(mode="after")
    def _check_products(self) -> Self:
        lines = [line.external_product_id for line in self.line_items or ()]
        _check_unique_products(lines)
        if self.line_items is not None:
            fulfilled = {
                item.external_product_id
                for fulfillment in self.fulfillments or ()
                for item in fulfillment.fulfilled_items
            }
            if unknown := sorted(fulfilled.difference(lines)):
                message = "fulfillments name products that are not in line_items: {values}"
                raise broken_rule(message, unknown[:5])
        repeated = [
            external_id
            for external_id, count in Counter(item.external_id for item in self.fulfillments or ()).items()
            if count > 1
        ]
        if repeated:
            message = "fulfillments repeat the external_id {values}"
            raise broken_rule(message, repeated[:1])
        return self


class Product(Payload):
    """A product. Only its external id is required: Yotpo's Magento module falls back to that alone."""

    resource: ClassVar[str] = "product"
    required: ClassVar[Mapping[str, tuple[str, ...]]] = {"create": ("external_id",)}

    external_id: ExternalId | None = None
    name: Text255 | None = None
    description: str | None = None
    status: Literal["active", "draft", "archived", "inactive"] | None = None
    url: Url | None = None
    image_url: Url | None = None
    price: Amount | None = None
    compare_at_price: Amount | None = None
    currency: CurrencyCode | None = None
    inventory_quantity: int | None = None
    is_discontinued: bool | None = None
    group_name: str | None = None
    brand: Text255 | None = None
    sku: Text255 | None = None
    mpn: Text255 | None = None
    handle: Text255 | None = None
    gtins: list[dict[str, str]] | None = None
    custom_properties: CustomProperties | None = None
    external_created_at: Timestamp | None = None
    external_updated_at: Timestamp | None = None
