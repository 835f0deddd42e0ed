"""What a build may be given, drawn by a seed: a shop's orders, the partners' records, and an author's choices."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import shopify_schemas
import voucherify.models
from client_options import gather_options
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from schema_answers import BY_NAME, TEXTS, TIMES, SchemaAnswers

from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient

Record = dict[str, Any]
SHOP = "a.myshopify.com"

_LEVELS = {"order": "Order", "line": "LineItem", "product": "Product"}
_DOCUMENTED = {
    "order": (
        *("delivery_type", "customer_state", "customer_country", "customer_address", "customer_phonenumber", "custom"),
        *("coupon_used", "suppress_review_request"),
    ),
    "line": ("color", "size", "vendor", "material", "model", "custom", "coupon_used", "suppress_review_request"),
    "product": ("is_blocklisted", "review_form_tag"),
}
"""The custom properties of https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments."""


@cache
def paths(version: str, type_name: str, depth: int = 3) -> tuple[str, ...]:
    """Return the paths from a type of the schema to values, as a custom property may name them."""
    schema = shopify_schemas.schema(f"shopify_admin_{version}")

    def walk(kind: Any, left: int) -> Iterator[str]:
        for name, field in kind.fields.items():
            inner = get_named_type(field.type)
            if any(is_required_argument(each) for each in field.args.values()) or inner.name.endswith("Connection"):
                continue
            if is_leaf_type(inner):
                yield name
            elif left > 1 and isinstance(inner, GraphQLObjectType | GraphQLInterfaceType):
                yield from (f"{name}.{rest}" for rest in walk(inner, left - 1))

    return tuple(walk(schema.type_map[type_name], depth))


def source(rng: random.Random, version: str, level: str) -> Any:
    """Return a source of a custom property."""
    prefix = "" if level == "order" or rng.random() < 0.8 else "order."
    path = rng.choice(paths(version, "Order" if prefix else _LEVELS[level]))
    forms: list[Any] = [f"{prefix}{path}", f"{prefix}{path}", "constant:web", True, 7, {"value": "x" * 300}, None]
    forms += ["metafield:custom.model", "metafield:my-app.key_1"]
    if level != "product":
        forms += ["attribute:Gift", "attribute:Größe 1"]
    if level != "order":
        forms += ["option:Color|Größe", "option:name 3"]
    if level == "line":
        forms += ["product.metafield:custom.model", "order.metafield:a.b", "order.attribute:Gift"]
    return rng.choice(forms)


def mapping_options(rng: random.Random, version: str) -> Record:
    """Return options of the mapping, each with any of its values."""
    options: Record = {
        "order_date": rng.choice(("created", "processed")),
        "fulfillment_date": rng.choice(("created", "delivered")),
        "test_orders": rng.choice(("exclude", "include", "include")),
        "gift_cards": rng.choice(("exclude", "include")),
        "missing_products": rng.choice(("drop", "placeholder")),
        "guest_external_id": rng.choice(("none", "email")),
        "removed_items": rng.choice(("cancelled", "ignore")),
        "old_orders": rng.choice(("send", "send", "exclude")),
        "old_after_months": rng.choice((1, 6, 10**6)),
        "differing_lines": rng.choice(("first", "join", "omit")),
    }
    for level, known in _DOCUMENTED.items():
        names = rng.sample((*known, "own_1", "gift_date", "x" * 32), rng.randint(0, 3))
        options[f"{level}_properties"] = {
            name: source(rng, version, level) if rng.random() < 0.8 else [source(rng, version, level) for _ in range(2)]
            for name in names
        }
    return {name: value for name, value in options.items() if rng.random() < 0.6}


def suppression_policy(rng: random.Random) -> Record:
    """Return a policy, with conditions of every kind."""
    rules = [
        {"name": "all", "tags": ["*"]},
        {"name": "customers", "customer_tags": ["v*"], "orders_at_least": 1},
        {"name": "money", "amount_over": 10.5, "amount_under": 1e6},
        {"name": "places", "countries": ["DE", "US"], "email_domains": ["*.com"], "orders_at_most": 3},
    ]
    policy = {
        "categories": rng.choice(({}, {"*": 0.5}, {"return_abuse": 0.9, "*fraud*": 0})),
        "per_source": rng.choice(({}, {"customer_predictions": {"bot": 0.1}})),
        "return_states": rng.choice(((), ("received", "refunded"), ("requested",))),
        "claims": rng.choice(("ignore", "order", "customer")),
        "financial_statuses": rng.choice(((), ("REFUNDED", "PENDING"))),
        "level": rng.choice(("order", "line")),
        "rules": rng.sample(rules, rng.randint(0, 2)),
    }
    return {name: value for name, value in policy.items() if rng.random() < 0.6}


def coupon_policy(rng: random.Random) -> Record:
    """Return which redemptions count."""
    kinds = ["discount", "gift", "loyalty", "promotion"]
    policy = {
        "source": rng.choice(("voucherify_first", "shopify_first", "both", "voucherify", "shopify")),
        "kinds": rng.sample(kinds, rng.randint(0, 4)),
        "order_id_metadata": rng.choice((None, "shop_order")),
    }
    return {name: value for name, value in policy.items() if rng.random() < 0.6}


def any_json(rng: random.Random, depth: int = 2) -> Any:
    """Return any value of JSON, as a column of a table may have it."""
    simple = (None, True, False, 0, -1, 1.5, 1e300, 2**63, 10**39, *rng.sample(TEXTS, 6), *rng.sample(TIMES, 2))
    if depth == 0 or rng.random() < 0.6:
        return rng.choice(simple)
    if rng.random() < 0.5:
        return [any_json(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    names = ("id", "nodes", "edges", "node", "value", "order_id", "predicted_value", "prediction_category", "x", "")
    return {rng.choice(names): any_json(rng, depth - 1) for _ in range(rng.randint(0, 3))}


def shopify_orders(rng: random.Random, version: str, number: int, fields: list[str]) -> list[Record]:
    """Return orders as the client reads them from a shop that answers with anything the schema allows."""
    api = SchemaAnswers(shopify_schemas.schema(f"shopify_admin_{version}"), rng)
    options = gather_options(shop=SHOP, access_token="shpat_0", api_version=version, handler=httpx.MockTransport(api))
    # Shopify's ids have about thirteen digits, and those of the first shops far fewer.
    ids = [
        f"gid://shopify/Order/{rng.choice((10**12, 0, 450_000_000)) + each}"
        for each in rng.sample(range(1, 10**6), number)
    ]
    with ShopifyAdminClient(**options) as client:
        return list(client.extract("orders", match={"id": ids}, fields=fields or None).records())


# Yofi: the fields of docs.yofi.ai; it publishes no types of most of them


def _prediction(rng: random.Random) -> Record:
    return {
        "prediction_category": rng.choice(("return_abuse", "drop_off_fraud", "bot", any_json(rng))),
        "predicted_value": rng.choice((0, 1, 0.93, "0.9", any_json(rng))),
        "severity": rng.choice(("high", any_json(rng))),
        "is_result_prediction": rng.choice((True, None)),
    }


def _predictions(rng: random.Random) -> Any:
    listed = [_prediction(rng) for _ in range(rng.randint(0, 2))]
    return rng.choice((listed, _prediction(rng), {"bot": 0.9}, {"bot": _prediction(rng)}, any_json(rng)))


def _customer(rng: random.Random, order: Record) -> Record:
    own = (order.get("customer") or {}).get("legacyResourceId")
    return {
        "entity_id": any_json(rng, 0),
        "customer_id": rng.choice((own, own, any_json(rng, 0))),
        "email": rng.choice(BY_NAME["email"]),
        "model_predictions": _predictions(rng),
        "customer_predictions": _predictions(rng),
    }


def yofi_records(rng: random.Random, orders: list[Record]) -> dict[str, list[Any]]:
    """Return returns, claims and customers of some orders."""
    records: dict[str, list[Any]] = {"returns": [], "claims": [], "customers": []}
    for order in orders:
        order_id = rng.choice((order["legacyResourceId"], int(order["legacyResourceId"]), any_json(rng, 0)))
        name = rng.choice((order["name"], any_json(rng, 0)))
        if rng.random() < 0.4:
            records["returns"].append({
                "id": rng.choice((str(rng.random()), any_json(rng, 0))),
                "order_id": order_id,
                "order_name": name,
                "state": rng.choice(("refunded", "requested", any_json(rng))),
                "return_created_at_epoch": rng.choice((1_746_757_960, any_json(rng, 0))),
                "meta_data": any_json(rng),
                "return_total": any_json(rng, 0),
                "customer": rng.choice((_customer(rng, order), any_json(rng))),
                "order": rng.choice(({"id": order_id, "model_predictions": _predictions(rng)}, any_json(rng))),
                "return_predictions": _predictions(rng),
                "return_analytics": any_json(rng),
            })
        if rng.random() < 0.3:
            claimed = [rng.choice(({"order_id": order_id, "order_name": name}, order_id, any_json(rng)))]
            claim = {"id": str(rng.random()), "claim_items": rng.choice((claimed, str(claimed), any_json(rng)))}
            records["claims"].append({**claim, "customer_id": _customer(rng, order)["customer_id"]})
        if rng.random() < 0.3:
            records["customers"].append(rng.choice((_customer(rng, order), any_json(rng))))
    return records


# Voucherify: its SDK has the models of its OpenAPI description


@cache
def _redemption_schema() -> Record:
    return voucherify.models.RedemptionsListResponseBody.model_json_schema()


def _of_schema(rng: random.Random, node: Record, depth: int) -> Any:
    """Return any value that a JSON schema allows."""
    if "$ref" in node:
        node = _redemption_schema()["$defs"][node["$ref"].rpartition("/")[2]]
    if options := node.get("anyOf") or node.get("oneOf"):
        return _of_schema(rng, rng.choice(options), depth)
    if "enum" in node or "const" in node:
        return rng.choice(node.get("enum") or [node["const"]])
    kind = node.get("type")
    if kind == "object":
        return _object_of_schema(rng, node.get("properties", {}), depth)
    if kind == "array":
        return [_of_schema(rng, node.get("items", {}), depth - 1) for _ in range(rng.randint(0, 2) if depth else 0)]
    if kind == "string" and "time" in str(node.get("format")):
        return rng.choice(TIMES)
    return rng.choice(_VALUES[kind]) if kind in _VALUES else any_json(rng, 1)


_VALUES: dict[str, tuple[Any, ...]] = {
    "string": (*TEXTS, "SUCCESS", "v_1", "r_1"),
    "integer": (0, 1, -1, 1000, 2**53),
    "number": (0, 0.5, -1, 99.999, 1e300),
    "boolean": (True, False),
    "null": (None,),
}


def _object_of_schema(rng: random.Random, properties: Record, depth: int) -> Record:
    if not properties:
        return {str(number): any_json(rng, 1) for number in range(rng.randint(0, 2) if depth else 0)}
    share = rng.choice((0.1, 0.6, 0.9)) if depth else 0
    return {name: _of_schema(rng, each, depth - 1) for name, each in properties.items() if rng.random() < share}


def redemptions(rng: random.Random, orders: list[Record]) -> list[Any]:
    """Return redemptions and rollbacks of Voucherify's description, some of the orders."""
    schema = _redemption_schema()["$defs"]["RedemptionsListResponseBodyRedemptionsItem"]
    found = []
    for order in orders:
        if rng.random() < 0.4:
            record = _of_schema(rng, schema, 5)
            if rng.random() < 0.8:
                known = (order["legacyResourceId"], order["id"], order["name"], None)
                own = {"source_id": rng.choice(known), "metadata": {"shop_order": order["legacyResourceId"]}}
                items = [{"source_id": line["id"], "discount_amount": 5} for line in order["lineItems"][:2]]
                record |= {"id": f"r_{rng.random()}", "result": "SUCCESS"}
                record["order"] = {**(record.get("order") or {}), **own, "items": items}
            found.append(record)
    return found
