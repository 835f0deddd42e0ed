"""Voucherify's API of one project: its numbered lists, read only.

Must not know Airflow, nor where records go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_partners.api.auth import Auth, ExchangedToken, StaticHeaders, tell_nobody
from airflow_provider_partners.api.budget import RateBudget
from airflow_provider_partners.api.client import ApiClient
from airflow_provider_partners.api.clock import SYSTEM_CLOCK, Clock
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.messages import Record, Request
from airflow_provider_partners.api.pages import Cursor, Page
from airflow_provider_partners.api.paging import PageNumber
from airflow_provider_partners.api.resources import find
from airflow_provider_partners.api.transport import Transport
from airflow_provider_partners.api.voucherify_resources import (
    RESOURCES,
    VoucherifyResource,
    faults,
    observer,
    query,
    rows,
)
from airflow_provider_partners.exceptions import ConfigurationError, PagingError, UnexpectedResponseError
from airflow_provider_partners.windows import Window, moment

if TYPE_CHECKING:
    from airflow_provider_partners.api.ledgers import Ledger

__all__ = ["DEFAULT_URL", "RESOURCES", "VoucherifyClient"]

SOURCE = "voucherify"
DEFAULT_URL = "https://api.voucherify.io"
DEFAULT_VERSION = "v2018-08-01"

REQUESTS_PER_MINUTE = 100.0
"""What the Business plan has; the server's own figures lower it further."""

_BURST = 0.1
"""The share of a minute's requests that may be sent at once; the rest is spread, so that no minute has more."""

_OVERLAP = timedelta(milliseconds=1)
"""Whether the time filter includes its bounds isn't documented, so it is asked a little wider than wanted."""


