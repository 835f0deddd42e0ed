"""No value of a field that is not in the allow list is shown: not on the page, not by a command, not in a report.

The fields are those of the partners' own schemas and pages, as each list declares them. Every one gets a canary, in
each form that a value of another field may be shown in.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from left_reports import leave_dataset

from airflow_provider_partners import masking
from airflow_provider_partners.cli import sample
from airflow_provider_partners.cli.output import Output
from airflow_provider_partners.plugin import records
from airflow_provider_partners.sync.upsert import changes
from airflow_provider_partners.sync.upsert.plan import WritePlan

API = Path(masking.__file__).parent / "api"
TREES = {
    (path.parent.name, resource): tree
    for path in sorted(API.glob("*/record_types.json"))
    for resource, tree in json.loads(path.read_text()).items()
}
LISTS = [pytest.param(*key, id=".".join(key)) for key in TREES]
SOURCES = {
    "https://shopify.dev/docs/api/partner": "shopify_partner",
    "https://shopify.dev/docs/": "shopify_admin",
    "https://docs.voucherify.io/": "voucherify",
    "https://docs.yofi.ai/": "yofi",
    "https://core-api.yotpo.com/": "yotpo",
    "https://develop.yotpo.com/": "yotpo",
}
FORMS = {
    "text": "Canary {} Hopper",
    "word": "canary_{}",
    "id": "gid://canary/{}",
    "order": "#canary{}",
    "time": "1906-12-09T00:00:00.{}Z",
    "amount": "4711{}.25",
    "country": "{}",
}


def plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def singular(name: str) -> str:
    name = plain(name)
    return name[:-3] + "y" if name.endswith("ies") else name.removesuffix("s")


OPEN = {
    (singular(field.rpartition(".")[0]), plain(field.rpartition(".")[2]))
    for allowed in masking.ALLOWED
    for field in allowed.fields.split()
}
OF_MERCHANTS = {"metadata", "customproperty", "attribute", "customattribute", "property", "additionalinfo"}
"""Merchants name the fields in these: ``metadata`` and ``attributes`` of Voucherify, ``custom_properties`` of Yotpo."""


class Canaries:
    """Makes records of a list, with a canary in each field that may not be shown."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.values: dict[str, str] = {}

    def record(self, tree: Mapping[str, Any], place: str, path: str = "", *, free: bool = False) -> dict[str, Any]:
        made = {name: self.value(name, kind, place, path, free=free) for name, kind in tree.items() if name != "*"}
        made["future_field"] = self.canary(f"{path}.future_field")
        return made

    def value(self, name: str, kind: Any, place: str, path: str, *, free: bool) -> Any:
        path, inner = f"{path}.{name}", singular(name)
        free = free or inner in OF_MERCHANTS
        if isinstance(kind, Mapping):
            member = self.record(kind, inner, path, free=free)
            return [member] if name.endswith("s") else member
        if kind == "json":
            return {
                "anything": self.canary(f"{path}.anything"),
                "deep": [{"of_the_future": self.canary(f"{path}.deep")}],
            }
        if (place, plain(name)) in OPEN or (not free and ("", plain(name)) in OPEN):
            return None
        return self.canary(path)

    def canary(self, path: str) -> str:
        number = f"{len(self.values) + 1:05d}"
        if self.form == "country":
            number = "Q" + chr(ord("A") + len(self.values) % 26)
        self.values[path] = FORMS[self.form].format(number)
        return self.values[path]

    def shown_in(self, value: Any) -> list[str]:
        """Return the paths of the canaries that a value contains. Keys are no values."""
        texts = "\n".join(texts_of(value))
        return [path for path, canary in self.values.items() if canary in texts]


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from texts_of(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_of(part)
    elif value is not None:
        yield str(value)


def canaries_of(source: str, resource: str) -> list[tuple[Canaries, dict[str, Any]]]:
    made = []
    for form in FORMS:
        canaries = Canaries(form)
        made.append((canaries, canaries.record(TREES[source, resource], singular(resource))))
    return made


def test_each_list_has_canaries() -> None:
    """Without them, the tests below would show nothing."""
    assert len(TREES) > 100
    for source, resource in TREES:
        for canaries, record in canaries_of(source, resource):
            assert canaries.values
            assert sorted(canaries.shown_in(record)) == sorted(canaries.values)
    (canaries, _), *_ = canaries_of("shopify_admin", "orders")
    assert {".email", ".customer.firstName", ".shippingAddress.zip", ".tags.anything"} <= set(canaries.values)


@pytest.mark.parametrize(("source", "resource"), LISTS)
def test_no_canary_is_shown_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, resource: str
) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    made = canaries_of(source, resource)
    dataset = leave_dataset("dag", "run", "task", "0", resource, [record for _, record in made])
    shown, masked = records.read_records(dataset, 0)

    assert masked is True
    assert len(shown) == len(made)
    for (canaries, record), each in zip(made, shown, strict=True):
        assert canaries.shown_in(each) == []
        assert each.keys() == record.keys()


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(("source", "resource"), LISTS)
def test_no_canary_is_printed_by_a_sample(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, source: str, resource: str, as_json: bool
) -> None:
    made = canaries_of(source, resource)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(sample, "open_hook", lambda *_, **__: Hook([record for _, record in made]))
    options = types.SimpleNamespace(
        resource=f"{source}.{resource}", limit=100, conn_id=None, shop=None, since=None, until=None, settings=None,
        personal_data=False,
    )  # fmt: skip
    assert sample.run(options, Output(as_json=as_json)) == 0
    printed = capsys.readouterr().out

    for canaries, _ in made:
        if canaries.form != "country":
            assert canaries.shown_in(printed) == []
        elif as_json:
            assert canaries.shown_in(json.loads(printed)["records"]) == []


