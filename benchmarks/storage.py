"""Count the requests that a staging folder in object storage takes, by operation and by 1,000 records.

Run it as ``python benchmarks/storage.py``. The storage is moto's S3 server in a process of its own, which counts. It
measures a dataset that is written, resumed and read, with parts of the default size and with a part for each page, and
then the main job against the sandbox, step by step.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _results import Table, Target, parser, save
from datasets import COLUMNS, PAGE, make_order

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "True"

from main_job import STEPS, MainJob
from s3_server import S3Server, serve_s3

from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.sandbox.handle import run_sandbox

RECORDS = {"small": 10_000, "large": 1_000_000}
ORDERS = {"small": 40, "large": 400}
OPERATIONS = {
    "PUT": ("PutObject", "UploadPart"),
    "GET": ("GetObject",),
    "LIST": ("ListObjects",),
    "DELETE": ("DeleteObject",),
}
PARTS = {"32 MB": 32_000_000, "a page": 1}


def by_kind(counts: Counter[str]) -> list[int]:
    """Return how many PUT, GET, LIST, DELETE and other requests there were."""
    known = [sum(counts[name] for name in names) for names in OPERATIONS.values()]
    return [*known, counts.total() - sum(known)]


def write(uri: str, pages: range, part_size: int, *, fail: bool = False) -> Any:
    """Write pages of a dataset, and return its reference.

    :param fail: end with an error after the last page, as a lost connection would
    """
    writer = DatasetWriter(
        uri, source="shopify_admin", resource="orders", columns=COLUMNS, part_size=part_size, part_seconds=3600
    )
    resumed = writer.resume()
    first = pages.start if resumed is None else resumed["page"] + 1
    with writer:
        for page in range(first, pages.stop):
            writer.append([make_order(page * PAGE + place) for place in range(PAGE)], position={"page": page})
        if fail:
            raise ConnectionError
    return writer.commit()


def dataset_requests(s3: S3Server, records: int) -> Iterator[list[Any]]:
    """Yield a line for each part size and step."""
    pages = records // PAGE
    for label, size in PARTS.items():
        uri = s3.uri(f"{size}/dataset")
        s3.requests()
        try:
            write(uri, range(pages // 2), size, fail=True)
        except ConnectionError:
            yield [label, "first try, which fails in the middle", records // 2, *by_kind(s3.counts())]
        reference = write(uri, range(pages), size)
        yield [label, "retry, which resumes", records - records // 2, *by_kind(s3.counts())]
        assert sum(1 for _ in read_dataset(reference)) == records
        yield [label, "read", records, *by_kind(s3.counts())]


def job_requests(s3: S3Server, orders: int) -> Iterator[list[Any]]:
    """Yield a line for each step of the main job."""
    with run_sandbox(orders=orders, shops=1) as running:
        job = MainJob(running, folder=s3.uri("staging"))
        for step in STEPS:
            s3.requests()
            result = job.step(step)
            yield [step, result["records"], *by_kind(s3.counts())]


def main() -> None:
    """Count."""
    given = parser(__doc__).parse_args()
    records = RECORDS[given.size]
    with serve_s3() as s3:
        os.environ.update(s3.environment)
        of_dataset = list(dataset_requests(s3, records))
        of_job = list(job_requests(s3, ORDERS[given.size]))
    puts = sum(row[3] for row in of_dataset[:2])
    names = [*OPERATIONS, "other"]
    save(
        "storage",
        size=given.size,
        targets=[
            Target(
                "part files of tens of MB in object storage",
                "requests counted",
                f"{puts / records * 1000:.2f} PUTs, {of_dataset[2][4] / records * 1000:.2f} GETs a thousand records",
                of_dataset[0][-1] == of_dataset[1][-1] == 0,
            )
        ],
        tables=[
            Table("Requests of one dataset", ["part", "step", "records", *names], of_dataset),
            Table("Requests of the main job, step by step", ["step", "records", *names], of_job),
        ],
    )


if __name__ == "__main__":
    main()
