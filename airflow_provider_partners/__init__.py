"""Apache Airflow provider for Yofi, Shopify Partner and Admin, Voucherify and Yotpo.

Everything a Dag author imports is here, and loads on first use::

    from airflow_provider_partners import MappingOptions, ShopifyAdminExtractOperator, YotpoBuildOrdersOperator

``@task`` functions find what they need in :mod:`airflow_provider_partners.taskflow`, whole Dags are made by
:mod:`airflow_provider_partners.pipelines`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

__version__ = "0.1.0"

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient as ShopifyAdminClient
    from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient as ShopifyPartnerClient
    from airflow_provider_partners.api.voucherify.client import VoucherifyClient as VoucherifyClient
    from airflow_provider_partners.api.yofi.client import YofiClient as YofiClient
    from airflow_provider_partners.api.yotpo.client import YotpoClient as YotpoClient
    from airflow_provider_partners.datasets.list_writer import write_dataset as write_dataset
    from airflow_provider_partners.datasets.reader import read_column as read_column
    from airflow_provider_partners.datasets.reader import read_dataset as read_dataset
    from airflow_provider_partners.datasets.reference import DatasetRef as DatasetRef
    from airflow_provider_partners.datasets.schema import Column as Column
    from airflow_provider_partners.datasets.schema import dataset_columns as dataset_columns
    from airflow_provider_partners.datasets.writer import DatasetWriter as DatasetWriter
    from airflow_provider_partners.exceptions import AuthenticationError as AuthenticationError
    from airflow_provider_partners.exceptions import ConfigurationError as ConfigurationError
    from airflow_provider_partners.exceptions import ConflictError as ConflictError
    from airflow_provider_partners.exceptions import DatasetError as DatasetError
    from airflow_provider_partners.exceptions import ExpiredError as ExpiredError
    from airflow_provider_partners.exceptions import FatalError as FatalError
    from airflow_provider_partners.exceptions import JobFailedError as JobFailedError
    from airflow_provider_partners.exceptions import NotDefinedError as NotDefinedError
    from airflow_provider_partners.exceptions import NotFoundError as NotFoundError
    from airflow_provider_partners.exceptions import PagingError as PagingError
    from airflow_provider_partners.exceptions import PartnersError as PartnersError
    from airflow_provider_partners.exceptions import RejectedError as RejectedError
    from airflow_provider_partners.exceptions import RejectThresholdError as RejectThresholdError
    from airflow_provider_partners.exceptions import RetryableError as RetryableError
    from airflow_provider_partners.exceptions import StorageError as StorageError
    from airflow_provider_partners.exceptions import ThrottledError as ThrottledError
    from airflow_provider_partners.exceptions import TimedOutError as TimedOutError
    from airflow_provider_partners.exceptions import TransientError as TransientError
    from airflow_provider_partners.exceptions import UnexpectedResponseError as UnexpectedResponseError
    from airflow_provider_partners.exceptions import UnknownOutcomeError as UnknownOutcomeError
    from airflow_provider_partners.hooks.shopify_admin import ShopifyAdminHook as ShopifyAdminHook
    from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook as ShopifyPartnerHook
    from airflow_provider_partners.hooks.voucherify import VoucherifyHook as VoucherifyHook
    from airflow_provider_partners.hooks.yofi import YofiHook as YofiHook
    from airflow_provider_partners.hooks.yotpo import YotpoHook as YotpoHook
    from airflow_provider_partners.notifications.webhook import PartnerWebhookNotifier as PartnerWebhookNotifier
    from airflow_provider_partners.operators.files import FilesToDatasetOperator as FilesToDatasetOperator
    from airflow_provider_partners.operators.shopify_admin import (
        ShopifyAdminExtractOperator as ShopifyAdminExtractOperator,
    )
    from airflow_provider_partners.operators.shopify_admin import (
        ShopifyAdminQueryOperator as ShopifyAdminQueryOperator,
    )
    from airflow_provider_partners.operators.shopify_partner import (
        ShopifyPartnerActiveShopsOperator as ShopifyPartnerActiveShopsOperator,
    )
    from airflow_provider_partners.operators.shopify_partner import (
        ShopifyPartnerExtractOperator as ShopifyPartnerExtractOperator,
    )
    from airflow_provider_partners.operators.shopify_partner import (
        ShopifyPartnerQueryOperator as ShopifyPartnerQueryOperator,
    )
    from airflow_provider_partners.operators.sql import DatasetToSqlOperator as DatasetToSqlOperator
    from airflow_provider_partners.operators.sql import SqlToDatasetOperator as SqlToDatasetOperator
    from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator as VoucherifyExtractOperator
    from airflow_provider_partners.operators.voucherify import (
        VoucherifyQualificationsOperator as VoucherifyQualificationsOperator,
    )
    from airflow_provider_partners.operators.voucherify import VoucherifyRequestOperator as VoucherifyRequestOperator
    from airflow_provider_partners.operators.yofi import YofiExtractOperator as YofiExtractOperator
    from airflow_provider_partners.operators.yofi import YofiGetCustomerOperator as YofiGetCustomerOperator
    from airflow_provider_partners.operators.yotpo import YotpoBuildOrdersOperator as YotpoBuildOrdersOperator
    from airflow_provider_partners.operators.yotpo import YotpoExtractOperator as YotpoExtractOperator
    from airflow_provider_partners.operators.yotpo import YotpoReconcileOrdersOperator as YotpoReconcileOrdersOperator
    from airflow_provider_partners.operators.yotpo import YotpoReplayRejectsOperator as YotpoReplayRejectsOperator
    from airflow_provider_partners.operators.yotpo import YotpoUpsertCustomersOperator as YotpoUpsertCustomersOperator
    from airflow_provider_partners.operators.yotpo import (
        YotpoUpsertFulfillmentsOperator as YotpoUpsertFulfillmentsOperator,
    )
    from airflow_provider_partners.operators.yotpo import YotpoUpsertOrdersOperator as YotpoUpsertOrdersOperator
    from airflow_provider_partners.operators.yotpo import YotpoUpsertProductsOperator as YotpoUpsertProductsOperator
    from airflow_provider_partners.sensors.freshness import DatasetFreshnessSensor as DatasetFreshnessSensor
    from airflow_provider_partners.sensors.shopify_partner import ShopifyPartnerEventSensor as ShopifyPartnerEventSensor
    from airflow_provider_partners.sensors.voucherify import VoucherifyExportSensor as VoucherifyExportSensor
    from airflow_provider_partners.sensors.voucherify import VoucherifyRecordsSensor as VoucherifyRecordsSensor
    from airflow_provider_partners.sensors.yofi import YofiRecordsSensor as YofiRecordsSensor
    from airflow_provider_partners.sensors.yotpo import YotpoOrderSensor as YotpoOrderSensor
    from airflow_provider_partners.sync.build import build_orders as build_orders
    from airflow_provider_partners.sync.context import OrderContext as OrderContext
    from airflow_provider_partners.sync.coupons import CouponPolicy as CouponPolicy
    from airflow_provider_partners.sync.grouping import group_records as group_records
    from airflow_provider_partners.sync.mapping.order import map_order as map_order
    from airflow_provider_partners.sync.options import MappingOptions as MappingOptions
    from airflow_provider_partners.sync.property_sources import required_fields as required_fields
    from airflow_provider_partners.sync.suppression.policy import Suppression as Suppression
    from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy as SuppressionPolicy
    from airflow_provider_partners.sync.suppression.rules import SuppressionRule as SuppressionRule
    from airflow_provider_partners.sync.transform import LeaveOut as LeaveOut
    from airflow_provider_partners.sync.upsert.customers import upsert_customers as upsert_customers
    from airflow_provider_partners.sync.upsert.fulfillments import upsert_fulfillments as upsert_fulfillments
    from airflow_provider_partners.sync.upsert.orders import upsert_orders as upsert_orders
    from airflow_provider_partners.sync.upsert.products import upsert_products as upsert_products
    from airflow_provider_partners.tables.recipes import load_statements as load_statements
    from airflow_provider_partners.triggers.condition import ConditionTrigger as ConditionTrigger
    from airflow_provider_partners.triggers.job import JobTrigger as JobTrigger
    from airflow_provider_partners.triggers.shopify_partner import (
        ShopifyPartnerNewInstallsTrigger as ShopifyPartnerNewInstallsTrigger,
    )
    from airflow_provider_partners.triggers.voucherify import (
        VoucherifyNewRedemptionsTrigger as VoucherifyNewRedemptionsTrigger,
    )
    from airflow_provider_partners.triggers.yofi import YofiNewClaimsTrigger as YofiNewClaimsTrigger
    from airflow_provider_partners.triggers.yofi import YofiNewReturnsTrigger as YofiNewReturnsTrigger
    from airflow_provider_partners.windows import Window as Window

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "api.shopify_admin.client": ["ShopifyAdminClient"],
        "api.shopify_partner.client": ["ShopifyPartnerClient"],
        "api.voucherify.client": ["VoucherifyClient"],
        "api.yofi.client": ["YofiClient"],
        "api.yotpo.client": ["YotpoClient"],
        "datasets.reader": ["read_column", "read_dataset"],
        "datasets.reference": ["DatasetRef"],
        "datasets.schema": ["Column", "dataset_columns"],
        "datasets.list_writer": ["write_dataset"],
        "datasets.writer": ["DatasetWriter"],
        "exceptions": [
            "AuthenticationError",
            "ConfigurationError",
            "ConflictError",
            "DatasetError",
            "ExpiredError",
            "FatalError",
            "JobFailedError",
            "NotDefinedError",
            "NotFoundError",
            "PagingError",
            "PartnersError",
            "RejectThresholdError",
            "RejectedError",
            "RetryableError",
            "StorageError",
            "ThrottledError",
            "TimedOutError",
            "TransientError",
            "UnexpectedResponseError",
            "UnknownOutcomeError",
        ],
        "hooks.shopify_admin": ["ShopifyAdminHook"],
        "hooks.shopify_partner": ["ShopifyPartnerHook"],
        "hooks.voucherify": ["VoucherifyHook"],
        "hooks.yofi": ["YofiHook"],
        "hooks.yotpo": ["YotpoHook"],
        "operators.files": ["FilesToDatasetOperator"],
        "operators.shopify_admin": ["ShopifyAdminExtractOperator", "ShopifyAdminQueryOperator"],
        "operators.shopify_partner": [
            "ShopifyPartnerActiveShopsOperator",
            "ShopifyPartnerExtractOperator",
            "ShopifyPartnerQueryOperator",
        ],
        "operators.sql": ["DatasetToSqlOperator", "SqlToDatasetOperator"],
        "operators.voucherify": [
            "VoucherifyExtractOperator",
            "VoucherifyQualificationsOperator",
            "VoucherifyRequestOperator",
        ],
        "operators.yofi": ["YofiExtractOperator", "YofiGetCustomerOperator"],
        "operators.yotpo": [
            "YotpoBuildOrdersOperator",
            "YotpoExtractOperator",
            "YotpoReconcileOrdersOperator",
            "YotpoReplayRejectsOperator",
            "YotpoUpsertCustomersOperator",
            "YotpoUpsertFulfillmentsOperator",
            "YotpoUpsertOrdersOperator",
            "YotpoUpsertProductsOperator",
        ],
        "sensors.freshness": ["DatasetFreshnessSensor"],
        "sensors.shopify_partner": ["ShopifyPartnerEventSensor"],
        "sensors.voucherify": ["VoucherifyExportSensor", "VoucherifyRecordsSensor"],
        "sensors.yofi": ["YofiRecordsSensor"],
        "sensors.yotpo": ["YotpoOrderSensor"],
        "sync.build": ["build_orders"],
        "sync.context": ["OrderContext"],
        "sync.coupons": ["CouponPolicy"],
        "sync.grouping": ["group_records"],
        "sync.mapping.order": ["map_order"],
        "sync.options": ["MappingOptions"],
        "sync.property_sources": ["required_fields"],
        "sync.suppression.policy": ["Suppression", "SuppressionPolicy"],
        "sync.suppression.rules": ["SuppressionRule"],
        "sync.transform": ["LeaveOut"],
        "sync.upsert.customers": ["upsert_customers"],
        "sync.upsert.fulfillments": ["upsert_fulfillments"],
        "sync.upsert.orders": ["upsert_orders"],
        "sync.upsert.products": ["upsert_products"],
        "tables.recipes": ["load_statements"],
        "notifications.webhook": ["PartnerWebhookNotifier"],
        "triggers.condition": ["ConditionTrigger"],
        "triggers.job": ["JobTrigger"],
        "triggers.shopify_partner": ["ShopifyPartnerNewInstallsTrigger"],
        "triggers.voucherify": ["VoucherifyNewRedemptionsTrigger"],
        "triggers.yofi": ["YofiNewClaimsTrigger", "YofiNewReturnsTrigger"],
        "windows": ["Window"],
    },
    also=["__version__", "pipelines", "taskflow"],
)
