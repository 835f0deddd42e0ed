"""Misspelt filter fields and values, which Voucherify answers with an empty list."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.voucherify import FakeList, voucherify_client

from airflow_provider_partners.api.voucherify import field
from airflow_provider_partners.exceptions import ConfigurationError


def read(name: str, **arguments: Any) -> list[dict[str, Any]]:
    return list(voucherify_client(FakeList([], key=name)).extract(name, **arguments).records())


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("vouchers", {"filters": field("camp").is_("A")}, "'vouchers' has no field 'camp' to filter by: did you mean"),
        ("vouchers", {"filters": field("redemtion.quantity").is_(1)}, "did you mean 'redemption"),
        ("products", {"filters": field("colour").is_("red")}, "no field 'colour' to filter by. Known: metadata.x"),
        ("redemptions", {"parameters": {"result": "SUCESS"}}, "no 'result' that is 'SUCESS': did you mean 'SUCCESS'"),
        ("redemptions", {"parameters": {"result": ["SUCCESS", "success"]}}, "did you mean 'SUCCESS'"),
        ("redemptions", {"filters": field("result").in_(["FAILED"])}, "no 'result' that is 'FAILED'"),
        ("publications", {"parameters": {"voucher_type": "gift"}}, "Use one of: discount, loyalty"),
    ],
)
def test_a_misspelt_field_or_value_is_an_error_with_the_nearest_known_one(
    name: str, arguments: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        read(name, **arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("vouchers", {"filters": field("metadata.season").is_("spring")}),
        ("vouchers", {"filters": field("redemption.redeemed_quantity").is_(1)}),
        ("redemptions", {"parameters": {"result": ["SUCCESS", "FAILURE"]}}),
        ("redemptions", {"filters": field("failure_code").is_("anything")}),
        ("segments", {"filters": field("whatever").is_("x")}),
    ],
)
def test_documented_fields_and_values_and_free_ones_are_sent(name: str, arguments: dict[str, Any]) -> None:
    assert read(name, **arguments) == []


def test_the_filter_of_an_export_is_checked_too() -> None:
    with pytest.raises(ConfigurationError, match="'vouchers' has no field 'camp' to filter by"):
        voucherify_client(FakeList([])).job("vouchers", filters=field("camp").is_("A"))
