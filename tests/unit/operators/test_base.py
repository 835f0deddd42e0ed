from __future__ import annotations

import gc
import inspect

import pytest
from structlog.tracebacks import extract

from airflow_provider_partners import (
    YofiExtractOperator,
    YotpoOrderSensor,
    YotpoReplayRejectsOperator,
    YotpoUpsertOrdersOperator,
)
from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.operators.base import PartnerOperator


class FailingOperator(PartnerOperator):
    def run(self, context):
        message = "the shop is wrong"
        raise ConfigurationError(message)


class CountingOperator(PartnerOperator):
    def run(self, context):
        return gc.get_freeze_count()


def test_a_task_runs_while_the_collector_leaves_airflow_alone():
    """Airflow and its libraries are some hundred thousand objects: https://docs.python.org/3/library/gc.html."""
    assert CountingOperator(task_id="counting").execute({}) > 10_000
    assert gc.get_freeze_count() == 0


def test_an_operator_translates_its_errors_for_airflow():
    with pytest.raises(AirflowFailException, match="the shop is wrong"):
        FailingOperator(task_id="failing").execute({})


class FailingShopOperator(FailingOperator):
    def __init__(self, *, shop, yotpo_conn_id, **kwargs):
        super().__init__(**kwargs)
        self.shop = shop
        self.yotpo_conn_id = yotpo_conn_id


def test_the_log_names_shop_and_connection_of_a_failed_task(caplog):
    operator = FailingShopOperator(task_id="failing", shop="a.myshopify.com", yotpo_conn_id="yotpo_a")
    with pytest.raises(AirflowFailException):
        operator.execute({})
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert line == "a.myshopify.com, connection yotpo_a: the shop is wrong"


def test_airflow_prints_one_frame_of_this_provider():
    """Airflow's log shows each frame of an exception and of its causes: ``structlog.tracebacks.extract``."""
    with pytest.raises(AirflowFailException) as raised:
        FailingOperator(task_id="failing").execute({})
    (stack,) = extract(raised.type, raised.value, raised.value.__traceback__).stacks
    ours = [frame for frame in stack.frames if "/airflow_provider_partners/" in frame.filename]
    assert [frame.name for frame in ours] == ["execute"]


@pytest.mark.parametrize(
    ("kind", "names", "required"),
    [
        (YotpoUpsertOrdersOperator, {"plan_only", "yotpo_conn_id", "with_fulfillments", "kwargs"}, {"orders"}),
        (YofiExtractOperator, {"since", "until", "match", "uri", "shop", "yofi_conn_id", "kwargs"}, {"resource"}),
        (YotpoReplayRejectsOperator, {"rebuilt", "plan_only", "kwargs"}, {"rejects"}),
        (YotpoOrderSensor, {"external_ids", "deferrable", "max_failures", "kwargs"}, set()),
    ],
)
def test_help_shows_the_arguments_of_all_base_classes(kind, names, required):
    parameters = inspect.signature(kind).parameters

    assert names <= set(parameters)
    assert required == {
        name for name, each in parameters.items() if each.default is each.empty and each.kind is each.KEYWORD_ONLY
    }


def test_help_leaves_out_what_an_operator_sets_by_itself():
    assert "orders" not in inspect.signature(YotpoReplayRejectsOperator).parameters
