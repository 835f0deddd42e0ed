"""A lane: one shop in one window, as the steps see it, and what every order Dag has besides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow.sdk import Param

from airflow_provider_partners.pipelines.order_arguments import CLAIMS_LOOKBACK, COUPONS_LOOKBACK
from airflow_provider_partners.windows import Window

__all__ = ["DRY_RUN_TEMPLATE", "PERSONAL_VALUES_TEMPLATE", "Lane", "shared_params", "with_lookbacks"]

DRY_RUN_TEMPLATE = "{{ params.dry_run }}"
PERSONAL_VALUES_TEMPLATE = "{{ params.get('personal_values', false) }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One shop in one window, as its steps see it: each field is an argument that Airflow resolves later.

    The fields are those of :class:`~airflow_provider_partners.pipelines.routing.routes.Route`, and the bounds of the
    windows.

    :param found_by: the request that found out that there is something to do, for Dags that send one
    """

    shop: Any
    shopify_admin_conn_id: Any
    yofi_conn_id: Any
    yotpo_conn_id: Any
    voucherify_conn_id: Any
    personal_data: Any
    options: Any
    policy: Any
    coupon_policy: Any
    transform: Any
    predictions: Any
    fields: Any
    since: Any
    until: Any
    claims_since: Any
    redemptions_since: Any
    found_by: Any = None


def shared_params() -> dict[str, Param]:
    """Return the params of every order Dag: ``shops``, ``dry_run`` and ``personal_values``."""
    text_list: dict[str, Any] = {"type": ["null", "array"], "items": {"type": "string"}}
    return {
        "shops": Param(None, description="Shops to sync; by default all", **text_list),
        "dry_run": Param(False, description="Plan, but write nothing to Yotpo", type="boolean"),
        "personal_values": Param(False, description="Show personal values in the run's report", type="boolean"),
    }


def with_lookbacks(
    window: Window, *, claims_lookback: timedelta = CLAIMS_LOOKBACK, coupons_lookback: timedelta = COUPONS_LOOKBACK
) -> dict[str, str]:
    """Return a window of orders as a lane takes it, with the earlier start of the claims and redemptions.

    :param window: window of the orders' changes
    :param claims_lookback: how old a claim may be to count, from the window's end
    :param coupons_lookback: how long before the window redemptions are read
    """
    claims_since = min(window.since, window.until - claims_lookback)
    redemptions_since = window.since - coupons_lookback
    return {
        **window.to_dict(),
        "claims_since": Window(claims_since, window.until).to_dict()["since"],
        "redemptions_since": Window(redemptions_since, window.until).to_dict()["since"],
    }
