"""The compose file is valid and pinned, has health checks and no secret, and uses only options that exist.

``compose-spec.json`` is the unchanged schema of the Compose Specification, under the Apache License 2.0 like this
project. ``docker compose config`` is Compose's own check of the file.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from airflow_provider_partners.get_provider_info import get_provider_info
from airflow_provider_partners.hooks.connection import read_connection

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text()
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
EXAMPLE = (ROOT / "deploy" / "env.example").read_text()
SCHEMA = json.loads((ROOT / "tests" / "contract" / "compose-spec.json").read_text())
CONNECTIONS = (ROOT / "deploy" / "connections.example").read_text()

VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:[-?][^}]*)?\}")
SHOWN: dict[str, str] = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE))
SECRETS = sorted(name for name, value in SHOWN.items() if not value and name != "REQUIREMENTS")


def resolved(value: Any) -> Any:
    """Return the file as Compose reads it with the example's values; a secret's value is ``the-`` plus its name."""
    if isinstance(value, dict):
        return {key: resolved(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolved(inner) for inner in value]
    if not isinstance(value, str):
        return value
    return VARIABLE.sub(lambda match: f"the-{match[1]}" if match[1] in SECRETS else SHOWN[match[1]], value).replace(
        "$$", "$"
    )


COMPOSE: dict[str, Any] = resolved(yaml.safe_load(TEXT))
SERVICES: dict[str, Any] = COMPOSE["services"]
RUNNING = {name: service for name, service in SERVICES.items() if service["restart"] != "no"}
AIRFLOW = {name: service for name, service in SERVICES.items() if "env_file" in service}


def test_the_file_is_valid_by_the_specification() -> None:
    jsonschema.validate(COMPOSE, SCHEMA)


def test_the_specification_finds_a_misspelt_key() -> None:
    with pytest.raises(jsonschema.ValidationError, match="'restarts' was unexpected"):
        jsonschema.validate({"services": {"worker": {**SERVICES["worker"], "restarts": "no"}}}, SCHEMA)


def test_every_service_of_airflow_starts_and_the_optional_ones_need_a_profile() -> None:
    started = {name for name, service in SERVICES.items() if "profiles" not in service}

    assert started == {
        *("postgres", "redis", "init"),
        *("api-server", "scheduler", "dag-processor", "triggerer", "worker"),
    }
    assert {name: SERVICES[name]["profiles"] for name in set(SERVICES) - started} == {
        "sandbox": ["sandbox"],
        "expire": ["maintenance"],
    }


@pytest.mark.parametrize("name", sorted(RUNNING))
def test_a_running_service_has_a_health_check_a_restart_policy_and_limits(name: str) -> None:
    service = RUNNING[name]
    check = service["healthcheck"]

    assert service["restart"] == "unless-stopped"
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert service["stop_grace_period"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(RUNNING)))
def test_a_service_that_ends_has_no_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_service_gains_privileges(name: str) -> None:
    service = SERVICES[name]

    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    if "build" in service:
        assert service["cap_drop"] == ["ALL"]
        # The rule of Airflow's image: any user, with the group 0.
        assert re.fullmatch(r"[1-9]\d*:0", service["user"])


def test_images_are_pinned_to_one_release() -> None:
    images = {SERVICES["postgres"]["image"], SERVICES["redis"]["image"], SHOWN["AIRFLOW_IMAGE"]}

    assert all(re.fullmatch(r"(?:[a-z]+/)?[a-z]+:\d+\.\d+(?:\.\d+)?-[a-z0-9.]+", image) for image in images), images
    assert f"\nARG AIRFLOW_IMAGE={SHOWN['AIRFLOW_IMAGE']}\n" in DOCKERFILE
    assert re.findall(r"^FROM (.+)$", DOCKERFILE, re.MULTILINE) == ["${AIRFLOW_IMAGE}"]


def test_secrets_come_from_the_environment_and_have_no_default() -> None:
    sounds_secret = {name for name, _ in VARIABLE.findall(TEXT) if re.search("PASSWORD|SECRET|KEY|TOKEN", name)}

    assert set(SECRETS) == sounds_secret
    assert len(SECRETS) == 6
    assert {default for name, default in VARIABLE.findall(TEXT) if name in SECRETS} == {":?see deploy/env.example"}


def test_no_secret_is_in_the_file() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|FERNET|AUTH$|_CONN$|BROKER_URL|BUDGET_URI|RESULT_BACKEND", key):
                assert re.search(rf"the-(?:{'|'.join(SECRETS)})", str(value)), f"{name}: {key}"
        # A list of processes shows arguments. Only Redis takes its password in no other way.
        assert name == "redis" or not re.search(r"the-", " ".join(service.get("command", ())))


def test_the_sandbox_gets_no_secret() -> None:
    sandbox = SERVICES["sandbox"]

    assert set(sandbox["environment"]) == {"CONNECTION_CHECK_MAX_COUNT"}
    assert not {"env_file", "volumes", "depends_on", "ports"} & set(sandbox)


def test_the_example_has_exactly_the_used_variables_with_their_defaults() -> None:
    used = dict(VARIABLE.findall(TEXT))

    # Compose itself reads this one.
    assert set(SHOWN) - {"COMPOSE_PROJECT_NAME"} == set(used)
    assert {name: default[2:] for name, default in used.items() if default.startswith(":-")}.items() <= SHOWN.items()


def test_every_service_of_airflow_has_the_same_configuration() -> None:
    common = COMPOSE["x-airflow"]["environment"]

    assert sorted(AIRFLOW) == [
        *("api-server", "dag-processor", "expire", "init", "scheduler", "triggerer", "worker"),
    ]
    for name, service in AIRFLOW.items():
        assert service["environment"].items() >= common.items(), name
        assert service["volumes"] == COMPOSE["x-airflow"]["volumes"], name


def test_options_of_the_provider_exist() -> None:
    config: Any = get_provider_info()["config"]
    named = {
        key.removeprefix("AIRFLOW__PARTNERS__").lower()
        for key in COMPOSE["x-airflow"]["environment"]
        if key.startswith("AIRFLOW__PARTNERS__")
    }

    assert named == {"staging_uri", "budget_uri", "retention_days"}
    assert named <= set(config["partners"]["options"])


def test_options_of_airflow_exist() -> None:
    from airflow.configuration import conf

    for key in COMPOSE["x-airflow"]["environment"]:
        _, section, option = key.lower().split("__")
        if section.startswith("celery") and find_spec("airflow.providers.celery") is None:
            continue  # the image has this provider, this environment has not
        declared = conf.configuration_description[section]["options"]
        # Airflow passes the transport's options to the broker, and declares none of them.
        assert option in declared or section == "celery_broker_transport_options", key


def test_datasets_are_on_a_volume_that_every_service_mounts() -> None:
    staging = COMPOSE["x-airflow"]["environment"]["AIRFLOW__PARTNERS__STAGING_URI"]

    assert f"datasets:{staging}" in COMPOSE["x-airflow"]["volumes"]
    # The image creates the folder, so that a new volume belongs to Airflow's user.
    assert re.search(rf"^RUN mkdir .*{staging}$", DOCKERFILE, re.MULTILINE)


def test_workers_can_scale_and_have_time_to_finish() -> None:
    worker = SERVICES["worker"]

    assert not {"container_name", "ports", "hostname"} & set(worker)
    assert worker["deploy"]["replicas"] == "1"
    assert worker["stop_grace_period"] == "10m"
    assert worker["environment"]["DUMB_INIT_SETSID"] == "0"


def test_only_the_api_server_has_a_port_and_only_on_this_host() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "api-server": ["127.0.0.1:8080:8080"]
    }


def test_tasks_have_the_address_of_the_api_server() -> None:
    assert COMPOSE["x-airflow"]["environment"]["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == (
        "http://api-server:8080/execution/"
    )


def airflow_commands() -> dict[str, list[str]]:
    """Return every command line of Airflow in the file, also those in scripts and health checks."""
    commands: dict[str, list[str]] = {}
    for name, service in SERVICES.items():
        check = service["healthcheck"].get("test", ["", ""])
        for words in (service.get("command", []), check[1:]):
            script = words[-1] if words[:1] == ["bash"] else shlex.join(words)
            for number, line in enumerate(script.split(" && ")):
                arguments = shlex.split(line)
                if arguments[:1] == ["airflow"]:
                    commands[f"{name} {' '.join(arguments[1:3])} {number}"] = arguments[1:]
    return commands


COMMANDS = airflow_commands()

OF_PROVIDERS = {
    "celery": ("airflow.providers.celery", {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor"}),
    "users": (
        "airflow.providers.fab",
        {"AIRFLOW__CORE__AUTH_MANAGER": COMPOSE["x-airflow"]["environment"]["AIRFLOW__CORE__AUTH_MANAGER"]},
    ),
}
"""Commands of providers in the image: the provider's module, and the settings that make Airflow load the commands."""