class VoucherifyClient(ApiClient):
    """Reads the lists of one project.

    ::

        with VoucherifyClient(application_id=app_id, secret_key=key) as voucherify:
            for row in voucherify.extract("redemptions", since=since, until=until).records():
                print(row["id"], row["date"])

    :param application_id: of the project's server-side key
    :param secret_key: of the same
    :param base_url: the cluster's address, with a path prefix if need be
    :param auth: ``keys`` sends the key pair, ``oauth`` exchanges it for tokens of 15 minutes
    :param oauth_scope: the tokens' scopes, separated by spaces
    :param api_version: overrides the project's version, for stable shapes
    :param requests_per_minute: the budget of the project
    :param ledger: where the budget is kept; give one that parallel tasks share
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
        oauth_scope: str = "api",
        api_version: str = DEFAULT_VERSION,
        requests_per_minute: float = REQUESTS_PER_MINUTE,
        ledger: Ledger | None = None,
        handler: Any = None,
        clock: Clock = SYSTEM_CLOCK,
        on_secret: Callable[[str], None] = tell_nobody,
        **wire: Any,
    ) -> None:
        if auth not in {"keys", "oauth"}:
            message = f"auth={auth!r} is unknown"
            raise ConfigurationError(message, remedy="Use one of: keys, oauth.", partner="Voucherify")
        if not application_id or not secret_key:
            message = "application id and secret key are both needed"
            remedy = "Set login and password of the connection."
            raise ConfigurationError(message, remedy=remedy, partner="Voucherify")
        self._keys = {"X-App-Id": application_id, "X-App-Token": secret_key}
        self._scope = oauth_scope
        self._application_id = application_id
        self._clock = clock
        proof: Auth
        if auth == "keys":
            proof = StaticHeaders(self._keys, on_secret=on_secret)
        else:
            on_secret(secret_key)
            proof = ExchangedToken(
                exchange=self._exchange, header="Authorization", scheme="Bearer", clock=clock, on_secret=on_secret
            )
        burst = max(1.0, requests_per_minute * _BURST)
        self._transport = Transport(
            partner="Voucherify",
            base_url=base_url or DEFAULT_URL,
            auth=proof,
            budget=RateBudget(
                rate=max(requests_per_minute - burst, requests_per_minute * _BURST) / 60,
                capacity=burst,
                ledger=ledger,
                clock=clock,
            ),
            faults=faults(clock),
            observe=observer(clock),
            headers={"X-Voucherify-API-Version": api_version, "X-Voucherify-Channel": "airflow-provider-partners"},
            handler=handler,
            clock=clock,
            **wire,
        )
        self._transport.redactor.add(secret_key)

    def ping(self) -> str:
        """Read one redemption: a cheap question that needs the key and the cluster."""
        row = RESOURCES["redemptions"]
        body = self._get(row, [("page", "1"), ("limit", "1")])
        rows(row, body)
        total = body.get("total")
        return f"Voucherify answers for the application {self._application_id[:8]}…: {total} redemptions."

    def extract(
        self,
        resource: str,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        parameters: Mapping[str, Any] | None = None,
        order: str | None = None,
        match: Mapping[str, Iterable[Any]] | None = None,
        page_size: int | None = None,
    ) -> Extraction:
        """Rows of one list; nothing is sent before its pages are walked.

        Voucherify serves 99 or 100 pages of a list and no more; a list that is longer is an error, never cut off.

        :param resource: ``redemptions``, ``vouchers``, ``customers``, ``campaigns``, ``publications`` or ``orders``
        :param since: the first moment of creation, where the list can be asked by time
        :param until: the first moment not asked for
        :param parameters: the list's own, nested: ``{"filters": {"result": {"conditions": {"$is": "SUCCESS"}}}}``
        :param order: a field, with ``-`` for descending; ascending by creation by default
        :param match: not possible here; the error says so
        :param page_size: rows per page
        :raises ConfigurationError: for what the list doesn't take, naming what it takes
        """
        row = find(RESOURCES, resource)
        if match is not None:
            message = f"'{row.name}' can't be matched on ids"
            raise ConfigurationError(message, remedy="Give a window or parameters instead.", partner="Voucherify")
        begin, end = (moment(value, name) if value else None for value, name in ((since, "since"), (until, "until")))
        window = Window(begin, end) if begin and end else None
        asked = [*query(row, parameters or {}), *_bounds(row, begin, end), ("order", order or row.sort)]
        pages = _ListPages(self, row, cast("PageNumber", row.pages(page_size)), asked, begin, end)
        closed = window is not None and window.until.timestamp() <= self._clock.time()
        return Extraction(
            source=SOURCE,
            resource=row.name,
            key=row.key,
            request={"application": self._application_id, "query": asked, "page_size": pages.paging.size},
            segments=[
                Segment(name=row.name, fetch=pages.fetch, ahead=pages.paging.ahead)
                if closed
                else Segment(name=row.name, fetch=pages.fetch)
            ],
            window=window,
        )

    def _get(self, row: VoucherifyResource, params: list[tuple[str, str]]) -> Any:
        request = Request(method="GET", path=row.path, params=tuple(params), label=f"{row.name}.list")
        return self._transport.send(request).json()

    def _exchange(self) -> tuple[str, float | None]:
        request = Request(
            method="POST",
            path="/v1/oauth/token",
            form={"grant_type": "client_credentials", "scope": self._scope},
            headers=self._keys,
            label="token",
            authenticated=False,
        )
        answer = self._transport.send(request).json()
        token = answer.get("access_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str) or not token:
            message = "asked for an access token, got an answer without one"
            raise UnexpectedResponseError(message, partner="Voucherify")
        expires_at = answer.get("expires_at")
        return token, float(expires_at) if isinstance(expires_at, int | float) else None


class _ListPages:
    """The pages of one query; its rows are exact even where the filter's bounds are not."""

    def __init__(
        self,
        client: VoucherifyClient,
        row: VoucherifyResource,
        paging: PageNumber,
        asked: list[tuple[str, str]],
        since: datetime | None,
        until: datetime | None,
    ) -> None:
        self._get = client._get  # noqa: SLF001 - of this module
        self._row = row
        self.paging = paging
        self._asked = asked
        self._since = since
        self._until = until

    def fetch(self, cursor: Cursor) -> Page:
        """One page.

        :param cursor: where it begins
        :raises PagingError: when the list is longer than the pages that Voucherify serves
        """
        numbers = [(name, str(value)) for name, value in self.paging.params(cursor).items()]
        body = self._get(self._row, [*self._asked, *numbers])
        found = rows(self._row, body)
        total = self.paging.total(body)
        most = self.paging.size * (self.paging.cap or 0)
        if total is not None and total > most:
            message = f"'{self._row.name}' has {total} rows here, and Voucherify serves {most} of a list at most"
            remedy = "Ask for a shorter window" if self._row.time_field else "Ask with narrower parameters"
            raise PagingError(message, remedy=f"{remedy}.", partner="Voucherify")
        following = self.paging.next(cursor, body=body, records=found)
        return Page([record for record in found if self._within(record)], following, total)

    def _within(self, record: Record) -> bool:
        text = record.get(self._row.row_time)
        if not text or not (self._since or self._until):
            return True
        at = moment(text, self._row.row_time)
        return (self._since is None or at >= self._since) and (self._until is None or at < self._until)


def _bounds(row: VoucherifyResource, since: datetime | None, until: datetime | None) -> list[tuple[str, str]]:
    if since is None and until is None:
        return []
    if row.time_field is None:
        message = f"'{row.name}' can't be asked for by time: no such filter is documented for it"
        raise ConfigurationError(message, remedy="Leave 'since' and 'until' out.", partner="Voucherify")
    lower = [(f"{row.time_field}[after]", _iso(since - _OVERLAP))] if since else []
    upper = [(f"{row.time_field}[before]", _iso(until + _OVERLAP))] if until else []
    return [*lower, *upper]


def _iso(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
