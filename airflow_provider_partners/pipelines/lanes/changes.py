"""Which lanes have something to do: one cheap request each, for several shops at the same time.

A lane whose orders did not change in its window has nothing to do: its steps would read no order, build none and write
none. The request has the same search as the extraction, so both have the same answer. A request that fails is no
answer: the steps of that lane run, and fail or succeed by themselves. Its error is a warning of the run.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import settings, timestamps
from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.failures import first_of
from airflow_provider_partners.files import first_line
from airflow_provider_partners.hooks.shopify_admin import ShopifyAdminHook
from airflow_provider_partners.observability.step_log import CallEntry, TryEntry

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient

__all__ = ["Answer", "ChangedOrders", "find_changes"]

log = logging.getLogger(__name__)

UNKNOWN = "it is not known whether orders have changed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request says about a lane.

    :param may_have_changes: False only if the partner says that there are none
    :param found_by: the request, for the lane's report: a warning if it failed, or could not be sent
    """

    may_have_changes: bool
    found_by: TryEntry


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
    workers, causes = settings.parallel_calls(), Counter[str]()
    for some in batches(lanes, workers):
        for answer in _request(some, is_changed, workers):
            if answer.found_by["state"] == "warning":
                causes[str(answer.found_by["message"])] += 1
            yield answer
    if causes:
        texts = first_of([f"{cause} ({count})" for cause, count in causes.most_common()], separator="; ")
        log.warning("In %d of %d lanes %s, so their steps run: %s", causes.total(), len(lanes), UNKNOWN, texts)


def _request(lanes: Sequence[Mapping[str, Any]], is_changed: ChangedOrders, workers: int) -> Iterator[Answer]:
    with ExitStack() as hooks, ThreadPoolExecutor(workers) as threads:
        # Airflow's connections are read in the task's own thread.
        opened = [_open(lane, is_changed, hooks) for lane in lanes]
        yield from list(threads.map(partial(_answer, is_changed), opened, lanes))


def _open(lane: Mapping[str, Any], is_changed: ChangedOrders, hooks: ExitStack) -> ShopifyAdminHook | Answer:
    """Return the hook of a lane with its client; the answer if there is no connection for the request."""
    started = datetime.now(UTC)
    try:
        hook = is_changed.hook(lane)
        hooks.enter_context(hook)
    except Exception as error:  # noqa: BLE001  # Airflow's look-up has errors of its own
        return Answer(may_have_changes=True, found_by=_entry(lane, started, error=error))
    return hook


def _answer(is_changed: ChangedOrders, hook: ShopifyAdminHook | Answer, lane: Mapping[str, Any]) -> Answer:
    """Send the request of a lane.

    :param hook: with its client, or the answer if there is none
    """
    if isinstance(hook, Answer):
        return hook
    client, started, failure = hook.get_conn(), datetime.now(UTC), None
    try:
        changed = is_changed(client, lane)
    except Exception as error:  # noqa: BLE001  # what fails in one lane stops no other
        changed, failure = True, error
    calls: list[CallEntry] = [{"api": hook.conn_type, "account": hook.account, "counts": client.stats.snapshot()}]
    return Answer(may_have_changes=changed, found_by=_entry(lane, started, calls=calls, error=failure))


def _entry(
    lane: Mapping[str, Any], started: datetime, *, calls: Sequence[CallEntry] = (), error: Exception | None = None
) -> TryEntry:
    """Return the request as a try, and log why it failed."""
    message = remedy = None
    if isinstance(error, PartnersError):
        # Equal errors of many shops are one warning.
        message, remedy = first_line(error.headline).replace(lane["shop"], "the shop"), error.remedy
    elif error is not None:
        # The text of another error may hold a secret.
        message = f"The request stopped with a {type(error).__name__}"
    if message:
        log.warning("%s: %s, so its steps run: %s", lane["shop"], UNKNOWN, " ".join(filter(None, (message, remedy))))
    return {
        "state": "warning" if message else "success",
        "started_at": timestamps.isoformat(started),
        "ended_at": timestamps.isoformat(datetime.now(UTC)),
        "message": message,
        "remedy": remedy,
        "log_url": None,
        "calls": [*calls],
    }
