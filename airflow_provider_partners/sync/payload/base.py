"""Base of Yotpo's payload models: field types, required fields per operation, and violations as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from airflow_provider_partners.exceptions import RejectedError
from airflow_provider_partners.sync.options import Violation, list_violations
from airflow_provider_partners.sync.values import E164, format_utc

Operation = Literal["create", "update"]

WEB_URL = re.compile(r"https?://[^\s/]+", re.IGNORECASE)


class PayloadError(RejectedError):
    """A payload breaks Yotpo's documented rules, so Yotpo would refuse it.

    :ivar violations: ``field: reason`` each, without customers' data
    :ivar rule: the message without what differs between records, for counting
    """

    def __init__(self, resource: str, violations: Sequence[Violation]) -> None:
        begin = f"The {resource} breaks Yotpo's rules: "
        self.violations = [violation.text for violation in violations]
        self.rule = begin + _shortened(list(dict.fromkeys(violation.rule for violation in violations)), 3)
        super().__init__(begin + _shortened(self.violations, 10))


def _shortened(texts: list[str], count: int) -> str:
    return "; ".join(texts[:count]) + (f"; and {len(texts) - count} more" if len(texts) > count else "")


def broken_rule(template: str, values: Iterable[str]) -> PydanticCustomError:
    """Return the error of a validator that names values: ``{values}`` in the template.

    They are part of the violation, and not of the rule that rejects are counted by.
    """
    return PydanticCustomError("broken_rule", template, {"values": ", ".join(values)})


def _check_timestamp(value: str) -> str:
    if format_utc(value) != value:
        message = "must be a time in UTC such as 2024-05-01T10:20:30Z"
        raise ValueError(message)
    return value


def _check_phone(value: str) -> str:
    if not E164.fullmatch(value):
        message = "must be a telephone number in E.164 form: + and 7 to 15 digits"
        raise ValueError(message)
    return value


def _check_web_url(value: str) -> str:
    if not WEB_URL.match(value):
        message = "must begin with http:// or https://"
        raise ValueError(message)
    return value


ExternalId = Annotated[str, Field(min_length=1, max_length=255)]
Text64 = Annotated[str, Field(max_length=64)]
Text255 = Annotated[str, Field(max_length=255)]
Url = Annotated[str, Field(max_length=2048), AfterValidator(_check_web_url)]
Timestamp = Annotated[str, AfterValidator(_check_timestamp)]
Phone = Annotated[str, AfterValidator(_check_phone)]
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
ProvinceCode = Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[float, Field(allow_inf_nan=False)]
Quantity = Annotated[int, Field(ge=1)]
Scalar = bool | int | float | str


class Payload(BaseModel):
    """An object as Yotpo takes it. A field that is ``None`` is not sent: a missing key means "not given"."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    resource: ClassVar[str] = "object"
    required: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    @classmethod
    def validate_body(cls, body: Mapping[str, Any], operation: Operation = "create") -> Self:
        """Return the model of a body as it would be sent.

        :param operation: a create and an update require different fields
        :raises PayloadError: with every violation as ``field: reason``
        """
        try:
            model = cls.model_validate(body)
        except ValidationError as error:
            raise PayloadError(cls.resource, list_violations(error)) from None
        required = cls.required.get(operation, ())
        missing = [f"{name}: required" for name in required if getattr(model, name) in (None, [])]
        if missing:
            raise PayloadError(cls.resource, [Violation(text, text) for text in missing])
        return model

    @classmethod
    def violations(cls, body: Mapping[str, Any], operation: Operation = "create") -> list[str]:
        """Return each violation of a body as ``field: reason``; empty when there is none."""
        try:
            cls.validate_body(body, operation)
        except PayloadError as error:
            return error.violations
        return []

    def payload(self) -> dict[str, Any]:
        """Return the body as it is sent."""
        return self.model_dump(mode="json", exclude_none=True)
