"""RSQL with the rules of rsql-parser 2.1.0: the cases follow its grammar and its own tests.

Source: https://github.com/jirutka/rsql-parser.
"""

from __future__ import annotations

import pytest

from airflow_provider_partners.sandbox.yofi.rsql import (
    OPERATORS,
    Comparison,
    Logical,
    RsqlError,
    Selector,
    parse,
    predicate,
)

RESERVED = "\"'();,=<>!~ "


def eq(selector: str, value: str) -> Comparison:
    return Comparison(selector, "==", (value,))


def both(*nodes: Comparison | Logical) -> Logical:
    return Logical("and", nodes)


def either(*nodes: Comparison | Logical) -> Logical:
    return Logical("or", nodes)


@pytest.mark.parametrize("symbol", OPERATORS)
def test_every_operator_of_the_default_set_is_read(symbol):
    assert parse(f"sel{symbol}val") == Comparison("sel", OPERATORS[symbol], ("val",))


def test_the_long_form_of_an_operator_means_the_short_one():
    assert parse("a=ge=1") == parse("a>=1")


@pytest.mark.parametrize("text", ["sel=val", "sel=xyz=val", "sel=GT=val", "sel~val", "sel!val", "sel=<val"])
def test_a_wrong_operator_is_an_error(text):
    with pytest.raises(RsqlError):
        parse(text)


def test_an_unknown_operator_is_named():
    with pytest.raises(RsqlError, match="Unknown operator: =all="):
        parse("genres=all=(a,b)")


@pytest.mark.parametrize("selector", ["with-dash", "a.b.c", "a/b", "n:a/n:b", "a::b", "$a_b.c", "žluť"])
def test_a_selector_is_any_run_of_unreserved_characters(selector):
    assert parse(f"{selector}==val") == eq(selector, "val")


@pytest.mark.parametrize("reserved", RESERVED.strip())
@pytest.mark.parametrize("form", ["ill{}==val", "ill{}ness==val"])
def test_a_reserved_character_in_a_selector_is_an_error(reserved, form):
    with pytest.raises(RsqlError):
        parse(form.format(reserved))


def test_a_selector_of_two_words_is_an_error():
    with pytest.raises(RsqlError):
        parse("ill ness==val")


@pytest.mark.parametrize(
    "text", ["", "   ", "==val", "sel", "sel==", "sel==()", "()", ";", "a==1;", ",a==1", "a==1 b==2"]
)
def test_an_incomplete_expression_is_an_error(text):
    with pytest.raises(RsqlError):
        parse(text)


@pytest.mark.parametrize(
    "value",
    [
        "«quoted»",
        "h@llo",
        "*star*",
        "čes*ký",
        "42",
        "0.15",
        "-1",
        "2025-06-06T11:54:41Z",
        "a+b",
        "#1001",
        "c:\\temp\\n",
    ],
)
def test_an_unquoted_value_is_read_literally(value):
    assert parse(f"sel=={value}") == eq("sel", value)


@pytest.mark.parametrize("reserved", RESERVED.strip())
@pytest.mark.parametrize("form", ["sel==ill{}", "sel==ill{}ness"])
def test_a_reserved_character_in_an_unquoted_value_is_an_error(reserved, form):
    with pytest.raises(RsqlError):
        parse(form.format(reserved))


@pytest.mark.parametrize("inside", ["hi there!", "6*7=42", "o)O(o", "a;b,c", "<>~", " and ", "日本 語", "a\nb"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_every_character_in_quotes_is_read_literally(quote, inside):
    assert parse(f"sel=={quote}{inside}{quote}") == eq("sel", inside)


def test_one_kind_of_quote_may_contain_the_other():
    assert parse("""sel=="Flynn's" """) == eq("sel", "Flynn's")
    assert parse("""sel=='15"'""") == eq("sel", '15"')


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"'10\' 15\"'", "10' 15\""),
        (r'"10\' 15\""', "10' 15\""),
        (r"'a\\b'", "a\\b"),
        (r"'\\'", "\\"),
        (r"'line\nbreak'", "linenbreak"),
        (r"'\\\''", "\\'"),
        ("''", ""),
        ('""', ""),
    ],
)
def test_a_backslash_in_quotes_escapes_the_next_character(written, read):
    assert parse(f"sel=={written}") == eq("sel", read)


@pytest.mark.parametrize("text", ["sel=='open", 'sel=="open', r"sel=='open\'", "sel=='a'b'"])
def test_an_open_quote_is_an_error(text):
    with pytest.raises(RsqlError):
        parse(text)


@pytest.mark.parametrize(
    ("group", "values"),
    [
        ('(chunky,bacon,"ftw!")', ("chunky", "bacon", "ftw!")),
        ("('hi!',\"how're you?\")", ("hi!", "how're you?")),
        ("(meh)", ("meh",)),
        ('(")o(")', (")o(",)),
        ("(a or b)", ("a", "b")),
        ("( a , b )", ("a", "b")),
        ("meh", ("meh",)),
    ],
)
def test_in_takes_a_group_of_values_or_one(group, values):
    assert parse(f"sel=in={group}") == Comparison("sel", "=in=", values)


def test_other_operators_take_one_value_which_may_be_in_parentheses():
    assert parse("a==(b)") == eq("a", "b")
    with pytest.raises(RsqlError, match="exactly one"):
        parse("a==(b,c)")


