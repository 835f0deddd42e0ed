"""Answers qualifications: what a customer and an order can redeem, newest first, by pages of up to fifty.

Source: ``POST /v1/qualifications`` in https://github.com/voucherifyio/voucherify-openapi. Validation rules are not
evaluated. A scenario decides which kinds of objects are considered, and whether products or the customer matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_partners.sandbox.store import Document, Sandbox
from airflow_provider_partners.sandbox.voucherify.errors import INVALID_PAYLOAD, invalid, not_one_of
from airflow_provider_partners.sandbox.voucherify.filters import FilterReader, active
from airflow_provider_partners.sandbox.voucherify.query import parse_timestamp
from airflow_provider_partners.sandbox.voucherify.records import Records, timestamp

_KINDS = {"vouchers": "voucher", "promotion_tiers": "promotion_tier", "campaigns": "campaign"}
_STACKS = {"promotion_stacks": "promotion_stack"}


@dataclass(frozen=True, kw_only=True)
class _Scenario:
    """What a scenario considers.

    :param kinds: kinds of records to their objects' names
    :param wallet: only vouchers of the customer
    :param products: only what has an effect on items
    """

    kinds: Mapping[str, str]
    wallet: bool = False
    products: bool = False


_SCENARIOS: Mapping[str, _Scenario] = {
    "ALL": _Scenario(kinds=_KINDS),
    "CUSTOMER_WALLET": _Scenario(kinds={"vouchers": "voucher"}, wallet=True),
    "AUDIENCE_ONLY": _Scenario(kinds=_KINDS),
    "PRODUCTS": _Scenario(kinds=_KINDS, products=True),
    "PRODUCTS_DISCOUNT": _Scenario(kinds=_KINDS, products=True),
    "PROMOTION_STACKS": _Scenario(kinds=_STACKS),
    "PRODUCTS_BY_CUSTOMER": _Scenario(kinds=_KINDS, products=True),
    "PRODUCTS_DISCOUNT_BY_CUSTOMER": _Scenario(kinds=_KINDS, products=True),
}
_BODY: dict[str, type] = {
    "customer": dict,
    "order": dict,
    "tracking_id": str,
    "scenario": str,
    "options": dict,
    "session": dict,
    "metadata": dict,
}
_ORDER: dict[str, type] = {
    "amount": int,
    "initial_amount": int,
    "discount_amount": int,
    "items": list,
    "metadata": dict,
}
"""The types of an order's properties, in the schema ``Order``."""

_WORDS = {dict: "object", str: "string", int: "integer", list: "array"}
_EXPANSIONS = ("redeemable", "category", "validation_rules")
_SORTING_RULES = ("DEFAULT", "BEST_DEAL", "LEAST_DEAL")
_OPTIONS = frozenset({"limit", "starting_after", "filters", "expand", "sorting_rule"})
_DEFAULT_LIMIT, _LIMIT_MAX = 5, 50
_EMPTY_LIST: Document = {"object": "list", "data_ref": "data", "data": [], "total": 0}
_STACKING_RULES: Document = {
    "redeemables_limit": 30,
    "applicable_redeemables_limit": 5,
    "applicable_exclusive_redeemables_limit": 1,
    "exclusive_categories": [],
    "joint_categories": [],
    "redeemables_application_mode": "PARTIAL",
    "redeemables_sorting_rule": "REQUESTED_ORDER",
}
_VALUES = {
    "campaign_type": ("PROMOTION", "GIFT_VOUCHERS", "REFERRAL_PROGRAM", "DISCOUNT_COUPONS", "LOYALTY_PROGRAM"),
    "resource_type": ("campaign", "voucher", "promotion_tier"),
    "holder_role": ("OWNER", "REFERRER", "REFEREE"),
}
"""Filters with an enumeration."""


