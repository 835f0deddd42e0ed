"""Options that a Dag's author passes as a plain dict, and those of the mapping.

A wrong key or value is one error that names all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from airflow_provider_partners.exceptions import ConfigurationError


class Options(BaseModel):
    """Base class of options: frozen, without unknown keys, and writable as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: ClassVar[str] = "options"

    @classmethod
    def parse(cls, value: Mapping[str, Any] | Self | None) -> Self:
        """Return the options of ``None`` (the defaults), a dict, or options.

        :raises ConfigurationError: naming every unknown or wrong field
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
        """Return the options as JSON."""
        return self.model_dump(mode="json")


def describe_violations(error: ValidationError) -> list[str]:
    """Return each violation as ``field: reason``. The values stay out, because they may be customers' data."""
    violations = []
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        path = ""
        for step in detail["loc"]:
            path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
        reason = "unknown field" if detail["type"] == "extra_forbidden" else detail["msg"]
        violations.append(f"{path or 'value'}: {reason.removeprefix('Value error, ')}")
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
