"""Lists of the main job's shop that are no step of its lane: jobs of a partner, and the Partner API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import repeat
from typing import Any
from unittest import mock

from main_job import MainJob

from airflow_provider_partners import (
    ShopifyAdminExtractOperator,
    ShopifyPartnerExtractOperator,
    VoucherifyExtractOperator,
)
from airflow_provider_partners.operators import extract_job
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.triggers import base as trigger_base

__all__ = ["SINCE", "UNTIL", "bulk_orders", "export_redemptions", "partner_list", "short_polls"]

SINCE, UNTIL = "2025-11-13T00:00:00Z", "2026-06-01T00:00:00Z"
_WINDOW = {"since": SINCE, "until": UNTIL}


def bulk_orders(job: MainJob, **arguments: Any) -> Any:
    """Return a task that reads the shop's orders by a bulk operation of Shopify."""
    return ShopifyAdminExtractOperator(
        task_id="bulk_orders",
        resource="orders",
        shop=job.shop,
        mode="bulk",
        poll_interval=0.02,
        shopify_admin_conn_id=job.route["shopify_admin_conn_id"],
        **_WINDOW,
        **arguments,
    )


def export_redemptions(_: MainJob, **arguments: Any) -> Any:
    """Return a task that reads redemptions by an export of Voucherify."""
    return VoucherifyExtractOperator(
        task_id="export_redemptions",
        resource="redemptions",
        mode="export",
        poll_interval=0.02,
        voucherify_conn_id=credentials.VOUCHERIFY,
        **_WINDOW,
        **arguments,
    )


def partner_list(resource: str, **arguments: Any) -> Any:
    """Return a task that reads a list of the Partner API in small pages."""
    return ShopifyPartnerExtractOperator(
        task_id=f"extract_{resource}", resource=resource, page_size=4, **_WINDOW, **arguments
    )


@contextmanager
def short_polls(seconds: float) -> Iterator[None]:
    """Let tasks look again after an unfinished job or list every few milliseconds."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(extract_job, "_STOP_CHECK_INTERVAL", seconds))
        stack.enter_context(
            mock.patch.object(trigger_base, "growing_pauses", lambda longest: repeat(min(seconds, longest)))
        )
        yield
