"""The choices of the mapping that a Dag's author may make, each with its default and the reason for it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from airflow_provider_partners.sync.arguments import Options


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
