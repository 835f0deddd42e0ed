"""Base class of the sensors that wait for records in a list.

This module knows no partner: the client's table of resources declares the lists and their filters.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners import timestamps
from airflow_provider_partners.arguments import Check, check_count, check_name, suggest
from airflow_provider_partners.datasets import match as matching
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.triggers.conditions import RECORDS
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_partners.api.resources import Resource

MAX_MATCH_VALUES = 1000
"""Most ids that a trigger's row in Airflow's database should hold."""


class RecordsSensor(PartnerSensor):
    """Waits until a list holds records, and returns their number, their first and last time, and some of their ids.

    It reads no more than ``at_least`` records.

    :param resource: the list's name (templated)
    :param since: count records from here on, ISO 8601 text or datetime; by default records of any time (templated)
    :param until: count records before this time (templated)
    :param at_least: number of records to wait for (templated)
    """

    condition_name = RECORDS
    template_fields: Sequence[str] = (*PartnerSensor.template_fields, "resource", "since", "until", "at_least")
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **PartnerSensor.argument_checks,
        "resource": check_name,
        "at_least": check_count,
    }

    def __init__(
        self,
        *,
        resource: str,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        at_least: int | str = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resource = resource
        self.since = since
        self.until = until
        self.at_least: Any = at_least

    @classmethod
    @abstractmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the partner's lists by name. Imports the table when it is called: parsing a Dag does not need it."""

    @abstractmethod
    def query_filters(self) -> dict[str, Any]:
        """Return the partner's own arguments of the client's ``extract``, as JSON; ``None`` means not given."""

    @abstractmethod
    def record_time_field(self, resource: Any) -> str | None:
        """Return the dotted path of a record's time."""

    def page_size(self, resource: Any) -> int | None:
        """Return the number of records per page: no more than the sensor needs."""
        return min(int(self.at_least), int(resource.page_size))

    def condition_spec(self) -> dict[str, Any]:
        """Return the list, its query and the number of records."""
        resources = self.available_resources()
        resource: Resource | None = resources.get(self.resource)
        if resource is None:
            message = f"There is no list '{self.resource}'{suggest(self.resource, resources)}"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(sorted(resources))}.")
        times = {
            name: timestamps.parse(value, name).isoformat()
            for name, value in (("since", self.since), ("until", self.until))
            if is_given(value)
        }
        query = {**self.query_filters(), "page_size": self.page_size(resource), **times}
        return {
            "resource": self.resource,
            "at_least": self.at_least,
            "time_field": self.record_time_field(resource),
            "query": {name: value for name, value in query.items() if value is not None},
        }


def resolve_match(match: Mapping[str, Any] | None) -> dict[str, list[str]] | None:
    """Return the ids to wait for, by field.

    They are read on the worker, because the triggerer may have no access to datasets.

    :param match: as the extract operators take it
    :raises ConfigurationError: when there are too many
    """
    if not is_given(match) or match is None:
        return None
    values_by_field = matching.resolve_match(match)
    for field, values in values_by_field.items():
        if len(values) > MAX_MATCH_VALUES:
            message = f"'match' has {len(values)} values for '{field}'; a sensor takes at most {MAX_MATCH_VALUES}"
            raise ConfigurationError(message, remedy="Wait for fewer, or use 'since' and 'until'.")
    return values_by_field
