from __future__ import annotations

import json

import pytest
from airflow.sdk import Connection

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.connection import read_connection

DEFAULT = "https://portal.public-api.services.yofi.ai"


def stored(extra=None, **fields):
    return Connection(
        conn_id="shop_a",
        **{"conn_type": "yofi", "password": "s3cret-value", **fields},
        extra=json.dumps(extra) if extra is not None else None,
    )


def read(connection, conn_type="yofi", default=DEFAULT):
    return read_connection(connection, conn_type=conn_type, default_host=default)


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({}, DEFAULT),
        ({"host": ""}, DEFAULT),
        ({"host": "yofi.example.com"}, "https://yofi.example.com"),
        ({"host": "https://yofi.example.com/"}, "https://yofi.example.com"),
        ({"host": "http://127.0.0.1:8000/yofi"}, "http://127.0.0.1:8000/yofi"),
        ({"host": "http://127.0.0.1:8000/a/b/"}, "http://127.0.0.1:8000/a/b"),
        ({"host": "127.0.0.1", "port": 8000, "schema": "http"}, "http://127.0.0.1:8000"),
        ({"host": "http://127.0.0.1", "port": 8000, "schema": "yofi"}, "http://127.0.0.1:8000/yofi"),
        ({"host": "https://example.com:1234/x", "port": 99}, "https://example.com:1234/x"),
    ],
)
def test_the_host_may_be_a_full_url_with_a_path_prefix(fields, url):
    assert read(stored(**fields)).base_url == url


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("yofi://:s3cret-value@yofi.example.com", "https://yofi.example.com"),
        ("yofi://http://:s3cret-value@127.0.0.1:8000/yofi", "http://127.0.0.1:8000/yofi"),
        ("yofi://http://:s3cret-value@127.0.0.1:8000/a/b", "http://127.0.0.1:8000/a/b"),
        ("yofi://:s3cret-value@http%3A%2F%2F127.0.0.1%3A8000%2Fyofi", "http://127.0.0.1:8000/yofi"),
        ("yofi://:s3cret-value@/?issuer=x", DEFAULT),
    ],
)
def test_a_connection_in_uri_form_gives_the_same_url(uri, url):
    connection = read(Connection(conn_id="shop_a", uri=uri))
    assert (connection.base_url, connection.password) == (url, "s3cret-value")


def test_a_type_with_an_underscore_is_a_dash_in_a_uri():
    connection = read(Connection(conn_id="p", uri="shopify-partner://:token@/?organization_id=12"), "shopify_partner")
    assert connection.extras == {"organization_id": "12"}


@pytest.mark.parametrize(
    "host", ["ftp://x", "https://", "https://host:port", "https://me:secret@host", "https://host?x=1"]
)
def test_a_host_that_is_not_a_plain_url_is_refused(host):
    with pytest.raises(ConfigurationError, match=r"'shop_a' has a host.*https://host/prefix") as raised:
        read(stored(host=host))
    assert "secret" not in str(raised.value)


def test_the_error_about_an_unknown_extra_lists_the_known_ones():
    with pytest.raises(
        ConfigurationError,
        match=r"'shop_a' has unknown extras: 'verify', 'yofi_shop'. Its extras are: algorithm, audience, auth_profile",
    ):
        read(stored({"yofi_shop": "a", "verify": False, "issuer": "p"}))


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_extra_counts_as_not_given(empty):
    assert read(stored({"shop": empty, "paths": empty})).extras == {}


@pytest.mark.parametrize(
    ("name", "value", "converted"),
    [
        ("page_size", 50, 50),
        ("page_size", "50", 50),
        ("page_size", 50.0, 50),
        ("organization_id", 1234, "1234"),
        ("issuer", " partner ", "partner"),
        ("paths", {"returns": "/r/"}, {"returns": "/r/"}),
        ("paths", '{"returns": "/r/"}', {"returns": "/r/"}),
        ("auth_profile", "legacy", "legacy"),
    ],
)
def test_an_extra_is_converted_to_its_declared_type(name, value, converted):
    assert read(stored({name: value})).extras == {name: converted}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("page_size", "many", "'page_size' of the wrong type. It has to be a whole number"),
        ("page_size", 1.5, "a whole number"),
        ("page_size", True, "a whole number"),
        ("page_size", 0, "'page_size' out of range. It has to be 1 to 1000"),
        ("issuer", ["p"], "'issuer' of the wrong type. It has to be text"),
        ("issuer", True, "text"),
        ("paths", "/r/", "'paths' of the wrong type. It has to be a JSON object with text values"),
        ("paths", {"returns": 1}, "a JSON object with text values"),
        ("auth_profile", "jwt", "unknown value in 'auth_profile'. Use one of: service_account, legacy"),
    ],
)
def test_a_wrong_extra_is_named_with_its_remedy(name, value, problem):
    with pytest.raises(ConfigurationError, match=problem):
        read(stored({name: value}))


@pytest.mark.parametrize("extra", ["{", '["issuer"]'])
def test_an_extra_that_is_not_a_json_object_is_refused(extra):
    with pytest.raises(ConfigurationError, match="has an extra that is not"):
        read(Connection(conn_id="shop_a", conn_type="yofi", password="s3cret-value", extra=extra))


def test_a_number_below_its_minimum_is_refused():
    with pytest.raises(ConfigurationError, match=r"It has to be 0.1 or more"):
        read(stored({"requests_per_second": 0}, conn_type="yotpo"), "yotpo")


def test_the_error_about_a_missing_secret_uses_the_label_of_the_form():
    with pytest.raises(ConfigurationError, match=r"'shop_a' has no signing secret. Put it in 'password'"):
        read(stored(password=None))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_a_line_break_at_the_end_of_a_secret_is_removed(end):
    """A header value holds no line breaks (https://www.rfc-editor.org/rfc/rfc9110#section-5.5)."""
    assert read(stored(password=f"s3cret value {end}")).password == "s3cret value "
    with pytest.raises(ConfigurationError, match="has no signing secret"):
        read(stored(password=end))


def test_a_connection_of_another_type_is_refused():
    with pytest.raises(ConfigurationError, match=r"is of type 'http'. A connection of type 'yofi' is needed here"):
        read(stored(conn_type="http"))


def test_the_error_about_a_missing_login_uses_the_label_of_the_form():
    with pytest.raises(ConfigurationError, match=r"has no Store id \(app key\). Put it in 'login'"):
        read(stored(conn_type="yotpo"), "yotpo").require("login")


def test_a_missing_extra_is_explained():
    with pytest.raises(ConfigurationError, match=r"has no extra 'issuer'. Your partner id at Yofi"):
        read(stored()).require("issuer")


def test_secrets_are_not_in_its_repr():
    connection = read(stored({"secondary_access_token": "shp_other"}, conn_type="shopify_partner"), "shopify_partner")
    assert "s3cret-value" not in repr(connection)
    assert "shp_other" not in repr(connection)
