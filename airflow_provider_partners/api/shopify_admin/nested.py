"""Complete objects: read their nested lists to the end, and turn connections into plain lists.

A list of orders holds the first line items and fulfillments of each order. If there are more, they are requested order
by order before the page is returned, so no record is ever partial.

An order is then such a record. Without personal data ``email``, ``phone``, ``customer`` and both addresses are null.
Many fields may be null, such as the product of a line after its deletion. A discount without a code has the empty
``discountApplication`` ``{}``, and versions before 2026-07 have no ``checkoutToken``::

    {"id": "gid://shopify/Order/1001", "legacyResourceId": "1001", "name": "#1001",
     "createdAt": "2026-06-22T22:34:00Z", "processedAt": "2026-06-22T22:34:00Z",
     "updatedAt": "2026-06-23T08:00:00Z", "cancelledAt": None, "cancelReason": None, "closedAt": None,
     "test": False, "confirmed": True, "displayFinancialStatus": "PAID",
     "displayFulfillmentStatus": "FULFILLED", "returnStatus": "NO_RETURN", "currencyCode": "USD",
     "totalPriceSet": {"shopMoney": {"amount": "55.0", "currencyCode": "USD"}},
     "subtotalPriceSet": {"shopMoney": {…}}, "currentTotalPriceSet": {"shopMoney": {…}},
     "sourceName": "web", "customerLocale": "en", "tags": [], "paymentGatewayNames": ["manual"],
     "statusPageUrl": "https://…", "checkoutToken": "4e1c…", "discountCodes": ["TEN"],
     "shippingLine": {"title": "Express"},
     "customerJourneySummary": {"firstVisit": {"landingPage": "https://…"}}, "email": "a@example.com", "phone": None,
     "customer": {"id": "gid://shopify/Customer/7", "legacyResourceId": "7", "firstName": "Ada",
                  "lastName": "L.",
                  "defaultEmailAddress": {"emailAddress": "a@example.com", "marketingState": "SUBSCRIBED"},
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
          "discountAllocations": [{"allocatedAmountSet": {"shopMoney": {…}},
                                   "discountApplication": {"code": "TEN"}}], "customAttributes": [],
          "product": {"id": "gid://shopify/Product/5", "legacyResourceId": "5", "title": "Shirt",
                      "handle": "shirt", "vendor": "Acme", "onlineStoreUrl": "https://…",
                      "featuredMedia": {"preview": {"image": {"url": "https://…"}}}},
          "variant": {"id": "gid://shopify/ProductVariant/6", "legacyResourceId": "6", "title": "S",
                      "sku": "S-1", "selectedOptions": [{"name": "Size", "value": "S"}]}}],
     "fulfillments": [
         {"id": "gid://shopify/Fulfillment/20", "legacyResourceId": "20", "name": "#1001-F1",
          "status": "SUCCESS", "displayStatus": "IN_TRANSIT", "createdAt": "2026-06-23T08:00:00Z",
          "updatedAt": "2026-06-23T08:00:00Z", "inTransitAt": "2026-06-23T08:00:00Z",
          "deliveredAt": None, "estimatedDeliveryAt": None, "totalQuantity": 2,
          "requiresShipping": True, "trackingInfo": [{"company": "UPS", "number": "1Z", "url": None}],
          "fulfillmentLineItems": [{"id": "gid://shopify/FulfillmentLineItem/30", "quantity": 2,
                                    "lineItem": {"id": "gid://shopify/LineItem/10"}}]}]}
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
from airflow_provider_partners.api.shopify_admin.documents import (
    INNER_PAGE_SIZE,
    ListDocuments,
    page_document,
    page_operation,
)
from airflow_provider_partners.exceptions import PagingError, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_partners.api.shopify.graphql import DocumentCaller
    from airflow_provider_partners.api.shopify_admin.resources.model import Nested
    from airflow_provider_partners.records import Record

log = logging.getLogger(__name__)


class NestedListLoader:
    """Completes the objects of a list. Thread-safe."""

    def __init__(self, caller: DocumentCaller) -> None:
        self._caller = caller
        self._page_size = AdaptivePageSize(INNER_PAGE_SIZE)

    def complete(self, documents: ListDocuments, nodes: Iterable[Record]) -> list[Record]:
        """Return the records of the root's objects; objects deleted in the meantime are left out.

        :param documents: of the list
        :param nodes: the root's objects, as the list returned them
        """
        resource, within = documents.resource, documents.records_list
        objects = self._complete_all(resource.owner_type, documents.lists, nodes)
        records = objects if within is None else [record for each in objects for record in each[within.field]]
        return [_as_record(documents, record) for record in records]

    def complete_records(self, documents: ListDocuments, nodes: Iterable[Record]) -> list[Record]:
        """Return complete records; those deleted in the meantime are left out.

        :param nodes: records that were not read with the root's objects, but by themselves
        """
        resource = documents.resource
        records = self._complete_all(resource.type, resource.nested, nodes)
        return [_as_record(documents, record) for record in records]

    def _complete_all(self, type_name: str, lists: Sequence[Nested], nodes: Iterable[Record]) -> list[Record]:
        complete = []
        for node in nodes:
            record = self._complete(type_name, lists, node)
            if record is None:
                log.info("%s was deleted while it was read", node["id"])
            else:
                complete.append(record)
        return complete

    def _complete(self, type_name: str, lists: Sequence[Nested], node: Record) -> Record | None:
        """Return an object with all of its nested lists, or ``None`` if it or an object in them was deleted."""
        counts = {each.count for each in lists}
        record = {name: value for name, value in node.items() if name not in counts}
        for each in lists:
            load = self._load_connection if each.connection else self._load_plain_list
            items = load(type_name, each, node)
            if items is None:
                return None
            if each.nested:
                completed = [self._complete(each.type, each.nested, item) for item in items]
                if None in completed:
                    return None
                items = [item for item in completed if item is not None]
            record[each.field] = items
        return record

    def _load_plain_list(self, owner_type: str, nested: Nested, owner: Record) -> list[Record] | None:
        """Return all objects of a plain list, which ``first`` truncates, or ``None`` if its object was deleted."""
        items: list[Record] = owner[nested.field]
        if nested.first is None or not _is_truncated(nested, owner, page_size=nested.first):
            return items
        again = self._fetch(owner_type, nested, {"id": owner["id"]}, INNER_PAGE_SIZE, max_timeouts=None)
        if again is None:
            return None
        if _is_truncated(nested, again, page_size=INNER_PAGE_SIZE):
            message = f"{owner['id']} has more than {INNER_PAGE_SIZE} {nested.field}, and Shopify lists no more"
            remedy = 'Exclude this order with query="-id:<its number>", and transfer it by hand.'
            raise UnexpectedResponseError(message, remedy=remedy)
        all_items: list[Record] = again[nested.field]
        return all_items

    def _load_connection(self, owner_type: str, nested: Nested, owner: Record) -> list[Record] | None:
        """Return all nodes of a connection, or ``None`` if its object was deleted."""
        connection = owner[nested.field]
        if isinstance(connection, list):
            # A bulk operation has no pages.
            return connection
        nodes = dict(_by_id(connection["nodes"]))
        visited: set[str] = set()
        while connection["pageInfo"]["hasNextPage"]:
            after = connection["pageInfo"]["endCursor"]
            if not after or after in visited:
                message = f"'{nested.field}' of {owner['id']} repeats its cursor"
                raise PagingError(message, remedy="Shopify's paging loops; try again.")
            visited.add(after)
            variables = {"id": owner["id"], "after": after}
            parent = self._page_size.call(partial(self._fetch, owner_type, nested, variables))
            if parent is None:
                return None
            connection = parent[nested.field]
            nodes |= _by_id(connection["nodes"], start=len(nodes))
        return list(nodes.values())

    def _fetch(
        self,
        owner_type: str,
        nested: Nested,
        variables: Mapping[str, Any],
        size: int,
        *,
        max_timeouts: int | None,
    ) -> Record | None:
        """Return the object with one page of its nested list, or ``None`` if it was deleted."""
        document, label = page_document(owner_type, nested), page_operation(owner_type, nested)
        result = self._caller.execute(document, {**variables, "first": size}, label=label, max_timeouts=max_timeouts)
        parent: Record | None = result.data.get("node")
        return parent


def _as_record(documents: ListDocuments, record: Record) -> Record:
    """Return a record with null for personal data that was not requested, and a user's further fields in their form."""
    complete = {**record, **{name: None for name in documents.resource.personal if name not in record}}
    return documents.extra.shape(complete) if documents.extra else complete


def _by_id(nodes: Iterable[Record], *, start: int = 0) -> dict[Any, Record]:
    """Return nodes by their ids; the id of some types may be null."""
    return {node.get("id") or number: node for number, node in enumerate(nodes, start)}


def _is_truncated(nested: Nested, owner: Mapping[str, Any], *, page_size: int) -> bool:
    size = len(owner[nested.field])
    counted = owner.get(nested.count)
    if not counted:
        return size >= page_size
    return int(counted["count"]) > size or (counted.get("precision") == "AT_LEAST" and size >= page_size)
