"""What the Dag factories share: the Dag's defaults, schemas of params, and the check of a run's conf."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError, FatalError
from airflow_provider_partners.lookups import get_variable
from airflow_provider_partners.operators.shopify_partner import NO_APP
from airflow_provider_partners.retry_policy import default_args

TIME_SCHEMA: Mapping[str, Any] = {"type": ["null", "string"], "format": "date-time"}
"""JSON schema of a param that is a timestamp or ``None``."""

APP_ID_VARIABLE = "partner_app_id"
"""The Variable with the app that a shop must have installed, or :data:`NO_APP`."""

APP_ID_TEMPLATE = "{{ partner_app_id() }}"
"""The value of that Variable. It has no default: a look-up that fails must not read as "no app"."""

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
    macros = {"partner_app_id": read_app_id, **(own_args.pop("user_defined_macros", None) or {})}
    task_defaults = {"retries": 2, "retry_delay": retry_delay, **(task_args or {}), **own_args.pop("default_args", {})}
    return DAG(
        dag_id=dag_id,
        schedule=schedule,
        params={**params, **own_args.pop("params", {})},
        default_args=default_args(**task_defaults),
        user_defined_macros=macros,
        **{
            "start_date": datetime(2026, 1, 1, tzinfo=UTC),
            "catchup": False,
            "max_active_runs": 1,
            "tags": tags,
            "doc_md": doc_md,
            **own_args,
        },
    )


def reject_unknown_params(context: Mapping[str, Any]) -> list[str]:
    """Return the params that the run's conf sets. Raise an error if it has a key that is no param of its Dag.

    Airflow ignores such a key, so a misspelt ``dry_run`` would write for real.

    :param context: the context of the Dag's first task
    :raises ConfigurationError: with the nearest known name
    """
    conf = getattr(context.get("dag_run"), "conf", None) or {}
    known = sorted(context["dag"].params)
    unknown = sorted(set(conf) - set(known) - _AIRFLOW_KEYS)
    if not unknown:
        return sorted(set(conf) & set(known))
    problems = " ".join(_describe_unknown(name, known) for name in unknown)
    message = f"The run's conf has an {problems} Its params are: {', '.join(known)}"
    raise ConfigurationError(message, remedy="Trigger a new run with these params only.")


def read_app_id() -> str:
    """Return the app that a shop must have installed, or :data:`NO_APP`.

    :raises NotDefinedError: when Airflow does not find the Variable
    """
    return get_variable(APP_ID_VARIABLE, remedy=f"Set it to gid://partners/App/…, or to '{NO_APP}' if you have no app.")


def require_results(results: Mapping[str, Any]) -> None:
    """Raise an error if a step has no result: a result that is missing is not an empty list.

    A task that sums up runs also when a step before it failed, and Airflow then passes ``None``.

    :param results: the steps before, in order, each with its result
    :raises FatalError: with the first step that did not succeed
    """
    missing = next((name for name, result in results.items() if result is None), None)
    if missing is not None:
        message = f"The step '{missing}' did not succeed, so this run has not done its work"
        raise FatalError(message, remedy=f"See the log of '{missing}', or of the first failed step before it.")


def _describe_unknown(name: str, known: list[str]) -> str:
    return f"unknown param '{name}'" + (suggest(name, known) or ".")
