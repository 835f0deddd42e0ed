"""Single objects of Voucherify's API: the path, the identifiers and the kind of each one.

Source: the vendor's OpenAPI file (https://github.com/voucherifyio/voucherify-openapi). For the second loyalty API,
which that file does not have, a path is a list's path and an id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.errors import not_found
from airflow_provider_partners.sandbox.voucherify.lists.paths import placeholders
from airflow_provider_partners.sandbox.voucherify.records import Records


@dataclass(frozen=True, kw_only=True)
class Single:
    """A kind of object that is read by its id, the last placeholder of its path.

    :param also_by: fields that identify it, besides the id
    :param any_parent: its list has parents that its own path does not name
    :param through: the field with the id of the object to return instead
    """

    path: str
    kind: str
    type: str
    also_by: tuple[str, ...] = ()
    any_parent: bool = False
    through: str | None = None


def _one(
    path: str,
    kind: str,
    type_: str,
    *also_by: str,
    any_parent: bool = False,
    through: str | None = None,
) -> Single:
    return Single(path=path, kind=kind, type=type_, also_by=also_by, any_parent=any_parent, through=through)


_LOYALTIES = "/v1/loyalties/{campaignId}"
_PROJECT = "/management/v1/projects/{projectId}"
SINGLES: tuple[Single, ...] = (
    _one("/v1/orders/{orderId}", "orders", "order", "source_id"),
    _one("/v1/customers/{customerId}", "customers", "customer", "source_id"),
    _one("/v1/vouchers/{code}", "vouchers", "voucher", "code"),
    _one("/v1/redemptions/{redemptionId}", "redemptions", "redemption"),
    _one("/v1/campaigns/{campaignId}", "campaigns", "campaign", "name"),
    _one("/v1/promotions/tiers/{promotionTierId}", "promotion_tiers", "promotion_tier"),
    _one("/v1/promotions/{campaignId}/stacks/{stackId}", "campaign_promotion_stacks", "promotion_stack"),
    _one("/v1/rewards/{rewardId}", "rewards", "reward"),
    _one("/v1/rewards/{rewardId}/assignments/{assignmentId}", "reward_assignments", "reward_assignment"),
    _one("/v1/products/{productId}", "products", "product", "source_id"),
    _one("/v1/skus/{skuId}", "product_skus", "sku", "source_id", any_parent=True),
    _one("/v1/product-collections/{productCollectionId}", "product_collections", "products_collection"),
    _one("/v1/validation-rules/{validationRuleId}", "validation_rules", "validation_rules"),
    _one("/v1/segments/{segmentId}", "segments", "segment"),
    _one("/v1/async-actions/{asyncActionId}", "async_actions", "async_action"),
    _one("/v1/categories/{categoryId}", "categories", "category"),
    _one("/v1/metadata-schemas/{resource}", "metadata_schemas", "metadata_schema", "related_object"),
    _one("/v1/locations/{locationId}", "locations", "location"),
    _one("/v1/templates/campaigns/{campaignTemplateId}", "campaign_templates", "campaign_template"),
    _one(_LOYALTIES, "loyalties_v1", "campaign", "name"),
    _one(f"{_LOYALTIES}/members/{{memberId}}", "loyalty_campaign_members", "voucher", "code"),
    _one("/v1/loyalties/members/{memberId}", "loyalty_campaign_members", "voucher", "code", any_parent=True),
    _one(f"{_LOYALTIES}/earning-rules/{{earningRuleId}}", "loyalty_campaign_earning_rules", "earning_rule"),
    _one(
        f"{_LOYALTIES}/reward-assignments/{{assignmentId}}", "loyalty_campaign_reward_assignments", "reward_assignment"
    ),
    _one(
        f"{_LOYALTIES}/reward-assignments/{{assignmentId}}/reward",
        "loyalty_campaign_reward_assignments",
        "reward_assignment",
        through="reward_id",
    ),
    _one(f"{_LOYALTIES}/rewards/{{assignmentId}}", "loyalty_campaign_rewards", "reward_assignment"),
    _one(f"{_LOYALTIES}/tiers/{{loyaltyTierId}}", "loyalty_campaign_tiers", "loyalty_tier"),
    _one("/v2/loyalties/programs/{programId}", "loyalty_programs", "loyalty_program"),
    _one("/v2/loyalties/programs/{programId}/members/{memberId}", "loyalty_program_members", "loyalty_member"),
    _one("/v2/loyalties/card-definitions/{cardDefinitionId}", "loyalty_card_definitions", "loyalty_card_definition"),
    _one("/v2/loyalties/earning-rules/{earningRuleId}", "loyalty_earning_rules", "loyalty_earning_rule"),
    _one("/v2/loyalties/tier-structures/{tierStructureId}", "loyalty_tier_structures", "loyalty_tier_structure"),
    _one("/v2/loyalties/benefits/{benefitId}", "loyalty_benefits", "loyalty_benefit"),
    _one("/v2/loyalties/rewards/{rewardId}", "loyalty_rewards", "loyalty_reward"),
    _one(_PROJECT, "management_projects", "project"),
    _one(f"{_PROJECT}/users/{{userId}}", "management_users", "user"),
    _one(f"{_PROJECT}/stacking-rules/{{stackingRulesId}}", "management_stacking_rules", "stacking_rules"),
    _one(f"{_PROJECT}/metadata-schemas/{{metadataSchemaId}}", "management_metadata_schemas", "metadata_schema"),
    _one(f"{_PROJECT}/custom-event-schemas/{{schemaId}}", "management_custom_event_schemas", "custom_event_schema"),
    _one(f"{_PROJECT}/webhooks/{{webhookId}}", "management_webhooks", "webhook"),
    _one(f"{_PROJECT}/branding/{{brandingId}}", "management_branding", "branding"),
)


def read_one(records: Records, single: Single, path_values: Mapping[str, str]) -> Document:
    """Return the object that a path names.

    :param path_values: values of the path's placeholders
    :raises ApiError: 404 without such an object
    """
    *parents, own = placeholders(single.path)
    id_ = path_values[own]
    if single.any_parent:
        fields = ("id", *single.also_by)
        candidates = records.across_parents(single.kind)
        record = next((each for each in candidates if any(each.get(name) == id_ for name in fields)), None)
    else:
        scope = "/".join(path_values[name] for name in parents)
        record = records.find(single.kind, scope, id_, single.also_by)
    if record is not None and single.through is not None:
        record = records.find("rewards", "", str(record[single.through]))
    if record is None:
        raise not_found(id_, single.type)
    return record
