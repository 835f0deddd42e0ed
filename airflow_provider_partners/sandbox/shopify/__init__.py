"""What the sandbox's Admin and Partner APIs share: GraphQL execution, cursors, rate limits.

"Recorded" in a comment of these packages refers to public captures of real responses. Those of the Admin API are the
conformance fixtures of https://github.com/airhorns/shopify-draft-proxy; those of the Partner API are the tests of
https://github.com/NangoHQ/integration-templates (integrations/shopify-partner). Everything else follows
https://shopify.dev/docs/api.
"""

from __future__ import annotations

__all__: list[str] = []
