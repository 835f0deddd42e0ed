"""Looks at a partner that are made up, and a time that passes only by sleeping."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import time_machine
from airflow.sdk import BaseSensorOperator
from waiting_sensor import NO, NOW

from airflow_provider_partners._compat import utcnow
from airflow_provider_partners.sensors import base
from airflow_provider_partners.triggers import conditions


@pytest.fixture
def looks(monkeypatch):
    """What each look at the partner gives, in turn; the last stays."""
    answers, asked, clients = [NO], [], []

    def look(client, question):
        asked.append(utcnow())
        clients.append(client)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    look.answers, look.asked, look.clients = answers, asked, clients
    monkeypatch.setattr(conditions, "CONDITIONS", {"looked": look})
    store = {"conn_type": "yotpo", "login": "store-1", "password": "s3cret-value"}
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps(store))
    return look


@pytest.fixture
def clock(monkeypatch, tmp_path):
    """Time passes only by sleeping."""
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    with time_machine.travel(NOW, tick=False) as travel:
        begun = NOW.timestamp()
        slept = []

        def sleep(seconds):
            slept.append(seconds)
            travel.shift(seconds)

        turned = SimpleNamespace(
            sleep=sleep, monotonic=lambda: 1000.0 + datetime.now(UTC).timestamp() - begun, time=lambda: 0.0
        )
        monkeypatch.setattr(base, "time", turned)
        monkeypatch.setattr(f"{BaseSensorOperator.__module__}.time", turned)
        turned.slept = slept
        yield turned
