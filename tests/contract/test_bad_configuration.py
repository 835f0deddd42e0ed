"""A task with a wrong argument or connection fails at once, over real HTTP, with one line that names the mistake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sandbox import run_sandbox

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.operators.shopify_admin import ShopifyAdminExtractOperator
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerActiveShopsOperator
from airflow_provider_partners.operators.yofi import YofiExtractOperator
from airflow_provider_partners.operators.yotpo import YotpoExtractOperator
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.task_errors import PartnerTaskError

pytestmark = pytest.mark.usefixtures("quick_refusals")

SHOP = "aurora-apparel.myshopify.com"
WINDOW = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}


@pytest.fixture(scope="module")
def sandbox_environment() -> Iterator[dict[str, str]]:
    with run_sandbox(seed=3, shops=1, orders=3) as running:
        yield credentials.environment(running.url, seed=3, shops=1)


@pytest.fixture
def change_connection(
    sandbox_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> Callable[..., None]:
    """Define the sandbox's connections in the environment; return a function that changes one of them."""
    for name, value in sandbox_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", tmp_path.as_uri())

    def change(conn_id: str, *, extra: dict[str, Any] | None = None, **fields: Any) -> None:
        name = f"AIRFLOW_CONN_{conn_id.upper()}"
        connection = json.loads(sandbox_environment[name])
        connection.update(fields)
        connection["extra"] = {**(connection.get("extra") or {}), **(extra or {})}
        monkeypatch.setenv(name, json.dumps(connection))

    return change


def error_message(operator: Any, **context: Any) -> str:
    """Return the error message of a task that fails without retries."""
    task = SimpleNamespace(dag_id="d", task_id="t", run_id="r", map_index=-1, try_number=1)
    with pytest.raises(AirflowFailException) as caught:
        operator.execute({"ti": task, **context})
    return str(caught.value)


def yofi_operator(**arguments: Any) -> YofiExtractOperator:
    return YofiExtractOperator(**{"task_id": "t", "resource": "claims", "shop": SHOP, **WINDOW, **arguments})


def yotpo_operator() -> YotpoExtractOperator:
    return YotpoExtractOperator(task_id="t", resource="orders", yotpo_conn_id="yotpo_aurora_apparel", **WINDOW)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"resource": "refunds"}, ["refunds", "claims", "returns"]),
        ({"filters": "email=='a@example.com'"}, ["email", "created_at_epoch"]),
        ({"resource": "customers", "since": None, "until": None, "filters": "customer_id=gt=5"}, ["customer_id", "=="]),
        ({"filters": "created_at_epoch>="}, ["filter"]),
        ({"since": "2026-01-02", "until": "2026-01-01"}, ["empty", "'since' must lie before 'until'"]),
        ({"since": None, "until": None}, ["no window was given", "timedelta(hours=1)"]),
        ({"since": "yesterday"}, ["'since' is not a timestamp", "ISO 8601"]),
    ],
    ids=["resource", "selector", "operator", "syntax", "empty window", "no window", "no timestamp"],
)
def test_a_wrong_argument_is_named(change_connection: Any, arguments: dict[str, Any], parts: list[str]) -> None:
    message = error_message(yofi_operator(**arguments))

    assert "\n" not in message
    for part in parts:
        assert part in message


def test_an_unknown_extra_is_named_with_the_known_ones(change_connection: Any) -> None:
    change_connection("yofi_default", extra={"isuer": "x"})

    message = error_message(yofi_operator())

    assert "'yofi_default' has unknown extras: 'isuer'" in message
    assert "issuer" in message.split("Its extras are:")[1]


@pytest.mark.parametrize(
    ("conn_id", "changes", "operator", "parts"),
    [
        ("yofi_default", {"password": "another-secret-of-thirty-two-bytes!"}, yofi_operator, ["HTTP 401"]),
        ("yotpo_aurora_apparel", {"password": "another-secret"}, yotpo_operator, ["Yotpo", "secret"]),
        ("yotpo_aurora_apparel", {"login": "no-such-store"}, yotpo_operator, ["Yotpo", "store"]),
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
    change_connection: Any, conn_id: str, changes: dict[str, Any], operator: Callable[[], Any], parts: list[str]
) -> None:
    change_connection(conn_id, **changes)

    message = error_message(operator())

    assert "\n" not in message
    if "password" in changes:
        assert changes["password"] not in message
    for part in parts:
        assert part.lower() in message.lower()


def test_a_connection_that_does_not_exist_is_named(change_connection: Any) -> None:
    """It is left to the task's retries: Airflow answers the same while its API server fails."""
    with pytest.raises(PartnerTaskError, match="did not find the connection 'yofi_nowhere'"):
        error_message(yofi_operator(yofi_conn_id="yofi_nowhere"))
