"""A value of a wrong type is an error that names the argument, before anything is sent, in every client."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient
from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.api.yotpo.client import YotpoClient
from airflow_provider_partners.exceptions import ConfigurationError

YOFI = {"secret": "s" * 40, "issuer": "i", "subject": "x", "shop": "a.myshopify.com"}


def yofi(**options: Any) -> YofiClient:
    return YofiClient(**{**YOFI, **options})


def admin(**options: Any) -> ShopifyAdminClient:
    return ShopifyAdminClient(**{"shop": "a.myshopify.com", "access_token": "t", **options})


def voucherify(**options: Any) -> VoucherifyClient:
    return VoucherifyClient(**{"application_id": "a", "secret_key": "b", **options})


def yotpo(**options: Any) -> YotpoClient:
    return YotpoClient(**{"store_id": "a", "secret": "b", **options})


def partner(**options: Any) -> ShopifyPartnerClient:
    return ShopifyPartnerClient(**{"organization_id": 1, "access_token": "b", **options})


@pytest.mark.parametrize(
    ("client", "resource", "argument", "values"),
    [
        (yofi, "returns", "filters", (["a"], {"state": "x"})),
        (yofi, "returns", "prediction_filter", (["a"],)),
        (yofi, "returns", "match", (["a"], {"order_id": 5}, {"order_id": {"a": 1}}, {"order_id": "1"})),
        (yofi, "returns", "sort", (3, [3])),
        (yofi, "returns", "include", (3,)),
        (yofi, "returns", "fields", (3, {"EcommerceOrder": 3})),
        (yofi, "returns", "page_size", ("50",)),
        (admin, "orders", "fields", (3, False, {"note": 1}, [3], [""])),
        (admin, "orders", "query", (["a"],)),
        (admin, "orders", "match", (["a"], {"id": 5}, {"id": "5"})),
        (admin, "orders", "page_size", ("50",)),
        (voucherify, "vouchers", "match", (["a"], {"id": 5})),
        (voucherify, "vouchers", "sort", (3, ["a"])),
        (voucherify, "vouchers", "parents", (3, ["a"])),
        (voucherify, "vouchers", "parameters", ("ab", ["a"])),
        (voucherify, "vouchers", "page_size", ("50",)),
        (yotpo, "orders", "match", (["a"], {"external_id": 5})),
        (yotpo, "orders", "page_size", ("50",)),
        (partner, "transactions", "types", (3, [3])),
        (partner, "transactions", "shop", (3,)),
        (partner, "transactions", "page_size", ("50",)),
    ],
)
def test_a_list_is_not_read_with_a_value_of_a_wrong_type(
    client: Any, resource: str, argument: str, values: tuple[Any, ...]
) -> None:
    for value in values:
        with pytest.raises(ConfigurationError, match=f"'?{argument}"):
            client().extract(resource, **{argument: value})


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: yofi().extract("returns", since="2026-01-01", walk_lookback=3), "walk_lookback"),
        (lambda: next(yofi().extract("returns").pages(workers="4")), "workers"),
        (lambda: admin().job("orders", page_size="50"), "page_size"),
        (lambda: voucherify().job("vouchers", fields=3), "fields"),
        (lambda: voucherify().job("vouchers", sort=3), "sort"),
        (lambda: partner().query("query", connection=3), "connection"),
        (lambda: partner().query(3, connection="a"), "document"),
        (lambda: partner().query("query", connection="a", variables=["a"]), "variables"),
        (lambda: yotpo(secret=5), "secret"),
        (lambda: yofi(shop=5), "shop"),
        (lambda: yofi(paths=["a"]), "paths"),
        (lambda: yofi(base_url=5), "base_url"),
        (lambda: yofi(token_ttl="5"), "token_ttl"),
        (lambda: yofi(requests_per_second="5"), "requests_per_second"),
        (lambda: admin(shop=None), "shop"),
        (lambda: voucherify(requests_per_minute="5"), "requests_per_minute"),
    ],
)
def test_other_wrong_types_are_named_too(call: Any, argument: str) -> None:
    with pytest.raises(ConfigurationError, match=argument):
        call()


def test_the_error_of_a_wrong_secret_does_not_show_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        yotpo(secret=123456789)
    assert "123456789" not in str(caught.value)


CLIENTS = {
    yofi: YofiClient,
    admin: ShopifyAdminClient,
    voucherify: VoucherifyClient,
    yotpo: YotpoClient,
    partner: ShopifyPartnerClient,
}
EXAMPLES = {"str": "x", "bool": True, "int": 5, "float": 0.5, "Mapping": {"returns": "/x"}}


@pytest.mark.parametrize(
    ("client", "name"), [(make, name) for make, kind in CLIENTS.items() for name in inspect.signature(kind).parameters]
)
@pytest.mark.parametrize("value", [5, 1.5, True, "x", ["a"], {"a": 1}, b"x"], ids=repr)
def test_a_constructor_names_an_argument_of_a_wrong_type(client: Any, name: str, value: Any) -> None:
    annotation = inspect.signature(CLIENTS[client]).parameters[name].annotation
    allowed = {type(EXAMPLES[kind]) for kind in re.findall(r"\w+", annotation) if kind in EXAMPLES}
    if type(value) in allowed or (int in allowed and type(value) is int) or (float in allowed and type(value) is int):
        return
    with pytest.raises(ConfigurationError, match=f"'?{name}"):
        client(**{name: value})
