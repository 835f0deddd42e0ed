"""The GraphQL documents of Shopify's Partner API, and the types and statuses they filter by.

Each type of transaction and event is requested with its own fields. Two fields of one name but of different
nullability or enum cannot share a selection (https://spec.graphql.org/October2021/#sec-Field-Selection-Merging). Such a
field gets an alias here, and :data:`ALIASES` restores its name. An unknown newer type passes through with the fields of
its interface and its ``__typename``. Nothing is sent here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MONEY = "{ amount currencyCode }"
SHOP = "{ id name myshopifyDomain avatarUrl }"
APP = "{ id name }"

_SALE = f"grossAmount {MONEY} netAmount {MONEY} shopifyFee {MONEY} shop {SHOP}"
_APP_SALE = f"app {APP} chargeId {_SALE}"

TRANSACTION_FIELDS: Mapping[str, str] = MappingProxyType({
    "AppSubscriptionSale": f"billingInterval {_APP_SALE}",
    "AppOneTimeSale": _APP_SALE,
    "AppUsageSale": _APP_SALE,
    "AppSaleAdjustment": _APP_SALE,
    "AppSaleCredit": _APP_SALE,
    "ServiceSale": _SALE,
    "ServiceSaleAdjustment": _SALE,
    "ThemeSale": f"theme {{ name }} {_SALE}",
    "ThemeSaleAdjustment": f"theme {{ name }} {_SALE}",
    # In this type alone the shop is never null, so the field needs an alias.
    "ReferralTransaction": f"amount {MONEY} category referralShop: shop {SHOP}",
    "ReferralAdjustment": f"amount {MONEY} category shop {SHOP}",
    "TaxTransaction": f"amount {MONEY} type",
    "LegacyTransaction": f"amount {MONEY} shop {SHOP}",
})
"""The types of transactions, with their fields besides ``id`` and ``createdAt``."""

_CHARGE = f"id name test amount {MONEY}"

APP_EVENT_FIELDS: Mapping[str, str] = MappingProxyType({
    "RelationshipUninstalled": "reason description",
    "AppPurchaseOneTimeEvent": f"charge {{ {_CHARGE} }}",
    "AppSubscriptionEvent": f"charge {{ {_CHARGE} billingOn }}",
    "AppUsageRecordEvent": f"charge {{ {_CHARGE} }}",
    "AppCreditEvent": f"appCredit {{ {_CHARGE} }}",
})
"""The types of app events with fields of their own. Four interfaces cover the 17 types about money."""

_PLAN = """plan { handle billingPeriod trialDays trialDaysRemaining prices {
        __typename currencyCode
        ... on FlatRatePlanPrice { amount }
        ... on TieredPlanPrice { tiersMode tiers { amount amountPerUnit upTo } }
      } }"""

EVENT_FIELDS: Mapping[str, str] = MappingProxyType({
    "Relationship": "reason reasonDescription relationshipState: state",
    "Charge": f"""billedChargeId: chargeId chargeType amount {MONEY} balanceUsed cappedAmount usageQuantity
      description planHandle metadata {{ legacyChargeId }}""",
    "Earning": f"""chargeId earningType grossAmount {MONEY} netAmount {MONEY} shopifyFee {MONEY}
      settlementDate description metadata {{ legacyChargeId }}""",
    "SubscriptionStatus": f"subscriptionState: state cancelEffectiveOn {_PLAN}",
    "Credit": f"money {MONEY} status description",
})
"""The types of historical events (2026-07 and later) with their own fields."""

ALIASES: Mapping[str, str] = MappingProxyType({
    "referralShop": "shop",
    "relationshipState": "state",
    "subscriptionState": "state",
    "billedChargeId": "chargeId",
})
"""From an alias in a document to the field's name in the record."""


def _fragments(fields: Mapping[str, str]) -> str:
    return "\n      ".join(f"... on {kind} {{ {selection} }}" for kind, selection in fields.items())


TRANSACTIONS = f"""query Transactions(
  $first: Int!, $after: String, $createdAtMin: DateTime, $createdAtMax: DateTime,
  $types: [TransactionType!], $appId: ID, $myshopifyDomain: String, $shopId: ID
) {{
  transactions(
    first: $first, after: $after, createdAtMin: $createdAtMin, createdAtMax: $createdAtMax,
    types: $types, appId: $appId, myshopifyDomain: $myshopifyDomain, shopId: $shopId
  ) {{
    pageInfo {{ hasNextPage }}
    edges {{ cursor node {{
      __typename id createdAt
      {_fragments(TRANSACTION_FIELDS)}
    }} }}
  }}
}}
"""

