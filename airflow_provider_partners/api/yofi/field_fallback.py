"""Request fewer fields where Yofi refuses those that its page lists for another operation only.

The page lists fields by operation. A customer's name and email, for example, are listed for returns, and not for
customers. Whether the server knows them there is open. So they are requested, and left out if the server refuses them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.exceptions import RejectedError

if TYPE_CHECKING:
    from airflow_provider_partners.api.yofi.capabilities import ServerCapabilities

log = logging.getLogger("airflow_provider_partners.api")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFallback:
    """Sends the requests of one list.

    :param name: the list's name
    :param get: sends a request, by its query parameters
    :param listed: the fields that the page lists for this operation, by type
    :param capabilities: the fields that the server has accepted or refused
    """

    name: str
    get: Callable[[Mapping[str, str]], Any]
    listed: Mapping[str, frozenset[str]]
    capabilities: ServerCapabilities

    def __call__(self, params: Mapping[str, str]) -> Any:
        """Send a request, and once more without the fields that the page lists elsewhere, if it is refused.

        :param params: the query parameters
        """
        refused = self.capabilities.refused_fields.get(self.name, frozenset())
        params, _ = _without(params, lambda type_name, name: (type_name, name) in refused)
        fewer, dropped = _without(params, self._is_listed_elsewhere)
        if not dropped or self.name in self.capabilities.accepted_fields:
            return self.get(params)
        try:
            answer = self.get(params)
        except RejectedError as error:
            if error.status != 400:
                raise
            return self._get_fewer(fewer, dropped, error)
        self.capabilities.accepted_fields.add(self.name)
        return answer

    def _get_fewer(self, params: Mapping[str, str], dropped: frozenset[tuple[str, str]], error: RejectedError) -> Any:
        try:
            answer = self.get(params)
        except RejectedError:
            # The request is refused without them as well, so they are not the reason.
            raise error from None
        self.capabilities.refused_fields[self.name] = dropped
        names = ", ".join(sorted(f"{type_name}.{name}" for type_name, name in dropped))
        log.warning(
            "Yofi refuses these fields of '%s', which its page lists for other operations: %s. They are left out. Name "
            "those that it accepts in 'fields'.",
            self.name,
            names,
        )
        return answer

    def _is_listed_elsewhere(self, type_name: str, name: str) -> bool:
        return type_name in self.listed and name not in self.listed[type_name]


def _without(
    params: Mapping[str, str], leaves_out: Callable[[str, str], bool]
) -> tuple[dict[str, str], frozenset[tuple[str, str]]]:
    """Return the parameters without some fields, and these fields. A type keeps one field at least."""
    kept: dict[str, str] = {}
    dropped: set[tuple[str, str]] = set()
    for parameter, value in params.items():
        type_name = parameter.removeprefix("fields[").removesuffix("]") if parameter.startswith("fields[") else ""
        names = value.split(",")
        left_out = {name for name in names if type_name and leaves_out(type_name, name)}
        rest = [name for name in names if name not in left_out]
        if left_out and rest:
            dropped |= {(type_name, name) for name in left_out}
            kept[parameter] = ",".join(rest)
        else:
            kept[parameter] = value
    return kept, frozenset(dropped)
