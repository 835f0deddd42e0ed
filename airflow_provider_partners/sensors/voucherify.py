"""Voucherify: wait for records in its lists, and for exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.api.voucherify.filter_arguments import FilterArgument, check_filters, filters_as_json
from airflow_provider_partners.arguments import Check, check_mapping, check_name
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.links import VoucherifyLink
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.sensors.records import RecordsSensor
from airflow_provider_partners.triggers.conditions import EXPORT
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.api.voucherify.filters import Filter
    from airflow_provider_partners.api.voucherify.resources.model import VoucherifyResource


class VoucherifyRecordsSensor(RecordsSensor):
    """Waits until a list of the Voucherify API holds records; see :class:`RecordsSensor` for what it returns.

    For example, a redemption that succeeded::

        VoucherifyRecordsSensor(
            task_id="wait_for_redemptions",
            resource="redemptions",
            parameters={"result": "SUCCESS"},
            since="{{ data_interval_start }}",
            deferrable=True,
        )

    .. seealso:: :ref:`howto/operator:VoucherifyRecordsSensor`

    :param resource: the list, such as ``redemptions``, ``vouchers`` or ``customers`` (templated)
    :param parents: id of each parent object of the list: ``{"program_id": "lprg_1"}`` (templated)
    :param time_field: the timestamp that ``since`` and ``until`` apply to, such as ``updated_at``; by default the time
        of creation (templated)
    :param filters: conditions on fields, such as ``{"result": {"conditions": {"$is": "SUCCESS"}}}``, or a ``Filter``
        (templated)
    :param parameters: query parameters of the list; every list takes ``created_at`` with ``after``, ``before`` or both
        (templated)
    :param voucherify_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (
        *RecordsSensor.template_fields,
        "parents",
        "time_field",
        "filters",
        "parameters",
        "voucherify_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = dict.fromkeys(("parents", "filters", "parameters"), "json")
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **RecordsSensor.argument_checks,
        **dict.fromkeys(("parents", "parameters"), check_mapping),
        "filters": check_filters,
        "time_field": check_name,
    }
    operator_extra_links = (VoucherifyLink(),)
    ui_color = "#fdf0e6"
    filters = FilterArgument()

    def __init__(
        self,
        *,
        parents: Mapping[str, Any] | None = None,
        time_field: str | None = None,
        filters: Filter | Mapping[str, Any] | str | None = None,
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

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the lists by name."""
        from airflow_provider_partners.api.voucherify.resources import RESOURCES

        return RESOURCES

    def hook(self) -> VoucherifyHook:
        """Return the project's hook."""
        return VoucherifyHook(self.voucherify_conn_id)

    def query_filters(self) -> dict[str, Any]:
        """Return the parents, the filters, the query parameters and the time field."""
        return {
            "parents": self.parents,
            "time_field": self.time_field,
            "filters": filters_as_json(self.filters),
            "parameters": self.parameters,
        }

    def record_time_field(self, resource: VoucherifyResource) -> str | None:
        """Return the record's field of the filtered time, or else of its creation."""
        time_filter = resource.every_time.get(self.time_field or resource.time_field or "created_at")
        return time_filter.record_field if time_filter else "created_at"

    def page_size(self, resource: VoucherifyResource) -> int | None:
        """Return the list's own page size: Voucherify limits the number of pages, so small ones reach less far."""
        return None


class VoucherifyExportSensor(PartnerSensor):
    """Waits until a Voucherify export is done, and returns its id, its status and, if reported, its number of records.

    It fails at once when the export failed or is unknown. Stopping the task does not cancel the export, because another
    task created it.

    .. seealso:: :ref:`howto/operator:VoucherifyExportSensor`

    :param export_id: the export, ``exp_…`` (templated)
    :param voucherify_conn_id: the connection (templated)
    """

    condition_name = EXPORT
    template_fields: Sequence[str] = (*PartnerSensor.template_fields, "export_id", "voucherify_conn_id")
    operator_extra_links = (VoucherifyLink(),)
    ui_color = "#fdf0e6"

    def __init__(
        self, *, export_id: str, voucherify_conn_id: str = VoucherifyHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.export_id = export_id
        self.voucherify_conn_id = voucherify_conn_id

    def hook(self) -> VoucherifyHook:
        """Return the project's hook."""
        return VoucherifyHook(self.voucherify_conn_id)

    def condition_spec(self) -> dict[str, Any]:
        """Return the export's id."""
        if not is_given(self.export_id):
            message = "No export is given"
            raise ConfigurationError(message, remedy="Set 'export_id', such as exp_….")
        return {"job_id": str(self.export_id)}
