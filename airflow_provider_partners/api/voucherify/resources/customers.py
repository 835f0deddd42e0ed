"""Voucherify's lists of customers, orders, the catalog, and what else a project holds, as a table.

From the published OpenAPI description (version v2018-08-01). Must not know how anything is sent.
"""

from __future__ import annotations

from airflow_provider_partners.api.pagination.strategies import LastIdPaginator, TimestampPaginator
from airflow_provider_partners.api.voucherify.resources.model import (
    PAGE_SIZE,
    TimeFilter,
    date_params,
    filter_params,
    range_params,
    resource,
)

TIME_SORT_FIELDS = "created_at updated_at"
CATALOG_SORT_FIELDS = "created_at updated_at type code campaign category"

REDEEMABLE_FILTERS = (
    "id:text created_at:date redeemable_id:text redeemable_object:choice holder_role:choice campaign_id:text "
    "campaign_type:choice voucher_type:choice"
)
CUSTOMER_AND_CATALOG_RESOURCES = (
    resource(
        "customers",
        "/v1/customers",
        "Customers, by time of creation or change.",
        cap=99,
        results="customers",
        orders=f"{TIME_SORT_FIELDS} source_id",
        time_field="created_at",
        times={**range_params(), **range_params(time_field="updated_at")},
        parameters="email city name segment_id",
        one="/v1/customers/{id}",
        exported_object="customer",
    ),
    resource(
        "customer_activity",
        "/v1/customers/{customer_id}/activity",
        "Events of one customer.",
        style="starting_after_id",
        orders="created_at",
        times=date_params(),
        parameters="campaign_id campaign_type category type",
        counted=False,
    ),
    resource(
        "customer_activities",
        "/v1/customers/{customer_id}/activities",
        "Events of one customer, as they were listed earlier.",
        style="starting_after_id",
        # Its description has no has_more: a page that is not full ends it, and the last row's id leads on.
        paging=LastIdPaginator(size=PAGE_SIZE),
        orders=CATALOG_SORT_FIELDS,
        times=date_params(),
        parameters="campaign_type campaign_id product_id",
        deprecated=True,
    ),
    resource(
        "customer_segments", "/v1/customers/{customer_id}/segments", "Segments of one customer.", style="single_shot"
    ),
    resource(
        "customer_redeemables",
        "/v1/customers/{customer_id}/redeemables",
        "What one customer can redeem.",
        style="starting_after_id",
        orders="id",
        times=filter_params(),
        filters=REDEEMABLE_FILTERS,
    ),
    resource(
        "segments",
        "/v1/segments",
        "Segments of customers.",
        # Its description offers no second page. Segments can be filtered by creation, though, so they are walked
        # back by it.
        style="limit_only",
        paging=TimestampPaginator(size=PAGE_SIZE, param="filters[created_at][conditions][$before]", descending=True),
        results="segments",
        orders="created_at",
        sort="-created_at",
        times=filter_params(sort="created_at"),
        parameters="ids",
        filters="*",
        one="/v1/segments/{id}",
    ),
    resource(
        "orders",
        "/v1/orders",
        "Orders, as they arrived at Voucherify; no filters at all.",
        results="orders",
        orders=TIME_SORT_FIELDS,
        one="/v1/orders/{id}",  # an order's own id, or the store's
        exported_object="order",
    ),
    resource(
        "products",
        "/v1/products",
        "Products.",
        results="products",
        orders=CATALOG_SORT_FIELDS,
        times=date_params(),
        filters="*",
        one="/v1/products/{id}",
    ),
    resource(
        "product_skus",
        "/v1/products/{product_id}/skus",
        "SKUs of one product.",
        results="skus",
        orders=CATALOG_SORT_FIELDS,
        times=date_params(),
        one="/v1/skus/{id}",
    ),
    resource(
        "product_collections",
        "/v1/product-collections",
        "Collections of products.",
        orders=CATALOG_SORT_FIELDS,
        one="/v1/product-collections/{id}",
    ),
    resource(
        "product_collection_products",
        "/v1/product-collections/{product_collection_id}/products",
        "Products of one collection.",
        orders=CATALOG_SORT_FIELDS,
        scroll="starting_after",
    ),
)
"""Who buys, and what."""

PROJECT_RESOURCES = (
    resource(
        "async_actions",
        "/v1/async-actions",
        "Work that Voucherify did in the background.",
        style="date_window",
        paging=TimestampPaginator(size=PAGE_SIZE, param="end_date", descending=True),
        results="async_actions",
        times={"created_at": TimeFilter(record_field="created_at", before="end_date")},
        one="/v1/async-actions/{id}",
        counted=False,
    ),
    resource(
        "locations",
        "/v1/locations",
        "Locations.",
        # end_date is described as what leaves the *earlier* ones out, so they are walked back by the filter.
        style="date_window",
        orders=TIME_SORT_FIELDS,
        sort="-created_at",
        times={**filter_params(sort="created_at"), **filter_params("updated_at", sort="updated_at")},
        filters="name:text created_at:date updated_at:date",
        one="/v1/locations/{id}",
    ),
    resource("categories", "/v1/categories", "Categories.", style="single_shot", one="/v1/categories/{id}"),
    resource(
        "metadata_schemas",
        "/v1/metadata-schemas",
        "Schemas of metadata.",
        style="single_shot",
        results="schemas",
    ),
    resource(
        "exports", "/v1/exports", "Exports.", results="exports", orders="created_at status", one="/v1/exports/{id}"
    ),
    resource(
        "trash_bin",
        "/v1/trash-bin",
        "What was deleted and can be restored.",
        style="starting_after_id",
        orders="id",
        filters="id:text resource_type:choice resource_name:text resource_id:text",
    ),
)
"""What a project holds besides."""

ROWS = (*CUSTOMER_AND_CATALOG_RESOURCES, *PROJECT_RESOURCES)
