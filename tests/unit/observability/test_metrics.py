from __future__ import annotations

import json
import socket
from contextlib import contextmanager

import pytest

from airflow_provider_partners._compat import stats
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.observability import metrics

SHOP = "a.myshopify.com"
STATS = {"requests": 12, "retries": 1, "throttled": 2, "waited": 2.5, "by_label": {}}


class StatsDClient:
    """Sends a datagram per count, as the client of the ``statsd`` package does."""

    def __init__(self, port):
        self.socket, self.to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("127.0.0.1", port)

    def incr(self, stat, count=1, rate=1):
        self.socket.sendto(f"airflow.{stat}:{count}|c".encode(), self.to)


class FailingBackend:
    def incr(self, *args, **kwargs):
        message = "no such host"
        raise OSError(message)


@contextmanager
def backend(logger):
    """Replace the backend of Airflow's metrics; each Airflow version stores it elsewhere."""
    original = stats()
    try:
        from airflow.sdk.observability.stats import initialize
    except ImportError:
        kind = type(original)
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
    """A StatsD server behind Airflow's logger, which checks the names. Returns the counts that arrived, by name."""
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
        counts = {}
        while True:
            try:
                name, _, count = server.recv(1000).decode().rpartition(":")
            except TimeoutError:
                return counts
            counts[name.removeprefix("airflow.partners.")] = int(count.partition("|")[0])

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
    """Return the names of counters with tags; without tags if they are switched off."""
    return {name + (f",api={api},shop={shop}" if tags else ""): count for name, count in names.items()}


def test_request_metrics_arrive_per_api_and_shop(received):
    arrived, tags = received
    metrics.emit_request_metrics(STATS, api="yotpo", shop=SHOP)
    counts = {"requests": 12, "retries": 1, "throttled": 2, "waited_ms": 2500}
    assert arrived() == {
        **tagged(counts, tags, "yotpo", SHOP),
        **{f"{name}.yotpo.a_myshopify_com": count for name, count in counts.items()},
    }


def test_records_and_rejects_arrive(received):
    arrived, _ = received
    metrics.emit_record_metrics(74, 3, api="yofi", shop=SHOP)
    counts = arrived()
    assert counts["records.yofi.a_myshopify_com"] == 74
    assert counts["rejects.yofi.a_myshopify_com"] == 3
    assert len(counts) == 4


def test_zero_counts_are_not_emitted(received):
    arrived, _ = received
    metrics.emit_record_metrics(0, 0, api="yofi", shop=SHOP)
    assert arrived() == {}


@pytest.mark.parametrize("shop", ["a,b=c d", "x" * 400, "größe.example", None])
def test_any_account_gives_a_valid_metric_name(received, shop):
    arrived, _ = received
    metrics.emit_record_metrics(1, 0, api="shopify_partner", shop=shop)
    names = [name for name in arrived() if name.startswith("records.shopify_partner.")]
    assert len(names) == 1
    assert names[0].isascii()


def test_a_failing_metrics_backend_raises_no_error():
    with backend(FailingBackend()):
        metrics.emit_record_metrics(1, 0, api="yofi", shop=SHOP)


def test_closing_a_hook_emits_its_clients_metrics_once(received, monkeypatch):
    arrived, tags = received
    values = {"conn_type": "yotpo", "login": "store-1", "password": "s3cret-value"}
    monkeypatch.setenv("AIRFLOW_CONN_STORE_A", json.dumps(values))
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


def test_the_shop_replaces_the_account_in_metrics(received, monkeypatch):
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
