"""OpenLineage: the inputs and outputs of a task, taken from its activity.

A partner's list is the dataset that its asset URI names (``yotpo://store``, ``orders``). A dataset of files is named by
its folder without the run and the map index. Lineage thus shows one dataset with many versions. Its version is the hash
that the manifest and the asset event have; its data source is the manifest. Makes no calls, and does nothing where
OpenLineage is not installed. Knows no partner.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_partners.assets import asset_uri
from airflow_provider_partners.datasets.location import stable_uri, without_connection
from airflow_provider_partners.datasets.storage import MANIFEST_FILE

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import InputDataset, OutputDataset

    from airflow_provider_partners.datasets.reference import DatasetRef
    from airflow_provider_partners.observability.activity import PartnerList, TaskActivity

_SCHEMES = {"gcs": "gs", "s3a": "s3", "s3n": "s3"}
"""Schemes that OpenLineage spells differently."""


def operator_lineage(
    activity: TaskActivity | None, input_datasets: Iterable[DatasetRef]
) -> OperatorLineage[Any, Any] | None:
    """Return the inputs and outputs of a task so far; ``None`` where OpenLineage is not installed.

    :param activity: of the try; ``None`` before it started
    :param input_datasets: the datasets that were passed to the task
    """
    try:
        from airflow.providers.openlineage.extractors import OperatorLineage
    except ImportError:
        return None
    inputs = [_dataset_input(reference) for reference in input_datasets]
    outputs = []
    if activity is not None:
        inputs += [_list_input(listed) for listed in activity.lists_read]
        outputs += [_list_output(listed) for listed in activity.lists_written]
        outputs += [_dataset_output(reference) for reference in activity.datasets_written]
    return OperatorLineage(inputs=inputs, outputs=outputs)


def dataset_name(uri: str) -> tuple[str, str]:
    """Return OpenLineage's namespace and name of a dataset of files.

    Naming conventions: https://openlineage.io/docs/spec/naming/

    :param uri: the dataset's folder
    """
    parts = urlsplit(stable_uri(uri))
    if parts.scheme in {"", "file"}:
        return "file", parts.path
    return f"{_SCHEMES.get(parts.scheme, parts.scheme)}://{parts.netloc}", parts.path.strip("/")


def list_name(partner_list: PartnerList) -> tuple[str, str]:
    """Return OpenLineage's namespace and name of a partner's list, equal to those of its asset."""
    parts = urlsplit(asset_uri(partner_list.api, partner_list.account, partner_list.resource))
    return f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")


def _facets(reference: DatasetRef) -> dict[str, Any]:
    from openlineage.client.facet_v2 import dataset_version_dataset, datasource_dataset, schema_dataset

    manifest = f"{without_connection(reference.uri)}/{MANIFEST_FILE}"
    facets: dict[str, Any] = {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=reference.sha256),
        "dataSource": datasource_dataset.DatasourceDatasetFacet(name=reference.source, uri=manifest),
    }
    if reference.fields:
        fields = [
            schema_dataset.SchemaDatasetFacetFields(name=name, type=kind) for name, kind in reference.fields.items()
        ]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields)
    return facets


def _dataset_input(reference: DatasetRef) -> InputDataset:
    from openlineage.client.event_v2 import InputDataset

    namespace, name = dataset_name(reference.uri)
    counts = _input_counts(rowCount=reference.records, size=reference.bytes, fileCount=reference.parts)
    return InputDataset(namespace=namespace, name=name, facets=_facets(reference), inputFacets=counts)


def _list_input(partner_list: PartnerList) -> InputDataset:
    from openlineage.client.event_v2 import InputDataset

    namespace, name = list_name(partner_list)
    counts = {} if partner_list.records is None else _input_counts(rowCount=partner_list.records)
    return InputDataset(namespace=namespace, name=name, inputFacets=counts)


def _input_counts(**counts: Any) -> dict[str, Any]:
    try:
        from openlineage.client.facet_v2 import input_statistics_input_dataset
    except ImportError:  # an older client
        return {}
    return {"inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet(**counts)}


def _list_output(partner_list: PartnerList) -> OutputDataset:
    namespace, name = list_name(partner_list)
    return _output_dataset(namespace, name, {}, rowCount=partner_list.records)


def _dataset_output(reference: DatasetRef) -> OutputDataset:
    namespace, name = dataset_name(reference.uri)
    counts = {"rowCount": reference.records, "size": reference.bytes, "fileCount": reference.parts}
    return _output_dataset(namespace, name, _facets(reference), **counts)


def _output_dataset(namespace: str, name: str, facets: dict[str, Any], **counts: Any) -> OutputDataset:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset

    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(**counts)
    return OutputDataset(namespace=namespace, name=name, facets=facets, outputFacets={"outputStatistics": statistics})
