"""What the Dag factories share: the Dag's defaults, schemas of params, and the check of a run's conf."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from airflow.sdk import DAG

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.retry_policy import default_args

TIME_SCHEMA: Mapping[str, Any] = {"type": ["null", "string"], "format": "date-time"}
"""JSON schema of a param that is a timestamp or ``None``."""

APP_ID_TEMPLATE = "{{ var.value.get('partner_app_id', '') }}"
"""The app that a shop must have installed: the Variable ``partner_app_id``, or nothing."""

_AIRFLOW_KEYS = frozenset({"openlineage"})
"""Keys that Airflow itself adds to a conf: ``TriggerDagRunOperator`` passes the parent run to OpenLineage this way.

Source: ``airflow.providers.standard.utils.openlineage``.
"""


def create_dag(
    dag_id: str,
    *,
    schedule: Any,
    params: Mapping[str, Any],
    tags: list[str],
    doc_md: str | None,
    dag_args: Mapping[str, Any],
    retry_delay: timedelta = timedelta(minutes=1),
    task_args: Mapping[str, Any] | None = None,
) -> DAG:
    """Return a Dag with the defaults of the product's Dags.

    :param dag_args: the user's arguments of :class:`~airflow.sdk.DAG`; they win. ``default_args`` and ``params`` are
        merged with those of the product
    :param task_args: further ``default_args`` of the product
    """
    own_args = dict(dag_args)
    task_defaults = {"retries": 2, "retry_delay": retry_delay, **(task_args or {}), **own_args.pop("default_args", {})}
    return DAG(
        dag_id=dag_id,
        schedule=schedule,
        params={**params, **own_args.pop("params", {})},
        default_args=default_args(**task_defaults),
        **{
            "start_date": datetime(2026, 1, 1, tzinfo=UTC),
            "catchup": False,
            "max_active_runs": 1,
            "tags": tags,
            "doc_md": doc_md,
            **own_args,
        },
    )


def reject_unknown_params(context: Mapping[str, Any]) -> None:
    """Raise an error if the run's conf has a key that is no param of its Dag.

    Airflow ignores such a key, so a misspelt ``dry_run`` would write for real.

    :param context: the context of the Dag's first task
    :raises ConfigurationError: with the nearest known name
    """
    conf = getattr(context.get("dag_run"), "conf", None) or {}
    known = sorted(context["dag"].params)
    unknown = sorted(set(conf) - set(known) - _AIRFLOW_KEYS)
    if not unknown:
        return
    problems = " ".join(_describe_unknown(name, known) for name in unknown)
    message = f"The run's conf has an {problems} Its params are: {', '.join(known)}"
    raise ConfigurationError(message, remedy="Trigger a new run with these params only.")


def _describe_unknown(name: str, known: list[str]) -> str:
    nearest = get_close_matches(name.lower(), known, n=1)
    return f"unknown param '{name}'" + (f": did you mean '{nearest[0]}'?" if nearest else ".")
