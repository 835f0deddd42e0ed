"""Daily: every Voucherify list to files, and what lies one level below the short ones.

Lists that can be asked by time are read for the run's interval, the others whole; the param ``whole`` reads all of them
whole. A list that is longer than its pages reach is read in parts, or by an export where it has no time to part it by.
Each list is a mapped task of its own: one that the project's plan or the key's role doesn't allow fails alone, and the
summary names it. Leave such lists out by the param ``leave_out``.

Below a list means one request or more per row of it, such as the transactions of each voucher; such lists are read when
the param ``below`` names them. Needs the connection ``voucherify_default``.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_partners import windows
from airflow_provider_partners.api.voucherify.client import RESOURCES
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator
from airflow_provider_partners.pipelines.order_sync import TIME_SCHEMA
from airflow_provider_partners.retry_policy import default_args
from airflow_provider_partners.task_errors import PartnerTaskError, translate_errors

log = logging.getLogger(__name__)

LISTS = [name for name, row in RESOURCES.items() if row.family == "server" and not row.parents]

BELOW = {
    "campaign_promotion_stacks": ("promotion_stacks", "campaign.id"),
    "campaign_promotion_tiers": ("promotion_tiers", "campaign.id"),
    "campaign_transactions": ("campaigns", "id"),
    "customer_activities": ("customers", "id"),
    "customer_activity": ("customers", "id"),
    "customer_redeemables": ("customers", "id"),
    "customer_segments": ("customers", "id"),
    "loyalty_benefit_activities": ("loyalty_benefits", "id"),
    "loyalty_campaign_earning_rules": ("loyalties_v1", "id"),
    "loyalty_campaign_members": ("loyalties_v1", "id"),
    "loyalty_campaign_pending_points": ("loyalties_v1", "id"),
    "loyalty_campaign_reward_assignments": ("loyalties_v1", "id"),
    "loyalty_campaign_rewards": ("loyalties_v1", "id"),
    "loyalty_campaign_tiers": ("loyalties_v1", "id"),
    "loyalty_campaign_transactions": ("loyalties_v1", "id"),
    "loyalty_card_definition_activities": ("loyalty_card_definitions", "id"),
    "loyalty_earning_rule_activities": ("loyalty_earning_rules", "id"),
    "loyalty_program_activities": ("loyalty_programs", "id"),
    "loyalty_program_card_definitions": ("loyalty_programs", "id"),
    "loyalty_program_earning_rules": ("loyalty_programs", "id"),
    "loyalty_program_members": ("loyalty_programs", "id"),
    "loyalty_program_rewards": ("loyalty_programs", "id"),
    "loyalty_program_tier_structures": ("loyalty_programs", "id"),
    "loyalty_program_tier_summary": ("loyalty_programs", "id"),
    "loyalty_reward_activities": ("loyalty_rewards", "id"),
    "loyalty_tier_structure_activities": ("loyalty_tier_structures", "id"),
    "loyalty_tier_structure_tiers": ("loyalty_tier_structures", "id"),
    "product_collection_products": ("product_collections", "id"),
    "product_skus": ("products", "id"),
    "reward_assignments": ("rewards", "id"),
    "validation_rule_assignments": ("validation_rules", "id"),
    "voucher_redemptions": ("vouchers", "code"),
    "voucher_transactions": ("vouchers", "code"),
}
"""Lists below others, each with the list and the field that hold the ids it is asked by. Those two levels down need an
id of each level: they are for a Dag of one's own."""

SHORT = ["product_skus", "product_collection_products", "reward_assignments", "validation_rule_assignments"]
"""Those below lists that are short in any project."""

BEGINNING = "2014-01-01T00:00:00Z"
"""Before Voucherify: where a whole list begins that is asked by time."""


@task
def choose_lists() -> list[dict[str, Any]]:
    """Which lists are read, and which stretch of time of those that have one."""
    context: Any = get_current_context()
    asked = context["params"]
    with translate_errors(context):
        window = windows.resolve(since=asked["since"], until=asked["until"], context=context)
        wanted = [name for name in asked["lists"] or LISTS if name not in (asked["leave_out"] or [])]
        if unknown := sorted(set(wanted) - set(LISTS)):
            message = f"The param 'lists' names {', '.join(unknown)}"
            raise ConfigurationError(message, remedy=f"Known: {', '.join(LISTS)}; others go into 'below'.")
    times = {**window.to_dict(), **({"since": BEGINNING} if asked["whole"] else {})}
    log.info("%d lists, those with a time %s", len(wanted), times)
    return [{"resource": name, **(times if RESOURCES[name].time_field else {})} for name in wanted]


@task(trigger_rule="all_done")
def choose_below(read: Any) -> list[dict[str, Any]]:
    """Which lists below them are read, for the ids that were just read."""
    context: Any = get_current_context()
    references = {reference["resource"]: reference for reference in read or [] if reference}
    chosen = []
    with translate_errors(context):
        for name in context["params"]["below"] or []:
            if name not in BELOW:
                message = f"The param 'below' names {name}"
                raise ConfigurationError(message, remedy=f"Known: {', '.join(BELOW)}.")
            above, field = BELOW[name]
            if above in references:
                (parent,) = RESOURCES[name].parents
                match = {parent: {"dataset": references[above], "field": field}}
                chosen.append({"resource": name, "match": match})
            else:
                log.warning("%s is left out, since %s was not read", name, above)
    return chosen


@task(multiple_outputs=False, trigger_rule="all_done", retries=0)
def summarize(wanted: Any, read: Any, below: Any, read_below: Any) -> dict[str, int]:
    """How many records of each list; fails where a list failed."""
    references = [reference for reference in [*(read or []), *(read_below or [])] if reference]
    counts = {reference["resource"]: reference["records"] for reference in references}
    for name, count in counts.items():
        log.info("%8d  %s", count, name)
    failed = [entry["resource"] for entry in [*(wanted or []), *(below or [])] if entry["resource"] not in counts]
    if failed:
        message = f"{len(failed)} lists failed: {', '.join(failed)}. See their logs, or leave them out by 'leave_out'."
        raise PartnerTaskError(message)
    return counts


with DAG(
    dag_id="voucherify_extract",
    schedule=CronTriggerTimetable("15 2 * * *", timezone="UTC", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=default_args(retries=2, retry_delay=timedelta(minutes=5)),
    params={
        "since": Param(None, description="First moment of creation, instead of the interval's start", **TIME_SCHEMA),
        "until": Param(None, description="First moment not asked for; needs 'since'", **TIME_SCHEMA),
        "whole": Param(False, description="Read lists that have a time from their beginning", type="boolean"),
        "lists": Param(None, description="Lists to read; all by default", type=["null", "array"]),
        "leave_out": Param([], description="Lists not to read", type=["null", "array"]),
        "below": Param(SHORT, description="Lists below others to read", type=["null", "array"]),
    },
    tags=["partners", "voucherify"],
    doc_md=__doc__,
) as dag:
    label = "{{ task.resource }}"
    wanted = choose_lists()
    read = VoucherifyExtractOperator.partial(task_id="lists", map_index_template=label).expand_kwargs(wanted)
    below = choose_below(read.output)
    read_below = VoucherifyExtractOperator.partial(task_id="lists_below", map_index_template=label).expand_kwargs(below)
    summarize(wanted, read.output, below, read_below.output)
