"""Trigger of the freshness sensor: waits until a dataset is fresh. It needs no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_partners.triggers.condition import ConditionTrigger

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.freshness import DatasetTimes


class FreshnessTrigger(ConditionTrigger):
    """Waits until the newest record of a dataset is young enough; see :class:`ConditionTrigger` for the arguments."""

    _times: DatasetTimes | None = None

    def client(self) -> Any:
        """Return what reads the datasets."""
        from airflow_provider_partners.datasets.freshness import DatasetTimes

        if self._times is None:
            self._times = DatasetTimes()
        return self._times
