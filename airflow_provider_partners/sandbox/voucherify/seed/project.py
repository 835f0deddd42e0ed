"""The project behind a shop's coupons as Voucherify's management API shows it, and what its people did lately: exports,
imports that ran in the background, things thrown away.

Exports that are done have a file only once the server made one. Knows nothing of coupons.
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
    "redemption": {"till": {"type": "number", "array": False, "optional": True}},
}


def add_project(ledger: SeedRecords, shop: Shop) -> None:
    """The project and its diary."""
    people = _add_people(ledger)
    _add_project(ledger, shop)
    _add_work(ledger, people)
    _add_schemas(ledger)
    _add_templates(ledger)
    chance, scope = ledger.random_stream("webhooks"), ledger.project_id
    for place, events in enumerate((["redemption.succeeded", "redemption.rollback.succeeded"], ["voucher.published"])):
        hook = {
            "id": letter_id(chance, "wh"),
            "object": "webhook",
            "created_at": format_timestamp_ms(ledger.days_ago(90 - place)),
            "target_url": f"https://hooks.example.com/{place}",
            "events": events,
            "active": not place,
        }
        ledger.add("management_webhooks", hook, scope=scope)


def _add_people(ledger: SeedRecords) -> list[Document]:
    chance = ledger.random_stream("users")
    rows = []
    for place, (first, last) in enumerate(_PEOPLE):
        body = {
            "id": letter_id(chance, "user"),
            "login": f"user{place}@example.com",
            "email": f"user{place}@example.com",
            "first_name": first,
            "last_name": last,
            "projects": {ledger.project_id: "USER" if place else "ADMIN"},
            "is_owner": not place,
            "role": "USER" if place else "ADMIN",
        }
        at = format_timestamp_ms(ledger.days_ago(390 - place))
        rows.append(ledger.add("management_users", body, scope=ledger.project_id, at=at))
    return rows


def _add_project(ledger: SeedRecords, shop: Shop) -> None:
    scope, made = ledger.project_id, format_timestamp_ms(ledger.days_ago(400))
    project: Document = {
        "id": ledger.project_id,
        "name": shop.name,
        "description": f"Coupons of {shop.domain}",
        "timezone": "Etc/UTC",
        "currency": shop.currency,
        "dial_code": None,
        "webhook_version": "v2024-01-01",
        "client_trusted_domains": [f"https://{shop.domain}"],
        **{f"client_{what}_enabled": what in {"redeem", "publish"} for what in _CLIENT_PERMISSIONS},
        "webhooks_callout_notifications": {what: _ALERT | {"in_app": True} for what in ("distributions", "webhooks")},
        "api_usage_notifications": dict.fromkeys(_USAGE, _LIMIT),
        "webhook_token": None,
        "cluster_id": "eu1",
        "case_sensitive_codes": True,
        "api_version": "v2018-08-01",
        "is_sandbox": False,
        "default_code_config": {"charset": "0123456789abcdefghijklmnopqrstuvwxyz"},
        "limits": {"api_calls": [], "bulk_api_calls": []},
    }
    ledger.add("management_projects", project, at=made)
    chance = ledger.random_stream("project")
    rules = {
        "id": digit_id(chance, "stk", ledger.days_ago(399)),
        "exclusive_categories": [],
        "joint_categories": [row["id"] for row in ledger.list_records("categories")],
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
        "created_at": made,
        "updated_at": None,
    }
    ledger.add("management_stacking_rules", rules, scope=scope)
    brand = {
        "id": digit_id(chance, "brd", ledger.days_ago(399)),
        "brand": {"name": shop.name, "website_url": f"https://{shop.domain}", "permission_reminder": None},
        "address": {"street": "1 Maple Avenue", "city": "Portland", "postal": "97205", "state": "OR", "country": "US"},
        "contact": {"email": f"hello@{shop.handle.replace('_', '-')}.example.com", "phone": None},
    }
    ledger.add("management_branding", brand, scope=scope, at=made)


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


def _add_work(ledger: SeedRecords, people: Sequence[Document]) -> None:
    chance = ledger.random_stream("work")
    for place, (type_, status, outcome) in enumerate(_ASYNC_ACTIONS):
        at = ledger.days_ago(60 - 9 * place)
        action = {
            "id": digit_id(chance, "aa", at),
            "type": type_,
            "status": status,
            "operation_status": outcome,
            "created_at": format_timestamp_ms(at),
            "updated_at": format_timestamp_ms(at),
            "request_id": f"v-{hexadecimal(chance, 18)}",
            "processing_time": chance.randint(100, 9000),
            "progress": 100 if status == "DONE" else 40,
            "object": "async_action",
        }
        ledger.add("async_actions", action)
    for place, (exported, status, fields) in enumerate(_EXPORTS):
        id_ = letter_id(chance, "exp")
        address = f"https://download.voucherify.io/v1/exports/{id_}?token={hexadecimal(chance, 24)}"
        export = {
            "id": id_,
            "object": "export",
            "created_at": format_timestamp_ms(ledger.days_ago(40 - 10 * place)),
            "status": status,
            "channel": "WEBSITE" if place else "API",
            "exported_object": exported,
            "parameters": {"order": "-created_at", "fields": list(fields)},
            "result": {"url": address} if status == "DONE" else None,
            "user_id": people[0]["id"] if place else None,
        }
        ledger.add("exports", export)
    for place, (kind, prefix, name) in enumerate(_TRASH):
        at = ledger.days_ago(12 - place)
        entry = {
            "id": digit_id(chance, "tbe", at),
            "created_at": format_timestamp_ms(at),
            "deleted_by_user_id": people[-1]["id"],
            "resource_id": digit_id(chance, prefix, at) if prefix == "prod" else letter_id(chance, prefix),
            "resource_type": kind,
            "resource_name": name,
            "resource_parent_id": None,
            "object": kind,
        }
        ledger.add("trash_bin", entry)


def _add_templates(ledger: SeedRecords) -> None:
    chance = ledger.random_stream("templates")
    for place, (name, kind) in enumerate(_TEMPLATES):
        made = ledger.days_ago(300 - place)
        body = {
            "id": digit_id(chance, "camp_tpl", made),
            "name": name,
            "description": f"{name}, as we make them",
            "campaign_type": kind,
            "created_at": format_timestamp_ms(made),
            "updated_at": None,
            "object": "campaign_template",
        }
        ledger.add("campaign_templates", body)
        ledger.add("management_campaign_templates", body, scope=ledger.project_id)


def _add_schemas(ledger: SeedRecords) -> None:
    chance, scope = ledger.random_stream("schemas"), ledger.project_id
    for place, (related, properties) in enumerate(_SCHEMAS.items()):
        body = {
            "id": letter_id(chance, "ms"),
            "related_object": related,
            "properties": {name: rule | {"objectType": None} for name, rule in properties.items()},
            "allow_defined_only": False,
            "created_at": format_timestamp_ms(ledger.days_ago(380 - place)),
            "updated_at": None,
            "object": "metadata_schema",
        }
        ledger.add("metadata_schemas", body)
        renamed = {name: rule | {"object_type": None} for name, rule in properties.items()}
        ledger.add("management_metadata_schemas", body | {"properties": renamed}, scope=scope)
    event = {
        "id": letter_id(chance, "ms"),
        "name": "review_written",
        "schema": {"properties": {"stars": {"type": "number", "optional": True}}},
        "created_at": format_timestamp_ms(ledger.days_ago(300)),
        "updated_at": None,
        "object": "custom-event-schema",
    }
    ledger.add("management_custom_event_schemas", event, scope=scope)
