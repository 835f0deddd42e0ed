"""What an extraction changes in each record: dropped, hashed and added fields.

The expected hashes are computed by Python's ``hmac`` (RFC 2104), and one is a published test vector: RFC 4231, test
case 2.
"""

from __future__ import annotations

import hashlib
import hmac

import pytest

from airflow_provider_partners.api.record_types import field_types
from airflow_provider_partners.datasets.record_shape import RecordShape, StorageOptions
from airflow_provider_partners.datasets.schema import Column
from airflow_provider_partners.exceptions import ConfigurationError

KEY = b"Jefe"


def apply(shape: RecordShape, record: dict[str, object], **values: str | None) -> dict[str, object]:
    before = repr(record)
    (changed,) = shape.apply([record], values)
    assert repr(record) == before
    return changed


def test_a_path_leads_into_objects_and_through_lists() -> None:
    order = {"id": "1", "customer": {"firstName": "Ada", "id": "7"}, "lineItems": [{"sku": "a", "title": "b"}, {}]}
    shape = RecordShape(drop=("customer.firstName", "lineItems.title", "email", "id.x"))
    assert apply(shape, order) == {"id": "1", "customer": {"id": "7"}, "lineItems": [{"sku": "a"}, {}]}
    assert apply(RecordShape(drop=("lineItems", "lineItems.sku")), order) == {"id": "1", "customer": order["customer"]}


def test_a_hash_is_the_hmac_of_the_text() -> None:
    shape = RecordShape(hash=("x",), key=KEY)
    hashed = apply(shape, {"x": "what do ya want for nothing?"})
    assert hashed == {"x": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}


def test_equal_values_have_equal_hashes_and_none_stays_none() -> None:
    shape = RecordShape(hash=("x",), key=KEY)
    one, text, whole = (apply(shape, {"x": value})["x"] for value in (1001, "1001", 1001.0))
    assert one == text == whole == hmac.digest(KEY, b"1001", hashlib.sha256).hex()
    assert apply(shape, {"x": {"b": 1, "a": 2}}) == apply(shape, {"x": {"a": 2, "b": 1}})
    assert apply(shape, {"x": None}) == {"x": None}
    assert apply(shape, {"y": 1}) == {"y": 1}
    assert apply(shape, {"x": True}) != apply(shape, {"x": 1})


def test_each_member_of_a_list_is_hashed() -> None:
    shape = RecordShape(hash=("tags", "lines.note"), key=KEY)
    digest = hmac.digest(KEY, b"vip", hashlib.sha256).hex()
    record = {"tags": ["vip", None], "lines": [{"note": "vip"}, {"note": None}, 5]}
    assert apply(shape, record) == {"tags": [digest, None], "lines": [{"note": digest}, {"note": None}, 5]}


def test_what_is_dropped_inside_of_a_hashed_object_does_not_change_the_hash() -> None:
    shape = RecordShape(drop=("address.phone",), hash=("address",), key=KEY)
    assert apply(shape, {"address": {"zip": "1", "phone": "2"}}) == apply(shape, {"address": {"zip": "1"}})


def test_added_fields_hold_account_time_and_window() -> None:
    shape = RecordShape(added={"_account": "account", "_at": "read_at", "_since": "since", "_until": "until"})
    record = apply(shape, {"id": 1}, account="a.myshopify.com", read_at="2026-05-01T00:00:00Z", since=None)
    assert record == {
        "id": 1,
        "_account": "a.myshopify.com",
        "_at": "2026-05-01T00:00:00Z",
        "_since": None,
        "_until": None,
    }


def test_the_columns_are_those_of_the_changed_records() -> None:
    shape = RecordShape(drop=("email",), hash=("total", "tags", "new"), key=KEY, added={"_at": "read_at"})
    types = {"id": "string", "email": "string", "total": "decimal", "tags": "json"}
    assert shape.columns(types) == (
        Column("id", "string"), Column("total", "string"), Column("tags", "json"), Column("_at", "timestamp"),
    )  # fmt: skip


def test_the_fingerprint_changes_with_everything_and_hides_the_key() -> None:
    shapes = [
        RecordShape(),
        RecordShape(drop=("a",)),
        RecordShape(hash=("a",), key=b"1"),
        RecordShape(hash=("a",), key=b"2"),
        RecordShape(added={"a": "account"}),
        RecordShape(added={"a": "read_at"}),
    ]
    assert len({shape.fingerprint for shape in shapes}) == len(shapes)
    assert "Jefe" not in repr(RecordShape(hash=("a",), key=KEY))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"hash": ("a",)}, "'hash' needs a key"),
        ({"added": {"_a": "acount"}}, r"'_a' hold 'acount', which is unknown: did you mean 'account'\?"),
        ({"hash": ("a",), "drop": ("a",), "key": KEY}, "'a' is in 'drop' and in 'hash'"),
    ],
)
def test_what_contradicts_itself_is_refused(arguments: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        RecordShape(**arguments)


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        (RecordShape(drop=("emial",)), r"'drop' names 'emial'.*did you mean 'email'\?"),
        (RecordShape(hash=("customer.lastname",), key=KEY), r"'hash' names .*did you mean 'customer.lastName'\?"),
        (RecordShape(added={"email": "account"}), "'add_columns' names 'email', which is a field of this list already"),
    ],
)
def test_a_path_that_the_list_does_not_have_is_refused(shape: RecordShape, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        shape.check(field_types("shopify_admin", "orders"))


def test_a_field_that_is_newer_than_the_declaration_may_be_dropped_where_new_fields_are_watched() -> None:
    """A GraphQL or JSON API may add a field at any time; the error of ``on_new_fields="fail"`` says to drop it."""
    types = field_types("shopify_admin", "orders")

    RecordShape(drop=("zzqx",)).check(types, may_be_new=True)

    with pytest.raises(ConfigurationError, match=r"did you mean 'email'"):
        RecordShape(drop=("emial",)).check(types, may_be_new=True)
    with pytest.raises(ConfigurationError, match="'zzqx', which is no field of this list"):
        RecordShape(drop=("zzqx",)).check(types)


@pytest.mark.parametrize(("name", "value"), [("format", "parqet"), ("nested", "list"), ("on_new_fields", "warning")])
def test_an_unknown_choice_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{name}' is '{value}'"):
        StorageOptions(**{name: value})
