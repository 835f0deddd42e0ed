"""A fake list with three pages of two claims, and an operator that extracts it; no network."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.api.pagination.page import Page
from airflow_provider_partners.api.pagination.strategies import PageNumberPaginator
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.exceptions import TransientError
from airflow_provider_partners.operators.extract import ExtractOperator
from airflow_provider_partners.windows import Window
from fakes.hook import hook_of

NINE, TEN = datetime(2026, 5, 1, 9, tzinfo=UTC), datetime(2026, 5, 1, 10, tzinfo=UTC)
RECORDS = [{"id": str(number)} for number in range(6)]


class Client:
    """Returns three pages of two records, and remembers its query."""

    def __init__(self, fails_at=None):
        self.query, self.fetched, self.fails_at, self.stats = None, [], fails_at, RequestStats()

    def extract(self, resource, **query):
        self.query = {"resource": resource, **query}
        window = Window(query["since"], query["until"]) if "since" in query else None
        request = {"resource": resource, "window": window.to_dict() if window else None}
        return Extraction(
            source="yofi",
            resource=resource,
            request=request,
            segments=[Segment("all", self.page)],
            account="a.myshopify.com",
            window=window,
        )

    def page(self, cursor):
        number = cursor.get("page", 0)
        if number == self.fails_at:
            raise TransientError("the network is down")
        self.fetched.append(number)
        self.stats.on_request("claims.list")
        return Page(
            records=RECORDS[number * 2 : number * 2 + 2], next={"page": number + 1} if number < 2 else None, total=6
        )


class ClaimsOperator(ExtractOperator):
    @classmethod
    def available_resources(cls) -> dict[str, Resource]:
        return {
            "claims": Resource(name="claims", paginator=PageNumberPaginator(size=2), time_field="created_at"),
            "customers": Resource(name="customers", paginator=PageNumberPaginator(size=2)),
        }

    def __init__(self, *, client, filters=None, shop=None, **kwargs):
        super().__init__(task_id="extract", **kwargs)
        self.client, self.filters, self.shop = client, filters, shop

    def query_filters(self):
        return {"filters": self.filters}

    def hook(self):
        return hook_of(self.client, hook_name="Yofi", conn_type="yofi", conn_id="yofi_default", host="yofi.example")


def run(context, client=None, **arguments):
    client = client or Client()
    return client, ClaimsOperator(client=client, workers=1, **{"resource": "claims", **arguments}).execute(context)
