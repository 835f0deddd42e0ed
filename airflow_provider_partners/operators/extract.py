"""Extracting a list of any partner to a dataset: the steps that the partners' extract operators share.

Knows no partner: which lists there are, and which filters, the client's table of resources says.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Asset

from airflow_provider_partners import settings, timestamps
from airflow_provider_partners._compat import asset_state, utcnow
from airflow_provider_partners.datasets.publish import publish
from airflow_provider_partners.datasets.reader import read_column
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.datasets.writer import write_dataset
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.operators.base import Context, PartnerOperator, ProgressLog, dataset_uri
from airflow_provider_partners.watermarks import Watermark
from airflow_provider_partners.windows import Window, is_given, resolve

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.reference import DatasetRef
    from airflow_provider_partners.hooks.base import PartnerHook

WINDOW_FILE = "window.json"
"""The note of a window that ends with the present, in a folder beside the dataset's."""


class ExtractOperator(PartnerOperator):
    """Extracts a list to a dataset and returns its reference.

    The stretch of time is that of ``since`` and ``until``, or else the run's data interval, or else what lies between
    the task's watermark and the present. Lists that can't be asked by time, and records asked for by ids, have none
    unless it is given.

    From Airflow 3.3 on, a task with an asset among its outlets keeps a watermark in the asset's state store: everything
    up to there was read. There is one for each shop (or connection), list and set of filters, so that a mapped task and
    several tasks may share an asset; with several assets it rests with the first one. It moves when the dataset is
    finished, and no further than without a gap.

    :param resource: the list's name (templated)
    :param since: ISO 8601 text or datetime, the first moment asked for (templated)
    :param until: the first moment not asked for any more (templated)
    :param initial_since: where to begin where there is neither a data interval nor a watermark yet; it also has lists
        go by watermark that have no filter by time but can be asked for a stretch of it (templated)
    :param lookback: how much earlier than the data interval or the watermark to begin; by default not at all, and
        ``[partners] lookback_minutes``; not applied to ``since``
    :param match: asks for the records that belong to known ids, in batches: a mapping of a field to its
        values, or to a column of a dataset, ``{"order_id": {"dataset": extract_orders.output, "field":
        "legacyResourceId"}}`` (templated)
    :param page_size: records per page; the API's best by default
    :param workers: pages fetched side by side where the list allows it; ``[partners] parallel_calls`` by
        default
    :param uri: the folder that the finished dataset is put into, in place of the one that was there; by default it
        stays in the folder of the task's run (templated)
    """

    template_fields: Sequence[str] = ("resource", "since", "until", "initial_since", "match", "uri")
    available_resources: ClassVar[Mapping[str, Any]]

    def __init__(
        self,
        *,
        resource: str,
        since: Any = None,
        until: Any = None,
        initial_since: Any = None,
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
        self.initial_since = initial_since
        self.lookback = lookback
        self.match = match
        self.page_size = page_size
        self.workers = workers
        self.uri = uri

    @abstractmethod
    def hook(self) -> PartnerHook[Any]:
        """The partner's hook."""

    def query_filters(self) -> dict[str, Any]:
        """The API's own filters, as the client takes them; those that are ``None`` were not given."""
        return {}

    def run(self, context: Context) -> dict[str, Any]:
        """Resolve the window, fetch into the dataset, return its reference."""
        asked = self.query_arguments(context)
        hook = self.hook()
        with hook as client:
            self.record_partner(hook)
            reference = self.extract_pages(context, hook, client, asked)
        return self.finish(context, reference)

    def finish(self, context: Context, reference: DatasetRef) -> dict[str, Any]:
        """The reference to return, once the dataset is where it was asked to be. The watermark moves then, not before.

        :param context: the task's context
        :param reference: of the dataset in the folder of the task's run
        """
        if is_given(self.uri):
            reference = publish(reference, str(self.uri))
            self.log.info("Put to %s, %s", reference.uri, "new" if reference.extra["changed"] else "as it was there")
        self.activity.set_datasets_written(reference)
        self.activity.set_list_read(self.resource, reference.records)
        self.activity.records = reference.records - int(reference.extra.get("resumed", 0))
        self._advance_watermark(context, reference)
        return reference.to_dict()

    def record_partner(self, hook: PartnerHook[Any]) -> None:
        """Take note of whom the task asks, and for which list.

        :param hook: whose connection was read
        """
        self.activity.set_partner(hook)
        self.activity.set_list_read(self.resource)

    def input_datasets(self) -> list[Any]:
        """The datasets whose columns are asked for."""
        wanted = self.match.values() if isinstance(self.match, Mapping) else ()
        return [value.get("dataset") for value in wanted if isinstance(value, Mapping)]

    def query_arguments(self, context: Context) -> dict[str, Any]:
        """What the client is asked for: the filters, the ids and the window that were given."""
        window = self.window(context)
        asked: dict[str, Any] = {**self.query_filters(), "match": self.match_values(), "page_size": self.page_size}
        if window:
            asked |= {"since": window.since, "until": window.until}
        self.log.info("Extracting %s, %s", self.resource, window or "without a window")
        return {name: value for name, value in asked.items() if value is not None}

    def extract_pages(
        self, context: Context, hook: PartnerHook[Any], client: Any, query_arguments: Mapping[str, Any]
    ) -> DatasetRef:
        """Fetch page after page into the dataset.

        :param context: the task's context
        :param hook: the partner's
        :param client: of the hook
        :param query_arguments: of :meth:`query_arguments`
        """
        extraction = client.extract(self.resource, **query_arguments)
        self.log.info("Asking %s page by page", hook.hook_name)
        reference = write_dataset(
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
        declared = self.available_resources.get(self.resource)
        if declared is None:
            message = f"There is no list '{self.resource}'"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(sorted(self.available_resources))}.")
        begins = self._initial_since()
        optional = self.match is not None or not declared.time_field
        if optional and not (is_given(self.since) or is_given(self.until) or is_given(begins)):
            return None
        mark = self.watermark(context)
        covered = mark.get() if mark else None
        if covered and self.lookback is None:
            covered -= settings.lookback()
        now = utcnow().replace(microsecond=0)
        window = resolve(
            since=self.since,
            until=self.until,
            context=context,
            lookback=self.lookback or timedelta(),
            watermark=covered,
            initial_since=begins,
            now=now,
        )
        if mark is None and window.origin == "initial_since":
            self.log.warning(
                "No watermark is kept (it takes Airflow 3.3 and an asset among the outlets): each run reads all"
            )
        # Any other end is the same for every try.
        return self._fixed_window(context, window) if window.until == now else window

    def watermark(self, context: Context) -> Watermark | None:
        """Up to where this list was read by earlier runs; ``None`` where Airflow keeps nothing for the task.

        :param context: the task's context
        """
        # For an alias nothing is kept: which assets it stands for is known only when there are events.
        asset = next((outlet for outlet in self.outlets if isinstance(outlet, Asset)), None)
        kept = asset_state(context, asset) if asset is not None and self.match is None else None
        return Watermark(self._watermark_key(), [kept]) if kept is not None else None

    def _initial_since(self) -> Any:
        return None if self.match is not None else self.initial_since

    def _watermark_key(self) -> str:
        """What the watermark is about: another question's rows were not read by this one's runs."""
        account = getattr(self, "shop", None) or self.hook().conn_id
        asked = {name: value for name, value in self.query_filters().items() if value is not None}
        text = json.dumps(asked, sort_keys=True, default=str)
        return ":".join([account, self.resource, *([hashlib.sha256(text.encode()).hexdigest()[:12]] if asked else [])])

    def _fixed_window(self, context: Context, window: Window) -> Window:
        """The window that the run's first try has chosen: a later one goes on with its dataset, or writes it again.

        By then the present has moved, and maybe the watermark too, where a try died behind its last step.
        """
        folder = DatasetFolder(dataset_uri(context, "window"))
        asked = [str(value) for value in (self._watermark_key(), self.since, self._initial_since(), self.lookback)]
        note = folder.read_json(WINDOW_FILE)
        if note and note["query"] == asked:
            return Window.from_dict(note["window"], origin=note["origin"])
        folder.write_json(WINDOW_FILE, {"query": asked, "window": window.to_dict(), "origin": window.origin})
        return window

    def _advance_watermark(self, context: Context, reference: DatasetRef) -> None:
        """Move the watermark behind the window of a finished dataset."""
        mark = self.watermark(context)
        if mark is None or reference.window is None:
            return
        window = Window.from_dict(reference.window)
        beginning = timestamps.parse(self.initial_since, "initial_since") if is_given(self.initial_since) else None
        moved = mark.advance_over(window, start=beginning)
        self.log.info("%s %s", mark.key, f"moved to {reference.window['until']}" if moved else "stays")

    def match_values(self) -> dict[str, Iterable[str]] | None:
        """The ids to ask for, by field."""
        if self.match is None:
            return None
        return {field: resolve_match_values(field, wanted) for field, wanted in self.match.items()}


def resolve_match_values(field: str, values: Any) -> list[str]:
    """The ids of one field of ``match``.

    :param field: for errors
    :param values: a list of ids, or ``{"dataset": …, "field": …}`` for a column of a dataset
    :raises ConfigurationError: when it is neither
    """
    if isinstance(values, Mapping):
        if set(values) != {"dataset", "field"}:
            message = f"'match' has a wrong entry for '{field}'"
            remedy = "Give a list, or {'dataset': an extract operator's output, 'field': a column of it}."
            raise ConfigurationError(message, remedy=remedy)
        return list(read_column(values["dataset"], values["field"]))
    if isinstance(values, str) or not isinstance(values, Iterable):
        message = f"'match' has no list of values for '{field}'"
        raise ConfigurationError(message, remedy="Give a list, even of one value.")
    return list(dict.fromkeys(str(value) for value in values))
