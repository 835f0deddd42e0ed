"""One order in Shopify, Yofi and Yotpo. The sandbox's store says what each has."""

from __future__ import annotations

import json

import pytest

SHOP = "aurora-apparel.myshopify.com"


@pytest.fixture
def shop(partners_sandbox):
    return partners_sandbox.shop(SHOP)


@pytest.fixture
def returned(shop):
    """The id of an order with a return in Yofi."""
    return next(each["attributes"]["order_id"] for each in shop.returns())


@pytest.fixture
def sync(command):
    """Send an order, by way of the replay's own code."""
    from airflow_provider_partners.cli import orders, replay
    from airflow_provider_partners.cli.partners import find_route

    def send(order_id):
        lane = orders.find_lane(find_route(SHOP, None))
        sources = orders.read_orders(lane, match={"id": [order_id]})
        orders.read_sources(lane, sources, lambda: None)
        return replay._write(lane, [each.to_dict() for each in orders.build(lane, sources)], dry_run=False)

    return send


def test_an_order_that_yotpo_lacks_is_missing_and_shows_what_would_be_sent(command, shop, returned):
    printed = command("diff", returned, "--shop", SHOP, "--json")
    document = printed.document
    assert printed.code == 1
    assert (document["state"], document["action"], document["yotpo"]) == ("missing", "create", None)
    assert document["shopify"]["name"] == shop.orders()[returned]["name"]
    assert document["yofi"]["returns"]
    values = {each["field"]: each for each in document["values"]}
    assert values["order_name"]["to_send"] == shop.orders()[returned]["name"]
    assert values["order_name"]["at_yotpo"] is None


def test_an_order_is_found_by_its_name(command, shop, returned):
    name = shop.orders()[returned]["name"]
    assert command("diff", name, "--shop", "aurora-apparel", "--json").document["order"] == returned
    assert command("diff", name.lstrip("#"), "--shop", SHOP, "--json").document["order"] == returned
    assert command("diff", f"gid://shopify/Order/{returned}", "--shop", SHOP, "--json").document["order"] == returned


def test_after_a_sync_the_order_is_the_same_and_after_a_change_it_differs(command, shop, sync):
    order_id = shop.change_orders(1)[0]["legacyResourceId"]
    sync(order_id)
    same = command("diff", order_id, "--shop", SHOP, "--json")
    assert (same.code, same.document["state"], same.document["values"]) == (0, "same", [])
    assert same.document["yotpo"]["yotpo_id"] == shop.yotpo_orders()[order_id]["yotpo_id"]
    assert "All properties are equal" in command("diff", order_id, "--shop", SHOP).out
    assert all(
        each["equal"] for each in command("diff", order_id, "--shop", SHOP, "--all", "--json").document["values"]
    )

    store = shop._store
    order = shop.yotpo_orders()[order_id]
    store.put("yotpo", shop.store_id, "order", str(order["yotpo_id"]), {**order, "payment_status": "authorized"}, at="")
    changed = command("diff", order_id, "--shop", SHOP, "--json")
    assert (changed.code, changed.document["state"], changed.document["action"]) == (1, "different", "update")
    (value,) = changed.document["values"]
    assert value["field"] == "payment_status"
    assert value["at_yotpo"] == "authorized"


def test_reasons_of_a_suppression_follow_the_policy_that_is_given(command, shop, returned):
    """The scores are those that Yofi has; the default threshold of the policy is 0.8."""
    document = command("diff", returned, "--shop", SHOP, "--json").document
    highest = max(each["score"] for each in document["yofi"]["predictions"])
    assert bool([reason for reason in document["suppressed"] if ">= 0.8" in reason]) == (highest >= 0.8)

    threshold = '{"categories": {"return_abuse": 0.01}}'
    strict = command("diff", returned, "--shop", SHOP, "--policy", threshold, "--json").document
    assert [reason for reason in strict["suppressed"] if ">= 0.01" in reason]
    assert {each["field"]: each["to_send"] for each in strict["values"]}[
        "custom_properties.suppress_review_request"
    ] is True


def test_personal_data_are_masked_unless_wanted(command, shop):
    order_id, order = next((key, each) for key, each in shop.orders().items() if each["customer"] and not each["test"])
    masked = command("diff", order_id, "--shop", SHOP, "--json")
    assert order["email"] not in masked.out
    shown = command("diff", order_id, "--shop", SHOP, "--json", "--personal-data")
    if shown.document["state"] != "not sent":
        assert order["email"] in shown.out
        assert {"field": "customer.email", "to_send": "•••", "at_yotpo": None, "equal": False} in json.loads(
            masked.out
        )["values"]


def test_an_order_that_is_left_out_says_why(command, shop):
    """A test order: https://shopify.dev/docs/api/admin-graphql/latest/objects/Order, ``test``."""
    order_id, order = next(iter(shop.orders().items()))
    shop._store.put("shopify_admin", SHOP, "order", order["id"], {**order, "test": True}, at=order["updatedAt"])
    printed = command("diff", order_id, "--shop", SHOP, "--json")
    assert (printed.code, printed.document["state"]) == (1, "not sent")
    assert printed.document["reason"] == "it is a test order"
    assert "it is not sent: it is a test order" in command("diff", order_id, "--shop", SHOP).out


@pytest.mark.parametrize(
    ("order", "expected"),
    [("9999999999999", "has no order 9999999999999"), ("#no such", "neither the id of an order nor its name")],
)
def test_an_unknown_order_is_wrong_usage(command, shop, order, expected):
    printed = command("diff", order, "--shop", SHOP)
    assert printed.code == 2
    assert expected in printed.err


def test_a_shop_without_a_route_is_wrong_usage(command, shop):
    printed = command("diff", "#1001", "--shop", "aurora-aparel")
    assert printed.code == 2
    assert f"did you mean '{SHOP}'?" in printed.err
