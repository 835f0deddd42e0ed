"""The properties of Yotpo's orders, fulfillments, products, variants and customers.

Tables from https://core-api.yotpo.com/reference. They leave out read-only properties (``yotpo_id``, ``created_at``):
Yotpo drops these from a body.
"""

from __future__ import annotations

from airflow_provider_partners.sandbox.yotpo.validation import PropertyRule, Rules


def _choices(*values: str) -> PropertyRule:
    return PropertyRule(choices=frozenset(values))


_STRING = PropertyRule()
_NUMBER = PropertyRule(kind="number")
_BOOLEAN = PropertyRule(kind="boolean")
_TIME = PropertyRule(kind="datetime")
_CURRENCY = PropertyRule(kind="currency")
_STRING_64 = PropertyRule(max_length=64)
_STRING_255 = PropertyRule(max_length=255)
_URL = PropertyRule(max_length=2048)

ADDRESS: Rules = {
    "address1": _STRING_255,
    "address2": _STRING_255,
    "city": _STRING_255,
    "company": _STRING_255,
    "state": _STRING_64,
    "zip": _STRING_64,
    "province_code": _STRING_64,
    "country_code": PropertyRule(kind="country"),
    "phone_number": PropertyRule(kind="phone", max_length=64),
}
# The documentation requires first and last name for reviews; a recorded live call created an order without them.
_ORDER_CUSTOMER: Rules = {
    "external_id": _STRING_255,
    "first_name": _STRING_255,
    "last_name": _STRING_255,
    "email": _STRING_255,
    "phone_number": _STRING_255,
    "accepts_sms_marketing": _BOOLEAN,
    "accepts_email_marketing": _BOOLEAN,
    "custom_properties": PropertyRule(kind="object", free=True, maximum=100),
}
_ORDER_CUSTOM: Rules = {
    "suppress_review_request": _BOOLEAN,
    "coupon_used": _BOOLEAN,
    "delivery_type": _STRING,
    "customer_state": _STRING_64,
    "customer_country": PropertyRule(kind="country"),
    "customer_address": _STRING,
    "customer_phonenumber": PropertyRule(kind="phone", max_length=64),
}
_LINE_CUSTOM: Rules = {
    "suppress_review_request": _BOOLEAN,
    "color": _STRING,
    "size": _STRING,
    "vendor": _STRING,
    "material": _STRING,
    "model": _STRING,
    "coupon_used": _BOOLEAN,
}
_QUANTITY = PropertyRule(kind="quantity", required=True)
_PRODUCT_ID = PropertyRule(required=True)
LINE_ITEM: Rules = {
    "external_product_id": _PRODUCT_ID,
    "quantity": _QUANTITY,
    "total_price": _NUMBER,
    "subtotal_price": _NUMBER,
    "coupon_code": _STRING,
    "custom_properties": PropertyRule(kind="object", fields=_LINE_CUSTOM, free=True, maximum=100),
}
_SHIPMENT: Rules = {
    "shipment_status": _choices(
        "label_printed",
        "label_purchased",
        "attempted_delivery",
        "ready_for_pickup",
        "confirmed",
        "in_transit",
        "out_for_delivery",
        "delivered",
        "failure",
    ),
    "tracking_company": _STRING,
    "tracking_url": _STRING,
    "tracking_number": _STRING,
}
_FULFILLED_ITEM: Rules = {"external_product_id": _PRODUCT_ID, "quantity": _QUANTITY}
_STATUSES = frozenset({"pending", "open", "success", "cancelled", "error", "failure"})
# Yotpo answers an empty list with 400: https://github.com/YotpoLtd/magento2-module-core
_FULFILLED_ITEMS = PropertyRule(kind="array", fields=_FULFILLED_ITEM, minimum=1, required=True)

