"""What Yofi's error responses mean, and what to do about them.

Yofi documents no errors, so the statuses have their usual meanings; see docs/connections.md for the settings.
"""

from __future__ import annotations

from airflow_provider_partners.api.http.errors import DEFAULT_ERROR_HANDLER

YOFI_ERRORS = DEFAULT_ERROR_HANDLER.with_overrides(
    remedies={
        401: "Check secret, issuer, subject and auth_profile of the connection, and this machine's clock.",
        403: "Check that Yofi gave you access to this shop and platform. A proxy may also have dropped the headers "
        "app_id and partner_id, because of their underscores.",
        404: "Your integration may have another path for this list. Set it in the connection's extra 'paths', such as "
        '{"returns": "/ecommerce/returns/"}.',
    }
)
"""Error handling of every request."""
