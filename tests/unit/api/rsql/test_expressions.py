"""RSQL: written from Python values, read from users' text, refused before it is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from airflow_provider_partners.api.rsql.expressions import OPERATORS, field, parse, to_expression
from airflow_provider_partners.exceptions import ConfigurationError


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("open", "state=='open'"),
        ("", "state==''"),
        ("it's", "state=='it\\'s'"),
        ("back\\slash", "state=='back\\\\slash'"),
        ("\\'", "state=='\\\\\\''"),
        ('say "hi"', "state=='say \"hi\"'"),
        ("a;b,(c)", "state=='a;b,(c)'"),
        ("Zoë", "state=='Zoë'"),
        (7, "state==7"),
        (-7, "state==-7"),
        (0.9, "state==0.9"),
        (1e-07, "state==0.0000001"),
        (Decimal("12.50"), "state==12.50"),
        (True, "state==true"),
        (datetime(2025, 6, 6, 11, 54, 41, tzinfo=UTC), "state==2025-06-06T11:54:41Z"),
        (datetime(2025, 6, 6, 11, 54, 41, 5, tzinfo=UTC), "state==2025-06-06T11:54:41.000005Z"),
        (datetime(2025, 6, 6, 13, 54, tzinfo=timezone(timedelta(hours=2))), "state==2025-06-06T11:54:00Z"),
        (datetime(2025, 6, 6), "state==2025-06-06T00:00:00Z"),
    ],
)
def test_values_are_written_in_a_form_that_every_server_reads_alike(value: object, written: str) -> None:
    assert str(field("state") == value) == written


def test_all_operators_have_a_python_form() -> None:
    name = field("a")
    built = [name == 1, name != 1, name > 1, name >= 1, name < 1, name <= 1, name.in_([1, 2]), name.not_in([1])]

    assert [str(one) for one in built] == ["a==1", "a!=1", "a>1", "a>=1", "a<1", "a<=1", "a=in=(1,2)", "a=out=(1)"]
    assert {one.operator for one in built} == OPERATORS


def test_an_or_within_an_and_gets_parentheses_and_the_reverse_needs_none() -> None:
    a, b, c = field("a") == 1, field("b") == 2, field("c") == 3

    assert str((a | b) & c) == "(a==1,b==2);c==3"
    assert str(a | b & c) == "a==1,b==2;c==3"
    assert str(a & b & c) == "a==1;b==2;c==3"


def test_equals_any_works_without_the_in_operator() -> None:
    assert str(field("customer_id").equals_any(["1", "2"])) == "customer_id=='1',customer_id=='2'"
    assert str(field("customer_id").equals_any(["1"])) == "customer_id=='1'"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), ["a"], b"a"])
def test_unsupported_values_are_refused_and_not_repeated(value: object) -> None:
    with pytest.raises(
        ConfigurationError, match=f"'state' can't be compared with a value of type {type(value).__name__}"
    ):
        field("state") == value  # noqa: B015


def test_an_empty_list_of_values_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has no values"):
        field("order_id").in_([])
    with pytest.raises(ConfigurationError, match="has no values"):
        field("order_id").equals_any([])


@pytest.mark.parametrize("selector", ["", "a b", "a;b", "a'b", "a\tb", "a=b"])
def test_a_selector_that_would_break_the_filter_is_refused(selector: str) -> None:
    with pytest.raises(ConfigurationError, match="can't be the selector"):
        field(selector) == 1  # noqa: B015


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a==1", "a==1"),
        ("a=gt=1", "a>1"),
        ("a=ge=1;b=lt=2;c=le=3", "a>=1;b<2;c<=3"),
        ("a==1 and b==2 or c==3", "a==1;b==2,c==3"),
        ("(a==1 or b==2) and c==3", "(a==1,b==2);c==3"),
        ("((a==1))", "a==1"),
        ("a==1;(b==2;c==3)", "a==1;b==2;c==3"),
        ("a=in=(1,'x y',\"z\")", "a=in=(1,'x y','z')"),
        ("a=in=1", "a=in=(1)"),
        ("a==(1)", "a==1"),
        ("a=='it\\'s'", "a=='it\\'s'"),
        ('a=="it\'s"', "a=='it\\'s'"),
        ("a==''", "a==''"),
        ("a==new\\line", "a==new\\line"),
        ("a=='\\n'", "a=='n'"),
        ("a==2025-06-06T11:54:41Z", "a==2025-06-06T11:54:41Z"),
        ("a==*x@y+z/#1", "a==*x@y+z/#1"),
        ("  a == 1 ;\n  b == 2 ", "a==1;b==2"),
        ("a==1\nand b==2", "a==1;b==2"),
        ("(category==drop_off_fraud;predicted_value>0.9)", "category==drop_off_fraud;predicted_value>0.9"),
        ("and==1", "and==1"),
    ],
)  # fmt: skip
def test_text_is_parsed_by_the_grammar(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical
    assert str(parse(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "at the end: expected the name of a field"),
        ("a", "at the end: expected one of the operators"),
        ("a=1", "at character 2: expected one of the operators"),
        ("a=like=1", "at character 2: expected one of the operators"),
        ("a==", "at the end: expected a value"),
        ("a==1;", "at the end: expected the name of a field"),
        ("a==1 b==2", "at character 6: expected ';', ',' or the end"),
        ("a==b c", "at character 6: expected ';', ',' or the end"),
        ("(a==1", "at the end: expected '\\)'"),
        ("a==1)", "at character 5: expected ';', ',' or the end"),
        ("a=in=()", "at character 7: expected a value"),
        ("a=='open", "at character 4: expected a value"),
        ("a==x~y", "at character 5: expected"),
        ("'a'==1", "at character 1: expected the name of a field"),
    ],
)
def test_invalid_text_is_refused_with_its_position(text: str, error: str) -> None:
    with pytest.raises(ConfigurationError, match=f"the filter is not RSQL {error}"):
        parse(text)


def test_an_error_in_the_text_does_not_repeat_its_values() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse("email==zoe@example.com;;")

    assert "zoe" not in str(caught.value)


def test_only_in_and_out_take_several_values() -> None:
    with pytest.raises(ConfigurationError, match=r"'a==' is compared with 2 values.*=in="):
        parse("a==(1,2)")


def test_too_many_nested_parentheses_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at most 50 parentheses"):
        parse("(" * 5000 + "a==1" + ")" * 5000)


def test_a_filter_that_the_list_does_not_allow_is_refused_with_the_allowed_ones() -> None:
    allowed = {"customer_id": frozenset({"==", "!="})}

    with pytest.raises(ConfigurationError, match=r"uses 'email'.*Allowed: customer_id \(!= ==\)\. Look here"):
        parse("customer_id==1;email=='x'").check(allowed, hint="Look here.")
    with pytest.raises(ConfigurationError, match=r"uses 'customer_id=in='"):
        field("customer_id").in_(["1"]).check(allowed)
    with pytest.raises(ConfigurationError, match="no filter at all"):
        parse("a==1").check({})
    (field("customer_id") == "1").check(allowed)


def test_a_filter_is_accepted_as_text_or_expression() -> None:
    built = field("a") == "1"

    assert to_expression(built) is built
    assert str(to_expression("a=='1'")) == str(built)


@pytest.mark.parametrize("blank", ["\x85", "\u00a0", "\u2028", "\x0b"])
def test_only_spaces_tabs_and_line_breaks_separate(blank: str) -> None:
    """In the grammar of https://github.com/jirutka/rsql-parser every other character is one of an unquoted value."""
    assert str(parse(f"a=={blank}x{blank}")) == f"a=={blank}x{blank}"
    assert str(parse("a==x \t\r\n and b==y")) == "a==x;b==y"
