"""The activity of one task try: the partner's lists and the datasets that it has read and written.

Asset events, lineage, links and metrics are all made from it. They therefore agree with each other and with the
manifests, and none of them needs a call. Holds names and counts, no records. Knows no partner.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.source import is_reference_of_dataset
from airflow_provider_partners.datasets.storage import MANIFEST_FILE
from airflow_provider_partners.exceptions import DatasetError


class PartnerList(NamedTuple):
    """A list of an account at a partner, such as the orders of a store."""

    api: str
    """The connection type, such as ``yotpo``."""
    account: str
    resource: str
    records: int | None = None
    """How many records were read or written; ``None`` while unknown."""


@dataclass(slots=True, kw_only=True)
class TaskActivity:
    """What a task try has done so far.

    :param api: the partner's API, as a connection type
    :param account: the account at the partner
    :param host: the partner's server
    :param console_url: the page that links open, where the connection sets one
    :param shop: the shop that the data belongs to, where the account is not a shop
    :param lists_read: the partner's lists that were read
    :param lists_written: the partner's lists that were written
    :param datasets_written: finished datasets, the returned one first
    :param records: records read or written at the partner by this try
    :param rejects: records rejected by this try
    :param facts: further entries of the asset event
    """

    api: str | None = None
    account: str | None = None
    host: str | None = None
    console_url: str | None = None
    shop: str | None = None
    lists_read: list[PartnerList] = field(default_factory=list)
    lists_written: list[PartnerList] = field(default_factory=list)
    datasets_written: list[DatasetRef] = field(default_factory=list)
    records: int = 0
    rejects: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    def set_partner(self, *, api: str, account: str | None, host: str | None, console_url: str | None = None) -> None:
        """Record the account that the task reads or writes."""
        self.api, self.account, self.host, self.console_url = api, account, host, console_url

    def set_list_read(self, resource: str, records: int | None = None) -> None:
        """Record that a list of the partner is read.

        :param records: the number of records, once it is known
        """
        if self.api and self.account:
            self.lists_read = [self._partner_list(resource, records)]

    def set_list_written(self, resource: str, records: int) -> None:
        """Record that a list of the partner is written.

        :param records: the number of records written so far
        """
        if records and self.api and self.account:
            self.lists_written = [self._partner_list(resource, records)]

    def set_datasets_written(self, *references: DatasetRef | None, rejects: int = 0, **facts: Any) -> None:
        """Record the finished datasets.

        :param references: the returned dataset first
        :param rejects: how many records were rejected, by earlier tries too
        :param facts: further entries of the asset event: small counts, no customers' data
        """
        self.datasets_written = [reference for reference in references if reference is not None]
        self.facts = {"rejects": rejects, **facts}

    def event_lists(self) -> list[PartnerList]:
        """Return the partner's lists that asset events are about: the written ones, or else those read.

        A task that only planned its writes has written none.
        """
        return self.lists_written if self.lists_written or self.facts.get("dry_run") is not None else self.lists_read

    def asset_event_extra(self) -> dict[str, Any] | None:
        """Return the ``extra`` of an asset event about the task's dataset; ``None`` if there is no dataset."""
        if not self.datasets_written:
            return None
        reference = self.datasets_written[0]
        return {
            "source": reference.source,
            "resource": reference.resource,
            "rows": reference.records,
            "bytes": reference.bytes,
            "window": reference.window,
            "manifest": f"{reference.uri.rstrip('/')}/{MANIFEST_FILE}",
            "sha256": reference.sha256,
            **self.facts,
        }

    def _partner_list(self, resource: str, records: int | None) -> PartnerList:
        return PartnerList(self.api or "", self.account or "", resource, records)


def dataset_references(values: Iterable[Any]) -> list[DatasetRef]:
    """Return the dataset references among a task's arguments, each once.

    :param values: any values, rendered or not; a list may hold the references of several datasets
    """
    references: dict[tuple[str, str], DatasetRef] = {}
    for value in values:
        for member in value if isinstance(value, list | tuple) else [value]:
            # What is none after all is an error of the task that reads it, and not of what reports it.
            with suppress(DatasetError):
                if is_reference_of_dataset(member):
                    reference = DatasetRef.from_dict(member)
                    references[reference.uri, reference.sha256] = reference
    return list(references.values())
