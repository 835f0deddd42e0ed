"""Yotpo: waiting for orders to be there, fulfilled or delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.operators.extract import resolve_match_values
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.sensors.records import MAX_MATCH_VALUES
from airflow_provider_partners.triggers.conditions import ORDERS
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from collections.abc import Sequence


class YotpoOrderSensor(PartnerSensor):
    """Waits until all of some orders of a Yotpo store are as wanted, and returns their ids.

    ::

        YotpoOrderSensor(task_id="wait_for_order", external_id="450789469", condition="fulfilled", deferrable=True)

    Orders that were cancelled before they were fulfilled fail the sensor at once: they never will be.

    .. seealso:: :ref:`howto/operator:YotpoOrderSensor`

    :param external_id: the order, by the merchant's id (templated)
    :param external_ids: several of them, instead: a list, or a column of a dataset,
        ``{"dataset": …, "field": "external_id"}`` (templated)
    :param state: ``exists``, ``fulfilled`` (every unit shipped or cancelled, some shipped) or ``delivered`` (all
        that was shipped, too, as far as carriers tell)
    :param yotpo_conn_id: the connection (templated)
    """

    condition_name = ORDERS
    template_fields: Sequence[str] = ("external_id", "external_ids", "yotpo_conn_id")
    ui_color = "#e6f1fb"

    def __init__(
        self,
        *,
        external_id: str | None = None,
        external_ids: Any = None,
        state: str = "exists",
        yotpo_conn_id: str = YotpoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.external_id = external_id
        self.external_ids = external_ids
        self.state = state
        self.yotpo_conn_id = yotpo_conn_id

    def hook(self) -> YotpoHook:
        """The store's hook."""
        return YotpoHook(self.yotpo_conn_id)

    def condition_spec(self) -> dict[str, Any]:
        """The orders, and what they have to be."""
        several = is_given(self.external_ids) if isinstance(self.external_ids, str | None) else True
        if is_given(self.external_id) == several:
            message = "Orders are named by both of 'external_id' and 'external_ids', or by neither"
            raise ConfigurationError(message, remedy="Give one of them.")
        ids = resolve_match_values("external_ids", self.external_ids) if several else [str(self.external_id)]
        if len(ids) > MAX_MATCH_VALUES:
            message = f"'external_ids' names {len(ids)} orders, and {MAX_MATCH_VALUES} are possible in a sensor"
            raise ConfigurationError(message, remedy="Wait for fewer of them.")
        return {"external_ids": ids, "state": self.state}
