from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest

from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.exceptions import AuthenticationError, NotDefinedError
from airflow_provider_partners.hooks import connection_forms
from airflow_provider_partners.hooks.base import PartnerHook


class StoreClient:
    """A client without a network."""

    def __init__(self, connection, options):
        self.connection, self.options, self.closed, self.stats = connection, options, False, RequestStats()

    def ping(self):
        if self.connection.password == "refused":
            raise AuthenticationError("the secret was refused", partner="Yotpo", status=401, remedy="Renew it.")
        return "The store answers."

    def close(self):
        self.closed = True


class StoreHook(PartnerHook):
    conn_name_attr, default_conn_name, conn_type = "yotpo_conn_id", "yotpo_default", "yotpo"
    hook_name, default_host = "Yotpo", "https://api.yotpo.com"

    def build_client(self, connection):
        connection.require("login")
        return StoreClient(connection, self.client_options(connection.base_url, connection.login))


@pytest.fixture
def connection(monkeypatch):
    """Return a function that defines a connection in the environment and returns its hook."""

    def store(**fields):
        values = {"conn_type": "yotpo", "login": "store-1", "password": "s3cret-value", **fields}
        monkeypatch.setenv("AIRFLOW_CONN_STORE_A", json.dumps(values))
        return StoreHook("store_a")

    return store


def test_nothing_is_read_when_a_hook_is_made():
    assert StoreHook("not_there").conn_id == "not_there"


def test_a_missing_connection_is_named_with_its_type():
    with pytest.raises(NotDefinedError, match=r"connection 'not_there'. Create a connection of type 'yotpo'"):
        StoreHook("not_there").get_conn()


def test_the_client_is_built_once_and_kept(connection):
    hook = connection()
    assert hook.get_conn() is hook.get_conn()


def test_the_context_manager_returns_the_client_and_closes_it(connection):
    hook = connection()
    with hook as client:
        assert not client.closed
    assert client.closed
    assert hook.get_conn() is not client


def test_the_client_is_closed_when_the_task_fails(connection):
    hook = connection()
    with pytest.raises(KeyError), hook as client:
        raise KeyError
    assert client.closed


def test_the_test_button_makes_one_read(connection):
    assert connection().test_connection() == (True, "The store answers.")


def test_the_test_button_shows_the_remedy(connection):
    assert connection(password="refused").test_connection() == (
        False,
        "Yotpo: the secret was refused (HTTP 401). Renew it.",
    )


def test_the_test_button_shows_what_is_wrong_with_the_connection(connection):
    success, message = connection(extra={"secret": "x"}).test_connection()
    assert not success
    assert "unknown extras: 'secret'. Its extras are: auth, requests_per_second" in message


def test_secrets_of_the_connection_are_masked_in_logs(connection):
    from airflow.sdk.log import redact

    connection(password="a-very-own-secret").get_conn()
    assert redact("sent a-very-own-secret") == "sent ***"


def test_tokens_that_the_client_obtains_are_masked_in_logs(connection):
    from airflow.sdk.log import redact

    connection().get_conn().options.on_secret("token-of-this-hour")
    assert redact("sent token-of-this-hour") == "sent ***"


def test_waits_follow_the_settings(connection, monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__REQUEST_DEADLINE", "42")
    monkeypatch.setenv("AIRFLOW__PARTNERS__MAX_WAIT", "7")
    options = connection().get_conn().options
    assert (options.deadline, options.max_wait) == (42, 7)


def test_short_timeouts_lower_the_settings_and_never_raise_them(connection, monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__REQUEST_DEADLINE", "300")
    monkeypatch.setenv("AIRFLOW__PARTNERS__MAX_WAIT", "2")
    hook = connection()
    hook.short_timeouts = True
    options = hook.get_conn().options
    assert (options.deadline, options.max_wait) == (60, 2)


def test_hooks_with_the_same_credential_share_a_rate_limit(connection, monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", tmp_path.as_uri())

    def count(**fields):
        return connection(**fields).get_conn().options.rate_limit_store.update(lambda count: (count or 0) + 1)

    assert (count(), count()) == (1, 2)
    assert count(password="another-secret") == 3
    assert count(login="store-2") == 1
    assert not any("store-" in path.name for path in tmp_path.rglob("*"))


def test_every_hook_class_has_form_methods_of_its_own():
    assert {"get_connection_form_widgets", "get_ui_field_behaviour"} <= set(vars(StoreHook))


def test_the_form_method_returns_the_declared_labels():
    behaviour = StoreHook.get_ui_field_behaviour()
    assert behaviour["relabeling"]["password"] == "API secret"
    assert set(behaviour) == {"hidden_fields", "relabeling", "placeholders"}


class Field:
    """A WTForms field."""

    def __init__(self, label, **options):
        self.label, self.options = label, options


@pytest.fixture
def wtforms(monkeypatch):
    """The libraries of the connection form in Airflow 3.0 and 3.1."""
    kinds = {name: type(name, (Field,), {}) for name in ("IntegerField", "PasswordField", "StringField")}
    parts = {
        "wtforms": kinds,
        "wtforms.validators": {"Optional": lambda: "optional", "any_of": lambda values: list(values)},
        "flask_appbuilder": {},
        "flask_appbuilder.fieldwidgets": {
            "BS3PasswordFieldWidget": lambda: "password",
            "BS3TextFieldWidget": lambda: "text",
        },
    }
    for name, content in parts.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("wtforms")
def test_older_airflow_gets_the_same_extras_as_fields():
    for conn_type in ("yofi", "shopify_partner", "shopify_admin", "voucherify", "yotpo"):
        widgets = connection_forms.form_widgets(conn_type)
        assert {name: field.label for name, field in widgets.items()} == {
            name: field["label"] for name, field in connection_forms.extra_fields(conn_type).items()
        }


@pytest.mark.usefixtures("wtforms")
def test_older_airflow_gets_kinds_choices_and_no_stored_default():
    yofi, partner = connection_forms.form_widgets("yofi"), connection_forms.form_widgets("shopify_partner")
    assert type(yofi["page_size"]).__name__ == "IntegerField"
    assert "default" not in yofi["page_size"].options
    assert "Default: 100." in yofi["page_size"].options["description"]
    assert yofi["auth_profile"].options["validators"] == ["optional", ["service_account", "legacy"]]
    assert type(partner["secondary_access_token"]).__name__ == "PasswordField"
    assert partner["secondary_access_token"].options["widget"] == "password"
