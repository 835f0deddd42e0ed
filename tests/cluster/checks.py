"""What must hold after a run in which services were killed: nothing lost, nothing doubled, one rate limit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_partners.sandbox.call_log import Call

__all__ = ["Check", "check_doubled", "check_limits", "check_lost", "check_shared_limit", "peak_rate"]

WINDOW = 10.0
"""Seconds over which a rate is taken: a call that waits in the network can be late, and the next one can't."""

SHARED = (0.9, 1.1)
"""The least and the most of a limit that processes may use together. Each may end a call late."""


@dataclass(frozen=True)
class Check:
    """One line of the table."""

    what: str
    found: str
    passed: bool


State = Mapping[str, Mapping[str, Any]]


def check_lost(found: Mapping[str, State], expected: Mapping[str, State]) -> Iterator[Check]:
    """Compare what each shop's Yotpo store has with a run without faults."""
    missing: Counter[str] = Counter()
    different: Counter[str] = Counter()
    for shop, kinds in expected.items():
        for kind, records in kinds.items():
            own = found.get(shop, {}).get(kind, {})
            missing[kind] += sum(key not in own for key in records)
            different[kind] += sum(own[key] != record for key, record in records.items() if key in own)
            different[kind] += sum(key not in records for key in own)
    total = Counter({kind: sum(len(kinds[kind]) for kinds in expected.values()) for kind in ("order", "product")})
    yield Check("orders and products of a run without faults", f"{total['order']:,}, {total['product']:,}", True)
    yield Check("missing in Yotpo", _counts(missing), not +missing)
    yield Check("other than in a run without faults", _counts(different), not +different)


def check_doubled(calls: Iterable[Call], expected: Mapping[str, State]) -> Iterator[Check]:
    """Compare the creations that Yotpo has accepted with the records that there are to be."""
    created: Counter[str] = Counter()
    for call in calls:
        if call.partner == "yotpo" and call.status is not None and call.status < 300:
            created[call.operation] += 1
    # A shipment is a part of its order.
    for kind in ("order", "product"):
        records = sum(len(kinds[kind]) for kinds in expected.values())
        accepted = created[f"{kind}s.create"]
        yield Check(f"creations of {kind}s that Yotpo accepted", f"{accepted:,} of {records:,}", accepted <= records)


def check_limits(calls: Iterable[Call], limits: Mapping[str, float]) -> Iterator[Check]:
    """Look for more requests than the limit of a credential allows, and for refusals.

    :param limits: requests a second that a partner allows. Yotpo's is one of each store, the others are one for all
    """
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    refused: Counter[str] = Counter()
    for call in calls:
        credential = call.shop if call.partner == "yotpo" else ""
        times[call.partner, credential].append(datetime.fromisoformat(call.at).timestamp())
        refused[call.partner] += call.status == 429
    for partner, limit in limits.items():
        peak = max((peak_rate(each) for (name, _), each in times.items() if name == partner), default=0.0)
        # A window of ten seconds may begin with a call that has waited for the one before it.
        passed = peak <= limit + 1 / WINDOW
        yield Check(f"most requests a second to one {partner} credential", f"{peak:.1f} of {limit:g}", passed)
    yield Check("answers that say too many requests", _counts(refused), not +refused)


def check_shared_limit(calls: Sequence[int], allowed: float) -> Check:
    """Look whether processes used what one limit allows them together, and each a part of it.

    :param calls: of each process, at the same time
    :param allowed: calls that the limit allows in this time
    """
    share, each = sum(calls) / allowed, " + ".join(map(str, calls))
    passed = min(calls) > 0 and SHARED[0] <= share <= SHARED[1]
    return Check(f"what {len(calls)} processes use together of one limit", f"{100 * share:.1f} %: {each} calls", passed)


def peak_rate(times: Iterable[float], window: float = WINDOW) -> float:
    """Return the most requests a second in any window."""
    ordered, first, most = sorted(times), 0, 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most / window


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted((+counter).items())) or "0"