class Qualifications:
    """Answers qualifications."""

    def __init__(self, *, sandbox: Sandbox, records: Records) -> None:
        self._sandbox = sandbox
        self._records = records

    def answer(self, body: Any) -> Document:
        """Return the response to one request.

        :raises ApiError: 400 for a body that the schema refuses
        """
        _check(body)
        options = body.get("options") or {}
        now = self._sandbox.clock()
        reader = FilterReader(kind="qualifications", now=now, key=INVALID_PAYLOAD)
        matches = reader.predicate(_checked_filters(options.get("filters") or {}))
        limit, order = options.get("limit") or _DEFAULT_LIMIT, body.get("order")
        candidates = [each for each in self._candidates(body, now) if matches(each["fields"])]
        candidates.sort(key=lambda each: (timestamp(each["record"]["created_at"]) or 0.0, each["id"]), reverse=True)
        candidates = self._after(candidates, options.get("starting_after"))
        page = candidates[:limit]
        redeemables = [_redeemable(each, order, options.get("expand") or []) for each in page]
        if (rule := options.get("sorting_rule") or "DEFAULT") != "DEFAULT":
            redeemables.sort(key=_applied_discount, reverse=rule == "BEST_DEAL")
        envelope: Document = {"object": "list", "data_ref": "data", "data": redeemables, "total": len(redeemables)}
        envelope["has_more"] = len(candidates) > limit
        if envelope["has_more"] and self._sandbox.switches["voucherify.optional_members"]:
            envelope["more_starting_after"] = page[-1]["record"]["created_at"]
        answer: Document = {"redeemables": envelope, "stacking_rules": _STACKING_RULES}
        if order is not None:
            answer["order"] = {"object": "order", "customer_id": None, "referrer_id": None, "items": [], **order}
        return answer

    def _after(self, candidates: list[Document], starting_after: str | None) -> list[Document]:
        if starting_after is None:
            return candidates
        limit = _time("options.starting_after", starting_after).timestamp()
        inclusive = self._sandbox.switches["voucherify.starting_after"] == "inclusive"

        def follows(candidate: Document) -> bool:
            at = timestamp(candidate["record"]["created_at"]) or 0.0
            return at <= limit if inclusive else at < limit

        return [each for each in candidates if follows(each)]

    def _candidates(self, body: Document, now: datetime) -> Iterator[Document]:
        scenario = _SCENARIOS[body.get("scenario") or "ALL"]
        customer_id = self._customer_id(body)
        campaigns = {record["id"]: record for record in self._records.list_records("campaigns")}
        for kind, object_ in scenario.kinds.items():
            for record in self._records.list_records(kind):
                holder = record.get("holder_id")
                hidden = holder != customer_id if scenario.wallet else holder is not None and holder != customer_id
                if hidden if kind == "vouchers" else scenario.wallet:
                    continue
                if not active({"active": True, **record}, now) or (scenario.products and not _affects_items(record)):
                    continue
                campaign = record if object_ == "campaign" else campaigns.get(str(record.get("campaign_id")), {})
                yield {
                    "id": record["code"] if object_ == "voucher" else record["id"],
                    "object": object_,
                    "record": record,
                    "campaign": campaign,
                    "fields": {
                        "category_id": record.get("category_id"),
                        "campaign_id": campaign.get("id"),
                        "campaign_type": campaign.get("campaign_type"),
                        "resource_id": record["id"],
                        "resource_type": object_,
                        "voucher_type": record.get("type") if object_ == "voucher" else None,
                        "code": record.get("code"),
                        "holder_role": "OWNER" if holder else None,
                    },
                }

    def _customer_id(self, body: Document) -> str | None:
        customer = body.get("customer") or {}
        identifier = customer.get("id") or customer.get("source_id") or body.get("tracking_id")
        found = self._records.find("customers", "", str(identifier), ("source_id",)) if identifier else None
        return found["id"] if found else None


def _affects_items(record: Document) -> bool:
    discount = record.get("discount") or (record.get("action") or {}).get("discount") or {}
    return "ITEM" in str(discount.get("effect"))


