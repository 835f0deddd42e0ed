"""Yofi's Partner Data API of one shop: claims, customers, returns and notification events, read only.

Puts questions into parameters and answers into records; pages, tokens and filters have modules of their own. Must not
know Airflow, nor where records go.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_partners.api.client import ApiClient
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.http.errors import DEFAULT_ERROR_HANDLER
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.yofi.auth import YofiCredentials, make_shop_token, normalize_shop
from airflow_provider_partners.api.yofi.batch_lookup import OrSupport
from airflow_provider_partners.api.yofi.jsonapi import Document
from airflow_provider_partners.api.yofi.pages import PAGE_NUMBER, PAGE_SIZE
from airflow_provider_partners.api.yofi.query import Names, build_query, field_params, resolve_include
from airflow_provider_partners.api.yofi.resources import CUSTOMER, RESOURCES, YofiResource, resolve_paths
from airflow_provider_partners.api.yofi.segments import SegmentBuilder, ServerCapabilities
from airflow_provider_partners.exceptions import ConfigurationError, NotFoundError, UnexpectedResponseError
from airflow_provider_partners.records import Record

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from airflow_provider_partners.api.rsql.expressions import Expression

__all__ = ["DEFAULT_URL", "RESOURCES", "YofiClient"]

SOURCE = "yofi"
DEFAULT_URL = "https://portal.public-api.services.yofi.ai"
PREDICTION_FILTER = "filter[EcommerceUnifiedReturnPrediction]"
"""The likeliest name of the parameter, by analogy with ``fields[...]``; Yofi's page doesn't show it."""

REQUESTS_PER_SECOND = 5.0
"""Yofi documents no limit; this one is for politeness."""

YOFI_ERRORS = DEFAULT_ERROR_HANDLER.with_overrides(
    remedies={
        401: "Check secret, issuer, subject and auth_profile of the connection, and this machine's clock.",
        403: "Check that shop and platform are those that Yofi gave you access to. A proxy on the way may also have "
        "dropped the headers app_id and partner_id, as some do with underscores.",
        404: "This list may have another path for you: set it in the connection's extra 'paths', such as "
        '{"returns": "/ecommerce/returns/"}.',
    }
)


class YofiClient(ApiClient):
    """Reads what Yofi knows of one shop.

    ::

        with YofiClient(secret=secret, issuer="partner-7", subject="svc-7", shop="a.myshopify.com") as yofi:
            for row in yofi.extract("returns", match={"order_id": ["450789469"]}).records():
                print(row["state"], [p["prediction_category"] for p in row["return_predictions"]])

    :param secret: the signing secret
    :param base_url: scheme and host, with a path prefix if need be
    :param auth_profile: ``service_account``, or ``legacy`` for integrations completed before 2026
    :param issuer: the partner id
    :param subject: the service account; not used by the legacy profile
    :param client_id: given by Yofi; not used by the legacy profile
    :param organization_id: needed by the legacy profile, a header of the other where given
    :param shop: the shop's domain; :meth:`for_shop` names another
    :param platform: the platform's name inside Yofi
    :param algorithm: how tokens are signed
    :param token_ttl: seconds that a token is valid
    :param paths: paths that differ, by list (or ``customer``, with ``{customer_id}`` in it)
    :param prediction_filter_param: the parameter that filters returns by their predictions
    :param page_size: rows per page
    :param requests_per_second: the budget
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
        prediction_filter_param: str = PREDICTION_FILTER,
        page_size: int = 100,
        requests_per_second: float = REQUESTS_PER_SECOND,
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
        )
        self._paths = resolve_paths(paths or {})
        self._prediction_filter_param = prediction_filter_param
        self._page_size = page_size
        self._clock = options.clock
        self._on_secret = options.on_secret
        self._capabilities = ServerCapabilities()
        options.on_secret(secret)
        self._base_transport = Transport(
            partner="Yofi",
            base_url=base_url or DEFAULT_URL,
            rate_limit=RateLimiter(rate=requests_per_second, store=options.rate_limit_store, clock=options.clock),
            error_handler=YOFI_ERRORS,
            options=options,
        )
        self._base_transport.redactor.add(secret)
        self._owns = True
        self._shop, self._transport = self._of_shop(shop or "")

    @property
    def shop(self) -> str:
        """The shop whose data is read."""
        return self._shop

    def for_shop(self, shop: str) -> YofiClient:
        """The same credentials for another shop, on the same connections and budget, with tokens of its own.

        Closing it leaves this one open; closing this one closes both.

        :param shop: the shop's domain
        """
        twin = copy.copy(self)
        domain, transport = self._of_shop(shop)
        vars(twin).update(_shop=domain, _transport=transport, _owns=False)
        return twin

    def close(self) -> None:
        """Close the connections, unless they are another client's."""
        if self._owns:
            self._base_transport.close()

    def ping(self) -> str:
        """Read one claim: the cheapest question that needs the credentials and the shop."""
        resource = RESOURCES["claims"]
        params = {"fields[Claim]": "id", PAGE_SIZE: "1", PAGE_NUMBER: "1"}
        total = Document(self._get_page(resource, params)).total()
        held = "" if total is None else f" {total} claims."
        return f"Yofi answers for {self._shop} with the {self._credentials.profile} profile.{held}"

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
        """Rows of one list; nothing is sent before its pages are walked.

        A record has ``id``, ``type``, its attributes, and each relation asked for as a record, a list or ``None``.

        A window of returns is that of their own dates. Yofi has no filter for it: the list is walked from the newest
        return back to ``since`` or, where it can be sorted by the orders' dates only, to orders as old as returned
        goods may be. What changes of a return later shows in no window: ask by ids, or for the whole list, for that.

        :param resource: ``claims``, ``customers``, ``returns``, ``notification_events``, or the predictions alone:
            ``return_predictions``, ``customer_predictions``
        :param since: the first moment; customers can't be asked by time
        :param until: the first moment not asked for
        :param filters: an expression of :mod:`~airflow_provider_partners.api.rsql.expressions`, or RSQL text
        :param prediction_filter: one on the predictions of returns, or of the list of predictions
        :param fields: fields of the list's own type, or by type; all known ones by default
        :param include: relations; all known ones by default, ``[]`` for none
        :param sort: the order
        :param match: ``{field: ids}``, asked for in batches; no ids give no rows
        :param page_size: rows per page; the client's own by default
        :param walk_lookback: how far behind ``since`` returns are walked; a day by their own dates, 180 days by the
            orders' (the longest that a merchant takes goods back)
        :param one_by_one: ask for customers singly, instead of finding out whether several can be asked for at once
        :raises ConfigurationError: for what the list doesn't take, naming what it takes
        """
        row = find_resource(RESOURCES, resource)
        asked = build_query(
            row,
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
        learned = (
            replace(self._capabilities, or_support=OrSupport(is_supported=False)) if one_by_one else self._capabilities
        )
        size = row.sized_paginator(self._page_size if page_size is None else page_size).size
        return Extraction(
            source=SOURCE,
            resource=row.name,
            key=row.key,
            request={**asked.request, "shop": self._require_shop(), "path": self._path(row), "page_size": size},
            segments=SegmentBuilder(
                resource=row, query=asked, page_size=size, get=partial(self._get_page, row), capabilities=learned
            ).build(),
            window=asked.window,
        )

    def customer(
        self,
        customer_id: str | int,
        *,
        include: Names | None = None,
        fields: Names | Mapping[str, Names] | None = None,
    ) -> Record | None:
        """One customer, ``None`` when Yofi knows no such customer.

        :param customer_id: the store's id of the customer
        :param include: relations; all known ones by default
        :param fields: fields of the customer, or by type; all known ones by default
        :raises ConfigurationError: for what the operation doesn't take, naming what it takes
        """
        row = RESOURCES["customers"]
        relations = resolve_include(row, include)
        params = field_params(row, fields, relations)
        if relations:
            params["include"] = ",".join(relations)
        path = self._paths[CUSTOMER].replace("{customer_id}", quote(str(customer_id), safe=""))
        try:
            document = Document(self._send(path, params, "customers.get"))
        except NotFoundError:
            # Undocumented for this API, but what its sister APIs answer.
            return None
        found = document.records(row.relations, include=relations)
        named = [each for each in found if str(customer_id) in {str(each.get("customer_id")), str(each["id"])}]
        if len(found) > 1 and len(named) != 1:
            message = f"asked for one customer, got {len(found)}"
            raise UnexpectedResponseError(message, partner="Yofi")
        return next(iter(named or found), None)

    def _of_shop(self, shop: str) -> tuple[str, Transport]:
        domain = normalize_shop(shop)
        token = make_shop_token(self._credentials, domain, clock=self._clock, on_secret=self._on_secret)
        return domain, self._base_transport.sibling(auth=token)

    def _require_shop(self) -> str:
        if not self._shop:
            message = "no shop is named"
            remedy = "Name it in the task, or in the connection's extra 'shop', such as a.myshopify.com."
            raise ConfigurationError(message, remedy=remedy, partner="Yofi")
        return self._shop

    def _path(self, resource: YofiResource) -> str:
        return self._paths[resource.parent_list or resource.name]

    def _get_page(self, resource: YofiResource, params: Mapping[str, str]) -> Any:
        return self._send(self._path(resource), params, f"{resource.parent_list or resource.name}.list")

    def _send(self, path: str, params: Mapping[str, str], label: str) -> Any:
        self._require_shop()
        request = Request(method="GET", path=path, params=tuple(params.items()), label=label)
        return self._transport.send(request).json()
