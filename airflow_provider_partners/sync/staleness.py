"""What a record was built from, so that an older build never replaces a newer one.

A task may write late: after a retry, when it is cleared, or as a replay. Meanwhile another run may have read the order
again and written it. Yotpo's own ``updated_at`` can't distinguish the two. It says when somebody wrote, by Yotpo's
clock, and not what the writer knew: a late write of an older build would make the newer one look old, and so would any
other writer. So each record carries a version, and each task claims its versions in a log before it writes.

A version names its sources. Each value sorts as text:

- ``order``: when the order last changed in the shop, by Shopify's clock, then when reading the orders began
- ``returns``, ``claims``, ``customers``, ``predictions``, ``redemptions``: when reading that list began
- ``product``: when reading the orders that name the product began

Moments of reading come from the workers' clocks and are compared with each other alone. So clocks matter only if two
runs read one list within their difference.

Two builds may each know something that the other doesn't: one read Shopify later, the other Yofi. Then the order keeps
its newest values, and a suppression is added but never lifted. A build that is newer in everything lifts it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from airflow_provider_partners import timestamps
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.payload.models import LineItem
from airflow_provider_partners.versions import Version, is_older

__all__ = ["Comparison", "VersionGuard", "VersionLog", "order_version", "product_version"]

ORDER = "order"
PRODUCT = "product"
SUPPRESSION_LISTS = frozenset({"returns", "claims", "customers", "predictions"})
"""The lists that decide on the suppression."""
REDEMPTIONS = "redemptions"

_SUPPRESSION = "suppress_review_request"
_COUPON_USED = "coupon_used"


class VersionLog(Protocol):
    """Remembers the newest versions of each record that the tasks of a store have claimed."""

    @property
    def kept_since(self) -> str:
        """Versions that were read before this timestamp may be forgotten."""

    def claim(self, versions: Mapping[str, Version], *, dry_run: bool = False) -> Mapping[str, Collection[Version]]:
        """Remember versions that are about to be written.

        :param versions: by key
        :param dry_run: remember nothing
        :returns: for each key, the versions that any task has claimed, without those that are older in everything
        """

    def newest(self, key: str) -> Collection[Version]:
        """Return the versions of one record that any task has claimed by now. Threads may call it."""

    def look(self) -> None:
        """Read the claims that other tasks have made since."""

    def records(self, keys: Collection[str]) -> Iterable[Record]:
        """Return the built records of which the newest versions of some keys were claimed, and others beside them."""

    def begin(self, versions: Mapping[str, Version]) -> None:
        """List what is about to be sent as open, for the next try of this task."""

    def settle(self, keys: Iterable[str]) -> None:
        """List these records as open no more: no older call has replaced a newer build."""

    def was_sent(self, key: str, version: Version) -> bool:
        """Return True if an earlier try of this task may have sent this version, and did not look after it."""


def order_version(changed_at: Any, read_at: Mapping[str, Any]) -> dict[str, str]:
    """Return the version of a built order.

    :param changed_at: Shopify's ``updatedAt`` of the order
    :param read_at: for ``orders`` and each list that was joined, when reading it began; ``None`` if unknown. Such an
        order is compared by its change alone, and is never too old for the log
    """
    version = {name: text for name, value in read_at.items() if name != "orders" and (text := _sortable(value))}
    changed, read = _sortable(changed_at), _sortable(read_at.get("orders"))
    return {**version, ORDER: f"{changed}, read {read}"} if changed or read else version


def product_version(version: Version) -> dict[str, str]:
    """Return the version of the products of an order.

    :param version: of the order
    """
    read = version.get(ORDER, "").rpartition(" ")[2]
    return {PRODUCT: read} if read else {}


def _sortable(value: Any) -> str:
    """Return a timestamp in a form that sorts as text; empty when it is unknown."""
    return _sortable_text(value) if type(value) is str else _to_sortable(value)


def _to_sortable(value: Any) -> str:
    timestamp = value if isinstance(value, datetime) else timestamps.try_parse(value)
    return timestamps.isoformat(timestamp, "microseconds") if timestamp else ""


# When the lists were read is the same for each order of a build.
_sortable_text = lru_cache(maxsize=64)(_to_sortable)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A record's version beside those that any task has claimed.

    :param is_outdated: True if one of them knows all that this one knows, and more
    :param is_forgotten: True if the record is too old for the log
    :param newer_sources: the sources of which another version is newer
    :param has_outdated_suppression: True if one of them decided on the suppression with all that this one knows, and
        more
    """

    is_outdated: bool = False
    is_forgotten: bool = False
    newer_sources: frozenset[str] = frozenset()
    has_outdated_suppression: bool = False

    @classmethod
    def of(cls, version: Version, claimed: Iterable[Version], *, kept_since: str = "") -> Comparison:
        """Compare a version with the claimed ones, among which it may be itself.

        :param kept_since: versions that were read before this may be forgotten
        """
        others = [other for other in claimed if other != version]
        return cls(
            is_outdated=any(is_older(version, other) for other in others),
            # A build that doesn't know when its sources were read has no age.
            is_forgotten=bool(version)
            and all("" < value.rpartition(" ")[2] < kept_since for value in version.values()),
            newer_sources=frozenset(
                name for other in others for name, value in other.items() if value > version.get(name, "")
            ),
            has_outdated_suppression=any(is_older(version, other, {ORDER, *SUPPRESSION_LISTS}) for other in others),
        )

    @property
    def is_stale(self) -> bool:
        """True if nothing of the record may be written."""
        # Of an order that changed since, only a suppression counts that nobody else could have decided on.
        is_useless = ORDER in self.newer_sources and self.has_outdated_suppression
        return self.is_outdated or self.is_forgotten or is_useless

    @property
    def reason(self) -> str:
        """Why the record is stale, or written in part."""
        if self.is_forgotten:
            return "it was built longer ago than versions are kept; build it again"
        return f"newer data was claimed since it was built: {', '.join(sorted(self.newer_sources))}"

    def newer_part(self, payload: Mapping[str, Any], present: Record | None) -> dict[str, Any] | None:
        """Return what may be written of a payload; ``None`` for nothing.

        :param present: the record as Yotpo returns it
        """
        if self.is_stale:
            return None
        if ORDER in self.newer_sources:
            return _suppressions_only(payload, present)
        part = dict(payload)
        if self.has_outdated_suppression:
            part = _without_property(part, _SUPPRESSION)
        elif self.newer_sources & SUPPRESSION_LISTS:
            part = _without_property(part, _SUPPRESSION, value=False)
        return _without_coupons(part) if REDEMPTIONS in self.newer_sources else part


