"""The errors of the Admin API: the action and the next step for each status, code and message.

Sources: https://shopify.dev/docs/api/usage/response-codes and
https://shopify.dev/docs/api/admin-graphql/latest#status-and-error-codes.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_partners.api.http.errors import ErrorHandler, ResponseAction, truncate
from airflow_provider_partners.api.shopify.errors import (
    CODE_ACTIONS,
    MESSAGE_ACTIONS,
    STATUS_REMEDIES,
    ran_out_of_time,
)
from airflow_provider_partners.api.shopify.graphql_errors import GraphQLError, GraphQLErrorHandler
from airflow_provider_partners.api.shopify.page_size import QueryTooCostlyError
from airflow_provider_partners.api.shopify_admin.query_cost import throttle_wait
from airflow_provider_partners.exceptions import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_partners.api.shopify_admin.resources.model import AdminResource

_PROTECTED_DATA_PATTERN = re.compile(r"protected.customer.data|not approved to (access|use)", re.IGNORECASE)

PROTECTED_REMEDY = (
    "The app needs Shopify's approval for protected customer data (Partner Dashboard, API access). Until "
    'then extract with personal_data=False (in a shop\'s route: "personal_data": false), which omits names, e-mails, '
    "phones, addresses and the customer. Orders and customers without them still need level 1."
)
_CUSTOMERS_REMEDY = ' Or extract with personal_data=False (in a shop\'s route: "personal_data": false).'

ADMIN_REMEDIES: Mapping[int, str] = {
    **STATUS_REMEDIES,
    401: "Check the shop's access token (or client id and secret): it is wrong, was revoked, or has expired.",
    402: "The shop is frozen for unpaid bills. Its merchant must pay them; take the shop off the routes until then.",
    403: "The token lacks the scope, or the app may not act for this shop.",
    404: "There is no shop at this address (closed or misspelt), or 'api_version' doesn't exist.",
    423: "Shopify has locked the shop. Its merchant must contact Shopify; take the shop off the routes until then.",
}
"""The next step, by status."""


def _admin_remedy(error: GraphQLError, action: ResponseAction) -> str | None:
    if _PROTECTED_DATA_PATTERN.search(error.message):
        return PROTECTED_REMEDY
    if error.code == "SHOP_INACTIVE":
        return ADMIN_REMEDIES[423]
    if action is ResponseAction.REFUSE_CREDENTIALS:
        required = truncate(str(error.extensions.get("requiredAccess") or "")).rstrip(".")
        scope = f"the {required}".replace("`", "'") if required else "the scope that this field needs"
        remedy = f"Give the app {scope}, have the merchant accept it, and use a token issued afterwards."
        return remedy + _CUSTOMERS_REMEDY if "read_customers" in required else remedy
    return None


ADMIN_GRAPHQL_ERRORS = GraphQLErrorHandler(
    codes=CODE_ACTIONS,
    messages=(
        *MESSAGE_ACTIONS,
        (re.compile(r"invalid api key or access token", re.IGNORECASE), ResponseAction.REAUTHENTICATE),
        (_PROTECTED_DATA_PATTERN, ResponseAction.REFUSE_CREDENTIALS),
        (re.compile(r"^access denied", re.IGNORECASE), ResponseAction.REFUSE_CREDENTIALS),
    ),
    remedy=_admin_remedy,
    retry_after=throttle_wait,
    error_types={"MAX_COST_EXCEEDED": QueryTooCostlyError},
    timed_out=ran_out_of_time,
)

ADMIN_ERROR_HANDLER = ErrorHandler().with_overrides(
    dict.fromkeys((400, 402, 404, 423), ResponseAction.MISCONFIGURED),
    inspect=ADMIN_GRAPHQL_ERRORS.inspect,
    remedies=ADMIN_REMEDIES,
)


@contextmanager
def name_scopes(resource: AdminResource) -> Iterator[None]:
    """Let an error about a missing permission name the scopes of the list.

    Shopify names only the scope of the field that it refused first.
    """
    try:
        yield
    except AuthenticationError as error:
        # GraphQL's own errors come with HTTP 200; another status concerns the token, not the list.
        if error.status == 200 and resource.scopes:
            scopes = ", ".join([*resource.scopes, *resource.personal_scopes])
            remedy = error.remedy or ""
            if "read_customers" in resource.scopes:
                # Such a list needs the scope without its personal data as well.
                remedy = remedy.replace(_CUSTOMERS_REMEDY, "")
            error.remedy = f"{remedy} '{resource.name}' needs: {scopes}.".strip()
        raise
