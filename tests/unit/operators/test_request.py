"""Any call by an operator: its response is in a dataset, XCom has no data, and a write is sent once whatever happens.

The calls are Voucherify's, from https://github.com/voucherifyio/voucherify-openapi.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fakes.voucherify import voucherify_client

from airflow_provider_partners._compat import AirflowFailException, AirflowRescheduleException
from airflow_provider_partners.datasets import writer
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.exceptions import StorageError
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.operators.voucherify import VoucherifyRequestOperator
from airflow_provider_partners.task_errors import PartnerTaskError

VOUCHER = {"id": "v_1", "code": "SPRING", "active": False, "holder": {"email": "anna@example.com"}}
DISABLE = {"method": "POST", "path": "/v1/vouchers/SPRING/disable"}


class Api:
    """Answers with the given responses, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return httpx.Response(200, json=answer) if isinstance(answer, dict | list) else answer


class Killed(BaseException):
    """The worker dies."""


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Execute an operator as Airflow does, as a try of the same task."""
    connection = {"conn_type": "voucherify", "login": "app-id-1234", "password": "the-secret-key"}
    monkeypatch.setenv("AIRFLOW_CONN_VOUCHERIFY_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", "memory://")
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))

    def execute(api: Api, **arguments: Any) -> Any:
        monkeypatch.setattr(VoucherifyHook, "build_client", lambda hook, connection: voucherify_client(api))
        operator = VoucherifyRequestOperator(task_id="call", **arguments)
        task = SimpleNamespace(dag_id="dag", task_id="call", run_id="run", map_index=-1)
        return operator.execute({"ti": task})

    return execute


def test_the_response_is_in_the_dataset_and_xcom_has_no_data(run) -> None:
    api = Api(VOUCHER)

    reference = run(api, **DISABLE)

    assert list(read_dataset(reference)) == [VOUCHER]
    assert "anna" not in json.dumps(reference)
    assert reference["resource"] == "response"
    assert [request.method for request in api.requests] == ["POST"]


def test_rendered_text_is_as_good_as_values(run) -> None:
    api = Api(VOUCHER)

    run(api, method="post", path="/v1/x", query_params='{"limit": 5}', json='{"active": false}', idempotent="true")

    assert api.requests[0].url.query == b"limit=5"
    assert json.loads(api.requests[0].read()) == {"active": False}


@pytest.mark.parametrize(
    ("response", "records_path", "records"),
    [
        ({"data": [{"id": 1}, {"id": 2}]}, "data", [{"id": 1}, {"id": 2}]),
        ({"a": {"b": {"id": 1}}}, "a.b", [{"id": 1}]),
        ([{"id": 1}, 7], None, [{"id": 1}, {"value": 7}]),
        (httpx.Response(204), None, []),
        (httpx.Response(200, json=3), None, [{"value": 3}]),
    ],
)
def test_a_response_of_any_shape_becomes_records(run, response: Any, records_path: str | None, records: Any) -> None:
    reference = run(Api(response), method="GET", path="/v1/x", records_path=records_path)

    assert list(read_dataset(reference)) == records


def test_a_path_that_the_response_lacks_is_named(run) -> None:
    with pytest.raises(AirflowFailException, match=r"nothing at records_path='vouchers', but \['data'\]"):
        run(Api({"data": []}), method="GET", path="/v1/x", records_path="vouchers")


def test_one_value_may_go_to_xcom(run) -> None:
    reference = run(Api({"async_action_id": "aa_1"}), **DISABLE, response_path="async_action_id")

    assert reference["extra"]["response_value"] == "aa_1"


@pytest.mark.parametrize("path", ["holder", "holder.email"])
def test_an_object_or_an_address_does_not_go_to_xcom(run, path: str) -> None:
    with pytest.raises(AirflowFailException, match="'response_path' leads to a value that XCom can't hold") as error:
        run(Api(VOUCHER), **DISABLE, response_path=path)
    assert "anna" not in str(error.value)


@pytest.mark.parametrize("wrong", [{"response_path": "holder"}, {"records_path": "vouchers"}])
def test_a_wrong_path_into_the_response_of_a_write_says_that_the_call_has_taken_effect(run, wrong: Any) -> None:
    """``POST /v1/vouchers/{code}/disable`` answers 200 when it is done:
    https://docs.voucherify.io/api-reference/vouchers/disable-voucher."""
    with pytest.raises(AirflowFailException, match="has taken effect, and a cleared task sends it again"):
        run(Api(VOUCHER), **DISABLE, **wrong)
    with pytest.raises(AirflowFailException) as error:
        run(Api(VOUCHER), method="GET", path="/v1/vouchers/SPRING", **wrong)
    assert "taken effect" not in str(error.value)


