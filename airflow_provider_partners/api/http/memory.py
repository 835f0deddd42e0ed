"""What the clients of one process share: tokens, and which records exist. It never leaves the process.

A partner's token costs a request, and each client would obtain one of its own. Clients with the same credentials get
the same slot of a :class:`ClientMemory`: the first one fills it, a refusal or the expiry empties it for all of them.
"""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass

__all__ = ["ClientMemory", "KnownIds", "Token", "TokenSlot"]

MOST_KNOWN_IDS = 10_000
"""How many ids of an account are remembered, so that memory stays flat. Others are looked up."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and when to renew it.

    :param value: the secret
    :param renew_at: seconds since 1970; ``None`` if only a refusal ends it
    """

    value: str
    renew_at: float | None

    def __repr__(self) -> str:
        return "Token(<hidden>)"


class TokenSlot:
    """The place of one token. Who obtains it holds the lock, so that other threads wait for the same token."""

    __slots__ = ("lock", "token")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.token: Token | None = None


class KnownIds:
    """Ids of records that exist at a partner, up to a number of them. Threads may share it."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def add(self, external_id: str) -> None:
        """Remember an id, if there is room."""
        if len(self._ids) < MOST_KNOWN_IDS:
            self._ids.add(external_id)

    def __contains__(self, external_id: str) -> bool:
        return external_id in self._ids


class ClientMemory:
    """What is known of accounts. A forked process begins with nothing, as a thread may have held a lock."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[str, TokenSlot] = {}
        self._known: dict[str, KnownIds] = {}
        self._process = os.getpid()

    def slot(self, *credentials: str | None) -> TokenSlot:
        """Return the slot of a token.

        :param credentials: everything that the token depends on: the server, the account, the secret. Only a hash of
            them is kept
        """
        key = self._key(credentials)
        with self._lock:
            return self._slots.setdefault(key, TokenSlot())

    def known_ids(self, *account: str | None) -> KnownIds:
        """Return which records of an account are known to exist.

        :param account: the server, the account, the list
        """
        key = self._key(account)
        with self._lock:
            return self._known.setdefault(key, KnownIds())

    def _key(self, parts: tuple[str | None, ...]) -> str:
        if self._process != os.getpid():
            self._forget()
        text = "".join("-" if part is None else f"{len(part)}:{part}" for part in parts)
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
