"""The notifier that posts to a webhook, against a server on this machine."""

from __future__ import annotations

import asyncio
import base64
import http.server
import json
import threading
import traceback
from types import SimpleNamespace

import pytest

from airflow_provider_partners import PartnerWebhookNotifier, get_provider_info
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    NotDefinedError,
    RetryableError,
)

SECRET = "T000/B000/very-secret-path"
CONTEXT = {"dag": None, "run_id": "r1", "reason": "task_failure", "dag_run": {"dag_id": "sync", "run_id": "r1"}}


@pytest.fixture
def receiver():
    """A server that keeps what it gets, and answers with the statuses in ``answers``, then with 200."""
    received, answers = [], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(SimpleNamespace(path=self.path, headers=dict(self.headers), body=json.loads(body)))
            status = answers.pop(0) if answers else 200
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}", received=received, answers=answers)
    server.shutdown()
    server.server_close()


@pytest.fixture
def connect(monkeypatch, tmp_path, receiver):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", tmp_path.as_uri())

    def connect(host="/hook", **fields):
        value = {"conn_type": "generic", "host": f"{receiver.url}{host}" if host.startswith("/") else host, **fields}
        monkeypatch.setenv("AIRFLOW_CONN_PARTNER_WEBHOOK", json.dumps(value))

    return connect


def test_the_message_is_posted_as_json(connect, receiver):
    connect("/hook?v=1&sig=a%2Fb")
    PartnerWebhookNotifier()(dict(CONTEXT))
    (post,) = receiver.received
    assert post.path == "/hook?v=1&sig=a%2Fb"
    assert post.headers["Content-Type"] == "application/json"
    assert (post.body["dag_id"], post.body["run_id"], post.body["state"]) == ("sync", "r1", "failed")
    assert post.body["text"].startswith("sync failed")
    assert "Authorization" not in post.headers


def test_a_password_alone_is_a_bearer_token(connect, receiver):
    """https://www.rfc-editor.org/rfc/rfc6750#section-2.1"""
    connect(password=SECRET)
    PartnerWebhookNotifier().notify(CONTEXT)
    assert receiver.received[0].headers["Authorization"] == f"Bearer {SECRET}"


def test_a_login_and_a_password_are_basic_authentication(connect, receiver):
    """https://www.rfc-editor.org/rfc/rfc7617#section-2"""
    connect(login="me", password=SECRET)
    PartnerWebhookNotifier().notify(CONTEXT)
    kind, value = receiver.received[0].headers["Authorization"].split()
    assert (kind, base64.b64decode(value).decode()) == ("Basic", f"me:{SECRET}")


def test_a_secret_path_comes_from_the_password_and_is_in_no_log_and_no_error(connect, receiver, caplog):
    """Slack's incoming webhooks have their secret in the path, https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    caplog.set_level("DEBUG")
    connect("/services/{password}", password=SECRET)
    receiver.answers[:] = [404]
    with pytest.raises(Exception) as raised:  # noqa: PT011  # whatever it is, it must not hold the secret
        PartnerWebhookNotifier(timeout=5)(dict(CONTEXT))
    assert receiver.received[0].path == f"/services/{SECRET}"
    assert "Authorization" not in receiver.received[0].headers
    assert SECRET not in f"{raised.value!r} {raised.value} {caplog.text}"
    assert "very-secret" not in caplog.text


@pytest.mark.parametrize("connection", [{"password": SECRET}, {"host": "/x/{password}", "password": SECRET}])
def test_no_frame_of_an_error_holds_the_password(connect, receiver, connection):
    """A reporter of errors records local variables, see ``capture_locals`` in
    https://docs.python.org/3/library/traceback.html#traceback.TracebackException"""
    connect(**connection)
    receiver.answers[:] = [403]
    with pytest.raises(AuthenticationError) as raised:
        PartnerWebhookNotifier(timeout=5)(dict(CONTEXT))
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    frames = [frame for frame in shown.stack if frame.filename.endswith("webhook.py")]
    assert frames
    assert not [frame for frame in frames if SECRET in str(frame.locals) and "test_" not in frame.filename]
    assert not [frame for frame in shown.stack if "api/http" in frame.filename]


