"""Yotpo: wait until orders exist, are fulfilled or are delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import Check, check_name, check_structure
from airflow_provider_partners.datasets.match import resolve_ids
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.links import YotpoLink
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.sensors.records import MAX_MATCH_VALUES
from airflow_provider_partners.triggers.conditions import ORDERS
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class YotpoOrderSensor(PartnerSensor):
    """Waits until every given order of a Yotpo store is in a state, and returns the orders' ids.

    ::

        YotpoOrderSensor(task_id="wait_for_order", external_id="450789469", state="fulfilled", deferrable=True)

    An order that was cancelled before it was fulfilled fails the sensor at once, because it never will be.

    .. seealso:: :ref:`howto/operator:YotpoOrderSensor`

    :param external_id: the merchant's id of one order (templated)
    :param external_ids: the ids of several orders: a list, or a column of a dataset,
        ``{"dataset": …, "field": "external_id"}`` (templated)
    :param state: ``exists``, ``fulfilled`` (every unit shipped or cancelled, at least one shipped) or ``delivered``
        (fulfilled, and the carriers report every shipment as delivered) (templated)
    :param yotpo_conn_id: the connection (templated)
    """

    condition_name = ORDERS
    template_fields: Sequence[str] = (
        *PartnerSensor.template_fields,
        "external_id",
        "external_ids",
        "state",
        "yotpo_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"external_ids": "json"}
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **PartnerSensor.argument_checks,
        "external_ids": check_structure,
        "state": check_name,
    }
    operator_extra_links = (YotpoLink(),)
    ui_color = "#e6f1fb"

    def __init__(
        self,
        *,
        external_id: str | None = None,
        external_ids: Sequence[Any] | Mapping[str, Any] | str | None = None,
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
        """Return the store's hook."""
        return YotpoHook(self.yotpo_conn_id)

    def condition_spec(self) -> dict[str, Any]:
        """Return the orders and their state."""
        several = is_given(self.external_ids) if isinstance(self.external_ids, str | None) else True
        if is_given(self.external_id) == several:
            message = "Both 'external_id' and 'external_ids' are given, or neither"
            raise ConfigurationError(message, remedy="Give one of them.")
        ids = resolve_ids("external_ids", self.external_ids) if several else [str(self.external_id)]
        if len(ids) > MAX_MATCH_VALUES:
            message = f"'external_ids' has {len(ids)} orders; a sensor takes at most {MAX_MATCH_VALUES}"
            raise ConfigurationError(message, remedy="Wait for fewer orders.")
        return {"external_ids": ids, "state": self.state}
