"""Which lanes have something to do: one cheap request each, for several shops at the same time.

A lane whose orders did not change in its window has nothing to do: its steps would read no order, build none and write
none. The request has the same search as the extraction, so both have the same answer. A request that fails is no
answer: the steps of that lane run, and fail or succeed by themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import settings, timestamps
from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.hooks.shopify_admin import ShopifyAdminHook
from airflow_provider_partners.observability.step_log import TryEntry

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient

__all__ = ["Answer", "ChangedOrders", "find_changes"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request says about a lane.

    :param may_have_changes: False only if the partner says that there are none
    :param found_by: the request, for the lane's report; ``None`` if none was sent
    """

    may_have_changes: bool
    found_by: TryEntry | None = None


class ChangedOrders:
    """Whether a shop has orders that changed in its window."""

    def hook(self, lane: Mapping[str, Any]) -> ShopifyAdminHook:
        """Return the hook of the lane's shop."""
        return ShopifyAdminHook(lane["shopify_admin_conn_id"], shop=lane["shop"])

    def __call__(self, client: ShopifyAdminClient, lane: Mapping[str, Any]) -> bool:
        """Return True if there is such an order."""
        return client.has_records("orders", since=lane["since"], until=lane["until"])


def find_changes(lanes: Sequence[Mapping[str, Any]], is_changed: ChangedOrders) -> Iterator[Answer]:
    """Yield what is known about each lane, in order. ``[partners] parallel_calls`` shops are requested at a time.

    :param lanes: with their windows
    """
    workers = settings.parallel_calls()
    for some in batches(lanes, workers):
        yield from _request(some, is_changed, workers)


def _request(lanes: Sequence[Mapping[str, Any]], is_changed: ChangedOrders, workers: int) -> Iterator[Answer]:
    with ExitStack() as hooks, ThreadPoolExecutor(workers) as threads:
        # Airflow's connections are read in the task's own thread.
        opened = [_open(lane, is_changed, hooks) for lane in lanes]
        futures = [
            threads.submit(_request_one, hook, lane, is_changed) if hook is not None else None
            for hook, lane in zip(opened, lanes, strict=True)
        ]
        yield from [future.result() if future else Answer(may_have_changes=True) for future in futures]


def _open(lane: Mapping[str, Any], is_changed: ChangedOrders, hooks: ExitStack) -> ShopifyAdminHook | None:
    """Return the hook of a lane with its client; ``None`` if there is no connection for the request."""
    try:
        hook = is_changed.hook(lane)
        hooks.enter_context(hook)
    except Exception as error:  # noqa: BLE001  # Airflow's look-up has errors of its own
        _log_unknown(lane, error)
        return None
    return hook


def _request_one(hook: ShopifyAdminHook, lane: Mapping[str, Any], is_changed: ChangedOrders) -> Answer:
    client, started = hook.get_conn(), datetime.now(UTC)
    try:
        changed = is_changed(client, lane)
    except Exception as error:  # noqa: BLE001  # what fails in one lane stops no other
        _log_unknown(lane, error)
        changed = True
    found_by: TryEntry = {
        "state": "success",
        "started_at": timestamps.isoformat(started),
        "ended_at": timestamps.isoformat(datetime.now(UTC)),
        "message": None,
        "remedy": None,
        "log_url": None,
        "calls": [{"api": hook.conn_type, "account": hook.account, "counts": client.stats.snapshot()}],
    }
    return Answer(may_have_changes=changed, found_by=found_by)


def _log_unknown(lane: Mapping[str, Any], error: Exception) -> None:
    # The text of another error may hold a secret.
    cause = str(error) if isinstance(error, PartnersError) else type(error).__name__
    log.warning("%s: it is not known whether orders have changed, so its steps run: %s", lane["shop"], cause)
