"""Client of Yotpo's Core API v3 for one store: look up, create and update records, and read lists.

Yotpo has no call that creates or updates. How to combine lookup, create and update is the caller's decision: see
:mod:`airflow_provider_partners.sync.upsert`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.async_job import submit_once
from airflow_provider_partners.api.client import RestClient
from airflow_provider_partners.api.http.auth import ExchangedToken
from airflow_provider_partners.api.http.messages import Request, Response, check_object
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.observers import report
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.yotpo.auth import TOKEN_HEADER, StoreCredentials, read_token
from airflow_provider_partners.api.yotpo.errors import YOTPO_ERRORS, YOTPO_TOKEN_ERRORS, update_rate_limit
from airflow_provider_partners.api.yotpo.lookup import IdFilter, RecordLookup
from airflow_provider_partners.api.yotpo.query import SOURCE, build_extraction
from airflow_provider_partners.api.yotpo.resources import RESOURCES, parse_yotpo_id, with_yotpo_id, yotpo_id_of
from airflow_provider_partners.exceptions import NotFoundError, UnexpectedResponseError
from airflow_provider_partners.records import Record

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_partners.api.extraction import Extraction

__all__ = ["DEFAULT_URL", "YotpoClient"]

DEFAULT_URL = "https://api.yotpo.com"

REQUESTS_PER_SECOND = 4.7
"""Yotpo allows 5 per second and store (guidelines, "rate limiting").