@pytest.mark.parametrize("joined", ["a==1;b==2", "a==1 and b==2", "a==1 ; b==2", "a == 1  and  b == 2"])
def test_and_has_two_spellings(joined):
    assert parse(joined) == both(eq("a", "1"), eq("b", "2"))


@pytest.mark.parametrize("joined", ["a==1,b==2", "a==1 or b==2", "a==1\t,  b==2"])
def test_or_has_two_spellings(joined):
    node = parse(joined)
    assert isinstance(node, Logical)
    assert node.operator == "or"


@pytest.mark.parametrize("joined", ["a==1 AND b==2", "a==1and b==2", "a==1 Or b==2"])
def test_words_join_only_in_lower_case_between_spaces(joined):
    with pytest.raises(RsqlError):
        parse(joined)


def test_words_that_begin_like_and_are_values():
    assert parse("a==android;b==order") == both(eq("a", "android"), eq("b", "order"))


def test_and_binds_tighter_than_or():
    a, b, c, d = (eq(f"s{n}", f"a{n}") for n in range(4))
    assert parse("s0==a0,s1==a1;s2==a2,s3==a3") == either(a, both(b, c), d)
    assert parse("s0==a0;s1==a1;s2==a2") == both(a, b, c)


def test_parentheses_regroup():
    a, b, c, d = (eq(f"s{n}", f"a{n}") for n in range(4))
    assert parse("(s0==a0,s1==a1);s2==a2") == both(either(a, b), c)
    assert parse("((s0==a0,s1==a1);s2==a2,s3==a3);s0==a0") == both(either(both(either(a, b), c), d), a)
    assert parse("((s0==a0));s1==a1") == both(a, b)


@pytest.mark.parametrize("text", ["(a==0;b!=1", "a==0)", "a==a;(b=in=(b,c),d!=d", "a=in=(b", "a=in=b)", "(a)==b"])
def test_unbalanced_parentheses_are_an_error(text):
    with pytest.raises(RsqlError):
        parse(text)


def test_groups_nested_too_deep_are_an_error():
    with pytest.raises(RsqlError, match="nested"):
        parse("(" * 5000 + "a==1" + ")" * 5000)


def test_groups_side_by_side_do_not_count_as_nested():
    assert isinstance(parse(";".join(["(a==1)"] * 300)), Logical)


SELECTORS = {
    "name": Selector("text"),
    "score": Selector("number"),
    "epoch": Selector("whole number"),
    "at": Selector("ISO 8601 time"),
    "id": Selector("text", frozenset({"==", "!="})),
}


@pytest.mark.parametrize(
    ("text", "record", "expected"),
    [
        ("score>0.9", {"score": 0.95}, True),
        ("score>0.9", {"score": 0.9}, False),
        ("score>=0.9", {"score": 0.9}, True),
        ("score<10", {"score": 9}, True),
        ("epoch>=5;epoch<7", {"epoch": 5}, True),
        ("epoch>=5;epoch<7", {"epoch": 7}, False),
        ("epoch==10", {"epoch": "10"}, True),
        ("name==a,name==b", {"name": "b"}, True),
        ("name=in=(a,b)", {"name": "c"}, False),
        ("name=out=(a,b)", {"name": "c"}, True),
        ("name!=a", {"name": "b"}, True),
        ("name==A", {"name": "a"}, False),
        ("name==a*", {"name": "ab"}, False),
        ("name=='#1001'", {"name": "#1001"}, True),
        ("at>=2025-06-06T11:54:41Z", {"at": "2025-06-06T13:54:41+02:00"}, True),
        ("at<2025-06-06T11:54:41Z", {"at": "2025-06-06T11:54:40.5Z"}, True),
        ("id==5", {"id": 5}, True),
        ("(name==drop_off_fraud;score>0.9)", {"name": "drop_off_fraud", "score": 0.91}, True),
    ],
)
def test_a_predicate_tests_a_record(text, record, expected):
    assert predicate(text, SELECTORS)(record) is expected


@pytest.mark.parametrize("text", ["score>0", "score!=1", "score=out=(1)", "score==0"])
@pytest.mark.parametrize("record", [{}, {"score": None}, {"score": "n/a"}])
def test_a_missing_value_satisfies_no_comparison(text, record):
    assert predicate(text, SELECTORS)(record) is False


@pytest.mark.parametrize("text", ["name!=a", "name==None", "name=out=(a)", "name>''"])
def test_a_missing_text_satisfies_no_comparison_either(text):
    assert predicate(text, SELECTORS)({"name": None}) is False


def test_an_unsupported_selector_is_named_with_the_supported_ones():
    with pytest.raises(RsqlError, match=r"'email' is not supported; supported: at, epoch, id, name, score"):
        predicate("name==a;email==b", SELECTORS)


def test_an_unsupported_operator_is_named_in_its_short_form():
    with pytest.raises(RsqlError, match=r"Operator > is not supported for 'id'; supported: != =="):
        predicate("id=gt=5", SELECTORS)


@pytest.mark.parametrize(
    "text",
    ["epoch>soon", "epoch>1.5", "score>nan", "score>1e3", "at>yesterday", "epoch=in=(1,x)", "score==''"],
)
def test_a_value_of_the_wrong_kind_is_an_error(text):
    with pytest.raises(RsqlError, match="is compared with a"):
        predicate(text, SELECTORS)
