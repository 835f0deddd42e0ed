"""Base class of the operators that send any call of a REST API: once, with the response in a dataset.

Knows no partner.
"""

from __future__ import annotations

import hashlib
import json as json_text
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import (
    Check,
    check_flag,
    check_mapping,
    check_name,
    check_structure,
    check_text,
)
from airflow_provider_partners.datasets.list_writer import write_dataset
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.manifest import load_manifest, stored_reference
from airflow_provider_partners.datasets.storage import CALL_FILE, PROGRESS_FILE, DatasetFolder
from airflow_provider_partners.exceptions import ConfigurationError, FatalError, PartnersError
from airflow_provider_partners.operators.base import PartnerOperator
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.api.client import RestClient
    from airflow_provider_partners.api.extraction import Extraction
    from airflow_provider_partners.datasets.reference import DatasetRef, DatasetRefDict
    from airflow_provider_partners.hooks.base import PartnerHook
    from airflow_provider_partners.task_errors import Context

MAX_VALUE_LENGTH = 200
"""Characters of a text that ``response_path`` may return."""


class RequestOperator(PartnerOperator):
    """Sends one call, writes its response to a dataset, and returns the dataset's reference.

    A response may hold customers' data, so it goes to the dataset and not to XCom. ``response_path`` names one value
    that XCom gets too: ``extra["response_value"]`` of the reference.

    A write is sent once. When its outcome is unknown (a lost response, a worker that dies), the task fails without a
    retry: somebody looks first. Clear the task to send it again. ``idempotent`` allows retries.

    :param method: ``GET``, ``HEAD``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE`` (templated)
    :param path: path below the connection's host, such as ``/v1/vouchers/SPRING/disable``. A slash
        inside of an id is written ``%2F`` (templated)
    :param query_params: the query, nested or not: ``{"limit": 10}`` (templated)
    :param json: the body: a dict or a list (templated)
    :param idempotent: a second call has no further effect, so that retries may send it again; by default true for
        ``GET`` and ``HEAD`` (templated)
    :param records_path: dotted path of the records in the response, such as ``vouchers``; by default the response is
        one record, or several if it is a list (templated)
    :param response_path: dotted path of one text, number or boolean to return, such as ``async_action_id``. Name no
        customer's data (templated)
    :param resource: name of the records in the dataset (templated)
    """

    template_fields: Sequence[str] = (
        "method",
        "path",
        "query_params",
        "json",
        "idempotent",
        "records_path",
        "response_path",
        "resource",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"query_params": "json", "json": "json"}
    argument_checks: ClassVar[Mapping[str, Check]] = {
        "method": check_name,
        "path": check_text,
        "query_params": check_mapping,
        "json": check_structure,
        "idempotent": check_flag,
        "records_path": check_name,
        "response_path": check_name,
        "resource": check_text,
    }

    def __init__(
        self,
        *,
        method: str,
        path: str,
        query_params: Mapping[str, Any] | str | None = None,
        json: Any = None,
        idempotent: bool | str | None = None,
        records_path: str | None = None,
        response_path: str | None = None,
        resource: str = "response",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.method = method
        self.path = path
        self.query_params: Any = query_params
        self.json = json
        self.idempotent: Any = idempotent
        self.records_path = records_path
        self.response_path = response_path
        self.resource = resource

    @abstractmethod
    def hook(self) -> PartnerHook[Any]:
        """Return the partner's hook."""

    def run(self, context: Context) -> DatasetRefDict:
        """Send the call, write its response, and return the reference."""
        from airflow_provider_partners.api.client import READS, check_call

        method = check_call(self.method, self.path)
        is_repeatable = method in READS if self.idempotent is None else bool(self.idempotent)
        hook = self.hook()
        with hook as client:
            self.record_partner(hook)
            self.activity.set_list_read(self.resource)
            call = _Call(self, client, hook, uri=dataset_uri(context), log_uri=dataset_uri(context, "call"))
            reference = call.repeat() if is_repeatable else call.send_once()
        self.activity.set_datasets_written(reference)
        self.activity.set_list_read(self.resource, reference.records)
        self.activity.records = reference.records
        self.log.info("%d records in %s", reference.records, reference.uri)
        return reference.to_dict()


class _Call:
    """One call of a task, over all of its tries."""

    def __init__(
        self, operator: RequestOperator, client: RestClient, hook: PartnerHook[Any], *, uri: str, log_uri: str
    ) -> None:
        self._operator = operator
        self._client = client
        self._hook = hook
        self._uri = uri
        self._log = DatasetFolder(log_uri)
        self._sent = self._answered = False
        self._value: Any = None
        text = json_text.dumps([operator.method, operator.path, operator.query_params, operator.json], default=str)
        self._digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()

    def repeat(self) -> DatasetRef:
        """Send the call in every try."""
        return self._write()

    def send_once(self) -> DatasetRef:
        """Send the call unless an earlier try may have sent it.

        :raises FatalError: nobody knows whether the call has taken effect
        """
        stored = self._log.read_json(CALL_FILE)
        if stored is not None and stored.get("sha256") == self._digest:
            self._sent, self._value = True, stored.get("value")
            if (reference := self._stored_reference()) is not None:
                self._log.remove(CALL_FILE)
                return reference
            if not self._response_is_stored():
                self._log.remove(CALL_FILE)
                message = "An earlier try sent this call and ended before the response was stored"
                raise self._unknown(message)
        try:
            reference = self._write()
        except PartnersError as error:
            self._log.remove(CALL_FILE)
            if self._sent and _is_uncertain(error):
                raise self._unknown(error.message) from error
            if self._answered:
                # Such as a path that the response lacks: whoever corrects it must not send the call by that.
                remedy = "The call itself has taken effect, and a cleared task sends it again. Or mark it as a success."
                raise FatalError(
                    error.message, remedy=f"{error.remedy} {remedy}".strip(), partner=self._hook.hook_name
                ) from error
            raise
        self._log.remove(CALL_FILE)
        return reference

    def _write(self) -> DatasetRef:
        reference = write_dataset(self._extraction(), uri=self._uri, extra=self._extra)
        if self._operator.response_path and not _may_return(self._value):
            message = "'response_path' leads to a value that XCom can't hold, or that looks like a customer's data"
            remedy = (
                f"Name one number, boolean or text of up to {MAX_VALUE_LENGTH} characters; the dataset has the rest."
            )
            raise ConfigurationError(message, remedy=remedy)
        return reference

    def _extra(self) -> dict[str, Any]:
        value = {"response_value": self._value} if self._operator.response_path and _may_return(self._value) else {}
        return {"api": self._client.stats.snapshot(), **value}

    def _extraction(self) -> Extraction:
        from airflow_provider_partners.api.extraction import Extraction, Segment

        return Extraction(
            source=self._hook.conn_type,
            resource=self._operator.resource,
            key=(),
            request={"sha256": self._digest, "records_path": self._operator.records_path},
            segments=[Segment(name=self._operator.resource, fetch=self._fetch)],
            account=self._hook.account,
        )

    def _fetch(self, _: dict[str, Any]) -> Any:
        from airflow_provider_partners.api.pagination.page import Page

        operator = self._operator
        self._log.write_json(CALL_FILE, {"sha256": self._digest})
        self._sent = True
        response = self._client.request(
            operator.method,
            operator.path,
            params=operator.query_params,
            json=operator.json,
            idempotent=operator.idempotent,
        )
        self._answered = True
        if operator.response_path:
            self._value = get_path(response, operator.response_path)
            self._log.write_json(CALL_FILE, {"sha256": self._digest, "value": self._value})
        return Page(_records(response, operator.records_path), None)

    def _stored_reference(self) -> DatasetRef | None:
        manifest = load_manifest(DatasetFolder(self._uri))
        is_own = manifest is not None and manifest.get("fingerprint") == self._extraction().fingerprint
        return stored_reference(manifest) if manifest is not None and is_own else None

    def _response_is_stored(self) -> bool:
        progress = DatasetFolder(self._uri).read_json(PROGRESS_FILE)
        return progress is not None and progress.get("fingerprint") == self._extraction().fingerprint

    def _unknown(self, message: str) -> FatalError:
        remedy = (
            f"Look at {self._hook.hook_name} whether it has taken effect. Then clear the task to send it again, or "
            "mark it as a success. idempotent=True lets retries send it."
        )
        return FatalError(message, remedy=remedy, partner=self._hook.hook_name)


def _is_uncertain(error: PartnersError) -> bool:
    """Return True if the call may have taken effect although the task fails."""
    from airflow_provider_partners.exceptions import (
        DatasetError,
        StorageError,
        UnexpectedResponseError,
        UnknownOutcomeError,
    )

    return isinstance(error, UnknownOutcomeError | UnexpectedResponseError | StorageError | DatasetError)


def _records(response: Any, records_path: str | None) -> list[dict[str, Any]]:
    """Return a response as records: what is no object becomes the field ``value`` of one."""
    found = get_path(response, records_path) if records_path else response
    if found is None and records_path:
        content = sorted(map(str, response)) if isinstance(response, Mapping) else type(response).__name__
        message = f"the response has nothing at records_path='{records_path}', but {content}"
        raise ConfigurationError(message[:300], remedy="Name a list or an object of the response.")
    values = found if isinstance(found, list) else [] if found is None else [found]
    return [value if isinstance(value, dict) else {"value": value} for value in values]


def _may_return(value: Any) -> bool:
    """Return True if XCom may hold a value: it is short, and looks like no e-mail address, phone number or secret."""
    from airflow_provider_partners.api.http.redaction import Redactor

    if value is None or isinstance(value, bool | int | float):
        return True
    return isinstance(value, str) and len(value) <= MAX_VALUE_LENGTH and Redactor()(value) == value
