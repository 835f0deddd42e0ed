"""SIGKILL at points of each step, then the retry: what is left is what a run without a kill leaves.

A seed chooses the step, the kind of point, its number, and whether the retry is killed too. ``make kill`` runs many
seeds and prints a table. What Airflow does after a kill is in
https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/tasks.html#task-instance-heartbeat-timeout: the task
fails without any handler, and its retries count.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kill_report import format_table
from kill_scene import KillScene, kill_scene

SEEDS = (0, 11, 13, 18, 24, 28, 29, 66, 82, 105, 131, 132)
"""A page, outcomes, a comparison, a job, a table, a rate limit, a lane, a publication that is killed twice, an append
after its commit, rejects, an upsert after its end, and a list of Yotpo.
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[KillScene]:
    """The steps, with the staging folder on this machine or, with ``--object-storage``, in a bucket."""
    object_storage = request.config.getoption("object_storage", False)
    with kill_scene(tmp_path_factory.mktemp("kills"), object_storage=object_storage) as scene:
        yield scene
        if request.config.getoption("seeds"):
            with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
                print(f"\n{format_table(scene.reports)}")


def test_after_a_kill_the_retry_leaves_what_a_run_without_it_leaves(scene: KillScene, seed: int) -> None:
    case = scene.case(seed)
    report = scene.run(case)

    assert report.kills >= 1, f"{case} was not reached"
    assert report.findings == [], str(case)
