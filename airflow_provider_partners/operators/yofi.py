"""Operators of Yofi's Partner Data API: claims, customers, returns, notification events and predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import (
    Check,
    check_duration,
    check_flag,
    check_keys,
    check_structure,
    without_fixed,
)
from airflow_provider_partners.exceptions import DatasetError, NotDefinedError
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.links import DatasetLink, YofiLink
from airflow_provider_partners.operators.extract import ExtractOperator, skip_without_connection
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from airflow_provider_partners.api.extraction import Extraction
    from airflow_provider_partners.datasets.reference import DatasetRef, DatasetRefDict
    from airflow_provider_partners.task_errors import Context

_LIST_ARGUMENTS = frozenset({
    "resource", "since", "until", "initial_since", "lookback", "match", "page_size", "workers",
})  # fmt: skip
"""The arguments that only a list has."""


class YofiExtractOperator(ExtractOperator):
    """Extracts a list of Yofi's Partner Data API into a dataset and returns the dataset's reference.

    The returns of known orders, for example::

        YofiExtractOperator(
            task_id="extract_returns",
            resource="returns",
            shop="a.myshopify.com",
            match={"order_id": {"dataset": extract_orders.output, "field": "legacyResourceId"}},
        )

    .. seealso:: :ref:`howto/operator:YofiExtractOperator`

    Yofi has no time filter for returns: a window is read by a newest-first walk. A return that changes later (its
    state, its predictions) does not appear in a later window. Read the whole list now and then (no ``since``), or read
    by ids.

    :param resource: ``claims``, ``customers``, ``returns``, ``notification_events``, or predictions alone, one record
        each: ``return_predictions``, ``customer_predictions`` (templated)
    :param shop: the shop to read; by default the connection's extra ``shop`` (templated)
    :param filters: an RSQL expression, checked before it is sent (templated)
    :param prediction_filter: an RSQL expression on the predictions of returns, or on a list of predictions, such as
        ``prediction_category==drop_off_fraud;predicted_value>0.9`` (templated)
    :param fields: fields to read, of the list's own type or by JSON:API type; all known fields by default (templated)
    :param include: relationships to include; all known ones by default (templated)
    :param sort: the fields to sort by, with ``-`` for descending (templated)
    :param walk_lookback: how far before ``since`` the walk through the returns continues. Default: a day where Yofi
        sorts by the returns' dates, 180 days where it sorts by the orders' dates (templated)
    :param one_by_one: read customers one at a time; by default the client tests whether Yofi accepts several ids
        (templated)
    :param yofi_conn_id: id of the Airflow connection (templated)
    :param skip_without_connection: skip the task when ``yofi_conn_id`` is empty, as for a shop whose route has no Yofi
        connection (templated)
    """

    template_fields: Sequence[str] = (
        *ExtractOperator.template_fields,
        "shop",
        "filters",
        "prediction_filter",
        "fields",
        "include",
        "sort",
        "walk_lookback",
        "one_by_one",
        "yofi_conn_id",
        "skip_without_connection",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **ExtractOperator.template_fields_renderers,
        **dict.fromkeys(("fields", "include"), "json"),
    }
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **ExtractOperator.argument_checks,
        "fields": check_structure,
        "include": check_keys,
        "sort": check_keys,
        "walk_lookback": check_duration,
        **dict.fromkeys(("one_by_one", "skip_without_connection"), check_flag),
    }
    operator_extra_links = (YofiLink(), DatasetLink())
    ui_color = "#e8eefc"

    def __init__(
        self,
        *,
        shop: str | None = None,
        filters: str | None = None,  # the word of the API
        prediction_filter: str | None = None,
        fields: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
        include: str | Sequence[str] | None = None,
        sort: str | Sequence[str] | None = None,
        walk_lookback: timedelta | str | None = None,
        one_by_one: bool | str = False,
        yofi_conn_id: str | None = YofiHook.default_conn_name,
        skip_without_connection: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.shop = shop
        self.filters = filters
        self.prediction_filter = prediction_filter
        self.fields = fields
        self.include = include
        self.sort = sort
        self.walk_lookback = walk_lookback
        self.one_by_one = one_by_one
        self.yofi_conn_id = yofi_conn_id
        self.skip_without_connection = skip_without_connection

    def run(self, context: Context) -> DatasetRefDict:
        """Extract the list, or skip the task when it has no connection."""
        if self.skip_without_connection:
            skip_without_connection(self.yofi_conn_id, "Yofi", shop=self.shop)
        return super().run(context)

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the lists by name."""
        from airflow_provider_partners.api.yofi.resources import RESOURCES

        return RESOURCES

    def hook(self) -> YofiHook:
        """Return Yofi's hook for the shop."""
        # The hook refuses None by the argument's name.
        return YofiHook(self.yofi_conn_id, shop=self.shop)  # type: ignore[arg-type]

    def query_filters(self) -> dict[str, Any]:
        """Return the RSQL filters, fields, relationships, sort fields and walk options."""
        return {
            "filters": self.filters,
            "prediction_filter": self.prediction_filter,
            "fields": self.fields,
            "include": self.include,
            "sort": self.sort,
            "walk_lookback": self.walk_lookback,
            "one_by_one": self.one_by_one or None,
        }


