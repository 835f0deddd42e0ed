"""The transport: what is sent, what stays secret, and how connections are shared."""

from __future__ import annotations

import gzip
import json
import logging
import random
import threading
import traceback
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from clocks import TurningClock
from fakes.api import GET, FakeApi, ok, status, transport

from airflow_provider_partners import __version__
from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.api.http.auth import MintedToken, StaticHeaders
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.redaction import Redactor
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.exceptions import (
    ConfigurationError,
    PartnersError,
    RejectedError,
    TransientError,
    UnexpectedResponseError,
)


@pytest.fixture
def clock() -> TurningClock:
    random.seed(11)
    return TurningClock(1_000.0)


# --- what is sent ---


def test_path_and_parameters_are_sent_as_they_are(clock: TurningClock) -> None:
    api = FakeApi(ok())
    params = (("filter", "created_at>=2026-05-01T00:00:00+00:00;state=='a b'"), ("page[size]", "10"), ("empty", ""))
    transport(api, clock).send(Request(method="GET", path="/ecommerce/claims/", params=params))
    assert str(api.requests[0].url) == (
        "https://api.yotpo.com/core/v3/ecommerce/claims/"
        "?filter=created_at%3E%3D2026-05-01T00%3A00%3A00%2B00%3A00%3Bstate%3D%3D%27a%20b%27&page%5Bsize%5D=10&empty="
    )


def test_a_json_body_is_sent_as_utf_8_and_half_an_emoji_is_marked(clock: TurningClock) -> None:
    api = FakeApi(ok())
    transport(api, clock).send(Request(method="POST", path="/x", json={"name": "Zoë \ud83d"}))
    assert api.requests[0].content == '{"name":"Zoë \ufffd"}'.encode()
    assert api.requests[0].headers["content-type"] == "application/json"


def test_half_an_emoji_is_marked_in_parameters_forms_and_responses(clock: TurningClock) -> None:
    """RFC 8259, section 8.2, allows it in JSON; no encoding does, and the Unicode Standard recommends U+FFFD."""
    api = FakeApi(ok(), httpx.Response(200, content=rb'{"data": [{"name": "Zo\u00eb \ud83d"}]}'))
    client = transport(api, clock)
    client.send(Request(method="GET", path="/x", params=(("name", "a\ud83d"),)))
    response = client.send(Request(method="POST", path="/x", form={"name": "a\ud83d"}))
    assert api.requests[0].url.query == b"name=a%EF%BF%BD"
    assert api.requests[1].content == b"name=a%EF%BF%BD"
    assert response.json() == {"data": [{"name": "Zoë \ufffd"}]}


