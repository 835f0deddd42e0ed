"""Lists of loyalty programs: the second version of the API, and the first, which is deprecated since July 2026.

From the OpenAPI descriptions: https://github.com/voucherifyio/voucherify-openapi.
"""

from __future__ import annotations

from functools import partial

from airflow_provider_partners.api.voucherify.resources.model import filter_params, range_params, resource

_V2 = "/v2/loyalties"
_PROGRAM = f"{_V2}/programs/{{program_id}}"
_MEMBER = f"{_PROGRAM}/members/{{member_id}}"
_CARD = f"{_MEMBER}/cards/{{card_id}}"

_v2 = partial(resource, paging_style="cursor", sort_fields="created_at", has_total=False)
"""A list of the second version: cursor pages, without a total."""
_v2_filterable = partial(_v2, filters="*")

V2_RESOURCES = (
    _v2_filterable(
        "loyalty_programs",
        f"{_V2}/programs",
        "Programs.",
        sort_fields="created_at name",
        record_path=f"{_V2}/programs/{{id}}",
    ),
    _v2_filterable("loyalty_program_activities", f"{_PROGRAM}/activities", "Events of one program."),
    # Assignments to a program have no id of their own.
    _v2(
        "loyalty_program_card_definitions",
        f"{_PROGRAM}/card-definitions",
        "Card definitions assigned to one program.",
        key=("card_definition_id",),
    ),
    _v2(
        "loyalty_program_earning_rules",
        f"{_PROGRAM}/earning-rules",
        "Earning rules assigned to one program.",
        key=("earning_rule_id",),
    ),
    _v2(
        "loyalty_program_tier_structures",
        f"{_PROGRAM}/tier-structures",
        "Tiers assigned to one program.",
        key=("tier_structure_id",),
    ),
    _v2(
        "loyalty_program_rewards",
        f"{_PROGRAM}/rewards",
        "Rewards assigned to one program.",
        key=("reward_id",),
    ),
    _v2_filterable(
        "loyalty_program_members",
        f"{_PROGRAM}/members",
        "Members of one program.",
        sort_fields="created_at status customer_id",
    ),
    _v2_filterable("loyalty_program_member_activities", f"{_MEMBER}/activities", "Events of one member."),
    _v2_filterable("loyalty_program_card_activities", f"{_CARD}/activities", "Events of one card."),
    _v2(
        "loyalty_program_card_pending_points",
        f"{_CARD}/pending-points",
        "Pending points of one card.",
        sort_fields="date",
    ),
    _v2(
        "loyalty_program_card_expiring_points",
        f"{_CARD}/expiring-points",
        "Expiring points of one card.",
        sort_fields="expiration_date",
    ),
    _v2_filterable("loyalty_program_card_transactions", f"{_CARD}/transactions", "Transactions of one card."),
    _v2_filterable(
        "loyalty_program_member_reward_purchases", f"{_MEMBER}/rewards/purchases", "Rewards one member bought."
    ),
    _v2_filterable(
        "loyalty_program_member_order_payments", f"{_MEMBER}/orders/payments", "Orders one member paid with points."
    ),
    _v2_filterable(
        "loyalty_program_member_benefit_transactions",
        f"{_MEMBER}/benefits/transactions",
        "Benefits one member received.",
    ),
    _v2_filterable(
        "loyalty_program_member_tier_transactions", f"{_MEMBER}/tiers/transactions", "Changes of one member's tiers."
    ),
    _v2_filterable(
        "loyalty_program_tier_summary",
        f"{_PROGRAM}/reports/tiers/summary",
        "How many members each tier of one program has.",
        paging_style="limit_only",
        sort_fields="id",
    ),
    _v2_filterable(
        "loyalty_card_definitions",
        f"{_V2}/card-definitions",
        "Card definitions.",
        sort_fields="created_at name type status",
    ),
    _v2_filterable(
        "loyalty_card_definition_activities",
        f"{_V2}/card-definitions/{{card_definition_id}}/activities",
        "Events of one card definition.",
    ),
    _v2_filterable("loyalty_earning_rules", f"{_V2}/earning-rules", "Earning rules.", sort_fields="created_at name"),
    _v2_filterable(
        "loyalty_earning_rule_activities",
        f"{_V2}/earning-rules/{{earning_rule_id}}/activities",
        "Events of one earning rule.",
    ),
    _v2_filterable(
        "loyalty_tier_structures",
        f"{_V2}/tier-structures",
        "Tier structures.",
        sort_fields="created_at name type status",
    ),
    _v2(
        "loyalty_tier_structure_tiers",
        f"{_V2}/tier-structures/{{tier_structure_id}}/tiers",
        "Tiers of one structure.",
        sort_fields="created_at name",
    ),
    _v2_filterable(
        "loyalty_tier_structure_activities",
        f"{_V2}/tier-structures/{{tier_structure_id}}/activities",
        "Events of one tier structure.",
    ),
    _v2_filterable("loyalty_benefits", f"{_V2}/benefits", "Benefits.", sort_fields="created_at name type"),
    _v2_filterable("loyalty_benefit_activities", f"{_V2}/benefits/{{benefit_id}}/activities", "Events of one benefit."),
    _v2_filterable("loyalty_rewards", f"{_V2}/rewards", "Rewards.", sort_fields="created_at name"),
    _v2_filterable("loyalty_reward_activities", f"{_V2}/rewards/{{reward_id}}/activities", "Events of one reward."),
)
"""The second version of the API."""

