"""Write products to a Yotpo store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners import sync
from airflow_provider_partners.arguments import Check, check_dataset
from airflow_provider_partners.operators.base import DatasetInput
from airflow_provider_partners.operators.yotpo.upsert import UpsertOperator
from airflow_provider_partners.sync import upsert

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from airflow_provider_partners.api.yotpo.client import YotpoClient
    from airflow_provider_partners.datasets.version_log import VersionLog
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.sync import Outcome

__all__ = ["YotpoUpsertProductsOperator"]


class YotpoUpsertProductsOperator(UpsertOperator):
    """Creates or updates the products of built orders in a Yotpo store.

    Orders create the products they need by themselves. This task keeps names, links and pictures current, and it saves
    calls when it runs before the orders.

    .. seealso:: :ref:`howto/operator:YotpoUpsertProductsOperator`

    :param products: output of :class:`YotpoBuildOrdersOperator` (templated)
    """

    template_fields: Sequence[str] = ("products", *UpsertOperator.template_fields)
    argument_checks: ClassVar[Mapping[str, Check]] = {**UpsertOperator.argument_checks, "products": check_dataset}
    record_kind: ClassVar[str] = "products"

    def __init__(self, *, products: DatasetInput, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.products = products

    def upsert(
        self,
        client: YotpoClient,
        records: Iterator[Record],
        *,
        skip: Container[str],
        plan_only: bool,
        workers: int,
        versions: VersionLog,
    ) -> Iterator[Outcome]:
        """Write each product once, however many orders contain it."""
        return upsert.upsert_products(
            client, unique_products(records), skip=skip, dry_run=plan_only, workers=workers, versions=versions
        )


def unique_products(records: Iterable[Record]) -> Iterator[Record]:
    """Yield the products of built orders, each at its first place. A malformed record stays, and the upsert rejects it.

    :param records: built orders, or rejected products
    """
    seen: set[str] = set()
    for record in records:
        if upsert.malformed_part(record):
            yield record
            continue
        for product in record.get("products") or ():
            external_id = str(product.get("external_id") or "")
            if not external_id or external_id not in seen:
                seen.add(external_id)
                yield {**product, "version": sync.product_version(record.get("version") or {})}
