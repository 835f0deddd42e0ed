"""Masks the personal values of records wherever this provider shows them: reports, the page in Airflow, the commands.

A value is shown only if its field is in :data:`ALLOWED`, and if it has the form that the field's documentation names.
So a field that a partner adds, a custom property and free text stay masked. Flags say yes or no, and are shown. What a
merchant names freely, such as ``metadata``, is masked as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["ALLOWED", "MASK", "has_contact", "mask_record", "mask_value"]

MASK = "•••"
"""Stands for a personal value."""

SHOPIFY = "https://shopify.dev/docs/apps/launch/protected-customer-data"
"""Personal are names, addresses, telephone numbers and e-mail addresses (level 2)."""

SHOPIFY_OBJECTS = "https://shopify.dev/docs/api/admin-graphql/latest/objects"
SHOPIFY_PARTNER = "https://shopify.dev/docs/api/partner"
VOUCHERIFY = "https://docs.voucherify.io/api-reference"
YOFI = "https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/partner-data-api"
YOTPO_ORDERS = "https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments"
YOTPO_PRODUCTS = "https://core-api.yotpo.com/reference/products"
YOTPO_CUSTOMERS = "https://core-api.yotpo.com/reference/customers"
YOTPO_REVIEWS = "https://develop.yotpo.com/reference/retrieve-all-reviews"
OUTCOMES = "airflow_provider_partners.sync.outcomes"
DIFFERENCES = "airflow_provider_partners.sync.reconcile"
ADDED_COLUMNS = "airflow_provider_partners.datasets.record_shape"

_EMAIL = re.compile(r"(?<![^\s@<>\"'])[^\s@<>\"']++@[^\s@<>\"']+\.[^\s@<>\"']+")
_PHONE = re.compile(r"\+\d[\d\s().-]{6,}\d")

ID = re.compile(r"(?=[^\d\s]{0,120}\d)[\w:/.#-]{1,120}|[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com")
"""Leads to a record and says nothing by itself. Without a digit it may be a name."""

CODE = re.compile(r"[^\s@]{1,120}")
WORD = re.compile(r"[\w.:-]{1,80}")
TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ][\d:.]+ ?(Z|UTC|[+-]\d{2}:?\d{2})?)?|\d{9,13}")
NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,12})?([eE][+-]?\d{1,2})?")
COUNTRY = re.compile(r"[A-Z]{2}")
FLAG = re.compile(r"(?i)true|false")
TEXT = re.compile(r"(?s).*")
"""Any text. Contacts in it are masked."""


class Allowed(NamedTuple):
    """Fields that say nothing about a person.

    :param source: the page or module that says what is in them
    :param form: what their values look like
    :param fields: their names in any spelling; ``product.title`` is a title in a product or a list of products alone
    """

    source: str
    form: re.Pattern[str]
    fields: str


ALLOWED: tuple[Allowed, ...] = (
    Allowed(SHOPIFY, ID, "id legacyResourceId orderId discountId inventoryItemId paymentId subjectId"),
    Allowed(
        SHOPIFY,
        TIME,
        """createdAt updatedAt processedAt cancelledAt closedAt completedAt publishedAt startsAt endsAt deliveredAt
        estimatedDeliveryAt inTransitAt invoiceSentAt authorizationExpiresAt fulfillAt fulfillBy marketingUpdatedAt
        orderProcessedAt deactivatedAt""",
    ),
    Allowed(f"{SHOPIFY_OBJECTS}/MailingAddress", COUNTRY, "countryCode countryCodeV2"),
    Allowed(
        SHOPIFY_OBJECTS,
        WORD,
        """__typename status kind type action returnStatus cancelReason displayFinancialStatus displayFulfillmentStatus
        displayStatus currencyCode presentmentCurrencyCode settlementCurrency sourceName paymentGatewayNames gateway
        errorCode inventoryPolicy restockType requestStatus marketingState customerLocale locale ownerType subjectType
        productSubscriberStatus discountClasses deliveryMethod.methodType customer.state sortOrder
        fulfillmentHold.reason orderAdjustment.reason""",
    ),
    Allowed(f"{SHOPIFY_OBJECTS}/Order", CODE, "order.name orderName fulfillment.name"),
    Allowed(f"{SHOPIFY_OBJECTS}/DraftOrder", CODE, "draftOrder.name"),
    Allowed(f"{SHOPIFY_OBJECTS}/AbandonedCheckout", CODE, "abandonedCheckout.name"),
    Allowed(
        f"{SHOPIFY_OBJECTS}/Product",
        TEXT,
        """product.title lineItem.title lineItem.name variant.title productVariant.title productVariant.displayName
        collection.title collection.handle product.handle variantTitle productTitle vendor productType
        selectedOption.name selectedOption.value product.description product.onlineStoreUrl seo.title
        seo.description""",
    ),
    Allowed(f"{SHOPIFY_OBJECTS}/ProductVariant", CODE, "sku barcode"),
    Allowed(f"{SHOPIFY_OBJECTS}/Location", TEXT, "location.name assignedLocation.name"),
    Allowed(f"{SHOPIFY_OBJECTS}/ShippingLine", TEXT, "shippingLine.title"),
    Allowed(
        SHOPIFY_OBJECTS,
        NUMBER,
        """numberOfOrders quantity amount price compareAtPrice currentQuantity totalQuantity refundableQuantity
        remainingQuantity unfulfilledQuantity inventoryQuantity totalQuantityOfLineItems usageLimit asyncUsageCount
        settlementCurrencyRate position fees.rate""",
    ),
    Allowed(SHOPIFY_PARTNER, ID, "chargeId legacyChargeId"),
    Allowed(SHOPIFY_PARTNER, TIME, "occurredAt sentAt lastEventAt billingOn cancelEffectiveOn settlementDate"),
    Allowed(
        SHOPIFY_PARTNER,
        TEXT,
        "app.name charge.name appCredit.name theme.name subject.name shop.name myshopifyDomain",
    ),
    Allowed(
        SHOPIFY_PARTNER,
        WORD,
        """eventType event.state chargeType earningType billingInterval billingPeriod planHandle plan.handle
        service.handle transaction.category""",
    ),
    Allowed(
        SHOPIFY_PARTNER, NUMBER, "balanceUsed cappedAmount usageQuantity amountPerUnit trialDays trialDaysRemaining"
    ),
    Allowed(
        VOUCHERIFY,
        ID,
        """ids customer_id referrer_id product_id campaign_id voucher_id category_id channel_id assignment_id
        automation_id group_id holder_id loyalty_tier_id tier_id object_id parent_redemption_id promotion_id
        publication_id redeemable_id related_object_id related_object_parent_id related_transaction_id request_id
        resource_id resource_parent_id reward_id rule_id schema_id session_id sku_id validation_rule_id area_id
        area_store_id order.source_id product.source_id sku.source_id item.source_id""",
    ),
    Allowed(
        VOUCHERIFY,
        TIME,
        """date expires_at start_date expiration_date activates_at failed_at last_order_date next_expiration_date
        recovered_at""",
    ),
    Allowed(
        VOUCHERIFY,
        WORD,
        """object related_object related_object_type redeemable_object object_type source_type result failure_code
        campaign_type voucher_type holder_role discount.effect unit.effect unit_type context_type calculation_type
        period_type resource_type exported_object operation_type operation_status creation_status validation_status
        vouchers_generation_status discount_calculation_mode hierarchy_mode rounding_type rollback_order_mode currency
        channel channel_type earning_rule.event""",
    ),
    Allowed(
        VOUCHERIFY,
        TEXT,
        """campaign.name campaign_name voucher.campaign product.name reward.name segment.name loyalty_tier.name
        loyalty_tier_from.name loyalty_tier_to.name holder_loyalty_tier.name loyalty_campaign_tier.name
        loyalty_member_tier.name loyalties_v1.name campaign_template.name customer_segment.name product_collection.name
        product_collection_product.name validation_rule.name promotion_tier.name promotion_stack.name
        campaign_promotion_tier.name client_promotion_tier.name campaign_promotion_stack.name""",
    ),
    Allowed(
        VOUCHERIFY,
        NUMBER,
        """amount_off percent_off unit_off amount_limit fixed_amount aggregated_amount_limit aggregated_quantity_limit
        quantity_limit redeemables_limit balance points total_points redeemed_points subtracted_points expired_points
        points_to_go pending_points next_expiration_points redeemed_quantity redeemed_amount subtracted_amount total
        total_count total_redeemed total_failed total_succeeded total_rollback_failed total_rollback_succeeded
        total_rolled_back average_amount last_order_amount initial_amount discount_amount total_amount
        total_discount_amount items_discount_amount applied_discount_amount items_applied_discount_amount
        total_applied_discount_amount subtotal_amount initial_quantity discount_quantity applied_quantity
        applied_discount_quantity applied_quantity_amount vouchers_count assignments_count initial_count count
        hierarchy index source_index target_index stock progress processing_time""",
    ),
    Allowed(YOFI, ID, "entity_id app_id organization_id return_id customer_entity_id notify_template_id"),
    Allowed(YOFI, CODE, "order_number"),
    Allowed(YOFI, WORD, "return.state return_state severity model_name model_version prediction_category"),
    Allowed(YOFI, TEXT, "prediction_title"),
    Allowed(YOFI, NUMBER, "predicted_value return_total"),
    Allowed(YOFI, TIME, "created_at_epoch order_created_at_epoch return_created_at_epoch"),
    Allowed(YOTPO_ORDERS, ID, "external_id yotpo_id store_id yotpo_product_id"),
    Allowed(YOTPO_ORDERS, CODE, "external_product_id line_item.coupon_code"),
    Allowed(YOTPO_ORDERS, WORD, "payment_status shipment_status"),
    Allowed(YOTPO_ORDERS, TEXT, "payment_method"),
    Allowed(YOTPO_ORDERS, TIME, "order_date fulfillment_date cancellation_date"),
    Allowed(YOTPO_ORDERS, NUMBER, "total_price subtotal_price"),
    Allowed(YOTPO_ORDERS, FLAG, "accepts_sms_marketing accepts_email_marketing"),
    Allowed(YOTPO_ORDERS, FLAG, "custom_properties.suppress_review_request custom_properties.coupon_used"),
    Allowed(
        YOTPO_PRODUCTS,
        TEXT,
        """variant.name variant.description brand product.brand group_name product.url variant.url product.image_url
        variant.image_url variant.handle option.name""",
    ),
    Allowed(YOTPO_PRODUCTS, CODE, "mpn declared_type gtins.value product.external_id variant.external_id"),
    Allowed(YOTPO_PRODUCTS, TIME, "external_created_at external_updated_at"),
    Allowed(YOTPO_PRODUCTS, FLAG, "is_discontinued"),
    Allowed(YOTPO_CUSTOMERS, WORD, "account_status default_language default_currency"),
    Allowed(YOTPO_CUSTOMERS, TIME, "account_created_at"),
    Allowed(YOTPO_REVIEWS, WORD, "reviewer_type"),
    Allowed(YOTPO_REVIEWS, ID, "email_type_id"),
    Allowed(YOTPO_REVIEWS, NUMBER, "votes_up votes_down sentiment score"),
    Allowed(OUTCOMES, TEXT, "outcome.reason outcome.rule outcome.notes outcome.suppressed rejected.reason"),
    Allowed(OUTCOMES, WORD, "outcome.changed"),
    Allowed(DIFFERENCES, WORD, "finding.state finding.fields"),
    Allowed(DIFFERENCES, TEXT, "finding.reason"),
    Allowed(ADDED_COLUMNS, TIME, "_extracted_at _since _until"),
)
"""All that is shown. A name without a place is harmless even in a customer or an address."""

_OWN = frozenset({
    *("metadata", "customproperty", "customattribute", "noteattribute", "attribute", "property", "additionalinfo"),
    *("systemmetadata", "meta"),
})
"""Places whose fields merchants name, so that an allowed name there says nothing about its value."""

_PATH = re.compile(r"\w+(\[[^]\s@]{0,120}\])?(\.\w+(\[[^]\s@]{0,120}\])?)*")
"""The path of a field, such as ``line_items[81].quantity``."""


def _words(name: str) -> str:
    return re.sub(r"[\s_-]", "", str(name)).lower()


def _place(name: str) -> str:
    """Return the place that a list or an object is: ``line_items`` and ``lineItem`` are one."""
    words = _words(name)
    return f"{words[:-3]}y" if words.endswith("ies") else words.removesuffix("s")


def _forms(allowed: Iterable[Allowed]) -> Iterator[tuple[tuple[str, str], re.Pattern[str]]]:
    for each in allowed:
        for field in each.fields.split():
            place, _, name = field.rpartition(".")
            yield (_place(place), _words(name)), each.form


_FORMS = dict(_forms(ALLOWED))


def has_contact(text: str) -> bool:
    """Return True if a text has an e-mail address or a telephone number in it."""
    return _EMAIL.search(text) is not None or _PHONE.search(text) is not None


def mask_record(record: Any, *, resource: str = "") -> Any:
    """Return a copy of a record without personal values. All its keys stay.

    :param resource: the list that it is from, such as ``orders`` or ``orders rejects``; without it, fewer values show
    """
    if isinstance(record, Mapping):
        return _mask_object(record, _root(resource), is_own=False)
    return _mask_part("", record, "", is_own=False)


def mask_value(path: str, value: Any, *, resource: str = "") -> Any:
    """Return the value of one field of a record without personal values.

    :param path: dotted path of the field, such as ``customer.first_name`` or ``line_items[81].quantity``
    :param resource: the list that the record is from
    """
    *places, name = re.sub(r"\[[^]]*\]", "", path).split(".")
    place = _place(places[-1]) if places else _root(resource)
    return _mask_part(name, value, place, is_own=any(_place(each) in _OWN for each in places))


def _root(resource: str) -> str:
    """Return the place that a list's records are; ``orders rejects`` are rejects."""
    return _place(resource.split()[-1]) if resource.strip() else ""


