"""The steps that are killed: those of the main job's lane, and what else reads, writes or publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from job_lists import SINCE, UNTIL, bulk_orders, export_redemptions, partner_list

from airflow_provider_partners import (
    DatasetToSqlOperator,
    SqlToDatasetOperator,
    VoucherifyExtractOperator,
    YotpoBuildOrdersOperator,
    YotpoExtractOperator,
    YotpoReconcileOrdersOperator,
    YotpoReplayRejectsOperator,
    YotpoUpsertFulfillmentsOperator,
    YotpoUpsertOrdersOperator,
)
from airflow_provider_partners.pipelines import lanes
from airflow_provider_partners.pipelines.lanes import ORDER_LANE
from airflow_provider_partners.pipelines.lanes.one_task import LanesOperator
from airflow_provider_partners.pipelines.replay_rejects import REPLAY_LANE
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from kill_scene import KillScene

__all__ = ["LANES", "STEPS", "Step"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One task.

    :param make: returns the operator; the job has what earlier steps returned
    :param job: partner and kind of the jobs that it submits
    :param is_first: it finds nothing of the steps before
    :param writes: it writes to Yotpo, and returns outcomes
    :param tables: the database whose tables it loads: ``sqlite`` or ``postgres``
    :param uses_postgres: it needs the server
    :param environment: further variables
    """

    make: Callable[[KillScene], Any]
    job: tuple[str, str] | None = None
    is_first: bool = False
    writes: bool = False
    tables: str = ""
    uses_postgres: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def _of_lane(name: str, *, writes: bool = False, **arguments: Any) -> Step:
    def make(scene: KillScene) -> Any:
        task = scene.job.tasks()[name]
        for argument, value in arguments.items():
            setattr(task, argument, value)
        return task

    return Step(make=make, writes=writes)


def _transactions(_: KillScene) -> Any:
    return partner_list("transactions", workers=1)


def _redemptions(task_id: str, *, page_size: int, **arguments: Any) -> Any:
    return VoucherifyExtractOperator(
        task_id=task_id,
        resource="redemptions",
        since=SINCE,
        until=UNTIL,
        page_size=page_size,
        workers=1,
        mode="paged",
        voucherify_conn_id=credentials.VOUCHERIFY,
        **arguments,
    )


def _published(scene: KillScene) -> Any:
    uri = f"{scene.uri}/published/redemptions"
    return _redemptions("publish_redemptions", page_size=30, format="parquet", uri=uri)


def _bulk(scene: KillScene) -> Any:
    return bulk_orders(scene.job, workers=1)


def _export(scene: KillScene) -> Any:
    return export_redemptions(scene.job, workers=1)


def _upsert(scene: KillScene, operator: Any, task_id: str, **arguments: Any) -> Any:
    """Return a task that writes to the shop's store, some of whose records are rejected."""
    connection = scene.job.route["yotpo_conn_id"]
    return operator(task_id=task_id, max_rejects=100, workers=2, yotpo_conn_id=connection, **arguments)


def _upsert_with_rejects(scene: KillScene) -> Any:
    built = scene.records(scene.job.results["run"]["build"])
    for number, record in enumerate(built):
        record["external_id"] += "-b"
        record["order"] = {**record["order"], "external_id": record["external_id"]}
        if number % 3 == 0:
            # https://core-api.yotpo.com/reference/create-order: an ISO code of three letters
            record["order"]["currency"] = "DOUBLOONS"
    return _upsert(scene, YotpoUpsertOrdersOperator, "upsert_with_rejects", orders=built)


def _upsert_fulfillments(scene: KillScene) -> Any:
    """Write second fulfillments of the orders, of which every third has a date that Yotpo can't read."""
    fulfillments = [
        {
            "order_external_id": record["external_id"],
            "external_id": f"{record['external_id']}-second",
            "fulfillment_date": "tomorrow" if number % 3 == 0 else "2026-05-20T10:00:00Z",
            "status": "success",
            "fulfilled_items": [
                {name: line[name] for name in ("external_product_id", "quantity")}
                for line in record["order"]["line_items"]
            ],
        }
        for number, record in enumerate(scene.records(scene.job.results["run"]["build"]))
    ]
    return _upsert(scene, YotpoUpsertFulfillmentsOperator, "upsert_fulfillments", fulfillments=fulfillments)


def _replay(scene: KillScene) -> Any:
    return YotpoReplayRejectsOperator(
        task_id="replay",
        rejects=scene.job.results["run"]["upsert_with_rejects"],
        max_rejects=100,
        yotpo_conn_id=scene.job.route["yotpo_conn_id"],
    )


def spoil(payload: dict[str, Any], *, order: Any, context: Any) -> dict[str, Any]:
    """Make an order that Yotpo refuses of about every second one: an ISO code has three letters."""
    is_spoiled = sum(map(int, payload["external_id"])) % 2
    return {**payload, "currency": "DOUBLOONS"} if is_spoiled else payload


def _build_with_rejects(scene: KillScene) -> Any:
    inputs = ("orders", "returns", "claims", "customers", "redemptions")
    return YotpoBuildOrdersOperator(
        task_id="build_with_rejects",
        shop=scene.job.shop,
        transform=f"{__name__}:spoil",
        max_rejects=100,
        **{name: scene.job.results["run"][f"extract_{name}"] for name in inputs},
    )


