"""Voucherify's numbered lists as a table, what its refusals mean, and how parameters with brackets are written.

From the published OpenAPI description (version v2018-08-01) and the guides on limits. Must not know how anything is
sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.faults import (
    DEFAULT_FAULTS,
    Action,
    Fault,
    FaultTable,
    default_message,
    retry_after,
)
from airflow_provider_partners.api.paging import PageNumber
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.budget import Budget
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.messages import Record, Response

_DOCS = "https://docs.voucherify.io/api-reference"

_PAGING = PageNumber(size=100, number_param="page", size_param="limit", totals=("total",))

MOST_VALUES = 20
"""Values of one condition; the server reads indexes above as names (a default of its query parser)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherifyResource(Resource):
    """A list of Voucherify.

    :param parameters: the query parameters it takes besides paging, order and time
    :param row_time: the field of a row that ``created_at[after]`` and ``created_at[before]`` go by
    """

    parameters: frozenset[str] = field(default_factory=frozenset)
    row_time: str = ""


def _row(
    name: str, *, cap: int, doc: str, parameters: str, time_field: str | None = None, row_time: str = ""
) -> VoucherifyResource:
    return VoucherifyResource(
        name=name,
        path=f"/v1/{name}",
        results=name,
        paging=_PAGING,
        max_page_size=100,
        page_cap=cap,
        time_field=time_field,
        row_time=row_time,
        # The default direction of orders is told in two ways, so every list is given one. Ascending, what arrives
        # during a walk comes at its end.
        sort="created_at",
        parameters=frozenset(parameters.split()),
        doc=doc,
        url=f"{_DOCS}/{name}",
    )


_ROWS = (
    _row(
        "redemptions",
        cap=99,
        time_field="created_at",
        row_time="date",  # a redemption has no created_at, although the filter is called so
        parameters="result campaign customer filters",
        doc="Redemptions and their rollbacks, by time.",
    ),
    _row(
        "vouchers",
        cap=99,
        time_field="created_at",
        row_time="created_at",
        parameters="category campaign_id customer campaign updated_at code ids filters",
        doc="Vouchers, by time of creation.",
    ),
    _row(
        "customers",
        cap=99,
        time_field="created_at",
        row_time="created_at",
        parameters="email city name segment_id updated_at",
        doc="Customers, by time of creation.",
    ),
    _row(
        "campaigns",
        cap=100,
        parameters="campaign_type expand campaign_status is_referral_code filters access_settings",
        doc="Campaigns; no time filter.",
    ),
    _row(
        "publications",
        cap=100,
        parameters="campaign customer voucher result voucher_type is_referral_code filters source_id",
        doc="Publications; no time filter.",
    ),
    _row("orders", cap=100, parameters="", doc="Orders, as they arrived at Voucherify; no filters at all."),
)

RESOURCES: Mapping[str, VoucherifyResource] = {row.name: row for row in _ROWS}
"""Voucherify's lists by name."""


def rows(resource: VoucherifyResource, body: Any) -> list[Record]:
    """The rows of an answer: where it says, or else under ``data``, or else its only list.

    The description itself names one key and shows another for some lists.

    :param resource: the list
    :param body: the answer's JSON
    :raises UnexpectedResponseError: when there is no list of records
    """
    if isinstance(body, Mapping):
        lists = [value for value in body.values() if isinstance(value, list)]
        named = [body.get(str(body.get("data_ref"))), body.get(resource.results), body.get("data")]
        found = next((value for value in named if isinstance(value, list)), lists[0] if len(lists) == 1 else None)
        if found is not None and all(isinstance(row, dict) for row in found):
            return found
    held = sorted(map(str, body)) if isinstance(body, Mapping) else type(body).__name__
    message = f"the answer for '{resource.name}' has no list of records, but {held}"
    raise UnexpectedResponseError(message[:300], partner="Voucherify")


def query(resource: VoucherifyResource, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A list's own parameters, as they are sent.

    ``{"filters": {"result": {"conditions": {"$in": ["A"]}}}}`` is ``filters[result][conditions][$in][0]=A``; a list at
    the top is repeated, ``result=SUCCESS&result=FAILURE``.

    :param resource: the list
    :param parameters: nested as above
    :raises ConfigurationError: for a parameter that the list doesn't take
    """
    for name in parameters:
        if name not in resource.parameters:
            listed = ", ".join(sorted(resource.parameters)) or "none"
            message = f"'{resource.name}' takes no parameter '{name}'"
            remedy = f"Known: {listed}; order, page_size, since and until are arguments of their own."
            raise ConfigurationError(message, remedy=remedy, partner="Voucherify")
    pairs: list[tuple[str, str]] = []
    for name, value in parameters.items():
        several = isinstance(value, list | tuple)
        pairs += [(name, _text(item)) for item in value] if several else list(_flat(name, value))
    return pairs


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name}[{key}]", inner)
    elif isinstance(value, list | tuple):
        if len(value) > MOST_VALUES:
            message = f"'{name}' has {len(value)} values, at most {MOST_VALUES} are possible"
            raise ConfigurationError(message, remedy="Ask in several tasks.", partner="Voucherify")
        for index, inner in enumerate(value):
            yield from _flat(f"{name}[{index}]", inner)
    elif value is not None:
        yield name, _text(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_A_LONG_WAIT = 3600.0
"""Seconds to report when a plan's calls are used up and nothing says until when."""


def faults(clock: Clock) -> FaultTable:
    """What Voucherify's refusals mean.

    :param clock: the time, for the moment at which it will answer again
    """

    def inspect(response: Response) -> Fault | None:
        if response.status != 429 or retry_after(response, clock.time()) is not None:
            return None
        again = _seconds(response.headers.get("x-rate-limit-retry"), clock)
        if again is None and response.headers.get("x-rate-limit-type") == "api_calls_cycle":
            again = _A_LONG_WAIT
        return Fault(Action.THROTTLE, _message(response), retry_after=again)

    return DEFAULT_FAULTS.extended(
        {402: Action.REFUSE_CREDENTIALS},
        inspect=inspect,
        message=_message,
        remedies={
            401: "Check application id (login), secret key (password), and that the host is your project's cluster.",
            402: "Your plan doesn't have this feature.",
            403: "Give the key's role the permission to read this list.",
        },
    )


def observer(clock: Clock) -> Callable[[Response, Budget], None]:
    """Reads the rate headers: once nothing is left, nobody asks before the moment that Voucherify names.

    :param clock: the time
    """

    def observe(response: Response, budget: Budget) -> None:
        again = _seconds(response.headers.get("x-rate-limit-retry"), clock)
        if response.headers.get("x-rate-limit-remaining", "").strip() == "0" and again:
            budget.observe(blocked_for=again)

    return observe


def _seconds(epoch: str | None, clock: Clock) -> float | None:
    try:
        return max(0.0, float(epoch) - clock.time()) if epoch else None
    except ValueError:
        return None


def _message(response: Response) -> str:
    """What it said, with its id of the request, which is in the body."""
    said = default_message(response)
    try:
        request_id = json.loads(response.content).get("request_id")
    except (ValueError, AttributeError):
        request_id = None
    return f"{said} [{request_id}]" if isinstance(request_id, str) else said
