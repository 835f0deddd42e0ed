"""Yotpo's Core API v3 of one store: look up, create and update orders, products and fulfillments; read its lists.

Yotpo has no call that creates or updates, and no way to a record by the merchant's id but a filter of the list; how to
combine them is the caller's business. Must not know Airflow, Shopify, nor what makes a good order.

Sending to one Yotpo store: its root path, its token, the envelopes around what is written and read.

Must not know which operations there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_partners.api.http.auth import ExchangedToken
from airflow_provider_partners.api.http.messages import Request, Response
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.yotpo.resources import (
    YOTPO_ERRORS,
    YOTPO_TOKEN_ERRORS,
    update_rate_limit,
    with_yotpo_id,
)
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError
from airflow_provider_partners.records import Record

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
if TYPE_CHECKING:
    from airflow_provider_partners.api.http.rate_limit_store import RateLimitStore
from collections.abc import Iterable, Sequence
from functools import partial

from airflow_provider_partners.api.client import ApiClient
from airflow_provider_partners.api.clock import SYSTEM_CLOCK, Clock
from airflow_provider_partners.api.http.auth import ignore_secret
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.yotpo.lookup import RecordLookup
from airflow_provider_partners.api.yotpo.query import build_extraction
from airflow_provider_partners.api.yotpo.resources import RESOURCES, UnknownProductsError, parse_yotpo_time
from airflow_provider_partners.exceptions import NotFoundError

if TYPE_CHECKING:
    from datetime import datetime
if TYPE_CHECKING:
    from airflow_provider_partners.api.extraction import Extraction


TOKEN_HEADER = "X-Yotpo-Token"  # noqa: S105 - a header's name


class StoreWire:
    """One store's side of the transport; parameters are those of ``YotpoClient``."""

    def __init__(
        self,
        *,
        store_id: str,
        secret: str,
        base_url: str,
        auth: str,
        requests_per_second: float,
        rate_limit_store: RateLimitStore | None,
        handler: Any,
        clock: Clock,
        on_secret: Callable[[str], None],
        **transport_options: Any,
    ) -> None:
        exchanges = {"secret": self._store_token, "oauth": self._oauth_token}
        if auth not in exchanges:
            message = f"auth={auth!r} is unknown"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(exchanges)}.", partner="Yotpo")
        if not store_id or not secret:
            message = "store id and API secret are both needed"
            raise ConfigurationError(message, remedy="Set login and password of the connection.", partner="Yotpo")
        self._store_id = store_id
        self._secret = secret
        self._root = f"/core/v3/stores/{quote(store_id, safe='')}"
        self.transport = Transport(
            partner="Yotpo",
            base_url=base_url,
            # Yotpo gives no lifetime: a token is used until it is refused (its own advice).
            auth=ExchangedToken(exchange=exchanges[auth], header=TOKEN_HEADER, clock=clock, on_secret=on_secret),
            rate_limit=RateLimiter(rate=requests_per_second, store=rate_limit_store, clock=clock),
            error_handler=YOTPO_ERRORS,
            rate_limit_observer=update_rate_limit,
            request_id_headers=("correlation-id", "x-request-id"),
            handler=handler,
            clock=clock,
            **transport_options,
        )
        on_secret(secret)
        self.transport.redactor.add(secret)

    def get(self, path: str, label: str, query: Mapping[str, str]) -> Any:
        """Read.

        :param path: below the store
        :param label: the operation, for logs and counters
        :param query: the parameters
        :returns: the answer's JSON
        """
        return self._send("GET", path, label, query=query).json()

    def read(self, path: str, label: str, envelope: str) -> Record:
        """Read one record.

        :param path: below the store
        :param label: the operation
        :param envelope: the name around the record
        """
        return with_yotpo_id(_unwrap(self.get(path, label, {}), envelope))

    def create(self, path: str, label: str, envelope: str, payload: Mapping[str, Any]) -> int:
        """Create a record.

        :param path: below the store
        :param label: the operation
        :param envelope: the name around the record
        :param payload: the record
        :returns: Yotpo's id; the answer holds nothing else (recorded)
        """
        response = self._send("POST", path, label, body={envelope: dict(payload)})
        return parse_yotpo_id(with_yotpo_id(_unwrap(response.json(), envelope)).get("yotpo_id"))

    def update(self, path: str, label: str, envelope: str, payload: Mapping[str, Any]) -> None:
        """Change some of a record. The answer is empty (recorded), so there is nothing to read.

        :param path: below the store
        :param label: the operation
        :param envelope: the name around the record
        :param payload: what changes
        """
        self._send("PATCH", path, label, body={envelope: dict(payload)})

    def _send(
        self,
        method: str,
        path: str,
        label: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Response:
        params = tuple((query or {}).items())
        return self.transport.send(
            Request(method=method, path=f"{self._root}{path}", params=params, json=body, label=label)
        )

    def _store_token(self) -> tuple[str, float | None]:
        return self._exchange_token(f"{self._root}/access_tokens", {"secret": self._secret})

    def _oauth_token(self) -> tuple[str, float | None]:
        credentials = {"client_id": self._store_id, "client_secret": self._secret}
        return self._exchange_token("/oauth/token", {**credentials, "grant_type": "client_credentials"})

    def _exchange_token(self, path: str, body: Mapping[str, str]) -> tuple[str, float | None]:
        request = Request(method="POST", path=path, json=body, label="token", authenticated=False)
        answer = self.transport.send(request, error_handler=YOTPO_TOKEN_ERRORS).json()
        token = answer.get("access_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str) or not token:
            message = "asked for an access token, got an answer without one"
            raise UnexpectedResponseError(message, partner="Yotpo")
        return token, None


def _unwrap(body: Any, envelope: str) -> Record:
    inside = body.get(envelope) if isinstance(body, Mapping) else None
    if not isinstance(inside, dict):
        held = sorted(map(str, body)) if isinstance(body, Mapping) else type(body).__name__
        message = f"the answer has no '{envelope}' in it, but {held}"
        raise UnexpectedResponseError(message[:300], partner="Yotpo")
    return inside


def parse_yotpo_id(value: Any) -> int:
    """An id of Yotpo's: a whole number, which may need more than 32 bits (recorded).

    :param value: as given or read
    :raises UnexpectedResponseError: for anything else
    """
    try:
        return int(value)
    except (TypeError, ValueError):
        message = "Yotpo's id of a record is no whole number"
        raise UnexpectedResponseError(message, partner="Yotpo") from None


__all__ = ["DEFAULT_URL", "RESOURCES", "UnknownProductsError", "YotpoClient", "parse_yotpo_time"]

DEFAULT_URL = "https://api.yotpo.com"

REQUESTS_PER_SECOND = 4.5
"""Yotpo takes 5 a second per store; a little less leaves room for its clock."""


class YotpoClient(ApiClient):
    """Reads and writes one store.

    ::

        with YotpoClient(store_id=store_id, secret=secret) as yotpo:
            known = yotpo.orders(["1001", "1002"])
            if "1001" not in known:
                yotpo_id = yotpo.create_order({"external_id": "1001", "order_date": "2026-05-01T10:20:30Z", ...})

    :param store_id: the store, which Yotpo also calls app key
    :param secret: its API secret
    :param base_url: scheme and host, with a path prefix if need be
    :param auth: where the token comes from: ``secret`` (the store's own endpoint) or ``oauth`` (client credentials)
    :param requests_per_second: the budget of the store
    :param rate_limit_store: where the budget is kept; give one that parallel tasks share
    :param on_secret: told every secret and token before it is used
    :param transport_options: further options of the transport, such as ``deadline``, ``max_wait``, ``timeouts``
    """

    def __init__(
        self,
        *,
        store_id: str,
        secret: str,
        base_url: str = DEFAULT_URL,
        auth: str = "secret",
        requests_per_second: float = REQUESTS_PER_SECOND,
        rate_limit_store: RateLimitStore | None = None,
        handler: Any = None,
        clock: Clock = SYSTEM_CLOCK,
        on_secret: Callable[[str], None] = ignore_secret,
        **transport_options: Any,
    ) -> None:
        self.store_id = store_id
        self._wire = StoreWire(
            store_id=store_id,
            secret=secret,
            base_url=base_url or DEFAULT_URL,
            auth=auth,
            requests_per_second=requests_per_second,
            rate_limit_store=rate_limit_store,
            handler=handler,
            clock=clock,
            on_secret=on_secret,
            **transport_options,
        )
        self._transport = self._wire.transport
        self._lookup = RecordLookup(self._wire.get)

    @property
    def batch_lookups(self) -> bool:
        """Whether several ids are looked up in one call; False once the store showed that its filter takes no list."""
        return self._lookup.uses_batches

    def ping(self) -> str:
        """Read one product: the cheapest question that needs the token and the store."""
        row = RESOURCES["products"]
        row.extract_records(self._wire.get(row.path, "products.list", {"limit": "1"}))
        return f"Yotpo answers for the store {self.store_id[:6]}…."

    def orders(self, external_ids: Sequence[str]) -> dict[str, Record]:
        """Orders by the merchant's ids; those that Yotpo doesn't have are missing.

        :param external_ids: any number; each hundred is one call
        :raises UnexpectedResponseError: when the store gives other orders even for a single id
        """
        return self._lookup.find("orders", external_ids)

    def products(self, external_ids: Sequence[str]) -> dict[str, Record]:
        """Products by the merchant's ids; those that Yotpo doesn't have are missing.

        :param external_ids: any number; each hundred is one call
        :raises UnexpectedResponseError: when the store gives other products even for a single id
        """
        return self._lookup.find("products", external_ids)

    def order(self, yotpo_id: int) -> Record | None:
        """One order by Yotpo's id, ``None`` when it has none.

        :param yotpo_id: Yotpo's id
        """
        return self._get_record("orders", yotpo_id)

    def product(self, yotpo_id: int) -> Record | None:
        """One product by Yotpo's id, ``None`` when it has none.

        :param yotpo_id: Yotpo's id
        """
        return self._get_record("products", yotpo_id)

    def fulfillments(self, order_yotpo_id: int) -> list[Record]:
        """The fulfillments of an order, each with its ``yotpo_id``.

        :param order_yotpo_id: Yotpo's id of the order
        :raises NotFoundError: when Yotpo has no such order
        """
        return list(self.extract("fulfillments", match={"order_id": [order_yotpo_id]}).records())

    def create_order(self, payload: Mapping[str, Any]) -> int:
        """Create an order.

        :param payload: the order, without its envelope
        :returns: Yotpo's id
        :raises ConflictError: when the external id exists
        :raises UnknownProductsError: when a line names a product that the store doesn't have
        :raises RejectedError: when it is refused otherwise
        """
        return self._create("orders", "/orders", payload)

    def update_order(self, yotpo_id: int, payload: Mapping[str, Any]) -> None:
        """Change the given properties of an order; errors as of :meth:`create_order`.

        :param yotpo_id: Yotpo's id
        :param payload: what changes
        :raises NotFoundError: when Yotpo has no such order
        """
        self._update("orders", f"/orders/{parse_yotpo_id(yotpo_id)}", payload)

    def create_product(self, payload: Mapping[str, Any]) -> int:
        """Create a product.

        :param payload: the product, without its envelope
        :returns: Yotpo's id
        :raises ConflictError: when the external id exists
        """
        return self._create("products", "/products", payload)

    def update_product(self, yotpo_id: int, payload: Mapping[str, Any]) -> None:
        """Change the given properties of a product.

        :param yotpo_id: Yotpo's id
        :param payload: what changes
        :raises NotFoundError: when Yotpo has no such product
        """
        self._update("products", f"/products/{parse_yotpo_id(yotpo_id)}", payload)

    def create_fulfillment(self, order_yotpo_id: int, payload: Mapping[str, Any]) -> int:
        """Create a fulfillment of an order.

        :param order_yotpo_id: Yotpo's id of the order
        :param payload: the fulfillment, without its envelope
        :returns: Yotpo's id of the fulfillment
        """
        return self._create("fulfillments", f"/orders/{parse_yotpo_id(order_yotpo_id)}/fulfillments", payload)

    def update_fulfillment(self, order_yotpo_id: int, fulfillment_id: int, payload: Mapping[str, Any]) -> None:
        """Change the given properties of a fulfillment.

        :param order_yotpo_id: Yotpo's id of the order
        :param fulfillment_id: Yotpo's id of the fulfillment
        :param payload: what changes
        """
        path = f"/orders/{parse_yotpo_id(order_yotpo_id)}/fulfillments/{parse_yotpo_id(fulfillment_id)}"
        self._update("fulfillments", path, payload)

    def extract(
        self,
        resource: str,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        page_size: int | None = None,
    ) -> Extraction:
        """Rows of one list; nothing is sent before its pages are walked.

        :param resource: ``orders``, ``products``, ``customers``, ``fulfillments`` or ``variants``
        :param since: the first moment, of orders' dates
        :param until: the first moment not asked for
        :param match: ``{"external_id": ids}`` for orders and products, ``{"order_id": ids}`` for fulfillments and
            ``{"product_id": ids}`` for variants, the latter two Yotpo's ids; no ids give no rows
        :param page_size: rows per page
        :raises ConfigurationError: for what the list doesn't take, naming what it takes
        """
        row = find_resource(RESOURCES, resource)
        return build_extraction(
            row,
            get=self._wire.get,
            find_records=partial(self._lookup.find, row.name),
            store_id=self.store_id,
            since=since,
            until=until,
            match=match,
            page_size=page_size,
        )

    def _get_record(self, name: str, yotpo_id: int) -> Record | None:
        row = RESOURCES[name]
        try:
            return self._wire.read(f"{row.path}/{parse_yotpo_id(yotpo_id)}", f"{name}.get", row.envelope)
        except NotFoundError:
            return None

    def _create(self, name: str, path: str, payload: Mapping[str, Any]) -> int:
        return self._wire.create(path, f"{name}.create", RESOURCES[name].envelope, payload)

    def _update(self, name: str, path: str, payload: Mapping[str, Any]) -> None:
        self._wire.update(path, f"{name}.update", RESOURCES[name].envelope, payload)
