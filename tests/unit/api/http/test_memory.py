"""What clients of one process share: one token for the same credentials, never another account's; known ids."""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from clocks import StandingClock

from airflow_provider_partners.api.http.auth import ExchangedToken, MintedToken
from airflow_provider_partners.api.http.memory import ClientMemory, Token, TokenSlot
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.api.yotpo.client import YotpoClient

SECRET = "s3cr3t-of-the-store"
YOTPO = {"store_id": "store", "secret": SECRET, "base_url": "https://one.example"}


class Partner:
    """Issues token-1, token-2, …, and answers everything else with an empty list."""

    def __init__(self) -> None:
        self.used: list[str] = []
        self.refused: set[str] = set()
        self._numbers = itertools.count(1)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(("/access_tokens", "/oauth/token", "/oauth/access_token", "/token/generate")):
            # Yotpo, Voucherify and Shopify all name it so.
            return httpx.Response(200, json={"access_token": f"token-{next(self._numbers)}", "expires_in": 86_399})
        sent = [value for name, value in request.headers.items() if "token" in value or "access-token" in name]
        self.used += sent
        if self.refused & set(sent):
            return httpx.Response(401, json={"errors": [{"message": "The access token is not valid"}]})
        return httpx.Response(200, json={"products": [], "data": {}, "campaigns": []})


def options(partner: Partner, store: ClientMemory | None, **changes: Any) -> ClientOptions:
    return ClientOptions(handler=httpx.MockTransport(partner), memory=store, **changes)


def test_clients_of_the_same_credentials_share_a_token() -> None:
    partner, store = Partner(), ClientMemory()
    for _ in range(3):
        with YotpoClient(**YOTPO, options=options(partner, store)) as yotpo:
            yotpo.products(["1"])
    assert partner.used == ["token-1"] * 3


def test_each_client_has_a_token_of_its_own_unless_a_store_is_given() -> None:
    partner = Partner()
    for _ in range(2):
        with YotpoClient(**YOTPO, options=options(partner, None)) as yotpo:
            yotpo.products(["1"])
    assert partner.used == ["token-1", "token-2"]


@pytest.mark.parametrize(
    "other",
    [
        {"store_id": "another"},
        {"secret": "another"},
        {"base_url": "https://two.example"},
        {"auth": "oauth"},
    ],
    ids=str,
)
def test_other_credentials_or_another_server_get_a_token_of_their_own(other: dict[str, str]) -> None:
    partner, store = Partner(), ClientMemory()
    for arguments in (YOTPO, {**YOTPO, **other}):
        with YotpoClient(**arguments, options=options(partner, store)) as yotpo:
            yotpo.products(["1"])
    assert partner.used == ["token-1", "token-2"]


def test_a_refusal_ends_a_token_for_all_clients() -> None:
    """Yotpo's advice is to use a token until a request is refused with 401, and then to request another.

    https://core-api.yotpo.com/reference/yotpo-authentication
    """
    partner, store = Partner(), ClientMemory()
    first, second = (YotpoClient(**YOTPO, options=options(partner, store)) for _ in range(2))
    first.products(["1"])
    partner.refused = {"token-1"}
    second.products(["1"])
    first.products(["1"])
    assert partner.used == ["token-1", "token-1", "token-2", "token-2"]


def test_parts_of_credentials_are_not_mixed_up() -> None:
    store = ClientMemory()
    assert store.slot("a", "bc") is store.slot("a", "bc")
    pairs = [("a", "bc"), ("ab", "c"), ("abc",), ("abc", None), ("abc", ""), ("", "abc"), ("a", "\udc80c")]
    assert len({id(store.slot(*pair)) for pair in pairs}) == len(pairs)


def test_the_expiry_ends_a_token_for_all_clients() -> None:
    clock, slot, count = StandingClock(), TokenSlot(), itertools.count(1)
    make: Callable[[], MintedToken] = lambda: MintedToken(  # noqa: E731
        mint=lambda: (f"token-{next(count)}", clock.time() + 100), clock=clock, leeway=10, slot=slot
    )
    first, second = make(), make()
    assert first.headers() == second.headers() == {"Authorization": "Bearer token-1"}
    clock.now += 91
    assert second.headers() == first.headers() == {"Authorization": "Bearer token-2"}


