"""Error codes, messages and remedies that Shopify's Admin API and Partner API share.

graphql-ruby serves both APIs, so most messages have the same wording. Sources:
https://shopify.dev/docs/api/usage/response-codes and
https://shopify.dev/docs/api/admin-graphql/latest#status-and-error-codes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_partners.api.http.errors import ResponseAction
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.api.shopify.graphql_errors import GraphQLError

_INTERNAL_ERROR = re.compile(r"^internal error\b", re.IGNORECASE)
# "Timeout" alone comes with HTTP 200 and without a code; graphql-ruby writes "Timeout on Order.lineItems"
# (https://github.com/rmosolgo/graphql-ruby/blob/master/lib/graphql/schema/timeout.rb).
_TIMEOUT = re.compile(r"^time(d )?[ -]?out\b", re.IGNORECASE)

MESSAGE_ACTIONS: Sequence[tuple[re.Pattern[str], ResponseAction]] = (
    (re.compile(r"^(too many requests|throttled)\b", re.IGNORECASE), ResponseAction.THROTTLE),
    (_INTERNAL_ERROR, ResponseAction.RETRY),
    (_TIMEOUT, ResponseAction.RETRY),
    (re.compile(r"\bdoesn't (exist on type|accept argument)\b"), ResponseAction.MISCONFIGURED),
)
"""The action by message, for errors that may lack a code."""

CODE_ACTIONS: Mapping[str, ResponseAction] = {
    "THROTTLED": ResponseAction.THROTTLE,
    "INTERNAL_SERVER_ERROR": ResponseAction.RETRY,
    "TIMEOUT": ResponseAction.RETRY,
    "ACCESS_DENIED": ResponseAction.REFUSE_CREDENTIALS,
    "SHOP_INACTIVE": ResponseAction.MISCONFIGURED,
    "MAX_COST_EXCEEDED": ResponseAction.MISCONFIGURED,
    "MAX_INPUT_SIZE_EXCEEDED": ResponseAction.MISCONFIGURED,
    "BAD_REQUEST": ResponseAction.MISCONFIGURED,
    "INVALID_VARIABLE": ResponseAction.MISCONFIGURED,
    "RESOURCE_NOT_FOUND": ResponseAction.MISCONFIGURED,
}
"""The action by ``extensions.code``. An unknown code is an unexpected answer, never the user's fault."""

_TIMED_OUT_CODES = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "500", "504"})

_REDIRECT_REMEDY = (
    "The domain is an alias, or the host redirects. Use the shop's own myshopify.com domain (or the host's "
    "final URL), because a redirected POST may lose its body."
)
_PROTECTION_REMEDY = (
    "Shopify's protection against attacks refuses requests from this address for a while, mostly from addresses that "
    "several customers of a cloud share. If it lasts, send the requests from an address of your own."
)

STATUS_REMEDIES: Mapping[int, str] = {
    **dict.fromkeys((301, 302, 303, 307, 308), _REDIRECT_REMEDY),
    430: _PROTECTION_REMEDY,
}
"""The next step, by status."""


def ran_out_of_time(error: GraphQLError) -> bool:
    """Return True for the errors of a page that is too large for a slow shop. A smaller one may pass."""
    messages = (_TIMEOUT, _INTERNAL_ERROR)
    return error.code in _TIMED_OUT_CODES or any(pattern.search(error.message) for pattern in messages)


def missing_connection_error(path: str, label: str, *, remedy: str) -> ConfigurationError:
    """Return the error for an object that an answer doesn't have.

    :param path: of the object
    :param remedy: the permission that may be missing
    """
    message = f"'{path}' is null in the answer of '{label}'"
    return ConfigurationError(message, remedy=f"The id does not exist, or the token may not see it. {remedy}".strip())
