"""The sandbox's Yofi Partner Data API.

``server`` answers requests; ``auth``, ``query`` and ``rsql`` read them; ``documents`` and ``errors`` write the bodies;
``seed`` makes the records.

Source: https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/partner-data-api
"""

from __future__ import annotations

__all__: list[str] = []
