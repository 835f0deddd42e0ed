"""Lists of customers, orders, the catalog, and a project's other objects.

From the OpenAPI description, version v2018-08-01 (https://github.com/voucherifyio/voucherify-openapi), and the page
https://docs.voucherify.io/api-reference/listing.
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
        max_page_number=99,
        records_path="customers",
        sort_fields=f"{TIME_SORT_FIELDS} source_id",
        time_field="created_at",
        times={**range_params(), **range_params(time_field="updated_at")},
        parameters="email city name segment_id",
        record_path="/v1/customers/{id}",
        exported_object="customer",
    ),
    resource(
        "customer_activity",
        "/v1/customers/{customer_id}/activity",
        "Events of one customer.",
        paging_style="starting_after_id",
        sort_fields="created_at",
        times=date_params(),
        parameters="campaign_id campaign_type category type",
        has_total=False,
    ),
    resource(
        "customer_activities",
        "/v1/customers/{customer_id}/activities",
        "Events of one customer, from the older endpoint.",
        paging_style="starting_after_id",
        # The API documents no has_more for it: a page that is not full is the last one.
        paginator=LastIdPaginator(size=PAGE_SIZE),
        sort_fields=CATALOG_SORT_FIELDS,
        times=date_params(),
        parameters="campaign_type campaign_id product_id",
        deprecated=True,
    ),
    resource(
        "customer_segments",
        "/v1/customers/{customer_id}/segments",
        "Segments of one customer.",
        paging_style="single_shot",
    ),
    resource(
        "customer_redeemables",
        "/v1/customers/{customer_id}/redeemables",
        "What one customer can redeem.",
        paging_style="starting_after_id",
        sort_fields="id",
        times=filter_params(),
        filters=REDEEMABLE_FILTERS,
    ),
    resource(
        "segments",
        "/v1/segments",
        "Segments of customers.",
        # The API documents no paging for it. It can be filter_params by creation, so it is read backwards by that time.
        paging_style="limit_only",
        paginator=TimestampPaginator(size=PAGE_SIZE, param="filters[created_at][conditions][$before]", descending=True),
        records_path="segments",
        sort_fields="created_at",
        sort="-created_at",
        times=filter_params(sort="created_at"),
        parameters="ids",
        filters="*",
        record_path="/v1/segments/{id}",
    ),
    resource(
        "orders",
        "/v1/orders",
        "Orders, as they arrived at Voucherify.",
        records_path="orders",
        sort_fields=TIME_SORT_FIELDS,
        record_path="/v1/orders/{id}",  # accepts the order's own id and the store's
        exported_object="order",
    ),
    resource(
        "products",
        "/v1/products",
        "Products.",
        records_path="products",
        sort_fields=CATALOG_SORT_FIELDS,
        times=date_params(),
        # The vendor's own client filters products by any field (https://github.com/voucherifyio/core-mcp).
        page_filters="* created_at:any updated_at:any",
        record_path="/v1/products/{id}",
    ),
    resource(
        "product_skus",
        "/v1/products/{product_id}/skus",
        "SKUs of one product.",
        records_path="skus",
        sort_fields=CATALOG_SORT_FIELDS,
        times=date_params(),
        page_filters="created_at:date updated_at:date",
        record_path="/v1/skus/{id}",
    ),
    resource(
        "product_collections",
        "/v1/product-collections",
        "Collections of products.",
        sort_fields=CATALOG_SORT_FIELDS,
        record_path="/v1/product-collections/{id}",
    ),
    resource(
        "product_collection_products",
        "/v1/product-collections/{product_collection_id}/products",
        "Products of one collection.",
        sort_fields=CATALOG_SORT_FIELDS,
        scroll_param="starting_after",
    ),
)
"""Customers, orders and the catalog."""

PROJECT_RESOURCES = (
    resource(
        "async_actions",
        "/v1/async-actions",
        "Work that Voucherify did in the background.",
        paging_style="date_window",
        paginator=TimestampPaginator(size=PAGE_SIZE, param="end_date", descending=True),
        records_path="async_actions",
        times={"created_at": TimeFilter(record_field="created_at", before="end_date")},
        record_path="/v1/async-actions/{id}",
        has_total=False,
    ),
    resource(
        "locations",
        "/v1/locations",
        "Locations.",
        # The API documents end_date as excluding the *earlier* records, so the list is read backwards by the filter.
        paging_style="date_window",
        sort_fields=TIME_SORT_FIELDS,
        sort="-created_at",
        times={**filter_params(sort="created_at"), **filter_params("updated_at", sort="updated_at")},
        filters="name:text created_at:date updated_at:date",
        record_path="/v1/locations/{id}",
    ),
    resource(
        "categories", "/v1/categories", "Categories.", paging_style="single_shot", record_path="/v1/categories/{id}"
    ),
    resource(
        "metadata_schemas",
        "/v1/metadata-schemas",
        "Schemas of metadata.",
        paging_style="single_shot",
        records_path="schemas",
    ),
    resource(
        "exports",
        "/v1/exports",
        "Exports.",
        records_path="exports",
        sort_fields="created_at status",
        record_path="/v1/exports/{id}",
    ),
    resource(
        "trash_bin",
        "/v1/trash-bin",
        "What was deleted and can be restored.",
        paging_style="starting_after_id",
        sort_fields="id",
        filters="id:text resource_type:choice resource_name:text resource_id:text",
    ),
)
"""A project's other objects."""

RESOURCES = (*CUSTOMER_AND_CATALOG_RESOURCES, *PROJECT_RESOURCES)
