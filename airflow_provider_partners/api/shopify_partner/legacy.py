"""Lists that Shopify's Partner API no longer has: jobs, conversations and their messages.

Shopify deprecated them in 2024-01 and removed them from the published schemas around 2025-07. They stay here for
organizations that still reach a version that has them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator
from airflow_provider_partners.api.shopify_partner.documents import SHOP
from airflow_provider_partners.api.shopify_partner.model import PartnerResource

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOCS = "https://shopify.dev/docs/api/partner"

_LAST_VERSION = "2025-04"
"""Published schemas of 2025-07 disagree about jobs and conversations. Later schemas do not have them."""

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

LEGACY_RESOURCES: Mapping[str, PartnerResource] = MappingProxyType({
    "jobs": PartnerResource(
        name="jobs",
        doc="Jobs that merchants requested through Shopify Experts, by their last event (until 2025-04).",
        url=f"{_DOCS}/2025-04/queries/jobs",
        document=JOBS,
        paginator=ConnectionPaginator(100, "jobs"),
        time_field="lastEventAt",
        variables=MappingProxyType({
            "since": "lastEventAtMin", "until": "lastEventAtMax", "types": "statuses", "shop_id": "shopId",
        }),
        allowed_types=JOB_STATUSES,
        last_version=_LAST_VERSION,
        page_size=100,
        max_page_size=100,
    ),
    "conversations": PartnerResource(
        name="conversations",
        doc="Conversations with merchants, by their last event (until 2025-04).",
        url=f"{_DOCS}/2025-04/queries/conversations",
        document=CONVERSATIONS,
        paginator=ConnectionPaginator(100, "conversations"),
        time_field="lastEventAt",
        variables=MappingProxyType({"since": "lastEventAtMin", "until": "lastEventAtMax", "types": "statuses"}),
        allowed_types=CONVERSATION_STATUSES,
        names_shop=False,
        last_version=_LAST_VERSION,
        page_size=100,
        max_page_size=100,
    ),
    "messages": PartnerResource(
        name="messages",
        doc="The messages of one conversation (until 2025-04).",
        url=f"{_DOCS}/2025-04/objects/Conversation",
        document=MESSAGES,
        paginator=ConnectionPaginator(100, "conversation.messages"),
        time_field="sentAt",
        variables=MappingProxyType({
            "since": "sentAtMin", "until": "sentAtMax", "conversation_id": "conversationId",
        }),
        required_arguments=MappingProxyType({"conversation_id": "messages are listed by conversation"}),
        names_shop=False,
        last_version=_LAST_VERSION,
        page_size=100,
        max_page_size=100,
    ),
})  # fmt: skip
"""The lists by name."""
