"""Single objects of Voucherify's API: which are read one at a time, by what names, and where their rows are.

Written from the vendor's OpenAPI file, and for the second loyalty API from its pattern: a list's path and an id. It
must not know how a request came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.lists.paths import placeholders
from airflow_provider_partners.sandbox.voucherify.records import Records
from airflow_provider_partners.sandbox.voucherify.errors import not_found


@dataclass(frozen=True, kw_only=True)
class Single:
    """One kind of object that is read by its id: the last placeholder of its path.

    :param named: by what it may be asked for besides its id
    :param anywhere: its kind is listed below parents that its own path doesn't name
    :param through: the field with the id of the object that is answered instead
    """

    path: str
    kind: str
    type: str
    named: tuple[str, ...] = ()
    anywhere: bool = False
    through: str | None = None


def _one(
    path: str,
    kind: str,
    type_: str,
    *named: str,
    anywhere: bool = False,
    through: str | None = None,
) -> Single:
    return Single(path=path, kind=kind, type=type_, named=named, anywhere=anywhere, through=through)


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
    _one("/v1/skus/{skuId}", "product_skus", "sku", "source_id", anywhere=True),
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
    _one("/v1/loyalties/members/{memberId}", "loyalty_campaign_members", "voucher", "code", anywhere=True),
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


def read_one(records: Records, single: Single, given: Mapping[str, str]) -> Document:
    """The object that a path names.

    :param given: values of the path's placeholders
    :raises Refused: 404 if it isn't there
    """
    *above, own = placeholders(single.path)
    id_ = given[own]
    if single.anywhere:
        rows = records.across_parents(single.kind)
        found = next((row for row in rows if any(row.get(name) == id_ for name in ("id", *single.named))), None)
    else:
        scope = "/".join(given[name] for name in above)
        found = records.find(single.kind, scope, id_, single.named)
    if found is not None and single.through is not None:
        found = records.find("rewards", "", str(found[single.through]))
    if found is None:
        raise not_found(id_, single.type)
    return found
