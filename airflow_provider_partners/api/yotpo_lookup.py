"""Finding a Yotpo store's records by the merchant's ids, a hundred in one call where the store takes that.

The list form of the filter is known by its plural name alone, so it has to prove itself: what comes back must be what
was asked for. Must not know how anything is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_partners.api.identifiers import id_batches, unique
from airflow_provider_partners.api.messages import Record
from airflow_provider_partners.api.yotpo_resources import LOOKUP, LOOKUP_SIZE, RESOURCES, with_id
from airflow_provider_partners.exceptions import UnexpectedResponseError

log = logging.getLogger("airflow_provider_partners.api")


class LookUps:
    """The look-ups of one store.

    :param get: asks for a page: path, label and query to the answer's JSON
    """

    def __init__(self, get: Callable[[str, str, Mapping[str, str]], Any]) -> None:
        self._get = get
        self.batched = True

    def find(self, name: str, external_ids: Iterable[Any]) -> dict[str, Record]:
        """Records by external id; those that the store doesn't have are missing.

        :param name: ``orders`` or ``products``
        :param external_ids: any number; each hundred is one call
        :raises UnexpectedResponseError: when the store gives other records even for a single id
        """
        found: dict[str, Record] = {}
        # An id with a comma in it can't stand in a list.
        ids = unique(external_ids)
        singles = [id_ for id_ in ids if "," in id_]
        listed = [id_ for id_ in ids if "," not in id_]
        for batch in id_batches(listed, size=LOOKUP_SIZE, written="{},".format):
            rows = self._filtered(name, batch) if self.batched and len(batch) > 1 else None
            if rows is None:
                singles += batch
            elif rows.keys() <= set(batch):
                found |= rows
            else:
                self._distrust(name)
                singles += batch
        for id_ in singles:
            found |= self._one(name, id_)
        return {id_: found[id_] for id_ in ids if id_ in found}

    def _one(self, name: str, id_: str) -> dict[str, Record]:
        rows = self._filtered(name, [id_])
        if id_ not in rows and rows and "," not in id_:
            # Taken for an absence, this would create what is there already.
            message = f"{name} were asked for by one external id, and {len(rows)} others came back"
            remedy = f"The store seems to ignore the filter {LOOKUP}; ask Yotpo's support how to look up {name}."
            raise UnexpectedResponseError(message, remedy=remedy, partner="Yotpo")
        return {id_: rows[id_]} if id_ in rows else {}

    def _filtered(self, name: str, ids: Sequence[str]) -> dict[str, Record]:
        row = RESOURCES[name]
        query = {LOOKUP: ",".join(ids), "limit": str(LOOKUP_SIZE)}
        rows = row.rows(self._get(row.path, f"{name}.lookup", query))
        return {str(record.get("external_id")): with_id(record) for record in rows}

    def _distrust(self, name: str) -> None:
        if self.batched:
            self.batched = False
            log.warning(
                "Yotpo gave %s that were not asked for: its filter %s takes no list here. From now on this client "
                "looks up one by one, which takes a call per record.",
                name,
                LOOKUP,
            )