_V1 = "/v1/loyalties"
_CAMPAIGN = f"{_V1}/{{campaign_id}}"
_CAMPAIGN_MEMBER = f"{_CAMPAIGN}/members/{{member_id}}"
_ANY_MEMBER = f"{_V1}/members/{{member_id}}"
_TIME_SORT_FIELDS = "created_at updated_at"

_v1 = partial(resource, deprecated=True)
_v1_by_id = partial(_v1, paging_style="starting_after_id", sort_fields="id", has_total=False)
_v1_single_page = partial(_v1, paging_style="single_shot")

V1_RESOURCES = (
    _v1(
        "loyalties_v1",
        _V1,
        "Loyalty campaigns.",
        records_path="campaigns",
        sort_fields=_TIME_SORT_FIELDS,
        parameters="expand",
        record_path=f"{_V1}/{{id}}",
    ),
    _v1(
        "loyalty_campaign_members",
        f"{_CAMPAIGN}/members",
        "Loyalty cards of one campaign.",
        records_path="vouchers",
        sort_fields=f"{_TIME_SORT_FIELDS} code",
        times={**range_params(), **range_params(time_field="updated_at")},
        parameters="customer code ids",
        record_path=f"{_CAMPAIGN}/members/{{id}}",
    ),
    _v1_by_id("loyalty_campaign_pending_points", f"{_CAMPAIGN}/pending-points", "Pending points of one campaign."),
    _v1_by_id(
        "loyalty_campaign_member_pending_points",
        f"{_CAMPAIGN_MEMBER}/pending-points",
        "Pending points of one card of a campaign.",
    ),
    _v1_by_id("loyalty_member_pending_points", f"{_ANY_MEMBER}/pending-points", "Pending points of one card."),
    _v1_by_id(
        "loyalty_campaign_member_activity",
        f"{_CAMPAIGN_MEMBER}/activity",
        "Events of one card of a campaign.",
        sort_fields="created_at",
    ),
    _v1_by_id("loyalty_member_activity", f"{_ANY_MEMBER}/activity", "Events of one card.", sort_fields="created_at"),
    _v1_by_id(
        "loyalty_campaign_transactions",
        f"{_CAMPAIGN}/transactions",
        "Transactions of one campaign.",
        filters="id:text voucher_id:text",
    ),
    _v1_by_id(
        "loyalty_campaign_member_transactions",
        f"{_CAMPAIGN_MEMBER}/transactions",
        "Transactions of one card of a campaign.",
        times=filter_params(),
        filters="created_at:date id:text",
    ),
    _v1_by_id(
        "loyalty_member_transactions",
        f"{_ANY_MEMBER}/transactions",
        "Transactions of one card.",
        times=filter_params(),
        filters="created_at:date id:text",
    ),
    _v1("loyalty_points_expiration", f"{_CAMPAIGN_MEMBER}/points-expiration", "When one card's points expire."),
    _v1(
        "loyalty_campaign_earning_rules",
        f"{_CAMPAIGN}/earning-rules",
        "Earning rules of one campaign.",
        sort_fields=_TIME_SORT_FIELDS,
        record_path=f"{_CAMPAIGN}/earning-rules/{{id}}",
    ),
    _v1_single_page(
        "loyalty_member_rewards",
        f"{_ANY_MEMBER}/rewards",
        "Rewards one card can be exchanged for.",
        key=("reward.id", "assignment.id"),
        parameters="affordable_only",
    ),
    _v1(
        "loyalty_campaign_reward_assignments",
        f"{_CAMPAIGN}/reward-assignments",
        "Assignments of rewards to one campaign.",
        parameters="assignmentId",
        record_path=f"{_CAMPAIGN}/reward-assignments/{{id}}",
    ),
    _v1(
        "loyalty_campaign_rewards",
        f"{_CAMPAIGN}/rewards",
        "Rewards of one campaign.",
        parameters="assignment_id",
    ),
    _v1(
        "loyalty_campaign_tiers",
        f"{_CAMPAIGN}/tiers",
        "Tiers of one campaign.",
        paging_style="limit_only",
        sort_fields=_TIME_SORT_FIELDS,
        record_path=f"{_CAMPAIGN}/tiers/{{id}}",
    ),
    _v1_single_page("loyalty_member_tiers", f"{_ANY_MEMBER}/tiers", "Tiers of one card."),
    _v1(
        "loyalty_tier_earning_rules",
        f"{_CAMPAIGN}/tiers/{{loyalty_tier_id}}/earning-rules",
        "Earning rules of one tier.",
    ),
    _v1_single_page(
        "loyalty_tier_rewards",
        f"{_CAMPAIGN}/tiers/{{loyalty_tier_id}}/rewards",
        "Rewards of one tier.",
        key=("reward.id", "assignment.id"),
    ),
)
"""The first version of the API."""

RESOURCES = (*V2_RESOURCES, *V1_RESOURCES)
