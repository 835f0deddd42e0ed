"""From Shopify orders and Yofi records to Yotpo orders: join, map, suppress, and write. Runs without Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.sync.build import BuiltOrder as BuiltOrder
    from airflow_provider_partners.sync.build import build_orders as build_orders
    from airflow_provider_partners.sync.context import OrderContext as OrderContext
    from airflow_provider_partners.sync.coupons import Coupon as Coupon
    from airflow_provider_partners.sync.coupons import CouponPolicy as CouponPolicy
    from airflow_provider_partners.sync.grouping import group_records as group_records
    from airflow_provider_partners.sync.join import join_orders as join_orders
    from airflow_provider_partners.sync.mapping.order import UnmappableOrder as UnmappableOrder
    from airflow_provider_partners.sync.old_orders import TOO_OLD as TOO_OLD
    from airflow_provider_partners.sync.options import MappingOptions as MappingOptions
    from airflow_provider_partners.sync.outcomes import Outcome as Outcome
    from airflow_provider_partners.sync.outcomes import OutcomeSummary as OutcomeSummary
    from airflow_provider_partners.sync.outcomes import check_threshold as check_threshold
    from airflow_provider_partners.sync.outcomes import format_summary as format_summary
    from airflow_provider_partners.sync.property_sources import required_fields as required_fields
    from airflow_provider_partners.sync.reconcile import REPAIRABLE as REPAIRABLE
    from airflow_provider_partners.sync.reconcile import OrderDifference as OrderDifference
    from airflow_provider_partners.sync.reconcile import reconcile_orders as reconcile_orders
    from airflow_provider_partners.sync.staleness import product_version as product_version
    from airflow_provider_partners.sync.transform import LeaveOut as LeaveOut

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "build": ["BuiltOrder", "build_orders"],
        "context": ["OrderContext"],
        "coupons": ["Coupon", "CouponPolicy"],
        "grouping": ["group_records"],
        "join": ["join_orders"],
        "mapping.order": ["UnmappableOrder"],
        "old_orders": ["TOO_OLD"],
        "options": ["MappingOptions"],
        "outcomes": ["Outcome", "OutcomeSummary", "check_threshold", "format_summary"],
        "property_sources": ["required_fields"],
        "reconcile": ["REPAIRABLE", "OrderDifference", "reconcile_orders"],
        "staleness": ["product_version"],
        "transform": ["LeaveOut"],
    },
)
