"""Base of Yotpo's payload models: field types, required fields per operation, and violations as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from airflow_provider_partners.exceptions import RejectedError
from airflow_provider_partners.sync.options import Violation, list_violations
from airflow_provider_partners.sync.payload import clean
from airflow_provider_partners.sync.payload.codes import country_codes, currency_codes, language_codes
from airflow_provider_partners.sync.payload.repairs import (
    to_amount,
    to_code,
    to_flag,
    to_id,
    to_integer,
    to_language,
    to_phone,
    to_scalar,
    to_text,
    to_timestamp,
    to_word,
)
from airflow_provider_partners.sync.values import E164, format_utc

_INDEX = re.compile(r"\[[0-9]+\]")
"""The place of a member in a list, which is in a path but not in a reason."""

Operation = Literal["create", "update", "partial"]
"""A create needs all that is documented as required. An update needs whole members of its lists and objects, since they
are sent whole. A partial record needs no more than the ids that say what it changes."""

WEB_URL = re.compile(r"https?://[^\s/]+", re.IGNORECASE)


class PayloadError(RejectedError):
    """A payload breaks Yotpo's documented rules, so Yotpo would refuse it.

    :ivar violations: ``field: reason`` each, without customers' data
    :ivar rule: the message without what differs between records, for counting
    """

    rule: str

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


def _rule(is_kept: Callable[[Any], bool], text: str) -> AfterValidator:
    """Return a check that refuses other values, and says what they must be."""

    def check(value: Any) -> Any:
        if not is_kept(value):
            raise ValueError(text)
        return value

    return AfterValidator(check)


TextRepair = BeforeValidator(to_text)
WordRepair = BeforeValidator(to_word)

Text = Annotated[str, TextRepair, clean.text()]
ExternalId = Annotated[str, Field(min_length=1, max_length=255), BeforeValidator(to_id), clean.identifier()]
LookupId = Annotated[
    ExternalId,
    # The filter external_ids (https://core-api.yotpo.com/reference/orders) would read a comma as the end of an id, so
    # the record could be created and never be found again.
    _rule(lambda value: "," not in value, "must have no comma, because Yotpo looks records up by lists of ids"),
    clean.identifier(without=","),
]
"""The external id of a record that a write has to find again."""
Text64 = Annotated[str, Field(max_length=64), TextRepair, clean.text(64)]
Text255 = Annotated[str, Field(max_length=255), TextRepair, clean.text(255)]
Url = Annotated[
    str,
    Field(max_length=2048),
    _rule(lambda value: WEB_URL.match(value) is not None, "must begin with http:// or https://"),
    TextRepair,
    clean.pattern(WEB_URL, 2048),
]
Timestamp = Annotated[
    str,
    _rule(lambda value: format_utc(value) == value, "must be a time such as 2024-05-01T10:20:30Z"),
    BeforeValidator(to_timestamp),
    clean.timestamp,
]
Phone = Annotated[
    str,
    _rule(
        lambda value: E164.fullmatch(value) is not None,
        "must be a telephone number in E.164 form: + and 7 to 15 digits",
    ),
    BeforeValidator(to_phone),
    clean.phone,
]
CountryCode = Annotated[
    str,
    _rule(lambda value: value in country_codes(), "must be a country's two letters in ISO 3166-1"),
    BeforeValidator(to_code),
    clean.word(country_codes),
]
ProvinceCode = Annotated[str, Field(pattern=r"^[A-Za-z]{2}$"), TextRepair, clean.pattern(re.compile(r"[A-Za-z]{2}"), 2)]
CurrencyCode = Annotated[
    str,
    _rule(lambda value: value in currency_codes(), "must be a currency's three letters in ISO 4217"),
    BeforeValidator(to_code),
    clean.word(currency_codes),
]
LanguageCode = Annotated[
    str,
    _rule(lambda value: value in language_codes(), "must be a language's two letters in ISO 639-1"),
    BeforeValidator(to_language),
    clean.word(language_codes),
]
Flag = Annotated[bool, BeforeValidator(to_flag), clean.flag]
Amount = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(to_amount), clean.number(float)]
Quantity = Annotated[int, Field(ge=1, lt=2**31), BeforeValidator(to_integer), clean.number(int, 1, 2**31)]
WholeNumber = Annotated[
    int, Field(gt=-(2**63), lt=2**63), BeforeValidator(to_integer), clean.number(int, 1 - 2**63, 2**63)
]
FiniteNumber = Annotated[float, Field(allow_inf_nan=False)]
Scalar = Annotated[bool | int | FiniteNumber | str, BeforeValidator(to_scalar)]


class Payload(BaseModel):
    """An object as Yotpo takes it. A field that is ``None`` or ``""`` is not sent: it means "not given".

    Values are repaired before they are checked, see :mod:`airflow_provider_partners.sync.payload.repairs`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    resource: ClassVar[str] = "object"
    required: ClassVar[tuple[str, ...]] = ()
    """What Yotpo needs to create the object."""

    identity: ClassVar[tuple[str, ...]] = ()
    """What says which object it is, also for an update."""

    read_only: ClassVar[frozenset[str]] = frozenset()
    """What Yotpo adds when it returns the object. It is dropped, so that what was read can be written."""

    is_checked_as_whole: ClassVar[bool] = False
    """True if a rule concerns several fields together. Then the model looks at each object."""

    may_be_empty: ClassVar[frozenset[str]] = frozenset()
    """Fields in which an empty text has a meaning of its own."""

    @model_validator(mode="before")
    @classmethod
    def _drop_missing(cls, value: Any) -> Any:
        if type(value) is not dict and not isinstance(value, Mapping):
            return value
        return {
            name: content
            for name, content in value.items()
            if content is not None
            and (content or not isinstance(content, str) or name in cls.may_be_empty)
            and name not in cls.read_only
        }

    @classmethod
    def validate_body(cls, body: Mapping[str, Any], operation: Operation = "create") -> Self:
        """Return the model of a body, with repaired values.

        :param operation: what is required depends on it
        :raises PayloadError: with every violation as ``field: reason``
        """
        try:
            model = cls.model_validate(body)
        except ValidationError as error:
            raise PayloadError(cls.resource, list_violations(error)) from None
        if missing := list(model.missing(operation)):
            raise PayloadError(cls.resource, missing)
        if operation == "create":
            model.check_whole()
        return model

    @classmethod
    def violations(cls, body: Mapping[str, Any], operation: Operation = "create") -> list[str]:
        """Return each violation of a body as ``field: reason``; empty when there is none."""
        try:
            cls.validate_body(body, operation)
        except PayloadError as error:
            return error.violations
        return []

    @classmethod
    def check_update(cls, changes: Mapping[str, Any], present: Mapping[str, Any]) -> None:
        """Check what an update would make of an object.

        :param changes: what is sent, with whole members
        :param present: the object as Yotpo returns it
        :raises PayloadError: when Yotpo would refuse the update
        """

    @classmethod
    def member_model(cls, name: str) -> type[Payload] | None:
        """Return the model of a nested object, or of a list's members; ``None`` for a single value."""
        field = cls.model_fields.get(name)
        return _payload_class(field.annotation) if field else None

    @classmethod
    def writable(cls, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return what Yotpo returned as it takes it: without its own keys, and with times in UTC."""
        body: dict[str, Any] = {}
        for name in cls.model_fields:
            value, member = record.get(name), cls.member_model(name)
            if value is None:
                continue
            if member is not None and isinstance(value, list):
                value = [member.writable(each) for each in value if isinstance(each, Mapping)]
            elif member is not None and isinstance(value, Mapping):
                value = member.writable(value)
            elif name.endswith(("_date", "_at")):
                value = format_utc(value) or value
            body[name] = value
        return body

    def check_whole(self) -> None:
        """Check the rules that concern the whole object.

        :raises PayloadError: when Yotpo would refuse it
        """

    def missing(self, operation: Operation, path: str = "") -> Iterator[Violation]:
        """Yield what the operation requires and the object lacks.

        :param path: where the object is, with a dot at the end
        """
        identity = () if operation == "update" else self.identity
        for name in (*identity, *(self.required if operation == "create" else ())):
            if getattr(self, name) in (None, []):
                violation = f"{path}{name}: required"
                yield Violation(violation, _INDEX.sub("[]", violation))
        inner: Operation = "partial" if operation == "partial" else "create"
        for name in type(self).model_fields:
            value = getattr(self, name)
            for index, member in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(member, Payload):
                    place = f"{name}[{index}]" if isinstance(value, list) else name
                    yield from member.missing(inner, f"{path}{place}.")

    @classmethod
    def payload_of(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body of an object as it is sent.

        :param fields: by name, ``None`` for one that is not given; objects inside are bodies that this has returned
        :raises ValidationError: when a value breaks Yotpo's rules
        """
        body = None if cls.is_checked_as_whole else clean.clean_body(cls, fields)
        return cls.model_validate(fields).payload() if body is None else body

    def payload(self) -> dict[str, Any]:
        """Return the body as it is sent."""
        return _without_empty_objects(self.model_dump(mode="json", exclude_none=True))


def _without_empty_objects(body: dict[str, Any]) -> dict[str, Any]:
    pruned: dict[str, Any] = {}
    for name, value in body.items():
        kept = _without_empty_objects(value) if isinstance(value, dict) else value
        if kept != {}:
            pruned[name] = kept
    return pruned


def _payload_class(annotation: Any) -> type[Payload] | None:
    """Return the payload class inside of an annotation such as ``list[LineItem] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, Payload):
        return annotation
    return next(filter(None, map(_payload_class, get_args(annotation))), None)
