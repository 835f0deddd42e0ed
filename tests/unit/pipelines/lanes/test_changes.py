"""Which lanes have something to do: one request each, a few at a time; what is not known counts as changed."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_partners.exceptions import NotDefinedError, TransientError
from airflow_provider_partners.pipelines.lanes.changes import find_changes

COUNTS = {"requests": 1}


class Hook:
    conn_type = "shopify_admin"

    def __init__(self, kind: IsChanged, lane: dict[str, Any]) -> None:
        self.kind, self.account = kind, lane["shop"]
        if self.account == "surprising-connection":
            raise RuntimeError("secret-of-the-connection")

    def __enter__(self) -> Any:
        if self.account == "unknown":
            raise NotDefinedError("Airflow did not find the connection")
        self.kind.open += 1
        self.kind.most_open = max(self.kind.most_open, self.kind.open)
        return self.get_conn()

    def __exit__(self, *_: object) -> None:
        self.kind.open -= 1

    def get_conn(self) -> Any:
        return SimpleNamespace(stats=SimpleNamespace(snapshot=lambda: COUNTS))


class IsChanged:
    def __init__(self) -> None:
        self.open = self.most_open = 0
        self.threads: set[str] = set()

    def hook(self, lane: dict[str, Any]) -> Any:
        return Hook(self, lane)

    def __call__(self, _client: Any, lane: dict[str, Any]) -> bool:
        self.threads.add(threading.current_thread().name)
        time.sleep(0.01)
        if lane["shop"] == "surprising":
            raise UnicodeError("secret-of-the-answer")
        if lane["shop"] == "broken":
            raise TransientError("Shopify answers no more to broken\nand more")
        return bool(lane["changed"])


def lanes(*shops: str) -> list[dict[str, Any]]:
    return [{"shop": shop, "changed": shop.startswith("changed")} for shop in shops]


def test_each_lane_has_an_answer_and_a_request_that_fails_is_none() -> None:
    is_changed: Any = IsChanged()
    answers = [*find_changes(lanes("changed", "quiet", "broken", "unknown", "quiet"), is_changed)]
    assert [answer.may_have_changes for answer in answers] == [True, False, True, True, False]
    assert [[call["counts"] for call in answer.found_by["calls"]] for answer in answers] == [
        [COUNTS],
        [COUNTS],
        [COUNTS],
        [],
        [COUNTS],
    ]
    assert (answers[1].found_by["calls"][0]["account"], is_changed.open) == ("quiet", 0)


def test_an_error_that_nobody_expects_is_no_answer_and_stops_no_other_shop(caplog: pytest.LogCaptureFixture) -> None:
    is_changed: Any = IsChanged()
    answers = [*find_changes(lanes("surprising", "surprising-connection", "quiet"), is_changed)]
    assert [answer.may_have_changes for answer in answers] == [True, True, False]
    assert "its steps run: The request stopped with a UnicodeError" in caplog.text
    assert "secret" not in caplog.text + str(answers)


def test_a_request_that_fails_is_a_warning_with_the_first_line_of_its_error(caplog: pytest.LogCaptureFixture) -> None:
    is_changed: Any = IsChanged()
    answers = [*find_changes(lanes("changed", "quiet", "broken", "broken", "unknown"), is_changed)]
    assert [(answer.found_by["state"], answer.found_by["message"]) for answer in answers] == [
        ("success", None),
        ("success", None),
        ("warning", "Shopify answers no more to the shop"),
        ("warning", "Shopify answers no more to the shop"),
        ("warning", "Airflow did not find the connection"),
    ]
    assert caplog.messages[-1] == (
        "In 3 of 5 lanes it is not known whether orders have changed, so their steps run: "
        "Shopify answers no more to the shop (2); Airflow did not find the connection (1)"
    )


def test_the_setting_bounds_the_requests_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__PARALLEL_CALLS", "4")
    is_changed: Any = IsChanged()
    assert not any(answer.may_have_changes for answer in find_changes(lanes(*["quiet"] * 30), is_changed))
    assert is_changed.most_open == 4
    assert len(is_changed.threads) > 1
