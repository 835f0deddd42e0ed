"""The lists of Voucherify's client-side and management APIs as a table; each needs a connection of its own kind.

From the published OpenAPI description (version v2018-08-01). Must not know how anything is sent.
"""

from __future__ import annotations

from functools import partial

from airflow_provider_partners.api.voucherify.resources.model import resource

_PROJECT = "/management/v1/projects/{project_id}"

_managed = partial(resource, family="management", style="single_shot")

ROWS = (
    resource(
        "client_promotion_tiers",
        "/client/v1/promotions/tiers",
        "Promotion tiers, as the client-side API gives them.",
        family="client",
        results="tiers",
        orders="created_at updated_at",
        parameters="is_available",
    ),
    _managed(
        "management_projects",
        "/management/v1/projects",
        "Projects of the organization.",
        one="/management/v1/projects/{id}",
    ),
    _managed("management_users", f"{_PROJECT}/users", "Users of one project.", one=f"{_PROJECT}/users/{{id}}"),
    _managed(
        "management_campaign_templates",
        f"{_PROJECT}/templates/campaigns",
        "Templates of campaigns of one project.",
        style="starting_after_id",
        orders="id",
        parameters="include_total",
        filters="id:text name:text campaign_type:choice",
    ),
    _managed(
        "management_stacking_rules",
        f"{_PROJECT}/stacking-rules",
        "Stacking rules of one project.",
        one=f"{_PROJECT}/stacking-rules/{{id}}",
    ),
    _managed(
        "management_metadata_schemas",
        f"{_PROJECT}/metadata-schemas",
        "Schemas of metadata of one project.",
        one=f"{_PROJECT}/metadata-schemas/{{id}}",
    ),
    _managed(
        "management_custom_event_schemas",
        f"{_PROJECT}/custom-event-schemas",
        "Schemas of custom events of one project.",
        one=f"{_PROJECT}/custom-event-schemas/{{id}}",
    ),
    _managed(
        "management_webhooks",
        f"{_PROJECT}/webhooks",
        "Webhooks of one project.",
        one=f"{_PROJECT}/webhooks/{{id}}",
    ),
    _managed(
        "management_branding", f"{_PROJECT}/branding", "Brands of one project.", one=f"{_PROJECT}/branding/{{id}}"
    ),
)