def test_each_client_reports_a_shared_token_before_its_use() -> None:
    """Each hook masks what its client reports, and each client's redactor knows its own."""
    slot, reported = TokenSlot(), []
    for name in ("first", "second"):
        auth = ExchangedToken(
            exchange=lambda: ("token", None),
            header="T",
            slot=slot,
            on_secret=lambda secret, name=name: reported.append((name, secret)),  # type: ignore[misc]
        )
        auth.headers()
        auth.headers()
    assert reported == [("first", "token"), ("second", "token")]


def test_threads_of_several_clients_share_one_exchange() -> None:
    store, ready, exchanges = ClientMemory(), threading.Barrier(8), []

    def exchange() -> tuple[str, float | None]:
        exchanges.append(1)
        time.sleep(0.01)
        return f"token-{len(exchanges)}", None

    def request(_: int) -> str:
        ready.wait()
        return ExchangedToken(exchange=exchange, header="T", slot=store.slot("account")).headers()["T"]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(request, range(8))) == {"token-1"}


def test_an_exchange_that_fails_leaves_the_slot_to_the_next() -> None:
    slot, answers = TokenSlot(), iter([OSError("no answer"), ("token", None)])

    def exchange() -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(OSError, match="no answer"):
        ExchangedToken(exchange=exchange, header="T", slot=slot).headers()
    assert ExchangedToken(exchange=exchange, header="T", slot=slot).headers() == {"T": "token"}


def test_a_forked_process_begins_without_tokens_and_locks_of_its_parent() -> None:
    store = ClientMemory()
    slot = store.slot("account")
    slot.token = Token("token", None)
    reading, writing = os.pipe()
    # Another thread of the parent may hold both locks at the time of the fork.
    with slot.lock, store._lock:
        process = os.fork()
        if process == 0:
            found = store.slot("account")
            answer = [found.token is None, found.lock.acquire(timeout=1), found is store.slot("account")]
            os.write(writing, json.dumps(answer).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        assert json.load(answers) == [True, True, True]
    os.waitpid(process, 0)
    assert store.slot("account") is slot


def test_known_ids_are_of_one_account_and_list() -> None:
    store = ClientMemory()
    store.known_ids("server", "store", "products").add("1")
    assert "1" in store.known_ids("server", "store", "products")
    assert "1" not in store.known_ids("server", "another", "products")
    assert "1" not in ClientOptions().known_ids("server", "store", "products")


def test_clients_of_a_store_know_the_same_products() -> None:
    partner, store = Partner(), ClientMemory()
    one, other = (YotpoClient(**YOTPO, options=options(partner, store)) for _ in range(2))
    one.known_products.add("1")
    assert "1" in other.known_products
    assert "1" not in YotpoClient(**{**YOTPO, "store_id": "another"}, options=options(partner, store)).known_products
    assert "1" not in YotpoClient(**YOTPO, options=options(partner, None)).known_products


def test_nothing_that_is_kept_shows_a_secret() -> None:
    store = ClientMemory()
    slot = store.slot("account", SECRET)
    slot.token = Token("t0k3n", None)
    shown = repr([store, vars(store), slot, slot.token])
    assert SECRET not in shown
    assert "t0k3n" not in shown


def test_voucherify_and_shopify_share_exchanged_tokens_and_yofi_signed_ones() -> None:
    partner, store = Partner(), ClientMemory()
    shared = options(partner, store, max_attempts=1)
    voucherify: dict[str, Any] = {"application_id": "id", "secret_key": SECRET, "auth": "oauth"}
    shopify: dict[str, Any] = {"client_id": "id", "client_secret": SECRET, "auth": "client_credentials"}
    yofi = {"secret": SECRET * 3, "issuer": "partner", "subject": "account"}
    clients: list[Callable[[], Any]] = [
        lambda: VoucherifyClient(**voucherify, options=shared),
        lambda: ShopifyAdminClient(**shopify, shop="a.myshopify.com", options=shared),
        lambda: ShopifyAdminClient(**shopify, shop="b.myshopify.com", options=shared),
        lambda: YofiClient(**yofi, shop="a.myshopify.com", options=shared),
        lambda: YofiClient(**yofi, shop="b.myshopify.com", options=shared),
        lambda: YofiClient(**{**yofi, "subject": "another"}, shop="a.myshopify.com", options=shared),
    ]
    tokens = []
    for make in clients:
        first, second = make()._transport._settings.auth, make()._transport._settings.auth
        assert first.headers() == second.headers()
        tokens.append(next(iter(first.headers().values())))
    assert len(set(tokens)) == len(clients)
    without = VoucherifyClient(**voucherify, options=replace(shared, memory=None))
    assert without._transport._settings.auth.headers()["Authorization"] not in tokens
