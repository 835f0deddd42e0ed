"""Orders, and what belongs to them: refunds, transactions, fulfillment orders, draft orders, abandoned checkouts."""

from __future__ import annotations

from airflow_provider_partners.api.shopify_admin.resources.model import Nested, admin_resource, changed
from airflow_provider_partners.api.shopify_admin.resources.selections import ADDRESS, CUSTOMER, MONEY, PREVIEW_IMAGE
from airflow_provider_partners.api.shopify_admin.resources.selections import SHOP_MONEY as _MONEY

LINE_ITEMS = Nested(
    field="lineItems",
    type="LineItem",
    # Line items cost more than other fields; 13 to 20 of them cost the same.
    first=20,
    fields=f"""id title name quantity currentQuantity unfulfilledQuantity refundableQuantity sku variantTitle
        vendor requiresShipping isGiftCard
        originalUnitPriceSet {_MONEY}
        originalTotalSet {_MONEY}
        discountAllocations {{
          allocatedAmountSet {_MONEY}
          discountApplication {{ ... on DiscountCodeApplication {{ code }} }}
        }}
        customAttributes {{ key value }}
        product {{ id legacyResourceId title handle vendor onlineStoreUrl {PREVIEW_IMAGE} }}
        variant {{ id legacyResourceId title sku selectedOptions {{ name value }} }}""",
)
"""What was paid for a line is its ``originalTotalSet`` less all ``discountAllocations``.

``discountedTotalSet`` is not requested: it leaves out discounts of the whole order, and those of codes by default
(https://shopify.dev/docs/api/admin-graphql/latest/objects/LineItem).
"""

FULFILLMENTS = Nested(
    field="fulfillments",
    type="Fulfillment",
    connection=False,
    count="fulfillmentsCount",
    fields="""id legacyResourceId name status displayStatus createdAt updatedAt inTransitAt deliveredAt
        estimatedDeliveryAt totalQuantity requiresShipping
        trackingInfo { company number url }""",
    nested=(Nested(field="fulfillmentLineItems", type="FulfillmentLineItem", fields="id quantity lineItem { id }"),),
)
"""A plain list: ``first`` truncates it and it has no cursor."""

_PARENT = "order { id legacyResourceId name updatedAt }"

_ORDERS = admin_resource(
    "orders",
    "orders",
    type="Order",
    doc="The shop's orders, with all line items and fulfillments.",
    scopes=("read_orders",),
    **changed("orders"),
    selected=f"""id legacyResourceId name createdAt processedAt updatedAt cancelledAt cancelReason closedAt test
      confirmed displayFinancialStatus displayFulfillmentStatus returnStatus currencyCode
      totalPriceSet {_MONEY} subtotalPriceSet {_MONEY} currentTotalPriceSet {_MONEY}
      sourceName customerLocale tags paymentGatewayNames statusPageUrl discountCodes
      shippingLine {{ title }}
      customerJourneySummary {{ firstVisit {{ landingPage }} }}""",
    # https://shopify.dev/changelog/new-checkouttoken-field-added-to-the-order-object
    versioned={"checkoutToken": "2026-07"},
    nested=(LINE_ITEMS, FULFILLMENTS),
    personal={
        "email": "email",
        "phone": "phone",
        "customer": CUSTOMER,
        "billingAddress": f"billingAddress {ADDRESS}",
        "shippingAddress": f"shippingAddress {ADDRESS}",
    },
)

_REFUNDS = admin_resource(
    "refunds",
    "orders",
    type="Refund",
    root_type="Order",
    doc="The refunds of orders, with all refunded lines and transactions. The time is the order's last change.",
    scopes=("read_orders",),
    **changed("orders", within="order"),
    parent_key="order_id",
    within=Nested(field="refunds", type="Refund", connection=False, first=None),
    selected=f"id legacyResourceId createdAt updatedAt note totalRefundedSet {MONEY} {_PARENT}",
    versioned={"processedAt": "2026-01"},
    nested=(
        Nested(
            field="refundLineItems",
            type="RefundLineItem",
            first=20,
            fields=f"""id quantity restockType restocked priceSet {MONEY} subtotalSet {MONEY} totalTaxSet {MONEY}
        lineItem {{ id }}""",
        ),
        Nested(
            field="transactions", type="OrderTransaction", first=10, fields=f"id kind status gateway amountSet {MONEY}"
        ),
        Nested(
            field="refundShippingLines",
            type="RefundShippingLine",
            first=10,
            fields=f"id subtotalAmountSet {MONEY} taxAmountSet {MONEY}",
        ),
        Nested(
            field="orderAdjustments",
            type="OrderAdjustment",
            first=10,
            fields=f"id reason amountSet {MONEY} taxAmountSet {MONEY}",
        ),
    ),
)

