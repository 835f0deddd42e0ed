"""Warn once of a parameter or filter that the server may not know.

Voucherify's page "Fetching Data" (https://docs.voucherify.io/api-reference/listing) documents shortcuts and filters
that the newer OpenAPI description lacks. They are sent as that page documents them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from airflow_provider_partners.api.voucherify.resources.model import LISTING_PAGE, VoucherifyResource

if TYPE_CHECKING:
    from airflow_provider_partners.api.voucherify.pages import QueryParams, TimeSelection

__all__ = ["warn_of_undescribed"]

log = logging.getLogger("airflow_provider_partners.api")

_FILTER = re.compile(r"filters\[(.+?)]\[conditions]")


def warn_of_undescribed(
    resource: VoucherifyResource,
    parameters: QueryParams,
    queries: Sequence[QueryParams],
    selection: TimeSelection,
    warned: set[tuple[str, str]],
) -> None:
    """Warn of each name that only the page documents. A client warns once of each.

    :param parameters: the list's own parameters
    :param queries: the parameters of the filters
    :param selection: the time range
    :param warned: list and name of the warnings so far
    """
    params = [*parameters, *(pair for query in queries for pair in query), *selection.params()]
    for name in dict.fromkeys(_undescribed_names(resource, params)):
        if (resource.name, name) not in warned:
            warned.add((resource.name, name))
            log.warning(
                "Voucherify %s: sending '%s' as %s documents it. The API's newer description doesn't have it, and a "
                "server that doesn't know it returns the records without this condition.%s",
                resource.name,
                name,
                LISTING_PAGE,
                _alternative(resource, name),
            )


def _undescribed_names(resource: VoucherifyResource, params: QueryParams) -> Iterator[str]:
    described_times = {name for time in resource.times.values() for name in (time.after, time.before)}
    roots = resource.undescribed | {name for name, time in resource.time_params.items() if time.undescribed}
    for name, _ in params:
        root, condition = name.partition("[")[0], _FILTER.match(name)
        if condition is None and root in roots:
            yield root
        elif (
            condition is not None
            and name.removesuffix("[0]") not in described_times
            and _is_undescribed(resource, condition[1])
        ):
            yield f"filters[{condition[1]}]"


def _is_undescribed(resource: VoucherifyResource, field: str) -> bool:
    """Return True if only the page has the field of ``filters``; ``metadata.*`` stands for all that begin so."""
    names = resource.undescribed_filters
    return "*" in names or field in names or any(name[-1] == "*" and field.startswith(name[:-1]) for name in names)


def _alternative(resource: VoucherifyResource, name: str) -> str:
    if name in resource.filters:
        return f" Both have the filter of this name: filters={{'{name}': {{'conditions': {{'$is': …}}}}}}."
    return " The client itself leaves out the records outside of the range." if name == "created_at" else ""
