"""Yotpo's order, fulfillment, product and customer as documented: fields, limits, enums, dependencies.

Each class is one documented object. Sources: https://core-api.yotpo.com/reference/orders,
https://core-api.yotpo.com/reference/order-fulfillments, https://core-api.yotpo.com/reference/products,
https://core-api.yotpo.com/reference/customers, and the property tables at
https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from airflow_provider_partners.sync.options import Violation
from airflow_provider_partners.sync.payload import clean
from airflow_provider_partners.sync.payload.base import (
    Amount,
    CountryCode,
    CurrencyCode,
    ExternalId,
    Flag,
    LanguageCode,
    LookupId,
    Payload,
    PayloadError,
    Phone,
    ProvinceCode,
    Quantity,
    Text,
    Text64,
    Text255,
    Timestamp,
    Url,
    WholeNumber,
    WordRepair,
    broken_rule,
)
from airflow_provider_partners.sync.payload.properties import (
    MAX_CUSTOM_PROPERTIES,
    LineProperties,
    OrderProperties,
    OwnProperties,
    ProductProperties,
)
from airflow_provider_partners.sync.payload.repairs import to_code, to_text

MERGE_KEYS: Mapping[str, str] = {
    "line_items": "external_product_id",
    "fulfillments": "external_id",
    "fulfilled_items": "external_product_id",
}
"""The arrays whose members Yotpo merges, with the key that identifies a member."""

MAX_FULFILLMENTS = 100
MAX_LINE_ITEMS = 500

PaymentStatus = Annotated[
    Literal["pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided"],
    WordRepair,
]
FulfillmentStatus = Annotated[
    Literal["pending", "open", "success", "cancelled", "error", "failure"],
    WordRepair,
]
ShipmentStatus = Annotated[
    Literal[
        "label_printed",
        "label_purchased",
        "attempted_delivery",
        "ready_for_pickup",
        "confirmed",
        "in_transit",
        "out_for_delivery",
        "delivered",
        "failure",
    ],
    WordRepair,
]


def _check_unique_products(products: Iterable[str]) -> None:
    named = list(products)
    if len(set(named)) < len(named):
        repeated = [product for product, count in Counter(named).items() if count > 1]
        message = "must name each product once, but repeats {values}"
        raise broken_rule(message, repeated[:5])


_ADDED_BY_YOTPO = frozenset({"yotpo_id", "store_id", "created_at", "updated_at"})


class Customer(Payload):
    """The buyer, inside an order."""

    # A read may show them (https://core-api.yotpo.com/reference/customers); an order doesn't take them.
    read_only: ClassVar[frozenset[str]] = _ADDED_BY_YOTPO | {"custom_properties"}

    external_id: ExternalId | None = None
    first_name: Text255 | None = None
    last_name: Text255 | None = None
    email: Text255 | None = None
    phone_number: Phone | None = None
    accepts_sms_marketing: Flag | None = None
    accepts_email_marketing: Flag | None = None


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

    identity: ClassVar[tuple[str, ...]] = ("external_product_id",)
    required: ClassVar[tuple[str, ...]] = ("quantity",)
    read_only: ClassVar[frozenset[str]] = _ADDED_BY_YOTPO | {"product_id"}

    external_product_id: ExternalId | None = None
    quantity: Quantity | None = None
    total_price: Amount | None = None
    subtotal_price: Amount | None = None
    coupon_code: Text | None = None
    custom_properties: LineProperties | None = None


class FulfilledItem(Payload):
    """The units of one product in a fulfillment."""

    read_only: ClassVar[frozenset[str]] = _ADDED_BY_YOTPO | {"yotpo_product_id"}

    external_product_id: ExternalId
    quantity: Quantity


class ShipmentInfo(Payload):
    """Where a fulfillment is."""

    shipment_status: ShipmentStatus | None = None
    tracking_company: Text | None = None
    tracking_url: Text | None = None
    tracking_number: Text | None = None


class Fulfillment(Payload):
    """One shipment of an order. Only the status ``success`` makes Yotpo request a review."""

    resource: ClassVar[str] = "fulfillment"
    required: ClassVar[tuple[str, ...]] = ("external_id", "fulfillment_date", "status", "fulfilled_items")
    read_only: ClassVar[frozenset[str]] = _ADDED_BY_YOTPO | {"id", "order_id"}

    external_id: ExternalId | None = None
    fulfillment_date: Timestamp | None = None
    status: FulfillmentStatus | None = None
    shipment_info: ShipmentInfo | None = None
    # Yotpo refuses an empty list with a permanent 400 (issues of YotpoLtd/magento2-module-core).
    fulfilled_items: (
        Annotated[list[FulfilledItem], Field(min_length=1), clean.members(MERGE_KEYS["fulfilled_items"])] | None
    ) = None

    @model_validator(mode="after")
    def _check_products(self) -> Self:
        _check_unique_products(item.external_product_id for item in self.fulfilled_items or ())
        return self


class OrderFulfillment(Fulfillment):
    """A fulfillment inside an order. Yotpo merges it by its external id, and needs all of it."""

    identity: ClassVar[tuple[str, ...]] = ("external_id",)
    required: ClassVar[tuple[str, ...]] = ("fulfillment_date", "status", "fulfilled_items")


class Order(Payload):
    """An order with its line items and fulfillments."""

    resource: ClassVar[str] = "order"
    identity: ClassVar[tuple[str, ...]] = ("external_id",)
    required: ClassVar[tuple[str, ...]] = ("order_date", "line_items")
    read_only: ClassVar[frozenset[str]] = _ADDED_BY_YOTPO | {"source"}

    external_id: LookupId | None = None
    order_name: Text | None = None
    order_date: Timestamp | None = None
    checkout_token: Text | None = None
    payment_method: Text64 | None = None
    total_price: Amount | None = None
    subtotal_price: Amount | None = None
    currency: CurrencyCode | None = None
    landing_site_url: Text | None = None
    payment_status: PaymentStatus | None = None
    cancellation: Cancellation | None = None
    customer: Customer | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    custom_properties: OrderProperties | None = None
    line_items: (
        Annotated[
            list[LineItem],
            Field(min_length=1, max_length=MAX_LINE_ITEMS),
            clean.members(MERGE_KEYS["line_items"], MAX_LINE_ITEMS),
        ]
        | None
    ) = None
    fulfillments: (
        Annotated[
            list[OrderFulfillment],
            Field(max_length=MAX_FULFILLMENTS),
            clean.members(MERGE_KEYS["fulfillments"], MAX_FULFILLMENTS),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _check_members(self) -> Self:
        _check_unique_products(line.external_product_id or "" for line in self.line_items or ())
        repeated = [
            external_id
            for external_id, count in Counter(item.external_id or "" for item in self.fulfillments or ()).items()
            if count > 1
        ]
        if repeated:
            message = "fulfillments repeat the external_id {values}"
            raise broken_rule(message, repeated[:1])
        return self

    def check_whole(self) -> None:
        """Check that the fulfillments name products of the order's lines.

        :raises PayloadError: when one names another
        """
        _check_fulfilled_products(self.payload(), ())

    @classmethod
    def check_update(cls, changes: Mapping[str, Any], present: Mapping[str, Any]) -> None:
        """Check that an update sends whole lines and fulfillments, and leaves the order within Yotpo's limits.

        :param changes: what is sent
        :param present: the order as Yotpo returns it
        :raises PayloadError: when Yotpo would refuse the update
        """
        missing = [
            Violation(f"{name}[{index}].{field}: required", f"{name}[].{field}: required")
            for name, model in (("line_items", LineItem), ("fulfillments", OrderFulfillment))
            for index, member in enumerate(changes.get(name) or ())
            for field in model.required
            if member.get(field) in (None, [])
        ]
        if missing:
            raise PayloadError(cls.resource, missing)
        _check_fulfilled_products(changes, present.get("line_items") or ())
        for name, key, limit in (
            ("line_items", "external_product_id", MAX_LINE_ITEMS),
            ("fulfillments", "external_id", MAX_FULFILLMENTS),
        ):
            members = [*(present.get(name) or ()), *(changes.get(name) or ())]
            _check_count(name, {str(member.get(key)) for member in members}, limit)
        _check_count("custom_properties", changes.get("custom_properties") or (), MAX_CUSTOM_PROPERTIES)


def _check_fulfilled_products(order: Mapping[str, Any], present_lines: Iterable[Mapping[str, Any]]) -> None:
    """Check that the fulfillments of an order name products of its lines, or of those that Yotpo has."""
    lines = {str(line.get("external_product_id")) for line in (*(order.get("line_items") or ()), *present_lines)}
    fulfilled = {
        str(item.get("external_product_id"))
        for fulfillment in order.get("fulfillments") or ()
        for item in fulfillment.get("fulfilled_items") or ()
    }
    if unknown := sorted(fulfilled - lines):
        begin = "fulfillments name products that are not in line_items"
        raise PayloadError(Order.resource, [Violation(f"{begin}: {', '.join(unknown[:5])}", f"{begin}: …")])


def _check_count(name: str, members: Collection[Any], limit: int) -> None:
    if len(members) > limit:
        text = f"{name}: with those that Yotpo has there would be more than {limit}"
        raise PayloadError(Order.resource, [Violation(text, text)])


class Gtin(Payload):
    """A product's number in trade."""

    declared_type: Annotated[Literal["EAN", "UPC", "ISBN"], BeforeValidator(to_code)]
    value: Text


