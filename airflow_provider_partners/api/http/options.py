"""Options that every API client takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.clock import SYSTEM_CLOCK, Clock
from airflow_provider_partners.api.http.auth import ignore_secret
from airflow_provider_partners.api.http.memory import KnownIds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_partners.api.http.memory import ClientMemory, TokenSlot
    from airflow_provider_partners.api.http.rate_limit_store import RateLimitStore

__all__ = ["ClientOptions", "Timeouts"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds allowed for each part of one attempt.

    :param connect: until the connection is open
    :param read: between two pieces of the response
    :param write: between two pieces of the request
    :param pool: until a connection of the pool is free
    """

    connect: float = 10.0
    read: float = 60.0
    write: float = 30.0
    pool: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Options of a client: its deadlines, its rate limit store, and what tests replace.

    Hooks build them from the settings; see ``PartnerHook.client_options``.

    :param rate_limit_store: keeps the rate limit; share one between parallel tasks. In memory by default
    :param deadline: seconds for a whole call with all its waits
    :param max_wait: longest single wait in seconds; a longer one raises ``ThrottledError``
    :param max_attempts: attempts that may fail. Throttled attempts do not count; they end with the deadline
    :param max_response_size: bytes of a response after decompression; a larger one is refused
    :param max_download_size: bytes of a downloaded file after decompression
    :param download_hosts: further hosts from which files may be downloaded; see
        :class:`~airflow_provider_partners.api.http.addresses.DownloadHosts`
    :param timeouts: seconds for the parts of one attempt
    :param on_secret: called with every secret and token before its use
    :param memory: what clients of one process share, such as tokens; each client has its own by default
    :param clock: the clock, for tests
    :param handler: transport of the HTTP library (``httpx.BaseTransport``), for tests
    """

    rate_limit_store: RateLimitStore | None = None
    deadline: float = 300.0
    max_wait: float = 60.0
    max_attempts: int = 8
    max_response_size: int = 64_000_000
    max_download_size: int = 20_000_000_000
    download_hosts: Sequence[str] = ()
    timeouts: Timeouts = field(default_factory=Timeouts)
    on_secret: Callable[[str], None] = ignore_secret
    memory: ClientMemory | None = None
    clock: Clock = SYSTEM_CLOCK
    handler: Any = None

    def token_slot(self, *credentials: str | None) -> TokenSlot | None:
        """Return the slot of a token that clients share; ``None`` if each has its own.

        :param credentials: everything that the token depends on
        """
        return None if self.memory is None else self.memory.slot(*credentials)

    def known_ids(self, *account: str | None) -> KnownIds:
        """Return which records of an account are known to exist.

        :param account: the server, the account, the list
        """
        return KnownIds() if self.memory is None else self.memory.known_ids(*account)
