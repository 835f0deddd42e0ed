"""One question to a list of the Admin API: what is asked of which objects, and the parts of a walk that ask it.

Must not know a user's arguments: they have been understood before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import Segment, batches
from airflow_provider_partners.api.shopify_admin_pages import NodeFetcher, SearchFetcher
from airflow_provider_partners.api.shopify_admin_resources import IDS_PER_QUERY, changed_within
from airflow_provider_partners.api.shopify_search import OpenTimeRange, TimeRange, build_search, is_capped, split_range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.api.graphql import GraphQLCaller
    from airflow_provider_partners.api.messages import Record
    from airflow_provider_partners.api.shopify_admin_documents import ListDocuments
    from airflow_provider_partners.api.shopify_cost import AdaptivePageSize
    from airflow_provider_partners.api.shopify_nested import NestedConnectionLoader


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What is asked of a list.

    :param caller: sends the documents
    :param loader: makes objects whole
    :param documents: the list
    :param selection: what is asked of each object
    :param page_size: of a page
    :param user_query: a search of the user's, which must hold as well
    """

    caller: GraphQLCaller = field(repr=False)
    loader: NestedConnectionLoader = field(repr=False)
    documents: ListDocuments
    selection: str
    page_size: AdaptivePageSize
    user_query: str | None = None

    def split_range(self, time_range: TimeRange) -> list[TimeRange]:
        """A span, cut so small that each piece can be read whole.

        :param time_range: on whole seconds
        """
        return list(split_range(time_range, count=self._count_range))

    def is_capped(self, time_range: TimeRange) -> bool:
        """Whether a span holds as many objects as Shopify counts, or more.

        :param time_range: on whole seconds
        """
        return is_capped(self._count_range(time_range))

    def search_segments(self, time_ranges: Sequence[TimeRange]) -> list[Segment]:
        """The segments that read spans in order of change.

        :param time_ranges: of :meth:`pieces`
        """
        document = self.documents.search_document(self.selection)
        pages = [
            SearchFetcher(
                caller=self.caller,
                loader=self.loader,
                resource=self.documents.name,
                document=document,
                query=build_search(part, self.user_query),
                page_size=self.page_size,
            )
            for part in time_ranges
        ]
        return [
            Segment(name=f"{self.documents.name} {build_search(part, None)}", fetch=each.fetch)
            for part, each in zip(time_ranges, pages, strict=True)
        ]

    def id_segments(self, ids: list[str], time_range: OpenTimeRange = (None, None)) -> list[Segment]:
        """The segments that read objects by their ids.

        :param ids: global ids
        :param time_range: when they must have changed
        """
        document = self.documents.by_id_document(self.selection)
        pages = [
            NodeFetcher(
                caller=self.caller,
                loader=self.loader,
                resource=self.documents.name,
                node_type=self.documents.node_type,
                document=document,
                ids=some,
                page_size=self.page_size,
                is_included=partial(changed_within, time_range),
            )
            for some in batches(ids, IDS_PER_QUERY)
        ]
        return [
            Segment(name=f"{self.documents.name} {each.ids[0]} to {each.ids[-1]}", fetch=each.fetch) for each in pages
        ]

    def fetch_by_ids(self, ids: list[str]) -> list[Record]:
        """Objects by their ids, at once; those that exist.

        :param ids: global ids
        """
        return [record for segment in self.id_segments(ids) for record in segment.fetch({}).records]

    def _count_range(self, time_range: TimeRange) -> Mapping[str, Any]:
        variables = {"query": build_search(time_range, self.user_query)}
        data = self.caller.execute(self.documents.count_document, variables, label=f"{self.documents.name}.count").data
        counted: Mapping[str, Any] = data.get(self.documents.count_field) or {}
        return counted
