"""Client of the Voucherify API of one project: its lists, read page by page, its exports, and any other call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.client import RestClient
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.voucherify.auth import API_FAMILIES, check_family, make_auth
from airflow_provider_partners.api.voucherify.errors import error_handler, rate_and_burst, rate_limit_observer
from airflow_provider_partners.api.voucherify.exports.endpoints import cancel_export, download_hosts, export_status
from airflow_provider_partners.api.voucherify.exports.job import ExportJob, export_job
from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS
from airflow_provider_partners.api.voucherify.filters import filter_queries
from airflow_provider_partners.api.voucherify.qualifications import (
    QualificationQuery,
    build_qualifications,
    extract_redeemables,
)
from airflow_provider_partners.api.voucherify.query import ListQuery, build_extraction
from airflow_provider_partners.api.voucherify.resources import RESOURCES
from airflow_provider_partners.api.voucherify.resources.model import check_record, encode_parameters, extract_records
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.api.async_job import JobStatus
    from airflow_provider_partners.api.extraction import Extraction
    from airflow_provider_partners.api.voucherify.filters import Filter
    from airflow_provider_partners.api.voucherify.pages import QueryParams

__all__ = ["EXPORTS", "RESOURCES", "VoucherifyClient"]

DEFAULT_URL = "https://api.voucherify.io"
DEFAULT_VERSION = "v2018-08-01"

REQUESTS_PER_MINUTE = 100.0
"""The limit of the Business plan (https://docs.voucherify.io/guides/limits). The server's headers may lower it."""

CLIENT_SIDE_LIMIT = rate_and_burst(5, 5.0)
"""The client-side API: five requests in five seconds from one IP address (https://docs.voucherify.io/guides/limits)."""

_PING_RESOURCES: Mapping[str, str] = {
    "server": "redemptions",
    "client": "client_promotion_tiers",
    "management": "management_projects",
}
"""For each API family, a list that every key can read."""


class VoucherifyClient(RestClient):
    """Reads the lists and exports of one project.

    ::

        with VoucherifyClient(application_id=app_id, secret_key=key) as voucherify:
            for record in voucherify.extract("redemptions", since=since, until=until).records():
                print(record["id"], record["date"])

    :param application_id: id of the key, of any kind
    :param secret_key: the key itself, or the token of a client-side or management key
    :param base_url: the cluster's URL, with a path prefix if necessary
    :param auth: ``keys`` sends a project's server-side key pair, ``oauth`` exchanges it for tokens of 15 minutes,
        ``client`` and ``management`` send keys of those APIs
    :param origin: the ``Origin`` header that a client-side key needs
    :param oauth_scope: the tokens' scopes, separated by spaces
    :param api_version: overrides the project's version, so that records keep their shape
    :param requests_per_minute: the project's limit; by default 100, or the client-side API's limit for its keys
    :param options: deadlines, rate limit store, clock and other options of every client
    """

    def __init__(
        self,
        *,
        application_id: str,
        secret_key: str,
        base_url: str = DEFAULT_URL,
        auth: str = "keys",
        origin: str | None = None,
        oauth_scope: str = "api",
        api_version: str = DEFAULT_VERSION,
        requests_per_minute: float | None = None,
        options: ClientOptions | None = None,
    ) -> None:
        options = options or ClientOptions()
        self._auth = auth
        self._application_id = application_id
        self._clock = options.clock
        self._warned: set[tuple[str, str]] = set()
        limit = CLIENT_SIDE_LIMIT if auth == "client" else rate_and_burst(REQUESTS_PER_MINUTE, 60.0)
        limit = limit if requests_per_minute is None else rate_and_burst(requests_per_minute, 60.0)
        self._transport = Transport(
            partner="Voucherify",
            base_url=base_url or DEFAULT_URL,
            auth=make_auth(
                auth=auth,
                application_id=application_id,
                secret_key=secret_key,
                origin=origin,
                scope=oauth_scope,
                transport=lambda: self._transport,
                clock=options.clock,
                on_secret=options.on_secret,
                slot=options.token_slot(
                    "voucherify", base_url or DEFAULT_URL, auth, application_id, secret_key, oauth_scope
                ),
            ),
            rate_limit=RateLimiter(
                rate=limit[0], capacity=limit[1], store=options.rate_limit_store, clock=options.clock
            ),
            error_handler=error_handler(options.clock),
            rate_limit_observer=rate_limit_observer(options.clock, limit),
            headers={"X-Voucherify-API-Version": api_version, "X-Voucherify-Channel": "airflow-provider-partners"},
            options=options,
            file_hosts=download_hosts(base_url or DEFAULT_URL),
        )
        self._transport.redactor.add(secret_key)

    def ping(self) -> str:
        """Read one record, to check the key and the cluster."""
        resource = RESOURCES[_PING_RESOURCES[API_FAMILIES[self._auth]]]
        params = [("page", "1"), ("limit", "1")] if resource.paging_style == "page" else []
        body = self._get(resource.path, f"{resource.name}.list", params)
        count = body.get("total", len(extract_records(resource, body)))
        return f"Voucherify answers for the application {self._application_id[:8]}…: {count} {resource.name}."

    def extract(
        self,
        resource: str,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        time_field: str | None = None,
        filters: Filter | Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        sort: str | None = None,
        parents: Mapping[str, Any] | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        page_size: int | None = None,
    ) -> Extraction:
        """Return the records of one list; sends nothing before its pages are read.

        Voucherify serves 99 or 100 pages of a numbered list. A longer list is split by time, or raises an error when
        time cannot filter it. It is never truncated.

        :param resource: one of ``RESOURCES``
        :param since: start of the range, included; for lists that time can filter
        :param until: end of the range, excluded
        :param time_field: the time of the range, such as ``updated_at``; ``created_at`` by default
        :param filters: conditions on fields: a :class:`~airflow_provider_partners.api.voucherify.filters.Filter`, or
            the API's nested mapping; values that exceed one query go into several
        :param parameters: the list's own query parameters, nested: ``{"result": "SUCCESS"}``. Every list takes
            ``{"created_at": {"after": "2026-05-01"}}``, with ``after``, ``before`` or both
        :param sort: a field, with ``-`` for descending; ascending by creation by default, within each piece of a split
            list. With ``updated_at`` ascending, a record that changes during the read may move another one past the
            next page
        :param parents: ids of the objects that the list belongs to, one each: ``{"program_id": "lprg_1"}``
        :param match: one parent with many ids, ``{"campaign_id": ids}``; or ``{"id": ids}`` for single records, where
            unknown ids are skipped
        :param page_size: records per page
        :raises ConfigurationError: for what the list does not accept, with what it accepts
        """
        declared = find_resource(RESOURCES, resource)
        check_family(declared, self._auth)
        query = ListQuery(
            resource=declared,
            since=since,
            until=until,
            time_field=time_field,
            parameters=parameters,
            filters=filters,
            sort=sort,
            parents=parents,
            match=match,
            page_size=page_size,
        )
        return build_extraction(
            query, get=self._get, account=self._application_id, clock=self._clock, warned=self._warned
        )

    def qualifications(
        self,
        *,
        customer: Mapping[str, Any] | str | None = None,
        order: Mapping[str, Any] | None = None,
        scenario: str | None = None,
        filters: Filter | Mapping[str, Any] | None = None,
        expand: Sequence[str] | str | None = None,
        sorting_rule: str | None = None,
        tracking_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        session: Mapping[str, Any] | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        page_size: int | None = None,
    ) -> Extraction:
        """Return what a customer and an order qualify for; sends nothing before its pages are read.

        A record is a redeemable: a voucher, a promotion tier, a promotion stack or a campaign. Voucherify does not
        check the limits of redemptions here, and caches the results for five minutes.

        :param customer: Voucherify's id ``cust_…``, the store's id, or the customer's object
        :param order: the order's object, with ``amount`` in minor units and ``items``
        :param scenario: what is considered: ``ALL`` (the default), ``CUSTOMER_WALLET``, ``AUDIENCE_ONLY``,
            ``PRODUCTS``, ``PRODUCTS_DISCOUNT``, ``PROMOTION_STACKS``, ``PRODUCTS_BY_CUSTOMER`` or
            ``PRODUCTS_DISCOUNT_BY_CUSTOMER``
        :param filters: conditions on ``category_id``, ``campaign_id``, ``campaign_type``, ``resource_id``,
            ``resource_type``, ``voucher_type``, ``code`` and ``holder_role``
        :param expand: further content: ``redeemable`` (with its metadata), ``category``, ``validation_rules``
        :param sorting_rule: ``DEFAULT`` (the newest first), ``BEST_DEAL`` or ``LEAST_DEAL``
        :param tracking_id: the customer's source id
        :param metadata: the redemption's metadata, for rules that need it
        :param session: ``{"type": "LOCK"}`` returns the locked credits of gift cards
        :param match: many customers, ``{"customer_id": ids}`` or ``{"customer_source_id": ids}``: one call or more
            each, and each record gets the id
        :param page_size: redeemables per page, at most 50
        :raises ConfigurationError: for what the API does not accept, with what it accepts
        """
        query = QualificationQuery(
            customer=customer,
            order=order,
            scenario=scenario,
            filters=filters,
            expand=expand,
            sorting_rule=sorting_rule,
            tracking_id=tracking_id,
            metadata=metadata,
            session=session,
            match=match,
            page_size=page_size,
        )
        family = API_FAMILIES[self._auth]
        return build_qualifications(query, post=self._qualify, family=family, account=self._application_id)

    def job(
        self,
        resource: str,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        time_field: str | None = None,
        fields: Sequence[str] | None = None,
        filters: Filter | Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        sort: str | None = None,
        parents: Mapping[str, Any] | None = None,
    ) -> ExportJob:
        """Return a list as an export; sends nothing before one of the job's methods is called.

        Its records are flat. They hold the requested fields, all as text, and amounts as decimals.

        :param resource: one of ``EXPORTS``, such as ``redemptions`` or ``vouchers``
        :param since: start of the range, included
        :param until: end of the range, excluded
        :param time_field: the time of the range: ``created_at`` by default, or ``updated_at`` where the list has one
        :param fields: of the records; by default all documented ones, without metadata. Name metadata ``metadata.x``
        :param filters: conditions on fields, with any number of values
        :param parameters: of the export: ``{"campaign_id": "camp_1"}`` for vouchers
        :param sort: a field, with ``-`` for descending; ascending by time by default
        :param parents: always an error, since an export covers the whole project
        :raises ConfigurationError: for what Voucherify cannot export, with what it can
        """
        check_family(RESOURCES["exports"], self._auth)
        if parents:
            message = f"an export of '{resource}' is of the whole project, not of one {' or '.join(parents)}"
            raise ConfigurationError(message, remedy="Give filters, such as of 'voucher_id'.", partner="Voucherify")
        return export_job(
            self._transport,
            resource,
            application_id=self._application_id,
            error_handler=error_handler(self._clock),
            since=since,
            until=until,
            time_field=time_field,
            fields=fields,
            filters=filters,
            sort=sort,
            parameters=parameters,
        )

    def job_status(self, job_id: str) -> JobStatus:
        """Return the status of an export."""
        return export_status(self._transport, job_id)

    def cancel_job(self, job_id: str) -> None:
        """Delete an export; a missing one is not an error."""
        cancel_export(self._transport, job_id)

    def prefers_job(
        self,
        resource: str,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        filters: Filter | Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        **job_options: object,
    ) -> bool:
        """Whether only an export can return the list.

        That is so when the API does not list it, when only the export can filter it by time, or when it is longer than
        its pages reach and time cannot split it. The last case requests one record, to learn the total.

        :param job_options: further arguments of :meth:`job`; they do not matter here
        """
        if resource in EXPORTS and resource not in RESOURCES:
            return True
        declared = find_resource(RESOURCES, resource)
        # The times that only a page documents don't count: an export filters by time for certain.
        if resource not in EXPORTS or declared.parents or declared.times or declared.max_page_number is None:
            return False
        if set(parameters or {}) - EXPORTS[resource].parameters:
            return False  # the export lacks a parameter of the list, and would return other records
        if since or until:
            return True
        check_family(declared, self._auth)
        max_records = declared.max_page_number * (declared.max_page_size or declared.page_size)
        own_params = encode_parameters(declared, parameters or {})
        totals = [0]
        for filter_params in filter_queries(declared, filters):
            params = [*own_params, *filter_params, ("page", "1"), ("limit", "1")]
            total = self._get(declared.path, f"{declared.name}.list", params).get("total")
            totals.append(total if isinstance(total, int) else 0)
        return max(totals) > max_records

    def _qualify(self, path: str, body: Mapping[str, Any]) -> Any:
        request = Request(method="POST", path=path, json=body, label="qualifications.list", check=extract_redeemables)
        return self._transport.send(request).json()

    def _get(self, path: str, label: str, params: QueryParams) -> Any:
        name, _, kind = label.partition(".")
        check = partial(extract_records if kind == "list" else check_record, RESOURCES[name])
        request = Request(method="GET", path=path, params=tuple(params), label=label, check=check)
        return self._transport.send(request).json()
