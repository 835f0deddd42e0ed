"""The lists of Yotpo's older API: reviews and unsubscribers. A store's first call seeds them.

``GET /v1/apps/{app_key}/reviews`` and ``GET /apps/{app_key}/unsubscribers`` (https://apidocs.yotpo.com/reference), with
the token as the parameter ``utoken``. Fields as in the schemas of https://github.com/singer-io/tap-yotpo. Both lists
have numbered pages, and a page behind the last one is empty.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.sandbox.random_streams import stream
from airflow_provider_partners.sandbox.store import format_timestamp
from airflow_provider_partners.sandbox.yotpo.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.sandbox.store import Document, Sandbox

REVIEWS = 230
UNSUBSCRIBERS = 130
_MAX_REVIEWS_PER_PAGE = 100
_MAX_UNSUBSCRIBERS_PER_PAGE = 5_000
_TEXTS = ("Lovely.", "Arrived broken.", "Fits well.", "Too small.", "Would buy it again.")


def list_reviews(sandbox: Sandbox, store_id: str, params: Mapping[str, str]) -> Document:
    """``GET /v1/apps/{app_key}/reviews``: the newest first."""
    reviews = _seeded(sandbox, store_id, "review")
    if since_id := params.get("since_id"):
        reviews = [each for each in reviews if each["id"] >= _number("since_id", since_id)]
    if since_date := params.get("since_date"):
        reviews = [each for each in reviews if each["created_at"] >= _time("since_date", since_date)]
    since = params.get("since_updated_at")
    if since and not sandbox.switches["yotpo.ignores_since_updated_at"]:
        reviews = [each for each in reviews if each["updated_at"] >= _time("since_updated_at", since)]
    if deleted := params.get("deleted"):
        reviews = [each for each in reviews if each["deleted"] is (deleted == "true")]
    reviews.sort(key=lambda each: -each["id"])
    return {"reviews": _page(reviews, params, default=20, maximum=_MAX_REVIEWS_PER_PAGE)}


def list_unsubscribers(sandbox: Sandbox, store_id: str, params: Mapping[str, str]) -> Document:
    """``GET /apps/{app_key}/unsubscribers``."""
    unsubscribers = _seeded(sandbox, store_id, "unsubscriber")
    page = _page(unsubscribers, params, default=5_000, maximum=_MAX_UNSUBSCRIBERS_PER_PAGE)
    return {"status": {"code": 200, "message": "OK"}, "response": {"unsubscribers": page}}


def _page(records: list[Document], params: Mapping[str, str], *, default: int, maximum: int) -> list[Document]:
    size = min(_number("count", params.get("count") or default), maximum)
    first = (_number("page", params.get("page") or 1) - 1) * size
    return [{name: value for name, value in each.items() if name != "_id"} for each in records[first : first + size]]


def _number(name: str, value: Any) -> int:
    try:
        number = int(value)
    except ValueError:
        number = 0
    if number < 1:
        raise ApiError(400, f"{name} must be a positive number")
    return number


def _time(name: str, text: str) -> str:
    try:
        timestamp = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ApiError(400, f"{name} must be a date") from None
    return f"{timestamp.replace(tzinfo=None).isoformat()}Z"


def _seeded(sandbox: Sandbox, store_id: str, kind: str) -> list[Document]:
    present = sandbox.store.select("yotpo", store_id, kind)
    if present:
        return present
    make = _reviews if kind == "review" else _unsubscribers
    at = format_timestamp(sandbox.clock())
    records = make(sandbox, store_id)
    sandbox.store.put_many("yotpo", store_id, kind, [(str(each["_id"]), at, each) for each in records])
    return sandbox.store.select("yotpo", store_id, kind)


def _reviews(sandbox: Sandbox, store_id: str) -> list[Document]:
    rng = stream(0, "yotpo", store_id, "reviews")
    reviews = []
    for number in range(REVIEWS):
        created = sandbox.clock() - timedelta(days=400 - 400 * number / REVIEWS, minutes=1)
        updated = min(created + timedelta(days=rng.choice((0, 0, 0, 1, 30))), sandbox.clock() - timedelta(minutes=1))
        id_ = 600_000_000 + number
        reviews.append({
            "_id": id_,
            "id": id_,
            "title": "A review",
            "content": rng.choice(_TEXTS),
            "score": rng.randint(1, 5),
            "votes_up": rng.randint(0, 3),
            "votes_down": 0,
            "created_at": format_timestamp(created),
            "updated_at": format_timestamp(updated),
            "sentiment": round(rng.random(), 3),
            "sku": rng.choice((str(rng.randint(10, 40)), "yotpo_site_reviews")),
            "name": f"Buyer {number}",
            "email": f"buyer{number}@example.com",
            "reviewer_type": rng.choice(("verified_buyer", "verified_reviewer")),
            "deleted": rng.random() < 0.05,
            "archived": False,
            "escalated": False,
            "user_reference": None,
        })
    return reviews


def _unsubscribers(sandbox: Sandbox, store_id: str) -> list[Document]:
    # The misspelt key is Yotpo's own: https://github.com/singer-io/tap-yotpo, schemas/unsubscribers.json.
    return [
        {
            "_id": 900_000 + number,
            "id": 900_000 + number,
            "user_email": f"gone{number}@example.com",
            "email_type_id": 1 + number % 3,
            "unsubscirbed_by_name": "USER",
        }
        for number in range(UNSUBSCRIBERS)
    ]
