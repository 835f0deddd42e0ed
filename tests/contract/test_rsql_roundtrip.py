"""RSQL of the client is parsed with the same meaning by the sandbox's parser, which shares no code with it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from airflow_provider_partners.api.rsql.expressions import Expression, field, parse
from airflow_provider_partners.sandbox.yofi import rsql as reader

ALPHABET = "ab7 ,;()'\"\\=!~<>*%&+#?/:.-_@[]{}|^`$\t\n\réßЖ漢🙂\u00a0\u2028 and or "
OPERATORS = ("==", "!=", ">", ">=", "<", "<=", "=in=", "=out=")

Tree = tuple[Any, ...]


def text(rng: random.Random) -> str:
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(12)))


def comparison(rng: random.Random) -> tuple[Expression, Tree]:
    name, operator = rng.choice(["state", "order_id", "a.b", "größe"]), rng.choice(OPERATORS)
    values = [text(rng) for _ in range(rng.randrange(1, 4) if operator.startswith("=i") else 1)]
    selector = field(name)
    built = {
        "==": lambda: selector == values[0],
        "!=": lambda: selector != values[0],
        ">": lambda: selector > values[0],
        ">=": lambda: selector >= values[0],
        "<": lambda: selector < values[0],
        "<=": lambda: selector <= values[0],
        "=in=": lambda: selector.in_(values),
        "=out=": lambda: selector.not_in(values),
    }[operator]()
    return built, (name, operator, tuple(values))


def expression(rng: random.Random, depth: int = 0) -> tuple[Expression, Tree]:
    """An expression and its meaning: a comparison, or several joined by one operator."""
    if depth > 3 or rng.random() < 0.4:
        return comparison(rng)
    word = rng.choice(["and", "or"])
    parts = [expression(rng, depth + 1) for _ in range(rng.randrange(2, 4))]
    built = parts[0][0]
    for part, _ in parts[1:]:
        built = built & part if word == "and" else built | part
    return built, joined(word, [meaning for _, meaning in parts])


def joined(word: str, meanings: list[Tree]) -> Tree:
    flat: list[Tree] = []
    for meaning in meanings:
        flat += meaning[1] if meaning[0] == word and len(meaning) == 2 else [meaning]
    return word, flat


def normalized(node: Any) -> Tree:
    """Return the sandbox's tree in the form of this test."""
    if isinstance(node, reader.Comparison):
        return node.selector, node.operator, node.values
    return joined(node.operator, [normalized(each) for each in node.nodes])


@pytest.mark.parametrize("seed", range(20))
def test_any_text_makes_a_round_trip(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(200):
        value = text(rng)
        written = str(field("state") == value)

        assert normalized(reader.parse(written)) == ("state", "==", (value,)), written


@pytest.mark.parametrize("seed", range(20))
def test_any_expression_makes_a_round_trip(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(50):
        built, meaning = expression(rng)

        assert normalized(reader.parse(str(built))) == meaning, str(built)


@pytest.mark.parametrize("seed", range(20))
def test_both_parsers_give_a_users_text_the_same_meaning(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(50):
        built, meaning = expression(rng)

        assert normalized(reader.parse(str(parse(str(built))))) == meaning


@pytest.mark.parametrize(
    "user_text",
    [
        "a==1",
        "a=gt=1;b=le=2",
        "a==1 and b==2 or c==3",
        "(a==1,b==2);c==3",
        "a=in=(1,'x y',\"z\")",
        "a=out=1",
        "a=='it\\'s'",
        'a=="\\""',
        "a==new\\line",
        "a==2025-06-06T11:54:41Z",
        "a==*x@y+z/#1",
        "and==1;or==2",
        " a==1 ; b==2 ",
    ],
)
def test_a_users_text_keeps_its_meaning(user_text: str) -> None:
    assert normalized(reader.parse(str(parse(user_text)))) == normalized(reader.parse(user_text))