def test_a_payload_of_one_s_own_is_rendered_with_the_text(connect, receiver):
    connect()
    PartnerWebhookNotifier(payload={"text": "*Partners*\n{{ partner_summary() }}", "run": "{{ run_id }}"})(
        dict(CONTEXT)
    )
    assert receiver.received[0].body["text"].startswith("*Partners*\nsync failed")
    assert receiver.received[0].body["run"] == "r1"


def test_the_payload_is_rendered_where_the_dag_is_the_one_that_airflow_has_stored(connect, receiver):
    """``airflow dags test`` calls back with Airflow's own serialized Dag: ``execute_dag_callbacks`` in
    https://github.com/apache/airflow/blob/main/airflow-core/src/airflow/models/dagrun.py. It renders no templates.
    """
    from airflow.sdk import DAG
    from airflow.serialization import serialized_objects

    serialization = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    stored = serialization.from_dict(serialization.to_dict(DAG("sync", schedule=None)))
    connect()
    PartnerWebhookNotifier(payload={"text": "{{ partner_summary() }}"})(dict(CONTEXT, dag=stored))
    assert receiver.received[0].body["text"].startswith("sync failed")


def test_a_passing_failure_is_repeated_under_the_same_key(connect, receiver):
    """https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/"""
    connect()
    receiver.answers[:] = [503]
    PartnerWebhookNotifier(timeout=20).notify(CONTEXT)
    assert len(receiver.received) == 2
    assert len({post.headers["Idempotency-Key"] for post in receiver.received}) == 1


def test_refused_credentials_are_an_error(connect, receiver):
    connect(password=SECRET)
    receiver.answers[:] = [401] * 9
    with pytest.raises(AuthenticationError):
        PartnerWebhookNotifier(timeout=10).notify(CONTEXT)


def test_a_receiver_that_is_down_does_not_hold_the_callback_longer_than_the_timeout(connect):
    connect("http://127.0.0.1:9/hook")
    with pytest.raises(RetryableError):
        PartnerWebhookNotifier(timeout=1).notify(CONTEXT)


@pytest.mark.parametrize("host", ["example.com/hook", "http://example.com/hook", "ftp://example.com", "", "https://"])
def test_only_https_is_accepted_except_on_this_machine(connect, host):
    connect(host)
    with pytest.raises(ConfigurationError, match="'partner_webhook' is no https URL"):
        PartnerWebhookNotifier().notify(CONTEXT)


def test_an_unknown_connection_is_named(monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_NOWHERE", raising=False)
    with pytest.raises(NotDefinedError, match="'nowhere'"):
        PartnerWebhookNotifier(webhook_conn_id="nowhere").notify(CONTEXT)


def test_it_is_awaited_as_the_callback_of_a_deadline(connect, receiver):
    """The triggerer awaits the callback with its context, see ``airflow.triggers.callback.CallbackTrigger.run``."""
    connect()
    late = {"dag_run": {"dag_id": "sync", "dag_run_id": "r1"}, "deadline": {"id": "1"}}

    async def miss():
        await PartnerWebhookNotifier(webhook_conn_id="partner_webhook", context=late)

    asyncio.run(miss())
    assert (receiver.received[0].body["state"], receiver.received[0].body["title"]) == ("late", "sync is late")


@pytest.mark.parametrize("timeout", [0, -1, True, "30", 601])
def test_a_wrong_timeout_is_refused_when_the_dag_is_loaded(timeout):
    with pytest.raises(ConfigurationError, match="'timeout'"):
        PartnerWebhookNotifier(timeout=timeout)


def test_airflow_lists_the_notifier():
    path = "airflow_provider_partners.notifications.webhook.PartnerWebhookNotifier"
    assert get_provider_info.get_provider_info()["notifications"] == [path]
