"""A sensor of a fake condition, and the context of its task."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from airflow_provider_partners.exceptions import ThrottledError, TransientError
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.triggers.conditions import ConditionResult

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DETAILS = {"orders": 1}
MET, NOT_MET, IMPOSSIBLE = (
    ConditionResult(True, DETAILS),
    ConditionResult(False, {"orders": 0}),
    ConditionResult(False, {}, impossible_reason="it was cancelled"),
)
DOWN, THROTTLED = TransientError("the network is down"), ThrottledError("busy", retry_after=300)


class FakeSensor(PartnerSensor):
    condition_name = "fake"

    def __init__(self, *, spec_error=None, **kwargs):
        super().__init__(**{"task_id": "wait", **kwargs})
        self.spec_error, self.specs_built = spec_error, 0

    def hook(self):
        return YotpoHook("store")

    def hook_params(self):
        return {"shop": "a"}

    def condition_spec(self):
        self.specs_built += 1
        if self.spec_error:
            raise self.spec_error
        return {"ids": ["1"]}


class FakeStateStore(dict):
    """A task's state store."""

    def set(self, key, value):
        self[key] = json.loads(json.dumps(value))

    def delete(self, key):
        self.pop(key, None)


def context(store=None, first=None, try_number=1):
    task = SimpleNamespace(
        dag_id="d",
        task_id="wait",
        run_id="r",
        map_index=-1,
        try_number=try_number,
        get_first_reschedule_date=lambda _: first,
    )
    return {"ti": task, **({} if store is None else {"task_state_store": store})}


def raised(sensor, task_context=None):
    """The exception that ends the sensor."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011  # the caller asserts its class
        sensor.execute(task_context or context())
    return caught.value
