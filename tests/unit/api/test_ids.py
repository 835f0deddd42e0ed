"""Ids for look-ups: without duplicates, and in batches that fit into a URL."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from airflow_provider_partners.api.ids import id_batches, ids_digest, unique_ids


def test_unique_ids_drops_duplicates_and_empty_ids() -> None:
    assert unique_ids(["b", 7, "a", "7", None, "", "b"]) == ["b", "7", "a"]


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (7, [3, 3, 1])])
def test_id_batches_are_limited_by_number(count: int, sizes: list[int]) -> None:
    assert [len(batch) for batch in id_batches(map(str, range(count)), size=3)] == sizes


def test_id_batches_are_limited_by_url_length() -> None:
    ids = ["ü" * 10] * 3 + ["x" * 500, "y"]

    listed = list(id_batches(ids, size=100, max_length=130, encode="'{}',".format))

    assert [id_ for batch in listed for id_ in batch] == ids
    assert [len(batch) for batch in listed] == [1, 1, 1, 1, 1]
    assert (
        len(
            list(
                id_batches(
                    ids[:3], size=100, max_length=3 * len(quote("'üüüüüüüüüü',", safe="")), encode="'{}',".format
                )
            )
        )
        == 1
    )


def test_an_id_with_half_of_a_surrogate_pair_ends_no_look_up() -> None:
    """UTF-8 has no form of it (RFC 3629, section 3), and a template may have made one."""
    assert list(id_batches(["a\ud83d", "b"], size=10)) == [["a\ud83d", "b"]]


def test_a_digest_identifies_ids_without_containing_them() -> None:
    assert ids_digest(["1", "2"]) == ids_digest(iter(["1", "2"]))
    assert ids_digest(["1", "2"]) != ids_digest(["12"])
    assert ids_digest(["1", "2"])["ids"] == 2
    assert "98765" not in str(ids_digest(["98765"]))
