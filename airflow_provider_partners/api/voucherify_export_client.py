"""What Voucherify's client does with exports, so that a list of any size can be read as one job. Knows no pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.client import ApiClient
from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.api.messages import Request
from airflow_provider_partners.api.resources import find_resource
from airflow_provider_partners.api.voucherify_auth import check_family
from airflow_provider_partners.api.voucherify_exports import (
    EXPORTS,
    ExportJob,
    cancel_export,
    export_job,
    export_status,
)
from airflow_provider_partners.api.voucherify_filters import Filter, filter_queries
from airflow_provider_partners.api.voucherify_limits import error_handler
from airflow_provider_partners.api.voucherify_lists import RESOURCES
from airflow_provider_partners.api.voucherify_resources import encode_parameters
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.api.jobs import JobStatus


class ExportingClient(ApiClient):
    """The exports of a project; a subclass makes ``_transport`` and knows its credentials."""

    _application_id: str
    _auth: str
    _clock: Clock

    def job(
        self,
        resource: str,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        time_field: str | None = None,
        fields: Sequence[str] | None = None,
        filters: Filter | Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        sort: str | None = None,
        parents: Mapping[str, Any] | None = None,
    ) -> ExportJob:
        """A list as an export; nothing is sent before one of the job's methods is called.

        Its rows are those of a file: flat, with the fields asked for, all as text, amounts in decimals.

        :param resource: ``redemptions``, ``vouchers``, ``customers``, ``publications``, ``orders``, ``products``,
            ``product_skus``, ``voucher_transactions`` or ``points_expiration``
        :param since: the first moment
        :param until: the first moment not asked for
        :param time_field: which time is meant: ``created_at`` by default, or ``updated_at`` where it has one
        :param fields: of the rows; by default all that are documented, and no metadata: name them ``metadata.x``
        :param filters: conditions on fields; any number of values
        :param parameters: of the export: ``{"campaign_id": "camp_1"}`` for vouchers
        :param sort: a field, with ``-`` for descending; ascending by time by default
        :param parents: not possible here; the error says so
        :raises ConfigurationError: for what can't be exported, naming what can
        """
        check_family(RESOURCES["exports"], self._auth)
        if parents:
            message = f"an export of '{resource}' is of the whole project, not of one {' or '.join(parents)}"
            raise ConfigurationError(message, remedy="Give filters, such as of 'voucher_id'.", partner="Voucherify")
        return export_job(
            self._transport,
            resource,
            application_id=self._application_id,
            error_handler=error_handler(self._clock),
            since=since,
            until=until,
            time_field=time_field,
            fields=fields,
            filters=filters,
            sort=sort,
            parameters=parameters,
        )

    def job_status(self, job_id: str) -> JobStatus:
        """Where an export stands.

        :param job_id: its id
        """
        return export_status(self._transport, job_id)

    def cancel_job(self, job_id: str) -> None:
        """Remove an export; that there is none is no failure.

        :param job_id: its id
        """
        cancel_export(self._transport, job_id)

    def prefers_job(
        self,
        resource: str,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        filters: Filter | Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        **others: object,
    ) -> bool:
        """Whether a list can be had by an export alone: it isn't listed at all, it is asked for by a time that only its
        export knows, or it has more rows than its pages reach and no time to part it by (one row is asked for then).

        :param resource: the list
        :param since: as for :meth:`job`
        :param until: likewise
        :param filters: likewise
        :param parameters: likewise
        :param others: what :meth:`job` takes besides; it doesn't matter here
        """
        if resource in EXPORTS and resource not in RESOURCES:
            return True
        declared = find_resource(RESOURCES, resource)
        if resource not in EXPORTS or declared.parents or declared.times or declared.max_page_number is None:
            return False
        if set(parameters or {}) - EXPORTS[resource].parameters:
            return False  # of the list alone: an export of them would be another question
        if since or until:
            return True
        check_family(declared, self._auth)
        max_records, record_count = declared.max_page_number * (declared.max_page_size or declared.page_size), 0
        for filter_params in filter_queries(declared, filters):
            params = (*encode_parameters(declared, parameters or {}), *filter_params, ("page", "1"), ("limit", "1"))
            answer = self._transport.send(
                Request(method="GET", path=declared.path, params=params, label=f"{declared.name}.list")
            )
            total = answer.json().get("total")
            record_count = max(record_count, total if isinstance(total, int) else 0)
        return record_count > max_records
