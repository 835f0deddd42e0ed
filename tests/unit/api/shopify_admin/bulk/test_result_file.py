"""The file of a bulk operation: lines are joined in any order and in constant memory, and losses are errors."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_partners.api.shopify_admin.bulk.placement import TypedPlaces
from airflow_provider_partners.api.shopify_admin.bulk.result_file import JoinedFile, read_lines
from airflow_provider_partners.exceptions import UnexpectedResponseError

ORDERS = {"Order": {"LineItem": "lineItems"}}
NESTED = {"Product": {"ProductVariant": "variants"}, "ProductVariant": {"Metafield": "metafields"}}


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def line(kind: str, number: int, parent: str | None = None, **fields: object) -> dict:
    return {"id": gid(kind, number), **fields, **({"__parentId": parent} if parent else {})}


def write_lines(path: Path, *lines: dict) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "result.jsonl"


def join(file: Path, connections: dict = ORDERS, **options: object) -> JoinedFile:
    return JoinedFile(file, file.with_name("index.sqlite"), placement=TypedPlaces(connections), **options)  # type: ignore[arg-type]


def read_all(file: Path, connections: dict = ORDERS, **options: object) -> list[dict]:
    with join(file, connections, **options) as joined:
        return joined.read(0, 1_000)


def test_lines_are_added_to_their_parents(file: Path) -> None:
    order = gid("Order", 1)
    write_lines(file, line("Order", 1, name="#1"), line("LineItem", 7, order, quantity=2), line("LineItem", 8, order))
    assert read_all(file) == [
        {
            "id": order,
            "name": "#1",
            "lineItems": [{"id": gid("LineItem", 7), "quantity": 2}, {"id": gid("LineItem", 8)}],
        }
    ]


def test_an_object_without_lines_has_empty_lists(file: Path) -> None:
    assert read_all(write_lines(file, line("Order", 1))) == [{"id": gid("Order", 1), "lineItems": []}]


def test_lines_may_be_anywhere(file: Path) -> None:
    lines = [line("Order", number) for number in range(40)]
    lines += [line("LineItem", number, gid("Order", number % 40)) for number in range(400)]
    random.Random(1).shuffle(lines)
    orders = read_all(write_lines(file, *lines))
    assert [order["id"] for order in orders] == [line["id"] for line in lines if "__parentId" not in line]
    for order in orders:
        numbers = [int(item["id"].rpartition("/")[2]) for item in order["lineItems"]]
        assert sorted(numbers) == [number for number in range(400) if gid("Order", number % 40) == order["id"]]


def test_lines_of_one_object_keep_their_order(file: Path) -> None:
    order, other = gid("Order", 1), gid("Order", 2)
    write_lines(file, line("LineItem", 9, order), line("Order", 2), line("LineItem", 3, other), line("Order", 1),
            line("LineItem", 1, order))  # fmt: skip
    assert [[each["id"][-1] for each in order["lineItems"]] for order in read_all(file)] == [["3"], ["9", "1"]]


def test_lines_may_have_lines_of_their_own(file: Path) -> None:
    product, variant = gid("Product", 1), gid("ProductVariant", 5)
    write_lines(file, line("Metafield", 9, variant, value="x"), line("Product", 1), line("ProductVariant", 5, product))
    assert read_all(file, NESTED) == [
        {"id": product, "variants": [{"id": variant, "metafields": [{"id": gid("Metafield", 9), "value": "x"}]}]}
    ]


def test_objects_are_read_from_any_position(file: Path) -> None:
    write_lines(file, *(line("Order", number) for number in range(10)))
    with join(file) as joined:
        assert len(joined) == joined.root_count == joined.line_count == 10
        assert [record["id"][-1] for record in joined.read(3, 4)] == ["3", "4", "5", "6"]
        assert [record["id"][-1] for record in joined.read(8, 4)] == ["8", "9"]
        assert joined.read(10, 4) == []


def test_a_repeated_object_is_returned_once_with_its_last_content(file: Path) -> None:
    write_lines(file, line("Order", 1, name="old"), line("Order", 2), line("Order", 1, name="new"), line("Order", 3))
    with join(file) as joined:
        assert (joined.root_count, len(joined)) == (4, 3)
        records = joined.read(0, 2) + joined.read(2, 2)
    assert [(record["id"][-1], record.get("name")) for record in records] == [("1", "new"), ("2", None), ("3", None)]


def test_lines_without_a_parent_in_the_file_are_an_error(file: Path) -> None:
    write_lines(file, line("Order", 1), line("LineItem", 1, gid("Order", 2)))
    with pytest.raises(UnexpectedResponseError, match=r"1 lines .* not in it"):
        join(file)


def test_lines_of_an_unrequested_type_are_an_error(file: Path) -> None:
    write_lines(file, line("Order", 1), line("Refund", 1, gid("Order", 1)))
    with pytest.raises(UnexpectedResponseError, match="a Refund in a Order"):
        read_all(file)


@pytest.mark.parametrize("broken", [b'{"id": "gid://shopify/Ord', b"[]\n", b'{"name": "#1"}\n', b'{"id": 7}\n'])
def test_a_line_without_an_object_and_id_is_an_error(file: Path, broken: bytes) -> None:
    file.write_bytes(b'{"id": "gid://shopify/Order/1"}\n' + broken)
    with pytest.raises(UnexpectedResponseError, match="line 2 "):
        join(file)


def test_an_error_shows_no_content_of_a_line(file: Path) -> None:
    file.write_bytes(b'{"id": "gid://shopify/Order/1", "email": "ada@example.com')
    with pytest.raises(UnexpectedResponseError) as caught:
        join(file)
    assert "ada" not in f"{caught.value} {caught.value!r} {caught.value.__cause__} {caught.value.__context__}"


def test_only_the_last_line_of_a_truncated_file_may_be_incomplete(file: Path) -> None:
    complete = b'{"id": "gid://shopify/Order/1"}\n'
    file.write_bytes(complete + b'{"id": "gid://shop')
    assert [each.id for each in read_lines(file, allow_truncated=True)] == [gid("Order", 1)]
    file.write_bytes(b'{"id": "gid://shop\n' + complete)
    with pytest.raises(UnexpectedResponseError, match="line 1 "):
        list(read_lines(file, allow_truncated=True))


def test_a_line_that_is_too_long_is_an_error(file: Path) -> None:
    write_lines(file, line("Order", 1), line("Order", 2, note="x" * 100))
    lines = read_lines(file, max_bytes=100)
    assert next(lines).id == gid("Order", 1)
    with pytest.raises(UnexpectedResponseError, match=r"line 2 of the bulk operation's file"):
        next(lines)


def test_empty_lines_are_not_counted(file: Path) -> None:
    file.write_bytes(b'\n{"id": "gid://shopify/Order/1"}\n\n')
    with join(file) as joined:
        assert joined.line_count == 1


def test_an_empty_file_has_no_objects(file: Path) -> None:
    assert read_all(write_lines(file)) == []


def test_excluded_objects_are_left_out_with_their_lines(file: Path) -> None:
    write_lines(file, line("Order", 1), line("LineItem", 1, gid("Order", 1)), line("Order", 2))
    records = read_all(file, is_included=lambda record: record["id"].endswith("2"))
    assert [record["id"][-1] for record in records] == ["2"]


def scattered(orders: int) -> Iterator[dict]:
    """All objects first, then all their lines: nothing can be joined before the end."""
    for number in range(orders):
        yield line("Order", number, note="x" * 200)
    for place in range(4):
        for number in range(orders):
            yield line("LineItem", number * 4 + place, gid("Order", number), title="y" * 100)


def test_memory_does_not_grow_with_the_file(file: Path) -> None:
    with file.open("w") as out:
        out.writelines(json.dumps(line) + "\n" for line in scattered(10_000))
    assert file.stat().st_size > 8_000_000
    tracemalloc.start()
    try:
        record_count = item_count = 0
        with join(file) as joined:
            assert joined.line_count == 50_000
            while records := joined.read(record_count, 200):
                record_count += len(records)
                item_count += sum(len(record["lineItems"]) for record in records)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (record_count, item_count) == (10_000, 40_000)
    assert peak < 4_000_000


def test_half_an_emoji_is_marked(file: Path) -> None:
    """RFC 8259, section 8.2, allows it in JSON; SQLite and UTF-8 refuse it."""
    write_lines(file, line("Order", 1, name="Zoë \ud83d"), line("LineItem", 2, gid("Order", 1), title="\udc20"))
    (order,) = read_all(file)
    assert order["name"] == "Zoë \ufffd"
    assert order["lineItems"][0]["title"] == "\ufffd"


def test_nested_lines_can_be_the_objects_to_read(file: Path) -> None:
    """A location may hold more inventory levels than fit into memory, so it is never joined with them."""
    first, second = gid("Location", 1), gid("Location", 2)
    levels = [line("InventoryLevel", number, (first, second)[number % 2], quantity=number) for number in range(5)]
    write_lines(file, line("Location", 1), line("Location", 2), *levels)
    with join(file, {"Location": {"InventoryLevel": "inventoryLevels"}}, reads_lines=True) as joined:
        assert (len(joined), joined.line_count, joined.root_count) == (5, 7, 2)
        assert joined.read(1, 3) == [{"id": gid("InventoryLevel", number), "quantity": number} for number in (1, 2, 3)]
        assert joined.read(4, 3) == [{"id": gid("InventoryLevel", 4), "quantity": 4}]
