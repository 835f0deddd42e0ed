"""Where a record of Voucherify has the fields that filters, parameters and sort orders name.

A filter's name often differs from the record's: redemptions are filtered by ``campaign_name``, and a redemption has
that name in its voucher.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_partners.sandbox.store import Document

# Paths by kind and field; the first path with a value counts. A field that is not here has its own name as its path.
_PATHS: dict[str, dict[str, tuple[str, ...]]] = {
    "redemptions": {
        "created_at": ("date",),
        "voucher_code": ("voucher.code",),
        "campaign_name": ("voucher.campaign", "promotion_tier.campaign.name"),
        "related_object_parent_id": ("voucher.campaign_id", "promotion_tier.campaign_id", "promotion_tier.campaign.id"),
        "parent_redemption_id": ("redemption",),
        "campaign": ("voucher.campaign", "promotion_tier.campaign.name"),
        "user_login": ("channel.user_login",),
        "customer": ("customer_id", "customer.id"),
    },
    "publications": {
        "campaign": ("voucher.campaign",),
        "voucher": ("voucher.code", "vouchers"),
        "voucher_code": ("voucher.code", "vouchers"),
        "campaign_name": ("voucher.campaign",),
        "voucher_type": ("voucher.type",),
        "is_referral_code": ("voucher.is_referral_code",),
        "parent_object_id": ("voucher.campaign_id",),
        "related_object_id": ("voucher.id", "vouchers_id"),
        "customer": ("customer_id", "customer.id"),
    },
    "campaigns": {
        "campaigns": ("name",),
        "campaigns_id": ("id",),
        "campaign_status": ("creation_status",),
        "status": ("creation_status",),
        "voucher_type": ("voucher.type",),
        "categories": ("categories.name", "category"),
        "category_ids": ("categories.id", "category_id"),
        "type": ("campaign_type",),
        "created_date": ("created_at",),
    },
    "vouchers": {
        "customer": ("holder_id",),
        "category": ("category", "category_id", "categories.name", "categories.id"),
    },
    "customers": {"city": ("address.city",)},
    "customer_activity": {
        "campaign_id": ("data.campaign.id", "data.redemption.voucher.campaign_id", "data.voucher.campaign_id"),
        "campaign_type": ("data.campaign.campaign_type", "data.campaign.type"),
    },
    "customer_activities": {
        "campaign_id": ("data.campaign.id", "data.voucher.campaign_id"),
        "campaign_type": ("data.campaign.campaign_type", "data.campaign.type"),
        "product_id": ("data.product.id", "data.order.items.product_id"),
    },
    "validation_rules_assignments": {"rule": ("rule_id",)},
    "loyalty_campaign_members": {"customer": ("holder_id",)},
    "rewards": {"assignment_id": ("assignment_id", "assignments.id")},
    "loyalty_campaign_rewards": {"assignment_id": ("id",)},
    "loyalty_campaign_reward_assignments": {"assignmentId": ("id",)},
}
#: Fields with a filter, where the documentation lists them; other kinds accept any field. ``metadata.…`` always works.
FILTERS: Mapping[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "redemptions": "voucher_code related_object_id related_object_parent_id parent_redemption_id failure_code "
        "result object customer_id campaign_name user_login",
        "publications": "failure_code result customer_id campaign_name voucher_type is_referral_code "
        "parent_object_id related_object_id source_id",
        "campaigns": "campaigns campaigns_id campaign_status status active is_referral_code validity_timeframe "
        "voucher_type categories category_ids type created_date updated_at start_date expiration_date "
        "validity_day_of_week",
        "trash_bin": "id resource_type resource_name resource_id",
        "campaign_transactions": "id voucher_id",
        "customer_redeemables": "id created_at redeemable_id redeemable_object holder_role campaign_id campaign_type "
        "voucher_type",
        "locations": "name created_at updated_at",
        "loyalty_campaign_transactions": "id voucher_id",
        "loyalty_campaign_member_transactions": "created_at id",
        "loyalty_member_transactions": "created_at id",
        "campaign_templates": "id name campaign_type",
        "management_campaign_templates": "id name campaign_type",
        "referral_campaign_member_holders": "id created_at holder_role customer_id",
        "referral_member_holders": "id created_at holder_role customer_id",
        "qualifications": "category_id campaign_id campaign_type resource_id resource_type voucher_type code "
        "holder_role",
    }.items()
}


def field_values(record: Document, kind: str, name: str) -> list[Any]:
    """Return a record's values of a field without nulls: several if the path leads through a list."""
    if kind == "campaigns" and name == "is_referral_code":
        return [record.get("campaign_type") == "REFERRAL_PROGRAM"]
    for path in _PATHS.get(kind, {}).get(name, (name,)):
        values = [value for value in _values_at(record, path.split(".")) if value is not None]
        if values:
            return values
    return []


def first_value(record: Document, kind: str, name: str) -> Any:
    """Return the first value of a field, or ``None``."""
    values = field_values(record, kind, name)
    return values[0] if values else None


def _values_at(value: Any, steps: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _values_at(each, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict):
        # A key of the metadata may contain dots.
        dotted_key = ".".join(steps)
        if dotted_key in value:
            yield from _values_at(value[dotted_key], ())
        elif steps[0] in value:
            yield from _values_at(value[steps[0]], steps[1:])


def as_text(value: Any) -> str:
    """Return a value as a query string has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
