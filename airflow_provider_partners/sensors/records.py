"""Waiting for records in a list of any partner: what the partners' sensors for lists share.

Knows no partner: which lists there are, and which filters, the client's table of resources says.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners import timestamps
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.operators.extract import resolve_match_values
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.triggers.conditions import RECORDS
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from airflow_provider_partners.api.resources import Resource

MAX_MATCH_VALUES = 1000
"""Ids that a trigger's row in Airflow's database should hold at most."""


class RecordsSensor(PartnerSensor):
    """Waits until a list holds records, and returns how many it read, when they came about, and some of their ids.

    It reads no further than to ``at_least`` records, and returns nothing of them but ids and times.

    :param resource: the list's name (templated)
    :param since: ISO 8601 text or datetime, the first moment that counts; where it isn't given, a record of any time
        will do (templated)
    :param until: the first moment that counts no more (templated)
    :param at_least: how many records there have to be
    """

    condition_name = RECORDS
    template_fields: Sequence[str] = ("resource", "since", "until")
    available_resources: ClassVar[Mapping[str, Any]]

    def __init__(
        self, *, resource: str, since: Any = None, until: Any = None, at_least: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.resource = resource
        self.since = since
        self.until = until
        self.at_least = at_least

    @abstractmethod
    def query_filters(self) -> dict[str, Any]:
        """The API's own filters, as JSON; those that are ``None`` were not given."""

    @abstractmethod
    def record_time_field(self, resource: Any) -> str | None:
        """The field of a record that tells when it came about.

        :param resource: the list's declaration
        """

    def page_size(self, resource: Any) -> int | None:
        """Records asked for per page: no more than are wanted.

        :param resource: the list's declaration
        """
        return min(self.at_least, int(resource.page_size))

    def condition_spec(self) -> dict[str, Any]:
        """The list, its filters and how many records there have to be."""
        resource: Resource | None = self.available_resources.get(self.resource)
        if resource is None:
            message = f"There is no list '{self.resource}'"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(sorted(self.available_resources))}.")
        if self.at_least < 1:
            message = f"'at_least' is {self.at_least}, so there is nothing to wait for"
            raise ConfigurationError(message, remedy="Use 1 or more.")
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
    """The ids to ask for, by field, read here since the triggerer may not see datasets.

    :param match: as an extract operator takes it
    :raises ConfigurationError: when there are too many to wait for
    """
    if not is_given(match) or match is None:
        return None
    values_by_field = {field: resolve_match_values(field, source) for field, source in match.items()}
    for field, values in values_by_field.items():
        if len(values) > MAX_MATCH_VALUES:
            message = f"'match' has {len(values)} values for '{field}', and {MAX_MATCH_VALUES} are possible in a sensor"
            raise ConfigurationError(message, remedy="Wait for fewer, or by a window of time.")
    return values_by_field
