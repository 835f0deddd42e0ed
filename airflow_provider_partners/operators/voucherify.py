"""Operators of the Voucherify API: any of its lists, qualifications, and any other call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.voucherify.filter_arguments import FilterArgument, check_filters, filters_as_json
from airflow_provider_partners.arguments import (
    Check,
    check_flag,
    check_keys,
    check_mapping,
    check_name,
    check_names,
    parse_structure,
    without_fixed,
)
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.links import DatasetLink, VoucherifyLink
from airflow_provider_partners.operators.extract import ExtractOperator, skip_without_connection
from airflow_provider_partners.operators.extract_job import ExtractMode, JobExtractOperator
from airflow_provider_partners.operators.request import RequestOperator
from airflow_provider_partners.windows import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.api.extraction import Extraction
    from airflow_provider_partners.api.voucherify.filters import Filter
    from airflow_provider_partners.datasets.reference import DatasetRefDict
    from airflow_provider_partners.task_errors import Context
    from airflow_provider_partners.windows import Window


_OF_LISTS = frozenset({"resource", "since", "until", "initial_since", "lookback"})
"""Arguments of extract operators that qualifications don't have."""


class VoucherifyExtractOperator(JobExtractOperator):
    """Extracts a list of the Voucherify API into a dataset and returns the dataset's reference.

    A list with more records than its pages can reach is read by an export, a file that Voucherify writes. ``mode``
    overrides this. With ``deferrable`` the task waits for the file in the triggerer.

    ``until`` alone reads everything before it. A time range among the ``parameters`` or ``filters``, such as
    ``parameters={"created_at": {"after": "2026-05-01"}}``, takes the place of the task's window.

    .. seealso:: :ref:`howto/operator:VoucherifyExtractOperator`

    :param resource: the list, such as ``redemptions``, ``vouchers`` or ``customers``; ``points_expiration`` exists as
        an export only (templated)
    :param parents: the parents of a nested list, one id each: ``{"program_id": "lprg_1"}``. For many ids of one parent
        use ``match``: ``{"campaign_id": ids}`` (templated)
    :param time_field: the timestamp that the window filters, such as ``updated_at``; the creation time by default
        (templated)
    :param filters: conditions on fields, such as ``{"result": {"conditions": {"$is": "SUCCESS"}}}``, or a ``Filter``
        (templated)
    :param parameters: the list's own query parameters, such as ``{"result": "SUCCESS"}``; every list takes
        ``created_at`` with ``after``, ``before`` or both (templated)
    :param sort: the field to sort by, such as ``-created_at`` for newest first (templated)
    :param fields: fields of an export, also ``metadata.x``; by default all documented fields. With ``fields``, ``auto``
        reads by an export (templated)
    :param voucherify_conn_id: id of the Airflow connection (templated)
    :param mode: ``auto``, ``paged`` or ``export``; a read by ids (``match``) is always paged (templated)
    :param skip_without_connection: skip the task when ``voucherify_conn_id`` is empty, as for a shop whose route has no
        Voucherify connection (templated)
    :param for_shop: the shop that the project serves. The task's label, errors and metrics name it (templated)
    """

    template_fields: Sequence[str] = (
        *JobExtractOperator.template_fields,
        "parents",
        "time_field",
        "filters",
        "parameters",
        "sort",
        "fields",
        "voucherify_conn_id",
        "skip_without_connection",
        "for_shop",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **JobExtractOperator.template_fields_renderers,
        **dict.fromkeys(("parents", "filters", "parameters", "fields"), "json"),
    }
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **JobExtractOperator.argument_checks,
        "parents": check_mapping,
        "time_field": check_name,
        "filters": check_filters,
        "parameters": check_mapping,
        "sort": check_name,
        "fields": check_keys,
        "skip_without_connection": check_flag,
        "for_shop": check_name,
    }
    modes: ClassVar[Mapping[str, ExtractMode]] = {
        "auto": ExtractMode.AUTO,
        "paged": ExtractMode.PAGES,
        "export": ExtractMode.JOB,
    }
    operator_extra_links = (VoucherifyLink(), DatasetLink())
    ui_color = "#fdf0e6"
    filters = FilterArgument()

    def __init__(
        self,
        *,
        parents: Mapping[str, Any] | None = None,
        time_field: str | None = None,
        filters: Filter | Mapping[str, Any] | str | None = None,  # the word of the API
        parameters: Mapping[str, Any] | None = None,
        sort: str | None = None,
        fields: Sequence[str] | str | None = None,
        voucherify_conn_id: str | None = VoucherifyHook.default_conn_name,
        skip_without_connection: bool | str = False,
        for_shop: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.parents = parents
        self.time_field = time_field
        self.filters = filters
        self.parameters = parameters
        self.sort = sort
        self.fields = fields
        self.voucherify_conn_id = voucherify_conn_id
        self.skip_without_connection = skip_without_connection
        self.for_shop = for_shop

    def run(self, context: Context) -> DatasetRefDict:
        """Extract the list, or skip the task when it has no connection."""
        if self.skip_without_connection:
            skip_without_connection(self.voucherify_conn_id, "Voucherify", shop=self.for_shop)
        return super().run(context)

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the lists by name."""
        from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS
        from airflow_provider_partners.api.voucherify.resources import RESOURCES

        return {**EXPORTS, **RESOURCES}

    def hook(self) -> VoucherifyHook:
        """Return the project's hook."""
        return VoucherifyHook(self.voucherify_conn_id or "")

    def hook_params(self) -> dict[str, Any]:
        """Return nothing: the connection is enough."""
        return {}

    def query_filters(self) -> dict[str, Any]:
        """Return the parents, filters, parameters, time field and sort field."""
        return {
            "parents": self.parents,
            "time_field": self.time_field,
            "filters": filters_as_json(self.filters),
            "parameters": self.parameters,
            "sort": self.sort,
        }

    def query_arguments(self, context: Context) -> dict[str, Any]:
        """Return the arguments for the client's ``extract``; ``until`` may be there without ``since``."""
        arguments = super().query_arguments(context)
        if self._ends_only():
            arguments["until"] = timestamps.parse(self.until, "until")
        return arguments

    def window(self, context: Context) -> Window | None:
        """Return the time range to read, unless the query has one that is open, or one of its own."""
        is_known = self.resource in self.available_resources()
        return None if is_known and (self._ends_only() or self._has_own_range()) else super().window(context)

    def _ends_only(self) -> bool:
        return is_given(self.until) and not is_given(self.since)

    def _has_own_range(self) -> bool:
        """Return True if the parameters or the filters hold the time range, and no argument does."""
        if any(map(is_given, (self.since, self.until, self.initial_since))):
            return False
        resource, query = self.available_resources()[self.resource], self.query_filters()
        in_parameters = set(query["parameters"] or ()) & set(resource.time_params)
        return bool(in_parameters or set(query["filters"] or ()) & resource.time_fields)

    def job_arguments(self) -> dict[str, Any]:
        """Return the fields of an export; the fields of a list cannot be chosen."""
        return {"fields": list(check_names("fields", self.fields)) if self.fields else None}


class VoucherifyQualificationsOperator(ExtractOperator):
    """Extracts what a customer and an order qualify for into a dataset and returns the dataset's reference.

    A record is a redeemable: a voucher, a promotion tier, a promotion stack or a campaign. A retry resumes after the
    last stored page. Airflow shows rendered fields in its UI, so name a customer by an id.

    .. seealso:: :ref:`howto/operator:VoucherifyQualificationsOperator`

    :param customer: Voucherify's id ``cust_…``, the store's id, or the customer's object (templated)
    :param order: the order's object, with ``amount`` in minor units and ``items`` (templated)
    :param scenario: what is considered, such as ``ALL`` (the default) or ``CUSTOMER_WALLET`` (templated)
    :param filters: conditions on ``category_id``, ``campaign_id``, ``campaign_type``, ``resource_id``,
        ``resource_type``, ``voucher_type``, ``code`` and ``holder_role`` (templated)
    :param expand: further content: ``redeemable``, ``category``, ``validation_rules`` (templated)
    :param sorting_rule: ``DEFAULT`` (the newest first), ``BEST_DEAL`` or ``LEAST_DEAL`` (templated)
    :param tracking_id: the customer's source id (templated)
    :param metadata: the redemption's metadata, for rules that need it (templated)
    :param session: ``{"type": "LOCK"}`` returns the locked credits of gift cards (templated)
    :param match: many customers, as ids or as a column of a dataset: ``{"customer_id": …}`` or
        ``{"customer_source_id": …}``. Each is one call or more, and each record gets the id (templated)
    :param page_size: redeemables per page, at most 50 (templated)
    :param voucherify_conn_id: id of the Airflow connection (templated)
    """

    fixed_arguments: ClassVar[frozenset[str]] = _OF_LISTS
    template_fields: Sequence[str] = (
        *(name for name in ExtractOperator.template_fields if name not in _OF_LISTS),
        "customer",
        "order",
        "scenario",
        "filters",
        "expand",
        "sorting_rule",
        "tracking_id",
        "metadata",
        "session",
        "voucherify_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **ExtractOperator.template_fields_renderers,
        **dict.fromkeys(("customer", "order", "filters", "expand", "metadata", "session"), "json"),
    }
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **ExtractOperator.argument_checks,
        **dict.fromkeys(("order", "metadata", "session"), check_mapping),
        **dict.fromkeys(("scenario", "sorting_rule", "tracking_id"), check_name),
        "filters": check_filters,
        "expand": check_keys,
    }
    operator_extra_links = (VoucherifyLink(), DatasetLink())
    ui_color = "#fdf0e6"
    filters = FilterArgument()

    def __init__(
        self,
        *,
        customer: Mapping[str, Any] | str | None = None,
        order: Mapping[str, Any] | str | None = None,
        scenario: str | None = None,
        filters: Filter | Mapping[str, Any] | str | None = None,
        expand: Sequence[str] | str | None = None,
        sorting_rule: str | None = None,
        tracking_id: str | None = None,
        metadata: Mapping[str, Any] | str | None = None,
        session: Mapping[str, Any] | str | None = None,
        voucherify_conn_id: str = VoucherifyHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(resource="qualifications", **without_fixed(self, kwargs))
        self.customer = customer
        self.order = order
        self.scenario = scenario
        self.filters = filters
        self.expand = expand
        self.sorting_rule = sorting_rule
        self.tracking_id = tracking_id
        self.metadata = metadata
        self.session = session
        self.voucherify_conn_id = voucherify_conn_id

    @classmethod
    def available_resources(cls) -> Mapping[str, Any]:
        """Return the only list: qualifications."""
        from airflow_provider_partners.api.voucherify.qualifications import QUALIFICATIONS

        return {QUALIFICATIONS.name: QUALIFICATIONS}

    def hook(self) -> VoucherifyHook:
        """Return the project's hook."""
        return VoucherifyHook(self.voucherify_conn_id)

    def query_filters(self) -> dict[str, Any]:
        """Return the customer, the order and the options, without those not given."""
        arguments = {
            "customer": parse_structure(self.customer) if isinstance(self.customer, str) else self.customer,
            "order": self.order,
            "scenario": self.scenario,
            "filters": filters_as_json(self.filters),
            "expand": list(check_names("expand", self.expand)) if self.expand else None,
            "sorting_rule": self.sorting_rule,
            "tracking_id": self.tracking_id,
            "metadata": self.metadata,
            "session": self.session,
        }
        return {name: value if is_given(value) else None for name, value in arguments.items()}

    def extraction(self, client: Any, query_arguments: Mapping[str, Any]) -> Extraction:
        """Return the extraction of the redeemables."""
        extraction: Extraction = client.qualifications(**query_arguments)
        return extraction


class VoucherifyRequestOperator(RequestOperator):
    """Sends any other call to Voucherify; see :class:`~airflow_provider_partners.operators.request.RequestOperator`.

    .. seealso:: :ref:`howto/operator:VoucherifyRequestOperator`

    :param voucherify_conn_id: id of the Airflow connection (templated)
    """

    template_fields: Sequence[str] = (*RequestOperator.template_fields, "voucherify_conn_id")
    operator_extra_links = (VoucherifyLink(), DatasetLink())
    ui_color = "#fdf0e6"

    def __init__(self, *, voucherify_conn_id: str = VoucherifyHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.voucherify_conn_id = voucherify_conn_id

    def hook(self) -> VoucherifyHook:
        """Return the project's hook."""
        return VoucherifyHook(self.voucherify_conn_id)
