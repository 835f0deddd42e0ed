"""Checks of the datasets that an operator takes: which list each is, and whose records it holds.

A dataset names its source, its list and its account. What a user wrote under names of their own is taken as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.arguments import check_dataset
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_partners.records import Record

BUILT_ORDERS = "built orders"
UNBUILT_ORDERS = "unbuilt orders"
FINDINGS = "findings"

_PARTNERS = frozenset({"shopify_admin", "shopify_partner", "voucherify", "yofi", "yotpo"})
_SHOP_SOURCES = frozenset({"shopify_admin", "yofi"})
"""The partners whose account is a shop."""

_KEYS = ("uri", "source", "resource")
"""What every reference has."""

BUILD_REMEDY = "Pass the output of a YotpoBuildOrdersOperator."
_REMEDY = "Pass the output of an extract or build operator."


def parse_dataset(name: str, value: Any) -> DatasetRef:
    """Return the reference that an argument holds.

    :raises ConfigurationError: when it is none, or lacks a part
    """
    if value is None:
        message = f"'{name}' is None, and the reference of a dataset is needed"
        raise ConfigurationError(message, remedy=f"{_REMEDY} A skipped task has no output.")
    check_dataset(name, value)
    missing = [key for key in _KEYS if key not in value] if isinstance(value, Mapping) else []
    if missing:
        message = f"'{name}' is no reference of a dataset: it has no {' and no '.join(map(repr, missing))}"
        raise ConfigurationError(message, remedy=_REMEDY)
    try:
        return DatasetRef.from_dict(value)
    except DatasetError as error:
        message = f"'{name}' is no reference of a dataset: {error.message}"
        raise ConfigurationError(message, remedy=_REMEDY) from None


def require_list(name: str, value: Any, source: str, *resources: str, remedy: str) -> DatasetRef:
    """Return the reference that an argument holds. Refuse one of another list that the provider knows.

    :param source: the partner of the lists that the argument takes
    :param resources: the names of these lists
    :raises ConfigurationError: when it is the reference of another list, or none at all
    """
    reference = parse_dataset(name, value)
    if not (reference.source == source and reference.resource in resources) and _is_known(reference):
        message = f"'{name}' is a dataset of {reference.resource} ({reference.source})"
        raise ConfigurationError(message, remedy=remedy)
    return reference


def require_shop(name: str, reference: DatasetRef, shop: str) -> None:
    """Refuse a dataset of another shop.

    :raises ConfigurationError: when the dataset names a shop, and it isn't this one
    """
    from airflow_provider_partners.api.shopify.shops import shop_domain

    account = reference.account or ""
    # Yofi may name a shop by an app id.
    if reference.source not in _SHOP_SOURCES or not account.endswith(".myshopify.com"):
        return
    if shop_domain(account) != shop_domain(shop):
        message = f"'{name}' is a dataset of {account}, and 'shop' is {shop}"
        raise ConfigurationError(message, remedy="Pass datasets of the same shop, and that shop.")


def require_store(name: str, reference: DatasetRef, store: str | None, conn_id: str) -> None:
    """Refuse rejects of another Yotpo store. Built orders name their shop, and any store may take them.

    :param store: the id of the store that the task writes to
    :raises ConfigurationError: when the rejects name a store, and it isn't this one
    """
    is_of_store = reference.source == "yotpo" and reference.resource.endswith(" rejects")
    if is_of_store and reference.account and store and reference.account != store:
        message = (
            f"'{name}' holds rejects of the store {reference.account}, and the connection '{conn_id}' is of the store "
            f"{store}"
        )
        raise ConfigurationError(message, remedy="Write them with the connection of the store that rejected them.")


def read_optional(dataset: Any) -> Iterator[Record]:
    """Return the records of a dataset; nothing when it was not given."""
    return iter(()) if dataset is None else read_dataset(DatasetRef.from_dict(dataset))


def window_start(dataset: Any) -> datetime | None:
    """Return the start of a dataset's window; ``None`` when it covers its whole list or was not given."""
    window = None if dataset is None else DatasetRef.from_dict(dataset).window
    return Window.from_dict(window).since if window else None


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