def test_a_form_is_sent_as_one(clock: TurningClock) -> None:
    api = FakeApi(ok())
    transport(api, clock).send(Request(method="POST", path="/token", form={"a": "b c"}))
    assert api.requests[0].content == b"a=b+c"
    assert api.requests[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_headers_come_from_client_request_and_credentials(clock: TurningClock) -> None:
    api = FakeApi(ok())
    client = transport(api, clock, auth=StaticHeaders({"X-Token": "t0ken", "app_id": "shop"}), headers={"X-Api": "v1"})
    client.send(Request(method="GET", path="/", headers={"X-Own": "1"}))
    sent = api.requests[0].headers
    assert (sent["x-token"], sent["app_id"], sent["x-api"], sent["x-own"]) == ("t0ken", "shop", "v1", "1")
    assert sent["accept"] == "application/json"
    assert sent["user-agent"] == f"airflow-provider-partners/{__version__}"


def test_a_request_may_go_without_credentials(clock: TurningClock) -> None:
    api = FakeApi(ok())
    client = transport(api, clock, auth=StaticHeaders({"X-Token": "t0ken"}))
    client.send(Request(method="POST", path="/token", authenticated=False))
    assert "x-token" not in api.requests[0].headers


def test_a_response_has_its_body_and_request_id(clock: TurningClock) -> None:
    packed = gzip.compress(b'{"a": 1}')
    headers = {"Content-Encoding": "gzip", "Correlation-Id": "c-1", "X-Other": "o"}
    api = FakeApi(httpx.Response(200, content=packed, headers=headers))
    response = transport(api, clock, request_id_headers=("X-Request-Id", "Correlation-Id")).send(GET)
    assert (response.json(), response.request_id, response.headers["x-other"]) == ({"a": 1}, "c-1", "o")


def test_cookies_are_not_sent_back(clock: TurningClock) -> None:
    api = FakeApi(ok(headers={"Set-Cookie": "session=1; Path=/"}), ok())
    client = transport(api, clock)
    client.send(GET)
    client.send(GET)
    assert "cookie" not in api.requests[1].headers


@pytest.mark.parametrize("host", ["", "api.yotpo.com", "ftp://x", "https://", "https://x/?a=b"])
def test_an_invalid_host_is_an_error(host: str, clock: TurningClock) -> None:
    with pytest.raises(ConfigurationError, match="host"):
        transport(FakeApi(ok()), clock, base_url=host)


# --- secrets ---


def leaks(text: str) -> list[str]:
    return [secret for secret in ("t0ken-value", "jane@example.com", "jane%40example.com") if secret in text]


SECRET_GET = Request(method="GET", path="/x", params=(("email", "jane@example.com"),), label="customers.list")


@pytest.mark.covers("shopify.auth.token.secret")
@pytest.mark.parametrize(
    "response",
    [
        status(400, {"message": "token t0ken-value of jane@example.com is bad"}),
        status(500, {"message": "t0ken-value"}),
        httpx.ConnectError("t0ken-value at https://x/?email=jane@example.com"),
        httpx.LocalProtocolError("Illegal header value b't0ken-value'"),
        httpx.UnsupportedProtocol("t0ken-value"),
    ],
)
def test_no_secret_is_in_an_error_its_chain_or_a_log(
    response: httpx.Response | Exception, clock: TurningClock, caplog: pytest.LogCaptureFixture
) -> None:
    client = transport(FakeApi(response), clock, auth=StaticHeaders({"X-Token": "t0ken-value"}), max_attempts=2)
    with caplog.at_level(logging.DEBUG), pytest.raises(PartnersError) as raised:
        client.send(SECRET_GET)
    assert leaks(str(raised.value)) == []
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert leaks("".join(traceback.format_exception(raised.value))) == []
    assert leaks(caplog.text) == []


CUSTOMER = {"first_name": "Jörg", "last_name": "Li", "address1": "12 Rue de la Paix", "city": "Ulm"}
CUSTOMER_POST = Request(method="POST", path="/orders", json={"order": {"external_id": "1001", "customer": CUSTOMER}})


@pytest.mark.parametrize("code", [400, 409, 422, 429, 500, 307])
def test_a_customers_data_that_a_partner_repeats_is_in_no_error_and_no_log(
    code: int, clock: TurningClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A server may quote any part of a request in its explanation (RFC 9457, section 5, warns of it)."""
    texts = ["order 1001: cannot ship to Jörg Li", "12 rue de la Paix", "of Ulm", r"J\u00f6rg"]
    api = FakeApi(status(code, {"errors": [{"message": "; ".join(texts)}]}, location="/x?city=Ulm", retry_after="90"))
    with caplog.at_level(logging.DEBUG), pytest.raises(PartnersError) as raised:
        transport(api, clock, max_attempts=2).send(CUSTOMER_POST)
    for text in (str(raised.value), "".join(traceback.format_exception(raised.value)), caplog.text):
        assert not any(word in text for word in ("Jörg", "Li ", "Paix", "Ulm", "u00f6"))
    assert code == 307 or "order 1001: cannot ship to" in str(raised.value)


def test_an_invalid_header_is_reported_without_its_value(clock: TurningClock) -> None:
    with pytest.raises(ConfigurationError, match="characters that HTTP forbids") as raised:
        transport(FakeApi(ok()), clock, auth=StaticHeaders({"X-Token": "t0ken-välue"})).send(GET)
    assert "lue" not in str(raised.value).replace("value", "")
    assert raised.value.__context__ is None


def test_the_http_library_does_not_log_our_urls(clock: TurningClock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="httpx"):
        transport(FakeApi(ok()), clock).send(SECRET_GET)
        httpx.Client(transport=httpx.MockTransport(lambda _: ok())).get("https://other.example/")
    assert leaks(caplog.text) == []
    assert "other.example" in caplog.text


def test_a_retry_logs_one_line_with_cause_and_wait(clock: TurningClock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="airflow_provider_partners.api"):
        transport(FakeApi(status(503, {"message": "busy"}), ok()), clock).send(SECRET_GET)
    (record,) = caplog.records
    assert record.name == "airflow_provider_partners.api"
    assert "Yotpo customers.list: HTTP 503 Service Unavailable: busy; attempt 1 of 8, next try in" in record.message


def test_a_token_minted_during_the_call_is_redacted(clock: TurningClock) -> None:
    redactor = Redactor()
    auth = MintedToken(mint=lambda: ("minted-one", 9_999.0), clock=clock)
    with pytest.raises(RejectedError) as raised:
        transport(FakeApi(status(400, {"message": "got minted-one"})), clock, auth=auth, redactor=redactor).send(GET)
    assert "minted-one" not in str(raised.value)
    assert redactor("minted-one") == "***"


# --- connections and threads ---


def test_the_first_request_opens_the_connection() -> None:
    Transport(partner="Yotpo", base_url="https://unresolvable.invalid", options=ClientOptions(handler=None)).close()


def test_closing_twice_is_harmless_and_sending_afterwards_is_an_error(clock: TurningClock) -> None:
    client = transport(FakeApi(ok()), clock)
    with client:
        client.send(GET)
    client.close()
    with pytest.raises(TransientError, match="closed"):
        client.send(GET)


def test_a_waiting_call_ends_when_the_client_is_closed(clock: TurningClock) -> None:
    client = transport(FakeApi(status(429, retry_after="50")), clock)

    def sleep(seconds: float) -> None:
        clock.now += seconds
        client.close()

    clock.sleep = sleep  # type: ignore[method-assign]
    with pytest.raises(TransientError, match="closed while"):
        client.send(GET)
    assert clock.now - 1_000 <= 5


def test_sixteen_threads_share_one_client() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["n"])
        with lock:
            tries[number] = tries.get(number, 0) + 1
        if number % 5 == 0 and tries[number] == 1:
            return status(503)
        return httpx.Response(200, json={"n": number})

    class NoTime(Clock):
        def sleep(self, seconds: float) -> None:
            pass

    lock, tries = threading.Lock(), dict[int, int]()
    client = Transport(
        partner="Yotpo",
        base_url="https://x.example",
        options=ClientOptions(handler=httpx.MockTransport(echo), clock=NoTime()),
    )

    def request(number: int) -> int:
        request = Request(method="GET", path="/", params=(("n", str(number)),), label="echo")
        number_sent: int = client.send(request).json()["n"]
        return number_sent

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(request, range(200))) == list(range(200))
    counts = client.stats.snapshot()
    assert (counts["requests"], counts["retries"], counts["by_label"]) == (240, 40, {"echo": 240})
    json.dumps(counts)


# --- limits ---


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(clock: TurningClock) -> None:
    """RFC 9110, section 8.4.1, lets a server compress; 100 MB of zeros are 100 kB of gzip."""
    bomb = gzip.compress(bytes(100_000_000))
    api = FakeApi(httpx.Response(200, stream=Pieces(bomb), headers={"Content-Encoding": "gzip"}))
    tracemalloc.start()
    with pytest.raises(UnexpectedResponseError, match=r"more than 2 MB.*max_response_mb"):
        transport(api, clock, max_response_size=2_000_000).send(GET)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(api.requests) == 1
    assert peak < 40_000_000


class Pieces(httpx.SyncByteStream):
    """The body as it arrives from a network."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.content), 8_192):
            yield self.content[start : start + 8_192]


@pytest.mark.parametrize("code", [200, 500])
def test_an_endless_body_is_refused(code: int, clock: TurningClock) -> None:
    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield b" " * 65_536

    api = FakeApi(httpx.Response(code, stream=Endless()))
    with pytest.raises(UnexpectedResponseError, match="more than 64 MB"):
        transport(api, clock).send(GET)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd"])
def test_a_compression_that_cannot_be_bounded_is_refused(encoding: str, clock: TurningClock) -> None:
    api = FakeApi(httpx.Response(200, stream=Pieces(b"x"), headers={"Content-Encoding": encoding}))
    with pytest.raises(UnexpectedResponseError, match="compression that was not requested"):
        transport(api, clock).send(GET)
    assert api.requests[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"price": 1E+9999999}', b'{"a":' * 500 + b"1" + b"}" * 500])
@pytest.mark.parametrize("code", [200, 422])
def test_json_beyond_the_limits_is_refused_at_once(content: bytes, code: int, clock: TurningClock) -> None:
    api = FakeApi(httpx.Response(code, content=content))
    with pytest.raises((UnexpectedResponseError, RejectedError)):
        transport(api, clock).send(GET)
    assert len(api.requests) == 1


def test_plain_http_is_warned_about_once_except_on_this_machine(
    clock: TurningClock, caplog: pytest.LogCaptureFixture
) -> None:
    for host in ("localhost:8900", "127.0.0.1", "[::1]:80", "partner.example:8080", "partner.example:8080"):
        transport(FakeApi(ok()), clock, base_url=f"http://{host}/v1")
    transport(FakeApi(ok()), clock, base_url="https://partner.example")
    assert [record.message for record in caplog.records] == [
        "Yotpo: http://partner.example:8080 is not encrypted, so anyone on the way can read the credentials"
    ]
