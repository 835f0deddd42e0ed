"""What one try of a task has read and written, remembered while it works.

Asset events, lineage, links and metrics are all told from here, so that they agree with each other and with the
manifests, and none of them has to ask anyone. Holds names and counts, no records. Knows no partner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import MANIFEST

if TYPE_CHECKING:
    from airflow_provider_partners.hooks.base import PartnerHook


class PartnerList(NamedTuple):
    """A list of an account at a partner, such as the orders of a store."""

    api: str
    """The connection's type, such as ``yotpo``."""
    account: str
    resource: str
    rows: int | None = None
    """How many rows were read or written."""


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What a try of a task did so far.

    :param api: the API it uses, by the connection's type
    :param account: whose data it is there
    :param host: that is asked
    :param shop: the shop that the data belong to, where the account is none
    :param asked: lists that were read at a partner
    :param changed: lists that were written at a partner
    :param written: finished datasets, the one that the task returns first
    :param records: that were read or written at the partner by this very try
    :param rejects: that this very try has set aside
    :param facts: what else an asset event tells
    """

    api: str | None = None
    account: str | None = None
    host: str | None = None
    shop: str | None = None
    asked: list[PartnerList] = field(default_factory=list)
    changed: list[PartnerList] = field(default_factory=list)
    written: list[DatasetRef] = field(default_factory=list)
    records: int = 0
    rejects: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    def using(self, hook: PartnerHook[Any]) -> None:
        """Take note of whom the task talks to.

        :param hook: whose connection was read
        """
        self.api, self.account, self.host = hook.conn_type, hook.account, hook.host

    def read_list(self, resource: str, rows: int | None = None) -> None:
        """A list of the partner's is read.

        :param resource: the list
        :param rows: how many rows there were, once that is known
        """
        if self.api and self.account:
            self.asked = [self._list(resource, rows)]

    def wrote_list(self, resource: str, rows: int) -> None:
        """Records were written at the partner.

        :param resource: the list
        :param rows: how many of them it has taken so far
        """
        if rows and self.api and self.account:
            self.changed = [self._list(resource, rows)]

    def wrote(self, *references: DatasetRef | None, rejects: int = 0, **facts: Any) -> None:
        """Datasets are finished.

        :param references: the task's own first, then those beside it
        :param rejects: how many records were set aside, by earlier tries too
        :param facts: what else an asset event tells: counts, small and free of customers' data
        """
        self.written = [reference for reference in references if reference is not None]
        self.facts = {"rejects": rejects, **facts}

    def lists(self) -> list[PartnerList]:
        """The partner's lists that the task is about: those that it has written, or else read.

        A task that planned without writing has changed none.
        """
        return self.changed if self.changed or self.facts.get("dry_run") is not None else self.asked

    def told(self) -> dict[str, Any] | None:
        """What an asset event says of the task's dataset; ``None`` where there is none."""
        if not self.written:
            return None
        made = self.written[0]
        return {
            "source": made.source,
            "resource": made.resource,
            "rows": made.records,
            "bytes": made.bytes,
            "window": made.window,
            "manifest": f"{made.uri.rstrip('/')}/{MANIFEST}",
            "sha256": made.sha256,
            **self.facts,
        }

    def _list(self, resource: str, rows: int | None) -> PartnerList:
        return PartnerList(self.api or "", self.account or "", resource, rows)


def references(values: Iterable[Any]) -> list[DatasetRef]:
    """The dataset references among arguments of a task; each once.

    :param values: anything, rendered or not
    """
    found: dict[tuple[str, str], DatasetRef] = {}
    for value in values:
        if isinstance(value, Mapping) and {"uri", "source", "resource"} <= set(value):
            reference = DatasetRef.from_dict(value)
            found[reference.uri, reference.sha256] = reference
    return list(found.values())
