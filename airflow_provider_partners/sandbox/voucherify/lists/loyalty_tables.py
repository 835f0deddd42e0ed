"""The lists of Voucherify's loyalty programs: the first API, which is deprecated, and the second one with cursors.

Source: the vendor's OpenAPI files, https://github.com/voucherifyio/voucherify-openapi.
"""

from __future__ import annotations

from airflow_provider_partners.sandbox.voucherify.lists.paths import (
    TIMES,
    Listing,
    by_cursor,
    by_ids,
    by_page,
    limit_only,
    single_shot,
)

_V1 = (
    by_page("/v1/loyalties", "loyalties_v1", key="campaigns", order=TIMES, total="optional", also=("expand",)),
    by_page(
        "/v1/loyalties/{campaignId}/members",
        "loyalty_campaign_members",
        key="vouchers",
        order=("created_at", "updated_at", "code"),
        total="optional",
        also=("customer", "created_at", "updated_at", "code", "ids"),
    ),
    by_ids("/v1/loyalties/{campaignId}/pending-points", "loyalty_campaign_pending_points"),
    by_ids("/v1/loyalties/{campaignId}/members/{memberId}/pending-points", "loyalty_campaign_member_pending_points"),
    by_ids("/v1/loyalties/members/{memberId}/pending-points", "loyalty_member_pending_points"),
    by_ids(
        "/v1/loyalties/{campaignId}/members/{memberId}/activity",
        "loyalty_campaign_member_activity",
        order=("created_at",),
    ),
    by_ids("/v1/loyalties/members/{memberId}/activity", "loyalty_member_activity", order=("created_at",)),
    by_ids("/v1/loyalties/{campaignId}/transactions", "loyalty_campaign_transactions", also=("filters",)),
    by_ids(
        "/v1/loyalties/{campaignId}/members/{memberId}/transactions",
        "loyalty_campaign_member_transactions",
        also=("filters",),
    ),
    by_ids("/v1/loyalties/members/{memberId}/transactions", "loyalty_member_transactions", also=("filters",)),
    by_page("/v1/loyalties/{campaignId}/members/{memberId}/points-expiration", "loyalty_points_expiration"),
    by_page(
        "/v1/loyalties/{campaignId}/earning-rules", "loyalty_campaign_earning_rules", order=TIMES, total="optional"
    ),
    single_shot("/v1/loyalties/members/{memberId}/rewards", "loyalty_member_rewards", also=("affordable_only",)),
    by_page(
        "/v1/loyalties/{campaignId}/reward-assignments",
        "loyalty_campaign_reward_assignments",
        total="optional",
        also=("assignmentId",),
    ),
    by_page(
        "/v1/loyalties/{campaignId}/rewards", "loyalty_campaign_rewards", total="optional", also=("assignment_id",)
    ),
    limit_only("/v1/loyalties/{campaignId}/tiers", "loyalty_campaign_tiers", order=TIMES),
    single_shot("/v1/loyalties/members/{memberId}/tiers", "loyalty_member_tiers"),
    by_page("/v1/loyalties/{campaignId}/tiers/{loyaltyTierId}/earning-rules", "loyalty_tier_earning_rules"),
    single_shot("/v1/loyalties/{campaignId}/tiers/{loyaltyTierId}/rewards", "loyalty_tier_rewards"),
)
_V2 = (
    by_cursor("/v2/loyalties/programs", "loyalty_programs", order=("created_at", "name")),
    by_cursor("/v2/loyalties/programs/{programId}/activities", "loyalty_program_activities"),
    by_cursor("/v2/loyalties/programs/{programId}/card-definitions", "loyalty_program_card_definitions", also=()),
    by_cursor("/v2/loyalties/programs/{programId}/earning-rules", "loyalty_program_earning_rules", also=()),
    by_cursor("/v2/loyalties/programs/{programId}/tier-structures", "loyalty_program_tier_structures", also=()),
    by_cursor("/v2/loyalties/programs/{programId}/rewards", "loyalty_program_rewards", also=()),
    by_cursor(
        "/v2/loyalties/programs/{programId}/members",
        "loyalty_program_members",
        order=("created_at", "status", "customer_id"),
    ),
    by_cursor("/v2/loyalties/programs/{programId}/members/{memberId}/activities", "loyalty_program_member_activities"),
    by_cursor(
        "/v2/loyalties/programs/{programId}/members/{memberId}/cards/{cardId}/activities",
        "loyalty_program_card_activities",
    ),
    by_cursor(
        "/v2/loyalties/programs/{programId}/members/{memberId}/cards/{cardId}/pending-points",
        "loyalty_program_card_pending_points",
        order=("date",),
        also=(),
    ),
    by_cursor(
        "/v2/loyalties/programs/{programId}/members/{memberId}/cards/{cardId}/expiring-points",
        "loyalty_program_card_expiring_points",
        order=("expiration_date",),
        also=(),
    ),
    by_cursor(
        "/v2/loyalties/programs/{programId}/members/{memberId}/cards/{cardId}/transactions",
        "loyalty_program_card_transactions",
    ),
    by_cursor(
        "/v2/loyalties/programs/{programId}/members/{memberId}/rewards/purchases",
        "loyalty_program_member_reward_purchases",
    ),
    by_cursor(
        "/v2/loyalties/programs/{programId}/members/{memberId}/orders/payments", "loyalty_program_member_order_payments"
    ),
    by_cursor(
        "/v2/loyalties/programs/{programId}/members/{memberId}/benefits/transactions",
        "loyalty_program_member_benefit_transactions",
    ),
    by_cursor(
        "/v2/loyalties/programs/{programId}/members/{memberId}/tiers/transactions",
        "loyalty_program_member_tier_transactions",
    ),
    limit_only(
        "/v2/loyalties/programs/{programId}/reports/tiers/summary",
        "loyalty_program_tier_summary",
        order=("id",),
        total="absent",
        also=("filters",),
        data_ref=None,
    ),
    by_cursor(
        "/v2/loyalties/card-definitions", "loyalty_card_definitions", order=("name", "type", "status", "created_at")
    ),
    by_cursor("/v2/loyalties/card-definitions/{cardDefinitionId}/activities", "loyalty_card_definition_activities"),
    by_cursor("/v2/loyalties/earning-rules", "loyalty_earning_rules", order=("created_at", "name")),
    by_cursor("/v2/loyalties/earning-rules/{earningRuleId}/activities", "loyalty_earning_rule_activities"),
    by_cursor(
        "/v2/loyalties/tier-structures", "loyalty_tier_structures", order=("created_at", "name", "type", "status")
    ),
    by_cursor(
        "/v2/loyalties/tier-structures/{tierStructureId}/tiers",
        "loyalty_tier_structure_tiers",
        order=("created_at", "name"),
        also=(),
    ),
    by_cursor("/v2/loyalties/tier-structures/{tierStructureId}/activities", "loyalty_tier_structure_activities"),
    by_cursor("/v2/loyalties/benefits", "loyalty_benefits", order=("created_at", "name", "type")),
    by_cursor("/v2/loyalties/benefits/{benefitId}/activities", "loyalty_benefit_activities"),
    by_cursor("/v2/loyalties/rewards", "loyalty_rewards", order=("created_at", "name")),
    by_cursor("/v2/loyalties/rewards/{rewardId}/activities", "loyalty_reward_activities"),
)
LOYALTY: tuple[Listing, ...] = (*_V1, *_V2)
