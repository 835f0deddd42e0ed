"""Complete orders and products: read nested lists to their end, and turn connections into plain lists.

A list of orders holds the first line items and fulfillments of each order. If there are more, they are requested order
by order before the page is returned, so no record is ever partial.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
from airflow_provider_partners.api.shopify_admin import documents
from airflow_provider_partners.exceptions import PagingError, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
    from airflow_provider_partners.records import Record

log = logging.getLogger(__name__)


class NestedConnectionLoader:
    """Completes the nodes of a list. Thread-safe."""

    def __init__(self, caller: GraphQLCaller) -> None:
        self._caller = caller
        self._page_size = AdaptivePageSize(documents.INNER_PAGE_SIZE)
        self._completers: Mapping[str, Callable[[Record], Record | None]] = {
            "orders": self.complete_order,
            "products": self.complete_product,
        }

    def complete(self, resource: str, nodes: list[Record]) -> list[Record]:
        """Return complete records; objects deleted in the meantime are left out.

        :param resource: ``orders`` or ``products``
        :param nodes: as the list returned them
        """
        records = []
        for node in nodes:
            record = self._completers[resource](node)
            if record is None:
                log.info("%s was deleted while it was read", node["id"])
            else:
                records.append(record)
        return records

    def complete_order(self, node: Record) -> Record | None:
        """Return an order with all line items and fulfillments, or ``None`` if it was deleted.

        Without personal data ``email``, ``phone``, ``customer`` and both addresses are null. Many fields may be
        null, such as the product of a line after its deletion::

            {"id": "gid://shopify/Order/1001", "legacyResourceId": "1001", "name": "#1001",
             "createdAt": "2026-06-22T22:34:00Z", "processedAt": "2026-06-22T22:34:00Z",
             "updatedAt": "2026-06-23T08:00:00Z", "cancelledAt": None, "cancelReason": None, "closedAt": None,
             "test": False, "confirmed": True, "displayFinancialStatus": "PAID",
             "displayFulfillmentStatus": "FULFILLED", "returnStatus": "NO_RETURN", "currencyCode": "USD",
             "totalPriceSet": {"shopMoney": {"amount": "55.0", "currencyCode": "USD"}},
             "subtotalPriceSet": {"shopMoney": {…}}, "currentTotalPriceSet": {"shopMoney": {…}},
             "sourceName": "web", "customerLocale": "en", "tags": [], "paymentGatewayNames": ["manual"],
             "statusPageUrl": "https://…", "email": "a@example.com", "phone": None,
             "customer": {"id": "gid://shopify/Customer/7", "legacyResourceId": "7", "firstName": "Ada",
                          "lastName": "L.",
                          "defaultEmailAddress": {"emailAddress": "a@example.com",
                                                  "marketingState": "SUBSCRIBED"},
                          "defaultPhoneNumber": None},
             "billingAddress": {"firstName": …, "lastName": …, "name": …, "company": …, "address1": …,
                                "address2": …, "city": …, "zip": …, "province": …, "provinceCode": …,
                                "country": …, "countryCodeV2": "US", "phone": …},
             "shippingAddress": {…},
             "lineItems": [
                 {"id": "gid://shopify/LineItem/10", "title": "Shirt", "name": "Shirt - S", "quantity": 2,
                  "currentQuantity": 2, "unfulfilledQuantity": 0, "refundableQuantity": 2, "sku": "S-1",
                  "variantTitle": "S", "vendor": "Acme", "requiresShipping": True, "isGiftCard": False,
                  "originalUnitPriceSet": {"shopMoney": {…}}, "originalTotalSet": {"shopMoney": {…}},
                  "discountAllocations": [{"allocatedAmountSet": {"shopMoney": {…}}}], "customAttributes": [],
                  "product": {"id": "gid://shopify/Product/5", "legacyResourceId": "5", "title": "Shirt",
                              "handle": "shirt", "vendor": "Acme", "onlineStoreUrl": "https://…",
                              "featuredMedia": {"preview": {"image": {"url": "https://…"}}}},
                  "variant": {"id": "gid://shopify/ProductVariant/6", "legacyResourceId": "6", "title": "S",
                              "sku": "S-1"}}],
             "fulfillments": [
                 {"id": "gid://shopify/Fulfillment/20", "legacyResourceId": "20", "name": "#1001-F1",
                  "status": "SUCCESS", "displayStatus": "IN_TRANSIT", "createdAt": "2026-06-23T08:00:00Z",
                  "updatedAt": "2026-06-23T08:00:00Z", "inTransitAt": "2026-06-23T08:00:00Z",
                  "deliveredAt": None, "estimatedDeliveryAt": None, "totalQuantity": 2,
                  "requiresShipping": True, "trackingInfo": [{"company": "UPS", "number": "1Z", "url": None}],
                  "fulfillmentLineItems": [{"id": "gid://shopify/FulfillmentLineItem/30", "quantity": 2,
                                            "lineItem": {"id": "gid://shopify/LineItem/10"}}]}]}

        :param node: an order, as the list returned it
        """
        items = self._load_connection(documents.LINE_ITEMS, node)
        fulfillments = self._complete_fulfillments(node)
        if items is None or fulfillments is None:
            return None
        requested = {name: value for name, value in node.items() if name != "fulfillmentsCount"}
        missing = {name: None for name in documents.PERSONAL_DATA_FIELDS if name not in node}
        return {**requested, **missing, "lineItems": items, "fulfillments": fulfillments}

    def complete_product(self, node: Record) -> Record | None:
        """Return a product with all variants, or ``None`` if it was deleted.

        :param node: a product, as the list returned it
        """
        variants = self._load_connection(documents.VARIANTS, node)
        return None if variants is None else {**node, "variants": variants}

    def _complete_fulfillments(self, node: Record) -> list[Record] | None:
        fulfillments = self._list_fulfillments(node)
        if fulfillments is None:
            return None
        complete = []
        for fulfillment in fulfillments:
            items = self._load_connection(documents.FULFILLMENT_LINE_ITEMS, fulfillment)
            if items is None:
                return None
            complete.append({**fulfillment, "fulfillmentLineItems": items})
        return complete

    def _list_fulfillments(self, node: Record) -> list[Record] | None:
        """Return all fulfillments of an order, a plain list that ``first`` truncates."""
        fulfillments: list[Record] = node["fulfillments"]
        if not _is_truncated(node, page_size=documents.INNER_FIRST_PAGE_SIZE):
            return fulfillments
        variables = {"id": node["id"], "first": documents.INNER_PAGE_SIZE}
        data = self._caller.execute(documents.FULFILLMENTS, variables, label="orders.fulfillments").data
        order: Record | None = data.get("order")
        if order is None:
            return None
        if _is_truncated(order, page_size=documents.INNER_PAGE_SIZE):
            message = f"{node['id']} has more than {documents.INNER_PAGE_SIZE} fulfillments, and Shopify lists no more"
            remedy = 'Exclude this order with query="-id:<its number>", and transfer it by hand.'
            raise UnexpectedResponseError(message, remedy=remedy)
        all_fulfillments: list[Record] = order["fulfillments"]
        return all_fulfillments

    def _load_connection(self, inner: documents.InnerConnection, owner: Record) -> list[Record] | None:
        """Return all nodes of a connection, or ``None`` if its object was deleted."""
        connection = owner[inner.connection]
        nodes: dict[str, Record] = {node["id"]: node for node in connection["nodes"]}
        visited: set[str] = set()
        while connection["pageInfo"]["hasNextPage"]:
            after = connection["pageInfo"]["endCursor"]
            if not after or after in visited:
                message = f"'{inner.connection}' of {owner['id']} repeats its cursor"
                raise PagingError(message, remedy="Shopify's paging loops; try again.")
            visited.add(after)
            parent = self._page_size.call(partial(self._fetch_parent, inner, {"id": owner["id"], "after": after}))
            if parent is None:
                return None
            connection = parent[inner.connection]
            nodes |= {node["id"]: node for node in connection["nodes"]}
        return list(nodes.values())

    def _fetch_parent(
        self, inner: documents.InnerConnection, variables: Mapping[str, Any], size: int, *, max_timeouts: int | None
    ) -> Record | None:
        """Return the object with one page of its nested list, or ``None`` if it was deleted."""
        result = self._caller.execute(
            inner.document, {**variables, "first": size}, label=inner.label, max_timeouts=max_timeouts
        )
        parent: Record | None = result.data.get(inner.root)
        return parent


def _is_truncated(order: Mapping[str, Any], *, page_size: int) -> bool:
    size = len(order["fulfillments"])
    counted = order.get("fulfillmentsCount")
    if not counted:
        return size >= page_size
    return int(counted["count"]) > size or (counted.get("precision") == "AT_LEAST" and size >= page_size)
