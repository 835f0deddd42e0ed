"""Checks of the datasets that an operator takes: which list each is, and whose records it holds.

A dataset names its source, its list and its account. What a user wrote under names of their own is taken as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.datasets.source import RecordSource, parse_source
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.reference import DatasetRef
    from airflow_provider_partners.records import Record

BUILT_ORDERS = "built orders"
UNBUILT_ORDERS = "unbuilt orders"
FINDINGS = "findings"

_PARTNERS = frozenset({"shopify_admin", "shopify_partner", "voucherify", "yofi", "yotpo"})
_SHOP_SOURCES = frozenset({"shopify_admin", "yofi"})
"""The partners whose account is a shop."""

BUILD_REMEDY = "Pass the output of a YotpoBuildOrdersOperator."


def require_list(name: str, value: Any, source: str, *resources: str, remedy: str) -> RecordSource:
    """Return the records that an argument names. Refuse datasets of another list that the provider knows.

    :param name: the argument
    :param value: see :func:`~airflow_provider_partners.datasets.source.parse_source`
    :param source: the partner of the lists that the argument takes
    :param resources: the names of these lists
    :param remedy: what to pass instead
    :raises ConfigurationError: when it is a dataset of another list, or none at all
    """
    records = parse_source(name, value)
    for reference in records.references:
        if not (reference.source == source and reference.resource in resources) and _is_known(reference):
            message = f"'{name}' is a dataset of {reference.resource} ({reference.source})"
            raise ConfigurationError(message, remedy=remedy)
    return records


def require_shop(name: str, records: RecordSource, shop: str) -> None:
    """Refuse a dataset of another shop.

    :raises ConfigurationError: when a dataset names a shop, and it isn't this one
    """
    from airflow_provider_partners.api.shopify.shops import shop_domain

    for reference in records.references:
        account = reference.account or ""
        # Yofi may name a shop by an app id.
        if reference.source not in _SHOP_SOURCES or not account.endswith(".myshopify.com"):
            continue
        if shop_domain(account) != shop_domain(shop):
            message = f"'{name}' is a dataset of {account}, and 'shop' is {shop}"
            raise ConfigurationError(message, remedy="Pass datasets of the same shop, and that shop.")


def require_store(name: str, records: RecordSource, store: str | None, conn_id: str) -> None:
    """Refuse rejects of another Yotpo store. Built orders name their shop, and any store may take them.

    :param store: the id of the store that the task writes to
    :raises ConfigurationError: when the rejects name a store, and it isn't this one
    """
    for reference in records.references:
        is_of_store = reference.source == "yotpo" and reference.resource.endswith(" rejects")
        if is_of_store and reference.account and store and reference.account != store:
            message = (
                f"'{name}' holds rejects of the store {reference.account}, and the connection '{conn_id}' is of the "
                f"store {store}"
            )
            raise ConfigurationError(message, remedy="Write them with the connection of the store that rejected them.")


def read_optional(name: str, value: Any) -> Iterator[Record]:
    """Return the records that an argument names; nothing when it was not given."""
    return iter(()) if value is None else parse_source(name, value).read()


def _is_known(reference: DatasetRef) -> bool:
    """Return True if a dataset is of a list that a partner or an operator of this provider returns."""
    if reference.source not in _PARTNERS:
        return False
    own = {BUILT_ORDERS, UNBUILT_ORDERS, FINDINGS}
    if reference.source == "yotpo" and (
        reference.resource in own or reference.resource.endswith((" outcomes", " rejects"))
    ):
        return True
    # Operators are imported when Dags are parsed, and the tables of lists only when a task runs.
    return reference.resource in import_module(f"airflow_provider_partners.api.{reference.source}.resources").RESOURCES
