"""Measure how much faster a list is read when several workers fetch its pages.

Run it as ``python benchmarks/pages.py``. The sandbox answers each request after a delay, as a partner on the network
does. The rate limit is never reached. The speed is a ratio within one run, so the machine does not matter.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from _results import Table, parser, save

from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.sandbox.server import serve
from airflow_provider_partners.sandbox.store import format_timestamp
from airflow_provider_partners.sandbox.world.build import build

SHOP = "aurora-apparel.myshopify.com"


CLAIMS = {"small": 500, "large": 2_000}


def main() -> None:
    """Read the same lists with 1, 2, 4 and 8 workers, and compare the times."""
    command_line = parser(__doc__)
    command_line.add_argument("--delay", type=float, default=0.1, help="seconds per answer (default: 0.1)")
    arguments = command_line.parse_args()
    sandbox = build(shops=1, orders=100)
    now = datetime.now(UTC)
    claims = [_claim(number, now - timedelta(minutes=number)) for number in range(CLAIMS[arguments.size])]
    sandbox.store.put_many("yofi", SHOP, "claim", claims)
    rows: list[list[Any]] = []
    with serve(sandbox) as running:
        running.faults.add(path_prefix="/yofi", delay=arguments.delay, times=None)
        accepted = sandbox.credentials["yofi"]
        single_worker: dict[str, float] = {}
        for workers in (1, 2, 4, 8):
            with YofiClient(
                secret=accepted["secret"],
                issuer=accepted["issuer"],
                subject=accepted["subject"],
                base_url=f"{running.url}/yofi",
                shop=SHOP,
                requests_per_second=10_000,
                options=ClientOptions(rate_limit_store=InMemoryStore()),
            ) as yofi:
                window = {"since": now - timedelta(days=400), "until": now - timedelta(seconds=1)}
                orders = [str(number) for number in range(2000)]
                for name, extraction in (
                    ("numbered pages", yofi.extract("claims", page_size=25, **window)),
                    ("batches of ids", yofi.extract("returns", match={"order_id": orders})),
                ):
                    start = time.monotonic()
                    records = sum(1 for _ in extraction.records(workers=workers))
                    seconds = time.monotonic() - start
                    speed = single_worker.setdefault(name, seconds) / seconds
                    rows.append([name, workers, records, round(seconds, 1), round(speed, 1)])
    save(
        "pages",
        size=arguments.size,
        tables=[
            Table(
                f"Reading a list whose answers take {arguments.delay:g} s",
                ["list", "workers", "records", "seconds", "times as fast as one worker"],
                rows,
            )
        ],
    )


def _claim(number: int, at: datetime) -> tuple[str, str, dict[str, object]]:
    attributes = {"customer_id": "1", "claim_items": [], "created_at_epoch": int(at.timestamp())}
    return (
        f"bench-{number}",
        format_timestamp(at),
        {"type": "Claim", "id": f"bench-{number}", "attributes": attributes, "relationships": {}},
    )


if __name__ == "__main__":
    main()
