"""What the Dag factories share: the Dag's defaults, schemas of params, and the check of a run's conf."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset

from airflow_provider_partners.arguments import (
    Check,
    check_count,
    check_days,
    check_duration,
    check_flag,
    check_folder,
    check_interval,
    check_mapping,
    check_text,
    suggest,
)
from airflow_provider_partners.exceptions import ConfigurationError, FatalError
from airflow_provider_partners.hooks.lookups import get_variable
from airflow_provider_partners.notifications.run_message import partner_summary
from airflow_provider_partners.operators.shopify_partner import NO_APP
from airflow_provider_partners.pipelines._dag_page import TASK_FAILED, dag_page
from airflow_provider_partners.pipelines.order_arguments import OrderArguments
from airflow_provider_partners.pipelines.routing.sources import check_routes
from airflow_provider_partners.pipelines.step_errors import read_error
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


SHARED_ARGUMENTS = "arguments"
"""The parameter of a Dag factory that gets the shared arguments as one value."""


def dag_factory(function: Callable[..., DAG]) -> Callable[..., DAG]:
    """Return a Dag factory that checks its arguments when the Dag file is loaded, before anything runs.

    A factory of the order sync has a parameter ``arguments``. It takes each field of :class:`OrderArguments` as an
    argument of its own, and the function gets them as one value.

    :raises ConfigurationError: when an argument is wrong or unknown
    """
    signature = _signature(function)
    own_names = [name for name in signature.parameters if name != "dag_args"]
    shared = {field.name for field in fields(OrderArguments)} & {*own_names}

    @functools.wraps(function)
    def create(**kwargs: Any) -> DAG:
        known = [*own_names, *inspect.signature(DAG).parameters]
        for name, value in kwargs.items():
            if name not in known:
                message = f"{function.__name__} has no argument '{name}'" + suggest(name, known)
                raise ConfigurationError(message, remedy=f"Its own arguments are: {', '.join(own_names)}.")
            if check := _CHECKS.get(name):
                check(name, value)
        if shared:
            values = {name: kwargs.pop(name) for name in list(kwargs) if name in shared}
            kwargs[SHARED_ARGUMENTS] = OrderArguments(**values)
        return function(**kwargs)

    create.__signature__ = signature  # type: ignore[attr-defined]
    # Documentation tools would compare the signature with the source of the function, which has fewer arguments.
    del create.__wrapped__
    return create


def _signature(function: Callable[..., DAG]) -> inspect.Signature:
    """Return the signature of a factory, with the shared arguments in place of their value."""
    own = inspect.signature(function)
    if SHARED_ARGUMENTS not in own.parameters:
        return own
    parameters: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        if parameter.name == SHARED_ARGUMENTS:
            parameters += inspect.signature(OrderArguments).parameters.values()
        else:
            parameters.append(parameter)
    return own.replace(parameters=parameters)


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
    on_failure: str = TASK_FAILED,
    page: str = "Further Dags|reference/dags",
) -> DAG:
    """Return a Dag with the defaults of the product's Dags.

    :param doc_md: what the Dag does. Its page in the UI shows the params, too, and what to do when a run fails
    :param dag_args: the user's arguments of :class:`~airflow.sdk.DAG`; they win. ``default_args`` and ``params`` are
        merged with those of the product
    :param task_args: further ``default_args`` of the product
    :param on_failure: what to do when a run fails, as Markdown
    :param page: the page of the documentation about the Dag, as ``title|path``
    """
    own_args = dict(dag_args)
    own_macros = own_args.pop("user_defined_macros", None) or {}
    macros = {"partner_app_id": read_app_id, "partner_summary": partner_summary, **own_macros}
    own_defaults = own_args.pop("default_args", None) or {}
    all_params = {**params, **(own_args.pop("params", None) or {})}
    task_defaults = {"retries": 2, "retry_delay": retry_delay, **(task_args or {}), **own_defaults}
    return DAG(
        dag_id=dag_id,
        schedule=schedule,
        params=all_params,
        default_args=default_args(**task_defaults),
        user_defined_macros=macros,
        **{
            "start_date": datetime(2026, 1, 1, tzinfo=UTC),
            "catchup": False,
            "max_active_runs": 1,
            "tags": tags,
            "doc_md": dag_page(doc_md or dag_id, all_params, on_failure=on_failure, page=page),
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


def require_results(results: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> None:
    """Raise an error if a step has no result: a result that is missing is not an empty list.

    A task that sums up runs also when a step before it failed, and Airflow then passes ``None``.

    :param results: the steps before, in order, each with its result
    :param context: of the task that sums up, to say why the step did not succeed
    :raises FatalError: with the first step that did not succeed
    """
    missing = next((name for name, result in results.items() if result is None), None)
    if missing is None:
        return
    error = read_error(context, missing, in_group=False) if context else None
    message = f"The step '{missing}' did not succeed, so this run has not done its work"
    remedy = f"See the log of '{missing}', or of the first failed step before it."
    if error:
        message, remedy = f"{message}: {error['message']}", error["remedy"]
    raise FatalError(message, remedy=remedy)


def _describe_unknown(name: str, known: list[str]) -> str:
    return f"unknown param '{name}'" + (suggest(name, known) or ".")


def _check_asset(name: str, value: Any) -> None:
    if not isinstance(value, Asset):
        message = f"'{name}' is a {type(value).__name__}, and an asset is needed"
        raise ConfigurationError(message, remedy=f'Write {name}=Asset("partner_order_sync"), for example.')


def _check_count_or_none(name: str, value: Any) -> None:
    if value is not None:
        check_count(name, value)


def _check_mapping_or_none(name: str, value: Any) -> None:
    if value is not None:
        check_mapping(name, value)


def _check_watched_shops(name: str, value: Any) -> None:
    _check_mapping_or_none(name, value)
    for shop, conn_id in (value or {}).items():
        check_text(f"a shop of {name}", shop)
        check_text(f"{name}[{shop!r}]", conn_id)


def _check_options(name: str, value: Any) -> None:
    """Refuse wrong options, unless Airflow renders them later. Options that are not given import no model.

    An import path is checked when the run starts: a Dag file is loaded often, and its tasks may run elsewhere.
    """
    if value is None or _is_rendered_later(value):
        return
    from airflow_provider_partners.sync.coupons import CouponPolicy
    from airflow_provider_partners.sync.options import MappingOptions, Options
    from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy
    from airflow_provider_partners.sync.user_code import is_import_path

    if name == "policy" and is_import_path(value):
        return
    models: Mapping[str, type[Options]] = {
        "options": MappingOptions,
        "policy": SuppressionPolicy,
        "coupon_policy": CouponPolicy,
    }
    if type(models[name].parse(value)) is not models[name]:
        message = f"'{name}' is an object of the class {type(value).__name__}"
        raise ConfigurationError(message, remedy="A Dag takes its import path: package.module:name.")


def _check_properties(name: str, value: Any) -> None:
    """Refuse wrong custom properties, unless Airflow renders them later."""
    if value is None or _is_rendered_later(value):
        return
    from airflow_provider_partners.sync.options import MappingOptions, parse_json_text

    MappingOptions.parse({name: parse_json_text(value, name)})


def _check_transform(name: str, value: Any) -> None:
    """Refuse what is no import path. The function itself is loaded when the run starts."""
    if value is None or _is_rendered_later(value):
        return
    from airflow_provider_partners.sync.user_code import is_import_path

    if not is_import_path(value):
        message = f"'{name}' is a {type(value).__name__}, and the import path of a function is needed"
        raise ConfigurationError(message, remedy="A Dag takes package.module:function, as text.")


def _check_predictions(name: str, value: Any) -> None:
    if not _is_rendered_later(value):
        check_folder(name, value)


def _check_placements(name: str, value: Any) -> None:
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        message = f"'{name}' is a {type(value).__name__}, and a list is needed"
        raise ConfigurationError(message, remedy=f'Write {name}=[{{"pool": "large_shops"}}], for example.')


def _is_rendered_later(value: Any) -> bool:
    """Return True for a template, a task's output, or a dict or list that contains one."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(map(_is_rendered_later, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_is_rendered_later, value))
    return hasattr(value, "resolve")


_CHECKS: Mapping[str, Check] = {
    "app_id": check_text,
    "asset": _check_asset,
    "catchup_limit": check_duration,
    "claims_lookback": check_duration,
    "coupon_policy": _check_options,
    "coupons_lookback": check_duration,
    "days": _check_count_or_none,
    "default_args": _check_mapping_or_none,
    "lookback_days": check_days,
    "options": _check_options,
    "params": _check_mapping_or_none,
    **dict.fromkeys(("order_properties", "line_properties", "product_properties"), _check_properties),
    "personal_data": check_flag,
    "placements": _check_placements,
    "policy": _check_options,
    "poll_interval": check_interval,
    "predictions": _check_predictions,
    "resync_days": check_days,
    "routes": check_routes,
    "shopify_partner_conn_id": check_text,
    "shops_per_task": check_count,
    "transform": _check_transform,
    "user_defined_macros": _check_mapping_or_none,
    "voucherify_conn_id": check_text,
    "watched_shops": _check_watched_shops,
}
