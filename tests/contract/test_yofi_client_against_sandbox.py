"""Yofi's client against the sandbox over real HTTP: documents operation, with documents undocumented behaviour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sandbox import restored_settings, run_sandbox, yofi_client

from airflow_provider_partners.api.rsql.expressions import field
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.exceptions import AuthenticationError, RejectedError
from airflow_provider_partners.sandbox.server import RunningSandbox

pytestmark = pytest.mark.usefixtures("quick_refusals")

NOW = datetime(2026, 6, 1, tzinfo=UTC)
Record = dict[str, Any]


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=2, orders=150, now=NOW) as running:
        yield running


@pytest.fixture
def yofi_sandbox(running_sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    with restored_settings(running_sandbox):
        yield running_sandbox


@pytest.fixture
def shop(yofi_sandbox: RunningSandbox) -> str:
    shops = yofi_sandbox.sandbox.credentials["yofi"]["shops"]
    return max(shops, key=lambda name: yofi_sandbox.sandbox.store.count("yofi", name, "return"))


@pytest.fixture
def yofi(yofi_sandbox: RunningSandbox, shop: str) -> Iterator[YofiClient]:
    with yofi_client(yofi_sandbox, shop) as yofi:
        yield yofi


def stored(yofi_sandbox: RunningSandbox, shop: str, kind: str) -> list[Record]:
    return yofi_sandbox.sandbox.store.select("yofi", shop, kind)


def ids(records: Any) -> list[str]:
    return sorted(record["id"] for record in records)


LISTS = {
    "claims": "claim",
    "customers": "customer",
    "returns": "return",
    "notification_events": "notification_event",
}


@pytest.mark.covers(
    "yofi.claims.page_number", "yofi.customers.page_number", "yofi.returns.page_number", "yofi.events.page_number"
)
@pytest.mark.parametrize(("resource", "kind"), LISTS.items())
@pytest.mark.parametrize("page_size", [None, 7])
@pytest.mark.parametrize("workers", [1, 4])
def test_every_list_is_read_completely(
    yofi_sandbox: RunningSandbox,
    shop: str,
    yofi: YofiClient,
    resource: str,
    kind: str,
    page_size: int | None,
    workers: int,
) -> None:
    records = list(yofi.extract(resource, page_size=page_size).records(workers=workers))

    assert ids(records) == ids(stored(yofi_sandbox, shop, kind))
    assert len(records) >= 3


@pytest.mark.parametrize("profile", ["service_account", "legacy"])
def test_both_profiles_are_accepted_for_every_shop(yofi_sandbox: RunningSandbox, profile: str) -> None:
    for shop in yofi_sandbox.sandbox.credentials["yofi"]["shops"]:
        with yofi_client(yofi_sandbox, shop, auth_profile=profile) as yofi:
            assert ids(yofi.extract("returns").records()) == ids(stored(yofi_sandbox, shop, "return"))


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
def test_every_undocumented_behaviour_gives_the_same_records(
    yofi_sandbox: RunningSandbox, shop: str, resource: str, switches: dict[str, Any]
) -> None:
    with yofi_client(yofi_sandbox, shop) as yofi:
        default = list(yofi.extract(resource).records())
    yofi_sandbox.sandbox.switches.update(switches)
    with yofi_client(yofi_sandbox, shop) as yofi:
        records = list(yofi.extract(resource).records(workers=3))

    assert records == default
    assert ids(records) == ids(stored(yofi_sandbox, shop, LISTS[resource]))


@pytest.mark.covers("yofi.returns.included")
def test_a_return_has_its_customer_order_and_predictions_in_place(
    yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient
) -> None:
    records = {record["id"]: record for record in yofi.extract("returns").records()}

    for document in stored(yofi_sandbox, shop, "return"):
        record, relationships = records[document["id"]], document["relationships"]
        predictions = [prediction["id"] for prediction in record["return_predictions"]]
        assert predictions == [id_ for _, id_ in relationships["return_predictions"] or []]
        assert all(0 <= prediction["predicted_value"] <= 1 for prediction in record["return_predictions"])
        if relationships.get("customer"):
            assert record["customer"]["customer_id"] == record["customer_id"]
        assert record["order"]["name"] == record["order_name"]


@pytest.mark.parametrize("resource", ["claims", "notification_events"])
def test_adjacent_time_ranges_give_every_record_once(
    yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient, resource: str
) -> None:
    edges = [NOW - timedelta(days=days) for days in (400, 60, 30, 7, -1)]

    records: list[Record] = []
    for since, until in pairwise(edges):
        records += yofi.extract(resource, since=since, until=until, page_size=5).records(workers=3)

    assert ids(records) == ids(stored(yofi_sandbox, shop, LISTS[resource]))


def test_a_time_range_includes_since_and_excludes_until(
    yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient
) -> None:
    epochs = sorted(document["attributes"]["created_at_epoch"] for document in stored(yofi_sandbox, shop, "claim"))
    since, until = (datetime.fromtimestamp(epoch, UTC) for epoch in (epochs[0], epochs[-1]))

    records = [record["created_at_epoch"] for record in yofi.extract("claims", since=since, until=until).records()]

    assert records == [epoch for epoch in epochs if epoch < epochs[-1]]


def test_returns_are_matched_by_order_ids(yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    documents = stored(yofi_sandbox, shop, "return")
    ids_to_match = sorted({document["attributes"]["order_id"] for document in documents})[::2]

    records = yofi.extract("returns", match={"order_id": [*ids_to_match, "999"]}, page_size=3).records(workers=2)

    expected = [document for document in documents if document["attributes"]["order_id"] in ids_to_match]
    assert ids(records) == ids(expected)


def test_customers_are_matched_by_ids(yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    documents = stored(yofi_sandbox, shop, "customer")
    ids_to_match = [document["attributes"]["customer_id"] for document in documents][:60]

    records = yofi.extract("customers", match={"customer_id": ids_to_match}).records()

    assert ids(records) == ids(documents[:60])


def test_values_with_any_character_can_be_filtered_and_matched(
    yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient
) -> None:
    names = ["#1;2", "a+b", 'it\'s "so"', "50% & more", "x,y=(z)", "back\\slash", "Zoë 漢"]
    documents = stored(yofi_sandbox, shop, "return")[: len(names)]
    for document, name in zip(documents, names, strict=True):
        altered = {**document, "id": f"odd-{document['id']}", "attributes": {**document["attributes"], "state": name}}
        yofi_sandbox.sandbox.store.put("yofi", shop, "return", altered["id"], altered, at="2026-05-01T00:00:00Z")
    try:
        for name in names:
            [records] = yofi.extract("returns", filters=field("state") == name).records()
            assert records["state"] == name
        several = yofi.extract("returns", match={"state": names}).records()
        assert sorted(record["state"] for record in several) == sorted(names)
    finally:
        for document in documents:
            yofi_sandbox.sandbox.store.delete("yofi", shop, "return", f"odd-{document['id']}")


def test_predictions_are_filtered_with_both_semantics(
    yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient
) -> None:
    text = "predicted_value>0.7"
    documents = list(yofi.extract("returns").records())

    included = list(yofi.extract("returns", prediction_filter=text).records())
    yofi_sandbox.sandbox.switches["yofi.prediction_filter_semantics"] = "returns"
    only = list(yofi.extract("returns", prediction_filter=text).records())

    high = {
        record["id"]
        for record in documents
        if any(prediction["predicted_value"] > 0.7 for prediction in record["return_predictions"])
    }
    assert ids(included) == ids(documents)
    assert 0 < len(high) < len(documents)
    assert {record["id"] for record in included if record["return_predictions"]} == high
    assert {record["id"] for record in only} == high


def test_one_customer_is_read_in_both_body_shapes_and_is_none_when_unknown(
    yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient
) -> None:
    with_predictions = next(
        document
        for document in stored(yofi_sandbox, shop, "customer")
        if document["relationships"]["customer_predictions"]
    )
    customer_id = with_predictions["attributes"]["customer_id"]

    first = yofi.customer(customer_id)
    yofi_sandbox.sandbox.switches["yofi.body"] = "trace"
    second = yofi.customer(customer_id)

    assert first == second
    assert first is not None
    assert first["customer_predictions"][0]["prediction_category"]
    assert yofi.customer("999") is None


def test_records_that_arrive_during_a_walk_neither_double_nor_hide_others(
    yofi_sandbox: RunningSandbox, shop: str
) -> None:
    yofi_sandbox.sandbox.switches["yofi.drift"] = True
    before = ids(stored(yofi_sandbox, shop, "return"))
    try:
        with yofi_client(yofi_sandbox, shop) as yofi:
            records = ids(yofi.extract("returns", page_size=5).records())
    finally:
        for document in stored(yofi_sandbox, shop, "return"):
            if "-drift-" in document["id"]:
                yofi_sandbox.sandbox.store.delete("yofi", shop, "return", document["id"])

    assert len(records) == len(set(records))
    assert set(before) <= set(records)


def test_transient_errors_and_lost_connections_lose_no_record(
    yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient
) -> None:
    yofi_sandbox.faults.add(path_prefix="/yofi", status=503, after=1)
    yofi_sandbox.faults.add(path_prefix="/yofi", drop=True, after=2)

    assert ids(yofi.extract("returns", page_size=10).records()) == ids(stored(yofi_sandbox, shop, "return"))
    assert yofi.stats.retries == 2


def test_a_token_that_is_refused_during_a_walk_is_replaced(
    yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient
) -> None:
    yofi_sandbox.faults.add(path_prefix="/yofi", status=401, after=1)

    assert ids(yofi.extract("returns", page_size=10).records()) == ids(stored(yofi_sandbox, shop, "return"))


def test_wrong_credentials_and_shops_are_refused_with_a_remedy(yofi_sandbox: RunningSandbox, shop: str) -> None:
    another = yofi_client(yofi_sandbox, shop, secret="another-secret-that-is-long-enough-too")
    with another as yofi, pytest.raises(AuthenticationError, match="Check secret, issuer"):
        yofi.ping()
    stranger = yofi_client(yofi_sandbox, "stranger.myshopify.com")
    with stranger as yofi, pytest.raises(AuthenticationError, match="shop and platform"):
        yofi.ping()


@pytest.mark.parametrize("shape", ["jsonapi", "detail", "message", "text"])
def test_refusals_of_every_shape_are_in_the_error(
    yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient, shape: str
) -> None:
    yofi_sandbox.sandbox.switches["yofi.errors"] = shape

    with pytest.raises(RejectedError, match="Bad Request" if shape == "message" else "brand_new") as caught:
        list(yofi.extract("returns", sort="brand_new", page_size=5).records())
    assert caught.value.status == 400


def test_an_interrupted_walk_resumes_at_its_position(yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    extraction = yofi.extract("returns", page_size=4)
    steps = extraction.pages()
    first = [next(steps), next(steps)]

    rest = [record for step in extraction.pages(position=first[-1].position) for record in step.records]

    read = [record for step in first for record in step.records]
    assert ids([*read, *rest]) == ids(stored(yofi_sandbox, shop, "return"))


def test_a_ping_counts_the_claims(yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient) -> None:
    assert yofi.ping().endswith(f" {len(stored(yofi_sandbox, shop, 'claim'))} claims.")


def test_fields_that_the_page_lists_for_another_operation_may_be_unknown(
    yofi_sandbox: RunningSandbox, shop: str, yofi: YofiClient
) -> None:
    yofi_sandbox.sandbox.switches["yofi.fields_of"] = "operation"
    for resource, kind in LISTS.items():
        assert ids(yofi.extract(resource).records()) == ids(stored(yofi_sandbox, shop, kind))
    customer = stored(yofi_sandbox, shop, "customer")[0]
    record = yofi.customer(customer["id"])
    assert record is not None
    assert "email" not in record
