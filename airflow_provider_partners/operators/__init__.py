"""Operators: one module per partner, and the base classes they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.operators.base import PartnerOperator as PartnerOperator
    from airflow_provider_partners.operators.extract import ExtractOperator as ExtractOperator
    from airflow_provider_partners.operators.extract_job import JobExtractOperator as JobExtractOperator
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

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "base": ["PartnerOperator"],
        "extract": ["ExtractOperator"],
        "extract_job": ["JobExtractOperator"],
        "files": ["FilesToDatasetOperator"],
        "shopify_admin": ["ShopifyAdminExtractOperator", "ShopifyAdminQueryOperator"],
        "shopify_partner": [
            "ShopifyPartnerActiveShopsOperator",
            "ShopifyPartnerExtractOperator",
            "ShopifyPartnerQueryOperator",
        ],
        "sql": ["DatasetToSqlOperator", "SqlToDatasetOperator"],
        "voucherify": [
            "VoucherifyExtractOperator",
            "VoucherifyQualificationsOperator",
            "VoucherifyRequestOperator",
        ],
        "yofi": ["YofiExtractOperator", "YofiGetCustomerOperator"],
        "yotpo": [
            "YotpoBuildOrdersOperator",
            "YotpoExtractOperator",
            "YotpoReconcileOrdersOperator",
            "YotpoReplayRejectsOperator",
            "YotpoUpsertCustomersOperator",
            "YotpoUpsertFulfillmentsOperator",
            "YotpoUpsertOrdersOperator",
            "YotpoUpsertProductsOperator",
        ],
    },
)
