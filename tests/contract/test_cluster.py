"""What ``make cluster-test`` reads from ``docker-compose.yaml``, and what its checks find. It starts no service.

The rules of variables, merged parts, commands and health checks are those of the Compose file reference,
https://docs.docker.com/reference/compose-file/ (sections Interpolation, Fragments, ``command``, ``healthcheck``).
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from airflow_provider_partners.sandbox.call_log import Call

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yaml"
SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "AIRFLOW_SECRET_KEY", "AIRFLOW_JWT_SECRET", "AIRFLOW_FERNET_KEY")
VARIABLES = {name: f"the-{name}" for name in (*SECRETS, "AIRFLOW_ADMIN_PASSWORD")} | {"WORKERS": "2"}


def load(name: str) -> ModuleType:
    """Import a module of the folder ``tests/cluster``, whose modules import each other by their short names."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "cluster" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


compose, checks, native = load("compose"), load("checks"), load("native")


def services(**variables: str) -> dict[str, Any]:
    return compose.read_services(FILE, {**VARIABLES, **variables})


def test_every_service_has_the_files_command_and_its_own_variables_over_the_shared_ones() -> None:
    written = yaml.safe_load(FILE.read_text())["services"]
    found = services()

    for name, service in found.items():
        if service.name not in {"redis", "init", "expire", "sandbox"}:
            assert list(service.command) == written[name].get("command", []), name
    assert found["worker"].environment["DUMB_INIT_SETSID"] == "0"
    assert found["scheduler"].environment.items() <= found["worker"].environment.items()
    assert found["scheduler"].environment["AIRFLOW__CELERY__BROKER_URL"] == "redis://:the-REDIS_PASSWORD@redis:6379/0"
    assert found["redis"].command[:3] == ("redis-server", "--requirepass", "the-REDIS_PASSWORD")


def test_a_doubled_dollar_is_the_containers_own_and_a_default_counts_where_a_variable_is_empty() -> None:
    found = services(WORKER_CONCURRENCY="", PARALLELISM="3")

    assert 'airflow users create --role Admin --username "$ADMIN_NAME"' in found["init"].command[-1]
    assert found["worker"].environment["AIRFLOW__CELERY__WORKER_CONCURRENCY"] == "8"
    assert found["worker"].environment["AIRFLOW__CORE__PARALLELISM"] == "3"


def test_a_required_variable_must_be_set() -> None:
    with pytest.raises(LookupError, match=r"REDIS_PASSWORD is required: see deploy/env.example"):
        services(REDIS_PASSWORD="")


def test_health_checks_restarts_and_replicas_are_read() -> None:
    found = services()

    assert found["postgres"].health.command[:1] == ("pg_isready",)
    assert found["redis"].health.command == ("/bin/sh", "-c", "redis-cli ping | grep --quiet PONG")
    assert found["worker"].health.command[-1].endswith('--destination "celery@$(hostname)"')
    assert (found["worker"].health.interval, found["worker"].health.timeout) == (120, 60)
    assert found["worker"].replicas == 2
    assert found["worker"].grace == 600
    assert found["worker"].restarts
    assert not found["init"].restarts
    assert found["init"].health is None


def test_a_file_of_variables_may_have_comments_quotes_and_export(tmp_path: Path) -> None:
    file = tmp_path / "connections.env"
    file.write_text("#AIRFLOW_CONN_A='no'\nexport AIRFLOW_CONN_B='{\"host\": \"it'\"'\"'s\"}'\nAIRFLOW_VAR_C=1\n")
    environment = services(CONNECTIONS_FILE=str(file))["worker"].environment

    assert environment["AIRFLOW_CONN_B"] == '{"host": "it\'s"}'
    assert environment["AIRFLOW_VAR_C"] == "1"
    assert "AIRFLOW_CONN_A" not in environment


def test_services_start_after_those_that_they_depend_on() -> None:
    started = {name: service for name, service in services().items() if not service.profiles}
    order = [service.name for service in compose.start_order(started)]

    assert set(order[:2]) == {"postgres", "redis"}
    assert order[2] == "init"
    assert order.index("worker") > order.index("api-server")
    circle = {**started, "postgres": replace(started["postgres"], depends_on={"worker": "service_started"})}
    with pytest.raises(ValueError, match="wait for each other"):
        list(compose.start_order(circle))