class VersionGuard:
    """Claims the versions of records before they are written, and compares them with those of other tasks.

    :param log: of the store; ``None`` compares nothing
    :param kind: ``order`` or ``product``; it distinguishes the records in the log
    :param dry_run: claim nothing
    """

    def __init__(self, log: VersionLog | None, kind: str, *, dry_run: bool = False) -> None:
        self._log = log
        self._kind = kind
        self._dry_run = dry_run

    def claim(self, versions: Mapping[str, Version]) -> dict[str, Comparison]:
        """Claim the versions of a batch, and compare each with what other tasks have claimed.

        :param versions: by external id; an empty version is neither claimed nor compared
        """
        comparisons = dict.fromkeys(versions, Comparison())
        if self._log is not None:
            keys = {self._key(id_): id_ for id_, version in versions.items() if version}
            claimed = self._log.claim({key: versions[id_] for key, id_ in keys.items()}, dry_run=self._dry_run)
            comparisons |= {id_: self._compare(versions[id_], claimed[key]) for key, id_ in keys.items()}
        return comparisons

    def begin(self, versions: Mapping[str, Version]) -> None:
        """List the versions that are about to be sent as open, by external id."""
        if self._log is not None and not self._dry_run:
            self._log.begin({self._key(id_): version for id_, version in versions.items() if version})

    def was_sent(self, external_id: str, version: Version) -> bool:
        """Return True if an earlier try may have sent this version without looking for newer ones afterwards."""
        if self._log is None or self._dry_run or not version:
            return False
        return self._log.was_sent(self._key(external_id), version)

    def settle(self, external_ids: Iterable[str]) -> None:
        """List these records as open no more."""
        if self._log is not None:
            self._log.settle(map(self._key, external_ids))

    def newer_versions(self, versions: Mapping[str, Version]) -> dict[str, list[Version]]:
        """Look for claims again, and return those by external id that are newer than a version in some source.

        :param versions: what was sent, by external id
        """
        known = {id_: version for id_, version in versions.items() if version}
        if self._log is None or self._dry_run or not known:
            return {}
        self._log.look()
        newer = {
            id_: [other for other in self._log.newest(self._key(id_)) if Comparison.of(version, [other]).newer_sources]
            for id_, version in known.items()
        }
        return {id_: others for id_, others in newer.items() if others}

    def records(self, external_ids: Iterable[str]) -> Iterable[Record]:
        """Return the built records with the newest versions, and others beside them."""
        return () if self._log is None else self._log.records(list(map(self._key, external_ids)))

    def _key(self, external_id: str) -> str:
        return f"{self._kind}:{external_id}"

    def compare_again(self, external_id: str, version: Version) -> Comparison:
        """Compare a version right before the write: another task may have claimed a newer one since."""
        if self._log is None or not version:
            return Comparison()
        return self._compare(version, self._log.newest(self._key(external_id)))

    def _compare(self, version: Version, claimed: Iterable[Version]) -> Comparison:
        return Comparison.of(version, claimed, kept_since=self._log.kept_since if self._log else "")


