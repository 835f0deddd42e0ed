"""Lists of campaigns, vouchers, promotions, redemptions, publications and validation rules.

From the OpenAPI description, version v2018-08-01 (https://github.com/voucherifyio/voucherify-openapi), and the page
https://docs.voucherify.io/api-reference/listing.
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

RESOURCES = (
    resource(
        "redemptions",
        "/v1/redemptions",
        "Redemptions and their rollbacks, by time.",
        max_page_number=99,
        records_path="redemptions",
        sort_fields="created_at id voucher_code tracking_id customer_id",
        time_field="created_at",
        times=range_params("date"),  # the filter is named created_at, the field is date
        parameters="result campaign customer",
        page_parameters="campaign_name voucher_code related_object_id related_object_parent_id",
        filters=REDEMPTION_FILTERS,
        record_path="/v1/redemptions/{id}",
        exported_object="redemption",
    ),
    resource(
        "voucher_redemptions",
        "/v1/vouchers/{code}/redemption",
        "Redemptions of one voucher.",
        paging_style="single_shot",
        records_path="redemption_entries",
    ),
    resource(
        "vouchers",
        "/v1/vouchers",
        "Vouchers, by time of creation or change.",
        max_page_number=99,
        records_path="vouchers",
        sort_fields=f"{TIME_SORT_FIELDS} code",
        time_field="created_at",
        times={**range_params(), **range_params(time_field="updated_at")},
        parameters="category campaign_id customer campaign code ids",
        filters="*",
        record_path="/v1/vouchers/{id}",
        exported_object="voucher",
    ),
    resource(
        "voucher_transactions",
        "/v1/vouchers/{code}/transactions",
        "Transactions of one gift or loyalty card.",
        paging_style="starting_after_id",
        sort_fields="id",
        has_total=False,
    ),
    resource(
        "campaigns",
        "/v1/campaigns",
        "Campaigns.",
        records_path="campaigns",
        sort_fields=TIME_SORT_FIELDS,
        times={
            **filter_params(filter_field="created_date", sort="created_at"),
            **filter_params("updated_at", sort="updated_at"),
        },
        parameters="campaign_type expand campaign_status is_referral_code access_settings",
        filters=CAMPAIGN_FILTERS,
        page_filters="metadata.*:any",
        record_path="/v1/campaigns/{id}",
    ),
    resource(
        "campaign_transactions",
        "/v1/campaigns/{campaign_id}/transactions",
        "Transactions of a campaign's gift or loyalty cards.",
        paging_style="starting_after_id",
        sort_fields="id",
        filters=TRANSACTION_FILTERS,
        has_total=False,
    ),
    resource(
        "campaign_templates",
        "/v1/templates/campaigns",
        "Templates of campaigns.",
        paging_style="starting_after_id",
        sort_fields="id",
        parameters="include_total",
        filters="id:text name:text campaign_type:choice",
        record_path="/v1/templates/campaigns/{id}",
    ),
    resource(
        "promotion_tiers",
        "/v1/promotions/tiers",
        "Promotion tiers of all campaigns.",
        records_path="tiers",
        sort_fields=TIME_SORT_FIELDS,
        parameters="is_available",
        record_path="/v1/promotions/tiers/{id}",
    ),
    resource(
        "campaign_promotion_tiers",
        "/v1/promotions/{campaign_id}/tiers",
        "Promotion tiers of one campaign.",
        paging_style="single_shot",
        records_path="tiers",
    ),
    resource(
        "promotion_stacks",
        "/v1/promotions/stacks",
        "Promotion stacks of all campaigns.",
        sort_fields=f"{TIME_SORT_FIELDS} name",
        times={**range_params(), **range_params(time_field="updated_at")},
        page_filters="created_at:date updated_at:date",
    ),
    resource(
        "campaign_promotion_stacks",
        "/v1/promotions/{campaign_id}/stacks",
        "Promotion stacks of one campaign.",
        paging_style="single_shot",
        record_path="/v1/promotions/{campaign_id}/stacks/{id}",
    ),
    resource(
        "publications",
        "/v1/publications",
        "Publications of codes.",
        records_path="publications",
        sort_fields="id voucher_code tracking_id customer_id created_at channel",
        sort="created_at",
        parameters="campaign customer voucher result voucher_type is_referral_code source_id",
        page_parameters="campaign_name customer_id voucher_code parent_object_id related_object_id",
        filters=PUBLICATION_FILTERS,
        exported_object="publication",
    ),
    resource(
        "referral_campaign_member_holders",
        "/v1/referrals/{campaign_id}/members/{member_id}/holders",
        "Holders of one referral code of a campaign.",
        paging_style="starting_after_id",
        sort_fields="id",
        times=filter_params(),
        filters=HOLDER_FILTERS,
    ),
    resource(
        "referral_member_holders",
        "/v1/referrals/members/{member_id}/holders",
        "Holders of one referral code.",
        paging_style="starting_after_id",
        sort_fields="id",
        times=filter_params(),
        filters=HOLDER_FILTERS,
    ),
    resource("rewards", "/v1/rewards", "Rewards.", parameters="assignment_id", record_path="/v1/rewards/{id}"),
    resource(
        "reward_assignments",
        "/v1/rewards/{reward_id}/assignments",
        "Assignments of one reward.",
        record_path="/v1/rewards/{reward_id}/assignments/{id}",
    ),
    resource(
        "validation_rules",
        "/v1/validation-rules",
        "Validation rules.",
        sort_fields=f"{TIME_SORT_FIELDS} name",
        times=date_params(),
        record_path="/v1/validation-rules/{id}",
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
        sort_fields="created_at",
    ),
)
