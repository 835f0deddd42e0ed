"""Daily: the partner's transactions and the events of its app, with a dataset per day that a later run replaces.

A day's dataset is in ``{destination}/transactions/day=2026-11-01/`` or ``{destination}/app_events/day=…/``. Its
``manifest.json`` lists the files that count. ``{destination}/days.json`` lists all days, with the time of the last read
and the day's sums. The destination is the param of that name, or else the Variable ``partner_finance_uri``; its value
``none`` is the folder ``finance`` of ``[partners] staging_uri``.

A record may appear late or be restated; Shopify documents neither. So each run reads its own day and the
``lookback_days`` before it, and the first run of a month the ``resync_days`` before it. It also reads days of that
range that were never read, so that a paused schedule leaves no gap. A day's dataset is replaced, so nothing counts
twice, and ``summarize`` lists the days with changed records. With ``since`` and ``until``, a run reads only the days
of that window. A run without a logical date reads today and yesterday as its own days.

The Dag needs the connection ``shopify_partner_default`` and the Variable ``partner_app_id``: the app whose events are
read, ``gid://partners/App/…``, or ``none``. Shopify states that its transactions are for analytics, not for accounting.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, AssetAlias, Param, get_current_context, task
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_partners import settings, windows
from airflow_provider_partners.assets import create_shopify_partner_asset
from airflow_provider_partners.failures import first_of
from airflow_provider_partners.hooks.lookups import get_variable
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.operators.shopify_partner import NO_APP, ShopifyPartnerExtractOperator
from airflow_provider_partners.pipelines import finance_days
from airflow_provider_partners.pipelines._dag import (
    APP_ID_TEMPLATE,
    TIME_SCHEMA,
    create_dag,
    dag_factory,
    read_app_id,
    reject_unknown_params,
    require_results,
)
from airflow_provider_partners.pipelines.step_errors import describe_failures
from airflow_provider_partners.task_errors import PartnerTaskError, translate_errors

__all__ = ["partner_finance_dag"]

log = logging.getLogger(__name__)

RESOURCES = ("transactions", "app_events")

# Airflow 3 gives the runs of a plain cron string an empty interval.
DAILY = CronTriggerTimetable("30 1 * * *", timezone="UTC", interval=timedelta(days=1))

DESTINATION_VARIABLE = "partner_finance_uri"
"""The Variable with the folder of the days, or :data:`STAGING`."""

STAGING = "none"
"""The value that names no folder: the days are in ``finance`` below ``[partners] staging_uri``."""

DESTINATION_REMEDY = f"Set it to the folder of the days, or to '{STAGING}' for the folder 'finance' of the staging."

MAX_EXPLAINED = 10
"""Missing days whose causes the log explains. An outage has the same cause for all."""

CHANGED_DAYS = AssetAlias("shopify_partner_finance")
"""Schedule a Dag on it that processes the days; it resolves to the lists' assets, ``shopify-partner://1234/…``."""


@dag_factory
def partner_finance_dag(
    *,
    dag_id: str = "shopify_partner_finance",
    schedule: Any = DAILY,
    lookback_days: int = 3,
    resync_days: int = 35,
    shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
    **dag_args: Any,
) -> DAG:
    """Return the Dag that extracts the partner's transactions and app events by day.

    :param schedule: a timetable that gives each run an interval of a day; see ``DAILY``
    :param lookback_days: default of the param: days before the interval that each run reads again
    :param resync_days: default of the param: days that the first run of a month reads again
    :param shopify_partner_conn_id: the organization's connection
    :param dag_args: further arguments of :class:`~airflow.sdk.DAG`
    """

    @task(trigger_rule="all_done", retries=0, outlets=[CHANGED_DAYS])
    def summarize(
        destination: Any, transactions: Any, read_transactions: Any, app_events: Any, read_app_events: Any
    ) -> Any:
        """Return the records and sums by type and currency, and record the days; fail if a day is missing."""
        context: Any = get_current_context()
        results = {"transactions": (transactions, read_transactions), "app_events": (app_events, read_app_events)}
        with translate_errors(context):
            require_results({"choose_destination": destination}, context)
            summaries, missing = _summarize(context, destination, results)
        _emit_asset_events(context, summaries, shopify_partner_conn_id)
        if missing:
            log.error("%d days are missing:\n%s", len(missing), describe_failures(context, _failed_days(results)))
            message = f"Days are missing: {first_of(missing, most=5)}"
            context["ti"].xcom_push(key="return_value", value=summaries)
            raise PartnerTaskError(message)
        return summaries

    with create_dag(
        dag_id,
        schedule=schedule,
        params={
            "since": Param(None, description="Read days from here on, instead of the interval's", **TIME_SCHEMA),
            "until": Param(None, description="Read days before this; needs 'since'", **TIME_SCHEMA),
            "lookback_days": Param(
                lookback_days, description="Days before the interval that each run reads again", minimum=0
            ),
            "resync_days": Param(resync_days, description="Days that the first run of a month reads again", minimum=0),
            "destination": Param(None, description="Folder of the days", type=["null", "string"]),
        },
        tags=["partners", "shopify"],
        doc_md=__doc__,
        dag_args=dag_args,
        retry_delay=timedelta(minutes=5),
    ) as dag:
        folder = choose_destination()
        days, references = {}, {}
        for name in RESOURCES:
            days[name] = choose_days.override(task_id=f"days_of_{name}")(name, folder)
            references[name] = ShopifyPartnerExtractOperator.partial(
                task_id=f"extract_{name}",
                resource=name,
                shopify_partner_conn_id=shopify_partner_conn_id,
                map_index_template="{{ task.since[:10] }}",
                max_active_tis_per_dagrun=4,
                **({"app_id": APP_ID_TEMPLATE} if name == "app_events" else {}),
            ).expand_kwargs(days[name])
        summarize(
            folder,
            days["transactions"],
            references["transactions"].output,
            days["app_events"],
            references["app_events"].output,
        )
    return dag


