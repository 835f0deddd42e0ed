"""Events: what happened to the shop's objects. They are the only list that shows deletions."""

from __future__ import annotations

from airflow_provider_partners.api.shopify_admin.resources.model import admin_resource

_EVENTS = admin_resource(
    "events",
    "events",
    type="Event",
    doc="What happened to the shop's objects in the last year. `action` is `destroy` if one was deleted.",
    time_field="createdAt",
    search_field="created_at",
    sort_key="CREATED_AT",
    count_field="eventsCount",
    # A bulk operation accepts connections of types that implement Node, and the interface Event does not.
    bulk=False,
    by_id=False,
    selected="""id __typename action appTitle attributeToApp attributeToUser createdAt criticalAlert
      ... on BasicEvent { subjectId subjectType hasAdditionalContent }
      ... on CommentEvent { edited subject { id } }""",
    personal={"message": "message"},
)

RESOURCES = (_EVENTS,)
