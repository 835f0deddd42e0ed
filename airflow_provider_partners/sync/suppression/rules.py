"""A rule of one's own for suppression: conditions on the order and its customer, all of which must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import Record, get_path
from airflow_provider_partners.sync.context import OrderContext
from airflow_provider_partners.sync.user_code import (
    UserCodeError,
    call_user_code,
    check_signature,
    is_import_path,
    load_object,
)
from airflow_provider_partners.sync.values import text, to_decimal

__all__ = ["SuppressionRule"]

Pattern = Annotated[str, Field(min_length=1, max_length=255)]
CountryCode = Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")]

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "tags": ("tags",),
    "customer_tags": ("customer.tags",),
    "countries": ("shippingAddress.countryCodeV2", "billingAddress.countryCodeV2"),
    "email_domains": ("email",),
    "amount_over": ("totalPriceSet.shopMoney.amount",),
    "amount_under": ("totalPriceSet.shopMoney.amount",),
    "orders_at_least": ("customer.numberOfOrders",),
    "orders_at_most": ("customer.numberOfOrders",),
}
"""The fields of Shopify's order that each condition needs.

See https://shopify.dev/docs/api/admin-graphql/latest/objects/Order and
https://shopify.dev/docs/api/admin-graphql/latest/objects/Customer.
"""


class SuppressionRule(BaseModel):
    """A rule that suppresses the review request of an order if all its conditions hold.

    Example: ``{"name": "wholesale", "tags": ["wholesale"], "amount_over": 1000, "countries": ["DE", "AT"]}``

    In texts ``*`` is a wildcard, and upper and lower case are the same. A condition that an order has no value for,
    such as the number of orders of a guest, does not hold.

    :param name: names the rule in reasons and counts
    :param tags: the order has one of these tags
    :param customer_tags: the customer has one of these tags
    :param countries: the order goes to one of these countries (ISO 3166, two letters); without a shipping address the
        billing address counts
    :param email_domains: the domain of the customer's e-mail address is one of these
    :param amount_over: the order's total is above this, in the shop's currency
    :param amount_under: the order's total is below this, in the shop's currency
    :param orders_at_least: the customer has placed so many orders, or more
    :param orders_at_most: the customer has placed so many orders, or fewer
    :param when: a function by its import path, ``package.module:function``. It is called as ``when(order, context)``
        with Shopify's order and an :class:`~airflow_provider_partners.sync.context.OrderContext`, and returns True or
        False
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=100)]
    tags: tuple[Pattern, ...] = ()
    customer_tags: tuple[Pattern, ...] = ()
    countries: tuple[CountryCode, ...] = ()
    email_domains: tuple[Pattern, ...] = ()
    amount_over: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    amount_under: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    orders_at_least: Annotated[int, Field(ge=0)] | None = None
    orders_at_most: Annotated[int, Field(ge=0)] | None = None
    when: str | None = None

    @field_validator("when")
    @classmethod
    def _check_path(cls, path: str | None) -> str | None:
        if path is not None and not is_import_path(path):
            message = "is no import path such as package.module:function"
            raise ValueError(message)
        return path

    @model_validator(mode="after")
    def _check_conditions(self) -> Self:
        if not self.conditions and self.when is None:
            message = f"the rule '{self.name}' has no condition"
            raise ValueError(message)
        return self

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that the rule sets, except for its function."""
        return tuple(name for name in _FIELDS if getattr(self, name) not in (None, ()))

    @property
    def required_fields(self) -> list[str]:
        """Return the fields of Shopify's order that the conditions need. A function may need others besides."""
        return list(dict.fromkeys(field for name in self.conditions for field in _FIELDS[name]))

    def load(self) -> Callable[[Record, OrderContext], Any] | None:
        """Return the function of ``when``.

        :raises ConfigurationError: when there is no such function, or it takes other arguments
        """
        if self.when is None:
            return None
        argument = f"'when' of the rule '{self.name}'"
        function: Callable[[Record, OrderContext], Any] = load_object(self.when, argument)
        check_signature(function, argument, "when(order, context)", {}, OrderContext())
        return function

    def matches(self, order: Record, context: OrderContext) -> bool:
        """Return True if all conditions hold.

        :raises ConfigurationError: when the orders were extracted without a field that a condition needs
        :raises UserCodeError: when the function fails, or returns neither True nor False
        """
        if missing := [field for field in self.required_fields if _is_missing(order, field)]:
            message = f"The rule '{self.name}' needs {missing[0]!r}, and the orders were extracted without it"
            remedy = f"Extract them with fields={missing!r}; fields of the customer need personal_data, too."
            raise ConfigurationError(message, remedy=remedy)
        return all(_HOLDS[name](getattr(self, name), order) for name in self.conditions) and self._function_holds(
            order, context
        )

    def _function_holds(self, order: Record, context: OrderContext) -> bool:
        function = self.load()
        if function is None:
            return True
        label = f"'when' of the rule '{self.name}'"
        result = call_user_code(label, function, order, context)
        if not isinstance(result, bool):
            reason = f"{label} returned a {type(result).__name__}, and True or False is needed"
            raise UserCodeError(reason)
        return result


def _is_missing(order: Record, path: str) -> bool:
    """Return True if a field was not read. A null, also on the way to the field, is a value.

    :raises TypeError: when something on the way is no object: that is wrong with this order alone
    """
    value: Any = order
    for step in path.split("."):
        if value is None:
            return False
        if not isinstance(value, Mapping):
            message = f"{path} leads through a {type(value).__name__}"
            raise TypeError(message)
        if step not in value:
            return True
        value = value[step]
    return False


def _matches_any(values: Iterable[str], patterns: Iterable[str]) -> bool:
    lowered = [pattern.strip().lower() for pattern in patterns]
    return any(fnmatchcase(value.strip().lower(), pattern) for value in values for pattern in lowered)


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _country(order: Record) -> list[str]:
    address = order.get("shippingAddress") or order.get("billingAddress")
    country = text(get_path(address, "countryCodeV2"))
    return [country] if country else []


def _email_domain(order: Record) -> list[str]:
    address = text(order.get("email")) or text(get_path(order, "customer.defaultEmailAddress.emailAddress")) or ""
    domain = address.rpartition("@")[2] if "@" in address else ""
    return [domain] if domain else []


def _compare(path: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Record], bool]:
    def holds(limit: Any, order: Record) -> bool:
        value = to_decimal(get_path(order, path))
        bound = to_decimal(limit)
        return value is not None and bound is not None and compare(value, bound)

    return holds


_AMOUNT, _ORDERS = "totalPriceSet.shopMoney.amount", "customer.numberOfOrders"

_HOLDS: Mapping[str, Callable[[Any, Record], bool]] = {
    "tags": lambda patterns, order: _matches_any(_texts(order.get("tags")), patterns),
    "customer_tags": lambda patterns, order: _matches_any(_texts(get_path(order, "customer.tags")), patterns),
    "countries": lambda codes, order: _matches_any(_country(order), codes),
    "email_domains": lambda patterns, order: _matches_any(_email_domain(order), patterns),
    "amount_over": _compare(_AMOUNT, lambda value, bound: value > bound),
    "amount_under": _compare(_AMOUNT, lambda value, bound: value < bound),
    # Shopify sends the number as text: an UnsignedInt64.
    "orders_at_least": _compare(_ORDERS, lambda value, bound: value >= bound),
    "orders_at_most": _compare(_ORDERS, lambda value, bound: value <= bound),
}
