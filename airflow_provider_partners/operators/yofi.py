"""Yofi: claims, customers, returns and notification events to datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.api.yofi import RESOURCES
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.operators.extract import ExtractOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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

    :param resource: ``claims``, ``customers``, ``returns`` or ``notification_events`` (templated)
    :param shop: the shop whose data is read; the connection's own by default (templated)
    :param filter: an RSQL expression, checked before it is sent (templated)
    :param prediction_filter: one on the predictions of returns (templated)
    :param fields: fields asked for, by type; all known ones by default
    :param include: relations asked for; all known ones by default
    :param sort: the order asked for
    :param yofi_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (
        *ExtractOperator.template_fields,
        "shop",
        "filter",
        "prediction_filter",
        "yofi_conn_id",
    )
    lists: ClassVar[Mapping[str, Any]] = RESOURCES
    ui_color = "#e8eefc"

    def __init__(
        self,
        *,
        shop: str | None = None,
        filter: str | None = None,  # noqa: A002  # the word of the API
        prediction_filter: str | None = None,
        fields: Any = None,
        include: Sequence[str] | None = None,
        sort: str | None = None,
        yofi_conn_id: str = YofiHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.shop = shop
        self.filter = filter
        self.prediction_filter = prediction_filter
        self.fields = fields
        self.include = include
        self.sort = sort
        self.yofi_conn_id = yofi_conn_id

    def hook(self) -> YofiHook:
        """Yofi's hook, for the shop."""
        return YofiHook(self.yofi_conn_id, shop=self.shop)

    def filters(self) -> dict[str, Any]:
        """RSQL, fields, relations and order."""
        return {
            "filter": self.filter,
            "prediction_filter": self.prediction_filter,
            "fields": self.fields,
            "include": self.include,
            "sort": self.sort,
        }