def _mask_object(value: Mapping[str, Any], place: str, *, is_own: bool) -> dict[str, Any]:
    """Return a masked object.

    :param is_own: merchants name the fields of this object, or of one around it
    """
    masked = {}
    for name, part in value.items():
        if name == "values" and not is_own and _are_changes(part):
            masked[name] = [_mask_change(each, str(value.get("kind", ""))) for each in part]
        else:
            masked[name] = _mask_part(name, part, place, is_own=is_own)
    return masked


def _mask_part(name: str, value: Any, place: str, *, is_own: bool) -> Any:
    """Return the masked value of a field of a place. For the fields of an object, this field is the place."""
    if isinstance(value, Mapping):
        inner = _place(name)
        return _mask_object(value, inner, is_own=is_own or inner in _OWN)
    if isinstance(value, list | tuple):
        return [_mask_part(name, part, place, is_own=is_own) for part in value]
    return _mask_single(name, value, place, is_own=is_own or _place(name) in _OWN)


def _mask_single(name: str, value: Any, place: str, *, is_own: bool) -> Any:
    if value is None or value == "" or (isinstance(value, bool) and not is_own):
        return value
    field = _words(name)
    form = _FORMS.get((place, field)) or (None if is_own else _FORMS.get(("", field)))
    if form is None or not form.fullmatch(str(value)):
        return MASK
    return _PHONE.sub(MASK, _EMAIL.sub(MASK, value)) if form is TEXT and isinstance(value, str) else value


def _are_changes(values: Any) -> bool:
    """Return True for the values of an outcome, each before and after a write."""
    return isinstance(values, list) and all(
        isinstance(each, Mapping) and each.keys() == {"name", "before", "after"} and _PATH.fullmatch(str(each["name"]))
        for each in values
    )


def _mask_change(change: Mapping[str, Any], kind: str) -> dict[str, Any]:
    parts = {key: mask_value(change["name"], change[key], resource=kind) for key in ("before", "after")}
    return {"name": change["name"], **parts}
