"""What the orders of one lane are built with: the Dag's arguments, and what the shop's route says besides.

Everything that can be wrong is wrong here, before the run reads or writes anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.pipelines.routing import Route

__all__ = ["resolve_build"]

OPTIONS = ("options", "policy", "coupon_policy")

_PERSONAL_FIELDS = frozenset({"email", "phone", "customer", "billingAddress", "shippingAddress"})
"""The fields of an order that ``personal_data=False`` leaves out.

See https://shopify.dev/docs/apps/launch/protected-customer-data.
"""


def resolve_build(route: Route, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lane's arguments of the build operator, and the fields that its orders are extracted with.

    :param route: of the shop. A key of its options goes before the same key of the Dag's; an import path replaces them
    :param defaults: the Dag's arguments
    :raises ConfigurationError: when options are wrong, or a function can't be loaded
    """
    from airflow_provider_partners.sync.coupons import CouponPolicy
    from airflow_provider_partners.sync.options import MappingOptions
    from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy
    from airflow_provider_partners.sync.transform import parse_transform

    resolved = {name: _merge(defaults.get(name), getattr(route, name)) for name in OPTIONS}
    for name in ("transform", "predictions"):
        own = getattr(route, name)
        resolved[name] = defaults.get(name) if own is None else own
    with _named(route):
        options = MappingOptions.parse(resolved["options"])
        policy = SuppressionPolicy.parse(resolved["policy"])
        CouponPolicy.parse(resolved["coupon_policy"])
        policy.load_functions()
        parse_transform(resolved["transform"])
        fields = list(dict.fromkeys([*options.required_fields, *policy.required_fields]))
        if not route.personal_data:
            _check_personal(policy.required_fields)
    return {**resolved, "fields": fields}


def _merge(default: Any, own: Any) -> Any:
    """Return the Dag's options with the keys of the route's. Text that is no JSON object stays as it is."""
    from airflow_provider_partners.sync.user_code import is_import_path

    if own is None or own == "":
        return default
    if is_import_path(own) or is_import_path(default) or default is None:
        return own
    base, changes = _parsed(default), _parsed(own)
    return {**base, **changes} if isinstance(base, Mapping) and isinstance(changes, Mapping) else changes


def _parsed(value: Any) -> Any:
    from airflow_provider_partners.sync.options import parse_json_text

    return parse_json_text(value, "options") or {}


def _check_personal(required: list[str]) -> None:
    personal = [name for name in required if name.partition(".")[0] in _PERSONAL_FIELDS]
    if personal:
        message = f"A rule of the suppression policy needs '{personal[0]}', and personal data are not read"
        raise ConfigurationError(message, remedy="Leave the condition out, or allow personal_data for this shop.")


@contextmanager
def _named(route: Route) -> Iterator[None]:
    """Name the shop in an error, because another shop may have other options."""
    try:
        yield
    except ConfigurationError as error:
        message = f"{route.shop}: {error.message}"
        raise ConfigurationError(message, remedy=error.remedy) from error.__cause__