APP_EVENTS = f"""query AppEvents(
  $appId: ID!, $first: Int!, $after: String, $occurredAtMin: DateTime, $occurredAtMax: DateTime,
  $types: [AppEventTypes!], $shopId: ID
) {{
  app(id: $appId) {{
    events(
      first: $first, after: $after, occurredAtMin: $occurredAtMin, occurredAtMax: $occurredAtMax,
      types: $types, shopId: $shopId
    ) {{
      pageInfo {{ hasNextPage }}
      edges {{ cursor node {{
        __typename type occurredAt app {APP} shop {SHOP}
        {_fragments(APP_EVENT_FIELDS)}
      }} }}
    }}
  }}
}}
"""

EVENTS = f"""query Events($first: Int!, $after: String, $filter: EventFilterInput) {{
  events(first: $first, after: $after, orderBy: OCCURRED_AT_ASC, filter: $filter) {{
    pageInfo {{ hasNextPage endCursor }}
    edges {{ cursor node {{
      __typename id eventType occurredAt
      shop {{ id name myshopifyDomain }}
      subject {{ __typename ... on AppReference {{ id name apiKey }} ... on ThemeReference {{ id name }} }}
      {_fragments(EVENT_FIELDS)}
    }} }}
  }}
}}
"""

VERSIONS = "query Versions { publicApiVersions { handle displayName supported } }\n"

TRANSACTION_TYPES = frozenset({
    "APP_ONE_TIME_SALE", "APP_SALE_ADJUSTMENT", "APP_SALE_CREDIT", "APP_SUBSCRIPTION_SALE",
    "APP_USAGE_SALE", "LEGACY", "REFERRAL", "REFERRAL_ADJUSTMENT", "SERVICE_SALE",
    "SERVICE_SALE_ADJUSTMENT", "TAX", "THEME_SALE", "THEME_SALE_ADJUSTMENT",
})  # fmt: skip

RELATIONSHIP_TYPES = frozenset({
    "RELATIONSHIP_DEACTIVATED", "RELATIONSHIP_INSTALLED", "RELATIONSHIP_REACTIVATED",
    "RELATIONSHIP_UNINSTALLED",
})  # fmt: skip

APP_EVENT_TYPES = RELATIONSHIP_TYPES | {
    "CREDIT_APPLIED", "CREDIT_FAILED", "CREDIT_PENDING", "ONE_TIME_CHARGE_ACCEPTED",
    "ONE_TIME_CHARGE_ACTIVATED", "ONE_TIME_CHARGE_DECLINED", "ONE_TIME_CHARGE_EXPIRED",
    "SUBSCRIPTION_APPROACHING_CAPPED_AMOUNT", "SUBSCRIPTION_CAPPED_AMOUNT_UPDATED",
    "SUBSCRIPTION_CHARGE_ACCEPTED", "SUBSCRIPTION_CHARGE_ACTIVATED", "SUBSCRIPTION_CHARGE_CANCELED",
    "SUBSCRIPTION_CHARGE_DECLINED", "SUBSCRIPTION_CHARGE_EXPIRED", "SUBSCRIPTION_CHARGE_FROZEN",
    "SUBSCRIPTION_CHARGE_UNFROZEN", "USAGE_CHARGE_APPLIED",
}  # fmt: skip

EVENT_TYPES = RELATIONSHIP_TYPES | {
    "CHARGE_ONE_TIME", "CHARGE_RECURRING", "CHARGE_USAGE", "CREDIT_APPLIED", "CREDIT_FAILED",
    "CREDIT_PENDING", "EARNING_ADJUSTMENT", "EARNING_CHARGE_ONE_TIME", "EARNING_CHARGE_RECURRING",
    "EARNING_CHARGE_USAGE", "EARNING_CREDIT", "EARNING_REFUND", "SUBSCRIPTION_CANCELED",
    "SUBSCRIPTION_CANCELLATION_SCHEDULED", "SUBSCRIPTION_CREATED", "SUBSCRIPTION_FROZEN",
    "SUBSCRIPTION_UNFROZEN", "SUBSCRIPTION_UPDATED",
}  # fmt: skip
