"""Voucherify's API of one project: all of its lists, read only.

Must not know Airflow, nor where records go.

What Voucherify's client does with exports, so that a list of any size can be read as one job. Knows no pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.client import ApiClient
from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.voucherify.auth import check_family
from airflow_provider_partners.api.voucherify.errors import error_handler
from airflow_provider_partners.api.voucherify.exports.job import (
    EXPORTS,
    ExportJob,
    cancel_export,
    export_job,
    export_status,
)
from airflow_provider_partners.api.voucherify.filters import Filter, filter_queries
from airflow_provider_partners.api.voucherify.resources import RESOURCES
from airflow_provider_partners.api.voucherify.resources.model import encode_parameters
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.api.async_job import JobStatus
from collections.abc import Callable, Iterable

from airflow_provider_partners.api.clock import SYSTEM_CLOCK
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.http.auth import ignore_secret
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.voucherify.auth import API_FAMILIES, make_auth
from airflow_provider_partners.api.voucherify.errors import rate_and_burst, rate_limit_observer
from airflow_provider_partners.api.voucherify.exports.job import download_hosts
from airflow_provider_partners.api.voucherify.pages import QueryParams
from airflow_provider_partners.api.voucherify.query import ListQuery, build_extraction
from airflow_provider_partners.api.voucherify.resources.model import extract_records

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.rate_limit_store import RateLimitStore
if TYPE_CHECKING:
    pass


class ExportingClient(ApiClient):
    """The exports of a project; a subclass makes ``_transport`` and knows its credentials."""

    _application_id: str
    _auth: str
    _clock: Clock

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
        """A list as an export; nothing is sent before one of the job's methods is called.

        Its rows are those of a file: flat, with the fields asked for, all as text, amounts in decimals.

        :param resource: ``redemptions``, ``vouchers``, ``customers``, ``publications``, ``orders``, ``products``,
            ``product_skus``, ``voucher_transactions`` or ``points_expiration``
        :param since: the first moment
        :param until: the first moment not asked for
        :param time_field: which time is meant: ``created_at`` by default, or ``updated_at`` where it has one
        :param fields: of the rows; by default all that are documented, and no metadata: name them ``metadata.x``
        :param filters: conditions on fields; any number of values
        :param parameters: of the export: ``{"campaign_id": "camp_1"}`` for vouchers
        :param sort: a field, with ``-`` for descending; ascending by time by default
        :param parents: not possible here; the error says so
        :raises ConfigurationError: for what can't be exported, naming what can
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
        """Where an export stands.

        :param job_id: its id
        """
        return export_status(self._transport, job_id)

    def cancel_job(self, job_id: str) -> None:
        """Remove an export; that there is none is no failure.

        :param job_id: its id
        """
        cancel_export(self._transport, job_id)

    def prefers_job(
        self,
        resource: str,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        filters: Filter | Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        **others: object,
    ) -> bool:
        """Whether a list can be had by an export alone: it isn't listed at all, it is asked for by a time that only its
        export knows, or it has more rows than its pages reach and no time to part it by (one row is asked for then).

        :param resource: the list
        :param since: as for :meth:`job`
        :param until: likewise
        :param filters: likewise
        :param parameters: likewise
        :param others: what :meth:`job` takes besides; it doesn't matter here
        """
        if resource in EXPORTS and resource not in RESOURCES:
            return True
        declared = find_resource(RESOURCES, resource)
        if resource not in EXPORTS or declared.parents or declared.times or declared.max_page_number is None:
            return False
        if set(parameters or {}) - EXPORTS[resource].parameters:
            return False  # of the list alone: an export of them would be another question
        if since or until:
            return True
        check_family(declared, self._auth)
        max_records, record_count = declared.max_page_number * (declared.max_page_size or declared.page_size), 0
        for filter_params in filter_queries(declared, filters):
            params = (*encode_parameters(declared, parameters or {}), *filter_params, ("page", "1"), ("limit", "1"))
            answer = self._transport.send(
                Request(method="GET", path=declared.path, params=params, label=f"{declared.name}.list")
            )
            total = answer.json().get("total")
            record_count = max(record_count, total if isinstance(total, int) else 0)
        return record_count > max_records


__all__ = ["DEFAULT_URL", "RESOURCES", "VoucherifyClient"]

DEFAULT_URL = "https://api.voucherify.io"
DEFAULT_VERSION = "v2018-08-01"

REQUESTS_PER_MINUTE = 100.0
"""What the Business plan has; the server's own figures lower it further."""

CLIENT_SIDE_LIMIT = rate_and_burst(5, 5.0)
"""The client-side API: five requests in five seconds from one address, whatever the plan."""

