"""Extract the lists of a Yotpo store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import Check, check_name
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.links import DatasetLink, YotpoLink
from airflow_provider_partners.operators.extract import ExtractOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["YotpoExtractOperator"]


class YotpoExtractOperator(ExtractOperator):
    """Extracts a list of a Yotpo store into a dataset and returns the dataset's reference.

    .. seealso:: :ref:`howto/operator:YotpoExtractOperator`

    :param resource: ``orders``, ``products``, ``customers``, ``fulfillments``, ``variants``, ``reviews`` or
        ``unsubscribers`` (templated)
    :param time_field: for reviews, what the window filters: ``updated_at`` (default) or ``created_at`` (templated)
    :param yotpo_conn_id: id of the Airflow connection (templated)
    :param for_shop: the shop that the store belongs to. The task's label, errors and metrics name it (templated)
    """

    template_fields: Sequence[str] = (*ExtractOperator.template_fields, "time_field", "yotpo_conn_id", "for_shop")
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **ExtractOperator.argument_checks,
        **dict.fromkeys(("time_field", "for_shop"), check_name),
    }
    operator_extra_links = (YotpoLink(), DatasetLink())
    ui_color = "#e6f1fb"

    def __init__(
        self,
        *,
        time_field: str | None = None,
        yotpo_conn_id: str = YotpoHook.default_conn_name,
        for_shop: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.time_field = time_field
        self.yotpo_conn_id = yotpo_conn_id
        self.for_shop = for_shop

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the lists by name."""
        from airflow_provider_partners.api.yotpo.resources import RESOURCES

        return RESOURCES

    def query_filters(self) -> dict[str, Any]:
        """Return the field of the window."""
        return {"time_field": self.time_field}

    def hook(self) -> YotpoHook:
        """Return the store's hook."""
        return YotpoHook(self.yotpo_conn_id)
