"""Voucherify's lists of campaigns, codes and promotions, and of what became of them, as a table.

From the published OpenAPI description (version v2018-08-01). Must not know how anything is sent.
"""

from __future__ import annotations

from airflow_provider_partners.api.voucherify.resources.model import date_params, filter_params, range_params, resource

TIME_SORT_FIELDS = "created_at updated_at"

TRANSACTION_FILTERS = "id:text voucher_id:text"
HOLDER_FILTERS = "id:text created_at:date holder_role:choice customer_id:text"
CAMPAIGN_FILTERS = (
    "campaigns:text campaigns_id:text campaign_status:choice status:state active:any is_referral_code:flag "
    "validity_timeframe:date voucher_type:choice categories:text category_ids:text type:in created_date:date "
    "updated_at:date start_date:date expiration_date:date validity_day_of_week:is"
)
PUBLICATION_FILTERS = (
    "failure_code:text result:text customer_id:text campaign_name:text voucher_type:text is_referral_code:text "
    "parent_object_id:text related_object_id:text source_id:text"
)
REDEMPTION_FILTERS = (
    "voucher_code:text related_object_id:text related_object_parent_id:text parent_redemption_id:text "
    "failure_code:text result:text object:text customer_id:text campaign_name:text user_login:text"
)

ROWS = (
    resource(
        "redemptions",
        "/v1/redemptions",
        "Redemptions and their rollbacks, by time.",
        cap=99,
        results="redemptions",
        orders="created_at id voucher_code tracking_id customer_id",
        time_field="created_at",
        times=range_params("date"),  # a redemption has no created_at, although the filter is called so
        parameters="result campaign customer",
        filters=REDEMPTION_FILTERS,
        one="/v1/redemptions/{id}",
        exported_object="redemption",
    ),
    resource(
        "voucher_redemptions",
        "/v1/vouchers/{code}/redemption",
        "Redemptions of one voucher.",
        style="single_shot",
        results="redemption_entries",
    ),
    resource(
        "vouchers",
        "/v1/vouchers",
        "Vouchers, by time of creation or change.",
        cap=99,
        results="vouchers",
        orders=f"{TIME_SORT_FIELDS} code",
        time_field="created_at",
        times={**range_params(), **range_params(time_field="updated_at")},
        parameters="category campaign_id customer campaign code ids",
        filters="*",
        one="/v1/vouchers/{id}",
        exported_object="voucher",
    ),
    resource(
        "voucher_transactions",
        "/v1/vouchers/{code}/transactions",
        "Transactions of one gift or loyalty card.",
        style="starting_after_id",
        orders="id",
        counted=False,
    ),
    resource(
        "campaigns",
        "/v1/campaigns",
        "Campaigns.",
        results="campaigns",
        orders=TIME_SORT_FIELDS,
        times={
            **filter_params(filter_field="created_date", sort="created_at"),
            **filter_params("updated_at", sort="updated_at"),
        },
        parameters="campaign_type expand campaign_status is_referral_code access_settings",
        filters=CAMPAIGN_FILTERS,
        one="/v1/campaigns/{id}",
    ),
    resource(
        "campaign_transactions",
        "/v1/campaigns/{campaign_id}/transactions",
        "Transactions of a campaign's gift or loyalty cards.",
        style="starting_after_id",
        orders="id",
        filters=TRANSACTION_FILTERS,
        counted=False,
    ),
    resource(
        "campaign_templates",
        "/v1/templates/campaigns",
        "Templates of campaigns.",
        style="starting_after_id",
        orders="id",
        parameters="include_total",
        filters="id:text name:text campaign_type:choice",
        one="/v1/templates/campaigns/{id}",
    ),
    resource(
        "promotion_tiers",
        "/v1/promotions/tiers",
        "Promotion tiers of all campaigns.",
        results="tiers",
        orders=TIME_SORT_FIELDS,
        parameters="is_available",
        one="/v1/promotions/tiers/{id}",
    ),
    resource(
        "campaign_promotion_tiers",
        "/v1/promotions/{campaign_id}/tiers",
        "Promotion tiers of one campaign.",
        style="single_shot",
        results="tiers",
    ),
    resource(
        "promotion_stacks",
        "/v1/promotions/stacks",
        "Promotion stacks of all campaigns.",
        orders=f"{TIME_SORT_FIELDS} name",
        times={**range_params(), **range_params(time_field="updated_at")},
    ),
    resource(
        "campaign_promotion_stacks",
        "/v1/promotions/{campaign_id}/stacks",
        "Promotion stacks of one campaign.",
        style="single_shot",
        one="/v1/promotions/{campaign_id}/stacks/{id}",
    ),
    resource(
        "publications",
        "/v1/publications",
        "Publications of codes; no time filter.",
        results="publications",
        orders="id voucher_code tracking_id customer_id created_at channel",
        sort="created_at",
        parameters="campaign customer voucher result voucher_type is_referral_code source_id",
        filters=PUBLICATION_FILTERS,
        exported_object="publication",
    ),
    resource(
        "referral_campaign_member_holders",
        "/v1/referrals/{campaign_id}/members/{member_id}/holders",
        "Holders of one referral code of a campaign.",
        style="starting_after_id",
        orders="id",
        times=filter_params(),
        filters=HOLDER_FILTERS,
    ),
    resource(
        "referral_member_holders",
        "/v1/referrals/members/{member_id}/holders",
        "Holders of one referral code.",
        style="starting_after_id",
        orders="id",
        times=filter_params(),
        filters=HOLDER_FILTERS,
    ),
    resource("rewards", "/v1/rewards", "Rewards.", parameters="assignment_id", one="/v1/rewards/{id}"),
    resource(
        "reward_assignments",
        "/v1/rewards/{reward_id}/assignments",
        "Assignments of one reward.",
        one="/v1/rewards/{reward_id}/assignments/{id}",
    ),
    resource(
        "validation_rules",
        "/v1/validation-rules",
        "Validation rules.",
        orders=f"{TIME_SORT_FIELDS} name",
        times=date_params(),
        one="/v1/validation-rules/{id}",
    ),
    resource(
        "validation_rules_assignments",
        "/v1/validation-rules-assignments",
        "Assignments of all validation rules.",
        parameters="related_object_id rule",
    ),
    resource(
        "validation_rule_assignments",
        "/v1/validation-rules/{validation_rule_id}/assignments",
        "Assignments of one validation rule.",
        orders="created_at",
    ),
)
