"""Voucherify's API of one project: all of its lists, read only.

Must not know Airflow, nor where records go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.auth import ignore_secret
from airflow_provider_partners.api.budget import RateLimiter
from airflow_provider_partners.api.clock import SYSTEM_CLOCK, Clock
from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.messages import Request
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.transport import Transport
from airflow_provider_partners.api.voucherify_auth import API_FAMILIES, check_family, make_auth
from airflow_provider_partners.api.voucherify_export_client import ExportingClient
from airflow_provider_partners.api.voucherify_exports import download_hosts
from airflow_provider_partners.api.voucherify_extract import ListQuery, build_extraction
from airflow_provider_partners.api.voucherify_limits import error_handler, rate_and_burst, rate_limit_observer
from airflow_provider_partners.api.voucherify_lists import RESOURCES
from airflow_provider_partners.api.voucherify_pages import QueryParams
from airflow_provider_partners.api.voucherify_resources import extract_records

if TYPE_CHECKING:
    from airflow_provider_partners.api.ledgers import RateLimitStore
    from airflow_provider_partners.api.voucherify_filters import Filter

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
