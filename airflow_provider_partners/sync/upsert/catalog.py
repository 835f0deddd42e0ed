"""The products of a store during one run: which exist, and creating those that are missing.

Yotpo refuses an order with an unknown product (see ``UnknownProductsError``). A product that an order at Yotpo names
exists, and so does one that the products' step of the same process has found or created. Any other is looked up once
per run. To change existing products is the task of ``upsert_products``.

A product is only created with a name. Yotpo would take the external id alone, show a product without a name in its
e-mails, and have no call that deletes it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.concurrency import map_in_order
from airflow_provider_partners.exceptions import ConflictError, RejectedError

if TYPE_CHECKING:
    from airflow_provider_partners.api.yotpo.client import YotpoClient

INDEXING_DELAY = 1.0
"""Seconds to wait for a product that exists and that Yotpo still calls unknown."""


def require_name(payload: Mapping[str, Any]) -> None:
    """Check that a product can be created.

    :raises RejectedError: when the payload has no name, or a blank one
    """
    if not str(payload.get("name") or "").strip():
        message = (
            f"the store doesn't have the product {payload.get('external_id')}, and the record brings no name for it"
        )
        raise RejectedError(message, partner="Yotpo")


class ProductCatalog:
    """The known products of a store. Threads may share it.

    :param sleep: waits a number of seconds
    :param workers: products to create in parallel
    :param dry_run: create nothing
    """

    def __init__(
        self, client: YotpoClient, *, sleep: Callable[[float], None], workers: int = 1, dry_run: bool = False
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._workers = workers
        self._dry_run = dry_run
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._errors: dict[str, RejectedError] = {}

    def mark_known(self, external_ids: Iterable[str]) -> None:
        """Remember that these products exist."""
        with self._lock:
            self._known.update(external_ids)

    def missing(self, external_ids: Iterable[str]) -> list[str]:
        """Return the products that the store doesn't have. Products that are not known yet are looked up."""
        unknown = [product for product in dict.fromkeys(external_ids) if not self._is_known(product)]
        existing = self._client.products(unknown).keys()
        self.mark_known(existing)
        return [product for product in unknown if product not in existing]

    def _is_known(self, product: str) -> bool:
        # If it is gone meanwhile, Yotpo refuses the order, and `create_missing` creates the product again.
        return product in self._known or product in self._client.known_products

    def create(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        """Create products; :meth:`error_for` returns why one could not be created.

        :param payloads: by external id
        """
        list(map_in_order(self._create, list(payloads.items()), workers=self._workers))

    def create_missing(self, external_ids: Iterable[str], payloads: Mapping[str, Mapping[str, Any]]) -> None:
        """Create the products that Yotpo called unknown when it refused an order.

        :param external_ids: the products that the error names; others may exist
        :param payloads: payloads of the order's products, by external id
        :raises RejectedError: when one of them can't be created
        """
        products = list(external_ids)
        # One without a name may exist and not be indexed yet, so the store decides.
        nameless = [product for product in products if not payloads.get(product, {}).get("name")]
        existing = self._client.products(nameless).keys()
        created = [
            self._create((product, payloads.get(product, {}))) for product in products if product not in existing
        ]
        if error := self.error_for(products):
            raise error
        if not any(created):
            self._sleep(INDEXING_DELAY)

    def error_for(self, external_ids: Iterable[str]) -> RejectedError | None:
        """Return why the first of these products that could not be created was refused."""
        for product in external_ids:
            if error := self._errors.get(product):
                message = f"its product {product} was refused: {error.message}" if error.status else error.message
                return RejectedError(message, partner=error.partner, status=error.status, request_id=error.request_id)
        return None

    def _create(self, product: tuple[str, Mapping[str, Any]]) -> bool:
        """Create a product. Return False if it existed, or was refused."""
        external_id, fields = product
        payload = {**fields, "external_id": external_id}
        try:
            require_name(payload)
            if self._dry_run:
                self._mark_created(external_id)  # A write would have created it for the orders that follow.
                return True
            try:
                self._client.create_product(payload)
            except ConflictError:
                raise
            except RejectedError:
                # Yotpo's Magento module sends less, too (YotpoLtd/magento2-module-core). A product without a picture is
                # better than an order that can't be sent.
                self._client.create_product({"external_id": external_id, "name": payload["name"]})
        except ConflictError:
            self._mark_created(external_id)
            return False
        except RejectedError as error:
            with self._lock:
                self._errors[external_id] = error
            return False
        self._mark_created(external_id)
        return True

    def _mark_created(self, external_id: str) -> None:
        with self._lock:
            self._known.add(external_id)
            self._errors.pop(external_id, None)
