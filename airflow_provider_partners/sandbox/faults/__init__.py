"""Faults: rules say which requests fail and how, by a named kind or by single fields.

``rules`` are the rules, ``kinds`` the named ones, ``injection`` applies them before any partner sees the request,
``answers`` changes what a partner has answered, ``wire`` breaks connections, and ``door`` keeps new ones out.
``operations`` names the calls.
"""

from __future__ import annotations

from airflow_provider_partners.sandbox.faults.injection import CONTROL_PREFIX, FaultInjection
from airflow_provider_partners.sandbox.faults.kinds import KINDS, FaultKind
from airflow_provider_partners.sandbox.faults.operations import operation
from airflow_provider_partners.sandbox.faults.rules import FaultRule, FaultRules

__all__ = ["CONTROL_PREFIX", "KINDS", "FaultInjection", "FaultKind", "FaultRule", "FaultRules", "operation"]