def _redeemable(candidate: Document, order: Any, expand: list[str]) -> Document:
    record, campaign = candidate["record"], candidate["campaign"]
    discount = record.get("discount") or (record.get("action") or {}).get("discount")
    redeemable: Document = {
        "id": candidate["id"],
        "object": candidate["object"],
        "created_at": record["created_at"],
        "result": {"discount": discount} if discount else {},
        "applicable_to": _EMPTY_LIST,
        "inapplicable_to": _EMPTY_LIST,
    }
    if order is not None:
        redeemable["order"] = _order_with_discount(order, discount)
    if "redeemable" in expand:
        redeemable["metadata"] = record.get("metadata") or {}
        redeemable["name"] = record.get("name")
        if candidate["object"] != "campaign":
            redeemable |= {"campaign_id": campaign.get("id"), "campaign_name": campaign.get("name")}
    if "category" in expand:
        redeemable["categories"] = record.get("categories") or []
    if "validation_rules" in expand:
        redeemable["validation_rules_assignments"] = record.get("validation_rules_assignments") or _EMPTY_LIST
    return redeemable


def _order_with_discount(order: Document, discount: Document | None) -> Document:
    amount = order.get("amount") or 0
    details = discount or {}
    off = details.get("amount_off") or int(amount * (details.get("percent_off") or 0) / 100)
    off = min(off, amount)
    totals = {"total_discount_amount": off, "total_applied_discount_amount": off, "total_amount": amount - off}
    return {"object": "order", "amount": amount, "items": order.get("items") or [], **totals}


def _applied_discount(redeemable: Document) -> int:
    return int((redeemable.get("order") or {}).get("total_applied_discount_amount") or 0)


def _check(body: Any) -> None:
    if not isinstance(body, dict):
        raise invalid(INVALID_PAYLOAD, "Payload should be object")
    for name, value in body.items():
        kind = _BODY.get(name)
        if kind is None:
            raise invalid(INVALID_PAYLOAD, f"Payload should NOT have additional property '{name}'")
        if value is not None and not isinstance(value, kind):
            raise invalid(INVALID_PAYLOAD, f"Property .{name} should be {_WORDS[kind]}")
    order = body.get("order") or {}
    for name, kind in _ORDER.items():
        value = order.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
            raise invalid(INVALID_PAYLOAD, f"Property .order.{name} should be {_WORDS[kind]}")
    if body.get("scenario") not in {None, *_SCENARIOS}:
        raise not_one_of(INVALID_PAYLOAD, "scenario", tuple(_SCENARIOS))
    _check_options(body.get("options") or {})


def _check_options(options: Document) -> None:
    if unknown := set(options) - _OPTIONS:
        raise invalid(INVALID_PAYLOAD, f"Property .options should NOT have additional property '{min(unknown)}'")
    limit = options.get("limit")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= _LIMIT_MAX):
        raise invalid(INVALID_PAYLOAD, f"Property .options.limit must be <= {_LIMIT_MAX}")
    if options.get("sorting_rule") not in {None, *_SORTING_RULES}:
        raise not_one_of(INVALID_PAYLOAD, "options.sorting_rule", _SORTING_RULES)
    if not set(options.get("expand") or []) <= set(_EXPANSIONS):
        raise not_one_of(INVALID_PAYLOAD, "options.expand", _EXPANSIONS)


def _checked_filters(filters: Any) -> Any:
    for name, allowed in _VALUES.items() if isinstance(filters, dict) else ():
        inner = filters.get(name)
        conditions = inner.get("conditions") if isinstance(inner, dict) else None
        for values in (conditions or {}).values():
            if not set(values if isinstance(values, list) else [values]) <= set(allowed):
                raise not_one_of(INVALID_PAYLOAD, f"options.filters.{name}", allowed)
    return filters


def _time(name: str, value: Any) -> datetime:
    try:
        return parse_timestamp(value)
    except (TypeError, ValueError):
        details = f"Property .{name} cannot be recognized as a ISO-8601 compliant date"
        raise invalid(INVALID_PAYLOAD, details) from None
