"""Write orders, products, fulfillments and customers to a Yotpo store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import Check, check_dataset, check_flag
from airflow_provider_partners.operators.base import DatasetInput
from airflow_provider_partners.operators.yotpo.base import UpsertOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "YotpoUpsertCustomersOperator",
    "YotpoUpsertFulfillmentsOperator",
    "YotpoUpsertOrdersOperator",
    "YotpoUpsertProductsOperator",
]


class YotpoUpsertOrdersOperator(UpsertOperator):
    """Creates or updates orders, with their fulfillments, in a Yotpo store.

    An order that is in the store needs no more than its id and what changes. A new one needs all that Yotpo requires.

    .. seealso:: :ref:`howto/operator:YotpoUpsertOrdersOperator`

    :param orders: output of :class:`YotpoBuildOrdersOperator`; or orders as Yotpo documents them, from any dataset,
        from the outputs of a mapped task, or as a list of records (templated)
    :param with_fulfillments: whether orders include their fulfillments. Yotpo merges those by their ids. If a store
        turns out to behave differently, send orders without them and use :class:`YotpoUpsertFulfillmentsOperator`
        (templated)
    :param personal_values: whether outcomes show personal values before and after. By default ``•••`` stands for each
        (templated)
    """

    template_fields: Sequence[str] = ("orders", "with_fulfillments", "personal_values", *UpsertOperator.template_fields)
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **UpsertOperator.argument_checks,
        "orders": check_dataset,
        **dict.fromkeys(("with_fulfillments", "personal_values"), check_flag),
    }
    record_kind = "orders"
    input_resources: ClassVar[Sequence[str]] = (*UpsertOperator.input_resources, "orders")

    def __init__(
        self,
        *,
        orders: DatasetInput,
        with_fulfillments: bool | str = True,
        personal_values: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.orders = orders
        self.with_fulfillments = with_fulfillments
        self.personal_values = personal_values

    def upsert_options(self) -> dict[str, Any]:
        """Return whether orders include their fulfillments, and outcomes personal values."""
        return {"with_fulfillments": self.with_fulfillments, "personal_values": self.personal_values}


class YotpoUpsertProductsOperator(UpsertOperator):
    """Creates or updates products in a Yotpo store: those of built orders, or others.

    Orders create the products they need by themselves. This task keeps names, links and pictures current, and it saves
    calls when it runs before the orders.

    .. seealso:: :ref:`howto/operator:YotpoUpsertProductsOperator`

    :param products: output of :class:`YotpoBuildOrdersOperator`; or products as Yotpo documents them, from any dataset,
        from the outputs of a mapped task, or as a list of records (templated)
    """

    template_fields: Sequence[str] = ("products", *UpsertOperator.template_fields)
    argument_checks: ClassVar[Mapping[str, Check]] = {**UpsertOperator.argument_checks, "products": check_dataset}
    record_kind = "products"
    input_resources: ClassVar[Sequence[str]] = (*UpsertOperator.input_resources, "products", "products rejects")

    def __init__(self, *, products: DatasetInput, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.products = products


class YotpoUpsertFulfillmentsOperator(UpsertOperator):
    """Creates or updates the fulfillments of orders that already exist in a Yotpo store.

    Orders include their fulfillments; use this operator to sync them separately.

    .. seealso:: :ref:`howto/operator:YotpoUpsertFulfillmentsOperator`

    :param fulfillments: output of :class:`YotpoBuildOrdersOperator`; or fulfillments as Yotpo documents them, each with
        its order's id as ``order_external_id``, or orders with their ``fulfillments`` (templated)
    """

    template_fields: Sequence[str] = ("fulfillments", *UpsertOperator.template_fields)
    argument_checks: ClassVar[Mapping[str, Check]] = {**UpsertOperator.argument_checks, "fulfillments": check_dataset}
    record_kind = "fulfillments"
    input_resources: ClassVar[Sequence[str]] = (
        *UpsertOperator.input_resources,
        "orders",
        "fulfillments",
        "fulfillments rejects",
    )

    def __init__(self, *, fulfillments: DatasetInput, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fulfillments = fulfillments


class YotpoUpsertCustomersOperator(UpsertOperator):
    """Creates or updates customers in a Yotpo store, for its SMS and e-mail.

    Yotpo accepts a customer at once, and works on it within about a minute. Orders need no customers: each carries its
    own.

    .. seealso:: :ref:`howto/operator:YotpoUpsertCustomersOperator`

    :param customers: customers as Yotpo documents them, from any dataset, from the outputs of a mapped task, or as a
        list of records. Each has an ``external_id``, or else one of ``email`` and ``phone_number`` (templated)
    """

    template_fields: Sequence[str] = ("customers", *UpsertOperator.template_fields)
    argument_checks: ClassVar[Mapping[str, Check]] = {**UpsertOperator.argument_checks, "customers": check_dataset}
    record_kind = "customers"
    input_resources: ClassVar[Sequence[str]] = ("customers", "customers rejects")

    def __init__(self, *, customers: DatasetInput, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.customers = customers
