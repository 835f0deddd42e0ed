"""What the orders of one lane are built with: the Dag's arguments, and what the shop's route says besides.

Everything that can be wrong is wrong here, before the run reads or writes anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.arguments import check_folder
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.pipelines.routing.routes import Route

__all__ = ["resolve_build"]

PROPERTIES = ("order_properties", "line_properties", "product_properties")
"""The options of the mapping that are arguments as well."""


def resolve_build(route: Route, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lane's arguments of the build operator, and the fields that its orders are extracted with.

    :param route: of the shop. A key of its options goes before the same key of the Dag's, and so does each custom
        property; an import path replaces the Dag's policy
    :param defaults: the Dag's arguments
    :raises ConfigurationError: when options are wrong, or a function can't be loaded
    """
    from airflow_provider_partners.sync.coupons import CouponPolicy
    from airflow_provider_partners.sync.options import MappingOptions
    from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy
    from airflow_provider_partners.sync.transform import parse_transform

    own = route.model_dump()
    with _named(route):
        resolved = {
            "options": _merge_options(defaults, own) or None,
            **{name: _merge(name, defaults.get(name), own[name]) for name in ("policy", "coupon_policy")},
            **{name: defaults.get(name) if own[name] is None else own[name] for name in ("transform", "predictions")},
        }
        options = MappingOptions.parse(resolved["options"])
        policy = SuppressionPolicy.parse(resolved["policy"])
        CouponPolicy.parse(resolved["coupon_policy"])
        policy.load_functions()
        parse_transform(resolved["transform"])
        check_folder("predictions", own["predictions"])
        fields = list(dict.fromkeys([*options.required_fields, *policy.required_fields]))
        if not route.personal_data:
            _check_personal(policy.required_fields)
    # The custom properties are in the options now.
    return {**resolved, **dict.fromkeys(PROPERTIES), "fields": fields}


def _merge(name: str, default: Any, own: Any) -> Any:
    """Return the Dag's options with the keys of the route's. An import path has no keys, so it stays as it is."""
    from airflow_provider_partners.sync.user_code import is_import_path

    if own is None or own == "":
        return default
    if default is None or is_import_path(own) or is_import_path(default):
        return own
    return {**_parsed(name, default), **_parsed(name, own)}


def _merge_options(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the mapping with the custom properties in them, each property by itself."""
    merged: dict[str, Any] = {}
    for given in (defaults, own):
        options = _parsed("options", given.get("options"))
        kept = {name: merged.get(name, {}) for name in PROPERTIES}
        merged |= options
        for name in PROPERTIES:
            properties = {
                **kept[name],
                **_parsed(f"options.{name}", options.get(name)),
                **_parsed(name, given.get(name)),
            }
            if properties:
                merged[name] = properties
    return merged


def _parsed(name: str, value: Any) -> dict[str, Any]:
    """Return options as a dict.

    :param name: the field of the route that has them, for the error
    :raises ConfigurationError: when they are something else
    """
    from airflow_provider_partners.sync.options import parse_json_text

    parsed = parse_json_text(value, f"'{name}'")
    if parsed is None:
        return {}
    if not isinstance(parsed, Mapping):
        message = f"Wrong '{name}': a {type(parsed).__name__}"
        raise ConfigurationError(message, remedy="Write an object such as {…}.")
    return dict(parsed)


def _check_personal(required: list[str]) -> None:
    from airflow_provider_partners.api.shopify_admin.documents import PERSONAL_FIELDS

    personal = [name for name in required if name.partition(".")[0] in PERSONAL_FIELDS]
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
