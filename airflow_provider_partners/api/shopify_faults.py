"""What Shopify's two APIs mean by a status, a code or a sentence, and what to do about it.

Both are served by graphql-ruby and share most wordings; they differ in their codes (the Partner API uses HTTP
numbers as text) and in what a permission is called. Tables alone: nothing is sent, waited for or raised here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_partners.api.faults import Action, FaultTable
from airflow_provider_partners.api.graphql import ErrorTable, GraphQLError
from airflow_provider_partners.api.shopify_cost import QueryTooCostlyError, throttle_wait

if TYPE_CHECKING:
    from collections.abc import Mapping


_THROTTLED = re.compile(r"^(too many requests|throttled)\b", re.IGNORECASE)
_INTERNAL = re.compile(r"^internal error\b", re.IGNORECASE)
_DENIED = re.compile(r"access denied|not (authorized|approved)|unauthori[sz]ed|permission", re.IGNORECASE)
_PROTECTED = re.compile(r"protected.customer.data|not approved to (access|use)", re.IGNORECASE)

_REDIRECTED = (
    "The domain is an alias, or the host redirects: use the shop's own myshopify.com domain (or the host's "
    "final URL), since a redirected POST may lose its body."
)
_REDIRECTS: Mapping[int, str] = dict.fromkeys((301, 302, 303, 307, 308), _REDIRECTED)

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

_PARTNER_REMEDIES: Mapping[Action, str] = {
    Action.REAUTHENTICATE: PARTNER_CREDENTIALS_REMEDY,
    Action.REFUSE_CREDENTIALS: PARTNER_PERMISSION_REMEDY,
}


def _partner_remedy(error: GraphQLError, action: Action) -> str | None:
    if error.code == "404":
        return PARTNER_VERSION_REMEDY
    return _PARTNER_REMEDIES.get(action)


PARTNER_ERRORS = ErrorTable(
    # Codes are HTTP numbers as text, often on HTTP 200 (shopify.dev, Partner API, status and error codes).
    codes={
        "400": Action.MISCONFIGURED,
        "401": Action.REAUTHENTICATE,
        "403": Action.REFUSE_CREDENTIALS,
        "404": Action.MISCONFIGURED,
        "429": Action.THROTTLE,
        "500": Action.RETRY,
        "502": Action.RETRY,
        "503": Action.RETRY,
        "504": Action.RETRY,
        "ACCESS_DENIED": Action.REFUSE_CREDENTIALS,
        "THROTTLED": Action.THROTTLE,
        "INTERNAL_SERVER_ERROR": Action.RETRY,
    },
    # How a missing permission is answered is not documented, so its sentences are taken broadly.
    messages=(
        (_THROTTLED, Action.THROTTLE),
        (_INTERNAL, Action.RETRY),
        (re.compile(r"^invalid access token", re.IGNORECASE), Action.REAUTHENTICATE),
        (_DENIED, Action.REFUSE_CREDENTIALS),
    ),
    remedy=_partner_remedy,
)

PARTNER_FAULTS = FaultTable().extended(
    {400: Action.MISCONFIGURED, 404: Action.MISCONFIGURED},
    inspect=PARTNER_ERRORS.inspect,
    remedies={
        **_REDIRECTS,
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


def _admin_remedy(error: GraphQLError, action: Action) -> str | None:
    if _PROTECTED.search(error.message):
        return PROTECTED_REMEDY
    if action is Action.REFUSE_CREDENTIALS:
        required = str(error.extensions.get("requiredAccess") or "").strip().rstrip(".")
        scope = f"the {required}".replace("`", "'") if required else "the scope that this field needs"
        return f"Give the app {scope}, have the merchant accept it, and use a token issued afterwards."
    return None


ADMIN_MESSAGES = (
    (_THROTTLED, Action.THROTTLE),
    (_INTERNAL, Action.RETRY),
    (re.compile(r"invalid api key or access token", re.IGNORECASE), Action.REAUTHENTICATE),
    (_PROTECTED, Action.REFUSE_CREDENTIALS),
    (re.compile(r"^access denied", re.IGNORECASE), Action.REFUSE_CREDENTIALS),
)

ADMIN_REMEDIES: Mapping[int, str] = {
    **_REDIRECTS,
    401: "Check the shop's access token (or client id and secret): it is wrong, was revoked, or has expired.",
    402: "The shop is frozen for unpaid bills, which its merchant must settle; route it no longer until then.",
    403: "The token lacks the scope, or the app may not act for this shop.",
    404: "There is no shop at this address (closed, or misspelt), or 'api_version' doesn't exist.",
    423: "Shopify has locked the shop: its merchant must contact Shopify; take it off the routes until then.",
}
"""The next step, by status."""


ADMIN_ERRORS = ErrorTable(
    codes={
        "THROTTLED": Action.THROTTLE,
        "INTERNAL_SERVER_ERROR": Action.RETRY,
        "ACCESS_DENIED": Action.REFUSE_CREDENTIALS,
        "MAX_COST_EXCEEDED": Action.MISCONFIGURED,
    },
    messages=ADMIN_MESSAGES,
    remedy=_admin_remedy,
    wait=throttle_wait,
    raises={"MAX_COST_EXCEEDED": QueryTooCostlyError},
)

ADMIN_FAULTS = FaultTable().extended(
    dict.fromkeys((400, 402, 404, 423), Action.MISCONFIGURED),
    inspect=ADMIN_ERRORS.inspect,
    remedies=ADMIN_REMEDIES,
)
"""From an Admin API answer to what to do."""
