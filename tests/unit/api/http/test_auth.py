"""Authentication headers: their values, what follows a refusal, and how threads share a token."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from clocks import StandingClock

from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.api.http.auth import ExchangedToken, MintedToken, RotatingHeader, StaticHeaders
from airflow_provider_partners.exceptions import ConfigurationError


class Mint:
    """Returns token-1, token-2, … that are valid for some seconds."""

    def __init__(self, clock: Clock, lifetime: float | None = 100.0) -> None:
        self.clock = clock
        self.lifetime = lifetime
        self.count = 0

    def __call__(self) -> tuple[str, float | None]:
        self.count += 1
        expires_at = None if self.lifetime is None else self.clock.time() + self.lifetime
        return f"token-{self.count}", expires_at


def test_static_headers_cannot_be_refreshed() -> None:
    auth = StaticHeaders({"X-App-Id": "shop", "X-App-Token": "secret"})
    assert auth.headers() == {"X-App-Id": "shop", "X-App-Token": "secret"}
    assert not auth.refresh(auth.headers())


def test_static_headers_report_secret_values_only() -> None:
    secrets: list[str] = []
    StaticHeaders({"app_id": "shop", "X-App-Token": "secret"}, on_secret=secrets.append).headers()
    assert secrets == ["secret"]


def test_after_a_refusal_the_second_value_is_used_and_kept() -> None:
    auth = RotatingHeader("X-Token", ["old", "new"])
    first = auth.headers()
    assert first == {"X-Token": "old"}
    assert auth.refresh(first)
    assert auth.headers() == {"X-Token": "new"}


def test_a_refusal_of_an_old_value_does_not_rotate_again() -> None:
    auth = RotatingHeader("X-Token", ["old", "new"])
    refused = auth.headers()
    assert auth.refresh(refused)
    assert auth.refresh(refused)
    assert auth.headers() == {"X-Token": "new"}


@pytest.mark.parametrize("values", [["only"], ["only", None], ["only", "", "only"]])
def test_a_single_value_cannot_be_refreshed(values: list[str | None]) -> None:
    auth = RotatingHeader("X-Token", values)
    assert not auth.refresh(auth.headers())


def test_a_rotating_header_needs_a_value() -> None:
    with pytest.raises(ConfigurationError, match="X-Token"):
        RotatingHeader("X-Token", [None, ""])


def test_a_minted_token_is_reused_until_shortly_before_it_expires() -> None:
    clock = StandingClock()
    auth = MintedToken(mint=Mint(clock), extra={"app_id": "shop"}, clock=clock, leeway=30)
    assert auth.headers() == {"Authorization": "Bearer token-1", "app_id": "shop"}
    clock.now += 69
    assert auth.headers()["Authorization"] == "Bearer token-1"
    clock.now += 1
    assert auth.headers()["Authorization"] == "Bearer token-2"


def test_a_token_shorter_than_the_leeway_is_still_reused() -> None:
    clock = StandingClock()
    auth = MintedToken(mint=Mint(clock, lifetime=10), clock=clock, leeway=30)
    auth.headers()
    clock.now += 4
    assert auth.headers()["Authorization"] == "Bearer token-1"
    clock.now += 1
    assert auth.headers()["Authorization"] == "Bearer token-2"


def test_a_refused_token_is_replaced() -> None:
    clock = StandingClock()
    auth = MintedToken(mint=Mint(clock), clock=clock)
    assert auth.refresh(auth.headers())
    assert auth.headers()["Authorization"] == "Bearer token-2"


def test_a_late_refusal_of_an_old_token_keeps_the_new_one() -> None:
    clock = StandingClock()
    auth = MintedToken(mint=Mint(clock), clock=clock)
    refused = auth.headers()
    auth.refresh(refused)
    renewed = auth.headers()
    assert auth.refresh(refused)
    assert auth.headers() == renewed


def test_an_exchanged_token_without_an_expiry_is_used_until_refused() -> None:
    clock = StandingClock()
    auth = ExchangedToken(exchange=Mint(clock, lifetime=None), header="X-Yotpo-Token", clock=clock)
    assert auth.headers() == {"X-Yotpo-Token": "token-1"}
    clock.now += 10_000_000
    assert auth.headers() == {"X-Yotpo-Token": "token-1"}
    auth.refresh(auth.headers())
    assert auth.headers() == {"X-Yotpo-Token": "token-2"}


def test_an_exchanged_token_can_follow_a_scheme() -> None:
    clock = StandingClock()
    auth = ExchangedToken(exchange=Mint(clock), header="Authorization", scheme="Bearer", clock=clock)
    assert auth.headers() == {"Authorization": "Bearer token-1"}
    assert auth.refresh({"Authorization": "Bearer token-1"})
    assert auth.headers() == {"Authorization": "Bearer token-2"}


def test_every_token_is_reported_before_its_use() -> None:
    clock = StandingClock()
    secrets: list[str] = []
    auth = ExchangedToken(exchange=Mint(clock), header="T", clock=clock, on_secret=secrets.append)
    auth.refresh(auth.headers())
    auth.headers()
    assert secrets == ["token-1", "token-2"]


def test_threads_share_one_token_exchange() -> None:
    clock, exchanges = StandingClock(), []
    ready = threading.Barrier(8)

    def exchange() -> tuple[str, float | None]:
        exchanges.append(1)
        time.sleep(0.01)
        return f"token-{len(exchanges)}", None

    auth = ExchangedToken(exchange=exchange, header="T", clock=clock)

    def request(_: int) -> str:
        ready.wait()
        return auth.headers()["T"]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(request, range(8))) == {"token-1"}


def test_no_repr_shows_a_secret() -> None:
    clock = StandingClock()
    minted = MintedToken(mint=Mint(clock), clock=clock)
    minted.headers()
    shown = repr([StaticHeaders({"T": "s3cr3t"}), RotatingHeader("T", ["s3cr3t"]), minted, vars(minted)])
    assert "s3cr3t" not in shown
    assert "token-1" not in shown
