"""What Shopify's Partner and Admin APIs share: GraphQL, errors, shop domains."""

from __future__ import annotations
