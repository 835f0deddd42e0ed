"""Voucherify's lists of campaigns, codes and promotions, and of what became of them, as a table.

From the published OpenAPI description (version v2018-08-01). Must not know how anything is sent.
"""

from __future__ import annotations

from airflow_provider_partners.api.voucherify_rows import between, dated, filtered, listed

CREATED = "created_at updated_at"

TRANSACTIONS = "id:text voucher_id:text"
HOLDERS = "id:text created_at:date holder_role:choice customer_id:text"
CAMPAIGNS = (
    "campaigns:text campaigns_id:text campaign_status:choice status:state active:any is_referral_code:flag "
    "validity_timeframe:date voucher_type:choice categories:text category_ids:text type:in created_date:date "
    "updated_at:date start_date:date expiration_date:date validity_day_of_week:is"
)
PUBLICATIONS = (
    "failure_code:text result:text customer_id:text campaign_name:text voucher_type:text is_referral_code:text "
    "parent_object_id:text related_object_id:text source_id:text"
)
REDEMPTIONS = (
    "voucher_code:text related_object_id:text related_object_parent_id:text parent_redemption_id:text "
    "failure_code:text result:text object:text customer_id:text campaign_name:text user_login:text"
)

ROWS = (
    listed(
        "redemptions",
        "/v1/redemptions",
        "Redemptions and their rollbacks, by time.",
        cap=99,
        results="redemptions",
        orders="created_at id voucher_code tracking_id customer_id",
        time_field="created_at",
        times=between("date"),  # a redemption has no created_at, although the filter is called so
        parameters="result campaign customer",
        filters=REDEMPTIONS,
        one="/v1/redemptions/{id}",
        exported_object="redemption",
    ),
    listed(
        "voucher_redemptions",
        "/v1/vouchers/{code}/redemption",
        "Redemptions of one voucher.",
        style="single_shot",
        results="redemption_entries",
    ),
    listed(
        "vouchers",
        "/v1/vouchers",
        "Vouchers, by time of creation or change.",
        cap=99,
        results="vouchers",
        orders=f"{CREATED} code",
        time_field="created_at",
        times={**between(), **between(name="updated_at")},
        parameters="category campaign_id customer campaign code ids",
        filters="*",
        one="/v1/vouchers/{id}",
        exported_object="voucher",
    ),
    listed(
        "voucher_transactions",
        "/v1/vouchers/{code}/transactions",
        "Transactions of one gift or loyalty card.",
        style="starting_after_id",
        orders="id",
        counted=False,
    ),
    listed(
        "campaigns",
        "/v1/campaigns",
        "Campaigns.",
        results="campaigns",
        orders=CREATED,
        times={**filtered(field="created_date", order="created_at"), **filtered("updated_at", order="updated_at")},
        parameters="campaign_type expand campaign_status is_referral_code access_settings",
        filters=CAMPAIGNS,
        one="/v1/campaigns/{id}",
    ),
    listed(
        "campaign_transactions",
        "/v1/campaigns/{campaign_id}/transactions",
        "Transactions of a campaign's gift or loyalty cards.",
        style="starting_after_id",
        orders="id",
        filters=TRANSACTIONS,
        counted=False,
    ),
    listed(
        "campaign_templates",
        "/v1/templates/campaigns",
        "Templates of campaigns.",
        style="starting_after_id",
        orders="id",
        parameters="include_total",
        filters="id:text name:text campaign_type:choice",
        one="/v1/templates/campaigns/{id}",
    ),
    listed(
        "promotion_tiers",
        "/v1/promotions/tiers",
        "Promotion tiers of all campaigns.",
        results="tiers",
        orders=CREATED,
        parameters="is_available",
        one="/v1/promotions/tiers/{id}",
    ),
    listed(
        "campaign_promotion_tiers",
        "/v1/promotions/{campaign_id}/tiers",
        "Promotion tiers of one campaign.",
        style="single_shot",
        results="tiers",
    ),
    listed(
        "promotion_stacks",
        "/v1/promotions/stacks",
        "Promotion stacks of all campaigns.",
        orders=f"{CREATED} name",
        times={**between(), **between(name="updated_at")},
    ),
    listed(
        "campaign_promotion_stacks",
        "/v1/promotions/{campaign_id}/stacks",
        "Promotion stacks of one campaign.",
        style="single_shot",
        one="/v1/promotions/{campaign_id}/stacks/{id}",
    ),
    listed(
        "publications",
        "/v1/publications",
        "Publications of codes; no time filter.",
        results="publications",
        orders="id voucher_code tracking_id customer_id created_at channel",
        sort="created_at",
        parameters="campaign customer voucher result voucher_type is_referral_code source_id",
        filters=PUBLICATIONS,
        exported_object="publication",
    ),
    listed(
        "referral_campaign_member_holders",
        "/v1/referrals/{campaign_id}/members/{member_id}/holders",
        "Holders of one referral code of a campaign.",
        style="starting_after_id",
        orders="id",
        times=filtered(),
        filters=HOLDERS,
    ),
    listed(
        "referral_member_holders",
        "/v1/referrals/members/{member_id}/holders",
        "Holders of one referral code.",
        style="starting_after_id",
        orders="id",
        times=filtered(),
        filters=HOLDERS,
    ),
    listed("rewards", "/v1/rewards", "Rewards.", parameters="assignment_id", one="/v1/rewards/{id}"),
    listed(
        "reward_assignments",
        "/v1/rewards/{reward_id}/assignments",
        "Assignments of one reward.",
        one="/v1/rewards/{reward_id}/assignments/{id}",
    ),
    listed(
        "validation_rules",
        "/v1/validation-rules",
        "Validation rules.",
        orders=f"{CREATED} name",
        times=dated(),
        one="/v1/validation-rules/{id}",
    ),
    listed(
        "validation_rules_assignments",
        "/v1/validation-rules-assignments",
        "Assignments of all validation rules.",
        parameters="related_object_id rule",
    ),
    listed(
        "validation_rule_assignments",
        "/v1/validation-rules/{validation_rule_id}/assignments",
        "Assignments of one validation rule.",
        orders="created_at",
    ),
)
