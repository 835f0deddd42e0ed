"""The choices of the mapping that a Dag's author may make, each with its default and the reason for it.

What a Dag's author passes as a plain dict, checked: a wrong key or value is one error that names it.

Base class of mapping options and the suppression policy. Knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from airflow_provider_partners.exceptions import ConfigurationError


class Options(BaseModel):
    """A frozen set of options that can be written as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: ClassVar[str] = "options"

    @classmethod
    def parse(cls, value: Mapping[str, Any] | Self | None) -> Self:
        """The options from what was passed: nothing (the defaults), a dict, or the options themselves.

        :raises ConfigurationError: naming every field that is unknown or wrong
        """
        if isinstance(value, cls):
            return value
        try:
            return cls.model_validate({} if value is None else value)
        except ValidationError as error:
            message = f"The {cls.title} are wrong: {'; '.join(describe_violations(error))}"
            known = ", ".join(sorted(cls.model_fields))
            raise ConfigurationError(message, remedy=f"Known fields: {known}.") from None

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON."""
        return self.model_dump(mode="json")


def describe_violations(error: ValidationError) -> list[str]:
    """Each fault as ``field: reason``, without the values: they may be customers' data."""
    found = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        place = ""
        for part in fault["loc"]:
            place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
        reason = "unknown field" if fault["type"] == "extra_forbidden" else fault["msg"]
        found.append(f"{place or 'value'}: {reason.removeprefix('Value error, ')}")
    return found


class MappingOptions(Options):
    """How a Shopify order becomes a Yotpo order where there is more than one right way.

    :param order_date: ``created`` (default: when it was entered in the shop) or ``processed`` (when it was bought;
        differs for orders imported from another system)
    :param fulfillment_date: ``created`` (default: when it was shipped) or ``delivered`` (the delivery where the
        carrier has reported one, else as ``created``). Yotpo counts the days to its e-mail from this date
    :param test_orders: ``exclude`` (default: nobody bought anything) or ``include``
    :param gift_cards: ``exclude`` (default: nobody reviews a gift card) or ``include``
    :param missing_products: for deleted products and custom items: ``drop`` (default: there is nothing to review) or
        ``placeholder``, which books them on one product so that the order is complete
    :param placeholder_id: the external id of that product
    :param placeholder_name: its name
    :param guest_external_id: ``none`` (default: Yotpo asks for a stable id or none) or ``email``, as Yotpo's Magento
        module does
    :param removed_items: ``cancelled`` (default: units taken off the order become a fulfillment with the status
        ``cancelled``, since Yotpo can't remove a line) or ``ignore``
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
