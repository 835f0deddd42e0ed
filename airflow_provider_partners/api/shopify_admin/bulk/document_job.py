"""A user's query as one bulk operation."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob
from airflow_provider_partners.api.shopify_admin.bulk.placement import MarkedPlaces, Place
from airflow_provider_partners.api.shopify_admin.bulk.records import BulkFile

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DocumentBulkJob"]


@dataclass(frozen=True, kw_only=True)
class DocumentBulkJob(BulkJob):
    """One query of a user that a bulk operation answers.

    A failed operation leaves nothing to use: only the lists of our own have an order in which they can be completed.

    :param name: of the records
    :param key: the fields that identify a record
    :param places: the connections below the root, by the field that marks their lines
    """

    name: str
    key: tuple[str, ...]
    places: Mapping[str, Place] = field(repr=False)
    list_query: Any = None

    @property
    def resource(self) -> str:
        """The name of the records."""
        return self.name

    def _extraction_fields(self, job_id: str, **request: Any) -> dict[str, Any]:
        return {**super()._extraction_fields(job_id, **request), "key": self.key, "declared_types": {}}

    def _bulk_file(self, job_id: str, url: str, **options: Any) -> BulkFile:
        return BulkFile(
            name=f"{self.name} of {job_id}",
            download=partial(self._download, job_id, url),
            placement=MarkedPlaces(self.places),
            max_bytes=self.max_bytes,
            **options,
        )
