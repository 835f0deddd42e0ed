"""Authentication of Voucherify's API: key pairs of the three API families, OAuth tokens with scopes, API versions.

Bad credentials are answered with 401. A token without the scope of a resource is answered with 403.
Source: https://docs.voucherify.io/api-reference/introduction-api
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qs

from airflow_provider_partners.sandbox.store import Document, Sandbox, format_timestamp
from airflow_provider_partners.sandbox.voucherify.errors import (
    ApiError,
    api_error,
    framework_error,
    missing_permission,
    unauthorized,
)
from airflow_provider_partners.sandbox.voucherify.records import PARTNER

_VERSIONS = ("v2018-08-01", "v2017-04-20", "v2017-04-05")
_FORM = "application/x-www-form-urlencoded"
# Headers and the credentials that they must hold, by API family. The server and client families also accept tokens.
_KEYS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "server": (("x-app-id", "app_id"), ("x-app-token", "secret_key")),
    "client": (
        ("x-client-application-id", "client_app_id"),
        ("x-client-token", "client_token"),
        ("origin", "client_origin"),
    ),
    "management": (("x-management-id", "management_id"), ("x-management-token", "management_token")),
}
_CLIENT_SCOPES = (
    "client_consents client_customers client_events client_promotions client_publish client_qualifications "
    "client_redeem client_redemptions client_validate client_validations client_vouchers"
)
_SERVER_SCOPES = (
    "assets async-actions campaigns categories consents customers events exports locations loyalties metadata-schemas "
    "orders product-collections products promotions publications qualifications redemptions referrals rewards segments "
    "SKUs task-results templates trash-bin validation-rules-assignments validation-rules validations vouchers"
)
SCOPES = frozenset({"api", "client_api", *_CLIENT_SCOPES.split(), *_SERVER_SCOPES.split()})


def api_family(parts: list[str]) -> str:
    """Return the API that a path belongs to: ``server``, ``client`` or ``management``."""
    return parts[0] if parts[0] in {"client", "management"} else "server"


class Authenticator:
    """Checks credentials; issues, shows and revokes tokens."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()

    def check(self, headers: Mapping[str, str], parts: list[str]) -> None:
        """Check the credentials and the API version of a request.

        :param parts: parts of the request's path
        :raises ApiError: 401, 403, or 400 for an unknown API version
        """
        api = api_family(parts)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and api != "management":
            self._check_token(token.strip(), api, parts)
        elif not self._has_keys(headers, api):
            raise unauthorized()
        version = headers.get("x-voucherify-api-version") or self._sandbox.switches["voucherify.project_version"]
        if version not in _VERSIONS:
            raise api_error(
                400, "invalid_api_version", "Invalid API version", f"Supported versions: {', '.join(_VERSIONS)}"
            )

    def _has_keys(self, headers: Mapping[str, str], api: str) -> bool:
        credentials = self._sandbox.credentials.get(PARTNER, {})
        pairs = [(headers.get(header, ""), credentials.get(name) or "") for header, name in _KEYS[api]]
        # Compare every pair, so that the response time does not depend on which key is wrong.
        equal = [hmac.compare_digest(value.encode(), secret.encode()) and bool(secret) for value, secret in pairs]
        return all(equal)

    def _check_token(self, token: str, api: str, parts: list[str]) -> None:
        record = self._find_token(token)
        if record is None or parts[:2] == ["v1", "oauth"]:
            raise unauthorized()
        scopes = set(record["scope"].split())
        resource = parts[2 if api == "client" else 1] if len(parts) > 1 else ""
        resource = {"skus": "SKUs"}.get(resource, resource)
        sufficient = {"client_api", f"client_{resource}"} if api == "client" else {"api", resource}
        if not scopes & sufficient:
            raise missing_permission()

    def _find_token(self, token: str) -> Document | None:
        record = self._sandbox.store.get(PARTNER, "", "oauth_tokens", _digest(token))
        keys = self._sandbox.credentials.get(PARTNER, {})
        # A token ends with its key, but not with a new secret of the same key.
        if record is None or record["app_id"] != keys.get("app_id") or record["expires_at"] <= self._now():
            return None
        return record

    def _now(self) -> int:
        return int(self._sandbox.clock().timestamp())

    def token(self, form: Mapping[str, str]) -> Document:
        """``POST /v1/oauth/token``.

        :raises ApiError: 400 for another grant type or an unknown scope; spaces separate scopes, not commas
        """
        if form.get("grant_type") != "client_credentials":
            _refuse("invalid_grant_type", "Invalid grant_type")
        scope = form.get("scope", "")
        if not scope.split() or not set(scope.split()) <= SCOPES:
            _refuse("invalid_scope", f"Invalid scope: {scope}")
        with self._lock:
            if self._valid_token_count() >= self._sandbox.switches["voucherify.tokens_max"]:
                _refuse("too_many_tokens", "Too many OAuth tokens in the project")
            token, now = secrets.token_urlsafe(36), self._now()
            lifetime = self._sandbox.switches["voucherify.token_seconds"]
            app_id = self._sandbox.credentials[PARTNER]["app_id"]
            record = {
                "client_id": hashlib.sha256(app_id.encode()).hexdigest()[:21],
                "expires_at": now + lifetime,
                "scope": " ".join(scope.split()),
                "app_id": app_id,
            }
            at = format_timestamp(self._sandbox.clock())
            self._sandbox.store.put(PARTNER, "", "oauth_tokens", _digest(token), record, at=at)
        return {"access_token": token, **self._token_body(record)}

    def _valid_token_count(self) -> int:
        now, records = self._now(), self._sandbox.store.select(PARTNER, "", "oauth_tokens")
        return sum(each["expires_at"] > now for each in records)

    def _token_body(self, record: Document) -> Document:
        return {
            "client_id": record["client_id"],
            "expires_at": record["expires_at"],
            "expires_in": record["expires_at"] - self._now(),
            "scope": record["scope"],
            "token_type": "Bearer",
        }

    def introspect(self, form: Mapping[str, str]) -> Document:
        """``POST /v1/oauth/introspect``. An unknown token is "not active".

        :raises ApiError: 400 without a token
        """
        token = form.get("access_token")
        if not token:
            _refuse("missing_parameters", "Missing parameters")
        record = self._find_token(token)
        return {"access_token": token, **self._token_body(record), "active": True} if record else {"active": False}

    def revoke(self, form: Mapping[str, str]) -> None:
        """``POST /v1/oauth/token/revoke``.

        :raises ApiError: 404 without a body for an unknown token
        """
        token = form.get("access_token") or ""
        if self._find_token(token) is None:
            raise ApiError(404, None)
        self._sandbox.store.delete(PARTNER, "", "oauth_tokens", _digest(token))


def parse_form(content_type: str, content: bytes) -> dict[str, str]:
    """Return the form of a request to the token endpoints.

    :raises ApiError: 415 for any other content type, including JSON
    """
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise framework_error(415)
    form: dict[str, list[Any]] = parse_qs(content.decode(errors="replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in form.items()}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _refuse(key: str, message: str) -> NoReturn:
    raise ApiError(400, {"code": 400, "key": key, "message": message})