def _replay_lane(scene: KillScene) -> Any:
    rejects = scene.job.results["run"]["build_with_rejects"]["extra"]["rejects"]
    return _lane_of(scene, REPLAY_LANE.path, "replay_lane", rejects=[rejects["uri"]])


def _stored_orders(scene: KillScene) -> Any:
    """Read the older half of the store's orders, so that the others are missing in a comparison."""
    dates = sorted(each["order"]["order_date"] for each in scene.records(scene.job.results["run"]["build"]))
    return YotpoExtractOperator(
        task_id="extract_yotpo_orders",
        resource="orders",
        since=SINCE,
        until=dates[len(dates) // 2],
        page_size=3,
        workers=1,
        yotpo_conn_id=scene.job.route["yotpo_conn_id"],
        for_shop=scene.job.shop,
    )


def _reconcile(scene: KillScene) -> Any:
    results = scene.job.results["run"]
    return YotpoReconcileOrdersOperator(
        task_id="reconcile", built=results["build"], yotpo_orders=results["extract_yotpo_orders"]
    )


def _repair(scene: KillScene) -> Any:
    return YotpoUpsertOrdersOperator(
        task_id="repair",
        orders=scene.job.results["run"]["reconcile"],
        workers=2,
        yotpo_conn_id=scene.job.route["yotpo_conn_id"],
    )


def _to_table(mode: str, database: str = "sqlite", **arguments: Any) -> Step:
    suffix = "" if database == "sqlite" else f"_{database}"

    def make(scene: KillScene) -> Any:
        return DatasetToSqlOperator(
            task_id=f"{mode}_table{suffix}",
            dataset=scene.job.results["run"]["extract_redemptions"],
            table=f"redemptions_{mode}",
            conn_id=f"kill_{database}",
            mode=mode,
            batch_size=50,
            exclude=["metadata"],
            **arguments,
        )

    return Step(make=make, tables=database, uses_postgres=database == "postgres")


def _lane(scene: KillScene) -> Any:
    return _lane_of(scene, ORDER_LANE.path, "lane")


def _lane_of(scene: KillScene, steps: str, task_id: str, **fields: Any) -> Any:
    window = Window(datetime.fromisoformat(SINCE), datetime.fromisoformat(UNTIL))
    scene.job.results["run"]["select_lanes"] = [{**scene.job.route, **lanes.with_lookbacks(window), **fields}]
    batch = {"lanes": [0], "label": scene.job.shop}
    return LanesOperator(task_id=task_id, batch=batch, lanes_task_id="select_lanes", steps=steps)


def _from_table(database: str = "sqlite") -> Step:
    suffix = "" if database == "sqlite" else f"_{database}"

    def make(scene: KillScene) -> Any:
        return SqlToDatasetOperator(
            task_id=f"query_table{suffix}",
            conn_id=f"kill_{database}",
            sql="SELECT id, date FROM redemptions_merge ORDER BY id",
            batch_size=50,
        )

    return Step(make=make, uses_postgres=database == "postgres")


def _with_limits(_: KillScene) -> Any:
    return _redemptions("limits_postgres", page_size=20)


STEPS: dict[str, Step] = {
    "extract_orders": _of_lane("extract_orders", page_size=7, workers=1),
    "extract_returns": _of_lane("extract_returns", page_size=3, workers=1),
    "extract_customers": _of_lane("extract_customers", page_size=3, workers=1),
    "extract_claims": _of_lane("extract_claims", page_size=1, workers=1),
    "extract_redemptions": _of_lane("extract_redemptions", page_size=20, workers=1),
    "extract_transactions": Step(make=_transactions),
    "publish_redemptions": Step(make=_published),
    "build": _of_lane("build"),
    "build_with_rejects": Step(make=_build_with_rejects),
    "replay_lane": Step(make=_replay_lane),
    "upsert_products": _of_lane("upsert_products", writes=True, workers=2),
    "upsert_orders": _of_lane("upsert_orders", writes=True, workers=2),
    "extract_yotpo_orders": Step(make=_stored_orders),
    "reconcile": Step(make=_reconcile),
    "repair": Step(make=_repair, writes=True),
    "upsert_with_rejects": Step(make=_upsert_with_rejects, writes=True),
    "replay": Step(make=_replay, writes=True),
    "upsert_fulfillments": Step(make=_upsert_fulfillments, writes=True),
    "bulk_orders": Step(make=_bulk, job=("shopify_admin", "bulk_operation")),
    "export_redemptions": Step(make=_export, job=("voucherify", "exports")),
    "merge_table": _to_table("merge", keys=["id"]),
    "replace_table": _to_table("replace"),
    "append_table": _to_table("append"),
    "query_table": _from_table(),
    "merge_table_postgres": _to_table("merge", "postgres", keys=["id"]),
    "replace_table_postgres": _to_table("replace", "postgres"),
    "append_table_postgres": _to_table("append", "postgres"),
    "query_table_postgres": _from_table("postgres"),
    "limits_postgres": Step(
        make=_with_limits,
        uses_postgres=True,
        environment={"AIRFLOW__PARTNERS__BUDGET_URI": "sql://kill_postgres/limits"},
    ),
    "lane_in_one_task": Step(make=_lane, is_first=True),
}
"""By name, in their order: each may use what those before it have returned."""

LANES = frozenset({"replay_lane", "lane_in_one_task"})
