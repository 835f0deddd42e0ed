"""Daily: the partner's transactions and the events of its app, a dataset for each day, replaced whole when read again.

The days rest in ``{destination}/transactions/day=2026-11-01/`` and ``{destination}/app_events/day=…/``, each with its
``manifest.json``, which lists the files that count; ``{destination}/days.json`` lists all days, with when each was read
and what it adds up to. The destination is the param of that name, or the Variable ``partner_finance_uri``, or else the
folder ``finance`` of ``[partners] staging_uri``.

A row may appear late, or be restated; Shopify documents neither. So each run reads ``lookback_days`` again besides its
own, and the first run of a month ``resync_days``; days of these that were never read are read as well, so that a
schedule that stood still leaves no gap. Datasets of days are replaced, so nothing counts twice, and ``summarize`` names
those whose rows are not what they were. With ``since`` and ``until`` just the days are read that they touch.

Needs the connection ``shopify_partner_default``; app events also the Variable ``partner_app_id``
(``gid://partners/App/…``). Shopify says that its transactions are for analytics, not for accounting.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, AssetAlias, Param, Variable, get_current_context, task
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_partners import settings, windows
from airflow_provider_partners.assets import create_shopify_partner_asset
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerExtractOperator
from airflow_provider_partners.pipelines import partner_finance
from airflow_provider_partners.pipelines.order_sync import APP_ID_TEMPLATE, TIME_SCHEMA
from airflow_provider_partners.retry_policy import default_args
from airflow_provider_partners.task_errors import PartnerTaskError, translate_errors

log = logging.getLogger(__name__)

LISTS = ("transactions", "app_events")

CHANGED = AssetAlias("shopify_partner_finance")
"""Schedule on it what is made of the days: it stands for the organization's lists, ``shopify-partner://1234/…``."""


@task
def choose_destination() -> str:
    """The folder of all days."""
    context: Any = get_current_context()
    asked = context["params"]["destination"] or Variable.get("partner_finance_uri", default=None)
    return str(asked or f"{settings.staging_uri().rstrip('/')}/finance")


@task
def choose_days(resource: str, destination: str) -> list[dict[str, str]]:
    """Which days of a list are read, each with its window and its folder."""
    context: Any = get_current_context()
    params, now = context["params"], datetime.now(UTC)
    if resource == "app_events" and not Variable.get("partner_app_id", default=None):
        log.info("The Variable partner_app_id names no app, so no events are read")
        return []
    with translate_errors(context):
        window = windows.resolve(since=params["since"], until=params["until"], context=context)
        if params["since"]:
            days = partner_finance.days_in(window, now=now)
        else:
            record = partner_finance.load_history(destination).get(resource, {})
            spans = {name: int(params[name]) for name in ("lookback_days", "resync_days")}
            chosen = partner_finance.plan_days(window, record, now=now, **spans)
            days = chosen.days
            if chosen.unread_days:
                log.warning(
                    "%d days from %s to %s were never read and lie too far back: run the Dag with 'since' and 'until'",
                    len(chosen.unread_days),
                    *(chosen.unread_days[place] for place in (0, -1)),
                )
    log.info("Reading %d days of %s, from %s to %s", len(days), resource, *(days[:1] or ["-"]), *(days[-1:] or ["-"]))
    return [partner_finance.extract_arguments(day, destination, resource) for day in days]


@task(trigger_rule="all_done", retries=0, outlets=[CHANGED])
def summarize(
    destination: str, transactions: Any, read_transactions: Any, app_events: Any, read_app_events: Any
) -> Any:
    """What was read adds up to, by type and currency; notes it, and fails where a day is missing."""
    context: Any = get_current_context()
    told: dict[str, Any] = {}
    missing: list[str] = []
    with translate_errors(context):
        for resource, wanted, references in (
            ("transactions", transactions, read_transactions),
            ("app_events", app_events, read_app_events),
        ):
            found = {row["uri"]: row for row in references or [] if row}
            if wanted is None:
                missing.append(f"those of {resource}, which could not be chosen")
            missing += [row["uri"] for row in wanted or [] if row["uri"] not in found]
            told[resource] = _told(context, destination, resource, wanted or [], found)
    for resource, facts in told.items():
        log.info("%s: %s", resource, facts)
        if facts["days"]["new"] or facts["days"]["restated"]:
            organization = str(ShopifyPartnerHook().connection.extras["organization_id"])
            asset = create_shopify_partner_asset(account=organization, resource=resource)
            context["outlet_events"][CHANGED].add(asset, extra=facts["days"])
    if missing:
        message = f"Days are missing: {', '.join(missing[:5])}{f' and {len(missing) - 5} more' if missing[5:] else ''}"
        context["ti"].xcom_push(key="return_value", value=told)
        raise PartnerTaskError(message)
    return told


def _told(
    context: Any, destination: str, resource: str, wanted: list[dict[str, str]], found: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Counts and sums of one list, which are noted beside its days."""
    sums, by_day = partner_finance.Totals(), {}
    for row in wanted:
        if reference := found.get(row["uri"]):
            by_day[row["since"][:10]] = (reference, partner_finance.total_dataset(reference))
            sums += by_day[row["since"][:10]][1]
    params = context["params"]
    resynced = None
    if not params["since"] and len(by_day) == len(wanted) > int(params["resync_days"]):
        resynced = date.fromisoformat(max(by_day))
    days = (
        partner_finance.update_history(destination, resource, by_day, now=datetime.now(UTC), resynced=resynced)
        if by_day
        else {}
    )
    records = sum(reference["records"] for reference, _ in by_day.values())
    return {"records": records, "days": {"read": len(by_day), "new": [], "restated": [], **days}, **sums.to_dict()}


with DAG(
    dag_id="shopify_partner_finance",
    # A cron string alone would give runs an empty interval in Airflow 3.
    schedule=CronTriggerTimetable("30 1 * * *", timezone="UTC", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=default_args(retries=2, retry_delay=timedelta(minutes=5)),
    params={
        "since": Param(None, description="First moment whose day is read, instead of the interval's", **TIME_SCHEMA),
        "until": Param(None, description="First moment whose day is not read; needs 'since'", **TIME_SCHEMA),
        "lookback_days": Param(3, description="Days before the interval that each run reads again", minimum=0),
        "resync_days": Param(35, description="Days that the first run of a month reads again", minimum=0),
        "destination": Param(None, description="Where the days rest", type=["null", "string"]),
    },
    tags=["partners", "shopify"],
    doc_md=__doc__,
) as dag:
    destination = choose_destination()
    days, references = {}, {}
    for name in LISTS:
        days[name] = choose_days.override(task_id=f"days_of_{name}")(name, destination)
        references[name] = ShopifyPartnerExtractOperator.partial(
            task_id=f"extract_{name}",
            resource=name,
            map_index_template="{{ task.since[:10] }}",
            max_active_tis_per_dagrun=4,
            **({"app_id": APP_ID_TEMPLATE} if name == "app_events" else {}),
        ).expand_kwargs(days[name])
    summarize(
        destination,
        days["transactions"],
        references["transactions"].output,
        days["app_events"],
        references["app_events"].output,
    )
