"""Yofi's client against the sandbox over real HTTP: every operation, under every behaviour that is not documented."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from client_options import gather_options

from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore
from airflow_provider_partners.api.rsql.expressions import field
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.exceptions import AuthenticationError, RejectedError
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.world.build import build

NOW = datetime(2026, 6, 1, tzinfo=UTC)
Record = dict[str, Any]


@pytest.fixture(scope="module")
def served() -> Iterator[RunningSandbox]:
    with serve(build(shops=2, orders=150, now=NOW)) as served:
        yield served


@pytest.fixture
def world(served: RunningSandbox) -> Iterator[RunningSandbox]:
    """The sandbox with its switches as they were."""
    before = dict(served.sandbox.switches)
    served.sandbox.calls.clear()
    yield served
    served.faults.clear()
    served.sandbox.switches.clear()
    served.sandbox.switches.update(before)


@pytest.fixture
def shop(world: RunningSandbox) -> str:
    shops = world.sandbox.credentials["yofi"]["shops"]
    return max(shops, key=lambda name: world.sandbox.store.count("yofi", name, "return"))


@pytest.fixture
def yofi(world: RunningSandbox, shop: str) -> Iterator[YofiClient]:
    with client(world, shop) as yofi:
        yield yofi


def client(world: RunningSandbox, shop: str | None, **options: Any) -> YofiClient:
    names = ("secret", "issuer", "subject", "client_id", "organization_id", "platform")
    credentials = {name: world.sandbox.credentials["yofi"][name] for name in names}
    given = {
        **credentials,
        "base_url": f"{world.url}/yofi",
        "requests_per_second": 10_000.0,
        "rate_limit_store": InMemoryStore(),
    }
    return YofiClient(**gather_options(shop=shop, **{**given, **options}))


def stored(world: RunningSandbox, shop: str, kind: str) -> list[Record]:
    return world.sandbox.store.select("yofi", shop, kind)


def ids(records: Any) -> list[str]:
    return sorted(record["id"] for record in records)


LISTS = {
    "claims": "claim",
    "customers": "customer",
    "returns": "return",
    "notification_events": "notification_event",
}


@pytest.mark.parametrize(("resource", "kind"), LISTS.items())
@pytest.mark.parametrize("page_size", [None, 7])
@pytest.mark.parametrize("workers", [1, 4])
def test_every_list_is_read_whole(
    world: RunningSandbox, shop: str, yofi: YofiClient, resource: str, kind: str, page_size: int | None, workers: int
) -> None:
    found = list(yofi.extract(resource, page_size=page_size).records(workers=workers))

    assert ids(found) == ids(stored(world, shop, kind))
    assert len(found) >= 3


@pytest.mark.parametrize("profile", ["service_account", "legacy"])
def test_both_profiles_are_accepted_for_every_shop(world: RunningSandbox, profile: str) -> None:
    for shop in world.sandbox.credentials["yofi"]["shops"]:
        with client(world, shop, auth_profile=profile) as yofi:
            assert ids(yofi.extract("returns").records()) == ids(stored(world, shop, "return"))


@pytest.mark.parametrize(
    "switches",
    [
        {"yofi.body": "trace"},
        {"yofi.meta": False},
        {"yofi.links": False},
        {"yofi.meta": False, "yofi.links": False},
        {"yofi.fields": "additional"},
        {"yofi.media_type": "application/vnd.api+json"},
        {"yofi.trailing_slash": "redirect"},
        {"yofi.page_size_max": 10, "yofi.meta": False, "yofi.links": False},
        {"yofi.page_size_max": 30},
    ],
    ids=str,
)
@pytest.mark.parametrize("resource", ["returns", "customers"])
def test_a_list_reads_the_same_whatever_the_server_leaves_open(
    world: RunningSandbox, shop: str, resource: str, switches: dict[str, Any]
) -> None:
    with client(world, shop) as yofi:
        usual = list(yofi.extract(resource).records())
    world.sandbox.switches.update(switches)
    with client(world, shop) as yofi:
        found = list(yofi.extract(resource).records(workers=3))

    assert found == usual
    assert ids(found) == ids(stored(world, shop, LISTS[resource]))


def test_a_return_has_its_customer_order_and_predictions_in_place(
    world: RunningSandbox, shop: str, yofi: YofiClient
) -> None:
    found = {record["id"]: record for record in yofi.extract("returns").records()}

    for document in stored(world, shop, "return"):
        record, relationships = found[document["id"]], document["relationships"]
        predictions = [prediction["id"] for prediction in record["return_predictions"]]
        assert predictions == [id_ for _, id_ in relationships["return_predictions"] or []]
        assert all(0 <= prediction["predicted_value"] <= 1 for prediction in record["return_predictions"])
        if relationships.get("customer"):
            assert record["customer"]["customer_id"] == record["customer_id"]
        assert record["order"]["name"] == record["order_name"]


@pytest.mark.parametrize("resource", ["claims", "notification_events"])
def test_windows_that_touch_give_every_row_once(
    world: RunningSandbox, shop: str, yofi: YofiClient, resource: str
) -> None:
    edges = [NOW - timedelta(days=days) for days in (400, 60, 30, 7, -1)]

    found: list[Record] = []
    for since, until in pairwise(edges):
        found += yofi.extract(resource, since=since, until=until, page_size=5).records(workers=3)

    assert ids(found) == ids(stored(world, shop, LISTS[resource]))


def test_a_window_holds_its_first_moment_and_not_its_last(world: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    epochs = sorted(document["attributes"]["created_at_epoch"] for document in stored(world, shop, "claim"))
    since, until = (datetime.fromtimestamp(epoch, UTC) for epoch in (epochs[0], epochs[-1]))

    found = [record["created_at_epoch"] for record in yofi.extract("claims", since=since, until=until).records()]

    assert found == [epoch for epoch in epochs if epoch < epochs[-1]]


def test_returns_are_found_by_known_orders(world: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    every = stored(world, shop, "return")
    wanted = sorted({document["attributes"]["order_id"] for document in every})[::2]

    found = yofi.extract("returns", match={"order_id": [*wanted, "999"]}, page_size=3).records(workers=2)

    expected = [document for document in every if document["attributes"]["order_id"] in wanted]
    assert ids(found) == ids(expected)


def test_customers_are_found_by_known_ids(world: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    every = stored(world, shop, "customer")
    wanted = [document["attributes"]["customer_id"] for document in every][:60]

    found = yofi.extract("customers", match={"customer_id": wanted}).records()

    assert ids(found) == ids(every[:60])


def test_values_with_any_character_arrive_unharmed(world: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    names = ["#1;2", "a+b", 'it\'s "so"', "50% & more", "x,y=(z)", "back\\slash", "Zoë 漢"]
    documents = stored(world, shop, "return")[: len(names)]
    for document, name in zip(documents, names, strict=True):
        altered = {**document, "id": f"odd-{document['id']}", "attributes": {**document["attributes"], "state": name}}
        world.sandbox.store.put("yofi", shop, "return", altered["id"], altered, at="2026-05-01T00:00:00Z")
    try:
        for name in names:
            [found] = yofi.extract("returns", filters=field("state") == name).records()
            assert found["state"] == name
        several = yofi.extract("returns", match={"state": names}).records()
        assert sorted(record["state"] for record in several) == sorted(names)
    finally:
        for document in documents:
            world.sandbox.store.delete("yofi", shop, "return", f"odd-{document['id']}")


def test_predictions_are_filtered_either_way(world: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    text = "predicted_value>0.7"
    every = list(yofi.extract("returns").records())

    included = list(yofi.extract("returns", prediction_filter=text).records())
    world.sandbox.switches["yofi.prediction_filter_semantics"] = "returns"
    only = list(yofi.extract("returns", prediction_filter=text).records())

    high = {
        record["id"]
        for record in every
        if any(prediction["predicted_value"] > 0.7 for prediction in record["return_predictions"])
    }
    assert ids(included) == ids(every)
    assert 0 < len(high) < len(every)
    assert {record["id"] for record in included if record["return_predictions"]} == high
    assert {record["id"] for record in only} == high


def test_one_customer_is_read_in_both_body_shapes_and_none_when_unknown(
    world: RunningSandbox, shop: str, yofi: YofiClient
) -> None:
    with_predictions = next(
        document for document in stored(world, shop, "customer") if document["relationships"]["customer_predictions"]
    )
    customer_id = with_predictions["attributes"]["customer_id"]

    first = yofi.customer(customer_id)
    world.sandbox.switches["yofi.body"] = "trace"
    second = yofi.customer(customer_id)

    assert first == second
    assert first is not None
    assert first["customer_predictions"][0]["prediction_category"]
    assert yofi.customer("999") is None


def test_rows_that_arrive_during_a_walk_neither_double_nor_hide_others(world: RunningSandbox, shop: str) -> None:
    world.sandbox.switches["yofi.drift"] = True
    before = ids(stored(world, shop, "return"))
    try:
        with client(world, shop) as yofi:
            found = ids(yofi.extract("returns", page_size=5).records())
    finally:
        for document in stored(world, shop, "return"):
            if "-drift-" in document["id"]:
                world.sandbox.store.delete("yofi", shop, "return", document["id"])

    assert len(found) == len(set(found))
    assert set(before) <= set(found)


def test_transient_faults_and_lost_connections_cost_no_row(world: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    world.faults.add(path_prefix="/yofi", status=503, after=1)
    world.faults.add(path_prefix="/yofi", drop=True, after=2)

    assert ids(yofi.extract("returns", page_size=10).records()) == ids(stored(world, shop, "return"))
    assert yofi.stats.retries == 2


def test_a_token_that_is_refused_in_the_middle_is_replaced(world: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    world.faults.add(path_prefix="/yofi", status=401, after=1)

    assert ids(yofi.extract("returns", page_size=10).records()) == ids(stored(world, shop, "return"))


def test_wrong_credentials_and_shops_are_refused_with_a_remedy(world: RunningSandbox, shop: str) -> None:
    another = client(world, shop, secret="another-secret-that-is-long-enough-too")
    with another as yofi, pytest.raises(AuthenticationError, match="Check secret, issuer"):
        yofi.ping()
    stranger = client(world, "stranger.myshopify.com")
    with stranger as yofi, pytest.raises(AuthenticationError, match="shop and platform"):
        yofi.ping()


@pytest.mark.parametrize("shape", ["jsonapi", "detail", "message", "text"])
def test_refusals_are_told_in_every_shape(world: RunningSandbox, shop: str, yofi: YofiClient, shape: str) -> None:
    world.sandbox.switches["yofi.errors"] = shape

    with pytest.raises(RejectedError, match="Bad Request" if shape == "message" else "brand_new") as caught:
        list(yofi.extract("returns", sort="brand_new", page_size=5).records())
    assert caught.value.status == 400


def test_an_interrupted_walk_goes_on_where_it_was(world: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    extraction = yofi.extract("returns", page_size=4)
    steps = extraction.pages()
    first = [next(steps), next(steps)]

    rest = [record for step in extraction.pages(position=first[-1].position) for record in step.records]

    read = [record for step in first for record in step.records]
    assert ids([*read, *rest]) == ids(stored(world, shop, "return"))


def test_a_ping_counts_the_claims(world: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    assert yofi.ping().endswith(f" {len(stored(world, shop, 'claim'))} claims.")