def test_without_any_redis_the_error_names_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native.shutil, "which", lambda _: None)
    monkeypatch.setattr(native, "find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match=r"make cluster-test.*Debian's package redis-server"):
        native.find_redis()


def state(*ids: str, **changed: str) -> dict[str, Any]:
    orders = {id_: {"external_id": id_, "status": changed.get(id_, "open")} for id_ in ids}
    return {"order": orders, "product": {}}


@pytest.mark.parametrize(
    ("found", "failed"),
    [
        (state("a", "b"), set()),
        (state("a"), {"missing in Yotpo"}),
        (state("a", "b", b="closed"), {"other than in a run without faults"}),
        (state("a", "b", "c"), {"other than in a run without faults"}),
        (state(), {"missing in Yotpo"}),
    ],
    ids=["equal", "lost", "changed", "too many", "nothing"],
)
def test_what_is_lost_or_other_than_without_faults_is_found(found: Any, failed: set[str]) -> None:
    lines = list(checks.check_lost({"shop": found}, {"shop": state("a", "b")}))

    assert {line.what for line in lines if not line.passed} == failed


def call(second: float, *, partner: str = "yotpo", shop: str = "store", status: int = 201) -> Call:
    at = f"2026-01-01T00:00:{second:06.3f}Z"
    values = {"operation": "orders.create", "method": "POST", "path": "/", "milliseconds": 1.0}
    return Call(number=1, at=at, partner=partner, shop=shop, status=status, **values)


def test_a_second_creation_that_the_partner_accepts_is_found() -> None:
    expected = {"shop": state("a", "b")}
    refused = [call(3, status=409), call(4, status=500)]

    assert all(each.passed for each in checks.check_doubled([call(1), call(2), *refused], expected))
    assert not all(each.passed for each in checks.check_doubled([call(1), call(2), call(3)], expected))


def test_more_requests_than_a_credential_allows_are_found_whichever_worker_sent_them() -> None:
    """Yotpo's limit is 5 requests a second for each store; two workers that keep one each would send 10."""
    one = [call(number / 5) for number in range(100)]
    two = [*one, *one]
    apart = [*one, *(replace(each, shop="other") for each in one)]

    assert all(each.passed for each in checks.check_limits(one, {"yotpo": 5}))
    assert all(each.passed for each in checks.check_limits(apart, {"yotpo": 5}))
    assert [each.found for each in checks.check_limits(two, {"yotpo": 5}) if not each.passed] == ["10.0 of 5"]
    shared = [replace(each, partner="yofi") for each in apart]
    assert not all(each.passed for each in checks.check_limits(shared, {"yofi": 5}))


def test_an_answer_that_says_too_many_requests_is_found() -> None:
    lines = list(checks.check_limits([call(1), call(2, status=429)], {"yotpo": 5}))

    assert [line.found for line in lines if not line.passed] == ["1 yotpo"]


def test_processes_that_each_have_the_limit_for_themselves_or_wait_too_long_are_found() -> None:
    """Shopify allows an app 4 requests a second to the Partner API, https://shopify.dev/docs/api/partner#rate-limits."""
    allowed = 4 * 30.0

    together = checks.check_shared_limit([28, 30, 31, 27], allowed)

    assert together.passed
    assert together.found == "96.7 %: 28 + 30 + 31 + 27 calls"
    for calls in ([116, 117, 118, 119], [60, 50, 0, 5], [20, 20, 20, 20]):
        assert not checks.check_shared_limit(calls, allowed).passed


def test_a_seed_decides_the_same_each_time_and_seeds_differ() -> None:
    plan = load("run").Plan
    plans = [plan.of(seed, 2) for seed in range(20)]

    assert plans == [plan.of(seed, 2) for seed in range(20)]
    assert {victim for each in plans for victim, _ in each.kills} == {"worker-1", "worker-2", "scheduler"}
    assert {each.kills[0][0] == "scheduler" for each in plans} == {True, False}
    assert all(0 < each.kills[0][1] <= each.kills[1][1] < 1 for each in plans)
