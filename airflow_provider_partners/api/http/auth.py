"""Proving who asks: header values that stand, rotate, are signed here, or are exchanged for at the partner.

An ``Auth`` gives the headers of the next request and says, after a refusal, whether there is something new
to try. Threads share one. Must not know HTTP: an exchange is a function handed in.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airflow_provider_partners.api.clock import SYSTEM_CLOCK, Clock
from airflow_provider_partners.api.http.redaction import is_sensitive
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Auth(Protocol):
    """Gives the headers that authenticate a request."""

    def headers(self) -> Mapping[str, str]:
        """The headers of the next request; may sign or exchange a token."""

    def refresh(self, refused: Mapping[str, str]) -> bool:
        """Take note that headers were refused.

        :param refused: what :meth:`headers` had given
        :returns: whether there is something new to try
        """


def ignore_secret(secret: str) -> None:
    """What is told of secrets where nobody has asked to be."""


class StaticHeaders:
    """Headers that never change, such as an API key.

    :param headers: the headers
    :param on_secret: told every secret among them before it is used
    """

    def __init__(self, headers: Mapping[str, str], *, on_secret: Callable[[str], None] = ignore_secret) -> None:
        self._headers = dict(headers)
        self._on_secret = on_secret

    def headers(self) -> Mapping[str, str]:
        """The same ones, always."""
        for name, value in self._headers.items():
            if is_sensitive(name):
                self._on_secret(value)
        return dict(self._headers)

    def refresh(self, refused: Mapping[str, str]) -> bool:
        """There is nothing else to try.

        :param refused: what was refused
        """
        return False


class RotatingHeader:
    """One header with several values: while a key is rotated, the second is tried when the first is refused.

    The value that was tried last is remembered, so that each further request goes right at the first attempt.

    :param name: the header
    :param values: the values, the likeliest first; empty ones are passed over
    :param extra: headers that go along
    :param on_secret: told every value before it is used
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
            message = f"no value is given for the header {name}"
            raise ConfigurationError(message, remedy="Set the access token in the connection's password.")
        self._extra = dict(extra or {})
        self._on_secret = on_secret
        self._index = 0
        self._lock = threading.Lock()

    def headers(self) -> Mapping[str, str]:
        """The header with the value that worked last."""
        value = self._values[self._index]
        self._on_secret(value)
        return {self._name: value, **self._extra}

    def refresh(self, refused: Mapping[str, str]) -> bool:
        """Go on to the next value, unless another thread has done so already.

        :param refused: what was refused
        """
        if len(self._values) == 1:
            return False
        with self._lock:
            if refused.get(self._name) == self._values[self._index]:
                self._index = (self._index + 1) % len(self._values)
        return True


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    renew_at: float | None

    def __repr__(self) -> str:
        return "_Token(<hidden>)"


class _TokenHeader:
    """A header whose token is obtained, kept until shortly before it expires, and renewed after a refusal."""

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
    ) -> None:
        self._obtain = obtain
        self._header = header
        self._prefix = f"{scheme} " if scheme else ""
        self._extra = dict(extra)
        self._clock = clock
        self._leeway = leeway
        self._on_secret = on_secret
        self._token: _Token | None = None
        # Held while a token is obtained, so that threads which need one wait for the same one.
        self._lock = threading.Lock()

    def headers(self) -> Mapping[str, str]:
        """The header with a token that is still good."""
        with self._lock:
            token = self._token
            if token is None or (token.renew_at is not None and self._clock.time() >= token.renew_at):
                token = self._token = self._new_token()
        return {self._header: self._prefix + token.value, **self._extra}

    def refresh(self, refused: Mapping[str, str]) -> bool:
        """Drop the refused token, so that the next request obtains another.

        :param refused: what was refused; if that is no longer the token in use, another thread has renewed it
        """
        with self._lock:
            if self._token is not None and refused.get(self._header) == self._prefix + self._token.value:
                self._token = None
        return True

    def _new_token(self) -> _Token:
        begun = self._clock.time()
        value, expires_at = self._obtain()
        self._on_secret(value)
        if expires_at is None:
            return _Token(value, None)
        # A token that lives shorter than the leeway would otherwise be renewed for each request.
        return _Token(value, expires_at - min(self._leeway, max(0.0, expires_at - begun) / 2))


class MintedToken(_TokenHeader):
    """A bearer token signed here, such as a JWT: renewed before it expires, and once after a refusal.

    :param mint: signs one; returns it and its expiry in seconds since 1970
    :param extra: headers that go along
    :param clock: the time
    :param leeway: seconds before the expiry at which it is renewed
    :param on_secret: told every token before it is used
    """

    def __init__(
        self,
        *,
        mint: Callable[[], tuple[str, float]],
        extra: Mapping[str, str] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        leeway: float = 30.0,
        on_secret: Callable[[str], None] = ignore_secret,
    ) -> None:
        super().__init__(
            obtain=mint,
            header="Authorization",
            scheme="Bearer",
            extra=extra or {},
            clock=clock,
            leeway=leeway,
            on_secret=on_secret,
        )


class ExchangedToken(_TokenHeader):
    """A token that the partner gives for other credentials, kept until it expires or is refused.

    :param exchange: asks for one (outside of this token's own authentication); returns it and its expiry in
        seconds since 1970, ``None`` where the partner doesn't say
    :param header: the header it goes into
    :param scheme: what stands before it, such as ``Bearer``
    :param extra: headers that go along
    :param clock: the time
    :param leeway: seconds before the expiry at which it is renewed
    :param on_secret: told every token before it is used
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
    ) -> None:
        super().__init__(
            obtain=exchange,
            header=header,
            scheme=scheme,
            extra=extra or {},
            clock=clock,
            leeway=leeway,
            on_secret=on_secret,
        )
