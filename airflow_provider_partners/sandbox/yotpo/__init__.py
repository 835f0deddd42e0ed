"""The sandbox's Yotpo Core API.

``server`` answers requests behind the ``gateway``; ``validation`` checks bodies with the rules of ``properties``;
``orders`` and ``products`` are the operations; ``records`` stores and lists.

Sources: https://core-api.yotpo.com/reference, recorded live calls (https://github.com/ldgnoack/yotpo-ruby,
``spec/cassettes``), and Yotpo's own connector (https://github.com/YotpoLtd/magento2-module-core).
"""

from __future__ import annotations

__all__: list[str] = []
