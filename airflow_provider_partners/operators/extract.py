"""Extracting a list of any partner to a dataset: the steps that the partners' extract operators share.

Knows no partner: which lists there are, and which filters, the client's table of resources says.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners import settings
from airflow_provider_partners.datasets.publish import publish
from airflow_provider_partners.datasets.read import column
from airflow_provider_partners.datasets.write import write
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.operators.base import Context, PartnerOperator, ProgressLog, dataset_uri
from airflow_provider_partners.windows import Window, given, resolve

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.reference import DatasetRef
    from airflow_provider_partners.hooks.base import PartnerHook


class ExtractOperator(PartnerOperator):
    """Extracts a list to a dataset and returns its reference.

    The stretch of time is that of ``since`` and ``until``, or else the run's data interval. Lists that can't
    be asked by time, and records asked for by ids, have none unless it is given.

    :param resource: the list's name (templated)
    :param since: ISO 8601 text or datetime, the first moment asked for (templated)
    :param until: the first moment not asked for any more (templated)
    :param lookback: how much earlier than the data interval to begin; not applied to ``since``
    :param match: asks for the records that belong to known ids, in batches: a mapping of a field to its
        values, or to a column of a dataset, ``{"order_id": {"dataset": extract_orders.output, "field":
        "legacyResourceId"}}`` (templated)
    :param page_size: records per page; the API's best by default
    :param workers: pages fetched side by side where the list allows it; ``[partners] parallel_calls`` by
        default
    :param uri: the folder that the finished dataset is put into, in place of the one that was there; by default it
        stays in the folder of the task's run (templated)
    """

    template_fields: Sequence[str] = ("resource", "since", "until", "match", "uri")
    lists: ClassVar[Mapping[str, Any]]

    def __init__(
        self,
        *,
        resource: str,
        since: Any = None,
        until: Any = None,
        lookback: timedelta | None = None,
        match: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        workers: int | None = None,
        uri: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resource = resource
        self.since = since
        self.until = until
        self.lookback = lookback
        self.match = match
        self.page_size = page_size
        self.workers = workers
        self.uri = uri

    @abstractmethod
    def hook(self) -> PartnerHook[Any]:
        """The partner's hook."""

    def filters(self) -> dict[str, Any]:
        """The API's own filters, as the client takes them; those that are ``None`` were not given."""
        return {}

    def work(self, context: Context) -> dict[str, Any]:
        """Resolve the window, fetch into the dataset, return its reference."""
        asked = self.asked(context)
        hook = self.hook()
        with hook as client:
            reference = self.by_pages(context, hook, client, asked)
        return self.rested(reference)

    def rested(self, reference: DatasetRef) -> dict[str, Any]:
        """The reference to return, once the dataset is where it was asked to be.

        :param reference: of the dataset in the folder of the task's run
        """
        if given(self.uri):
            reference = publish(reference, str(self.uri))
            self.log.info("Put to %s, %s", reference.uri, "new" if reference.extra["changed"] else "as it was there")
        return reference.to_dict()

    def asked(self, context: Context) -> dict[str, Any]:
        """What the client is asked for: the filters, the ids and the window that were given."""
        window = self.window(context)
        asked: dict[str, Any] = {**self.filters(), "match": self.matched(), "page_size": self.page_size}
        if window:
            asked |= {"since": window.since, "until": window.until}
        self.log.info("Extracting %s, %s", self.resource, window or "without a window")
        return {name: value for name, value in asked.items() if value is not None}

    def by_pages(self, context: Context, hook: PartnerHook[Any], client: Any, asked: Mapping[str, Any]) -> DatasetRef:
        """Fetch page after page into the dataset.

        :param context: the task's context
        :param hook: the partner's
        :param client: of the hook
        :param asked: of :meth:`asked`
        """
        extraction = client.extract(self.resource, **asked)
        self.log.info("Asking %s page by page", hook.hook_name)
        reference = write(
            extraction,
            uri=dataset_uri(context),
            workers=self.workers or settings.parallel_calls(),
            on_page=ProgressLog(self.log.info, self.resource),
            extra=lambda: {"api": client.usage.snapshot()},
        )
        self.log.info("%d %s in %s", reference.records, self.resource, reference.uri)
        return reference

    def window(self, context: Context) -> Window | None:
        """The stretch of time to ask for.

        :raises ConfigurationError: when the list is unknown, or needs a window and nothing gives one
        """
        declared = self.lists.get(self.resource)
        if declared is None:
            message = f"There is no list '{self.resource}'"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(sorted(self.lists))}.")
        optional = self.match is not None or not declared.time_field
        if optional and not (given(self.since) or given(self.until)):
            return None
        return resolve(since=self.since, until=self.until, context=context, lookback=self.lookback or timedelta())

    def matched(self) -> dict[str, Iterable[str]] | None:
        """The ids to ask for, by field."""
        if self.match is None:
            return None
        return {field: _values(field, wanted) for field, wanted in self.match.items()}


def _values(field: str, wanted: Any) -> list[str]:
    if isinstance(wanted, Mapping):
        if set(wanted) != {"dataset", "field"}:
            message = f"'match' has a wrong entry for '{field}'"
            remedy = "Give a list, or {'dataset': an extract operator's output, 'field': a column of it}."
            raise ConfigurationError(message, remedy=remedy)
        return list(column(wanted["dataset"], wanted["field"]))
    if isinstance(wanted, str) or not isinstance(wanted, Iterable):
        message = f"'match' has no list of values for '{field}'"
        raise ConfigurationError(message, remedy="Give a list, even of one value.")
    return list(dict.fromkeys(str(value) for value in wanted))