_PING_RESOURCES: Mapping[str, str] = {
    "server": "redemptions",
    "client": "client_promotion_tiers",
    "management": "management_projects",
}
"""A list of each kind that any key of it may read."""


class VoucherifyClient(ExportingClient):
    """Reads the lists of one project, and its exports.

    ::

        with VoucherifyClient(application_id=app_id, secret_key=key) as voucherify:
            for row in voucherify.extract("redemptions", since=since, until=until).records():
                print(row["id"], row["date"])

    :param application_id: of the key, whatever its kind
    :param secret_key: of the same
    :param base_url: the cluster's address, with a path prefix if need be
    :param auth: ``keys`` sends a project's server-side key pair, ``oauth`` exchanges it for tokens of 15 minutes,
        ``client`` and ``management`` send keys of those APIs
    :param origin: where a client-side key is said to be used
    :param oauth_scope: the tokens' scopes, separated by spaces
    :param api_version: overrides the project's version, for stable shapes
    :param requests_per_minute: the budget of the project; 100 by default, and what the client-side API allows for its
        keys
    :param rate_limit_store: where the budget is kept; give one that parallel tasks share
    :param on_secret: told every secret and token before it is used
    :param wire: further options of the transport, such as ``deadline``, ``max_wait``, ``timeouts``
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
        rate_limit_store: RateLimitStore | None = None,
        handler: Any = None,
        clock: Clock = SYSTEM_CLOCK,
        on_secret: Callable[[str], None] = ignore_secret,
        **wire: Any,
    ) -> None:
        self._auth = auth
        self._application_id = application_id
        self._clock = clock
        credentials = make_auth(
            auth=auth,
            application_id=application_id,
            secret_key=secret_key,
            origin=origin,
            scope=oauth_scope,
            transport=lambda: self._transport,
            clock=clock,
            on_secret=on_secret,
        )
        own_limit = CLIENT_SIDE_LIMIT if auth == "client" else rate_and_burst(REQUESTS_PER_MINUTE, 60.0)
        own_limit = own_limit if requests_per_minute is None else rate_and_burst(requests_per_minute, 60.0)
        self._transport = Transport(
            partner="Voucherify",
            base_url=base_url or DEFAULT_URL,
            auth=credentials,
            rate_limit=RateLimiter(rate=own_limit[0], capacity=own_limit[1], store=rate_limit_store, clock=clock),
            error_handler=error_handler(clock),
            rate_limit_observer=rate_limit_observer(clock, own_limit),
            headers={"X-Voucherify-API-Version": api_version, "X-Voucherify-Channel": "airflow-provider-partners"},
            handler=handler,
            clock=clock,
            file_hosts=download_hosts(base_url or DEFAULT_URL),
            **wire,
        )
        self._transport.redactor.add(secret_key)

    def ping(self) -> str:
        """Read one page of one row: a cheap question that needs the key and the cluster."""
        declared = RESOURCES[_PING_RESOURCES[API_FAMILIES[self._auth]]]
        params = [("page", "1"), ("limit", "1")] if declared.paging_style == "page" else []
        body = self._get(declared.path, f"{declared.name}.list", params)
        record_count = body.get("total", len(extract_records(declared, body)))
        return f"Voucherify answers for the application {self._application_id[:8]}…: {record_count} {declared.name}."

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
        """Rows of one list; nothing is sent before its pages are walked.

        Voucherify serves 99 or 100 pages of a list and no more. A longer one is read in parts where it can be asked by
        time; where it can't, that is an error, never cut off.

        :param resource: one of ``RESOURCES``
        :param since: the first moment, where the list can be asked by time
        :param until: the first moment not asked for
        :param time_field: which time is meant, such as ``updated_at``; that of creation by default
        :param filters: conditions on fields: built by ``field``, or nested as the API has them; more values than one
            query can carry are asked for in several
        :param parameters: the list's own, nested: ``{"result": "SUCCESS"}``
        :param sort: a field, with ``-`` for descending; ascending by creation by default, within each part. Ascending
            by ``updated_at``, a row that changes meanwhile may push another one past the page that is read next
        :param parents: what the list is below, one id each: ``{"program_id": "lprg_1"}``
        :param match: one parent with many ids, ``{"campaign_id": ids}``; or ``{"id": ids}`` for single records, of
            which unknown ones are left out
        :param page_size: rows per page
        :raises ConfigurationError: for what the list doesn't take, naming what it takes
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
        return build_extraction(query, get=self._get, account=self._application_id, clock=self._clock)

    def _get(self, path: str, label: str, params: QueryParams) -> Any:
        return self._transport.send(Request(method="GET", path=path, params=tuple(params), label=label)).json()
