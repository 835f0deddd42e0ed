"""Error patterns and remedies that Shopify's Admin API and Partner API share.

graphql-ruby serves both APIs, so most messages have the same wording.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

THROTTLED_PATTERN = re.compile(r"^(too many requests|throttled)\b", re.IGNORECASE)
INTERNAL_ERROR_PATTERN = re.compile(r"^internal error\b", re.IGNORECASE)

_REDIRECT_REMEDY = (
    "The domain is an alias, or the host redirects. Use the shop's own myshopify.com domain (or the host's "
    "final URL), because a redirected POST may lose its body."
)

REDIRECT_REMEDIES: Mapping[int, str] = dict.fromkeys((301, 302, 303, 307, 308), _REDIRECT_REMEDY)
"""The next step, by status."""