FULFILLMENT: Rules = {
    "external_id": PropertyRule(required=True),
    "fulfillment_date": PropertyRule(kind="datetime", required=True),
    "status": PropertyRule(choices=_STATUSES, required=True),
    "shipment_info": PropertyRule(kind="object", fields=_SHIPMENT),
    "fulfilled_items": _FULFILLED_ITEMS,
}
# Inside an order, only the items are documented as required.
EMBEDDED_FULFILLMENT: Rules = {
    "external_id": _STRING,
    "fulfillment_date": _TIME,
    "status": PropertyRule(choices=_STATUSES),
    "shipment_info": PropertyRule(kind="object", fields=_SHIPMENT),
    "fulfilled_items": _FULFILLED_ITEMS,
}
ORDER: Rules = {
    "external_id": PropertyRule(required=True),
    "order_name": _STRING,
    "order_date": PropertyRule(kind="datetime", required=True),
    "checkout_token": _STRING,
    "payment_method": _STRING_64,
    "total_price": _NUMBER,
    "subtotal_price": _NUMBER,
    "currency": _CURRENCY,
    "landing_site_url": _STRING,
    "payment_status": _choices(
        "pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided"
    ),
    "cancellation": PropertyRule(
        kind="object", fields={"cancellation_date": PropertyRule(kind="datetime", required=True)}
    ),
    "customer": PropertyRule(kind="object", fields=_ORDER_CUSTOMER),
    "billing_address": PropertyRule(kind="object", fields=ADDRESS),
    "shipping_address": PropertyRule(kind="object", fields=ADDRESS),
    "custom_properties": PropertyRule(kind="object", fields=_ORDER_CUSTOM, free=True, maximum=100),
    "fulfillments": PropertyRule(kind="array", fields=EMBEDDED_FULFILLMENT, maximum=100),
    "line_items": PropertyRule(kind="array", fields=LINE_ITEM, maximum=500, required=True),
}

_GTINS = PropertyRule(
    kind="array",
    fields={
        "declared_type": PropertyRule(choices=frozenset({"EAN", "UPC", "ISBN"}), required=True),
        "value": PropertyRule(required=True),
    },
)
_PRODUCT_OR_VARIANT: Rules = {
    "external_id": PropertyRule(max_length=255, required=True),
    "name": _STRING_255,
    "description": _STRING,
    "url": _URL,
    "image_url": _URL,
    "price": _NUMBER,
    "compare_at_price": _NUMBER,
    "currency": _CURRENCY,
    "inventory_quantity": PropertyRule(kind="integer"),
    "is_discontinued": _BOOLEAN,
    "sku": _STRING,
    "mpn": _STRING,
    "gtins": _GTINS,
    "custom_properties": PropertyRule(
        kind="object",
        fields={"is_blocklisted": _BOOLEAN, "review_form_tag": _STRING},
        free=True,
        maximum=100,
    ),
}
# Only external_id is required: Yotpo's connector retries a refused product with that key alone
# (https://github.com/YotpoLtd/magento2-module-core).
PRODUCT: Rules = {
    **_PRODUCT_OR_VARIANT,
    "status": _choices("active", "draft", "archived", "inactive"),
    "group_name": _STRING,
    "brand": _STRING,
    "handle": _STRING,
    "external_created_at": _TIME,
    "external_updated_at": _TIME,
}
VARIANT: Rules = {
    **_PRODUCT_OR_VARIANT,
    "options": PropertyRule(
        kind="array", fields={"name": PropertyRule(required=True), "value": PropertyRule(required=True)}
    ),
}
CUSTOMER: Rules = {
    "external_id": _STRING_255,
    "email": _STRING_255,
    "phone_number": PropertyRule(kind="phone", max_length=64),
    "first_name": _STRING_255,
    "last_name": _STRING_255,
    "gender": _choices("F", "M", "Other"),
    "account_created_at": _TIME,
    "account_status": _choices("enabled", "disabled", "invited", "declined"),
    "default_language": PropertyRule(kind="language"),
    "default_currency": _CURRENCY,
    "tags": _STRING,
    "address": PropertyRule(kind="object", fields=ADDRESS),
    "accepts_sms_marketing": _BOOLEAN,
    "accepts_email_marketing": _BOOLEAN,
    "custom_properties": PropertyRule(kind="object", free=True, maximum=100),
}
