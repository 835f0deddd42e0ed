"""Daily: every Voucherify list to datasets, and the lists nested below the short ones.

Lists with a time filter are read for the run's interval, the others completely; the param ``whole`` reads all of them
completely. A run without a logical date reads the last 24 hours, unless it has ``since``. A list with more pages than
Voucherify serves is read in parts, or by an export if it has no time filter. Each list is a mapped task of its own. A
list that the project's plan or the key's role does not allow fails alone, and the summary names it. Exclude such lists
with the param ``leave_out``.

A nested list, such as the transactions of each voucher, costs at least one request per record of its parent list. It is
read if the param ``below`` names it. The Dag needs the connection ``voucherify_default``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_partners import windows
from airflow_provider_partners.api.voucherify.resources import RESOURCES
from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator
from airflow_provider_partners.pipelines._dag import (
    TIME_SCHEMA,
    create_dag,
    dag_factory,
    reject_unknown_params,
    require_results,
)
from airflow_provider_partners.pipelines.step_errors import describe_failures
from airflow_provider_partners.task_errors import PartnerTaskError, translate_errors

__all__ = ["voucherify_extract_dag"]

log = logging.getLogger(__name__)

DAILY = CronTriggerTimetable("15 2 * * *", timezone="UTC", interval=timedelta(days=1))

LISTS = [name for name, resource in RESOURCES.items() if resource.family == "server" and not resource.parents]

NESTED_LISTS: Mapping[str, tuple[str, str]] = {
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
"""Each nested list with its parent list, and the field of the parent's records that holds their ids.

