from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_provider_partners import settings
from airflow_provider_partners.exceptions import ConfigurationError


@pytest.fixture
def option(monkeypatch):
    """Set an option as users do, through the environment."""
    return lambda name, value: monkeypatch.setenv(f"AIRFLOW__PARTNERS__{name.upper()}", value)


def test_by_default_datasets_are_stored_below_airflow_home(monkeypatch):
    monkeypatch.setenv("AIRFLOW_HOME", "/srv/airflow")
    assert settings.staging_uri() == "/srv/airflow/partners/staging"


def test_a_staging_uri_is_returned_unchanged(option):
    option("staging_uri", "s3://aws@bucket/staging")
    assert settings.staging_uri() == "s3://aws@bucket/staging"


def test_without_a_budget_uri_there_is_none():
    assert settings.budget_uri() is None


def test_a_budget_uri_is_returned_unchanged(option):
    option("budget_uri", " redis://redis:6379/0 ")
    assert settings.budget_uri() == "redis://redis:6379/0"


def test_the_defaults_are_the_declared_ones():
    assert settings.request_deadline() == 300
    assert settings.max_wait() == 60
    assert settings.max_reschedules() == 24
    assert settings.parallel_calls() == 4
    assert settings.max_rejects() == 0.1
    assert settings.log_every() == 15
    assert settings.lookback() == timedelta(hours=2)


def test_an_emptied_option_counts_as_its_default(option):
    option("parallel_calls", "")
    assert settings.parallel_calls() == 4


def test_the_error_about_an_option_that_is_not_a_number_has_a_remedy(option):
    option("max_wait", "long")
    with pytest.raises(
        ConfigurationError, match=r"\[partners\] max_wait is 'long', which is not a number.*AIRFLOW__PARTNERS__MAX_WAIT"
    ):
        settings.max_wait()


def test_a_fraction_of_a_worker_is_refused(option):
    option("parallel_calls", "1.5")
    with pytest.raises(ConfigurationError, match="not a whole number"):
        settings.parallel_calls()


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [("parallel_calls", "0", "1 or more"), ("request_deadline", "0", "more than 0"), ("log_every", "-1", "0 or more")],
)
def test_an_option_out_of_bounds_is_refused(option, name, value, bound):
    option(name, value)
    with pytest.raises(ConfigurationError, match=f"has to be {bound}"):
        getattr(settings, name)()


@pytest.mark.parametrize(
    ("text", "kind", "value"), [("20", int, 20), ("0", int, 0), ("0.25", float, 0.25), ("1.0", float, 1.0)]
)
def test_allowed_rejects_are_a_count_or_a_share_by_their_decimal_point(option, text, kind, value):
    option("max_rejects", text)
    assert type(settings.max_rejects()) is kind
    assert settings.max_rejects() == value


def test_the_limits_of_responses_and_files_are_megabytes(option):
    assert (settings.max_response_size(), settings.max_download_size()) == (64_000_000, 20_000_000_000)
    option("max_response_mb", "0.5")
    option("max_download_mb", "10")
    assert (settings.max_response_size(), settings.max_download_size()) == (500_000, 10_000_000)


def test_hosts_of_downloads_are_names_separated_by_commas(option):
    assert settings.download_hosts() == ()
    option("download_hosts", " files.example.com, *.Example.org,files:8443,*,[::1]:80 ,")
    assert settings.download_hosts() == ("files.example.com", "*.example.org", "files:8443", "*", "[::1]:80")


@pytest.mark.parametrize("wrong", ["https://files.example.com", "files.example.com/x", "a b", "*.*", "f*.example.com"])
def test_a_host_of_downloads_that_is_none_is_refused(option, wrong):
    option("download_hosts", wrong)
    with pytest.raises(ConfigurationError, match="is no host"):
        settings.download_hosts()


@pytest.mark.parametrize(("text", "shown"), [("True", True), ("1", True), ("t", True), ("false", False), ("", False)])
def test_personal_values_are_shown_by_a_word_that_airflow_takes_for_true(option, text, shown):
    # Airflow's conf.getboolean takes t, true and 1.
    assert settings.show_personal_values() is False
    option("show_personal_values", text)
    assert settings.show_personal_values() is shown


def test_an_unclear_choice_about_personal_values_is_refused(option):
    option("show_personal_values", "masked")
    with pytest.raises(ConfigurationError, match="'masked', and has to be True or False") as raised:
        settings.show_personal_values()
    assert "AIRFLOW__PARTNERS__SHOW_PERSONAL_VALUES" in raised.value.remedy
