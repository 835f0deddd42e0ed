"""What a user can set wrong, and the one line that says so: over real HTTP, as the task fails with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.operators.shopify_admin import ShopifyAdminExtractOperator
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerActiveShopsOperator
from airflow_provider_partners.operators.yofi import YofiExtractOperator
from airflow_provider_partners.operators.yotpo import YotpoExtractOperator
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.server import serve
from airflow_provider_partners.sandbox.world import build as seed

SHOP = "aurora-apparel.myshopify.com"
WINDOW = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}


@pytest.fixture(scope="module")
def sandbox_environment() -> Iterator[dict[str, str]]:
    with serve(seed.build(seed=3, shops=1, orders=3)) as served:
        yield credentials.environment(served.url, seed=3, shops=1)


@pytest.fixture
def connections(
    sandbox_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> Callable[..., None]:
    """The sandbox's connections in the environment, and a way to spoil one of them."""
    for name, value in sandbox_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", tmp_path.as_uri())

    def spoil(conn_id: str, *, extra: dict[str, Any] | None = None, **fields: Any) -> None:
        name = f"AIRFLOW_CONN_{conn_id.upper()}"
        connection = json.loads(sandbox_environment[name])
        connection.update(fields)
        connection["extra"] = {**(connection.get("extra") or {}), **(extra or {})}
        monkeypatch.setenv(name, json.dumps(connection))

    return spoil


def failure(operator: Any, **context: Any) -> str:
    """The line with which a task fails, for good."""
    task = SimpleNamespace(dag_id="d", task_id="t", run_id="r", map_index=-1, try_number=1)
    with pytest.raises(AirflowFailException) as caught:
        operator.execute({"ti": task, **context})
    return str(caught.value)


def yofi(**arguments: Any) -> YofiExtractOperator:
    return YofiExtractOperator(**{"task_id": "t", "resource": "claims", "shop": SHOP, **WINDOW, **arguments})


def yotpo() -> YotpoExtractOperator:
    return YotpoExtractOperator(task_id="t", resource="orders", yotpo_conn_id="yotpo_aurora_apparel", **WINDOW)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"resource": "refunds"}, ["refunds", "claims", "returns"]),
        ({"filter": "email=='a@example.com'"}, ["email", "created_at_epoch"]),
        ({"resource": "customers", "since": None, "until": None, "filter": "customer_id=gt=5"}, ["customer_id", "=="]),
        ({"filter": "created_at_epoch>="}, ["filter"]),
        ({"since": "2026-01-02", "until": "2026-01-01"}, ["empty", "'since' must lie before 'until'"]),
        ({"since": None, "until": None}, ["no window was given", "timedelta(hours=1)"]),
        ({"since": "yesterday"}, ["'since' is not a timestamp", "ISO 8601"]),
    ],
    ids=["resource", "selector", "operator", "syntax", "empty window", "no window", "no time"],
)
def test_a_wrong_argument_is_named(connections: Any, arguments: dict[str, Any], says: list[str]) -> None:
    line = failure(yofi(**arguments))

    assert "\n" not in line
    for part in says:
        assert part in line


def test_an_unknown_extra_is_named_with_the_known_ones(connections: Any) -> None:
    connections("yofi_default", extra={"isuer": "x"})

    line = failure(yofi())

    assert "'yofi_default' has unknown extras: 'isuer'" in line
    assert "issuer" in line.split("Its extras are:")[1]


@pytest.mark.parametrize(
    ("conn_id", "spoiled", "operator", "says"),
    [
        ("yofi_default", {"password": "another-secret-of-thirty-two-bytes!"}, yofi, ["HTTP 401"]),
        ("yotpo_aurora_apparel", {"password": "another-secret"}, yotpo, ["Yotpo", "secret"]),
        ("yotpo_aurora_apparel", {"login": "no-such-store"}, yotpo, ["Yotpo", "store"]),
        (
            "shopify_partner_default",
            {"extra": {"organization_id": "999"}},
            lambda: ShopifyPartnerActiveShopsOperator(task_id="t", app_id="gid://partners/App/1001"),
            ["HTTP 401", "organization"],
        ),
        (
            "shopify_admin_aurora_apparel",
            {"password": "shpat_another"},
            lambda: ShopifyAdminExtractOperator(
                task_id="t",
                resource="orders",
                shop=SHOP,
                shopify_admin_conn_id="shopify_admin_aurora_apparel",
                **WINDOW,
            ),
            ["HTTP 401"],
        ),
    ],
    ids=["yofi secret", "yotpo secret", "yotpo store", "partner organization", "admin token"],
)
def test_refused_credentials_fail_at_once_with_a_remedy(
    connections: Any, conn_id: str, spoiled: dict[str, Any], operator: Callable[[], Any], says: list[str]
) -> None:
    connections(conn_id, **spoiled)

    line = failure(operator())

    assert "\n" not in line
    assert spoiled.get("password", "another") not in line or "password" not in spoiled
    for part in says:
        assert part.lower() in line.lower()


def test_a_connection_that_does_not_exist_is_named(connections: Any) -> None:
    assert "'yofi_nowhere' isn't defined" in failure(yofi(yofi_conn_id="yofi_nowhere"))