_PARSE = """
import json, sys
from airflow.cli.cli_parser import get_parser

for words in json.load(sys.stdin):
    assert get_parser().parse_args(words).func, words
"""


def parse(commands: list[list[str]], environment: dict[str, str], home: Path) -> None:
    """Parse the commands with Airflow's parser, in a new process, because the parser depends on the configuration."""
    process = subprocess.run(
        [sys.executable, "-c", _PARSE],
        input=json.dumps([[re.sub(r"^\$before$", "2026-01-01", word) for word in words] for words in commands]),
        env={**os.environ, **environment, "AIRFLOW_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-600:]


def test_the_file_runs_these_commands() -> None:
    assert {" ".join(words[:2]) for words in COMMANDS.values()} == {
        *("api-server", "scheduler", "dag-processor", "triggerer", "celery worker"),
        *("db migrate", "users create", "jobs check", "db clean"),
    }


def test_airflows_parser_accepts_the_commands(tmp_path: Path) -> None:
    """A provider's commands are checked if that provider is installed."""
    parse([words for words in COMMANDS.values() if words[0] not in OF_PROVIDERS], {}, tmp_path)
    for group, (module, environment) in OF_PROVIDERS.items():
        if importlib.util.find_spec(module):
            parse([words for words in COMMANDS.values() if words[0] == group], environment, tmp_path)


def test_the_job_types_of_the_health_checks_exist() -> None:
    from airflow.jobs.dag_processor_job_runner import DagProcessorJobRunner
    from airflow.jobs.triggerer_job_runner import TriggererJobRunner

    job_types = {words[words.index("--job-type") + 1] for words in COMMANDS.values() if "--job-type" in words}

    assert job_types == {DagProcessorJobRunner.job_type, TriggererJobRunner.job_type}


def test_the_sandbox_has_the_options_and_the_path_that_the_file_uses() -> None:
    from airflow_provider_partners.sandbox.__main__ import _parser

    sandbox = SERVICES["sandbox"]
    assert sandbox["command"][:3] == ["python", "-m", "airflow_provider_partners.sandbox"]
    options = _parser().parse_args(sandbox["command"][3:])

    assert (options.command, options.host, options.port) == ("serve", "0.0.0.0", 8900)
    assert (options.shops, options.orders) == (2, 100)
    assert sandbox["healthcheck"]["test"][-1] == "http://localhost:8900/_sandbox/health"


def test_the_example_connections_are_comments_that_the_hooks_accept() -> None:
    from types import SimpleNamespace

    lines = CONNECTIONS.splitlines()
    assert all(line.startswith("#") for line in lines), "every container would get a line without #"
    variables = dict(re.findall(r"^#(AIRFLOW_(?:CONN|VAR)_\w+)='(.+)'$", CONNECTIONS, re.MULTILINE))
    connections = {name: json.loads(value) for name, value in variables.items() if "_CONN_" in name}
    assert len(variables) == len(lines) - 1

    for name, values in connections.items():
        fields = {**dict.fromkeys(("host", "schema", "login", "password", "port")), **values}
        fields["extra"] = json.dumps(values.get("extra", {}))
        stored = SimpleNamespace(conn_id=name.lower(), **fields)
        assert read_connection(stored, conn_type=values["conn_type"], default_host="https://a.example").password, name
    assert {values["conn_type"] for values in connections.values()} == {
        entry["connection-type"]
        for entry in get_provider_info()["connection-types"]  # type: ignore[attr-defined]
    }
    route = json.loads(variables["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"])[0]
    named = {route[field] for field in route if field.endswith("_conn_id")} - {None}
    assert named <= {name.removeprefix("AIRFLOW_CONN_").lower() for name in connections}


def test_the_builder_gets_the_files_that_the_image_needs() -> None:
    import tomllib

    patterns = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {
        "pyproject.toml",
        project["project"]["readme"],
        *(name.split("/")[0] for name in project["project"]["license-files"]),
        *project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"],
    }

    assert "*" in patterns
    assert {f"!{name}" for name in needed} <= set(patterns)


@pytest.mark.parametrize("name", [".env", "deploy/connections.env"])
def test_git_ignores_files_with_secrets(name: str) -> None:
    assert f"/{name}" in (ROOT / ".gitignore").read_text().splitlines()
