"""Parsers of the partners' query languages that are not ours.

`@rsql/parser <https://www.npmjs.com/package/@rsql/parser>`_ reads RSQL by the grammar of Java's rsql-parser, and
`qs <https://www.npmjs.com/package/qs>`_ is what Node's servers, Voucherify's among them, read queries with. Both run in
Node. ``make properties`` installs them; without them a test is skipped. Shopify publishes no parser of its search
syntax, so :func:`search_groups` reads it by the rules of https://shopify.dev/docs/api/usage/search-syntax.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / ".venv" / "parsers"

_SCRIPT = """
const parsers = {
  rsql: text => require("@rsql/parser").parse(text),
  qs: text => require("qs").parse(text, {depth: 10}),
}
require("readline").createInterface({input: process.stdin}).on("line", line => {
  const [name, text] = JSON.parse(line)
  let answer
  try { answer = {value: parsers[name](text)} } catch (error) { answer = {error: String(error)} }
  process.stdout.write(JSON.stringify(answer) + "\\n")
})
"""


class NodeParsers:
    """Parsers in one process of Node."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def parse(self, name: str, text: str) -> Any:
        """Return the tree of a text.

        :param name: ``rsql`` or ``qs``
        :raises ValueError: when the parser refuses it
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([name, text]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["value"]


@contextmanager
def node_parsers() -> Iterator[NodeParsers]:
    """Run Node with the parsers, or skip the test."""
    node = shutil.which("node")
    if not node or not (FOLDER / "node_modules" / "qs").is_dir():
        pytest.skip("Node's parsers are not installed: run make properties")
    command = [node, "-e", _SCRIPT]
    with subprocess.Popen(
        command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        yield NodeParsers(process)
        assert process.stdin
        process.stdin.close()


# --- Shopify's search syntax ---


def search_tokens(query: str, *, quotes_in_words: bool = False) -> list[tuple[str, str]]:
    """Return the tokens of a search: ``(``, ``)``, and words, in which quoted phrases may stand, with their texts.

    The page says: a phrase is in single or double quotes, a backslash escapes a special character, parentheses group
    and blanks separate. A value is a name or a phrase, so that a quote inside of a name is a letter like any other.

    :param quotes_in_words: read a quote inside of a name as the begin of a phrase, too
    :raises ValueError: for a quote without its counterpart, or a backslash at the end
    """
    tokens: list[tuple[str, str]] = []
    place = 0
    while place < len(query):
        character = query[place]
        if character in "()":
            tokens.append((character, character))
            place += 1
        elif character.isspace():
            place += 1
        else:
            word, place = _search_word(query, place, quotes_in_words=quotes_in_words)
            tokens.append(("word", word))
    return tokens


def _search_word(query: str, place: int, *, quotes_in_words: bool) -> tuple[str, int]:
    """Return a term, and the place after it."""
    word, begins = "", True
    while place < len(query) and not query[place].isspace() and query[place] not in "()":
        character = query[place]
        if character == "\\":
            if place + 1 == len(query):
                message = "a backslash escapes nothing"
                raise ValueError(message)
            word += query[place + 1]
            place, begins = place + 2, False
        elif character in "'\"" and (begins or quotes_in_words):
            phrase, place = _search_phrase(query, place)
            word, begins = word + phrase, False
        else:
            word += character
            begins = character == ":" or (begins and character in "<>=-")
            place += 1
    return word, place


def _search_phrase(query: str, place: int) -> tuple[str, int]:
    quote, phrase = query[place], ""
    place += 1
    while place < len(query):
        if query[place] == "\\" and place + 1 < len(query):
            phrase += query[place + 1]
            place += 2
        elif query[place] == quote:
            return phrase, place + 1
        else:
            phrase += query[place]
            place += 1
    message = "a quote has no counterpart"
    raise ValueError(message)


def search_groups(query: str, *, quotes_in_words: bool = False) -> list[Any]:
    """Return the terms of a search, with a list for each pair of parentheses.

    :raises ValueError: for a parenthesis without its counterpart
    """
    stack: list[list[Any]] = [[]]
    for kind, word in search_tokens(query, quotes_in_words=quotes_in_words):
        if kind == "(":
            stack.append([])
        elif kind == ")":
            if len(stack) == 1:
                message = "a parenthesis has no counterpart"
                raise ValueError(message)
            group = stack.pop()
            stack[-1].append(group)
        else:
            stack[-1].append(word)
    if len(stack) > 1:
        message = "a parenthesis has no counterpart"
        raise ValueError(message)
    return stack[0]


def search_phrase(text: str, quote: str = "'") -> str:
    """Return a text as a quoted phrase of the search syntax."""
    return quote + re.sub(r"""([\\'"])""", r"\\\1", text) + quote