class Hook:
    """Gives the records of a list."""

    account = "account"

    def __init__(self, found: list[dict[str, Any]]) -> None:
        self.found = found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def extract(self, resource: str, **_: Any) -> Hook:
        return self

    def records(self) -> Iterator[dict[str, Any]]:
        yield from self.found


@pytest.mark.parametrize("action", ["update", "create"])
@pytest.mark.parametrize(("source", "resource"), LISTS)
def test_no_canary_is_in_the_values_of_a_report(
    monkeypatch: pytest.MonkeyPatch, source: str, resource: str, action: Any
) -> None:
    monkeypatch.setattr(changes, "MAX_CHANGES", 10_000)
    monkeypatch.setattr(changes, "MAX_NEW_VALUES", 10_000)
    made = canaries_of(source, resource)
    masked = 0
    for (canaries, record), (others, present) in zip(made, [*made[1:], made[0]], strict=True):
        plan = WritePlan(action, record, changed=tuple(record))
        values = changes.describe_changes(plan, present, kind=singular(resource))  # type: ignore[arg-type]
        shown = [part for each in values for part in (each["before"], each["after"])]
        assert canaries.shown_in(shown) == []
        assert others.shown_in(shown) == []
        masked += shown.count(masking.MASK)

    # A list whose members Yotpo doesn't merge is one value, so there are fewer values than fields.
    assert masked >= len(FORMS)


@pytest.mark.parametrize("source", sorted(set(SOURCES.values())))
def test_each_field_is_declared_by_the_partner_whose_page_is_its_source(source: str) -> None:
    declared = {
        field for (partner, resource), tree in TREES.items() if partner == source for field in fields(tree, resource)
    }
    own = {("customproperty", "suppressreviewrequest"), ("customproperty", "couponused")}
    checked = 0
    for allowed in masking.ALLOWED:
        partner = next((name for url, name in SOURCES.items() if allowed.source.startswith(url)), "")
        for field in allowed.fields.split() if partner == source else ():
            place, _, name = field.rpartition(".")
            checked += 1
            assert (singular(place), plain(name)) in declared | own, field

    assert checked >= 15


def fields(tree: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    for name, kind in tree.items():
        yield from ((singular(place), plain(name)), ("", plain(name)))
        if isinstance(kind, Mapping):
            yield from fields(kind, name)


NAMES = st.sampled_from([
    *("future", "metadata", "custom_properties", "customer", "values", "name", "before", "after", "items", "order"),
    *("id", "status", "created_at", "total_price", "kind", "email"),
])
JSON = st.recursive(
    st.just("canary 7"), lambda part: st.lists(part, max_size=3) | st.dictionaries(NAMES, part, max_size=4)
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=200)
@given(record=st.dictionaries(NAMES, JSON, max_size=5), resource=st.sampled_from(["", "customers", "vouchers"]))
def test_text_of_a_person_is_shown_in_no_record_of_any_shape(record: dict[str, Any], resource: str) -> None:
    """A text with a space is no id, no state, no time and no amount, and none of these lists shows its name."""
    shown = masking.mask_record(record, resource=resource)
    assert "canary" not in json.dumps(shown)
