"""Tokens that the clients of one process share. They are kept in memory alone, and never leave the process.

A partner's token costs a request, and each client would obtain one of its own. Clients with the same credentials get
the same slot of a :class:`TokenStore`: the first one fills it, a refusal or the expiry empties it for all of them.
"""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass

__all__ = ["Token", "TokenSlot", "TokenStore"]


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


class TokenStore:
    """The slots of a process, by credentials. A forked process begins with none: a lock may have been held."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[str, TokenSlot] = {}
        self._process = os.getpid()

    def slot(self, *credentials: str | None) -> TokenSlot:
        """Return the slot of a token.

        :param credentials: everything that the token depends on: the server, the account, the secret. Only a hash of
            them is kept
        """
        if self._process != os.getpid():
            self._lock, self._slots, self._process = threading.Lock(), {}, os.getpid()
        parts = "".join("-" if part is None else f"{len(part)}:{part}" for part in credentials)
        key = hashlib.sha256(parts.encode(errors="surrogatepass")).hexdigest()
        with self._lock:
            return self._slots.setdefault(key, TokenSlot())
