"""The steps that are killed: those of the main job's lane, and what else reads, writes or publishes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from job_lists import SINCE, UNTIL, bulk_orders, export_redemptions, partner_list

from airflow_provider_partners import (
    DatasetToSqlOperator,
    SqlToDatasetOperator,
    VoucherifyExtractOperator,
    YotpoReplayRejectsOperator,
    YotpoUpsertOrdersOperator,
)
from airflow_provider_partners.pipelines import lanes
from airflow_provider_partners.pipelines.lanes import ORDER_LANE
from airflow_provider_partners.pipelines.lanes.one_task import LanesOperator
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from kill_scene import KillScene

__all__ = ["STEPS", "TABLES", "WRITES", "Step"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One task.

    :param make: returns the operator; the job has what earlier steps returned
    :param job: partner and kind of the jobs that it submits
    :param is_first: it finds nothing of the steps before
    """

    make: Callable[[KillScene], Any]
    job: tuple[str, str] | None = None
    is_first: bool = False


def _of_lane(name: str, **arguments: Any) -> Step:
    def make(scene: KillScene) -> Any:
        task = scene.job.tasks()[name]
        for argument, value in arguments.items():
            setattr(task, argument, value)
        return task

    return Step(make=make)


def _transactions(_: KillScene) -> Any:
    return partner_list("transactions", workers=1)


def _published(scene: KillScene) -> Any:
    return VoucherifyExtractOperator(
        task_id="publish_redemptions",
        resource="redemptions",
        since=SINCE,
        until=UNTIL,
        page_size=30,
        workers=1,
        mode="paged",
        format="parquet",
        voucherify_conn_id=credentials.VOUCHERIFY,
        uri=f"{scene.uri}/published/redemptions",
    )


def _bulk(scene: KillScene) -> Any:
    return bulk_orders(scene.job, workers=1)


def _export(scene: KillScene) -> Any:
    return export_redemptions(scene.job, workers=1)


def _upsert_with_rejects(scene: KillScene) -> Any:
    built = scene.records(scene.job.results["run"]["build"])
    for number, record in enumerate(built):
        record["external_id"] += "-b"
        record["order"] = {**record["order"], "external_id": record["external_id"]}
        if number % 3 == 0:
            # https://core-api.yotpo.com/reference/create-order: an ISO code of three letters
            record["order"]["currency"] = "DOUBLOONS"
    return YotpoUpsertOrdersOperator(
        task_id="upsert_with_rejects",
        orders=built,
        max_rejects=100,
        workers=2,
        yotpo_conn_id=scene.job.route["yotpo_conn_id"],
    )


def _replay(scene: KillScene) -> Any:
    return YotpoReplayRejectsOperator(
        task_id="replay",
        rejects=scene.job.results["run"]["upsert_with_rejects"],
        max_rejects=100,
        yotpo_conn_id=scene.job.route["yotpo_conn_id"],
    )


def _to_table(mode: str, **arguments: Any) -> Step:
    def make(scene: KillScene) -> Any:
        return DatasetToSqlOperator(
            task_id=f"{mode}_table",
            dataset=scene.job.results["run"]["extract_redemptions"],
            table=f"redemptions_{mode}",
            conn_id="kill_db",
            mode=mode,
            batch_size=50,
            exclude=["metadata"],
            **arguments,
        )

    return Step(make=make)


def _lane(scene: KillScene) -> Any:
    window = Window(datetime.fromisoformat(SINCE), datetime.fromisoformat(UNTIL))
    scene.job.results["run"]["select_lanes"] = [{**scene.job.route, **lanes.with_lookbacks(window)}]
    batch = {"lanes": [0], "label": scene.job.shop}
    return LanesOperator(task_id="lane", batch=batch, lanes_task_id="select_lanes", steps=ORDER_LANE.path)


def _from_table(scene: KillScene) -> Any:
    return SqlToDatasetOperator(
        task_id="query_table",
        conn_id="kill_db",
        sql="SELECT id, date FROM redemptions_merge ORDER BY id",
        batch_size=50,
    )


STEPS: dict[str, Step] = {
    "extract_orders": _of_lane("extract_orders", page_size=7, workers=1),
    "extract_returns": _of_lane("extract_returns", page_size=3, workers=1),
    "extract_customers": _of_lane("extract_customers", page_size=3, workers=1),
    "extract_claims": _of_lane("extract_claims", page_size=1, workers=1),
    "extract_redemptions": _of_lane("extract_redemptions", page_size=20, workers=1),
    "extract_transactions": Step(make=_transactions),
    "publish_redemptions": Step(make=_published),
    "build": _of_lane("build"),
    "upsert_products": _of_lane("upsert_products", workers=2),
    "upsert_orders": _of_lane("upsert_orders", workers=2),
    "upsert_with_rejects": Step(make=_upsert_with_rejects),
    "replay": Step(make=_replay),
    "bulk_orders": Step(make=_bulk, job=("shopify_admin", "bulk_operation")),
    "export_redemptions": Step(make=_export, job=("voucherify", "exports")),
    "merge_table": _to_table("merge", keys=["id"]),
    "replace_table": _to_table("replace"),
    "append_table": _to_table("append"),
    "query_table": Step(make=_from_table),
    "lane_in_one_task": Step(make=_lane, is_first=True),
}

WRITES = frozenset({"upsert_products", "upsert_orders", "upsert_with_rejects", "replay"})
TABLES = frozenset({"merge_table", "replace_table", "append_table"})