@task
def choose_destination() -> str:
    """Return the folder of all days: the param ``destination``, or what the Variable says."""
    context: Any = get_current_context()
    with translate_errors(context):
        reject_unknown_params(context)
        destination = context["params"]["destination"] or get_variable(DESTINATION_VARIABLE, remedy=DESTINATION_REMEDY)
    return f"{settings.staging_uri().rstrip('/')}/finance" if destination == STAGING else str(destination)


@task
def choose_days(resource: str, destination: Any) -> list[dict[str, str]]:
    """Return the days of a list that the run reads, each with its window and its folder."""
    context: Any = get_current_context()
    params, now = context["params"], datetime.now(UTC)
    with translate_errors(context):
        if resource == "app_events" and read_app_id() == NO_APP:
            log.info("There is no app, so the run reads no app events")
            return []
        window = windows.resolve(
            since=params["since"],
            until=params["until"],
            context=context,
            initial_since=now - timedelta(days=1),
            now=now,
        )
        if params["since"]:
            days = finance_days.days_in(window, now=now)
        else:
            history = finance_days.load_history(destination).get(resource, {})
            ranges = {name: int(params[name]) for name in ("lookback_days", "resync_days")}
            plan = finance_days.plan_days(window, history, now=now, **ranges)
            days = plan.days
            if plan.unread_days:
                log.warning(
                    "%d days from %s to %s were never read and are too old for this run: run the Dag with 'since' and "
                    "'until'",
                    len(plan.unread_days),
                    plan.unread_days[0],
                    plan.unread_days[-1],
                )
    log.info("Reading %d days of %s, from %s to %s", len(days), resource, *(days[:1] or ["-"]), *(days[-1:] or ["-"]))
    return [finance_days.extract_arguments(day, destination, resource) for day in days]


def _summarize(
    context: Mapping[str, Any], destination: str, results: Mapping[str, tuple[Any, Any]]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the summary of each list, and the days that are missing."""
    summaries: dict[str, dict[str, Any]] = {}
    missing: list[str] = []
    for resource, (chosen, references) in results.items():
        by_uri = {reference["uri"]: reference for reference in references or [] if reference}
        if chosen is None:
            missing.append(f"those of {resource}, because the step 'days_of_{resource}' did not succeed")
        missing += [day["uri"] for day in chosen or [] if day["uri"] not in by_uri]
        summaries[resource] = _summarize_list(context["params"], destination, resource, chosen or [], by_uri)
    for resource, summary in summaries.items():
        log.info("%s: %s", resource, summary)
    return summaries, missing


def _failed_days(results: Mapping[str, tuple[Any, Any]]) -> list[tuple[str, str, int]]:
    """Return what failed: the list and its day, the step, and the map index. The first days stand for many."""
    failed: list[tuple[str, str, int]] = []
    for resource, (chosen, references) in results.items():
        read = {reference["uri"] for reference in references or [] if reference}
        if chosen is None:
            failed.append((resource, f"days_of_{resource}", -1))
        failed += [
            (f"{resource} of {day['since'][:10]}", f"extract_{resource}", index)
            for index, day in enumerate(chosen or [])
            if day["uri"] not in read
        ]
    return failed[:MAX_EXPLAINED]


def _summarize_list(
    params: Mapping[str, Any],
    destination: str,
    resource: str,
    chosen: Sequence[Mapping[str, str]],
    references: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Record the days of a list, and return its counts and sums.

    :param chosen: the days of the run
    :param references: by URI, the datasets that were read
    """
    sums, by_day = finance_days.Totals(), {}
    for day in chosen:
        if reference := references.get(day["uri"]):
            by_day[day["since"][:10]] = (reference, finance_days.total_dataset(reference))
            sums += by_day[day["since"][:10]][1]
    resynced = None
    if not params["since"] and len(by_day) == len(chosen) > int(params["resync_days"]):
        resynced = date.fromisoformat(max(by_day))
    changes: dict[str, list[str]] = {}
    if by_day:
        changes = finance_days.update_history(destination, resource, by_day, now=datetime.now(UTC), resynced=resynced)
    records = sum(reference["records"] for reference, _ in by_day.values())
    return {"records": records, "days": {"read": len(by_day), "new": [], "restated": [], **changes}, **sums.to_dict()}


def _emit_asset_events(
    context: Mapping[str, Any], summaries: Mapping[str, Mapping[str, Any]], shopify_partner_conn_id: str
) -> None:
    for resource, summary in summaries.items():
        if summary["days"]["new"] or summary["days"]["restated"]:
            organization = str(ShopifyPartnerHook(shopify_partner_conn_id).connection.extras["organization_id"])
            asset = create_shopify_partner_asset(account=organization, resource=resource)
            context["outlet_events"][CHANGED_DAYS].add(asset, extra=summary["days"])
