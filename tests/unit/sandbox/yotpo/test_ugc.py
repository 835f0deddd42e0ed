"""Reviews and unsubscribers as https://apidocs.yotpo.com/reference and singer-io/tap-yotpo describe them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from sandbox import run_sandbox

from airflow_provider_partners.sandbox.server import RunningSandbox

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=5, now=NOW, switches={"yotpo.rate_limit": 0}) as running:
        yield running


def get(running: RunningSandbox, path: str, **params: str) -> httpx.Response:
    store_id, accepted = next(iter(running.sandbox.credentials["yotpo"].items()))
    root = f"{running.url}/yotpo"
    secret = accepted["secret"] if isinstance(accepted, dict) else accepted
    token = httpx.post(f"{root}/core/v3/stores/{store_id}/access_tokens", json={"secret": secret}).json()[
        "access_token"
    ]
    return httpx.get(f"{root}{path.format(store_id)}", params={"utoken": token, **params})


def test_the_token_is_a_parameter(running: RunningSandbox) -> None:
    assert get(running, "/v1/apps/{}/reviews").status_code == 200
    assert get(running, "/v1/apps/{}/reviews", utoken="wrong").status_code == 401


def test_a_page_behind_the_last_one_is_empty(running: RunningSandbox) -> None:
    assert len(get(running, "/v1/apps/{}/reviews", count="500").json()["reviews"]) == 100
    assert get(running, "/v1/apps/{}/reviews", count="100", page="4").json() == {"reviews": []}
    body = get(running, "/apps/{}/unsubscribers", count="5000").json()
    assert set(body["response"]["unsubscribers"][0]) == {"id", "user_email", "email_type_id", "unsubscirbed_by_name"}


@pytest.mark.parametrize(
    ("params", "holds"),
    [
        ({"since_updated_at": "2026-05-01T00:00:00Z"}, lambda each: each["updated_at"] >= "2026-05-01T00:00:00Z"),
        ({"since_date": "2026-05-01"}, lambda each: each["created_at"] >= "2026-05-01T00:00:00Z"),
        ({"since_id": "600000200"}, lambda each: each["id"] >= 600_000_200),
        ({"deleted": "false"}, lambda each: not each["deleted"]),
    ],
)
def test_the_filters(running: RunningSandbox, params: dict[str, str], holds: object) -> None:
    reviews = get(running, "/v1/apps/{}/reviews", count="100", **params).json()["reviews"]
    assert reviews
    assert all(map(holds, reviews))  # type: ignore[arg-type]


def test_a_wrong_parameter_is_refused(running: RunningSandbox) -> None:
    assert get(running, "/v1/apps/{}/reviews", page="0").status_code == 400
    assert get(running, "/v1/apps/{}/reviews", since_date="yesterday").status_code == 400
