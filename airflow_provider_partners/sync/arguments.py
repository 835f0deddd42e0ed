"""What a Dag's author passes as a plain dict, checked: a wrong key or value is one error that names it.

Base class of mapping options and the suppression policy. Knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from airflow_provider_partners.exceptions import ConfigurationError


class Options(BaseModel):
    """A frozen set of options that can be written as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: ClassVar[str] = "options"

    @classmethod
    def parse(cls, value: Mapping[str, Any] | Self | None) -> Self:
        """The options from what was passed: nothing (the defaults), a dict, or the options themselves.

        :raises ConfigurationError: naming every field that is unknown or wrong
        """
        if isinstance(value, cls):
            return value
        try:
            return cls.model_validate({} if value is None else value)
        except ValidationError as error:
            message = f"The {cls.title} are wrong: {'; '.join(describe_violations(error))}"
            known = ", ".join(sorted(cls.model_fields))
            raise ConfigurationError(message, remedy=f"Known fields: {known}.") from None

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON."""
        return self.model_dump(mode="json")


def describe_violations(error: ValidationError) -> list[str]:
    """Each fault as ``field: reason``, without the values: they may be customers' data."""
    found = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        place = ""
        for part in fault["loc"]:
            place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
        reason = "unknown field" if fault["type"] == "extra_forbidden" else fault["msg"]
        found.append(f"{place or 'value'}: {reason.removeprefix('Value error, ')}")
    return found
