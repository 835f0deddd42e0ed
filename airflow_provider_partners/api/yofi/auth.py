"""Yofi's two token profiles.

Integrations since 2026 sign for a *service account* of the partner, and name the shop in request headers. Older ones
(*legacy*) sign for one shop, inside the token. Both are JWTs that are signed here with the shared secret. Source:
https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/authentication
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any

import jwt

from airflow_provider_partners.api.http.auth import MintedToken
from airflow_provider_partners.arguments import check_count, check_names, check_text, parse_structure
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.options import ClientOptions

PROFILES = ("service_account", "legacy")
ALGORITHMS = ("HS256", "HS384", "HS512")

SERVICE_AUDIENCE = "yofi-public-api"
LEGACY_AUDIENCE = "Yofi"
"""The audiences on Yofi's page."""

_ISSUED_AT_LEEWAY = 5
"""Seconds that ``iat`` lies in the past, for a server whose clock is slow."""

_REQUIRED_FIELDS = {
    "service_account": ("secret", "issuer", "subject"),
    "legacy": ("secret", "issuer", "organization_id"),
}
"""The fields that each profile needs, besides the shop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YofiCredentials:
    """What signs a token, and what the token contains.

    :param secret: the signing secret
    :param profile: ``service_account`` or ``legacy``
    :param issuer: the partner id, assigned by Yofi
    :param subject: the service account; not used by the legacy profile
    :param client_id: assigned by Yofi; not used by the legacy profile
    :param organization_id: in the token of the legacy profile, an optional header of the other one
    :param platform: the platform's name inside Yofi
    :param algorithm: one of HS256, HS384, HS512
    :param token_ttl: lifetime of a token in seconds
    :param audience: of the token, as Yofi assigned it; several of the service account with commas between them, or as
        a JSON array. By default that of the page: ``yofi-public-api``, and ``Yofi`` for the legacy profile
    """

    secret: str = field(repr=False)
    profile: str
    issuer: str
    subject: str | None
    client_id: str
    organization_id: str | None
    platform: str
    algorithm: str
    token_ttl: int
    audience: str | None = None

    def __post_init__(self) -> None:
        """Refuse what Yofi would refuse."""
        _check_choice("auth_profile", self.profile, PROFILES)
        _check_choice("algorithm", self.algorithm, ALGORITHMS)
        missing = [name for name in _REQUIRED_FIELDS[self.profile] if not getattr(self, name)]
        if missing:
            message = f"the auth_profile '{self.profile}' needs {' and '.join(missing)}"
            remedy = "Set it in the connection (the secret is its password), as Yofi assigned it."
            raise ConfigurationError(message, remedy=remedy, partner="Yofi")
        if not isinstance(self.token_ttl, int):
            check_count("token_ttl", self.token_ttl)
        if self.token_ttl < 1:
            message = f"token_ttl={self.token_ttl} makes tokens that are expired already"
            raise ConfigurationError(message, remedy="Use seconds, such as 300.", partner="Yofi")
        self.sign({})

    def token_claims(self, shop: str, now: int) -> dict[str, Any]:
        """Return the claims of a token.

        :param shop: the shop's domain
        :param now: seconds since 1970
        """
        common: dict[str, Any] = {"iss": self.issuer, "iat": now - _ISSUED_AT_LEEWAY, "exp": now + self.token_ttl}
        if self.profile == "legacy":
            # The audience is a string here, and its case matters.
            return {**common, "aud": self.audience or LEGACY_AUDIENCE, "sub": shop, "org_id": self.organization_id}
        # The audience must be a list, because Yofi refuses a plain string. Every token has an id of its own.
        return {
            **common,
            "aud": list(check_names("audience", parse_structure(self.audience or SERVICE_AUDIENCE))),
            "sub": self.subject,
            "jti": str(uuid.uuid4()),
            "client_id": self.client_id,
        }

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the claims as a signed token.

        :raises ConfigurationError: the secret cannot sign
        """
        try:
            return jwt.encode(dict(claims), self.secret, algorithm=self.algorithm)
        except (jwt.PyJWTError, TypeError, ValueError):
            # The library's text may quote the secret. It also refuses a PEM key: such a key signs with other algorithms
            # (RFC 8725, section 2.1).
            message = f"the secret cannot sign tokens with {self.algorithm}"
            remedy = "Set the connection's password to the shared secret that Yofi assigned; a PEM key is none."
            raise ConfigurationError(message, remedy=remedy, partner="Yofi") from None

    def headers(self, shop: str) -> dict[str, str]:
        """Return the headers that go with a token.

        :param shop: the shop's domain
        """
        if self.profile == "legacy":
            return {}
        tenant = {"app_id": shop, "partner_id": self.platform}
        return {**tenant, "organization_id": self.organization_id} if self.organization_id else tenant


def normalize_shop(shop: str) -> str:
    """Return a shop as Yofi names it: its domain without scheme or path, or an app id unchanged.

    :param shop: such as ``a.myshopify.com`` or ``https://a.myshopify.com/``
    :raises ConfigurationError: when it is no text
    """
    if shop != "":
        check_text("shop", shop)
    name = shop.strip().removeprefix("https://").removeprefix("http://").split("/")[0]
    return name.lower() if "." in name else name


def make_shop_token(credentials: YofiCredentials, shop: str, options: ClientOptions) -> MintedToken:
    """Return the token of one shop. In both profiles each shop has its own, so that none can serve another."""

    def mint() -> tuple[str, float]:
        claims = credentials.token_claims(shop, int(options.clock.time()))
        return credentials.sign(claims), float(claims["exp"])

    return MintedToken(
        mint=mint,
        extra=credentials.headers(shop),
        clock=options.clock,
        on_secret=options.on_secret,
        # Signing one costs no request, but each is one more secret for Airflow to mask.
        slot=options.token_slot("yofi", shop, *map(str, astuple(credentials))),
    )


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        message = f"{name}={value!r} is unknown"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(known)}.", partner="Yofi")