class YofiGetCustomerOperator(ExtractOperator):
    """Reads one customer of Yofi, with the predictions, into a dataset and returns the dataset's reference.

    The dataset has one record, or none when Yofi doesn't have the customer.

    .. seealso:: :ref:`howto/operator:YofiGetCustomerOperator`

    :param customer_id: the store's id of the customer, such as ``1234567890`` (templated)
    :param shop: the shop to read; by default the connection's extra ``shop`` (templated)
    :param fields: fields to read, of the customer or by JSON:API type; all known fields by default (templated)
    :param include: relationships to include; all known ones by default (templated)
    :param allow_missing: whether it is no error that Yofi doesn't have the customer (templated)
    :param yofi_conn_id: id of the Airflow connection (templated)
    """

    template_fields: Sequence[str] = (
        *(name for name in ExtractOperator.template_fields if name not in _LIST_ARGUMENTS),
        "customer_id",
        "shop",
        "fields",
        "include",
        "allow_missing",
        "yofi_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **{name: kind for name, kind in ExtractOperator.template_fields_renderers.items() if name != "match"},
        **dict.fromkeys(("fields", "include"), "json"),
    }
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **ExtractOperator.argument_checks,
        "fields": check_structure,
        "include": check_keys,
        "allow_missing": check_flag,
    }
    fixed_arguments: ClassVar[frozenset[str]] = _LIST_ARGUMENTS
    operator_extra_links = (YofiLink(), DatasetLink())
    ui_color = "#e8eefc"

    def __init__(
        self,
        *,
        customer_id: str | int,
        shop: str | None = None,
        fields: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
        include: str | Sequence[str] | None = None,
        allow_missing: bool | str = False,
        yofi_conn_id: str = YofiHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(resource="customers", **without_fixed(self, kwargs))
        self.customer_id = customer_id
        self.shop = shop
        self.fields = fields
        self.include = include
        self.allow_missing = allow_missing
        self.yofi_conn_id = yofi_conn_id

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the lists by name."""
        return YofiExtractOperator.available_resources()

    def hook(self) -> YofiHook:
        """Return Yofi's hook for the shop."""
        return YofiHook(self.yofi_conn_id, shop=self.shop)

    def query_filters(self) -> dict[str, Any]:
        """Return the customer, the fields and the relationships.

        :raises NotDefinedError: when ``customer_id`` renders to nothing
        """
        if not is_given(self.customer_id):
            message = "The argument 'customer_id' rendered to nothing"
            raise NotDefinedError(message, remedy="Pass the store's id of a customer, such as 1234567890.")
        return {"customer_id": self.customer_id, "fields": self.fields, "include": self.include}

    def extraction(self, client: Any, query_arguments: Mapping[str, Any]) -> Extraction:
        """Return the extraction of the customer."""
        extraction: Extraction = client.extract_customer(**query_arguments)
        return extraction

    def finish(self, context: Context, reference: DatasetRef) -> DatasetRefDict:
        """Refuse a customer that Yofi doesn't have, unless that is no error.

        :raises DatasetError: when the dataset is empty
        """
        if not reference.records and not self.allow_missing:
            message = f"Yofi has no such customer of {reference.account}"
            raise DatasetError(message, remedy="Check 'customer_id' and 'shop', or set allow_missing=True.")
        return super().finish(context, reference)
