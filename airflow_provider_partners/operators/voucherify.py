"""Voucherify: every list of its API to datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners._compat import AirflowSkipException
from airflow_provider_partners.api.voucherify import RESOURCES
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.operators.extract import ExtractOperator
from airflow_provider_partners.windows import given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.operators.base import Context


class VoucherifyExtractOperator(ExtractOperator):
    """Extracts a list of the Voucherify API to a dataset, and returns the dataset's reference.

    .. seealso:: :ref:`howto/operator:VoucherifyExtractOperator`

    :param resource: the list, such as ``redemptions``, ``vouchers`` or ``customers`` (templated)
    :param parameters: the list's own query parameters, such as ``{"result": "SUCCESS"}`` (templated)
    :param order: the order asked for, such as ``-created_at``
    :param voucherify_conn_id: the connection (templated)
    :param skip_without_connection: skip the task where ``voucherify_conn_id`` is empty, as for shops whose route names
        none
    """

    template_fields: Sequence[str] = (*ExtractOperator.template_fields, "parameters", "voucherify_conn_id")
    lists: ClassVar[Mapping[str, Any]] = RESOURCES
    ui_color = "#fdf0e6"

    def __init__(
        self,
        *,
        parameters: Mapping[str, Any] | None = None,
        order: str | None = None,
        voucherify_conn_id: str | None = VoucherifyHook.default_conn_name,
        skip_without_connection: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.parameters = parameters
        self.order = order
        self.voucherify_conn_id = voucherify_conn_id
        self.skip_without_connection = skip_without_connection

    def work(self, context: Context) -> dict[str, Any]:
        """Extract the list, unless there is nothing to extract it from."""
        if self.skip_without_connection and not given(self.voucherify_conn_id):
            message = "No Voucherify connection is named"
            raise AirflowSkipException(message)
        return super().work(context)

    def hook(self) -> VoucherifyHook:
        """The project's hook."""
        return VoucherifyHook(self.voucherify_conn_id or "")

    def filters(self) -> dict[str, Any]:
        """The list's own parameters and order."""
        return {"parameters": self.parameters, "order": self.order}
