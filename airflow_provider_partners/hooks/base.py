"""What the partners' hooks share: reading the connection, building the client once, testing it.

A hook touches nothing when it is made. It maps nothing and knows no resource: that is the client's.
"""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from airflow_provider_partners import settings
from airflow_provider_partners._compat import AirflowNotFoundException, BaseHook, in_thread, mask_secret
from airflow_provider_partners.api.http.rate_limit_store import make_rate_limit_store
from airflow_provider_partners.api.http.redaction import secret_forms
from airflow_provider_partners.exceptions import ConfigurationError, PartnersError, TransientError
from airflow_provider_partners.hooks import connection_forms
from airflow_provider_partners.hooks.connection import PartnerConnection, read_connection
from airflow_provider_partners.observability import metrics

if TYPE_CHECKING:
    from types import TracebackType

    from airflow_provider_partners.api.http.stats import RequestStats

__all__ = ["Client", "PartnerHook", "in_thread"]

SHORT_DEADLINE = 60.0
SHORT_WAIT = 5.0
"""Seconds of a call, and of a single wait in it, where a thread of the triggerer is held by it."""


UNREACHABLE_REMEDY = (
    "Check the connection's host, and that this machine reaches it; or the partner is down for a while."
)


class Client(Protocol):
    """What every API client has."""

    @property
    def stats(self) -> RequestStats:
        """What was asked so far."""

    def ping(self) -> str:
        """One cheap authenticated read."""

    def close(self) -> None:
        """Let go of the network."""


ClientT = TypeVar("ClientT", bound=Client)


class PartnerHook(BaseHook, Generic[ClientT]):
    """Gives the client of a partner's API, made of an Airflow connection.

    Used as a context manager it closes the client at the end::

        with YofiHook() as yofi:
            claims = list(yofi.extract("claims", since=since, until=until).records())

    In asynchronous code the client is had by ``async with``, and what it does is done off the loop::

        async with YofiHook() as yofi:
            claims = await in_thread(lambda: list(yofi.extract("claims", since=since, until=until).records()))

    When the client is closed, what it has sent is told to Airflow's metrics.

    :param conn_id: the connection
    """

    conn_name_attr: ClassVar[str]
    default_conn_name: ClassVar[str]
    conn_type: ClassVar[str]
    hook_name: ClassVar[str]
    default_host: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give each hook class form methods of its own: Airflow 3.0 and 3.1 don't regard inherited ones."""
        super().__init_subclass__(**kwargs)
        conn_type = getattr(cls, "conn_type", None)
        if conn_type:
            cls.get_connection_form_widgets = staticmethod(lambda: connection_forms.form_widgets(conn_type))  # type: ignore[method-assign]
            cls.get_ui_field_behaviour = staticmethod(lambda: connection_forms.field_behaviour(conn_type))  # type: ignore[method-assign]

    def __init__(self, conn_id: str) -> None:
        super().__init__()
        self.conn_id = conn_id
        self.short_timeouts = False
        """Whether someone else sits out long waits, as triggers do: then the client gives up soon."""
        self.metrics_shop: str | None = None
        """The shop that the account belongs to, for metrics; where nothing is said, the account stands for it."""
        self._masked: set[str] = set()
        self._connection: PartnerConnection | None = None
        self._client: ClientT | None = None

    def __enter__(self) -> ClientT:
        """The client."""
        return self.get_conn()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        self.close()

    async def __aenter__(self) -> ClientT:
        """The client, for asynchronous code; connections are read off the loop, where that works in every version."""
        return await in_thread(self.get_conn)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await in_thread(self.close)

    @property
    def account(self) -> str | None:
        """Whose data it is at the partner: a shop, a store, an organisation or a project; no secret."""
        return self.connection.login or None

    @property
    def host(self) -> str | None:
        """The server that is asked."""
        return urlsplit(self.connection.base_url).hostname

    @property
    def connection(self) -> PartnerConnection:
        """The connection, read at the first use.

        :raises ConfigurationError: when it is missing or wrong
        """
        if self._connection is None:
            try:
                stored = self.get_connection(self.conn_id)
            except AirflowNotFoundException:
                message = f"The connection '{self.conn_id}' isn't defined"
                remedy = f"Make one of type '{self.conn_type}', or name another."
                raise ConfigurationError(message, remedy=remedy) from None
            self._connection = read_connection(stored, conn_type=self.conn_type, default_host=self.default_host)
            self.mask_connection(self._connection)
        return self._connection

    def get_conn(self) -> ClientT:
        """The client of the API, made at the first use and kept.

        :raises ConfigurationError: when the connection is missing or wrong
        """
        if self._client is None:
            self._client = self.build_client(self.connection)
        return self._client

    def close(self) -> None:
        """Close the client; the next use makes another."""
        if self._client is not None:
            self._client.close()
            # Counted before it is told: a client that is closed twice has not sent twice.
            usage, self._client = self._client.stats.snapshot(), None
            metrics.emit_request_metrics(usage, api=self.conn_type, shop=self.metrics_shop or self.account)

    def test_connection(self) -> tuple[bool, str]:
        """Make one cheap authenticated read: what the button in the UI shows."""
        # Whoever has pressed the button waits for it.
        self.short_timeouts = True
        try:
            with self as client:
                return True, client.ping()
        except TransientError as error:
            return False, f"{error}{'' if error.remedy else ' ' + UNREACHABLE_REMEDY}"
        except PartnersError as error:
            return False, str(error)

    @abstractmethod
    def build_client(self, connection: PartnerConnection) -> ClientT:
        """Make the client.

        :param connection: checked
        """

    def mask_connection(self, connection: PartnerConnection) -> None:
        """Keep the connection's secrets out of the logs."""
        self.mask_secret(connection.password)
        for name, field in connection_forms.extra_fields(self.conn_type).items():
            if field["schema"].get("format") == "password" and connection.extras.get(name):
                self.mask_secret(connection.extras[name])

    def mask_secret(self, secret: str) -> None:
        """Keep a secret out of the logs, in each form that it may take there; a key of several lines by its lines.

        :param secret: of the connection, or obtained by it; clients tell theirs before each use
        """
        if secret in self._masked:
            return
        self._masked.add(secret)
        for form in secret_forms(secret):
            mask_secret(form)

    def client_options(self, *credential: str) -> dict[str, Any]:
        """What every client is told about budgets, waits and secrets.

        :param credential: what the partner counts requests by; tasks with the same one share a budget
        """
        digest = hashlib.sha256("\0".join(credential).encode()).hexdigest()[:24]
        return {
            "rate_limit_store": make_rate_limit_store(settings.budget_uri(), f"{self.conn_type}-{digest}"),
            "on_secret": self.mask_secret,
            "deadline": min(settings.request_deadline(), SHORT_DEADLINE if self.short_timeouts else math.inf),
            "max_wait": min(settings.max_wait(), SHORT_WAIT if self.short_timeouts else math.inf),
        }
