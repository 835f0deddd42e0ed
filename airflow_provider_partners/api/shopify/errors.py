"""What Shopify's two APIs mean by a status, a code or a sentence, and what to do about it.

Both are served by graphql-ruby and share most wordings; they differ in their codes (the Partner API uses HTTP
numbers as text) and in what a permission is called. Tables alone: nothing is sent, waited for or raised here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_partners.api.http.errors import ErrorHandler, ResponseAction
from airflow_provider_partners.api.shopify.graphql import GraphQLError, GraphQLErrorHandler
from airflow_provider_partners.api.shopify_admin.query_cost import QueryTooCostlyError, throttle_wait

if TYPE_CHECKING:
    from collections.abc import Mapping


THROTTLED_PATTERN = re.compile(r"^(too many requests|throttled)\b", re.IGNORECASE)
INTERNAL_ERROR_PATTERN = re.compile(r"^internal error\b", re.IGNORECASE)
_DENIED_PATTERN = re.compile(r"access denied|not (authorized|approved)|unauthori[sz]ed|permission", re.IGNORECASE)
_PROTECTED_DATA_PATTERN = re.compile(r"protected.customer.data|not approved to (access|use)", re.IGNORECASE)

_REDIRECT_REMEDY = (
    "The domain is an alias, or the host redirects: use the shop's own myshopify.com domain (or the host's "
    "final URL), since a redirected POST may lose its body."
)
REDIRECT_REMEDIES: Mapping[int, str] = dict.fromkeys((301, 302, 303, 307, 308), _REDIRECT_REMEDY)

# --- Partner API ---

PARTNER_VERSION_REMEDY = "Check 'api_version' and 'organization_id' of the connection: one of them doesn't exist."
PARTNER_CREDENTIALS_REMEDY = (
    "Check the access token (and 'secondary_access_token'), and that it belongs to this organization: one of "
    "another organization, or of a disabled one, is refused in the same words."
)
PARTNER_PERMISSION_REMEDY = (
    "Give the API client the permission in the Partner Dashboard (Settings, Partner API clients): "
    "'View financials' for transactions, 'Manage apps' for apps, their events, and the app of a transaction."
)

_PARTNER_REMEDIES: Mapping[ResponseAction, str] = {
    ResponseAction.REAUTHENTICATE: PARTNER_CREDENTIALS_REMEDY,
    ResponseAction.REFUSE_CREDENTIALS: PARTNER_PERMISSION_REMEDY,
}


def _partner_remedy(error: GraphQLError, action: ResponseAction) -> str | None:
    if error.code == "404":
        return PARTNER_VERSION_REMEDY
    return _PARTNER_REMEDIES.get(action)


PARTNER_GRAPHQL_ERRORS = GraphQLErrorHandler(
    # Codes are HTTP numbers as text, often on HTTP 200 (shopify.dev, Partner API, status and error codes).
    codes={
        "400": ResponseAction.MISCONFIGURED,
        "401": ResponseAction.REAUTHENTICATE,
        "403": ResponseAction.REFUSE_CREDENTIALS,
        "404": ResponseAction.MISCONFIGURED,
        "429": ResponseAction.THROTTLE,
        "500": ResponseAction.RETRY,
        "502": ResponseAction.RETRY,
        "503": ResponseAction.RETRY,
        "504": ResponseAction.RETRY,
        "ACCESS_DENIED": ResponseAction.REFUSE_CREDENTIALS,
        "THROTTLED": ResponseAction.THROTTLE,
        "INTERNAL_SERVER_ERROR": ResponseAction.RETRY,
    },
    # How a missing permission is answered is not documented, so its sentences are taken broadly.
    messages=(
        (THROTTLED_PATTERN, ResponseAction.THROTTLE),
        (INTERNAL_ERROR_PATTERN, ResponseAction.RETRY),
        (re.compile(r"^invalid access token", re.IGNORECASE), ResponseAction.REAUTHENTICATE),
        (_DENIED_PATTERN, ResponseAction.REFUSE_CREDENTIALS),
    ),
    remedy=_partner_remedy,
)

PARTNER_ERROR_HANDLER = ErrorHandler().with_overrides(
    {400: ResponseAction.MISCONFIGURED, 404: ResponseAction.MISCONFIGURED},
    inspect=PARTNER_GRAPHQL_ERRORS.inspect,
    remedies={
        **REDIRECT_REMEDIES,
        401: PARTNER_CREDENTIALS_REMEDY,
        403: PARTNER_PERMISSION_REMEDY,
        404: PARTNER_VERSION_REMEDY,
    },
)
"""From a Partner API answer to what to do."""

# --- Admin API ---

PROTECTED_REMEDY = (
    "The app needs Shopify's approval for protected customer data (Partner Dashboard, API access). Until "
    "then extract with personal_data=False, which leaves names, e-mails, phones, addresses and the customer "
    "out; orders as such need at least level 1."
)


def _admin_remedy(error: GraphQLError, action: ResponseAction) -> str | None:
    if _PROTECTED_DATA_PATTERN.search(error.message):
        return PROTECTED_REMEDY
    if action is ResponseAction.REFUSE_CREDENTIALS:
        required = str(error.extensions.get("requiredAccess") or "").strip().rstrip(".")
        scope = f"the {required}".replace("`", "'") if required else "the scope that this field needs"
        return f"Give the app {scope}, have the merchant accept it, and use a token issued afterwards."
    return None


ADMIN_MESSAGE_PATTERNS = (
    (THROTTLED_PATTERN, ResponseAction.THROTTLE),
    (INTERNAL_ERROR_PATTERN, ResponseAction.RETRY),
    (re.compile(r"invalid api key or access token", re.IGNORECASE), ResponseAction.REAUTHENTICATE),
    (_PROTECTED_DATA_PATTERN, ResponseAction.REFUSE_CREDENTIALS),
    (re.compile(r"^access denied", re.IGNORECASE), ResponseAction.REFUSE_CREDENTIALS),
)

ADMIN_REMEDIES: Mapping[int, str] = {
    **REDIRECT_REMEDIES,
    401: "Check the shop's access token (or client id and secret): it is wrong, was revoked, or has expired.",
    402: "The shop is frozen for unpaid bills, which its merchant must settle; route it no longer until then.",
    403: "The token lacks the scope, or the app may not act for this shop.",
    404: "There is no shop at this address (closed, or misspelt), or 'api_version' doesn't exist.",
    423: "Shopify has locked the shop: its merchant must contact Shopify; take it off the routes until then.",
}
"""The next step, by status."""


ADMIN_GRAPHQL_ERRORS = GraphQLErrorHandler(
    codes={
        "THROTTLED": ResponseAction.THROTTLE,
        "INTERNAL_SERVER_ERROR": ResponseAction.RETRY,
        "ACCESS_DENIED": ResponseAction.REFUSE_CREDENTIALS,
        "MAX_COST_EXCEEDED": ResponseAction.MISCONFIGURED,
    },
    messages=ADMIN_MESSAGE_PATTERNS,
    remedy=_admin_remedy,
    retry_after=throttle_wait,
    error_types={"MAX_COST_EXCEEDED": QueryTooCostlyError},
)

ADMIN_ERROR_HANDLER = ErrorHandler().with_overrides(
    dict.fromkeys((400, 402, 404, 423), ResponseAction.MISCONFIGURED),
    inspect=ADMIN_GRAPHQL_ERRORS.inspect,
    remedies=ADMIN_REMEDIES,
)
"""From an Admin API answer to what to do."""
