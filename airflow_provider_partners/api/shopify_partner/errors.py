"""The errors of the Partner API: the action and the next step for each status, code and message.

Source: https://shopify.dev/docs/api/partner#status-and-error-codes.
"""

from __future__ import annotations

import re

from airflow_provider_partners.api.http.errors import ErrorHandler, ResponseAction
from airflow_provider_partners.api.shopify.errors import (
    CODE_ACTIONS,
    MESSAGE_ACTIONS,
    STATUS_REMEDIES,
    ran_out_of_time,
)
from airflow_provider_partners.api.shopify.graphql_errors import GraphQLError, GraphQLErrorHandler
from airflow_provider_partners.api.shopify_partner.permissions import permission_remedy

# Shopify does not document the message for a missing permission, so the pattern is broad.
_DENIED_PATTERN = re.compile(r"access denied|not (authorized|approved)|unauthori[sz]ed|permission", re.IGNORECASE)

PARTNER_VERSION_REMEDY = "Check 'api_version' and 'organization_id' of the connection: one of them doesn't exist."
PARTNER_CREDENTIALS_REMEDY = (
    "Check the access token (and 'secondary_access_token'), and that it belongs to this organization. Shopify "
    "answers the same if the token belongs to another organization, or to a disabled one."
)


def _partner_remedy(error: GraphQLError, action: ResponseAction) -> str | None:
    if error.code == "404":
        return PARTNER_VERSION_REMEDY
    if action is ResponseAction.REFUSE_CREDENTIALS:
        return permission_remedy(error.path)
    return PARTNER_CREDENTIALS_REMEDY if action is ResponseAction.REAUTHENTICATE else None


_STATUSES = ErrorHandler().with_overrides({400: ResponseAction.MISCONFIGURED, 404: ResponseAction.MISCONFIGURED})

PARTNER_GRAPHQL_ERRORS = GraphQLErrorHandler(
    # Codes are HTTP numbers as text, often on HTTP 200.
    codes={
        **CODE_ACTIONS,
        **{
            str(status): _STATUSES.action(status)
            for status in (400, 401, 403, 404, 408, 425, 429, 430, 500, 502, 503, 504)
        },
    },
    messages=(
        *MESSAGE_ACTIONS,
        (re.compile(r"^invalid access token", re.IGNORECASE), ResponseAction.REAUTHENTICATE),
        (_DENIED_PATTERN, ResponseAction.REFUSE_CREDENTIALS),
        # Of an id that a user gave; recorded without a code.
        (re.compile(r"\bnot found$", re.IGNORECASE), ResponseAction.MISCONFIGURED),
    ),
    remedy=_partner_remedy,
    timed_out=ran_out_of_time,
)

PARTNER_ERROR_HANDLER = _STATUSES.with_overrides(
    inspect=PARTNER_GRAPHQL_ERRORS.inspect,
    remedies={
        **STATUS_REMEDIES,
        401: PARTNER_CREDENTIALS_REMEDY,
        403: permission_remedy(),
        404: PARTNER_VERSION_REMEDY,
    },
)
