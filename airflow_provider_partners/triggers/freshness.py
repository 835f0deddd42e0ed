"""Trigger of the freshness sensor: waits until a dataset is fresh. It needs no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_partners.triggers.condition import ConditionTrigger

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.freshness import DatasetTimes


class FreshnessTrigger(ConditionTrigger):
    """Waits until the newest record of a dataset is young enough. It needs no connection.

    :param conn_type: ``dataset``, for the log
    :param conn_id: empty
    :param condition: the condition's name
    :param spec: the dataset and how old it may be
    :param hook_params: nothing
    :param poll_interval: seconds between two polls
    :param max_pause: pauses double from ``poll_interval`` up to so many seconds; without it they stay the same
    :param not_before: earliest first poll, in seconds since 1970
    :param deadline: when to stop waiting, in seconds since 1970; never by default
    :param max_failures: failed polls in a row before the trigger gives up
    """

    _times: DatasetTimes | None = None

    def client(self) -> Any:
        """Return what reads the datasets."""
        from airflow_provider_partners.datasets.freshness import DatasetTimes

        if self._times is None:
            self._times = DatasetTimes()
        return self._times
