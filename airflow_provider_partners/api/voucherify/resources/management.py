"""Lists of Voucherify's client-side and management APIs; each API needs a connection with its own kind of key.

From the OpenAPI description, version v2018-08-01: https://github.com/voucherifyio/voucherify-openapi.
"""

from __future__ import annotations

from functools import partial

from airflow_provider_partners.api.voucherify.resources.model import resource

_PROJECT = "/management/v1/projects/{project_id}"

_management = partial(resource, family="management", paging_style="single_shot")

RESOURCES = (
    resource(
        "client_promotion_tiers",
        "/client/v1/promotions/tiers",
        "Promotion tiers, as the client-side API returns them.",
        family="client",
        records_path="tiers",
        sort_fields="created_at updated_at",
        parameters="is_available",
    ),
    _management(
        "management_projects",
        "/management/v1/projects",
        "Projects of the organization.",
        record_path="/management/v1/projects/{id}",
    ),
    _management(
        "management_users", f"{_PROJECT}/users", "Users of one project.", record_path=f"{_PROJECT}/users/{{id}}"
    ),
    _management(
        "management_campaign_templates",
        f"{_PROJECT}/templates/campaigns",
        "Templates of campaigns of one project.",
        paging_style="starting_after_id",
        sort_fields="id",
        parameters="include_total",
        filters="id:text name:text campaign_type:choice",
    ),
    _management(
        "management_stacking_rules",
        f"{_PROJECT}/stacking-rules",
        "Stacking rules of one project.",
        record_path=f"{_PROJECT}/stacking-rules/{{id}}",
    ),
    _management(
        "management_metadata_schemas",
        f"{_PROJECT}/metadata-schemas",
        "Schemas of metadata of one project.",
        record_path=f"{_PROJECT}/metadata-schemas/{{id}}",
    ),
    _management(
        "management_custom_event_schemas",
        f"{_PROJECT}/custom-event-schemas",
        "Schemas of custom events of one project.",
        record_path=f"{_PROJECT}/custom-event-schemas/{{id}}",
    ),
    _management(
        "management_webhooks",
        f"{_PROJECT}/webhooks",
        "Webhooks of one project.",
        record_path=f"{_PROJECT}/webhooks/{{id}}",
    ),
    _management(
        "management_branding",
        f"{_PROJECT}/branding",
        "Brands of one project.",
        record_path=f"{_PROJECT}/branding/{{id}}",
    ),
)
