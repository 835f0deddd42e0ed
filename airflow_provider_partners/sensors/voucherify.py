"""Voucherify: waiting for records of its lists, and for exports to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.api.voucherify.client import RESOURCES
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.sensors.records import RecordsSensor
from airflow_provider_partners.triggers.conditions import EXPORT
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.api.voucherify.resources.model import VoucherifyResource


class VoucherifyRecordsSensor(RecordsSensor):
    """Waits until a list of the Voucherify API holds records; see :class:`RecordsSensor` for what it returns.

    A redemption that succeeded, for example::

        VoucherifyRecordsSensor(
            task_id="wait_for_redemptions",
            resource="redemptions",
            parameters={"result": "SUCCESS"},
            since="{{ data_interval_start }}",
            deferrable=True,
        )

    .. seealso:: :ref:`howto/operator:VoucherifyRecordsSensor`

    :param resource: the list, such as ``redemptions``, ``vouchers`` or ``customers`` (templated)
    :param parents: what a list is below, one id each: ``{"program_id": "lprg_1"}`` (templated)
    :param time_field: which time ``since`` and ``until`` are meant for, such as ``updated_at``; that of creation by
        default
    :param filters: conditions on fields, such as ``{"result": {"conditions": {"$is": "SUCCESS"}}}`` (templated)
    :param parameters: the list's own query parameters (templated)
    :param voucherify_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (
        *RecordsSensor.template_fields,
        "parents",
        "filters",
        "parameters",
        "voucherify_conn_id",
    )
    available_resources: ClassVar[Mapping[str, Any]] = RESOURCES
    ui_color = "#fdf0e6"

    def __init__(
        self,
        *,
        parents: Mapping[str, Any] | None = None,
        time_field: str | None = None,
        filters: Mapping[str, Any] | None = None,  # the word of the API
        parameters: Mapping[str, Any] | None = None,
        voucherify_conn_id: str = VoucherifyHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.parents = parents
        self.time_field = time_field
        self.filters = filters
        self.parameters = parameters
        self.voucherify_conn_id = voucherify_conn_id

    def hook(self) -> VoucherifyHook:
        """The project's hook."""
        return VoucherifyHook(self.voucherify_conn_id)

    def query_filters(self) -> dict[str, Any]:
        """What the list is below, its filters, parameters and time."""
        return {
            "parents": self.parents,
            "time_field": self.time_field,
            "filters": self.filters,
            "parameters": self.parameters,
        }

    def record_time_field(self, resource: VoucherifyResource) -> str | None:
        """The field of the time asked by, or else that of creation."""
        time_filter = resource.times.get(self.time_field or resource.time_field or "created_at")
        return time_filter.record_field if time_filter else "created_at"

    def page_size(self, resource: VoucherifyResource) -> int | None:
        """The list's own: of small pages Voucherify serves just as few, so that a list looks too long to be read."""
        return None


class VoucherifyExportSensor(PartnerSensor):
    """Waits until an export of Voucherify's is made, and returns its id, status and, where it is told, its rows.

    It fails at once when the export failed, or is unknown. Stopping the task leaves the export alone, since it is
    someone else's.

    .. seealso:: :ref:`howto/operator:VoucherifyExportSensor`

    :param export_id: the export, ``exp_…`` (templated)
    :param voucherify_conn_id: the connection (templated)
    """

    condition_name = EXPORT
    template_fields: Sequence[str] = ("export_id", "voucherify_conn_id")
    ui_color = "#fdf0e6"

    def __init__(
        self, *, export_id: str, voucherify_conn_id: str = VoucherifyHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.export_id = export_id
        self.voucherify_conn_id = voucherify_conn_id

    def hook(self) -> VoucherifyHook:
        """The project's hook."""
        return VoucherifyHook(self.voucherify_conn_id)

    def condition_spec(self) -> dict[str, Any]:
        """The export."""
        if not is_given(self.export_id):
            message = "No export is named"
            raise ConfigurationError(message, remedy="Give 'export_id', such as exp_….")
        return {"job_id": str(self.export_id)}
