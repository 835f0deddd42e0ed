"""Base class of the extract operators: read a list of a partner page by page into a dataset.

Knows no partner. The client's table of resources says which lists and filters exist.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from airflow.sdk import Asset

from airflow_provider_partners import settings, timestamps
from airflow_provider_partners._compat import AirflowSkipException, asset_state, utcnow
from airflow_provider_partners.arguments import (
    Check,
    check_count,
    check_duration,
    check_folder,
    check_name,
    check_structure,
    suggest,
)
from airflow_provider_partners.datasets.finished import finished_manifest, is_of, is_retry, origin_of
from airflow_provider_partners.datasets.list_writer import write_dataset
from airflow_provider_partners.datasets.location import dataset_uri, task_identity
from airflow_provider_partners.datasets.manifest import load_manifest, stored_reference
from airflow_provider_partners.datasets.match import resolve_match
from airflow_provider_partners.datasets.progress import ProgressLog
from airflow_provider_partners.datasets.publish import Publisher, check_target, publish_dataset
from airflow_provider_partners.datasets.storage import WINDOW_FILE, DatasetFolder
from airflow_provider_partners.exceptions import ConfigurationError, PartnersError
from airflow_provider_partners.operators.base import TemplatedTime
from airflow_provider_partners.operators.stored import StoringOperator
from airflow_provider_partners.task_errors import Context
from airflow_provider_partners.watermarks import Watermark, covered_until
from airflow_provider_partners.windows import Window, is_given, resolve

if TYPE_CHECKING:
    from airflow_provider_partners.api.extraction import Extraction
    from airflow_provider_partners.api.http.stats import RequestCounts
    from airflow_provider_partners.datasets.reference import DatasetRef, DatasetRefDict
    from airflow_provider_partners.hooks.base import PartnerHook


class ExtractExtra(TypedDict, total=False):
    """``extra`` of the dataset that an extract operator returns."""

    api: RequestCounts
    """Request counts of the client."""
    resumed: int
    """Records that an earlier try had written; missing if there are none."""
    job: str
    """Id of the partner's job that wrote the records; missing if they were read page by page."""
    changed: bool
    """Whether the published dataset differs from the previous one; missing without ``uri``."""


def skip_without_connection(conn_id: str | None, partner: str, *, shop: str | None = None) -> None:
    """Skip the task when no connection is given, as for a shop whose route has none.

    :raises AirflowSkipException: when there is none
    """
    if not is_given(conn_id):
        where = f" for {shop}" if shop else ""
        message = f"No {partner} connection is given{where}, so there is nothing to read"
        raise AirflowSkipException(message)