_TRANSACTIONS = admin_resource(
    "transactions",
    "orders",
    type="OrderTransaction",
    root_type="Order",
    doc="The payments, captures, voids and refunds of orders. The time is the order's last change.",
    scopes=("read_orders",),
    **changed("orders", within="order"),
    parent_key="order_id",
    within=Nested(field="transactions", type="OrderTransaction", connection=False, first=None),
    selected=f"""id kind status gateway formattedGateway test errorCode paymentId createdAt processedAt
      authorizationExpiresAt manualPaymentGateway settlementCurrency settlementCurrencyRate
      amountSet {MONEY} totalUnsettledSet {MONEY}
      fees {{ id type rate rateName amount {{ amount currencyCode }} taxAmount {{ amount currencyCode }} }}
      parentTransaction {{ id }} {_PARENT}""",
    personal={"accountNumber": "accountNumber"},
)

_FULFILLMENT_ORDERS = admin_resource(
    "fulfillment_orders",
    "fulfillmentOrders",
    type="FulfillmentOrder",
    doc="What is to be fulfilled from one location, open or closed, with all lines.",
    scopes=(
        "read_merchant_managed_fulfillment_orders",
        "read_third_party_fulfillment_orders",
        "read_locations",
        "read_orders",
    ),
    time_field="updatedAt",
    search_field="updated_at",
    sort_key="ID",
    arguments="includeClosed: true",
    selected="""id orderId orderName orderProcessedAt status requestStatus createdAt updatedAt fulfillAt fulfillBy
      assignedLocation { name countryCode location { id } }
      deliveryMethod { id methodType }
      fulfillmentHolds { id reason heldByRequestingApp }
      supportedActions { action }""",
    nested=(
        Nested(
            field="lineItems",
            type="FulfillmentOrderLineItem",
            first=20,
            fields="""id totalQuantity remainingQuantity productTitle variantTitle sku vendor requiresShipping
        inventoryItemId lineItem { id }""",
        ),
    ),
    personal={
        "destination": """destination {
        id firstName lastName company address1 address2 city zip province countryCode email phone
      }""",
    },
)

_DRAFT_ORDERS = admin_resource(
    "draft_orders",
    "draftOrders",
    type="DraftOrder",
    doc="Orders that merchants write for customers, with all lines. Shopify purges them after an idle year.",
    scopes=("read_draft_orders", "read_orders", "read_products"),
    **changed("draftOrders"),
    selected=f"""id legacyResourceId name status createdAt updatedAt completedAt invoiceSentAt currencyCode
      presentmentCurrencyCode taxesIncluded taxExempt tags poNumber discountCodes totalQuantityOfLineItems
      subtotalPriceSet {MONEY} totalPriceSet {MONEY} totalTaxSet {MONEY} totalDiscountsSet {MONEY}
      totalShippingPriceSet {MONEY}
      customAttributes {{ key value }}
      order {{ id name }}""",
    nested=(
        Nested(
            field="lineItems",
            type="DraftOrderLineItem",
            first=20,
            fields=f"""id title name quantity sku variantTitle vendor custom isGiftCard requiresShipping taxable
        originalUnitPriceSet {MONEY} originalTotalSet {MONEY} discountedTotalSet {MONEY} totalDiscountSet {MONEY}
        customAttributes {{ key value }}
        product {{ id }} variant {{ id }}""",
        ),
    ),
    personal={
        "email": "email",
        "phone": "phone",
        "note2": "note2",
        "invoiceUrl": "invoiceUrl",
        "customer": CUSTOMER,
        "billingAddress": f"billingAddress {ADDRESS}",
        "shippingAddress": f"shippingAddress {ADDRESS}",
    },
)

_ABANDONED_CHECKOUTS = admin_resource(
    "abandoned_checkouts",
    "abandonedCheckouts",
    type="AbandonedCheckout",
    doc="Checkouts with contact data but without a purchase, and recovered ones, with all lines.",
    scopes=("read_orders", "read_products"),
    # Shopify sorts them by the time of creation, and not by the one of the last change.
    **changed("abandonedCheckouts") | {"sort_key": "ID"},
    selected=f"""id name createdAt updatedAt completedAt discountCodes taxesIncluded
      subtotalPriceSet {MONEY} totalPriceSet {MONEY} totalDiscountSet {MONEY} totalLineItemsPriceSet {MONEY}
      totalTaxSet {MONEY} totalDutiesSet {MONEY}
      customAttributes {{ key value }}""",
    nested=(
        Nested(
            field="lineItems",
            type="AbandonedCheckoutLineItem",
            first=20,
            fields=f"""id title quantity sku variantTitle
        originalUnitPriceSet {MONEY} originalTotalPriceSet {MONEY} discountedTotalPriceSet {MONEY}
        customAttributes {{ key value }}
        product {{ id }} variant {{ id }}""",
        ),
    ),
    personal={
        "note": "note",
        "abandonedCheckoutUrl": "abandonedCheckoutUrl",
        "customer": CUSTOMER,
        "billingAddress": f"billingAddress {ADDRESS}",
        "shippingAddress": f"shippingAddress {ADDRESS}",
    },
)

RESOURCES = (_ORDERS, _REFUNDS, _TRANSACTIONS, _FULFILLMENT_ORDERS, _DRAFT_ORDERS, _ABANDONED_CHECKOUTS)
