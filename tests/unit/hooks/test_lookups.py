"""Look-ups in Airflow: what is not found may be an outage of Airflow, so it is never a default and never for good."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_provider_partners._compat import AirflowNotFoundException
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    FatalError,
    NotDefinedError,
    RetryableError,
)
from airflow_provider_partners.hooks import lookups
from airflow_provider_partners.hooks.yotpo import YotpoHook


class FailingApiServer:
    """A supervisor whose API server fails. Airflow sends an ``ErrorResponse`` then, as for what does not exist.

    Source: ``airflow.sdk.execution_time.supervisor`` answers ``API_SERVER_ERROR`` to a failed request, and
    ``ExecutionAPISecretsBackend`` returns ``None`` for every error but ``PERMISSION_DENIED``.
    """

    def __init__(self, error="API_SERVER_ERROR"):
        from airflow.sdk.exceptions import ErrorType
        from airflow.sdk.execution_time.comms import ErrorResponse

        self.response = ErrorResponse(error=ErrorType[error], detail={"status_code": 503})

    def send(self, message):
        return self.response


@pytest.fixture
def api_server(monkeypatch):
    """Let every look-up go to a supervisor, as in a task."""
    from airflow.sdk.execution_time import context, supervisor, task_runner

    def use(error):
        try:
            from airflow.sdk.execution_time.secrets import ExecutionAPISecretsBackend
        except ImportError:  # 3.0
            pytest.skip("Airflow 3.0 asks the supervisor itself")
        monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", FailingApiServer(error), raising=False)
        backends = [ExecutionAPISecretsBackend()]
        monkeypatch.setattr(supervisor, "ensure_secrets_backend_loaded", lambda: backends)
        assert context

    return use


@pytest.mark.parametrize("error", ["API_SERVER_ERROR", "GENERIC_ERROR", "VARIABLE_NOT_FOUND"])
def test_a_variable_that_is_not_found_is_left_to_a_retry_and_both_causes_are_named(api_server, error):
    api_server(error)
    with pytest.raises(NotDefinedError) as raised:
        lookups.get_variable("partner_app_id", remedy="Set it to gid://partners/App/….")
    assert isinstance(raised.value, RetryableError)
    assert not isinstance(raised.value, FatalError)
    text = str(raised.value)
    assert text.startswith("Airflow did not find the Variable 'partner_app_id'. Set it to gid://partners/App/….")
    assert "while its API server or secrets backend fails; then a retry helps" in text


@pytest.mark.parametrize("error", ["API_SERVER_ERROR", "GENERIC_ERROR", "CONNECTION_NOT_FOUND"])
def test_a_connection_that_is_not_found_is_left_to_a_retry_and_both_causes_are_named(api_server, error):
    api_server(error)
    with pytest.raises(NotDefinedError) as raised:
        YotpoHook("store_a").get_conn()
    text = str(raised.value)
    assert text.startswith("Airflow did not find the connection 'store_a'. Create a connection of type 'yotpo'")
    assert "while its API server or secrets backend fails; then a retry helps" in text


def test_what_airflow_denies_is_no_outage(monkeypatch):
    def denied(*_):
        raise PermissionError("denied")

    monkeypatch.setattr(lookups, "Variable", SimpleNamespace(get=denied))
    with pytest.raises(AuthenticationError, match="denies this task the Variable 'x'"):
        lookups.get_variable("x", remedy="Set it.")
    with pytest.raises(AuthenticationError, match="denies this task the connection 'c'"):
        lookups.find_connection(denied, "c", conn_type="yofi")


def test_an_environment_variable_that_is_no_connection_is_named(monkeypatch):
    """Airflow skips a backend that raises an error, so a misspelt JSON reads as "not found" too."""
    monkeypatch.setenv("AIRFLOW_CONN_STORE_A", '{"conn_type": "yotpo", ')
    with pytest.raises(ConfigurationError, match="AIRFLOW_CONN_STORE_A is set, but Airflow can't read a connection"):
        YotpoHook("store_a").get_conn()


def test_a_variable_is_returned_as_it_is(monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_SOMETHING", "")
    assert lookups.get_variable("something", remedy="Set it.") == ""


def test_the_hooks_look_up_goes_through_airflow(monkeypatch):
    def unknown(conn_id):
        raise AirflowNotFoundException(conn_id)

    with pytest.raises(NotDefinedError, match="of type 'yofi'"):
        lookups.find_connection(unknown, "c", conn_type="yofi")


def test_a_task_with_many_steps_looks_a_connection_up_once():
    looked_up = []

    def get_connection(conn_id):
        looked_up.append(conn_id)
        if conn_id == "missing":
            raise AirflowNotFoundException
        return SimpleNamespace(conn_id=conn_id)

    with lookups.remembered_connections():
        for conn_id in ("a", "b", "a", "b"):
            assert lookups.find_connection(get_connection, conn_id, conn_type="yotpo").conn_id == conn_id
        for _ in range(2):
            with pytest.raises(NotDefinedError):
                lookups.find_connection(get_connection, "missing", conn_type="yotpo")
    assert looked_up == ["a", "b", "missing", "missing"]
    lookups.find_connection(get_connection, "a", conn_type="yotpo")
    assert looked_up[-1] == "a"


def test_a_secret_that_is_replaced_while_a_task_runs_reaches_its_later_lanes(monkeypatch):
    """A step that is a task of its own would look the connection up right before it."""
    now, secret = [1000.0], ["old"]
    monkeypatch.setattr(lookups.time, "monotonic", lambda: now[0])

    def password():
        return lookups.find_connection(lambda _: secret[0], "a", conn_type="yotpo")

    with lookups.remembered_connections():
        assert password() == "old"
        secret[0] = "new"
        now[0] += lookups.REMEMBERED_SECONDS - 1
        assert password() == "old"
        now[0] += 1
        assert password() == "new"
        now[0] += lookups.REMEMBERED_SECONDS - 1
        assert password() == "new"