class ExtractOperator(StoringOperator):
    """Extracts a list into a dataset and returns the dataset's reference. Its ``extra`` is an :class:`ExtractExtra`.

    The time range is the first of these that is set: ``since`` and ``until``; the run's data interval; from the task's
    watermark until now. A list without a time filter, and a read by ids (``match``), have no time range by default.

    From Airflow 3.3 on, a task with an asset among its outlets keeps a watermark in the asset's state store: the end of
    the range that was read without a gap. There is one watermark per shop (or connection), list and set of filters.
    Mapped tasks and several tasks may therefore share an asset. With several assets, the first one stores it. The
    watermark moves when the dataset is finished.

    :param resource: name of the list (templated)
    :param since: start of the time range, inclusive: ISO 8601 text or datetime (templated)
    :param until: end of the time range, exclusive (templated)
    :param initial_since: start of the time range when there is neither a data interval nor a watermark. It also makes
        a list use a watermark that has no time filter of its own but can be read for a time range (templated)
    :param lookback: how much earlier than the data interval or the watermark to start. Default: no lookback for the
        interval, ``[partners] lookback_minutes`` for the watermark. It never applies to ``since`` (templated)
    :param match: reads the records with known ids, in batches. Maps a field to its values, or to a column of a dataset:
        ``{"order_id": {"dataset": extract_orders.output, "field": "legacyResourceId"}}`` (templated)
    :param page_size: records per page; the largest that the API serves well by default (templated)
    :param workers: pages fetched in parallel where the list allows it; ``[partners] parallel_calls`` by default
        (templated)
    :param uri: folder that the finished dataset is published to, as an absolute path or a URI. There it replaces the
        previous one of the same list and account. Each mapped task needs a folder of its own. By default the dataset
        stays in the folder of the task's run (templated)
    """

    template_fields: Sequence[str] = (
        "resource",
        "since",
        "until",
        "initial_since",
        "lookback",
        "match",
        "page_size",
        "workers",
        "uri",
        *StoringOperator.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **StoringOperator.template_fields_renderers,
        "match": "json",
    }
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **StoringOperator.argument_checks,
        "resource": check_name,
        "lookback": check_duration,
        "match": check_structure,
        "page_size": check_count,
        "workers": check_count,
        "uri": check_folder,
    }

    def __init__(
        self,
        *,
        resource: str,
        since: TemplatedTime | None = None,
        until: TemplatedTime | None = None,
        initial_since: TemplatedTime | None = None,
        lookback: timedelta | str | None = None,
        match: Mapping[str, Any] | None = None,
        page_size: int | str | None = None,
        workers: int | str | None = None,
        uri: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resource = resource
        self.since = since
        self.until = until
        self.initial_since = initial_since
        self.lookback: Any = lookback
        self.match = match
        self.page_size: Any = page_size
        self.workers: Any = workers
        self.uri = uri

    @classmethod
    @abstractmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the partner's lists by name. Imports the table when it is called: parsing a Dag does not need it."""

    @abstractmethod
    def hook(self) -> PartnerHook[Any]:
        """Return the partner's hook."""

    def query_filters(self) -> dict[str, Any]:
        """Return the API's own filters as the client takes them; ``None`` means "not given"."""
        return {}

    def run(self, context: Context) -> DatasetRefDict:
        """Resolve the window, fetch into the dataset, return its reference."""
        query_arguments = self.query_arguments(context)
        hook = self.hook()
        with hook as client:
            self.record_partner(hook)
            origin = self.origin(context, hook, query_arguments)
            reference = self.finished_dataset(context, hook, origin)
            if reference is None:
                reference = self.extract_pages(context, hook, client, query_arguments, origin)
        return self.finish(context, reference)

    def origin(
        self, context: Context, hook: PartnerHook[Any], query_arguments: Mapping[str, Any], **job: Any
    ) -> dict[str, Any]:
        """Return what the manifest says of the task's query, and of its tries.

        :param query_arguments: from :meth:`query_arguments`
        :param job: further arguments that decide what is read
        """
        stored_as = self.storage_options().fingerprint
        arguments = {**query_arguments, **job}
        return origin_of(context, [hook.account, self.resource, arguments, stored_as])

    def finished_dataset(
        self, context: Context, hook: PartnerHook[Any], origin: Mapping[str, Any]
    ) -> DatasetRef | None:
        """Return the dataset that an earlier try has finished before it was killed, or failed; ``None`` without one.

        Airflow has not heard of it. With ``uri`` it may be published or not. Finds out first whether the target can be
        written at all.

        :param origin: from :meth:`origin`; a dataset of another query doesn't count
        :raises ConfigurationError: when nothing can be published to ``uri``
        """
        task = task_identity(context)
        if is_given(self.uri):
            check_target(str(self.uri), Publisher(hook.conn_type, self.resource, hook.account, task))
        elif not is_retry(context):
            return None
        # A published dataset is removed from the run's folder. So what is there, is not published yet.
        manifest = finished_manifest(context, origin, names=("query",) if is_given(self.uri) else ())
        if manifest is None:
            manifest = load_manifest(DatasetFolder(str(self.uri))) if is_given(self.uri) else None
            if manifest is None or not is_of(manifest, {**origin, "published_by": task}):
                return None
        reference = stored_reference(manifest)
        self.log.info("An earlier try has finished %s", reference.uri)
        return replace(reference, extra={**reference.extra, "resumed": reference.records})

    def finish(self, context: Context, reference: DatasetRef) -> DatasetRefDict:
        """Publish the dataset, record the activity, advance the watermark, and return the reference.

        The watermark moves when the dataset is where it belongs. The copy in the folder of the task's run goes last.

        :param reference: the dataset in the folder of the task's run
        """
        staged = reference
        self.require_min_records(staged)
        if is_given(self.uri):
            reference = publish_dataset(staged, str(self.uri), task=task_identity(context))
            self.log.info(
                "Published to %s, %s", reference.uri, "changed" if reference.extra["changed"] else "unchanged"
            )
        self.record_dataset(self.resource, reference)
        self._advance_watermark(context, reference)
        if reference.uri != (staged_uri := dataset_uri(context)):
            self._remove_staged(staged_uri)
        return reference.to_dict()

    def _remove_staged(self, uri: str) -> None:
        """Remove the copy of a published dataset, also what a try has left of it that was killed here."""
        try:
            DatasetFolder(uri).remove_all()
        except PartnersError as error:
            self.log.warning("The copy in %s could not be removed: %s", uri, error)

    def record_partner(self, hook: PartnerHook[Any]) -> None:
        """Record the account that the task reads, and the list."""
        super().record_partner(hook)
        if for_shop := getattr(self, "for_shop", None):
            self.activity.shop = hook.metrics_shop = for_shop
        self.activity.set_list_read(self.resource)

    def input_datasets(self) -> list[Any]:
        """Return the datasets whose columns ``match`` refers to."""
        values = self.match.values() if isinstance(self.match, Mapping) else ()
        return [value.get("dataset") for value in values if isinstance(value, Mapping)]

    def query_arguments(self, context: Context) -> dict[str, Any]:
        """Return the arguments for the client's ``extract``: filters, ids and time range, without those not given."""
        window = self.window(context)
        arguments: dict[str, Any] = {**self.query_filters(), "match": self.match_values(), "page_size": self.page_size}
        if window:
            arguments |= {"since": window.since, "until": window.until}
        self.log.info("Extracting %s, %s", self.resource, window or "without a window")
        return {name: value for name, value in arguments.items() if value is not None}

    def extract_pages(
        self,
        context: Context,
        hook: PartnerHook[Any],
        client: Any,
        query_arguments: Mapping[str, Any],
        origin: Mapping[str, Any],
    ) -> DatasetRef:
        """Fetch the list page by page into the dataset.

        :param query_arguments: from :meth:`query_arguments`
        :param origin: from :meth:`origin`
        """
        extraction = self.extraction(client, query_arguments)
        self.log.info("Reading %s page by page", hook.hook_name)
        reference = write_dataset(
            extraction,
            uri=dataset_uri(context),
            workers=self.workers or settings.parallel_calls(),
            on_page=ProgressLog(self.log.info, self.resource),
            extra=lambda: {"api": client.stats.snapshot()},
            options=self.storage_options(),
            origin=origin,
        )
        self.log.info("%d %s in %s", reference.records, self.resource, reference.uri)
        return reference

    def extraction(self, client: Any, query_arguments: Mapping[str, Any]) -> Extraction:
        """Return the extraction of the list's pages.

        :param query_arguments: from :meth:`query_arguments`
        """
        extraction: Extraction = client.extract(self.resource, **query_arguments)
        return extraction

    def window(self, context: Context) -> Window | None:
        """Return the time range to read, or ``None`` for a list that is read without one.

        :raises ConfigurationError: when the list is unknown, or it needs a time range and none is given
        """
        initial_since = self._initial_since()
        optional = not self.has_time_filter() or self.match is not None
        if optional and not (is_given(self.since) or is_given(self.until) or is_given(initial_since)):
            return None
        watermark = self.watermark(context)
        read_until = watermark.get() if watermark else None
        if read_until and self.lookback is None:
            read_until -= settings.lookback()
        now = utcnow().replace(microsecond=0)
        window = resolve(
            since=self.since,
            until=self.until,
            context=context,
            lookback=self.lookback or timedelta(),
            watermark=read_until,
            initial_since=initial_since,
            now=now,
        )
        if watermark is None and window.origin == "initial_since":
            self.log.warning(
                "No watermark is stored (it takes Airflow 3.3 and an asset among the outlets): each run reads all"
            )
        # An end in the past is the same for every try.
        return self._fixed_window(context, window, now) if window.until >= now else window

    def has_time_filter(self) -> bool:
        """Return True if the list can be filtered by time, so that it is read for a window by default.

        :raises ConfigurationError: when the list is unknown
        """
        resources = self.available_resources()
        resource = resources.get(self.resource)
        if resource is None:
            message = f"There is no list '{self.resource}'{suggest(self.resource, resources)}"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(sorted(resources))}.")
        return bool(resource.time_field)

    def watermark(self, context: Context) -> Watermark | None:
        """Return the watermark of this list; ``None`` where Airflow keeps no state for the task."""
        # An alias has no store: Airflow knows its assets only once there are events.
        asset = next((outlet for outlet in self.outlets if isinstance(outlet, Asset)), None)
        store = asset_state(context, asset) if asset is not None and self.match is None else None
        return Watermark(self._watermark_key(), [store]) if store is not None else None

    def _initial_since(self) -> Any:
        return None if self.match is not None else self.initial_since

    def _watermark_key(self) -> str:
        """Return the watermark's name. Other filters read other records, so they get another watermark."""
        account = getattr(self, "shop", None) or self.hook().conn_id
        filters = {name: value for name, value in self.query_filters().items() if value is not None}
        text = json.dumps(filters, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        return ":".join([account, self.resource, *([digest] if filters else [])])

    def _fixed_window(self, context: Context, window: Window, now: datetime) -> Window:
        """Return the window that the run's first try chose, so that a retry resumes the same dataset.

        A retry would compute a later end, and perhaps a later watermark if a try died after its last step.
        """
        folder = DatasetFolder(dataset_uri(context, "window"))
        arguments = (self._watermark_key(), self.since, self.until, self._initial_since(), self.lookback)
        query = [str(value) for value in arguments]
        stored = folder.read_json(WINDOW_FILE)
        if stored and stored["query"] == query:
            return Window.from_dict(stored["window"], origin=stored["origin"])
        began = timestamps.isoformat(now)
        stored = {"query": query, "window": window.to_dict(), "origin": window.origin, "began": began}
        folder.write_json(WINDOW_FILE, stored)
        return window

    def _began(self, context: Context, window: Window) -> datetime:
        """Return when the first try began to read. For a window whose end had passed then, its end is as good."""
        stored = DatasetFolder(dataset_uri(context, "window")).read_json(WINDOW_FILE)
        if stored is None or stored["window"] != window.to_dict():
            return window.until
        return timestamps.parse(stored["began"], "began")

    def _advance_watermark(self, context: Context, reference: DatasetRef) -> None:
        """Move the watermark to the end of a finished dataset's window."""
        watermark = self.watermark(context)
        if watermark is None or reference.window is None:
            return
        window = Window.from_dict(reference.window)
        start = timestamps.parse(self.initial_since, "initial_since") if is_given(self.initial_since) else None
        began = self._began(context, window)
        moved = watermark.advance_over(window, began=began, start=start)
        state = f"moved to {timestamps.isoformat(covered_until(window, began=began))}" if moved else "is unchanged"
        self.log.info("%s %s", watermark.key, state)

    def match_values(self) -> dict[str, list[str]] | None:
        """Return the ids to read, by field."""
        if self.match is None:
            return None
        return resolve_match(self.match)
