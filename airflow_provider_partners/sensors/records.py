"""Waiting for records in a list of any partner: what the partners' sensors for lists share.

Knows no partner: which lists there are, and which filters, the client's table of resources says.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.conditions import RECORDS
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.operators.extract import matched_values
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.windows import given, moment

if TYPE_CHECKING:
    from airflow_provider_partners.api.resources import Resource

MOST_MATCHED = 1000
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

    waits_for = RECORDS
    template_fields: Sequence[str] = ("resource", "since", "until")
    lists: ClassVar[Mapping[str, Any]]

    def __init__(
        self, *, resource: str, since: Any = None, until: Any = None, at_least: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.resource = resource
        self.since = since
        self.until = until
        self.at_least = at_least

    @abstractmethod
    def filters(self) -> dict[str, Any]:
        """The API's own filters, as JSON; those that are ``None`` were not given."""

    @abstractmethod
    def time_of(self, row: Any) -> str | None:
        """The field of a record that tells when it came about.

        :param row: the list's declaration
        """

    def page_size(self, row: Any) -> int | None:
        """Records asked for per page: no more than are wanted.

        :param row: the list's declaration
        """
        return min(self.at_least, int(row.page_size))

    def question(self) -> dict[str, Any]:
        """The list, its filters and how many records there have to be."""
        row: Resource | None = self.lists.get(self.resource)
        if row is None:
            message = f"There is no list '{self.resource}'"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(sorted(self.lists))}.")
        if self.at_least < 1:
            message = f"'at_least' is {self.at_least}, so there is nothing to wait for"
            raise ConfigurationError(message, remedy="Use 1 or more.")
        times = {
            name: moment(value, name).isoformat()
            for name, value in (("since", self.since), ("until", self.until))
            if given(value)
        }
        asked = {**self.filters(), "page_size": self.page_size(row), **times}
        return {
            "resource": self.resource,
            "at_least": self.at_least,
            "time_field": self.time_of(row),
            "asked": {name: value for name, value in asked.items() if value is not None},
        }


def known_ids(match: Mapping[str, Any] | None) -> dict[str, list[str]] | None:
    """The ids to ask for, by field, read here since the triggerer may not see datasets.

    :param match: as an extract operator takes it
    :raises ConfigurationError: when there are too many to wait for
    """
    if not given(match) or match is None:
        return None
    found = {field: matched_values(field, wanted) for field, wanted in match.items()}
    for field, values in found.items():
        if len(values) > MOST_MATCHED:
            message = f"'match' has {len(values)} values for '{field}', and {MOST_MATCHED} are possible in a sensor"
            raise ConfigurationError(message, remedy="Wait for fewer, or by a window of time.")
    return found