class Product(Payload):
    """A product. Only its external id is required: Yotpo's Magento module falls back to that alone."""

    resource: ClassVar[str] = "product"
    identity: ClassVar[tuple[str, ...]] = ("external_id",)
    read_only: ClassVar[frozenset[str]] = _ADDED_BY_YOTPO | {"is_valid_url_format"}
    # An empty name takes the product out of its group (https://core-api.yotpo.com/reference/products).
    may_be_empty: ClassVar[frozenset[str]] = frozenset({"group_name"})

    external_id: LookupId | None = None
    name: Text255 | None = None
    description: Text | None = None
    status: Annotated[Literal["active", "draft", "archived", "inactive"], WordRepair] | None = None
    url: Url | None = None
    image_url: Url | None = None
    price: Amount | None = None
    compare_at_price: Amount | None = None
    currency: CurrencyCode | None = None
    inventory_quantity: WholeNumber | None = None
    is_discontinued: Flag | None = None
    group_name: Text | None = None
    brand: Text255 | None = None
    sku: Text255 | None = None
    mpn: Text255 | None = None
    handle: Text255 | None = None
    gtins: list[Gtin] | None = None
    custom_properties: ProductProperties | None = None
    external_created_at: Timestamp | None = None
    external_updated_at: Timestamp | None = None


