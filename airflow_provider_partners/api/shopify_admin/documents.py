"""The GraphQL documents of Shopify's Admin API: lists, nested lists and bulk operations.

All requested fields exist in every supported version. A page of the default size costs less than half of Shopify's
limit of 1,000 points a query. A connection costs ``2 + floor(2 ln n)`` times its node, a plain list costs as one object
(https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits). Nothing is sent here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

INNER_FIRST_PAGE_SIZE = 50
"""Size of a nested list that comes with its object. Most orders need no further request."""

LINE_ITEMS_FIRST_PAGE_SIZE = 20
"""Line items that come with their order. They cost more than other fields; 13 to 20 of them cost the same."""

INNER_PAGE_SIZE = 250
"""Size of the further pages of a nested list, the largest that Shopify allows."""

GROUPED_SUFFIX = "Grouped"
"""Suffix of the operation's name if a bulk operation writes a grouped file."""

_PAGE_INFO = "pageInfo { hasNextPage endCursor }"
_SHOP_MONEY = "{ shopMoney { amount currencyCode } }"
_IMAGE = "featuredMedia { preview { image { url } } }"

_ADDRESS = """{ firstName lastName name company address1 address2 city zip province provinceCode country
        countryCodeV2 phone }"""

LINE_ITEM = f"""id title name quantity currentQuantity unfulfilledQuantity refundableQuantity sku variantTitle
        vendor requiresShipping isGiftCard
        originalUnitPriceSet {_SHOP_MONEY}
        originalTotalSet {_SHOP_MONEY}
        discountAllocations {{ allocatedAmountSet {_SHOP_MONEY} }}
        customAttributes {{ key value }}
        product {{ id legacyResourceId title handle vendor onlineStoreUrl {_IMAGE} }}
        variant {{ id legacyResourceId title sku }}"""
"""What was paid for a line is its ``originalTotalSet`` less all ``discountAllocations``.

``discountedTotalSet`` is not requested: it leaves out discounts of the whole order, and those of codes by default
(https://shopify.dev/docs/api/admin-graphql/latest/objects/LineItem).
"""

FULFILLMENT_LINE_ITEM = "id quantity lineItem { id }"

_FULFILLMENT = """id legacyResourceId name status displayStatus createdAt updatedAt inTransitAt deliveredAt
        estimatedDeliveryAt totalQuantity requiresShipping
        trackingInfo { company number url }"""

FULFILLMENT = f"""{_FULFILLMENT}
        fulfillmentLineItems(first: {INNER_FIRST_PAGE_SIZE}) {{ nodes {{ {FULFILLMENT_LINE_ITEM} }} {_PAGE_INFO} }}"""

VARIANT = "id legacyResourceId title sku barcode price createdAt updatedAt"

PERSONAL_DATA_FIELDS: Mapping[str, str] = MappingProxyType({
    "email": "email",
    "phone": "phone",
    "customer": """customer {
        id legacyResourceId firstName lastName
        defaultEmailAddress { emailAddress marketingState }
        defaultPhoneNumber { phoneNumber marketingState }
      }""",
    "billingAddress": f"billingAddress {_ADDRESS}",
    "shippingAddress": f"shippingAddress {_ADDRESS}",
})
"""Fields that need Shopify's approval for protected customer data, and the scope ``read_customers``.

See https://shopify.dev/docs/apps/launch/protected-customer-data.
"""

_ORDER = f"""id legacyResourceId name createdAt processedAt updatedAt cancelledAt cancelReason closedAt test
      confirmed displayFinancialStatus displayFulfillmentStatus returnStatus currencyCode
      totalPriceSet {_SHOP_MONEY} subtotalPriceSet {_SHOP_MONEY} currentTotalPriceSet {_SHOP_MONEY}
      sourceName customerLocale tags paymentGatewayNames statusPageUrl
      fulfillmentsCount {{ count precision }}"""