def _without_property(payload: dict[str, Any], name: str, *, value: Any = None) -> dict[str, Any]:
    """Return an order without a custom property of it and its lines.

    :param value: remove this value alone; ``None`` removes any
    """

    def without(record: Mapping[str, Any]) -> dict[str, Any]:
        properties = record.get("custom_properties") or {}
        if name not in properties or (value is not None and properties[name] is not value):
            return dict(record)
        kept = {key: content for key, content in properties.items() if key != name}
        others = {key: content for key, content in record.items() if key != "custom_properties"}
        return {**others, "custom_properties": kept} if kept else others

    lines = [without(line) for line in payload.get("line_items") or ()]
    return {**without(payload), "line_items": lines} if "line_items" in payload else without(payload)


def _without_coupons(payload: dict[str, Any]) -> dict[str, Any]:
    """Return an order without the coupon fields, as if its coupons were unknown."""
    part = _without_property(payload, _COUPON_USED)
    lines = [
        {name: value for name, value in line.items() if name != "coupon_code"} for line in part.get("line_items") or ()
    ]
    return {**part, "line_items": lines} if "line_items" in part else part


def _suppressions_only(payload: Mapping[str, Any], present: Record | None) -> dict[str, Any] | None:
    """Return an order's suppressions alone, over Yotpo's own lines; ``None`` if there are none, or no order."""
    if present is None:
        return None
    part: dict[str, Any] = {"external_id": payload["external_id"]}
    if _is_suppressed(payload):
        part["custom_properties"] = {_SUPPRESSION: True}
    suppressed = {line["external_product_id"] for line in payload.get("line_items") or () if _is_suppressed(line)}
    lines = [
        # An update sends a line whole.
        {name: line[name] for name in LineItem.model_fields if line.get(name) is not None}
        | {"custom_properties": {_SUPPRESSION: True}}
        for line in present.get("line_items") or ()
        if str(line.get("external_product_id")) in suppressed
    ]
    if lines:
        part["line_items"] = lines
    return part if len(part) > 1 else None


def _is_suppressed(record: Mapping[str, Any]) -> bool:
    return (record.get("custom_properties") or {}).get(_SUPPRESSION) is True
