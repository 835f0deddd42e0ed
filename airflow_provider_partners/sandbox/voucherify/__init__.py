"""The sandbox's Voucherify API.

``server`` answers requests; ``auth`` and ``rate_limits`` guard it; ``routes`` runs the operations: ``lists``,
``exports`` and ``single_objects``; ``seed`` makes the records.

Sources: https://docs.voucherify.io/api-reference and https://github.com/voucherifyio/voucherify-openapi
"""

from __future__ import annotations

__all__: list[str] = []
