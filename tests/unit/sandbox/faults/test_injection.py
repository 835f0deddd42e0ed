"""Injected faults follow their rule, and occur only as often as it says."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import httpx
import pytest
from sandbox import run_sandbox

from airflow_provider_partners.sandbox.faults import FaultRule, FaultRules, operation
from airflow_provider_partners.sandbox.world.build import build

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
STORE = next(iter(build(shops=1, orders=1, now=NOW).credentials["yotpo"]))


@pytest.fixture(scope="module")
def sandbox_and_client():
    with run_sandbox(shops=1, orders=1, now=NOW) as running, httpx.Client(base_url=running.url) as client:
        running.sandbox.switches["yotpo.rate_limit"] = 10_000
        yield running, client


@pytest.fixture
def running_sandbox(sandbox_and_client):
    sandbox_and_client[0].faults.clear()
    sandbox_and_client[0].sandbox.calls.clear()
    return sandbox_and_client[0]


@pytest.fixture
def client(sandbox_and_client):
    return sandbox_and_client[1]


def token(client: httpx.Client, running_sandbox) -> httpx.Response:
    secret = running_sandbox.sandbox.credentials["yotpo"][STORE]["secret"]
    return client.post(f"/yotpo/core/v3/stores/{STORE}/access_tokens", json={"secret": secret})


def test_a_fault_answers_instead_of_the_partner_and_only_so_often(running_sandbox, client):
    running_sandbox.faults.add(
        path_prefix="/yotpo", status=503, body={"message": "later"}, headers={"Retry-After": "3"}, times=2
    )

    answers = [token(client, running_sandbox) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].json() == {"message": "later"}
    assert answers[0].headers["retry-after"] == "3"


def test_a_text_is_sent_as_it_is_with_the_rules_own_type(running_sandbox, client):
    running_sandbox.faults.add(
        status=502, body="<html>Bad gateway — später</html>", headers={"Content-Type": "text/html"}
    )

    answer = client.get("/yotpo/anything")

    assert answer.text == "<html>Bad gateway — später</html>"
    assert answer.headers["content-type"] == "text/html"


def test_a_rule_can_let_the_first_requests_succeed(running_sandbox, client):
    running_sandbox.faults.add(path_prefix="/yotpo", status=500, after=2)

    assert [token(client, running_sandbox).status_code for _ in range(4)] == [200, 200, 500, 200]


def test_a_cut_response_comes_from_the_partner_and_ends_early(running_sandbox, client):
    whole = token(client, running_sandbox)
    running_sandbox.faults.add(path_prefix="/yotpo", cut=0.5)

    cut = token(client, running_sandbox)

    assert (cut.status_code, cut.headers["content-type"]) == (200, "application/json")
    assert cut.text.startswith('{"access_token":')
    assert 0 < len(cut.text) < len(whole.text)


def test_a_share_of_the_requests_fails_and_the_seed_says_which(running_sandbox, client):
    def failures(seed: int) -> list[bool]:
        running_sandbox.faults.clear()
        running_sandbox.faults.add(path_prefix="/yotpo", status=500, times=None, share=0.3, seed=seed)
        return [token(client, running_sandbox).status_code == 500 for _ in range(60)]

    first = failures(1)
    assert 8 <= sum(first) <= 28
    assert failures(1) == first
    assert failures(2) != first


def test_a_rule_without_limit_lasts_until_it_is_cleared(running_sandbox, client):
    running_sandbox.faults.add(path_prefix="/yotpo", status=500, times=None)
    before = {token(client, running_sandbox).status_code for _ in range(3)}
    running_sandbox.faults.clear()

    assert before == {500}
    assert token(client, running_sandbox).status_code == 200


def test_method_and_pattern_narrow_a_rule(running_sandbox, client):
    running_sandbox.faults.add(path_regex=r"/access_tokens$", method="POST", status=500)

    assert client.get(f"/yotpo/core/v3/stores/{STORE}/access_tokens").status_code != 500
    assert client.get("/yotpo/core/v3/stores/x/orders").status_code != 500
    assert token(client, running_sandbox).status_code == 500


def test_a_dropped_connection_gets_no_answer_and_the_partner_no_request(running_sandbox, client):
    running_sandbox.faults.add(path_prefix="/yotpo", drop=True)

    with pytest.raises(httpx.RemoteProtocolError, match=r"without sending a response|disconnected"):
        token(client, running_sandbox)

    assert running_sandbox.sandbox.calls == {f"yotpo/{STORE}/token.fault": 1}
    assert token(client, running_sandbox).status_code == 200


def test_a_lost_response_does_not_undo_the_request(running_sandbox, client):
    running_sandbox.faults.add(path_prefix="/yotpo", drop=True, at="after")

    with pytest.raises(httpx.TransportError):
        token(client, running_sandbox)

    assert running_sandbox.sandbox.calls == {f"yotpo/{STORE}/token.fault": 1, f"yotpo/{STORE}/token": 1}


def test_an_answer_can_be_replaced_after_the_request_is_done(running_sandbox, client):
    running_sandbox.faults.add(path_prefix="/yotpo", status=504, at="after")

    assert token(client, running_sandbox).status_code == 504
    assert running_sandbox.sandbox.calls[f"yotpo/{STORE}/token"] == 1


def test_a_delay_alone_only_delays(running_sandbox, client):
    running_sandbox.faults.add(path_prefix="/yotpo", delay=0.15)
    begun = time.monotonic()

    answer = token(client, running_sandbox)

    assert answer.status_code == 200
    assert time.monotonic() - begun >= 0.15


def test_a_refused_upload_leaves_the_connection_usable(running_sandbox, client):
    running_sandbox.faults.add(path_prefix="/yotpo", status=503)
    big = {"secret": "x" * 300_000}

    first = client.post(f"/yotpo/core/v3/stores/{STORE}/access_tokens", json=big)

    assert first.status_code == 503
    assert token(client, running_sandbox).status_code == 200


def test_the_control_api_is_never_disturbed(running_sandbox, client):
    running_sandbox.faults.add(path_prefix="/", status=500, times=None)

    assert client.get("/_sandbox/health").status_code == 200


def test_rules_apply_in_the_order_they_were_added():
    book = FaultRules()
    book.add(status=500)
    book.add(status=501)

    claimed = [book.claim("GET", "/yofi/x") for _ in range(3)]

    assert [rule and rule.status for rule in claimed] == [500, 501, None]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "needs a kind, or one of status, drop"),
        ({"status": 500, "share": 1.5}, "numbers from 0 to 1"),
        ({"cut": -0.1}, "numbers from 0 to 1"),
        ({"status": 500, "at": "during"}, "'before' or 'after'"),
        ({"stauts": 500}, "the fields are kind, path_prefix"),
        ({"status": 500, "path_regex": "("}, "not a fault"),
    ],
)
def test_an_invalid_rule_is_refused(rule, message):
    with pytest.raises(ValueError, match=message):
        FaultRules().add(**rule)


def test_a_rule_counts_what_it_saw_and_did():
    rule = FaultRule(path_prefix="/yofi", status=500, after=1, times=1)

    taken = [rule.claim("GET", path) for path in ("/yotpo", "/yofi", "/yofi", "/yofi")]

    assert taken == [False, False, True, False]
    assert (rule.seen, rule.used) == (2, 1)


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        ("POST", "/yotpo/core/v3/stores/s/access_tokens", ("yotpo", "s", "token")),
        ("POST", "/yotpo/core/v3/stores/s/orders", ("yotpo", "s", "orders.create")),
        ("PATCH", "/yotpo/core/v3/stores/s/orders/12", ("yotpo", "s", "orders.update")),
        ("GET", "/yotpo/core/v3/stores/s/orders/12", ("yotpo", "s", "orders.get")),
        ("GET", "/yotpo/core/v3/stores/s/products", ("yotpo", "s", "products.list")),
        ("POST", "/yotpo/core/v3/stores/s/orders/12/fulfillments", ("yotpo", "s", "fulfillments.create")),
        ("PATCH", "/yotpo/core/v3/stores/s/orders/12/fulfillments/3", ("yotpo", "s", "fulfillments.update")),
        ("GET", "/yofi/ecommerce/claims/", ("yofi", "a.shop", "claims.list")),
        ("GET", "/yofi/ecommerce/customers/", ("yofi", "a.shop", "customers.list")),
        ("GET", "/yofi/ecommerce/customers/123", ("yofi", "a.shop", "customers.get")),
        ("GET", "/yofi/ecommerce/unified-returns/", ("yofi", "a.shop", "returns.list")),
        ("GET", "/yofi/ecommerce/notification-events/", ("yofi", "a.shop", "notification_events.list")),
        ("POST", "/shopify-partner/12345/api/2026-07/graphql.json", ("shopify_partner", "", "graphql")),
        ("POST", "/shopify-admin/b.shop/admin/api/2026-07/graphql.json", ("shopify_admin", "b.shop", "graphql")),
        ("POST", "/shopify-admin/b.shop/admin/oauth/access_token", ("shopify_admin", "b.shop", "token")),
    ],
)
def test_a_fault_is_counted_under_the_operation_it_hit(method, path, counted):
    partner, shop, name = counted

    assert operation(method, path, {b"app_id": b"a.shop"}) == (partner, shop, f"{name}.fault")
