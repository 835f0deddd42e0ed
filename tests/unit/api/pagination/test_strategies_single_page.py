"""Lists that come in one answer."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_partners.api.pagination.strategies import SinglePagePaginator
from airflow_provider_partners.exceptions import PagingError


def test_a_single_page_list_is_requested_once() -> None:
    whole, limited = (
        SinglePagePaginator(size=100, size_param="", total_paths=("total",)),
        SinglePagePaginator(size=2, total_paths=("total",)),
    )

    assert (whole.params({}), limited.params({})) == ({}, {"limit": 2})
    assert whole.next({}, body={"total": 3}, records=[{}] * 3) is None
    assert limited.next({}, body={}, records=[{}]) is None
    assert limited.next({}, body={"total": 2}, records=[{}] * 2) is None
    assert (whole.start(), whole.predict_next({})) == ({}, None)


@pytest.mark.parametrize(
    ("body", "rows"), [({"total": 3}, 2), ({}, 2), ({"has_more": True, "total": 1}, 1), ({"has_more": True}, 0)]
)
def test_a_single_page_list_with_more_records_is_an_error(body: dict[str, Any], rows: int) -> None:
    with pytest.raises(PagingError, match="no way to ask for the rest"):
        SinglePagePaginator(size=2, total_paths=("total",)).next({}, body=body, records=[{}] * rows)
