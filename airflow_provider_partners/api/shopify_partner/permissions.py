"""The permissions of a Partner API client, by root field of the schema.

Source: https://shopify.dev/docs/api/partner ("Authentication", and the roots of the versions up to 2025-04).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PERMISSIONS", "permission_remedy"]

VIEW_FINANCIALS, MANAGE_APPS, MANAGE_JOBS = "View financials", "Manage apps", "Manage jobs"

PERMISSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    # The app of a transaction needs a permission of its own.
    **dict.fromkeys(("transactions", "transaction"), (VIEW_FINANCIALS, MANAGE_APPS)),
    **dict.fromkeys(("appCreditCreate", "appSubscriptionCancel"), (VIEW_FINANCIALS,)),
    **dict.fromkeys(("app", "events", "activeSubscription", "eventsinks"), (MANAGE_APPS,)),
    **dict.fromkeys(("jobs", "job", "conversations", "conversation"), (MANAGE_JOBS,)),
})
"""The permissions that each root field needs."""


def permission_remedy(path: str = "") -> str:
    """Return what to do when a permission may be missing.

    :param path: dotted path of the field in the answer; empty if it is unknown
    """
    root = path.partition(".")[0]
    where = "in the Partner Dashboard (Settings, Partner API clients)"
    if root in PERMISSIONS:
        names = " and ".join(f"'{name}'" for name in PERMISSIONS[root])
        return f"'{root}' needs the permission {names}: give it to the API client {where}."
    return (
        f"Give the API client the permission {where}: '{VIEW_FINANCIALS}' for transactions, '{MANAGE_APPS}' for apps, "
        f"their events, and the app of a transaction, '{MANAGE_JOBS}' for jobs and conversations."
    )
