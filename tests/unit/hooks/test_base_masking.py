"""Airflow's masker hides the secrets of a connection in logs, in every encoding."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from airflow.sdk.log import redact

from airflow_provider_partners.hooks import base
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.triggers.base import polling_hook

LINES = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj", "MSt0yWQ1nJ2hYw=="]
PEM = "\n".join(["-----BEGIN PRIVATE KEY-----", *LINES, "-----END PRIVATE KEY-----", ""])


@pytest.fixture(autouse=True)
def _in_memory_rate_limits(monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", "memory://")


def store(monkeypatch, conn_type, password, **extra):
    values = {"conn_type": conn_type, "login": "login-1", "password": password, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_MASKED", json.dumps(values))


@pytest.mark.parametrize(
    "key", [PEM, PEM.replace("\n", "\\n"), PEM.replace("\n", "\r\n")], ids=["lf", "escaped", "crlf"]
)
def test_a_key_of_several_lines_is_masked_line_by_line(monkeypatch, key):
    store(monkeypatch, "yofi", key, issuer="p", subject="s")
    assert YofiHook("masked", shop="a.myshopify.com").connection
    for form in (*LINES, PEM, repr(PEM), json.dumps(PEM), "".join(LINES)):
        hidden = redact(f"signed with {form}.")
        assert "***" in hidden
        assert not [line for line in LINES if line in hidden]


def test_the_frame_of_a_key_is_left_readable(monkeypatch):
    store(monkeypatch, "yofi", PEM, issuer="p", subject="s")
    assert YofiHook("masked", shop="a.myshopify.com").connection
    assert redact("MSt0 is not masked") == "MSt0 is not masked"


def test_a_secret_is_masked_in_its_url_encoding(monkeypatch):
    secret = "s3cret/with+signs and spaces"
    store(monkeypatch, "yotpo", secret)
    YotpoHook("masked").get_conn()
    assert redact(f"GET /x?secret={quote(secret, safe='')}") == "GET /x?secret=***"


def test_the_second_token_of_a_partner_is_masked(monkeypatch):
    store(
        monkeypatch, "shopify_partner", "prtapi_first-one", organization_id="1", secondary_access_token="second-of-them"
    )
    ShopifyPartnerHook("masked").get_conn()
    assert redact("second-of-them") == "***"


def test_a_minted_token_is_masked_before_it_is_used(monkeypatch):
    store(monkeypatch, "yofi", "a-signing-secret-of-enough-bytes-here", issuer="p", subject="s")
    client = YofiHook("masked", shop="a.myshopify.com").get_conn()
    token = client._transport._settings.auth.headers()["Authorization"].removeprefix("Bearer ")
    assert len(token) > 100
    assert redact(f"sent {token}") == "sent ***"


def test_each_secret_is_passed_to_the_masker_once(monkeypatch):
    masked = []
    monkeypatch.setattr(base, "mask_secret", masked.append)
    store(monkeypatch, "voucherify", "the-secret-key-of-the-project")
    hook = VoucherifyHook("masked")
    client = hook.get_conn()
    for _ in range(3):
        client._transport._settings.auth.headers()
        hook.mask_secret("token-of-this-hour")
    assert masked.count("the-secret-key-of-the-project") == 1
    assert masked.count("token-of-this-hour") == 1


def test_a_hook_of_the_triggerer_masks_the_connection_and_not_each_new_token(monkeypatch):
    """Airflow's masker keeps every secret until its process ends (``SecretsMasker.patterns``)."""
    store(monkeypatch, "yotpo", "another-secret-of-the-store")
    hook = polling_hook("yotpo", "masked", {})
    report = hook.client_options("yotpo").on_secret
    assert hook.get_conn()
    report("a-token-of-the-triggerer")
    assert redact("another-secret-of-the-store a-token-of-the-triggerer") == "*** a-token-of-the-triggerer"
    YotpoHook("masked").client_options("yotpo").on_secret("a-token-of-a-task")
    assert redact("a-token-of-a-task") == "***"
