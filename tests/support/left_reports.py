"""What runs of an order Dag leave: reports, with datasets of rejects and of orders, for tests of who shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_partners import settings
from airflow_provider_partners.datasets.location import folder_name
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.observability.report import LaneReport, RunReport
from airflow_provider_partners.observability.report.html import render_page
from airflow_provider_partners.observability.report.model import ApiCalls, DatasetEntry, Gap, Reason, TaskError
from airflow_provider_partners.observability.report.store import write_report

REASON = "email: value is not a valid email address"
CUSTOMER = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "email": "grace.hopper@example.com",
    "phone_number": "+15551234",
}
"""Personal values, which no page may show."""


def leave_dataset(dag_id: str, run_id: str, task: str, index: str, resource: str, records: list[Any]) -> DatasetEntry:
    """Write a dataset where a task of a run writes its own.

    :param index: the map index, with ``-rejects`` for the rejects
    """
    parts = (folder_name(part) for part in (dag_id, task, run_id, index))
    uri = "/".join([settings.staging_uri().rstrip("/"), *parts])
    with DatasetWriter(uri, source="yotpo", resource=resource, account=f"store-{index[0]}") as writer:
        writer.append(records)
        reference = writer.commit()
    return DatasetEntry(
        task=task,
        uri=uri,
        source="yotpo",
        resource=resource,
        account=reference.account,
        records=reference.records,
        bytes=reference.bytes,
    )


def reject(number: int) -> dict[str, Any]:
    """Return a reject as an upsert writes it."""
    return {
        "external_id": str(5000 + number),
        "order": {
            "external_id": str(5000 + number),
            "order_date": "2026-11-30T08:00:00Z",
            "customer": {**CUSTOMER, "external_id": "77"},
            "currency": "USD",
            "total_price": 42.5,
        },
        "rejected": {
            "kind": "order",
            "external_id": str(5000 + number),
            "reason": REASON,
            "status": 400,
            "request_id": f"req-{number}",
        },
    }


def leave_runs(
    dag_id: str, shops: list[str], *, runs: int, until: datetime | None = None, page: str | None = None
) -> list[str]:
    """Write the reports of hourly runs, and return the run ids, the newest first.

    In each third run, the second shop has rejects. In the newest one, the last shop has failed.
    """
    end = (until or datetime.now(UTC)).replace(minute=0, second=0, microsecond=0)
    ids = []
    for age in range(runs):
        at = end - timedelta(hours=age)
        run_id = f"scheduled__{at.isoformat()}"
        ids.append(run_id)
        lanes = [
            _lane(dag_id, run_id, shop, place, age, at, last=place == len(shops) - 1)
            for place, shop in enumerate(shops)
        ]
        report = RunReport(
            dag_id=dag_id,
            run_id=run_id,
            title="Orders from Shopify to Yotpo",
            state="failed" if any(lane.state == "failed" for lane in lanes) else "success",
            dry_run=age == 4,
            written_at=_iso(at + timedelta(minutes=3)),
            started_at=_iso(at),
            lanes=lanes,
            gaps=[
                Gap(shop=shops[0], since=_iso(end - timedelta(days=3)), until=_iso(end - timedelta(days=2, hours=20)))
            ],
        )
        write_report(report, page or render_page(report))
    return ids


def _lane(dag_id: str, run_id: str, shop: str, place: int, age: int, at: datetime, *, last: bool) -> LaneReport:
    if last and age == 0:
        return LaneReport(
            shop=shop,
            name=shop,
            window=_window(at),
            state="failed",
            failed_at="extract_orders",
            error=TaskError(
                task="extract_orders",
                message=f"Shopify refuses the credentials of shopify_admin_{place} for {shop}: 401 Unauthorized",
                remedy="Install the app again, and put its access token into the connection.",
                log_url=f"/dags/{dag_id}/runs/{run_id}/tasks/lane.extract_orders",
            ),
            counts={"read": 0},
            api=[_calls("shopify_admin", 2, 0.01)],
        )
    wave = (age * 7 + place * 5) % 11
    rejected = 3 if place == 1 and age % 3 == 0 else 0
    datasets = [leave_dataset(dag_id, run_id, "lane.upsert_orders", str(place), "orders outcomes", _outcomes(wave))]
    if rejected:
        records = [reject(age + number) for number in range(rejected)]
        datasets.append(
            leave_dataset(dag_id, run_id, "lane.upsert_orders", f"{place}-rejects", "orders rejects", records)
        )
    ids = [str(5000 + age + number) for number in range(rejected)]
    counts = {
        "read": 40 + wave * 6,
        "created": 14 + wave * 3,
        "updated": 6 + wave,
        "unchanged": 15 + wave,
        "suppressed": wave // 3,
        "left_out": wave % 3,
        "stale": 1 if wave == 7 else 0,
        "rejected": rejected,
    }
    return LaneReport(
        shop=shop,
        name=shop,
        window=_window(at),
        connections={"yotpo": f"yotpo_{place}"},
        counts=counts,
        rejections=[Reason(text=REASON, count=rejected, examples=ids)] if rejected else [],
        api=[
            _calls("shopify_admin", 20 + wave, 0.2 + wave / 30),
            _calls("yofi", 12, None),
            _calls("yotpo", 30 + 4 * wave, 0.35 + wave / 16, throttled=max(0, wave - 9)),
        ],
        datasets=datasets,
    )


def _calls(partner: str, requests: int, share: float | None, *, throttled: int = 0) -> ApiCalls:
    limit = None if share is None else 10.0
    used = 0.0 if share is None else share * 600
    return ApiCalls(
        partner=partner,
        requests=requests,
        throttled=throttled,
        waited=throttled * 4.0,
        seconds=60.0,
        limit_per_second=limit,
        used=used,
    )


def _outcomes(count: int) -> list[dict[str, Any]]:
    return [
        {"kind": "order", "external_id": str(number), "action": "created", "yotpo_id": 900 + number, "order_id": None}
        for number in range(30 + count)
    ]


def _window(at: datetime) -> dict[str, str]:
    return {"since": _iso(at - timedelta(hours=3)), "until": _iso(at)}


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
