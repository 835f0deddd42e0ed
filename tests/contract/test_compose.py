"""The compose file against what it has to be: pinned, healthy, without secrets of its own, and true to our options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.cli.cli_parser import get_parser

from airflow_provider_partners.get_provider_info import get_provider_info

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
RUNNING = {name: service for name, service in SERVICES.items() if service.get("restart") != "no"}
EXAMPLE = (ROOT / "deploy" / "env.example").read_text()
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:[-?][^}]*)?\}")


def test_every_part_of_an_airflow_is_there() -> None:
    parts = {"postgres", "redis", "init", "api-server", "scheduler", "dag-processor", "triggerer", "worker", "sandbox"}
    assert set(SERVICES) == parts
    assert SERVICES["sandbox"]["profiles"] == ["sandbox"]


@pytest.mark.parametrize("name", sorted(RUNNING))
def test_whoever_runs_is_looked_after(name: str) -> None:
    service = RUNNING[name]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"]["max-size"]
    check = service["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries"} <= set(check)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        dockerfile = (ROOT / service["build"]["dockerfile"]).read_text()
        image = re.search(r"^FROM (\S+)$", dockerfile, re.MULTILINE)
        assert image is not None
        assert image[1] == "apache/airflow:3.3.2-python3.12"
    else:
        assert re.fullmatch(r"[a-z]+:\d+(\.\d+)*", service["image"])


def test_secrets_come_from_the_environment_and_have_no_default() -> None:
    secrets = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_SECRET_KEY", "AIRFLOW_JWT_SECRET"}
    found = {name: default for name, default in VARIABLE.findall(TEXT) if re.search("PASSWORD|SECRET|KEY", name)}
    assert set(found) == secrets
    assert all(default.startswith(":?") for default in found.values())
    assert all(re.search(rf"^{name}=$", EXAMPLE, re.MULTILINE) for name in secrets)


def test_the_example_names_every_variable_and_no_other() -> None:
    assert {name for name, _ in VARIABLE.findall(TEXT)} == set(re.findall(r"^(\w+)=", EXAMPLE, re.MULTILINE))


def test_defaults_are_those_of_the_example() -> None:
    shown = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert {
        name: default[2:] for name, default in VARIABLE.findall(TEXT) if default.startswith(":-")
    }.items() <= shown.items()


def test_options_of_the_provider_exist() -> None:
    config: Any = get_provider_info()["config"]
    named = {
        key.removeprefix("AIRFLOW__PARTNERS__").lower()
        for service in SERVICES.values()
        for key in service.get("environment", {})
        if key.startswith("AIRFLOW__PARTNERS__")
    }
    assert named == {"staging_uri", "budget_uri"}
    assert named <= set(config["partners"]["options"])


def test_workers_can_be_many_and_have_time_to_finish() -> None:
    worker = SERVICES["worker"]
    assert not {"container_name", "ports", "hostname"} & set(worker)
    assert worker["stop_grace_period"] == "10m"


def test_all_of_airflow_shares_datasets_and_environment() -> None:
    airflow = [name for name, service in SERVICES.items() if "build" in service]
    assert len(airflow) == 7
    for name in airflow:
        assert "datasets:/opt/airflow/datasets" in SERVICES[name]["volumes"]
        assert SERVICES["worker"]["environment"].items() >= SERVICES[name]["environment"].items()


@pytest.mark.parametrize(
    "name", sorted(name for name in SERVICES if SERVICES[name].get("command", [""])[0] == "airflow")
)
def test_commands_are_airflows(name: str) -> None:
    command = SERVICES[name]["command"][1:]
    if command[0] == "celery":
        # Of the Celery provider, which is in the image.
        assert command == ["celery", "worker"]
        return
    assert get_parser().parse_args(command).func


def test_health_checks_that_ask_airflow_ask_for_jobs_that_exist() -> None:
    asked = [service["healthcheck"]["test"][1:] for service in RUNNING.values()]
    jobs = [words for words in asked if words[:3] == ["airflow", "jobs", "check"]]
    assert len(jobs) == 2
    for words in jobs:
        assert get_parser().parse_args(words[1:]).job_type in {"DagProcessorJob", "TriggererJob"}
