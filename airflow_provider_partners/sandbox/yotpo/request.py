"""One call to a Yotpo store after the gateway let it through: what its operations are handed.

It must not know any operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.yotpo.errors import ApiError
from airflow_provider_partners.sandbox.yotpo.records import ListQuery, Records
from airflow_provider_partners.sandbox.yotpo.validation import Check, Rules

OperationResult = tuple[int, Document | None]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One authorized call: the store's records, the ids in the path, the query and the body."""

    records: Records
    ids: tuple[str, ...]
    params: list[tuple[str, str]]
    body: Any

    def checked_body(self, envelope: str, rules: Rules, *, partial: bool = False) -> Document:
        """What the body's envelope holds, checked.

        :raises Refusal: 400
        """
        inside = self.body.get(envelope) if isinstance(self.body, dict) else None
        if not isinstance(inside, dict):
            raise ApiError(400, f"{envelope} is missing")
        switches = self.records.switches
        check = Check(
            lenient=switches["yotpo.lenient_types"],
            any_phone=not switches["yotpo.refuse_invalid_phone"],
            refuse_unknown=switches["yotpo.refuse_unknown_properties"],
        )
        return check.body(rules, inside, partial=partial)

    def update_response(self) -> OperationResult:
        """The answer to an update: no body at all."""
        return self.records.switches["yotpo.patch_status"], None

    def page_request(self, resource: str, *filters: str) -> ListQuery:
        """The page asked for."""
        resource = f"{self.records.store_id}/{resource}"
        return ListQuery(self.params, resource=resource, filters=filters, switches=self.records.switches)
