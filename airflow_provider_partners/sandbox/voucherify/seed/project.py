"""The project as Voucherify's management API shows it, and what its users did: exports, async actions, the trash bin.

The file of a finished export is made at its first download.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider_partners.sandbox.random_streams import hexadecimal
from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    SeedRecords,
    digit_id,
    format_timestamp_ms,
    letter_id,
)
from airflow_provider_partners.sandbox.world.shops import Shop

_PEOPLE = (("Inès", "Moreau"), ("Tomasz", "Żuk"), ("Ada", "O'Neill"))
_ASYNC_ACTIONS: Sequence[tuple[str, str, str]] = (
    ("CUSTOMERS.BULK_UPDATE", "DONE", "SUCCESS"),
    ("VOUCHERS.IMPORT_CSV", "DONE", "SUCCESS"),
    ("ORDERS.IMPORT", "DONE", "SUCCESS"),
    ("PRODUCTS.METADATA_UPDATE", "FAILED", "FAILED"),
    ("CAMPAIGN.VOUCHERS_GENERATE", "DONE", "SUCCESS"),
    ("VOUCHERS.BULK_UPDATE", "IN_PROGRESS", "UNKNOWN"),
)
_EXPORTS: Sequence[tuple[str, str, Sequence[str]]] = (
    ("redemption", "DONE", ("id", "object", "voucher_code", "customer_id", "date", "result")),
    ("order", "DONE", ("id", "source_id", "status")),
    ("voucher", "ERROR", ("code", "voucher_type", "value", "discount_type")),
    ("customer", "DONE", ("name", "source_id")),
)
_TRASH = (("voucher", "v", "OLD-CODE"), ("product", "prod", "Discontinued scarf"), ("campaign", "camp", "Test"))
_TEMPLATES = (("Welcome codes", "DISCOUNT_COUPONS"), ("Birthday", "DISCOUNT_COUPONS"), ("Gift card", "GIFT_VOUCHERS"))
_SCHEMAS: Mapping[str, Document] = {
    "order": {"channel": {"type": "string", "array": False, "optional": True}},
    "customer": {"locale": {"type": "string", "array": False, "optional": True}},
    "product": {"vendor": {"type": "string", "array": False, "optional": True}},
    "redemption": {"register": {"type": "number", "array": False, "optional": True}},
}


def add_project(seed_records: SeedRecords, shop: Shop) -> None:
    """Add the project, its users and its history."""
    people = _add_people(seed_records)
    _add_project(seed_records, shop)
    _add_actions(seed_records, people)
    _add_schemas(seed_records)
    _add_templates(seed_records)
    rng, scope = seed_records.random_stream("webhooks"), seed_records.project_id
    for index, events in enumerate((["redemption.succeeded", "redemption.rollback.succeeded"], ["voucher.published"])):
        hook = {
            "id": letter_id(rng, "wh"),
            "object": "webhook",
            "created_at": format_timestamp_ms(seed_records.days_ago(90 - index)),
            "target_url": f"https://hooks.example.com/{index}",
            "events": events,
            "active": not index,
        }
        seed_records.add("management_webhooks", hook, scope=scope)


def _add_people(seed_records: SeedRecords) -> list[Document]:
    rng = seed_records.random_stream("users")
    records = []
    for index, (first, last) in enumerate(_PEOPLE):
        body = {
            "id": letter_id(rng, "user"),
            "login": f"user{index}@example.com",
            "email": f"user{index}@example.com",
            "first_name": first,
            "last_name": last,
            "projects": {seed_records.project_id: "USER" if index else "ADMIN"},
            "is_owner": not index,
            "role": "USER" if index else "ADMIN",
        }
        at = format_timestamp_ms(seed_records.days_ago(390 - index))
        records.append(seed_records.add("management_users", body, scope=seed_records.project_id, at=at))
    return records


def _add_project(seed_records: SeedRecords, shop: Shop) -> None:
    scope, created_at = seed_records.project_id, format_timestamp_ms(seed_records.days_ago(400))
    project: Document = {
        "id": seed_records.project_id,
        "name": shop.name,
        "description": f"Coupons of {shop.domain}",
        "timezone": "Etc/UTC",
        "currency": shop.currency,
        "dial_code": None,
        "webhook_version": "v2024-01-01",
        "client_trusted_domains": [f"https://{shop.domain}"],
        **{f"client_{name}_enabled": name in {"redeem", "publish"} for name in _CLIENT_PERMISSIONS},
        "webhooks_callout_notifications": {name: _ALERT | {"in_app": True} for name in ("distributions", "webhooks")},
        "api_usage_notifications": dict.fromkeys(_USAGE, _LIMIT),
        "webhook_token": None,
        "cluster_id": "eu1",
        "case_sensitive_codes": True,
        "api_version": "v2018-08-01",
        "is_sandbox": False,
        "default_code_config": {"charset": "0123456789abcdefghijklmnopqrstuvwxyz"},
        "limits": {"api_calls": [], "bulk_api_calls": []},
    }
    seed_records.add("management_projects", project, at=created_at)
    rng = seed_records.random_stream("project")
    rules = {
        "id": digit_id(rng, "stk", seed_records.days_ago(399)),
        "exclusive_categories": [],
        "joint_categories": [record["id"] for record in seed_records.list_records("categories")],
        "redeemables_limit": 30,
        "applicable_redeemables_limit": 5,
        "applicable_redeemables_per_category_limit": None,
        "applicable_redeemables_category_limits": {},
        "applicable_exclusive_redeemables_limit": 1,
        "applicable_exclusive_redeemables_per_category_limit": None,
        "discount_calculation_mode": "INITIAL_AMOUNT",
        "initial_amount_mode_categories": [],
        "discounted_amount_mode_categories": [],
        "no_effect_skip_categories": [],
        "no_effect_redeem_anyway_categories": [],
        "redeemables_application_mode": "ALL",
        "redeemables_sorting_rule": "REQUESTED_ORDER",
        "redeemables_products_application_mode": "STACK",
        "redeemables_no_effect_rule": "REDEEM_ANYWAY",
        "redeemables_rollback_order_mode": "WITH_ORDER",
        "created_at": created_at,
        "updated_at": None,
    }
    seed_records.add("management_stacking_rules", rules, scope=scope)
    brand = {
        "id": digit_id(rng, "brd", seed_records.days_ago(399)),
        "brand": {"name": shop.name, "website_url": f"https://{shop.domain}", "permission_reminder": None},
        "address": {"street": "1 Maple Avenue", "city": "Portland", "postal": "97205", "state": "OR", "country": "US"},
        "contact": {"email": f"hello@{shop.handle.replace('_', '-')}.example.com", "phone": None},
    }
    seed_records.add("management_branding", brand, scope=scope, at=created_at)


_ALERT: Document = {"email": False, "emails": []}
_LIMIT: Document = {"enabled": False, "value": 80, "in_app": True, "emails": []}
_USAGE = ("redemptions", "messages", "api_calls", "bulk_api_calls", "webhook_calls", "cycle_calls")
_CLIENT_PERMISSIONS = (
    "redeem",
    "publish",
    "list_vouchers",
    "create_customer",
    "loyalty_events",
    "set_voucher_expiration_date",
)


def _add_actions(seed_records: SeedRecords, people: Sequence[Document]) -> None:
    rng = seed_records.random_stream("work")
    for index, (type_, status, outcome) in enumerate(_ASYNC_ACTIONS):
        at = seed_records.days_ago(60 - 9 * index)
        action = {
            "id": digit_id(rng, "aa", at),
            "type": type_,
            "status": status,
            "operation_status": outcome,
            "created_at": format_timestamp_ms(at),
            "updated_at": format_timestamp_ms(at),
            "request_id": f"v-{hexadecimal(rng, 18)}",
            "processing_time": rng.randint(100, 9000),
            "progress": 100 if status == "DONE" else 40,
            "object": "async_action",
        }
        seed_records.add("async_actions", action)
    for index, (exported, status, fields) in enumerate(_EXPORTS):
        id_ = letter_id(rng, "exp")
        address = f"https://download.voucherify.io/v1/exports/{id_}?token={hexadecimal(rng, 24)}"
        export = {
            "id": id_,
            "object": "export",
            "created_at": format_timestamp_ms(seed_records.days_ago(40 - 10 * index)),
            "status": status,
            "channel": "WEBSITE" if index else "API",
            "exported_object": exported,
            "parameters": {"order": "-created_at", "fields": list(fields)},
            "result": {"url": address} if status == "DONE" else None,
            "user_id": people[0]["id"] if index else None,
        }
        seed_records.add("exports", export)
    for index, (kind, prefix, name) in enumerate(_TRASH):
        at = seed_records.days_ago(12 - index)
        entry = {
            "id": digit_id(rng, "tbe", at),
            "created_at": format_timestamp_ms(at),
            "deleted_by_user_id": people[-1]["id"],
            "resource_id": digit_id(rng, prefix, at) if prefix == "prod" else letter_id(rng, prefix),
            "resource_type": kind,
            "resource_name": name,
            "resource_parent_id": None,
            "object": kind,
        }
        seed_records.add("trash_bin", entry)


def _add_templates(seed_records: SeedRecords) -> None:
    rng = seed_records.random_stream("templates")
    for index, (name, kind) in enumerate(_TEMPLATES):
        created = seed_records.days_ago(300 - index)
        body = {
            "id": digit_id(rng, "camp_tpl", created),
            "name": name,
            "description": f"{name}, as we make them",
            "campaign_type": kind,
            "created_at": format_timestamp_ms(created),
            "updated_at": None,
            "object": "campaign_template",
        }
        seed_records.add("campaign_templates", body)
        seed_records.add("management_campaign_templates", body, scope=seed_records.project_id)


def _add_schemas(seed_records: SeedRecords) -> None:
    rng, scope = seed_records.random_stream("schemas"), seed_records.project_id
    for index, (related, properties) in enumerate(_SCHEMAS.items()):
        body = {
            "id": letter_id(rng, "ms"),
            "related_object": related,
            "properties": {name: rule | {"objectType": None} for name, rule in properties.items()},
            "allow_defined_only": False,
            "created_at": format_timestamp_ms(seed_records.days_ago(380 - index)),
            "updated_at": None,
            "object": "metadata_schema",
        }
        seed_records.add("metadata_schemas", body)
        renamed = {name: rule | {"object_type": None} for name, rule in properties.items()}
        seed_records.add("management_metadata_schemas", body | {"properties": renamed}, scope=scope)
    event = {
        "id": letter_id(rng, "ms"),
        "name": "review_written",
        "schema": {"properties": {"stars": {"type": "number", "optional": True}}},
        "created_at": format_timestamp_ms(seed_records.days_ago(300)),
        "updated_at": None,
        "object": "custom-event-schema",
    }
    seed_records.add("management_custom_event_schemas", event, scope=scope)