Lists that are two levels down need an id of each level: extract them in your own Dag.
"""

SHORT_NESTED_LISTS = [
    "product_skus",
    "product_collection_products",
    "reward_assignments",
    "validation_rule_assignments",
]
"""Nested lists that are short in every project."""

_NAMES_SCHEMA: Mapping[str, Any] = {"type": ["null", "array"], "items": {"type": "string"}}

FIRST_TIME = "2014-01-01T00:00:00Z"
"""Before Voucherify existed: the start of a complete read of a list with a time filter."""


@dag_factory
def voucherify_extract_dag(
    *,
    dag_id: str = "voucherify_extract",
    schedule: Any = DAILY,
    voucherify_conn_id: str = VoucherifyHook.default_conn_name,
    **dag_args: Any,
) -> DAG:
    """Return the Dag that extracts Voucherify's lists.

    :param schedule: a timetable that gives each run an interval; see ``DAILY``
    :param voucherify_conn_id: the project's connection
    :param dag_args: further arguments of :class:`~airflow.sdk.DAG`
    """
    with create_dag(
        dag_id,
        schedule=schedule,
        params={
            "since": Param(None, description="Start of the creation time, instead of the interval's", **TIME_SCHEMA),
            "until": Param(None, description="End of the creation time; needs 'since'", **TIME_SCHEMA),
            "whole": Param(False, description="Read lists with a time filter completely", type="boolean"),
            "lists": Param(None, description="Lists to read; by default all", **_NAMES_SCHEMA),
            "leave_out": Param([], description="Lists not to read", **_NAMES_SCHEMA),
            "below": Param(SHORT_NESTED_LISTS, description="Nested lists to read", **_NAMES_SCHEMA),
        },
        tags=["partners", "voucherify"],
        doc_md=__doc__,
        dag_args=dag_args,
        retry_delay=timedelta(minutes=5),
    ) as dag:
        common = {"map_index_template": "{{ task.resource }}", "voucherify_conn_id": voucherify_conn_id}
        lists = choose_lists()
        read = VoucherifyExtractOperator.partial(task_id="lists", **common).expand_kwargs(lists)
        nested = choose_below(lists, read.output)
        read_nested = VoucherifyExtractOperator.partial(task_id="lists_below", **common).expand_kwargs(nested)
        summarize(lists, read.output, nested, read_nested.output)
    return dag


@task
def choose_lists() -> list[dict[str, Any]]:
    """Return the lists that the run reads, those with a time filter with their window."""
    context: Any = get_current_context()
    params, now = context["params"], datetime.now(UTC).replace(microsecond=0)
    with translate_errors(context):
        reject_unknown_params(context)
        window = windows.resolve(
            since=params["since"],
            until=params["until"],
            context=context,
            initial_since=now - timedelta(days=1),
            now=now,
        )
        lists = _chosen_lists(params)
    times = {**window.to_dict(), **({"since": FIRST_TIME} if params["whole"] else {})}
    log.info("%d lists, those with a time filter %s", len(lists), times)
    return [{"resource": name, **(times if RESOURCES[name].time_field else {})} for name in lists]


@task(trigger_rule="all_done")
def choose_below(lists: Any, read: Any) -> list[dict[str, Any]]:
    """Return the nested lists that the run reads, with the ids of the parents that were read.

    :param lists: the result of :func:`choose_lists`
    :param read: references of the datasets of the parent lists
    """
    context: Any = get_current_context()
    references = {reference["resource"]: reference for reference in read or [] if reference}
    chosen = []
    with translate_errors(context):
        require_results({"choose_lists": lists}, context)
        for name in _without_excluded(context["params"], "below", []):
            parent_list, id_field = NESTED_LISTS[name]
            if parent_list in references:
                (parent,) = RESOURCES[name].parents
                match = {parent: {"dataset": references[parent_list], "field": id_field}}
                chosen.append({"resource": name, "match": match})
            else:
                log.warning("%s is skipped, because %s was not read", name, parent_list)
    return chosen


@task(multiple_outputs=False, trigger_rule="all_done", retries=0)
def summarize(lists: Any, read: Any, nested: Any, read_nested: Any) -> dict[str, int]:
    """Return the number of records of each list; fail if a list failed."""
    context: Any = get_current_context()
    with translate_errors(context):
        require_results({"choose_lists": lists, "choose_below": nested}, context)
    references = [reference for reference in [*(read or []), *(read_nested or [])] if reference]
    counts = {reference["resource"]: reference["records"] for reference in references}
    for name, count in counts.items():
        log.info("%8d  %s", count, name)
    failed = [
        (entry["resource"], step, index)
        for step, entries in (("lists", lists), ("lists_below", nested))
        for index, entry in enumerate(entries)
        if entry["resource"] not in counts
    ]
    if failed:
        log.error("%d lists failed:\n%s", len(failed), describe_failures(context, failed))
        names = ", ".join(name for name, _, _ in failed)
        message = f"{len(failed)} lists failed: {names}. See their logs, or exclude them with 'leave_out'."
        raise PartnerTaskError(message)
    return counts


def _chosen_lists(params: Mapping[str, Any]) -> list[str]:
    """Return the lists that are not nested. Refuse unknown names in all params before anything is read."""
    known_names = {
        "lists": (LISTS, "; others go into 'below'"),
        "below": (NESTED_LISTS, ""),
        "leave_out": ([*LISTS, *NESTED_LISTS], ""),
    }
    for param, (known, note) in known_names.items():
        if unknown := sorted(set(params[param] or []) - set(known)):
            message = f"The param '{param}' names {', '.join(unknown)}{suggest(unknown[0], known)}"
            raise ConfigurationError(message, remedy=f"Known: {', '.join(known)}{note}.")
    lists = _without_excluded(params, "lists", LISTS)
    if not lists:
        message = "The param 'leave_out' excludes every list that the run would read"
        raise ConfigurationError(message, remedy="Remove a list from 'leave_out', or add one to 'lists'.")
    return lists


def _without_excluded(params: Mapping[str, Any], param: str, default: list[str]) -> list[str]:
    """Return the names in a param, each once, without those in ``leave_out``."""
    return [name for name in dict.fromkeys(params[param] or default) if name not in (params["leave_out"] or [])]
