"""The lists of Shopify's Partner API."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator
from airflow_provider_partners.api.shopify_partner import documents
from airflow_provider_partners.api.shopify_partner.legacy import LEGACY_RESOURCES
from airflow_provider_partners.api.shopify_partner.model import PartnerResource

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOCS = "https://shopify.dev/docs/api/partner"

RESOURCES: Mapping[str, PartnerResource] = MappingProxyType({
    "transactions": PartnerResource(
        name="transactions",
        doc="What the organization earned and paid: sales, fees, adjustments, referrals, taxes.",
        url=f"{_DOCS}/latest/queries/transactions",
        document=documents.TRANSACTIONS,
        paginator=ConnectionPaginator(100, "transactions"),
        key=("id",),
        time_field="createdAt",
        variables=MappingProxyType({
            "since": "createdAtMin", "until": "createdAtMax", "types": "types", "app_id": "appId",
            "shop": "myshopifyDomain", "shop_id": "shopId",
        }),
        allowed_types=documents.TRANSACTION_TYPES,
        page_size=100,
        # The API refuses larger pages; the limit is not documented, other clients observed it.
        max_page_size=100,
    ),
    "app_events": PartnerResource(
        name="app_events",
        doc="What happened to one app: installs, charges, credits.",
        url=f"{_DOCS}/latest/objects/App",
        document=documents.APP_EVENTS,
        paginator=ConnectionPaginator(100, "app.events"),
        # App events have no id.
        key=("app.id", "type", "occurredAt", "shop.id", "chargeId"),
        time_field="occurredAt",
        variables=MappingProxyType({
            "since": "occurredAtMin", "until": "occurredAtMax", "types": "types", "app_id": "appId",
            "shop_id": "shopId",
        }),
        allowed_types=documents.APP_EVENT_TYPES,
        required_arguments=MappingProxyType({"app_id": "the API lists the events of one app, and has no list of apps"}),
        page_size=100,
        max_page_size=250,
    ),
    "events": PartnerResource(
        name="events",
        doc="The organization's historical events, with plans, balances and earnings (2026-07 and later).",
        url=f"{_DOCS}/2026-07/historical-events",
        document=documents.EVENTS,
        paginator=ConnectionPaginator(250, "events"),
        key=("id",),
        time_field="occurredAt",
        variables=MappingProxyType({
            "since": "occurredAtMin", "until": "occurredAtMax", "types": "eventTypes", "app_id": "subjectId",
            "shop_id": "shopId",
        }),
        input_object="filter",
        allowed_types=documents.EVENT_TYPES,
        id_namespace="shopify",
        required_arguments=MappingProxyType({"since": "without it the API returns the last 30 days only"}),
        shop_needs_app=True,
        first_version="2026-07",
        # The API refuses a longer range (https://shopify.dev/docs/api/partner/2026-07/historical-events).
        max_window=timedelta(days=365),
        page_size=250,
        max_page_size=250,
    ),
    **LEGACY_RESOURCES,
})  # fmt: skip
"""The lists by name."""
