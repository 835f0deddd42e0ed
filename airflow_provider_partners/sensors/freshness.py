"""Wait until a dataset or a watermark is fresh."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Asset

from airflow_provider_partners._compat import asset_state, conf
from airflow_provider_partners.arguments import Check, check_duration, check_folder, check_name
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.links import DatasetLink
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.triggers.conditions import FRESHNESS
from airflow_provider_partners.triggers.freshness import FreshnessTrigger
from airflow_provider_partners.watermarks import SharedValueStore, Watermark, watermark_assets
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class DatasetFreshnessSensor(PartnerSensor):
    """Waits until the newest record of a published dataset, or a watermark, is no older than ``max_age``.

    It returns ``{"newest": …, "age_seconds": …}``, with ``records`` for a dataset. A dataset that does not exist yet,
    one without records, and a watermark before the first run count as too old. So a short ``timeout`` makes an alarm
    of it::

        DatasetFreshnessSensor(
            task_id="are_orders_fresh",
            uri="s3://warehouse/orders",
            max_age=timedelta(hours=3),
            timeout=600,
        )

    .. seealso:: :ref:`howto/operator:DatasetFreshnessSensor`

    Calls no API. A watermark is readable in a task only. With ``deferrable``, the sensor is rescheduled then, which
    needs no slot either.

    :param max_age: how old it may be (templated)
    :param uri: folder of the published dataset (templated)
    :param time_field: dotted path of a record's time, ISO 8601 or seconds since 1970; by default the time field of the
        dataset's list (templated)
    :param watermark: name of a watermark, such as ``a.myshopify.com:orders``; takes the place of ``uri`` (templated)
    :param asset: the asset that stores the watermark. It takes Airflow 3.3
    """

    condition_name = FRESHNESS
    trigger_class = FreshnessTrigger
    template_fields: Sequence[str] = (*PartnerSensor.template_fields, "max_age", "uri", "time_field", "watermark")
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **PartnerSensor.argument_checks,
        "max_age": check_duration,
        "uri": check_folder,
        "time_field": check_name,
        "watermark": check_name,
    }
    operator_extra_links = (DatasetLink(),)
    ui_color = "#eef3e2"

    _context: Any = None

    def __init__(
        self,
        *,
        max_age: timedelta | str,
        uri: str | None = None,
        time_field: str | None = None,
        watermark: str | None = None,
        asset: Asset | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**_readable(asset, kwargs))
        self.max_age: Any = max_age
        self.uri = uri
        self.time_field = time_field
        self.watermark = watermark
        self.asset: Any = asset

    def hook(self) -> Any:
        """Return what stands for a hook: reading datasets needs no connection."""
        return _DatasetHook(self._newest_watermark if is_given(self.watermark) else None)

    @property
    def linked_uri(self) -> str | None:
        """The dataset that a link leads to."""
        return self.uri

    def condition_spec(self) -> dict[str, Any]:
        """Return the dataset or watermark, and how old it may be.

        :raises ConfigurationError: when neither or both are given
        """
        if self.max_age is None:
            message = "'max_age' is not given"
            raise ConfigurationError(message, remedy="Write max_age=timedelta(hours=3), for example.")
        if is_given(self.uri) == is_given(self.watermark):
            message = f"'uri' and 'watermark' are {'both' if is_given(self.uri) else 'not'} given"
            raise ConfigurationError(message, remedy="Give the folder of a dataset, or the name of a watermark.")
        if is_given(self.watermark) and self.asset is None:
            message = "'watermark' needs 'asset', and it is not given"
            raise ConfigurationError(message, remedy="Pass the asset among the outlets of the task that moves it.")
        return {
            "uri": self.uri if is_given(self.uri) else None,
            "time_field": self.time_field,
            "max_age": self.max_age.total_seconds(),
        }

    def poke(self, context: Any) -> Any:
        """Check the age once."""
        self._context = context
        return super().poke(context)

    def _newest_watermark(self) -> Any:
        store = asset_state(self._context, self.asset)
        if store is None:
            message = "This version of Airflow keeps no watermarks: it takes Airflow 3.3"
            raise ConfigurationError(message, remedy="Use 'uri' and the folder of a published dataset.")
        # The order Dags keep the watermarks of all shops together.
        return Watermark(str(self.watermark), [store, SharedValueStore(store)]).get()


def _readable(asset: Asset | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the base class with which the sensor can read the watermark of an asset."""
    if asset is None:
        return dict(arguments)
    # A task reads the state of an asset only if it declares it.
    given = arguments.get("inlets") or ()
    inlets = [*given, *(each for each in watermark_assets(asset) if each not in given)]
    defers = arguments.get("deferrable", conf.getboolean("operators", "default_deferrable", fallback=False))
    return {**arguments, "inlets": inlets, "deferrable": False, **({"mode": "reschedule"} if defers else {})}


class _DatasetHook:
    """Stands for a hook where there is no connection.

    :param watermark: returns the watermark, where there is one
    """

    conn_type, conn_id = "dataset", ""
    account = host = console_url = None
    short_timeouts = True

    def __init__(self, watermark: Any = None) -> None:
        self._watermark = watermark

    def get_conn(self) -> Any:
        """Return what reads datasets, or the watermark."""
        from airflow_provider_partners.datasets.freshness import DatasetTimes

        return DatasetTimes() if self._watermark is None else _WatermarkTimes(self._watermark)

    def close(self) -> None:
        """Do nothing: there is no client."""


class _WatermarkTimes:
    def __init__(self, watermark: Any) -> None:
        self._watermark = watermark

    def newest(self, uri: str | None, time_field: str | None = None) -> tuple[None, Any]:
        """Return the watermark."""
        return None, self._watermark()
