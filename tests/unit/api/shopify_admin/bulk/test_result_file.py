"""The file of a bulk operation: lines joined wherever they stand, in bounded memory, and nothing lost in silence."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_partners.api.shopify_admin.bulk.result_file import JoinedFile, read_lines
from airflow_provider_partners.exceptions import UnexpectedResponseError

ORDERS = {"Order": {"LineItem": "lineItems"}}
NESTED = {"Product": {"ProductVariant": "variants"}, "ProductVariant": {"Metafield": "metafields"}}


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def line(kind: str, number: int, parent: str | None = None, **fields: object) -> dict:
    return {"id": gid(kind, number), **fields, **({"__parentId": parent} if parent else {})}


def written(path: Path, *rows: dict) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def joined(file: Path, connections: dict = ORDERS, **options: object) -> JoinedFile:
    return JoinedFile(file, file.with_name("index.sqlite"), connections=connections, **options)  # type: ignore[arg-type]


def everything(file: Path, connections: dict = ORDERS, **options: object) -> list[dict]:
    with joined(file, connections, **options) as found:
        return found.read(0, 1_000)


def test_lines_are_listed_in_what_they_belong_to(file: Path) -> None:
    order = gid("Order", 1)
    written(file, line("Order", 1, name="#1"), line("LineItem", 7, order, quantity=2), line("LineItem", 8, order))
    assert everything(file) == [
        {
            "id": order,
            "name": "#1",
            "lineItems": [{"id": gid("LineItem", 7), "quantity": 2}, {"id": gid("LineItem", 8)}],
        }
    ]


def test_an_object_without_lines_has_empty_lists(file: Path) -> None:
    assert everything(written(file, line("Order", 1))) == [{"id": gid("Order", 1), "lineItems": []}]


def test_lines_may_stand_anywhere(file: Path) -> None:
    rows = [line("Order", number) for number in range(40)]
    rows += [line("LineItem", number, gid("Order", number % 40)) for number in range(400)]
    random.Random(1).shuffle(rows)
    found = everything(written(file, *rows))
    assert [row["id"] for row in found] == [row["id"] for row in rows if "__parentId" not in row]
    for row in found:
        listed = [int(each["id"].rpartition("/")[2]) for each in row["lineItems"]]
        assert sorted(listed) == [number for number in range(400) if gid("Order", number % 40) == row["id"]]


def test_lines_of_one_object_keep_their_order(file: Path) -> None:
    order, other = gid("Order", 1), gid("Order", 2)
    written(file, line("LineItem", 9, order), line("Order", 2), line("LineItem", 3, other), line("Order", 1),
            line("LineItem", 1, order))  # fmt: skip
    assert [[each["id"][-1] for each in row["lineItems"]] for row in everything(file)] == [["3"], ["9", "1"]]


def test_lines_may_belong_to_lines(file: Path) -> None:
    product, variant = gid("Product", 1), gid("ProductVariant", 5)
    written(file, line("Metafield", 9, variant, value="x"), line("Product", 1), line("ProductVariant", 5, product))
    assert everything(file, NESTED) == [
        {"id": product, "variants": [{"id": variant, "metafields": [{"id": gid("Metafield", 9), "value": "x"}]}]}
    ]


def test_objects_are_read_from_any_place(file: Path) -> None:
    written(file, *(line("Order", number) for number in range(10)))
    with joined(file) as found:
        assert len(found) == found.root_count == found.line_count == 10
        assert [row["id"][-1] for row in found.read(3, 4)] == ["3", "4", "5", "6"]
        assert [row["id"][-1] for row in found.read(8, 4)] == ["8", "9"]
        assert found.read(10, 4) == []


def test_an_object_that_comes_again_is_given_once_as_it_came_last(file: Path) -> None:
    written(file, line("Order", 1, name="old"), line("Order", 2), line("Order", 1, name="new"), line("Order", 3))
    with joined(file) as found:
        assert (found.root_count, len(found)) == (4, 3)
        rows = found.read(0, 2) + found.read(2, 2)
    assert [(row["id"][-1], row.get("name")) for row in rows] == [("1", "new"), ("2", None), ("3", None)]


def test_lines_that_belong_to_nothing_are_an_error(file: Path) -> None:
    written(file, line("Order", 1), line("LineItem", 1, gid("Order", 2)))
    with pytest.raises(UnexpectedResponseError, match=r"1 lines .* not in it"):
        joined(file)


def test_lines_of_a_kind_that_was_not_asked_for_are_an_error(file: Path) -> None:
    written(file, line("Order", 1), line("Refund", 1, gid("Order", 1)))
    with pytest.raises(UnexpectedResponseError, match="a Refund in a Order"):
        everything(file)


@pytest.mark.parametrize("broken", [b'{"id": "gid://shopify/Ord', b"[]\n", b'{"name": "#1"}\n', b'{"id": 7}\n'])
def test_a_line_that_is_no_object_with_an_id_is_an_error(file: Path, broken: bytes) -> None:
    file.write_bytes(b'{"id": "gid://shopify/Order/1"}\n' + broken)
    with pytest.raises(UnexpectedResponseError, match="line 2 "):
        joined(file)


def test_an_error_tells_nothing_of_what_a_line_holds(file: Path) -> None:
    file.write_bytes(b'{"id": "gid://shopify/Order/1", "email": "ada@example.com')
    with pytest.raises(UnexpectedResponseError) as caught:
        joined(file)
    assert "ada" not in f"{caught.value} {caught.value!r} {caught.value.__cause__} {caught.value.__context__}"


def test_only_the_last_line_of_a_file_that_breaks_off_may_be_broken(file: Path) -> None:
    whole = b'{"id": "gid://shopify/Order/1"}\n'
    file.write_bytes(whole + b'{"id": "gid://shop')
    assert [each.id for each in read_lines(file, allow_truncated=True)] == [gid("Order", 1)]
    file.write_bytes(b'{"id": "gid://shop\n' + whole)
    with pytest.raises(UnexpectedResponseError, match="line 1 "):
        list(read_lines(file, allow_truncated=True))


def test_empty_lines_count_for_nothing(file: Path) -> None:
    file.write_bytes(b'\n{"id": "gid://shopify/Order/1"}\n\n')
    with joined(file) as found:
        assert found.line_count == 1


def test_an_empty_file_has_no_objects(file: Path) -> None:
    assert everything(written(file)) == []


def test_objects_that_are_not_wanted_are_left_out_with_their_lines(file: Path) -> None:
    written(file, line("Order", 1), line("LineItem", 1, gid("Order", 1)), line("Order", 2))
    found = everything(file, wanted=lambda row: row["id"].endswith("2"))
    assert [row["id"][-1] for row in found] == ["2"]


def scattered(orders: int) -> Iterator[dict]:
    """All objects first, then all their lines: nothing can be joined before the end."""
    for number in range(orders):
        yield line("Order", number, note="x" * 200)
    for place in range(4):
        for number in range(orders):
            yield line("LineItem", number * 4 + place, gid("Order", number), title="y" * 100)


def test_memory_does_not_grow_with_the_file(file: Path) -> None:
    with file.open("w") as out:
        out.writelines(json.dumps(row) + "\n" for row in scattered(10_000))
    assert file.stat().st_size > 8_000_000
    tracemalloc.start()
    try:
        rows = listed = at = 0
        with joined(file) as found:
            assert found.line_count == 50_000
            while some := found.read(at, 200):
                at += len(some)
                rows += len(some)
                listed += sum(len(row["lineItems"]) for row in some)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (rows, listed) == (10_000, 40_000)
    assert peak < 4_000_000
