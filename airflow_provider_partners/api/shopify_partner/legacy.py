"""The GraphQL documents of what Shopify's Partner API no longer has: jobs, conversations and their messages.

Deprecated in 2024-01 and gone from the published schemas around 2025-07; kept for whoever still reaches a version that
serves them. Knows no client and sends nothing.
"""

from __future__ import annotations

from airflow_provider_partners.api.shopify_partner.documents import SHOP

_MERCHANT = "{ id name avatarUrl timezone }"

JOBS = f"""query Jobs(
  $first: Int!, $after: String, $statuses: [JobStatus!], $shopId: ID, $lastEventAtMin: DateTime,
  $lastEventAtMax: DateTime
) {{
  jobs(
    first: $first, after: $after, statuses: $statuses, shopId: $shopId, lastEventAtMin: $lastEventAtMin,
    lastEventAtMax: $lastEventAtMax
  ) {{
    pageInfo {{ hasNextPage }}
    edges {{ cursor node {{
      __typename id status confirmedCompleted createdAt lastEventAt dashboardUrl
      shop {SHOP}
      services {{ handle name }}
      requirements {{ question responses }}
      conversation {{ id status lastEventAt }}
    }} }}
  }}
}}
"""

CONVERSATIONS = f"""query Conversations(
  $first: Int!, $after: String, $statuses: [ConversationStatus!], $lastEventAtMin: DateTime, $lastEventAtMax: DateTime
) {{
  conversations(
    first: $first, after: $after, statuses: $statuses, lastEventAtMin: $lastEventAtMin, lastEventAtMax: $lastEventAtMax
  ) {{
    pageInfo {{ hasNextPage }}
    edges {{ cursor node {{
      __typename id status hasUnreadMessages createdAt lastEventAt dashboardUrl
      merchantUser {_MERCHANT}
    }} }}
  }}
}}
"""

MESSAGES = f"""query Messages(
  $conversationId: ID!, $first: Int!, $after: String, $sentAtMin: DateTime, $sentAtMax: DateTime
) {{
  conversation(id: $conversationId) {{
    messages(first: $first, after: $after, sentAtMin: $sentAtMin, sentAtMax: $sentAtMax) {{
      pageInfo {{ hasNextPage }}
      edges {{ cursor node {{
        __typename id sentAt sentVia body fileUrls
        sentBy {{
          __typename
          ... on MerchantUser {_MERCHANT}
          ... on Organization {{ id name avatarUrl }}
          ... on Shop {SHOP}
          ... on ShopifyEmployee {{ id name avatarUrl }}
          ... on TeamMember {{ id name avatarUrl }}
        }}
      }} }}
    }}
  }}
}}
"""

JOB_STATUSES = frozenset({
    "NEW", "OPENED", "RESPONDED", "AWAITING_RESPONSE", "COMPLETED", "DECLINED", "CLOSED", "EXPIRED", "INACTIVE",
})  # fmt: skip

CONVERSATION_STATUSES = frozenset({"ACTIVE", "BLOCKED"})
