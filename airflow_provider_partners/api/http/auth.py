"""Authentication headers: static, rotating, signed here, or exchanged for a token at the partner.

An :class:`Auth` returns the headers of the next request. After a refusal it reports whether other
credentials are left to try. Threads share one object. This module does not send anything itself.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from airflow_provider_partners.api.clock import SYSTEM_CLOCK, Clock
from airflow_provider_partners.api.http.memory import Token, TokenSlot
from airflow_provider_partners.api.http.redaction import is_sensitive
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Auth(Protocol):
    """Returns the headers that authenticate a request."""

    @property
    def alternatives(self) -> int:
        """Number of credentials that are tried in turn."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers of the next request. This may sign a token or exchange one."""

    def refresh(self, refused: Mapping[str, str]) -> bool:
        """Handle a refusal of the credentials.

        :param refused: the headers that the partner refused
        :returns: True if other credentials are left to try
        """


def ignore_secret(secret: str) -> None:
    """Default ``on_secret`` callback: ignore the secret."""


class StaticHeaders:
    """Headers that never change, such as an API key.

    :param on_secret: called with every secret before its use
    """

    alternatives = 1

    def __init__(self, headers: Mapping[str, str], *, on_secret: Callable[[str], None] = ignore_secret) -> None:
        self._headers = dict(headers)
        self._on_secret = on_secret

    def headers(self) -> Mapping[str, str]:
        """Return the headers."""
        for name, value in self._headers.items():
            if is_sensitive(name):
                self._on_secret(value)
        return dict(self._headers)

    def refresh(self, refused: Mapping[str, str]) -> bool:
        """Return False: there are no other credentials."""
        return False


class RotatingHeader:
    """One header with several values. If the partner refuses one value, the next one is tried.

    This keeps requests working while a key is rotated. The value that worked last is used first.

    :param name: name of the header
    :param values: the values, the most likely first; empty ones are skipped
    :param extra: additional headers
    :param on_secret: called with every value before its use
    """

    def __init__(
        self,
        name: str,
        values: Sequence[str | None],
        *,
        extra: Mapping[str, str] | None = None,
        on_secret: Callable[[str], None] = ignore_secret,
    ) -> None:
        self._name = name
        self._values = tuple(dict.fromkeys(value for value in values if value))
        if not self._values:
            message = f"the header {name} has no value"
            raise ConfigurationError(message, remedy="Set the access token in the connection's password.")
        self._extra = dict(extra or {})
        self._on_secret = on_secret
        self._index = 0
        self._lock = threading.Lock()

    @property
    def alternatives(self) -> int:
        """Number of values."""
        return len(self._values)

    def headers(self) -> Mapping[str, str]:
        """Return the header with the value that worked last."""
        value = self._values[self._index]
        self._on_secret(value)
        return {self._name: value, **self._extra}

    def refresh(self, refused: Mapping[str, str]) -> bool:
        """Switch to the next value, unless another thread has already done so."""
        if len(self._values) == 1:
            return False
        with self._lock:
            if refused.get(self._name) == self._values[self._index]:
                self._index = (self._index + 1) % len(self._values)
        return True


class _TokenHeader:
    """A header with a token. The token is renewed shortly before it expires, and after a refusal."""

    alternatives = 1

    def __init__(
        self,
        *,
        obtain: Callable[[], tuple[str, float | None]],
        header: str,
        scheme: str,
        extra: Mapping[str, str],
        clock: Clock,
        leeway: float,
        on_secret: Callable[[str], None],
        slot: TokenSlot | None,
    ) -> None:
        self._obtain = obtain
        self._header = header
        self._prefix = f"{scheme} " if scheme else ""
        self._extra = dict(extra)
        self._clock = clock
        self._leeway = leeway
        self._on_secret = on_secret
        self._slot = slot or TokenSlot()
        self._reported: Token | None = None

    def headers(self) -> Mapping[str, str]:
        """Return the header with a valid token."""
        slot = self._slot
        with slot.lock:
            token = slot.token
            if token is None or (token.renew_at is not None and self._clock.time() >= token.renew_at):
                token = slot.token = self._new_token()
            if token is not self._reported:
                self._on_secret(token.value)
                self._reported = token
        return {self._header: self._prefix + token.value, **self._extra}

    def refresh(self, refused: Mapping[str, str]) -> bool:
        """Drop the refused token, so that the next request obtains another.

        If the token in use is a newer one, another thread or client has already renewed it.
        """
        with self._slot.lock:
            token = self._slot.token
            if token is not None and refused.get(self._header) == self._prefix + token.value:
                self._slot.token = None
        return True

    def _new_token(self) -> Token:
        obtained_at = self._clock.time()
        value, expires_at = self._obtain()
        if expires_at is None:
            return Token(value, None)
        # Without this limit, a token with a lifetime below the leeway would be renewed for every request.
        return Token(value, expires_at - min(self._leeway, max(0.0, expires_at - obtained_at) / 2))


class MintedToken(_TokenHeader):
    """A bearer token that is signed here, such as a JWT.

    :param mint: signs a token; returns it with its expiry in seconds since 1970
    :param extra: additional headers
    :param leeway: seconds before the expiry at which the token is renewed
    :param on_secret: called with every token before its use
    :param slot: shared with other clients of the same credentials; one of its own by default
    """

    def __init__(
        self,
        *,
        mint: Callable[[], tuple[str, float]],
        extra: Mapping[str, str] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        leeway: float = 30.0,
        on_secret: Callable[[str], None] = ignore_secret,
        slot: TokenSlot | None = None,
    ) -> None:
        super().__init__(
            obtain=mint,
            header="Authorization",
            scheme="Bearer",
            extra=extra or {},
            clock=clock,
            leeway=leeway,
            on_secret=on_secret,
            slot=slot,
        )


class ExchangedToken(_TokenHeader):
    """A token that the partner issues in exchange for other credentials.

    :param exchange: requests a token without using this authentication; returns it with its expiry in seconds
        since 1970, or ``None`` if the partner does not state one
    :param header: name of the header
    :param scheme: word before the token, such as ``Bearer``
    :param extra: additional headers
    :param leeway: seconds before the expiry at which the token is renewed
    :param on_secret: called with every token before its use
    :param slot: shared with other clients of the same credentials; one of its own by default
    """

    def __init__(
        self,
        *,
        exchange: Callable[[], tuple[str, float | None]],
        header: str,
        scheme: str = "",
        extra: Mapping[str, str] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        leeway: float = 60.0,
        on_secret: Callable[[str], None] = ignore_secret,
        slot: TokenSlot | None = None,
    ) -> None:
        super().__init__(
            obtain=exchange,
            header=header,
            scheme=scheme,
            extra=extra or {},
            clock=clock,
            leeway=leeway,
            on_secret=on_secret,
            slot=slot,
        )