@pytest.mark.parametrize(
    "lost", [httpx.ReadError("reset"), httpx.Response(500), httpx.Response(200, content=b"<html>")]
)
def test_a_write_of_unknown_outcome_fails_without_a_retry_and_a_cleared_task_sends_it_again(run, lost: Any) -> None:
    api = Api(lost, VOUCHER)

    with pytest.raises(AirflowFailException, match="Look at Voucherify whether it has taken effect"):
        run(api, **DISABLE)
    assert len(api.requests) == 1

    assert run(api, **DISABLE)["records"] == 1


def test_after_a_worker_died_while_it_sent_a_write_the_retry_does_not_send_it_again(run) -> None:
    api = Api(Killed(), VOUCHER)
    with pytest.raises(Killed):
        run(api, **DISABLE)

    with pytest.raises(AirflowFailException, match=r"An earlier try sent this call.*Then clear the task"):
        run(api, **DISABLE)

    assert len(api.requests) == 1
    assert run(api, **DISABLE)["records"] == 1  # cleared by somebody who has looked


def test_a_retry_finishes_what_was_stored_without_sending_it_again(run, monkeypatch) -> None:
    api = Api({**VOUCHER, "async_action_id": "aa_1"})

    def die(*arguments: Any, **options: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(writer.DatasetWriter, "commit", die)
        with pytest.raises(Killed):
            run(api, **DISABLE, response_path="async_action_id")

    reference = run(api, **DISABLE, response_path="async_action_id")

    assert len(api.requests) == 1
    assert reference["records"] == 1
    assert reference["extra"]["response_value"] == "aa_1"


def test_a_write_whose_response_cannot_be_stored_fails_without_a_retry(run, monkeypatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        message = "No space left"
        raise StorageError(message)

    monkeypatch.setattr(writer.DatasetWriter, "append", refuse)

    with pytest.raises(AirflowFailException, match=r"No space left.*Look at Voucherify"):
        run(Api(VOUCHER), **DISABLE)


def test_a_write_that_did_not_reach_the_partner_counts_as_a_retry(run) -> None:
    api = Api(httpx.ConnectError("refused"))

    with pytest.raises(PartnerTaskError):
        run(api, **DISABLE)
    api.answers = [VOUCHER]

    assert run(api, **DISABLE)["records"] == 1


def test_a_throttled_write_is_sent_after_the_wait(run) -> None:
    wait = httpx.Response(429, headers={"Retry-After": "900"}, json={"code": 429, "message": "Too many requests"})
    api = Api(wait, VOUCHER)

    with pytest.raises((AirflowRescheduleException, PartnerTaskError)):
        run(api, **DISABLE)

    assert run(api, **DISABLE)["records"] == 1


def test_an_idempotent_write_and_a_read_are_sent_again_by_a_retry(run) -> None:
    for arguments in ({**DISABLE, "idempotent": True}, {"method": "GET", "path": "/v1/vouchers/SPRING"}):
        api = Api(Killed(), VOUCHER)
        with pytest.raises(Killed):
            run(api, **arguments)
        assert run(api, **arguments)["records"] == 1
        assert len(api.requests) == 2


def test_another_call_is_not_stopped_by_the_note_of_an_earlier_one(run) -> None:
    api = Api(Killed(), VOUCHER)
    with pytest.raises(Killed):
        run(api, **DISABLE)

    assert run(api, method="POST", path="/v1/vouchers/SPRING/enable")["records"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "PSOT", "path": "/v1/x"}, "did you mean 'POST'"),
        ({"method": "GET", "path": "v1/x"}, "'path' is no path"),
        (
            {"method": "GET", "path": "/v1/x", "query_params": "limit"},
            "'query_params' is the text 'limit', and a dict is needed",
        ),
        ({"method": "GET", "path": "/v1/x", "json": 7}, "'json' is 7"),
        ({"method": "GET", "path": "/v1/x", "idempotent": "perhaps"}, "'idempotent' is the text 'perhaps'"),
    ],
)
def test_wrong_arguments_fail_before_anything_is_sent(run, arguments: dict[str, Any], message: str) -> None:
    api = Api(VOUCHER)

    with pytest.raises(AirflowFailException, match=message):
        run(api, **arguments)
    assert api.requests == []
