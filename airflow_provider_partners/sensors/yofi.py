"""Yofi: wait for claims, returns, customers, notification events and predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import Check, check_duration, check_structure
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.links import YofiLink
from airflow_provider_partners.sensors.records import RecordsSensor, resolve_match
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from airflow_provider_partners.api.yofi.resources import YofiResource


class YofiRecordsSensor(RecordsSensor):
    """Waits until a list of Yofi's Partner Data API holds records; see :class:`RecordsSensor` for what it returns.

    For example, a return that Yofi rates as abusive::

        YofiRecordsSensor(
            task_id="wait_for_abuse",
            resource="returns",
            prediction_filter="predicted_value>0.8",
            since="{{ data_interval_start }}",
            deferrable=True,
        )

    .. seealso:: :ref:`howto/operator:YofiRecordsSensor`

    Returns have no time filter. With ``since``, each check walks the list from the newest return back, and continues
    for ``walk_lookback`` before ``since``.

    :param resource: ``claims``, ``customers``, ``returns``, ``notification_events``, or the predictions alone:
        ``return_predictions``, ``customer_predictions`` (templated)
    :param shop: the shop; by default the connection's own (templated)
    :param filters: an RSQL expression, validated before it is sent (templated)
    :param prediction_filter: an RSQL expression on the predictions, of returns or of a list of them (templated)
    :param match: wait for records with known ids: maps a field to its values, or to a column of a dataset (templated)
    :param walk_lookback: how far before ``since`` the walk continues. By default a day where Yofi sorts by the returns'
        own dates, and 180 days where it sorts by the orders' dates only
        (templated)
    :param yofi_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (
        *RecordsSensor.template_fields,
        "shop",
        "filters",
        "prediction_filter",
        "match",
        "walk_lookback",
        "yofi_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"match": "json"}
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **RecordsSensor.argument_checks,
        "match": check_structure,
        "walk_lookback": check_duration,
    }
    operator_extra_links = (YofiLink(),)
    ui_color = "#e8eefc"

    def __init__(
        self,
        *,
        shop: str | None = None,
        filters: str | None = None,
        prediction_filter: str | None = None,
        match: Mapping[str, Any] | None = None,
        walk_lookback: timedelta | str | None = None,
        yofi_conn_id: str = YofiHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.shop = shop
        self.filters = filters
        self.prediction_filter = prediction_filter
        self.match = match
        self.walk_lookback: Any = walk_lookback
        self.yofi_conn_id = yofi_conn_id

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the lists by name."""
        from airflow_provider_partners.api.yofi.resources import RESOURCES

        return RESOURCES

    def hook(self) -> YofiHook:
        """Return the shop's hook."""
        return YofiHook(self.yofi_conn_id, **self.hook_params())

    def hook_params(self) -> dict[str, Any]:
        """Return the shop, if one is given."""
        return {"shop": self.shop} if is_given(self.shop) else {}

    def query_filters(self) -> dict[str, Any]:
        """Return the filters and ids; of a record only its ids and its time are read."""
        resource = self.available_resources()[self.resource]
        projection = {} if resource.relation else {"include": [], "fields": _minimal_fields(resource)}
        return {
            **projection,
            "filters": self.filters if is_given(self.filters) else None,
            "prediction_filter": self.prediction_filter if is_given(self.prediction_filter) else None,
            "match": resolve_match(self.match),
            "walk_lookback": None if self.walk_lookback is None else self.walk_lookback.total_seconds(),
        }

    def record_time_field(self, resource: YofiResource) -> str | None:
        """Return the field that the list is filtered by."""
        return resource.time_field or resource.date_field or None

    def page_size(self, resource: YofiResource) -> int | None:
        """Return a small page, unless the client may have to read many records to find one."""
        may_read_many = bool(resource.sort_fields and is_given(self.since)) or bool(resource.relation)
        return None if may_read_many else super().page_size(resource)


def _minimal_fields(resource: YofiResource) -> list[str]:
    from airflow_provider_partners.api.yofi.resources import FIELDS

    return [
        name for name in FIELDS[resource.type] if name in {"id", "entity_id", resource.time_field, resource.date_field}
    ]
