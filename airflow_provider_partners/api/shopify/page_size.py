"""The size of a page: smaller after Shopify finds it too costly, or runs out of time with it.

A heavy page of a slow shop ends in HTTP 504, in ``INTERNAL_SERVER_ERROR`` or ``Timeout`` with HTTP 200, or without an
answer. The same page goes through with fewer objects (https://github.com/singer-io/tap-shopify/issues/227).
"""

from __future__ import annotations

import logging
import threading
from typing import Protocol, TypeVar

from airflow_provider_partners.arguments import check_count
from airflow_provider_partners.exceptions import ConfigurationError, TimedOutError

log = logging.getLogger(__name__)

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

MAX_TIMEOUTS = 2
"""Attempts at one page size that may run out of time. One such failure may pass, two in a row are due to the size."""


class QueryTooCostlyError(ConfigurationError):
    """A query above Shopify's limit of points; a smaller page may pass."""


class FetchPage(Protocol[T_co]):
    """Sends the request of one page."""

    def __call__(self, size: int, *, max_timeouts: int | None) -> T_co:
        """Fetch a page.

        :param size: number of objects
        :param max_timeouts: attempts that may run out of time; ``None`` for as many as for other failures
        """


class AdaptivePageSize:
    """The number of objects per request, halved whenever Shopify cannot answer so many. Thread-safe.

    The smaller size stays for all later pages.

    :param size: the initial size
    """

    def __init__(self, size: int) -> None:
        check_count("page_size", size)
        self._size = size
        self._lock = threading.Lock()

    def call(self, fetch: FetchPage[T]) -> T:
        """Call ``fetch`` with the largest size that Shopify answers.

        :param fetch: sends a request for that many objects
        :raises ConfigurationError: if a single object costs too much
        :raises TimedOutError: if Shopify runs out of time with a single object
        """
        while True:
            size = self._size
            try:
                return fetch(size, max_timeouts=MAX_TIMEOUTS if size > 1 else None)
            except QueryTooCostlyError as error:
                if size <= 1:
                    message = "a single object costs more than Shopify allows for a query"
                    remedy = "Request fewer 'fields'."
                    raise ConfigurationError(message, remedy=remedy, request_id=error.request_id) from error
            except TimedOutError as error:
                if size <= 1:
                    raise
                log.info("Shopify ran out of time with %d objects per page, now %d: %s", size, size // 2, error)
            with self._lock:
                self._size = min(self._size, size // 2)
