"""Operator of the Voucherify API: any of its lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.links import DatasetLink, VoucherifyLink
from airflow_provider_partners.operators.extract import skip_without_connection
from airflow_provider_partners.operators.extract_job import ExtractMode, JobExtractOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.datasets.reference import DatasetRefDict
    from airflow_provider_partners.task_errors import Context


class VoucherifyExtractOperator(JobExtractOperator):
    """Extracts a list of the Voucherify API into a dataset and returns the dataset's reference.

    A list with more records than its pages can reach is read by an export, a file that Voucherify writes. ``mode``
    overrides this. With ``deferrable`` the task waits for the file in the triggerer.

    .. seealso:: :ref:`howto/operator:VoucherifyExtractOperator`

    :param resource: the list, such as ``redemptions``, ``vouchers`` or ``customers``; ``points_expiration`` exists as
        an export only (templated)
    :param parents: the parents of a nested list, one id each: ``{"program_id": "lprg_1"}``. For many ids of one parent
        use ``match``: ``{"campaign_id": ids}`` (templated)
    :param time_field: the timestamp that the window filters, such as ``updated_at``; the creation time by default
    :param filters: conditions on fields, such as ``{"result": {"conditions": {"$is": "SUCCESS"}}}`` (templated)
    :param parameters: the list's own query parameters, such as ``{"result": "SUCCESS"}`` (templated)
    :param sort: the field to sort by, such as ``-created_at`` for newest first
    :param fields: fields of an export, also ``metadata.x``; by default all documented fields. With ``fields``, ``auto``
        reads by an export (templated)
    :param voucherify_conn_id: id of the Airflow connection (templated)
    :param mode: ``auto``, ``paged`` or ``export``; a read by ids (``match``) is always paged
    :param skip_without_connection: skip the task when ``voucherify_conn_id`` is empty, as for a shop whose route has no
        Voucherify connection
    """

    template_fields: Sequence[str] = (
        *JobExtractOperator.template_fields,
        "parents",
        "filters",
        "parameters",
        "fields",
        "voucherify_conn_id",
    )
    modes: ClassVar[Mapping[str, ExtractMode]] = {
        "auto": ExtractMode.AUTO,
        "paged": ExtractMode.PAGES,
        "export": ExtractMode.JOB,
    }
    operator_extra_links = (VoucherifyLink(), DatasetLink())
    ui_color = "#fdf0e6"

    def __init__(
        self,
        *,
        parents: Mapping[str, Any] | None = None,
        time_field: str | None = None,
        filters: Mapping[str, Any] | None = None,  # the word of the API
        parameters: Mapping[str, Any] | None = None,
        sort: str | None = None,
        fields: Sequence[str] | None = None,
        voucherify_conn_id: str | None = VoucherifyHook.default_conn_name,
        skip_without_connection: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.parents = parents
        self.time_field = time_field
        self.filters = filters
        self.parameters = parameters
        self.sort = sort
        self.fields = fields
        self.voucherify_conn_id = voucherify_conn_id
        self.skip_without_connection = skip_without_connection

    def run(self, context: Context) -> DatasetRefDict:
        """Extract the list, or skip the task when it has no connection."""
        if self.skip_without_connection:
            skip_without_connection(self.voucherify_conn_id, "Voucherify")
        return super().run(context)

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the lists by name."""
        from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS
        from airflow_provider_partners.api.voucherify.resources import RESOURCES

        return {**EXPORTS, **RESOURCES}

    def hook(self) -> VoucherifyHook:
        """Return the project's hook."""
        return VoucherifyHook(self.voucherify_conn_id or "")

    def hook_params(self) -> dict[str, Any]:
        """Return nothing: the connection is enough."""
        return {}

    def query_filters(self) -> dict[str, Any]:
        """Return the parents, filters, parameters, time field and sort field."""
        return {
            "parents": self.parents,
            "time_field": self.time_field,
            "filters": self.filters,
            "parameters": self.parameters,
            "sort": self.sort,
        }

    def job_arguments(self) -> dict[str, Any]:
        """Return the fields of an export; the fields of a list cannot be chosen."""
        return {"fields": self.fields}
