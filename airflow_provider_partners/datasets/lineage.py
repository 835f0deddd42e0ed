"""Hook lineage of datasets: what ``@task`` functions read and write, for Airflow's collector.

Airflow hands what was collected to its readers, such as OpenLineage. A dataset has the name that operators report for
it: its folder without the run.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_partners._compat import hook_lineage
from airflow_provider_partners.datasets.location import stable_uri

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.reference import DatasetRef

log = logging.getLogger(__name__)


def add_input(reference: DatasetRef) -> None:
    """Report that this process reads a dataset."""
    _add(reference, is_output=False)


def add_output(reference: DatasetRef) -> None:
    """Report that this process has written a dataset."""
    _add(reference, is_output=True)


def _add(reference: DatasetRef, *, is_output: bool) -> None:
    try:
        hook_lineage(stable_uri(reference.uri), is_output=is_output)
    except Exception as error:  # noqa: BLE001  # records matter more than what is reported about them
        log.debug("No lineage of %s: %s", reference.uri, error)
