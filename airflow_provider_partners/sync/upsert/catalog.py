"""The products that orders name: which ones the store is known to have, and creating those it hasn't.

Yotpo refuses an order with an unknown product. What an order read from Yotpo names, exists; the rest is looked up once
a run. Doesn't change products that are there: that is ``upsert_products``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_provider_partners.api.concurrency import map_in_order
from airflow_provider_partners.exceptions import ConflictError, RejectedError
from airflow_provider_partners.sync.upsert.lookup import LOOKUP_BATCH_SIZE
from airflow_provider_partners.sync.upsert.store import YotpoStore

INDEXING_DELAY = 1.0
"""Seconds given to a product that exists and yet was called unknown."""


class ProductCatalog:
    """What is known of a store's products during one run; safe to share between threads.

    :param sleep: waits for a product that was only just created
    """

    def __init__(self, client: YotpoStore, *, sleep: Callable[[float], None], workers: int = 1) -> None:
        self._client = client
        self._sleep = sleep
        self._workers = workers
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._failed: dict[str, RejectedError] = {}

    def mark_known(self, external_ids: Iterable[str]) -> None:
        """These exist."""
        with self._lock:
            self._known.update(external_ids)

    def missing(self, external_ids: Iterable[str]) -> list[str]:
        """Those the store doesn't have, after asking for what isn't known yet."""
        doubtful = [key for key in dict.fromkeys(external_ids) if key not in self._known]
        absent: list[str] = []
        for start in range(0, len(doubtful), LOOKUP_BATCH_SIZE):
            asked = doubtful[start : start + LOOKUP_BATCH_SIZE]
            found = self._client.products(asked).keys()
            self.mark_known(found)
            absent += [key for key in asked if key not in found]
        return absent

    def create(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        """Create products; one that can't be is remembered with the reason (see :meth:`fault`).

        :param payloads: by external id
        """
        list(map_in_order(self._create, list(payloads.items()), workers=self._workers))

    def create_missing(self, external_ids: Iterable[str], payloads: Mapping[str, Mapping[str, Any]]) -> None:
        """Create what an order was refused for, though it was thought to exist.

        :param external_ids: the products that the refusal names; nothing else is known to be missing
        :param payloads: of the order's products, by external id
        :raises RejectedError: when one of them can't be created
        """
        missing = list(external_ids)
        created = [self._create((key, payloads.get(key, {"external_id": key}))) for key in missing]
        if reason := self.error_for(missing):
            raise reason
        if not any(created):
            self._sleep(INDEXING_DELAY)

    def error_for(self, external_ids: Iterable[str]) -> RejectedError | None:
        """Why the first of these that couldn't be created was refused."""
        for key in external_ids:
            if error := self._failed.get(key):
                message = f"its product {key} was refused: {error.message}"
                return RejectedError(message, partner=error.partner, status=error.status, request_id=error.request_id)
        return None

    def _create(self, product: tuple[str, Mapping[str, Any]]) -> bool:
        """Create one; False where it turned out to exist or to be refused.

        A body that is refused is tried again as nothing but its id, as Yotpo's own Magento module does: a product
        without a picture is better than an order that can't be sent.
        """
        key, payload = product
        try:
            try:
                self._client.create_product({**payload, "external_id": key})
            except ConflictError:
                self._mark_created(key)
                return False
            except RejectedError:
                self._client.create_product({"external_id": key})
        except ConflictError:
            self._mark_created(key)
            return False
        except RejectedError as error:
            with self._lock:
                self._failed[key] = error
            return False
        self._mark_created(key)
        return True

    def _mark_created(self, key: str) -> None:
        with self._lock:
            self._known.add(key)
            self._failed.pop(key, None)
