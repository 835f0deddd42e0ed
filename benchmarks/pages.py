"""Measure how much faster a list is read when several workers fetch its pages.

Run it as ``python benchmarks/pages.py``. The sandbox answers each request after a delay, as a partner on the network
does. The rate limit is never reached. The speed is a ratio within one run, so the machine does not matter.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta

from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.sandbox.server import serve
from airflow_provider_partners.sandbox.store import format_timestamp
from airflow_provider_partners.sandbox.world.build import build

SHOP = "aurora-apparel.myshopify.com"


def main() -> None:
    """Read the same lists with 1, 2, 4 and 8 workers, and compare the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=1000, help="claims of the shop (default: 1000)")
    parser.add_argument("--delay", type=float, default=0.1, help="seconds per answer (default: 0.1)")
    arguments = parser.parse_args()
    sandbox = build(shops=1, orders=100)
    now = datetime.now(UTC)
    claims = [_claim(number, now - timedelta(minutes=number)) for number in range(arguments.claims)]
    sandbox.store.put_many("yofi", SHOP, "claim", claims)
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
                    print(f"{name}, {workers} workers: {records} records in {seconds:.1f} s, {speed:.1f} times as fast")


def _claim(number: int, at: datetime) -> tuple[str, str, dict[str, object]]:
    attributes = {"customer_id": "1", "claim_items": [], "created_at_epoch": int(at.timestamp())}
    return (
        f"bench-{number}",
        format_timestamp(at),
        {"type": "Claim", "id": f"bench-{number}", "attributes": attributes, "relationships": {}},
    )


if __name__ == "__main__":
    main()
