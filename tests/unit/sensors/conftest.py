"""A fake condition, and a clock that only sleeping moves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import time_machine
from airflow.sdk import BaseSensorOperator
from fakes.sensor import NOT_MET, NOW

from airflow_provider_partners._compat import utcnow
from airflow_provider_partners.sensors import base
from airflow_provider_partners.triggers import conditions


@pytest.fixture
def fake_condition(monkeypatch):
    """A condition with the task_context results, one per check; the last one repeats."""
    results, calls, clients = [NOT_MET], [], []

    def check(client, spec):
        calls.append(utcnow())
        clients.append(client)
        result = results.pop(0) if len(results) > 1 else results[0]
        if isinstance(result, Exception):
            raise result
        return result

    check.results, check.calls, check.clients = results, calls, clients
    monkeypatch.setattr(conditions, "CONDITIONS", {"fake": check})
    store = {"conn_type": "yotpo", "login": "store-1", "password": "s3cret-value"}
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps(store))
    return check


@pytest.fixture
def clock(monkeypatch, tmp_path):
    """A clock that only sleeping moves."""
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    with time_machine.travel(NOW, tick=False) as travel:
        start = NOW.timestamp()
        slept = []

        def sleep(seconds):
            slept.append(seconds)
            travel.shift(seconds)

        fake_time = SimpleNamespace(
            sleep=sleep, monotonic=lambda: 1000.0 + datetime.now(UTC).timestamp() - start, time=lambda: 0.0
        )
        monkeypatch.setattr(base, "time", fake_time)
        monkeypatch.setattr(f"{BaseSensorOperator.__module__}.time", fake_time)
        fake_time.slept = slept
        yield fake_time
