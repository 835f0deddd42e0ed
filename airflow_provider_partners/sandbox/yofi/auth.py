"""Authentication of Yofi's API: the two token profiles, and the tenant headers of the newer one.

A bad token is answered with 401. A good token is answered with 403 when it names a shop, platform or organization that
was not granted: https://docs.yofi.ai/yofi-document-api-overview (an API on the same host).
Profiles: https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/authentication
"""

from __future__ import annotations

import hashlib
import math
import threading
from typing import TYPE_CHECKING, Any

import jwt

from airflow_provider_partners.sandbox.yofi.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_partners.sandbox.store import Sandbox

SERVICE_AUDIENCE = "yofi-public-api"
LEGACY_AUDIENCE = "Yofi"
#: Required claims by profile.
_CLAIMS = {
    "service_account": ("iss", "sub", "aud", "iat", "exp", "jti", "client_id"),
    "legacy": ("iss", "sub", "aud", "iat", "exp", "org_id"),
}


class Authenticator:
    """Checks each request's token. Every token needs a ``jti`` of its own.

    :param clock: epoch seconds of the machine: clients sign tokens with the machine's time, not with the sandbox's
    """

    def __init__(self, *, sandbox: Sandbox, clock: Callable[[], float]) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._lock = threading.Lock()
        # jti to the token's digest and expiry: a client may send one token several times, but not reuse its jti.
        self._used: dict[str, tuple[str, float]] = {}

    def shop(self, headers: Mapping[str, str]) -> str:
        """Return the shop that a request may read.

        :param headers: the request's headers; names in any case
        :raises ApiError: 401 for the token, 403 for a shop, platform or organization that is not granted
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ApiError(401, "Authorization: Bearer <JWT> is required")
        claims = self._claims(token)
        profile = self._profile(claims)
        self._check_claims(profile, claims)
        if profile == "legacy":
            return self._legacy_shop(claims)
        self._check_jti(claims, token)
        return self._tenant(headers)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._credentials["secret"],
                algorithms=["HS256"],  # refuses every other algorithm, including "none"
                # _check_times compares the times with the sandbox's clock; _profile checks the audience.
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
            )
        except jwt.InvalidTokenError as error:
            raise ApiError(401, f"Token refused: {error}") from None
        return claims

    def _profile(self, claims: Mapping[str, Any]) -> str:
        audience = claims.get("aud")
        if audience == LEGACY_AUDIENCE:
            profile = "legacy"
        elif isinstance(audience, list) and SERVICE_AUDIENCE in audience:
            profile = "service_account"
        elif audience == SERVICE_AUDIENCE:
            # A plain string is rejected: https://docs.yofi.ai/yofi-document-api-overview
            raise ApiError(401, f'Token refused: aud must be an array, ["{SERVICE_AUDIENCE}"]')
        else:
            raise ApiError(401, "Token refused: aud is wrong")
        if profile not in self._sandbox.switches["yofi.profiles"]:
            raise ApiError(401, f"Token refused: the {profile} profile is not enabled")
        return profile

    def _check_claims(self, profile: str, claims: Mapping[str, Any]) -> None:
        for name in _CLAIMS[profile]:
            if not claims.get(name):
                raise ApiError(401, f"Token refused: the claim {name} is missing")
        expected = {"iss": self._credentials["issuer"]}
        if profile == "service_account":
            expected |= {"sub": self._credentials["subject"], "client_id": self._credentials["client_id"]}
        for name, value in expected.items():
            if claims[name] != value:
                raise ApiError(401, f"Token refused: {name} is unknown")
        self._check_times(claims)

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock()
        for name in ("iat", "exp"):
            value = claims[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ApiError(401, f"Token refused: {name} must be a number of seconds")
        if claims["iat"] > now:
            raise ApiError(401, "Token refused: iat lies in the future")
        if claims["exp"] <= now:
            raise ApiError(401, "Token refused: it has expired")
        max_lifetime = self._sandbox.switches["yofi.token_max_lifetime"]
        if max_lifetime is not None and claims["exp"] - claims["iat"] > max_lifetime:
            raise ApiError(401, f"Token refused: it lives longer than {max_lifetime} s")

    def _check_jti(self, claims: Mapping[str, Any], token: str) -> None:
        digest = hashlib.sha256(token.encode()).hexdigest()
        jti = str(claims["jti"])
        with self._lock:
            now = self._clock()
            self._used = {key: use for key, use in self._used.items() if use[1] > now}
            used_by, _ = self._used.setdefault(jti, (digest, float(claims["exp"])))
        if used_by != digest:
            raise ApiError(401, "Token refused: this jti was used by another token")

    def _legacy_shop(self, claims: Mapping[str, Any]) -> str:
        if claims["org_id"] != self._credentials["organization_id"]:
            raise ApiError(403, "The organization is not granted")
        if claims["sub"] not in self._credentials["shops"]:
            raise ApiError(403, "The shop is not granted")
        return str(claims["sub"])

    def _tenant(self, headers: Mapping[str, str]) -> str:
        # The headers' names contain underscores. Proxies such as nginx drop such headers by default.
        if headers.get("partner_id") != self._credentials["platform"]:
            raise ApiError(403, "The header partner_id names no platform granted")
        organization = headers.get("organization_id")
        if organization is not None and organization != self._credentials["organization_id"]:
            raise ApiError(403, "The header organization_id names no organization granted")
        shop = self._shop_of(headers.get("app_id") or "")
        if shop is None:
            raise ApiError(403, "The header app_id names no shop granted")
        return shop

    def _shop_of(self, app_id: str) -> str | None:
        """Return the shop of an ``app_id`` header, which is the shop's domain or Yofi's id of the app."""
        shops: list[str] = self._credentials["shops"]
        if app_id in shops:
            return app_id
        return next((shop for shop in shops if self._sandbox.store.get("yofi", shop, "app", app_id)), None)

    @property
    def _credentials(self) -> dict[str, Any]:
        return self._sandbox.credentials["yofi"]  # type: ignore[no-any-return]
