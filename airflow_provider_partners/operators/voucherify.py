"""Voucherify: every list of its API to datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners._compat import AirflowSkipException
from airflow_provider_partners.api.voucherify.client import RESOURCES
from airflow_provider_partners.api.voucherify.exports.job import EXPORTS
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.links import DatasetLink, VoucherifyLink
from airflow_provider_partners.operators.extract_job import AUTO, JOB, PAGES, JobExtractOperator
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.operators.base import Context


class VoucherifyExtractOperator(JobExtractOperator):
    """Extracts a list of the Voucherify API to a dataset, and returns the dataset's reference.

    A list that holds more than its pages can reach is fetched by an export, a file that Voucherify writes; ``mode``
    decides otherwise. The task waits for it in the triggerer where it is ``deferrable``.

    .. seealso:: :ref:`howto/operator:VoucherifyExtractOperator`

    :param resource: the list, such as ``redemptions``, ``vouchers`` or ``customers``; ``points_expiration`` is had by
        an export alone (templated)
    :param parents: what a list is below, one id each: ``{"program_id": "lprg_1"}``; one of them with many ids goes into
        ``match``, as ``{"campaign_id": ids}`` (templated)
    :param time_field: which time the window is meant for, such as ``updated_at``; that of creation by default
    :param filters: conditions on fields, such as ``{"result": {"conditions": {"$is": "SUCCESS"}}}`` (templated)
    :param parameters: the list's own query parameters, such as ``{"result": "SUCCESS"}`` (templated)
    :param sort: the order asked for, such as ``-created_at``
    :param fields: of the rows of an export, ``metadata.x`` among them; by default all that are documented (templated)
    :param voucherify_conn_id: the connection (templated)
    :param mode: ``auto``, ``paged`` or ``export``; asked for by ids (``match``), a list is always paged
    :param skip_without_connection: skip the task where ``voucherify_conn_id`` is empty, as for shops whose route names
        none
    """

    template_fields: Sequence[str] = (
        *JobExtractOperator.template_fields,
        "parents",
        "filters",
        "parameters",
        "fields",
        "voucherify_conn_id",
    )
    available_resources: ClassVar[Mapping[str, Any]] = {**EXPORTS, **RESOURCES}
    modes: ClassVar[Mapping[str, str]] = {"auto": AUTO, "paged": PAGES, "export": JOB}
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

    def run(self, context: Context) -> dict[str, Any]:
        """Extract the list, unless there is nothing to extract it from."""
        if self.skip_without_connection and not is_given(self.voucherify_conn_id):
            message = "No Voucherify connection is named"
            raise AirflowSkipException(message)
        return super().run(context)

    def hook(self) -> VoucherifyHook:
        """The project's hook."""
        return VoucherifyHook(self.voucherify_conn_id or "")

    def hook_params(self) -> dict[str, Any]:
        """Nothing: the connection says it all."""
        return {}

    def query_filters(self) -> dict[str, Any]:
        """What the list is below, its filters and parameters, time and order."""
        return {
            "parents": self.parents,
            "time_field": self.time_field,
            "filters": self.filters,
            "parameters": self.parameters,
            "sort": self.sort,
        }

    def job_arguments(self) -> dict[str, Any]:
        """The fields of an export's rows; those of a list can't be chosen."""
        return {"fields": self.fields}
