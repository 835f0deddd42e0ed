"""Looking over a GraphQL document that a user wrote, before it is sent.

Only what paging needs is checked, so that a walk can't read the first page for ever: which operations the
document has, that ``$after`` is declared and used, that a page size goes along. Whether the fields exist is
the partner's to say. Must not know any schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_provider_partners.exceptions import ConfigurationError

_TEXT_OR_COMMENT = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*')
_OPERATION = re.compile(r"\b(query|mutation|subscription)\b\s*([_A-Za-z]\w*)?\s*(?=[({@])")

PAGING_REMEDY = (
    'A paged document looks like: query Events($first: Int!, $after: String) { app(id: "…") { '
    "events(first: $first, after: $after) { pageInfo { hasNextPage } edges { cursor node { … } } } } }"
)


@dataclass(frozen=True, slots=True)
class PagedDocument:
    """A user's document that can be walked.

    :param text: as it is sent
    :param declares_first: whether it takes its page size as ``$first``
    """

    text: str
    declares_first: bool


def validate_paged_document(document: str, *, max_length: int) -> PagedDocument:
    """Check that a document can be walked page by page.

    :param document: a user's own, with one query
    :param max_length: the most characters the API takes
    :raises ConfigurationError: telling what is missing
    """
    if len(document) > max_length:
        message = f"the document has {len(document):,} characters, the API takes {max_length:,}"
        raise ConfigurationError(message, remedy="Ask for fewer fields, or in several documents.")
    code = _TEXT_OR_COMMENT.sub(" ", document)
    operations = [match.group(1) for match in _top_level_operations(code)]
    if operations != ["query"]:
        held = ", ".join(operations) or "none that takes variables"
        message = f"the document must hold exactly one query, it holds {held}"
        raise ConfigurationError(message, remedy=PAGING_REMEDY)
    for pattern, missing in (
        (r"\$after\s*:\s*String\b", "doesn't declare the variable $after: String"),
        (r"\bafter\s*:\s*\$after\b", "doesn't pass 'after: $after' to its connection"),
        (r"\bfirst\s*:\s*(?:\$\w+|\d+)", "doesn't pass a page size ('first') to its connection"),
        (r"\bhasNextPage\b", "doesn't ask for pageInfo { hasNextPage }"),
        (r"\b(?:cursor|endCursor)\b", "doesn't ask for edges { cursor } or pageInfo { endCursor }"),
    ):
        if not re.search(pattern, code):
            message = f"the document {missing}, so it would give the same page for ever or only the first"
            raise ConfigurationError(message, remedy=PAGING_REMEDY)
    return PagedDocument(document, declares_first=bool(re.search(r"\$first\s*:", code)))


def _top_level_operations(code: str) -> list[re.Match[str]]:
    """The operations at the top level, where no brace is open."""
    found: list[re.Match[str]] = []
    for match in _OPERATION.finditer(code):
        before = code[: match.start()]
        if before.count("{") == before.count("}") and before.count("(") == before.count(")"):
            found.append(match)
    return found


def has_balanced_braces(selection: str) -> bool:
    """Whether a piece of GraphQL can be set into a document without reaching out of its place.

    :param selection: fields, as a user adds them
    """
    depth = 0
    for mark in _TEXT_OR_COMMENT.sub(" ", selection):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        if depth < 0:
            return False
    return depth == 0
