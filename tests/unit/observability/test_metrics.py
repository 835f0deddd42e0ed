from __future__ import annotations

import json
import socket
from contextlib import contextmanager

import pytest

from airflow_provider_partners._compat import stats
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.observability import metrics

SHOP = "a.myshopify.com"
USAGE = {"requests": 12, "retries": 1, "throttled": 2, "waited": 2.5, "by_label": {}}


class StatsDClient:
    """What the client of StatsD's own package sends: a datagram for each count."""

    def __init__(self, port):
        self.socket, self.to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("127.0.0.1", port)

    def incr(self, stat, count=1, rate=1):
        self.socket.sendto(f"airflow.{stat}:{count}|c".encode(), self.to)


class Broken:
    def incr(self, *args, **kwargs):
        message = "no such host"
        raise OSError(message)


@contextmanager
def backend(logger):
    """Airflow's metrics with another backend, in whichever way this version keeps it."""
    kept = stats()
    try:
        from airflow.sdk.observability.stats import initialize
    except ImportError:
        kind = type(kept)
        before, kind.instance = kind.instance, logger
        yield
        kind.instance = before
        return
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

    initialize(factory=lambda: logger, export_legacy_names=True)
    yield
    initialize(factory=get_stats_factory(), export_legacy_names=True)


@pytest.fixture(params=[False, True], ids=["names alone", "tags"])
def received(request, monkeypatch):
    """A StatsD server, behind Airflow's own logger with its checks of names; gives what has arrived, by name."""
    try:
        from airflow.sdk.observability.metrics.statsd_logger import SafeStatsdLogger
    except ImportError:
        try:
            from airflow.sdk._shared.observability.metrics.statsd_logger import SafeStatsdLogger
        except ImportError:
            from airflow.metrics.statsd_logger import SafeStatsdLogger
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(0.05)

    def arrived():
        found = {}
        while True:
            try:
                name, _, count = server.recv(1000).decode().rpartition(":")
            except TimeoutError:
                return found
            found[name.removeprefix("airflow.partners.")] = int(count.partition("|")[0])

    client = StatsDClient(server.getsockname()[1])
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED", str(request.param))
    tagged = {"influxdb_tags_enabled": True} if request.param else {}
    try:
        logger = SafeStatsdLogger(client, **tagged, statsd_influxdb_enabled=request.param)
    except TypeError:  # before 3.2 it reads the configuration itself
        logger = SafeStatsdLogger(client, **tagged)
    with backend(logger):
        yield arrived, request.param
    server.close()
    client.socket.close()


def tagged(names, tags, api, shop):
    """How a counter with tags arrives: with them, or without where they are off."""
    return {name + (f",api={api},shop={shop}" if tags else ""): count for name, count in names.items()}


def test_what_a_client_has_sent_arrives_per_api_and_shop(received):
    arrived, tags = received
    metrics.emit_request_metrics(USAGE, api="yotpo", shop=SHOP)
    counts = {"requests": 12, "retries": 1, "throttled": 2, "waited_ms": 2500}
    assert arrived() == {
        **tagged(counts, tags, "yotpo", SHOP),
        **{f"{name}.yotpo.a_myshopify_com": count for name, count in counts.items()},
    }


def test_records_and_rejects_arrive(received):
    arrived, _ = received
    metrics.emit_record_metrics(74, 3, api="yofi", shop=SHOP)
    found = arrived()
    assert found["records.yofi.a_myshopify_com"] == 74
    assert found["rejects.yofi.a_myshopify_com"] == 3
    assert len(found) == 4


def test_what_did_not_happen_is_not_told(received):
    arrived, _ = received
    metrics.emit_record_metrics(0, 0, api="yofi", shop=SHOP)
    assert arrived() == {}


@pytest.mark.parametrize("shop", ["a,b=c d", "x" * 400, "größe.example", None])
def test_any_account_makes_a_name_that_airflow_accepts(received, shop):
    arrived, _ = received
    metrics.emit_record_metrics(1, 0, api="shopify_partner", shop=shop)
    names = [name for name in arrived() if name.startswith("records.shopify_partner.")]
    assert len(names) == 1
    assert names[0].isascii()


def test_metrics_that_cannot_be_told_fail_nothing():
    with backend(Broken()):
        metrics.emit_record_metrics(1, 0, api="yofi", shop=SHOP)


def test_a_hook_tells_what_its_client_sent_when_it_is_closed_and_once(received, monkeypatch):
    arrived, tags = received
    given = {"conn_type": "yotpo", "login": "store-1", "password": "s3cret-value"}
    monkeypatch.setenv("AIRFLOW_CONN_STORE_A", json.dumps(given))
    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", "memory://")
    hook = YotpoHook("store_a")
    client = hook.get_conn()
    client.stats.on_request("orders.list")
    client.stats.on_throttle()
    with pytest.raises(KeyError), hook:
        raise KeyError
    hook.close()
    assert arrived() == {
        **tagged({"requests": 1, "throttled": 1}, tags, "yotpo", "store-1"),
        "requests.yotpo.store-1": 1,
        "throttled.yotpo.store-1": 1,
    }


def test_a_stores_shop_stands_for_it_where_it_is_known(received, monkeypatch):
    arrived, _ = received
    monkeypatch.setenv(
        "AIRFLOW_CONN_STORE_A", json.dumps({"conn_type": "yotpo", "login": "store-1", "password": "s3cret-value"})
    )
    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", "memory://")
    hook = YotpoHook("store_a")
    hook.metrics_shop = SHOP
    with hook as client:
        client.stats.on_request("orders.list")
    assert "requests.yotpo.a_myshopify_com" in arrived()
