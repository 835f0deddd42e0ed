"""Base class of the hooks: read the connection, build the client once, test the connection.

A hook reads nothing when it is created. It knows no resource: the client does.
"""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from airflow_provider_partners import settings
from airflow_provider_partners._compat import BaseHook, in_thread, mask_secret
from airflow_provider_partners.arguments import check_text
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.hooks import connection_forms
from airflow_provider_partners.hooks.connection import PartnerConnection, read_connection
from airflow_provider_partners.hooks.lookups import find_connection
from airflow_provider_partners.hooks.memory import client_memory
from airflow_provider_partners.observability import hook_lineage, metrics, step_log
from airflow_provider_partners.records import encode_text

if TYPE_CHECKING:
    from types import TracebackType

    from airflow_provider_partners.api.http.options import ClientOptions
    from airflow_provider_partners.api.http.stats import RequestStats

__all__ = ["Client", "PartnerHook", "in_thread"]

SHORT_DEADLINE = 60.0
SHORT_WAIT = 5.0
"""Seconds for a whole call, and for one wait in it, while a trigger or the Test button waits."""


class Client(Protocol):
    """The part of an API client that a hook uses."""

    @property
    def stats(self) -> RequestStats:
        """What the client has sent so far."""

    def ping(self) -> str:
        """Make one cheap authenticated read."""

    def close(self) -> None:
        """Close the connections."""


ClientT = TypeVar("ClientT", bound=Client)


class PartnerHook(BaseHook, Generic[ClientT]):
    """Builds the client of a partner's API from an Airflow connection.

    As a context manager it returns the client and closes it at the end::

        with YofiHook() as yofi:
            claims = list(yofi.extract("claims", since=since, until=until).records())

    In asynchronous code use ``async with`` and run the client's calls in a thread::

        async with YofiHook() as yofi:
            claims = await in_thread(lambda: list(yofi.extract("claims", since=since, until=until).records()))

    Closing the client emits its request counts to Airflow's metrics.

    :param conn_id: id of the Airflow connection
    """

    conn_name_attr: ClassVar[str]
    default_conn_name: ClassVar[str]
    conn_type: ClassVar[str]
    hook_name: ClassVar[str]
    default_host: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give each hook class its own form methods: Airflow 3.0 and 3.1 ignore inherited ones."""
        super().__init_subclass__(**kwargs)
        conn_type = getattr(cls, "conn_type", None)
        if conn_type:
            cls.get_connection_form_widgets = staticmethod(lambda: connection_forms.form_widgets(conn_type))  # type: ignore[method-assign]
            cls.get_ui_field_behaviour = staticmethod(lambda: connection_forms.field_behaviour(conn_type))  # type: ignore[method-assign]

    def __init__(self, conn_id: str) -> None:
        super().__init__()
        check_text(self.conn_name_attr, conn_id)
        self.conn_id = conn_id
        self.short_timeouts = False
        """Use short deadlines, because the caller (a trigger or sensor) reschedules longer waits itself."""
        self.masks_tokens = True
        """Let Airflow mask the tokens that the client obtains, besides the connection's secrets."""
        self.metrics_shop: str | None = None
        """The shop in the metrics' tag ``shop``; the account by default."""
        self._masked: set[str] = set()
        self._connection: PartnerConnection | None = None
        self._client: ClientT | None = None

    def __enter__(self) -> ClientT:
        """Return the client."""
        return self.get_conn()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        self.close()

    async def __aenter__(self) -> ClientT:
        """Return the client. The connection is read in a thread, which works in every version of Airflow 3."""
        return await in_thread(self.get_conn)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await in_thread(self.close)

    @property
    def account(self) -> str | None:
        """The account at the partner: a shop, a store, an organization or a project. Not a secret."""
        return self.connection.login or None

    @property
    def host(self) -> str | None:
        """The server that the client talks to."""
        return urlsplit(self.connection.base_url).hostname

    @property
    def console_url(self) -> str | None:
        """The page that links of a task open; ``None`` for the partner's default."""
        return self.connection.extras.get("console_url") or None

    @property
    def connection(self) -> PartnerConnection:
        """The checked connection, read at the first use.

        :raises NotDefinedError: when Airflow does not find it
        :raises ConfigurationError: when it is wrong
        """
        if self._connection is None:
            stored = find_connection(self.get_connection, self.conn_id, conn_type=self.conn_type)
            self._connection = read_connection(stored, conn_type=self.conn_type, default_host=self.default_host)
            self.mask_connection(self._connection)
        return self._connection

    def get_conn(self) -> ClientT:
        """Return the API client. It is built at the first call and kept.

        :raises NotDefinedError: when Airflow does not find the connection
        :raises ConfigurationError: when the connection is wrong
        """
        if self._client is None:
            hook_lineage.collect_lists()
            self._client = self.build_client(self.connection)
        return self._client

    def close(self) -> None:
        """Close the client and emit its request metrics. The next use builds another client."""
        if self._client is not None:
            self._client.close()
            # Drop the client before emitting, so that a second close emits nothing.
            stats, self._client = self._client.stats.snapshot(), None
            metrics.emit_request_metrics(stats, api=self.conn_type, shop=self.metrics_shop or self.account)
            step_log.add_calls(stats, api=self.conn_type, account=self.account)

    def test_connection(self) -> tuple[bool, str]:
        """Make one cheap authenticated read, for the Test button of the UI."""
        # A user waits for the answer.
        self.short_timeouts = True
        try:
            with self as client:
                return True, client.ping()
        except PartnersError as error:
            return False, str(error)

    @abstractmethod
    def build_client(self, connection: PartnerConnection) -> ClientT:
        """Build the client from a checked connection."""

    def mask_connection(self, connection: PartnerConnection) -> None:
        """Mask the connection's secrets in the logs."""
        self.mask_secret(connection.password)
        for name, field in connection_forms.extra_fields(self.conn_type).items():
            if field["schema"].get("format") == "password" and connection.extras.get(name):
                self.mask_secret(connection.extras[name])

    def mask_secret(self, secret: str) -> None:
        """Mask a secret in the logs, in each encoding it may appear in; a multi-line key line by line.

        :param secret: from the connection, or a token that the client obtained with it
        """
        if secret in self._masked:
            return
        from airflow_provider_partners.api.http.redaction import secret_forms

        self._masked.add(secret)
        for encoded in secret_forms(secret):
            mask_secret(encoded)

    def client_options(self, *credential: str) -> ClientOptions:
        """Return the options that every client takes: rate limit store, shared tokens, deadlines, masking of secrets.

        :param credential: what the partner counts requests by; tasks with the same credential share a rate limit
        """
        from airflow_provider_partners.api.http.auth import ignore_secret
        from airflow_provider_partners.api.http.options import ClientOptions
        from airflow_provider_partners.api.http.rate_limit_store import make_rate_limit_store
        from airflow_provider_partners.hooks.budget_database import open_store

        digest = hashlib.sha256(encode_text("\0".join(credential))).hexdigest()[:24]
        return ClientOptions(
            rate_limit_store=make_rate_limit_store(
                settings.budget_uri(), f"{self.conn_type}-{digest}", open_database=open_store
            ),
            on_secret=self.mask_secret if self.masks_tokens else ignore_secret,
            memory=client_memory(),
            deadline=min(settings.request_deadline(), SHORT_DEADLINE if self.short_timeouts else math.inf),
            max_response_size=settings.max_response_size(),
            max_download_size=settings.max_download_size(),
            download_hosts=settings.download_hosts(),
            max_wait=min(settings.max_wait(), SHORT_WAIT if self.short_timeouts else math.inf),
        )