It counts arrivals. At this rate, six fall into a second only if the way of one takes 60 ms longer than that of another.
"""


class YotpoClient(RestClient):
    """Reads and writes one Yotpo store.

    ::

        with YotpoClient(store_id=store_id, secret=secret) as yotpo:
            known = yotpo.orders(["1001", "1002"])
            if "1001" not in known:
                yotpo_id = yotpo.create_order({"external_id": "1001", "order_date": "2026-05-01T10:20:30Z", ...})

    :param store_id: the store; Yotpo also calls it app key
    :param secret: the store's API secret
    :param base_url: scheme and host, with a path prefix if need be
    :param auth: where the token comes from: ``secret`` (the store's own endpoint) or ``oauth`` (client credentials)
    :param requests_per_second: the store's rate limit
    :param options: deadlines, rate limit store, clock and other options of every client
    """

    def __init__(
        self,
        *,
        store_id: str,
        secret: str,
        base_url: str = DEFAULT_URL,
        auth: str = "secret",
        requests_per_second: float = REQUESTS_PER_SECOND,
        options: ClientOptions | None = None,
    ) -> None:
        options = options or ClientOptions()
        self._clock = options.clock
        self._credentials = StoreCredentials(store_id=store_id, secret=secret, auth=auth)
        self.known_products = options.known_ids("yotpo", base_url or DEFAULT_URL, store_id, "products")
        """Products that an upsert has found or created."""
        self._id_filters = {name: IdFilter() for name in RESOURCES}
        self._transport = Transport(
            partner="Yotpo",
            base_url=base_url or DEFAULT_URL,
            auth=ExchangedToken(
                exchange=self._exchange_token,
                header=TOKEN_HEADER,
                clock=options.clock,
                on_secret=options.on_secret,
                slot=options.token_slot("yotpo", base_url or DEFAULT_URL, auth, store_id, secret),
            ),
            rate_limit=RateLimiter(rate=requests_per_second, store=options.rate_limit_store, clock=options.clock),
            error_handler=YOTPO_ERRORS,
            rate_limit_observer=update_rate_limit,
            request_id_headers=("correlation-id", "x-request-id"),
            options=options,
        )
        options.on_secret(secret)
        self._transport.redactor.add(secret)

    @property
    def store_id(self) -> str:
        """The store."""
        return self._credentials.store_id

    def ping(self) -> str:
        """Read one product: the cheapest call that needs the token and the store."""
        products = RESOURCES["products"]
        products.extract_records(self._get(products.path, "products.list", {"limit": "1"}))
        return f"Yotpo answers for the store {self.store_id[:6]}…."

    def lookup(self, resource: str) -> RecordLookup:
        """Return a lookup of records by the merchant's ids, for callers that also create and update them.

        :param resource: ``orders`` or ``products``
        """
        return RecordLookup(
            RESOURCES[resource],
            self._get,
            list_records=lambda: self.extract(resource).records(),
            get_record=lambda yotpo_id: self._get_record(resource, yotpo_id),
            id_filter=self._id_filters[resource],
        )

    def orders(self, external_ids: Sequence[str]) -> dict[str, Record]:
        """Return orders by the merchant's ids; those that Yotpo doesn't have are missing.

        :param external_ids: any number; each hundred is one call
        """
        report(SOURCE, self.store_id, "orders")
        return self.lookup("orders").find(external_ids)

    def products(self, external_ids: Sequence[str]) -> dict[str, Record]:
        """Return products by the merchant's ids; those that Yotpo doesn't have are missing.

        :param external_ids: any number; each hundred is one call
        """
        report(SOURCE, self.store_id, "products")
        return self.lookup("products").find(external_ids)

    def order(self, yotpo_id: int) -> Record | None:
        """Return one order by Yotpo's id, ``None`` when Yotpo doesn't have it."""
        report(SOURCE, self.store_id, "orders")
        return self._get_record("orders", yotpo_id)

    def product(self, yotpo_id: int) -> Record | None:
        """Return one product by Yotpo's id, ``None`` when Yotpo doesn't have it."""
        report(SOURCE, self.store_id, "products")
        return self._get_record("products", yotpo_id)

    def fulfillments(self, order_yotpo_id: int) -> list[Record]:
        """Return the fulfillments of an order, each with its ``yotpo_id``.

        :param order_yotpo_id: Yotpo's id of the order
        :raises NotFoundError: when Yotpo has no such order
        """
        return list(self.extract("fulfillments", match={"order_id": [order_yotpo_id]}).records())

    def create_order(self, payload: Mapping[str, Any]) -> int:
        """Create an order and return Yotpo's id of it.

        :param payload: the order, without its envelope
        :raises ConflictError: when the external id exists
        :raises UnknownProductsError: when a line names a product that the store doesn't have
        :raises RejectedError: when Yotpo refuses the order for another reason
        """
        return self._create("orders", "/orders", payload)

    def update_order(self, yotpo_id: int, payload: Mapping[str, Any]) -> None:
        """Change the given properties of an order; errors as of :meth:`create_order`.

        :raises NotFoundError: when Yotpo has no such order
        """
        self._update("orders", f"/orders/{parse_yotpo_id(yotpo_id)}", payload)

    def create_product(self, payload: Mapping[str, Any]) -> int:
        """Create a product and return Yotpo's id of it.

        :param payload: the product, without its envelope
        :raises ConflictError: when the external id exists
        """
        return self._create("products", "/products", payload)

    def update_product(self, yotpo_id: int, payload: Mapping[str, Any]) -> None:
        """Change the given properties of a product.

        :raises NotFoundError: when Yotpo has no such product
        """
        self._update("products", f"/products/{parse_yotpo_id(yotpo_id)}", payload)

    def upsert_customer(self, payload: Mapping[str, Any]) -> None:
        """Create or update a customer. Yotpo works on it within about a minute.

        :param payload: the customer, without its envelope: with an ``external_id``, or else with one of ``email`` and
            ``phone_number``
        :raises RejectedError: when Yotpo refuses the customer
        """
        self._update("customers", "/customers", payload)

    def create_fulfillment(self, order_yotpo_id: int, payload: Mapping[str, Any]) -> int:
        """Create a fulfillment of an order and return Yotpo's id of it.

        :param order_yotpo_id: Yotpo's id of the order
        :param payload: the fulfillment, without its envelope
        """
        path = f"/orders/{parse_yotpo_id(order_yotpo_id)}/fulfillments"
        external_id = str(payload.get("external_id"))

        def find(since: datetime) -> int | None:
            same = (part for part in self.fulfillments(order_yotpo_id) if str(part.get("external_id")) == external_id)
            return next(map(yotpo_id_of, same), None)

        # No document says that a second fulfillment with the same external id is refused, as a second order is.
        create = partial(self._create, "fulfillments", path, payload, repeatable=False)
        return submit_once(create, find, self._clock)

    def update_fulfillment(self, order_yotpo_id: int, fulfillment_id: int, payload: Mapping[str, Any]) -> None:
        """Change the given properties of a fulfillment.

        :param order_yotpo_id: Yotpo's id of the order
        :param fulfillment_id: Yotpo's id of the fulfillment
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
        time_field: str | None = None,
    ) -> Extraction:
        """Return the records of one list as an extraction. It sends nothing before its pages are read.

        :param resource: ``orders``, ``products``, ``customers``, ``fulfillments``, ``variants``, ``reviews`` or
            ``unsubscribers``
        :param since: the first time to read, as ISO 8601 text or ``datetime``; orders by their date, and reviews
        :param until: the first time after it
        :param match: ``{"external_id": ids}`` for orders and products, ``{"order_id": ids}`` for fulfillments and
            ``{"product_id": ids}`` for variants, the latter two Yotpo's ids. An empty list of ids gives no records
        :param page_size: records per page, at most 100; of unsubscribers 5000
        :param time_field: for reviews, what ``since`` and ``until`` filter: ``updated_at`` (default) or ``created_at``
        :raises ConfigurationError: for an argument that the list doesn't take; the error names those it takes
        """
        definition = find_resource(RESOURCES, resource)
        return build_extraction(
            definition,
            get=partial(self._get_by_param, definition.token_param) if definition.token_param else self._get,
            find_records=self.lookup(definition.name).find,
            store_id=self.store_id,
            since=since,
            until=until,
            match=match,
            page_size=page_size,
            time_field=time_field,
        )

    def _get_by_param(self, token_param: str, path: str, label: str, params: Mapping[str, str]) -> Any:
        """Read a list of the older API, whose token is a query parameter."""
        request = Request(
            method="GET",
            path=path,
            params=tuple(params.items()),
            label=label,
            token_param=token_param,
            check=RESOURCES[label.partition(".")[0]].extract_records,
        )
        return self._transport.send(request).json()

    def _get_record(self, name: str, yotpo_id: int) -> Record | None:
        resource = RESOURCES[name]
        try:
            body = self._get(f"{resource.path}/{parse_yotpo_id(yotpo_id)}", f"{name}.get", {})
        except NotFoundError:
            return None
        return with_yotpo_id(_unwrap(body, resource.envelope))

    def _create(self, name: str, path: str, payload: Mapping[str, Any], *, repeatable: bool = True) -> int:
        # An order or product that a lost response has created is refused with 409 when it is sent again.
        envelope = RESOURCES[name].envelope
        body = {envelope: dict(payload)}
        report(SOURCE, self.store_id, name, is_write=True)
        check = partial(_unwrap, envelope=envelope)
        response = self._send("POST", path, f"{name}.create", body=body, repeatable=repeatable, check=check)
        # The response holds the new id and nothing else: {"order": {"yotpo_id": 123}}.
        return yotpo_id_of(_unwrap(response.json(), envelope))

    def _update(self, name: str, path: str, payload: Mapping[str, Any]) -> None:
        # The response to a PATCH is empty. Anything else may come from a gateway that has lost the request.
        body = {RESOURCES[name].envelope: dict(payload)}
        report(SOURCE, self.store_id, name, is_write=True)
        check = partial(_check_update, envelope=RESOURCES[name].envelope)
        self._send("PATCH", path, f"{name}.update", body=body, may_be_empty=True, check=check)

    def _get(self, path: str, label: str, params: Mapping[str, str]) -> Any:
        name, _, kind = label.partition(".")
        resource = RESOURCES[name]
        check = partial(_unwrap, envelope=resource.envelope) if kind == "get" else resource.extract_records
        return self._send("GET", path, label, params=params, check=check).json()

    def _send(
        self,
        method: str,
        path: str,
        label: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        repeatable: bool = True,
        may_be_empty: bool = False,
        check: Callable[[Any], object] = check_object,
    ) -> Response:
        return self._transport.send(
            Request(
                method=method,
                path=f"{self._credentials.store_path}{path}",
                params=tuple((params or {}).items()),
                json=body,
                label=label,
                repeatable=repeatable,
                may_be_empty=may_be_empty,
                check=check,
            )
        )

    def _exchange_token(self) -> tuple[str, float | None]:
        response = self._transport.send(self._credentials.token_request(), error_handler=YOTPO_TOKEN_ERRORS)
        return read_token(response)


def _unwrap(body: Any, envelope: str) -> Record:
    record = body.get(envelope) if isinstance(body, Mapping) else None
    if not isinstance(record, dict):
        content = sorted(map(str, body)) if isinstance(body, Mapping) else type(body).__name__
        message = f"the response has no '{envelope}' but {content}"
        raise UnexpectedResponseError(message[:300], partner="Yotpo")
    return record


def _check_update(body: Any, *, envelope: str) -> None:
    """Refuse a response to an update that says something else than the record.

    :raises UnexpectedResponseError: when it does
    """
    if body != {}:
        _unwrap(body, envelope)
