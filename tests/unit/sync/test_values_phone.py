"""Telephone numbers, held against the library of Google's numbering plans, phonenumbers."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_partners.sync.values import phone

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def parsed(written: str) -> str | None:
    """Return the number in E.164 form, as the library parses it; ``None`` if no country has such a number."""
    try:
        number = phonenumbers.parse(written, None)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # Yotpo takes 7 to 15 digits (https://core-api.yotpo.com/reference/orders).
    return formatted if 8 <= len(formatted) <= 16 else None


@given(code=st.sampled_from(CODES), digits=st.text("0123456789", min_size=1, max_size=14))
@example(code=49, digits="022112345678")
@example(code=1, digits="12125550100")
@example(code=39, digits="0612345678")
@example(code=54, digits="91123456789")
@settings(max_examples=1500, deadline=None)
def test_a_number_with_a_countrys_code_is_what_the_library_makes_of_it(code: int, digits: str) -> None:
    assert phone(f"+{code}{digits}") == parsed(f"+{code}{digits}")


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_the_example_of_each_country_and_what_is_near_it(region: str) -> None:
    """With a national prefix after the code, a digit more and a digit fewer, as people write them."""
    number = phonenumbers.example_number(region)
    complete = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    code = f"+{number.country_code}"
    rest = complete.removeprefix(code)
    assert phone(complete) == parsed(complete) == complete
    for near in (f"{code}0{rest}", f"{code}1{rest}", f"{code}8{rest}", complete + "5", complete[:-1], complete[:-4]):
        assert phone(near) == parsed(near)


@given(written=st.from_regex(r"\+[0-9]{1,16}\n?", fullmatch=True))
@settings(max_examples=500, deadline=None)
def test_any_digits_are_what_the_library_makes_of_them(written: str) -> None:
    assert phone(written) == parsed(written)
