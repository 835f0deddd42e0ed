"""Yofi: claims, customers, returns and notification events to datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.api.yofi.client import RESOURCES
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.links import DatasetLink, YofiLink
from airflow_provider_partners.operators.extract import ExtractOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta


class YofiExtractOperator(ExtractOperator):
    """Extracts a list of Yofi's Partner Data API to a dataset, and returns the dataset's reference.

    The returns of known orders, for example::

        YofiExtractOperator(
            task_id="extract_returns",
            resource="returns",
            shop="a.myshopify.com",
            match={"order_id": {"dataset": extract_orders.output, "field": "legacyResourceId"}},
        )

    .. seealso:: :ref:`howto/operator:YofiExtractOperator`

    Returns have no filter by time: a window of them is read by a walk from the newest one back. What changes later of a
    return that was read (its state, its predictions) shows in no window; read the list whole now and then
    (no ``since``), or ask by ids.

    :param resource: ``claims``, ``customers``, ``returns``, ``notification_events``, or the predictions alone, a row
        each: ``return_predictions``, ``customer_predictions`` (templated)
    :param shop: the shop whose data is read; the connection's own by default (templated)
    :param filters: an RSQL expression, checked before it is sent (templated)
    :param prediction_filter: one on the predictions of returns, or of the list of predictions, such as
        ``prediction_category==drop_off_fraud;predicted_value>0.9`` (templated)
    :param fields: fields asked for, by type; all known ones by default
    :param include: relations asked for; all known ones by default
    :param sort: the order asked for
    :param walk_lookback: how far behind the window's beginning returns are walked: a day by default where Yofi sorts
        by the returns' own dates, 180 days where by the orders' only
    :param one_by_one: ask for customers singly, instead of finding out whether several can be asked for at once
    :param yofi_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (
        *ExtractOperator.template_fields,
        "shop",
        "filters",
        "prediction_filter",
        "yofi_conn_id",
    )
    available_resources: ClassVar[Mapping[str, Any]] = RESOURCES
    operator_extra_links = (YofiLink(), DatasetLink())
    ui_color = "#e8eefc"

    def __init__(
        self,
        *,
        shop: str | None = None,
        filters: str | None = None,  # the word of the API
        prediction_filter: str | None = None,
        fields: Any = None,
        include: Sequence[str] | None = None,
        sort: str | None = None,
        walk_lookback: timedelta | None = None,
        one_by_one: bool = False,
        yofi_conn_id: str = YofiHook.default_conn_name,
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

    def hook(self) -> YofiHook:
        """Yofi's hook, for the shop."""
        return YofiHook(self.yofi_conn_id, shop=self.shop)

    def query_filters(self) -> dict[str, Any]:
        """RSQL, fields, relations and order, and how to go about it."""
        return {
            "filters": self.filters,
            "prediction_filter": self.prediction_filter,
            "fields": self.fields,
            "include": self.include,
            "sort": self.sort,
            "walk_lookback": self.walk_lookback,
            "one_by_one": self.one_by_one or None,
        }
