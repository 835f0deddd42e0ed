"""What one try of a task has read and written, remembered while it works.

Asset events, lineage, links and metrics are all told from here, so that they agree with each other and with the
manifests, and none of them has to ask anyone. Holds names and counts, no records. Knows no partner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import MANIFEST_FILE

if TYPE_CHECKING:
    from airflow_provider_partners.hooks.base import PartnerHook


class PartnerList(NamedTuple):
    """A list of an account at a partner, such as the orders of a store."""

    api: str
    """The connection's type, such as ``yotpo``."""
    account: str
    resource: str
    records: int | None = None
    """How many rows were read or written."""


@dataclass(slots=True, kw_only=True)
class TaskActivity:
    """What a try of a task did so far.

    :param api: the API it uses, by the connection's type
    :param account: whose data it is there
    :param host: that is asked
    :param shop: the shop that the data belong to, where the account is none
    :param lists_read: lists that were read at a partner
    :param lists_written: lists that were written at a partner
    :param datasets_written: finished datasets, the one that the task returns first
    :param records: that were read or written at the partner by this very try
    :param rejects: that this very try has set aside
    :param facts: what else an asset event tells
    """

    api: str | None = None
    account: str | None = None
    host: str | None = None
    shop: str | None = None
    lists_read: list[PartnerList] = field(default_factory=list)
    lists_written: list[PartnerList] = field(default_factory=list)
    datasets_written: list[DatasetRef] = field(default_factory=list)
    records: int = 0
    rejects: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    def set_partner(self, hook: PartnerHook[Any]) -> None:
        """Take note of whom the task talks to.

        :param hook: whose connection was read
        """
        self.api, self.account, self.host = hook.conn_type, hook.account, hook.host

    def set_list_read(self, resource: str, records: int | None = None) -> None:
        """A list of the partner's is read.

        :param resource: the list
        :param records: how many rows there were, once that is known
        """
        if self.api and self.account:
            self.lists_read = [self._partner_list(resource, records)]

    def set_list_written(self, resource: str, records: int) -> None:
        """Records were written at the partner.

        :param resource: the list
        :param records: how many of them it has taken so far
        """
        if records and self.api and self.account:
            self.lists_written = [self._partner_list(resource, records)]

    def set_datasets_written(self, *references: DatasetRef | None, rejects: int = 0, **facts: Any) -> None:
        """Datasets are finished.

        :param references: the task's own first, then those beside it
        :param rejects: how many records were set aside, by earlier tries too
        :param facts: what else an asset event tells: counts, small and free of customers' data
        """
        self.datasets_written = [reference for reference in references if reference is not None]
        self.facts = {"rejects": rejects, **facts}

    def event_lists(self) -> list[PartnerList]:
        """The partner's lists that the task is about: those that it has written, or else read.

        A task that planned without writing has changed none.
        """
        return self.lists_written if self.lists_written or self.facts.get("dry_run") is not None else self.lists_read

    def asset_event_extra(self) -> dict[str, Any] | None:
        """What an asset event says of the task's dataset; ``None`` where there is none."""
        if not self.datasets_written:
            return None
        made = self.datasets_written[0]
        return {
            "source": made.source,
            "resource": made.resource,
            "rows": made.records,
            "bytes": made.bytes,
            "window": made.window,
            "manifest": f"{made.uri.rstrip('/')}/{MANIFEST_FILE}",
            "sha256": made.sha256,
            **self.facts,
        }

    def _partner_list(self, resource: str, records: int | None) -> PartnerList:
        return PartnerList(self.api or "", self.account or "", resource, records)


def dataset_references(values: Iterable[Any]) -> list[DatasetRef]:
    """The dataset references among arguments of a task; each once.

    :param values: anything, rendered or not
    """
    found: dict[tuple[str, str], DatasetRef] = {}
    for value in values:
        if isinstance(value, Mapping) and {"uri", "source", "resource"} <= set(value):
            reference = DatasetRef.from_dict(value)
            found[reference.uri, reference.sha256] = reference
    return list(found.values())