ORDER = f"""{_ORDER}
      lineItems(first: {LINE_ITEMS_FIRST_PAGE_SIZE}) {{ nodes {{ {LINE_ITEM} }} {_PAGE_INFO} }}
      fulfillments(first: {INNER_FIRST_PAGE_SIZE}) {{ {FULFILLMENT} }}"""

BULK_ORDER = f"""{_ORDER}
      lineItems {{ edges {{ node {{ {LINE_ITEM} }} }} }}
      fulfillments(first: {INNER_PAGE_SIZE}) {{ {_FULFILLMENT} }}"""
"""An order without the lines of its fulfillments: a bulk operation accepts no connection inside of a list.

See https://shopify.dev/docs/api/usage/bulk-operations/queries.
"""

_PRODUCT = f"""id legacyResourceId title handle vendor productType status tags createdAt updatedAt publishedAt
      description onlineStoreUrl {_IMAGE}"""

PRODUCT = f"""{_PRODUCT}
      variants(first: {INNER_FIRST_PAGE_SIZE}) {{ nodes {{ {VARIANT} }} {_PAGE_INFO} }}"""

BULK_PRODUCT = f"""{_PRODUCT}
      variants {{ edges {{ node {{ {VARIANT} }} }} }}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDocuments:
    """The documents of one list.

    :param name: the resource, which is also the root field of its list
    :param node_type: the GraphQL type of its objects
    :param count_field: the root field that counts a search
    :param fields: the selection of each object
    :param bulk_fields: the same selection in the form that a bulk operation accepts
    :param inner_connections: connections with lines of their own in a bulk file, as ``{type: field of the object}``
    :param personal_fields: selections of personal data, by field
    """

    name: str
    node_type: str
    count_field: str
    fields: str
    bulk_fields: str
    inner_connections: Mapping[str, str]
    personal_fields: Mapping[str, str] = field(default_factory=dict)

    def selection(self, *, personal_data: bool, extra_fields: str = "", bulk: bool = False) -> str:
        """Return the selection of each object.

        :param extra_fields: a user's additional fields, in GraphQL
        :param bulk: whether a bulk operation runs it
        """
        personal = list(self.personal_fields.values()) if personal_data else []
        fields = self.bulk_fields if bulk else self.fields
        return "\n      ".join([fields, *personal, *([extra_fields] if extra_fields else [])])

    def search_document(self, selection: str) -> str:
        """Return the document that searches the list in order of change."""
        operation = self.name.capitalize()
        return f"""query {operation}($first: Int!, $after: String, $query: String) {{
  {self.name}(first: $first, after: $after, query: $query, sortKey: UPDATED_AT, reverse: false) {{
    {_PAGE_INFO}
    nodes {{
      {selection}
    }}
  }}
}}
"""

    def bulk_query(self, selection: str, query: str, *, grouped: bool) -> str:
        """Return the query of a bulk operation: the complete list in order of change.

        A bulk operation accepts no variables, so the search is part of the text. The operation's name says whether the
        file is grouped, so this is known for every operation that is read later.

        :param query: the search string
        :param grouped: whether the nested lines of each object follow it directly
        """
        operation = self.name.capitalize() + (GROUPED_SUFFIX if grouped else "")
        return f"""query {operation} {{
  {self.name}(query: {json.dumps(query, ensure_ascii=False)}, sortKey: UPDATED_AT) {{
    edges {{ node {{
      {selection}
    }} }}
  }}
}}"""

    def by_id_document(self, selection: str) -> str:
        """Return the document that reads objects by their ids."""
        operation = f"{self.name.capitalize()}ById"
        return f"""query {operation}($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    __typename
    ... on {self.node_type} {{
      {selection}
    }}
  }}
}}
"""

    @property
    def count_document(self) -> str:
        """The document that counts a search, up to 10,000."""
        operation = f"{self.name.capitalize()}Count"
        return f"query {operation}($query: String) {{ {self.count_field}(query: $query) {{ count precision }} }}\n"


LIST_DOCUMENTS: Mapping[str, ListDocuments] = MappingProxyType({
    "orders": ListDocuments(
        name="orders",
        node_type="Order",
        count_field="ordersCount",
        fields=ORDER,
        bulk_fields=BULK_ORDER,
        inner_connections={"LineItem": "lineItems"},
        personal_fields=PERSONAL_DATA_FIELDS,
    ),
    "products": ListDocuments(
        name="products",
        node_type="Product",
        count_field="productsCount",
        fields=PRODUCT,
        bulk_fields=BULK_PRODUCT,
        inner_connections={"ProductVariant": "variants"},
    ),
})


def _connection_document(operation: str, root: str, connection: str, selection: str) -> str:
    return f"""query {operation}($id: ID!, $first: Int!, $after: String) {{
  {root}(id: $id) {{
    id
    {connection}(first: $first, after: $after) {{ {_PAGE_INFO} nodes {{ {selection} }} }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class InnerConnection:
    """A connection inside of an object, and the document that reads its further pages.

    :param root: the root field that returns the object by its id
    :param connection: the connection's field
    :param document: with the variables ``$id``, ``$first`` and ``$after``
    :param label: its name in logs and statistics
    """

    root: str
    connection: str
    document: str
    label: str


LINE_ITEMS = InnerConnection(
    "order", "lineItems", _connection_document("OrderLineItems", "order", "lineItems", LINE_ITEM), "orders.line_items"
)
FULFILLMENT_LINE_ITEMS = InnerConnection(
    "fulfillment",
    "fulfillmentLineItems",
    _connection_document("FulfillmentLineItems", "fulfillment", "fulfillmentLineItems", FULFILLMENT_LINE_ITEM),
    "fulfillments.line_items",
)
VARIANTS = InnerConnection(
    "product", "variants", _connection_document("ProductVariants", "product", "variants", VARIANT), "products.variants"
)

FULFILLMENTS = f"""query OrderFulfillments($id: ID!, $first: Int!) {{
  order(id: $id) {{
    id
    fulfillmentsCount {{ count precision }}
    fulfillments(first: $first) {{ {FULFILLMENT} }}
  }}
}}
"""
"""All fulfillments of one order. They are a plain list: ``first`` truncates it and it has no cursor."""

SHOP = "query Shop { shop { name myshopifyDomain } currentAppInstallation { accessScopes { handle } } }\n"

FULFILLMENTS_BY_ID = f"""query FulfillmentsById($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    __typename
    ... on Fulfillment {{
      id
      fulfillmentLineItems(first: {INNER_FIRST_PAGE_SIZE}) {{ nodes {{ {FULFILLMENT_LINE_ITEM} }} {_PAGE_INFO} }}
    }}
  }}
}}
"""
"""The lines of fulfillments, which a bulk operation cannot include."""

# --- bulk operations ---

_BULK_FIELDS = "id status errorCode createdAt completedAt objectCount rootObjectCount url partialDataUrl query"

BULK_RUN = """mutation BulkRun($query: String!, $groupObjects: Boolean!) {
  bulkOperationRunQuery(query: $query, groupObjects: $groupObjects) {
    bulkOperation { id status }
    userErrors { field message code }
  }
}
"""
"""Sends ``groupObjects`` always, because its default changed from true to false in version 2026-01."""

BULK_CANCEL = """mutation BulkCancel($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
}
"""

BULK_BY_ID = f"""query BulkById($ids: [ID!]!) {{
  nodes(ids: $ids) {{ ... on BulkOperation {{ {_BULK_FIELDS} }} }}
}}
"""
"""Works in every version; ``bulkOperation(id:)`` exists since 2026-01 only."""

BULK_RECENT = f"""query BulkRecent($first: Int!, $after: String, $query: String) {{
  bulkOperations(first: $first, after: $after, query: $query, sortKey: CREATED_AT) {{
    {_PAGE_INFO}
    nodes {{ {_BULK_FIELDS} }}
  }}
}}
"""
"""Exists since version 2026-01."""

BULK_CURRENT = f"""query BulkCurrent {{ currentBulkOperation(type: QUERY) {{ {_BULK_FIELDS} }} }}
"""
"""The latest bulk operation, for versions before 2026-01. Later versions deprecate it."""
