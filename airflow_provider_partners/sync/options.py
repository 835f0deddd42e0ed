"""Options that a Dag's author passes as a plain dict, and those of the mapping.

A wrong key or value is one error that names all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from airflow_provider_partners.arguments import parse_structure
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.old_orders import OLD_AFTER_MONTHS
from airflow_provider_partners.sync.property_sources import Level, PropertyMapping, parse_properties
from airflow_provider_partners.windows import is_given


class Options(BaseModel):
    """Base class of options: frozen, without unknown keys, and writable as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: ClassVar[str] = "options"

    def __init__(self, **values: Any) -> None:
        """Check the values.

        :raises ConfigurationError: naming every unknown or wrong field
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise self._configuration_error(error) from None

    @classmethod
    def parse(cls, value: Mapping[str, Any] | Self | str | None) -> Self:
        """Return the options of ``None`` (the defaults), a dict, its JSON text, or options.

        :raises ConfigurationError: naming every unknown or wrong field
        """
        value = parse_json_text(value, cls.title)
        if isinstance(value, cls):
            return value
        try:
            return cls.model_validate({} if value is None else value)
        except ValidationError as error:
            raise cls._configuration_error(error) from None

    def to_dict(self) -> dict[str, Any]:
        """Return the options as JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def _configuration_error(cls, error: ValidationError) -> ConfigurationError:
        message = f"Wrong {cls.title}: {'; '.join(violation.text for violation in list_violations(error))}"
        known = ", ".join(sorted(cls.model_fields))
        return ConfigurationError(message, remedy=f"Known fields: {known}.")


def parse_json_text(value: Any, title: str) -> Any:
    """Return the value of a text, as Variables and templates give it; any other value unchanged.

    :param title: what the value is, for the error
    :raises ConfigurationError: when a text is no JSON
    """
    if not isinstance(value, str):
        return value
    if not is_given(value.strip()):
        return None
    parsed = parse_structure(value)
    if isinstance(parsed, str):
        message = f"Wrong {title}: the text is no JSON"
        remedy = "Write an object such as {…}. A template gives it with {{ var.value.name }}."
        raise ConfigurationError(message, remedy=remedy)
    return parsed


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule of a model that a value breaks. The value stays out, because it may be customers' data.

    :param text: ``field: reason``
    :param rule: the same without positions, lengths and ids, so that equal violations of several values count together
    """

    text: str
    rule: str


def list_violations(error: ValidationError) -> list[Violation]:
    """Return each violation that pydantic found.

    The field is pydantic's ``loc`` and the rule its ``type`` with the limits in ``msg``
    (https://docs.pydantic.dev/latest/errors/errors/). Validators of this package give what differs between values as
    ``values`` in the error's context.
    """
    violations = []
    for detail in error.errors(include_url=False, include_input=False):
        path = ""
        for step in detail["loc"]:
            path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
        reason = "unknown field" if detail["type"] == "extra_forbidden" else detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "tuple_type":
            reason = "Input should be a list"  # JSON and templates have no tuples.
        rule = reason.replace(str(detail.get("ctx", {}).get("values") or "…"), "…")
        if detail["type"] in {"too_long", "too_short"}:
            rule = rule.partition(" after validation")[0]
        field_rule = re.sub(r"\[[0-9]+\]", "[]", path)
        violations.append(Violation(f"{path or 'value'}: {reason}", f"{field_rule or 'value'}: {rule}"))
    return violations


class MappingOptions(Options):
    """The choices of the mapping from Shopify orders to Yotpo orders.

    :param order_date: ``created`` (default: when the order was entered in the shop) or ``processed`` (when it was
        bought; differs for orders imported from another system)
    :param fulfillment_date: ``created`` (default: when it was shipped) or ``delivered`` (the delivery if the carrier
        reported one, else as ``created``). Yotpo counts the days to its e-mail from this date
    :param test_orders: ``exclude`` (default: nobody bought anything) or ``include``
    :param gift_cards: ``exclude`` (default: nobody reviews a gift card) or ``include``
    :param missing_products: for deleted products and custom items: ``drop`` (default: there is nothing to review) or
        ``placeholder``, which books them on one product, so that the order is complete
    :param placeholder_id: the external id of the placeholder product
    :param placeholder_name: the name of the placeholder product
    :param guest_external_id: ``none`` (default: Yotpo wants a stable id or none) or ``email``, as Yotpo's Magento
        module does
    :param removed_items: ``cancelled`` (default: units that were removed from the order become a fulfillment with the
        status ``cancelled``, because Yotpo can't remove a line) or ``ignore``
    :param old_orders: for orders that are too old for a review request: ``send`` (default: Yotpo knows the order, and
        its outcome has a note) or ``exclude``
    :param old_after_months: how old that is, in calendar months; 6 by default, as Yotpo documents
    :param order_properties: custom properties of the order, each with its source; see
        :mod:`~airflow_provider_partners.sync.property_sources`. They go before the defaults, and ``None`` switches a
        property off
    :param line_properties: custom properties of the order's lines, likewise
    :param product_properties: custom properties of the products, likewise
    :param differing_lines: when lines of one product differ in a text: ``first`` (default: the first line's, because
        "Teal, Red" is a color that no product has), ``join`` (all their values, with commas) or ``omit`` (none). A
        flag is true if that of any line is
    """

    title: ClassVar[str] = "mapping options"

    order_date: Literal["created", "processed"] = "created"
    fulfillment_date: Literal["created", "delivered"] = "created"
    test_orders: Literal["exclude", "include"] = "exclude"
    gift_cards: Literal["exclude", "include"] = "exclude"
    missing_products: Literal["drop", "placeholder"] = "drop"
    placeholder_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,255}$")] = "unlisted-item"
    placeholder_name: Annotated[str, Field(min_length=1, max_length=255)] = "Unlisted item"
    guest_external_id: Literal["none", "email"] = "none"
    removed_items: Literal["cancelled", "ignore"] = "cancelled"
    old_orders: Literal["send", "exclude"] = "send"
    old_after_months: Annotated[int, Field(ge=1)] = OLD_AFTER_MONTHS
    order_properties: dict[str, Any] = Field(default_factory=dict)
    line_properties: dict[str, Any] = Field(default_factory=dict)
    product_properties: dict[str, Any] = Field(default_factory=dict)
    differing_lines: Literal["first", "join", "omit"] = "first"

    @field_validator("order_properties", "line_properties", "product_properties", mode="before")
    @classmethod
    def _check_properties(cls, value: Any, info: ValidationInfo) -> Any:
        value = value or {}
        parse_properties(_PROPERTY_LEVELS[str(info.field_name)], value)
        return dict(value)

    @cached_property
    def property_mappings(self) -> Mapping[Level, PropertyMapping]:
        """The sources of the custom properties of each level, with the defaults."""
        return {level: parse_properties(level, getattr(self, name)) for name, level in _PROPERTY_LEVELS.items()}

    @property
    def required_fields(self) -> list[str]:
        """What an extraction of orders has to ask Shopify for, so that every mapped property can be read."""
        named = (name for mapping in self.property_mappings.values() for name in mapping.fields())
        return list(dict.fromkeys(named))


_PROPERTY_LEVELS: Mapping[str, Level] = {
    "order_properties": "order",
    "line_properties": "line",
    "product_properties": "product",
}
"""The level of each mapping of custom properties."""
