"""One question to a list of the Admin API: what is asked of which objects, and the parts of a walk that ask it.

Must not know a user's arguments: they have been understood before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import Segment, batches
from airflow_provider_partners.api.shopify_admin_pages import NodePages, SearchPages
from airflow_provider_partners.api.shopify_admin_resources import IDS_AT_ONCE, within
from airflow_provider_partners.api.shopify_search import OpenSpan, Span, many, pieces, search

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.api.graphql import GraphQLCaller
    from airflow_provider_partners.api.messages import Record
    from airflow_provider_partners.api.shopify_admin_documents import Listing
    from airflow_provider_partners.api.shopify_cost import PageSize
    from airflow_provider_partners.api.shopify_nested import Completer


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a list.

    :param caller: sends the documents
    :param completer: makes objects whole
    :param listing: the list
    :param selection: what is asked of each object
    :param size: of a page
    :param extra: a search of the user's, which must hold as well
    """

    caller: GraphQLCaller = field(repr=False)
    completer: Completer = field(repr=False)
    listing: Listing
    selection: str
    size: PageSize
    extra: str | None = None

    def pieces(self, span: Span) -> list[Span]:
        """A span, cut so small that each piece can be read whole.

        :param span: on whole seconds
        """
        return list(pieces(span, count=self._count))

    def crowded(self, span: Span) -> bool:
        """Whether a span holds as many objects as Shopify counts, or more.

        :param span: on whole seconds
        """
        return many(self._count(span))

    def searched(self, parts: Sequence[Span]) -> list[Segment]:
        """The segments that read spans in order of change.

        :param parts: of :meth:`pieces`
        """
        document = self.listing.search(self.selection)
        pages = [
            SearchPages(
                caller=self.caller,
                completer=self.completer,
                resource=self.listing.name,
                document=document,
                query=search(part, self.extra),
                size=self.size,
            )
            for part in parts
        ]
        return [
            Segment(name=f"{self.listing.name} {search(part, None)}", fetch=each.fetch)
            for part, each in zip(parts, pages, strict=True)
        ]

    def matched(self, ids: list[str], span: OpenSpan = (None, None)) -> list[Segment]:
        """The segments that read objects by their ids.

        :param ids: global ids
        :param span: when they must have changed
        """
        document = self.listing.by_id(self.selection)
        pages = [
            NodePages(
                caller=self.caller,
                completer=self.completer,
                resource=self.listing.name,
                kind=self.listing.node,
                document=document,
                ids=some,
                size=self.size,
                wanted=partial(within, span),
            )
            for some in batches(ids, IDS_AT_ONCE)
        ]
        return [
            Segment(name=f"{self.listing.name} {each.ids[0]} to {each.ids[-1]}", fetch=each.fetch) for each in pages
        ]

    def read(self, ids: list[str]) -> list[Record]:
        """Objects by their ids, at once; those that exist.

        :param ids: global ids
        """
        return [record for segment in self.matched(ids) for record in segment.fetch({}).records]

    def _count(self, span: Span) -> Mapping[str, Any]:
        variables = {"query": search(span, self.extra)}
        data = self.caller.execute(self.listing.counting, variables, label=f"{self.listing.name}.count").data
        counted: Mapping[str, Any] = data.get(self.listing.count) or {}
        return counted
