"""The GraphQL documents of Shopify's Admin API: orders and products, their lists, and their inner lists.

Everything asked for exists in every supported version. A page of the default size stays under half of
Shopify's limit of 1,000 points a query (a connection costs 2 + floor(2 ln n) times its node; a plain list
costs like one object). Knows no client and sends nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

INNER_FIRST_PAGE_SIZE = 50
"""How much of an inner list comes with its order at once; most orders need no second look."""

LINE_ITEMS_FIRST_PAGE_SIZE = 30
"""Line items that come with their order: a line is the dearest part of it, and up to 33 cost the same."""

INNER_PAGE_SIZE = 250
"""Page size of an inner list that goes on, Shopify's largest."""

GROUPED_SUFFIX = "Grouped"
"""How the name of a bulk operation ends whose file is grouped."""

_PAGE_INFO = "pageInfo { hasNextPage endCursor }"
_SHOP_MONEY = "{ shopMoney { amount currencyCode } }"
_IMAGE = "featuredMedia { preview { image { url } } }"

_ADDRESS = """{ firstName lastName name company address1 address2 city zip province provinceCode country
        countryCodeV2 phone }"""

LINE_ITEM = f"""id title name quantity currentQuantity unfulfilledQuantity refundableQuantity sku variantTitle
        vendor requiresShipping isGiftCard
        originalUnitPriceSet {_SHOP_MONEY}
        discountedTotalSet {_SHOP_MONEY}
        customAttributes {{ key value }}
        product {{ id legacyResourceId title handle vendor onlineStoreUrl {_IMAGE} }}
        variant {{ id legacyResourceId title sku }}"""

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
"""What only an app approved for protected customer data, and with ``read_customers``, may ask of an order."""

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
"""Without the lines of fulfillments: a bulk operation takes no connection inside of a list."""

_PRODUCT = f"""id legacyResourceId title handle vendor productType status tags createdAt updatedAt publishedAt
      description onlineStoreUrl {_IMAGE}"""

PRODUCT = f"""{_PRODUCT}
      variants(first: {INNER_FIRST_PAGE_SIZE}) {{ nodes {{ {VARIANT} }} {_PAGE_INFO} }}"""

BULK_PRODUCT = f"""{_PRODUCT}
      variants {{ edges {{ node {{ {VARIANT} }} }} }}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDocuments:
    """How one kind of object is asked for.

    :param name: the resource, which is also the root field of its list
    :param node_type: its GraphQL type
    :param count_field: the root field that counts a search
    :param fields: what is asked of each
    :param bulk_fields: the same, as a bulk operation takes it
    :param inner_connections: what stands on lines of its own in a bulk operation's file: type, and its field in the object
    :param personal_fields: what is asked on top where personal data are wanted, by field
    """

    name: str
    node_type: str
    count_field: str
    fields: str
    bulk_fields: str
    inner_connections: Mapping[str, str]
    personal_fields: Mapping[str, str] = field(default_factory=dict)

    def selection(self, *, personal_data: bool, extra_fields: str = "", bulk: bool = False) -> str:
        """What is asked of each object.

        :param extra_fields: further fields in GraphQL, as a user wants them
        :param bulk: whether a bulk operation asks
        """
        personal = list(self.personal_fields.values()) if personal_data else []
        fields = self.bulk_fields if bulk else self.fields
        return "\n      ".join([fields, *personal, *([extra_fields] if extra_fields else [])])

    def search_document(self, selection: str) -> str:
        """The document of the list in order of change."""
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
        """What a bulk operation runs: the whole list in order of change.

        A bulk operation takes no variables, so the search stands in the text. The operation's name tells how the file
        is written, so that it is known of every operation that is found again.

        :param query: the search
        :param grouped: whether each object's inner lines follow right behind it
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
        """The document for known ids."""
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
    """A connection inside of an object, and the document that reads it on.

    :param root: the root field that gives the object by its id
    :param connection: the connection's field
    :param document: for ``$id``, ``$first`` and ``$after``
    :param label: its name in logs and counters
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
"""All fulfillments of one order: a plain list, which ``first`` cuts and no cursor continues."""

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
"""The lines of fulfillments that a bulk operation listed without them."""

# --- bulk operations ---

_BULK_FIELDS = "id status errorCode createdAt completedAt objectCount rootObjectCount url partialDataUrl query"

BULK_RUN = """mutation BulkRun($query: String!, $groupObjects: Boolean!) {
  bulkOperationRunQuery(query: $query, groupObjects: $groupObjects) {
    bulkOperation { id status }
    userErrors { field message code }
  }
}
"""
"""Every supported version takes ``groupObjects``; its default changed from true to false in 2026-01."""

BULK_CANCEL = """mutation BulkCancel($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
}
"""

BULK_BY_ID = f"""query BulkById($ids: [ID!]!) {{
  nodes(ids: $ids) {{ ... on BulkOperation {{ {_BULK_FIELDS} }} }}
}}
"""
"""In every version; ``bulkOperation(id:)`` came with 2026-01."""

BULK_RECENT = f"""query BulkRecent($first: Int!, $after: String, $query: String) {{
  bulkOperations(first: $first, after: $after, query: $query, sortKey: CREATED_AT) {{
    {_PAGE_INFO}
    nodes {{ {_BULK_FIELDS} }}
  }}
}}
"""
"""From 2026-01 on."""

BULK_CURRENT = f"""query BulkCurrent {{ currentBulkOperation(type: QUERY) {{ {_BULK_FIELDS} }} }}
"""
"""The latest one, for versions before 2026-01; deprecated since."""
