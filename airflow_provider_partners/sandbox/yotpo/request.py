"""One authenticated call to a Yotpo store, as its operation gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.yotpo.errors import ApiError
from airflow_provider_partners.sandbox.yotpo.records import ListQuery, Records
from airflow_provider_partners.sandbox.yotpo.validation import BodyValidator, Rules

#: Status and body of a response.
OperationResult = tuple[int, Document | None]


@dataclass(frozen=True, kw_only=True)
class Call:
    """An authenticated call: the store's records, the ids of the path, the query parameters and the JSON body."""

    records: Records
    ids: tuple[str, ...]
    params: list[tuple[str, str]]
    body: Any

    def checked_body(self, envelope: str, rules: Rules, *, partial: bool = False) -> Document:
        """Return the validated content of the body's envelope.

        :raises ApiError: 400
        """
        payload = self.body.get(envelope) if isinstance(self.body, dict) else None
        if not isinstance(payload, dict):
            raise ApiError(400, f"{envelope} is missing")
        switches = self.records.switches
        validator = BodyValidator(
            lenient=switches["yotpo.lenient_types"],
            any_phone=not switches["yotpo.refuse_invalid_phone"],
            refuse_unknown=switches["yotpo.refuse_unknown_properties"],
        )
        return validator.validate(rules, payload, partial=partial)

    def update_response(self) -> OperationResult:
        """Return the response to an update, which has no body."""
        return self.records.switches["yotpo.patch_status"], None

    def list_query(self, resource: str, *filters: str) -> ListQuery:
        """Return the query of a list."""
        resource = f"{self.records.store_id}/{resource}"
        return ListQuery(self.params, resource=resource, filters=filters, switches=self.records.switches)
