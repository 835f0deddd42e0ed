"""Secrets and customers' data are removed from every text for people."""

from __future__ import annotations

import pytest

from airflow_provider_partners.api.http.redaction import HIDDEN, Redactor, is_sensitive

SECRET = "s3cr3t/+va=lue"


def test_a_known_secret_is_replaced_everywhere() -> None:
    assert Redactor(SECRET)(f"before {SECRET} after") == f"before {HIDDEN} after"


def test_a_known_secret_is_found_in_its_url_and_json_forms() -> None:
    redact = Redactor(SECRET, 'quo"ted\\secret')
    assert "va" not in redact("GET /x?a=s3cr3t%2F%2Bva%3Dlue")
    assert "ted" not in redact('{"a": "quo\\"ted\\\\secret"}')


def test_a_secret_inside_another_leaves_no_remainder() -> None:
    assert Redactor("abcd", "abcdefgh")("it was abcdefgh.") == f"it was {HIDDEN}."


def test_a_key_of_several_lines_is_hidden_line_by_line() -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    redact = Redactor(f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
    assert body not in redact(f"could not parse line 2: {body}")


def test_very_short_secrets_are_not_replaced() -> None:
    assert Redactor("a", "", "abc")("abc a") == "abc a"


@pytest.mark.parametrize(
    ("text", "leak"),
    [
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ("{'authorization': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
        ("X-App-Token: 11112222", "11112222"),
        ("'X-Shopify-Access-Token': 'plainvalue'", "plainvalue"),
        ("X-Yotpo-Token=zzzyyy", "zzzyyy"),
        ("sent Bearer abcdefgh1234 and", "abcdefgh1234"),
        ("https://api.yotpo.com/x?utoken=UUU&limit=1", "UUU"),
        ("grant_type=client_credentials&client_secret=CCC", "CCC"),
        ('{"access_token": "TTT", "expires_in": 3600}', "TTT"),
        ("redis://user:hunter2@cache:6379/0", "hunter2"),
        ("token was eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "eyJzdWIiOiJ4In0"),
        ("shpat_0123456789abcdef0123456789abcdef", "0123456789abcdef"),
        ("prtapi_0123456789abcdef", "0123456789abcdef"),
        ("email jane.doe+x@example.co.uk is invalid", "jane"),
        ("customer?email=jane%40example.com", "jane"),
        ("phone +49 (151) 2345-6789 is invalid", "2345"),
    ],
)
def test_what_looks_like_a_secret_or_a_customer_is_hidden(text: str, leak: str) -> None:
    assert leak not in Redactor()(text)


@pytest.mark.parametrize(
    "text",
    [
        "products not found: 8123456789012, 8123456789013",
        "Order with external_id 1001 already exists",
        "Property .page cannot be higher than 1000",
        "the token has expired",
        "2026-05-01T00:00:00+00:00",
        "filter created_at_epoch>=1746757960;created_at_epoch<1746757990",
        "https://api.yotpo.com/core/v3/stores/1/orders?limit=100",
    ],
)
def test_ordinary_words_are_kept(text: str) -> None:
    assert Redactor()(text) == text


def test_the_repr_shows_only_the_number_of_secrets() -> None:
    assert repr(Redactor(SECRET)) == "Redactor(<1 secrets>)"


def test_sensitive_headers_are_detected_by_name() -> None:
    secret = ["Authorization", "X-Client-Token", "X-Shopify-Access-Token", "api-key", "Cookie"]
    open_ones = ["app_id", "partner_id", "Accept", "X-App-Id"]
    assert [name for name in secret + open_ones if is_sensitive(name)] == secret
