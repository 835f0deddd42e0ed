"""Hook lineage of the partners' lists: what ``@task`` functions read and write with a client.

Airflow's collector hands it to its readers, such as OpenLineage. A list is the asset that its URI names, as in the
lineage of operators. Datasets report themselves (:mod:`airflow_provider_partners.datasets.lineage`).
"""

from __future__ import annotations

import logging

from airflow_provider_partners._compat import hook_lineage
from airflow_provider_partners.api.observers import ListAccess, observe
from airflow_provider_partners.assets import asset_uri

log = logging.getLogger(__name__)


def collect_lists() -> None:
    """Report each list that a client of this process reads or writes from now on."""
    observe(_add)


def _add(access: ListAccess) -> None:
    try:
        hook_lineage(asset_uri(access.source, access.account, access.resource), is_output=access.is_write)
    except Exception as error:  # noqa: BLE001  # records matter more than what is reported about them
        log.debug("No lineage of %s: %s", access, error)
