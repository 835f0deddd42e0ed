"""Client of Yofi's Partner Data API for one shop: claims, customers, returns, notification events and predictions.

The API is read-only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.client import RestClient
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.http.urls import path_segment
from airflow_provider_partners.api.observers import report
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.yofi.auth import YofiCredentials, make_shop_token, normalize_shop
from airflow_provider_partners.api.yofi.capabilities import ServerCapabilities
from airflow_provider_partners.api.yofi.errors import YOFI_ERRORS
from airflow_provider_partners.api.yofi.field_fallback import FieldFallback
from airflow_provider_partners.api.yofi.jsonapi import Document, check_document
from airflow_provider_partners.api.yofi.pages import PAGE_NUMBER, PAGE_SIZE, GetPage
from airflow_provider_partners.api.yofi.query import Names, build_query, field_params, resolve_include
from airflow_provider_partners.api.yofi.resources import CUSTOMER, LISTED_FIELDS, RESOURCES, YofiResource, resolve_paths
from airflow_provider_partners.api.yofi.segments import SegmentBuilder
from airflow_provider_partners.exceptions import ConfigurationError, NotFoundError, UnexpectedResponseError
from airflow_provider_partners.records import Record

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from airflow_provider_partners.api.rsql.expressions import Expression

__all__ = ["DEFAULT_URL", "YofiClient"]

SOURCE = "yofi"
DEFAULT_URL = "https://portal.public-api.services.yofi.ai"

PREDICTION_FILTER_PARAM = "filter[EcommerceUnifiedReturnPrediction]"
"""The likeliest name of the parameter, by analogy with ``fields[...]``. Yofi's page doesn't show it."""

REQUESTS_PER_SECOND = 5.0
"""Yofi documents no rate limit. This one is a courtesy."""


class YofiClient(RestClient):
    """Reads Yofi's data of one shop.

    ::

        with YofiClient(secret=secret, issuer="partner-7", subject="svc-7", shop="a.myshopify.com") as yofi:
            for record in yofi.extract("returns", match={"order_id": ["450789469"]}).records():
                print(record["state"], [p["prediction_category"] for p in record["return_predictions"]])

    :param secret: the signing secret
    :param base_url: scheme and host, with a path prefix if need be
    :param auth_profile: ``service_account``, or ``legacy`` for integrations completed before 2026
    :param issuer: the partner id
    :param subject: the service account; not used by the legacy profile
    :param client_id: assigned by Yofi; not used by the legacy profile
    :param organization_id: required by the legacy profile, an optional header of the other one
    :param shop: the shop's domain
    :param platform: the platform's name inside Yofi
    :param algorithm: signing algorithm: HS256, HS384 or HS512
    :param token_ttl: lifetime of a token in seconds
    :param paths: paths that differ from the built-in ones, by list (or ``customer``, with ``{customer_id}`` in it)
    :param prediction_filter_param: the query parameter that filters returns by their predictions
    :param page_size: records per page
    :param requests_per_second: the rate limit
    :param audience: of the tokens, as Yofi assigned it; by default that of the page
    :param options: deadlines, rate limit store, clock and other options of every client
    """

    def __init__(
        self,
        *,
        secret: str,
        issuer: str,
        base_url: str = DEFAULT_URL,
        auth_profile: str = "service_account",
        subject: str | None = None,
        client_id: str = "backend-service",
        organization_id: str | None = None,
        shop: str | None = None,
        platform: str = "shopify",
        algorithm: str = "HS256",
        token_ttl: int = 300,
        paths: Mapping[str, str] | None = None,
        prediction_filter_param: str = PREDICTION_FILTER_PARAM,
        page_size: int = 100,
        requests_per_second: float = REQUESTS_PER_SECOND,
        audience: str | None = None,
        options: ClientOptions | None = None,
    ) -> None:
        options = options or ClientOptions()
        self._credentials = YofiCredentials(
            secret=secret,
            profile=auth_profile,
            issuer=issuer,
            subject=subject,
            client_id=client_id,
            organization_id=organization_id,
            platform=platform,
            algorithm=algorithm,
            token_ttl=token_ttl,
            audience=audience,
        )
        self._paths = resolve_paths(paths or {})
        self._prediction_filter_param = prediction_filter_param
        self._page_size = page_size
        self._clock = options.clock
        self._capabilities = ServerCapabilities()
        self._shop = normalize_shop(shop or "")
        options.on_secret(secret)
        self._transport = Transport(
            partner="Yofi",
            base_url=base_url or DEFAULT_URL,
            auth=make_shop_token(self._credentials, self._shop, options),
            rate_limit=RateLimiter(rate=requests_per_second, store=options.rate_limit_store, clock=options.clock),
            error_handler=YOFI_ERRORS,
            options=options,
        )
        self._transport.redactor.add(secret)

    @property
    def shop(self) -> str:
        """The shop."""
        return self._shop

    def ping(self) -> str:
        """Read one claim: the cheapest call that needs the credentials and the shop."""
        resource = RESOURCES["claims"]
        params = {"fields[Claim]": "id", PAGE_SIZE: "1", PAGE_NUMBER: "1"}
        total = Document(self._get_page(resource, params)).total()
        claims = "" if total is None else f" {total} claims."
        return f"Yofi answers for {self._shop} with the {self._credentials.profile} profile.{claims}"

    def extract(
        self,
        resource: str,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        filters: Expression | str | None = None,
        prediction_filter: Expression | str | None = None,
        fields: Names | Mapping[str, Names] | None = None,
        include: Names | None = None,
        sort: Names | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        page_size: int | None = None,
        walk_lookback: timedelta | None = None,
        one_by_one: bool = False,
    ) -> Extraction:
        """Return the records of one list as an extraction. It sends nothing before its pages are read.

        A record has ``id``, ``type``, its attributes, and each requested relation as a record, a list or ``None``.

        A time range of returns is one of their own dates. Yofi has no filter for it, so the list is read from the
        newest return back to ``since``. If Yofi can only sort by the orders' dates, it is read back to orders as old as
        returned goods may be. A later change of a return appears in no time range: read by ids, or the whole list.

        :param resource: ``claims``, ``customers``, ``returns``, ``notification_events``, or the predictions alone:
            ``return_predictions``, ``customer_predictions``
        :param since: the first timestamp to read, as ISO 8601 text or ``datetime``; customers have no time filter
        :param until: the first timestamp after it
        :param filters: an expression of :mod:`~airflow_provider_partners.api.rsql.expressions`, or RSQL text
        :param prediction_filter: the same, for the predictions of returns, or for the list of predictions
        :param fields: fields of the list's own type, or by type; all known ones by default
        :param include: relations; all known ones by default, ``[]`` for none
        :param sort: fields to sort by, with ``-`` for descending
        :param match: ``{field: ids}``, requested in batches; an empty list of ids gives no records
        :param page_size: records per page; the client's own by default
        :param walk_lookback: how far before ``since`` returns are read: by default a day if sorted by their own dates,
            180 days if sorted by the orders' dates (the longest that a merchant takes goods back)
        :param one_by_one: read customers one by one, without testing whether Yofi takes several ids in one query
        :raises ConfigurationError: for an argument that the list doesn't take; the error names those it takes
        """
        definition = find_resource(RESOURCES, resource)
        query = build_query(
            definition,
            since=since,
            until=until,
            filters=filters,
            prediction_filter=prediction_filter,
            prediction_param=self._prediction_filter_param,
            fields=fields,
            include=include,
            sort=sort,
            match=match,
            walk_lookback=walk_lookback,
            now=self._clock.time(),
        )
        size = definition.sized_paginator(self._page_size if page_size is None else page_size).size
        segments = SegmentBuilder(
            resource=definition,
            query=query,
            page_size=size,
            get=self._with_fallback(definition.parent_list or definition.name, partial(self._get_page, definition)),
            capabilities=replace(self._capabilities, accepts_or=False) if one_by_one else self._capabilities,
        )
        path = self._path(definition)
        return Extraction(
            source=SOURCE,
            resource=definition.name,
            key=definition.key,
            request={**query.request, "shop": self._require_shop(), "path": path, "page_size": size},
            segments=segments.build(),
            account=self._require_shop(),
            window=query.window,
        )

    def customer(
        self,
        customer_id: str | int,
        *,
        include: Names | None = None,
        fields: Names | Mapping[str, Names] | None = None,
    ) -> Record | None:
        """Return one customer, ``None`` when Yofi doesn't have it.

        :param customer_id: the store's id of the customer
        :param include: relations; all known ones by default
        :param fields: fields of the customer, or by type; all known ones by default
        :raises ConfigurationError: for a relation or type that a customer doesn't have
        """
        customers = RESOURCES["customers"]
        relations = resolve_include(customers, include)
        params = field_params(customers, fields, relations)
        if relations:
            params["include"] = ",".join(relations)
        path = self._paths[CUSTOMER].replace("{customer_id}", path_segment(customer_id))
        get = self._with_fallback(CUSTOMER, lambda query: self._send(path, query, "customers.get"))
        try:
            document = Document(get(params))
        except NotFoundError:
            # Not documented for this API; Yofi's other APIs answer an unknown customer with 404.
            return None
        report(SOURCE, self._shop, customers.name)
        records = document.records(customers.relations, include=relations)
        matching = [
            record for record in records if str(customer_id) in {str(record.get("customer_id")), str(record["id"])}
        ]
        if len(records) > 1 and len(matching) != 1:
            message = f"a request for one customer returned {len(records)}"
            raise UnexpectedResponseError(message, partner="Yofi")
        return next(iter(matching or records), None)

    def extract_customer(
        self,
        customer_id: str | int,
        *,
        include: Names | None = None,
        fields: Names | Mapping[str, Names] | None = None,
    ) -> Extraction:
        """Return one customer as an extraction of one record, or of none when Yofi doesn't have it.

        The arguments are those of :meth:`customer`.
        """
        customers = RESOURCES["customers"]
        relations = resolve_include(customers, include)
        request = {"customer_id": str(customer_id), "params": field_params(customers, fields, relations)}

        def fetch(cursor: Cursor) -> Page:
            record = self.customer(customer_id, include=include, fields=fields)
            return Page([] if record is None else [record], None)

        return Extraction(
            source=SOURCE,
            resource=customers.name,
            key=customers.key,
            request={**request, "include": list(relations), "shop": self._require_shop()},
            segments=[Segment(name="one customer", fetch=fetch)],
            account=self._require_shop(),
        )

    def _with_fallback(self, name: str, get: GetPage) -> GetPage:
        return FieldFallback(name=name, get=get, listed=LISTED_FIELDS[name], capabilities=self._capabilities)

    def _require_shop(self) -> str:
        if not self._shop:
            message = "no shop is set"
            remedy = "Set it in the task, or in the connection's extra 'shop', such as a.myshopify.com."
            raise ConfigurationError(message, remedy=remedy, partner="Yofi")
        return self._shop

    def _path(self, resource: YofiResource) -> str:
        return self._paths[resource.parent_list or resource.name]

    def _get_page(self, resource: YofiResource, params: Mapping[str, str]) -> Any:
        return self._send(self._path(resource), params, f"{resource.parent_list or resource.name}.list")

    def _send(self, path: str, params: Mapping[str, str], label: str) -> Any:
        self._require_shop()
        request = Request(method="GET", path=path, params=tuple(params.items()), label=label, check=check_document)
        return self._transport.send(request).json()
