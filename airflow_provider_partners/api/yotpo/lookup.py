"""Finding a Yotpo store's records by the merchant's ids, a hundred in one call where the store takes that.

The list form of the filter is known by its plural name alone, so it has to prove itself: what comes back must be what
was asked for. Must not know how anything is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_partners.api.ids import id_batches, unique_ids
from airflow_provider_partners.api.yotpo.resources import EXTERNAL_IDS_PARAM, MAX_LOOKUP_IDS, RESOURCES, with_yotpo_id
from airflow_provider_partners.exceptions import UnexpectedResponseError
from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")


class RecordLookup:
    """The look-ups of one store.

    :param get: asks for a page: path, label and query to the answer's JSON
    """

    def __init__(self, get: Callable[[str, str, Mapping[str, str]], Any]) -> None:
        self._get = get
        self.uses_batches = True

    def find(self, name: str, external_ids: Iterable[Any]) -> dict[str, Record]:
        """Records by external id; those that the store doesn't have are missing.

        :param name: ``orders`` or ``products``
        :param external_ids: any number; each hundred is one call
        :raises UnexpectedResponseError: when the store gives other records even for a single id
        """
        found: dict[str, Record] = {}
        # An id with a comma in it can't stand in a list.
        ids = unique_ids(external_ids)
        singles = [id_ for id_ in ids if "," in id_]
        listed = [id_ for id_ in ids if "," not in id_]
        for batch in id_batches(listed, size=MAX_LOOKUP_IDS, encode="{},".format):
            rows = self._find_batch(name, batch) if self.uses_batches and len(batch) > 1 else None
            if rows is None:
                singles += batch
            elif rows.keys() <= set(batch):
                found |= rows
            else:
                self._disable_batches(name)
                singles += batch
        for id_ in singles:
            found |= self._one(name, id_)
        return {id_: found[id_] for id_ in ids if id_ in found}

    def _one(self, name: str, id_: str) -> dict[str, Record]:
        rows = self._find_batch(name, [id_])
        if id_ not in rows and rows and "," not in id_:
            # Taken for an absence, this would create what is there already.
            message = f"{name} were asked for by one external id, and {len(rows)} others came back"
            remedy = (
                f"The store seems to ignore the filter {EXTERNAL_IDS_PARAM}; ask Yotpo's support how to look up {name}."
            )
            raise UnexpectedResponseError(message, remedy=remedy, partner="Yotpo")
        return {id_: rows[id_]} if id_ in rows else {}

    def _find_batch(self, name: str, ids: Sequence[str]) -> dict[str, Record]:
        row = RESOURCES[name]
        query = {EXTERNAL_IDS_PARAM: ",".join(ids), "limit": str(MAX_LOOKUP_IDS)}
        rows = row.extract_records(self._get(row.path, f"{name}.lookup", query))
        return {str(record.get("external_id")): with_yotpo_id(record) for record in rows}

    def _disable_batches(self, name: str) -> None:
        if self.uses_batches:
            self.uses_batches = False
            log.warning(
                "Yotpo gave %s that were not asked for: its filter %s takes no list here. From now on this client "
                "looks up one by one, which takes a call per record.",
                name,
                EXTERNAL_IDS_PARAM,
            )
