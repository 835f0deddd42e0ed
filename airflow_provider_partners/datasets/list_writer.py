"""Fetch a list of a partner into a dataset, page by page, and resume an unfinished try of the same request."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_partners import settings
from airflow_provider_partners.api.extraction import DEFAULT_MAX_PAGES
from airflow_provider_partners.api.record_types import requested_names, top_level_types
from airflow_provider_partners.datasets.progress import Progress
from airflow_provider_partners.datasets.record_shape import StorageOptions
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.api.extraction import Extraction, ResumePosition
    from airflow_provider_partners.datasets.reference import DatasetRef

__all__ = ["write_dataset"]

_END_POSITION: dict[str, Any] = {"end": True}
"""The position after the last page: only the manifest is missing."""


def write_dataset(
    extraction: Extraction,
    *,
    uri: str,
    workers: int = 1,
    on_page: Callable[[Progress], None] | None = None,
    extra: Callable[[], Mapping[str, Any]] | None = None,
    read_at: str | None = None,
    options: StorageOptions | None = None,
    origin: Mapping[str, Any] | None = None,
) -> DatasetRef:
    """Fetch an extraction into a dataset, and resume an unfinished try of the same request.

    :param uri: the dataset's folder
    :param workers: pages fetched in parallel, where the list allows it; they are written in order
    :param on_page: called after each page
    :param extra: called at the end; its counts become part of the reference
    :param read_at: when the partner read the records; by default when the first try began
    :param options: format and shape of the stored records
    :param origin: entries of the manifest that say which query was read, and by which tries
    """
    options = options or StorageOptions()
    types, shape = extraction.record_types, options.shape
    requested = json.dumps(extraction.request, default=str)
    shape.check(types, requested=requested, may_be_new=options.may_have_new_fields)
    if options.on_new_fields != "ignore" and not types:
        message = f"on_new_fields='{options.on_new_fields}' needs declared fields, and {extraction.resource} has none"
        raise ConfigurationError(message, remedy="Leave the argument out for this list.")
    writer = DatasetWriter(
        uri,
        source=extraction.source,
        resource=extraction.resource,
        account=extraction.account,
        fingerprint=" ".join(filter(None, [extraction.fingerprint, shape.fingerprint])),
        window=extraction.window,
        columns=shape.columns(top_level_types(types)),
        file_format=options.format,
        nested=options.nested,
        on_new_fields=options.on_new_fields,
        requested_fields=requested_names(requested),
        origin=origin,
    )
    position = cast("ResumePosition | None", writer.resume())
    if extraction.max_pages == DEFAULT_MAX_PAGES:
        # The clients know no settings.
        extraction = replace(extraction, max_pages=settings.max_pages())
    window = extraction.window.to_dict() if extraction.window else {}
    added = {"account": extraction.account, "read_at": read_at or writer.read_at, **window}
    resumed, started = writer.records, time.monotonic()
    pages = () if position == _END_POSITION else extraction.pages(position=position, workers=workers)
    with writer:
        for page in pages:
            records = shape.apply(page.records, added)
            writer.append(records, position=_END_POSITION if page.position is None else page.position)
            if on_page:
                progress = Progress(
                    records=writer.records,
                    parts=writer.parts,
                    total=page.total,
                    seconds=time.monotonic() - started,
                    resumed_records=resumed,
                )
                on_page(progress)
        counts = {**(extra() if extra else {}), **({"resumed": resumed} if resumed else {})}
        return writer.commit(extra=counts, read_at=read_at)
