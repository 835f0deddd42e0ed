"""The GraphQL documents of the clients are valid by Shopify's own schemas, in every variant and supported version.

Those of the Admin API's lists have a module of their own, ``test_admin_lists``.
"""

from __future__ import annotations

import httpx
import pytest
from shopify_schemas import ADMIN_VERSIONS, errors, schema

from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.shopify.graphql import is_at_least
from airflow_provider_partners.api.shopify_admin import documents as admin
from airflow_provider_partners.api.shopify_admin.bulk.operations import FIRST_LISTING_VERSION
from airflow_provider_partners.api.shopify_partner import documents as partner
from airflow_provider_partners.api.shopify_partner import legacy
from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient
from airflow_provider_partners.exceptions import ConfigurationError

PARTNER_VERSIONS = ("2025-07", "2026-07", "unstable")

PARTNER_DOCUMENTS = {
    "transactions": partner.TRANSACTIONS,
    "app_events": partner.APP_EVENTS,
    "versions": partner.VERSIONS,
}

ADMIN_DOCUMENTS = {
    "shop": admin.SHOP,
    "bulk, run": admin.BULK_RUN,
    "bulk, cancel": admin.BULK_CANCEL,
    "bulk, by id": admin.BULK_BY_ID,
    "bulk, current": admin.BULK_CURRENT,
}


@pytest.mark.parametrize("version", PARTNER_VERSIONS)
@pytest.mark.parametrize("document", PARTNER_DOCUMENTS)
def test_the_partner_api_accepts(document: str, version: str) -> None:
    assert errors(f"shopify_partner_{version}", PARTNER_DOCUMENTS[document]) == []


@pytest.mark.parametrize("version", ADMIN_VERSIONS)
@pytest.mark.parametrize("document", ADMIN_DOCUMENTS)
def test_the_admin_api_accepts(document: str, version: str) -> None:
    assert errors(f"shopify_admin_{version}", ADMIN_DOCUMENTS[document]) == []


def test_only_newer_versions_list_bulk_operations() -> None:
    assert errors("shopify_admin_2026-07", admin.BULK_RECENT) == []
    assert errors("shopify_admin_2025-10", admin.BULK_RECENT)
    assert (is_at_least("2026-07", FIRST_LISTING_VERSION), is_at_least("2025-10", FIRST_LISTING_VERSION)) == (
        True,
        False,
    )


LEGACY = "shopify_partner_legacy_jobs"


@pytest.mark.parametrize(
    "document",
    [*PARTNER_DOCUMENTS.values(), legacy.JOBS, legacy.CONVERSATIONS, legacy.MESSAGES],
    ids=[*PARTNER_DOCUMENTS, "jobs", "conversations", "messages"],
)
def test_the_old_partner_api_accepts(document: str) -> None:
    assert errors(LEGACY, document) == []


@pytest.mark.parametrize("document", [legacy.JOBS, legacy.CONVERSATIONS, legacy.MESSAGES])
def test_later_versions_have_no_jobs(document: str) -> None:
    assert errors("shopify_partner_2025-07", document)


@pytest.mark.parametrize(
    ("enum", "ours"), [("JobStatus", legacy.JOB_STATUSES), ("ConversationStatus", legacy.CONVERSATION_STATUSES)]
)
def test_the_statuses_of_the_old_lists_are_those_of_the_schema(enum: str, ours: frozenset[str]) -> None:
    assert set(schema(LEGACY).type_map[enum].values) == ours


@pytest.mark.parametrize(
    ("kind", "document", "separate_lists"),
    [
        ("Job", legacy.JOBS, set()),
        ("Conversation", legacy.CONVERSATIONS, {"messages"}),
        ("Message", legacy.MESSAGES, set()),
    ],
)
def test_jobs_conversations_and_messages_are_requested_with_all_their_fields(
    kind: str, document: str, separate_lists: set[str]
) -> None:
    requested = set(document.replace("{", " ").replace("}", " ").split())
    assert set(schema(LEGACY).type_map[kind].fields) - requested == separate_lists


def test_historical_events_are_accepted_from_2026_07_on() -> None:
    assert errors("shopify_partner_2026-07", partner.EVENTS) == []
    assert errors("shopify_partner_unstable", partner.EVENTS) == []


@pytest.mark.covers("shopify.events.version")
def test_historical_events_are_refused_before_sending_if_the_version_lacks_them() -> None:
    assert errors("shopify_partner_2025-07", partner.EVENTS)
    sent: list[httpx.Request] = []
    client = ShopifyPartnerClient(
        organization_id=1,
        access_token="prtapi_x",
        api_version="2025-07",
        options=ClientOptions(handler=httpx.MockTransport(sent.append)),
    )
    with pytest.raises(ConfigurationError, match="'events' exists since API version 2026-07, but 2025-07"):
        client.extract("events")
    assert not sent


@pytest.mark.covers("shopify.transactions.fields")
@pytest.mark.parametrize("version", PARTNER_VERSIONS)
def test_every_type_of_transaction_is_requested_with_all_its_own_fields(version: str) -> None:
    graphql_schema = schema(f"shopify_partner_{version}")
    missing = {}
    for kind in graphql_schema.get_possible_types(graphql_schema.type_map["Transaction"]):
        requested = partner.TRANSACTION_FIELDS[kind.name].split()
        # Only the unstable version has these fees. They are not requested, so one document fits all versions.
        known = set(kind.fields) - {"id", "createdAt", "processingFee", "regulatoryOperatingFee", "taxType"}
        if not_requested := {name for name in known if name not in requested}:
            missing[kind.name] = not_requested
    assert missing == {}


@pytest.mark.parametrize("version", PARTNER_VERSIONS)
@pytest.mark.parametrize(
    ("enum", "ours"),
    [
        pytest.param(
            "TransactionType",
            partner.TRANSACTION_TYPES,
            marks=pytest.mark.covers("shopify.transactions.type_names"),
        ),
        pytest.param(
            "AppEventTypes", partner.APP_EVENT_TYPES, marks=pytest.mark.covers("shopify.app_events.type_names")
        ),
    ],
)
def test_the_allowed_types_are_those_of_the_schema(enum: str, ours: frozenset[str], version: str) -> None:
    assert set(schema(f"shopify_partner_{version}").type_map[enum].values) == ours


@pytest.mark.covers("shopify.events.eventTypes.names")
def test_the_historical_event_types_are_those_of_the_schema() -> None:
    assert set(schema("shopify_partner_2026-07").type_map["EventType"].values) == partner.EVENT_TYPES


@pytest.mark.covers("shopify.events.fields")
def test_every_type_of_historical_event_is_requested_with_all_its_own_fields() -> None:
    graphql_schema = schema("shopify_partner_2026-07")
    base = set(graphql_schema.type_map["PartnerEvent"].fields)
    for kind in graphql_schema.get_possible_types(graphql_schema.type_map["PartnerEvent"]):
        requested = partner.EVENT_FIELDS[kind.name].split()
        assert {name for name in set(kind.fields) - base if name not in requested} == set(), kind.name


@pytest.mark.covers("shopify.limit.query_length")
@pytest.mark.parametrize("document", [*PARTNER_DOCUMENTS.values(), partner.EVENTS])
def test_partner_documents_are_shorter_than_the_api_allows(document: str) -> None:
    assert len(document) < 50_000
