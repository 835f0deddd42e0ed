"""Legacy records of the partner organization: jobs, conversations and messages.

Every status of a job and of a conversation occurs, and every kind of sender.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.random_streams import stream
from airflow_provider_partners.sandbox.shopify_partner.seed import PARTNER, micros, reference
from airflow_provider_partners.sandbox.store import Document, Store
from airflow_provider_partners.sandbox.world.shops import Shop

_STATUSES = (
    "NEW", "OPENED", "RESPONDED", "AWAITING_RESPONSE", "COMPLETED", "DECLINED", "CLOSED", "EXPIRED", "INACTIVE",
)  # fmt: skip
#: Statuses of a job without a conversation, because nobody has answered it.
_UNANSWERED = frozenset({"NEW", "DECLINED", "EXPIRED"})
_SERVICES = (
    ("store-setup", "Store setup"),
    ("marketing", "Marketing and sales"),
    ("troubleshooting", "Troubleshooting"),
)
_MERCHANTS = ("Zoë Ndiaye", "José Álvarez", "Søren Ødegård", "山田 花子", "Aoife O'Brien")
_MESSAGES = (
    "Hello! Could you help us with reviews?",
    "Of course — which theme do you use?",
    "Dawn, with a few changes of our own.",
    None,
    "Merci beaucoup, c'est parfait !",
)
_ORGANIZATION: Document = {
    "__typename": "Organization",
    "id": "gid://partners/Organization/12345",
    "name": "Verdict Labs",
    "avatarUrl": None,
}
_COLLEAGUE: Document = {
    "__typename": "TeamMember",
    "id": "gid://partners/TeamMember/71",
    "name": "Mika Virtanen",
    "avatarUrl": None,
}
_SUPPORT: Document = {
    "__typename": "ShopifyEmployee",
    "id": "gid://partners/ShopifyEmployee/9",
    "name": "Shopify Support",
    "avatarUrl": None,
}


def fill(store: Store, seed: int, members: Sequence[Shop], now: datetime) -> None:
    """Store the jobs and conversations of these shops, none later than ``now``."""
    rng = stream(seed, "jobs")
    jobs, conversations = [], []
    for turn in range(max(len(_STATUSES), 2 * len(members))):
        shop, status = members[turn % len(members)], _STATUSES[turn % len(_STATUSES)]
        begun = now - timedelta(days=rng.uniform(20, 300))
        conversation = None if status in _UNANSWERED else _conversation(rng, turn, shop, begun)
        jobs.append(_job(rng, turn, shop, status, begun, conversation))
        if conversation:
            conversations.append(conversation)
    for kind, records in (("job", jobs), ("conversation", conversations)):
        store.put_many(PARTNER, "", kind, [(record["id"], record["lastEventAt"], record) for record in records])


def _job(rng: Random, turn: int, shop: Shop, status: str, begun: datetime, conversation: Document | None) -> Document:
    handle, name = rng.choice(_SERVICES)
    return {
        "id": f"gid://partners/Job/{301 + turn}",
        "createdAt": micros(begun),
        "lastEventAt": conversation["lastEventAt"] if conversation else micros(begun + timedelta(hours=2)),
        "confirmedCompleted": status == "COMPLETED",
        "dashboardUrl": f"https://partners.example/12345/jobs/{301 + turn}",
        "shop": reference(shop),
        "status": status,
        "services": [{"handle": handle, "name": name}],
        "requirements": [
            {"question": "What do you need help with?", "responses": [name]},
            {"question": "Anything else?", "responses": []},
        ],
        "conversation": {"id": conversation["id"]} if conversation else None,
    }


def _conversation(rng: Random, turn: int, shop: Shop, begun: datetime) -> Document:
    number = 501 + turn
    merchant: Document = {
        "__typename": "MerchantUser",
        "id": f"gid://partners/MerchantUser/{801 + turn}",
        "name": _MERCHANTS[turn % len(_MERCHANTS)],
        "avatarUrl": None,
        "timezone": "Europe/Paris",
    }
    senders = (merchant, _ORGANIZATION, {"__typename": "Shop", **reference(shop)}, _COLLEAGUE, _SUPPORT)
    at, messages = begun, []
    for place in range(rng.randint(5, 12)):
        messages.append({
            "id": f"gid://partners/Message/{number * 100 + place}",
            "body": _MESSAGES[place % len(_MESSAGES)],
            "fileUrls": [f"https://files.example/{number}/{place}.png"] if place % 5 == 3 else [],
            "sentAt": micros(at),
            "sentBy": senders[place % len(senders)],
            "sentVia": "EMAIL" if place % 3 == 2 else "DASHBOARD",
        })
        at += timedelta(hours=rng.uniform(0.1, 30))
    return {
        "id": f"gid://partners/Conversation/{number}",
        "createdAt": micros(begun),
        "lastEventAt": messages[-1]["sentAt"],
        "dashboardUrl": f"https://partners.example/12345/conversations/{number}",
        "hasUnreadMessages": turn % 3 == 1,
        "merchantUser": merchant,
        "status": "BLOCKED" if turn % 4 == 2 else "ACTIVE",
        "messages": messages,
    }
