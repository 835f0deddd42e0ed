"""What Yofi's error responses mean, and what to do about them.

Yofi's page lists the statuses 400, 401, 403 and 500, without the shape of their bodies
(https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/partner-data-api).
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