def _to_gender(value: Any) -> Any:
    return str(value).strip().capitalize() if isinstance(value, str) else value


def _to_tags(value: Any) -> Any:
    """Return tags as Yotpo takes them: one text, with commas between them."""
    if isinstance(value, list) and all(isinstance(tag, str) and "," not in tag for tag in value):
        return ",".join(map(str.strip, value))
    return to_text(value)


def _check_names(properties: dict[str, Any]) -> dict[str, Any]:
    if wrong := [name for name in properties if not re.fullmatch(r"[A-Za-z0-9_]+", name)]:
        message = "names hold letters, digits and underscores, but {values} don't"
        raise broken_rule(message, wrong[:5])
    return properties


CustomerProperties = Annotated[OwnProperties, AfterValidator(_check_names)]


class StoreCustomer(Payload):
    """A customer of the store, for Yotpo's SMS and e-mail. An order has a block of its own, :class:`Customer`.

    Yotpo identifies a customer by the external id, or without one by the e-mail or the telephone number
    (https://core-api.yotpo.com/reference/create-customer).
    """

    resource: ClassVar[str] = "customer"
    is_checked_as_whole: ClassVar[bool] = True
    read_only: ClassVar[frozenset[str]] = _ADDED_BY_YOTPO

    external_id: ExternalId | None = None
    email: Text255 | None = None
    phone_number: Phone | None = None
    first_name: Text255 | None = None
    last_name: Text255 | None = None
    gender: Annotated[Literal["F", "M", "Other"], BeforeValidator(_to_gender)] | None = None
    account_created_at: Timestamp | None = None
    account_status: Annotated[Literal["enabled", "disabled", "invited", "declined"], WordRepair] | None = None
    default_language: LanguageCode | None = None
    default_currency: CurrencyCode | None = None
    tags: Annotated[str, BeforeValidator(_to_tags)] | None = None
    address: Address | None = None
    accepts_sms_marketing: Flag | None = None
    accepts_email_marketing: Flag | None = None
    custom_properties: CustomerProperties | None = None

    @model_validator(mode="after")
    def _check_identity(self) -> Self:
        if self.external_id is None and (self.email is None) == (self.phone_number is None):
            message = "needs an external_id, or without one exactly one of email and phone_number"
            raise ValueError(message)
        return self
